"""A machine that is lost while a round is open, and what is left of it: the last backup and a copy of the keys."""

import hashlib
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert

from analysis.archive import read_archive
from analysis.release.computing import compute_edition
from analysis.release.edition_folder import write_edition
from benchmarks.durability.citizens import Browser
from benchmarks.durability.rounds import SLUG, UNITS, EngineName, Submission, Trial, trial
from benchmarks.durability.servers import Server
from questionnaires.answers import CheckedAnswers, check_answers
from support.citizens import Asked
from survey.ballots import Origin, padded_size_of, write_ballot
from survey.envelopes import seal_ballot
from survey.importing import ImportRequest, import_round
from survey.invitations import invitation_row
from survey.round_records import find_round, load_questionnaire_of
from survey.rounds import mark_published
from survey.services import today
from survey.settings import Settings
from survey.storage.frame import Invitation
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.sessions import writing

ROOT = Path(__file__).resolve().parents[2]
KANSAS_CITY = ROOT / "survey" / "demonstration" / "kansas_city"
PUBLISHED = "kansas"
# The answers that are there before the drill; the marker tells them from those that citizens send during it.
OLD = "từ trước"
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that was made: when it was begun, on the clock of the drill, and how long it took."""

    file: Path
    begun: float
    seconds: float


@dataclass(frozen=True, slots=True)
class LostMachine:
    """What is known of a machine when it is gone. Times are those of the drill's clock.

    `keys` is the folder with the operator's copy of the keys; `told_at` says when a citizen was told that the answer
    with this marker arrived; `index_hash` is that of the published edition.
    """

    engine: EngineName
    keys: Path
    asked: Asked
    submissions: Sequence[Submission]
    told_at: Mapping[str, float]
    taken: Sequence[Taken]
    lost_at: float
    index_hash: str

    @property
    def last_backup(self) -> Taken:
        return self.taken[-1]

    @property
    def slowest_backup_s(self) -> float:
        return max(one.seconds for one in self.taken)

    @property
    def acknowledged(self) -> dict[str, float]:
        """The answers of which a citizen was told while the machine was there, and when."""
        return {marker: at for marker, at in self.told_at.items() if at <= self.lost_at}


def work_until_lost(
    engine: EngineName, home: Path, *, n_ballots: int, rate: float, every: float, seconds: float, seed: int
) -> LostMachine:
    """A machine with a published round and an open one, on which citizens answer until it is lost."""
    safe = home / "safe"
    safe.mkdir()
    with trial(engine, home / "first") as attacked:
        asked = attacked.asked
        publish(asked)
        fill(asked, n_ballots)
        submissions = attacked.submissions(int(rate * (seconds + every)) + 20)
        keys = copy_of_keys(asked.settings, home / "keys")
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
    return LostMachine(engine, keys, asked, submissions, citizens.told_at, taken, lost_at, before)


def copy_of_keys(settings: Settings, folder: Path) -> Path:
    """The folder in another place with what every operator keeps there: secret key, passphrase and keys."""
    folder.mkdir()
    for name in ("secret.key", "passphrase"):
        shutil.copy2(settings.instance / name, folder / name)
    shutil.copytree(settings.instance / "keys", folder / "keys")
    return folder


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
