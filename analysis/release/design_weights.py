"""The weights that follow from a design's counts: how many people each response speaks for.

No response carries a weight of its own. The design says how many people a cell has and with which probability its PSU
was drawn, the responses say how many answered there.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.errors import DesignError
from analysis.estimation.calibration import Margin, rake
from analysis.estimation.weight_diagnostics import refuse_factors
from analysis.release.design_counts import SEPARATOR, DesignMargin, band_label
from analysis.release.round_design import RoundDesign
from analysis.release.weight_adjustments import Weighting, told, trim_weights, weigh_by_classes
from analysis.responses import BALLOT
from analysis.row_groups import first_rows, group_rows

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_UNIT = "unit"


@dataclass(frozen=True, slots=True)
class WeightedStrata:
    """The weights (n,) of n responses, and the S strata that they are in.

    `labels` are the strata's, `stratum_of_row` (n,) is that of each response, `n_answering` (S,) counts who answered:
    responses, or ballots where each has several. `people` (S,) are NaN where nobody counted them. `covered` tells, for
    each stratum that the design counts, how many people it has and whether anybody answered. `weighting` is what there
    is to tell of the weights.
    """

    weights: Floats
    labels: list[str]
    stratum_of_row: Integers
    n_answering: Integers
    people: Floats
    covered: Mapping[str, tuple[int, bool]]
    weighting: Weighting


def weigh_responses(responses: pa.Table, design: RoundDesign, coarsening: Mapping[str, object]) -> WeightedStrata:
    """The weights of the responses under a design, which is that of their archive.

    In a stratum of N people of whom n answered a response has N / n. In a cell it has N / (p n), with the probability p
    of the cell's PSU, and the people of cells where nobody answered are shared by the other cells of their stratum in
    proportion. That is multiplied by the people of the household: where somebody did not say it, by the mean of those
    of the stratum who did. Then the weights are raked to the margins, and last held within bounds. Where nobody was
    counted they begin at 1. A design's `nonresponse` makes classes of cells (`weigh_by_classes`).

    Raises DesignError where a stratum or a cell has responses and no people, or fewer people than responses, where the
    margins cannot be met, and where a factor is larger than the design allows.
    Source: Särndal, Swensson and Wretman (1992), §4.3 and §15.6. Golden file: tests/golden/two_stage.
    """
    # What is said of the person is said of the ballot, however many units it rates.
    speakers = first_rows(responses, BALLOT) if BALLOT in responses.column_names else np.arange(responses.num_rows)
    strata = group_rows(responses, design.strata)
    stratum_of_row = strata.group_of_row
    labels = [SEPARATOR.join(label) for label in strata.labels]
    n_answering = np.bincount(stratum_of_row[speakers], minlength=len(labels)).astype(np.int64)
    people = np.full(len(labels), np.nan)
    covered: dict[str, tuple[int, bool]] = {}
    weights = np.ones(responses.num_rows)
    weighting = Weighting(None, None)
    if design.cells:
        counted = design.stratum_people
        weights, weighting = _cell_weights(responses, design, speakers, counted)
        people = np.array([counted[label] for label in labels])
    elif design.population is not None:
        counted = _coarsened_population(design, coarsening)
        people = _people(labels, n_answering, counted)
        weights = (people / np.maximum(n_answering, 1))[stratum_of_row]
    if design.has_counts:
        answering = set(labels)
        covered = {label: (round(count), label in answering) for label, count in counted.items()}
    if design.household is not None:
        weights = weights * _households(responses[design.household], stratum_of_row, speakers, len(labels))
    if responses.num_rows:
        weights, weighting = _calibrated(responses, design, weights, speakers, weighting)
    return WeightedStrata(
        weights, labels, stratum_of_row, n_answering, people, covered, told(weighting, weights[speakers])
    )


def _cell_weights(
    responses: pa.Table, design: RoundDesign, speakers: Integers, people_of_stratum: Mapping[str, float]
) -> tuple[Floats, Weighting]:
    cells = group_rows(responses, design.columns)
    n_answering = np.bincount(cells.group_of_row[speakers], minlength=len(cells.labels))
    known = {cell.key: cell for cell in design.cells}
    expanded = np.zeros(len(cells.labels))
    answering: dict[str, float] = defaultdict(float)
    strata, keys = [], []
    for position, (labels, n) in enumerate(zip(cells.labels, n_answering.tolist(), strict=True)):
        key = design.cell_of(**{"unit": "", "stratum": "", "psu": "", **dict(zip(design.columns, labels, strict=True))})
        name = SEPARATOR.join(labels)
        if key not in known:
            raise DesignError(f"design.yaml, cells: found no cell {name!r}, which has {n} responses, expected it")
        if known[key].population < n:
            raise DesignError(
                f"design.yaml, cells, {name}: found {known[key].population} people, expected at least the {n} who "
                "answered"
            )
        expanded[position] = known[key].expanded
        strata.append(design.stratum_of(key))
        keys.append(key)
        answering[strata[-1]] += known[key].expanded
    weighting = _asked_and_answered(design)
    if design.adjustments.nonresponse is not None:
        answers = dict(zip(keys, n_answering.tolist(), strict=True))
        classed = weigh_by_classes(design, answers, design.adjustments.nonresponse)
        own = np.array([classed.weights[key] for key in keys], dtype=np.float64)
        return own[cells.group_of_row], replace(
            weighting, n_classes=classed.n_classes, n_joined=classed.n_joined, largest_raise=classed.largest_raise
        )
    shares = np.array([people_of_stratum[stratum] / answering[stratum] for stratum in strata])
    return (expanded * shares / n_answering)[cells.group_of_row], weighting


def _asked_and_answered(design: RoundDesign) -> Weighting:
    issued = [cell.issued for cell in design.cells]
    returned = [cell.returned for cell in design.cells]
    if None in issued or None in returned:
        return Weighting(None, None)
    return Weighting(sum(count or 0 for count in issued), sum(count or 0 for count in returned))


def _calibrated(
    responses: pa.Table, design: RoundDesign, weights: Floats, speakers: Integers, weighting: Weighting
) -> tuple[Floats, Weighting]:
    """The weights raked to the margins and held within bounds, as far as the design wants it."""
    adjustments = design.adjustments
    raked = _raked(responses, design.margins, weights, speakers) if design.margins else None
    if raked is not None:
        found = raked.factors[np.unique(raked.group_of_row[speakers])]
        refuse_factors(found, adjustments.factors or (0.0, np.inf), "design.yaml, calibration")
        weights = weights * raked.factors[raked.group_of_row]
        weighting = replace(weighting, factors=(float(found.min()), float(found.max())))
    if adjustments.trim is not None:
        groups = group_rows(responses, ["stratum" if design.crosses_units else "unit"])
        names = [label for (label,) in groups.labels]
        kept = trim_weights(weights[speakers], groups.group_of_row[speakers], names, adjustments.trim)
        changes = kept / weights[speakers]
        n_trimmed = int(np.sum(changes < 1 - 1e-12))
        weights = weights * changes[_speaker_of_row(responses, speakers)]
        gap = None if raked is None else raked.gap(kept, speakers)
        weighting = replace(weighting, n_trimmed=n_trimmed, margin_gap=gap)
    return weights, weighting


def _speaker_of_row(responses: pa.Table, speakers: Integers) -> Integers:
    """For each row (n,) the position among the speakers of the one whose ballot it is."""
    if BALLOT not in responses.column_names:
        return np.arange(responses.num_rows)
    ballots = responses[BALLOT].combine_chunks().dictionary_encode().indices.to_numpy()
    place = np.empty(int(ballots.max()) + 1, dtype=np.int64)
    place[ballots[speakers]] = np.arange(len(speakers))
    found: Integers = place[ballots]
    return found


@dataclass(frozen=True, slots=True)
class _Raked:
    """The factors (G,) of groups of alike responses, the group of each row (n,), and the margins that they meet."""

    factors: Floats
    group_of_row: Integers
    margins: Sequence[Margin]

    def gap(self, weights: Floats, speakers: Integers) -> float:
        """How far weights of the speakers are from a total, at worst, as a share of it."""
        counts = np.bincount(self.group_of_row[speakers], weights, len(self.factors)).astype(np.float64)
        worst = 0.0
        for margin in self.margins:
            inside = margin.categories >= 0
            sums = np.bincount(margin.categories[inside], counts[inside], len(margin.totals))
            worst = max(worst, float(np.max(np.abs(sums / margin.totals - 1))))
        return worst


def _coarsened_population(design: RoundDesign, coarsening: Mapping[str, object]) -> dict[str, float]:
    """The people of each stratum after sealing joined some strata; joined strata have the people of all their
    parts.
    """
    joined = coarsening.get("strata")
    strata = joined if isinstance(joined, Mapping) and "stratum" in design.strata else {}
    if design.crosses_units and any(strata):
        raise DesignError(
            "design.yaml, strata: found strata that sealing joined unit by unit, expected unit among the columns"
        )
    population: dict[str, float] = defaultdict(float)
    for stratum, count in (design.population or {}).items():
        labels = design.labels_of(stratum)
        changes = strata.get(labels.get("unit", ""), {})
        joined_labels = [
            changes.get(label, label) if column == "stratum" else label for column, label in labels.items()
        ]
        population[SEPARATOR.join(joined_labels)] += count
    return dict(population)


def _people(labels: list[str], n_answering: Integers, population: Mapping[str, float]) -> Floats:
    for label, n in zip(labels, n_answering, strict=True):
        if label not in population:
            raise DesignError(
                f"design.yaml, population: found no stratum {label!r}, which has {n} responses, expected its people"
            )
        if population[label] < n:
            raise DesignError(
                f"design.yaml, population.{label}: found {population[label]:.0f} people, "
                f"expected at least the {n} who answered"
            )
    return np.array([population[label] for label in labels])


def _households(column: pa.ChunkedArray, stratum_of_row: Integers, speakers: Integers, n_strata: int) -> Floats:
    """How many people each response speaks for (n,)."""
    said = pc.fill_null(column, np.nan).to_numpy().astype(np.float64)
    own, strata = said[speakers], stratum_of_row[speakers]
    is_said = ~np.isnan(own)
    if not is_said.any():
        return np.ones(len(said))
    sums = np.bincount(strata[is_said], own[is_said], n_strata)
    n_said = np.bincount(strata[is_said], minlength=n_strata)
    # In a stratum where nobody said it, as in the whole round.
    means = np.where(n_said > 0, sums / np.maximum(n_said, 1), own[is_said].mean())
    return np.where(np.isnan(said), means[stratum_of_row], said)


def _raked(responses: pa.Table, margins: Sequence[DesignMargin], weights: Floats, speakers: Integers) -> _Raked:
    """What the weights are multiplied by, so that the ballots add up to the margins."""
    items = list(dict.fromkeys(margin.item for margin in margins))
    answers = {f"_{item}": _categories(responses[item]) for item in items}
    # A ballot that rates several units is in no unit, and then no margin is.
    units = {_UNIT: responses[_UNIT]} if any(margin.unit for margin in margins) else {}
    groups = group_rows(pa.table({**answers, **units}), [*answers, *units])
    counts = np.bincount(groups.group_of_row[speakers], weights[speakers], len(groups.labels)).astype(np.float64)
    found = []
    for margin in margins:
        given = [labels[items.index(margin.item)] for labels in groups.labels]
        inside = np.array([not margin.unit or labels[-1] == margin.unit for labels in groups.labels])
        known = _margin(margin, given, inside, counts)
        if known is not None:
            found.append(known)
    return _Raked(rake(counts, found), groups.group_of_row, found)


def _margin(margin: DesignMargin, given: list[str], inside: npt.NDArray[np.bool_], counts: Floats) -> Margin | None:
    """The margin for groups (G,) with these answers; None where nobody in it said what it counts.

    Who did not say it keeps their share of the people. The people of an answer that nobody gave are shared by the other
    answers in proportion, as those of cells are.
    """
    place = {name: position for position, name in enumerate(margin.totals)}
    answers = np.array([place.get(answer, len(place)) for answer in given])
    sums = np.bincount(answers[inside], counts[inside], len(place) + 1)
    is_given = sums[:-1] > 0
    if not is_given.any():
        return None
    people = np.array(list(margin.totals.values()), dtype=np.float64)
    silent = sums[-1] / sums.sum()
    totals = np.append(np.where(is_given, people, 0.0) * (people.sum() * (1 - silent) / people[is_given].sum()), 0.0)
    totals[-1] = people.sum() * silent
    is_kept = np.append(is_given, silent > 0)
    position = np.where(is_kept, np.cumsum(is_kept) - 1, -1)
    of_unit = f" in {margin.unit}" if margin.unit else ""
    name = f"design.yaml, margins, {margin.item}{of_unit}"
    return Margin(name, np.where(inside, position[answers], -1), totals[is_kept])


def _categories(column: pa.ChunkedArray) -> pa.Array:
    """The answers as the totals of a margin name them; "" for none."""
    encoded = column.combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    names = pa.array([value if isinstance(value, str) else band_label(value) for value in values], pa.string())
    return pc.fill_null(names.take(encoded.indices), "")
