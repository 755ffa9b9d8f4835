"""The open link: answers without a code, a bounded number of them a unit and day, and never inside an index.

Each is given an invitation of its own under a code that follows from its proof: what is sent again is recognised by the
same means as any other ballot, and the round's accounts hold for these answers too.
"""

import base64
import datetime as dt
from collections.abc import Callable
from typing import Any, Literal

from sqlalchemy import CursorResult, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from analysis.accounting import OPEN_LINK
from survey.ballots import Origin
from survey.errors import StoreUnavailable
from survey.invitations import invitation_row
from survey.secrets import Secrets
from survey.storage.frame import Invitation
from survey.storage.office import OpenLinkDay
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

# Of a unit's answers of a day, the part that may come from people whose browser does no work: waiting costs a script
# less than working does.
SLOW_PART = 4

Way = Literal["worked", "waited"]

_QR_BYTES = 16


def slow_cap(cap: int) -> int:
    """How many of a unit's answers without a code may come on a day from senders who only waited."""
    return max(1, cap // SLOW_PART)


def admit(
    stores: Stores,
    secrets: Secrets,
    round_slug: str,
    unit_code: str,
    proof: bytes,
    way: Way,
    *,
    cap: int,
    today: dt.date,
    has_room: Callable[[], bool] = lambda: True,
) -> str | None:
    """The code of the invitation that a proof gives the right to; None when the unit has had its answers of the day.

    The same proof has the same code, whenever it comes and however often. `has_room` is asked about new ones first, and
    says no where somebody had their share. Raises StoreUnavailable when a store is down,
    full or read-only; sending again is then safe.
    """
    code = secrets.open_link_code(round_slug, unit_code, way, proof)
    row = invitation_row(secrets, round_slug, Origin(unit_code, channel=OPEN_LINK), code[:_QR_BYTES], code[_QR_BYTES:])
    try:
        if not _is_issued(stores, row["qr_tag"]):
            # The day's count comes first: what a crash leaves behind is one answer less, never one too many.
            if not has_room() or not _count(stores, round_slug, unit_code, way, cap, today):
                return None
            with writing(stores.frame) as session:
                _add(session, Invitation.__table__, row)
    except SQLAlchemyError:
        # The driver's own message may quote the row, so nothing of it goes along.
        raise StoreUnavailable("the answers could not be stored; nothing was acknowledged") from None
    return base64.urlsafe_b64encode(code[:_QR_BYTES]).decode().rstrip("=")


def _is_issued(stores: Stores, qr_tag: object) -> bool:
    with reading(stores.frame) as session:
        return session.scalar(select(Invitation.id).where(Invitation.qr_tag == qr_tag)) is not None


def _count(stores: Stores, round_slug: str, unit_code: str, way: Way, cap: int, today: dt.date) -> bool:
    """Whether the unit had room for one more today; it is counted then."""
    is_slow = way == "waited"
    of_unit = (OpenLinkDay.round_slug == round_slug, OpenLinkDay.unit_code == unit_code)
    has_room = [OpenLinkDay.admitted < cap, *([OpenLinkDay.admitted_slowly < slow_cap(cap)] if is_slow else [])]
    one_more = (
        update(OpenLinkDay)
        # A clock that was a day ahead for a moment must not open the day twice.
        .where(*of_unit, OpenLinkDay.day >= today, *has_room)
        .values(admitted=OpenLinkDay.admitted + 1, admitted_slowly=OpenLinkDay.admitted_slowly + int(is_slow))
    )
    with writing(stores.office) as session:
        new_day = {"round_slug": round_slug, "unit_code": unit_code, "day": today, "admitted": 0, "admitted_slowly": 0}
        if _rows(session, one_more) == 1:
            return True
        _add(session, OpenLinkDay.__table__, new_day)
        session.execute(
            update(OpenLinkDay)
            .where(*of_unit, OpenLinkDay.day < today)
            .values(day=today, admitted=0, admitted_slowly=0)
        )
        return _rows(session, one_more) == 1


def _rows(session: Session, statement: Any) -> int:
    done = session.execute(statement, execution_options={"synchronize_session": False})
    if not isinstance(done, CursorResult):
        raise TypeError("an update has no count of rows")
    return done.rowcount


def _add(session: Session, table: Any, row: dict[str, Any]) -> None:
    """Add a row unless it is there: PostgreSQL's own log would write the key of a refused one, with the time."""
    if not isinstance(table, Table):
        raise TypeError("a mapped class has no table")
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(table).values(**row).on_conflict_do_nothing())
