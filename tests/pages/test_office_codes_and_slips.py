"""Batches of codes, slips, stands and the accounting, as an officer handles them (W4, W8)."""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from support.firms import SLUG as FIRMS
from support.firms import ask_firms
from support.office import Office, open_office
from support.pages import Page, checked_page
from support.printed import qr_texts
from support.rounds import SLUG, Collection, open_collection
from survey.rounds import close_round, mark_simulated
from survey.sealing import seal_round
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.web.office import LARGEST_UPLOAD

ROUND = f"/office/rounds/{SLUG}"
PUBLIC_URL = "https://hailong.example.vn"
BATCH = "unit,stratum,psu,channel,count\nphuong-a,,,slip,2\nphuong-a,,,post,1\nxa-b,,,slip,3\n"

pytestmark = pytest.mark.slow


@pytest.fixture
def collection(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Collection:
    return open_collection(sqlite_settings, sqlite_stores, tmp_path)


@pytest.fixture
def office(collection: Collection) -> Iterator[Office]:
    opened = open_office(collection.settings)
    opened.sign_in()
    yield opened
    opened.services.stores.close()


def page(office: Office, address: str) -> Page:
    return checked_page(office.client.get(address), address)


def upload(office: Office, address: str, field: str, content: bytes, **fields: str) -> TestResponse:
    sent = {"csrf_token": office.token(address), field: (io.BytesIO(content), "tệp của tôi.csv"), **fields}
    return office.client.post(address, data=sent, content_type="multipart/form-data")


def batch(office: Office, content: bytes, file_type: str = "csv") -> TestResponse:
    return upload(office, f"{ROUND}/codes/batch", "batch", content, file_type=file_type)


def counts(office: Office) -> list[list[str]]:
    shown = page(office, f"{ROUND}/accounting")
    return [[cell.text_content().strip() for cell in row.xpath("./th|./td")] for row in shown.root.xpath("//tbody/tr")]


def test_a_batch_issues_for_units_and_channels_at_once(office: Office, collection: Collection) -> None:
    response = batch(office, b"\xef\xbb\xbf" + BATCH.replace(",", ";").encode())
    assert response.status_code == 200
    rows = list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"))))
    assert [(row["unit"], row["channel"]) for row in rows] == [
        *[("phuong-a", "slip")] * 2, ("phuong-a", "post"), *[("xa-b", "slip")] * 3,
    ]  # fmt: skip
    assert collection.send("xa-b", rows[-1]["code"]) == "received"
    assert counts(office) == [
        ["Phường A", "Mọi kênh", "3", "0"],
        ["Phường A", "Qua bưu điện", "1", "0"],
        ["Phường A", "Giấy mời đưa tận tay", "2", "0"],
        # A unit with one channel has one line.
        ["Xã B", "Giấy mời đưa tận tay", "3", "1"],
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "found the columns"),
        (b"unit,count\nxa-b,3\n", "found the columns unit, count, expected unit, stratum, psu, channel, count"),
        (BATCH.replace("xa-b", "xa-c").encode(), "column unit: found “xa-c”"),
        (BATCH.replace("slip,3", "slip,many").encode(), "column count: found “many”"),
        (b"\xff\xfe\x00\x01" * 50, "found a byte that is not UTF-8"),
        (b"%PDF-1.7\n1 0 obj\n", "found the columns %PDF-1.7"),
    ],
)
def test_a_batch_that_does_not_hold_issues_nothing(office: Office, content: bytes, complaint: str) -> None:
    shown = checked_page(batch(office, content), f"{ROUND}/codes/batch")
    assert shown.status == 400
    assert "Chưa phát mã nào" in shown.text
    assert complaint in shown.text
    assert "Chưa phát mã mời nào" in page(office, ROUND).text


def test_a_form_without_a_file_asks_for_one(office: Office) -> None:
    for name in ("codes/batch", "slips"):
        response = office.send(f"{ROUND}/{name}", file_type="csv")
        shown = checked_page(response, f"{ROUND}/{name}")
        assert (shown.status, "Hãy chọn một tệp" in shown.text) == (400, True)


def test_a_file_that_is_far_too_large_is_refused_before_it_is_read(office: Office) -> None:
    for name, field in (("codes/batch", "batch"), ("slips", "codes")):
        response = upload(office, f"{ROUND}/{name}", field, b"x" * (LARGEST_UPLOAD + 1), file_type="csv")
        shown = checked_page(response, f"{ROUND}/{name}")
        assert (shown.status, shown.h1) == (413, "Tệp này quá lớn")


def test_codes_may_come_with_their_slips(office: Office, tmp_path: Path) -> None:
    response = batch(office, BATCH.encode(), "slips")
    assert response.content_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.data)) as package:
        assert package.namelist() == [f"{SLUG}-codes.csv", f"{SLUG}-codes.pdf"]
        code_list, pdf = (package.read(name) for name in package.namelist())
    addresses = [row["url"] for row in csv.DictReader(io.StringIO(code_list.decode("utf-8-sig")))]
    assert qr_texts(pdf, tmp_path) == [sorted(addresses[:3]), sorted(addresses[3:])]
    # The list alone gives the same slips again.
    again = upload(office, f"{ROUND}/slips", "codes", code_list)
    assert (again.status_code, again.data) == (200, pdf)
    assert again.headers["Content-Disposition"] == f"attachment; filename={SLUG}-slips.pdf"


def test_more_slips_than_a_browser_waits_for_are_left_to_the_command(office: Office) -> None:
    many = BATCH.replace("slip,3", "slip,398").encode()
    shown = checked_page(batch(office, many, "slips"), f"{ROUND}/codes/batch")
    assert (shown.status, "nhiều nhất 400 giấy mời" in shown.text) == (400, True)
    listed = batch(office, many)
    shown = checked_page(upload(office, f"{ROUND}/slips", "codes", listed.data), f"{ROUND}/slips")
    assert (shown.status, "hailong round slips" in shown.text) == (400, True)


def test_a_list_of_other_codes_is_not_printed(office: Office) -> None:
    listed = batch(office, BATCH.encode()).data
    for content in (b"unit,code\n", listed.replace(SLUG.encode(), b"khac-2026"), listed[:-40]):
        shown = checked_page(upload(office, f"{ROUND}/slips", "codes", content), f"{ROUND}/slips")
        assert (shown.status, "Chưa in được danh sách này" in shown.text) == (400, True)


def test_stands_are_printed_for_one_unit_or_for_all(office: Office, tmp_path: Path) -> None:
    response = office.send(f"{ROUND}/stands", f"{ROUND}/slips", unit="*")
    assert response.content_type == "application/pdf"
    assert qr_texts(response.data, tmp_path) == [[f"{PUBLIC_URL}/r/{SLUG}/{unit}"] for unit in ("phuong-a", "xa-b")]
    response = office.send(f"{ROUND}/stands", f"{ROUND}/slips", unit="xa-b")
    assert qr_texts(response.data, tmp_path) == [[f"{PUBLIC_URL}/r/{SLUG}/xa-b"]]
    assert response.headers["Content-Disposition"] == f"attachment; filename={SLUG}-xa-b.pdf"
    shown = checked_page(office.send(f"{ROUND}/stands", f"{ROUND}/slips", unit="xa-c"), f"{ROUND}/slips")
    assert (shown.status, "Hãy chọn một mục" in shown.text) == (400, True)


def test_a_closed_round_prints_nothing(office: Office, collection: Collection) -> None:
    token = office.token(f"{ROUND}/slips")
    close_round(collection.stores, SLUG)
    for name in ("slips", "stands", "codes/batch"):
        response = office.client.post(f"{ROUND}/{name}", data={"csrf_token": token, "unit": "*"})
        shown = checked_page(response, f"{ROUND}/{name}")
        assert (shown.status, "“Đã đóng”" in shown.text) == (409, True)
    assert not page(office, ROUND).root.xpath(f"//a[@href='{ROUND}/slips']")


def test_the_accounting_is_a_page_and_two_files(office: Office, collection: Collection) -> None:
    codes = [*collection.codes("phuong-a", 12), *collection.codes("xa-b", 3, channel="post")]
    for code in codes[:11]:
        assert collection.send(code.unit, code.qr) == "received"
    assert "chỉ có sau khi niêm phong" in page(office, f"{ROUND}/accounting").text
    close_round(collection.stores, SLUG)
    seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, SLUG)
    assert counts(office) == [
        ["Phường A", "Giấy mời đưa tận tay", "12", "11", "11", "0"],
        ["Xã B", "Qua bưu điện", "3", "0", "0", "0"],
    ]
    total = page(office, f"{ROUND}/accounting?lang=en").root.xpath("//tfoot/tr/*")
    assert [cell.text_content().strip() for cell in total] == ["Total", "", "15", "11", "11", "0"]
    listed = office.client.get(f"{ROUND}/accounting.csv")
    rows = list(csv.reader(io.StringIO(listed.data.decode("utf-8-sig"))))
    assert listed.data.startswith(b"\xef\xbb\xbf")
    assert rows[0] == ["Đơn vị", "Mã", "Kênh", "Thuộc diện", "Đã phát", "Đã trả lời", "Hợp lệ", "Không dùng được"]
    assert rows[1] == ["Phường A", "phuong-a", "Giấy mời đưa tận tay", "", "12", "11", "11", "0"]
    assert rows[-1] == ["Tổng", "", "Mọi kênh", "", "15", "11", "11", "0"]
    workbook = load_workbook(io.BytesIO(office.client.get(f"{ROUND}/accounting.xlsx?lang=en").data))
    cells = list(workbook.worksheets[0].iter_rows(values_only=True))
    assert cells[1] == ("Ward A", "phuong-a", "Slip handed over", None, 12, 11, 11, 0)


def test_an_archive_that_was_changed_says_so_instead_of_counting(office: Office, collection: Collection) -> None:
    collection.codes("phuong-a", 1)
    close_round(collection.stores, SLUG)
    seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, SLUG)
    accounting = collection.settings.instance / "archives" / SLUG / "accounting.csv"
    accounting.chmod(0o644)
    accounting.write_bytes(accounting.read_bytes().replace(b"1", b"2"))
    assert "Chưa đọc được kho dữ liệu" in page(office, f"{ROUND}/accounting").text


def test_a_round_of_several_units_has_codes_of_its_own(
    sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path
) -> None:
    ask_firms(sqlite_settings, sqlite_stores, tmp_path)
    office = open_office(sqlite_settings)
    office.sign_in()
    address = f"/office/rounds/{FIRMS}"
    assert "Số mã cho cả đợt" in page(office, f"{address}/codes").text
    response = office.send(f"{address}/codes", unit="round", count="3", channel="post", file_type="slips")
    with zipfile.ZipFile(io.BytesIO(response.data)) as package:
        rows = list(csv.DictReader(io.StringIO(package.read(f"{FIRMS}-codes.csv").decode("utf-8-sig"))))
        addresses = qr_texts(package.read(f"{FIRMS}-codes.pdf"), tmp_path)
    assert [row["unit"] for row in rows] == [""] * 3
    assert addresses == [sorted(row["url"] for row in rows)]
    assert addresses[0][0].startswith(f"{PUBLIC_URL}/r/{FIRMS}#")
    (line,) = page(office, f"{address}/accounting").root.xpath("//tbody/tr")
    assert [cell.text_content().strip() for cell in line] == [
        "Cả đợt (người trả lời tự chọn đơn vị)", "Qua bưu điện", "3", "0",
    ]  # fmt: skip
    assert "Cả đợt" in page(office, address).text
    stands = office.send(f"{address}/stands", f"{address}/slips", unit="*")
    assert qr_texts(stands.data, tmp_path) == [[f"{PUBLIC_URL}/r/{FIRMS}"]]
    office.services.stores.close()


def test_a_simulated_round_says_so_wherever_an_officer_meets_it(office: Office, collection: Collection) -> None:
    mark_simulated(collection.stores, SLUG)
    for address in (ROUND, f"{ROUND}/accounting"):
        assert "Đợt mô phỏng để luyện tập" in page(office, address).text
        assert "A simulated round for practice" in page(office, f"{address}?lang=en").text
    assert "Mô phỏng" in page(office, "/office/").text
