"""What the rules of quality look at, read from responses: ratings by scale, what was asked, and how long it took."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.estimation.quality import Block, Codes, Floats, Integers, Truths
from analysis.indices.trees import IndexTree
from analysis.release.quality_rules import QualityPlan, refuse_strange_duration
from analysis.responses import columns_of_choices
from questionnaires.model import Condition, Item, Questionnaire, Section

# A scale of two answers is a question of fact more often than a rating.
_FEWEST_PLACES = 3


@dataclass(frozen=True, slots=True, eq=False)
class QualityColumns:
    """The responses, n rows, as the rules see them.

    `blocks` are the ratings by scale, in the order asked; `best_last` the same with the best answer as the highest
    place, which differs where a tree counts an item the other way round. `is_asked` and `is_answered` (n, K) are about
    all items that an archive keeps and that can be told to be missing; `seconds` (n,) is None without a duration.
    """

    blocks: tuple[Block, ...]
    best_last: tuple[Block, ...]
    is_asked: Truths
    is_answered: Truths
    seconds: Floats | None


def quality_columns(
    responses: pa.Table, questionnaire: Questionnaire, tree: IndexTree, plan: QualityPlan
) -> QualityColumns:
    """The columns of a round. Where a ballot rates several units, only what is asked about each of them.

    Raises PlanError where the plan's item of duration is no number of the questionnaire.
    """
    sections = questionnaire.per_unit_sections if questionnaire.rates_several_units else questionnaire.sections
    is_reversed = dict(zip(tree.items, tree.reversed[: len(tree.items)].tolist(), strict=True))
    blocks = _blocks(responses, [item for section in sections for item in section.items])
    turned = tuple(
        Block(
            np.column_stack(
                [
                    np.where(column >= 0, len(block.values) - 1 - column, column) if is_reversed.get(code) else column
                    for code, column in zip(codes, block.ratings.T, strict=True)
                ]
            ).astype(np.int8),
            block.values,
        )
        for codes, block in blocks
    )
    asked, answered = _asked(responses, questionnaire, sections, plan.duration)
    return QualityColumns(
        tuple(block for _, block in blocks), turned, asked, answered, _seconds(responses, questionnaire, plan)
    )


def _blocks(responses: pa.Table, items: Sequence[Item]) -> list[tuple[list[str], Block]]:
    by_scale: dict[tuple[tuple[str, float], ...], list[Item]] = {}
    for item in items:
        places = sorted((option.value, option.code) for option in item.options if option.value is not None)
        if item.kind == "single" and len({value for value, _ in places}) == len(places) >= _FEWEST_PLACES:
            by_scale.setdefault(tuple((code, value) for value, code in places), []).append(item)
    return [
        (
            [item.code for item in of_scale],
            Block(
                np.column_stack([_places(responses[item.code], [code for code, _ in scale]) for item in of_scale]),
                np.array([value for _, value in scale]),
            ),
        )
        for scale, of_scale in by_scale.items()
    ]


def _places(column: pa.ChunkedArray, codes: Sequence[str]) -> Codes:
    """The place of each answer (n,) among some codes, -1 where it is none of them."""
    encoded = column.combine_chunks().dictionary_encode()
    place_of = {code: place for place, code in enumerate(codes)}
    known = np.array([*(place_of.get(code, -1) for code in encoded.dictionary.to_pylist()), -1], dtype=np.int8)
    found: Codes = known[encoded.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)]
    return found


def _asked(
    responses: pa.Table, questionnaire: Questionnaire, sections: Sequence[Section], duration: str
) -> tuple[Truths, Truths]:
    """Which items each row was asked and which it answered: (n, K) each."""
    shown: dict[str, Truths] = {}
    asked, answered = [], []
    everybody = np.ones(responses.num_rows, dtype=bool)
    # Conditions may look at what was asked once, before the sections about a unit.
    for section in questionnaire.sections:
        holds = _holds(section.show_if, questionnaire, responses, shown, everybody)
        for item in section.items:
            shown[item.code] = holds & _holds(item.show_if, questionnaire, responses, shown, everybody)
            # A number's column has no room for "don't know", so that null may be an answer.
            is_unsure = item.kind == "number" and (item.not_applicable or item.dont_know)
            if section in sections and item.kind != "text" and item.code != duration and not is_unsure:
                asked.append(shown[item.code])
                answered.append(_answered(responses, item))
    nothing = np.zeros((responses.num_rows, 0), dtype=bool)
    return (np.column_stack(asked), np.column_stack(answered)) if asked else (nothing, nothing)


def _answered(responses: pa.Table, item: Item) -> Truths:
    column = columns_of_choices(item)[0][1] if item.kind == "multiple" else item.code
    is_there = pc.is_valid(responses[column])
    if item.kind == "single" and item.dont_know:
        is_there = pc.and_(is_there, pc.fill_null(pc.not_equal(responses[item.code], "dk"), False))
    return np.asarray(is_there.to_numpy(), dtype=bool)


def _holds(
    condition: Condition | None,
    questionnaire: Questionnaire,
    responses: pa.Table,
    shown: dict[str, Truths],
    everybody: Truths,
) -> Truths:
    if condition is None:
        return everybody
    item = questionnaire.item(condition.item)
    if item.kind == "multiple":
        columns = [column for code, column in columns_of_choices(item) if code in condition.any_of]
        holds = np.any([pc.fill_null(responses[column], False).to_numpy() for column in columns], axis=0)
    else:
        holds = pc.is_in(responses[item.code], pa.array(condition.any_of, pa.string())).to_numpy()
    found: Truths = np.asarray(holds, dtype=bool) & shown.get(item.code, everybody)
    return found


def _seconds(responses: pa.Table, questionnaire: Questionnaire, plan: QualityPlan) -> Floats | None:
    if not plan.duration:
        return None
    refuse_strange_duration(plan, questionnaire)
    found: Floats = responses[plan.duration].to_numpy().astype(np.float64) * plan.seconds_per_unit
    return found


def n_asked_of(columns: QualityColumns) -> Integers:
    """How many items each row (n,) was asked."""
    return np.asarray(columns.is_asked.sum(axis=1), dtype=np.int64)
