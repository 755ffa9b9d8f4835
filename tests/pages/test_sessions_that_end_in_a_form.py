"""A session that ends in the middle of a form: what was posted comes back, and is taken after signing in again."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from lxml import html

from support.office import LOGIN, Office, age_sessions, open_office, path_of
from survey.office_sessions import IDLE
from survey.questionnaire_drafts import Writer, find_draft, start_from_version
from survey.settings import Settings

pytestmark = pytest.mark.slow

PART = "/office/questionnaires/drafts/1/parts/p2"


@pytest.fixture
def office(sqlite_settings: Settings) -> Iterator[Office]:
    opened = open_office(sqlite_settings)
    start_from_version(opened.services.stores, "sipas/2017.1", Writer(LOGIN, "Lan"), datetime.now(UTC))
    opened.sign_in()
    yield opened
    opened.services.stores.close()


def form_in(page: str) -> dict[str, list[str]]:
    sent: dict[str, list[str]] = {}
    form = next(one for one in html.document_fromstring(page).forms if one.fields.get("text.vi") is not None)
    for name, value in form.form_values():
        sent.setdefault(name, []).append(value)
    return sent


def test_what_was_posted_comes_back_and_is_taken_after_signing_in(office: Office) -> None:
    fields = {**form_in(office.client.get(PART).text), "text.vi": ["Câu “gõ dở” <b>"]}
    age_sessions(office, "seen", IDLE + timedelta(minutes=1))
    page = office.client.post(PART, data=fields)
    assert page.status_code == 403
    assert "Phiên làm việc đã hết" in page.text
    again = form_in(page.text)
    assert again == fields
    assert office.client.post(PART, data=again).status_code == 403, "nobody has signed in yet, and nothing is lost"
    office.sign_in()
    assert office.client.post(PART, data=again).status_code == 303
    assert find_draft(office.services.stores, 1).tree["sections"][0]["items"][0]["text"]["vi"] == "Câu “gõ dở” <b>"


def test_a_form_of_the_library_is_taken_too_and_secrets_are_not_written_back(office: Office) -> None:
    address = "/office/account/password"
    token = office.token(address)
    age_sessions(office, "seen", IDLE + timedelta(minutes=1))
    page = office.client.post(address, data={"csrf_token": token, "password": "bí mật", "new": "x"})
    assert "bí mật" not in page.text
    assert "không được giữ lại" in page.text


def test_only_a_page_of_the_session_that_ended_is_carried(office: Office) -> None:
    token = office.token(PART)
    age_sessions(office, "seen", IDLE + timedelta(minutes=1))
    forged = office.client.post(PART, data={"csrf_token": token[:-3] + "abc", "text.vi": "x"})
    assert path_of(forged) == "/office/sign-in"
    office.sign_in()
    assert office.client.post(PART, data={"csrf_token": token, "text.vi": "x"}).status_code == 400
    assert re.search("gõ", str(find_draft(office.services.stores, 1).tree)) is None
