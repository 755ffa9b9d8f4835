"""What sets a unit's figures in context: the tables of an edition beside its estimates, sorted once for all units."""

from collections import defaultdict

from analysis.release.context_rows import HistoryRow, ImportanceRow, SubgroupRow
from analysis.release.edition import Edition
from analysis.release.rows import BLOC_PREFIX, ROOT, ChangeRow, DifferenceRow, EstimateRow
from analysis.release.voice_rows import CommentRow, PromiseRow, ThemeRow
from analysis.scorecards.cards import Context, Scorecard
from analysis.scorecards.expected import ExpectedRange, expected_ranges
from analysis.scorecards.figures import NodeLine
from analysis.scorecards.over_time import RoundPoint, changes_by_node, promise_lines, trend_points
from analysis.scorecards.priorities import Spread, importance_view, importances, priorities, telling
from analysis.scorecards.voices import subgroup_blocks, themes_of
from questionnaires.model import Text


class Surroundings:
    """The rows of an edition by unit or bloc."""

    def __init__(self, edition: Edition) -> None:
        self._edition = edition
        self._differences: dict[str, dict[str, DifferenceRow]] = defaultdict(dict)
        for difference in edition.differences:
            self._differences[difference.unit][difference.node] = difference
        blocs = {unit.code: unit.bloc_code for unit in edition.units}
        self._members: dict[str, dict[str, list[EstimateRow]]] = defaultdict(lambda: defaultdict(list))
        for row in edition.estimates:
            if row.unit in blocs and row.estimate is not None and not row.suppressed:
                self._members[blocs[row.unit]][row.node].append(row)
        self._importance: dict[str, list[ImportanceRow]] = defaultdict(list)
        for importance in edition.importance:
            self._importance[importance.bloc].append(importance)
        self._history: dict[str, list[HistoryRow]] = defaultdict(list)
        for past in edition.history:
            self._history[past.unit].append(past)
        self._changes: dict[str, list[ChangeRow]] = defaultdict(list)
        for change in edition.changes:
            self._changes[change.unit].append(change)
        self._subgroups: dict[str, list[SubgroupRow]] = defaultdict(list)
        for group in edition.subgroups:
            self._subgroups[group.unit].append(group)
        self._themes: dict[str, list[ThemeRow]] = defaultdict(list)
        for theme in edition.themes:
            self._themes[theme.unit].append(theme)
        self._comments: dict[str, list[CommentRow]] = defaultdict(list)
        for comment in edition.comments:
            self._comments[comment.unit].append(comment)
        self._promises: dict[str, list[PromiseRow]] = defaultdict(list)
        for promise in edition.promises:
            self._promises[promise.unit].append(promise)
        self._accounting = {row.unit: row for row in edition.accounting}
        self._items = {item.code: item for item in edition.questionnaire.items}

    def has_comments(self, unit: str) -> bool:
        """True when released comments on the unit are part of the edition."""
        return bool(self._comments.get(unit))

    def of(self, card: Scorecard, *, with_comments: bool) -> Context:
        """The context of a unit whose figures are on the card; `with_comments` brings what people wrote along."""
        edition, unit = self._edition, card.member.code
        bloc = BLOC_PREFIX + card.bloc_code
        # Blocs of importance are named by their code, with or without the prefix that units' tables need.
        weights = telling(self._importance.get(card.bloc_code) or self._importance.get(bloc, []))
        found, is_by_importance = priorities(card.lines, importances(weights), self._spreads(card))
        changes = changes_by_node(self._changes.get(unit, ()), edition.earlier)
        now = RoundPoint(
            edition.facts.title,
            edition.facts.opens_on,
            card.member.figure,
            card.bloc_index.value,
            "",
            is_current=True,
        )
        root = edition.questionnaire.tree(edition.profile)
        return Context(
            expected=self._expected(card) if card.is_compared else (),
            priorities=found,
            is_by_importance=is_by_importance,
            importance=importance_view(card.lines, weights, {code: item.text for code, item in self._items.items()}),
            trend=trend_points(self._history.get(unit, ()), self._history.get(bloc, ()), edition.earlier, now),
            change=changes.get(ROOT) if card.member.figure.is_shown else None,
            themes=themes_of(self._themes.get(unit, ()), self._comments.get(unit, ()) if with_comments else ()),
            subgroups=subgroup_blocks(self._subgroups.get(unit, ()), self._items),
            promises=promise_lines(
                self._promises.get(unit, ()), card.lines, changes, Text("", "") if root is None else root.short_label
            ),
            accounting=self._accounting.get(unit),
        )

    def _expected(self, card: Scorecard) -> tuple[ExpectedRange, ...]:
        return expected_ranges(
            _kind(card.lines, "factor") or _kind(card.lines, "criterion"),
            self._differences.get(card.member.code, {}),
            self._members.get(card.bloc_code, {}),
            card.member.code,
            self._edition.plan.level,
        )

    def _spreads(self, card: Scorecard) -> dict[str, Spread]:
        by_number = {
            spread.number: Spread(group.options, spread.shares, spread.n)
            for group in card.distributions
            for spread in group.distributions
        }
        return {line.code: by_number[line.number] for line in card.lines if line.number in by_number}


def _kind(lines: tuple[NodeLine, ...], kind: str) -> tuple[NodeLine, ...]:
    return tuple(line for line in lines if line.kind == kind)
