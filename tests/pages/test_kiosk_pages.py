"""A tablet at a counter, without its script: the same questions, nothing kept, no way out, and back to the start."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from support.citizens import OTHER_UNIT, UNIT, Asked, add_round, ask
from support.firms import DEPARTMENTS, SLUG, add_firm_round, firm_codes, import_firms
from support.pages import Page, checked_page
from survey.application import create_app, services_of
from survey.codes import new_code
from survey.rounds import close_round
from survey.settings import Settings
from survey.storage.intake import Ballot
from survey.storage.sessions import reading
from survey.storage.stores import Stores
from survey.texts import CITIZEN_LANGUAGES

START = f"/r/hai-long/{UNIT}/kiosk"
FORM = f"{START}/form"


@pytest.fixture
def asked(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Asked:
    return ask(sqlite_settings, sqlite_stores, tmp_path, questionnaire="kinds/1")


@pytest.fixture
def client(asked: Asked) -> Iterator[FlaskClient]:
    app = create_app(replace(asked.settings, public_url=None))
    yield app.test_client()
    services_of(app).stores.close()


def page_at(client: FlaskClient, address: str) -> Page:
    return checked_page(client.get(address), address)


def send(client: FlaskClient, form: Page, address: str = FORM, **answers: object) -> Page:
    """What a form is answered with; of a redirect, the answer beside the page that was sent."""
    hidden = {one.get("name"): one.get("value") for one in form.root.xpath("//form//input[@type='hidden']")}
    response = client.post(address, data={**hidden, **answers})
    return Page(response, form.root) if response.status_code == 303 else checked_page(response, address)


def n_ballots(asked: Asked) -> int:
    with reading(asked.stores.intake) as session:
        return session.scalars(select(func.count()).select_from(Ballot)).one()


def links_of(page: Page) -> set[str]:
    return {str(link).partition("?")[0] for link in page.root.xpath("//a/@href") if not str(link).startswith("#")}


def test_the_first_page_leads_to_the_questions_and_nowhere_else(client: FlaskClient) -> None:
    start = page_at(client, START)
    assert links_of(start) == {"", FORM}, "its languages, and the questions"
    assert "Refresh" not in start.response.headers
    assert "Set-Cookie" not in start.response.headers
    assert start.response.headers["Cache-Control"] == "no-store"


def test_a_citizen_answers_is_thanked_and_the_tablet_returns(client: FlaskClient, asked: Asked) -> None:
    (code,) = asked.codes()
    form = page_at(client, FORM)
    assert form.response.headers["Refresh"] == f"1200; url={START}"
    assert form.root.xpath("//form/@autocomplete") == ["off"]
    sent = send(client, form, code=code.typed, overall="5")
    assert (sent.status, sent.response.headers["Location"]) == (303, f"{FORM}/received")
    thanks = page_at(client, sent.response.headers["Location"])
    assert thanks.response.headers["Refresh"] == f"15; url={START}"
    assert links_of(thanks) == {"", START}
    assert "Set-Cookie" not in thanks.response.headers
    assert n_ballots(asked) == 1


def test_a_code_scanned_with_its_whole_address_is_taken(client: FlaskClient, asked: Asked) -> None:
    (code,) = asked.codes()
    form = page_at(client, FORM)
    assert form.root.xpath("//input[@id='code']/@maxlength") == ["300"]
    assert send(client, form, code=code.address("https://hailong.example.vn"), overall="5").status == 303
    assert n_ballots(asked) == 1


def test_what_is_wrong_is_told_and_the_page_still_returns_by_itself(client: FlaskClient) -> None:
    form = page_at(client, FORM)
    for answers in ({"code": ""}, {"code": new_code().typed, "overall": "5"}, {"code": "x", "overall": "9"}):
        wrong = send(client, form, **answers)
        assert wrong.status == 422
        assert wrong.response.headers["Refresh"] == f"1200; url={START}"
        assert links_of(wrong) == {"", START} or links_of(wrong) == {START}


def test_a_code_of_another_counter_is_refused(client: FlaskClient, asked: Asked) -> None:
    (code,) = asked.codes(OTHER_UNIT)
    assert send(client, page_at(client, FORM), code=code.typed, overall="5").status == 422
    assert n_ballots(asked) == 0


@pytest.mark.parametrize("language", CITIZEN_LANGUAGES)
def test_the_language_is_chosen_on_the_first_page_and_kept_until_the_thanks(
    client: FlaskClient, asked: Asked, language: str
) -> None:
    add_round(asked, "nam-tieng", questionnaire="brand/2026.2")
    start = f"/r/nam-tieng/{UNIT}/kiosk"
    chosen = page_at(client, f"{start}?lang={language}")
    query = "" if language == "vi" else f"?lang={language}"
    assert f"{start}/form{query}" in chosen.root.xpath("//a/@href")
    thanks = page_at(client, f"{start}/form/received{query}")
    assert thanks.root.xpath("//main//a/@href") == [start], "the next citizen is greeted in Vietnamese"


def test_a_round_that_is_over_says_so_and_leads_nowhere(client: FlaskClient, asked: Asked) -> None:
    close_round(asked.stores, "hai-long")
    start = page_at(client, START)
    assert "Hiện chưa nhận phiếu" in start.text
    assert FORM not in links_of(start)
    assert links_of(page_at(client, FORM)) == {"", START}


def test_a_kiosk_that_does_not_exist_is_not_found(client: FlaskClient, asked: Asked) -> None:
    for address in ("/r/hai-long/khong-co/kiosk", "/r/hai-long/-/kiosk", "/r/khong-co/-/kiosk"):
        assert client.get(address).status_code == 404


def test_the_citizens_own_page_is_as_it_was(client: FlaskClient) -> None:
    own = page_at(client, f"/r/hai-long/{UNIT}")
    assert "kiosk" not in own.text
    assert "Refresh" not in own.response.headers
    assert own.root.xpath("//input[@id='code']/@maxlength") == ["64"]
    scripts = [str(address) for address in own.root.xpath("//script/@src")]
    assert [address.rpartition("/")[2] for address in scripts] == ["citizen.js"]


def test_units_are_chosen_at_the_kiosk_of_a_round_that_rates_several(
    client: FlaskClient, asked: Asked, tmp_path: Path
) -> None:
    import_firms(asked.stores, tmp_path)
    add_firm_round(asked, SLUG)
    start = f"/r/{SLUG}/-/kiosk"
    assert f"{start}/form" in links_of(page_at(client, start))
    (code,) = firm_codes(asked, slug=SLUG)
    choice = page_at(client, f"{start}/form")
    questions = send(client, choice, f"{start}/form", code=code.typed, units=DEPARTMENTS[0])
    assert questions.status == 200
    assert questions.response.headers["Refresh"] == f"1200; url={start}"
    assert questions.root.xpath("//form/@action") == [f"{start}/form"]
    answers = {"has_land": "yes", f"{DEPARTMENTS[0]}.clear": "4", "units": DEPARTMENTS[0], "step": "answers"}
    sent = send(client, questions, f"{start}/form", code=code.typed, **answers)
    assert (sent.status, sent.response.headers["Location"]) == (303, f"{start}/form/received")
    assert page_at(client, sent.response.headers["Location"]).status == 200
