"""A unit's index through the rounds, what changed since the last one, and what became of what was promised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from analysis.release.context_rows import EarlierEdition, HistoryRow
from analysis.release.rows import ROOT, ChangeRow
from analysis.release.voice_rows import PromiseRow
from analysis.scorecards.comparison import Verdict
from analysis.scorecards.figures import Figure, NodeLine
from questionnaires.model import Text

_VERDICTS: Mapping[str, Verdict] = {"higher": "higher", "lower": "lower", "not_different": "not_different"}


@dataclass(frozen=True, slots=True)
class RoundPoint:
    """One round of a trend: the unit's figure, the bloc's value, and why it is not joined with the one before it.

    `break_reason` is "", "method", "unit" or "questionnaire".
    """

    title: Text
    opens_on: date
    figure: Figure
    bloc: float | None
    break_reason: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What a node has more than in an earlier round, with the outcome of the test; without a value a `reason`."""

    round_title: Text
    opens_on: date
    value: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class PromiseLine:
    """What the unit said it would do, beside what became of the score at that node since."""

    number: str
    label: Text
    text: str
    due: date
    made_on: date
    state: str
    change: Change | None


def trend_points(
    history: Sequence[HistoryRow],
    bloc_history: Sequence[HistoryRow],
    earlier: Sequence[EarlierEdition],
    current: RoundPoint,
) -> tuple[RoundPoint, ...]:
    """The rounds that published the unit's index, the first one first, and this one; empty where there is no earlier.

    A row says why a line from its round to this one is broken. Between two earlier rounds the line is broken where
    their reasons are not the same: then whatever changed, changed between them.
    """
    titles = {edition.slug: edition.title for edition in earlier}
    blocs = {row.round: row.estimate for row in bloc_history if row.node == ROOT}
    rows = sorted((row for row in history if row.node == ROOT and row.estimate is not None), key=_by_day)
    if not rows or not current.figure.is_shown:
        return ()
    points = []
    for place, row in enumerate(rows):
        before = rows[place - 1].break_reason if place else row.break_reason
        points.append(
            RoundPoint(
                title=titles.get(row.round, Text(row.title, row.title)),
                opens_on=date.fromisoformat(row.opens_on),
                figure=Figure(row.estimate, row.low, row.high, row.n, "shown", ""),
                bloc=blocs.get(row.round),
                break_reason="" if before == row.break_reason else before or row.break_reason,
            )
        )
    return (
        *points,
        RoundPoint(
            current.title, current.opens_on, current.figure, current.bloc, rows[-1].break_reason, is_current=True
        ),
    )


def changes_by_node(rows: Sequence[ChangeRow], earlier: Sequence[EarlierEdition]) -> dict[str, Change]:
    """What changed at each node since the latest round that it was held against."""
    days = {edition.slug: edition for edition in earlier}
    found: dict[str, Change] = {}
    for row in sorted(rows, key=lambda row: days[row.earlier].opens_on if row.earlier in days else date.min):
        edition = days.get(row.earlier)
        found[row.node] = Change(
            round_title=Text(row.earlier, row.earlier) if edition is None else edition.title,
            opens_on=date.min if edition is None else edition.opens_on,
            value=row.change,
            low=row.low,
            high=row.high,
            verdict=_VERDICTS.get(row.verdict, "not_tested") if row.change is not None else "not_tested",
            reason=row.reason,
        )
    return found


def promise_lines(
    rows: Sequence[PromiseRow], lines: Sequence[NodeLine], changes: Mapping[str, Change], whole: Text
) -> tuple[PromiseLine, ...]:
    """What a unit promised, in the order of the days that it named; `whole` stands for the index."""
    known = {line.code: line for line in lines}
    ordered = sorted(rows, key=lambda row: (row.due, row.made_on, row.node, row.text))
    return tuple(
        PromiseLine(
            number=known[row.node].number if row.node in known else "",
            label=known[row.node].short_label if row.node in known else whole,
            text=row.text,
            due=date.fromisoformat(row.due),
            made_on=date.fromisoformat(row.made_on),
            state=row.state,
            change=changes.get(row.node),
        )
        for row in ordered
    )


def _by_day(row: HistoryRow) -> tuple[str, str]:
    return row.opens_on, row.round
