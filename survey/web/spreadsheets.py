"""Tables that people open in a spreadsheet program."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

Cell = str | int | float | None

# A cell that begins with one of these is run as a formula by some spreadsheet program; full-width twins included.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
_UNSEEN = " \N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def harmless(cell: Cell) -> Cell:
    """The cell as it may stand in a spreadsheet: a text that would be run as a formula gets an apostrophe in front.

    Numbers stay numbers. Control characters, which no unit's name needs, are left out.
    """
    if not isinstance(cell, str):
        return cell
    is_formula = cell.lstrip(_UNSEEN).startswith(_FORMULA_STARTS)
    text = "".join(letter for letter in cell if letter == "\n" or unicodedata.category(letter) != "Cc")
    return "'" + text if is_formula or text.lstrip(_UNSEEN).startswith(_FORMULA_STARTS) else text


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The table as CSV in UTF-8 with the byte order mark without which Excel garbles Vietnamese; decimal points."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return BYTE_ORDER_MARK + text.getvalue().encode()
