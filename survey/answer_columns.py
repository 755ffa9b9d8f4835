"""The columns of a table collected elsewhere as responses: every value is checked, and the first bad one is named."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from analysis.release.round_design import ImportMapping, RoundDesign
from analysis.responses import ATTRIBUTES, BALLOT, banded, columns_of_choices, response_schema
from questionnaires.model import DONT_KNOW, NOT_APPLICABLE, Item, Questionnaire
from survey.answer_files import row_number
from survey.answer_respondents import Respondents
from survey.errors import BadInput
from survey.spool import SpooledComments

LONGEST_LABEL = 80
_TRUE = {"true", "1", "yes", "x"}
_FALSE = {"false", "0", "no"}


@dataclass(frozen=True, slots=True)
class MappedAnswers:
    """Responses in the questionnaire's columns, and the free texts apart from them."""

    responses: pa.Table
    comments: SpooledComments


def map_answers(
    table: pa.Table,
    questionnaire: Questionnaire,
    design: RoundDesign,
    mapping: ImportMapping,
    units: Sequence[str],
    path: Path,
    design_path: Path,
) -> MappedAnswers:
    """The table as responses, in its order, with numbers in the bands they are kept in.

    `units` are the codes that a row's unit may have.
    Raises BadInput for the first column that nothing uses or that is not there, for a respondent who comes twice, and
    for the first value that is not one of those expected, with its row and column.
    """
    reader = _Reader(table, mapping, path, design_path)
    sources = _sources(questionnaire, mapping)
    reader.refuse_odd_columns(sources, mapping, questionnaire)
    respondents = Respondents(table, mapping, path)
    if not questionnaire.rates_several_units:
        respondents.refuse_repeated()
    columns: dict[str, pa.Array] = {}
    for attribute in ATTRIBUTES:
        columns[attribute] = _attribute(reader, attribute, design, units)
    for item in questionnaire.items:
        if item.kind == "multiple":
            for code, column in columns_of_choices(item):
                columns[column] = reader.choice(column, code, sources[column])
        elif item.kind == "number":
            columns[item.code] = reader.numbers(item, sources[item.code])
        elif item.kind == "single":
            columns[item.code] = reader.codes(item, sources[item.code])
    if questionnaire.rates_several_units:
        columns[BALLOT] = respondents.ballots(questionnaire, columns["unit"], sources, design_path)
    comments = _comments(reader, respondents, questionnaire, sources, columns["unit"])
    schema = response_schema(questionnaire)
    responses = pa.table([columns[name] for name in schema.names], schema=schema)
    return MappedAnswers(banded(questionnaire, responses), comments)


def _comments(
    reader: "_Reader",
    respondents: Respondents,
    questionnaire: Questionnaire,
    sources: Mapping[str, str],
    units: pa.Array,
) -> SpooledComments:
    """The free texts with the units they are about; what is asked once where several are rated is about none."""
    comments = SpooledComments()
    for section in questionnaire.sections:
        is_about_none = questionnaire.rates_several_units and not section.per_unit
        rows = respondents.first_rows() if is_about_none else None
        for item in section.items:
            if item.kind != "text":
                continue
            for row, text in reader.texts(item, sources[item.code]):
                if rows is None or row in rows:
                    comments.add(row, "" if is_about_none else units[row].as_py(), item.code, text)
    return comments


def _sources(questionnaire: Questionnaire, mapping: ImportMapping) -> dict[str, str]:
    """The column of the table for each answer: its own name, or the one the design names. Texts only when named."""
    sources: dict[str, str] = {}
    for item in questionnaire.items:
        names = [column for _, column in columns_of_choices(item)] if item.kind == "multiple" else [item.code]
        for name in names:
            if name in mapping.items:
                sources[name] = mapping.items[name]
            else:
                sources[name] = "" if item.kind == "text" or name in mapping.ignore else name
    return sources


def _attribute(reader: "_Reader", attribute: str, design: RoundDesign, units: Sequence[str]) -> pa.Array:
    column = reader.mapping.columns.get(attribute)
    is_needed = attribute in ("unit", *design.strata, *design.clusters)
    if column is None:
        if is_needed:
            raise BadInput(
                f"{reader.design_path}, import.columns: found no {attribute!r}, which the design uses, "
                "expected its column"
            )
        return pa.array([""] * reader.table.num_rows, pa.string())
    known = set(units) if attribute == "unit" else None

    def meaning(found: str) -> str:
        label = reader.mapping.codes.get(attribute, {}).get(found, found)
        if label in reader.missing and is_needed:
            raise _ValueProblem("nothing", f"the {attribute} of the respondent")
        if known is not None and label not in known:
            raise _ValueProblem(f"{found!r}", f"one of the units {_some(sorted(known))}")
        if len(label) > LONGEST_LABEL or not label.isprintable():
            raise _ValueProblem(f"{found[:40]!r}", f"a label of at most {LONGEST_LABEL} characters")
        return "" if label in reader.missing else label

    return reader.translated(column, meaning, pa.string())


class _ValueProblem(Exception):
    """A value that is not one of those expected; where it stands is added by the reader of the column."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found, expected)
        self.found = found
        self.expected = expected


class _Reader:
    """Reads columns of one table: each different value is judged once, however many rows have it."""

    def __init__(self, table: pa.Table, mapping: ImportMapping, path: Path, design_path: Path) -> None:
        self.table = table
        self.mapping = mapping
        self.path = path
        self.design_path = design_path
        self.missing = {"", *mapping.missing}

    def refuse_odd_columns(
        self, sources: Mapping[str, str], mapping: ImportMapping, questionnaire: Questionnaire
    ) -> None:
        there = set(self.table.column_names)
        respondent = () if mapping.respondent is None else (mapping.respondent,)
        used = {*sources.values(), *mapping.columns.values(), *respondent} - {""}
        lacking = [name for name in (*respondent, *mapping.columns.values(), *sources.values()) if name]
        for name in dict.fromkeys(lacking):
            if name not in there:
                raise BadInput(
                    f"{self.path}, row 1: found no column {name!r}, expected it for {self._use_of(name, sources)}"
                )
        for name in mapping.items:
            if name not in sources:
                raise BadInput(
                    f"{self.design_path}, import.items: found {name!r}, expected items of {questionnaire.reference}"
                )
        for name in self.table.column_names:
            if name not in used and name not in mapping.ignore:
                raise BadInput(
                    f"{self.path}, row 1: found the column {name!r}, which is no item of {questionnaire.reference}, "
                    "expected it under import.items, import.columns or import.ignore of the design"
                )

    def codes(self, item: Item, column: str) -> pa.Array:
        accepted = set(item.accepted_codes)

        def meaning(found: str) -> str | None:
            code = self._meant(item, found)
            if code is not None and code not in accepted:
                raise _ValueProblem(f"{found[:40]!r}", f"one of {_some(item.accepted_codes)}, or nothing")
            return code

        return self.translated(column, meaning, pa.string())

    def numbers(self, item: Item, column: str) -> pa.Array:
        low, high = item.minimum, item.maximum

        def meaning(found: str) -> float | None:
            code = self._meant(item, found)
            if code in (None, NOT_APPLICABLE, DONT_KNOW):
                return None
            try:
                number = float(str(code).replace(",", "."))
            except ValueError:
                raise _ValueProblem(f"{found[:40]!r}", "a number") from None
            if not (low if low is not None else -1e308) <= number <= (high if high is not None else 1e308):
                bounds = (
                    f"from {low:g}" if high is None else f"to {high:g}" if low is None else f"from {low:g} to {high:g}"
                )
                raise _ValueProblem(found, f"a number {bounds}")
            if item.whole and not number.is_integer():
                raise _ValueProblem(found, "a whole number")
            return number

        return self.translated(column, meaning, pa.float64())

    def choice(self, name: str, code: str, column: str) -> pa.Array:
        def meaning(found: str) -> bool | None:
            word = self.mapping.codes.get(name, {}).get(found, found).lower()
            if word in _TRUE or word == code:
                return True
            if word in _FALSE:
                return False
            if found in self.missing:
                return None
            raise _ValueProblem(f"{found[:40]!r}", "1, 0 or nothing")

        return self.translated(column, meaning, pa.bool_())

    def texts(self, item: Item, column: str) -> Iterator[tuple[int, str]]:
        if not column:
            return
        for position, text in enumerate(self.table[column].to_pylist()):
            if text in self.missing:
                continue
            if item.longest is not None and len(text) > item.longest:
                self._refuse(column, text, _ValueProblem(f"{len(text):,} characters", f"at most {item.longest:,}"))
            yield position, text

    def translated(self, column: str, meaning: Callable[[str], object], kind: pa.DataType) -> pa.Array:
        """The column with each value replaced by what it means; null everywhere where the item is left out."""
        if not column:
            return pa.nulls(self.table.num_rows, kind)
        encoded = self.table[column].combine_chunks().dictionary_encode()
        meanings = []
        for found in encoded.dictionary.to_pylist():
            try:
                meanings.append(meaning(found))
            except _ValueProblem as problem:
                self._refuse(column, found, problem)
        return pa.array(meanings, kind).take(encoded.indices)

    def _meant(self, item: Item, found: str) -> str | None:
        """The code a value stands for: as the design says for this item, as the item says, as the design says for
        all.
        """
        own = self.mapping.codes.get(item.code, {})
        if found in own:
            return own[found]
        if found in item.accepted_codes:
            return found
        if found in self.missing:
            return None
        if found in self.mapping.dont_know:
            return DONT_KNOW
        return NOT_APPLICABLE if found in self.mapping.not_applicable else found

    def _refuse(self, column: str, value: str, problem: _ValueProblem) -> NoReturn:
        row = row_number(pc.index(self.table[column], pa.scalar(value, pa.string())).as_py())
        raise BadInput(
            f"{self.path}, row {row}, column {column}: found {problem.found}, expected {problem.expected}"
        ) from None

    @staticmethod
    def _use_of(column: str, sources: Mapping[str, str]) -> str:
        items = [item for item, source in sources.items() if source == column]
        return f"the item {items[0]}" if items else "the design"


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:8]) + (" …" if len(words) > 8 else "")
