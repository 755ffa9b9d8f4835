"""The most memory that each command needs at a million responses: the child's ru_maxrss, in megabytes.

Run: PYTHONPATH=. python benchmarks/memory.py [RESPONSES [FEW MANY]]    default: 1000000, and 10000 and 50000 ballots

A million responses of practice people to sipas/2017.1 in 225 units become an archive, a table of answers and a table of
indices. Each command runs in a process of its own. Sealing, which takes long, is measured on
two smaller rounds, and the memory that a further thousand ballots need is what follows from them. Their ballots are put
into the stores in bulk, each sealed for itself; the answers in them repeat after a thousand.
"""

import csv
import datetime as dt
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from sqlalchemy import insert

from analysis.release.round_design import parse_design
from benchmarks.archives import practice_design, practice_responses, practice_units, write_archive_of
from questionnaires.answers import CheckedAnswers, check_answers
from survey.ballots import Origin, write_ballot
from survey.demonstration.practice_design import population_of
from survey.demonstration.practice_frame import Manners
from survey.demonstration.practice_people import draw_answers, form_of, issue_counts
from survey.envelopes import seal_ballot
from survey.intake import round_open_on
from survey.invitations import invitation_row
from survey.round_records import find_round, load_questionnaire_of
from survey.secrets import Secrets
from survey.settings import Settings
from survey.storage.frame import Invitation
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.sessions import writing
from survey.storage.stores import open_stores

REFERENCE, N_UNITS, SEED, LIMIT_MB = "sipas/2017.1", 225, 1, 1500
BATCH = 5_000
HAILONG = Path(sys.executable).with_name("hailong")
TODAY = dt.datetime.now(dt.timezone(dt.timedelta(hours=7))).date()
UNITS = practice_units(N_UNITS)
IMPORT = """\
import:
  columns: {unit: unit, psu: psu, channel: channel}
  ignore: [stratum]
"""
UNIT_COLUMNS = ("code", "name_vi", "name_en", "kind", "bloc", "parent_code", "valid_from", "valid_to", "population",
                "area_km2", "source")  # fmt: skip


def make_files(folder: Path, n: int) -> None:
    """An archive, a table of answers with its design, a table of indices with its question, and the registry."""
    table = practice_responses(REFERENCE, UNITS, n, SEED)
    pyarrow.csv.write_csv(table, folder / "answers.csv")
    (folder / "import.yaml").write_text(practice_design(UNITS) + IMPORT, encoding="utf-8")
    with (folder / "units.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(UNIT_COLUMNS)
        writer.writerows(
            (unit, f"Phường {unit}", f"{unit} Ward", "ward", "Khối thử", "", "2025-07-01", "", "", "", "thử")
            for unit in UNITS
        )
    write_archive_of(table, folder / "archive", REFERENCE, UNITS)
    write_indices(folder / "indices.parquet", n)
    question = {
        "kind": "svyby_svymean",
        "data": ["indices.parquet"],
        "design": {"ids": ["psu"], "strata": ["stratum"], "weights": "w", "nest": True, "lonely_psu": "fail"},
        "estimator": {"type": "svymean", "variables": [f"index{k}" for k in range(5)], "by": ["unit"], "na_rm": True},
    }
    (folder / "question.json").write_text(json.dumps(question), encoding="utf-8")


def write_indices(path: Path, n: int) -> None:
    """Five indices of n people in 40 strata, of whom about 60 live in a PSU and each dealt with one of 225 units."""
    draw = np.random.default_rng(SEED)
    stratum = np.sort(draw.integers(0, 40, n))
    psu = stratum * 100_000 + draw.integers(0, max(2, n // 40 // 60), n)
    unit = (psu * 7 + draw.integers(0, 12, n) * 19) % N_UNITS
    columns = {"stratum": stratum, "psu": psu, "unit": unit, "w": np.exp(draw.normal(3, 0.3, n))}
    for k in range(5):
        columns[f"index{k}"] = pa.array(
            np.clip(draw.normal(80, 15, n) + (unit % 17) / 2, 0, 100), mask=draw.random(n) < 0.02
        )
    pyarrow.parquet.write_table(pa.table(columns), path)


def peak(folder: Path, *arguments: str) -> tuple[float, float]:
    """Seconds and the most megabytes of one command, with the processes that it starts and waits for."""
    environment = {**os.environ, "HAILONG_INSTANCE": str(folder / "instance")}
    start = time.perf_counter()
    with (folder / "complaint.txt").open("w+", encoding="utf-8") as complaint:
        child = subprocess.Popen(
            [HAILONG, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=complaint
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        complaint.seek(0)
        if child.returncode:
            sys.exit(f"hailong {' '.join(arguments)}: exit {child.returncode}: {complaint.read()[-500:]}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def report(folder: Path, *arguments: str) -> float:
    took, megabytes = peak(folder, *arguments)
    over = "  OVER" if megabytes > LIMIT_MB else ""
    print(f"| `hailong {' '.join(arguments)}` | {took:.0f} | {megabytes:,.0f} |{over}", flush=True)
    return megabytes


def fill(folder: Path, slug: str, n: int) -> None:
    """As many used invitations and sealed ballots of an open round as if n people had answered it."""
    settings = Settings.from_environment({"HAILONG_INSTANCE": str(folder / "instance")})
    stores, secrets = open_stores(settings), Secrets(settings.secret_key)
    record = find_round(stores, slug)
    questionnaire = load_questionnaire_of(stores, record)
    opened = round_open_on(record, questionnaire, TODAY)
    units = record.unit_codes
    population, _ = population_of(questionnaire, units, parse_design(record.design_source, ""), SEED, Manners())
    answers = draw_answers(population, issue_counts(population, 1000), 1000)
    plaintexts = []
    for person in range(1000):
        checked = check_answers(questionnaire, form_of(questionnaire, answers.common, person))
        assert isinstance(checked, CheckedAnswers), checked
        origin = Origin(units[answers.unit[person]], channel="slip")
        plaintexts.append((origin.unit, write_ballot(slug, origin, checked.values)))
    # Sorted, so that tables which are ordered by random keys grow at their end.
    ballots = sorted(os.urandom(16) for _ in range(n))
    for start in range(0, n, BATCH):
        places = range(start, min(start + BATCH, n))
        with writing(stores.frame) as frame:
            invitations = sorted((
                invitation_row(secrets, slug, Origin(plaintexts[i % 1000][0], channel="slip"), os.urandom(16),
                               os.urandom(8))
                for i in places
            ), key=lambda row: row["id"])  # fmt: skip
            frame.execute(insert(Invitation.__table__), invitations)
        with writing(stores.intake) as intake:
            intake.execute(insert(SpentInvitation.__table__), [
                {"round_slug": slug, "nullifier": secrets.nullifier(slug, row["id"]), "nonce_tag": os.urandom(32)}
                for row in invitations
            ])  # fmt: skip
            intake.execute(insert(Ballot.__table__), [
                {"id": ballots[i], "round_slug": slug, "envelope": envelope,
                 "tag": secrets.ballot_tag(slug, ballots[i], envelope)}
                for i in places
                for envelope in [seal_ballot(
                    opened.ballot_public_key, slug, opened.questionnaire_hash, plaintexts[i % 1000][1],
                    opened.padded_size)]
            ])  # fmt: skip
    stores.close()


def seal(folder: Path, n: int) -> float:
    """The most megabytes of sealing a round of n practice people in 20 units."""
    slug = f"round-{n}"
    peak(
        folder, "round", "create", slug, "--questionnaire", REFERENCE, "--units", f"code={','.join(UNITS[:20])}",
        "--opens", TODAY.isoformat(), "--closes", (TODAY + dt.timedelta(days=9)).isoformat(),
    )  # fmt: skip
    peak(folder, "round", "open", slug)
    in_another_process(fill, folder, slug, n)
    peak(folder, "round", "close", slug)
    return report(folder, "round", "seal", slug)


def in_another_process(work: Callable[..., None], *arguments: object) -> None:
    """What needs much memory runs elsewhere: Linux counts what a parent had at its peak as its children's."""
    worker = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    worker.start()
    worker.join()
    if worker.exitcode:
        sys.exit(f"{work.__name__} failed")


def main(n: int = 1_000_000, few: int = 10_000, many: int = 50_000) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{n:,} responses, {N_UNITS} units\n| command | seconds | MB at most |\n|---|---:|---:|", flush=True)
        in_another_process(make_files, folder, n)
        report(folder, "estimate", "question.json", "--out", "answer.json")
        report(folder, "analyse", "archive", "--out", "figures")
        report(folder, "verify", "archive")
        report(folder, "scorecards", "archive", "--unit", UNITS[0], "--out", "scorecards")
        peak(folder, "database", "upgrade")
        peak(folder, "units", "import", "units.csv")
        report(
            folder, "round", "import", "imported", "--questionnaire", REFERENCE, "--answers", "answers.csv",
            "--design", "import.yaml",
        )  # fmt: skip
        slope = (seal(folder, many) - seal(folder, few)) / (many - few)
        print(f"sealing: {1000 * slope:.2f} MB for a further thousand ballots")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
