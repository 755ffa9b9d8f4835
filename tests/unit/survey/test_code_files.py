"""Batch files are read whole or refused with line and column; lists of codes carry no formula."""

import csv
import io
import stat
from pathlib import Path

import pytest
from openpyxl import load_workbook

from survey.code_files import issued_codes_csv, issued_codes_xlsx, new_code_file, read_batch
from survey.codes import new_code
from survey.errors import BadInput
from survey.invitations import CodeRequest, IssuedCode

UNITS = ("phuong-a", "xa-b")
HEADER = "unit,stratum,psu,channel,count\n"


def read(text: str | bytes) -> list[CodeRequest]:
    return read_batch(text.encode() if isinstance(text, str) else text, "batch.csv", UNITS)


def test_a_batch_is_read_line_by_line() -> None:
    assert read(HEADER + "phuong-a,tổ 1,p1,post,20\n\nxa-b,,,,5\n") == [
        CodeRequest("phuong-a", 20, "tổ 1", "p1", "post"),
        CodeRequest("xa-b", 5, "", "", "slip"),
    ]


def test_a_request_knows_the_line_that_asks_for_it() -> None:
    assert [request.place for request in read(HEADER + "phuong-a,,,,1\n\nxa-b,,,,5\n")] == [
        "batch.csv:2",
        "batch.csv:4",
    ]


def test_where_respondents_choose_the_units_a_batch_names_none() -> None:
    assert read_batch((HEADER + ",lớn,p1,,7\n").encode(), "batch.csv", ("",)) == [CodeRequest("", 7, "lớn", "p1")]
    with pytest.raises(
        BadInput, match=r"batch\.csv:2: column unit: found “xa-b”, expected nothing: the respondents choose"
    ):
        read_batch((HEADER + "xa-b,,,,7\n").encode(), "batch.csv", ("",))


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + HEADER + "xa-b,,,,5\n",
        (HEADER + "xa-b,,,,5\n").replace("\n", "\r\n"),
        HEADER + "xa-b,,,,5",
        HEADER + ' xa-b ," ", , slip , 5 \n',
        "count;unit;psu;stratum;channel\n5;xa-b;;;\n",
    ],
)
def test_what_spreadsheet_programs_make_of_a_batch_is_read_alike(content: str) -> None:
    assert read(content) == [CodeRequest("xa-b", 5)]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "batch.csv:1: found the columns none, expected unit, stratum"),
        (HEADER, "batch.csv:2: found no row"),
        ("unit,count\nxa-b,5\n", "batch.csv:1: found the columns unit, count, expected unit, stratum, psu"),
        ("unit,unit,psu,channel,count\n", "batch.csv:1: found the columns"),
        (HEADER + "xa-b,,,5\n", "batch.csv:2: found 4 fields, expected 5"),
        (HEADER + "xa-b,,,,5\nxa-b,,,,5,6\n", "batch.csv:3: found 6 fields"),
        (HEADER + "xa-b,,,,5\nxa-c,,,,5\n", "batch.csv:3: column unit: found “xa-c”, expected a unit"),
        (HEADER + ",,,,5\n", "batch.csv:2: column unit: found “”"),
        (HEADER + "xa-b,,,,-5\n", "batch.csv:2: column count: found -5, expected a whole number from 1"),
        (HEADER + "xa-b,,,,0\n", "batch.csv:2: column count: found 0"),
        (HEADER + "xa-b,,,,1000001\n", "batch.csv:2: column count: found 1000001"),
        (HEADER + "xa-b,,,,99999999999999999999\n", "batch.csv:2: column count: found “9{20}”"),
        (HEADER + "xa-b,,,,5.0\n", "batch.csv:2: column count: found “5.0”"),
        (HEADER + "xa-b,,,,٥\n", "batch.csv:2: column count: found “٥”"),
        (HEADER + "xa-b,,,,\n", "batch.csv:2: column count: found “”"),
        (HEADER + f"xa-b,{'s' * 81},,,5\n", "batch.csv:2: column stratum: found 81 characters"),
        (HEADER + "xa-b,,,=HYPERLINK(1),5\n", "batch.csv:2: column channel: found “=HYPERLINK"),
        (HEADER + "xa-b,,,a\u202eb,5\n", "batch.csv:2: column channel: found “a�b”, expected letters that can be seen"),
        (HEADER + "xa-b,a\u200bb,,,5\n", "batch.csv:2: column stratum: found “a�b”, expected letters that can be seen"),
        (HEADER + "xa-b,,,,5\nxa-b,,,slip,6\n", "batch.csv:3: column unit: found the same unit.* as in line 2"),
        (HEADER.encode() + "xa-b,tổ,,,5\n".encode("utf-16-le"), "batch.csv:2: "),
        (HEADER.encode() + b"xa-b,,,,5\nxa-b,\xff,,,5\n", "batch.csv:3: found a byte that is not UTF-8"),
        (HEADER + 'xa-b,"x,,,5\n', "batch.csv:2: found a line that is no CSV"),
        (HEADER + "xa-b,a\x00b,,,5\n", "batch.csv:2: "),
    ],
)
def test_a_bad_batch_is_refused_with_its_line_and_column(content: str | bytes, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        read(content)


def issued(n: int = 3) -> list[IssuedCode]:
    codes = [new_code() for _ in range(n)]
    return [IssuedCode("thu-2026", "xa-b", code.typed, code.qr, "slip") for code in codes]


def test_the_list_is_unit_code_url_and_channel() -> None:
    codes = issued()
    rows = list(csv.DictReader(io.StringIO(issued_codes_csv(codes, "https://hailong.example.vn").decode("ascii"))))
    assert rows == [
        {
            "unit": "xa-b",
            "code": code.typed,
            "url": f"https://hailong.example.vn/r/thu-2026/xa-b#{code.qr}",
            "channel": "slip",
        }
        for code in codes
    ]
    assert issued_codes_csv(codes).decode().splitlines()[1].split(",")[2] == f"/r/thu-2026/xa-b#{codes[0].qr}"


def test_the_workbook_holds_the_same_as_text_and_no_formula() -> None:
    codes = [*issued(2), IssuedCode("thu-2026", "xa-b", "=1+1", "Q" * 22, "slip")]
    sheet = load_workbook(io.BytesIO(issued_codes_xlsx(codes, "https://hailong.example.vn"))).active
    assert sheet is not None
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0] == ["unit", "code", "url", "channel"]
    assert rows[1] == ["xa-b", codes[0].typed, codes[0].address("https://hailong.example.vn"), "slip"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s"}
    assert all(cell.hyperlink is None for row in sheet.iter_rows() for cell in row)


def test_a_code_file_is_private_and_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    with new_code_file(path) as file:
        file.fill(b"codes")
        assert not path.exists()
    assert path.read_bytes() == b"codes"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_code_file_that_failed_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with new_code_file(tmp_path / "codes.csv") as file:
            file.fill(b"codes")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("older codes")
    with pytest.raises(BadInput, match="is there already"), new_code_file(path):
        pass
    dangling = tmp_path / "link.csv"
    dangling.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadInput, match="is there already"), new_code_file(dangling):
        pass
    assert path.read_text() == "older codes"


def test_a_file_that_appeared_meanwhile_costs_no_code(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"

    def write() -> None:
        with new_code_file(path) as file:
            file.fill(b"new codes")
            path.write_text("older codes")

    with pytest.raises(BadInput, match="the codes are in"):
        write()
    assert path.read_text() == "older codes"
    (draft,) = (found for found in tmp_path.iterdir() if found != path)
    assert draft.read_bytes() == b"new codes"


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written"), new_code_file(tmp_path / "none" / "codes.csv"):
        pass
