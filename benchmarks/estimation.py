"""Means and linearised standard errors of items in 225 domains: this package beside plain NumPy, plain SQL and R.

Run: python benchmarks/estimation.py [ROWS …]        default: 38000 1000000

The sample is made here: 40 strata, about 60 rows in a PSU, 225 units that cross the PSUs, answers from 1 to 5. Every
road computes the same standard errors, and the script stops where they differ. R is asked for one item at the smallest
size, where Rscript and its package survey are installed. The last line of a size is what this package does besides:
25 items with the joint covariance of 225 indices of all of them.

What a database must do at the least is DuckDB's own GROUP BY stratum, psu, unit of the sums that the estimates need:
rows, weights, Σ w y and Σ w y² of each item. It gives no standard error; the package is held to three times as long.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from scipy import sparse

from analysis.estimation.design import SurveyDesign
from analysis.estimation.findings import linear_findings
from analysis.estimation.linear import estimate_linear
from analysis.estimation.means import estimate_means
from analysis.estimation.totals import Column

UNITS, STRATA, ITEMS, COMPARED = 225, 40, 25, 5
DESIGN = SurveyDesign(strata=("stratum",), clusters=("psu",), weight="w")


def make_sample(n: int) -> pa.Table:
    draw = np.random.default_rng(1)
    stratum = np.sort(draw.integers(0, STRATA, n))
    psu = stratum * 1_000_000 + draw.integers(0, max(2, n // STRATA // 60), n)
    unit = (psu * 7 + draw.integers(0, 12, n) * 19) % UNITS
    person = draw.normal(0, 0.8, n) + (unit % 17) / 20
    columns = {
        "stratum": stratum,
        "psu": psu,
        "unit": np.char.add("u", unit.astype(str)),
        "w": np.exp(draw.normal(3, 0.3, n)),
    }
    for item in range(ITEMS):
        answers = np.clip(np.round(4 + person + draw.normal(0, 0.7, n)), 1, 5)
        columns[f"q{item}"] = pa.array(answers, mask=draw.random(n) < 0.06)
    return pa.table(columns)


def with_numpy(path: Path) -> dict[str, np.ndarray]:
    table = pyarrow.parquet.read_table(path)
    labels, unit = np.unique(table["unit"].to_numpy(zero_copy_only=False), return_inverse=True)
    _, first, psu = np.unique(table["psu"].to_numpy(), return_index=True, return_inverse=True)
    stratum = table["stratum"].to_numpy()[first]
    n_h = np.bincount(stratum)
    w = table["w"].to_numpy()
    found = {}
    for item in range(COMPARED):
        y = table[f"q{item}"].to_numpy()
        v = np.where(np.isnan(y), 0.0, w)
        y = np.nan_to_num(y)
        below = np.bincount(unit, v)
        mean = np.bincount(unit, v * y) / below
        z = v * (y - mean[unit]) / below[unit]
        cell, group = np.unique(psu * len(labels) + unit, return_inverse=True)
        t = np.bincount(group, z)
        h, d = stratum[cell // len(labels)], cell % len(labels)
        sums = np.bincount(d * STRATA + h, t, minlength=len(labels) * STRATA).reshape(-1, STRATA)
        squares = np.bincount(d * STRATA + h, t * t, minlength=len(labels) * STRATA).reshape(-1, STRATA)
        found[f"q{item}"] = np.sqrt(((squares - sums**2 / n_h) * n_h / (n_h - 1)).sum(axis=1))
    return found


def with_sql(path: Path) -> dict[str, np.ndarray]:
    items = [f"q{item}" for item in range(COMPARED)]
    means = ", ".join(
        f"sum(w * {i}) / sum(w) FILTER ({i} IS NOT NULL) AS m_{i}, sum(w) FILTER ({i} IS NOT NULL) AS x_{i}"
        for i in items
    )
    z = ", ".join(f"sum(w * ({i} - m_{i}) / x_{i}) AS z_{i}" for i in items)
    sums = ", ".join(f"sum(z_{i} * z_{i}) AS a_{i}, sum(z_{i}) AS b_{i}" for i in items)
    se = ", ".join(f"sqrt(sum((a_{i} - b_{i} * b_{i} / n) * n / (n - 1))) AS {i}" for i in items)
    query = f"""
        WITH rows AS (SELECT * FROM read_parquet('{path}')), means AS (SELECT unit, {means} FROM rows GROUP BY unit),
        totals AS (SELECT stratum, psu, unit, {z} FROM rows JOIN means USING (unit) GROUP BY ALL),
        strata AS (SELECT stratum, count(DISTINCT psu) AS n FROM rows GROUP BY stratum),
        parts AS (SELECT stratum, unit, {sums} FROM totals GROUP BY stratum, unit)
        SELECT {se} FROM parts JOIN strata USING (stratum) GROUP BY unit ORDER BY unit
    """  # noqa: S608 — the names are made in this file
    return duckdb.connect().execute(query).fetchnumpy()


def with_group_by(path: Path) -> pa.Table:
    sums = ", ".join(
        f"count(q{i}) AS n{i}, sum(w) FILTER (q{i} IS NOT NULL) AS w{i}, sum(w * q{i}) AS t{i}, "
        f"sum(w * q{i} * q{i}) AS s{i}"
        for i in range(COMPARED)
    )
    query = f"SELECT stratum, psu, unit, count(*) AS n, sum(w) AS w, {sums} FROM read_parquet('{path}') GROUP BY ALL"  # noqa: S608
    return duckdb.connect().sql(query).to_arrow_table()


def with_this_package(path: Path) -> dict[str, np.ndarray]:
    table = ibis.duckdb.connect().read_parquet(path)
    columns = [Column(f"q{item}", None, "ratio", item) for item in range(COMPARED)]
    found = linear_findings(estimate_linear(table, DESIGN, columns, ("unit",)))
    return {f"q{item}": np.sqrt(found.variances[:, item]) for item in range(COMPARED)}


def everything(path: Path) -> None:
    table = ibis.duckdb.connect().read_parquet(path)
    found = estimate_means(table, DESIGN, [f"q{item}" for item in range(ITEMS)], ("unit",))
    size = len(found.domains)
    found.covariance_of(sparse.kron(sparse.eye_array(size), np.full((1, ITEMS), 1 / ITEMS)))


def with_r(folder: Path, sample: pa.Table) -> tuple[float, np.ndarray]:
    pyarrow.csv.write_csv(sample.select(["stratum", "psu", "unit", "w", "q0"]), folder / "sample.csv")
    script = (
        "options(digits = 15); suppressMessages(library(survey)); x <- read.csv('sample.csv');"
        "d <- svydesign(~psu, strata = ~stratum, weights = ~w, data = x); s <- proc.time()[3];"
        "r <- svyby(~q0, ~unit, d, svymean, na.rm = TRUE); cat(proc.time()[3] - s, SE(r))"
    )
    ran = subprocess.run(["Rscript", "-e", script], cwd=folder, capture_output=True, text=True, check=True)
    numbers = [float(word) for word in ran.stdout.split()]
    return numbers[0], np.array(numbers[1:])


def seconds(road: Callable[[Path], object], path: Path, repetitions: int = 3) -> tuple[float, object]:
    times, found = [], None
    for _ in range(repetitions):
        start = time.perf_counter()
        found = road(path)
        times.append(time.perf_counter() - start)
    return float(np.median(times)), found


def main(sizes: list[int]) -> None:
    print("| rows | road | seconds | ratio to NumPy | largest difference of a standard error |")
    print("|---:|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in sizes:
            sample = make_sample(size)
            path = folder / f"{size}.parquet"
            pyarrow.parquet.write_table(sample, path)
            base, reference = seconds(with_numpy, path)
            report(size, f"NumPy, {COMPARED} items", base, base, 0.0)
            for label, road in (("DuckDB, SQL by hand", with_sql), ("this package", with_this_package)):
                took, found = seconds(road, path)
                gap = max(np.abs(found[item] / reference[item] - 1).max() for item in reference)
                assert gap < 1e-8, f"{label}: standard errors differ by {gap}"
                report(size, f"{label}, {COMPARED} items", took, base, gap)
                if label == "this package":
                    least, _ = seconds(with_group_by, path)
                    report(size, f"DuckDB's own GROUP BY of the same sums, {COMPARED} items", least, base, None)
                    print(f"this package takes {took / least:.2f} times as long as DuckDB's own GROUP BY", flush=True)
            if size == min(sizes) and shutil.which("Rscript"):
                took, errors = with_r(folder, sample)
                gap = float(np.abs(errors / reference["q0"] - 1).max())
                assert gap < 1e-8, f"R: standard errors differ by {gap}"
                report(size, "R svyby, 1 item, without reading", took, base, gap)
            took, _ = seconds(everything, path, 1)
            report(size, f"this package, {ITEMS} items and the joint covariance of {UNITS} indices", took, base, None)


def report(size: int, road: str, took: float, base: float, gap: float | None) -> None:
    print(f"| {size:,} | {road} | {took:.2f} | {took / base:.1f} | {'' if gap is None else f'{gap:.0e}'} |", flush=True)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [38_000, 1_000_000])
