"""Hard data: figures of units that no survey asks for, as a table that an officer fills in.

A CSV file with the columns `unit`, `indicator`, `value` and `source`; the source may be empty. A value is a number with
a decimal point.
"""

import csv
import io
import math
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError
from questionnaires.marked_yaml import is_foreign

COLUMNS = ("unit", "indicator", "value", "source")
LARGEST_FILE = 5_000_000
# As the extremes of earlier years in a plan; a figure beyond is a slip of the keyboard.
LARGEST_VALUE = 1e9
LONGEST_SOURCE = 500
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class HardValue:
    """One figure and the line of the file that it stands in."""

    unit: str
    indicator: str
    value: float
    source: str
    line: int


@dataclass(frozen=True)
class HardData:
    """The figures of a file; `source` are its bytes, `origin` is its name."""

    rows: tuple[HardValue, ...]
    source: bytes = field(repr=False)
    origin: str

    def table(self, units: Collection[str], indicators: Collection[str]) -> npt.NDArray[np.float64]:
        """The values (units, indicators) in the order of both; NaN where the file has none.

        Raises AnalysisError with the line of a unit or an indicator that is none of these.
        """
        for row in self.rows:
            for kind, code, known in (("unit", row.unit, units), ("indicator", row.indicator, indicators)):
                if code not in known:
                    shown = ", ".join(sorted(known)[:10]) + (" …" if len(known) > 10 else "")
                    raise AnalysisError(
                        f"{self.origin}, line {row.line}, {kind}: found {code[:60]!r}, "
                        f"expected one of the round's, {shown or 'which has none'}"
                    )
        missing = math.nan
        return np.array(
            [[self._values.get((unit, indicator), missing) for indicator in indicators] for unit in units],
            dtype=np.float64,
        ).reshape(len(units), len(indicators))

    @cached_property
    def _values(self) -> Mapping[tuple[str, str], float]:
        return {(row.unit, row.indicator): row.value for row in self.rows}


def parse_hard_data(source: bytes, origin: str) -> HardData:
    """The figures in a CSV file in UTF-8.

    Raises AnalysisError with the line: other columns, a unit or an indicator that is not named, what is no number, two
    figures of one unit and indicator, no figure at all.
    """
    if len(source) > LARGEST_FILE:
        raise AnalysisError(f"{origin}: found {len(source)} bytes, expected at most {LARGEST_FILE}")
    expected = f"expected the columns {', '.join(COLUMNS)}"
    try:
        lines = list(csv.reader(io.StringIO(source.decode("utf-8-sig"), newline=""), strict=True))
    except UnicodeDecodeError as complaint:
        number = source.count(b"\n", 0, complaint.start) + 1
        raise AnalysisError(f"{origin}, line {number}: found a byte that is not UTF-8, {expected}") from None
    except csv.Error as complaint:
        raise AnalysisError(f"{origin}: found no CSV ({complaint}), {expected}") from None
    header = tuple(cell.strip() for cell in lines[0]) if lines else ()
    if header not in (COLUMNS, COLUMNS[:3]):
        found = ", ".join(header)[:160] or "none"
        raise AnalysisError(f"{origin}, line 1: found the columns {found}, expected {', '.join(COLUMNS)}")
    rows: dict[tuple[str, str], HardValue] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) != len(header):
            raise AnalysisError(f"{origin}, line {number}: found {len(line)} cells, expected {len(header)}")
        row = _row(dict(zip(header, map(str.strip, line), strict=True)), origin, number)
        first = rows.setdefault((row.unit, row.indicator), row)
        if first is not row:
            raise AnalysisError(
                f"{origin}, line {number}: found {row.indicator} of {row.unit} twice, expected it once, "
                f"as in line {first.line}"
            )
    if not rows:
        raise AnalysisError(f"{origin}: found no figure, expected one line for each unit and indicator")
    return HardData(tuple(rows.values()), source, origin)


def written_anew(content: bytes) -> bytes:
    """The table of a CSV file as we write it: commas, composed letters, no mark and no blanks around its cells.

    What is published of a file that was handed in is this, and not the file. One that is no such table stays as it is:
    what is wrong with it is said by the reader of hard data, which refuses it.
    """
    header = content.partition(b"\n")[0]
    delimiter = ";" if b";" in header and b"," not in header else ","
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error):
        return content
    stream = io.StringIO()
    cells = ([unicodedata.normalize("NFC", cell).strip() for cell in row] for row in rows)
    csv.writer(stream, lineterminator="\n").writerows(cells)
    return stream.getvalue().encode()


def _row(cells: Mapping[str, str], origin: str, number: int) -> HardValue:
    for column in COLUMNS[:2]:
        if not cells[column]:
            raise AnalysisError(f"{origin}, line {number}, {column}: found nothing, expected a code")
    text = cells["value"]
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise AnalysisError(
            f"{origin}, line {number}, value: found {text[:60]!r}, expected a number with a decimal point"
        )
    if abs(value) > LARGEST_VALUE:
        raise AnalysisError(
            f"{origin}, line {number}, value: found {text[:60]}, expected -{LARGEST_VALUE:,.0f} to {LARGEST_VALUE:,.0f}"
        )
    place = f"{origin}, line {number}, source"
    return HardValue(cells["unit"], cells["indicator"], value, _source(cells.get("source", ""), place), number)


def _source(text: str, place: str) -> str:
    """Where a figure is from, in NFC; the file is published, so it may hold nothing that a program would act on."""
    source = unicodedata.normalize("NFC", text)
    if len(source) > LONGEST_SOURCE:
        raise AnalysisError(f"{place}: found {len(source)} characters, expected at most {LONGEST_SOURCE}")
    if source.startswith(("=", "+", "-", "@")):
        raise AnalysisError(f"{place}: found {source[:60]!r}, expected no text that begins like a formula")
    if "\n" in source or any(is_foreign(letter) for letter in source):
        raise AnalysisError(f"{place}: found an invisible character, expected letters that can be seen, in one line")
    return source
