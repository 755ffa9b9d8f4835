"""Whose sync was whose, where several sendings overlapped (criterion 6)."""

import pytest

from benchmarks.durability.syncs import synced_in_sqlite
from benchmarks.durability.traced import Acknowledgement
from benchmarks.durability.traces import Call

LOG = "intake.db-wal"


def call(name: str, pid: int, began: int, ended: int, target: str = LOG) -> Call:
    return Call(pid=pid, name=name, began=began, ended=ended, arguments=f"3<{target}>, ...", result=0)


def told(marker: str, asked: int, answered: int) -> Acknowledgement:
    client = "TCP:client"
    return Acknowledgement(
        marker, call("recvfrom", 9, asked, asked, client), call("sendto", 9, answered, answered, client)
    )


def test_a_long_commit_finds_its_answer_beside_a_short_one_that_ends_earlier():
    calls = [
        call("pwrite64", 1, 1, 2),
        call("pwrite64", 2, 5, 6),
        call("fdatasync", 2, 8, 9),
        call("fdatasync", 1, 3, 10),
    ]
    both = [told("long", 0, 20), told("short", 4, 30)]
    assert synced_in_sqlite(calls, both, LOG).unsynced == ()


@pytest.mark.parametrize("n_synced", [0, 1, 2])
def test_a_sync_serves_one_answer_alone(n_synced: int):
    calls = [one for pid in range(n_synced) for one in (call("pwrite64", pid, 5, 6), call("fdatasync", pid, 7, 8))]
    found = synced_in_sqlite(calls, [told("first", 0, 20), told("second", 1, 21)], LOG)
    assert (found.n_acknowledged, len(found.unsynced)) == (2, 2 - n_synced)
