"""The responses with what the estimators need beside them: scores, strata, weights, populations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analysis.archive import ArchiveContents
from analysis.estimation.design import SurveyDesign
from analysis.indices.profiles import option_scores, score_range
from analysis.indices.trees import IndexTree
from analysis.release.design_weights import WeightedStrata, weigh_responses
from analysis.release.open_link import drawn_responses
from analysis.release.plan import Plan
from analysis.release.round_design import RoundDesign
from analysis.release.weight_adjustments import Weighting
from analysis.responses import BALLOT
from analysis.row_groups import first_rows, group_rows
from questionnaires.model import Item, Profile, Questionnaire

Floats = npt.NDArray[np.float64]

# No item's code begins with an underscore, so these cannot be taken for one.
STRATUM, BLOC, WEIGHT, POPULATION = "_stratum", "_bloc", "_weight", "_population"
SCORE = "_score_"


@dataclass(frozen=True, slots=True)
class FramedResponses:
    """The responses of a round as a table to estimate from.

    `table` has the columns of the design, `unit`, `_bloc`, and `_score_<item>` for each item of the tree. `weights`
    (n,) are one a row, and 1 where nobody was counted. `lonely_rows` (n,) marks the responses of strata with one PSU
    where the plan wants nothing to be estimated from them. `covered` tells, for each stratum of the frame, how many
    people it has and whether anybody answered; it is empty where nobody was counted. `weighting` is what there is to
    tell of the weights.
    """

    table: pa.Table
    design: SurveyDesign
    weights: Floats
    lonely_rows: npt.NDArray[np.bool_]
    covered: Mapping[str, tuple[int, bool]]
    bounds: tuple[float, float]
    weighting: Weighting


def frame_responses(
    contents: ArchiveContents,
    questionnaire: Questionnaire,
    tree: IndexTree,
    profile: Profile,
    design: RoundDesign,
    plan: Plan,
    *,
    one_row_a_ballot: bool = False,
) -> FramedResponses:
    """The responses with scores under the profile and the weights that `weigh_responses` gives them.

    With `one_row_a_ballot` only the first rating of each ballot is there: for what is asked once, however many units a
    ballot rates. Raises DesignError where the design's counts do not suit the responses.
    """
    responses = drawn_responses(contents.responses)
    if one_row_a_ballot and BALLOT in responses.column_names:
        responses = responses.take(pa.array(first_rows(responses, BALLOT)))
    weighted = weigh_responses(responses, design, contents.coarsening)
    stratum_of_row = pa.array(weighted.stratum_of_row)

    bloc_of_unit = {unit.code: unit.bloc_code for unit in contents.units}
    units = responses["unit"].combine_chunks().dictionary_encode()
    blocs = pa.array([bloc_of_unit[code] for code in units.dictionary.to_pylist()], pa.string()).take(units.indices)
    columns: dict[str, pa.Array] = {
        "unit": responses["unit"],
        "psu": responses["psu"],
        STRATUM: pa.array(weighted.labels, pa.string()).take(stratum_of_row),
        BLOC: blocs,
        WEIGHT: pa.array(weighted.weights),
        POPULATION: pa.array(weighted.people).take(stratum_of_row),
    }
    if BALLOT in responses.column_names:
        columns[BALLOT] = responses[BALLOT]
    for item in tree.items:
        columns[SCORE + item] = answer_scores(responses[item], option_scores(questionnaire.item(item), profile))
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
        weights=weighted.weights,
        lonely_rows=_lonely_rows(responses, design, weighted, plan),
        covered=weighted.covered,
        bounds=score_range([questionnaire.item(code) for code in tree.items], profile),
        weighting=weighted.weighting,
    )


def rescored(
    framed: FramedResponses, responses: pa.Table, questionnaire: Questionnaire, tree: IndexTree, profile: Profile
) -> FramedResponses:
    """The same responses, weights and design with the scores of another profile.

    `responses` are those that `framed` was made of. An answer to a reversed item counts from the other end of its
    scale, so that a high score is good in all of them.
    """
    table, items = framed.table, []
    for item, is_reversed in zip(tree.items, tree.reversed, strict=False):
        turned = _turned(questionnaire.item(item)) if is_reversed else questionnaire.item(item)
        items.append(turned)
        scores = answer_scores(responses[item], option_scores(turned, profile))
        table = table.set_column(table.column_names.index(SCORE + item), SCORE + item, scores)
    return replace(framed, table=table, bounds=score_range(items, profile))


def _turned(item: Item) -> Item:
    """The item with its scale upside down."""
    values = [option.value for option in item.options if option.value is not None]
    ends = min(values) + max(values)
    options = (replace(o, value=None if o.value is None else ends - o.value) for o in item.options)
    return replace(item, options=tuple(options))


def answer_scores(column: pa.ChunkedArray, points: Mapping[str, float]) -> pa.Array:
    """What each answer of a column is worth; null where nobody answered, or with what is worth nothing."""
    encoded = column.combine_chunks().dictionary_encode()
    worth = pa.array([points.get(code) for code in encoded.dictionary.to_pylist()], pa.float64())
    return worth.take(encoded.indices)


def _lonely_rows(
    responses: pa.Table, design: RoundDesign, weighted: WeightedStrata, plan: Plan
) -> npt.NDArray[np.bool_]:
    if plan.lonely_psu != "fail" or not responses.num_rows:
        return np.zeros(responses.num_rows, dtype=bool)
    n_psus = weighted.n_answering
    if design.clusters:
        psus = group_rows(responses, (*design.strata, *design.clusters))
        stratum_of_psu = np.zeros(len(psus.labels), dtype=np.int64)
        stratum_of_psu[psus.group_of_row] = weighted.stratum_of_row
        n_psus = np.bincount(stratum_of_psu, minlength=len(weighted.labels))
    is_census = weighted.people == weighted.n_answering if design.fpc else np.zeros(len(weighted.labels), dtype=bool)
    is_lonely: npt.NDArray[np.bool_] = (n_psus == 1) & ~is_census
    return is_lonely[weighted.stratum_of_row]
