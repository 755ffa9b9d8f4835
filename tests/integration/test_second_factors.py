"""The second factor of officers on both engines (ASVS 5.0: 6.3.3, 6.4.4, 6.5.1, 6.5.2)."""

import base64
import binascii
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.authenticator import App
from support.ways_in import HOME, LOGIN, PASSWORD, WayIn, way_in
from survey.account import count_recovery_codes, renew_recovery_codes, set_second_factor
from survey.errors import BadInput, WrongState
from survey.officers import list_officers, reset_second_factor
from survey.second_factor import new_key
from survey.sign_in import CODES_AN_HOUR, Entry, Visitor, prove, show_code
from survey.storage.dumping import dump_lines, tables_of
from survey.storage.lineages import LINEAGES
from survey.storage.stores import Stores

pytestmark = pytest.mark.slow


@pytest.fixture
def way(stores: Stores) -> WayIn:
    """An officer who has an app; the digits that set it up are used."""
    opened = way_in(stores)
    opened.enrol(opened.entered())
    opened.later(minutes=1)
    return opened


def test_the_password_alone_opens_nothing(way: WayIn) -> None:
    entry = way.knock()
    assert isinstance(entry, Entry)
    assert entry.awaited == "code"
    assert not way.found(entry.token).is_complete
    assert list_officers(way.stores)[0].has_second_factor
    assert "officer.signed_in" not in way.actions()


def test_the_digits_of_now_open_it(way: WayIn) -> None:
    entry = way.show(way.digits())
    assert isinstance(entry, Entry)
    assert entry.awaited == "nothing"
    assert way.found(entry.token).is_complete
    assert way.actions()[-1] == "officer.signed_in"


def test_the_session_of_the_password_ends_when_the_digits_are_right(way: WayIn) -> None:
    halfway = way.entered()
    entry = show_code(way.door, way.found(halfway), way.digits(), HOME, way.now)
    assert isinstance(entry, Entry)
    assert entry.token != halfway
    assert not way.lives(halfway)


def test_digits_are_good_once_and_so_are_those_before_them(way: WayIn) -> None:
    digits, before = way.digits(), way.digits(-1)
    assert isinstance(way.show(digits), Entry)
    assert way.show(digits) == "refused"
    assert way.show(before) == "refused"
    assert isinstance(way.show(way.digits(1)), Entry)


def test_of_two_who_send_the_same_digits_at_once_one_gets_in(way: WayIn) -> None:
    halves = [way.found(way.entered()) for _ in range(6)]
    digits = way.digits()
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda half: show_code(way.door, half, digits, HOME, way.now), halves))
    assert sum(isinstance(outcome, Entry) for outcome in outcomes) == 1


def test_old_digits_foreign_digits_and_no_digits_are_refused(way: WayIn) -> None:
    other = way_in_of_another(way)
    for text in (way.digits(-2), way.digits(2), other, "", "000000", way.recovery_codes[0][:-1]):
        assert way.show(text, Visitor(f"192.0.2.{len(text)}{text[-1:]}")) == "refused", text


def way_in_of_another(way: WayIn) -> str:
    return App(b"another app's key...").shows(way.now.timestamp())


def test_each_recovery_code_is_good_once_however_it_is_typed(way: WayIn) -> None:
    first, second = way.recovery_codes[:2]
    assert isinstance(way.show(first), Entry)
    assert way.show(first) == "refused"
    assert isinstance(way.show(f"  {second.lower().replace('-', ' ')} "), Entry)
    assert count_recovery_codes(way.stores, way.officer) == 8
    assert way.actions().count("officer.recovery_code_used") == 2


def test_new_recovery_codes_take_the_place_of_the_old_ones(way: WayIn) -> None:
    new = renew_recovery_codes(way.stores, way.door.secrets, way.officer)
    assert way.show(way.recovery_codes[0]) == "refused"
    assert isinstance(way.show(new[0]), Entry)
    assert "officer.recovery_codes_made" in way.actions()


def test_a_new_app_takes_the_place_of_the_old_one_and_ends_the_other_sessions(way: WayIn) -> None:
    elsewhere, here = way.shown(way.digits()), way.shown(way.digits(1))
    old, old_codes = way.app, way.recovery_codes
    token = way.enrol(here)
    assert way.lives(token)
    assert not way.lives(elsewhere)
    assert not way.lives(here), "the session that goes on has another token"
    way.later(minutes=2)
    assert old is not None
    assert way.show(old.shows(way.now.timestamp())) == "refused"
    assert way.show(old_codes[5]) == "refused"
    assert isinstance(way.show(way.digits()), Entry)
    assert "officer.second_factor_replaced" in way.actions()


def test_the_console_takes_it_away_and_ends_all_sessions(way: WayIn) -> None:
    entry = way.shown(way.digits())
    reset_second_factor(way.stores, LOGIN.upper(), actor="command line")
    assert not way.lives(entry)
    assert not list_officers(way.stores)[0].has_second_factor
    assert "officer.second_factor_reset" in way.actions()
    assert count_recovery_codes(way.stores, way.officer) == 0
    with pytest.raises(BadInput, match="no second factor"):
        reset_second_factor(way.stores, LOGIN, actor="command line")


def test_neither_the_key_nor_a_code_nor_a_token_lies_in_the_databases(way: WayIn) -> None:
    token = way.shown(way.digits())
    assert way.app is not None
    rows = b""
    for lineage in LINEAGES:
        with way.stores.engine(lineage.store).connect() as connection:
            rows += b"".join(line for table in tables_of(lineage) for line in dump_lines(connection, table))
    assert b"sealed_key" in rows
    assert b"token_mark" in rows
    for secret in (way.app._key, *(text.encode() for text in (token, PASSWORD, *way.recovery_codes))):
        for spelled in spellings(secret):
            assert spelled not in rows


def spellings(secret: bytes) -> list[bytes]:
    plain = secret.replace(b"-", b"")
    return [
        spell(text)
        for text in (secret, plain)
        for spell in (bytes, base64.b64encode, base64.b32encode, binascii.hexlify)
    ]


def test_stores_under_another_secret_key_take_no_digits_and_no_recovery_code(way: WayIn) -> None:
    elsewhere = way.with_another_key()
    assert elsewhere.show(way.digits()) == "refused"
    assert elsewhere.show(way.recovery_codes[0]) == "refused"


def test_asked_again_somebody_shows_the_password_and_a_code(way: WayIn) -> None:
    def asked(password: str, code: str | None) -> str:
        return prove(way.door, way.officer, password, HOME, way.now, code=code)

    digits = way.digits()
    assert asked("not the password", digits) == "wrong password"
    assert asked(PASSWORD, "000000") == "wrong code"
    assert asked(PASSWORD, None) == "proved"
    assert asked(PASSWORD, digits) == "proved", "a wrong password had not used the digits up"
    assert asked(PASSWORD, digits) == "wrong code"
    assert asked(PASSWORD, way.recovery_codes[0]) == "proved"


def test_who_must_have_one_sets_it_up_before_anything_else(stores: Stores) -> None:
    way = way_in(stores, must_have_second_factor=True)
    entry = way.knock()
    assert isinstance(entry, Entry)
    assert entry.awaited == "enrolment"
    assert not way.found(entry.token).is_complete
    assert "officer.signed_in" not in way.actions()
    assert way.found(way.enrol(entry.token)).is_complete
    assert not way.lives(entry.token)
    assert way.actions()[-2:] == ["officer.second_factor_set", "officer.signed_in"]


def test_who_knows_the_password_does_not_set_an_app_up_after_its_owner(stores: Stores) -> None:
    way = way_in(stores, must_have_second_factor=True)
    owner, thief = way.entered(), way.entered()
    seen_before = way.found(thief)
    way.enrol(owner)
    key = new_key()
    with pytest.raises(WrongState, match="has a second factor already"):
        set_second_factor(stores, way.door.secrets, seen_before, key, 1, way.now)
    way.later(minutes=1)
    assert isinstance(way.show(way.digits()), Entry)


def test_two_requests_at_once_leave_one_app_and_its_ten_codes(stores: Stores) -> None:
    way = way_in(stores)
    current = way.found(way.entered())
    keys = [new_key() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda key: set_second_factor(stores, way.door.secrets, current, key, 1, way.now), keys))
    assert count_recovery_codes(stores, way.officer) == 10
    assert sum(way.lives(token) for token, _ in made) == 1


def test_showing_the_password_again_does_not_start_the_count_of_wrong_codes_again(sqlite_stores: Stores) -> None:
    way = way_in(sqlite_stores)
    way.enrol(way.entered())
    way.later(minutes=1)
    for _ in range(4):
        assert isinstance(way.knock(), Entry)
        assert way.show("000000") == "refused"
    assert isinstance(way.knock(), Entry)
    assert way.show("000000") == "refused"
    assert way.knock() == "wait"


def test_ten_wrong_codes_an_hour_close_the_login_from_everywhere(sqlite_stores: Stores) -> None:
    way = way_in(sqlite_stores)
    way.enrol(way.entered())
    way.later(minutes=1)
    for number in range(CODES_AN_HOUR):
        assert way.show("000000", Visitor(f"192.0.2.{number}")) == "refused"
    assert way.show(way.digits(), Visitor("192.0.2.200")) == "wait"
    assert prove(way.door, way.officer, PASSWORD, HOME, way.now, code=way.digits()) == "wait"
