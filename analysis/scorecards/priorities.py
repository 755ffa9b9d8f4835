"""What matters to people and what a unit may do first: criteria by importance times what is missing to the top."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.release.context_rows import INDEX_OUTCOME, ImportanceRow
from analysis.scorecards.figures import NodeLine, Range
from questionnaires.model import Option, Text

MOST_PRIORITIES = 4
# With fewer points a picture of importance against score tells nothing; with more its numbers hide each other.
FEWEST_POINTS, MOST_POINTS = 3, 16
_EXPLAINS_ITSELF = 0.99


@dataclass(frozen=True, slots=True)
class Importance:
    """How much of what people think of the whole goes with one node: a share between 0 and 1 with its interval."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Spread:
    """The unit's own answers to the item of a criterion: shares of the options, worst first, and their count."""

    options: tuple[Option, ...]
    shares: tuple[float, ...]
    n: int


@dataclass(frozen=True, slots=True)
class Priority:
    """A criterion to begin with. `missing` is what its score lacks to the top of the scale."""

    line: NodeLine
    missing: float
    importance: Importance | None
    spread: Spread | None


@dataclass(frozen=True, slots=True)
class MatrixLine:
    """A factor or a criterion with its importance in the bloc."""

    line: NodeLine
    importance: Importance


@dataclass(frozen=True, slots=True)
class ImportanceView:
    """Importance against score, of factors or, without them, of criteria. `n`, `r_squared` and `outcome` are those of
    the bloc; `outcome` is None where the index itself is the outcome. The quadrants meet at `split`: the bloc's mean
    score over the lines, and their mean importance.
    """

    lines: tuple[MatrixLine, ...]
    outcome: Text | None
    n: int | None
    r_squared: float | None
    split: Range


def telling(rows: Sequence[ImportanceRow]) -> Sequence[ImportanceRow]:
    """The rows of a bloc, or none where they say nothing but how the index is made: without a question on the whole
    the index stands for it, and its own parts then explain all of it.
    """
    is_own = any(
        row.outcome == INDEX_OUTCOME and row.r_squared is not None and row.r_squared >= _EXPLAINS_ITSELF for row in rows
    )
    return () if is_own else rows


def importances(rows: Sequence[ImportanceRow]) -> dict[str, Importance]:
    """The importance of each node of a bloc that has one."""
    return {
        row.node: Importance(row.importance, row.low, row.high) for row in rows if row.importance is not None
    }  # fmt: skip


def priorities(
    lines: Sequence[NodeLine], known: Mapping[str, Importance], spreads: Mapping[str, Spread]
) -> tuple[tuple[Priority, ...], bool]:
    """The criteria that promise most, first one first, and whether importance decided about it.

    Each is worth its importance times the part of the scale that its score lacks. Where not every criterion with a
    score has an importance, what each counts in the index stands in its place. Criteria from hard data and those at
    the top of the scale are none of them.
    """
    candidates = [
        line
        for line in lines
        if line.kind == "criterion" and line.figure.value is not None and line.hard_value is None
    ]  # fmt: skip
    is_by_importance = bool(candidates) and all(line.code in known for line in candidates)

    def worth(line: NodeLine) -> float:
        low, high = line.scale
        weight = known[line.code].value if is_by_importance else line.weight
        return max(weight, 0.0) * (high - (line.figure.value or 0.0)) / (high - low)

    ordered = sorted((line for line in candidates if worth(line) > 0), key=lambda line: (-worth(line), line.number))
    return tuple(
        Priority(
            line,
            line.scale[1] - (line.figure.value or 0.0),
            known.get(line.code) if is_by_importance else None,
            spreads.get(line.code),
        )
        for line in ordered[:MOST_PRIORITIES]
    ), is_by_importance


def importance_view(
    lines: Sequence[NodeLine], rows: Sequence[ImportanceRow], item_texts: Mapping[str, Text]
) -> ImportanceView | None:
    """What the matrix of a unit shows, or None where too few nodes have both a score and an importance."""
    known = importances(rows)
    for kind in ("factor", "criterion"):
        found = tuple(
            MatrixLine(line, known[line.code])
            for line in lines
            if line.kind == kind and line.code in known and line.figure.value is not None
        )
        if FEWEST_POINTS <= len(found) <= MOST_POINTS:
            first = next(row for row in rows if row.node == found[0].line.code)
            scores = [one.line.figure.value or 0.0 for one in found]
            blocs = [one.line.bloc.value for one in found if one.line.bloc.value is not None]
            middle = blocs if len(blocs) == len(found) else scores
            weights = [one.importance.value for one in found]
            return ImportanceView(
                lines=found,
                outcome=None if first.outcome == INDEX_OUTCOME else item_texts.get(first.outcome),
                n=first.n,
                r_squared=first.r_squared,
                split=(sum(middle) / len(middle), sum(weights) / len(weights)),
            )
    return None
