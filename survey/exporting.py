"""Exports of microdata: a folder of files that another tool opens, each in its place only when all are whole."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from analysis.archive import read_archive
from analysis.exporting.codebook import codebook_csv
from analysis.exporting.ddi import codebook_xml
from analysis.exporting.labelling import Microdata, microdata_of
from analysis.exporting.statistical_files import write_dta, write_sav
from analysis.exporting.tables import write_csv, write_labelled_csv, write_parquet, write_xlsx
from survey.errors import BadInput, HailongError

RESPONSES_CSV = "responses.csv"
CODEBOOK_CSV = "codebook.csv"

Writer = Callable[[Microdata, Path, str], None]


def export_archive(archive_path: Path, kind: str, out: Path, language: str = "vi") -> tuple[Path, ...]:
    """The responses of an archive with labels and weights, written into the folder `out`; the files are returned.

    Files of the same names are replaced, all or none. They are microdata: only their owner can read them. Free texts
    are never exported. Raises ArchiveError when the archive is not whole, AnalysisError when its design or the format
    does not suit the responses, BadInput when `out` is no folder or cannot be written; nothing is written then.
    """
    if os.path.lexists(out) and not out.is_dir():
        raise BadInput(f"{out}: found a file, expected a folder or nothing")
    microdata = microdata_of(read_archive(archive_path))
    was_there = out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        drafts = Path(tempfile.mkdtemp(prefix=".export.", dir=out))
    except OSError as problem:
        raise BadInput(f"{out}: cannot be written: {problem.strerror}") from None
    places = []
    try:
        for name, write in FORMATS[kind].items():
            draft = drafts / name
            write(microdata, draft, language)
            draft.chmod(0o600)
        for name in FORMATS[kind]:
            (drafts / name).replace(out / name)
            places.append(out / name)
    except OSError as problem:
        raise HailongError(f"{out}: cannot be written: {problem.strerror or problem}") from None
    finally:
        shutil.rmtree(drafts, ignore_errors=True)
        if not was_there and not places:
            out.rmdir()
    return tuple(places)


def _responses(microdata: Microdata, path: Path, _language: str) -> None:
    write_csv(microdata, path)


def _parquet(microdata: Microdata, path: Path, _language: str) -> None:
    write_parquet(microdata, path)


def _codebook(microdata: Microdata, path: Path, _language: str) -> None:
    path.write_bytes(codebook_csv(microdata.variables))


def _ddi(microdata: Microdata, path: Path, _language: str) -> None:
    path.write_bytes(codebook_xml(microdata, RESPONSES_CSV))


# The files of each format and what writes them; the language is that of the labels, where a file has but one.
FORMATS: Mapping[str, Mapping[str, Writer]] = {
    "csv": {RESPONSES_CSV: _responses, "responses_labelled.csv": write_labelled_csv, CODEBOOK_CSV: _codebook},
    "xlsx": {"responses.xlsx": write_xlsx},
    "parquet": {"responses.parquet": _parquet, CODEBOOK_CSV: _codebook},
    "sav": {"responses.sav": write_sav, CODEBOOK_CSV: _codebook},
    "dta": {"responses.dta": write_dta, CODEBOOK_CSV: _codebook},
    "ddi": {"codebook.xml": _ddi, RESPONSES_CSV: _responses},
}
