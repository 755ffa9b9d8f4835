"""The rows of docs/trust.md that these attempts prove: state, figure and day."""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "trust.md"


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured for a criterion, and whether its bar is reached."""

    criterion: int
    holds: bool
    words: str


def write_figures(figures: Iterable[Figure], page: Path = PAGE) -> None:
    """The page with these figures in its table, and all else as it was; ValueError for a row that is not there."""
    text = page.read_text(encoding="utf-8")
    for figure in figures:
        row = re.compile(
            rf"^\| {figure.criterion} \|([^|\n]*)\|([^|\n]*)\|[^|\n]*\|([^|\n]*)\|[^|\n]*\|$", re.MULTILINE
        )
        state = "holds" if figure.holds else "not met"
        day = dt.datetime.now(tz=dt.UTC).date()
        new = rf"| {figure.criterion} |\1|\2| {state} |\3| {_escaped(figure.words)}, {day} |"
        text, n_rows = row.subn(new, text)
        if n_rows != 1:
            raise ValueError(f"{page}: found {n_rows} rows of criterion {figure.criterion}, expected one")
    page.write_text(text, encoding="utf-8")


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("|", "/")
