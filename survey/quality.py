"""Examining the quality of a sealed round's answers: from its archive to three tables."""

from dataclasses import dataclass
from pathlib import Path

from analysis.archive import read_archive
from analysis.release.quality import Quality, examine_quality
from analysis.release.quality_rows import GapRow, QualityRow, SensitivityRow, table_csv
from analysis.sealed_folders import replace_files
from survey.errors import BadInput

QUALITY_CSV, GAPS_CSV, SENSITIVITY_CSV = "quality.csv", "channel_gaps.csv", "sensitivity.csv"
WRITTEN = (QUALITY_CSV, GAPS_CSV, SENSITIVITY_CSV)


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found, and the files it was written into."""

    slug: str
    quality: Quality
    files: tuple[Path, ...]


def write_quality(archive_path: Path, out: Path, control: str = "") -> Examined:
    """The tables of an archive's quality, written into `out`; files of the same names there are replaced.

    `control` is the channel that no rated unit has a hand in; without it the plan's, and without that no gap is tested.
    Raises ArchiveError when the archive is not whole, AnalysisError when nothing came through that channel or the plan
    or design cannot be used, BadInput when `out` is no folder; nothing is written then.
    """
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out}: found a file, expected a folder or nothing")
    archive = read_archive(archive_path)
    found = examine_quality(archive, control)
    tables = {
        QUALITY_CSV: table_csv(found.rows, QualityRow),
        GAPS_CSV: table_csv(found.gaps, GapRow),
        SENSITIVITY_CSV: table_csv(found.sensitivity, SensitivityRow),
    }
    replace_files(out, tables)
    return Examined(archive.contents.facts.slug, found, tuple(out / name for name in WRITTEN))
