"""How far a round has come: counts by unit and channel, and nothing about any answer."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select

from survey.round_records import RoundRecord, find_round
from survey.secrets import Secrets
from survey.storage.frame import Invitation
from survey.storage.intake import SpentInvitation
from survey.storage.sessions import reading
from survey.storage.stores import Stores

BATCH = 10_000


@dataclass(frozen=True, slots=True)
class StatusCell:
    """Invitations issued for one unit through one channel, and how many of them were used."""

    unit: str
    channel: str
    issued: int
    spent: int


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """A round and its counts. `sealed` and `rejected` are None until the round is sealed."""

    round: RoundRecord
    cells: tuple[StatusCell, ...]
    sealed: int | None
    rejected: int | None

    @property
    def issued(self) -> int:
        """Invitations issued in all."""
        return sum(cell.issued for cell in self.cells)

    @property
    def spent(self) -> int:
        """Invitations used in all."""
        return sum(cell.spent for cell in self.cells)


def round_status(stores: Stores, secrets: Secrets, slug: str) -> RoundStatus:
    """The counts of a round by unit and channel, in order of both.

    Which invitations were used is found by computing each one's mark again: the stores alone do not say it.
    """
    record = find_round(stores, slug)
    with reading(stores.intake) as session:
        query = select(SpentInvitation.nullifier).where(SpentInvitation.round_slug == slug)
        used = set(session.scalars(query.execution_options(yield_per=BATCH)))
    issued: Counter[tuple[str, str]] = Counter()
    spent: Counter[tuple[str, str]] = Counter()
    with reading(stores.frame) as session:
        rows = session.execute(
            select(Invitation.id, Invitation.unit_code, Invitation.channel)
            .where(Invitation.round_slug == slug)
            .execution_options(yield_per=BATCH)
        )
        for identifier, unit, channel in rows:
            issued[unit, channel] += 1
            spent[unit, channel] += secrets.nullifier(slug, identifier) in used
    cells = tuple(
        StatusCell(unit, channel, count, spent[unit, channel]) for (unit, channel), count in sorted(issued.items())
    )
    return RoundStatus(record, cells, record.n_sealed, record.n_rejected)
