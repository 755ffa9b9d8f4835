"""Tables that officers take away: figures stay figures, days stay days, and no text is run."""

import csv
import io
from datetime import UTC, date, datetime

from openpyxl import load_workbook

from survey.web.office.tables_to_download import Column, Table, table_file
from survey.web.spreadsheets import CSV_TYPE, XLSX_TYPE

COLUMNS = (Column("Đơn vị", 40), Column("Tỷ lệ", decimals=1), Column("Ngày"), Column("Lúc", 20))
MOMENT = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
ROWS = (("Xã B", 12.345, date(2026, 11, 24), MOMENT), ("=1+1", None, None, None))


def test_a_workbook_keeps_kinds_of_cells_and_has_a_sheet_for_each_table() -> None:
    second = Table("a/b: c?", (Column("#"),), (("#N/A",),))
    response = table_file(Table("đơn vị", COLUMNS, ROWS), "xlsx", "dot-1", more=(second,))
    assert response.content_type == XLSX_TYPE
    assert response.headers["Content-Disposition"] == "attachment; filename=dot-1.xlsx"
    book = load_workbook(io.BytesIO(response.get_data()))
    first, other = book.worksheets
    assert (first.title, first.freeze_panes, other.title) == ("đơn vị", "A2", "a b  c")
    assert [cell.value for cell in first[1]] == ["Đơn vị", "Tỷ lệ", "Ngày", "Lúc"]
    assert all(cell.font.bold for cell in first[1])
    assert [str(cell.value) for cell in first[2]] == ["Xã B", "12.345", "2026-11-24 00:00:00", "2026-11-24 07:30:00"]
    assert first["B2"].number_format == "#,##0.0"
    assert (first["A3"].data_type, first["A3"].value) == ("s", "=1+1")
    assert (first.column_dimensions["A"].width, other["A2"].data_type) == (40, "s")


def test_a_csv_file_holds_the_first_table_with_days_as_the_standard_writes_them() -> None:
    response = table_file(Table("x", COLUMNS, ROWS), "csv", "dot-1")
    assert response.content_type == CSV_TYPE
    content = response.get_data()
    assert content.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert lines[1:] == [["Xã B", "12.345", "2026-11-24", "2026-11-24 07:30:00"], ["'=1+1", "", "", ""]]
