"""Reads the registry's CSV files; everything that can be wrong in one line is found here."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from survey.errors import BadInput
from survey.plain_files import read_plain_file
from survey.storage.office import RELATIONS

LARGEST_FILE = 5_000_000
UNIT_COLUMNS = (
    "code name_vi name_en kind bloc parent_code valid_from valid_to population area_km2 source".split()  # noqa: SIM905
)
# A file without these is complete: a bloc's code is then made of its name, and its English name is not known.
OPTIONAL_UNIT_COLUMNS = ("bloc_code", "bloc_en")
SUCCESSION_COLUMNS = "predecessor_code successor_code effective_date relation source".split()  # noqa: SIM905
PROCEDURE_COLUMNS = ("unit", "procedure_vi", "procedure_en")
# A code is part of addresses and of file names, where `method` is the annex, `data` the open data and `verify` where a
# printed page is checked; an estimate's unit may also be `all`.
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
RESERVED_CODES = frozenset({"all", "data", "method", "verify"})
KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
BLOC_CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One line of the units file; `place` is its file and line. `bloc_code` is never empty, `bloc_name_en` may be."""

    place: str
    code: str
    name_vi: str
    name_en: str
    kind: str
    bloc_code: str
    bloc_name: str
    bloc_name_en: str
    parent_code: str
    valid_from: date | None
    valid_to: date | None
    population: int | None
    area_km2: float | None
    source: str


@dataclass(frozen=True, slots=True)
class SuccessionRow:
    """One line of the succession file; `place` is its file and line."""

    place: str
    predecessor_code: str
    successor_code: str
    effective_date: date
    relation: str
    source: str


@dataclass(frozen=True, slots=True)
class ProcedureRow:
    """One line of the procedures file: `unit` is a code, or a selector of the units that have not ended."""

    place: str
    unit: str
    name_vi: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line's cells by column, and where it stands."""

    place: str
    cells: Mapping[str, str]

    def refusal(self, column: str, expected: str) -> BadInput:
        found = self.cells[column]
        shown = repr(found if len(found) <= 60 else found[:60] + "…") if found else "nothing"
        return BadInput(f"{self.place}: column {column}: found {shown}, expected {expected}")

    def code(self, column: str) -> str:
        if not CODE.fullmatch(self.cells[column]) or self.cells[column] in RESERVED_CODES:
            raise self.refusal(column, "a code of at most 40 letters, digits, '.', '_' and '-'")
        return self.cells[column]

    def name(self, column: str, longest: int = 200) -> str:
        if not 0 < len(self.cells[column]) <= longest:
            raise self.refusal(column, f"a name of 1 to {longest} characters")
        return self.cells[column]

    def date(self, column: str) -> date | None:
        if not self.cells[column]:
            return None
        try:
            # The library also reads week dates and dates without hyphens, which are misprints here.
            if len(self.cells[column]) != 10:
                raise ValueError
            return date.fromisoformat(self.cells[column])
        except ValueError:
            raise self.refusal(column, "a date as YYYY-MM-DD") from None

    def whole_number(self, column: str) -> int | None:
        if not self.cells[column]:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", self.cells[column]):
            raise self.refusal(column, "a whole number without separators, or nothing")
        return int(self.cells[column])

    def decimal(self, column: str) -> float | None:
        if not self.cells[column]:
            return None
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", self.cells[column]):
            raise self.refusal(column, "a number with a decimal point, or nothing")
        return float(self.cells[column])


def read_units(path: Path) -> tuple[UnitRow, ...]:
    """The units of a file; raises BadInput for the first thing in it that is wrong."""
    rows: dict[str, UnitRow] = {}
    for line in table_lines(path, UNIT_COLUMNS, OPTIONAL_UNIT_COLUMNS):
        row = _unit_of(line)
        if row.code in rows:
            first = rows[row.code].place.rpartition(":")[2]
            raise line.refusal("code", f"a code of its own: line {first} has the same")
        rows[row.code] = row
    if not rows:
        raise BadInput(f"{path}: found no unit below the header, expected at least one")
    return tuple(rows.values())


def _unit_of(line: Line) -> UnitRow:
    kind = line.cells["kind"]
    if not KIND.fullmatch(kind):
        raise line.refusal("kind", "a kind in small letters, such as ward or department")
    valid_from, valid_to = line.date("valid_from"), line.date("valid_to")
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        raise line.refusal("valid_to", f"a day not before valid_from, {valid_from}")
    bloc_name = line.name("bloc")
    return UnitRow(
        place=line.place,
        code=line.code("code"),
        name_vi=line.name("name_vi"),
        name_en=line.name("name_en"),
        kind=kind,
        bloc_code=_bloc_code(line, bloc_name),
        bloc_name=bloc_name,
        bloc_name_en=line.name("bloc_en") if line.cells.get("bloc_en") else "",
        parent_code=line.code("parent_code") if line.cells["parent_code"] else "",
        valid_from=valid_from,
        valid_to=valid_to,
        population=line.whole_number("population"),
        area_km2=line.decimal("area_km2"),
        source=line.cells["source"],
    )


def _bloc_code(line: Line, name: str) -> str:
    given = line.cells.get("bloc_code", "")
    if given:
        if not BLOC_CODE.fullmatch(given):
            raise line.refusal("bloc_code", "a code of at most 80 small letters, digits and hyphens")
        return given
    code = bloc_code_of(name)
    if not BLOC_CODE.fullmatch(code):
        raise line.refusal("bloc", "a name with letters or digits, of which a code of at most 80 can be made")
    return code


def bloc_code_of(bloc_name: str) -> str:
    """The ASCII code of a bloc's Vietnamese name: "Khối địa phương" is khoi-dia-phuong."""
    # The letter đ is no d with a mark to Unicode, so taking marks away leaves it standing.
    bare = bloc_name.lower().replace("đ", "d")
    letters = "".join(c for c in unicodedata.normalize("NFD", bare) if not unicodedata.combining(c))
    return "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in letters).split())


def read_succession(path: Path) -> tuple[SuccessionRow, ...]:
    """The successions of a file; raises BadInput for the first thing in it that is wrong."""
    rows: dict[tuple[str, str, date], SuccessionRow] = {}
    for line in table_lines(path, SUCCESSION_COLUMNS):
        effective_date = line.date("effective_date")
        if effective_date is None:
            raise line.refusal("effective_date", "a date as YYYY-MM-DD")
        if line.cells["relation"] not in RELATIONS:
            raise line.refusal("relation", ", ".join(RELATIONS))
        row = SuccessionRow(
            place=line.place,
            predecessor_code=line.code("predecessor_code"),
            successor_code=line.code("successor_code"),
            effective_date=effective_date,
            relation=line.cells["relation"],
            source=line.cells["source"],
        )
        if row.predecessor_code == row.successor_code:
            raise line.refusal("successor_code", "another unit than the predecessor")
        key = (row.predecessor_code, row.successor_code, row.effective_date)
        if key in rows:
            first = rows[key].place.rpartition(":")[2]
            raise line.refusal("predecessor_code", f"a succession of its own: line {first} has the same")
        rows[key] = row
    return tuple(rows.values())


def read_procedures(path: Path) -> tuple[ProcedureRow, ...]:
    """The procedures of a file; raises BadInput for the first thing in it that is wrong."""
    rows: dict[tuple[str, str], ProcedureRow] = {}
    for line in table_lines(path, PROCEDURE_COLUMNS):
        row = ProcedureRow(
            place=line.place,
            unit=line.name("unit"),
            name_vi=line.name("procedure_vi"),
            name_en=line.name("procedure_en") if line.cells["procedure_en"] else "",
        )
        key = (row.unit, row.name_vi)
        if key in rows:
            first = rows[key].place.rpartition(":")[2]
            raise line.refusal("procedure_vi", f"a procedure of its own: line {first} has the same")
        rows[key] = row
    if not rows:
        raise BadInput(f"{path}: found no procedure below the header, expected at least one")
    return tuple(rows.values())


def table_lines(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Line]:
    """The lines of a CSV file with exactly these columns, in any order; raises BadInput for the first that is wrong."""
    reader = csv.reader(io.StringIO(_text_of(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        if sorted(name for name in header if name not in optional) != sorted(columns) or len(set(header)) < len(header):
            found = ", ".join(header)[:200] or "none"
            may_be = f" and perhaps {', '.join(optional)}" if optional else ""
            raise BadInput(f"{path}:1: found the columns {found}, expected {', '.join(columns)}{may_be}")
        for cells in reader:
            if not cells:
                continue
            place = f"{path}:{reader.line_num}"
            if len(cells) != len(header):
                raise BadInput(f"{place}: found {len(cells)} columns, expected {len(header)}")
            cleaned = {name: _cleaned(cell, place, name) for name, cell in zip(header, cells, strict=True)}
            yield Line(place, cleaned)
    except csv.Error as complaint:
        raise BadInput(f"{path}:{reader.line_num}: found {complaint}, expected comma-separated values") from None


def _cleaned(cell: str, place: str, column: str) -> str:
    text = unicodedata.normalize("NFC", cell).strip()
    # Control and direction marks would let a name look like another one on a page or in a terminal.
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn") for letter in text):
        raise BadInput(f"{place}: column {column}: found an invisible character, expected letters that can be seen")
    return text


def _text_of(path: Path) -> str:
    content = read_plain_file(path, LARGEST_FILE)
    if not content.strip():
        raise BadInput(f"{path}: found an empty file, expected a header and rows")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as complaint:
        line = content.count(b"\n", 0, complaint.start) + 1
        column = complaint.start - (content.rfind(b"\n", 0, complaint.start) + 1) + 1
        raise BadInput(
            f"{path}:{line}: byte {column} of the line: found {content[complaint.start]:#04x}, expected UTF-8"
        ) from None
