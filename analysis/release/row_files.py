"""The one spelling of an edition's rows as CSV, Parquet and JSON."""

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.errors import EditionError
from analysis.release.context_rows import HistoryRow, ImportanceRow, SubgroupRow
from analysis.release.rows import (
    ChangeRow,
    DifferenceRow,
    DistributionRow,
    EstimateRow,
    FormulaRow,
    OpenLinkRow,
    PooledRow,
    PublicAccountingRow,
    RankRow,
)
from analysis.release.voice_rows import CommentRow, PromiseRow, ThemeRow

Row = TypeVar(
    "Row",
    EstimateRow,
    RankRow,
    DifferenceRow,
    FormulaRow,
    ChangeRow,
    PooledRow,
    DistributionRow,
    PublicAccountingRow,
    OpenLinkRow,
    ImportanceRow,
    SubgroupRow,
    HistoryRow,
    ThemeRow,
    CommentRow,
    PromiseRow,
)

# The columns that a table had in editions of a former format; what it lacks is None.
_FORMER_COLUMNS: dict[type[Any], tuple[str, ...]] = {
    RankRow: ("round", "bloc", "unit", "rank", "rank_low", "rank_high", "tier", "level", "method")
}


def column_names(kind: type[Any]) -> tuple[str, ...]:
    """The columns of a table of such rows, in order."""
    return tuple(field.name for field in fields(kind))


def rows_to_csv(rows: Sequence[Row], kind: type[Row]) -> bytes:
    """The rows as CSV: UTF-8, comma, line feed; a number is the shortest text that reads back as the same number."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = column_names(kind)
    writer.writerow(names)
    writer.writerows([cell_text(getattr(row, name)) for name in names] for row in rows)
    return stream.getvalue().encode()


def cell_text(value: object) -> str:
    """A cell's one spelling: "" for None, true and false, 17 significant digits at most, a decimal point."""
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float):
        # NumPy's numbers are floats, too, and would be spelled with their type.
        return repr(float(value))
    return str(value)


def rows_from_csv(source: bytes, kind: type[Row], name: str) -> list[Row]:
    """The rows of a table in exactly the spelling of `rows_to_csv`, with the columns of today or of a former format.

    Raises EditionError with the line and the column when the file is anything else.
    """
    names = column_names(kind)
    try:
        lines = list(csv.reader(io.StringIO(source.decode()), strict=True))
    except (UnicodeDecodeError, csv.Error) as complaint:
        raise EditionError(f"{name}: found no CSV in UTF-8 ({complaint}), expected a table of an edition") from None
    if lines and tuple(lines[0]) == _FORMER_COLUMNS.get(kind):
        names = _FORMER_COLUMNS[kind]
    if not lines or tuple(lines[0]) != names:
        raise EditionError(f"{name}, line 1: found other columns, expected {','.join(names)}")
    types = get_type_hints(kind)
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(names):
            raise EditionError(f"{name}, line {number}: found {len(line)} cells, expected {len(names)}")
        values: dict[str, Any] = {
            column: _parse_cell(text, types[column], f"{name}, line {number}, column {column}")
            for column, text in zip(names, line, strict=True)
        }
        rows.append(kind(**values))
    return rows


def rows_to_json(rows: Sequence[Row], kind: type[Row]) -> bytes:
    """The rows as JSON: an object with `rows`, one line a row."""
    names = column_names(kind)
    lines = (
        json.dumps({name: getattr(row, name) for name in names}, ensure_ascii=False, allow_nan=False) for row in rows
    )
    return ('{"rows": [\n' + ",\n".join(lines) + "\n]}\n").encode()


def rows_from_json(source: bytes, kind: type[Row], name: str) -> list[Row]:
    """The rows of `rows_to_json`; raises EditionError when a row lacks a column or has another."""
    names = column_names(kind)
    types = get_type_hints(kind)
    try:
        stored = json.loads(source)["rows"]
        rows = []
        for number, row in enumerate(stored, start=1):
            if set(row) != set(names):
                raise EditionError(f"{name}, row {number}: found other columns, expected {','.join(names)}")
            values: dict[str, Any] = {
                column: _parse_cell(cell_text(row[column]), types[column], f"{name}, row {number}, column {column}")
                for column in names
            }
            rows.append(kind(**values))
    except (ValueError, KeyError, TypeError, RecursionError) as complaint:
        raise EditionError(f"{name}: found no JSON with rows ({complaint}), expected a table of an edition") from None
    return rows


def rows_to_parquet(rows: Sequence[Row], kind: type[Row]) -> bytes:
    """The rows as Parquet, with the types of the columns."""
    schema = _arrow_schema(kind)
    table = pa.table(
        [pa.array([getattr(row, field.name) for row in rows], field.type) for field in schema], schema=schema
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def rows_from_parquet(source: bytes, kind: type[Row], name: str) -> list[Row]:
    """The rows of `rows_to_parquet`; raises EditionError when the columns are others."""
    try:
        table = pq.read_table(pa.BufferReader(source))
    except (pa.ArrowException, OSError, ValueError) as complaint:
        raise EditionError(f"{name}: found no Parquet ({complaint!s:.120}), expected a table of an edition") from None
    if not table.schema.equals(_arrow_schema(kind)):
        raise EditionError(f"{name}: found other columns, expected {','.join(column_names(kind))}")
    return [kind(**row) for row in table.to_pylist()]


def _arrow_schema(kind: type[Any]) -> pa.Schema:
    arrow_types = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    return pa.schema([pa.field(name, arrow_types[_plain_type(hint)]) for name, hint in get_type_hints(kind).items()])


def _plain_type(hint: Any) -> type[Any]:
    options = [part for part in getattr(hint, "__args__", (hint,)) if part is not type(None)]
    plain: type[Any] = options[0]
    return plain


def _parse_cell(text: str, hint: Any, place: str) -> object:
    plain = _plain_type(hint)
    if plain is str:
        return text
    if text == "":
        if plain is hint:
            raise EditionError(f"{place}: found nothing, expected a value")
        return None
    if plain is bool:
        if text not in {"true", "false"}:
            raise EditionError(f"{place}: found {text!r}, expected true or false")
        return text == "true"
    try:
        value = plain(text)
    except ValueError:
        value = math.nan
    # Only the one spelling is accepted, so that no digit of a file can be changed without a row that differs.
    if not math.isfinite(value) or cell_text(value) != text:
        raise EditionError(f"{place}: found {text!r}, expected a number in its shortest spelling")
    return value
