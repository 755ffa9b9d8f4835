"""Counts and marks of whole rounds, read in as few looks as the stores allow.

A round may have a million invitations. Row by row they would keep the interpreter busy for a second; here the database
puts them together, and Python is handed one value.
"""

from collections.abc import Collection, Iterator

from sqlalchemy import Engine, func, select, text

from survey.storage.frame import Invitation
from survey.storage.sessions import looking, reading

# The first bytes of a mark are as random as all of it: among ten million marks two begin alike once in 370,000 rounds.
SHORT_BYTES = 8

_MARKS = {
    "sqlite": text(
        "SELECT group_concat(substr(hex(nullifier), 1, 16), '') FROM spent_invitation WHERE round_slug = :slug"
    ),
    "postgresql": text(
        "SELECT string_agg(substring(nullifier from 1 for 8), ''::bytea) FROM spent_invitation WHERE round_slug = :slug"
    ),
}
_BATCH = 10_000
# More units than these are not named in a query; the rows of the others are passed over.
_MOST_NAMED = 100


def short_marks_of(intake: Engine, slug: str) -> bytes:
    """The first eight bytes of the mark of every used invitation of a round, one after the other, in no order."""
    with looking(intake) as connection:
        found: str | bytes | None = connection.execute(_MARKS[intake.dialect.name], {"slug": slug}).scalar_one()
    return bytes.fromhex(found) if isinstance(found, str) else bytes(found or b"")


def invitations_by_place(frame: Engine, slug: str) -> dict[tuple[str, str], int]:
    """How many invitations of a round there are, by unit and channel."""
    query = (
        select(Invitation.unit_code, Invitation.channel, func.count())
        .where(Invitation.round_slug == slug)
        .group_by(Invitation.unit_code, Invitation.channel)
    )
    with reading(frame) as session:
        return {(unit, channel): count for unit, channel, count in session.execute(query)}


def invitations_of(frame: Engine, slug: str, units: Collection[str]) -> Iterator[tuple[bytes, str, str]]:
    """The identifier, unit and channel of every invitation of these units of a round."""
    query = select(Invitation.id, Invitation.unit_code, Invitation.channel).where(Invitation.round_slug == slug)
    wanted = frozenset(units)
    if len(wanted) <= _MOST_NAMED:
        query = query.where(Invitation.unit_code.in_(sorted(wanted)))
    with reading(frame) as session:
        for identifier, unit, channel in session.execute(query.execution_options(yield_per=_BATCH)):
            if unit in wanted:
                yield identifier, unit, channel
