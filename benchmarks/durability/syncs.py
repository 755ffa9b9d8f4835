"""Criterion 6: before each acknowledgement the commit that it tells of was synced, by the record of the system calls.

SQLite: the thread that acknowledges has written the commit into the write-ahead log and synced that log afterwards,
between reading the request and answering it. PostgreSQL: the thread has been told "COMMIT" by its backend, and between
that backend's hearing of the commit and its reply the log was written and then synced, by it or by another process that
synced for several at once.
"""

import bisect
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.durability.traced import Acknowledgement
from benchmarks.durability.traces import Call

WRITES = frozenset({"write", "pwrite64", "writev", "pwritev", "pwritev2"})
SYNCS = frozenset({"fsync", "fdatasync"})
_SOCKET = re.compile(r"UNIX-STREAM:\[(\d+)->(\d+)")


@dataclass(frozen=True, slots=True)
class Synced:
    """How many acknowledgements there were, and the marks of those that no sync of their own came before."""

    n_acknowledged: int
    unsynced: tuple[str, ...]


def synced_in_sqlite(calls: Sequence[Call], told: Iterable[Acknowledgement], log: str) -> Synced:
    """Each acknowledgement held against the writes and syncs of `log`, the write-ahead log of the intake store."""
    by_thread: dict[int, list[Call]] = defaultdict(list)
    for call in calls:
        if call.target == log and call.name in WRITES | SYNCS:
            by_thread[call.pid].append(call)
    unsynced = []
    n_told = 0
    for one in told:
        n_told += 1
        own = [call for call in by_thread[one.told.pid] if one.asked.ended < call.began and call.ended < one.told.began]
        last_write = max((call.ended for call in own if call.name in WRITES), default=None)
        if last_write is None or not any(
            call.name in SYNCS and call.result == 0 and call.began > last_write for call in own
        ):
            unsynced.append(one.marker)
    return Synced(n_told, tuple(unsynced))


def synced_in_postgresql(calls: Sequence[Call], told: Iterable[Acknowledgement], folder: str) -> Synced:
    """Each acknowledgement held against the commits of its thread and the syncs of the log in `folder`."""
    flushes = _flushes(calls, folder)
    starts = [began for began, _ in flushes]
    heard: dict[tuple[str, str], list[Call]] = defaultdict(list)
    replied: dict[tuple[str, str], list[Call]] = defaultdict(list)
    asked: dict[int, list[tuple[tuple[str, str], Call]]] = defaultdict(list)
    for call in calls:
        socket = _SOCKET.search(call.target)
        if socket is None or call.result is None or call.result <= 0:
            continue
        ends = (socket.group(1), socket.group(2))
        content = b"".join(call.texts())
        is_commit = b"COMMIT\0" in content
        if call.name.startswith("send") and is_commit and content.startswith(b"C"):
            replied[ends].append(call)
        elif call.name.startswith("send") and is_commit:
            asked[call.pid].append((ends, call))
        elif call.name.startswith("recv") and is_commit and not content.startswith(b"C"):
            heard[ends].append(call)
    unsynced = []
    n_told = 0
    for one in told:
        n_told += 1
        commits = [
            (ends, call)
            for ends, call in asked[one.told.pid]
            if one.asked.ended < call.began and call.ended < one.told.began
        ]
        if not commits or not all(
            _was_flushed(ends, call, one, heard, replied, flushes, starts) for ends, call in commits
        ):
            unsynced.append(one.marker)
    return Synced(n_told, tuple(unsynced))


def _flushes(calls: Sequence[Call], folder: str) -> list[tuple[int, int]]:
    """For every sync of the log: the beginning of the last write that had ended before it, and its own end."""
    writes = [call for call in calls if call.name in WRITES and call.target.startswith(folder)]
    by_end = sorted((call.ended, call.began) for call in writes)
    ends = [ended for ended, _ in by_end]
    found = []
    for call in calls:
        if call.name in SYNCS and call.result == 0 and call.target.startswith(folder):
            position = bisect.bisect_left(ends, call.began)
            if position:
                found.append((by_end[position - 1][1], call.ended))
    return sorted(found)


def _was_flushed(
    ends: tuple[str, str],
    commit: Call,
    one: Acknowledgement,
    heard: dict[tuple[str, str], list[Call]],
    replied: dict[tuple[str, str], list[Call]],
    flushes: list[tuple[int, int]],
    starts: list[int],
) -> bool:
    # The backend's end of the connection has the two numbers the other way round.
    backend = (ends[1], ends[0])
    hearing = next((call for call in heard[backend] if call.ended > commit.began), None)
    reply = next((call for call in replied[backend] if call.began > commit.began), None)
    if hearing is None or reply is None or reply.began > one.told.began:
        return False
    first = bisect.bisect_right(starts, hearing.began)
    return any(ended < reply.began for _, ended in flushes[first:])
