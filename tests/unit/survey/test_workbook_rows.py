"""The rows of a workbook, read by events of its XML, beside what openpyxl makes of the same file."""

import io
import zipfile
from datetime import date, datetime, time, timedelta

import pytest
from openpyxl import Workbook, load_workbook

from survey.workbook_rows import rows_of_first_sheet

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHARED = (
    '<Override PartName="/xl/sharedStrings.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
)

DOCTYPE = '<!DOCTYPE x [<!ENTITY a "aaaa">]>'


def saved(rows: list[list[object]]) -> bytes:
    workbook = Workbook()
    for row in rows:
        workbook.active.append(row)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def with_sheet(sheet: str, texts: str = "", head: dict[str, str] | None = None) -> bytes:
    """A workbook with these rows, and the texts that its cells point to, as spreadsheet programs keep them."""
    stream = io.BytesIO()
    parts = {
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{sheet}</sheetData></worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{texts}</sst>',
    }
    with zipfile.ZipFile(io.BytesIO(saved([["x"]]))) as package, zipfile.ZipFile(stream, "w") as changed:
        for name in package.namelist():
            data = package.read(name)
            if name == "[Content_Types].xml":
                data = data.replace(b"</Types>", SHARED.encode() + b"</Types>")
            if name not in parts:
                changed.writestr(name, data)
        for name, written in parts.items():
            changed.writestr(name, (head or {}).get(name, "") + written)
    return stream.getvalue()


def read(content: bytes, last_row: int = 1000) -> list[tuple[int, list[object]]]:
    return list(rows_of_first_sheet(content, last_row=last_row, most_columns=100))


def read_by_openpyxl(content: bytes) -> list[list[object]]:
    sheet = load_workbook(io.BytesIO(content), read_only=True, data_only=True).worksheets[0]
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def test_every_kind_of_cell_is_read_as_openpyxl_reads_it() -> None:
    content = saved(
        [
            ["Mã", "Họ và tên", "Ngày", "Số"],
            ["001", "Nguyễn Thị Hằng", date(2026, 4, 1), 12],
            [7, "  ", datetime.fromisoformat("2026-04-01T13:30"), 12.5],
            [True, "a & b < c", time(8, 15), -1e-20],
            [False, "#N/A", timedelta(hours=30), 10**14],
        ]
    )
    assert [cells for _, cells in read(content)] == read_by_openpyxl(content)


def test_texts_of_several_pieces_and_without_their_hints_are_read() -> None:
    sheet = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><r><t>b</t></r><r><t>c</t></r>'
        '<rPh><t>x</t></rPh></is></c></row><row><c t="str"><f>1+1</f><v>two</v></c><c><v>3</v></c></row>'
    )
    texts = '<si><r><t>Hạ </t></r><r><t xml:space="preserve">Long</t></r><rPh sb="0" eb="1"><t>ha</t></rPh></si>'
    content = with_sheet(sheet, texts)
    assert read(content) == [(1, ["Hạ Long", None, "bc"]), (2, ["two", 3])]


def test_what_lies_far_away_is_passed_over() -> None:
    sheet = '<row r="1"><c r="A1"><v>1</v></c><c r="ZZZZ1"><v>2</v></c></row><row r="99999"><c><v>3</v></c></row>'
    assert read(with_sheet(sheet)) == [(1, [1])]


@pytest.mark.parametrize("place", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"])
def test_a_part_with_a_document_type_is_refused(place: str) -> None:
    content = with_sheet('<row><c t="s"><v>0</v></c></row>', "<si><t>x</t></si>", {place: DOCTYPE})
    with pytest.raises(ValueError, match="document type"):
        read(content)
