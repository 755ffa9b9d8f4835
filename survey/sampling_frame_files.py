"""Sampling frames in files: CSV, Excel or Parquet, read as a table of texts."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from survey.errors import BadInput
from survey.plain_files import read_plain_file

LARGEST_FRAME_BYTES = 2 * 1024**3
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
    reader = {".csv": _from_csv, ".xlsx": _from_workbook, ".parquet": _from_parquet}[ending]
    table = reader(content, str(path))
    names = [name.strip() for name in table.column_names]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise BadInput(f"{path}: found the column {twice[:60]!r} twice, expected it once")
    if not any(names):
        raise BadInput(f"{path}: found no names of columns, expected them in the first line")
    return table.rename_columns(names), content


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
    from openpyxl import load_workbook

    try:
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        rows = iter(workbook.worksheets[0].iter_rows(values_only=True))
        header = [_cell(value).strip() for value in next(rows, ())]
        body = [[_cell(value) for value in row] for row in rows]
    except Exception:
        raise BadInput(f"{origin}: found no readable workbook, expected an Excel file (.xlsx)") from None
    while header and not header[-1]:
        header.pop()
    if not header:
        raise BadInput(f"{origin}: found no names of columns, expected them in the first row of the first sheet")
    body = [[*row, *[""] * len(header)][: len(header)] for row in body if any(row)]
    columns = [pa.array([row[place] for row in body], pa.string()) for place in range(len(header))]
    return pa.Table.from_arrays(columns, header)


def _from_parquet(content: bytes, origin: str) -> pa.Table:
    import pyarrow.compute as pc
    from pyarrow import parquet

    try:
        table = parquet.read_table(pa.BufferReader(content))
        columns = [pc.fill_null(column.cast(pa.string()), "") for column in table.columns]
    except pa.ArrowException:
        raise BadInput(f"{origin}: found no readable Parquet of plain columns, expected one") from None
    return pa.Table.from_arrays(columns, table.column_names)


def _cell(value: object) -> str:
    if value is None:
        return ""
    # A workbook keeps whole numbers as 12.0, and a code of 12 is no 12.0.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
