"""Sessions of officers and of units' people: who is signed in where, for how long, and how it ends."""

import secrets as randomness
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from survey.officers import OFFICER, OfficerRecord, Role, record_of
from survey.secrets import Secrets
from survey.storage.audit import record_event
from survey.storage.office import Officer, OfficerSession, SecondFactor
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
# How long somebody may take between the password and the second factor.
LONGEST_HALFWAY = timedelta(minutes=10)
# The time of last use is written at most so often: a page with ten requests needs one write, not ten.
SEEN_EVERY = timedelta(minutes=1)
LONGEST_BROWSER = 60
_NAME_DIGITS = 16

# How somebody came in: a passkey, or what another house says of them, needs no second factor of ours.
Way = Literal["password", "passkey", "oidc"]


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as the pages see it. `name` tells it from the officer's others and opens nothing."""

    name: str
    officer: OfficerRecord
    browser: str
    began: datetime
    seen: datetime
    is_complete: bool
    way: str = "password"


def begin_session(
    session: Session,
    secrets: Secrets,
    officer_id: int,
    browser: str,
    now: datetime,
    *,
    is_complete: bool,
    way: Way = "password",
) -> str:
    """The token of a new session, 256 random bits, which is stored nowhere; sessions of anybody that are over go.

    :param browser: what its owner will know it by; at most 60 characters are kept.
    """
    session.execute(delete(OfficerSession).where(_is_over(now)))
    token = randomness.token_urlsafe(32)
    session.add(
        OfficerSession(
            token_mark=secrets.session_mark(token),
            officer_id=officer_id,
            began=now,
            seen=now,
            browser=browser[:LONGEST_BROWSER],
            is_complete=is_complete,
            way=way,
        )
    )
    return token


def find_session(
    stores: Stores,
    secrets: Secrets,
    token: str,
    now: datetime,
    *,
    must_have_second_factor: bool,
    role: Role = OFFICER,
) -> SessionRecord | None:
    """The session of a token, seen now; None when there is none, it is over, or its owner has another role.

    A session that began before a second factor was asked of everybody is not complete for an officer without one.
    """
    mark = secrets.session_mark(token)
    query = (
        select(OfficerSession, Officer, SecondFactor.officer_id.is_not(None))
        .join(Officer, Officer.id == OfficerSession.officer_id)
        .outerjoin(SecondFactor, SecondFactor.officer_id == Officer.id)
        .where(OfficerSession.token_mark == mark, ~_is_over(now), Officer.is_disabled.is_(False), Officer.role == role)
    )
    with reading(stores.office) as session:
        found = session.execute(query).one_or_none()
        if found is None:
            return None
        row, officer, has_factor = found
        record = _record_of(row, officer, has_second_factor=has_factor)
    is_complete = record.is_complete and (has_factor or not must_have_second_factor or record.way != "password")
    if not is_complete and now - record.began > LONGEST_HALFWAY:
        return None
    if now - record.seen >= SEEN_EVERY:
        with writing(stores.office) as session:
            session.execute(update(OfficerSession).where(OfficerSession.token_mark == mark).values(seen=now))
    return SessionRecord(record.name, record.officer, record.browser, record.began, now, is_complete, record.way)


def list_sessions(stores: Stores, officer: OfficerRecord, now: datetime) -> tuple[SessionRecord, ...]:
    """The officer's sessions that are not over, the one seen last first."""
    query = select(OfficerSession).where(
        OfficerSession.officer_id == officer.id, OfficerSession.is_complete, ~_is_over(now)
    )
    with reading(stores.office) as session:
        owner = session.get_one(Officer, officer.id)
        found = [_record_of(row, owner, has_second_factor=officer.has_second_factor) for row in session.scalars(query)]
    return tuple(sorted(found, key=lambda record: (record.seen, record.name), reverse=True))


def sign_out(stores: Stores, current: SessionRecord) -> None:
    """The session has ended, in copies of its cookie too; the audit log says so."""
    login = current.officer.login
    with writing(stores.office) as session:
        if remove_sessions(session, current.officer.id, only=(current.name,)) and current.is_complete:
            record_event(session, actor=login, action=f"{current.officer.role}.signed_out", subject=login)


def end_other_sessions(stores: Stores, current: SessionRecord, names: tuple[str, ...] | None = None) -> int:
    """How many of the officer's other sessions have ended now: those of these names, or all; the audit log says so."""
    login = current.officer.login
    with writing(stores.office) as session:
        n_ended = remove_sessions(session, current.officer.id, only=names, but=current.name)
        if n_ended:
            record_event(
                session, actor=login, action=f"{current.officer.role}.sessions_ended", subject=f"{login}: {n_ended}"
            )
    return n_ended


def remove_sessions(
    session: Session, officer_id: int, *, only: tuple[str, ...] | None = None, but: str | None = None
) -> int:
    """How many sessions of an officer were removed: those named, else all of them, never the one named by `but`."""
    marks = session.scalars(select(OfficerSession.token_mark).where(OfficerSession.officer_id == officer_id)).all()
    ending = [mark for mark in marks if _name_of(mark) != but and (only is None or _name_of(mark) in only)]
    session.execute(delete(OfficerSession).where(OfficerSession.token_mark.in_(ending)))
    return len(ending)


def _is_over(now: datetime) -> ColumnElement[bool]:
    return or_(
        OfficerSession.seen < now - IDLE,
        OfficerSession.began < now - LONGEST,
        and_(OfficerSession.is_complete.is_(False), OfficerSession.began < now - LONGEST_HALFWAY),
    )


def _name_of(mark: bytes) -> str:
    return mark.hex()[:_NAME_DIGITS]


def _record_of(row: OfficerSession, officer: Officer, *, has_second_factor: bool) -> SessionRecord:
    return SessionRecord(
        name=_name_of(row.token_mark),
        officer=record_of(officer, has_second_factor=has_second_factor),
        browser=row.browser,
        began=row.began,
        seen=row.seen,
        is_complete=row.is_complete,
        way=row.way,
    )
