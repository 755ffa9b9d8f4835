"""Custody in the office: custodians named, shares tried, a round sealed with them, and nothing of them left (C2)."""

import io
import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from support.custodians import NAMES, PASSPHRASES, entrust
from support.office import Office, open_office, path_of
from support.pages import Page, checked_page
from support.readiness import make_ready
from support.rounds import SLUG, Collection, planned_collection
from survey.round_records import RoundRecord, find_round
from survey.settings import Settings

ROUND = f"/office/rounds/{SLUG}"
CUSTODY, TRIAL = f"{ROUND}/custody", f"{ROUND}/trial"

# A share costs half a second of scrypt on purpose, each time it is made or opened.
pytestmark = pytest.mark.slow


@pytest.fixture
def office(sqlite_settings: Settings, tmp_path: Path) -> Iterator[Office]:
    opened = open_office(sqlite_settings)
    planned_collection(sqlite_settings, opened.services.stores, tmp_path)
    opened.sign_in()
    yield opened
    opened.services.stores.close()


def record_of(office: Office) -> RoundRecord:
    return find_round(office.services.stores, SLUG)


def page(office: Office, address: str) -> Page:
    return said_by(office.client.get(address))


def said_by(response: TestResponse) -> Page:
    return checked_page(response, response.request.path)


def people(**changes: str) -> dict[str, str]:
    fields = {"need": "2"}
    for row, (name, passphrase) in enumerate(zip(NAMES, PASSPHRASES, strict=True), start=1):
        fields |= {f"name-{row}": name, f"passphrase-{row}": passphrase, f"repeat-{row}": passphrase}
    return fields | changes


def entrusted(office: Office) -> dict[int, bytes]:
    """The share files that come back, by number."""
    answer = office.send(CUSTODY, **people())
    assert (answer.status_code, answer.content_type) == (200, "application/zip")
    assert answer.headers["Content-Disposition"] == f"attachment; filename={SLUG}-shares.zip"
    assert answer.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        return {number: archive.read(f"{SLUG}-share-{number}.json") for number in (1, 2, 3)}


def cheaply_entrusted(office: Office) -> dict[int, bytes]:
    """The same without the half second that a share takes."""
    services = office.services
    files = entrust(Collection(services.settings, services.stores, services.secrets, services.vault))
    return {number: file.content for number, file in enumerate(files, start=1)}


def give(office: Office, address: str, *rows: tuple[bytes, str]) -> TestResponse:
    fields: dict[str, object] = {}
    for row, (content, passphrase) in enumerate(rows, start=1):
        fields |= {f"share-{row}": (io.BytesIO(content), f"mảnh-{row}.json"), f"passphrase-{row}": passphrase}
    return office.send(address, **fields)


def test_a_round_is_led_through_custody_in_the_office(
    office: Office, sqlite_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert "Một máy giữ chìa khóa." in page(office, ROUND).text
    assert "Một máy: máy chủ này" in page(office, ROUND).text
    assert page(office, CUSTODY).h1 == "Người giữ khóa"
    files = entrusted(office)
    said = page(office, ROUND).text
    assert "Khóa của đợt này do 3 người giữ. Cần đủ 2 người cùng mở." in said
    assert "Một máy giữ chìa khóa." not in said
    assert "Thử mở khóa" in said
    assert "Một máy giữ chìa khóa." not in page(office, "/office/").text
    assert path_of(office.client.get(f"{ROUND}/open")) == f"{ROUND}/setup"
    first, second, third = ((files[number], PASSPHRASES[number - 1]) for number in (1, 2, 3))
    assert path_of(give(office, TRIAL, first, third)) == f"{ROUND}/setup"
    custody = record_of(office).custody
    assert custody is not None
    assert [custodian.tried_on is not None for custodian in custody.custodians] == [True, False, True]
    assert "Đã mở thử thành công bằng các mảnh khóa." in page(office, f"{CUSTODY}?tried=yes").text
    make_ready(office.services, SLUG)
    assert path_of(office.send(f"{ROUND}/open")) == f"{ROUND}/open/done"
    assert "2 shares open the ballots; fewer tell nothing." in page(office, f"{CUSTODY}?lang=en").text
    for language, sentence in (("vi", "chia cho 3 người giữ; phải đủ 2 người"), ("en", "it takes 2 of them to unlock")):
        assert sentence in said_by(office.client.get(f"/r/{SLUG}/phuong-a?lang={language}")).text
    assert path_of(office.send(f"{ROUND}/close")) == f"{ROUND}/close/done"
    few = said_by(give(office, f"{ROUND}/seal", second))
    assert (few.status, "Mới có 1 mảnh khóa, cần ít nhất 2 mảnh." in few.text) == (400, True)
    assert record_of(office).state == "closed"
    assert path_of(give(office, f"{ROUND}/seal", third, second)) == f"{ROUND}/seal/done"
    assert "Trong 7 ngày tới, những người giữ khóa phải hủy mảnh của mình" in page(office, f"{ROUND}/seal/done").text
    assert path_of(office.client.get(TRIAL)) == CUSTODY
    for name, left in ((NAMES[0], "Cần hủy thêm 1 mảnh nữa"), (NAMES[2], "Không ai ghép lại được khóa nữa.")):
        answer = office.send(f"{CUSTODY}/destroyed", CUSTODY, custodian=name)
        assert path_of(answer) == CUSTODY
        assert left in page(office, CUSTODY).text
    stranger = said_by(office.send(f"{CUSTODY}/destroyed", CUSTODY, custodian="Ai đó"))
    assert (stranger.status, "Hãy chọn một người giữ khóa trong danh sách." in stranger.text) == (409, True)
    written = b"".join(path.read_bytes() for path in sqlite_settings.instance.rglob("*") if path.is_file())
    for passphrase in PASSPHRASES:
        assert passphrase not in caplog.text
        assert passphrase.encode() not in written
    for content in files.values():
        assert content not in written
        assert content[-120:-80] not in written


def test_what_is_wrong_with_a_share_is_said_in_words(office: Office) -> None:
    files = cheaply_entrusted(office)
    first = (files[1], PASSPHRASES[0])
    broken = files[2].replace(b'"number": 2', b'"number": 3')
    other = files[2]
    for rows, sentence, field in (
        (
            (first, (files[2], "mật khẩu không phải")),
            f"Cụm mật khẩu không mở được mảnh khóa của {NAMES[1]}",
            "passphrase-2",
        ),
        ((first, (broken, PASSPHRASES[1])), "Tệp mảnh-2.json bị hỏng", "share-2"),
        ((first, (b"unit,count\n", PASSPHRASES[1])), "Tệp mảnh-2.json không phải là tệp mảnh khóa.", "share-2"),
        ((first, (files[2], "")), "chưa nhập, hoặc ngắn hơn 12 ký tự", "passphrase-2"),
        ((first, first), f"Mảnh khóa của {NAMES[0]} được gửi hai lần.", ""),
        ((first,), "Mới có 1 mảnh khóa, cần ít nhất 2 mảnh.", ""),
        ((), "Mới có 0 mảnh khóa, cần ít nhất 2 mảnh.", ""),
    ):
        told = said_by(give(office, TRIAL, *rows))
        assert (told.status, sentence in told.text) == (400, True), told.text
        assert told.root.xpath("//input[@aria-invalid]/@id") == ([field] if field else [])
        assert told.root.xpath("//input[@type='password']/@value") == []
    english = said_by(give(office, f"{TRIAL}?lang=en", first, first))
    assert f"The share of {NAMES[0]} was sent twice. Each share counts once." in english.text
    cheaply_entrusted(office)
    told = said_by(give(office, TRIAL, first, (other, PASSPHRASES[1])))
    assert "thuộc một khóa khác của đợt này" in told.text
    nobody = said_by(office.send(TRIAL, **{"passphrase-1": PASSPHRASES[0]}))
    assert "Ở mục thứ 1 có mật khẩu mà chưa chọn tệp." in nobody.text
    custody = record_of(office).custody
    assert custody is not None
    assert not custody.is_tried


def test_custodians_who_were_named_badly_are_asked_for_again(office: Office) -> None:
    for changes, sentence in (
        ({"name-2": ""}, "Người giữ khóa số 2 chưa có tên."),
        ({"repeat-1": "khác đi một chút"}, f"Hai lần nhập cụm mật khẩu của {NAMES[0]} không giống nhau."),
        ({"passphrase-3": "ngắn", "repeat-3": "ngắn"}, f"Cụm mật khẩu của {NAMES[2]} quá ngắn, cần ít nhất 12 ký tự."),
        ({"need": "4"}, "Đã nhập 3 người giữ khóa."),
        ({"need": "1"}, "Số người cần để mở phải từ 2"),
        ({"need": "²"}, "Số người cần để mở phải từ 2"),
        ({"name-2": NAMES[0].upper()}, "Tên người giữ khóa bị trùng"),
    ):
        told = said_by(office.send(CUSTODY, **people(**changes)))
        assert (told.status, sentence in told.text) == (400, True), changes
        assert told.root.xpath("//input[@type='password']/@value") == []
        assert record_of(office).custody is None


def test_an_open_round_keeps_the_key_it_has(office: Office) -> None:
    make_ready(office.services, SLUG)
    office.send(f"{ROUND}/open")
    told = said_by(office.send(CUSTODY, ROUND, **people()))
    assert (told.status, "Chỉ chia được khóa khi đợt còn là bản nháp." in told.text) == (409, True)
    assert path_of(office.client.get(TRIAL)) == CUSTODY
    destroyed = office.send(f"{CUSTODY}/destroyed", ROUND, custodian=NAMES[0])
    assert destroyed.status_code == 409
    assert record_of(office).custody is None


@pytest.mark.parametrize("address", [CUSTODY, TRIAL, f"{CUSTODY}/destroyed"])
def test_nobody_comes_near_the_key_without_signing_in_or_without_a_token(office: Office, address: str) -> None:
    assert office.client.post(address, data=people()).status_code == 400
    assert record_of(office).custody is None
    stranger = office.app.test_client()
    answer = stranger.post(address, data=people())
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (303, "/office/sign-in")
    assert stranger.get("/office/rounds/nowhere/custody").status_code == 303
    assert office.client.get("/office/rounds/nowhere/custody").status_code == 404
    assert office.client.get("/office/rounds/nowhere/trial").status_code == 404
