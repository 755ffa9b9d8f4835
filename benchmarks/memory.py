"""The most memory that each command needs at a million responses: the child's ru_maxrss, in megabytes.

Run: python benchmarks/memory.py [RESPONSES [SEALED …]]        default: 1000000 and 5000 20000

A million responses of practice people to sipas/2017.1 in 225 units become an archive, a table of answers and a table of
indices. Each command runs in a process of its own. Sealing is measured on rounds that were answered one by one, whose
ballots are as large on the disk as in life; its line gives the memory a further thousand ballots needs.
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
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from analysis.archive import ArchiveContents, ArchiveUnit, Counts, RoundFacts, write_archive
from analysis.coarsening import coarsen
from analysis.release.plan import Plan, plan_source
from analysis.release.round_design import parse_design
from analysis.signatures import PrivateKeySigner
from questionnaires.library import bundled_source, load_bundled
from questionnaires.model import Text
from survey.demonstration.practice_design import population_of
from survey.demonstration.practice_frame import Manners
from survey.demonstration.practice_people import draw_answers, issue_counts
from survey.demonstration.practice_table import responses_of

REFERENCE, N_UNITS, SEED, LIMIT_MB = "sipas/2017.1", 225, 1, 1500
HAILONG = Path(sys.executable).with_name("hailong")
TODAY = dt.datetime.now(dt.timezone(dt.timedelta(hours=7))).date()
UNITS = [f"U{number:03d}" for number in range(1, N_UNITS + 1)]
DESIGN = "design: 1\nstrata: [unit]\nclusters: [psu]\npopulation:\n" + "".join(f"  {unit}: 90000\n" for unit in UNITS)
IMPORT = """\
import:
  columns: {unit: unit, psu: psu, channel: channel}
  ignore: [stratum]
"""
UNIT_COLUMNS = ("code", "name_vi", "name_en", "kind", "bloc", "parent_code", "valid_from", "valid_to", "population",
                "area_km2", "source")  # fmt: skip


def make_files(folder: Path, n: int) -> None:
    """An archive, a table of answers with its design, a table of indices with its question, and the registry."""
    questionnaire = load_bundled(REFERENCE)
    design = parse_design(DESIGN.encode(), "design.yaml")
    population, _ = population_of(questionnaire, UNITS, design, SEED, Manners())
    table = responses_of(population, draw_answers(population, issue_counts(population, n), n))
    pyarrow.csv.write_csv(table, folder / "answers.csv")
    (folder / "import.yaml").write_text(DESIGN + IMPORT, encoding="utf-8")
    with (folder / "units.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(UNIT_COLUMNS)
        writer.writerows(
            (unit, f"Phường {unit}", f"{unit} Ward", "ward", "Khối thử", "", "2025-07-01", "", "", "", "thử")
            for unit in UNITS
        )
    plan = Plan(profile=questionnaire.default_profile)
    coarsened = coarsen(table, k=plan.coarsening_k, steps=plan.coarsening_steps)
    sealed = coarsened.table.num_rows
    facts = RoundFacts(
        slug="million", title=Text("Thử", "Trial"), opens_on=TODAY, closes_on=TODAY, issuer=Text("Thử", "Trial"),
        decision="", hotline="", collected="simulated",
    )  # fmt: skip
    contents = ArchiveContents(
        facts=facts,
        questionnaire_source=bundled_source(REFERENCE),
        plan_source=plan_source(plan),
        design_source=DESIGN.encode(),
        units=tuple(
            ArchiveUnit(unit, Text(f"Phường {unit}", f"{unit} Ward"), "ward", "khoi-thu", "Khối thử", None)
            for unit in UNITS
        ),
        responses=coarsened.table,
        comments=None,
        comment_count=0,
        counts=Counts(2 * n, n, n, sealed, {"cell_too_small": n - sealed} if n > sealed else {}),
        coarsening=coarsened.record,
        previous_manifest=None,
    )
    write_archive(contents, folder / "archive", PrivateKeySigner.from_seed(bytes(range(32))))
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


def seal(folder: Path, n: int) -> float:
    """The most megabytes of sealing a round of n practice people in 20 units."""
    slug = f"round-{n}"
    chosen = f"code={','.join(UNITS[:20])}"
    peak(
        folder, "round", "create", slug, "--questionnaire", REFERENCE, "--units", chosen,
        "--opens", TODAY.isoformat(), "--closes", (TODAY + dt.timedelta(days=9)).isoformat(),
    )  # fmt: skip
    peak(folder, "round", "open", slug)
    peak(folder, "demo", "simulate", slug, "--respondents", str(n), "--seed", "1")
    peak(folder, "round", "close", slug)
    return report(folder, "round", "seal", slug)


def main(n: int = 1_000_000, *sealed: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{n:,} responses, {N_UNITS} units\n| command | seconds | MB at most |\n|---|---:|---:|", flush=True)
        # In a process of its own: Linux counts what a parent had at its peak as its children's.
        making = multiprocessing.get_context("spawn").Process(target=make_files, args=(folder, n))
        making.start()
        making.join()
        if making.exitcode:
            sys.exit("the files were not made")
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
        few, many = sealed or (5_000, 20_000)
        slope = (seal(folder, many) - seal(folder, few)) / (many - few)
        print(f"sealing: {1000 * slope:.2f} MB for a further thousand ballots")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
