"""Ranks that say how sure they are: rank confidence sets and tiers from the joint law of a bloc's indices.

A unit's rank is one plus the number of units above it, so what the data say of the differences between units says what
they say of ranks. The differences are bounded all at once, with a critical value from draws of the joint law of the
indices: for the joint sets all differences of the bloc, for a unit's own (marginal) set those from this unit alone.

Source: Mogstad, Romano, Shaikh and Wilhelm (2024), "Inference for ranks with applications to mobility across
neighbourhoods and academic achievement across countries", Review of Economic Studies 91(1), theorems 3.1 and 3.3 and
remark 3.7; the stepwise improvement after Romano and Wolf (2005), Econometrica 73(4), algorithm 4.1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.estimation.multiplicity import adjusted
from analysis.estimation.normal_draws import joint_normals
from analysis.indices.contrasts import against_the_others, effective_df

Floats = npt.NDArray[np.float64]
Signs = npt.NDArray[np.int8]
Truths = npt.NDArray[np.bool_]
Tier = Literal["above", "not_different", "below"]

DRAWS = 2000
SEED = 20260702
# Of the draws this many times as many as may lie beyond a critical value are looked at again in the later steps.
LOOKED_AT_AGAIN = 4
# As many draws at a time as keep the differences from one unit in a processor's own memory.
DRAWS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class RankSet:
    """A unit's rank by its rounded index, the ranks it may hold, and its tier.

    With the stated confidence `rank_low`..`rank_high` of all units of the bloc hold their true ranks at once;
    `own_low`..`own_high` holds the unit's own, looked at alone. `critical` and `own_critical` are the normal deviates
    that a difference has to exceed for the one and for the other.
    """

    rank: int
    rank_low: int
    rank_high: int
    own_low: int
    own_high: int
    tier: Tier
    critical: float
    own_critical: float


def rank_sets(
    values: Floats,
    covariance: Floats,
    df: Floats,
    df_design: float,
    level: float,
    decimals: int,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    weights: Floats | None = None,
) -> list[RankSet]:
    """The rank sets of J units. Rank 1 is the highest.

    Arguments:
        values: (J,) the indices.
        covariance: (J, J) their joint covariance: units that share clusters or ballots err together.
        df: (J,) the degrees of freedom of each unit, above 0.
        df_design: the whole design's, which no difference can exceed.
        level: confidence, above 0 and below 1.
        decimals: units whose values are equal after rounding to so many share a rank.
        draws: how many draws the critical values rest on.
        seed: what the draws follow from.
        weights: (J,) what a unit counts for in the mean of the others that its tier holds it against; alike when left
            out.

    A set always holds the unit's rank, and the joint one holds the unit's own. The statistic of a difference is the
    normal deviate that has the same probability as its t, so that few degrees of freedom widen the sets. Nothing is
    missing here: who has no index or no standard error is not ranked (`rankable`).
    Raises ValueError where the matrix is no covariance.
    """
    n_units = len(values)
    rounded = np.round(values, decimals)
    ranks = 1 + (rounded[None, :] > rounded[:, None]).sum(axis=1)
    deviates, scales = pairwise_deviates(values, covariance, df, df_design)
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = np.ascontiguousarray(joint_normals(generator, draws, covariance).T)
    joint, own = _critical_values(deviates, scales, drawn, level)
    tiers = _tiers(values, covariance, df, df_design, level, weights)
    found = []
    for j in range(n_units):
        own_low, own_high = _set_of(deviates[j], own[j], int(ranks[j]))
        low, high = _set_of(deviates[j], max(joint, own[j]), int(ranks[j]))
        found.append(RankSet(int(ranks[j]), low, high, own_low, own_high, tiers[j], joint, float(own[j])))
    return found


def rankable(variances: Floats, df: Floats) -> Truths:
    """Which units (J,) can be ranked: a variance of 0, or one cluster without a degree of freedom, is no certainty."""
    found: Truths = np.isfinite(variances) & (variances > 0) & (df > 0)
    return found


def pairwise_deviates(values: Floats, covariance: Floats, df: Floats, df_design: float) -> tuple[Floats, Floats]:
    """For each pair of J units the normal deviate (J, J) of the row's value minus the column's, and what a difference
    is multiplied by to be in standard errors (J, J), 0 where it has none.

    The t of a difference has the degrees of freedom of Satterthwaite (1946), at most the design's; its deviate is the
    normal quantile of the same probability. Where a difference has no error it is infinite, or 0 for no difference.
    """
    from scipy.special import ndtri, stdtr

    variances = np.diag(covariance)
    differences = values[:, None] - values[None, :]
    squares = variances[:, None] + variances[None, :] - 2 * covariance
    # What rounding leaves of the difference between two equal columns is no error.
    is_seen = squares > 1e-12 * np.maximum(variances[:, None], variances[None, :])
    scales = np.divide(1.0, np.sqrt(np.maximum(squares, 0.0)), out=np.zeros_like(squares), where=is_seen)
    pairs = np.stack(np.broadcast_arrays(variances[:, None], variances[None, :]), axis=-1)
    freedoms = np.stack(np.broadcast_arrays(df[:, None], df[None, :]), axis=-1)
    freedom = effective_df(pairs, freedoms, df_design)
    certain = np.where(differences == 0, 0.0, np.inf)
    ratios = np.where(is_seen, np.abs(differences) * scales, certain)
    deviates: Floats = np.sign(differences) * -ndtri(stdtr(freedom, -ratios))
    return np.where(differences == 0, 0.0, deviates), scales


def _set_of(deviates: Floats, critical: float, rank: int) -> tuple[int, int]:
    """The ranks a unit may hold by its differences (J,) from the others; its printed rank is always among them."""
    low = 1 + int((deviates < -critical).sum())
    high = len(deviates) - int((deviates > critical).sum())
    return min(low, rank), max(high, rank)


def _critical_values(deviates: Floats, scales: Floats, drawn: Floats, level: float) -> tuple[float, Floats]:
    """The critical value of all differences together, and those (J,) of the differences from each unit; `drawn`
    (J, draws) are the draws.

    Each pair is two hypotheses: that the one unit does not lie above the other, and the reverse. A hypothesis that is
    rejected leaves its family, and the critical value of those that stay is smaller.
    """
    n_units = len(drawn)
    largest = _largest_differences(drawn, scales)

    def of_unit(some: Floats, sides: Signs, unit: int) -> Floats:
        return _largest_from(some, unit, slice(0, n_units), scales[unit], sides)

    def of_all(some: Floats, sides: Signs) -> Floats:
        found = np.zeros(some.shape[1])
        for j in range(n_units - 1):
            later = slice(j + 1, n_units)
            np.maximum(found, _largest_from(some, j, later, scales[j, later], sides[j, later]), out=found)
        return found

    own = [_stepped_down(deviates[j], largest[j], drawn, partial(of_unit, unit=j), level) for j in range(n_units)]
    return _stepped_down(deviates, largest.max(axis=0), drawn, of_all, level), np.array(own)


def _largest_differences(drawn: Floats, scales: Floats) -> Floats:
    """For each unit and draw (J, draws) the largest difference from any other unit, in standard errors."""
    largest = np.zeros(drawn.shape)
    for start in range(0, drawn.shape[1], DRAWS_AT_ONCE):
        some = np.ascontiguousarray(drawn[:, start : start + DRAWS_AT_ONCE])
        found = np.zeros(some.shape)
        for j in range(len(some) - 1):
            apart = some[j + 1 :] - some[j]
            apart *= scales[j, j + 1 :, None]
            np.abs(apart, out=apart)
            np.maximum(found[j], apart.max(axis=0), out=found[j])
            np.maximum(found[j + 1 :], apart, out=found[j + 1 :])
        largest[:, start : start + DRAWS_AT_ONCE] = found
    return largest


def _largest_from(some: Floats, unit: int, others: slice, scales: Floats, sides: Signs) -> Floats:
    """For each draw the largest difference of a unit from the others, in standard errors: on both sides where
    `sides` is 0, else of the unit above them (1) or below them (-1) alone.
    """
    apart = (some[unit] - some[others]) * (scales * np.where(sides == 0, 1, sides))[:, None]
    both = sides == 0
    apart[both] = np.abs(apart[both])
    found: Floats = apart.max(axis=0)
    return found


def _stepped_down(
    deviates: Floats, largest: Floats, drawn: Floats, again: Callable[[Floats, Signs], Floats], level: float
) -> float:
    """The critical value at which nothing more is rejected; `largest` (draws,) are the largest differences before
    anything is, `again` gives those of some draws when some sides have left.
    """
    n_draws = len(largest)
    # As many draws may lie beyond the critical value; this order statistic errs to the safe side.
    n_beyond = max(n_draws - ceil(level * (n_draws + 1)), 0)
    order = np.argsort(largest, kind="stable")[::-1]
    critical = float(largest[order[n_beyond]])
    sides = np.zeros(deviates.shape, dtype=np.int8)
    while True:
        found = np.where(deviates > critical, -1, np.where(deviates < -critical, 1, 0)).astype(np.int8)
        if np.array_equal(found, sides):
            return critical
        sides = found
        # What is largest now was among the largest before, so that most draws need not be looked at again.
        n_again = min(n_draws, LOOKED_AT_AGAIN * (n_beyond + 1))
        critical, is_exact = 0.0, False
        while not is_exact:
            some = np.ascontiguousarray(drawn[:, order[:n_again]])
            critical = float(np.sort(again(some, sides))[::-1][n_beyond])
            is_exact = n_again == n_draws or critical >= largest[order[n_again]]
            n_again = n_draws


def _tiers(
    values: Floats, covariance: Floats, df: Floats, df_design: float, level: float, weights: Floats | None
) -> list[Tier]:
    if len(values) < 2:
        return ["not_different"] * len(values)
    found = against_the_others(values, covariance, df, df_design, weights)
    return [tier_of(d, p, level) for d, p in zip(found.differences, adjusted(found.p_values, "holm"), strict=True)]


def tier_of(difference: float, adjusted_p: float, level: float) -> Tier:
    """Where a unit stands that differs so much from the mean of the others of its bloc."""
    if adjusted_p > 1 - level:
        return "not_different"
    return "above" if difference > 0 else "below"
