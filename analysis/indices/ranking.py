"""Ranks that say how sure they are: rank sets and tiers from the joint distribution of a bloc's indices.

Source: Mogstad, Romano, Shaikh and Wilhelm (2024), "Inference for ranks with applications to mobility across
neighbourhoods and academic achievement across countries", Review of Economic Studies 91(1), algorithm 3.3, here with
Holm's step-down (Holm 1979) on the pairwise differences.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Tier = Literal["above", "not_different", "below"]


@dataclass(frozen=True, slots=True)
class RankSet:
    """A unit's rank by its rounded index, the ranks it may hold with the stated confidence, and its tier."""

    rank: int
    rank_low: int
    rank_high: int
    tier: Tier


def rank_sets(
    values: Floats, covariance: Floats, df: Floats, df_design: float, level: float, decimals: int
) -> list[RankSet]:
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
    return [RankSet(int(ranks[j]), int(low[j]), int(high[j]), tiers[j]) for j in range(n_units)]


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
    from scipy.stats import t as student
    from statsmodels.stats.multitest import multipletests

    if not len(differences):
        return np.zeros(0, dtype=bool)
    # Rounding can leave the variance of two equal columns a hair below zero.
    errors = np.sqrt(np.maximum(variances, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(errors > 0, np.abs(differences) / errors, np.where(differences == 0, 0.0, np.inf))
    p_values = 2 * student.sf(ratios, df)
    rejected: npt.NDArray[np.bool_] = multipletests(p_values, alpha=1 - level, method="holm")[0]
    return rejected
