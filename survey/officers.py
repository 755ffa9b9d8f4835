"""Officers: who may enter the office, and how a password is checked without telling anybody which logins exist."""

import re
import secrets
import unicodedata
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update

from survey.errors import BadInput, NotFound
from survey.limits import Counters
from survey.storage.audit import record_event
from survey.storage.office import Officer
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

SHORTEST_PASSWORD = 12
# Argon2 reads the whole password: a bound keeps a megabyte of "password" from costing a second.
LONGEST_PASSWORD = 256
# How long a closed door stays closed; the counters look back an eighth further than they are asked to.
WAIT_SECONDS = 900
_WINDOW_SECONDS = WAIT_SECONDS * 8 // 9
LOGIN_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")

# RFC 9106's second recommended option: 64 MiB, three passes, four lanes.
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)


@dataclass(frozen=True, slots=True)
class OfficerRecord:
    """An officer as the pages see one; `session_mark` changes with the password and with each sign-out, which so
    end all sessions there are.
    """

    id: int
    login: str
    name: str
    role: str
    session_mark: str


class FailedLogins:
    """The failed sign-ins of a while: five for a login from an address, or fifty from the address, close the door.

    Logins that do not exist are counted like those that do. Nothing is stored: the counters know neither the login nor
    the address.

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

    def remember(self, login: str, address: str) -> None:
        """Count one failed sign-in."""
        for purpose, key, limit in self._counts(login, address):
            self._counters.allow(purpose, key, limit, _WINDOW_SECONDS)

    def forget(self, login: str, address: str) -> None:
        """Start again from zero for a login that has just been proved."""
        purpose, key, _ = self._counts(login, address)[0]
        self._counters.forget(purpose, key)

    def _counts(self, login: str, address: str) -> tuple[tuple[str, str, int], tuple[str, str, int]]:
        place = _place_of(address)
        return (
            ("sign-in of a login", f"{_known_login(login)}\0{place}", self._pair_limit),
            ("sign-in from an address", place, self._address_limit),
        )


def create_officer(
    stores: Stores, login: str, name: str, password: str, *, actor: str, role: str = "officer"
) -> OfficerRecord:
    """A new officer with this login; refuses a login that exists and a password that is too easy."""
    login = _checked_login(login)
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not name:
        raise BadInput("the officer's name is empty; expected the name that colleagues know")
    password_hash = _HASHER.hash(_checked_password(password, login))
    with writing(stores.office) as session:
        if session.scalar(select(Officer).where(Officer.login == login)) is not None:
            raise BadInput(f"the login {login!r} exists already; expected a login that nobody has")
        officer = Officer(login=login, name=name, password_hash=password_hash, role=role)
        session.add(officer)
        session.flush()
        record_event(session, actor=actor, action="officer.created", subject=login)
        return _record_of(officer)


def set_password(stores: Stores, login: str, password: str, *, actor: str) -> OfficerRecord:
    """The officer with a new password; every session that was opened with the old one has ended."""
    password_hash = _HASHER.hash(_checked_password(password, login))
    with writing(stores.office) as session:
        officer = session.scalar(select(Officer).where(Officer.login == _known_login(login)))
        if officer is None:
            raise NotFound(f"no officer has the login {login!r}; `hailong officer list` shows those that exist")
        officer.password_hash = password_hash
        record_event(session, actor=actor, action="officer.password_set", subject=officer.login)
        return _record_of(officer)


def list_officers(stores: Stores) -> tuple[OfficerRecord, ...]:
    """All officers, by login."""
    with reading(stores.office) as session:
        return tuple(_record_of(officer) for officer in session.scalars(select(Officer).order_by(Officer.login)))


def find_officer(stores: Stores, officer_id: int) -> OfficerRecord | None:
    """The officer with this number, or None when there is none any more."""
    with reading(stores.office) as session:
        officer = session.get(Officer, officer_id)
        return None if officer is None else _record_of(officer)


def check_login(
    stores: Stores, failures: FailedLogins, login: str, password: str, address: str
) -> OfficerRecord | Literal["refused", "wait"]:
    """The officer whose login and password these are, "refused", or "wait" after too many failures.

    An unknown login costs the same hashing as a known one and gets the same answer, so that the page tells nobody
    which logins exist. A hash of older parameters is replaced while the password is at hand.
    """
    if failures.is_closed(login, address):
        return "wait"
    known = _known_login(login)
    password = unicodedata.normalize("NFC", password[: LONGEST_PASSWORD + 1])
    with reading(stores.office) as session:
        stored = session.execute(select(Officer.id, Officer.password_hash).where(Officer.login == known)).one_or_none()
    # No transaction is open while the hash is computed: a slow sign-in never holds the database.
    is_right = _is_password(stored.password_hash if stored else _hash_of_nobody(), password)
    if stored is None or not is_right or len(password) > LONGEST_PASSWORD:
        failures.remember(login, address)
        return "refused"
    failures.forget(login, address)
    new_hash = _HASHER.hash(password) if _HASHER.check_needs_rehash(stored.password_hash) else None
    with writing(stores.office) as session:
        officer = session.get_one(Officer, stored.id)
        if new_hash is not None and officer.password_hash == stored.password_hash:
            officer.password_hash = new_hash
        record_event(session, actor=officer.login, action="officer.signed_in", subject=officer.login)
        return _record_of(officer)


def record_sign_out(stores: Stores, officer: OfficerRecord) -> None:
    """Every session of this officer has ended, on other machines and in copies too; the audit trail says so."""
    with writing(stores.office) as session:
        session.execute(update(Officer).where(Officer.id == officer.id).values(n_sign_outs=Officer.n_sign_outs + 1))
        record_event(session, actor=officer.login, action="officer.signed_out", subject=officer.login)


def _record_of(officer: Officer) -> OfficerRecord:
    # The mark is derived from the salted hash: it proves nothing about the password and changes whenever it is set.
    source = f"{officer.password_hash}\0{officer.n_sign_outs}"
    mark = sha256(b"hailong session mark\0" + source.encode()).hexdigest()[:32]
    return OfficerRecord(officer.id, officer.login, officer.name, officer.role, mark)


def _place_of(address: str) -> str:
    # Whoever has one IPv6 address has 2^64 of them, so the network is counted and not the address.
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def _known_login(login: str) -> str:
    return unicodedata.normalize("NFKC", login).strip().casefold()[:64]


def _checked_login(login: str) -> str:
    known = _known_login(login)
    if LOGIN_PATTERN.fullmatch(known) is None:
        raise BadInput(
            f"the login {login!r} cannot be used; expected 2 to 40 of the letters a-z, digits, dot, dash and underscore"
        )
    return known


def _checked_password(password: str, login: str) -> str:
    password = unicodedata.normalize("NFC", password)
    if len(password) < SHORTEST_PASSWORD:
        raise BadInput(
            f"the password has {len(password)} characters; expected at least {SHORTEST_PASSWORD}, such as four words"
        )
    if len(password) > LONGEST_PASSWORD:
        raise BadInput(f"the password has {len(password)} characters; expected at most {LONGEST_PASSWORD}")
    if len(set(password)) < 5 or _known_login(login) in password.casefold().split():
        raise BadInput("the password is too easy to guess; expected different characters, and not the login itself")
    return password


def _is_password(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hash_of_nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))
