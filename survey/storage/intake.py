"""The intake store: that a code was used, and sealed ballots. Nothing in it says which belongs to which."""

from typing import Any

from sqlalchemy import CursorResult, LargeBinary, MetaData, String, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from survey.storage.office import NAMING


class IntakeBase(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class SpentInvitation(IntakeBase):
    """The mark that an invitation was used. Without the secret key it names no invitation."""

    __tablename__ = "spent_invitation"
    __table_args__ = ({"sqlite_with_rowid": False},)

    round_slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    nullifier: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    nonce_tag: Mapped[bytes] = mapped_column(LargeBinary(32))


class Ballot(IntakeBase):
    """One respondent's answers, sealed to the round's key: no unit, no time, no order.

    Whoever holds no secret key can write no row whose tag holds. Rows from before there were tags have none.
    """

    __tablename__ = "ballot"
    __table_args__ = ({"sqlite_with_rowid": False},)

    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    round_slug: Mapped[str] = mapped_column(String(60))
    envelope: Mapped[bytes] = mapped_column(LargeBinary)
    tag: Mapped[bytes | None] = mapped_column(LargeBinary(32))


def mark_spent(session: Session, round_slug: str, nullifier: bytes, nonce_tag: bytes) -> bool:
    """Whether the invitation is marked as used now; False when another transaction has marked it.

    A second mark is passed over instead of refused: PostgreSQL's own log would write the key of a refused row, with
    the time, and a mark with a time is what nobody may find.
    """
    table = SpentInvitation.__table__
    if not isinstance(table, Table):
        raise TypeError("spent_invitation is no table")
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(round_slug=round_slug, nullifier=nullifier, nonce_tag=nonce_tag)
    done = session.execute(statement.on_conflict_do_nothing(), execution_options={"preserve_rowcount": True})
    if not isinstance(done, CursorResult):
        raise TypeError("an insertion has no count of rows")
    return done.rowcount == 1
