"""Criterion 6: before each acknowledgement a commit of its own was synced, by the record of the system calls.

A commit in SQLite is what one thread writes into the write-ahead log, up to the sync of that log by the same thread. In
PostgreSQL it is what a backend heard and its reply that this is committed, between which the log was written and then
synced, by that backend or by another process that synced for several at once. Each acknowledgement needs one that lies
wholly between the arrival of the form and the answer, and none serves two.
"""

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from benchmarks.durability.traced import Acknowledgement
from benchmarks.durability.traces import Call

WRITES = frozenset({"write", "pwrite64", "writev", "pwritev", "pwritev2"})
SYNCS = frozenset({"fsync", "fdatasync"})
# A backend's reply to what changed something, and its word that no transaction is open any more. A ballot and its mark
# come in one SELECT that answers with a row: nobody's form before this one, and true for stored.
_STORED = rb"D\0\0\0\x0f\0\x02\xff\xff\xff\xff\0\0\0\x01[t\x01]C\0\0\0\rSELECT 1"
_COMMITTED = re.compile(rb"(?:COMMIT|INSERT 0 1|%b)\0Z\0\0\0\x05I$" % _STORED)


@dataclass(frozen=True, slots=True)
class Synced:
    """How many acknowledgements there were, and the marks of those that no sync of their own came before."""

    n_acknowledged: int
    unsynced: tuple[str, ...]


def synced_in_sqlite(calls: Sequence[Call], told: Sequence[Acknowledgement], log: str) -> Synced:
    """Each acknowledgement held against the writes and syncs of `log`, the write-ahead log of the intake store."""
    begun: dict[int, int] = {}
    commits = []
    for call in calls:
        if call.target != log or call.result is None or call.result < 0:
            continue
        if call.name in WRITES:
            begun.setdefault(call.pid, call.began)
        elif call.name in SYNCS and call.pid in begun:
            commits.append((begun.pop(call.pid), call.ended))
    return _matched(told, commits)


def synced_in_postgresql(calls: Sequence[Call], told: Sequence[Acknowledgement], folder: str) -> Synced:
    """Each acknowledgement held against the commits that were asked for and the syncs of the log in `folder`."""
    flushes = _flushes(calls, folder)
    starts = [began for began, _ in flushes]
    heard: dict[str, Call] = {}
    commits = []
    for call in sorted(calls, key=lambda one: one.ended if one.name.startswith("recv") else one.began):
        if not call.target.startswith("UNIX-STREAM:") or not call.result or call.result < 0:
            continue
        if call.name.startswith("recv"):
            heard[call.target] = call
            continue
        hearing = heard.get(call.target)
        if hearing is None or not _COMMITTED.search(b"".join(call.texts())):
            continue
        later = flushes[bisect.bisect_right(starts, hearing.ended) :]
        if any(ended < call.began for _, ended in later):
            commits.append((hearing.ended, call.began))
    return _matched(told, commits)


def _matched(told: Sequence[Acknowledgement], commits: Sequence[tuple[int, int]]) -> Synced:
    """A commit for each acknowledgement, as many as there can be."""
    fits = np.array(
        [[one.asked.ended < began and ended < one.told.began for began, ended in commits] for one in told], dtype=bool
    ).reshape(len(told), len(commits))
    served = maximum_bipartite_matching(csr_matrix(fits), perm_type="column")
    return Synced(len(told), tuple(one.marker for one, commit in zip(told, served, strict=True) if commit < 0))


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
