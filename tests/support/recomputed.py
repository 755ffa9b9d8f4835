"""Runs the recompute.R of an archive, as an auditor would: with Rscript, on the exported responses."""

import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from analysis.archive import Archive
from analysis.release.computing import compute_edition
from analysis.release.edition_folder import edition_tables
from analysis.release.edition_tables import (
    DIFFERENCES_CSV,
    ESTIMATES_CSV,
    FORMULAS_CSV,
    IMPORTANCE_CSV,
    RANKS_CSV,
    SUBGROUPS_CSV,
)
from analysis.release.hard_data import HardData
from analysis.release.recompute import recompute_script
from survey.exporting import export_archive


@dataclass(frozen=True)
class Recomputed:
    exit_code: int
    output: str
    folder: Path


def recompute(
    archive: Archive, path: Path, folder: Path, hard: HardData | None = None, locale: str = "C.UTF-8"
) -> Recomputed:
    """What R says of the estimates of an archive at `path`; its files are left in the folder."""
    export_archive(path, "csv", folder)
    script = archive.contents.recompute or recompute_script(archive.contents, archive.questionnaire)
    (folder / "recompute.R").write_bytes(script)
    edition = compute_edition(archive, published_on=date(2026, 11, 23), public_url=None, hard_data=hard)
    tables = edition_tables(edition)
    more = []
    for name in (DIFFERENCES_CSV, RANKS_CSV, FORMULAS_CSV, IMPORTANCE_CSV, SUBGROUPS_CSV):
        if name not in tables:
            continue
        (folder / name).write_bytes(tables[name])
        more += [f"--{name.removesuffix('.csv')}", name]
    (folder / ESTIMATES_CSV).write_bytes(tables[ESTIMATES_CSV])
    if hard is not None:
        (folder / "hard.csv").write_bytes(hard.source)
        more += ["--hard", "hard.csv"]
    return run_script(folder, "responses.csv", ESTIMATES_CSV, *more, locale=locale)


def run_script(folder: Path, *arguments: str, locale: str = "C.UTF-8") -> Recomputed:
    """What the script in the folder says."""
    done = subprocess.run(
        ["Rscript", "--vanilla", "recompute.R", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "LC_ALL": locale, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Recomputed(done.returncode, done.stdout + done.stderr, folder)
