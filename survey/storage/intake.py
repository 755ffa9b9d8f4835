"""The intake store: that a code was used, and sealed ballots. Nothing in it says which belongs to which."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    CursorResult,
    Engine,
    LargeBinary,
    MetaData,
    String,
    bindparam,
    exists,
    insert,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from survey.storage.office import NAMING
from survey.storage.sessions import looking, single_statements


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


def spent_by(engine: Engine, round_slug: str, nullifier: bytes) -> bytes | None:
    """The tag of the form that used an invitation; None while it is unused."""
    with looking(engine) as connection:
        return connection.execute(_LOOK, {"round_slug": round_slug, "nullifier": nullifier}).scalar_one_or_none()


@dataclass(frozen=True, slots=True)
class Spending:
    """What became of a sending at the intake store: whether it was stored, and whose form used the invitation."""

    is_stored: bool
    used_by: bytes | None


def spend(
    engine: Engine,
    round_slug: str,
    nullifier: bytes,
    nonce_tag: bytes,
    ballot_id: bytes,
    envelope: bytes,
    tag: bytes,
    *,
    may_store: bool,
) -> Spending:
    """An unused invitation is marked as used now and its ballot lies beside the mark, both committed to the disk.

    Nothing is stored when the invitation was used before or `may_store` is false. A second mark is passed over instead
    of refused: PostgreSQL's own log would write the key of a refused row, with the time, and a mark with a time is what
    nobody may find.
    """
    row = {
        "round_slug": round_slug,
        "nullifier": nullifier,
        "nonce_tag": nonce_tag,
        "id": ballot_id,
        "envelope": envelope,
        "tag": tag,
    }
    if engine.dialect.name == "postgresql":
        # One statement is one transaction: a single way to the database and back, whatever comes of it.
        with single_statements(engine).connect() as connection:
            used_by, is_stored = connection.execute(_SPEND, {**row, "may_store": may_store}).one()
    else:
        used_by, is_stored = spent_by(engine, round_slug, nullifier), False
        if used_by is None and may_store:
            with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
                is_stored = _rows_of(connection.execute(_MARK, row)) == 1
                if is_stored:
                    connection.execute(_BALLOT, row)
    if used_by is None and may_store and not is_stored:
        # Another sending of the same code was quicker, between our look and our insertion.
        used_by = spent_by(engine, round_slug, nullifier)
    return Spending(is_stored, nonce_tag if is_stored else used_by)


def _rows_of(done: CursorResult[Any]) -> int:
    return done.rowcount


_SPENT: Any = SpentInvitation.__table__
_BALLOTS: Any = Ballot.__table__
_KEPT = {"preserve_rowcount": True}
_MARKED = {name: bindparam(name, type_=_SPENT.c[name].type) for name in ("round_slug", "nullifier", "nonce_tag")}
_SEALED = {name: bindparam(name, type_=_BALLOTS.c[name].type) for name in ("id", "round_slug", "envelope", "tag")}
_LOOK = select(_SPENT.c.nonce_tag).where(
    _SPENT.c.round_slug == _MARKED["round_slug"], _SPENT.c.nullifier == _MARKED["nullifier"]
)
_MARK = sqlite.insert(_SPENT).values(**_MARKED).on_conflict_do_nothing().execution_options(**_KEPT)
_BALLOT = insert(_BALLOTS).values(**_SEALED)
_USED = _LOOK.cte("used")
_NEW_MARK = (
    postgresql.insert(_SPENT)
    .from_select(
        list(_MARKED), select(*_MARKED.values()).where(bindparam("may_store", type_=Boolean), ~exists(select(_USED)))
    )
    .on_conflict_do_nothing()
    .returning(literal_column("1").label("one"))
    .cte("mark")
)
_NEW_BALLOT = (
    insert(_BALLOTS).from_select(list(_SEALED), select(*_SEALED.values()).select_from(_NEW_MARK)).cte("sealed")
)
_SPEND = select(select(_USED.c.nonce_tag).scalar_subquery(), exists(select(_NEW_MARK))).add_cte(_NEW_BALLOT)
