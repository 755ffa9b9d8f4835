"""Running a round's plan: from a sealed archive to the files that statisticians read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from analysis.archive import MANIFEST, read_archive
from analysis.exporting.estimates_book import estimates_xlsx
from analysis.release.computing import compute_edition
from analysis.release.edition import Edition
from analysis.release.edition_folder import edition_tables
from analysis.release.edition_tables import (
    DIFFERENCES_CSV,
    ESTIMATES_CSV,
    ESTIMATES_JSON,
    ESTIMATES_PARQUET,
    FORMULAS_CSV,
    RANKS_CSV,
)
from analysis.release.hard_data import LARGEST_FILE, HardData, parse_hard_data, written_anew
from analysis.sealed_folders import replace_files
from survey.errors import BadInput, NotFound
from survey.plain_files import read_plain_file

ESTIMATES_XLSX = "estimates.xlsx"
WRITTEN = (
    ESTIMATES_CSV, ESTIMATES_PARQUET, ESTIMATES_JSON, RANKS_CSV, DIFFERENCES_CSV, FORMULAS_CSV, ESTIMATES_XLSX,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was computed, and the files it was written into."""

    edition: Edition
    files: tuple[Path, ...]


def archive_of_round(instance: Path, slug: str) -> Path:
    """The archive of a round of this instance; NotFound when the round has none."""
    path = instance / "archives" / slug
    if not (path / MANIFEST).is_file():
        raise NotFound(f"found no archive of a round {slug[:60]!r}, expected the name of a sealed round or an archive")
    return path


def names_a_folder(target: str) -> bool:
    """Whether a command's argument is a path and not the name of a round."""
    path = Path(target)
    return path.is_dir() or path.is_symlink() or bool(path.suffix) or len(path.parts) > 1


def read_hard_data(path: Path | None) -> HardData | None:
    """The hard data in a file, where one is named.

    Raises BadInput when it is no ordinary file, AnalysisError when it is no such table.
    """
    return None if path is None else parse_hard_data(written_anew(read_plain_file(path, LARGEST_FILE)), str(path))


def analyse(archive_path: Path, out: Path, today: date, hard_data: HardData | None = None) -> Analysis:
    """The tables of an archive, written into `out`; files of the same names there are replaced.

    Raises ArchiveError when the archive is not whole, PlanError or DesignError when it cannot be analysed,
    AnalysisError when the hard data are not what its profile needs, BadInput when `out` is no folder; nothing is
    written then.
    """
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out}: found a file, expected a folder or nothing")
    archive = read_archive(archive_path)
    edition = compute_edition(archive, published_on=today, public_url=None, hard_data=hard_data)
    tables: Mapping[str, bytes] = {**edition_tables(edition), ESTIMATES_XLSX: estimates_xlsx(edition)}
    replace_files(out, {name: tables[name] for name in WRITTEN})
    return Analysis(edition, tuple(out / name for name in WRITTEN))
