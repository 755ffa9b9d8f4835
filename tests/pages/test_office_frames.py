"""An officer hands in a list of people, has it cleaned, draws from it, and it is erased on its day."""

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
from openpyxl import load_workbook

from support.office import Office, add_units, open_office, path_of
from support.pages import checked_page
from survey.fieldwork import targets_of
from survey.frame_shelf import folder_of
from survey.frames import erase_due_frames, frame_of
from survey.old_spellings import TCVN3
from survey.round_records import find_round
from survey.rounds import RoundRequest, create_round
from survey.services import today
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading

pytestmark = pytest.mark.slow

SLUG = "thu-2026"
FRAME = f"/office/rounds/{SLUG}/frame"
HEADER = "Mã hồ sơ;Đơn vị;Họ tên;Ngày trả kết quả;Điện thoại\n"
RULES: dict[str, object] = {
    "key": "Mã hồ sơ", "unit": "Đơn vị", "day": "Ngày trả kết quả", "phone": "Điện thoại",
    "same_person": ["Họ tên", "Điện thoại"], "first_day": "2026-01-01", "last_day": "2026-09-30", "needs_phone": "yes",
}  # fmt: skip
_OLD = {new: old for old, new in TCVN3.items()}


def rows(count: int = 60) -> list[str]:
    people = ["Nguyễn Văn An", "Trần Thị Hương", "Lê Đức Thọ", "Phạm Quỳnh Anh", "Đặng Thùy Trâm"]
    units = ("Xã B", "xa-c", "UBND Phường A")
    return [
        f"HS{n};{units[n % 3]};{people[n % 5]};{1 + n % 28:02d}/03/2026;09121{n:05d}\n" for n in range(1, count + 1)
    ]


BAD = [
    "HS1;Xã B;Vũ Trọng Phụng;05/03/2026;0987123456\n",
    "HS900;Xã Lạ;Vũ Trọng Phụng;05/03/2026;0987123456\n",
    "HS901;Xã B;Vũ Trọng Phụng;05/12/2026;0987123456\n",
    "HS902;Xã B;Vũ Trọng Phụng;05/03/2026;123\n",
    "HS903;Xã B;Nguyễn Văn An;05/03/2026;+84 912 100 015\n",
]


def tcvn3(text: str) -> bytes:
    return "".join(_OLD.get(letter, letter) for letter in text).encode("cp1252")


@pytest.fixture
def office(sqlite_settings: Settings) -> Iterator[Office]:
    opened = open_office(sqlite_settings)
    add_units(opened)
    last = today() + timedelta(days=30)
    create_round(
        opened.services.stores, RoundRequest(SLUG, "sipas/2017.1", "code=phuong-a,xa-b,xa-c", today(), last), today()
    )
    opened.sign_in()
    yield opened
    opened.services.stores.close()


def upload(office: Office, content: bytes, name: str = "danh-sach.csv", **fields: str):  # type: ignore[no-untyped-def]
    fields = {"kind": "transactions", "erase_on": (today() + timedelta(days=50)).isoformat(), **fields}
    return office.hand_in(FRAME, {"list": (content, name)}, **fields)


def report(office: Office):  # type: ignore[no-untyped-def]
    frame = frame_of(office.services.stores, SLUG)
    assert frame is not None
    assert frame.report is not None
    return frame.report


def test_a_list_is_cleaned_drawn_from_and_asked_for_codes(office: Office) -> None:
    assert path_of(upload(office, (HEADER + "".join(rows() + BAD)).encode())) == f"{FRAME}/clean"
    offered = checked_page(office.client.get(f"{FRAME}/clean"), f"{FRAME}/clean")
    guessed = {
        role: offered.root.xpath(f"//select[@name='{role}']/option[@selected]/@value")[0]
        for role in ("key", "unit", "day", "phone")
    }
    assert guessed == {role: RULES[role] for role in guessed}, "the columns' names say what they mean"
    assert path_of(office.send(f"{FRAME}/clean", **RULES)) == FRAME
    assert report(office)["left_out"] == {
        "unit_unknown": 1, "day_after": 1, "phone_bad": 1, "key_twice": 1, "person_twice": 1,
    }  # fmt: skip
    assert report(office)["by_unit"] == {"phuong-a": 20, "xa-b": 20, "xa-c": 20}
    shown = checked_page(office.client.get(FRAME), FRAME)
    assert "Giữ lại 60 trong 65 dòng" in shown.text
    sheet = load_workbook(io.BytesIO(office.client.get(f"{FRAME}/left-out.xlsx").data)).active
    assert {row[0] for row in sheet.iter_rows(min_row=2, values_only=True)} == {
        "Đơn vị không thuộc đợt", "Sau khoảng thời gian", "Số điện thoại sai", "Trùng mã hồ sơ",
        "Trùng người ở cùng đơn vị",
    }  # fmt: skip
    drawn = {"rule": "fixed", "fixed": "12", "margin": "5", "share": "85", "response": "70", "seed": "7"}
    assert path_of(office.send(f"{FRAME}/draw", **drawn)) == FRAME
    assert "Đã chọn 36 người, số gieo ngẫu nhiên 7" in checked_page(office.client.get(FRAME), FRAME).text
    assert find_round(office.services.stores, SLUG).design_source.count(b"population: 20") == 3
    # Of twelve people in each unit seven of ten are to answer.
    assert targets_of(office.services.stores, SLUG) == {"phuong-a": 8, "xa-b": 8, "xa-c": 8}
    batch = office.client.get(f"{FRAME}/batch.csv").data
    codes = office.hand_in(f"/office/rounds/{SLUG}/codes/batch", {"batch": (batch, "batch.csv")}, file_type="csv")
    assert len(codes.data.splitlines()) == 1 + 36
    people = load_workbook(io.BytesIO(office.client.get(f"{FRAME}/selected.xlsx").data)).active
    assert people.max_row == 1 + 36
    code = codes.data.decode("utf-8-sig").splitlines()[1].split(",")[1]
    with reading(office.services.stores.office) as session:
        told = " ".join(f"{event.action} {event.subject}" for event in list_events(session))
    assert "frame.drawn" in told
    for nobody in (code, "Nguyễn", "Hương", "09121", "HS1", "HS9"):
        assert nobody not in told, "the audit log names nobody on a list"
    assert all(code not in str(cell) for row in people.iter_rows(values_only=True) for cell in row)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ((HEADER + "".join(rows())).encode("utf-16"), "utf-16"),
        (tcvn3(HEADER + "".join(rows())), "western"),
        (("\ufeff" + HEADER + "".join(rows())).encode(), "utf-8"),
    ],
)
def test_a_list_in_another_encoding_reads_alike(office: Office, content: bytes, encoding: str) -> None:
    upload(office, content)
    assert path_of(office.send(f"{FRAME}/clean", **RULES)) == FRAME
    frame = frame_of(office.services.stores, SLUG)
    assert (frame and frame.encoding, report(office)["n_kept"]) == (encoding, 60)
    assert report(office)["by_unit"] == {"phuong-a": 20, "xa-b": 20, "xa-c": 20}


def test_a_list_of_mixed_encodings_is_shown_and_read_only_when_somebody_says_so(office: Office) -> None:
    mixed = (HEADER + "".join(rows(30))).encode() + tcvn3("".join(rows(60)[30:]))
    assert path_of(upload(office, mixed)) == f"{FRAME}/clean"
    refused = checked_page(office.send(f"{FRAME}/clean", **RULES), f"{FRAME}/clean")
    assert refused.status == 400
    assert "Danh sách lẫn nhiều bảng mã" in refused.text
    assert "TCVN3 (ABC): “" in refused.text
    assert "Trần Thị Hương" in refused.text, "and what it would be read as"
    assert path_of(office.send(f"{FRAME}/clean", **RULES, reads_each="yes")) == FRAME
    assert report(office)["by_unit"] == {"phuong-a": 20, "xa-b": 20, "xa-c": 20}


@pytest.mark.parametrize(
    ("content", "name", "found"),
    [
        (b"", "x.csv", "x.csv"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "x.xls", "old kind"),
        (b"PK\x03\x04" + b"\0" * 60, "x.xlsx", "no readable workbook"),
        (b"a,a\n1,2\n", "x.csv", "twice"),
        (b"a,b\n", "x.csv", "no row"),
        (b"a,b\n1\n", "x.csv", "x.csv"),
        (b"x", "x.pdf", ".pdf"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_what_was_found(
    office: Office, content: bytes, name: str, found: str
) -> None:
    shown = checked_page(upload(office, content, name), FRAME)
    assert (shown.status, found in shown.text) == (400, True)
    assert frame_of(office.services.stores, SLUG) is None


def test_nobody_reads_a_list_in_the_files_of_the_instance(office: Office) -> None:
    upload(office, (HEADER + "".join(rows())).encode())
    office.send(f"{FRAME}/clean", **RULES)
    files = list(folder_of(office.services.settings.instance, SLUG).iterdir())
    assert sorted(file.name for file in files) == ["kept.sealed", "left_out.sealed", "uploaded.sealed"]
    for file in files:
        assert file.stat().st_mode & 0o077 == 0
        assert b"Nguy" not in file.read_bytes()


def test_a_list_is_erased_on_its_day_with_its_key(office: Office) -> None:
    upload(office, (HEADER + "".join(rows())).encode())
    office.send(f"{FRAME}/clean", **RULES)
    services = office.services
    assert erase_due_frames(services, today() + timedelta(days=49)) == ()
    assert erase_due_frames(services, today() + timedelta(days=50)) == (SLUG,)
    frame = frame_of(services.stores, SLUG)
    assert frame is not None
    assert (frame.state, frame.sealed_key, frame.report) == ("erased", None, None)
    assert not folder_of(services.settings.instance, SLUG).exists()
    assert "Danh sách đã bị xóa" in checked_page(office.client.get(FRAME), FRAME).text
    assert office.client.get(f"{FRAME}/left-out.csv").status_code == 404
    with reading(services.stores.office) as session:
        events = [(event.actor, event.action) for event in list_events(session, newest=1)]
    assert events == [("schedule", "frame.erased")]


def test_a_list_is_erased_by_hand_too(office: Office) -> None:
    upload(office, (HEADER + "".join(rows())).encode())
    assert path_of(office.send(f"{FRAME}/erase", FRAME)) == FRAME
    assert "Danh sách đã bị xóa" in office.client.get(FRAME).text
    assert upload(office, b"a,b\n1,2\n", erase_on="2020-01-01").status_code == 400, "never in the past"
