"""What a round's plan says of points in other indices: how many the whole index is worth, and where that is written."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from questionnaires.model import Text
from questionnaires.records import Record

MOST_RULES = 6
MOST_POINTS = 1000.0
Counts = Literal["all", "units"]


@dataclass(frozen=True, slots=True)
class PointsRule:
    """In the index `name`, which has `of` points, the highest index of this round is worth `most` of them.

    `counts` says whose index: "all", the one of the whole round, or "units", each unit's own. `source` is where that is
    written; it stands beside the points wherever they are shown.
    """

    name: Text
    most: float
    of: float
    counts: Counts
    source: str


def read_points(record: Record) -> tuple[PointsRule, ...]:
    """The section `points` of a plan; none where the plan has no such section."""
    if not record.has("points"):
        return ()
    rules = []
    for given in record.records("points", ("name", "most", "of", "counts", "source"), (0, MOST_RULES)):
        most = given.number("most", is_required=True, within=(0.0, MOST_POINTS)) or 0.0
        total = given.number("of", is_required=True, within=(0.0, MOST_POINTS)) or 0.0
        if most > total:
            given.complain("most", f"found {most:g} of {total:g} points, expected at most all of them")
        if not most:
            given.complain("most", "found no points, expected how many the whole index is worth")
        counts = cast(Counts, given.one_of("counts", get_args(Counts)) or "all")
        rules.append(PointsRule(given.text("name"), most, total, counts, given.sentence("source")))
    return tuple(rules)


def points_source(rules: Sequence[PointsRule]) -> str:
    """The section in YAML; nothing where there are no rules."""
    lines = [
        f"  - name: {{vi: {_quoted(rule.name.vi)}, en: {_quoted(rule.name.en)}}}\n    most: {rule.most!r}\n"
        f"    of: {rule.of!r}\n    counts: {rule.counts}\n    source: {_quoted(rule.source)}\n"
        for rule in rules
    ]
    return "points:\n" + "".join(lines) if lines else ""


def _quoted(text: str) -> str:
    # A JSON string is a YAML one.
    return json.dumps(text, ensure_ascii=False)
