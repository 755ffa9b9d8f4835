"""Sendings that come to nothing: the fifty-first of a second gets 429, a code that can be used never (criterion 30)."""

from pathlib import Path

import pytest

from support.citizens import UNIT, Asked, ask
from support.firms import DEPARTMENTS, ask_firms, firm_codes
from support.pages import Page, PageClient
from survey.application import create_app
from survey.codes import new_code
from survey.guessing import CROWDED_FROM, FRUITLESS_A_SECOND
from survey.limits import Counters
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.web.citizen import receiving

ADDRESS = f"/r/hai-long/{UNIT}"
ANSWERS = {"overall": "4", "paid": "", "main": "Giữ lại dòng này"}


class StoppedClock:
    """A second that does not pass."""

    def __call__(self) -> float:
        return 1_800_000_000.2


@pytest.fixture
def asked(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Asked:
    return ask(sqlite_settings, sqlite_stores, tmp_path, questionnaire="kinds/1")


@pytest.fixture
def counters() -> Counters:
    return Counters.private(StoppedClock())


@pytest.fixture
def client(asked: Asked, counters: Counters) -> PageClient:
    return PageClient(create_app(asked.settings, counters))


def post(client: PageClient, code: str, **fields: str) -> int:
    sent = {**client.get(ADDRESS).fields(), **ANSWERS, **fields, "code": code}
    return client.raw.post(ADDRESS, data=sent).status_code


def flood(counters: Counters) -> None:
    for _ in range(FRUITLESS_A_SECOND):
        assert counters.allow("fruitless sending", "", FRUITLESS_A_SECOND, 1)


@pytest.mark.slow
def test_the_fifty_first_wrong_code_of_a_second_gets_429(client: PageClient) -> None:
    statuses = [post(client, new_code().typed) for _ in range(FRUITLESS_A_SECOND + 3)]
    assert statuses == [422] * FRUITLESS_A_SECOND + [429] * 3


def test_in_a_flood_unknown_used_and_misspelt_codes_get_the_same_answer(
    client: PageClient, counters: Counters, asked: Asked
) -> None:
    used = asked.codes()[0].typed
    assert post(client, used) == 303
    flood(counters)
    bodies = set()
    for code in (new_code().typed, used, "không phải mã", ""):
        sent = {**client.get(ADDRESS).fields(), **ANSWERS, "code": code, "nonce": "n" * 32}
        answer = client.raw.post(ADDRESS, data=sent)
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) >= 1
        bodies.add(answer.get_data(as_text=True).replace(f'value="{code}"', ""))
    assert len(bodies) == 1


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_refused_code_in_a_crowd_is_named_on_a_page_that_keeps_what_was_typed(
    client: PageClient, counters: Counters, asked: Asked, language: str
) -> None:
    for _ in range(CROWDED_FROM):
        assert counters.allow("fruitless sending", "", FRUITLESS_A_SECOND, 1)
    form = client.get(f"{ADDRESS}?lang={language}").fields()
    page: Page = client.post(ADDRESS, {**form, **ANSWERS, "code": new_code().typed})
    assert (page.status, page.root.get("lang")) == (422, language)
    kept = page.fields()
    assert (kept["main"], kept["overall"], kept["nonce"]) == (["Giữ lại dòng này"], ["4"], form["nonce"])
    assert {"vi": "không dùng được", "en": "cannot be used"}[language] in page.text
    assert client.raw.post(ADDRESS, data={**kept, "code": asked.codes()[0].typed}).status_code == 303
    # Who only wants to read the questions in another language gets them.
    read = client.post(ADDRESS, {**form, **ANSWERS, "code": new_code().typed, "switch-lang": "en"})
    assert (read.status, read.root.get("lang")) == (200, "en")


def test_a_code_that_can_be_used_is_received_in_a_flood_and_so_is_its_repetition(
    client: PageClient, counters: Counters, asked: Asked
) -> None:
    flood(counters)
    sent = {**client.get(ADDRESS).fields(), **ANSWERS, "code": asked.codes()[0].qr}
    assert [client.raw.post(ADDRESS, data=sent).status_code for _ in range(3)] == [303] * 3


def test_a_mistake_in_the_answers_is_shown_in_a_flood_to_who_has_a_code(
    client: PageClient, counters: Counters, asked: Asked
) -> None:
    flood(counters)
    assert post(client, asked.codes()[0].typed, overall="") == 422
    assert post(client, new_code().typed, overall="") == 429


def test_units_are_chosen_in_a_flood_by_who_has_a_code(
    sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path, counters: Counters
) -> None:
    firms = ask_firms(sqlite_settings, sqlite_stores, tmp_path)
    client = PageClient(create_app(firms.settings, counters))
    flood(counters)
    address, units = f"/r/{firms.slug}", list(DEPARTMENTS[:2])
    for code, status in ((firm_codes(firms)[0].typed, 200), (new_code().typed, 429)):
        chosen = {**client.get(address).fields(), "units": units, "code": code}
        assert client.raw.post(address, data=chosen).status_code == status


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_of_a_flood_keeps_what_was_typed_to_be_sent_again(
    client: PageClient, counters: Counters, asked: Asked, language: str
) -> None:
    flood(counters)
    form = client.get(f"{ADDRESS}?lang={language}").fields()
    page: Page = client.post(ADDRESS, {**form, **ANSWERS, "code": "7K3M9"})
    assert (page.status, page.state, page.root.get("lang")) == (429, "crowded", language)
    kept = page.fields()
    assert (kept["main"], kept["overall"], kept["code"]) == (["Giữ lại dòng này"], ["4"], ["7K3M9"])
    assert kept["nonce"] == form["nonce"]
    assert client.raw.post(ADDRESS, data={**kept, "code": asked.codes()[0].typed}).status_code == 303


def test_a_store_that_is_silent_in_a_flood_lets_nobody_be_told_anything(
    client: PageClient, counters: Counters, asked: Asked, sqlite_settings: Settings
) -> None:
    code = asked.codes()[0].typed
    fields = client.get(ADDRESS).fields()
    flood(counters)
    asked.stores.close()
    services = client.raw.application.extensions["hailong"]
    services.stores.close()
    frame = sqlite_settings.instance / "frame.db"
    frame.rename(frame.with_suffix(".away"))
    frame.mkdir()
    try:
        assert client.raw.post(ADDRESS, data={**fields, **ANSWERS, "code": code}).status_code == 429
    finally:
        services.stores.close()
        frame.rmdir()
        frame.with_suffix(".away").rename(frame)
    assert client.raw.post(ADDRESS, data={**fields, **ANSWERS, "code": code}).status_code == 303


def test_what_was_stored_and_what_no_sender_can_help_are_no_part_of_a_flood() -> None:
    assert {int(status) for status in receiving.FRUITFUL} == {303, 503}
