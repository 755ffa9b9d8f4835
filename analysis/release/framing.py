"""The responses with what the estimators need beside them: scores, strata, weights, populations."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.archive import ArchiveContents
from analysis.errors import DesignError
from analysis.estimation.design import SurveyDesign
from analysis.indices.profiles import option_scores, score_range
from analysis.indices.trees import IndexTree
from analysis.release.plan import Plan
from analysis.release.round_design import SEPARATOR, RoundDesign
from questionnaires.model import Profile, Questionnaire

Floats = npt.NDArray[np.float64]

# No item's code begins with an underscore, so these cannot be taken for one.
STRATUM, BLOC, WEIGHT, POPULATION = "_stratum", "_bloc", "_weight", "_population"
SCORE = "_score_"


@dataclass(frozen=True, slots=True)
class FramedResponses:
    """The responses of a round as a table to estimate from.

    `table` has the columns of the design, `unit`, `_bloc`, and `_score_<item>` for each item of the tree. `weights`
    (n,) are one a row, 1 where the population is not known. `lonely_rows` (n,) marks the responses of strata with one
    PSU where the plan wants nothing to be estimated from them. `covered` tells, for each stratum of the frame, how
    many people it has and whether anybody answered; it is empty where the population is not known.
    """

    table: pa.Table
    design: SurveyDesign
    weights: Floats
    lonely_rows: npt.NDArray[np.bool_]
    covered: Mapping[str, tuple[int, bool]]
    bounds: tuple[float, float]


def frame_responses(
    contents: ArchiveContents,
    questionnaire: Questionnaire,
    tree: IndexTree,
    profile: Profile,
    design: RoundDesign,
    plan: Plan,
) -> FramedResponses:
    """The responses with scores under the profile and weights N / n, N the people and n the responses of a stratum.

    Raises DesignError where a stratum has responses and no population, or fewer people than responses.
    """
    responses = contents.responses
    keys = pc.binary_join_element_wise(*(responses[name] for name in design.strata), SEPARATOR)
    encoded = keys.combine_chunks().dictionary_encode()
    stratum_of_row = encoded.indices.to_numpy().astype(np.int64)
    labels: list[str] = encoded.dictionary.to_pylist()
    n_of_stratum = np.bincount(stratum_of_row, minlength=len(labels))

    people = np.full(len(labels), np.nan)
    covered: dict[str, tuple[int, bool]] = {}
    if design.population is not None:
        population = _coarsened_population(design, contents.coarsening)
        people = _people(labels, n_of_stratum, population)
        covered = {label: (count, label in set(labels)) for label, count in population.items()}
    weights = np.where(np.isnan(people), 1.0, people / np.maximum(n_of_stratum, 1))[stratum_of_row]

    bloc_of_unit = {unit.code: unit.bloc_code for unit in contents.units}
    units = responses["unit"].combine_chunks().dictionary_encode()
    blocs = pa.array([bloc_of_unit[code] for code in units.dictionary.to_pylist()], pa.string()).take(units.indices)
    columns: dict[str, pa.Array] = {
        "unit": responses["unit"],
        "psu": responses["psu"],
        STRATUM: keys,
        BLOC: blocs,
        WEIGHT: pa.array(weights),
        POPULATION: pa.array(people[stratum_of_row]),
    }
    for item in tree.items:
        columns[SCORE + item] = _scores(responses[item], option_scores(questionnaire.item(item), profile))
    lonely = _lonely_rows(stratum_of_row, responses, design, n_of_stratum, people, plan)
    return FramedResponses(
        table=pa.table(columns),
        design=SurveyDesign(
            strata=(STRATUM,),
            clusters=design.clusters,
            fpc=(POPULATION,) if design.fpc else (),
            weight=WEIGHT,
            nest=True,
            # Rows of lonely strata are marked and get no estimate; the rest of the round is not lost with them.
            lonely_psu="certainty" if plan.lonely_psu == "fail" else plan.lonely_psu,
        ),
        weights=weights,
        lonely_rows=lonely,
        covered=covered,
        bounds=score_range([questionnaire.item(code) for code in tree.items], profile),
    )


def _scores(column: pa.ChunkedArray, points: Mapping[str, float]) -> pa.Array:
    encoded = column.combine_chunks().dictionary_encode()
    worth = pa.array([points.get(code) for code in encoded.dictionary.to_pylist()], pa.float64())
    return worth.take(encoded.indices)


def _coarsened_population(design: RoundDesign, coarsening: Mapping[str, object]) -> dict[str, int]:
    """The people of each stratum after sealing joined some strata; joined strata have the people of all their
    parts.
    """
    joined = coarsening.get("strata")
    strata = joined if isinstance(joined, Mapping) and "stratum" in design.strata else {}
    if strata and "unit" not in design.strata:
        raise DesignError(
            "design.yaml, strata: found strata that sealing joined unit by unit, expected unit among the columns"
        )
    population: dict[str, int] = defaultdict(int)
    for stratum, count in (design.population or {}).items():
        labels = design.labels_of(stratum)
        changes = strata.get(labels.get("unit"), {})
        joined_labels = [
            changes.get(label, label) if column == "stratum" else label for column, label in labels.items()
        ]
        population[SEPARATOR.join(joined_labels)] += count
    return dict(population)


def _people(labels: list[str], n_of_stratum: npt.NDArray[np.int64], population: Mapping[str, int]) -> Floats:
    for label, n in zip(labels, n_of_stratum, strict=True):
        if label not in population:
            raise DesignError(
                f"design.yaml, population: found no stratum {label!r}, which has {n} responses, expected its people"
            )
        if population[label] < n:
            raise DesignError(
                f"design.yaml, population.{label}: found {population[label]} people, "
                f"expected at least the {n} who answered"
            )
    return np.array([float(population[label]) for label in labels])


def _lonely_rows(
    stratum_of_row: npt.NDArray[np.int64],
    responses: pa.Table,
    design: RoundDesign,
    n_of_stratum: npt.NDArray[np.int64],
    people: Floats,
    plan: Plan,
) -> npt.NDArray[np.bool_]:
    if plan.lonely_psu != "fail" or not len(stratum_of_row):
        return np.zeros(len(stratum_of_row), dtype=bool)
    n_psus = n_of_stratum
    if design.clusters:
        psu_of_row = responses["psu"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
        pairs = np.unique(np.column_stack([stratum_of_row, psu_of_row]), axis=0)
        n_psus = np.bincount(pairs[:, 0], minlength=len(n_of_stratum))
    is_census = people == n_of_stratum if design.fpc else np.zeros(len(n_of_stratum), dtype=bool)
    is_lonely: npt.NDArray[np.bool_] = (n_psus == 1) & ~is_census
    return is_lonely[stratum_of_row]
