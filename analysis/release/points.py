"""What an index is worth in another one: the points that circulars give for it, such as 10 of the 100 of the PAR Index.

A plan names them, with their source, before the answers are seen:

    points:
      - name: {vi: "Chỉ số cải cách hành chính", en: "PAR Index"}
        most: 10
        of: 100
        counts: all
        source: "what the points follow from"
"""

from dataclasses import dataclass

from analysis.release.edition import Edition
from analysis.release.points_plan import PointsRule
from analysis.release.rows import ALL, ROOT

__all__ = ["Points", "points_of"]


@dataclass(frozen=True, slots=True)
class Points:
    """The points of one owner under a rule, with the ends of their interval; None where the index is not shown."""

    rule: PointsRule
    value: float | None
    low: float | None
    high: float | None


def points_of(edition: Edition, rule: PointsRule, owner: str = ALL) -> Points:
    """The points that the index of a unit, a bloc or (by default) all gives: index ÷ highest index × most points.

    The interval is the index's own on the scale of points: the rule is a proportion, so that it keeps its level. An
    owner without a shown index has none.
    """
    top = edition.scale_of()[1]
    try:
        row = edition.row(owner, ROOT)
    except KeyError:
        return Points(rule, None, None, None)
    if row.suppressed or row.estimate is None:
        return Points(rule, None, None, None)
    share = rule.most / top
    low, high = (None if end is None else end * share for end in (row.low, row.high))
    return Points(rule, row.estimate * share, low, high)
