"""Tables from files of unknown hands: CSV and Parquet, read whole or refused with the place of the first fault."""

import codecs
import csv
import io
import math
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

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
_PIECE = 2**20
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$|^\s*(NaN|nan|[+-]?[Ii]nf(inity)?)\s*$"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns of a file that were asked for, each as text or as what Parquet says it is; missing is NULL.

    Attributes:
        name: the file's path as it was asked for, for messages.
        columns: name → column, all of `n_rows` rows; the text of a CSV file as codes of its distinct values, which are
            looked at once each.
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
        found = pc.all(pc.match_substring_regex(_distinct(values), _NUMBER))
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
            numbers = self._numbers_of_text(column)
        elif pa.types.is_boolean(values.type):
            raise self.refusal(column, 0, "found true or false", "a number")
        else:
            numbers = np.asarray(values.cast(pa.float64()).to_numpy(), dtype=np.float64)
        if not may_be_infinite and np.isinf(numbers).any():
            raise self.refusal(column, int(np.flatnonzero(np.isinf(numbers))[0]), "found infinity", "a finite number")
        if needs_all and np.isnan(numbers).any():
            raise self.refusal(column, int(np.flatnonzero(np.isnan(numbers))[0]), "found no value", "a number")
        return numbers

    def _numbers_of_text(self, column: str) -> npt.NDArray[np.float64]:
        distinct, codes = _coded(self.columns[column])
        is_number = pc.match_substring_regex(distinct, _NUMBER)
        if not pc.all(is_number, min_count=0).as_py():
            is_wrong = ~np.append(is_number.to_numpy(zero_copy_only=False), True)
            row = int(np.flatnonzero(is_wrong[codes])[0])
            raise self.refusal(column, row, f"found {_shown(distinct[int(codes[row])].as_py())}", "a number")
        text = pc.utf8_ltrim(pc.utf8_trim_whitespace(distinct), "+")
        return np.append(np.asarray(text.cast(pa.float64()).to_numpy(), dtype=np.float64), np.nan)[codes]

    def keys(self, column: str) -> pa.ChunkedArray:
        """What `whole_labels` gives, left as codes where it is stored so: small, and a database reads it as text."""
        values = self.columns[column]
        is_coded = pa.types.is_dictionary(values.type) and not values.null_count
        return values if is_coded else self.whole_labels(column)

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


# Where tables lie: below a folder, or in memory, each under the name that a specification calls it by.
Source: TypeAlias = Path | Mapping[str, Sheet]


def read_sheet(
    folder: Source, file: str, columns: Sequence[str] | None, numeric: frozenset[str] = frozenset()
) -> Sheet:
    """Some columns of a CSV file (UTF-8, comma, a header) or a Parquet file; None: all.

    Empty cells and, in CSV, a bare NA are missing.

    Arguments:
        folder: the folder of the data, from which no path leads out; or the tables themselves.
        file: a path below it, or a table's name.
        columns: the names that are wanted, or None.
        numeric: those of them that are only asked for numbers, so that a CSV file's text need not be kept; where a cell
            is none the text is kept all the same.

    Raises SpecError where the path leads out of the folder or through a symbolic link, where the file is not there,
    too large, broken or lacks a column.
    """
    if not isinstance(folder, Path):
        return _in_memory(folder, file, columns)
    source = _opened(folder, file)
    try:
        with source:
            if file.lower().endswith(".parquet"):
                table = _read_parquet(source, file, columns)
            else:
                table = _read_csv(source, file, columns, numeric)
    except (pa.ArrowException, OSError) as complaint:
        raise SpecError(f"{file}: {' '.join(str(complaint).split())}") from None
    if not table.num_rows:
        raise SpecError(f"{file}: found no rows, expected at least one below the header")
    return Sheet(file, dict(zip(table.column_names, table.columns, strict=True)), table.num_rows)


def _in_memory(tables: Mapping[str, Sheet], file: str, columns: Sequence[str] | None) -> Sheet:
    if file not in tables:
        raise SpecError(f"{file}: found no table of this name, expected one of {', '.join(tables)}")
    sheet = tables[file]
    _check_header(list(sheet.columns), sheet.name, columns)
    wanted = list(sheet.columns) if columns is None else list(columns)
    return Sheet(sheet.name, {name: sheet.columns[name] for name in wanted}, sheet.n_rows)


def parquet_schema(folder: Path, file: str) -> pa.Schema:
    """The names and types of a Parquet file's columns, read from its end alone. Raises SpecError as `read_sheet`."""
    try:
        with _opened(folder, file) as source:
            return pyarrow.parquet.read_schema(source)
    except (pa.ArrowException, OSError) as complaint:
        raise SpecError(f"{file}: {' '.join(str(complaint).split())}") from None


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


def _read_csv(source: io.BufferedReader, file: str, columns: Sequence[str] | None, numeric: frozenset[str]) -> pa.Table:
    _check_text(source, file)
    text = io.TextIOWrapper(source, encoding="utf-8-sig", newline="")
    try:
        header = next(csv.reader(text))
    except csv.Error as complaint:
        raise SpecError(f"{file}: the header cannot be read: {complaint}") from None
    _check_header(header, file, columns)
    text.detach()
    wanted = list(dict.fromkeys(header if columns is None else columns))
    try:
        table = _parsed(source, wanted, numeric)
    except pa.ArrowInvalid as complaint:
        if not numeric:
            message = " ".join(str(complaint).removeprefix("CSV parse error: ").split())
            raise SpecError(f"{file}: {message[:200]} (the header is row 1)") from None
        source.seek(0)
        return _read_csv(source, file, columns, frozenset())
    return pa.table({name: table[name] if name in numeric else _without_empty(table[name]) for name in wanted})


def _parsed(source: io.BufferedReader, wanted: list[str], numeric: frozenset[str]) -> pa.Table:
    text = pa.dictionary(pa.int32(), pa.string())
    source.seek(0)
    return pyarrow.csv.read_csv(
        source,
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=_block_size(source)),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: pa.float64() if name in numeric else text for name in wanted},
            include_columns=wanted,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=["", "NA"],
        ),
    )


def _without_empty(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """A column of codes in one piece, in which "" is missing.

    A quoted empty cell is as missing as a bare one: writers that quote whole columns leave no other sign.
    """
    codes = column.combine_chunks()
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.unify_dictionaries().chunk(0) if codes.num_chunks else pa.array([], column.type)
    empty = pc.index(codes.dictionary, "").as_py()
    if empty < 0:
        return codes
    kept = pc.if_else(pc.equal(codes.indices, empty), None, codes.indices)
    return pa.DictionaryArray.from_arrays(kept.cast(pa.int32()), codes.dictionary)


def _block_size(source: io.BufferedReader) -> int:
    # A record longer than a block stops the reader; no header and no answer is near this.
    return min(max(os.fstat(source.fileno()).st_size + 1, 1024), 2**22)


def _check_text(source: io.BufferedReader, file: str) -> None:
    """Look through a file piece by piece, as it need not fit in memory. Raises SpecError with the first bad line."""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    line, n_quotes, is_empty = 1, 0, True
    while piece := source.read(_PIECE):
        is_empty = is_empty and not piece.removeprefix(codecs.BOM_UTF8).strip()
        try:
            decode(piece)
        except UnicodeDecodeError as complaint:
            # What was left of the piece before stands before this one in the decoder's own count.
            line += complaint.object[: complaint.start].count(b"\n")
            raise SpecError(f"{file}: line {line}: found a byte that is not UTF-8, expected text in UTF-8") from None
        if b"\0" in piece:
            line += piece.count(b"\n", 0, piece.index(b"\0"))
            raise SpecError(f"{file}: line {line}: found a zero byte, expected text in UTF-8")
        line += piece.count(b"\n")
        n_quotes += piece.count(b'"')
    try:
        decode(b"", True)
    except UnicodeDecodeError:
        raise SpecError(f"{file}: line {line}: found a byte that is not UTF-8, expected text in UTF-8") from None
    if is_empty:
        raise SpecError(f"{file}: found an empty file, expected a header and rows")
    if n_quotes % 2:
        raise SpecError(f"{file}: found a quotation mark that is never closed, expected pairs")
    source.seek(0)


def _check_header(header: Sequence[str], file: str, columns: Sequence[str] | None) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise SpecError(f"{file}: found the column {twice[0]} twice, expected each name once")
    for name in columns or ():
        if name not in header:
            shown = ", ".join(header[:40]) + (" …" if len(header) > 40 else "")
            raise SpecError(f"{file}: found no column {name}, expected it among {shown}")


def _is_text(values: pa.ChunkedArray) -> bool:
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _distinct(values: pa.ChunkedArray) -> pa.Array:
    """The distinct texts of a column, without the missing."""
    return _coded(values)[0]


def _coded(values: pa.ChunkedArray) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The distinct texts of a column, and which of them each row has, their number where it has none (n_rows,)."""
    whole = values.combine_chunks()
    encoded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
    codes = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    return encoded.dictionary, codes


def _plain(value: float | None) -> str | None:
    return None if value is None or math.isnan(value) else format(value, ".15g")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
