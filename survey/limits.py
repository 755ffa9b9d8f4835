"""Keyed counters that all processes of one server share: how often something happened lately, and never to whom.

They live in anonymous memory that is made before the workers are forked: no file, no name, gone with the server. What
is counted is found by an HMAC under a key that lives in the same memory alone. Each day has a key of its own; with a
new one the former key and every count are overwritten, so no count can be joined with a count of another day or with a
log, not even by somebody who is handed the memory afterwards.
"""

import fcntl
import hmac
import mmap
import os
import secrets as randomness
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# A window is counted in parts. A slot holds a key's tag, the part it was counted in last, the counts of that part and
# of the eight before it: the last seconds, whenever they began, lie within these nine.
_PARTS = 8
_SLOT = struct.Struct(f"<16sQ{_PARTS + 1}I4x")
_TAG_BYTES = 16
_SLOTS_A_SET = 8
_N_SETS = 8192
_SET_BYTES = _SLOTS_A_SET * _SLOT.size
# Before the slots: the day that the key belongs to, and the key.
_HEADER = struct.Struct("<Q32s")
_KEY_BYTES = 32
_DAY = 86_400
# Windows and days begin with the day of Viet Nam, where rounds and their readers are.
_OFFSET = 7 * 3600
_HEADER_LOCK = _N_SETS


class Counters:
    """Counts of what happened in sliding windows of time, by purpose and key, without the key itself.

    A count is kept for as long as it matters and forgotten at the end of the day in Viet Nam. Where more keys are
    counted at once than there is room for (65,536), those that were counted least are forgotten first.
    """

    __slots__ = ("_clock", "_lock", "_lock_file", "_memory")

    def __init__(self, *, lock_file: int | None = None, clock: Callable[[], float] = time.time) -> None:
        self._memory = mmap.mmap(-1, _HEADER.size + _N_SETS * _SET_BYTES)
        self._lock_file = lock_file
        self._lock = threading.Lock()
        self._clock = clock

    @classmethod
    def shared(cls) -> "Counters":
        """Counters that this process shares with those that it forks from now on."""
        # The kernel takes a record lock from a process that is killed; a semaphore would stay locked for ever.
        return cls(lock_file=os.memfd_create("hailong-limits"))

    @classmethod
    def private(cls, clock: Callable[[], float] = time.time) -> "Counters":
        """Counters of this process alone; `clock` tells the seconds since 1970."""
        return cls(clock=clock)

    def allow(self, purpose: str, key: bytes | str, limit: int, window_s: int) -> bool:
        """Whether it happened less than `limit` times in the last `window_s` seconds; it is counted then, else not.

        Within any so many seconds it is counted `limit` times at most. An eighth of the window more is looked back at:
        whoever goes on at the limit is refused a little early and never late.

        :param purpose: what is counted; the same key for another purpose is another count.
        :param key: whose count it is, empty where there is one for everybody.
        :param window_s: from one second to a day.
        """
        return self._look(purpose, key, limit, window_s, is_counted=True)

    def is_exhausted(self, purpose: str, key: bytes | str, limit: int, window_s: int) -> bool:
        """Whether `allow` would say no; nothing is counted."""
        return not self._look(purpose, key, limit, window_s, is_counted=False)

    def forget(self, purpose: str, key: bytes | str) -> None:
        """The count of this purpose and key starts again from nothing."""
        tag, place = self._place(purpose, key)
        with self._locked(place):
            for offset in self._offsets(place):
                if self._memory[offset : offset + _TAG_BYTES] == tag:
                    self._memory[offset : offset + _SLOT.size] = bytes(_SLOT.size)

    def _look(self, purpose: str, key: bytes | str, limit: int, window_s: int, *, is_counted: bool) -> bool:
        if not 1 <= window_s <= _DAY:
            raise ValueError(f"a window of {window_s} seconds is not from one second to a day")
        tag, place = self._place(purpose, key)
        part = int((self._clock() + _OFFSET) * _PARTS // window_s)
        with self._locked(place):
            offset = self._slot_of(tag, place)
            found, seen, *counts = _SLOT.unpack_from(self._memory, offset)
            n_passed = max(0, part - seen) if found == tag else len(counts)
            counts = [0] * min(n_passed, len(counts)) + counts[: max(0, len(counts) - n_passed)]
            if sum(counts) >= limit:
                return False
            if is_counted:
                _SLOT.pack_into(self._memory, offset, tag, part, counts[0] + 1, *counts[1:])
        return True

    def _slot_of(self, tag: bytes, place: int) -> int:
        """Where a tag is counted; where it is not yet, the place of the one that was counted least."""
        least, fewest = 0, 1 << 40
        for offset in self._offsets(place):
            found, _, *counts = _SLOT.unpack_from(self._memory, offset)
            if found == tag:
                return offset
            if sum(counts) < fewest:
                least, fewest = offset, sum(counts)
        return least

    def _offsets(self, place: int) -> range:
        start = _HEADER.size + place * _SET_BYTES
        return range(start, start + _SET_BYTES, _SLOT.size)

    def _place(self, purpose: str, key: bytes | str) -> tuple[bytes, int]:
        text = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key
        digest = hmac.digest(self._key_of_today(), purpose.encode() + b"\0" + text, "sha256")
        return digest[:_TAG_BYTES], int.from_bytes(digest[_TAG_BYTES : _TAG_BYTES + 4], "big") % _N_SETS

    def _key_of_today(self) -> bytes:
        today = int(self._clock() + _OFFSET) // _DAY
        with self._locked(_HEADER_LOCK):
            day, key = _HEADER.unpack_from(self._memory, 0)
            if day != today:
                key = randomness.token_bytes(_KEY_BYTES)
                self._memory[:] = bytes(len(self._memory))
                _HEADER.pack_into(self._memory, 0, today, key)
            return bytes(key)

    @contextmanager
    def _locked(self, place: int) -> Iterator[None]:
        """Alone with a set of slots, among the threads of this process and the processes of this server."""
        with self._lock:
            if self._lock_file is None:
                yield
                return
            fcntl.lockf(self._lock_file, fcntl.LOCK_EX, 1, place)
            try:
                yield
            finally:
                fcntl.lockf(self._lock_file, fcntl.LOCK_UN, 1, place)
