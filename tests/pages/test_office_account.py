"""What officers do about their own way in, page by page (ASVS 5.0: 6.2.2, 6.2.3, 6.3.3, 7.4.3, 7.5.1, 7.5.2)."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from lxml import html
from werkzeug.test import TestResponse

from support.authenticator import App, half_minute, offer_of
from support.office import PASSWORD, Office, open_office, path_of, token_in
from support.pages import checked_page
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading

pytestmark = pytest.mark.slow

NEW_PASSWORD = "năm từ khác hẳn nhau"
CODE_LINE = re.compile(r"<code>([0-9A-Z-]{29})</code>")
ENROL = "/office/account/second-factor"


@pytest.fixture
def office(sqlite_settings: Settings) -> Iterator[Office]:
    opened = open_office(sqlite_settings)
    opened.sign_in()
    yield opened
    opened.services.stores.close()


@pytest.fixture
def strict(sqlite_settings: Settings) -> Iterator[Office]:
    """An office that asks for a second factor, nobody signed in."""
    opened = open_office(replace(sqlite_settings, must_have_second_factor=True))
    yield opened
    opened.services.stores.close()


def another_browser(office: Office, user_agent: str = "") -> Office:
    client = office.app.test_client()
    client.environ_base |= {"wsgi.url_scheme": "https", "HTTP_USER_AGENT": user_agent}
    return Office(office.app, client)


def is_inside(office: Office) -> bool:
    return office.client.get("/office/").status_code == 200


def enrol(office: Office, off: int = 0, **fields: str) -> tuple[App, TestResponse]:
    """An app that has the key of the page, and what its first digits are answered with."""
    page = office.client.get(ENROL).text
    app = App.typed_from(page)
    # Digits of the half minute before are worth nothing in the one after.
    first = app.shows(half_minute(left=5 if off == 0 else 12) + 30 * off)
    return app, office.send(ENROL, offer=offer_of(page), new_code=first, **fields)


def complaints(response: TestResponse) -> list[str]:
    """The complaints beside the fields of a page that keeps the house's rules."""
    root = checked_page(response, "/office/").root
    return [str(node.text_content()) for node in root.xpath("//p[@class='complaint']")]


def actions(office: Office) -> list[str]:
    with reading(office.services.stores.office) as session:
        return [event.action for event in reversed(list_events(session))]


def test_every_page_of_the_account_keeps_the_rules_of_the_house(office: Office) -> None:
    addresses = ["", "/password", "/second-factor", "/sessions"]
    for _ in range(2):
        for address in addresses:
            for language in ("vi", "en"):
                path = f"/office/account{address}?lang={language}"
                assert checked_page(office.client.get(path), path).status == 200
        another_browser(office).sign_in()
        enrol(office, password=PASSWORD)
        addresses.append("/recovery-codes")


def test_a_new_password_takes_the_place_of_the_old_one_and_ends_the_other_sessions(office: Office) -> None:
    elsewhere = another_browser(office)
    elsewhere.sign_in()
    before = office.client.get_cookie("__Host-hailong_office")
    changed = office.send("/office/account/password", password=PASSWORD, new_password=NEW_PASSWORD, again=NEW_PASSWORD)
    assert path_of(changed) == "/office/account"
    assert "Đã đổi mật khẩu" in office.client.get(changed.headers["Location"]).text
    assert not is_inside(elsewhere)
    assert elsewhere.sign_in().status_code == 403
    assert elsewhere.sign_in(password=NEW_PASSWORD).status_code == 303
    assert before is not None
    copy = another_browser(office)
    copy.client.set_cookie(before.key, before.value, secure=True)
    assert not is_inside(copy), "the session of before has a token that is worth nothing"
    assert "officer.password_changed" in actions(office)


@pytest.mark.parametrize(
    ("password", "new", "again", "status", "complaint"),
    [
        ("not the password", NEW_PASSWORD, NEW_PASSWORD, 403, "Mật khẩu hiện tại chưa đúng."),
        (PASSWORD, NEW_PASSWORD, "năm từ khác hẳn nhua", 400, "Hai lần nhập chưa giống nhau."),
        (PASSWORD, "ngắn", "ngắn", 400, "Mật khẩu cần ít nhất 12 ký tự, ví dụ bốn từ."),
        (PASSWORD, "x" * 300, "x" * 300, 400, "Mật khẩu có nhiều nhất 256 ký tự."),
        (PASSWORD, "nguyenthilan2026", "nguyenthilan2026", 400, "Mật khẩu này dễ đoán."),
        ("", "", "", 400, "Hãy nhập mật khẩu."),
    ],
)
def test_a_password_that_cannot_be_changed_so_stays_and_the_page_says_why(
    office: Office, password: str, new: str, again: str, status: int, complaint: str
) -> None:
    refused = office.send("/office/account/password", password=password, new_password=new, again=again)
    assert refused.status_code == status
    assert complaints(refused)[0].startswith(complaint)
    assert not [text for text in (password, new) if len(text) > 5 and text in refused.text], "nothing is written back"
    assert another_browser(office).sign_in().status_code == 303


def test_who_guesses_the_password_in_an_open_browser_waits_after_five_times(office: Office) -> None:
    fields = {"new_password": NEW_PASSWORD, "again": NEW_PASSWORD}
    for _ in range(5):
        assert office.send("/office/account/password", password="not the password", **fields).status_code == 403
    waiting = office.send("/office/account/password", password=PASSWORD, **fields)
    assert waiting.status_code == 429
    assert "15 phút" in complaints(waiting)[0]


def test_a_second_factor_is_set_up_with_the_password_and_its_first_digits(office: Office) -> None:
    elsewhere = another_browser(office)
    elsewhere.sign_in()
    app, done = enrol(office, password=PASSWORD)
    assert done.status_code == 200
    assert len(set(CODE_LINE.findall(done.text))) == 10
    assert not is_inside(elsewhere)
    assert is_inside(office)
    assert "còn 10 mã dự phòng" in office.client.get("/office/account").text
    assert path_of(elsewhere.sign_in()) == "/office/sign-in/code"
    assert elsewhere.send("/office/sign-in/code", code=app.shows(half_minute())).status_code == 403, "used to set it up"
    assert path_of(elsewhere.send("/office/sign-in/code", code=app.shows(half_minute() + 30))) == "/office/"
    assert is_inside(elsewhere)
    assert "officer.second_factor_set" in actions(office)


def test_without_the_password_the_key_that_was_offered_or_its_digits_nothing_is_set_up(office: Office) -> None:
    page = office.client.get(ENROL).text
    app, offer = App.typed_from(page), offer_of(page)
    now = half_minute()
    for fields, status in (
        ({"offer": offer, "new_code": app.shows(now), "password": "not the password"}, 403),
        ({"offer": offer, "new_code": app.shows(now), "password": ""}, 400),
        ({"offer": offer, "new_code": "000000", "password": PASSWORD}, 400),
        ({"offer": offer[:-8], "new_code": app.shows(now), "password": PASSWORD}, 400),
        ({"offer": "", "new_code": app.shows(now), "password": PASSWORD}, 400),
        ({"new_code": app.shows(now), "password": PASSWORD}, 400),
    ):
        assert checked_page(office.send(ENROL, **fields), ENROL).status == status, fields
    assert "officer.second_factor_set" not in actions(office)
    again = office.send(ENROL, offer=offer, new_code="000000", password=PASSWORD).text
    assert App.typed_from(again).shows(now) == app.shows(now), "who mistypes need not scan another picture"


def test_an_app_is_changed_with_the_password_and_a_code_of_before(office: Office) -> None:
    app, done = enrol(office, off=-1, password=PASSWORD)
    codes = CODE_LINE.findall(done.text)
    assert enrol(office, password=PASSWORD)[1].status_code == 400
    assert enrol(office, password=PASSWORD, code="000000")[1].status_code == 403
    newer, done = enrol(office, off=-1, password=PASSWORD, code=app.shows(half_minute()))
    assert done.status_code == 200
    assert not set(codes) & set(CODE_LINE.findall(done.text))
    another_browser(office).sign_in()
    elsewhere = another_browser(office)
    elsewhere.sign_in()
    assert elsewhere.send("/office/sign-in/code", code=app.shows(half_minute() + 30)).status_code == 403
    assert elsewhere.send("/office/sign-in/code", code=newer.shows(half_minute() + 30)).status_code == 303


def test_a_recovery_code_opens_the_office_once_and_the_account_counts_what_is_left(office: Office) -> None:
    _, done = enrol(office, password=PASSWORD)
    code = CODE_LINE.findall(done.text)[0]
    elsewhere = another_browser(office)
    elsewhere.sign_in()
    assert elsewhere.send("/office/sign-in/code", code=code.lower()).status_code == 303
    assert "còn 9 mã dự phòng" in elsewhere.client.get("/office/account").text
    third = another_browser(office)
    third.sign_in()
    refused = third.send("/office/sign-in/code", code=code)
    assert refused.status_code == 403
    assert code not in refused.text


def test_one_may_sign_out_from_the_page_that_shows_the_codes(office: Office) -> None:
    _, done = enrol(office, password=PASSWORD)
    token = token_in(done.text)
    assert path_of(office.client.post("/office/sign-out", data={"csrf_token": token})) == "/office/sign-in"


def test_new_recovery_codes_are_shown_once_for_the_password_and_a_code(office: Office) -> None:
    _, done = enrol(office, password=PASSWORD)
    codes = CODE_LINE.findall(done.text)
    path = "/office/account/recovery-codes"
    assert office.send(path, password=PASSWORD).status_code == 400
    assert office.send(path, password="not the password", code=codes[0]).status_code == 403
    renewed = office.send(path, password=PASSWORD, code=codes[0])
    new = CODE_LINE.findall(checked_page(renewed, path).response.text)
    assert len(new) == 10
    assert not set(new) & set(codes)
    assert office.send(path, password=PASSWORD, code=codes[1]).status_code == 403
    assert "officer.recovery_codes_made" in actions(office)


def test_a_password_is_changed_with_a_code_where_there_is_a_second_factor(office: Office) -> None:
    _, done = enrol(office, password=PASSWORD)
    code = CODE_LINE.findall(done.text)[0]
    path, fields = (
        "/office/account/password",
        {"password": PASSWORD, "new_password": NEW_PASSWORD, "again": NEW_PASSWORD},
    )
    assert office.send(path, **fields).status_code == 400
    assert office.send(path, **fields, code="000000").status_code == 403
    weak = fields | {"new_password": "ngắn", "again": "ngắn"}
    assert office.send(path, **weak, code=code).status_code == 400
    assert office.send(path, **fields, code=code).status_code == 303, "a weak password had not used the code up"


def test_sessions_are_listed_by_browser_and_ended_with_the_password(office: Office) -> None:
    agents = {
        "Firefox · Linux": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "Chrome · Windows": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36",
    }
    others = {words: another_browser(office, agent) for words, agent in agents.items()}
    for other in others.values():
        other.sign_in()
    path = "/office/account/sessions"
    page = checked_page(office.client.get(path), path)
    labels = {
        str(label.text_content()).partition(",")[0].strip(): label.xpath(".//input/@value")[0]
        for label in page.root.xpath("//label[.//input[@type='radio']]")
    }
    assert set(labels) == {*agents, "Tất cả các phiên khác"}
    assert office.send(path, session=labels["Firefox · Linux"], password="not the password").status_code == 403
    assert office.send(path, session="0" * 16, password=PASSWORD).status_code == 400
    assert all(is_inside(other) for other in others.values())
    ended = office.send(path, session=labels["Firefox · Linux"], password=PASSWORD)
    assert "Đã kết thúc phiên" in office.client.get(ended.headers["Location"]).text
    assert [is_inside(other) for other in others.values()] == [False, True]
    assert office.send(path, session="*", password=PASSWORD).status_code == 303
    assert [is_inside(other) for other in others.values()] == [False, False]
    assert is_inside(office)
    assert not html.document_fromstring(office.client.get(path).data).xpath("//input[@type='radio']")


def test_an_office_that_asks_for_a_second_factor_has_it_set_up_right_after_the_password(strict: Office) -> None:
    assert path_of(strict.sign_in()) == ENROL
    for address in ("/office/", "/office/units", "/office/account", "/office/account/password", "/office/sign-in/code"):
        assert path_of(strict.client.get(address)) == ENROL, address
    page = checked_page(strict.client.get(ENROL), ENROL)
    assert "Trang quản lý yêu cầu xác thực hai bước" in page.text
    assert not page.root.xpath("//input[@type='password']"), "the password has just been shown"
    app, done = enrol(strict)
    assert len(CODE_LINE.findall(done.text)) == 10
    assert is_inside(strict)
    again = another_browser(strict)
    assert path_of(again.sign_in()) == "/office/sign-in/code"
    assert path_of(again.client.get("/office/")) == "/office/sign-in/code"
    assert checked_page(again.client.get("/office/sign-in/code"), "/office/sign-in/code").status == 200
    assert path_of(again.send("/office/sign-in/code", code=app.shows(half_minute() + 30))) == "/office/"


def test_between_the_two_steps_one_may_leave_or_come_as_somebody_else(strict: Office) -> None:
    strict.sign_in()
    assert strict.client.get("/office/sign-in").status_code == 200
    assert path_of(strict.send("/office/sign-out", ENROL)) == "/office/sign-in"
    assert path_of(strict.client.get(ENROL)) == "/office/sign-in"
    assert "officer.signed_out" not in actions(strict), "who was never in has not signed out"
