"""Forms on paper in the office: printed, keyed twice, settled, and every mistake told in words (issue 7, O6)."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pypdf
import pytest
from lxml import html
from sqlalchemy import select
from werkzeug.test import TestResponse

from support.office import Office, age_sessions, open_office, path_of
from support.pages import Page, checked_page
from support.printed import qr_texts
from support.published import publish_by_hand, sipas_edition
from support.rounds import SLUG, Collection, open_collection
from support.several_units import SLUG as FIRMS
from support.several_units import Firms
from survey.code_files import issued_codes_csv
from survey.codes import new_code
from survey.office_sessions import IDLE
from survey.officers import create_officer
from survey.paper_versions import fingerprint_of
from survey.questionnaire_library import find_questionnaire
from survey.rounds import close_round
from survey.settings import Settings
from survey.storage.frame import PaperEntry
from survey.storage.sessions import reading
from survey.storage.stores import Stores

pytestmark = pytest.mark.slow

ROUND = f"/office/rounds/{SLUG}"
ENTER, SETTLE = f"{ROUND}/paper/enter", f"{ROUND}/paper/settle"
PASSWORD = "bốn từ của người nhập"
PUBLIC_URL = "https://hailong.example.vn"


@dataclass(frozen=True, slots=True)
class Clerk:
    """A clerk at the desk, with a browser of their own."""

    office: Office
    fingerprint: str

    def send(self, code: str, step: str, address: str = ENTER, **typed: str) -> TestResponse:
        fields = {"code": code, "fingerprint": self.fingerprint, "step": step, **typed}
        return self.office.send(address, ENTER, **fields)

    def sees(self, code: str, step: str, address: str = ENTER, **typed: str) -> Page:
        return checked_page(self.send(code, step, address, **typed), address)

    def did(self, code: str, step: str = "save", address: str = ENTER, **typed: str) -> str:
        response = self.send(code, step, address, **typed)
        assert (response.status_code, path_of(response)) == (303, ENTER), response.text
        return response.headers["Location"].rpartition("did=")[2]


@dataclass(frozen=True, slots=True)
class Desk:
    """A round that is open, with two clerks."""

    collection: Collection
    lan: Clerk
    hoa: Clerk


@pytest.fixture
def desk(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Iterator[Desk]:
    collection = open_collection(sqlite_settings, sqlite_stores, tmp_path)
    office = open_office(replace(sqlite_settings, must_have_second_person=True))
    create_officer(sqlite_stores, "hoa", "Lê Thị Hoa", PASSWORD, actor="command line", roles=["clerk"])
    client = office.app.test_client()
    client.environ_base["wsgi.url_scheme"] = office.client.environ_base["wsgi.url_scheme"]
    other = Office(office.app, client)
    office.sign_in()
    other.sign_in("hoa", PASSWORD)
    fingerprint = fingerprint_of(collection.questionnaire.content_hash)
    yield Desk(collection, Clerk(office, fingerprint), Clerk(other, fingerprint))
    office.services.stores.close()


def code_of(desk: Desk, unit: str = "phuong-a") -> str:
    return desk.collection.codes(unit, 1, channel="paper")[0].typed


def n_waiting(desk: Desk) -> int:
    with reading(desk.collection.stores.frame) as session:
        return len(session.scalars(select(PaperEntry.tag)).all())


def test_the_page_of_the_round_leads_to_its_paper_forms_in_both_languages(desk: Desk) -> None:
    assert f'href="{ROUND}/paper"' in desk.lan.office.client.get(ROUND).text
    for language, said in (("vi", "Nhập phiếu giấy"), ("en", "Key paper forms")):
        for clerk in (desk.lan, desk.hoa):
            page = checked_page(clerk.office.client.get(f"{ROUND}/paper?lang={language}"), f"{ROUND}/paper")
            assert said in page.text
            assert desk.lan.fingerprint in page.text


def test_two_clerks_key_a_form_and_it_is_received(desk: Desk) -> None:
    code = code_of(desk)
    screen = desk.lan.sees(code, "open")
    assert "Lần nhập đầu" in screen.h1
    assert "Phiếu về Phường A" in screen.text
    assert desk.lan.did(code, k1="1", k2="2", k3="12", k4="3", k5="Chờ lâu") == "kept"
    assert "Lần nhập thứ hai" in desk.hoa.sees(code.lower().replace("-", " "), "open").h1
    # Nothing of the first entry is on the second clerk's screen.
    assert "Chờ lâu" not in desk.hoa.sees(code, "open").text
    assert desk.hoa.did(code, k1="1", k2="2", k3="2 1", k4="3", k5=" Chờ  lâu ") == "received"
    assert n_waiting(desk) == 0
    told = checked_page(desk.hoa.office.client.get(f"{ENTER}?did=received"), ENTER)
    assert "Đã nhận phiếu" in told.text
    page = checked_page(desk.lan.office.client.get(f"{ROUND}/paper"), f"{ROUND}/paper")
    assert "0,0 (0 trong 5 mục)" in re.sub(r"\s+", " ", page.text)


def test_the_same_clerk_makes_no_second_entry_and_is_told_so(desk: Desk) -> None:
    code = code_of(desk)
    assert desk.lan.did(code, k1="1") == "kept"
    refused = desk.lan.sees(code, "open")
    assert refused.status == 409
    assert "Lần thứ hai phải do người khác nhập" in refused.text
    assert "Somebody else has to make the second" in desk.lan.sees(code, "save", f"{ENTER}?lang=en", k1="1").text


def test_a_form_of_another_version_is_told_by_its_name(desk: Desk) -> None:
    code = code_of(desk)
    other = fingerprint_of(find_questionnaire(desk.collection.stores, "sipas/2017.2").content_hash)
    page = desk.lan.sees(code, "open", fingerprint=other.replace("-", ""))
    assert page.status == 400
    assert "in theo mẫu sipas/2017.2, còn đợt khảo sát hỏi theo mẫu tiny/1" in page.text
    page = desk.lan.sees(code, "open", f"{ENTER}?lang=en", fingerprint=other)
    assert "of version sipas/2017.2, and the round asks tiny/1" in page.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"fingerprint": "1234-5678"}, "không thuộc mẫu nào trong thư viện"),
        ({"fingerprint": "1234"}, "Vân tay có 8 chữ số"),
        ({"fingerprint": ""}, "Hãy điền mục này"),
        ({"code": "00000-00000-0001"}, "gõ nhầm"),
        ({"code": ""}, "Hãy điền mục này"),
        ({"code": "x" * 900}, "gõ nhầm"),
    ],
)
def test_a_code_or_a_version_that_cannot_be_is_told(desk: Desk, typed: dict[str, str], said: str) -> None:
    page = checked_page(
        desk.lan.office.send(ENTER, **{"code": code_of(desk), "fingerprint": desk.lan.fingerprint, **typed}), ENTER
    )
    assert page.status == 400
    assert said in page.text


def test_a_used_code_and_a_code_of_nobody_are_told_and_no_more(desk: Desk) -> None:
    used = code_of(desk)
    assert desk.collection.send("phuong-a", used) == "received"
    for code, said in ((used, "đã có câu trả lời"), (new_code().typed, "Không có mã này trong đợt khảo sát")):
        for step in ("open", "save"):
            page = desk.lan.sees(code, step, k1="1")
            assert page.status == 409
            assert said in page.text
    assert n_waiting(desk) == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"k1": "9"}, "Không có số “9”"),
        ({"k1": "1 2"}, "Nếu giấy đánh dấu hai ô, gõ *"),
        ({"k1": "*"}, "phiếu không được tính: để riêng phiếu này"),
        ({"k1": "2", "k4": "21"}, "từ 1 đến 20"),
        ({"k1": "2", "k4": "2,5"}, "số nguyên"),
        ({"k1": "2", "k4": "hai"}, "“hai” không phải là số"),
        ({"k1": "2", "k5": "a" * 301}, "nhiều nhất là 300"),
    ],
)
def test_what_the_paper_cannot_say_is_told_beside_its_question(desk: Desk, typed: dict[str, str], said: str) -> None:
    code = code_of(desk)
    page = desk.lan.sees(code, "save", **typed)
    assert page.status == 400
    assert said in page.text
    assert "1 chỗ cần xem lại" in page.text
    # What was typed is still there.
    for name, value in typed.items():
        assert page.fields(1)[name] == [value]
    assert n_waiting(desk) == 0


def test_a_question_that_was_not_due_is_told_before_it_is_left_out(desk: Desk) -> None:
    code = code_of(desk)
    page = desk.lan.sees(code, "save", k1="2", k3="1")
    assert page.status == 200
    assert "không phải trả lời nên không được tính: 3" in page.text
    assert n_waiting(desk) == 0
    fields = page.fields(1)
    assert fields["told"] == ["3"]
    assert desk.lan.did(code, k1="2", k3="1", told="3") == "kept"
    # Somebody who left it empty has read the same.
    assert desk.hoa.did(code, k1="2") == "received"


def test_checking_keeps_nothing(desk: Desk) -> None:
    page = desk.lan.sees(code_of(desk), "check", k1="2")
    assert "Không thấy lỗi" in page.text
    assert n_waiting(desk) == 0


def test_two_readings_are_shown_side_by_side_and_one_is_chosen(desk: Desk) -> None:
    code = code_of(desk)
    assert desk.lan.did(code, k1="1", k2="1", k4="3", k5="Chờ lâu") == "kept"
    assert desk.hoa.did(code, k1="1", k2="2", k4="8", k5="Chờ lâu") == "differs"
    listed = checked_page(desk.hoa.office.client.get(f"{ROUND}/paper"), f"{ROUND}/paper")
    (row,) = listed.root.xpath("//table/tbody/tr")
    assert [cell.text_content() for cell in row.xpath("./th|./td")] == ["Phường A", "2, 4"]
    assert code not in listed.text
    page = desk.hoa.sees(code, "open")
    assert "1 Rất không hài lòng" in page.text
    assert "2 Rất hài lòng" in page.text
    assert "Chờ lâu" not in page.text
    undecided = desk.hoa.sees(code, "save", SETTLE, **{"k2-is": "second"})
    assert undecided.status == 400
    assert "Hãy chọn ở mọi câu" in undecided.text
    wrong = desk.hoa.sees(code, "save", SETTLE, **{"k2-is": "second", "k4-is": "other", "k4": "99"})
    assert wrong.status == 400
    assert "từ 1 đến 20" in wrong.text
    assert desk.hoa.did(code, "save", SETTLE, **{"k2-is": "second", "k4-is": "other", "k4": "5"}) == "received"
    assert n_waiting(desk) == 0
    again = desk.hoa.sees(code, "save", SETTLE, **{"k2-is": "second"})
    assert (again.status, "đã có câu trả lời" in again.text) == (409, True)


def test_two_entries_can_be_thrown_away_and_keyed_anew(desk: Desk) -> None:
    code = code_of(desk)
    assert desk.lan.did(code, k1="1") == "kept"
    assert desk.hoa.did(code, k1="2") == "differs"
    assert "Xử lý hai lần nhập khác nhau" in desk.lan.sees(code, "save", k1="1").h1
    assert desk.lan.did(code, "discard", SETTLE) == "discarded"
    assert "Lần nhập đầu" in desk.lan.sees(code, "open").h1
    late = desk.lan.sees(code, "discard", SETTLE)
    assert (late.status, "không còn chờ xử lý" in late.text) == (409, True)


def test_nothing_typed_is_lost_when_the_session_ends_but_the_code(desk: Desk) -> None:
    code = code_of(desk)
    screen = desk.lan.sees(code, "open")
    fields = {name: value[0] for name, value in screen.fields(1).items()} | {"k1": "1", "k5": "Chờ lâu", "step": "save"}
    age_sessions(desk.lan.office, "seen", IDLE + timedelta(minutes=1))
    carried = desk.lan.office.client.post(ENTER, data=fields)
    assert carried.status_code == 403
    assert code not in carried.text
    form = next(one for one in html.document_fromstring(carried.text).forms if "k5" in one.fields)
    again = dict(form.form_values())
    desk.lan.office.sign_in()
    page = checked_page(desk.lan.office.client.post(ENTER, data=again), ENTER)
    assert page.status == 400
    assert page.fields(1)["k5"] == ["Chờ lâu"]
    assert desk.lan.did(code, **{name: value for name, value in again.items() if name.startswith("k")}) == "kept"


def test_nothing_is_keyed_once_the_round_is_closed_and_closing_says_what_is_left(desk: Desk) -> None:
    code = code_of(desk)
    assert desk.lan.did(code, k1="1") == "kept"
    confirm = checked_page(desk.lan.office.client.get(f"{ROUND}/close"), f"{ROUND}/close")
    assert "1 phiếu giấy chưa nhận" in confirm.text
    sent = {"code": code, "fingerprint": desk.hoa.fingerprint, "csrf_token": desk.hoa.office.token(ENTER), "k1": "1"}
    close_round(desk.collection.stores, SLUG)
    late = checked_page(desk.hoa.office.client.post(ENTER, data={**sent, "step": "save"}), ENTER)
    assert (late.status, "khi đợt khảo sát đang mở" in late.text) == (409, True)
    late = checked_page(desk.hoa.office.client.post(SETTLE, data=sent), SETTLE)
    assert late.status == 409
    seal = checked_page(desk.lan.office.client.get(f"{ROUND}/seal"), f"{ROUND}/seal")
    assert "1 phiếu giấy chưa nhập xong sẽ bị xóa" in seal.text


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_blank_form_is_a_file_to_be_copied(desk: Desk, language: str) -> None:
    response = desk.hoa.office.client.get(f"{ROUND}/paper/form.pdf?unit=xa-b&printed={language}")
    assert (response.status_code, response.content_type) == (200, "application/pdf")
    assert f"{SLUG}-xa-b.pdf" in response.headers["Content-Disposition"]
    said = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(response.data)).pages)
    assert {"vi": "Xã B", "en": "Commune B"}[language] in said
    assert desk.lan.fingerprint in said


def test_forms_are_printed_for_the_codes_of_a_list(desk: Desk, tmp_path: Path) -> None:
    codes = desk.collection.codes("phuong-a", 2, channel="paper")
    address = f"{ROUND}/paper/forms"
    office = desk.lan.office
    listed = issued_codes_csv(codes, PUBLIC_URL)
    printed = office.hand_in(address, {"codes": (listed, "ma.csv")}, printed_in="vi")
    assert printed.content_type == "application/pdf", printed.text
    found = [texts for texts in qr_texts(printed.data, tmp_path) if texts]
    assert found == [[f"{PUBLIC_URL}/r/{SLUG}/phuong-a#{code.qr}"] for code in codes]
    strange = listed.replace(codes[0].typed.encode(), new_code().typed.encode())
    for content, said in ((strange, "was not issued"), (b"unit,code\n", "found the columns"), (b"", "Hãy chọn")):
        files = {"codes": (content, "ma.csv" if content else "")}
        page = checked_page(office.hand_in(address, files, printed_in="vi"), address)
        assert page.status == 400
        assert said in page.text
    many = issued_codes_csv(desk.collection.codes("phuong-a", 21, channel="paper"), PUBLIC_URL)
    page = checked_page(office.hand_in(address, {"codes": (many, "ma.csv")}, printed_in="vi"), address)
    assert (page.status, "nhiều nhất 20 mã" in page.text) == (400, True)
    # A clerk keys forms and hands out no codes.
    assert desk.hoa.office.client.get(address).status_code == 403
    close_round(desk.collection.stores, SLUG)
    page = checked_page(office.client.get(address), address)
    assert "Đợt" in page.text


def test_a_form_of_several_units_is_keyed_place_by_place_and_a_unit_may_be_what_differs(
    sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path
) -> None:
    firms = Firms(sqlite_settings, sqlite_stores, tmp_path)
    office = open_office(replace(sqlite_settings, must_have_second_person=True))
    create_officer(sqlite_stores, "hoa", "Lê Thị Hoa", PASSWORD, actor="command line", roles=["clerk"])
    client = office.app.test_client()
    client.environ_base["wsgi.url_scheme"] = office.client.environ_base["wsgi.url_scheme"]
    other = Office(office.app, client)
    office.sign_in()
    other.sign_in("hoa", PASSWORD)
    enter, settle = (f"/office/rounds/{FIRMS}/paper/{name}" for name in ("enter", "settle"))
    (code,) = firms.codes(1)
    form = {"code": code.typed, "fingerprint": fingerprint_of(firms.questionnaire.content_hash), "places": "2"}
    screen = checked_page(office.send(enter, **form, step="open"), enter)
    assert [name for name in screen.fields(1) if name.endswith(".unit")] == ["k1.unit", "k2.unit"]
    strange = checked_page(
        office.send(enter, **form, step="save", **{"k1": "2", "k1.unit": "so-z", "k1.3": "1"}), enter
    )
    assert (strange.status, "“so-z” không phải là đơn vị của đợt này" in strange.text) == (400, True)
    # A number beyond the units that a form may rate is the most of them.
    many = checked_page(office.send(enter, **{**form, "places": "99"}, step="open"), enter)
    assert len([name for name in many.fields(1) if name.endswith(".unit")]) == 3
    keyed = {"k1": "2", "k1.unit": "so-a Sở A", "k1.3": "2", "k2.unit": "xa-d", "k2.3": "1"}
    assert office.send(enter, **form, step="save", **keyed).headers["Location"].endswith("did=kept")
    answered = other.send(enter, **form, step="save", **{**keyed, "k1.unit": "so-b"})
    assert answered.headers["Location"].endswith("did=differs")
    page = checked_page(other.send(enter, **form, step="open"), enter)
    assert "so-a Sở A" in page.text
    assert "so-b Sở B" in page.text
    assert "Đơn vị thứ 1" in page.text
    done = other.send(settle, enter, **form, step="save", **{"k1.unit-is": "second"})
    assert done.headers["Location"].endswith("did=received")
    listed = checked_page(office.client.get(f"/office/rounds/{FIRMS}/paper?lang=en"), enter)
    assert "One master serves all units" in listed.text
    office.services.stores.close()


def test_a_round_whose_answers_were_imported_has_no_paper_forms(sqlite_settings: Settings) -> None:
    office = open_office(sqlite_settings)
    publish_by_hand(sqlite_settings, office.services.stores, sipas_edition())
    office.sign_in()
    paper = "/office/rounds/sipas-2026/paper"
    for address in (paper, f"{paper}/form.pdf"):
        page = checked_page(office.client.get(address), address)
        assert "không có phiếu giấy" in page.text
    page = checked_page(office.client.get(f"{paper}/enter"), f"{paper}/enter")
    assert "khi đợt khảo sát đang mở" in page.text
    office.services.stores.close()
