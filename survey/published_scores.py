"""Indices that others have published of the province: copied from their sources and computed nowhere.

An instance has them as two files that anybody can read, `published/scores.csv` and `published/breaks.csv`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from questionnaires.model import Text
from survey.errors import BadInput
from survey.plain_files import read_plain_file
from survey.unit_files import LARGEST_FILE, Line, table_lines

SCORE_COLUMNS = ("index", "year", "unit_name", "bloc", "score", "scale", "rank", "source")
OPTIONAL_SCORE_COLUMNS = ("unit_name_en", "bloc_en")
BREAK_COLUMNS = ("index", "year", "bloc", "text_vi", "text_en", "source")
SCORES, BREAKS = "scores.csv", "breaks.csv"
FIRST_YEAR, LAST_YEAR = 1990, 2100
# As it was printed: 67.90 says something else about its own precision than 67.9.
_PRINTED = re.compile(r"[0-9]{1,5}(\.[0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """What a source says of a unit in a year. `score` is spelled as it was printed; it, `scale`, the most points there
    are, and `rank` are None where the source does not say. Names are Vietnamese in both languages where nobody gave an
    English one.
    """

    index: str
    year: int
    unit_name: Text
    bloc: Text
    score: str | None
    scale: str | None
    rank: int | None
    source: str


@dataclass(frozen=True, slots=True)
class SeriesBreak:
    """Why the years from `year` on cannot be held against those before it, in an index (or all, "") and a bloc (or
    all).
    """

    index: str
    year: int
    bloc: str
    text: Text
    source: str

    def concerns(self, index: str, bloc: str) -> bool:
        """True when the series of this index and bloc is broken."""
        return self.index in ("", index) and self.bloc in ("", bloc)


@dataclass(frozen=True, slots=True)
class PublishedIndices:
    """All that an instance knows of published indices, in the order of its files."""

    scores: tuple[PublishedScore, ...]
    breaks: tuple[SeriesBreak, ...]


def import_published(instance: Path, scores_csv: Path, breaks_csv: Path | None = None) -> PublishedIndices:
    """The published indices of these files, checked and copied into the instance in place of those it had.

    Raises BadInput that names file, line, column, what was found and what was expected; nothing is written then.
    """
    found = _read(scores_csv, breaks_csv)
    folder = _folder(instance)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, source in ((BREAKS, breaks_csv), (SCORES, scores_csv)):
        if source is None:
            (folder / name).unlink(missing_ok=True)
            continue
        new = folder / f".{name}.new"
        new.write_bytes(read_plain_file(source, LARGEST_FILE))
        new.replace(folder / name)
    return found


def published_indices(instance: Path) -> PublishedIndices | None:
    """What the instance has, or None where nobody has imported any; raises BadInput when its files cannot be read."""
    folder = _folder(instance)
    if not (folder / SCORES).exists():
        return None
    return _read(folder / SCORES, folder / BREAKS if (folder / BREAKS).exists() else None)


def scores_source(instance: Path) -> bytes | None:
    """The file of scores byte for byte, or None where there is none."""
    path = _folder(instance) / SCORES
    return read_plain_file(path, LARGEST_FILE) if path.exists() else None


def _folder(instance: Path) -> Path:
    return instance / "published"


def _read(scores_csv: Path, breaks_csv: Path | None) -> PublishedIndices:
    scores: dict[tuple[str, int, str, str], PublishedScore] = {}
    for line in table_lines(scores_csv, SCORE_COLUMNS, OPTIONAL_SCORE_COLUMNS):
        score = _score_of(line)
        place = (score.index, score.year, score.unit_name.vi, score.bloc.vi)
        if place in scores:
            raise line.refusal("unit_name", "each unit once in a year of an index")
        scores[place] = score
    if not scores:
        raise BadInput(f"{scores_csv}: found no score below the header, expected at least one")
    breaks = () if breaks_csv is None else tuple(_break_of(line) for line in table_lines(breaks_csv, BREAK_COLUMNS))
    return PublishedIndices(tuple(scores.values()), breaks)


def _score_of(line: Line) -> PublishedScore:
    rank = line.whole_number("rank")
    if rank == 0:
        raise line.refusal("rank", "a rank from 1 on, or nothing")
    if not line.cells["score"] and rank is None:
        raise line.refusal("score", "a score, or a rank beside it")
    return PublishedScore(
        index=line.name("index", 40),
        year=_year(line),
        unit_name=_both(line, "unit_name"),
        bloc=_both(line, "bloc"),
        score=_printed(line, "score"),
        scale=_printed(line, "scale"),
        rank=rank,
        source=_source(line),
    )


def _both(line: Line, column: str) -> Text:
    name = line.name(column)
    return Text(name, line.cells.get(f"{column}_en") or name)


def _break_of(line: Line) -> SeriesBreak:
    return SeriesBreak(
        index=line.cells["index"],
        year=_year(line),
        bloc=line.cells["bloc"],
        text=Text(line.name("text_vi", 400), line.name("text_en", 400)),
        source=_source(line),
    )


def _year(line: Line) -> int:
    year = line.whole_number("year")
    if year is None or not FIRST_YEAR <= year <= LAST_YEAR:
        raise line.refusal("year", f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    return year


def _printed(line: Line, column: str) -> str | None:
    found = line.cells[column]
    if found and not _PRINTED.fullmatch(found):
        raise line.refusal(column, "a number with a decimal point, or nothing")
    return found or None


def _source(line: Line) -> str:
    # A figure that nobody can look up is no published figure.
    return line.name("source", 400)
