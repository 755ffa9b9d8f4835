"""Tables of answers that were collected elsewhere, read as texts: CSV or Parquet, refused whole where they are odd."""

import codecs
import io
import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from survey.errors import BadInput
from survey.plain_files import read_plain_file

LARGEST_FILE = 1_000_000_000
MOST_ROWS = 20_000_000
MOST_COLUMNS = 5_000
MOST_CELLS = 1_000_000_000
LONGEST_CELL = 20_000
_PARQUET_MAGIC = b"PAR1"
_PIECE = 1 << 20


def read_answer_table(path: Path) -> pa.Table:
    """The table in a CSV or Parquet file, every cell a text in NFC without white space around it, "" for nothing.

    Raises BadInput that names the file, the row and the column, what was found and what was expected.
    """
    # Asked of the file system first, so that a file of any size is refused without being read.
    if path.is_file() and path.stat().st_size > LARGEST_FILE:
        raise BadInput(f"{path}: found {path.stat().st_size:,} bytes, expected at most {LARGEST_FILE:,}")
    content = read_plain_file(path, LARGEST_FILE)
    if content.isspace() or not content:
        raise BadInput(f"{path}: found an empty file, expected a table with a header and answers")
    table = _read_parquet(content, path) if content.startswith(_PARQUET_MAGIC) else _read_csv(content, path)
    if table.num_rows == 0:
        raise BadInput(f"{path}: found a header and no row, expected at least one answer")
    for name in table.column_names:
        _refuse_long_cells(table, name, path)
    return table


def row_number(position: int) -> int:
    """The number a spreadsheet shows for a row of the table, whose header is row 1."""
    return position + 2


def _read_csv(content: bytes, path: Path) -> pa.Table:
    _refuse_broken_text(content, path)
    header = _header(content, path)
    try:
        # Read block by block, which takes far less memory than all blocks at once.
        blocks = pa_csv.open_csv(
            pa.BufferReader(content.removeprefix(b"\xef\xbb\xbf")),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types={name: pa.string() for name in header}, strings_can_be_null=False
            ),
        )
        # Handed on without a name, so that its columns can be given up one by one.
        return _bare(blocks.read_all(), path)
    except pa.ArrowInvalid as complaint:
        reason = str(complaint).removeprefix("CSV parse error: ")
        raise BadInput(
            f"{path}: found rows of different lengths ({reason:.160}), expected {len(header)} cells"
        ) from None


def _header(content: bytes, path: Path) -> list[str]:
    end = content.find(b"\n")
    first = (content if end < 0 else content[:end]).removeprefix(b"\xef\xbb\xbf")
    if len(first) > 1_000_000:
        raise BadInput(f"{path}, row 1: found {len(first):,} bytes, expected the names of the columns")
    try:
        names = pa_csv.open_csv(io.BytesIO(first + b"\n")).schema.names
    except pa.ArrowInvalid as complaint:
        raise BadInput(f"{path}, row 1: found no header ({complaint!s:.120}), expected the names of columns") from None
    _checked_header(list(names), path)
    return list(names)


def _checked_header(found: list[str], path: Path) -> list[str]:
    """The names in composed letters, as a design writes them: some systems take letters and their marks apart."""
    names = [unicodedata.normalize("NFC", name) for name in found]
    if len(names) > MOST_COLUMNS:
        raise BadInput(f"{path}, row 1: found {len(names):,} columns, expected at most {MOST_COLUMNS:,}")
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if not name.strip():
            raise BadInput(f"{path}, row 1: found no name for column {position}, expected a name for each column")
        if name in seen:
            raise BadInput(f"{path}, row 1: found the column {name!r} twice, expected each column once")
        seen.add(name)
    return names


def _read_parquet(content: bytes, path: Path) -> pa.Table:
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        # The counts stand in the file's footer, so that a small file cannot unfold into a huge table unseen.
        if file.metadata.num_rows > MOST_ROWS:
            raise BadInput(f"{path}: found {file.metadata.num_rows:,} rows, expected at most {MOST_ROWS:,}")
        names = _checked_header(list(file.schema_arrow.names), path)
        if file.metadata.num_rows * len(names) > MOST_CELLS:
            raise BadInput(
                f"{path}: found {file.metadata.num_rows * len(names):,} cells, expected {MOST_CELLS:,} at most"
            )
        table = file.read()
    except (pa.ArrowException, OSError) as complaint:
        raise BadInput(f"{path}: found no readable Parquet ({complaint!s:.160}), expected a table of answers") from None
    for position, field in enumerate(table.schema):
        try:
            texts = _as_text(table[field.name], field.type)
        except pa.ArrowException:
            raise BadInput(f"{path}, column {field.name}: found {field.type}, expected texts or numbers") from None
        table = table.set_column(position, names[position], _trimmed(texts))
    return table


def _as_text(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_floating(kind):
        # Other tools keep whole codes as floats when some are missing: 5.0 is the code 5.
        whole = pc.cast(column, pa.int64(), safe=False)
        is_whole = pc.equal(pc.cast(whole, pa.float64()), pc.cast(column, pa.float64()))
        text = pc.if_else(is_whole, pc.cast(whole, pa.string()), pc.cast(column, pa.string()))
        missing = pc.is_null(column, nan_is_null=True)
        return pc.if_else(missing, pa.scalar("", pa.string()), text)
    if pa.types.is_nested(kind):
        raise pa.ArrowInvalid("nested")
    return pc.fill_null(pc.cast(column, pa.string()), "")


def _bare(table: pa.Table, path: Path) -> pa.Table:
    if table.num_rows > MOST_ROWS:
        raise BadInput(f"{path}: found {table.num_rows:,} rows, expected at most {MOST_ROWS:,}")
    columns = []
    names = table.column_names
    for name in names:
        columns.append(_trimmed(table[name]))
        # A million rows take hundreds of megabytes: each column is given up when it has been copied.
        table = table.drop_columns([name])
    return pa.table(columns, names=_checked_header(names, path))


def _trimmed(column: pa.ChunkedArray) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(column).combine_chunks()
    # Nearly all columns hold codes, which there is nothing to compose in.
    return trimmed if pc.all(pc.string_is_ascii(trimmed)).as_py() else pc.utf8_normalize(trimmed, "NFC")


def _refuse_long_cells(table: pa.Table, name: str, path: Path) -> None:
    lengths = pc.utf8_length(table[name])
    longest = pc.max(lengths).as_py() or 0
    if longest > LONGEST_CELL:
        row = row_number(pc.index(lengths, longest).as_py())
        raise BadInput(
            f"{path}, row {row}, column {name}: found {longest:,} characters, expected at most {LONGEST_CELL:,}"
        )


def _refuse_broken_text(content: bytes, path: Path) -> None:
    # Decoded in pieces: one letter beyond the first alphabets makes a text of Python's four times as long as its file.
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(content), _PIECE):
        piece = content[start : start + _PIECE]
        n_held = len(decoder.getstate()[0])
        try:
            decoder.decode(piece, final=start + _PIECE >= len(content))
        except UnicodeDecodeError as complaint:
            place = start - n_held + complaint.start
            line = content.count(b"\n", 0, place) + 1
            raise BadInput(
                f"{path}, line {line}: found the byte 0x{content[place]:02X}, expected text in UTF-8"
            ) from None
    for sign in b"\0\x1b":
        place = content.find(sign)
        if place >= 0:
            line = content.count(b"\n", 0, place) + 1
            name = unicodedata.name(chr(sign), "a control character")
            raise BadInput(f"{path}, line {line}: found {name} U+{sign:04X}, expected text")
