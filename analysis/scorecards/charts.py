"""Where marks stand in the charts: values in, coordinates out. Macros of the templates write the SVG itself.

Every length is in points at the printed size, so that a label of 8 units is a label of 8 pt. Coordinates are rounded to
a hundredth of a point: the same values give the same text on every machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

from analysis.errors import AnalysisError

# Points between the lines of two labels beside an axis.
_LABEL_HEIGHT = 11.0
# Points between two numbers below an axis.
_APART = 3.5
_STEPS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """A line from `low` at coordinate `start` to `high` at coordinate `end`; `end` may lie before `start`."""

    low: float
    high: float
    start: float
    end: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise AnalysisError(f"a scale runs from {self.low} to {self.high}, expected the first to be the smaller")

    def at(self, value: float) -> float:
        """The coordinate of a value; values beyond an end of the scale stand at that end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return rounded(self.start + share * (self.end - self.start))


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on a scale."""

    value: float
    at: float


@dataclass(frozen=True, slots=True)
class RowChart:
    """One row of a table drawn: a value with its interval and the mark it is compared with, each absent as None."""

    width: float
    height: float
    middle: float
    zero: float
    value: float | None
    low: float | None
    high: float | None
    mark: float | None
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class StripPoint:
    """A unit on the strip: its place from the left, its value and interval, and whether the page is about it."""

    x: float
    y: float
    y_low: float
    y_high: float
    is_subject: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """All units of a bloc side by side in the order of their values, with the rank set of one shaded."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    ticks: tuple[Tick, ...]
    decimals: int
    points: tuple[StripPoint, ...]
    mark: float | None
    shade: tuple[float, float] | None
    subject: StripPoint | None
    label_anchor: str


@dataclass(frozen=True, slots=True)
class StackPart:
    """One piece of a stacked bar."""

    x: float
    width: float
    share: float
    is_labelled: bool


@dataclass(frozen=True, slots=True)
class Colour:
    """The fill of a piece, the ink that can be read on it (contrast at least 4.5), and what style sheets call it."""

    fill: str
    ink: str
    name: str


_PALETTE = (
    Colour("#b3541e", "#ffffff", "worst"),
    Colour("#e9b994", "#1a2430", "bad"),
    Colour("#dfe4e9", "#1a2430", "middle"),
    Colour("#93bbdb", "#1a2430", "good"),
    Colour("#1d5c8f", "#ffffff", "best"),
)


def nice_bounds(values: Sequence[float], *, floor_at: float = 0.0, ceiling_at: float = 100.0) -> tuple[float, ...]:
    """The ticks of an axis that holds all values: four to eight round numbers with equal steps, both ends included.

    Arguments: values, any count; none at all gives the whole range from floor_at to ceiling_at.
    """
    if not values:
        return tuple(floor_at + (ceiling_at - floor_at) * i / 5 for i in range(6))
    low, high = max(min(values), floor_at), min(max(values), ceiling_at)
    for step in _STEPS:
        first, last = floor(low / step), ceil(high / step)
        while last - first < 3:
            # A flat set of values still gets an axis with room on both sides, as long as the range allows it.
            first = first - 1 if (first - 1) * step >= floor_at else first
            last = last + 1 if (last + 1) * step <= ceiling_at else last
        if last - first <= 7:
            return tuple(i * step for i in range(first, last + 1))
    return tuple(floor_at + (ceiling_at - floor_at) * i / 5 for i in range(6))


def row_chart(
    value: float | None,
    low: float | None,
    high: float | None,
    mark: float | None,
    *,
    bounds: Sequence[float],
    width: float,
    height: float,
    inset: float = 6.0,
) -> RowChart:
    """The geometry of one row: all of it on the scale from the first to the last of `bounds`, `inset` points inside."""
    scale = Scale(bounds[0], bounds[-1], inset, width - inset)
    return RowChart(
        width=width,
        height=height,
        middle=rounded(height / 2),
        zero=scale.at(bounds[0]),
        value=None if value is None else scale.at(value),
        low=None if low is None else scale.at(low),
        high=None if high is None else scale.at(high),
        mark=None if mark is None else scale.at(mark),
        ticks=tuple(Tick(bound, scale.at(bound)) for bound in bounds),
    )


def strip(
    members: Sequence[tuple[float, float, float, bool]],
    *,
    mark: float | None,
    rank_set: tuple[int, int] | None,
    width: float,
    height: float,
    limits: tuple[float, float] = (0.0, 100.0),
) -> Strip:
    """The geometry of the strip of a bloc.

    Arguments: members, (value, low, high, is the subject) in the order of the ranks; mark, the value of the bloc;
    rank_set, the first and the last rank the subject may hold, counted from 1, or None; limits, the lowest and the
    highest value there can be.
    """
    ends = [end for _, low, high, _ in members for end in (low, high)] + ([] if mark is None else [mark])
    bounds = nice_bounds(ends, floor_at=limits[0], ceiling_at=limits[1])
    left, right, top, bottom = 28.0, width - 4.0, 16.0, height - 6.0
    vertical = Scale(bounds[0], bounds[-1], bottom, top)
    pitch = (right - left) / max(len(members), 1)
    # Labels that stand closer than their height cannot be read; from the bottom on every second or third is left.
    every = ceil(_LABEL_HEIGHT * (len(bounds) - 1) / (bottom - top))
    points = tuple(
        StripPoint(
            rounded(left + (place + 0.5) * pitch),
            vertical.at(value),
            vertical.at(low),
            vertical.at(high),
            is_subject,
        )
        for place, (value, low, high, is_subject) in enumerate(members)
    )
    subject = next((point for point in points if point.is_subject), None)
    shade = None
    if rank_set is not None and subject is not None:
        shade = (rounded(left + (rank_set[0] - 1) * pitch), rounded(left + min(rank_set[1], len(members)) * pitch))
    return Strip(
        width=width,
        height=height,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        ticks=tuple(Tick(bound, vertical.at(bound)) for bound in bounds[::every]),
        decimals=decimals_of(bounds),
        points=points,
        mark=None if mark is None else vertical.at(mark),
        shade=shade,
        subject=subject,
        label_anchor=_anchor(subject, left, right),
    )


def stack(shares: Sequence[float], *, width: float, least_label: float) -> tuple[StackPart, ...]:
    """The pieces of a stacked bar from left to right; a share below `least_label` carries no label.

    Arguments: shares, between 0 and 1; what they lack to one stays empty at the right.
    """
    edges = [0.0]
    for share in shares:
        edges.append(min(edges[-1] + share, 1.0))
    places = [rounded(edge * width) for edge in edges]
    return tuple(
        StackPart(start, rounded(end - start), share, share >= least_label)
        for start, end, share in zip(places[:-1], places[1:], shares, strict=True)
    )


def diverging(count: int) -> tuple[Colour, ...]:
    """Colours for `count` steps from the worst (orange) over grey to the best (blue), told apart by lightness too.

    More steps than the palette has repeat the nearest colour; the order of the bar still tells them apart.
    """
    if count < 2:
        return _PALETTE[-1:] * count
    last = len(_PALETTE) - 1
    return tuple(_PALETTE[floor(place * last / (count - 1) + 0.5)] for place in range(count))


def decimals_of(bounds: Sequence[float]) -> int:
    """How many decimals the labels of an axis need: none, or one when its steps are halves."""
    return 0 if all(bound == int(bound) for bound in bounds) else 1


def _anchor(subject: StripPoint | None, left: float, right: float) -> str:
    # The label of a unit near an edge would leave the drawing if it were centred on the unit.
    if subject is None:
        return "middle"
    if subject.x < left + 60:
        return "start"
    return "end" if subject.x > right - 60 else "middle"


def rounded(length: float) -> float:
    """The length to a hundredth of a point, which never carries a sign on a zero."""
    # Adding zero turns a negative zero into zero, which would otherwise be printed with a sign.
    return round(length, 2) + 0.0


# Advance widths of Be Vietnam Pro Regular, in thousandths of the size of the letters: what numbers are written with.
_WIDTHS = {
    "0": 676, "1": 385, "2": 651, "3": 660, "4": 710, "5": 660, "6": 680, "7": 594, "8": 634, "9": 680,
    ",": 303, ".": 286, "-": 608, "\N{EN DASH}": 682, "\N{MINUS SIGN}": 636, "+": 608, "%": 849, "/": 400,
}  # fmt: skip


def width_of(number: str, size: float) -> float:
    """How wide a number is when it is written with letters of this size, in points."""
    return sum(_WIDTHS.get(letter, 660) for letter in number) * size / 1000


def centred(middle: float, number: str, size: float = 8.0) -> float:
    """Where a number begins that has its middle at `middle`.

    Renderers centre text themselves, but the PDF engine makes an object of its own of every text that it has to move.
    """
    return rounded(middle - width_of(number, size) / 2)


def ending(end: float, number: str, size: float = 8.0) -> float:
    """Where a number begins that ends at `end`."""
    return rounded(end - width_of(number, size))


def sparse(ticks: Sequence[Tick], decimals: int, size: float = 8.0) -> tuple[Tick, ...]:
    """Every tick of an axis, or every second or third, so that their numbers stand apart."""
    if len(ticks) < 2:
        return tuple(ticks)
    pitch = abs(ticks[1].at - ticks[0].at)
    widest = max(width_of(f"{tick.value:.{decimals}f}", size) for tick in ticks) + _APART
    return tuple(ticks[:: max(1, ceil(widest / max(pitch, 0.01)))])


def polyline(points: Sequence[tuple[float, float]], *, is_closed: bool = False) -> str:
    """The path through the points, empty for fewer than two."""
    if len(points) < 2:
        return ""
    path = "L".join(f"{x:g} {y:g}" for x, y in points)
    return f"M{path}Z" if is_closed else f"M{path}"
