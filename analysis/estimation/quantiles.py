"""Quantiles of a weighted sample, with intervals of Woodruff or from replicates.

The interval of a quantile is that of the share of people at or below it, carried back: where the share's bounds are
reached on the same sorted values. Its length over that of a t interval gives the standard error.

Source: Woodruff (1952), "Confidence intervals for medians and other position measures"; R survey 4.1, svyquantile.
Golden files: tests/golden/oracle, tests/golden/proportions.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.errors import SpecError
from analysis.estimation.domains import Domains, df_of, everybody, means_within
from analysis.estimation.intervals import arcsine_interval, discrete_interval, logit_interval, t_interval, t_quantile
from analysis.estimation.quantile_rules import RULES, Ordered, quantile_of
from analysis.estimation.replicates import ReplicateWeights, replicate_covariance
from analysis.estimation.samples import Sample
from analysis.estimation.totals import Floats, Integers

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
    under "fail" where a stratum of a domain has one PSU.
    """
    _check(sample, probabilities, rule, interval)
    domains = everybody(sample) if domains is None else domains
    order = np.argsort(x, kind="stable")
    code = np.where(np.isnan(x), -1, domains.code)[order]
    by_domain = np.argsort(code, kind="stable")
    bounds = np.searchsorted(code[by_domain], np.arange(len(domains.labels) + 1))
    found = []
    for rows, first, last in zip(domains.rows(), bounds[:-1], bounds[1:], strict=True):
        rising = order[by_domain[first:last]]
        domain = _Domain(sample, rows, rising, x[rising], rule, interval, level)
        found.append(domain.quantiles(probabilities))
    return tuple(found)


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
    """A domain: all its rows, those that answered in rising order (m,), and their values (m,)."""

    sample: Sample
    rows: Integers
    rising: Integers
    x: Floats
    rule: str
    interval: str
    level: float

    def quantiles(self, probabilities: Sequence[float]) -> tuple[Quantile, ...]:
        """The quantiles with their intervals."""
        n, n_missing = len(self.rising), len(self.rows) - len(self.rising)
        df_domain = df_of(self.sample, self.rows)
        df = df_of(self.sample, self.rising) if n_missing else df_domain
        ordered = Ordered.of(self.x, self.sample.weights[self.rising])
        if not len(ordered.x):
            return tuple(Quantile(p, None, None, None, None, df, df_domain, n, n_missing) for p in probabilities)
        values = [quantile_of(ordered, p, self.rule) for p in probabilities]
        if self.interval == "quantile":
            ends = self._of_replicates(values, probabilities, df)
        else:
            ends = self._of_shares(ordered, values, df)
        found = []
        for p, value, (low, high) in zip(probabilities, values, ends, strict=True):
            se = None
            if low is not None and high is not None:
                se = (high - low) / (2 * t_quantile((1 + self.level) / 2, df))
            found.append(Quantile(p, value, se, low, high, df, df_domain, n, n_missing))
        return tuple(found)

    def _of_shares(
        self, ordered: Ordered, values: Sequence[float], df: float
    ) -> list[tuple[float | None, float | None]]:
        # Row order, not rising order, so that sums do not depend on what is asked for.
        at = np.argsort(self.rising, kind="stable")
        is_below = (self.x[at][:, None] <= np.array(values)).astype(np.float64)
        found = means_within(self.sample, self.rising[at], is_below)
        ends: list[tuple[float | None, float | None]] = []
        for k in range(len(values)):
            share, variance = (
                (1.0, 0.0) if is_below[:, k].all() else (float(found.values[k]), float(found.covariance[k, k]))
            )
            bounds = self._share_interval(share, variance, df)
            low, high = (None, None) if bounds is None else bounds
            ends.append(
                (
                    None if low is None or low < 0 else quantile_of(ordered, low, self.rule),
                    None if high is None or high > 1 else quantile_of(ordered, high, self.rule),
                )
            )
        return ends

    def _share_interval(self, share: float, variance: float, df: float) -> tuple[float, float] | None:
        if not math.isfinite(variance):
            return None
        variance = max(variance, 0.0)
        if self.interval == "mean":
            return t_interval(share, variance, df, self.level)
        if self.interval == "xlogit":
            return logit_interval(share, variance, df, self.level)
        if self.interval == "asin":
            return arcsine_interval(share, variance, df, self.level)
        n_rows = self.sample.n_rows if self.sample.calibration else len(self.rising)
        return discrete_interval(share, variance, n_rows, df, self.level)

    def _of_replicates(
        self, values: Sequence[float], probabilities: Sequence[float], df: float
    ) -> list[tuple[float | None, float | None]]:
        replicates: ReplicateWeights | None = self.sample.replicates
        if replicates is None:
            raise ValueError("found no replicates, expected some")
        weights = replicates.weights[self.rising]
        again = np.array([[quantile_of(Ordered.of(self.x, w), p, self.rule) for w in weights.T] for p in probabilities])
        ends: list[tuple[float | None, float | None]] = []
        for value, row in zip(values, again, strict=True):
            variance = float(replicate_covariance(row[None, :], np.array([value]), replicates)[0, 0])
            ends.append(t_interval(value, variance, df, self.level) or (None, None))
        return ends
