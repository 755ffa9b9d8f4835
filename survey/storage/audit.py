"""The audit log: what officers did, each event bound to the one before it by a hash."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from survey.storage.office import AuditEvent

FIRST_HASH = "0" * 64
# Any number does, as long as every hailong uses the same one.
AUDIT_LOCK = 7_461_121


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One event: an officer (or "command line") did something to something, at an instant in UTC to the second."""

    at: datetime
    actor: str
    action: str
    subject: str
    previous_hash: str
    hash: str


def record_event(session: Session, actor: str, action: str, subject: str, at: datetime | None = None) -> None:
    """Add an event to the chain, in the caller's transaction; `at` is now where it is not given.

    Only what staff does is recorded here. A respondent's step never is: its time would name the person.
    """
    if session.get_bind().dialect.name == "postgresql":
        # Two events must not follow the same one. SQLite's write lock does the same for `writing` sessions.
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": AUDIT_LOCK})
    last = session.scalars(select(AuditEvent.hash).order_by(AuditEvent.id.desc()).limit(1)).first()
    previous = last or FIRST_HASH
    moment = (at or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    actor, action, subject = actor[:80], action[:80], subject[:200]
    session.add(
        AuditEvent(
            at=moment,
            actor=actor,
            action=action,
            subject=subject,
            previous_hash=previous,
            hash=hash_of_event(moment, actor, action, subject, previous),
        )
    )
    session.flush()


def hash_of_event(at: datetime, actor: str, action: str, subject: str, previous_hash: str) -> str:
    """The SHA-256 of an event's canonical JSON, 64 hexadecimal digits."""
    content = [previous_hash, at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), actor, action, subject]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def list_events(session: Session, *, newest: int | None = None) -> tuple[AuditRecord, ...]:
    """The events, the newest first; `newest` bounds how many."""
    query = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(newest)
    return tuple(_record_of(event) for event in session.scalars(query))


def events_after(session: Session, number: int) -> Iterator[tuple[int, AuditRecord]]:
    """The events that came after the one with this number, in their order, each with its own; 0 is before them all."""
    query = select(AuditEvent).where(AuditEvent.id > number).order_by(AuditEvent.id)
    return ((event.id, _record_of(event)) for event in session.scalars(query))


def hash_of_number(session: Session, number: int) -> str | None:
    """The hash of the event with this number, None where there is none."""
    return session.scalar(select(AuditEvent.hash).where(AuditEvent.id == number))


def broken_links(session: Session) -> tuple[str, ...]:
    """A sentence for each place where the chain does not hold: an event changed, removed or put in between."""
    complaints = []
    previous = FIRST_HASH
    for event in session.scalars(select(AuditEvent).order_by(AuditEvent.id)):
        if event.previous_hash != previous:
            complaints.append(f"audit event {event.id} does not follow the one before it")
        if event.hash != hash_of_event(event.at, event.actor, event.action, event.subject, event.previous_hash):
            complaints.append(f"audit event {event.id} is not what was recorded")
        previous = event.hash
    return tuple(complaints)


def _record_of(event: AuditEvent) -> AuditRecord:
    return AuditRecord(event.at, event.actor, event.action, event.subject, event.previous_hash, event.hash)


def find_events(
    session: Session, *, actor: str = "", action: str = "", subject: str = "", offset: int = 0, limit: int | None = None
) -> tuple[tuple[int, AuditRecord], ...]:
    """The events that hold these words in their columns, each with its number, the newest first; empty words hold
    everywhere.
    """
    query = _matching(actor, action, subject).order_by(AuditEvent.id.desc()).offset(offset).limit(limit)
    return tuple((event.id, _record_of(event)) for event in session.scalars(query))


def count_events(session: Session, *, actor: str = "", action: str = "", subject: str = "") -> int:
    """How many events hold these words; see `find_events`."""
    return session.scalar(select(func.count()).select_from(_matching(actor, action, subject).subquery())) or 0


def _matching(actor: str, action: str, subject: str) -> Select[AuditEvent]:
    query = select(AuditEvent)
    for column, words in ((AuditEvent.actor, actor), (AuditEvent.action, action), (AuditEvent.subject, subject)):
        if words:
            query = query.where(column.icontains(words, autoescape=True))
    return query
