"""How many forms on paper whom of the office keyed, and how well: counts of days, and the audit log told of each day.

The log says who keyed how many once the day is over, and never which form or when: a line for each form would be the
order of the ballots.
"""

import datetime as dt
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from survey.storage.audit import record_event
from survey.storage.frame import PaperEntry
from survey.storage.paper import PaperTally
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

PAPER_ENTERED = "paper.entered"
PAPER_ERASED = "paper.erased"


@dataclass(frozen=True, slots=True)
class Counted:
    """Forms and items to be added: first and second entries, those that agreed, those that were settled or needed no
    second person, the items that were compared and those in which two entries differed.
    """

    first: int = 0
    second: int = 0
    agreed: int = 0
    settled: int = 0
    alone: int = 0
    items: int = 0
    differing: int = 0

    @property
    def received(self) -> int:
        """The forms that became ballots."""
        return self.agreed + self.settled + self.alone

    @property
    def per_thousand(self) -> float | None:
        """The items in a thousand in which two entries differed; None before anything was compared."""
        return 1000 * self.differing / self.items if self.items else None


_NAMES = tuple(field.name for field in fields(Counted))


def count_forms(stores: Stores, round_slug: str, login: str, today: dt.date, counted: Counted) -> None:
    """Add to what somebody keyed today; days that are over are told to the audit log on the way."""
    key = {"round_slug": round_slug, "login": login, "day": today}
    added = {name: getattr(PaperTally, name) + getattr(counted, name) for name in _NAMES}
    with writing(stores.office) as session:
        dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        empty = {**dict.fromkeys(_NAMES, 0), "was_told": False}
        session.execute(dialect.insert(PaperTally.__table__).values(**key, **empty).on_conflict_do_nothing())
        session.execute(
            update(PaperTally).where(*(getattr(PaperTally, name) == value for name, value in key.items())).values(added)
        )
        _tell(session, round_slug, today)


def erase_unfinished(stores: Stores, round_slug: str, *, actor: str) -> int:
    """Nothing of the entries of a round is left, and the audit log knows of every day and of how many forms waited."""
    with writing(stores.frame) as session:
        of_round = PaperEntry.round_slug == round_slug
        n_waiting = session.scalar(select(func.count()).select_from(PaperEntry).where(of_round)) or 0
        if n_waiting:
            session.execute(delete(PaperEntry).where(of_round))
    with writing(stores.office) as session:
        _tell(session, round_slug, None)
        if n_waiting:
            record_event(session, actor, PAPER_ERASED, f"{round_slug}: {n_waiting} forms keyed and not received")
    return n_waiting


def forms_counted(stores: Stores, round_slug: str) -> Counted:
    """All that was keyed in a round."""
    query = select(*(func.coalesce(func.sum(getattr(PaperTally, name)), 0) for name in _NAMES)).where(
        PaperTally.round_slug == round_slug
    )
    with reading(stores.office) as session:
        return Counted(*(int(value) for value in session.execute(query).one()))


def _tell(session: Session, round_slug: str, before: dt.date | None) -> None:
    query = select(PaperTally).where(PaperTally.round_slug == round_slug, PaperTally.was_told.is_(False))
    if before is not None:
        query = query.where(PaperTally.day < before)
    for row in session.scalars(query.order_by(PaperTally.day, PaperTally.login)):
        counts = f"{row.first} first, {row.second} second, {row.settled} settled, {row.alone} alone"
        record_event(session, row.login, PAPER_ENTERED, f"{round_slug}: {row.day.isoformat()}: {counts}")
        row.was_told = True
