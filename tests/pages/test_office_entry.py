"""Who gets into the office, and how a session begins and ends."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import pytest
from flask.sessions import SessionMixin

from support.office import LOGIN, PASSWORD, Office, age_sessions, open_office, path_of
from support.published import publish_by_hand, sipas_edition
from survey.office_sessions import IDLE, LONGEST
from survey.officers import disable_officer, set_password
from survey.questionnaire_drafts import Writer, start_empty
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading

VALUES = {"slug": "sipas-2026", "step": "publish", "anything": "nowhere", "file_type": "csv"}
VALUES |= {"decision": "approve", "what": "roles"}
VALUES |= {"version": "1", "form_type": "yaml"}
VALUES |= {"name": "06652", "action": "approve", "key": "0" * 16, "number": "1", "part": "units"}


# Whoever is not signed in may look at these.
DOORS = ("/office/sign-in", "/office/invited")
# The way over another house is there where the settings name one.
OTHER_HOUSE = ("/office/oidc", "/office/oidc/back")


@pytest.fixture
def office(sqlite_settings: Settings) -> Iterator[Office]:
    opened = open_office(sqlite_settings)
    yield opened
    opened.services.stores.close()


@pytest.fixture
def inside(office: Office) -> Office:
    assert path_of(office.sign_in()) == "/office/"
    return office


def _addresses(office: Office, method: str) -> list[str]:
    adapter = office.app.url_map.bind("localhost")
    rules = [rule for rule in office.app.url_map.iter_rules() if rule.endpoint.startswith("office.")]
    return [
        adapter.build(rule.endpoint, {name: VALUES[name] for name in rule.arguments}, method)
        for rule in rules
        if method in (rule.methods or ())
    ]


def _session(office: Office) -> AbstractContextManager[SessionMixin]:
    return office.client.session_transaction("/office/", base_url="https://localhost")


def test_every_address_leads_an_anonymous_reader_to_the_sign_in_page(office: Office) -> None:
    addresses = _addresses(office, "GET")
    assert len(addresses) >= 8
    for address in addresses:
        response = office.client.get(address)
        if address in DOORS:
            assert response.status_code == 200
        elif address in OTHER_HOUSE:
            assert response.status_code == 404
        else:
            assert (response.status_code, path_of(response)) == (303, "/office/sign-in"), address


def test_every_post_of_an_anonymous_sender_is_turned_away(office: Office) -> None:
    addresses = [address for address in _addresses(office, "POST") if address not in DOORS]
    assert len(addresses) >= 4
    token = office.token("/office/sign-in")
    for address in addresses:
        response = office.client.post(address, data={"csrf_token": token, "slug": "x"})
        assert (response.status_code, path_of(response)) == (303, "/office/sign-in"), address


def test_an_officer_reaches_every_address(inside: Office) -> None:
    publish_by_hand(inside.services.settings, inside.services.stores, sipas_edition())
    start_empty(inside.services.stores, Writer(LOGIN, "Lan"), datetime.now(UTC))
    statuses = {address: inside.client.get(address).status_code for address in _addresses(inside, "GET")}
    assert statuses.pop("/office/nowhere") == 404
    assert statuses.pop(f"/office/account/passkeys/{VALUES['key']}") == 404, "nobody's key"
    assert statuses.pop("/office/sign-in") == 303
    assert statuses.pop("/office/sign-in/code") == 303
    assert statuses.pop("/office/account/recovery-codes") == 303, "there is no second factor"
    assert statuses.pop("/office/rounds/sipas-2026/publish") == 409, "it is published already"
    assert statuses.pop("/office/rounds/sipas-2026/trial") == 303, "no custodians hold its key"
    assert statuses.pop("/office/rounds/sipas-2026/reconcile") == 303, "it is not halted"
    assert statuses.pop("/office/rounds/sipas-2026/hard-data.csv") == 404, "its profile counts no hard data"
    assert statuses.pop("/office/rounds/sipas-2026/printing") == 303, "nothing is being made"
    assert statuses.pop("/office/rounds/sipas-2026/release") == 303, "there is no preview"
    assert statuses.pop("/office/rounds/sipas-2026/release/06652.pdf") == 404
    assert statuses.pop("/office/rounds/sipas-2026/comments") == 303, "nobody wrote"
    assert statuses.pop("/office/rounds/sipas-2026/comments/review") == 303
    assert statuses.pop("/office/rounds/sipas-2026/analysis/units") == 303, "its plan was not run"
    assert statuses.pop("/office/rounds/sipas-2026/analysis/units.csv") == 404
    assert statuses.pop("/office/rounds/sipas-2026/analysis/estimates.xlsx") == 404
    for page in ("", "/preview", "/file.yaml"):
        assert statuses.pop(f"/office/questionnaires/versions/06652/1{page}") == 404
    assert statuses.pop(f"/office/questionnaires/drafts/1/parts/{VALUES['part']}") == 404
    for page in ("fieldwork", "fieldwork/channels", "fieldwork/unit", "fieldwork/table.csv"):
        assert statuses.pop(f"/office/rounds/sipas-2026/{page}") == 404, "its answers were collected elsewhere"
    for page in ("/setup", "/setup/units", "/setup/how", "/setup/test", "/frame/clean", "/frame/draw"):
        assert statuses.pop(f"/office/rounds/sipas-2026{page}") == 303, "it is no draft, and has no list"
    for address in OTHER_HOUSE:
        assert statuses.pop(address) == 404, "the settings name no other house"
    for file in ("left-out.csv", "selected.csv", "batch.csv"):
        assert statuses.pop(f"/office/rounds/sipas-2026/frame/{file}") == 404
    assert set(statuses.values()) == {200}, statuses


def test_no_post_is_taken_without_the_token_of_its_session(inside: Office) -> None:
    of_another = Office(inside.app, inside.app.test_client()).token("/office/sign-in")
    for data in ({}, {"csrf_token": ""}, {"csrf_token": "forged"}, {"csrf_token": of_another}):
        for address in _addresses(inside, "POST"):
            if address != "/office/sign-in":
                assert inside.client.post(address, data=data).status_code == 400, address
    assert inside.client.get("/office/").status_code == 200, "and nobody was signed out by it"


def test_a_sign_in_without_a_token_is_asked_for_once_more(office: Office) -> None:
    response = office.client.post("/office/sign-in", data={"login": LOGIN, "password": PASSWORD})
    assert response.status_code == 400
    assert "quá lâu" in response.text


def test_the_cookie_is_for_this_host_alone(office: Office) -> None:
    cookie = office.sign_in().headers["Set-Cookie"]
    assert cookie.startswith("__Host-hailong_office=")
    for part in ("Path=/", "HttpOnly", "SameSite=Strict", "Secure"):
        assert part in cookie
    assert "Expires" not in cookie
    assert "Max-Age" not in cookie
    assert "Domain" not in cookie
    assert "Set-Cookie" not in office.client.get("/results").headers, "other areas neither need it nor renew it"


def test_a_refusal_says_the_same_of_known_and_unknown_logins(office: Office) -> None:
    answers = []
    for login in (LOGIN, "minh"):
        response = office.sign_in(login, "not the password")
        # The token of the form and what a passkey is asked to sign are new each time.
        page = re.sub(r'(value|data-options)="[^"]*"', "", response.text)
        answers.append((response.status_code, page, response.headers["Content-Length"] != ""))
    assert answers[0] == answers[1]
    assert answers[0][0] == 403


def test_a_refused_password_is_not_written_back_into_the_page(office: Office) -> None:
    assert "not the password" not in office.sign_in(LOGIN, "not the password").text


def test_after_five_failures_the_page_asks_to_wait(office: Office) -> None:
    for _ in range(5):
        assert office.sign_in(LOGIN, "not the password").status_code == 403
    response = office.sign_in()
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "900"
    assert "15 phút" in response.text


def test_signing_in_leads_nowhere_else_whatever_the_address_says(office: Office) -> None:
    address = "/office/sign-in?next=https://evil.example/&url=//evil.example"
    assert path_of(office.send(address, login=LOGIN, password=PASSWORD)) == "/office/"


def test_nothing_of_the_session_before_the_sign_in_survives_it(office: Office) -> None:
    office.client.get("/office/sign-in")
    with _session(office) as planted:
        planted["token"] = "made up"
        planted["planted"] = "by a stranger"
        before = planted.get("csrf_token")
    office.sign_in()
    with _session(office) as session:
        assert "planted" not in session
        assert session.get("csrf_token") != before or before is None
        assert set(session) <= {"token", "csrf_token"}
        assert session["token"] != "made up"


@pytest.mark.parametrize(("column", "longest"), [("seen", IDLE), ("began", LONGEST)])
def test_a_session_ends_after_idle_time_and_after_a_working_day(
    inside: Office, column: str, longest: timedelta
) -> None:
    age_sessions(inside, column, longest - timedelta(minutes=1))
    assert inside.client.get("/office/").status_code == 200
    age_sessions(inside, column, longest + timedelta(minutes=1))
    ended = inside.client.get("/office/")
    assert path_of(ended) == "/office/sign-in"
    assert "30 phút" in inside.client.get(ended.headers["Location"]).text
    assert inside.client.get("/office/").status_code == 303, "and it does not come back"


def test_reading_a_page_keeps_the_session_alive(inside: Office) -> None:
    age_sessions(inside, "seen", IDLE - timedelta(minutes=1))
    for _ in range(2):
        assert inside.client.get("/office/").status_code == 200
    age_sessions(inside, "began", timedelta(hours=1))
    assert inside.client.get("/office/").status_code == 200


def test_a_session_that_was_not_made_here_is_nobodys(inside: Office) -> None:
    with _session(inside) as session:
        token = session["token"]
    for made_up in ("", "x", 1, ["a"], token[:-1], token.swapcase()):
        with _session(inside) as session:
            session["token"] = made_up
        assert path_of(inside.client.get("/office/")) == "/office/sign-in", made_up
    inside.client.set_cookie("__Host-hailong_office", "forged.cookie.here", secure=True)
    assert path_of(inside.client.get("/office/")) == "/office/sign-in"


def test_who_is_disabled_is_out_with_the_next_page_and_told_what_strangers_are_told(inside: Office) -> None:
    disable_officer(inside.services.stores, LOGIN, actor="command line")
    assert path_of(inside.client.get("/office/")) == "/office/sign-in"
    refused = inside.sign_in()
    assert refused.status_code == 403
    assert "Tên đăng nhập hoặc mật khẩu chưa đúng" in refused.text


def test_a_new_password_ends_the_sessions_of_the_old_one(inside: Office) -> None:
    set_password(inside.services.stores, LOGIN, "năm từ khác hẳn nhau", actor="command line")
    assert path_of(inside.client.get("/office/")) == "/office/sign-in"


def test_signing_out_ends_the_session_and_is_recorded(inside: Office) -> None:
    response = inside.send("/office/sign-out", "/office/")
    assert path_of(response) == "/office/sign-in"
    assert "Đã đăng xuất" in inside.client.get(response.headers["Location"]).text
    assert path_of(inside.client.get("/office/")) == "/office/sign-in"
    with reading(inside.services.stores.office) as session:
        actions = [event.action for event in list_events(session)]
    assert actions == ["officer.signed_out", "officer.signed_in", "officer.created"]


def test_office_pages_are_kept_by_no_cache_and_framed_by_nobody(inside: Office) -> None:
    for address in ("/office/", "/office/units", "/office/new-round", "/office/nowhere"):
        headers = inside.client.get(address).headers
        assert headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "Cookie" in headers["Vary"]


def test_every_office_page_warns_that_one_machine_keeps_the_key(inside: Office) -> None:
    publish_by_hand(inside.services.settings, inside.services.stores, sipas_edition())
    for address in _addresses(inside, "GET"):
        response = inside.client.get(address)
        if response.status_code != 303 and response.mimetype == "text/html":
            assert "Một máy giữ chìa khóa" in response.text, address


def test_the_english_office_stays_english(inside: Office) -> None:
    publish_by_hand(inside.services.settings, inside.services.stores, sipas_edition())
    for address in ("/office/", "/office/units", "/office/new-round", "/office/rounds/sipas-2026"):
        page = inside.client.get(f"{address}?lang=en").text
        assert '<html lang="en">' in page
        targets = re.findall(r'(?:href|action)="(/office[^"]*)"', page)
        assert targets
        without = [target for target in targets if "lang=en" not in target]
        assert without == [address], "only the way back to Vietnamese carries no language"
