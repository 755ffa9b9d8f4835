"""How long the verifier of 300 lines takes for 100,000 answer sheets, and whether it agrees (criterion 13).

    python -m benchmarks.standalone_verifier [--rows 100000]

Practice people answer sipas/2017.2 in 225 units; the archive is sealed, its edition computed, and tools/verify_round.py
is run on both as a process of its own. Nothing is timed but that process.
"""

import argparse
import datetime as dt
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from analysis.archive import read_archive
from analysis.release.computing import compute_edition
from analysis.release.edition_folder import write_edition
from analysis.signatures import PrivateKeySigner
from benchmarks.archives import write_practice_archive

TOOL = Path(__file__).parents[1] / "tools" / "verify_round.py"
N_UNITS, REFERENCE = 225, "sipas/2017.2"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    n_rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        archive = write_practice_archive(Path(folder) / "archive", n_rows, N_UNITS, REFERENCE)
        edition = compute_edition(read_archive(archive), published_on=dt.date(2026, 11, 23), public_url=None)
        write_edition(edition, Path(folder) / "edition", {}, PrivateKeySigner.from_seed(bytes(range(32))))
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, str(TOOL), str(archive), str(Path(folder) / "edition")],
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - began
    print("| rows | units | figures | seconds | verdict |\n|---:|---:|---:|---:|---|")
    print(f"| {n_rows:,} | {N_UNITS} | {len(edition.estimates):,} | {seconds:.1f} | {done.stdout.strip()[:200]} |")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
