"""Criterion 7: the power is cut at random moments, and what was not synced is lost in part or whole.

The real server answers under strace; from the record of its writes and syncs the disk is built again as it may be after
a cut at any moment. Then the database is opened as after a restart: it must be whole, and hold every answer that had
been acknowledged before that moment, once.
"""

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import text

from benchmarks.durability.citizens import send_all
from benchmarks.durability.disks import LOSSES, Disk, Loss
from benchmarks.durability.rounds import EngineName, Submission, Trial, Verdict, judge, trial
from benchmarks.durability.syncs import SYNCS, Synced, synced_in_postgresql, synced_in_sqlite
from benchmarks.durability.traced import Acknowledgement, acknowledgements, traced
from benchmarks.durability.traces import Call, read_calls
from support.postgres import own_to_account
from survey.storage.stores import Stores, open_engine, reading

N_BROWSERS = 4
_SQLITE_FILES = ("intake.db", "intake.db-wal")


@dataclass(frozen=True, slots=True)
class Cut:
    """What a cut at one moment left."""

    loss: Loss
    verdict: Verdict
    is_whole: bool

    @property
    def is_sound(self) -> bool:
        return self.is_whole and self.verdict.is_sound


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded run: the order of syncs and acknowledgements, and the power cuts that were tried on it.

    `control` is a last cut, tried on the record without its syncs: had the server not synced, answers would be lost.
    """

    engine: EngineName
    n_submissions: int
    synced: Synced
    cuts: tuple[Cut, ...]
    control: Cut


def record_and_cut(engine: EngineName, n_submissions: int, n_cuts: int, seed: int, workers: int = 2) -> Recorded:
    """So many submissions to a traced server, and so many power cuts at random moments among them."""
    with trial(engine) as attacked:
        submissions = attacked.submissions(n_submissions)
        record, before = attacked.folder / "record", attacked.folder / "before"
        folder = attacked.settings.instance
        if attacked.cluster is not None:
            attacked.asked.stores.close()
            attacked.cluster.stop()
            folder = attacked.cluster.data
        attacked.asked.stores.close()
        shutil.copytree(folder, before)
        with traced(attacked, record, workers=workers) as server:
            send_all(server.port, submissions, n_browsers=N_BROWSERS, seed=seed)
        if attacked.cluster is not None:
            attacked.cluster.stop()
        calls = list(read_calls(record))
        record.unlink()
        told = acknowledgements(calls)
        if attacked.cluster is None:
            synced = synced_in_sqlite(calls, told, str(folder / "intake.db-wal"))
        else:
            synced = synced_in_postgresql(calls, told, f"{folder}/pg_wal/")
        cuts = tuple(cuts_of(attacked, submissions, calls, told, n_cuts, seed, before))
        unsynced = [call for call in calls if call.name not in SYNCS]
        (control,) = cuts_of(attacked, submissions, unsynced, told, 1, seed, before, at_the_end=True)
        return Recorded(engine, n_submissions, synced, cuts, control)


def cuts_of(
    attacked: Trial,
    submissions: Sequence[Submission],
    calls: Sequence[Call],
    told: Sequence[Acknowledgement],
    n_cuts: int,
    seed: int,
    before: Path,
    *,
    at_the_end: bool = False,
) -> Iterator[Cut]:
    """So many power cuts at random moments of a record, or at its end, tried on the folder as it was before."""
    chance = random.Random(f"{attacked.engine} {seed}")  # noqa: S311 - repeatable, and no secret
    folder = attacked.cluster.data if attacked.cluster else attacked.settings.instance
    is_ignored = _ignored_in_sqlite if attacked.cluster is None else _ignored_in_postgresql
    disk = Disk(folder, before, is_ignored)
    # What was asked may have been done from its beginning on; a sync holds from its end on.
    timeline = sorted((call.ended if call.name in SYNCS else call.began, call.began, call) for call in calls)
    # Between the first request and the last acknowledgement; before and after there is nothing to lose.
    first, last = told[0].asked.began, told[-1].told.began
    moments = [last + 1] if at_the_end else sorted(chance.sample(range(first, last + 2), n_cuts))
    position = 0
    for number, moment in enumerate(moments):
        while timeline[position][0] < moment:
            disk.apply(timeline[position][2])
            position += 1
        loss = LOSSES[number % len(LOSSES)]
        acknowledged = {one.marker for one in told if one.told.began < moment}
        known = [replace(one, is_acknowledged=one.marker in acknowledged, n_attempts=1) for one in submissions]
        target = (attacked.cluster.home if attacked.cluster else attacked.folder) / "after"
        disk.after_cut(target, loss, chance)
        with _reopened(attacked, target) as (stores, is_whole):
            yield Cut(loss, judge(attacked.asked, stores, known), is_whole)
        shutil.rmtree(target)


@contextmanager
def _reopened(attacked: Trial, folder: Path) -> Iterator[tuple[Stores, bool]]:
    """The stores with the intake that lies in a folder, and whether the engine finds it whole."""
    if attacked.cluster is None:
        file = folder / "intake.db"
        with sqlite3.connect(file) as connection:
            found = connection.execute("PRAGMA integrity_check").fetchall()
        connection.close()
        intake = open_engine(f"sqlite:///{file}", "intake")
        try:
            yield replace(attacked.asked.stores, intake=intake), found == [("ok",)]
        finally:
            intake.dispose()
        return
    for place, _, names in os.walk(folder):
        for path in (Path(place), *(Path(place) / name for name in names)):
            own_to_account(path)
    attacked.asked.stores.close()
    attacked.cluster.start(folder)
    try:
        yield attacked.asked.stores, _is_whole_in_postgresql(attacked)
    finally:
        attacked.asked.stores.close()
        attacked.cluster.abandon()


def _is_whole_in_postgresql(attacked: Trial) -> bool:
    """Whether the indexes are in order and every row is in them; an error says what is not."""
    with reading(attacked.asked.stores.intake) as session:
        session.execute(text("CREATE EXTENSION IF NOT EXISTS amcheck"))
        indexes = ("intake.pk_ballot", "intake.pk_spent_invitation")
        for index in indexes:
            session.execute(text(f"SELECT bt_index_check('{index}'::regclass, true)"))
        session.rollback()
    return True


def _ignored_in_sqlite(name: str) -> bool:
    # The index of the log lies in shared memory and is made anew at the first opening.
    return name not in _SQLITE_FILES


def _ignored_in_postgresql(name: str) -> bool:
    # Of a machine that is gone: its server's process, and figures that a restart begins anew.
    return name.startswith(("postmaster.", "pg_stat_tmp/"))
