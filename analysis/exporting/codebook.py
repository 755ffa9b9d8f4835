"""What stands in each column of exported responses: its question, its codes and their labels."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.archive import ArchiveUnit
from analysis.exporting.safe_cells import safe_text
from analysis.responses import BALLOT, attribute_columns, columns_of_choices
from questionnaires.model import DONT_KNOW, NOT_APPLICABLE, Condition, Item, Questionnaire, Text

VariableKind = Literal["label", "choice", "number", "yes_no", "weight"]

# No item can be called so.
WEIGHT = "weight"

COLUMNS = ("column", "kind", "text_vi", "text_en", "asked_if_vi", "asked_if_en", "code", "number", "label_vi",
           "label_en", "value")  # fmt: skip

YES, NO = Text("Có", "Yes"), Text("Không", "No")
_ATTRIBUTES = {
    "unit": Text("Đơn vị được đánh giá", "Unit that is rated"),
    "stratum": Text("Tầng của mẫu", "Stratum of the sample"),
    "psu": Text("Cụm của mẫu, đặt tên lại khi niêm phong", "Cluster of the sample, named anew at sealing"),
    "channel": Text("Kênh phát mã mời", "Channel of the invitation"),
    BALLOT: Text(
        "Phiếu: các dòng cùng số là của một người trả lời", "Ballot: rows with one number are one respondent's"
    ),
}
_WEIGHTS = {
    True: Text(
        "Trọng số: câu trả lời này đại diện cho bao nhiêu người", "Weight: how many people this response speaks for"
    ),
    False: Text("Trọng số: dân số chưa được đếm", "Weight: nobody counted the people"),
}
_RESERVED = {NOT_APPLICABLE: Text("Không áp dụng", "Not applicable"), DONT_KNOW: Text("Không biết", "Don't know")}
# The numbers of "na" and "dk" in formats that know numbers only: the first pair above every option's.
_RESERVED_NUMBERS = ((98, 99), (998, 999), (9998, 9999))


@dataclass(frozen=True, slots=True)
class Category:
    """A code that a column may have.

    `number` stands for it in formats of numbers, `value` is its place on a scale, None where it has none. Who answers
    so has given no answer to the question where `is_missing`.
    """

    code: str
    label: Text
    number: float
    value: float | None = None
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A column: labels of the frame, one choice, a number, yes or no to one choice of several, or the weight."""

    name: str
    kind: VariableKind
    text: Text
    categories: tuple[Category, ...] = ()
    asked_if: Text | None = None

    @property
    def labels(self) -> Mapping[str, Text]:
        """The label of each code."""
        return {category.code: category.label for category in self.categories}


def codebook_of(
    questionnaire: Questionnaire, units: Sequence[ArchiveUnit], *, has_counts: bool
) -> tuple[Variable, ...]:
    """The columns of the responses to a questionnaire in their order, and last the weight.

    `units` are those of the round. `has_counts` says that the weights follow from counted people.
    """
    variables = [
        Variable(name, "label", _ATTRIBUTES[name], _unit_categories(units) if name == "unit" else ())
        for name in attribute_columns(questionnaire)
    ]
    for section in questionnaire.sections:
        for item in section.items:
            conditions = [one for one in (section.show_if, item.show_if) if one is not None]
            variables.extend(_variables(item, _asked_if(conditions, questionnaire)))
    return (*variables, Variable(WEIGHT, "weight", _WEIGHTS[has_counts]))


def codebook_csv(variables: Sequence[Variable]) -> bytes:
    """The codebook as a table: a row a code, one row for a column without codes. UTF-8 with the mark Excel wants."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in codebook_rows(variables):
        writer.writerow([safe_text(cell) if isinstance(cell, str) else cell for cell in row])
    return stream.getvalue().encode("utf-8-sig")


def codebook_rows(variables: Sequence[Variable]) -> list[tuple[str | float | None, ...]]:
    """The rows of the codebook under `COLUMNS`."""
    rows: list[tuple[str | float | None, ...]] = []
    for variable in variables:
        asked = variable.asked_if or Text("", "")
        head = (variable.name, variable.kind, variable.text.vi, variable.text.en, asked.vi, asked.en)
        rows.extend((*head, c.code, c.number, c.label.vi, c.label.en, c.value) for c in variable.categories)
        if not variable.categories:
            rows.append((*head, None, None, None, None, None))
    return rows


def _variables(item: Item, asked_if: Text | None) -> list[Variable]:
    if item.kind == "single":
        return [Variable(item.code, "choice", item.text, _choices(item), asked_if)]
    if item.kind == "number":
        return [Variable(item.code, "number", item.text, _bands(item), asked_if)]
    if item.kind == "multiple":
        labels = {option.code: option.label for option in item.options} | _RESERVED
        yes_no = (Category("true", YES, 1), Category("false", NO, 0))
        return [
            Variable(
                column,
                "yes_no",
                Text(f"{item.text.vi} – {labels[code].vi}", f"{item.text.en} – {labels[code].en}"),
                yes_no,
                asked_if,
            )
            for code, column in columns_of_choices(item)
        ]
    return []


def _choices(item: Item) -> tuple[Category, ...]:
    codes = [option.code for option in item.options]
    # Codes that are whole numbers are their own; others are counted.
    are_numbers = all(code.isascii() and code.isdigit() and str(int(code)) == code and len(code) < 4 for code in codes)
    numbers = [int(code) for code in codes] if are_numbers else list(range(1, len(codes) + 1))
    reserved = next(pair for pair in _RESERVED_NUMBERS if max(numbers, default=0) < pair[0])
    numbered = dict(zip((NOT_APPLICABLE, DONT_KNOW), reserved, strict=True))
    return (
        *(
            Category(option.code, option.label, number, option.value)
            for option, number in zip(item.options, numbers, strict=True)
        ),
        *(Category(code, _RESERVED[code], numbered[code], is_missing=True) for code in item.reserved_codes),
    )


def _bands(item: Item) -> tuple[Category, ...]:
    """What the lowest number of a band stands for; none where a number is kept as it was given."""
    found = []
    for place, low in enumerate(item.bands, start=1):
        following = item.bands[place] if place < len(item.bands) else None
        if following is None:
            label = Text(f"từ {low:g} trở lên", f"{low:g} or more")
        elif item.whole:
            label = Text(f"từ {low:g} đến {following - 1:g}", f"{low:g} to {following - 1:g}")
        else:
            label = Text(f"từ {low:g} đến dưới {following:g}", f"{low:g} to below {following:g}")
        found.append(Category(f"{low:g}", label, low))
    return tuple(found)


def _unit_categories(units: Sequence[ArchiveUnit]) -> tuple[Category, ...]:
    return tuple(Category(unit.code, unit.name, number) for number, unit in enumerate(units, start=1))


def _asked_if(conditions: Sequence[Condition], questionnaire: Questionnaire) -> Text | None:
    if not conditions:
        return None
    vi, en = [], []
    for condition in conditions:
        item = questionnaire.item(condition.item)
        labels = {option.code: option.label for option in item.options} | _RESERVED
        chosen = [labels[code] for code in condition.any_of if code in labels]
        vi.append(f"{item.text.vi}: {' hoặc '.join(label.vi for label in chosen)}")
        en.append(f"{item.text.en}: {' or '.join(label.en for label in chosen)}")
    return Text("; ".join(vi), "; ".join(en))
