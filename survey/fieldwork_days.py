"""How often questions were opened and answers came in, by unit and day: counts in memory, written down now and then.

What a citizen does is never written down when they do it: the counts of ten minutes go to the store together, so that
neither its rows nor its log tell when somebody came. A server that is killed loses the counts of those minutes, and
nothing else: how many answered is counted from the ballots' own marks.
"""

import datetime as dt
import logging
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.util import Finalize
from typing import Any, Literal

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from survey.storage.fieldwork import FieldworkDay
from survey.storage.sessions import looking, writing
from survey.storage.stores import Stores

WRITTEN_EVERY_SECONDS = 600.0

What = Literal["opened", "received"]
_KINDS: tuple[What, ...] = ("opened", "received")
_Key = tuple[str, str, dt.date]


@dataclass(frozen=True, slots=True)
class DayCounts:
    """A unit's day: how often its questions were opened, and how many answers came in."""

    opened: int = 0
    received: int = 0


class DayBook:
    """The counts of one process that are not written down yet."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._lock = threading.Lock()
        self._counts: dict[_Key, Counter[What]] = {}
        self._timer: threading.Timer | None = None
        self._end: Finalize | None = None

    def count(self, slug: str, unit: str, day: dt.date, what: What) -> None:
        """One more; the unit is empty in a round whose ballots rate several."""
        with self._lock:
            self._counts.setdefault((slug, unit, day), Counter())[what] += 1
            if self._timer is None:
                self._start_timer()

    def write(self) -> None:
        """Write down what was counted; where the store is silent it is kept for the next time."""
        with self._lock:
            counts, self._counts = self._counts, {}
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        if not counts:
            return
        try:
            self._add(counts)
        except SQLAlchemyError as failure:
            logging.getLogger(__name__).error("The counts of the day are kept back: %s", type(failure).__name__)
            with self._lock:
                for key, own in counts.items():
                    self._counts.setdefault(key, Counter()).update(own)
                if self._timer is None:
                    self._start_timer()

    def _write_at_the_end(self) -> None:
        with suppress(SQLAlchemyError):
            self._add(self._counts)

    def _start_timer(self) -> None:
        self._timer = threading.Timer(WRITTEN_EVERY_SECONDS, self.write)
        self._timer.daemon = True
        self._timer.start()
        if self._end is None:
            # A worker that is told to stop writes down what it has.
            self._end = Finalize(None, self._write_at_the_end, exitpriority=1)

    def _add(self, counts: Mapping[_Key, Counter[What]]) -> None:
        table: Any = FieldworkDay.__table__
        with writing(self._stores.office) as session:
            dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
            # In one order, so that two processes that write at once never wait for each other in turn.
            for (slug, unit, day), own in sorted(counts.items()):
                row: dict[str, object] = {"round_slug": slug, "unit_code": unit, "day": day}
                row |= {kind: own[kind] for kind in _KINDS}
                added = dialect.insert(table).values(**row)
                more = {kind: table.c[kind] + added.excluded[kind] for kind in _KINDS}
                key = ["round_slug", "unit_code", "day"]
                session.execute(added.on_conflict_do_update(index_elements=key, set_=more))


def days_of(stores: Stores, slug: str) -> dict[str, dict[dt.date, DayCounts]]:
    """What was written down of a round, by unit and day."""
    found: dict[str, dict[dt.date, DayCounts]] = {}
    # Columns and not objects: a round of 225 units has thousands of rows, and every look at the monitor reads them.
    with looking(stores.office) as connection:
        for unit, day, opened, received in connection.execute(_DAYS, {"slug": slug}):
            found.setdefault(unit, {})[day] = DayCounts(opened, received)
    return found


def day_sums_of(stores: Stores, slug: str) -> tuple[int, int, int]:
    """How many days of units were written down, and the sums of their counts: they grow whenever a count does."""
    with looking(stores.office) as connection:
        n_rows, opened, received = connection.execute(_SUMS, {"slug": slug}).one()
    return n_rows, int(opened or 0), int(received or 0)


_DAY = FieldworkDay.__table__.c
_SUMS = select(func.count(), func.sum(_DAY.opened), func.sum(_DAY.received)).where(_DAY.round_slug == bindparam("slug"))
_DAYS = (
    select(_DAY.unit_code, _DAY.day, _DAY.opened, _DAY.received)
    .where(_DAY.round_slug == bindparam("slug"))
    .order_by(_DAY.day)
)
