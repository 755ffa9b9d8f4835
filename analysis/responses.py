"""The table of a round's responses: which columns it has, and how answers become its rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa

from questionnaires.model import Item, Questionnaire

# What a row says of where it comes from. An empty string means that it was not recorded.
ATTRIBUTES = ("unit", "stratum", "psu", "channel")

AnswerValue = str | tuple[str, ...] | float


def columns_of_choices(item: Item) -> tuple[tuple[str, str], ...]:
    """The code and the column of every choice of a `multiple` item, in the order they are offered."""
    return tuple((code, f"{item.code}_{code}") for code in item.accepted_codes)


def response_schema(questionnaire: Questionnaire) -> pa.Schema:
    """The columns of the responses to a questionnaire.

    First the attributes, then the items in the order they are asked: `single` is the chosen code ("na" and "dk" as they
    are), `number` is a double, `multiple` is a boolean column a choice. Null means not answered. Free texts are never
    here.
    """
    fields = [pa.field(name, pa.string(), nullable=False) for name in ATTRIBUTES]
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

    An attribute that is not given is "not recorded". Texts among the answers are left out.
    """
    schema = response_schema(questionnaire)
    columns: dict[str, list[object]] = {name: [] for name in schema.names}
    for attributes, answers in records:
        for name in ATTRIBUTES:
            columns[name].append(attributes.get(name, ""))
        for item in questionnaire.items:
            for column, cell in _cells(item, answers.get(item.code)):
                columns[column].append(cell)
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def units_without_place(responses: pa.Table, unit_codes: Sequence[str]) -> list[str]:
    """The unit codes of the responses that are not among `unit_codes`, sorted."""
    return sorted(set(responses["unit"].unique().to_pylist()) - set(unit_codes))


def _cells(item: Item, answer: AnswerValue | None) -> Iterator[tuple[str, object]]:
    if item.kind == "multiple":
        chosen = (answer,) if isinstance(answer, str) else answer
        for code, column in columns_of_choices(item):
            yield column, None if not isinstance(chosen, tuple) else code in chosen
    elif item.kind == "number":
        yield item.code, None if answer is None or isinstance(answer, tuple) else float(answer)
    elif item.kind == "single":
        yield item.code, answer
