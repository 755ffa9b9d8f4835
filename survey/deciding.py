"""Decisions that somebody answers for by name; they stand in the audit log and in the archive's signed manifest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from survey.errors import BadInput
from survey.labels import printable
from survey.storage.audit import record_event
from survey.storage.office import Round, RoundDecision
from survey.storage.sessions import reading
from survey.storage.stores import Stores

DecisionKind = Literal["reconciled", "counts"]

AUDIT_ACTIONS: dict[DecisionKind, str] = {"reconciled": "round.reconciled", "counts": "round.counts_accepted"}
LONGEST_NAME = 200
LONGEST_REASON = 2_000


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a round: that it goes on after a restore ("reconciled"), or that it is sealed although
    `n_missing` ballots are gone and `n_unmarked` have lost their marks ("counts").
    """

    kind: DecisionKind
    decided_by: str
    reason: str
    decided_on: date
    n_missing: int = 0
    n_unmarked: int = 0

    def statement(self) -> Mapping[str, object]:
        """The decision as a manifest has it."""
        numbers = {"missing": self.n_missing, "unmarked": self.n_unmarked} if self.kind == "counts" else {}
        about = {"kind": self.kind, "by": self.decided_by, "on": self.decided_on.isoformat(), "reason": self.reason}
        return {**about, **numbers}


def new_decision(
    kind: DecisionKind, decided_by: str, reason: str, decided_on: date, n_missing: int = 0, n_unmarked: int = 0
) -> Decision:
    """A decision with a name and a reason that can be printed; BadInput where one of them is empty or too long."""
    return Decision(
        kind,
        _line("--by", decided_by, LONGEST_NAME),
        _line("--decision", reason, LONGEST_REASON),
        decided_on,
        _count("--missing", n_missing),
        _count("--unmarked", n_unmarked),
    )


def add_decision(session: Session, row: Round, decision: Decision, actor: str) -> None:
    """Put a decision beside its round and into the audit log, in the caller's transaction on the locked round."""
    numbers = select(func.max(RoundDecision.number)).where(RoundDecision.round_slug == row.slug)
    session.add(
        RoundDecision(
            round_slug=row.slug,
            number=(session.scalar(numbers) or 0) + 1,
            kind=decision.kind,
            decided_by=decision.decided_by,
            reason=decision.reason,
            decided_on=decision.decided_on,
            n_missing=decision.n_missing,
            n_unmarked=decision.n_unmarked,
        )
    )
    what = f" missing {decision.n_missing}, unmarked {decision.n_unmarked}" if decision.kind == "counts" else ""
    subject = f"{row.slug}{what} by {decision.decided_by}: {decision.reason}"
    record_event(session, actor, AUDIT_ACTIONS[decision.kind], subject)


def decisions_of(stores: Stores, slug: str) -> tuple[Decision, ...]:
    """The decisions about a round, the first one first."""
    query = select(RoundDecision).where(RoundDecision.round_slug == slug).order_by(RoundDecision.number)
    with reading(stores.office) as session:
        return tuple(
            Decision(
                cast(DecisionKind, row.kind), row.decided_by, row.reason, row.decided_on, row.n_missing, row.n_unmarked
            )
            for row in session.scalars(query)
        )


def _line(name: str, text: str, longest: int) -> str:
    found = " ".join(text.split())
    if not found or len(found) > longest or not found.isprintable():
        raise BadInput(f"{name}: found “{printable(found[:80])}”, expected a line of 1 to {longest} characters")
    return found


def _count(name: str, count: int) -> int:
    if count < 0:
        raise BadInput(f"{name}: found {count}, expected a number that is not below 0")
    return count
