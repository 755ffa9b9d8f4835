"""Exact counts of a round that is going on, quick however many invitations it has: what was counted is not forgotten.

The stores do not say which invitations were used: each one's mark has to be computed again. Here it is computed once,
and of a mark eight bytes are remembered with the place it belongs to. This is in memory alone, and holds no more than
who has the stores and the secret key finds anyway.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from survey.round_status import StatusCell
from survey.secrets import Secrets
from survey.storage.counting import SHORT_BYTES, invitations_by_place, invitations_of, short_marks_of
from survey.storage.stores import Stores

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Marks = npt.NDArray[np.uint64]
    Places = npt.NDArray[np.int64]

Place = tuple[str, str]
Made = TypeVar("Made")

# Rounds with fewer invitations are counted for every reader; larger ones are counted beside their readers.
LARGE = 20_000
# How long a reader of old counts waits for a count that is under way, and of what part of the time counting may take.
PATIENCE_SECONDS = 0.02
SHARE_OF_TIME = 0.1
# A count of a large round serves everybody who comes within this time.
FRESH_SECONDS = 2.0
OLD_SECONDS = 10.0
# Rounds that are remembered; of a million invitations each takes some 30 MB.
MOST_ROUNDS = 4
# What was made of the counts, such as the lines of a page, and is kept for whoever looks next.
MOST_MADE = 16


@dataclass(frozen=True, slots=True)
class FieldworkCounts:
    """Invitations issued and used by unit and channel, in order of both, as they were at a moment (UTC)."""

    cells: tuple[StatusCell, ...]
    counted_at: datetime


@dataclass(slots=True)
class _Known:
    """The invitations of a round as they were counted last: marks in order, and the place of each among `names`."""

    issued: dict[Place, int] = field(default_factory=dict)
    names: list[Place] = field(default_factory=list)
    marks: "Marks | None" = None
    places: "Places | None" = None


def count_places(stores: Stores, secrets: Secrets, slug: str, known: _Known) -> tuple[StatusCell, ...]:
    """The counts of a round now; `known` is brought up to date on the way."""
    import numpy as np

    issued = invitations_by_place(stores.frame, slug)
    if issued != known.issued or known.marks is None or known.places is None:
        _learn(stores, secrets, slug, known, issued)
    if known.marks is None or known.places is None:
        raise AssertionError("what was just learnt is not known")
    used = np.frombuffer(short_marks_of(stores.intake, slug), dtype=">u8").astype(np.uint64)
    spent = np.zeros(len(known.names), dtype=np.int64)
    if len(known.marks) and len(used):
        at = np.searchsorted(known.marks, used)
        at[at == len(known.marks)] = 0
        is_ours = known.marks[at] == used
        spent = np.bincount(known.places[at[is_ours]], minlength=len(known.names))
    by_place = {name: int(count) for name, count in zip(known.names, spent, strict=True)}
    return tuple(
        StatusCell(unit, channel, count, by_place[unit, channel]) for (unit, channel), count in sorted(issued.items())
    )


def _learn(stores: Stores, secrets: Secrets, slug: str, known: _Known, issued: dict[Place, int]) -> None:
    """Take in the invitations of the units that have others than before; those of all other units are left alone."""
    import numpy as np

    changed = {
        unit for unit, channel in issued.keys() | known.issued.keys()
        if issued.get((unit, channel)) != known.issued.get((unit, channel))
    }  # fmt: skip
    numbers = {name: number for number, name in enumerate(known.names)}
    marks, places = [], []
    for identifier, unit, channel in invitations_of(stores.frame, slug, changed):
        marks.append(int.from_bytes(secrets.nullifier(slug, identifier)[:SHORT_BYTES], "big"))
        places.append(numbers.setdefault((unit, channel), len(numbers)))
    # What was issued between the two looks is counted with the units it belongs to, so that no place has more answers
    # than invitations.
    found = Counter(places)
    names = list(numbers)
    for name in names:
        if name[0] in changed:
            issued[name] = found[numbers[name]]
    for name in [name for name, count in issued.items() if not count]:
        del issued[name]
    new_marks, new_places = np.array(marks, dtype=np.uint64), np.array(places, dtype=np.int64)
    if known.marks is not None and known.places is not None:
        is_changed = np.array([name[0] in changed for name in known.names], dtype=bool)
        stays = ~is_changed[known.places] if len(known.names) else np.zeros(0, dtype=bool)
        new_marks = np.concatenate([known.marks[stays], new_marks])
        new_places = np.concatenate([known.places[stays], new_places])
    order = np.argsort(new_marks)
    known.marks, known.places, known.names, known.issued = new_marks[order], new_places[order], names, dict(issued)


class _Watched:
    """One round: what is known of it, its last counts, and whether somebody is counting."""

    def __init__(self) -> None:
        self.known = _Known()
        self.lock = threading.Lock()
        self.last: FieldworkCounts | None = None
        self.ended = 0.0
        self.took = 0.0
        self.is_counting = False
        self.done = threading.Event()


class _Slot:
    """What was made last under a name, and of what."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.kept: tuple[object, Any] | None = None
        self.steady: object = None
        self.ended = 0.0


class FieldworkWatch:
    """The counts of the rounds of one instance, for many readers at once."""

    def __init__(self, stores: Stores, secrets: Secrets, clock: Callable[[], float] = time.monotonic) -> None:
        self._stores = stores
        self._secrets = secrets
        self._clock = clock
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}
        self._made: dict[str, _Slot] = {}

    def look(self, slug: str) -> FieldworkCounts:
        """The counts of a round: as they are, or in a large round as they were some seconds ago, which they say.

        Counting a large round goes on beside its readers, every two seconds while there are any, and takes a tenth of
        the time at most. Raises what the stores raise when the round was never counted or is small.
        """
        watched = self._find(slug)
        if watched.last is None or sum(watched.known.issued.values()) < LARGE:
            with watched.lock:
                return self._count(slug, watched)
        if not watched.is_counting and self._clock() >= watched.ended + max(
            FRESH_SECONDS, watched.took / SHARE_OF_TIME
        ):
            self._begin(slug, watched)
        # Counts of a moment ago are shown at once; who comes after a long time without readers waits for newer ones.
        if watched.is_counting and self._clock() >= watched.ended + OLD_SECONDS:
            watched.done.wait(PATIENCE_SECONDS)
        return watched.last

    def is_large(self, slug: str) -> bool:
        """Whether the counts that `look` gives of a round may be those of some seconds ago."""
        watched = self._watched.get(slug)
        return watched is not None and sum(watched.known.issued.values()) >= LARGE

    def once(self, name: str, basis: object, make: Callable[[], Made], *, steady: object = None) -> Made:
        """What is made of a basis: made once for all readers who come with an equal one. The last of a name is kept.

        Who comes while it is being made waits for it: several at once would each take as long as all of them together.
        With a `steady` part, which the basis has beside what moves all the time, it is made beside its readers: they
        are shown at once what was made of an equal steady part some seconds ago.
        """
        with self._lock:
            slot = self._made.pop(name, None)
            if slot is None:
                slot = _Slot()
            self._made[name] = slot
            while len(self._made) > MOST_MADE:
                del self._made[next(iter(self._made))]
        kept = slot.kept
        is_late = kept is not None and kept[0] != basis and self._clock() < slot.ended + OLD_SECONDS
        if steady is not None and kept is not None and is_late and slot.steady == steady:
            if not slot.lock.locked():
                threading.Thread(target=self._make_beside, args=(name, slot, basis, make), daemon=True).start()
            late: Made = kept[1]
            return late
        with slot.lock:
            if slot.kept is None or slot.kept[0] != basis:
                slot.kept, slot.steady, slot.ended = (basis, make()), steady, self._clock()
            made: Made = slot.kept[1]
        return made

    def _make_beside(self, name: str, slot: _Slot, basis: object, make: Callable[[], object]) -> None:
        # Another thread that has begun meanwhile makes it for all.
        if not slot.lock.acquire(blocking=False):
            return
        try:
            slot.kept, slot.ended = (basis, make()), self._clock()
        except Exception:
            # The next reader after a while makes it again, and hears what is wrong.
            logging.getLogger(__name__).exception("What is shown of %s could not be made", name)
        finally:
            slot.lock.release()

    def _find(self, slug: str) -> _Watched:
        with self._lock:
            watched = self._watched.pop(slug, None) or _Watched()
            self._watched[slug] = watched
            while len(self._watched) > MOST_ROUNDS:
                del self._watched[next(iter(self._watched))]
            return watched

    def _count(self, slug: str, watched: _Watched) -> FieldworkCounts:
        began, moment = self._clock(), datetime.now(UTC)
        try:
            counts = FieldworkCounts(count_places(self._stores, self._secrets, slug, watched.known), moment)
        finally:
            watched.ended = self._clock()
        watched.took, watched.last = watched.ended - began, counts
        return counts

    def _begin(self, slug: str, watched: _Watched) -> None:
        with self._lock:
            if watched.is_counting:
                return
            watched.is_counting = True
            watched.done.clear()
        threading.Thread(target=self._count_beside, args=(slug, watched), daemon=True).start()

    def _count_beside(self, slug: str, watched: _Watched) -> None:
        try:
            with watched.lock:
                self._count(slug, watched)
        except Exception as failure:
            # A store that is silent for a while leaves the counts as old as they say they are.
            logging.getLogger(__name__).error("The counts of %s are not new: %s", slug, type(failure).__name__)
        finally:
            watched.is_counting = False
            watched.done.set()
