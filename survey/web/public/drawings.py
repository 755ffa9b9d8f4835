"""Charts of the public pages: the geometry of the scorecard's charts, in shapes that fill a column of any width.

What lies across is given in percent or in thousandths of the width, what stands upright in points of the screen.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from analysis.scorecards.charts import StripPoint, Tick, row_chart, strip
from analysis.scorecards.content import Member
from analysis.scorecards.figures import Figure, Range
from questionnaires.model import Text

ACROSS = 1000.0
STRIP_HEIGHT = 190.0
ROW_HEIGHT = 28
# A dot is a stroke with round ends and hardly any length; without any, it would not be printed.
DOT = ".01"
# `strip` keeps this much of its width for the labels beside the axis, which pages set in a column of their own.
_LEFT, _RIGHT = 28.0, 4.0
# More units than a phone has points across share their strokes.
MOST_STROKES = 320
# A bloc of fewer units is read from its rows.
LEAST_STRIP = 9
LEAST_TILES = 10


@dataclass(frozen=True, slots=True)
class WebStrip:
    """All units of a bloc side by side from the highest score to the lowest: two paths, the ticks, and where the page's
    own unit stands.

    `shade` and `subject_x` are in percent of the width. `is_thinned` tells that a stroke stands for several units: it
    reaches from the lowest to the highest end of their intervals.
    """

    height: float
    ticks: tuple[Tick, ...]
    decimals: int
    whiskers: str
    dots: str
    mark: float | None
    shade: tuple[float, float] | None
    subject: StripPoint | None
    subject_x: float
    label_anchor: str
    is_thinned: bool


@dataclass(frozen=True, slots=True)
class RowPaths:
    """A row's chart as paths in a drawing of 100 by 28 that is stretched to its column: the lines of the scale, the
    line of the bloc, the interval, and a dot that is a stroke of hardly any length. What is not known has no path.
    """

    grid: str
    mark: str
    whisker: str
    dot: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A unit's square: where it lies, counted from 1, and how its name is shortened."""

    row: int
    column: int
    short: Text
    member: Member


def web_strip(members: Sequence[Member], bloc: Figure, limits: Range, subject: Member | None = None) -> WebStrip | None:
    """The strip of units in the order of their scores; None where they are few, or the subject is not among them."""
    shown = [member for member in members if member.figure.value is not None]
    if len(shown) < LEAST_STRIP:
        return None
    drawn = strip(
        [_ends(member, subject) for member in shown],
        mark=bloc.value,
        rank_set=None
        if subject is None or subject.rank_low is None or subject.rank_high is None
        else (subject.rank_low, subject.rank_high),
        width=ACROSS + _LEFT + _RIGHT,
        height=STRIP_HEIGHT,
        limits=limits,
    )
    others = [point for point in drawn.points if not point.is_subject]
    strokes = _thinned(others)
    return WebStrip(
        height=STRIP_HEIGHT,
        ticks=drawn.ticks,
        decimals=drawn.decimals,
        whiskers="".join(f"M{x:g} {top:g}V{bottom:g}" for x, _, top, bottom in strokes),
        dots="".join(f"M{x:g} {y:g}h{DOT}" for x, y, _, _ in strokes),
        mark=drawn.mark,
        shade=None if drawn.shade is None else (_percent(drawn.shade[0]), _percent(drawn.shade[1])),
        subject=drawn.subject,
        subject_x=0.0 if drawn.subject is None else _percent(drawn.subject.x),
        label_anchor=_anchor(drawn.subject),
        is_thinned=len(strokes) < len(others),
    )


def row_paths(figure: Figure, mark: float | None, bounds: Sequence[float]) -> RowPaths:
    """The chart of one figure beside the bloc's `mark`, on the scale from the first to the last of `bounds`.

    Four paths and not a shape for each line: a page has a hundred such rows, and a phone builds them all.
    """
    row = row_chart(figure.value, figure.low, figure.high, mark, bounds=bounds, width=100, height=ROW_HEIGHT, inset=3)
    low, high = row.low, row.high
    return RowPaths(
        grid="".join(f"M{tick.at:g} 0v28" for tick in row.ticks),
        mark="" if row.mark is None else f"M{row.mark:g} 2v24",
        whisker="" if low is None or high is None else f"M{low:g} 14H{high:g}M{low:g} 9v10M{high:g} 9v10",
        dot="" if row.value is None else f"M{row.value:g} 14h{DOT}",
    )


def tile_map(members: Sequence[Member]) -> tuple[Tile, ...]:
    """The members as tiles of the arrangement of Quảng Ninh's units; empty unless every one of them has its place."""
    places = arrangement()
    if len(members) < LEAST_TILES or any(member.code not in places for member in members):
        return ()
    tiles = [Tile(*places[member.code], member) for member in members]
    return tuple(sorted(tiles, key=lambda tile: (tile.row, tile.column)))


@cache
def arrangement() -> dict[str, tuple[int, int, Text]]:
    """Row, column and short name of each unit that has a tile: roughly where it lies, and no map."""
    source = resources.files("survey.web.public").joinpath("tiles.csv").read_text(encoding="utf-8")
    return {
        row["code"]: (int(row["row"]), int(row["column"]), Text(row["short_vi"], row["short_en"]))
        for row in csv.DictReader(source.splitlines())
    }


def _ends(member: Member, subject: Member | None) -> tuple[float, float, float, bool]:
    value = member.figure.value or 0.0
    low, high = member.figure.low, member.figure.high
    is_subject = subject is not None and member.code == subject.code
    return value, value if low is None else low, value if high is None else high, is_subject


def _thinned(points: Sequence[StripPoint]) -> list[tuple[float, float, float, float]]:
    """Strokes (x, y, top, bottom): one a point, or one for several neighbours where there are more than can be seen."""
    per_stroke = -(-len(points) // MOST_STROKES) or 1
    groups = [points[start : start + per_stroke] for start in range(0, len(points), per_stroke)]
    # A stroke that stands for several units is as wide as a point; tenths of one would only be bytes.
    digits = 1 if per_stroke == 1 else 0
    return [
        (
            round(group[len(group) // 2].x - _LEFT, digits),
            round(group[len(group) // 2].y, digits),
            round(min(point.y_high for point in group), digits),
            round(max(point.y_low for point in group), digits),
        )
        for group in groups
    ]


def _anchor(subject: StripPoint | None) -> str:
    # On a phone the label takes half the width, so it points inwards unless the unit stands in the middle.
    x = 50.0 if subject is None else _percent(subject.x)
    return "start" if x < 35 else "end" if x > 65 else "middle"


def _percent(x: float) -> float:
    return round((x - _LEFT) / ACROSS * 100, 2)
