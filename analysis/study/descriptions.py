"""What the columns of a table mean to people: their texts, and the labels of their codes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from analysis.errors import SpecError
from analysis.estimation.tables import Sheet
from analysis.exporting.codebook import Variable

_TRUTHS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True, slots=True)
class Description:
    """What stands in a column.

    Attributes:
        text: the question, or "" where nobody says; labels: code, as estimates spell it → what it means.
    """

    text: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    def label(self, code: str) -> str:
        """What a code means; the code itself where it has no label."""
        return self.labels.get(code, code)


Descriptions = Mapping[str, Description]


def described(sheet: Sheet, variables: Sequence[Variable], language: str) -> tuple[Sheet, dict[str, Description]]:
    """A table as its codebook says it is to be computed with, and what its columns mean.

    A choice whose options all have values becomes numbers, any other keeps its codes; "not applicable" and "don't know"
    become missing; yes and no become 1 and 0. Columns that the codebook does not name stay as they are.
    Raises SpecError with the first code that the codebook does not know.
    """
    columns = dict(sheet.columns)
    found: dict[str, Description] = {}
    for variable in variables:
        if variable.name not in columns:
            continue
        labels = {one.code: one.label.in_language(language) for one in variable.categories if not one.is_missing}
        if variable.kind == "choice" and variable.categories:
            columns[variable.name], labels = _choice(sheet, variable, language)
        elif variable.kind == "yes_no":
            columns[variable.name] = _truths(sheet, variable.name)
            labels = {f"{_TRUTHS[code]:g}": label for code, label in labels.items()}
        found[variable.name] = Description(variable.text.in_language(language), labels)
    return Sheet(sheet.name, columns, sheet.n_rows), found


def has_values(variable: Variable) -> bool:
    """Whether every answer to a choice is a place on a scale."""
    answers = [one for one in variable.categories if not one.is_missing]
    return bool(answers) and all(one.value is not None for one in answers)


def _choice(sheet: Sheet, variable: Variable, language: str) -> tuple[pa.ChunkedArray, dict[str, str]]:
    answers = {one.code: one for one in variable.categories if not one.is_missing}
    known = {one.code for one in variable.categories}
    encoded = sheet.labels(variable.name).combine_chunks().dictionary_encode()
    codes = encoded.dictionary.to_pylist()
    for place, code in enumerate(codes):
        if code not in known:
            row = pc.index(encoded.indices, place).as_py()
            raise sheet.refusal(variable.name, row, f"found {code!r}", f"one of {', '.join(sorted(known))}")
    if has_values(variable):
        worth = pa.array([answers[code].value if code in answers else None for code in codes], pa.float64())
        labels = {f"{one.value:.15g}": one.label.in_language(language) for one in answers.values()}
    else:
        worth = pa.array([code if code in answers else None for code in codes], pa.string())
        labels = {code: one.label.in_language(language) for code, one in answers.items()}
    return pa.chunked_array([worth.take(encoded.indices)]), labels


def _truths(sheet: Sheet, column: str) -> pa.ChunkedArray:
    encoded = sheet.labels(column).combine_chunks().dictionary_encode()
    codes = [code.lower() for code in encoded.dictionary.to_pylist()]
    if set(codes) - set(_TRUTHS):
        raise SpecError(f"{sheet.name}: column {column}: found {', '.join(codes[:5])}, expected true and false")
    return pa.chunked_array([pa.array([_TRUTHS[code] for code in codes], pa.float64()).take(encoded.indices)])
