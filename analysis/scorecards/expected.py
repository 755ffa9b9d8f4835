"""Where a unit would be expected on each factor, and where it is: bands from the edition's tests and from its bloc.

The inner band is the region in which the edition's test finds no difference between the unit and the others of its
bloc, so that a score outside it and a verdict are one and the same. The outer band says how units of the bloc differ:
where nineteen of twenty would be if they were surveyed as this one was.

Sources: Spiegelhalter (2005), "Funnel plots for comparing institutional performance", for bands from the institution's
own standard error; DerSimonian and Laird (1986), "Meta-analysis in clinical trials", equation 8, for the spread between
units; Holm (1979) for the critical values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt

from analysis.estimation.intervals import t_quantile
from analysis.release.rows import DifferenceRow, EstimateRow
from analysis.scorecards.comparison import Verdict
from analysis.scorecards.figures import Figure, NodeLine, Range
from questionnaires.model import Text

# With fewer units nothing can be said of how units differ.
FEWEST_UNITS = 5


@dataclass(frozen=True, slots=True)
class ExpectedRange:
    """One factor of a unit: `others` is the mean of the other units, `inner` and `outer` the bands around it, cut off
    at the ends of the scale; None where the edition has no test, or where the bloc has too few units.
    """

    number: str
    label: Text
    short_label: Text
    figure: Figure
    others: float
    inner: Range
    outer: Range | None
    verdict: Verdict
    scores: tuple[float, ...]
    scale: Range


def expected_ranges(
    lines: Sequence[NodeLine],
    differences: Mapping[str, DifferenceRow],
    members: Mapping[str, Sequence[EstimateRow]],
    unit: str,
    level: float,
) -> tuple[ExpectedRange, ...]:
    """The bands of the lines that the edition tested, in their order.

    Arguments:
        lines: factors or criteria of the unit, all of one kind: a family of tests.
        differences: the unit's rows by node.
        members: the shown rows of all units of the bloc by node.
        unit: the code of the unit among them.
        level: confidence of the outer band and of the tests.
    """
    halves = _half_widths([differences[line.code] for line in lines if line.code in differences], level)
    ranges = []
    for line in lines:
        row, value = differences.get(line.code), line.figure.value
        if row is None or row.difference is None or value is None or line.code not in halves:
            continue
        others, half = value - row.difference, halves[line.code]
        low, high = line.scale
        spread = _spread(members.get(line.code, ()), unit, level)
        ranges.append(
            ExpectedRange(
                number=line.number,
                label=line.label,
                short_label=line.short_label,
                figure=line.figure,
                others=others,
                inner=(max(others - half, low), min(others + half, high)),
                outer=None
                if spread is None
                else (max(others - max(spread, half), low), min(others + max(spread, half), high)),
                verdict=line.verdict,
                scores=tuple(
                    member.estimate
                    for member in members.get(line.code, ())
                    if member.unit != unit and member.estimate is not None
                ),
                scale=line.scale,
            )
        )
    return tuple(ranges)


def _half_widths(rows: Sequence[DifferenceRow], level: float) -> dict[str, float]:
    """How large each difference would have to be for the test that was made of it: Holm's critical values.

    From the smallest p value up the r-th of m is held against (1 - level) / (m - r + 1); from the first that does not
    pass, all are held against that one's.
    """
    tested = sorted((row for row in rows if row.p is not None and row.se is not None), key=lambda row: row.p or 0.0)
    halves: dict[str, float] = {}
    threshold, has_stopped = 1 - level, False
    for place, row in enumerate(tested):
        if not has_stopped:
            threshold = (1 - level) / (len(tested) - place)
            has_stopped = (row.p or 0.0) > threshold
        halves[row.node] = t_quantile(1 - threshold / 2, inf if row.df is None else row.df) * (row.se or 0.0)
    return halves


def _spread(rows: Sequence[EstimateRow], unit: str, level: float) -> float | None:
    """How far from the mean of the bloc a unit with this unit's standard error lies at most, in `level` of cases."""
    known = [(row.estimate, row.se) for row in rows if row.estimate is not None and row.se]
    own = next((row.se for row in rows if row.unit == unit), None)
    if own is None or len(known) < FEWEST_UNITS:
        return None
    weights = [1 / se**2 for _, se in known]
    total = sum(weights)
    mean = sum(weight * value for weight, (value, _) in zip(weights, known, strict=True)) / total
    excess = sum(weight * (value - mean) ** 2 for weight, (value, _) in zip(weights, known, strict=True))
    excess -= len(known) - 1
    between = max(0.0, excess / (total - sum(weight**2 for weight in weights) / total))
    return t_quantile((1 + level) / 2, inf) * sqrt(between + own**2)
