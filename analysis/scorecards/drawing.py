"""Which values each chart of a scorecard draws: from content to the geometry of `charts`."""

from collections.abc import Sequence

from analysis.scorecards.cards import Member, Scorecard
from analysis.scorecards.charts import Strip, nice_bounds, strip
from analysis.scorecards.expected import ExpectedRange
from analysis.scorecards.figures import Figure, NodeLine, Range
from analysis.scorecards.matrix_charts import Matrix, MatrixValue, matrix
from analysis.scorecards.over_time import RoundPoint
from analysis.scorecards.priorities import ImportanceView, MatrixLine
from analysis.scorecards.range_charts import RangeRow, range_row
from analysis.scorecards.trend_charts import Trend, TrendValue, trend
from analysis.scorecards.voices import SubgroupBlock

# Units are drawn as named rows when they are few and the first page has room for them beside the factors; otherwise
# they stand side by side as a strip.
MOST_NAMED_UNITS = 8
MOST_ROWS = 13
MOST_POINTS_BESIDE = 8


def strip_of(card: Scorecard, *, width: float, height: float) -> Strip:
    """The strip of the card's bloc, with the rank set of the card's unit shaded when it has one."""
    subject = card.member
    return strip(
        [
            (value, _or(member.figure.low, value), _or(member.figure.high, value), member.code == subject.code)
            for member in card.members
            if (value := member.figure.value) is not None
        ],
        mark=card.bloc_index.value,
        rank_set=None
        if subject.rank_low is None or subject.rank_high is None
        else (subject.rank_low, subject.rank_high),
        width=width,
        height=height,
        limits=card.scale,
    )


def is_strip(card: Scorecard) -> bool:
    """True when the bloc is drawn as a strip and not as named rows."""
    return len(card.members) > MOST_NAMED_UNITS or len(card.members) + len(card.factors) > MOST_ROWS


def index_bounds(members: Sequence[Member], bloc: Figure, limits: Range) -> tuple[float, ...]:
    """The ticks of an axis that holds the index of every member with its interval, and the bloc's."""
    ends = _ends([*(member.figure for member in members)]) + _values([bloc])
    return nice_bounds(ends, floor_at=limits[0], ceiling_at=limits[1])


def whole_scale(lines: Sequence[NodeLine]) -> tuple[float, ...]:
    """The ticks of an axis from the lowest to the highest score that these lines can have."""
    low, high = lines[0].scale if lines else (0.0, 100.0)
    # Steps of three from 1 to 10, of twenty from 0 to 100.
    n_steps = 3 if (high - low) % 9 == 0 else 5
    return tuple(low + (high - low) * step / n_steps for step in range(n_steps + 1))


def line_bounds(lines: Sequence[NodeLine]) -> tuple[float, ...]:
    """The ticks of an axis that holds all of these lines: few, because its column is narrow."""
    ends = _ends([line.figure for line in lines]) + _values([line.bloc for line in lines])
    first, last = lines[0].scale if lines else (0.0, 100.0)
    low = min(ends, default=first)
    ticks = whole_scale(lines) if (last - first) % 9 == 0 else tuple(first + (last - first) * i / 4 for i in range(5))
    n_below = sum(tick <= low for tick in ticks[:-1])
    return ticks[max(n_below - 1, 0) :]


def range_bounds(ranges: Sequence[ExpectedRange]) -> tuple[float, ...]:
    """The ticks of an axis that holds every score, band and other unit of these rows."""
    ends = [
        end for one in ranges for end in (*(one.outer or one.inner), *one.inner, *one.scores, one.figure.value or 0.0)
    ]
    low, high = ranges[0].scale if ranges else (0.0, 100.0)
    return nice_bounds(ends, floor_at=low, ceiling_at=high)


def range_of(one: ExpectedRange, bounds: Sequence[float], *, width: float, height: float) -> RangeRow:
    """One score on its bands."""
    return range_row(
        one.figure.value, one.inner, one.outer, one.others, one.scores, bounds=bounds, width=width, height=height
    )


def trend_of(points: Sequence[RoundPoint], limits: Range, *, width: float, height: float) -> Trend:
    """A unit's index through the rounds."""
    return trend(
        [
            TrendValue(
                point.opens_on,
                point.figure.value,
                point.figure.low,
                point.figure.high,
                point.bloc,
                is_joined=not point.break_reason,
            )
            for point in points
        ],
        width=width,
        height=height,
        limits=limits,
    )


def is_wide(view: ImportanceView) -> bool:
    """True when the matrix takes the whole width, because so many points would hide each other beside their table."""
    return len(view.lines) > MOST_POINTS_BESIDE


def halves(view: ImportanceView) -> tuple[tuple[MatrixLine, ...], ...]:
    """The lines of the matrix as its tables show them: one beside the picture, or two below a wide one."""
    middle = -(-len(view.lines) // 2)
    return (view.lines[:middle], view.lines[middle:]) if is_wide(view) else (view.lines,)


def matrix_of(view: ImportanceView, *, width: float, height: float) -> Matrix:
    """Importance against score."""
    return matrix(
        [
            MatrixValue(
                one.line.number,
                one.line.figure.value or 0.0,
                one.line.figure.low,
                one.line.figure.high,
                one.importance.value,
                one.importance.low,
                one.importance.high,
            )
            for one in view.lines
        ],
        split=view.split,
        width=width,
        height=height,
        limits=view.lines[0].line.scale,
    )


def subgroup_bounds(blocks: Sequence[SubgroupBlock], whole: Figure, limits: Range) -> tuple[float, ...]:
    """The ticks of an axis that holds the index of every group, and of the unit."""
    ends = _ends([group.figure for block in blocks for group in block.groups]) + _values([whole])
    return nice_bounds(ends, floor_at=limits[0], ceiling_at=limits[1])


def _ends(figures: Sequence[Figure]) -> list[float]:
    return [end for figure in figures for end in (figure.low, figure.value, figure.high) if end is not None]


def _values(figures: Sequence[Figure]) -> list[float]:
    return [figure.value for figure in figures if figure.value is not None]


def _or(end: float | None, value: float) -> float:
    return value if end is None else end
