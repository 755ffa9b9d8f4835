"""Whether a round is still as it was when it was read: one short look instead of reading it again."""

from sqlalchemy import bindparam, select

from survey.errors import NotFound
from survey.storage.office import Round
from survey.storage.sessions import looking
from survey.storage.stores import Stores

# Whatever a step of a round's life changes, and no more: the look is taken for every page.
_NAMES = ("state", "is_halted", "opens_on", "closes_on", "key_fingerprint", "archive_hash", "open_link_cap")
_ROUND = Round.__table__.c
_LOOK = select(*(_ROUND[name] for name in _NAMES)).where(_ROUND.slug == bindparam("slug"))

Likeness = tuple[object, ...]


def likeness_of(stores: Stores, slug: str) -> Likeness:
    """What steps change in a round: equal to an earlier likeness as long as none was taken.

    Raises NotFound when there is no such round.
    """
    with looking(stores.office) as connection:
        row = connection.execute(_LOOK, {"slug": slug}).one_or_none()
    if row is None:
        raise NotFound(f"found no round {slug[:60]!r}, expected one that `hailong round status` knows")
    return tuple(row)
