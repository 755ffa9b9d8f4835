"""Whether a round is still as it was when it was read: one short look instead of reading it again."""

from sqlalchemy import bindparam, select

from survey.errors import NotFound
from survey.storage.office import Round
from survey.storage.sessions import looking
from survey.storage.stores import Stores

# The two long texts never change, and may be hundreds of kilobytes.
_LONG = ("design_yaml", "plan_yaml")
_COLUMNS = [column for column in Round.__table__.columns if column.name not in _LONG]
_LOOK = select(*_COLUMNS).where(Round.__table__.c.slug == bindparam("slug"))

Likeness = tuple[object, ...]


def likeness_of(stores: Stores, slug: str) -> Likeness:
    """The round's row without its long texts: equal to an earlier one as long as no step of its life was taken.

    Raises NotFound when there is no such round.
    """
    with looking(stores.office) as connection:
        row = connection.execute(_LOOK, {"slug": slug}).one_or_none()
    if row is None:
        raise NotFound(f"found no round {slug[:60]!r}, expected one that `hailong round status` knows")
    return tuple(row)
