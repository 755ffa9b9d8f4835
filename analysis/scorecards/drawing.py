"""Which values each chart of a scorecard draws: from content to the geometry of `charts`."""

from collections.abc import Sequence

from analysis.scorecards.charts import Strip, nice_bounds, strip
from analysis.scorecards.content import Figure, Member, Scorecard

# Units are drawn as named rows when they are few and the first page has room for them beside the factors; otherwise
# they stand side by side as a strip.
MOST_NAMED_UNITS = 8
MOST_ROWS = 13


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
    )


def is_strip(card: Scorecard) -> bool:
    """True when the bloc is drawn as a strip and not as named rows."""
    return len(card.members) > MOST_NAMED_UNITS or len(card.members) + len(card.factors) > MOST_ROWS


def index_bounds(members: Sequence[Member], bloc: Figure) -> tuple[float, ...]:
    """The ticks of an axis that holds the index of every member with its interval, and the bloc's."""
    return nice_bounds(_ends([*(member.figure for member in members)]) + _values([bloc]))


def line_bounds(card: Scorecard) -> tuple[float, ...]:
    """The ticks of an axis that holds all factors and criteria of the card: few, because its column is narrow."""
    ends = _ends([line.figure for line in card.lines]) + _values([line.bloc for line in card.lines])
    low = min(ends, default=0.0)
    ticks = (0.0, 25.0, 50.0, 75.0, 100.0)
    n_below = sum(tick <= low for tick in ticks[:-1])
    return ticks[max(n_below - 1, 0) :]


def _ends(figures: Sequence[Figure]) -> list[float]:
    return [end for figure in figures for end in (figure.low, figure.value, figure.high) if end is not None]


def _values(figures: Sequence[Figure]) -> list[float]:
    return [figure.value for figure in figures if figure.value is not None]


def _or(end: float | None, value: float) -> float:
    return value if end is None else end
