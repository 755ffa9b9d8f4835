"""Tables of component scores, as indices of competitiveness are published: checked before anybody repeats them.

A component score lies between 1 and 10 and a composite between 0 and 100. Hà Tĩnh's table of 2021 carried a component
of 50, and a composite equal to another unit's: both are typing errors that a reader of the table can find.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.errors import AnalysisError
from analysis.sealed_folders import Finding

COMPONENT_RANGE = (1.0, 10.0)
COMPOSITE_RANGE = (0.0, 100.0)
NAME_COLUMNS = ("unit", "unit_name", "name", "province")
COMPOSITE_COLUMNS = ("composite", "pci", "ddci")
# Columns that are no scores. What is none of these is a component.
OTHER_COLUMNS = ("answers", "n", "bloc", "tier", "rank", "year", "source")
# A component that a unit is not rated on.
ABSENT = ("", "-", "–")


@dataclass(frozen=True, slots=True)
class TableCheck:
    """What is impossible in a table of scores, and what is possible but unlikely."""

    findings: tuple[Finding, ...]
    suspicions: tuple[Finding, ...]


def is_score_table(header: Sequence[str]) -> bool:
    """Whether a table with these columns is one of component scores: it names units and has a composite."""
    return any(name in header for name in NAME_COLUMNS) and any(name in header for name in COMPOSITE_COLUMNS)


def check_score_table(source: bytes, name: str) -> TableCheck:
    """The check of a CSV table with a column of units, one of composites, and components in all others.

    Findings: a component outside 1..10, a composite outside 0..100, a cell that is no number. Suspicions: units with
    the same composite but different components. Raises AnalysisError when the file is no such table.
    """
    try:
        reader = csv.DictReader(io.StringIO(source.decode("utf-8-sig")), strict=True)
        header = list(dict.fromkeys(reader.fieldnames or ()))
        # What its first line says is no such table is not read on, however long it is.
        rows = list(reader) if is_score_table(header) else []
    except (UnicodeDecodeError, csv.Error) as complaint:
        raise AnalysisError(f"{name}: found no CSV in UTF-8 ({complaint}), expected a table of scores") from None
    if not is_score_table(header) or not rows:
        raise AnalysisError(
            f"{name}: found the columns {', '.join(map(str, header))[:160] or 'none'}, expected one of "
            f"{', '.join(NAME_COLUMNS)}, one of {', '.join(COMPOSITE_COLUMNS)}, and components"
        )
    unit_column = next(column for column in NAME_COLUMNS if column in header)
    composite_column = next(column for column in COMPOSITE_COLUMNS if column in header)
    components = [column for column in header if column not in {unit_column, composite_column, *OTHER_COLUMNS}]
    findings = []
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise AnalysisError(f"{name}, line {number}: found another number of cells, expected {len(header)}")
        for column in (*components, composite_column):
            low, high = COMPOSITE_RANGE if column == composite_column else COMPONENT_RANGE
            text = row[column].strip()
            if text not in ABSENT and not _lies_within(text, low, high):
                place = f"{name}, line {number}, unit {row[unit_column]}, column {column}"
                findings.append(Finding(place, text, f"a number from {low:g} to {high:g}"))
    return TableCheck(tuple(findings), tuple(_equal_composites(rows, unit_column, composite_column, components, name)))


def _lies_within(text: str, low: float, high: float) -> bool:
    try:
        return low <= float(text) <= high
    except ValueError:
        return False


def _equal_composites(
    rows: Sequence[Mapping[str, str]], unit_column: str, composite_column: str, components: Sequence[str], name: str
) -> list[Finding]:
    suspicions = []
    first: dict[str, tuple[int, Mapping[str, str]]] = {}
    for number, row in enumerate(rows, start=2):
        composite = row[composite_column].strip()
        if composite in ABSENT:
            continue
        if composite not in first:
            first[composite] = (number, row)
            continue
        other_number, other = first[composite]
        if any(row[column] != other[column] for column in components):
            suspicions.append(
                Finding(
                    f"{name}, line {number}, unit {row[unit_column]}, column {composite_column}",
                    f"{composite}, which {other[unit_column]} in line {other_number} has too",
                    "another composite, for the components differ",
                )
            )
    return suspicions
