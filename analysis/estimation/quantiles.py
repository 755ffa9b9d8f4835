"""Quantiles of a weighted sample, with intervals of Woodruff or from replicates.

The interval of a quantile is that of the share of people at or below it, carried back: where the share's bounds are
reached on the same sorted values. Its length over that of a t interval gives the standard error.

Source: Woodruff (1952), "Confidence intervals for medians and other position measures"; R survey 4.1, svyquantile.
Golden files: tests/golden/oracle, tests/golden/proportions.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from analysis.errors import DesignError, SpecError
from analysis.estimation.domains import Domains, Part, df_of, everybody, means_of_parts, n_design_rows
from analysis.estimation.intervals import arcsine_interval, discrete_interval, logit_interval, t_interval, t_quantile
from analysis.estimation.proportions import ROUNDING
from analysis.estimation.quantile_rules import RULES, Ordered, quantile_of
from analysis.estimation.replicates import replicate_covariance
from analysis.estimation.samples import Sample
from analysis.estimation.totals import Floats, Integers

Ends: TypeAlias = tuple[float | None, float | None]
INTERVAL_TYPES = ("mean", "beta", "xlogit", "asin", "quantile")


@dataclass(frozen=True, slots=True)
class Quantile:
    """One quantile in one domain, in the unit of the variable.

    Attributes:
        probability: the share of people below it.
        value: None where nobody answered.
        se: half the interval over the quantile of t; None where the interval is open.
        low, high: the bounds; None where the share's bound lies beyond 0 or 1, or does not exist.
        df: degrees of freedom of the rows of the domain that answered; df_domain: of all its rows.
        n: rows that answered; n_missing: rows that did not.
    """

    probability: float
    value: float | None
    se: float | None
    low: float | None
    high: float | None
    df: float
    df_domain: float
    n: int
    n_missing: int


def quantiles(
    sample: Sample,
    x: Floats,
    probabilities: Sequence[float],
    domains: Domains | None = None,
    rule: str = "math",
    interval: str = "mean",
    level: float = 0.95,
) -> tuple[tuple[Quantile, ...], ...]:
    """Quantiles of one column in each domain, the column sorted once.

    Arguments:
        sample: the sample.
        x: (n,) numbers, NaN where missing; a row without one is left out but stays in the design.
        probabilities: Q shares from 0 to 1.
        domains: D domains; None: all analysed rows.
        rule: one of RULES.
        interval: what interval the share at or below the quantile has: "mean" p ± t · se, "beta", "xlogit" or "asin" as
            in `proportions`; or "quantile", the quantile ± t · se of its replicates.
        level: confidence, above 0 and below 1.

    Returns D rows of Q quantiles. Where everybody lies at or below a quantile, the share is 1 without a variance:
    "mean" then gives an interval of length 0, as R does, and the others none.

    Raises SpecError where a rule, an interval or a probability cannot be, or "quantile" has no replicates; DesignError
    under "fail" where a stratum of a domain has one PSU, and where weights below 0 leave no order of shares.
    """
    _check(sample, probabilities, rule, interval)
    if (sample.active < 0).any():
        raise DesignError(
            f"quantiles: found the weight {sample.active.min():g}, expected weights above 0 (as bounds make them)"
        )
    domains = everybody(sample) if domains is None else domains
    order = np.argsort(x, kind="stable")
    code = np.where(np.isnan(x), -1, domains.code)[order]
    by_domain = np.argsort(code, kind="stable")
    bounds = np.searchsorted(code[by_domain], np.arange(len(domains.labels) + 1))
    found = []
    for rows, (first, last) in zip(domains.rows(), pairwise(bounds), strict=True):
        rising = order[by_domain[first:last]]
        found.append(_Domain.of(sample, rows, rising, x[rising], probabilities, rule))
    if interval == "quantile":
        return tuple(domain.from_replicates(level) for domain in found)
    shares = means_of_parts(sample, (domain.below() for domain in found))
    return tuple(domain.from_shares(*share, interval, level) for domain, share in zip(found, shares, strict=True))


def _check(sample: Sample, probabilities: Sequence[float], rule: str, interval: str) -> None:
    if rule not in RULES:
        raise SpecError(f"qrule: found {rule!r}, expected one of {', '.join(RULES)}")
    if interval not in INTERVAL_TYPES:
        raise SpecError(f"interval_type: found {interval!r}, expected one of {', '.join(INTERVAL_TYPES)}")
    if interval == "quantile" and sample.replicates is None:
        raise SpecError("interval_type: found 'quantile' without replicate weights, expected some, or another interval")
    if wrong := [p for p in probabilities if not 0 <= p <= 1]:
        raise SpecError(f"quantiles: found {wrong[0]:g}, expected shares from 0 to 1")


@dataclass(frozen=True, slots=True)
class _Domain:
    """A domain with its quantiles.

    Attributes:
        rows: all its rows; rising: those that answered, in rising order (m,); ordered: their values and weights.
        values: the quantiles (Q,), NaN where nobody answered; df: degrees of freedom of those that answered.
    """

    sample: Sample
    rows: Integers
    rising: Integers
    ordered: Ordered
    probabilities: tuple[float, ...]
    rule: str
    values: Floats
    df: float

    @classmethod
    def of(
        cls, sample: Sample, rows: Integers, rising: Integers, x: Floats, probabilities: Sequence[float], rule: str
    ) -> "_Domain":
        ordered = Ordered.of(x, sample.weights[rising])
        values = np.array([quantile_of(ordered, p, rule) for p in probabilities])
        return cls(sample, rows, rising, ordered, tuple(probabilities), rule, values, df_of(sample, rising))

    def below(self) -> Part:
        """The rows with a weight, and whether each lies at or below each quantile (m, Q)."""
        weighted = self.rising[self.sample.weights[self.rising] > 0]
        # Row order, so that sums do not depend on what is asked for.
        order = np.argsort(weighted, kind="stable")
        return weighted[order], self.ordered.x[order][:, None] <= self.values

    def from_shares(self, shares: Floats, variances: Floats, interval: str, level: float) -> tuple[Quantile, ...]:
        """The quantiles with the intervals of the shares at or below them."""
        ends: list[Ends] = []
        for value, share, variance in zip(self.values, shares, variances, strict=True):
            is_whole = len(self.ordered.x) > 0 and value >= self.ordered.x[-1]
            if is_whole:
                share, variance = 1.0, 0.0
            found = self._share_interval(float(share), float(variance), interval, level)
            low, high = (math.nan, math.nan) if found is None else found
            ends.append((self._carried_back(low), self._carried_back(high)))
        return self._quantiles(ends, level)

    def from_replicates(self, level: float) -> tuple[Quantile, ...]:
        """The quantiles with the t intervals of their own replicates."""
        replicates = self.sample.replicates
        if replicates is None:
            raise ValueError("found no replicates, expected some")
        weighted = self.rising[self.sample.weights[self.rising] > 0]
        again = np.empty((len(self.values), replicates.weights.shape[1]))
        for r, weights in enumerate(replicates.weights[weighted].T):
            ordered = Ordered.of(self.ordered.x, weights)
            again[:, r] = [quantile_of(ordered, p, self.rule) for p in self.probabilities]
        ends: list[Ends] = []
        for value, row in zip(self.values, again, strict=True):
            variance = replicate_covariance(row[None, :], np.array([value]), replicates)[0, 0]
            ends.append(t_interval(float(value), float(variance), self.df, level) or (None, None))
        return self._quantiles(ends, level)

    def _share_interval(self, share: float, variance: float, interval: str, level: float) -> tuple[float, float] | None:
        if not math.isfinite(variance):
            return None
        variance = 0.0 if variance < ROUNDING else variance
        if interval == "mean":
            return t_interval(share, variance, self.df, level)
        if interval == "xlogit":
            return logit_interval(share, variance, self.df, level)
        if interval == "asin":
            return arcsine_interval(share, variance, self.df, level)
        return discrete_interval(share, variance, n_design_rows(self.sample, self.rising), self.df, level)

    def _carried_back(self, share: float) -> float | None:
        found = quantile_of(self.ordered, share, self.rule)
        return None if math.isnan(found) else found

    def _quantiles(self, ends: Sequence[Ends], level: float) -> tuple[Quantile, ...]:
        n = len(self.rising)
        n_missing = len(self.rows) - n
        df_domain = df_of(self.sample, self.rows) if n_missing else self.df
        found = []
        for p, value, (low, high) in zip(self.probabilities, self.values, ends, strict=True):
            se = None
            if low is not None and high is not None:
                se = (high - low) / (2 * t_quantile((1 + level) / 2, self.df))
            known = None if math.isnan(value) else float(value)
            found.append(Quantile(p, known, se, low, high, self.df, df_domain, n, n_missing))
        return tuple(found)
