"""Officers and their passwords, on both engines."""

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO, TextIOWrapper

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from support.command_line import Run, run
from support.stores import SECRET_KEY
from support.ways_in import way_in
from survey.errors import BadInput, NotFound
from survey.limits import Counters
from survey.officers import OfficerRecord, create_officer, list_officers, set_password
from survey.permissions import EVERY_TASK
from survey.secrets import Secrets
from survey.settings import Settings
from survey.sign_in import Door, Entry, FailedLogins, Visitor, sign_in
from survey.storage.audit import broken_links, list_events
from survey.storage.office import Officer
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

PASSWORD = "bốn từ chọn bừa"
ADDRESS = "192.0.2.7"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _create(stores: Stores, login: str = "lan") -> OfficerRecord:
    return create_officer(stores, login, "Nguyễn Thị Lan", PASSWORD, actor="command line")


def _check(stores: Stores, login: str, password: str, failures: FailedLogins | None = None) -> OfficerRecord | str:
    door = Door(stores, Secrets(SECRET_KEY), failures or FailedLogins(Counters.private()))
    outcome = sign_in(door, login, password, Visitor(ADDRESS), datetime.now(UTC))
    return outcome.officer if isinstance(outcome, Entry) else outcome


def test_an_officer_signs_in_with_login_and_password(stores: Stores) -> None:
    created = _create(stores)
    assert _check(stores, "lan", PASSWORD) == created
    assert list_officers(stores) == (created,)


def test_login_and_password_forgive_how_a_keyboard_composes_letters(stores: Stores) -> None:
    created = _create(stores)
    decomposed = "bo\u0302\u0301n tu\u031b\u0300 cho\u0323n bu\u031b\u0300a"
    assert _check(stores, " LAN ", decomposed) == created


@pytest.mark.parametrize(
    ("login", "password"),
    [("lan", "another password"), ("minh", PASSWORD), ("lan", ""), ("", ""), ("lan", PASSWORD + "x" * 4000)],
)
def test_whatever_is_wrong_gets_the_same_answer(stores: Stores, login: str, password: str) -> None:
    _create(stores)
    assert _check(stores, login, password) == "refused"


def test_an_unknown_login_costs_a_hashing_like_a_known_one(
    sqlite_stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    _create(sqlite_stores)
    n_verified = []
    verify = PasswordHasher.verify

    def counting(self: PasswordHasher, password_hash: str, password: str) -> bool:
        n_verified.append(password_hash.split("$")[3])
        return verify(self, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    _check(sqlite_stores, "lan", "not the password")
    _check(sqlite_stores, "nobody", "not the password")
    assert len(n_verified) == 2
    assert n_verified[0] == n_verified[1], "both hashes have the same cost parameters"


def test_a_password_is_stored_as_argon2id_and_never_in_the_audit_log(stores: Stores) -> None:
    _create(stores)
    _check(stores, "lan", PASSWORD)
    with reading(stores.office) as session:
        stored = session.scalars(select(Officer.password_hash)).one()
        events = list_events(session)
        assert broken_links(session) == ()
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert [event.action for event in events] == ["officer.signed_in", "officer.created"]
    assert all(PASSWORD not in event.subject and stored not in event.subject for event in events)


def test_a_hash_of_weaker_parameters_is_replaced_when_its_owner_signs_in(stores: Stores) -> None:
    created = _create(stores)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with writing(stores.office) as session:
        session.execute(update(Officer).values(password_hash=weak))
    assert _check(stores, "lan", "not the password") == "refused"
    assert _check(stores, "lan", PASSWORD) == created
    with reading(stores.office) as session:
        assert session.scalars(select(Officer.password_hash)).one().startswith("$argon2id$v=19$m=65536")


def test_a_new_password_ends_the_old_one(stores: Stores) -> None:
    _create(stores)
    changed = set_password(stores, "LAN", "năm từ khác hẳn nhau", actor="command line")
    assert _check(stores, "lan", PASSWORD) == "refused"
    assert _check(stores, "lan", "năm từ khác hẳn nhau") == changed


@pytest.mark.parametrize(
    ("login", "name", "password", "complaint"),
    [
        ("lan", "Lan", "ngắn", "4 characters; expected at least 12"),
        ("lan", "Lan", "x" * 300, "expected at most 256"),
        ("lan", "Lan", "aaaaaaaaaaaaaa", "too easy"),
        ("nguyenthilan", "Lan", "Nguyenthilan", "too easy"),
        ("l", "Lan", PASSWORD, "expected 2 to 40"),
        ("lan lan", "Lan", PASSWORD, "expected 2 to 40"),
        ("lan", "  ", PASSWORD, "name is empty"),
    ],
)
def test_an_unusable_officer_is_refused_and_nothing_is_written(
    sqlite_stores: Stores, login: str, name: str, password: str, complaint: str
) -> None:
    with pytest.raises(BadInput, match=complaint):
        create_officer(sqlite_stores, login, name, password, actor="command line")
    assert list_officers(sqlite_stores) == ()


def test_a_login_exists_once(stores: Stores) -> None:
    _create(stores)
    with pytest.raises(BadInput, match="exists already"):
        _create(stores, "LAN")


def test_a_password_of_nobody_cannot_be_set(sqlite_stores: Stores) -> None:
    with pytest.raises(NotFound, match="nobody"):
        set_password(sqlite_stores, "nobody", PASSWORD, actor="command line")


@pytest.mark.slow
def test_five_failures_close_the_door_even_to_the_right_password(sqlite_stores: Stores) -> None:
    created = _create(sqlite_stores)
    clock = Clock()
    failures = FailedLogins(Counters.private(clock))
    for _ in range(5):
        assert _check(sqlite_stores, "lan", "not the password", failures) == "refused"
    assert _check(sqlite_stores, "Lan ", PASSWORD, failures) == "wait"
    door = Door(sqlite_stores, Secrets(SECRET_KEY), failures)
    assert isinstance(sign_in(door, "lan", PASSWORD, Visitor("192.0.2.8"), datetime.now(UTC)), Entry), "others may"
    clock.now += 901
    assert _check(sqlite_stores, "lan", PASSWORD, failures) == created


def test_an_unknown_login_waits_like_a_known_one() -> None:
    failures = FailedLogins(Counters.private(Clock()))
    for login in ("lan", "nobody"):
        for _ in range(5):
            assert not failures.is_closed(login, ADDRESS)
            failures.remember(login, ADDRESS)
        assert failures.is_closed(login, ADDRESS)


def test_success_starts_the_count_again() -> None:
    failures = FailedLogins(Counters.private(Clock()))
    for _ in range(4):
        failures.remember("lan", ADDRESS)
    failures.forget("lan", ADDRESS)
    failures.remember("lan", ADDRESS)
    assert not failures.is_closed("lan", ADDRESS)


def test_many_logins_from_one_address_close_it_for_all() -> None:
    failures = FailedLogins(Counters.private(Clock()))
    for number in range(50):
        failures.remember(f"officer{number}", ADDRESS)
    assert failures.is_closed("lan", ADDRESS)
    assert not failures.is_closed("lan", "192.0.2.8")


def test_the_addresses_of_one_ipv6_network_are_one_place() -> None:
    failures = FailedLogins(Counters.private(Clock()))
    for number in range(5):
        failures.remember("lan", f"2001:db8:1:2::{number:x}")
    assert failures.is_closed("lan", "2001:db8:1:2:ffff::1")
    assert not failures.is_closed("lan", "2001:db8:1:3::1")


def test_all_processes_of_a_server_count_together() -> None:
    counters = Counters.shared()
    for _ in range(5):
        FailedLogins(counters).remember("lan", ADDRESS)
    assert FailedLogins(counters).is_closed("lan", ADDRESS)


@pytest.fixture
def hailong(sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """The command line of a fresh instance, with what is typed into it."""

    def run_with(*arguments: str, typed: str = "") -> Run:
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(typed.encode()), encoding="utf-8"))
        return run({"HAILONG_INSTANCE": str(sqlite_settings.instance)}, "officer", *arguments)

    return run_with


def test_the_command_line_creates_lists_and_resets(hailong: Callable[..., Run], sqlite_stores: Stores) -> None:
    created = hailong("create", "lan", "--name", "Nguyễn Thị Lan", "--password-stdin", typed=f"{PASSWORD}\n")
    assert (created.exit_code, created.output) == (
        0,
        f"created officer lan (Nguyễn Thị Lan): {', '.join(EVERY_TASK)}\n",
    ), "without --role an officer does everything"
    assert hailong("list").output == f"lan\tNguyễn Thị Lan\t{','.join(EVERY_TASK)}\tactive\tpassword alone\n"
    assert isinstance(_check(sqlite_stores, "lan", PASSWORD), OfficerRecord)
    reset = hailong("password", "lan", "--password-stdin", typed="năm từ khác hẳn nhau\n")
    assert (reset.exit_code, reset.output) == (0, "set a new password for lan\n")
    assert _check(sqlite_stores, "lan", PASSWORD) == "refused"


def test_the_command_line_shuts_out_and_lets_in_again(hailong: Callable[..., Run], sqlite_stores: Stores) -> None:
    hailong("create", "lan", "--name", "Nguyễn Thị Lan", "--password-stdin", typed=f"{PASSWORD}\n")
    for _ in range(2):
        assert hailong("disable", "LAN").output == "disabled lan\n", "doing it again changes nothing"
    assert hailong("list").output == f"lan\tNguyễn Thị Lan\t{','.join(EVERY_TASK)}\tdisabled\tpassword alone\n"
    assert _check(sqlite_stores, "lan", PASSWORD) == "refused"
    assert hailong("enable", "lan").output == "enabled lan\n"
    assert isinstance(_check(sqlite_stores, "lan", PASSWORD), OfficerRecord)
    with reading(sqlite_stores.office) as session:
        actions = [event.action for event in list_events(session)]
    assert actions == ["officer.signed_in", "officer.enabled", "officer.disabled", "officer.created"]


def test_the_command_line_takes_a_second_factor_away(hailong: Callable[..., Run], sqlite_stores: Stores) -> None:
    way = way_in(sqlite_stores)
    way.enrol(way.entered())
    assert hailong("list").output == f"lan\tNguyễn Thị Lan\t{','.join(EVERY_TASK)}\tactive\tsecond factor\n"
    assert hailong("reset-second-factor", "lan").output == "reset the second factor of lan\n"
    assert hailong("list").output.endswith("password alone\n")


@pytest.mark.parametrize(
    ("arguments", "typed", "complaint"),
    [
        (("create", "lan", "--name", "Lan", "--password-stdin"), "short\n", "expected at least 12"),
        (("create", "L N", "--name", "Lan", "--password-stdin"), f"{PASSWORD}\n", "cannot be used"),
        (("password", "nobody", "--password-stdin"), f"{PASSWORD}\n", "no officer has the login"),
        (("create", "lan"), "", "--name"),
        (("disable", "nobody"), "", "no officer has the login"),
        (("enable", "nobody"), "", "no officer has the login"),
        (("reset-second-factor", "nobody"), "", "no officer has the login"),
    ],
)
def test_the_command_line_refuses_in_one_line(
    hailong: Callable[..., Run], arguments: tuple[str, ...], typed: str, complaint: str
) -> None:
    refused = hailong(*arguments, typed=typed)
    assert refused.exit_code == 2
    assert complaint in refused.errors
    assert refused.errors.count("\n") == 1
    assert PASSWORD not in refused.errors
