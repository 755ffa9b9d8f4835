"""What of the computed rows may leave: small cells are hidden, and nothing that is shown gives them back.

A cell is hidden where fewer people than the plan's bound answered, where one respondent holds more than the plan's part
of its weight, or where a few people's answers all stand at the end of the scale; and with it every node above it, for a
mean of five numbers gives the fifth back. Beside a shown total, enough other units are hidden for the range that the
total leaves to each of them to be as wide as the plan wants (`disclosure_totals`), and the total where that cannot be.
A total that hidden units are in is shown as it is printed, without the digits that would tell small counts apart.

Under a standardised profile there is nothing to do beside totals: a hidden unit enters no total and sets no extreme.
`analysis.release.disclosure_audit` looks at the result as a reader would and knows nothing of these rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analysis.indices.trees import IndexTree
from analysis.release.disclosure_first_rules import FIRST_RULES, Cell, complete_by_counts
from analysis.release.disclosure_groups import Part, Protection
from analysis.release.disclosure_totals import Hiding, complete_by_ranges
from analysis.release.plan import Plan
from analysis.release.rows import (
    ALL,
    ANSWERS_ALIKE,
    BLOC_PREFIX,
    COMPLEMENTARY,
    DOMINANCE,
    ROOT,
    TOO_FEW_ANSWERS,
    TOO_FEW_RESPONDENTS,
    EstimateRow,
    FormulaRow,
)

# The rules by which editions are made now.
RULES = 2
# A mean of answers at the end of a scale is there but for rounding.
_AT_END = 1e-9
POINTS = (0.0, 100.0)


def plan_by_rules(plan: Plan, rules: int) -> Plan:
    """The plan as these rules understand it: the first know no part that one respondent may not exceed."""
    return replace(plan, disclosure=replace(plan.disclosure, dominance=1.0)) if rules == FIRST_RULES else plan


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row as it was computed, before it is decided what may be shown.

    `n_respondents` are the responses of the row's unit, bloc or all; `n_answers` the fewest answers to an item under
    the node. Of a criterion, `largest` (0..1) is the part of the weight of its answers that one respondent holds, and
    `in_total` what totals take of it, in a unit that is the same for all units.
    """

    row: EstimateRow
    n_respondents: int
    n_answers: int
    largest: float = 0.0
    in_total: float = 1.0

    @property
    def weight_of_cell(self) -> int:
        """How many people a hidden cell hides."""
        return min(self.n_respondents, self.n_answers)


def disclose(
    candidates: Sequence[Candidate],
    tree: IndexTree,
    blocs: Mapping[str, Sequence[str]],
    plan: Plan,
    *,
    totals_hold_hidden_units: bool = True,
    scales: Mapping[str, tuple[float, float]] | None = None,
    rules: int = RULES,
) -> list[EstimateRow]:
    """The rows that may be published, in the order of the candidates.

    `blocs` names the units of each bloc. Every candidate's unit is one of these, `bloc:CODE` or `all`; each has a row
    for every node of the tree. Hidden rows keep their place and lose their numbers; `caution` marks what is shown with
    fewer respondents or answers than `plan.caution_below`. Rows without a number for another reason stay as they are.
    Where the totals are those of shown units alone (`totals_hold_hidden_units` false), nothing is hidden beside them.
    `scales` has the ends of what a node can have, 0 to 100 where it is left out; `rules` are those of the edition.
    """
    cells = {(candidate.row.unit, candidate.row.node): candidate for candidate in candidates}
    # A standardised score at its end is the lowest of the bloc, and says nothing of how much its people agree.
    known = dict.fromkeys(tree.codes, POINTS) if scales is None else scales
    ends = known if totals_hold_hidden_units and rules > FIRST_RULES else None
    hiding = _Hiding(cells, tree, _small_cells(cells, tree, plan, ends))
    hiding.close_upwards()
    if totals_hold_hidden_units and rules == FIRST_RULES:
        counts = {cell: candidate.weight_of_cell for cell, candidate in cells.items()}
        complete_by_counts(
            tree, blocs, counts, plan.suppress_below, hiding.hidden.__contains__, hiding.is_shown, hiding.hide
        )
    elif totals_hold_hidden_units:
        least = plan.disclosure.protection / 100
        protection = Protection(plan.suppress_below, least, *POINTS, plan.disclosure.dominance)
        steps = Hiding(hiding.part, hiding.hidden.__contains__, hiding.is_shown, hiding.hide)
        complete_by_ranges(tree, blocs, steps, protection, known, counts_persons=plan.aggregate == "persons")
    rounded = hiding.totals_over_hidden(blocs) if totals_hold_hidden_units and rules > FIRST_RULES else set()
    return [
        _published(candidate, hiding.hidden.get(cell), plan, is_rounded=cell in rounded)
        for cell, candidate in cells.items()
    ]


@dataclass(frozen=True, slots=True)
class _Hiding:
    """What is hidden so far, with the reason, of the candidates of a tree."""

    cells: Mapping[Cell, Candidate]
    tree: IndexTree
    hidden: dict[Cell, str]

    def is_shown(self, cell: Cell) -> bool:
        return cell not in self.hidden and self.cells[cell].row.estimate is not None

    def hide(self, cell: Cell) -> None:
        """Hide a cell that another would be told by, and what is above it."""
        owner, node = cell
        self.hidden[cell] = COMPLEMENTARY
        self._hide_above(owner, self.tree.codes.index(node), COMPLEMENTARY)

    def close_upwards(self) -> None:
        for position in reversed(range(len(self.tree.nodes))):
            node = self.tree.codes[position]
            for owner in [owner for owner, hidden_node in self.hidden if hidden_node == node]:
                self._hide_above(owner, position, self.hidden[owner, node])

    def _hide_above(self, owner: str, position: int, reason: str) -> None:
        for above in self.tree.ancestors[position]:
            cell = (owner, self.tree.codes[above])
            if self.cells[cell].weight_of_cell > 0:
                self.hidden.setdefault(cell, reason)

    def part(self, unit: str, node: str) -> Part:
        candidate = self.cells[unit, node]
        count = candidate.weight_of_cell
        return Part(unit, candidate.row.estimate, candidate.in_total, count, candidate.largest)

    def totals_over_hidden(self, blocs: Mapping[str, Sequence[str]]) -> set[Cell]:
        found: set[Cell] = set()
        for bloc, units in blocs.items():
            members = set(units)
            over = [node for unit, node in self.hidden if unit in members]
            found.update((owner, node) for node in over for owner in (BLOC_PREFIX + bloc, ALL))
        return found


def _small_cells(
    cells: Mapping[Cell, Candidate], tree: IndexTree, plan: Plan, ends: Mapping[str, tuple[float, float]] | None
) -> dict[Cell, str]:
    criteria = {node.code for node in tree.nodes if node.item is not None}
    hidden: dict[Cell, str] = {}
    for cell, candidate in cells.items():
        # A cell may have answers and no number of its own; a total would still give its sum away.
        if candidate.weight_of_cell == 0:
            continue
        if candidate.n_respondents < plan.suppress_below:
            hidden[cell] = TOO_FEW_RESPONDENTS
        elif candidate.n_answers < plan.suppress_below:
            hidden[cell] = TOO_FEW_ANSWERS
        elif candidate.largest > plan.disclosure.dominance:
            hidden[cell] = DOMINANCE
        elif cell[1] in criteria and ends is not None and _tells_of_each(candidate, plan, ends[cell[1]]):
            hidden[cell] = ANSWERS_ALIKE
    return hidden


def _tells_of_each(candidate: Candidate, plan: Plan, ends: tuple[float, float]) -> bool:
    """Whether a figure says what every one of a few respondents answered, in a way that the plan keeps to them."""
    value = candidate.row.estimate
    if value is None or candidate.n_answers >= plan.caution_below:
        return False
    return value <= ends[0] + _AT_END or (plan.disclosure.unanimity == "both" and value >= ends[1] - _AT_END)


def _published(candidate: Candidate, reason: str | None, plan: Plan, *, is_rounded: bool) -> EstimateRow:
    row = candidate.row
    n = None if row.n is None or row.n < plan.suppress_below else row.n
    if reason is not None:
        return replace(
            row,
            estimate=None,
            se=None,
            low=None,
            high=None,
            df=None,
            n=n,
            n_effective=None,
            deff=None,
            suppressed=True,
            reason=reason,
            caution=False,
        )
    is_shown = row.estimate is not None
    if is_shown and is_rounded:
        row = _as_printed(row, plan.decimals)
    return replace(row, n=n, caution=is_shown and candidate.weight_of_cell < plan.caution_below)


def formulas_as_printed(
    formulas: Sequence[FormulaRow], rows: Sequence[EstimateRow], blocs: Mapping[str, Sequence[str]], plan: Plan
) -> list[FormulaRow]:
    """The index by other formulas, of totals that hidden units are in with the digits that pages have.

    A mean over its maximum and a rescaled mean are one figure on two scales: the one would tell the other's digits.
    """
    hidden = {row.unit for row in rows if row.node == ROOT and row.suppressed}
    over = {BLOC_PREFIX + bloc for bloc, units in blocs.items() if hidden.intersection(units)}
    over |= {ALL} if over else set()
    return [_shortened(row, plan.decimals) if row.unit in over else row for row in formulas]


def _shortened(row: FormulaRow, decimals: int) -> FormulaRow:
    return replace(row, **_printed_figures(row, decimals))


def _as_printed(row: EstimateRow, decimals: int) -> EstimateRow:
    """The row with the digits that pages have: more of them would tell which small counts make up a sum."""
    return replace(row, **_printed_figures(row, decimals), n_effective=None, deff=None)


def _printed_figures(row: EstimateRow | FormulaRow, decimals: int) -> dict[str, Any]:
    """The figures of a row with so many decimals, and its standard error with one more."""
    places = {"estimate": decimals, "se": decimals + 1, "low": decimals, "high": decimals}
    figures = {name: getattr(row, name) for name in places}
    return {name: None if value is None else round(value, places[name]) for name, value in figures.items()}
