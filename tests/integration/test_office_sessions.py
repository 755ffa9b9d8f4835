"""Officers' sessions on both engines: how they begin, what is kept of them and how each ends (ASVS 5.0: chapter 7)."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from support.ways_in import LOGIN, PASSWORD, WayIn, way_in
from survey.account import change_password
from survey.office_sessions import IDLE, LONGEST, LONGEST_HALFWAY, end_other_sessions, list_sessions, sign_out
from survey.officers import create_officer, disable_officer, enable_officer, set_password
from survey.sign_in import Entry, Visitor, sign_in
from survey.storage.office import OfficerSession
from survey.storage.sessions import reading
from survey.storage.stores import Stores


@pytest.fixture
def way(stores: Stores) -> WayIn:
    return way_in(stores)


def rows(way: WayIn) -> list[OfficerSession]:
    with reading(way.stores.office) as session:
        return list(session.scalars(select(OfficerSession)))


def test_each_sign_in_has_a_token_of_its_own_that_nobody_can_guess(way: WayIn) -> None:
    tokens = {way.entered() for _ in range(20)}
    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {43}, "256 bits in base64"
    assert not {row.token_mark.hex() for row in rows(way)} & tokens


def test_a_token_that_was_made_up_or_made_under_another_key_is_nobodys(way: WayIn) -> None:
    token = way.entered()
    for made_up in ("", "x", token[:-1], token.swapcase(), rows(way)[0].token_mark.hex()):
        assert not way.lives(made_up)
    assert not way.with_another_key().lives(token)


def test_a_session_ends_half_an_hour_after_its_last_use(way: WayIn) -> None:
    token = way.entered()
    for _ in range(3):
        way.later(minutes=29)
        assert way.lives(token)
    way.later(seconds=IDLE.total_seconds() + 1)
    assert not way.lives(token)


def test_a_session_ends_after_twelve_hours_however_much_it_is_used(way: WayIn) -> None:
    token = way.entered()
    began = way.now
    while way.now - began < LONGEST:
        assert way.lives(token)
        way.later(minutes=20)
    way.later(seconds=1)
    assert not way.lives(token)


def test_somebody_between_the_two_steps_has_ten_minutes(stores: Stores) -> None:
    way = way_in(stores, must_have_second_factor=True)
    token = way.entered()
    way.later(seconds=LONGEST_HALFWAY.total_seconds())
    assert way.lives(token)
    way.later(seconds=1)
    assert not way.lives(token)


def test_the_time_of_last_use_is_written_at_most_once_a_minute(way: WayIn) -> None:
    token, began = way.entered(), way.now
    way.later(seconds=59)
    way.found(token)
    assert rows(way)[0].seen == began
    way.later(seconds=1)
    way.found(token)
    assert rows(way)[0].seen == way.now


def test_sessions_that_are_over_are_not_kept(way: WayIn) -> None:
    way.entered()
    way.entered()
    way.later(hours=1)
    way.entered()
    assert len(rows(way)) == 1, "nobody learns from the database who worked when"


def test_of_a_session_the_browser_is_kept_and_no_address(way: WayIn) -> None:
    way.entered(visitor=Visitor("203.0.113.77", "Chrome · Windows" + "x" * 500))
    (row,) = rows(way)
    assert row.browser.startswith("Chrome · Windows")
    assert len(row.browser) == 60
    assert set(OfficerSession.__table__.columns.keys()) == {
        "token_mark",
        "officer_id",
        "began",
        "seen",
        "browser",
        "is_complete",
        "way",
    }


def test_the_sessions_of_an_officer_are_listed_without_those_that_are_over(way: WayIn) -> None:
    way.entered(visitor=Visitor("192.0.2.1", "Edge · Windows"))
    way.later(minutes=20)
    last = way.entered(visitor=Visitor("192.0.2.1", "Chrome · Android"))
    assert [record.browser for record in list_sessions(way.stores, way.officer, way.now)] == [
        "Chrome · Android",
        "Edge · Windows",
    ]
    way.later(minutes=15)
    (left,) = list_sessions(way.stores, way.officer, way.now)
    assert left.name == way.found(last).name


def test_signing_out_ends_this_session_and_no_other(way: WayIn) -> None:
    here, elsewhere = way.entered(), way.entered()
    current = way.found(here)
    sign_out(way.stores, current)
    sign_out(way.stores, current)
    assert not way.lives(here), "nor does a copy of its cookie live"
    assert way.lives(elsewhere)
    assert way.actions().count("officer.signed_out") == 1


def test_one_of_the_others_is_ended_or_all_of_them_and_never_this_one(way: WayIn) -> None:
    here, *others = (way.entered() for _ in range(4))
    current = way.found(here)
    assert end_other_sessions(way.stores, current, (way.found(others[0]).name,)) == 1
    assert [way.lives(token) for token in (here, *others)] == [True, False, True, True]
    assert end_other_sessions(way.stores, current, (current.name,)) == 0
    assert end_other_sessions(way.stores, current) == 2
    assert [way.lives(token) for token in (here, *others)] == [True, False, False, False]
    assert way.actions().count("officer.sessions_ended") == 2


def test_nobody_ends_the_session_of_somebody_else(way: WayIn, stores: Stores) -> None:
    create_officer(stores, "minh", "Trần Văn Minh", "năm từ khác hẳn nhau", actor="command line")
    of_minh = sign_in(way.door, "minh", "năm từ khác hẳn nhau", Visitor(""), way.now)
    assert isinstance(of_minh, Entry)
    mine = way.found(way.entered())
    assert end_other_sessions(stores, mine, (way.found(of_minh.token).name,)) == 0
    assert end_other_sessions(stores, mine) == 0
    assert way.lives(of_minh.token)


def test_a_password_set_on_the_console_ends_all_sessions(way: WayIn) -> None:
    entries = [way.entered(), way.entered()]
    set_password(way.stores, LOGIN, "năm từ khác hẳn nhau", actor="command line")
    assert not any(way.lives(token) for token in entries)


def test_a_password_changed_by_its_owner_ends_all_sessions_and_begins_one(way: WayIn) -> None:
    here, elsewhere = way.entered(), way.entered()
    token = change_password(way.stores, way.door.secrets, way.found(here), "năm từ khác hẳn nhau", way.now)
    assert [way.lives(token) for token in (here, elsewhere, token)] == [False, False, True]
    assert way.knock(PASSWORD) == "refused"
    assert way.actions()[-1] == "officer.password_changed"


def test_an_officer_who_is_disabled_is_out_at_once_and_does_not_get_in(way: WayIn) -> None:
    token = way.entered()
    assert disable_officer(way.stores, LOGIN.upper(), actor="command line").is_disabled
    assert not way.lives(token)
    assert way.knock() == "refused", "what somebody unknown would be told, too"
    assert not enable_officer(way.stores, LOGIN, actor="command line").is_disabled
    assert not way.lives(token), "what was ended stays ended"
    assert isinstance(way.knock(), Entry)
    actions = way.actions()
    assert actions.index("officer.disabled") < actions.index("officer.enabled")


def test_a_session_from_before_a_second_factor_was_asked_for_is_not_enough(stores: Stores) -> None:
    way = way_in(stores)
    token = way.entered()
    stricter = replace(way, door=replace(way.door, must_have_second_factor=True))
    assert not stricter.found(token).is_complete
    stricter.later(minutes=11)
    assert not stricter.lives(token), "the password was shown too long ago"
