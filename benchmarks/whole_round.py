"""A whole round as one types it: 54 units, 10,000 practice people, from nothing to 54 scorecards and a league.

Run: python benchmarks/whole_round.py [RESPONDENTS]        or: make round

The commands are those of docs/operators.md, run in an instance of their own that is thrown away; each is printed with
its seconds. The clock of the round runs from its creation to its last PDF.
"""

import csv
import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HAILONG = Path(sys.executable).with_name("hailong")
FILES = ROOT / "survey" / "demonstration" / "quang_ninh"
UNITS = "kind=ward,commune,special_zone"
RESPONDENTS, SEED, N_UNITS = 10_000, 2026, 54
# What an installation has done long before, and what the clock does not count.
BEFORE = (
    "hailong database upgrade",
    "hailong units import units.csv succession.csv",
)
CREATE = (
    "hailong round create sipas-2026 --questionnaire sipas/2023.1 --module brand/2026.1 --units {units} "
    "--opens {opens} --closes {closes} --design design.yaml --notice notice.yaml"
)
ROUND = (
    "hailong demo design --units {units} --on {opens} --household adults --seed {seed} --out design.yaml",
    CREATE,
    "hailong round open sipas-2026",
    "hailong demo simulate sipas-2026 --respondents {respondents} --seed {seed} --truth truth.csv",
    "hailong round close sipas-2026",
    "hailong round seal sipas-2026",
    "hailong analyse sipas-2026 --out figures",
    "hailong scorecards sipas-2026 --out scorecards",
)


def play(folder: Path, respondents: int) -> list[tuple[str, float]]:
    """Every command with its seconds; raises CalledProcessError when one fails."""
    for name in ("units.csv", "succession.csv", "notice.yaml"):
        (folder / name).write_bytes((FILES / name).read_bytes())
    opens = dt.datetime.now(dt.timezone(dt.timedelta(hours=7))).date()
    words = {
        "units": UNITS,
        "opens": opens.isoformat(),
        "closes": (opens + dt.timedelta(days=30)).isoformat(),
        "respondents": str(respondents),
        "seed": str(SEED),
    }
    environment = {**os.environ, "HAILONG_INSTANCE": str(folder / "instance")}
    steps = []
    for command in (*BEFORE, *ROUND):
        typed = command.format(**words)
        start = time.perf_counter()
        subprocess.run([HAILONG, *typed.split()[1:]], cwd=folder, env=environment, check=True, capture_output=True)
        steps.append((typed, time.perf_counter() - start))
        print(f"{steps[-1][1]:7.1f} s  {typed}", flush=True)
    return steps


def main(respondents: int = RESPONDENTS) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        steps = play(folder, respondents)
        seconds = sum(took for _, took in steps[len(BEFORE) :])
        printed = {path.stem for path in (folder / "scorecards").rglob("*.pdf")}
        with (folder / "scorecards" / "units.csv").open(encoding="utf-8", newline="") as file:
            units = [row["code"] for row in csv.DictReader(file) if row["code"] in printed]
        leagues = [name for name in printed if name.startswith("league")]
    print(f"{seconds:7.1f} s  from the design to {len(units)} scorecards and {len(leagues)} leagues, "
          f"{os.cpu_count()} cores, load {os.getloadavg()[1]:.1f} in the last five minutes")  # fmt: skip
    if len(units) != N_UNITS or not leagues:
        sys.exit(f"found {len(units)} scorecards and {len(leagues)} leagues, expected {N_UNITS} and some")


if __name__ == "__main__":
    try:
        main(*(int(argument) for argument in sys.argv[1:]))
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{failed.cmd}: {failed.stderr.decode()}")
