"""The restore drill on both engines: a machine is lost while a round is open; how much is gone, how long does it take?

    make drill                                             # or, with other numbers:
    PYTHONPATH=.:tests .venv/bin/python -m benchmarks.durability.drill --ballots 20000 --seconds 80 --every 30 --write

An instance holds a published round and an open one with many ballots, and citizens go on answering. A backup is made
every so many seconds. Then the server is killed and its databases and folders are deleted; what is left are the last
backup and the copy of the keys that every operator has in another place. From them an instance is made anew: restored
and proved by `hailong database restore --verify`, served, halted, reconciled by a named decision, and answered again by
the citizens whose answers went with the machine. In the end the round is sealed, and its counts have to add up.
"""

import argparse
import datetime as dt
import os
import platform
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.archive import read_archive
from benchmarks.durability.citizens import Browser, Habits, send_all
from benchmarks.durability.clusters import Cluster
from benchmarks.durability.lost_machines import ROOT, LostMachine, hailong, index_hash, work_until_lost
from benchmarks.durability.rounds import ENGINES, SLUG, UNITS, EngineName, Submission, markers_in
from benchmarks.durability.servers import Server
from support.citizens import Asked
from support.stores import settings_in
from survey.rounds import close_round
from survey.sealing import SealedRound, seal_round
from survey.settings import Settings
from survey.storage.stores import open_stores
from survey.vault import KeyVault, read_passphrase

PAGE = ROOT / "docs" / "benchmarks" / "drill.md"
RTO_BAR_S, RPO_BAR_S = 15 * 60, 60


@dataclass(frozen=True, slots=True)
class Drill:
    """What one drill found."""

    engine: EngineName
    n_ballots: int
    backup_s: float
    backup_mb: float
    lost_s: float
    rpo_s: float
    n_acknowledged: int
    n_lost: int
    restore_s: float
    rto_s: float
    is_index_equal: bool
    counts: str
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the bars of the criterion are kept."""
        return self.is_index_equal and not self.faults and self.rto_s <= RTO_BAR_S and self.rpo_s <= RPO_BAR_S


def drill(engine: EngineName, *, n_ballots: int, rate: float, every: float, seconds: float, seed: int) -> Drill:
    """One machine lost and made anew."""
    home = Path(tempfile.mkdtemp(prefix="hailong-drill"))
    try:
        lost = work_until_lost(engine, home, n_ballots=n_ballots, rate=rate, every=every, seconds=seconds, seed=seed)
        return recover(lost, home, n_ballots, every)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def recover(lost: LostMachine, home: Path, n_ballots: int, every: float) -> Drill:
    """The last backup on a new machine, until citizens can answer again and the round is sealed."""
    begun = time.monotonic()
    settings, cluster = restored_settings(lost.engine, home / "second", lost.keys)
    server = Server(settings, home / "server-again.log")
    faults: list[str] = []
    try:
        said = hailong(server, "database", "restore", lost.last_backup.file, "--verify")
        restore_s = time.monotonic() - begun
        if "recomputed from the archive, every figure the same" not in said:
            faults.append("the last index was not recomputed")
        server.start()
        faults += let_go_on(server)
        stores = open_stores(settings)
        again = replace(lost.asked, settings=settings, stores=stores, vault=vault_of(settings))
        gone = gone_answers(lost, again, faults)
        rto_s = answer_again(server, gone, faults) - lost.lost_at
        server.stop()
        is_index_equal = index_hash(settings) == lost.index_hash
        sealed = seal_again(lost, again, faults)
        stores.close()
    finally:
        server.stop()
        if cluster is not None:
            cluster.remove()
    counts = sealed.counts
    return Drill(
        engine=lost.engine,
        n_ballots=n_ballots,
        backup_s=lost.slowest_backup_s,
        backup_mb=lost.last_backup.file.stat().st_size / 1e6,
        lost_s=lost.lost_at - lost.last_backup.begun,
        # A machine may be lost at the very end of a backup, and then the one before is the last.
        rpo_s=every + lost.slowest_backup_s,
        n_acknowledged=len(lost.acknowledged),
        n_lost=len(gone),
        restore_s=restore_s,
        rto_s=rto_s,
        is_index_equal=is_index_equal,
        counts=f"{counts.spent} = {counts.spooled} = {counts.sealed} + {sum(counts.rejected.values())}",
        faults=tuple(faults),
    )


def restored_settings(engine: EngineName, home: Path, keys: Path) -> tuple[Settings, Cluster | None]:
    """A new machine: an empty database server where there was one, and the keys from the other place."""
    cluster = Cluster() if engine == "postgresql" else None
    if cluster is not None:
        cluster.start()
    settings = replace(settings_in(home / "var", cluster.url if cluster else None), public_url=None)
    shutil.copytree(keys, settings.instance, dirs_exist_ok=True)
    return settings, cluster


def let_go_on(server: Server) -> list[str]:
    """The restored round goes on by a named decision; a fault when it was not halted before."""
    browser = Browser(server.port)
    browser.get(f"/r/{SLUG}/{UNITS[0]}?lang=en")
    is_halted = b'data-state="paused"' in browser.page
    browser.close()
    hailong(server, "round", "reconcile", SLUG, "--decision", "Diễn tập khôi phục", "--by", "Drill")
    return [] if is_halted else ["the restored round is not halted"]


def gone_answers(lost: LostMachine, again: Asked, faults: list[str]) -> list[Submission]:
    """The acknowledged answers that went with the machine, to be sent anew; none may be older than the backup."""
    stored, _ = markers_in(again, again.stores)
    gone = {marker for marker in lost.acknowledged if marker not in stored}
    if early := [marker for marker in gone if lost.acknowledged[marker] < lost.last_backup.begun]:
        faults.append(f"{len(early)} answers from before the backup are gone")
    return [replace(one, is_acknowledged=False) for one in lost.submissions if one.marker in gone]


def answer_again(server: Server, gone: Sequence[Submission], faults: list[str]) -> float:
    """Citizens whose answers were lost send them again; returns when the first of them was told that it arrived."""
    habits = Habits(patience_s=20)
    if gone:
        send_all(server.port, gone[:1], habits=habits, n_browsers=1)
        if not gone[0].is_acknowledged:
            faults.append("a citizen whose answer was lost cannot answer again")
    at_work = time.monotonic()
    send_all(server.port, gone[1:], habits=habits)
    return at_work


def seal_again(lost: LostMachine, again: Asked, faults: list[str]) -> SealedRound:
    """The restored round, sealed; its counts have to add up and its manifest to tell of the decision."""
    stored, _ = markers_in(again, again.stores)
    if missing := [marker for marker in lost.acknowledged if stored[marker] != 1]:
        faults.append(f"{len(missing)} answers are not there once after all was sent again")
    close_round(again.stores, SLUG)
    sealed = seal_round(again.stores, again.secrets, again.vault, again.settings, SLUG)
    counts = sealed.counts
    if counts.complaint or counts.forged or counts.missing or counts.unmarked:
        faults.append(f"the counts do not add up: {counts}")
    if [found.get("kind") for found in read_archive(sealed.path).contents.decisions] != ["reconciled"]:
        faults.append("the decision is not in the manifest")
    return sealed


def vault_of(settings: Settings) -> KeyVault:
    """The vault that the operator's copy of the keys gives back."""
    return KeyVault(settings.instance / "keys", read_passphrase(settings.passphrase_file), scrypt_cost=2**14)


def table(drills: Sequence[Drill], every: float) -> str:
    """The figures as a table of Markdown."""
    day = dt.datetime.now(dt.UTC).date().isoformat()
    columns = (
        "engine", "ballots", "slowest backup", "its size", "data lost; at worst (RPO)",
        "acknowledged in the drill; lost", "restored and proved", "back at work (RTO)", "index hash",
        "spent = spooled = sealed + rejected", "faults",
    )  # fmt: skip
    rows = [
        (
            one.engine, str(one.n_ballots), f"{one.backup_s:.1f} s", f"{one.backup_mb:.0f} MB",
            f"{one.lost_s:.0f} s; {one.rpo_s:.0f} s", f"{one.n_acknowledged}; {one.n_lost}",
            f"{one.restore_s:.1f} s", f"{one.rto_s:.1f} s", "equal" if one.is_index_equal else "DIFFERS", one.counts,
            "; ".join(one.faults) or "none",
        )
        for one in drills
    ]  # fmt: skip
    lines = [
        f"{day}, {os.cpu_count()} cores, Python {platform.python_version()}; a backup every {every:.0f} s.",
        "",
        *(f"| {' | '.join(cells)} |" for cells in (columns, ("---",) * len(columns), *rows)),
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ballots", type=int, default=20_000, help="ballots that the open round has before")
    parser.add_argument("--rate", type=float, default=5.0, help="answers a second during the drill")
    parser.add_argument("--every", type=float, default=30.0, help="seconds from one backup to the next")
    parser.add_argument("--seconds", type=float, default=65.0, help="how long citizens answer at least")
    parser.add_argument("--engine", choices=ENGINES, action="append", help="one engine alone")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    chosen = parser.parse_args()
    drills = []
    for engine in chosen.engine or ENGINES:
        print(f"{engine}: seed {chosen.seed}", file=sys.stderr)
        drills.append(
            drill(
                engine,
                n_ballots=chosen.ballots,
                rate=chosen.rate,
                every=chosen.every,
                seconds=chosen.seconds,
                seed=chosen.seed,
            )
        )
    figures = table(drills, chosen.every)
    print(figures)
    if chosen.write:
        text = PAGE.read_text(encoding="utf-8")
        head, _, rest = text.partition("<!-- figures -->\n")
        _, _, tail = rest.partition("<!-- end -->")
        PAGE.write_text(f"{head}<!-- figures -->\n{figures}\n<!-- end -->{tail}", encoding="utf-8")
    sys.exit(0 if all(one.holds for one in drills) else 1)


if __name__ == "__main__":
    main()
