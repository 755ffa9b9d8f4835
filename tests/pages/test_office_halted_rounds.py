"""An officer answers in the office for a restored round's going on (criterion 31)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from support.office import LOGIN, Office, open_office, path_of
from support.pages import checked_page
from support.rounds import SLUG, open_collection
from survey.deciding import decisions_of
from survey.round_records import find_round
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.office import Round
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

pytestmark = pytest.mark.slow

ROUND = f"/office/rounds/{SLUG}"
PAGE = f"{ROUND}/reconcile"


@pytest.fixture
def office(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Iterator[Office]:
    collection = open_collection(sqlite_settings, sqlite_stores, tmp_path)
    for code in collection.codes("phuong-a", 5)[:3]:
        assert collection.send("phuong-a", code.qr) == "received"
    opened = open_office(sqlite_settings)
    opened.sign_in()
    halt(sqlite_stores)
    yield opened
    opened.services.stores.close()


def halt(stores: Stores) -> None:
    with writing(stores.office) as session:
        session.execute(update(Round).where(Round.slug == SLUG).values(is_halted=True))


@pytest.mark.parametrize(
    ("language", "halted", "counts"),
    [
        ("vi", "Máy chủ đã được khôi phục từ bản sao lưu", "đã phát 5 mã và đã dùng 3 mã"),
        ("en", "The server was restored from a backup", "5 codes were issued and 3 of them used"),
    ],
)
def test_the_pages_say_what_a_restore_leaves_open(office: Office, language: str, halted: str, counts: str) -> None:
    page = checked_page(office.client.get(f"{ROUND}?lang={language}"), ROUND)
    assert halted in page.text
    links = {(link.get("href") or "").partition("?")[0] for link in page.root.iter("a")}
    assert PAGE in links
    assert f"{ROUND}/close" not in links
    page = checked_page(office.client.get(f"{PAGE}?lang={language}"), PAGE)
    assert halted in page.text
    assert counts in page.text
    assert "Nguyễn Thị Lan" in page.text


def test_a_decision_lets_the_round_go_on_and_bears_the_officers_name(office: Office) -> None:
    stores = office.services.stores
    for reason in ("", "  ", "x" * 401, "a\u202eb"):
        refused = office.send(PAGE, reason=reason)
        assert refused.status_code == 400, reason
        assert find_round(stores, SLUG).is_halted
    done = office.send(PAGE, reason="Đã đối chiếu sổ phát mã")
    assert (done.status_code, path_of(done)) == (303, ROUND)
    assert not find_round(stores, SLUG).is_halted
    (decision,) = decisions_of(stores, SLUG)
    assert (decision.decided_by, decision.reason) == ("Nguyễn Thị Lan", "Đã đối chiếu sổ phát mã")
    with reading(stores.office) as session:
        events = [event for event in list_events(session) if event.action == "round.reconciled"]
        assert [event.actor for event in events] == [LOGIN]
    # There is nothing more to decide: the page leads back to the round.
    again = office.client.get(PAGE)
    assert (again.status_code, path_of(again)) == (303, ROUND)


def test_steps_of_a_halted_round_are_refused_whoever_asks(office: Office) -> None:
    refused = office.send(f"{ROUND}/close")
    assert refused.status_code == 409
    assert find_round(office.services.stores, SLUG).state == "open"
    stranger = office.app.test_client()
    assert stranger.get(PAGE).status_code == 303
    assert path_of(stranger.get(PAGE)) == "/office/sign-in"
    assert stranger.post(PAGE, data={"reason": "x"}).status_code == 303
    assert office.client.post(PAGE, data={"reason": "x"}).status_code == 400
    assert find_round(office.services.stores, SLUG).is_halted
    assert office.client.get("/office/rounds/nowhere/reconcile").status_code == 404
