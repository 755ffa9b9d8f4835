"""The table of a round's responses: which columns it has, and how answers become its rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from questionnaires.model import Item, Questionnaire

# What a row says of where it comes from. An empty string means that it was not recorded.
ATTRIBUTES = ("unit", "stratum", "psu", "channel")
# Which ratings came from one respondent: a random number that is drawn at sealing and means nothing else.
BALLOT = "ballot"

AnswerValue = str | tuple[str, ...] | float

# Rows are turned into columns so many at a time, so that a million responses never stand in memory as Python objects.
_ROWS_AT_ONCE = 20_000


def columns_of_choices(item: Item) -> tuple[tuple[str, str], ...]:
    """The code and the column of every choice of a `multiple` item, in the order they are offered."""
    return tuple((code, f"{item.code}_{code}") for code in item.accepted_codes)


def attribute_columns(questionnaire: Questionnaire) -> tuple[str, ...]:
    """The columns that say where a row comes from: with the ballot where one respondent rates several units."""
    return (*ATTRIBUTES, BALLOT) if questionnaire.rates_several_units else ATTRIBUTES


def response_schema(questionnaire: Questionnaire) -> pa.Schema:
    """The columns of the responses to a questionnaire, one row a response, or a rating where several units are rated.

    First the attributes, then the items in the order they are asked: `single` is the chosen code ("na" and "dk" as they
    are), `number` is a double, `multiple` is a boolean column a choice. Null means not answered, for a number also that
    it does not apply or is not known. Free texts are never here.
    """
    fields = [pa.field(name, pa.string(), nullable=False) for name in attribute_columns(questionnaire)]
    for item in questionnaire.items:
        if item.kind == "single":
            fields.append(pa.field(item.code, pa.string()))
        elif item.kind == "number":
            fields.append(pa.field(item.code, pa.float64()))
        elif item.kind == "multiple":
            fields.extend(pa.field(column, pa.bool_()) for _, column in columns_of_choices(item))
    return pa.schema(fields)


def tabulate_responses(
    questionnaire: Questionnaire, records: Iterable[tuple[Mapping[str, str], Mapping[str, AnswerValue]]]
) -> pa.Table:
    """The table of responses from pairs of attributes and answers, in the order they come.

    :param records: a pair a row. Where several units are rated that is a rating: the attributes have the "ballot", and
        the answers are those asked once together with those about this unit. An attribute that is not given is "not
        recorded". Texts among the answers are left out, and numbers with bands are replaced by the lowest of theirs.
    """
    schema = response_schema(questionnaire)
    rows = iter(records)
    batches = []
    while chunk := list(islice(rows, _ROWS_AT_ONCE)):
        columns: dict[str, list[object]] = {
            name: [attributes.get(name, "") for attributes, _ in chunk] for name in attribute_columns(questionnaire)
        }
        for item in questionnaire.items:
            columns.update(_cells(item, [answers.get(item.code) for _, answers in chunk]))
        batches.append(pa.record_batch([pa.array(columns[field.name], field.type) for field in schema], schema=schema))
    return banded(questionnaire, pa.Table.from_batches(batches, schema=schema))


def bands_of(questionnaire: Questionnaire) -> dict[str, list[float]]:
    """The lowest numbers of the bands of every item that has some, by the item's code."""
    return {item.code: list(item.bands) for item in questionnaire.items if item.bands}


def banded(questionnaire: Questionnaire, responses: pa.Table) -> pa.Table:
    """The responses with every number that has bands replaced by the lowest number of its band.

    What is in bands already stays as it is. A number below the first band, which no checked answer has, is put into it.
    """
    for code, bands in bands_of(questionnaire).items():
        numbers = responses[code]
        lowest = pc.if_else(pc.is_valid(numbers), bands[0], None)
        for band in bands[1:]:
            lowest = pc.if_else(pc.greater_equal(numbers, band), band, lowest)
        place = responses.schema.get_field_index(code)
        responses = responses.set_column(place, responses.schema.field(place), lowest.cast(pa.float64()))
    return responses


def units_without_place(responses: pa.Table, unit_codes: Sequence[str]) -> list[str]:
    """The unit codes of the responses that are not among `unit_codes`, sorted."""
    return sorted(set(responses["unit"].unique().to_pylist()) - set(unit_codes))


def _cells(item: Item, answers: Sequence[AnswerValue | None]) -> Iterator[tuple[str, list[object]]]:
    """The columns of an item and their cells, from the answers to it; none for a text."""
    if item.kind == "multiple":
        chosen = [(answer,) if isinstance(answer, str) else answer for answer in answers]
        for code, column in columns_of_choices(item):
            yield column, [code in codes if isinstance(codes, tuple) else None for codes in chosen]
    elif item.kind == "number":
        # "na" and "dk" are no numbers, and a column of numbers has no room for them.
        yield item.code, [float(answer) if isinstance(answer, int | float) else None for answer in answers]
    elif item.kind == "single":
        yield item.code, list(answers)
