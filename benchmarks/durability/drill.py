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
import hashlib
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import insert

from analysis.archive import read_archive
from analysis.release.computing import compute_edition
from analysis.release.edition import write_edition
from benchmarks.durability.citizens import Browser, Habits, send_all
from benchmarks.durability.clusters import Cluster
from benchmarks.durability.rounds import ENGINES, SLUG, UNITS, EngineName, Submission, Trial, markers_in, trial
from benchmarks.durability.servers import Server
from questionnaires.answers import CheckedAnswers, check_answers
from support.citizens import Asked
from support.stores import settings_in
from survey.ballots import Origin, padded_size_of, write_ballot
from survey.envelopes import seal_ballot
from survey.importing import ImportRequest, import_round
from survey.invitations import invitation_row
from survey.round_records import find_round, load_questionnaire_of
from survey.rounds import close_round, mark_published
from survey.sealing import seal_round
from survey.services import today
from survey.settings import Settings
from survey.storage.frame import Invitation
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.sessions import writing
from survey.storage.stores import open_stores
from survey.vault import KeyVault, read_passphrase

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks" / "drill.md"
KANSAS_CITY = ROOT / "survey" / "demonstration" / "kansas_city"
PUBLISHED = "kansas"
# The answers that are there before the drill; the marker tells them from those that citizens send during it.
OLD = "từ trước"
BATCH = 1_000
RTO_BAR_S, RPO_BAR_S = 15 * 60, 60


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that was made: when it was begun, on the clock of the drill, and how long it took."""

    file: Path
    begun: float
    seconds: float


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


def fill(asked: Asked, n: int) -> None:
    """As many ballots in the open round as if n people had answered before the drill."""
    record = find_round(asked.stores, SLUG)
    questionnaire = load_questionnaire_of(asked.stores, record)
    checked = check_answers(questionnaire, {"overall": ["5"], "main": [OLD]})
    assert isinstance(checked, CheckedAnswers), checked
    assert record.ballot_public_key is not None
    size = padded_size_of(questionnaire)
    for start in range(0, n, BATCH):
        invitations, ballots = [], []
        for number in range(start, min(start + BATCH, n)):
            origin = Origin(UNITS[number % len(UNITS)], channel="slip")
            invitations.append(invitation_row(asked.secrets, SLUG, origin, os.urandom(16), os.urandom(8)))
            plaintext = write_ballot(SLUG, origin, checked.values)
            envelope = seal_ballot(record.ballot_public_key, SLUG, record.questionnaire_hash, plaintext, size)
            ballot_id = os.urandom(16)
            tag = asked.secrets.ballot_tag(SLUG, ballot_id, envelope)
            ballots.append({"id": ballot_id, "round_slug": SLUG, "envelope": envelope, "tag": tag})
        marks = [
            {
                "round_slug": SLUG,
                "nullifier": asked.secrets.nullifier(SLUG, bytes(row["id"])),  # type: ignore[arg-type]
                "nonce_tag": os.urandom(32),
            }
            for row in invitations
        ]
        with writing(asked.stores.frame) as session:
            session.execute(insert(Invitation.__table__), invitations)  # type: ignore[arg-type]
        with writing(asked.stores.intake) as session:
            session.execute(insert(SpentInvitation.__table__), marks)  # type: ignore[arg-type]
            session.execute(insert(Ballot.__table__), ballots)  # type: ignore[arg-type]


def publish(asked: Asked) -> None:
    """A round that is published, so that there is an index to compute again."""
    day, settings = today(), asked.settings
    request = ImportRequest(
        slug=PUBLISHED,
        questionnaire="kansas_city/2021.1",
        answers=KANSAS_CITY / "answers.csv",
        design=KANSAS_CITY / "design.yaml",
        plan=KANSAS_CITY / "plan.yaml",
    )
    import_round(asked.stores, asked.vault, settings, request, day)
    archive = read_archive(settings.instance / "archives" / PUBLISHED)
    edition = compute_edition(archive, published_on=day, public_url=None)
    folder = settings.instance / "editions" / PUBLISHED / "1"
    write_edition(edition, folder, {}, asked.vault.signer())
    manifest_hash = hashlib.sha256((folder / "edition.json").read_bytes()).hexdigest()
    mark_published(asked.stores, PUBLISHED, number=1, manifest_hash=manifest_hash, published_on=day)


def index_hash(settings: Settings) -> str:
    """The SHA-256 of every file of the published edition, the estimates among them."""
    digest = hashlib.sha256()
    folder = settings.instance / "editions" / PUBLISHED / "1"
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def hailong(server: Server, *arguments: object) -> str:
    """What a command of an operator says; RuntimeError when it fails."""
    command = [sys.executable, "-m", "survey", *map(str, arguments)]
    done = subprocess.run(
        command, env=dict(server.environment()), cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[2:])} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


class Citizens:
    """Citizens who answer one after another, evenly in time, until the machine is lost."""

    def __init__(self, port: int, submissions: Sequence[Submission], rate: float) -> None:
        self._port, self._submissions, self._rate = port, submissions, rate
        self._ended = threading.Event()
        self.told_at: dict[str, float] = {}
        self._thread = threading.Thread(target=self._answer)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _answer(self) -> None:
        browser = Browser(self._port)
        for submission in self._submissions:
            if self._ended.wait(1 / self._rate):
                break
            browser.send(submission)
            if submission.is_acknowledged:
                self.told_at[submission.marker] = time.monotonic()
        browser.close()


def lose(attacked: Trial, server: Server) -> None:
    """The server's machine is gone: processes, databases, archives, editions."""
    server.kill_for_good()
    attacked.asked.stores.close()
    if attacked.cluster is not None:
        attacked.cluster.remove()
    shutil.rmtree(attacked.settings.instance)


def backups(server: Server, folder: Path, *, every: float, seconds: float) -> list[Taken]:
    """Backups made one after another while the drill lasts."""
    taken: list[Taken] = []
    end = time.monotonic() + seconds
    while True:
        begun = time.monotonic()
        file = folder / f"backup-{len(taken)}.hailong"
        hailong(server, "database", "backup", file)
        taken.append(Taken(file, begun, time.monotonic() - begun))
        pause = begun + every - time.monotonic()
        if time.monotonic() + max(pause, 0) >= end:
            time.sleep(max(0.0, end - time.monotonic()))
            return taken
        time.sleep(max(pause, 0.0))


def restored_settings(engine: EngineName, home: Path, keys: Path) -> tuple[Settings, Cluster | None]:
    """A new machine: an empty database server where there was one, and the keys from the other place."""
    cluster = Cluster() if engine == "postgresql" else None
    if cluster is not None:
        cluster.start()
    settings = replace(settings_in(home / "var", cluster.url if cluster else None), public_url=None)
    shutil.copytree(keys, settings.instance, dirs_exist_ok=True)
    return settings, cluster


def drill(engine: EngineName, *, n_ballots: int, rate: float, every: float, seconds: float, seed: int) -> Drill:
    """One machine lost and made anew."""
    home = Path(tempfile.mkdtemp(prefix="hailong-drill"))
    keys, safe = home / "keys", home / "safe"
    safe.mkdir()
    try:
        with trial(engine, home / "first") as attacked:
            asked = attacked.asked
            publish(asked)
            fill(asked, n_ballots)
            submissions = attacked.submissions(int(rate * (seconds + every)) + 20)
            keys.mkdir()
            for name in ("secret.key", "passphrase"):
                shutil.copy2(asked.settings.instance / name, keys / name)
            shutil.copytree(asked.settings.instance / "keys", keys / "keys")
            before = index_hash(asked.settings)
            server = Server(attacked.settings, home / "server.log")
            server.start()
            citizens = Citizens(server.port, submissions, rate)
            citizens.begin()
            chance = random.Random(seed)  # noqa: S311 - repeatable, and no secret
            taken = backups(server, safe, every=every, seconds=seconds + chance.uniform(0, every))
            lost_at = time.monotonic()
            lose(attacked, server)
            citizens.end()
        return recover(
            engine, home, keys, asked, submissions, citizens.told_at, taken, lost_at, before, n_ballots, every
        )
    finally:
        shutil.rmtree(home, ignore_errors=True)


def recover(
    engine: EngineName,
    home: Path,
    keys: Path,
    asked: Asked,
    submissions: Sequence[Submission],
    told_at: dict[str, float],
    taken: Sequence[Taken],
    lost_at: float,
    index_before: str,
    n_ballots: int,
    every: float,
) -> Drill:
    """The last backup on a new machine, until citizens can answer again."""
    last = taken[-1]
    begun = time.monotonic()
    settings, cluster = restored_settings(engine, home / "second", keys)
    server = Server(settings, home / "server-again.log")
    faults: list[str] = []
    try:
        said = hailong(server, "database", "restore", last.file, "--verify")
        restore_s = time.monotonic() - begun
        if "recomputed from the archive, every figure the same" not in said:
            faults.append("the last index was not recomputed")
        server.start()
        browser = Browser(server.port)
        browser.get(f"/r/{SLUG}/{UNITS[0]}?lang=en")
        if b'data-state="paused"' not in browser.page:
            faults.append("the restored round is not halted")
        browser.close()
        hailong(server, "round", "reconcile", SLUG, "--decision", "Diễn tập khôi phục", "--by", "Drill")
        stores = open_stores(settings)
        again = replace(asked, settings=settings, stores=stores, vault=vault_of(settings))
        stored, _ = markers_in(again, stores)
        acknowledged = {marker: at for marker, at in told_at.items() if at <= lost_at}
        gone = {marker for marker in acknowledged if marker not in stored}
        if early := [marker for marker in gone if acknowledged[marker] < last.begun]:
            faults.append(f"{len(early)} answers from before the backup are gone")
        anew = [replace(one, is_acknowledged=False) for one in submissions if one.marker in gone]
        habits = Habits(patience_s=20)
        if anew:
            send_all(server.port, anew[:1], habits=habits, n_browsers=1)
            if not anew[0].is_acknowledged:
                faults.append("a citizen whose answer was lost cannot answer again")
        rto_s = time.monotonic() - lost_at
        send_all(server.port, anew[1:], habits=habits)
        server.stop()
        is_index_equal = index_hash(settings) == index_before
        stored, _ = markers_in(again, stores)
        if missing := [marker for marker in acknowledged if stored[marker] != 1]:
            faults.append(f"{len(missing)} answers are not there once after all was sent again")
        close_round(stores, SLUG)
        sealed = seal_round(stores, again.secrets, again.vault, settings, SLUG)
        counts = sealed.counts
        if counts.complaint or counts.forged or counts.missing or counts.unmarked:
            faults.append(f"the counts do not add up: {counts}")
        if [found.get("kind") for found in read_archive(sealed.path).contents.decisions] != ["reconciled"]:
            faults.append("the decision is not in the manifest")
        stores.close()
        return Drill(
            engine=engine,
            n_ballots=n_ballots,
            backup_s=max(one.seconds for one in taken),
            backup_mb=last.file.stat().st_size / 1e6,
            lost_s=lost_at - last.begun,
            # A machine may be lost at the very end of a backup, and then the one before is the last.
            rpo_s=every + max(one.seconds for one in taken),
            n_acknowledged=len(acknowledged),
            n_lost=len(gone),
            restore_s=restore_s,
            rto_s=rto_s,
            is_index_equal=is_index_equal,
            counts=f"{counts.spent} = {counts.spooled} = {counts.sealed} + {sum(counts.rejected.values())}",
            faults=tuple(faults),
        )
    finally:
        server.stop()
        if cluster is not None:
            cluster.remove()


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
