"""Tables from files of unknown hands: CSV and Parquet, read whole or refused with the place of the first fault."""

import csv
import io
import math
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from analysis.errors import SpecError

# Larger tables belong into an archive, or through the library, where they are not held in memory as text.
LARGEST_FILE = 2**31
MOST_ROWS = 200_000_000
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$|^\s*(NaN|nan|[+-]?[Ii]nf(inity)?)\s*$"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns of a file that were asked for, each as text or as what Parquet says it is; missing is NULL.

    Attributes:
        name: the file's path as it was asked for, for messages.
        columns: name → column, all of `n_rows` rows.
    """

    name: str
    columns: dict[str, pa.ChunkedArray]
    n_rows: int

    def labels(self, column: str) -> pa.ChunkedArray:
        """A column as text: numbers without a needless decimal part, truth as TRUE and FALSE."""
        values = self.columns[column]
        if pa.types.is_boolean(values.type):
            return pc.if_else(values, "TRUE", "FALSE")
        if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
            return pa.chunked_array([pa.array([_plain(value) for value in values.to_pylist()], pa.string())])
        return values.cast(pa.string())

    def is_numeric(self, column: str) -> bool:
        """Whether every value that is there is a number; False for a column that is wholly missing text."""
        values = self.columns[column]
        if not _is_text(values):
            return not pa.types.is_boolean(values.type)
        found = pc.all(pc.match_substring_regex(values, _NUMBER))
        return bool(found.as_py())

    def numbers(
        self, column: str, *, needs_all: bool = False, may_be_infinite: bool = False
    ) -> npt.NDArray[np.float64]:
        """A column as numbers (n_rows,), NaN where missing.

        Arguments:
            column: its name.
            needs_all: no value may be missing.
            may_be_infinite: infinity is a number here.

        Raises SpecError with the first row that is something else.
        """
        values = self.columns[column]
        if _is_text(values):
            is_number = pc.fill_null(pc.match_substring_regex(values, _NUMBER), True)
            if not pc.all(is_number).as_py():
                row = pc.index(is_number, False).as_py()
                raise self.refusal(column, row, f"found {_shown(values[row].as_py())}", "a number")
            text = pc.utf8_ltrim(pc.utf8_trim_whitespace(values), "+")
            numbers = np.asarray(text.cast(pa.float64()).to_numpy(), dtype=np.float64)
        elif pa.types.is_boolean(values.type):
            raise self.refusal(column, 0, "found true or false", "a number")
        else:
            numbers = np.asarray(values.cast(pa.float64()).to_numpy(), dtype=np.float64)
        if not may_be_infinite and np.isinf(numbers).any():
            raise self.refusal(column, int(np.flatnonzero(np.isinf(numbers))[0]), "found infinity", "a finite number")
        if needs_all and np.isnan(numbers).any():
            raise self.refusal(column, int(np.flatnonzero(np.isnan(numbers))[0]), "found no value", "a number")
        return numbers

    def whole_labels(self, column: str) -> pa.ChunkedArray:
        """A column as text in which nothing is missing.

        Raises SpecError with the first row that lacks a value.
        """
        labels = self.labels(column)
        if labels.null_count:
            row = pc.index(pc.is_null(labels), True).as_py()
            raise self.refusal(column, row, "found no value", "one in every row of the design")
        return labels

    def refusal(self, column: str, row: int, found: str, expected: str) -> SpecError:
        """The complaint about one cell; rows are counted from 1, the header not among them."""
        return SpecError(f"{self.name}: row {row + 1}, column {column}: {found}, expected {expected}")


def read_sheet(folder: Path, file: str, columns: Sequence[str] | None) -> Sheet:
    """Some columns of a CSV file (UTF-8, comma, a header) or a Parquet file; None: all.

    Empty cells and, in CSV, a bare NA are missing.

    Arguments:
        folder: the folder of the data, from which no path leads out.
        file: a path below it.
        columns: the names that are wanted, or None.

    Raises SpecError where the path leads out of the folder or through a symbolic link, where the file is not there,
    too large, broken or lacks a column.
    """
    source = _opened(folder, file)
    try:
        with source:
            read = _read_parquet if file.lower().endswith(".parquet") else _read_csv
            table = read(source, file, columns)
    except (pa.ArrowException, OSError) as complaint:
        raise SpecError(f"{file}: {' '.join(str(complaint).split())}") from None
    if not table.num_rows:
        raise SpecError(f"{file}: found no rows, expected at least one below the header")
    return Sheet(file, dict(zip(table.column_names, table.columns, strict=True)), table.num_rows)


def _opened(folder: Path, file: str) -> io.BufferedReader:
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or "\\" in file or "\0" in file:
        raise SpecError(f"{file!r}: found a path that may lead out of the data folder, expected one below it")
    place = folder
    for part in path.parts:
        place = place / part
        if place.is_symlink():
            raise SpecError(f"{file}: found a symbolic link, expected a file in the data folder itself")
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as complaint:
        raise SpecError(f"{file}: {complaint.strerror} in the data folder {folder}") from None
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST_FILE:
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise SpecError(f"{file}: found no regular file, expected a CSV or Parquet file")
    raise SpecError(f"{file}: found {found.st_size} bytes, expected at most {LARGEST_FILE}")


def _read_parquet(source: io.BufferedReader, file: str, columns: Sequence[str] | None) -> pa.Table:
    parquet = pyarrow.parquet.ParquetFile(source)
    if parquet.metadata.num_rows > MOST_ROWS:
        raise SpecError(f"{file}: found {parquet.metadata.num_rows} rows, expected at most {MOST_ROWS}")
    names = parquet.schema_arrow.names
    _check_header(names, file, columns)
    table = parquet.read(columns=None if columns is None else list(columns))
    for name in table.column_names:
        kind = table[name].type
        if pa.types.is_dictionary(kind):
            table = table.set_column(table.column_names.index(name), name, table[name].cast(kind.value_type))
        elif pa.types.is_nested(kind):
            raise SpecError(f"{file}: column {name}: found nested values, expected numbers, text or truth")
    return table


def _read_csv(source: io.BufferedReader, file: str, columns: Sequence[str] | None) -> pa.Table:
    content = source.read().removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        raise SpecError(f"{file}: found an empty file, expected a header and rows")
    _check_text(content, file)
    try:
        header = next(csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")))
    except csv.Error as complaint:
        raise SpecError(f"{file}: the header cannot be read: {complaint}") from None
    _check_header(header, file, columns)
    wanted = list(dict.fromkeys(header if columns is None else columns))
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(content),
            read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=_block_size(content)),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()),
                include_columns=wanted,
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=["", "NA"],
            ),
        )
    except pa.ArrowInvalid as complaint:
        message = " ".join(str(complaint).removeprefix("CSV parse error: ").split())
        raise SpecError(f"{file}: {message[:200]} (the header is row 1)") from None
    # A quoted empty cell is as missing as a bare one: writers that quote whole columns leave no other sign.
    return pa.table({name: pc.if_else(pc.equal(table[name], ""), None, table[name]) for name in wanted})


def _block_size(content: bytes) -> int:
    # A record longer than a block stops the reader; no header and no answer is near this.
    return min(max(len(content) + 1, 1024), 2**24)


def _check_text(content: bytes, file: str) -> None:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as complaint:
        line = content.count(b"\n", 0, complaint.start) + 1
        raise SpecError(f"{file}: line {line}: found a byte that is not UTF-8, expected text in UTF-8") from None
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise SpecError(f"{file}: line {line}: found a zero byte, expected text in UTF-8")
    if content.count(b'"') % 2:
        raise SpecError(f"{file}: found a quotation mark that is never closed, expected pairs")


def _check_header(header: Sequence[str], file: str, columns: Sequence[str] | None) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise SpecError(f"{file}: found the column {twice[0]} twice, expected each name once")
    for name in columns or ():
        if name not in header:
            shown = ", ".join(header[:40]) + (" …" if len(header) > 40 else "")
            raise SpecError(f"{file}: found no column {name}, expected it among {shown}")


def _is_text(values: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_string(values.type) or pa.types.is_large_string(values.type))


def _plain(value: float | None) -> str | None:
    return None if value is None or math.isnan(value) else format(value, ".15g")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
