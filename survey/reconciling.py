"""What becomes of a round that came out of a backup: it is halted, until somebody answers for its going on.

Invitations that were used after the backup was made count as unused again, and the ballots that came with them are
gone. Whether those people are asked again, or the round ends with what there is, no program can know.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from survey.deciding import Decision, add_decision, new_decision
from survey.errors import NotFound, WrongState
from survey.round_records import RoundRecord, find_round
from survey.round_status import round_status
from survey.secrets import Secrets
from survey.storage.audit import record_event
from survey.storage.office import Round
from survey.storage.sessions import writing
from survey.storage.stores import Stores

RESTORED = "restore"


@dataclass(frozen=True, slots=True)
class ReconciledRound:
    """A round that goes on, the decision that lets it, and the invitations issued and used as the stores have them."""

    round: RoundRecord
    decision: Decision
    issued: int
    spent: int


def halt_restored_rounds(office: Connection, backup_sha256: str, has_key: Callable[[str], bool]) -> tuple[str, ...]:
    """Halt the rounds that may have taken answers after the backup was made; returns their names.

    They are those that are open in it, and drafts whose key is there already: those were opened later.
    """
    with Session(office) as session:
        rows = session.scalars(select(Round).where(Round.state.in_(("draft", "open"))).order_by(Round.slug)).all()
        halted = [row for row in rows if not row.imported and (row.state == "open" or has_key(row.slug))]
        for row in halted:
            row.is_halted = True
            subject = f"{row.slug}: restored from a backup with sha256 {backup_sha256}"
            record_event(session, RESTORED, "round.halted", subject)
        session.commit()
        return tuple(row.slug for row in halted)


def reconcile_round(
    stores: Stores, secrets: Secrets, slug: str, *, decided_by: str, reason: str, today: date, actor: str
) -> ReconciledRound:
    """The round as it goes on: in the state it had, with the decision in the audit log and in its manifest later.

    Raises NotFound, WrongState when the round is not halted, BadInput for a decision without a name or a reason.
    """
    decision = new_decision("reconciled", decided_by, reason, today)
    status = round_status(stores, secrets, slug)
    with writing(stores.office) as session:
        row = _locked(session, slug)
        if not row.is_halted:
            raise WrongState(f"the round {slug} is {row.state} and not halted; there is nothing to decide")
        row.is_halted = False
        add_decision(session, row, decision, actor)
    return ReconciledRound(find_round(stores, slug), decision, status.issued, status.spent)


def accept_counts(
    stores: Stores,
    slug: str,
    *,
    n_missing: int,
    n_unmarked: int,
    decided_by: str,
    reason: str,
    today: date,
    actor: str,
) -> Decision:
    """The decision that a closed round is sealed although so many ballots are gone and so many have lost their marks.

    It holds for exactly these numbers. Raises NotFound, WrongState for a round that is not closed, BadInput.
    """
    decision = new_decision("counts", decided_by, reason, today, n_missing, n_unmarked)
    with writing(stores.office) as session:
        row = _locked(session, slug)
        if row.state != "closed" or row.is_halted:
            state = "halted" if row.is_halted else row.state
            raise WrongState(f"the round {slug} is {state}; counts are decided upon when it is closed")
        add_decision(session, row, decision, actor)
    return decision


def _locked(session: Session, slug: str) -> Round:
    row = session.get(Round, slug, with_for_update=True)
    if row is None:
        raise NotFound(f"found no round {slug[:60]!r}, expected one that `hailong round status` knows")
    return row
