"""A score against the range in which it would be expected: values in, coordinates out."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.scorecards.charts import Scale, Tick, rounded

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class RangeRow:
    """One score on its axis: `inner` is where a unit that does not differ from the others would be, `outer` where most
    units of the bloc are, as starts and lengths; `others` are the places of the other units.
    """

    width: float
    height: float
    middle: float
    track: Span
    outer: Span | None
    inner: Span | None
    mark: float | None
    value: float | None
    others: tuple[float, ...]
    ticks: tuple[Tick, ...]


def range_row(
    value: float | None,
    inner: Span | None,
    outer: Span | None,
    mark: float | None,
    others: Sequence[float],
    *,
    bounds: Sequence[float],
    width: float,
    height: float,
    inset: float = 8.0,
) -> RangeRow:
    """The geometry of one row on the scale from the first to the last of `bounds`; absent parts are None.

    Arguments: inner and outer, (low, high) in the units of the score; mark, the value of the others together; others,
    the scores of the other units one by one.
    """
    scale = Scale(bounds[0], bounds[-1], inset, width - inset)

    def span(ends: Span | None) -> Span | None:
        if ends is None:
            return None
        start, end = scale.at(ends[0]), scale.at(ends[1])
        return start, rounded(end - start)

    return RangeRow(
        width=width,
        height=height,
        middle=rounded(height / 2),
        track=(inset, rounded(width - 2 * inset)),
        outer=span(outer),
        inner=span(inner),
        mark=None if mark is None else scale.at(mark),
        value=None if value is None else scale.at(value),
        # Units that would be drawn on the same spot are drawn once.
        others=tuple(sorted({scale.at(other) for other in others})),
        ticks=tuple(Tick(bound, scale.at(bound)) for bound in bounds),
    )
