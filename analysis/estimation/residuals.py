"""What calibration leaves of influence values: the part that the known totals do not already say.

The linearised variance of an estimate with calibrated weights is that of these residuals' total.

Source: Deville and Särndal (1992), §3; Särndal, Swensson and Wretman (1992), §6.6; R survey, svyrecvar. Golden files:
cal_*.json of tests/golden/oracle.
"""

from dataclasses import dataclass

import numpy as np

from analysis.estimation.totals import Floats, Integers

# R sweeps the margins so often when it takes the raked part out of influence values.
_SWEEPS = 10


@dataclass(frozen=True)
class PostStratumResiduals:
    """Influence values without the mean of their post-stratum, weighted by the weights before.

    Attributes:
        stratum: of each row (n,), -1 for none; before, after: the weights (n,) before and after.
    """

    stratum: Integers
    before: Floats
    after: Floats

    def of(self, influence: Floats) -> Floats:
        """The residuals (n, P). Source: R survey, svyrecvar."""
        return _centred(influence, self.stratum, self.before, self.after)


@dataclass(frozen=True)
class RakedResiduals:
    """Influence values without the means of all margins, taken out in turn.

    R gives each row the same say in these means, whatever its weight, and takes ten turns; so do we.

    Attributes:
        margins: the categories of each row (n,) and the weights after that margin was met (n,).
    """

    margins: tuple[tuple[Integers, Floats], ...]

    def of(self, influence: Floats) -> Floats:
        """The residuals (n, P). Source: R survey, svyrecvar."""
        for _ in range(_SWEEPS):
            for categories, weights in self.margins:
                influence = _centred(influence, categories, (weights != 0).astype(np.float64), weights)
        return influence


@dataclass(frozen=True)
class RegressionResiduals:
    """Influence values without what a regression on the calibrated columns explains.

    Attributes:
        basis: an orthonormal basis of the columns times the square roots of the weights before (n, K).
        scale: the factor of each row times that square root (n,).
    """

    basis: Floats
    scale: Floats

    def of(self, influence: Floats) -> Floats:
        """The residuals (n, P). Source: Deville and Särndal (1992), equation 3.4; R survey, svyrecvar."""
        safe = np.where(self.scale != 0, self.scale, 1.0)[:, None]
        values = influence / safe
        return (values - self.basis @ (self.basis.T @ values)) * safe


def _centred(values: Floats, code: Integers, before: Floats, after: Floats) -> Floats:
    """Values less their category's mean of value / after, weighted by `before`, times `after`."""
    size = int(code.max(initial=-1)) + 1
    here, safe = code >= 0, np.where(after != 0, after, 1.0)
    codes, shares = code[here], (before / safe)[here]
    sums = np.bincount(codes, weights=before[here], minlength=size)
    found = values.copy()
    for p in range(values.shape[1]):
        means = np.bincount(codes, weights=values[here, p] * shares, minlength=size) / np.where(sums != 0, sums, 1.0)
        found[here, p] -= means[codes] * after[here]
    return found


def orthonormal_basis(matrix: Floats) -> Floats:
    """An orthonormal basis (n, r) of the columns, of which some may depend on others."""
    size = np.linalg.norm(matrix, axis=0)
    left, values, _ = np.linalg.svd(matrix[:, size > 0] / size[size > 0], full_matrices=False)
    found: Floats = left[:, values > 1e-10 * values.max(initial=0.0)]
    return found
