"""Lists that officers hand in: a workbook or CSV file in any encoding, read as a table of texts."""

import re
from dataclasses import dataclass
from pathlib import PurePath

import pyarrow as pa

from survey.errors import BadInput
from survey.frame_texts import UNICODE, decoded, respelled_alone
from survey.sampling_frame_files import table_of

ENDINGS = (".csv", ".txt", ".xlsx")
MOST_ROWS = 1_048_576


@dataclass(frozen=True, slots=True)
class TableOfTexts:
    """A list as it was handed in. `encoding` is that of its bytes: utf-8, utf-16, western, mixed, or workbook;
    `n_western_lines` is how many lines of a mixed file are no UTF-8, and `first_western_line` the number of the first.
    """

    table: pa.Table
    encoding: str
    n_western_lines: int = 0
    first_western_line: int = 0


def table_of_texts(content: bytes, name: str) -> TableOfTexts:
    """The table in a file; every cell is text as it stands there, "" for an empty one.

    A CSV file may be UTF-8, UTF-16 or of one byte a letter, with commas, semicolons or tabs between. Raises BadInput
    with what was found and where.
    """
    ending = PurePath(name).suffix.lower()
    if content.startswith(b"PK\x03\x04"):
        ending = ".xlsx"
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadInput(f"{name}: found an Excel file of the old kind (.xls), expected .xlsx or CSV: save it anew")
    if ending not in ENDINGS:
        raise BadInput(f"{name}: found the ending {ending or 'none'!r}, expected .xlsx or .csv")
    if ending == ".xlsx":
        return TableOfTexts(_named(table_of(content, name, ".xlsx"), name), "workbook")
    text = decoded(content)
    # Old machines end lines with a carriage return alone.
    written = text.text if "\n" in text.text else re.sub("\r", "\n", text.text)
    table = table_of(written.encode("utf-8", "replace"), name, ".csv")
    western = text.western_lines
    return TableOfTexts(_named(table, name), text.encoding, len(western), western[0] if western else 0)


def _named(table: pa.Table, name: str) -> pa.Table:
    """The table with its columns' names in Unicode, each one once, and none too many rows."""
    if table.num_rows > MOST_ROWS:
        raise BadInput(f"{name}: found {table.num_rows:,} rows, expected at most {MOST_ROWS:,}")
    if not table.num_rows:
        raise BadInput(f"{name}: found no row below the columns' names, expected one or more")
    names = [respelled_alone(own, UNICODE) or f"column {place}" for place, own in enumerate(table.column_names, 1)]
    return table.rename_columns(names)
