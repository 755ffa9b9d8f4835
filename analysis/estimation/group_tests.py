"""Whether groups differ: t tests of means and rank tests, by the design.

Source: Korn and Graubard (1999), Analysis of Health Surveys, §3.2; Lumley and Scott (2013), "Two-sample rank tests
under complex sampling"; R survey 4.1, svyttest and svyranktest. Golden files: tests/golden/oracle,
tests/golden/proportions.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.errors import SpecError
from analysis.estimation.functionals import DomainMeans, Means, Totals
from analysis.estimation.intervals import t_interval
from analysis.estimation.samples import Estimated, Sample
from analysis.estimation.totals import Floats, Integers

RANK_TESTS = ("wilcoxon", "vanderWaerden", "median", "KruskalWallis")


@dataclass(frozen=True, slots=True)
class TTest:
    """A difference, in the unit of the variable, and whether it is one.

    Attributes:
        estimate: the difference of two means, or a mean from 0; se: its standard error.
        df: degrees of freedom, those of the design less 1.
        t: estimate over se; p_value: of a difference of this size or more, of either sign, where there is none.
        low, high: the bounds of the t interval. All four are None where they do not exist, and `reason` says why.
        n: rows that answered.
    """

    estimate: float
    se: float | None
    df: float
    t: float | None
    p_value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class RankTest:
    """A comparison of groups by the ranks of their answers.

    Attributes:
        estimate, t: the difference of the mean scores of two groups, and over its standard error; None for more groups.
        chi2: the Wald statistic of more than two groups; None for two.
        ndf: the groups less 1; df: degrees of freedom, those of the answered rows less ndf.
        p_value: None where it does not exist, and `reason` says why.
        n: rows that answered.
    """

    estimate: float | None
    t: float | None
    chi2: float | None
    ndf: int
    df: float
    p_value: float | None
    n: int
    reason: str | None


@dataclass(frozen=True)
class _Difference:
    """The mean of the second of two groups less that of the first, as a functional."""

    means: DomainMeans

    def values(self, weights: Floats) -> Floats:
        """The difference (1,)."""
        first, second = self.means.values(weights)
        return np.array([second - first])

    def influence(self, weights: Floats) -> Floats:
        """Weight times linearised value (n, 1)."""
        found: Floats = self.means.influence(weights) @ np.array([[-1.0], [1.0]])
        return found


def mean_test(sample: Sample, y: Floats, level: float = 0.95) -> TTest:
    """Whether the mean of a column, perhaps a difference of two, is 0.

    Arguments:
        sample: the sample.
        y: (n,), NaN where missing; a row without one is left out but stays in the design.
        level: confidence of the interval, above 0 and below 1.

    Degrees of freedom are those of all analysed rows less 1, as R has them.
    Raises SpecError where nobody answered, DesignError under "fail" where a stratum has one PSU.
    """
    answered = sample.within(~np.isnan(y))
    if not (answered.active != 0).any():
        raise SpecError("found no row with an answer, expected two or more")
    found = answered.estimate(Means(y[:, None]))
    return _t_test(found, sample.df - 1, int(answered.inside.sum()), level)


def difference_test(sample: Sample, y: Floats, group: Integers, level: float = 0.95) -> TTest:
    """Whether the means of two groups differ: the second less the first.

    Arguments:
        sample: the sample; groups may share its PSUs.
        y: (n,), NaN where missing.
        group: 0 or 1 for each row (n,), -1 where missing. Rows that lack one of the two are left out.
        level: confidence of the interval, above 0 and below 1.

    Degrees of freedom are those of the answered rows less 1 (with replicates, of all analysed rows less 1).
    Raises SpecError where not both groups have answers, DesignError under "fail" where a stratum has one PSU.
    """
    answered, codes = _groups(sample, y, group)
    if len(codes) != 2 or codes[-1] != 1:
        raise SpecError(f"found {len(codes)} groups with answers, expected two")
    found = answered.estimate(_Difference(DomainMeans(y, group, 2)))
    df = (answered if sample.replicates is None else sample).df - 1
    return _t_test(found, df, int(answered.inside.sum()), level)


def rank_test(sample: Sample, y: Floats, group: Integers, test: str = "wilcoxon") -> RankTest:
    """Whether the answers of groups lie equally high.

    Arguments:
        sample: the sample; groups may share its PSUs.
        y: (n,), NaN where missing.
        group: 0, 1, … for each row (n,), -1 where missing. Rows that lack one of the two are left out.
        test: the score of a rank r of N people, with the mean rank of ties: wilcoxon and KruskalWallis r / N,
            vanderWaerden the normal quantile of it, median 1 above N / 2 and else 0.

    Ranks are those of the population that the weights stand for, and count as given. Of two groups the difference of
    mean scores is tested by t, of more all differences together by F.

    Raises SpecError where the test is not known or fewer than two groups have answers, DesignError under "fail" where a
    stratum has one PSU.
    """
    if test not in _SCORES:
        raise SpecError(f"test: found {test!r}, expected one of {', '.join(RANK_TESTS)}")
    answered, codes = _groups(sample, y, group)
    if len(codes) < 2:
        raise SpecError(f"found {len(codes)} groups with answers, expected two or more")
    rows = np.flatnonzero(answered.inside)
    weights = sample.weights[rows]
    if sample.design.weight is not None:
        # R keeps weights as probabilities; whether a rank is above half of the people may hang on the last digit.
        weights = 1 / (1 / weights)
    scores = _SCORES[test](_ranks(y[rows], weights), float(weights.astype(np.longdouble).sum()))
    means, influence = _score_means(scores, weights, np.searchsorted(codes, group[rows]), len(codes))
    n, ndf = len(rows), len(codes) - 1
    df = answered.df - ndf
    differences = means[1:] - means[0]
    everywhere = np.zeros((sample.n_rows, ndf))
    everywhere[rows] = influence[:, 1:] - influence[:, [0]]
    covariance = answered.estimate(Totals(everywhere)).covariance
    if ndf > 1:
        return _kruskal_wallis(differences, covariance, ndf, df, n)
    found = _t_test(Estimated(differences, covariance), df, n, 0.95)
    return RankTest(found.estimate, found.t, None, 1, df, found.p_value, n, found.reason)


def _groups(sample: Sample, y: Floats, group: Integers) -> tuple[Sample, Integers]:
    """The sample of those who answered and have a group, and the groups that occur."""
    answered = sample.within(~np.isnan(y) & (group >= 0) & (sample.weights != 0))
    return answered, np.unique(group[answered.inside])


def _t_test(found: Estimated, df: float, n: int, level: float) -> TTest:
    from scipy.special import stdtr

    estimate, variance = float(found.values[0]), float(found.covariance[0, 0])
    if not math.isfinite(variance):
        return TTest(estimate, None, df, None, None, None, None, n, "no stratum and no replicate has a known variance")
    se = math.sqrt(max(variance, 0.0))
    interval = t_interval(estimate, variance, df, level)
    if interval is None:
        reason = f"{df:g} degrees of freedom are left, PSUs minus strata minus 1"
        return TTest(estimate, se, df, estimate / se if se else None, None, None, None, n, reason)
    if se == 0:
        return TTest(estimate, se, df, None, None, *interval, n, "the standard error is 0")
    return TTest(estimate, se, df, estimate / se, 2 * float(stdtr(df, -abs(estimate / se))), *interval, n, None)


def _kruskal_wallis(differences: Floats, covariance: Floats, ndf: int, df: float, n: int) -> RankTest:
    from scipy.special import fdtrc

    try:
        chi2 = float(differences @ np.linalg.solve(covariance, differences))
    except np.linalg.LinAlgError:
        chi2 = math.nan
    if not math.isfinite(chi2) or chi2 < 0:
        return RankTest(None, None, None, ndf, df, None, n, "the covariance of the groups has no inverse")
    if df <= 0:
        reason = f"{df:g} degrees of freedom are left, PSUs minus strata minus {ndf}"
        return RankTest(None, None, chi2, ndf, df, None, n, reason)
    return RankTest(None, None, chi2, ndf, df, float(fdtrc(ndf, df, chi2 / ndf)), n, None)


def _ranks(y: Floats, weights: Floats) -> Floats:
    """The middle of each row's stretch of the sorted population, plain means where values are tied."""
    order = np.argsort(y, kind="stable")
    # Sums in extended precision, as R's.
    middle = np.cumsum(weights[order], dtype=np.longdouble).astype(np.float64) - weights[order] / 2
    _, tied = np.unique(y[order], return_inverse=True)
    mean = np.bincount(tied, weights=middle) / np.bincount(tied)
    ranks = np.empty(len(y))
    ranks[order] = mean[tied]
    return ranks


def _score_means(scores: Floats, weights: Floats, code: Integers, n_groups: int) -> tuple[Floats, Floats]:
    """The mean score of each group (G,), and each row's influence on them without its weight (m, G)."""
    totals = np.bincount(code, weights=weights, minlength=n_groups)
    means: Floats = np.bincount(code, weights=weights * scores, minlength=n_groups) / totals
    influence = np.zeros((len(code), n_groups))
    influence[np.arange(len(code)), code] = (scores - means[code]) / totals[code]
    return means, influence


def _normal_scores(ranks: Floats, total: float) -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(ranks / total), dtype=np.float64)


_SCORES: Mapping[str, Callable[[Floats, float], Floats]] = {
    "wilcoxon": lambda ranks, total: ranks / total,
    "KruskalWallis": lambda ranks, total: ranks / total,
    "vanderWaerden": _normal_scores,
    "median": lambda ranks, total: (ranks > total / 2).astype(np.float64),
}
