"""What a bloc's units have before they are compared: item means with draws from their joint law, and hard data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.estimation.means import MeanSet
from analysis.estimation.normal_draws import joint_normals
from analysis.indices.trees import IndexTree
from analysis.release.cell_weights import cell_weights
from analysis.release.framing import STRATUM, FramedResponses
from analysis.release.node_estimates import item_counts, item_means, owners_of_lonely_rows, places_of
from analysis.release.plan import Plan

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

# As many means at a time as keep their covariance small where units are independent samples.
MEANS_AT_ONCE = 1200


@dataclass(frozen=True, slots=True)
class UnitSample:
    """What U units have on K items and H indicators of hard data.

    `values` (U, K + H) are item means and hard data, NaN where a unit is not rated: it has too few answers, no standard
    error, or no figure. `n_items` (U, K) are answers, `n_respondents` (U,) people, `df` (U,) degrees of freedom;
    `is_estimable` (U,) is false where there is one cluster alone, `is_dominated` (U, K) true where one respondent holds
    more of the weight than the plan lets one. `deviations` (draws, U, K) are what a draw adds to
    the means, 0 where a unit is not rated; `variances` (U, K, K) is the covariance of each unit's means.
    """

    means: MeanSet | None
    places: tuple[int | None, ...]
    values: Floats
    n_items: Integers
    n_respondents: Integers
    is_estimable: Truths
    is_dominated: Truths
    df: Floats
    deviations: Floats
    variances: Floats


def sample_units(
    framed: FramedResponses,
    tree: IndexTree,
    plan: Plan,
    units: Sequence[str],
    hard: Floats,
    generator: np.random.Generator,
) -> UnitSample:
    """What the units have, with draws that follow from the generator.

    `hard` (U, H) is the hard data, NaN where there is none. Who has fewer answers than the plan shows takes no part.
    """
    n_units, n_items = len(units), len(tree.items)
    means = item_means(framed, tree.items, "unit") if framed.table.num_rows else None
    places = places_of(means, units) if means is not None else (None,) * n_units
    counts = np.zeros((n_units, n_items), dtype=np.int64) if means is None else item_counts(means, places)
    values = np.full((n_units, n_items), np.nan)
    respondents = np.zeros(n_units, dtype=np.int64)
    df = np.zeros(n_units)
    for unit, place in enumerate(places):
        if means is not None and place is not None:
            values[unit], respondents[unit], df[unit] = means.means[place], means.n_respondents[place], means.df[place]
    lonely = owners_of_lonely_rows(framed, "unit")
    is_estimable = (df > 0) & np.array([unit not in lonely for unit in units])
    has_enough = (counts >= plan.suppress_below) & (respondents >= plan.suppress_below)[:, None]
    is_dominated = _is_dominated(framed, tree, plan, units)
    is_rated = np.hstack([has_enough & is_estimable[:, None] & ~is_dominated, ~np.isnan(hard)])
    deviations, variances = _deviations(framed, plan, means, places, is_rated[:, :n_items], generator)
    return UnitSample(
        means=means,
        places=places,
        values=np.where(is_rated, np.hstack([values, hard]), np.nan),
        n_items=counts,
        n_respondents=respondents,
        is_estimable=is_estimable,
        is_dominated=is_dominated,
        df=df,
        deviations=deviations,
        variances=variances,
    )


def _is_dominated(framed: FramedResponses, tree: IndexTree, plan: Plan, units: Sequence[str]) -> Truths:
    weights = cell_weights(framed, tree.items, {"": units}, counts_units_alike=True)
    largest = np.array([weights.largest[unit] for unit in units]).reshape(len(units), len(tree.items))
    found: Truths = largest > plan.disclosure.dominance
    return found


def _deviations(
    framed: FramedResponses,
    plan: Plan,
    means: MeanSet | None,
    places: Sequence[int | None],
    is_rated: Truths,
    generator: np.random.Generator,
) -> tuple[Floats, Floats]:
    """What the draws (draws, U, K) of the rated means add to them, and the covariance (U, K, K) of each unit's means; 0
    where a unit is not rated.
    """
    n_draws = plan.standardisation.draws
    deviations = np.zeros((n_draws, *is_rated.shape))
    variances = np.zeros((len(places), is_rated.shape[1], is_rated.shape[1]))
    for batch in _batches(framed, is_rated):
        cells = [(unit, item) for unit in batch for item in np.flatnonzero(is_rated[unit])]
        if means is None or not cells:
            continue
        at = np.array([(places[unit] or 0) * is_rated.shape[1] + item for unit, item in cells])
        shape = (len(cells), len(means.domains) * is_rated.shape[1])
        chosen = sparse.csr_array((np.ones(len(cells)), (np.arange(len(cells)), at)), shape=shape)
        covariance = means.covariance_of(chosen)
        which_unit, which_item = np.array(cells).T
        deviations[:, which_unit, which_item] = joint_normals(generator, n_draws, covariance)
        for unit in batch:
            here = np.flatnonzero(which_unit == unit)
            items = which_item[here]
            variances[unit][np.ix_(items, items)] = covariance[np.ix_(here, here)]
    return deviations, variances


def _batches(framed: FramedResponses, is_rated: Truths) -> list[list[int]]:
    """The units whose means are drawn together: all of them, but where each is a stratum of its own a few at a time."""
    if not _units_are_strata(framed):
        return [list(range(len(is_rated)))]
    batches: list[list[int]] = [[]]
    n_means = 0
    for unit, n_rated in enumerate(is_rated.sum(axis=1)):
        if n_means + n_rated > MEANS_AT_ONCE:
            batches.append([])
            n_means = 0
        batches[-1].append(unit)
        n_means += int(n_rated)
    return batches


def _units_are_strata(framed: FramedResponses) -> bool:
    """Whether no stratum holds responses about two units, so that their means are independent."""
    pairs = framed.table.select([STRATUM, "unit"]).group_by([STRATUM, "unit"]).aggregate([])
    return bool(len(pairs[STRATUM].unique()) == pairs.num_rows)
