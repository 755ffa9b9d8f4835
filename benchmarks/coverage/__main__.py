"""The proof of calibration.

Run: python -m benchmarks.coverage [--rounds N] [--workers N] [--state FILE] [--out DIR]
"""

import argparse
import csv
import sys
import time
from dataclasses import fields
from pathlib import Path

from benchmarks.coverage.counting import DRAWS, FIRST_SEED, Coverage, count, coverages
from benchmarks.coverage.plot import coverage_svg

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGINS, ENDS = "<!-- the table of make coverage begins -->", "<!-- the table of make coverage ends -->"


def main() -> None:
    """Play the rounds that are missing; write the table into benchmarks/README.md, and the CSV file and the drawing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--state", type=Path, default=Path("var/coverage-rounds.csv"))
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    started = time.perf_counter()

    def tell(done: int, total: int) -> None:
        print(f"{done} of {total} rounds, {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)

    found = list(coverages(count(given.rounds, given.state, given.workers, tell)))
    last_seed = FIRST_SEED + (given.rounds - 1) // DRAWS
    heading = f"{given.rounds:,} rounds, seeds of the provinces {FIRST_SEED} to {last_seed}."
    print(f"{heading}\n\n{table(found)}")
    given.out.mkdir(parents=True, exist_ok=True)
    with (given.out / "coverage.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([field.name for field in fields(Coverage)])
        writer.writerows([_cell(getattr(row, field.name)) for field in fields(Coverage)] for row in found)
    if given.out == HERE:
        README.write_text(filled(README.read_text(encoding="utf-8"), f"{heading}\n\n{table(found)}"), encoding="utf-8")
    (given.out / "coverage.svg").write_text(coverage_svg(found, given.rounds), encoding="utf-8")


def filled(document: str, text: str) -> str:
    """The document with the text between its two marks."""
    before, _, rest = document.partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    if not after:
        raise SystemExit(f"{README}: found no place for the table, expected it between {BEGINS} and {ENDS}")
    return f"{before}{BEGINS}\n{text}\n{ENDS}{after}"


def table(found: list[Coverage]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| estimator | intervals | hold the truth | above it | below it | mean error | root mean square | half width |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.estimator} | {row.intervals:,} | {row.coverage:.1f} ± {1.96 * row.se:.1f} % | {row.too_high:.1f} % | "
        f"{row.too_low:.1f} % | {row.mean_error:+.2f} | {row.root_mean_square_error:.2f} | {row.half_width:.2f} |"
        for row in found
    ]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
