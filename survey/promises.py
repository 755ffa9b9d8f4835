"""Promises: what a unit says it will do about a criterion and by when, and what became of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast

from sqlalchemy import select

from analysis.exporting.safe_cells import safe_text
from analysis.release.voice_rows import PromiseRow
from survey.comment_masks import released_text
from survey.errors import BadInput, NotFound
from survey.notices import one_line
from survey.round_records import find_round
from survey.storage.audit import record_event
from survey.storage.portal import PROMISE_STATES, Promise
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores
from survey.unit_people import PersonRecord

PromiseState = Literal["planned", "under_way", "done", "dropped"]
LONGEST_PROMISE = 600
# A unit that promises more than it can keep in mind promises nothing.
MOST_PROMISES = 20
FURTHEST_YEARS = 5


@dataclass(frozen=True, slots=True)
class PromiseRecord:
    """A promise of a unit. `node` is the criterion's code, empty for the service as a whole."""

    id: int
    unit_code: str
    round_slug: str
    node: str
    text: str
    due: date
    made_on: date
    made_by: str
    state: PromiseState
    outcome: str
    changed_on: date

    def is_late(self, today: date) -> bool:
        """Whether its day has passed and it is neither done nor given up."""
        return self.due < today and self.state in ("planned", "under_way")


def make_promise(
    stores: Stores,
    slug: str,
    person: PersonRecord,
    nodes: Collection[str],
    *,
    node: str,
    text: str,
    due: date,
    today: date,
) -> PromiseRecord:
    """A new promise of the person's unit, made in view of its scorecard of a round.

    :param nodes: the codes that the scorecard has lines for.
    :raises BadInput: for another node, a text that is empty, too long, a formula or such as no scorecard can print, a
        day that is over or further than five years away, and where the unit has twenty promises about the round.
    """
    if node and node not in nodes:
        raise BadInput(f"found the criterion {node[:40]!r}, expected one of the scorecard's")
    # The dash of a list is no part of what will be done, and a spreadsheet would read it as a formula.
    words = one_line("the promise", text, longest=LONGEST_PROMISE).lstrip("-–•*+ ")
    if not words:
        raise BadInput("the promise is empty; expected what will be done")
    if released_text(words) != words or safe_text(words) != words:
        raise BadInput("the promise holds characters or personal data that no scorecard prints; expected plain words")
    if not today <= due <= today.replace(year=today.year + FURTHEST_YEARS, day=min(today.day, 28)):
        raise BadInput(f"found the day {due}, expected one from {today} on, within {FURTHEST_YEARS} years")
    with writing(stores.office) as session:
        of_this = (Promise.unit_code == person.unit_code, Promise.round_slug == slug)
        if len(session.scalars(select(Promise.id).where(*of_this)).all()) >= MOST_PROMISES:
            raise BadInput(f"found {MOST_PROMISES} promises about this round, expected no more of one unit")
        row = Promise(
            unit_code=person.unit_code,
            round_slug=slug,
            node=node,
            text=words,
            due=due,
            made_on=today,
            made_by=person.account.name,
            state="planned",
            outcome="",
            changed_on=today,
        )
        session.add(row)
        session.flush()
        subject = f"{slug}: {person.unit_code} {row.id}"
        record_event(session, actor=person.account.login, action="unit.promised", subject=subject)
        return _record_of(row)


def change_promise(
    stores: Stores, promise_id: int, person: PersonRecord, *, state: str, outcome: str, today: date
) -> PromiseRecord:
    """The promise with what became of it; its text and its day stay what they were.

    Raises NotFound when the person's unit has no such promise, BadInput for another state or too long an outcome.
    """
    if state not in PROMISE_STATES:
        raise BadInput(f"found the state {state[:20]!r}, expected {', '.join(PROMISE_STATES)}")
    words = one_line("what became of it", outcome, longest=LONGEST_PROMISE)
    with writing(stores.office) as session:
        row = session.get(Promise, promise_id)
        if row is None or row.unit_code != person.unit_code:
            raise NotFound("the unit has no such promise")
        if (row.state, row.outcome) != (state, words):
            row.state, row.outcome, row.changed_on = state, words, today
            subject = f"{row.round_slug}: {person.unit_code} {row.id} {state}"
            record_event(session, actor=person.account.login, action="unit.promise_changed", subject=subject)
        return _record_of(row)


def find_promise(stores: Stores, promise_id: int, unit_code: str) -> PromiseRecord:
    """A promise of this unit; NotFound when it has no such one."""
    with reading(stores.office) as session:
        row = session.get(Promise, promise_id)
        if row is None or row.unit_code != unit_code:
            raise NotFound("the unit has no such promise")
        return _record_of(row)


def list_promises(
    stores: Stores, *, slug: str | None = None, unit_code: str | None = None
) -> tuple[PromiseRecord, ...]:
    """The promises about a round, of a unit, or both, in the order of unit and day."""
    query = select(Promise).order_by(Promise.unit_code, Promise.due, Promise.id)
    if slug is not None:
        query = query.where(Promise.round_slug == slug)
    if unit_code is not None:
        query = query.where(Promise.unit_code == unit_code)
    with reading(stores.office) as session:
        return tuple(map(_record_of, session.scalars(query)))


def promises_of(stores: Stores, slug: str) -> tuple[PromiseRow, ...]:
    """The promises that a round's scorecards show beside what changed: those of its units about earlier rounds.

    They are as they stand now, in the order of unit, day and text. Raises NotFound when there is no such round.
    """
    record = find_round(stores, slug)
    query = (
        select(Promise)
        .where(Promise.unit_code.in_(record.unit_codes), Promise.round_slug != slug)
        .where(Promise.made_on <= record.closes_on)
        .order_by(Promise.unit_code, Promise.due, Promise.node, Promise.text)
    )
    with reading(stores.office) as session:
        # The same words about the same criterion on the same day are one promise, however often they were sent.
        rows = {(row.unit_code, row.node, row.made_on, row.text): row for row in session.scalars(query)}
        return tuple(
            PromiseRow(row.unit_code, row.node, row.text, row.due.isoformat(), row.made_on.isoformat(), row.state)
            for row in rows.values()
        )


def _record_of(row: Promise) -> PromiseRecord:
    return PromiseRecord(
        id=row.id,
        unit_code=row.unit_code,
        round_slug=row.round_slug,
        node=row.node,
        text=row.text,
        due=row.due,
        made_on=row.made_on,
        made_by=row.made_by,
        state=cast(PromiseState, row.state),
        outcome=row.outcome,
        changed_on=row.changed_on,
    )
