"""Criterion 10: sealing is killed with `kill -9` at random moments, and the next one finishes the work.

A process that has everything loaded makes a child for each sealing, so that a kill falls into the work itself. After
each kill there is either no archive or a whole one; the ballots' key is destroyed only when there is a whole one; and
what the next sealing ends with holds the same rows as all others, in one archive.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.archive import read_archive
from analysis.release.verification import examine
from benchmarks.durability.rounds import SLUG, EngineName, Trial, trial
from benchmarks.durability.servers import ROOT
from support.stores import settings_in
from survey.invitations import CodeRequest
from survey.round_records import find_round
from survey.rounds import close_round
from survey.sealing import archive_path, seal_round
from survey.secrets import Secrets
from survey.settings import Settings
from survey.storage.stores import open_stores
from survey.vault import KeyVault, read_passphrase

CHANNELS = ("slip", "post")
# A step's name, a share of the time that an undisturbed sealing takes, or no kill at all.
Moment = str | float | None
STEPS = ("open", "coarsen", "write", "check", "destroy", "record")


@dataclass(frozen=True, slots=True)
class Sealings:
    """What the sealings ended with, and what the kills had left.

    `n_alike` counts the rounds whose rows in the end are those of the undisturbed sealing; `n_single` those that ended
    with one archive, the one that the office recorded, and nothing beside it. An archive that a kill left is whole; a
    torn one, or none where the ballots' key is gone, would be bad.
    """

    engine: EngineName
    n_kills: int
    n_alike: int
    n_single: int
    n_whole_when_killed: int
    n_bad_when_killed: int


def kill_sealings(engine: EngineName, n_ballots: int, n_kills: int, seed: int) -> Sealings:
    """So many copies of one closed round, each sealed by a process that is killed, and then by one that is not."""
    chance = random.Random(f"{engine} {seed}")  # noqa: S311 - repeatable, and no secret
    with trial(engine) as attacked:
        answer_by_two_channels(attacked, n_ballots)
        close_round(attacked.asked.stores, SLUG)
        attacked.asked.stores.close()
        moments: list[Moment] = [None, *STEPS[:n_kills], *(chance.random() for _ in range(n_kills - 6))]
        plan = [(str(copy.instance), copy.office_url, moment) for copy, moment in _copies(attacked, moments)]
        whole, *found = _seal_all(plan)
    return Sealings(
        engine,
        n_kills,
        n_alike=sum(one["rows"] == whole["rows"] and one["counts"] == whole["counts"] for one in found),
        n_single=sum(bool(one["is_single"]) for one in found),
        n_whole_when_killed=sum(one["when_killed"] == "whole" for one in found),
        n_bad_when_killed=sum(one["when_killed"] in ("torn", "lost") for one in found),
    )


def answer_by_two_channels(attacked: Trial, n_ballots: int) -> None:
    """Answers by two channels, some with a comment, so that coarsening and comments have something to do."""
    from questionnaires.answers import CheckedAnswers, check_answers
    from survey.intake import new_nonce, receive_ballot, round_open_on
    from survey.invitations import issue_invitations
    from survey.round_records import load_questionnaire_of
    from survey.services import today

    asked = attacked.asked
    record = find_round(asked.stores, SLUG)
    questionnaire = load_questionnaire_of(asked.stores, record)
    open_round = round_open_on(record, questionnaire, today())
    requests = [CodeRequest("phuong-a", n_ballots // 2, channel=channel) for channel in CHANNELS]
    for number, code in enumerate(issue_invitations(asked.stores, asked.secrets, SLUG, requests)):
        form = {"overall": [str(number % 5 + 1)], "paid": [str(number)], "main": [f"lời {number}"]}
        answers = check_answers(questionnaire, form)
        assert isinstance(answers, CheckedAnswers)
        receive_ballot(asked.stores, asked.secrets, open_round, code.unit, code.qr, new_nonce(), answers)


def _copies(attacked: Trial, moments: Sequence[Moment]) -> Iterator[tuple[Settings, Moment]]:
    """The closed round as often as it is sealed, each in an instance and a database of its own."""
    for number, moment in enumerate(moments):
        instance = attacked.folder / f"copy-{number}"
        shutil.copytree(attacked.settings.instance, instance)
        url = None
        if attacked.cluster is not None:
            attacked.cluster.execute(f"CREATE DATABASE copy_{number} TEMPLATE hailong")
            url = attacked.cluster.url.replace("/hailong?", f"/copy_{number}?")
        yield replace(settings_in(instance, url), public_url=None), moment


def _seal_all(plan: Sequence[tuple[str, str, Moment]]) -> list[dict[str, Any]]:
    """What became of each sealing, by a process of its own that loads everything once and then makes children."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.durability.sealings"],
        input=json.dumps(plan),
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main() -> None:
    """Kill a sealing at each moment of the plan, look at what is left, and let another one finish."""
    seconds = 0.0
    for instance, url, moment in json.load(sys.stdin):
        settings = replace(settings_in(Path(instance), None if url.startswith("sqlite") else url), public_url=None)
        start = time.monotonic()
        if moment is not None:
            sealer = _child(lambda settings=settings, moment=moment: _seal(settings, moment))
            if not isinstance(moment, str):
                time.sleep(moment * seconds)
                os.kill(sealer, signal.SIGKILL)
            os.waitpid(sealer, 0)
        report = Path(instance) / "report.json"
        _, status = os.waitpid(_child(lambda settings=settings, report=report: _finish(settings, report)), 0)
        if status:
            raise RuntimeError(f"the sealing after a kill at {moment} did not end well")
        # An undisturbed sealing comes first: its time is the span in which the others are killed.
        seconds = seconds or time.monotonic() - start
        sys.stdout.write(report.read_text() + "\n")


def _child(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _seal(settings: Settings, moment: Moment) -> Any:
    vault = KeyVault(settings.instance / "keys", read_passphrase(settings.passphrase_file), scrypt_cost=2**14)

    def die(step: str, done: int, total: int) -> None:
        if step == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    stores = open_stores(settings)
    return seal_round(stores, Secrets(settings.secret_key), vault, settings, SLUG, die)


def _finish(settings: Settings, report: Path) -> None:
    """What a kill left, and what the next sealing made of it."""
    path = archive_path(settings, SLUG)
    vault = KeyVault(settings.instance / "keys", None)
    when_killed = "none"
    if path.exists():
        when_killed = "whole" if not examine(path, None, None).findings else "torn"
    elif vault.is_destroyed(SLUG):
        when_killed = "lost"
    sealed = _seal(settings, None)
    archive = read_archive(path)
    rows = sorted(json.dumps(row, sort_keys=True, default=str) for row in archive.contents.responses.to_pylist())
    beside = sorted(entry.name for entry in path.parent.iterdir())
    is_recorded = find_round(open_stores(settings), SLUG).archive_hash == archive.manifest_sha256
    report.write_text(
        json.dumps(
            {
                "when_killed": when_killed,
                "rows": hashlib.sha256("\n".join(rows).encode()).hexdigest(),
                "counts": [sealed.counts.spent, sealed.counts.spooled, sealed.counts.sealed],
                "is_single": is_recorded and beside == [SLUG] and vault.is_destroyed(SLUG),
                "beside": beside,
            }
        )
    )


if __name__ == "__main__":
    main()
