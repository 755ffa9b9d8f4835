"""What takes two people: one asks to seal a round or to have codes, another one approves exactly that.

Publishing has approvals of its own, of a preview's very bytes (`survey.previews`). Whoever works with the command line
holds the keys of the machine and is asked by nobody here; the audit log names the command line.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import select, update
from sqlalchemy.orm import Session, aliased

from survey.errors import NotFound, SamePerson, WrongState
from survey.invitations import ISSUING_STATES, CodeRequest
from survey.officers import OfficerRecord
from survey.storage.audit import record_event
from survey.storage.office import Officer, Round
from survey.storage.people import Approval
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

Act = Literal["seal", "codes"]
ApprovalState = Literal["asked", "approved", "refused", "withdrawn", "used"]
Decision = Literal["approve", "refuse", "withdraw"]

_OPEN = ("asked", "approved")
_REACHED: dict[Decision, ApprovalState] = {"approve": "approved", "refuse": "refused", "withdraw": "withdrawn"}
# In which states of a round something may be asked.
_STATES: dict[Act, tuple[str, ...]] = {"seal": ("closed",), "codes": ISSUING_STATES}


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """What was asked, by whom, and what became of it; the names are those of today."""

    number: int
    slug: str
    act: Act
    state: ApprovalState
    content: str
    asked_by_id: int
    asked_by: str
    asked_at: datetime
    decided_by: str
    decided_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it waits for a decision, or for being done."""
        return self.state in _OPEN

    @property
    def requests(self) -> tuple[CodeRequest, ...]:
        """The codes that were asked for; none for another act."""
        rows = json.loads(self.content) if self.act == "codes" else []
        return tuple(CodeRequest(unit, count, stratum, psu, channel) for unit, count, stratum, psu, channel in rows)


def ask_to_seal(stores: Stores, slug: str, *, officer: OfficerRecord, now: datetime) -> ApprovalRecord:
    """The request to seal a closed round.

    Raises NotFound, and WrongState where one is open or the round is not closed.
    """
    return _ask(stores, slug, "seal", "", "sealing", officer, now)


def ask_for_codes(
    stores: Stores, slug: str, requests: Sequence[CodeRequest], *, officer: OfficerRecord, now: datetime
) -> ApprovalRecord:
    """The request for exactly these codes. Raises NotFound, and WrongState where the round takes no more codes."""
    rows = [[row.unit, row.count, row.stratum, row.psu, row.channel] for row in requests]
    what = f"{sum(row.count for row in requests)} codes for {len({row.unit for row in requests})} units"
    return _ask(stores, slug, "codes", json.dumps(rows, ensure_ascii=False), what, officer, now)


def decide(
    stores: Stores, slug: str, number: int, decision: Decision, *, officer: OfficerRecord, now: datetime
) -> ApprovalRecord:
    """The request of this number, decided: approved or refused by somebody else, or withdrawn by whoever asked.

    Raises NotFound, SamePerson where somebody would approve or refuse what they asked for themselves, and WrongState
    where it was decided before or somebody withdraws what another one asked for.
    """
    with writing(stores.office) as session:
        row = session.get(Approval, number, with_for_update=True)
        if row is None or row.round_slug != slug:
            raise NotFound(f"found no request {number} in the round {slug[:60]!r}")
        is_own = row.asked_by == officer.id
        if decision == "withdraw":
            if not is_own:
                raise WrongState(f"request {number}: only whoever asked can withdraw it")
            if row.state not in _OPEN:
                raise WrongState(f"request {number} is {row.state} already")
        elif is_own:
            raise SamePerson(f"request {number}: {officer.name} asked for it; expected the decision of somebody else")
        elif row.state != "asked":
            raise WrongState(f"request {number} is {row.state} already")
        else:
            row.decided_by, row.decided_at = officer.id, now
        row.state = _REACHED[decision]
        record_event(session, officer.login, f"approval.{row.state}", f"{slug} {row.act} {number}")
        session.flush()
        return _record(session, number)


def approvals_of(stores: Stores, slug: str, newest: int = 50) -> tuple[ApprovalRecord, ...]:
    """What was asked in a round, the newest first."""
    with reading(stores.office) as session:
        query = select(Approval.id).where(Approval.round_slug == slug).order_by(Approval.id.desc()).limit(newest)
        return tuple(_record(session, number) for number in session.scalars(query))


def open_approval(stores: Stores, slug: str, act: Act) -> ApprovalRecord | None:
    """The newest request for an act in a round that is not over; None where there is none."""
    return next((found for found in approvals_of(stores, slug) if found.act == act and found.is_open), None)


def find_approval(stores: Stores, slug: str, number: int) -> ApprovalRecord:
    """The request of this number in a round; NotFound where there is none."""
    with reading(stores.office) as session:
        found = _record(session, number)
    if found.slug != slug:
        raise NotFound(f"found no request {number} in the round {slug[:60]!r}")
    return found


def rounds_that_wait(stores: Stores, officer: OfficerRecord) -> dict[str, int]:
    """How many requests of others wait for a decision that this officer could take, by round."""
    query = select(Approval.round_slug).where(Approval.state == "asked", Approval.asked_by != officer.id)
    counts: dict[str, int] = {}
    with reading(stores.office) as session:
        for slug in session.scalars(query):
            counts[slug] = counts.get(slug, 0) + 1
    return counts


@contextmanager
def used(stores: Stores, approval: ApprovalRecord, *, actor: str) -> Iterator[None]:
    """Do once what was approved: of two who begin at the same time the second is refused with WrongState.

    Where what is done raises, the approval stands as before.
    """
    _step(stores, approval, "approved", "used", actor)
    try:
        yield
    except BaseException:
        _step(stores, approval, "used", "approved", actor)
        raise


def mark_sealed(stores: Stores, slug: str, *, actor: str) -> None:
    """The approval of a round's sealing has served its purpose; nothing changes where there is none."""
    found = open_approval(stores, slug, "seal")
    if found is not None and found.state == "approved":
        _step(stores, found, "approved", "used", actor)


def _ask(
    stores: Stores, slug: str, act: Act, content: str, what: str, officer: OfficerRecord, now: datetime
) -> ApprovalRecord:
    with writing(stores.office) as session:
        row = session.get(Round, slug, with_for_update=True)
        if row is None:
            raise NotFound(f"found no round {slug[:60]!r}")
        if row.state not in _STATES[act]:
            raise WrongState(f"the round {slug} is {row.state}; expected it to be {' or '.join(_STATES[act])}")
        is_open = (Approval.round_slug == slug, Approval.act == act, Approval.state.in_(_OPEN))
        if act == "seal" and session.scalars(select(Approval.id).where(*is_open)).first() is not None:
            raise WrongState(f"the round {slug}: its sealing has been asked for already")
        asked = Approval(round_slug=slug, act=act, content=content, state="asked", asked_by=officer.id, asked_at=now)
        session.add(asked)
        session.flush()
        record_event(session, officer.login, "approval.asked", f"{slug} {act} {asked.id}: {what}")
        return _record(session, asked.id)


def _step(stores: Stores, approval: ApprovalRecord, before: ApprovalState, after: ApprovalState, actor: str) -> None:
    with writing(stores.office) as session:
        changed = session.execute(
            update(Approval)
            .where(Approval.id == approval.number, Approval.state == before)
            .values(state=after)
            .returning(Approval.id)
        ).all()
        if not changed:
            raise WrongState(f"request {approval.number} is not {before} any more")
        record_event(session, actor, f"approval.{after}", f"{approval.slug} {approval.act} {approval.number}")


def _record(session: Session, number: int) -> ApprovalRecord:
    asker, decider = aliased(Officer), aliased(Officer)
    found = session.execute(
        select(Approval, asker.name, decider.name)
        .join(asker, asker.id == Approval.asked_by)
        .outerjoin(decider, decider.id == Approval.decided_by)
        .where(Approval.id == number)
    ).one_or_none()
    if found is None:
        raise NotFound(f"found no request {number}")
    row, asked_by, decided_by = found
    return ApprovalRecord(
        number=row.id,
        slug=row.round_slug,
        act=cast(Act, row.act),
        state=cast(ApprovalState, row.state),
        content=row.content,
        asked_by_id=row.asked_by,
        asked_by=asked_by,
        asked_at=row.asked_at,
        decided_by=decided_by or "",
        decided_at=row.decided_at,
    )
