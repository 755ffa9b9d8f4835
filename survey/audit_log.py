"""The audit log as people look at it: what staff did, page by page, and whether the chain of its events holds."""

from dataclasses import dataclass
from datetime import datetime

from survey.storage.audit import broken_links, count_events, find_events
from survey.storage.sessions import reading
from survey.storage.stores import Stores


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: words that the columns hold, in whatever case; empty words hold everywhere."""

    actor: str = ""
    action: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An event with its number in the chain and the beginning of its hash."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    hash: str


def audit_lines(stores: Stores, wanted: Wanted, *, offset: int = 0, limit: int | None = None) -> tuple[AuditLine, ...]:
    """The events that were looked for, the newest first."""
    words = {"actor": wanted.actor, "action": wanted.action, "subject": wanted.subject}
    with reading(stores.office) as session:
        found = find_events(session, **words, offset=offset, limit=limit)
    return tuple(AuditLine(number, row.at, row.actor, row.action, row.subject, row.hash) for number, row in found)


def count_audit_lines(stores: Stores, wanted: Wanted) -> int:
    """How many events were looked for."""
    with reading(stores.office) as session:
        return count_events(session, actor=wanted.actor, action=wanted.action, subject=wanted.subject)


def chain_complaints(stores: Stores) -> tuple[str, ...]:
    """A sentence for each place where the chain of all events does not hold; none where it does."""
    with reading(stores.office) as session:
        return broken_links(session)
