"""Rank sets as editions of the first two formats have them: pairwise tests adjusted by Holm's method.

They are kept so that such an edition can be computed once more; later ones have `ranking.rank_sets`. Source: Holm
(1979), "A simple sequentially rejective multiple test procedure", on the differences of Mogstad, Romano, Shaikh and
Wilhelm (2024).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.estimation.multiplicity import adjusted
from analysis.indices.ranking import Tier

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FormerRankSet:
    """A unit's rank by its rounded index, the ranks it may hold with the stated confidence, and its tier."""

    rank: int
    rank_low: int
    rank_high: int
    tier: Tier


def former_rank_sets(
    values: Floats, covariance: Floats, df: Floats, df_design: float, level: float, decimals: int
) -> list[FormerRankSet]:
    """The rank sets of J units; with confidence `level` all of them hold the true ranks at once. Rank 1 is the
    highest.

    `values` (J,) are the indices, `covariance` (J, J) their joint covariance, `df` (J,) the domains' degrees of
    freedom and `df_design` the whole design's, which no difference can exceed. All pairwise differences are tested
    two-sided and Holm-adjusted together; the differences from the mean of the other units, which give the tiers, are
    another family. Units whose values are equal after rounding to `decimals` share a rank, and a rank set always
    holds the unit's rank.

    Nothing is missing here: who has no index is not ranked.
    """
    n_units = len(values)
    rounded = np.round(values, decimals)
    ranks = 1 + (rounded[None, :] > rounded[:, None]).sum(axis=1)
    is_above = _pairs_above(values, covariance, df, df_design, level)
    low = np.minimum(1 + is_above.sum(axis=0), ranks)
    high = np.maximum(n_units - is_above.sum(axis=1), ranks)
    tiers = _tiers(values, covariance, df, df_design, level)
    return [FormerRankSet(int(ranks[j]), int(low[j]), int(high[j]), tiers[j]) for j in range(n_units)]


def _pairs_above(
    values: Floats, covariance: Floats, df: Floats, df_design: float, level: float
) -> npt.NDArray[np.bool_]:
    """(J, J): whether the unit of the row lies significantly above the unit of the column."""
    first, second = np.triu_indices(len(values), k=1)
    variances = np.diag(covariance)
    differences = values[first] - values[second]
    difference_variances = variances[first] + variances[second] - 2 * covariance[first, second]
    is_significant = _holm(differences, difference_variances, np.minimum(df[first] + df[second], df_design), level)
    is_above = np.zeros((len(values), len(values)), dtype=bool)
    is_above[first, second] = is_significant & (differences > 0)
    is_above[second, first] = is_significant & (differences < 0)
    return is_above


def _tiers(values: Floats, covariance: Floats, df: Floats, df_design: float, level: float) -> list[Tier]:
    n_units = len(values)
    if n_units < 2:
        return ["not_different"] * n_units
    # A unit is part of its bloc's mean, so it is held against the mean of the others.
    contrast = np.full((n_units, n_units), -1.0 / (n_units - 1))
    np.fill_diagonal(contrast, 1.0)
    differences = contrast @ values
    variances = np.einsum("ij,jk,ik->i", contrast, covariance, contrast)
    all_df = np.full(n_units, min(float(df.sum()), df_design))
    is_significant = _holm(differences, variances, all_df, level)
    return [
        "not_different" if not significant else "above" if difference > 0 else "below"
        for significant, difference in zip(is_significant, differences, strict=True)
    ]


def _holm(differences: Floats, variances: Floats, df: Floats, level: float) -> npt.NDArray[np.bool_]:
    """Which differences are significant when all of them are tested together at `level`."""
    from scipy.special import stdtr

    # Rounding can leave the variance of two equal columns a hair below zero.
    errors = np.sqrt(np.maximum(variances, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(errors > 0, np.abs(differences) / errors, np.where(differences == 0, 0.0, np.inf))
    rejected: npt.NDArray[np.bool_] = adjusted(2 * stdtr(df, -ratios), "holm") <= 1 - level
    return rejected
