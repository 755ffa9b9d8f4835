"""The answers of practice people as the table of an archive's responses, without sending them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from analysis.responses import banded, columns_of_choices, response_schema
from questionnaires.model import Item
from survey.demonstration.practice_frame import Integers
from survey.demonstration.practice_people import Column, Population, PracticeAnswers


def responses_of(population: Population, answers: PracticeAnswers) -> pa.Table:
    """One row a rating, in the order of the answers; a ballot is called by its number."""
    cells, questionnaire = population.cells, population.questionnaire
    cell = answers.cell[answers.person]
    columns: dict[str, pa.Array] = {
        "unit": _words(population.units, answers.unit),
        "ballot": _words([f"{number:032x}" for number in range(len(answers.cell))], answers.person),
        "stratum": _words(cells.strata, cell),
        "psu": _words(cells.psus, cell),
        "channel": _words(population.channels, answers.channel[answers.person]),
    }
    for item in questionnaire.items:
        if item.code in answers.per_unit:
            columns |= _cells(item, answers.per_unit[item.code])
        else:
            columns |= _cells(item, answers.common[item.code][answers.person])
    schema = response_schema(questionnaire)
    return banded(questionnaire, pa.table([columns[field.name] for field in schema], schema=schema))


def _cells(item: Item, column: Column) -> dict[str, pa.Array]:
    if item.kind == "single":
        return {item.code: _words(item.accepted_codes, column.astype(np.int64))}
    if item.kind == "number":
        return {item.code: pa.array(column, pa.float64(), mask=np.isnan(column))}
    if item.kind == "multiple":
        return {
            name: pa.array(column[:, place] == 1, pa.bool_(), mask=column[:, place] < 0)
            for place, (_, name) in enumerate(columns_of_choices(item))
        }
    return {}


def _words(words: Sequence[str], places: Integers) -> pa.Array:
    """The word at each place, null at -1."""
    return pa.array(words, pa.string()).take(pa.array(places, pa.int64(), mask=places < 0))
