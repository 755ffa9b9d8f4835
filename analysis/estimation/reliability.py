"""Reliability of scales: Cronbach's alpha with its interval, from plain answers and from a designed sample.

Source: Cronbach (1951), "Coefficient alpha and the internal structure of tests"; Feldt (1965), "The approximate
sampling distribution of Kuder-Richardson reliability coefficient twenty"; Duhachek and Iacobucci (2004), "Alpha's
standard error", equation 4; Guttman (1945), λ6; R psych, alpha, and survey, svycralpha. Golden: tests/golden/oracle
(kinds cronbach_alpha, svycralpha), tests/golden/models.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.errors import DesignError
from analysis.estimation.intervals import standard_error, t_interval
from analysis.estimation.samples import Sample
from analysis.estimation.totals import Floats

LEVEL = 0.95
_LEAST_SHARE_OF_SUM = 1e-24


@dataclass(frozen=True, slots=True)
class Alpha:
    """Cronbach's alpha of k items, and what is told beside it.

    Attributes:
        raw, standardised: of covariances and of correlations; se: of Duhachek and Iacobucci; low, high: of Feldt.
        g6: Guttman's λ6; average_r, median_r: of the correlations; mean, sd: of the rows' mean answers.
        if_dropped: raw alpha without each item (k,), NaN where it does not exist; r_drop: correlation of each item with
            the sum of the others (k,); r_cor: with the whole, corrected for overlap and unreliability (k,).
        n: rows, answered or not; n_complete: rows that answered every item; raw_complete: alpha of these alone, NaN
            where it does not exist.
    """

    raw: float
    standardised: float
    se: float
    low: float
    high: float
    g6: float
    average_r: float
    median_r: float
    mean: float
    sd: float
    if_dropped: Floats
    r_drop: Floats
    r_cor: Floats
    n: int
    n_complete: int
    raw_complete: float


def alpha_of(answers: Floats, keys: Sequence[int], names: Sequence[str]) -> Alpha:
    """Cronbach's alpha of unweighted answers; the covariance of two items comes from the rows that answered both.

    Arguments:
        answers: (n, k), NaN where missing, k at least 2.
        keys: -1 for items that are turned round, else 1 (k,).
        names: the items' names, for messages (k,).

    Raises DesignError where an item has one answer throughout, two items were never answered together, or the items
    cancel one another so that their sum does not vary.
    """
    signs = np.asarray(keys, dtype=np.float64)
    covariance = _known(pairwise_covariance(answers), names) * np.outer(signs, signs)
    correlation = _correlation(covariance)
    n, k = answers.shape
    raw = _raw(covariance)
    low, high = feldt_interval(raw, n, k)
    of_rows = _row_means(answers, signs)
    smc = squared_multiple_correlations(correlation)
    diagonal = correlation + np.diag(smc - 1)
    complete = answers[~np.isnan(answers).any(axis=1)]
    pairs = correlation[np.tril_indices(k, -1)]
    return Alpha(
        raw=raw,
        standardised=_raw(correlation),
        se=_standard_error(covariance, n),
        low=low,
        high=high,
        g6=float(1 - (k - smc.sum()) / correlation.sum()),
        average_r=float(pairs.mean()),
        median_r=float(np.median(pairs)),
        mean=float(of_rows.mean()),
        sd=float(of_rows.std(ddof=1)),
        if_dropped=np.array([_dropped(covariance, place) for place in range(k)]),
        r_drop=np.array([_with_others(covariance, place) for place in range(k)]),
        r_cor=diagonal.sum(axis=0) / np.sqrt(diagonal.sum()),
        n=n,
        n_complete=len(complete),
        raw_complete=_complete(complete, signs),
    )


def pairwise_covariance(answers: Floats) -> Floats:
    """The covariance (k, k) of each two columns over the rows that have both, NaN where fewer than two have."""
    known = (~np.isnan(answers)).astype(np.float64)
    # About a rough centre the sums lose no digits; the rows of each pair then have a mean of their own.
    filled = np.nan_to_num(answers)
    centre = filled.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    y = np.where(known > 0, filled - centre, 0.0)
    counts, sums = known.T @ known, y.T @ known
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = (y.T @ y - sums * sums.T / counts) / (counts - 1)
    return np.where(counts > 1, found, np.nan)


def feldt_interval(alpha: float, n: int, k: int, level: float = LEVEL) -> tuple[float, float]:
    """The interval of an alpha of k items from n rows, for items of equal covariances and normal answers."""
    first, second = n - 1, (n - 1) * (k - 1)
    share = (1 - level) / 2
    # The lower bound belongs to the upper quantile: (1 - α) of the sample over that of the people has an F law.
    low, high = (1 - (1 - alpha) * float(special.fdtri(first, second, q)) for q in (1 - share, share))
    return low, high


def squared_multiple_correlations(correlation: Floats) -> Floats:
    """How much of each item the others explain (k,), from 0 to 1."""
    found = 1 - 1 / np.diag(np.linalg.pinv(correlation, hermitian=True))
    return np.clip(found, 0.0, 1.0)


@dataclass(frozen=True)
class DesignAlpha:
    """Cronbach's alpha of weighted answers as a functional of weights.

    Attributes:
        answers: (n, k) without missing ones where weights are not 0, already turned by the keys.
    """

    answers: Floats

    def values(self, weights: Floats) -> Floats:
        """Alpha (1,); NaN where the sum of the items does not vary."""
        _, _, items, whole = self._parts(weights)
        k = self.answers.shape[1]
        return np.array([k / (k - 1) * (1 - items / whole)])

    def influence(self, weights: Floats) -> Floats:
        """Each row's weighted linearised value (n, 1)."""
        y, size, items, whole = self._parts(weights)
        k = y.shape[1]
        of_items = (y**2).sum(axis=1) - items
        of_whole = y.sum(axis=1) ** 2 - whole
        value = -k / (k - 1) * (of_items / whole - items * of_whole / whole**2)
        return np.where(weights != 0, weights * value / size, 0.0)[:, None]

    def _parts(self, weights: Floats) -> tuple[Floats, float, float, float]:
        """Centred answers (n, k), the sum of weights, the sum of the items' variances and the variance of their sum."""
        # A replicate may hold no complete row.
        size = float(weights.sum()) or np.nan
        y = np.where((weights != 0)[:, None], np.nan_to_num(self.answers), 0.0)
        y = np.where((weights != 0)[:, None], y - (weights @ y) / size, 0.0)
        items, whole = float(weights @ (y**2).sum(axis=1)) / size, float(weights @ y.sum(axis=1) ** 2) / size
        # Items that outweigh each other leave a sum of nothing but rounding.
        return y, size, items, whole if whole > _LEAST_SHARE_OF_SUM * items else np.nan


@dataclass(frozen=True, slots=True)
class WeightedAlpha:
    """Cronbach's alpha of the people whom a sample stands for.

    Attributes:
        value: alpha; se: its standard error, linearised or from replicates; low, high: the interval; each None where
            there is none, with `reason`.
        df: degrees of freedom of the complete rows; n: their number.
    """

    value: float
    se: float | None
    low: float | None
    high: float | None
    df: float
    n: int
    reason: str | None


def weighted_alpha(sample: Sample, answers: Floats, keys: Sequence[int]) -> WeightedAlpha:
    """Cronbach's alpha from the rows that answered every item, with an interval that knows the design.

    The interval is a t interval for log(1 - α), which is nearer to normal than α and never passes 1.

    Arguments:
        sample: the rows with their weights.
        answers: (n, k), NaN where missing.
        keys: -1 for items that are turned round, else 1 (k,).

    Raises DesignError where no two rows are complete, or the sum of the items does not vary.
    Source: R survey, svycralpha (the value); Deville (1999) (the linearised value); Bonett (2002), "Sample size
    requirements for testing and estimating coefficient alpha" (the logarithm).
    """
    complete = sample.within(np.asarray(~np.isnan(answers).any(axis=1)))
    n = int(np.count_nonzero(complete.active))
    if n < 2:
        raise DesignError(f"alpha: found {n} rows that answered every item, expected two or more")
    found = complete.estimate(DesignAlpha(answers * np.asarray(keys, dtype=np.float64)))
    value, variance, df = float(found.values[0]), float(found.covariance[0, 0]), complete.df
    if not np.isfinite(value):
        raise DesignError("alpha: found items whose sum does not vary, expected answers that differ")
    se = standard_error(variance)
    if se is None:
        return WeightedAlpha(value, None, None, None, df, n, "no stratum and no replicate has a known variance")
    if value == 1:
        return WeightedAlpha(value, se, None, None, df, n, "all items have the same answers")
    bounds = t_interval(float(np.log1p(-value)), variance / (1 - value) ** 2, df, LEVEL)
    if bounds is None:
        return WeightedAlpha(value, se, None, None, df, n, f"{df:g} degrees of freedom are left, PSUs minus strata")
    with np.errstate(over="ignore"):
        low = -float(np.expm1(bounds[1]))
    if not np.isfinite(low):
        return WeightedAlpha(value, se, None, None, df, n, "the lower end of the interval is below any number")
    return WeightedAlpha(value, se, low, -float(np.expm1(bounds[0])), df, n, None)


def _known(covariance: Floats, names: Sequence[str]) -> Floats:
    flat = [name for name, variance in zip(names, np.diag(covariance), strict=True) if not variance > 0]
    if flat:
        raise DesignError(f"alpha: found one answer, or none, throughout {', '.join(flat)}, expected items that vary")
    apart = np.argwhere(np.isnan(covariance))
    if len(apart):
        one, other = (names[place] for place in apart[0])
        raise DesignError(f"alpha: found no two rows that answered both {one} and {other}, expected some")
    return covariance


def _correlation(covariance: Floats) -> Floats:
    scale = np.sqrt(np.diag(covariance))
    found: Floats = covariance / np.outer(scale, scale)
    if found.sum() <= 0 or covariance.sum() <= 0:
        raise DesignError("alpha: found items that cancel one another, expected keys that turn the contrary ones round")
    return found


def _raw(covariance: Floats) -> float:
    k = len(covariance)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float((1 - np.trace(covariance) / covariance.sum()) * k / (k - 1)) if k > 1 else np.nan


def _dropped(covariance: Floats, place: int) -> float:
    others = [other for other in range(len(covariance)) if other != place]
    if len(others) == 1:
        # Of one item there is no alpha; psych gives the slope of the dropped item on it.
        return float(covariance[place, others[0]] / covariance[others[0], others[0]])
    found = _raw(covariance[np.ix_(others, others)])
    return found if np.isfinite(found) else np.nan


def _with_others(covariance: Floats, place: int) -> float:
    others = [other for other in range(len(covariance)) if other != place]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(covariance[place, place] * covariance[np.ix_(others, others)].sum())
        return float(covariance[place, others].sum() / spread)


def _standard_error(covariance: Floats, n: int) -> float:
    k, total, trace = len(covariance), covariance.sum(), np.trace(covariance)
    square = covariance @ covariance
    q = 2 * k**2 / ((k - 1) ** 2 * total**3) * (total * (np.trace(square) + trace**2) - 2 * trace * square.sum())
    return float(np.sqrt(max(q, 0.0) / n))


def _row_means(answers: Floats, signs: Floats) -> Floats:
    """The mean answer of each row that gave one, items that are turned round from the other end of all answers."""
    turned = np.where(signs < 0, np.nanmax(answers) + np.nanmin(answers) - answers, answers)
    known = ~np.isnan(turned)
    rows = np.flatnonzero(known.any(axis=1))
    means: Floats = np.nan_to_num(turned[rows]).sum(axis=1) / known[rows].sum(axis=1)
    return means


def _complete(complete: Floats, signs: Floats) -> float:
    if len(complete) < 2:
        return np.nan
    found = _raw(np.cov(complete, rowvar=False) * np.outer(signs, signs))
    return found if np.isfinite(found) else np.nan
