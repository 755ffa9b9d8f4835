"""What can be estimated from columns and weights: values, and each row's influence on them.

A functional knows nothing of strata, clusters or calibration. Its influence is each row's weight times its linearised
value, so that the variance of the value is that of the influence's total; `samples.Sample` estimates it by the design.

Source: Deville (1999), "Variance estimation for complex statistics and estimators"; Särndal, Swensson and Wretman
(1992), §5.5.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analysis.estimation.totals import Floats, Integers


class Functional(Protocol):
    """P numbers that follow from the weights (n,) of the rows, which are 0 outside the analysed subset."""

    def values(self, weights: Floats) -> Floats:
        """The numbers (P,), NaN where they do not exist."""

    def influence(self, weights: Floats) -> Floats:
        """Weight times linearised value of each row (n, P), 0 where the weight is 0."""


@dataclass(frozen=True)
class Totals:
    """The totals of P columns.

    Attributes:
        y: (n, P), NaN where not answered, which adds nothing.
    """

    y: Floats

    def values(self, weights: Floats) -> Floats:
        """The weighted totals (P,); 0 where nobody answered."""
        total: Floats = weights @ np.nan_to_num(self.y)
        return total

    def influence(self, weights: Floats) -> Floats:
        """The products w y (n, P)."""
        return weights[:, None] * np.nan_to_num(self.y)


@dataclass(frozen=True)
class Ratios:
    """The ratios of the totals of P pairs of columns.

    Attributes:
        y, x: numerators and denominators (n, P); a row without one of the two is left out of that pair.
    """

    y: Floats
    x: Floats

    def _parts(self, weights: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        answered = ~(np.isnan(self.y) | np.isnan(self.x))
        y, x = np.where(answered, self.y, 0.0), np.where(answered, self.x, 0.0)
        divisor: Floats = weights @ x
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(divisor != 0, (weights @ y) / divisor, np.nan)
        return y, x, ratio, divisor

    def values(self, weights: Floats) -> Floats:
        """Σ w y / Σ w x (P,); NaN where the denominator is 0."""
        return self._parts(weights)[2]

    def influence(self, weights: Floats) -> Floats:
        """The products w (y - r x) / Σ w x (n, P); NaN in the columns whose ratio does not exist."""
        y, x, ratio, divisor = self._parts(weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Floats = weights[:, None] * ((y - ratio * x) / divisor)
        return np.where(weights[:, None] != 0, found, 0.0)


@dataclass(frozen=True)
class Means:
    """The means of P columns, each over those who answered it.

    Attributes:
        y: (n, P), NaN where not answered.
    """

    y: Floats

    def values(self, weights: Floats) -> Floats:
        """The weighted means (P,); NaN where nobody answered."""
        return Ratios(self.y, np.ones_like(self.y)).values(weights)

    def influence(self, weights: Floats) -> Floats:
        """The products w (y - mean) / Σ w (n, P), 0 for rows without an answer."""
        return Ratios(self.y, np.ones_like(self.y)).influence(weights)


@dataclass(frozen=True)
class DomainMeans:
    """The means of one column in D domains.

    Attributes:
        y: (n,), NaN where not answered.
        domain: the index of each row's domain (n,), -1 for none; n_domains: D.
    """

    y: Floats
    domain: Integers
    n_domains: int

    def _parts(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        w = np.where((self.domain >= 0) & ~np.isnan(self.y), weights, 0.0)
        code = np.maximum(self.domain, 0)
        divisor = np.asarray(np.bincount(code, weights=w, minlength=self.n_domains), dtype=np.float64)
        total = np.bincount(code, weights=w * np.nan_to_num(self.y), minlength=self.n_domains)
        with np.errstate(divide="ignore", invalid="ignore"):
            return w, divisor, np.where(divisor != 0, total / divisor, np.nan)

    def values(self, weights: Floats) -> Floats:
        """The weighted means (D,); NaN where nobody answered."""
        return self._parts(weights)[2]

    def influence(self, weights: Floats) -> Floats:
        """The products w (y - mean) / Σ w of the row's domain, 0 in the columns of the others (n, D)."""
        w, divisor, means = self._parts(weights)
        found = np.zeros((len(w), self.n_domains))
        rows = np.flatnonzero(w != 0)
        domain = self.domain[rows]
        found[rows, domain] = w[rows] * (self.y[rows] - means[domain]) / divisor[domain]
        return found


@dataclass(frozen=True)
class SmoothFunction:
    """P differentiable functions of the totals of Q columns.

    Attributes:
        x: (n, Q), NaN where not answered, which adds nothing.
        function: totals (Q,) → values (P,); jacobian: totals (Q,) → derivatives (P, Q).
    """

    x: Floats
    function: Callable[[Floats], Floats]
    jacobian: Callable[[Floats], Floats]

    def values(self, weights: Floats) -> Floats:
        """The function of the weighted totals (P,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.function(Totals(self.x).values(weights))

    def influence(self, weights: Floats) -> Floats:
        """The derivatives times the influence of the totals (n, P)."""
        totals = Totals(self.x)
        with np.errstate(divide="ignore", invalid="ignore"):
            derivatives = self.jacobian(totals.values(weights))
        found: Floats = totals.influence(weights) @ derivatives.T
        return found
