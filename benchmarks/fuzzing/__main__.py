"""Sends random requests to every route and form, on an instance that has every page (criterion 20).

    python -m benchmarks.fuzzing [--inputs 100000] [--seed 1] [--write]

Each part of 5,000 requests has a seed and an instance of its own, because some of them really take steps. A request is
answered wrongly where its status is 500 or more, its page holds a traceback, an exception leaves the application or a
security header is missing. `--write` puts the table into docs/benchmarks/fuzzing.md; exit 1 where anything was wrong.
"""

import argparse
import datetime as dt
import logging
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks" / "fuzzing.md"
A_PART = 5_000
BEGIN, END = "<!-- fuzzing begins -->", "<!-- fuzzing ends -->"


def play(seed: int, count: int) -> tuple[Counter[int], list[str]]:
    """The answers to `count` requests, by status, and what should not have happened."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from support.fuzzing import fuzz
    from support.stores import LazyServer, Templates

    logging.getLogger("survey").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        server = LazyServer(Path(folder))
        tally = fuzz(Templates(Path(folder), server), Path(folder), seed, count)
        server.stack.close()
    return Counter(tally.statuses), tally.complaints


def main() -> None:
    """Parse the command line, send everything, print, and perhaps write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    seeds = range(chosen.seed, chosen.seed + -(-chosen.inputs // A_PART))
    statuses: Counter[int] = Counter()
    complaints: list[str] = []
    with ProcessPoolExecutor(chosen.workers) as pool:
        sizes = [min(A_PART, chosen.inputs - A_PART * number) for number in range(len(seeds))]
        for found, wrong in pool.map(play, seeds, sizes):
            statuses += found
            complaints += wrong
            print(f"{statuses.total():,} sent, {len(complaints)} answered wrongly", flush=True)
    for complaint in complaints[:50]:
        print(complaint)
    table = _table(statuses, complaints, chosen.seed)
    print(table)
    if chosen.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    sys.exit(1 if complaints else 0)


def _table(statuses: Counter[int], complaints: list[str], seed: int) -> str:
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
    lines = ["| day | requests | first seed | answers by status | answered wrongly |", "|---|---:|---:|---|---:|"]
    day = dt.datetime.now(dt.UTC).date()
    lines.append(f"| {day} | {statuses.total():,} | {seed} | {answers} | {len(complaints)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
