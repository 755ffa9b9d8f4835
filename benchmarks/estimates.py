"""Estimates beside the other roads to them, in one run.

Run: PYTHONPATH=.:tests python benchmarks/estimates.py [--rows N] [--r] [--svy] [--large] [--spark] [--folder FOLDER]

Weighted means and linearised standard errors of five indices for each of 225 units (benchmarks/synthetic.py), from the
same Parquet file:

  GROUP BY       DuckDB's own, by hand, of the sums that the estimates need; it gives no estimate
  this package   from the file to means, standard errors, degrees of freedom and design effects
  estimate       the whole command, cold, with the JSON of 1,125 estimates and their covariance, and its memory
  NumPy, SQL     the same standard errors written by hand for this one question
  svy 0.35       with --svy: in an environment of its own that this script makes in a temporary folder
  R svyby        with --r: reading and the design excluded; a call for each index, so that each keeps its own rows

The first two take turns, the least of several counts, imports excluded. All standard errors must agree. Besides: rank
sets of 225 units from 2,000 draws, and `analyse` of 40,000 responses of 54 units. --large adds the table of 1, 5, 20
and 50 million rows; it wants 4 GB of disk. --spark adds 1 and 5 million on a standalone cluster of two workers.
"""

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow.csv
import pyarrow.parquet

from analysis.estimation.design import SurveyDesign
from analysis.estimation.findings import Findings, linear_findings
from analysis.estimation.linear import estimate_linear
from analysis.estimation.totals import Column
from benchmarks.synthetic import NAMES, STRATA, UNITS, write_sample

TURNS, LARGE = 5, (1_000_000, 5_000_000, 20_000_000, 50_000_000)
DESIGN = SurveyDesign(strata=("stratum",), clusters=("psu",), weight="w")
COLUMNS = [Column(name, None, "ratio", k) for k, name in enumerate(NAMES)]
SVY = "svy==0.35.0"


def this_package(path: Path) -> Findings:
    table = ibis.duckdb.connect().read_parquet(path)
    return linear_findings(estimate_linear(table, DESIGN, COLUMNS, ("agency",)))


def group_by(path: Path) -> Any:
    sums = ", ".join(
        f"count({i}) AS n_{i}, sum(w) FILTER ({i} IS NOT NULL) AS w_{i}, sum(w * {i}) AS t_{i}, "
        f"sum(w * {i} * {i}) AS s_{i}"
        for i in NAMES
    )
    query = f"SELECT stratum, psu, agency, count(*) AS n, sum(w) AS w, {sums} FROM read_parquet('{path}') GROUP BY ALL"  # noqa: S608
    return duckdb.connect().sql(query).to_arrow_table()


def with_numpy(path: Path) -> np.ndarray:
    table = pyarrow.parquet.read_table(path)
    unit, w = table["agency"].to_numpy() - 1, table["w"].to_numpy()
    _, first, psu = np.unique(table["psu"].to_numpy(), return_index=True, return_inverse=True)
    stratum = table["stratum"].to_numpy()[first]
    n_h = np.bincount(stratum)
    errors = []
    for name in NAMES:
        y = table[name].to_numpy()
        v = np.where(np.isnan(y), 0.0, w)
        y = np.nan_to_num(y)
        below = np.bincount(unit, v, minlength=UNITS)
        mean = np.bincount(unit, v * y, minlength=UNITS) / below
        cell, group = np.unique(psu * UNITS + unit, return_inverse=True)
        t = np.bincount(group, v * (y - mean[unit]) / below[unit])
        place = cell % UNITS * STRATA + stratum[cell // UNITS]
        sums, squares = (np.bincount(place, x, minlength=UNITS * STRATA).reshape(UNITS, STRATA) for x in (t, t * t))
        errors.append(np.sqrt(((squares - sums**2 / n_h) * n_h / (n_h - 1)).sum(axis=1)))
    return np.stack(errors, axis=1)


def with_sql(path: Path) -> np.ndarray:
    means = ", ".join(
        f"sum(w * {i}) / sum(w) FILTER ({i} IS NOT NULL) AS m_{i}, sum(w) FILTER ({i} IS NOT NULL) AS x_{i}"
        for i in NAMES
    )
    z = ", ".join(f"sum(w * ({i} - m_{i}) / x_{i}) AS z_{i}" for i in NAMES)
    sums = ", ".join(f"sum(z_{i} * z_{i}) AS a_{i}, sum(z_{i}) AS b_{i}" for i in NAMES)
    se = ", ".join(f"sqrt(sum((a_{i} - b_{i} * b_{i} / n) * n / (n - 1))) AS {i}" for i in NAMES)
    query = f"""
        WITH rows AS (SELECT * FROM read_parquet('{path}')),
        means AS (SELECT agency, {means} FROM rows GROUP BY agency),
        totals AS (SELECT stratum, psu, agency, {z} FROM rows JOIN means USING (agency) GROUP BY ALL),
        strata AS (SELECT stratum, count(DISTINCT psu) AS n FROM rows GROUP BY stratum),
        parts AS (SELECT stratum, agency, {sums} FROM totals GROUP BY stratum, agency)
        SELECT {se} FROM parts JOIN strata USING (stratum) GROUP BY agency ORDER BY agency
    """  # noqa: S608
    found = duckdb.connect().execute(query).fetchnumpy()
    return np.stack([found[name] for name in NAMES], axis=1)


def with_svy(path: Path, folder: Path) -> tuple[float, np.ndarray]:
    """Seconds and standard errors; the design is built within the time, as svy's users must."""
    python = folder / "svy" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder / "svy"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", SVY], check=True)
    script = f"""
import json, time, polars, svy
answers = polars.read_parquet({str(path)!r})
start = time.perf_counter()
sample = svy.Sample(answers, svy.Design(stratum="stratum", psu="psu", wgt="w"))
found = [sample.estimation.mean(name, by="agency", drop_nulls=True).estimates for name in {list(NAMES)!r}]
took = time.perf_counter() - start
print(json.dumps([took, [{{e.by_level[0]: e.se for e in part}} for part in found]]))
"""
    ran = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    took, parts = json.loads(ran.stdout.splitlines()[-1])
    return took, np.array([[part[str(unit + 1)] for part in parts] for unit in range(UNITS)])


def with_r(path: Path, folder: Path) -> tuple[float, np.ndarray]:
    """Seconds and standard errors."""
    pyarrow.csv.write_csv(pyarrow.parquet.read_table(path), folder / "sample.csv")
    calls = ", ".join(f"SE(svyby(~{name}, ~agency, d, svymean, na.rm = TRUE))" for name in NAMES)
    script = (
        "options(digits = 15); suppressMessages(library(survey)); x <- read.csv('sample.csv');"
        "d <- svydesign(~psu, strata = ~stratum, weights = ~w, data = x); s <- proc.time()[3];"
        f"r <- c({calls}); cat(proc.time()[3] - s, r)"
    )
    ran = subprocess.run(["Rscript", "-e", script], cwd=folder, capture_output=True, text=True, check=True)
    numbers = [float(word) for word in ran.stdout.split()]
    return numbers[0], np.array(numbers[1:]).reshape(len(NAMES), UNITS).T


def seconds(road: Callable[[Path], Any], path: Path) -> tuple[float, Any]:
    start = time.perf_counter()
    found = road(path)
    return time.perf_counter() - start, found


def command(path: Path, folder: Path) -> tuple[float, int]:
    """Seconds and the most megabytes of `hailong estimate` in a process of its own, imports and all."""
    question = {
        "data": [path.name],
        "design": {"ids": ["psu"], "strata": ["stratum"], "weights": "w"},
        "estimator": {"type": "svymean", "variables": NAMES, "by": ["agency"], "na_rm": True},
    }
    (folder / "question.json").write_text(json.dumps(question), encoding="utf-8")
    hailong = Path(sys.executable).with_name("hailong")
    words = [hailong, "estimate", folder / "question.json", "--data", path.parent, "--out", folder / "answer.json"]
    start = time.perf_counter()
    child = subprocess.Popen(words)
    # The kernel counts this process's own memory as the child's, unless the child's is asked for while it runs.
    peak = 0
    while child.poll() is None:
        peak = max(peak, _peak_kilobytes(child.pid))
        time.sleep(0.005)
    if child.returncode:
        raise RuntimeError("hailong estimate failed")
    return time.perf_counter() - start, peak // 1024


def _peak_kilobytes(pid: int) -> int:
    found = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(found[0].split()[1]) if found else 0


def agree(label: str, errors: np.ndarray, found: Findings) -> float:
    """The largest relative difference from our standard errors, in the units that have one above rounding."""
    order = np.argsort([int(unit) for (unit,) in found.domains])
    ours = np.sqrt(found.variances[order, : errors.shape[1]])
    gap = float(np.abs(errors / ours - 1)[ours > 1e-9].max())
    if gap > 1e-8:
        raise RuntimeError(f"{label}: standard errors differ by {gap}")
    return gap


def line(label: str, took: float, base: float, note: str = "") -> None:
    print(f"| {label} | {took:.3f} | {took / base:.2f} | {note} |", flush=True)


def side_by_side(path: Path, folder: Path, *, wants_svy: bool, wants_r: bool) -> None:
    print("\n| road | seconds | ratio to this package | |\n|---|---:|---:|---|")
    ours, least = [], []
    for _ in range(TURNS):
        took, found = seconds(this_package, path)
        ours.append(took)
        least.append(seconds(group_by, path)[0])
    base = min(ours)
    line("this package", base, base, f"first {ours[0]:.3f}, least of {TURNS}")
    note = f"this package takes {base / min(least):.2f} times as long (at most 1.5)"
    line("DuckDB's GROUP BY of the same sums, by hand", min(least), base, note)
    for label, road in (("NumPy by hand", with_numpy), ("DuckDB's SQL by hand, standard errors alone", with_sql)):
        took, errors = min((seconds(road, path) for _ in range(2)), key=lambda one: one[0])
        line(label, took, base, f"standard errors agree to {agree(label, errors, found):.0e}")
    took, megabytes = command(path, folder)
    line("`hailong estimate`, cold, with the covariance", took, base, f"{megabytes} MB at most")
    if wants_svy:
        took, errors = with_svy(path, folder)
        line(SVY.replace("==", " "), took, base, f"at least 30; agrees to {agree('svy', errors, found):.0e}")
    if wants_r and shutil.which("Rscript"):
        took, errors = with_r(path, folder)
        line("R svyby", took, base, f"at least 300; agrees to {agree('R', errors, found):.0e}")


def growth(folder: Path) -> None:
    """Each size in processes of their own: what the package takes warm, and what the command needs."""
    print("\n| rows | MB of file | this package, s | s per million | command, s | MB at most |\n|---:|" + "---:|" * 5)
    for size in LARGE:
        path = write_sample(folder / f"{size}.parquet", size)
        took = min(seconds(this_package, path)[0] for _ in range(1 if size > LARGE[0] else TURNS))
        cold, megabytes = command(path, folder)
        million = took / size * 1e6
        print(
            f"| {size:,} | {path.stat().st_size >> 20} | {took:.2f} | {million:.2f} | {cold:.1f} | {megabytes} |",
            flush=True,
        )
        path.unlink()


def on_spark(folder: Path) -> None:
    """Seconds of one scan on a cluster that stands, at each size the second of two; it must agree with DuckDB."""
    from support.spark import spark_cluster

    start = time.perf_counter()
    with spark_cluster(folder, driver_gigabytes=4) as spark:
        print(f"\nSpark, two workers of one core: {time.perf_counter() - start:.1f} s until the cluster stands.\n")
        print("| rows | Spark, s | s per million | against DuckDB |\n|---:|---:|---:|---:|")
        for size in LARGE[:2]:
            path = write_sample(folder / f"{size}.parquet", size)
            base, here = seconds(this_package, path)

            def road(path: Path) -> Findings:
                return linear_findings(estimate_linear(spark.read_parquet(path), DESIGN, COLUMNS, ("agency",)))

            took, there = min((seconds(road, path) for _ in range(2)), key=lambda one: one[0])
            if there.domains != here.domains or not np.allclose(there.variances, here.variances, rtol=1e-9):
                raise RuntimeError(f"Spark and DuckDB disagree about {size} rows")
            print(f"| {size:,} | {took:.1f} | {took / size * 1e6:.2f} | {took / base:.0f} |", flush=True)
            path.unlink()


def ranks() -> None:
    from analysis.indices.ranking import rank_sets

    draw = np.random.default_rng(1)
    errors = draw.normal(0, 1, (UNITS, 400))
    covariance = errors @ errors.T / 400 + 0.2
    values, df = draw.normal(80, 2, UNITS), np.full(UNITS, 200.0)
    rank_sets(values[:10], covariance[:10, :10], df[:10], 5000, 0.95, 2)
    start = time.perf_counter()
    rank_sets(values, covariance, df, 5000, 0.95, 2, draws=2000)
    print(f"\nRank sets of {UNITS} units from 2,000 draws: {time.perf_counter() - start:.2f} s (below 1).", flush=True)


def analysis(folder: Path) -> None:
    from benchmarks.archives import write_practice_archive
    from survey.analysing import analyse

    archive = write_practice_archive(folder / "archive", 40_000, 54)
    took = []
    for _ in range(3):
        start = time.perf_counter()
        analyse(archive, folder / "out", dt.date(2026, 7, 1))
        took.append(time.perf_counter() - start)
    print(
        f"\n`analyse` of 40,000 responses of 54 units: {took[0]:.2f} s first, {min(took):.2f} s warm (below 3).",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Estimates beside the other roads to them.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    for name in ("svy", "r", "large", "spark"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--folder", type=Path, help="where the temporary files lie")
    wanted = parser.parse_args()
    print(f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, {platform.machine()}, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}, {wanted.rows:,} rows × {UNITS} units × {len(NAMES)} indices")  # fmt: skip
    with tempfile.TemporaryDirectory(dir=wanted.folder) as name:
        folder = Path(name)
        path = write_sample(folder / "sample.parquet", wanted.rows)
        side_by_side(path, folder, wants_svy=wanted.svy, wants_r=wanted.r)
        ranks()
        analysis(folder)
        if wanted.large:
            growth(folder)
        if wanted.spark:
            on_spark(folder)


if __name__ == "__main__":
    main()
