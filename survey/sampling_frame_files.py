"""Sampling frames in files: CSV, Excel or Parquet, read as a table of texts."""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from analysis.unfolding import unfolding_complaint
from survey.errors import BadInput
from survey.plain_files import read_plain_file
from survey.workbook_rows import rows_of_first_sheet

LARGEST_FRAME_BYTES = 2 * 1024**3
# The last row that a workbook can have, and how many columns and cells are read of one.
LAST_ROW = 1_048_576
MOST_COLUMNS = 1_000
MOST_CELLS = 50_000_000
# The columns that a workbook can have.
_WIDEST = 16_384
# About as many as a CSV file of the largest size has.
MOST_PARQUET_CELLS = 200_000_000
ENDINGS = (".csv", ".xlsx", ".parquet")


def read_frame(path: Path) -> tuple[pa.Table, bytes]:
    """The frame as a table in which every cell is text ("" for an empty one), and the bytes of its file.

    A CSV file is UTF-8, separated by commas, semicolons or tabs, its first line the columns' names; of a workbook the
    first sheet is read. Raises BadInput with what was found and where.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise BadInput(f"{path}: found the ending {ending or 'none'!r}, expected {', '.join(ENDINGS)}")
    content = read_plain_file(path, LARGEST_FRAME_BYTES)
    return table_of(content, str(path), ending), content


def table_of(content: bytes, origin: str, ending: str) -> pa.Table:
    """The table in the bytes of a file with one of `ENDINGS`, as `read_frame` has it; raises BadInput."""
    reader = {".csv": _from_csv, ".xlsx": _from_workbook, ".parquet": _from_parquet}[ending]
    table = reader(content, origin)
    names = [name.strip() for name in table.column_names]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise BadInput(f"{origin}: found the column {twice[:60]!r} twice, expected it once")
    if not any(names):
        raise BadInput(f"{origin}: found no names of columns, expected them in the first line")
    return table.rename_columns(names)


def composed(frame: pa.Table, columns: Iterable[str]) -> pa.Table:
    """The frame with composed letters (NFC) and no blanks around the texts of some columns, as labels have them."""
    for name in columns:
        if name not in frame.column_names:
            continue
        encoded = frame[name].combine_chunks().dictionary_encode()
        texts = [unicodedata.normalize("NFC", text).strip() for text in encoded.dictionary.to_pylist()]
        column = pa.array(texts, pa.string()).take(encoded.indices)
        frame = frame.set_column(frame.column_names.index(name), name, column)
    return frame


def _from_csv(content: bytes, origin: str) -> pa.Table:
    from pyarrow import csv as arrow_csv

    if b"\0" in content[:4096] or not content.strip():
        raise BadInput(f"{origin}: found no text, expected a CSV file with the columns' names in its first line")
    try:
        head = content[:65536].split(b"\n", 1)[0].decode("utf-8-sig").rstrip("\r")
    except UnicodeDecodeError:
        raise BadInput(f"{origin}, row 1: found bytes that are not UTF-8, expected UTF-8") from None
    delimiter = max(",;\t", key=head.count)
    names = next(csv.reader(io.StringIO(head), delimiter=delimiter), [])
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(content),
            read_options=arrow_csv.ReadOptions(column_names=names, skip_rows=1, use_threads=False),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, null_values=[]
            ),
        )
    except pa.ArrowInvalid as complaint:
        # What follows may quote a person's row, and it goes no further.
        found = re.split(r":\s*(?=[^:]*$)", str(complaint).splitlines()[0])[0]
        if "Expected" in str(complaint):
            found = re.sub(r"(got \d+).*", r"\1", str(complaint).splitlines()[0])
        raise BadInput(f"{origin}: found no table ({found[:160]}), expected CSV in UTF-8") from None


def _from_workbook(content: bytes, origin: str) -> pa.Table:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            complaint = unfolding_complaint(package)
        if complaint is not None:
            raise BadInput(f"{origin}: {complaint}; larger frames come as CSV or Parquet")
        rows = rows_of_first_sheet(content, last_row=LAST_ROW, most_columns=_WIDEST)
        header = _header_of(next(rows, (1, [])), origin)
        columns = _columns_of(rows, len(header), origin)
    except BadInput:
        raise
    except Exception:
        raise BadInput(f"{origin}: found no readable workbook, expected an Excel file (.xlsx)") from None
    return pa.Table.from_arrays([pa.array(column, pa.string()) for column in columns], header)


def _header_of(first: tuple[int, list[object]], origin: str) -> list[str]:
    number, cells = first
    header = [_cell(value).strip() for value in cells] if number == 1 else []
    while header and not header[-1]:
        header.pop()
    if not header:
        raise BadInput(f"{origin}: found no names of columns, expected them in the first row of the first sheet")
    if len(header) > MOST_COLUMNS:
        raise BadInput(f"{origin}: found {len(header):,} columns, expected at most {MOST_COLUMNS:,}")
    return header


def _columns_of(rows: Iterable[tuple[int, list[object]]], width: int, origin: str) -> list[list[str]]:
    # A few bytes can say that a row is far down or a cell far to the right, so what is between is bounded, too.
    most_rows = min(LAST_ROW - 1, MOST_CELLS // width)
    columns: list[list[str]] = [[] for _ in range(width)]
    for _, values in rows:
        cells = [_cell(value) for value in values[:width]]
        if not any(cells):
            continue
        if len(columns[0]) == most_rows:
            raise BadInput(
                f"{origin}: found more than {most_rows:,} rows of {width:,} columns, expected at most that many; "
                "larger frames come as CSV or Parquet"
            )
        cells += [""] * (width - len(cells))
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell)
    return columns


def _from_parquet(content: bytes, origin: str) -> pa.Table:
    import pyarrow.compute as pc
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pa.BufferReader(content))
        # The counts stand in the file's footer: a small file can unfold into a huge table, too.
        n_cells = file.metadata.num_rows * file.metadata.num_columns
        if n_cells > MOST_PARQUET_CELLS:
            raise BadInput(f"{origin}: found {n_cells:,} cells, expected at most {MOST_PARQUET_CELLS:,}")
        table = file.read()
        columns = [pc.fill_null(column.cast(pa.string()), "") for column in table.columns]
    except pa.ArrowException:
        raise BadInput(f"{origin}: found no readable Parquet of plain columns, expected one") from None
    return pa.Table.from_arrays(columns, table.column_names)


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    # A workbook keeps whole numbers as 12.0, and a code of 12 is no 12.0.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
