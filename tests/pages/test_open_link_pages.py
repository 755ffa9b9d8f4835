"""A form without a code: what stands for it, how many a day, and what is said meanwhile (criterion 34, T3)."""

import json
import re
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from support.citizens import OTHER_UNIT, UNIT, Asked, add_round, ask
from support.pages import Page, PageClient
from support.proofs import solved
from survey.application import create_app, services_of
from survey.limits import Counters
from survey.open_link import slow_cap
from survey.proofs import LASTS_SECONDS, WAIT_SECONDS, new_ticket
from survey.round_status import round_status
from survey.settings import Settings
from survey.storage.intake import Ballot
from survey.storage.sessions import reading
from survey.storage.stores import Stores
from survey.web.citizen.receiving import MOST_OF_A_NETWORK
from survey.web.limits import network_of

ADDRESS = f"/r/hai-long/{UNIT}"
CAP = 4
ANSWERS = {"overall": "4", "paid": "", "main": ""}


@pytest.fixture
def asked(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Asked:
    return ask(sqlite_settings, sqlite_stores, tmp_path, questionnaire="kinds/1", open_link_cap=CAP)


@pytest.fixture
def client(asked: Asked) -> PageClient:
    return PageClient(create_app(asked.settings))


def n_ballots(asked: Asked) -> int:
    with reading(asked.stores.intake) as session:
        return session.scalars(select(func.count()).select_from(Ballot)).one()


def proof_for(client: PageClient, address: str = ADDRESS) -> str:
    return solved(client.raw.get(f"{address}/challenge").get_json()["challenge"])


def send(client: PageClient, **fields: str) -> Page | None:
    """The page that came back; None when the answers were received."""
    page = client.get(ADDRESS)
    response = client.raw.post(ADDRESS, data={**page.fields(), **ANSWERS, **fields})
    return None if response.status_code == 303 else client.post(ADDRESS, {**page.fields(), **ANSWERS, **fields})


def old_ticket(asked: Asked, seconds: int = WAIT_SECONDS, unit: str = UNIT) -> str:
    return new_ticket(asked.secrets, asked.slug, unit, time.time() - seconds)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_form_says_that_the_code_may_be_left_out_and_what_that_means(client: PageClient, language: str) -> None:
    page = client.get(f"{ADDRESS}?lang={language}")
    [hint] = page.root.xpath("//*[@id='code-o']")
    expected = {"vi": "Không có mã mời?", "en": "No code?"}
    assert expected[language] in hint.text_content()
    assert page.root.xpath("//*[@data-code and @data-optional]")


@pytest.mark.slow
def test_a_round_without_an_open_link_wants_a_code_and_gives_no_challenge(client: PageClient, asked: Asked) -> None:
    add_round(asked, "co-ma", questionnaire="kinds/1")
    page = client.get(f"/r/co-ma/{UNIT}")
    assert "form-proof" not in page.fields()
    assert client.raw.get(f"/r/co-ma/{UNIT}/challenge").status_code == 404
    assert client.raw.get("/r/hai-long/nowhere/challenge").status_code == 404
    answered = client.post(f"/r/co-ma/{UNIT}", {**page.fields(), **ANSWERS, "form-proof": proof_for(client)})
    assert (answered.status, n_ballots(asked)) == (422, 0)


@pytest.mark.slow
def test_a_proof_of_work_stands_for_a_code_once(client: PageClient, asked: Asked) -> None:
    proof = proof_for(client)
    fields = client.get(ADDRESS).fields()
    sent = {**fields, **ANSWERS, "form-proof": proof}
    # Sent twice, as after a lost answer: it is received, and stored once.
    assert [client.raw.post(ADDRESS, data=sent).status_code for _ in range(2)] == [303, 303]
    assert n_ballots(asked) == 1
    # With another form the same proof is worth nothing.
    assert send(client, **{"form-proof": proof}) is not None
    assert n_ballots(asked) == 1
    [cell] = round_status(asked.stores, asked.secrets, asked.slug).cells
    assert (cell.unit, cell.channel, cell.issued, cell.spent) == (UNIT, "open_link", 1, 1)


@pytest.mark.slow
def test_a_proof_holds_for_its_unit_its_round_and_its_time(client: PageClient, asked: Asked) -> None:
    add_round(asked, "khac", questionnaire="kinds/1", open_link_cap=CAP)
    strange = [proof_for(client, f"/r/hai-long/{OTHER_UNIT}"), proof_for(client, f"/r/khac/{UNIT}")]
    own = client.raw.get(f"{ADDRESS}/challenge").get_json()["challenge"]
    easier = json.loads(json.dumps(own))
    easier["parameters"]["keyPrefix"] = ""
    longer = json.loads(json.dumps(own))
    longer["parameters"]["expiresAt"] += 86_400
    for proof in (*strange, solved(easier), solved(longer), "", "x", "e30=", "bnVsbA==", "ÿ", "A" * 5000):
        assert send(client, **{"form-proof": proof}) is not None
    assert n_ballots(asked) == 0
    assert send(client, **{"form-proof": solved(own)}) is None


def test_who_does_no_work_waits_and_keeps_what_was_typed(client: PageClient, asked: Asked) -> None:
    page = send(client, main="Cảm ơn")
    assert page is not None
    assert page.status == 422
    assert f"chờ {WAIT_SECONDS} giây" in page.text
    fields = page.fields()
    assert (fields["main"], fields["overall"]) == (["Cảm ơn"], ["4"])
    # Too early: the same ticket, and still nothing is stored.
    again = client.post(ADDRESS, fields)
    assert again.fields()["form-ticket"] == fields["form-ticket"]
    assert n_ballots(asked) == 0
    waited = {**fields, "form-ticket": old_ticket(asked)}
    assert [client.raw.post(ADDRESS, data=waited).status_code for _ in range(2)] == [303, 303]
    assert n_ballots(asked) == 1


def test_a_ticket_of_another_unit_a_changed_one_and_an_old_one_are_none(client: PageClient, asked: Asked) -> None:
    good = old_ticket(asked)
    issued, name, mark = good.split(".")
    for ticket in (
        old_ticket(asked, unit=OTHER_UNIT),
        old_ticket(asked, LASTS_SECONDS + 5),
        f"{int(issued) - 60}.{name}.{mark}",
        f"{issued}.{'0' * 32}.{mark}",
        good[:-1],
    ):
        page = send(client, **{"form-ticket": ticket})
        assert page is not None
        assert page.fields()["form-ticket"] != [ticket]
    assert n_ballots(asked) == 0


@pytest.mark.slow
def test_a_unit_takes_so_many_a_day_and_less_of_those_who_only_waited(client: PageClient, asked: Asked) -> None:
    waited = [send(client, **{"form-ticket": old_ticket(asked)}) for _ in range(slow_cap(CAP) + 1)]
    assert [page is None for page in waited] == [True] * slow_cap(CAP) + [False]
    assert waited[-1] is not None
    assert "Hôm nay đã nhận đủ số phiếu" in waited[-1].problems()[0]
    worked = [send(client, **{"form-proof": proof_for(client)}) for _ in range(CAP)]
    assert sum(page is None for page in worked) == CAP - slow_cap(CAP)
    # Another unit has its own day, and a code is taken however full the day is.
    other = client.get(f"/r/hai-long/{OTHER_UNIT}").fields()
    sent = {**other, **ANSWERS, "form-proof": proof_for(client, f"/r/hai-long/{OTHER_UNIT}")}
    assert client.raw.post(f"/r/hai-long/{OTHER_UNIT}", data=sent).status_code == 303
    assert send(client, code=asked.codes()[0].typed) is None


def test_one_network_has_its_share_of_a_day(asked: Asked) -> None:
    counters = Counters.private()
    client = PageClient(create_app(asked.settings, counters))
    for _ in range(MOST_OF_A_NETWORK["waited"]):
        assert counters.allow("open link waited", "203.0.113.0/24", MOST_OF_A_NETWORK["waited"], 86_400)

    def from_address(address: str) -> int:
        fields = {**client.get(ADDRESS).fields(), **ANSWERS, "form-ticket": old_ticket(asked)}
        return client.raw.post(ADDRESS, data=fields, environ_base={"REMOTE_ADDR": address}).status_code

    assert from_address("203.0.113.77") == 422
    assert from_address("203.0.114.77") == 303


def test_networks_are_known_by_their_first_part_and_this_machine_is_none() -> None:
    assert network_of("203.0.113.77") == network_of("::ffff:203.0.113.1") == "203.0.113.0/24"
    assert network_of("2001:db8:1:2::5") == "2001:db8:1::/48"
    assert [network_of(address) for address in ("127.0.0.1", "::1", "", "unix:", "0.0.0.0")] == [None] * 5  # noqa: S104


def test_behind_proxies_the_address_is_the_one_that_they_wrote_down(asked: Asked) -> None:
    from flask import request

    from survey.web.limits import network_of_request

    app = create_app(asked.settings)
    with app.test_request_context(headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}):
        assert request.remote_addr is None or network_of_request(0) is None
        assert network_of_request(1) == "203.0.113.0/24"
        assert network_of_request(2) == "198.51.100.0/24"
        assert network_of_request(3) is None


def test_the_challenge_is_no_page_and_tells_nothing_of_the_round(client: PageClient, asked: Asked) -> None:
    response = client.raw.get(f"{ADDRESS}/challenge")
    assert response.headers["Cache-Control"] == "no-store"
    assert set(response.get_json()) == {"challenge", "ticket"}
    assert re.fullmatch(r"[0-9]+\.[0-9a-f]{32}\.[0-9a-f]{64}", response.get_json()["ticket"])
    assert services_of(client.raw.application).settings.n_proxies == 0
