"""Tables that people open in a spreadsheet program."""

import csv
import io
from collections.abc import Iterable, Sequence

from flask import Response

from analysis.exporting.safe_cells import safe_text, sheet_cell

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Cell = str | int | float | None

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def harmless(cell: Cell) -> Cell:
    """The cell as it may stand in a spreadsheet: a number stays a number, and no text is run as a formula."""
    return safe_text(cell) if isinstance(cell, str) else cell


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
