"""Tables that people open in a spreadsheet program."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

from flask import Response

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

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


def xlsx_bytes(
    title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], *, widths: Sequence[int] = ()
) -> bytes:
    """The table as an Excel workbook with one sheet: numbers are numbers, and no text is a formula or a link."""
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    from analysis.exporting.safe_cells import sheet_cell

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(title)
    sheet.freeze_panes = "A2"
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    for row in (header, *rows):
        sheet.append([sheet_cell(sheet, value) for value in row])
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def attachment(content: bytes, content_type: str, name: str) -> Response:
    """The file as something to be saved under a name."""
    response = Response(content, content_type=content_type)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
