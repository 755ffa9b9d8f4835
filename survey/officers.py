"""Officers: who may enter the office, and what whoever runs the machine does about it."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from survey.errors import BadInput, NotFound
from survey.password_hashes import hash_password
from survey.passwords import checked_password, words_of_place
from survey.permissions import EVERY_TASK, Right, checked_roles, may, spelled_roles
from survey.permissions import OfficeRole as OfficeRole
from survey.second_factor import forget_second_factor
from survey.storage.audit import record_event
from survey.storage.office import Officer, OfficerSession, SecondFactor
from survey.storage.portal import Passkey
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

# The kind of an account: whoever signs in has one of these, nobody has both. What an officer may do is in their roles.
Role = Literal["officer", "unit"]
OFFICER: Role = "officer"
LOGIN_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")


@dataclass(frozen=True, slots=True)
class OfficerRecord:
    """An account as the pages see it: an officer's, or of the role `unit` one of a unit's people."""

    id: int
    login: str
    name: str
    role: str
    is_disabled: bool = False
    has_second_factor: bool = False
    roles: tuple[OfficeRole, ...] = ()

    def may(self, right: Right) -> bool:
        """Whether this account has a right of the table in `survey.permissions`."""
        return may(("unit",) if self.role == "unit" else self.roles, right)


def create_officer(
    stores: Stores,
    login: str,
    name: str,
    password: str,
    *,
    actor: str,
    breached: Path | None = None,
    roles: Collection[str] = EVERY_TASK,
) -> OfficerRecord:
    """A new officer with this login; refuses a login that exists, an unknown role and a password that is too easy.

    :param roles: what the officer may do; everything that is done in an office of one where they are not given.
    :param breached: a file of hashes of stolen passwords; None where there is none.
    """
    login, held = _checked_login(login), checked_roles(roles)
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not name:
        raise BadInput("the officer's name is empty; expected the name that colleagues know")
    words = words_of_place(stores)
    chosen = checked_password(password, login=login, name=name, words=words, breached=breached)
    password_hash = hash_password(chosen)
    with writing(stores.office) as session:
        if session.scalar(select(Officer).where(Officer.login == login)) is not None:
            raise BadInput(f"the login {login!r} exists already; expected a login that nobody has")
        officer = Officer(login=login, name=name, password_hash=password_hash, role=OFFICER, roles=",".join(held))
        session.add(officer)
        session.flush()
        record_event(session, actor=actor, action="officer.created", subject=f"{login}: {', '.join(held)}")
        return record_of(officer)


def set_password(
    stores: Stores, login: str, password: str, *, actor: str, breached: Path | None = None
) -> OfficerRecord:
    """The officer with a new password; every session of theirs has ended. A second factor stays as it is."""
    with reading(stores.office) as session:
        name = _officer_with(session, login).name
    words = words_of_place(stores)
    chosen = checked_password(password, login=known_login(login), name=name, words=words, breached=breached)
    password_hash = hash_password(chosen)
    with writing(stores.office) as session:
        officer = _officer_with(session, login)
        officer.password_hash = password_hash
        _end_sessions(session, officer)
        record_event(session, actor=actor, action="officer.password_set", subject=officer.login)
        return record_of(officer, has_second_factor=_has_second_factor(session, officer))


def disable_officer(stores: Stores, login: str, *, actor: str) -> OfficerRecord:
    """The officer, who cannot sign in any more; every session of theirs has ended. Doing it again changes nothing."""
    with writing(stores.office) as session:
        officer = _officer_with(session, login)
        if not officer.is_disabled:
            officer.is_disabled = True
            record_event(session, actor=actor, action="officer.disabled", subject=officer.login)
        _end_sessions(session, officer)
        return record_of(officer, has_second_factor=_has_second_factor(session, officer))


def enable_officer(stores: Stores, login: str, *, actor: str) -> OfficerRecord:
    """The officer, who may sign in again with the password and the second factor of before."""
    with writing(stores.office) as session:
        officer = _officer_with(session, login)
        if officer.is_disabled:
            officer.is_disabled = False
            record_event(session, actor=actor, action="officer.enabled", subject=officer.login)
        return record_of(officer, has_second_factor=_has_second_factor(session, officer))


def reset_second_factor(stores: Stores, login: str, *, actor: str) -> OfficerRecord:
    """The officer without an app, recovery codes and passkeys; every session of theirs has ended.

    Raises NotFound where there is no such officer, and BadInput where there was no second factor.
    """
    with writing(stores.office) as session:
        officer = _officer_with(session, login)
        if not forget_second_factor(session, officer.id):
            raise BadInput(f"the officer {officer.login!r} has no second factor; there is nothing to reset")
        session.execute(delete(Passkey).where(Passkey.officer_id == officer.id))
        _end_sessions(session, officer)
        record_event(session, actor=actor, action="officer.second_factor_reset", subject=officer.login)
        return record_of(officer)


def list_officers(stores: Stores) -> tuple[OfficerRecord, ...]:
    """All officers, by login."""
    query = (
        select(Officer, SecondFactor.officer_id.is_not(None))
        .outerjoin(SecondFactor, SecondFactor.officer_id == Officer.id)
        .where(Officer.role == OFFICER)
        .order_by(Officer.login)
    )
    with reading(stores.office) as session:
        found = session.execute(query).all()
        return tuple(record_of(officer, has_second_factor=has_factor) for officer, has_factor in found)


def record_of(officer: Officer, *, has_second_factor: bool = False) -> OfficerRecord:
    """What the pages see of a row."""
    return OfficerRecord(
        officer.id,
        officer.login,
        officer.name,
        officer.role,
        officer.is_disabled,
        has_second_factor,
        spelled_roles(officer.roles),
    )


def known_login(login: str) -> str:
    """A login as it is stored, however a keyboard composed it."""
    return unicodedata.normalize("NFKC", login).strip().casefold()[:64]


def _checked_login(login: str) -> str:
    known = known_login(login)
    if LOGIN_PATTERN.fullmatch(known) is None:
        raise BadInput(
            f"the login {login!r} cannot be used; expected 2 to 40 of the letters a-z, digits, dot, dash and underscore"
        )
    return known


def _officer_with(session: Session, login: str) -> Officer:
    is_this = (Officer.login == known_login(login), Officer.role == OFFICER)
    officer = session.scalar(select(Officer).where(*is_this))
    if officer is None:
        raise NotFound(f"no officer has the login {login!r}; `hailong officer list` shows those that exist")
    return officer


def _end_sessions(session: Session, officer: Officer) -> None:
    session.execute(delete(OfficerSession).where(OfficerSession.officer_id == officer.id))


def _has_second_factor(session: Session, officer: Officer) -> bool:
    return session.get(SecondFactor, officer.id) is not None
