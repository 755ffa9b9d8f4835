"""Strangers in numbers, in small: guessed codes (criterion 30) and scripts on an open link (criterion 34, T3, T10).

The long versions, and the siege with slow connections (criterion 29), are `make floods`.
"""

import datetime as dt
import time
from collections import Counter
from pathlib import Path

import pytest

from analysis.archive import read_archive
from analysis.release.computing import compute_edition
from support.citizens import UNIT, Asked, ask
from support.pages import PageClient
from survey.application import create_app
from survey.codes import new_code
from survey.guessing import is_usable
from survey.intake import round_open_on
from survey.invitations import find_invitation
from survey.open_link import admit, slow_cap
from survey.proofs import WAIT_SECONDS, new_ticket
from survey.round_records import find_round, load_questionnaire_of
from survey.round_status import round_status
from survey.rounds import close_round, limit_open_link
from survey.sealing import archive_path, seal_round
from survey.services import today
from survey.settings import Settings
from survey.storage.stores import Stores

pytestmark = pytest.mark.slow

CAP = 12
ADDRESS = f"/r/hai-long/{UNIT}"


@pytest.fixture
def asked(settings: Settings, stores: Stores, tmp_path: Path) -> Asked:
    return ask(settings, stores, tmp_path, open_link_cap=CAP)


def stored_without_code(asked: Asked) -> tuple[int, int]:
    """Invitations issued for an open link, and those of them that were used."""
    cells = [c for c in round_status(asked.stores, asked.secrets, asked.slug).cells if c.channel == "open_link"]
    return sum(cell.issued for cell in cells), sum(cell.spent for cell in cells)


def test_eight_hundred_guesses_find_no_code(asked: Asked) -> None:
    asked.codes(UNIT, 2_000)
    assert not any(
        find_invitation(asked.stores, asked.secrets, asked.slug, guess)
        for _ in range(400)
        for guess in (new_code().typed, new_code().qr)
    )


def test_unknown_and_used_codes_are_told_apart_by_nothing(asked: Asked) -> None:
    client = PageClient(create_app(asked.settings))
    used = asked.codes(UNIT)[0].typed
    fields = {**client.get(ADDRESS).fields(), **_answers(asked)}
    assert client.raw.post(ADDRESS, data={**fields, "code": used}).status_code == 303
    told = []
    for code in (used, new_code().typed):
        answer = client.raw.post(ADDRESS, data={**fields, "code": code, "nonce": "n" * 32})
        told.append((answer.status_code, answer.get_data(as_text=True).replace(code, "")))
    assert told[0] == told[1]
    record = find_round(asked.stores, asked.slug)
    opened = round_open_on(record, load_questionnaire_of(asked.stores, record), today())
    assert [
        is_usable(asked.stores, asked.secrets, opened, UNIT, code, "n" * 32)
        for code in (used, new_code().typed, asked.codes(UNIT)[0].qr)
    ] == [False, False, True]


def test_scripts_on_an_open_link_fill_the_day_and_are_in_no_index(asked: Asked) -> None:
    client = PageClient(create_app(asked.settings))
    page = client.get(ADDRESS).fields()
    honest = asked.codes(UNIT, 15)
    for number, code in enumerate(honest):
        fields = {**page, **_answers(asked), "nonce": f"{number:032x}", "code": code.typed}
        assert client.raw.post(ADDRESS, data=fields).status_code == 303
    statuses: Counter[int] = Counter()
    tickets = [new_ticket(asked.secrets, asked.slug, UNIT, time.time() - WAIT_SECONDS) for _ in range(30)]
    for number in range(90):
        fields = {**page, **_answers(asked), "form-ticket": tickets[number % 30], "nonce": f"s{number:031x}"}
        statuses[client.raw.post(ADDRESS, data=fields).status_code] += 1
    assert statuses[303] == slow_cap(CAP)
    # Work opens the rest of the day and nothing beyond it.
    for number in range(CAP + 5):
        admit(asked.stores, asked.secrets, asked.slug, UNIT, bytes([number]) * 32, "worked", cap=CAP, today=today())
    assert stored_without_code(asked) == (CAP, slow_cap(CAP))

    close_round(asked.stores, asked.slug)
    seal_round(asked.stores, asked.secrets, asked.vault, asked.settings, asked.slug)
    edition = compute_edition(
        read_archive(archive_path(asked.settings, asked.slug)),
        published_on=dt.date(2026, 12, 31),
        public_url=None,
    )
    assert {row.n for row in edition.estimates if row.unit == UNIT and row.n is not None} == {len(honest)}


def test_a_day_is_a_day_and_the_next_one_begins_anew(asked: Asked) -> None:
    def taken(day: dt.date, first: int) -> int:
        proofs = [number.to_bytes(32, "big") for number in range(first, first + CAP + 3)]
        return sum(
            admit(asked.stores, asked.secrets, asked.slug, UNIT, proof, "worked", cap=CAP, today=day) is not None
            for proof in proofs
        )

    monday = dt.date(2026, 11, 23)
    assert [taken(monday, 0), taken(monday, 100), taken(monday + dt.timedelta(1), 200)] == [CAP, 0, CAP]
    # A clock that goes back a day opens nothing again, and what was admitted before is known.
    assert [taken(monday, 300), taken(monday, 0)] == [0, CAP]


def test_an_operator_shuts_the_link_while_the_round_goes_on(asked: Asked) -> None:
    client = PageClient(create_app(asked.settings))
    assert client.raw.get(f"{ADDRESS}/challenge").status_code == 200
    limit_open_link(asked.stores, asked.slug, None)
    fields = {**client.get(ADDRESS).fields(), **_answers(asked)}
    assert "form-ticket" not in fields
    assert client.raw.post(ADDRESS, data=fields).status_code == 422
    assert client.raw.post(ADDRESS, data={**fields, "code": asked.codes()[0].typed}).status_code == 303


def _answers(asked: Asked) -> dict[str, str]:
    """Some answer to every question of a choice."""
    questionnaire = load_questionnaire_of(asked.stores, find_round(asked.stores, asked.slug))
    return {item.code: item.options[0].code for item in questionnaire.items if item.kind == "single"}
