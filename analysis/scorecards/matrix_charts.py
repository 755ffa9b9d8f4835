"""Importance against score: values in, coordinates out."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.scorecards.charts import Scale, Tick, decimals_of, nice_bounds, rounded

Span = tuple[float, float]
_LABEL_WIDTH, _LABEL_HEIGHT = 15.0, 11.0
# A side of the picture holds the name of a quadrant, and the part above the split a line of words.
_NAME_WIDTH, _ROOM_ABOVE = 95.0, 1.4
# Where the number of a dot may stand, from its centre to the centre of the label, the best place first.
_PLACES = (*((x, y) for y in (-9.0, 9.0, 0.0) for x in (10.0, -10.0)), (0.0, -13.0), (0.0, 13.0))


@dataclass(frozen=True, slots=True)
class MatrixValue:
    """One factor or criterion: its number, the score with its interval, and its importance with its own."""

    number: str
    score: float
    score_low: float | None
    score_high: float | None
    importance: float
    importance_low: float | None
    importance_high: float | None


@dataclass(frozen=True, slots=True)
class MatrixPoint:
    """A dot with its two whiskers and its number, whose middle is at `label_x` and whose base line at `label_y`."""

    number: str
    x: float
    y: float
    across: Span | None
    upright: Span | None
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True)
class Matrix:
    """Scores from left to right, importance from the bottom to the top; the quadrants meet at `split`."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_decimals: int
    split: Span
    points: tuple[MatrixPoint, ...]


def matrix(
    values: Sequence[MatrixValue],
    *,
    split: Span,
    width: float,
    height: float,
    limits: Span = (0.0, 100.0),
    n_y_ticks: int = 5,
) -> Matrix:
    """The geometry of the matrix. Arguments: values, one or more; split, the score and the importance at which the
    quadrants meet; limits, the lowest and the highest score there can be.
    """
    left, right, top, bottom = 34.0, width - 9.0, 15.0, height - 26.0
    scores = [end for value in values for end in (value.score_low, value.score, value.score_high) if end is not None]
    # The quadrants meet where each has room for its name, and no nearer to the middle: points need the rest.
    bounds = nice_bounds(_with_room(scores, split[0], width), floor_at=limits[0], ceiling_at=limits[1])
    weights = [
        end
        for value in values
        for end in (value.importance_low, value.importance, value.importance_high)
        if end is not None
    ]
    above = _ROOM_ABOVE * split[1]
    heights = nice_bounds([0.0, *(100 * end for end in [*weights, above])], floor_at=-100.0, ceiling_at=100.0)
    across, upright = Scale(bounds[0], bounds[-1], left, right), Scale(heights[0], heights[-1], bottom, top)
    dots = [(across.at(value.score), upright.at(100 * value.importance)) for value in values]
    taken = [(x, y, 7.0, 7.0) for x, y in dots]
    points = []
    for value, (x, y) in zip(values, dots, strict=True):
        label = _free_place(x, y, taken, (left, right, top, bottom))
        taken.append((*label, _LABEL_WIDTH, _LABEL_HEIGHT))
        points.append(
            MatrixPoint(
                number=value.number,
                x=x,
                y=y,
                across=_span(across, value.score_low, value.score_high),
                upright=_span(
                    upright,
                    None if value.importance_low is None else 100 * value.importance_low,
                    None if value.importance_high is None else 100 * value.importance_high,
                ),
                label_x=rounded(label[0]),
                label_y=rounded(label[1] + 3.0),
            )
        )
    every = max(1, -(-(len(heights) - 1) // n_y_ticks))
    return Matrix(
        width=width,
        height=height,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        x_ticks=tuple(Tick(bound, across.at(bound)) for bound in bounds),
        y_ticks=tuple(Tick(bound, upright.at(bound)) for bound in heights[::every]),
        x_decimals=decimals_of(bounds),
        split=(across.at(split[0]), upright.at(100 * split[1])),
        points=tuple(points),
    )


def _with_room(scores: Sequence[float], split: float, width: float) -> Span:
    """The scores' ends, further apart where a side of the split would have too little room for two names."""
    share = min(_NAME_WIDTH / width, 0.4)
    low, high = min(*scores, split), max(*scores, split)
    if high == low:
        return low - 1.0, high + 1.0
    low = min(low, split - (high - split) * share / (1 - share))
    high = max(high, split + (split - low) * share / (1 - share))
    return low, high


def _span(scale: Scale, low: float | None, high: float | None) -> Span | None:
    return None if low is None or high is None else (scale.at(low), scale.at(high))


def _free_place(
    x: float, y: float, taken: Sequence[tuple[float, float, float, float]], frame: tuple[float, float, float, float]
) -> Span:
    """The first place for a label that touches no dot and no other label, or the first inside where there is none."""
    left, right, top, bottom = frame
    inside = [
        (x + dx, y + dy)
        for dx, dy in _PLACES
        if left + 8 <= x + dx <= right - 8 and top + 6 <= y + dy <= bottom - 6
    ]  # fmt: skip
    for at in inside:
        if not any(
            abs(at[0] - other_x) < (_LABEL_WIDTH + width) / 2 and abs(at[1] - other_y) < (_LABEL_HEIGHT + height) / 2
            for other_x, other_y, width, height in taken
            if (other_x, other_y) != (x, y)
        ):
            return at
    return inside[0]
