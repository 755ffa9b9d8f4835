"""Which values each chart of a scorecard draws: from content to the geometry of `charts`."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.scorecards.charts import Strip, nice_bounds, strip
from analysis.scorecards.content import Figure, Member, Scorecard

# The text area of an A4 page, and what stands on every first page: keys, verdict, headings, gaps.
PAGE_HEIGHT = 738.0
_EVERY_PAGE = 158.0
_EVERY_TABLE = 79.0
_EVERY_STRIP = 44.0
_LINE = 12.0
_ROW_PADDING = 4.0

# Units are drawn as named rows when they are few and the first page has room for them beside the factors; otherwise
# they stand side by side as a strip.
MOST_NAMED_UNITS = 8
MOST_ROWS = 13


@dataclass(frozen=True, slots=True)
class FirstPage:
    """How high the rows and the strip of the first page are, in points, and how many highlights stand below them."""

    row_height: float
    strip_height: float
    n_highlights: int


_LAYOUTS = (
    FirstPage(26.0, 165.0, 4),
    FirstPage(24.0, 135.0, 4),
    FirstPage(20.0, 120.0, 4),
    FirstPage(17.0, 100.0, 4),
    FirstPage(16.0, 90.0, 3),
    FirstPage(15.0, 75.0, 2),
)


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


def first_page(card: Scorecard, language: str) -> FirstPage:
    """The roomiest way to lay out the first page that lets all of it stand on one page.

    What the engine will make of the text is estimated from the length of each label, rather too high than too low.
    """
    for layout in _LAYOUTS:
        if _estimated_height(card, language, layout) <= PAGE_HEIGHT:
            return layout
    return _LAYOUTS[-1]


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


def _estimated_height(card: Scorecard, language: str, layout: FirstPage) -> float:
    name = card.member.name.in_language(language)
    # Three sizes of title, as the style sheet has them: how many letters fill a line, and how high the line is.
    letters, line = (34, 28.1) if len(name) <= 40 else (46, 20.8) if len(name) <= 80 else (60, 16.5)
    height = _EVERY_PAGE + line * _n_lines(name, letters) + 3 * 13.4
    # A caution is a sentence more in the verdict, hidden units are one more in a caption.
    height += 15.0 * (card.member.figure.state == "caution") + 13.0 * (card.n_hidden_members > 0)
    if card.factors:
        height += _EVERY_TABLE + sum(
            _row(line.short_label.in_language(language), 33, layout.row_height) for line in card.factors
        )
    if card.members and is_strip(card):
        height += _EVERY_STRIP + layout.strip_height
    elif len(card.members) > 1 or not card.member.figure.is_shown:
        height += _EVERY_TABLE + sum(
            _row(member.name.in_language(language), 30, layout.row_height) for member in card.members
        )
    columns = [
        sum(_row(line.short_label.in_language(language), 38, 0.0) for line in lines[: layout.n_highlights])
        for lines in (card.strongest, card.weakest)
    ]
    return height + (44.0 + max(columns) if any(columns) else 12.0)


def _row(label: str, letters: int, least: float) -> float:
    return max(least, _LINE * _n_lines(label, letters) + _ROW_PADDING)


def _n_lines(text: str, letters: int) -> int:
    return -(-len(text) // letters)


def _ends(figures: Sequence[Figure]) -> list[float]:
    return [end for figure in figures for end in (figure.low, figure.value, figure.high) if end is not None]


def _values(figures: Sequence[Figure]) -> list[float]:
    return [figure.value for figure in figures if figure.value is not None]


def _or(end: float | None, value: float) -> float:
    return value if end is None else end
