"""An index through the rounds: values in, coordinates out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from analysis.scorecards.charts import Scale, Tick, decimals_of, nice_bounds, rounded

Point = tuple[float, float]

# Room for a label below the axis, in points: rounds that stand closer are drawn at equal distances.
_LEAST_PITCH = 46.0
_LINE = 11.0


@dataclass(frozen=True, slots=True)
class TrendValue:
    """What is drawn of one round: the unit's index with its interval and the bloc's, each absent as None.

    `is_joined` tells that the value may be compared with the one before it.
    """

    day: date
    value: float | None
    low: float | None
    high: float | None
    bloc: float | None
    is_joined: bool


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """The place of one round: its dot with its interval and its label, and the bloc's mark, each absent as None."""

    x: float
    y: float | None
    low: float | None
    high: float | None
    bloc: float | None
    label_y: float | None
    is_last: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """Lines, ribbons, breaks. `lines`, `ribbons` and `bloc_lines` are runs of rounds that may be joined; `breaks` are
    the places of upright lines between runs. `unit_end` and `bloc_end` are the base lines of the names at the right.
    """

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    ticks: tuple[Tick, ...]
    decimals: int
    points: tuple[TrendPoint, ...]
    lines: tuple[tuple[Point, ...], ...]
    ribbons: tuple[tuple[Point, ...], ...]
    bloc_lines: tuple[tuple[Point, ...], ...]
    breaks: tuple[float, ...]
    unit_end: float | None
    bloc_end: float | None


def trend(
    values: Sequence[TrendValue], *, width: float, height: float, limits: tuple[float, float] = (0.0, 100.0)
) -> Trend:
    """The geometry of a trend; `values` in the order of their days, two or more."""
    ends = [
        end for value in values for end in (value.low, value.value, value.high, value.bloc) if end is not None
    ]  # fmt: skip
    bounds = nice_bounds(ends, floor_at=limits[0], ceiling_at=limits[1])
    left, right, top, bottom = 28.0, width - 92.0, 16.0, height - 18.0
    vertical = Scale(bounds[0], bounds[-1], bottom, top)
    xs = _places([value.day for value in values], left + 24.0, right - 24.0)
    runs = _runs(values)
    points = tuple(
        TrendPoint(
            x,
            _at(vertical, value.value),
            _at(vertical, value.low),
            _at(vertical, value.high),
            _at(vertical, value.bloc),
            _label_place(value, vertical, bottom),
            place == len(values) - 1,
        )
        for place, (value, x) in enumerate(zip(values, xs, strict=True))
    )

    def line(run: Sequence[int], of: Sequence[float | None]) -> tuple[Point, ...]:
        return tuple((xs[i], vertical.at(end)) for i in run if (end := of[i]) is not None)

    def ribbon(run: Sequence[int]) -> tuple[Point, ...]:
        above = line(run, [value.high for value in values])
        below = line(run, [value.low for value in values])
        return (*above, *reversed(below)) if len(above) > 1 else ()

    unit_end, bloc_end = _ends(points[-1], top, bottom)
    return Trend(
        width=width,
        height=height,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        ticks=tuple(Tick(bound, vertical.at(bound)) for bound in bounds),
        decimals=decimals_of(bounds),
        points=points,
        lines=tuple(line(run, [value.value for value in values]) for run in runs),
        ribbons=tuple(found for run in runs if (found := ribbon(run))),
        bloc_lines=tuple(line(run, [value.bloc for value in values]) for run in runs),
        breaks=tuple(rounded((xs[i - 1] + xs[i]) / 2) for i, value in enumerate(values) if i and not value.is_joined),
        unit_end=unit_end,
        bloc_end=bloc_end,
    )


def _at(vertical: Scale, value: float | None) -> float | None:
    return None if value is None else vertical.at(value)


def _ends(last: TrendPoint, top: float, bottom: float) -> tuple[float | None, float | None]:
    """Where the two names beside the last round stand, a line apart at least."""
    if last.y is None or last.bloc is None:
        return (None if last.y is None else rounded(last.y + 3)), (
            None if last.bloc is None else rounded(last.bloc + 3)
        )
    middle, apart = (last.y + last.bloc) / 2, max(abs(last.y - last.bloc), _LINE)
    middle = min(max(middle, top + apart / 2), bottom - apart / 2)
    ends = rounded(middle - apart / 2 + 3), rounded(middle + apart / 2 + 3)
    return ends if last.y <= last.bloc else (ends[1], ends[0])


def _places(days: Sequence[date], start: float, end: float) -> tuple[float, ...]:
    if len(days) == 1:
        return (rounded((start + end) / 2),)
    scale = Scale(float(days[0].toordinal()), float(max(days[-1], days[0]).toordinal() + 1e-9), start, end)
    places = tuple(scale.at(float(day.toordinal())) for day in days)
    if all(later - earlier >= _LEAST_PITCH for earlier, later in pairwise(places)):
        return places
    return tuple(rounded(start + (end - start) * i / (len(days) - 1)) for i in range(len(days)))


def _runs(values: Sequence[TrendValue]) -> tuple[tuple[int, ...], ...]:
    """The rounds in runs that may be joined by a line: a break begins a new one."""
    runs: list[list[int]] = []
    for place, value in enumerate(values):
        if place and value.is_joined:
            runs[-1].append(place)
        else:
            runs.append([place])
    return tuple(tuple(run) for run in runs)


def _label_place(value: TrendValue, vertical: Scale, bottom: float) -> float | None:
    """The base line of the label of a value: above its interval, or below it where the bloc's line runs above."""
    if value.value is None:
        return None
    above = vertical.at(value.value if value.high is None else value.high) - 4.0
    below = vertical.at(value.value if value.low is None else value.low) + 11.0
    is_bloc_above = value.bloc is not None and value.bloc > value.value
    return rounded(min(below, bottom - 3.0) if is_bloc_above else max(above, 8.0))
