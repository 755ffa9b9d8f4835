"""Tables that people open in a spreadsheet program."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Response

from analysis.exporting.safe_cells import safe_text, sheet_cell
from survey.viet_nam import VIET_NAM

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Cell = str | int | float | date | None

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What the name of a sheet may be at most, and what may not stand in it.
LONGEST_SHEET_NAME = 31
_NOT_IN_SHEET_NAMES = str.maketrans("[]:*?/\\", "       ")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as a sheet of a workbook: `widths` in letters and `decimals` of figures, column by column, as far as
    given; None for decimals leaves a figure as it is.
    """

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    widths: Sequence[int] = ()
    decimals: Sequence[int | None] = ()


def harmless(cell: Cell) -> Cell:
    """The cell as it may stand in a spreadsheet: a number stays a number, and no text is run as a formula."""
    return safe_text(cell) if isinstance(cell, str) else cell


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The table as CSV in UTF-8 with the byte order mark without which Excel garbles Vietnamese; decimal points, days
    as 2026-11-24.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_local(harmless(cell)) for cell in row] for row in rows)
    return BYTE_ORDER_MARK + text.getvalue().encode()


def xlsx_bytes(
    title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], *, widths: Sequence[int] = ()
) -> bytes:
    """The table as an Excel workbook with one sheet: numbers are numbers, and no text is a formula or a link."""
    return workbook_bytes([Sheet(title, header, rows, widths)])


def workbook_bytes(sheets: Iterable[Sheet]) -> bytes:
    """The tables as an Excel workbook with a sheet for each: numbers are numbers, days are days, and no text is a
    formula or a link. The heading stays in sight.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Font

    workbook = Workbook(write_only=True)
    bold = Font(bold=True)
    for table in sheets:
        _add_sheet(workbook, table, bold)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def _add_sheet(workbook: Any, table: Sheet, bold: Any) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.utils import get_column_letter

    sheet = workbook.create_sheet(table.name.translate(_NOT_IN_SHEET_NAMES)[:LONGEST_SHEET_NAME].strip())
    sheet.freeze_panes = "A2"
    for column, width in enumerate(table.widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    formats = [None if places is None else f"#,##0{'.' * (places > 0)}{'0' * places}" for places in table.decimals]
    header = []
    for title in table.header:
        cell = WriteOnlyCell(sheet, value=title)
        cell.data_type, cell.font = "s", bold
        header.append(cell)
    sheet.append(header)
    for row in table.rows:
        cells = [sheet_cell(sheet, _local(value)) for value in row]
        for place, form in enumerate(formats):
            value = cells[place]
            if form is not None and isinstance(value, int | float):
                figure = WriteOnlyCell(sheet, value=value)
                figure.number_format = form
                cells[place] = figure
        sheet.append(cells)


def _local(cell: object) -> object:
    """A moment as clocks in Viet Nam show it: a workbook knows no time zones."""
    return cell.astimezone(VIET_NAM).replace(tzinfo=None, microsecond=0) if isinstance(cell, datetime) else cell


def attachment(content: bytes, content_type: str, name: str) -> Response:
    """The file as something to be saved under a name."""
    response = Response(content, content_type=content_type)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
