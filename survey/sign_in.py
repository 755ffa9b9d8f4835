"""Signing in: the password, then the second factor, without telling anybody which logins exist."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from survey.limits import Counters
from survey.office_sessions import SessionRecord, Way, begin_session, remove_sessions
from survey.officers import OFFICER, OfficerRecord, Role, known_login, record_of
from survey.password_hashes import hash_password, is_outdated, is_password
from survey.passwords import LONGEST_PASSWORD
from survey.second_factor import use_code
from survey.secrets import Secrets
from survey.storage.audit import record_event
from survey.storage.office import Officer, SecondFactor
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

# How long a closed door stays closed; the counters look back an eighth further than they are asked to.
WAIT_SECONDS = 900
_WINDOW_SECONDS = WAIT_SECONDS * 8 // 9
# Six digits are few: whoever knows the password may try ten times an hour, from however many addresses.
CODES_AN_HOUR = 10
_HOUR_SECONDS = 3600 * 8 // 9

Refusal = Literal["refused", "wait"]
Awaited = Literal["nothing", "code", "enrolment"]


class FailedLogins:
    """The failed sign-ins of a while: five for a login from an address, or fifty from the address, close the door.

    Logins that do not exist are counted like those that do. Wrong codes of the second factor count for the login alone,
    too: ten an hour. Nothing is stored: the counters know neither the login nor the address.

    :param counters: those that all processes of the server share.
    """

    def __init__(self, counters: Counters, *, pair_limit: int = 5, address_limit: int = 50) -> None:
        self._counters = counters
        self._pair_limit = pair_limit
        self._address_limit = address_limit

    def is_closed(self, login: str, address: str) -> bool:
        """Whether this login from this address must wait before another password is looked at."""
        return any(
            self._counters.is_exhausted(purpose, key, limit, _WINDOW_SECONDS)
            for purpose, key, limit in self._counts(login, address)
        )

    def is_closed_to_codes(self, login: str, address: str) -> bool:
        """Whether this login must wait before another code of the second factor is looked at."""
        closed = self._counters.is_exhausted("code of a login", known_login(login), CODES_AN_HOUR, _HOUR_SECONDS)
        return closed or self.is_closed(login, address)

    def remember(self, login: str, address: str) -> None:
        """Count one failed sign-in."""
        for purpose, key, limit in self._counts(login, address):
            self._counters.allow(purpose, key, limit, _WINDOW_SECONDS)

    def remember_code(self, login: str, address: str) -> None:
        """Count one wrong code, which is a failed sign-in, too."""
        self._counters.allow("code of a login", known_login(login), CODES_AN_HOUR, _HOUR_SECONDS)
        self.remember(login, address)

    def forget(self, login: str, address: str) -> None:
        """Start again from zero for a login that has just been proved whole."""
        purpose, key, _ = self._counts(login, address)[0]
        self._counters.forget(purpose, key)

    def _counts(self, login: str, address: str) -> tuple[tuple[str, str, int], tuple[str, str, int]]:
        place = _place_of(address)
        return (
            ("sign-in of a login", f"{known_login(login)}\0{place}", self._pair_limit),
            ("sign-in from an address", place, self._address_limit),
        )


@dataclass(frozen=True, slots=True)
class Door:
    """What it takes to find out who somebody is: stores, keys, failures so far, and whether one factor is enough.

    Whoever has another role than the door's is unknown at it.
    """

    stores: Stores
    secrets: Secrets
    failures: FailedLogins
    must_have_second_factor: bool = False
    role: Role = OFFICER


@dataclass(frozen=True, slots=True)
class Visitor:
    """From where somebody knocks: the address is counted and not kept, the browser's words stay with the session."""

    address: str
    browser: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A session that has begun. The token is for its browser alone; `awaited` comes before anything else."""

    officer: OfficerRecord
    token: str
    awaited: Awaited


def sign_in(door: Door, login: str, password: str, visitor: Visitor, now: datetime) -> Entry | Refusal:
    """The session of whose login and password these are, "refused", or "wait" after too many failures.

    An unknown login costs the same hashing as a known one and gets the same answer, as does one that was disabled, so
    that the page tells nobody which logins exist. A hash of older parameters is replaced while the password is at hand.
    """
    if door.failures.is_closed(login, visitor.address):
        return "wait"
    stored = _stored_hash(door, login)
    password = unicodedata.normalize("NFC", password[: LONGEST_PASSWORD + 1])
    # No transaction is open while the hash is computed: a slow sign-in never holds the database.
    is_right = is_password(stored, password)
    if stored is None or not is_right or len(password) > LONGEST_PASSWORD:
        door.failures.remember(login, visitor.address)
        return "refused"
    new_hash = hash_password(password) if is_outdated(stored) else None
    with writing(door.stores.office) as session:
        officer = session.scalars(select(Officer).where(Officer.login == known_login(login))).one()
        if officer.is_disabled or officer.password_hash != stored:
            # The right password of somebody shut out is no success, and no failure that could be told from one.
            door.failures.remember(login, visitor.address)
            return "refused"
        officer.password_hash = new_hash or stored
        has_factor = session.get(SecondFactor, officer.id) is not None
        awaited: Awaited = "code" if has_factor else "enrolment" if door.must_have_second_factor else "nothing"
        entry = _enter(session, door, officer, visitor, now, awaited, has_second_factor=has_factor)
    if awaited != "code":
        # Whoever knows a password must not start the count of wrong codes again by showing it.
        door.failures.forget(login, visitor.address)
    return entry


def show_code(door: Door, halfway: SessionRecord, text: str, visitor: Visitor, now: datetime) -> Entry | Refusal:
    """The session that follows on one that awaited the second factor, "refused", or "wait" after too many failures.

    :param text: the six digits of the app, or a recovery code; either is worth nothing afterwards.
    """
    login = halfway.officer.login
    if door.failures.is_closed_to_codes(login, visitor.address):
        return "wait"
    with writing(door.stores.office) as session:
        used = use_code(session, door.secrets, halfway.officer.id, text, now)
        officer = session.get_one(Officer, halfway.officer.id)
        if used is not None and not officer.is_disabled:
            remove_sessions(session, officer.id, only=(halfway.name,))
            if used == "recovery":
                record_event(session, actor=login, action=f"{officer.role}.recovery_code_used", subject=login)
            entry = _enter(session, door, officer, visitor, now, "nothing", has_second_factor=True)
            door.failures.forget(login, visitor.address)
            return entry
    door.failures.remember_code(login, visitor.address)
    return "refused"


def admit(door: Door, officer_id: int, visitor: Visitor, now: datetime, way: Way) -> Entry | Refusal:
    """The session of somebody who proved who they are without a password, or "refused" to whom the door is shut."""
    with writing(door.stores.office) as session:
        officer = session.get(Officer, officer_id)
        if officer is None or officer.is_disabled or officer.role != door.role:
            return "refused"
        has_factor = session.get(SecondFactor, officer.id) is not None
        return _enter(session, door, officer, visitor, now, "nothing", has_second_factor=has_factor, way=way)


Proof = Literal["proved", "wrong password", "wrong code", "wait"]


def prove(
    door: Door, officer: OfficerRecord, password: str, visitor: Visitor, now: datetime, *, code: str | None = None
) -> Proof:
    """Whether somebody who is signed in is who they say, asked again before what others must not do in their name.

    :param code: of the second factor, used up when the password is right; None where none is asked for.
    """
    login, failures = officer.login, door.failures
    is_closed = failures.is_closed if code is None else failures.is_closed_to_codes
    if is_closed(login, visitor.address):
        return "wait"
    password = unicodedata.normalize("NFC", password[: LONGEST_PASSWORD + 1])
    if not is_password(_stored_hash(door, login), password):
        failures.remember(login, visitor.address)
        return "wrong password"
    if code is not None:
        with writing(door.stores.office) as session:
            used = use_code(session, door.secrets, officer.id, code, now)
            if used == "recovery":
                record_event(session, actor=login, action=f"{officer.role}.recovery_code_used", subject=login)
        if used is None:
            failures.remember_code(login, visitor.address)
            return "wrong code"
    failures.forget(login, visitor.address)
    return "proved"


def _enter(
    session: Session,
    door: Door,
    officer: Officer,
    visitor: Visitor,
    now: datetime,
    awaited: Awaited,
    *,
    has_second_factor: bool,
    way: Way = "password",
) -> Entry:
    is_complete = awaited == "nothing"
    token = begin_session(session, door.secrets, officer.id, visitor.browser, now, is_complete=is_complete, way=way)
    if is_complete:
        record_event(session, actor=officer.login, action=f"{officer.role}.signed_in", subject=officer.login)
    return Entry(record_of(officer, has_second_factor=has_second_factor), token, awaited)


def _stored_hash(door: Door, login: str) -> str | None:
    is_this = (Officer.login == known_login(login), Officer.role == door.role)
    with reading(door.stores.office) as session:
        # Who was invited and has not chosen a password has an empty one, which is nobody's.
        return session.scalar(select(Officer.password_hash).where(*is_this)) or None


def _place_of(address: str) -> str:
    # Whoever has one IPv6 address has 2^64 of them, so the network is counted and not the address.
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
