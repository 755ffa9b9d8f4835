"""What of the computed rows may leave: small cells are hidden, and nothing that is shown gives them back.

Three rules. A cell with fewer respondents or answers than the plan's bound is hidden, and with it every node above it,
for a mean of five numbers gives the fifth back. Where the total of a bloc is shown, the hidden units in it are two at
least and together not below the bound, else the next smallest units are hidden too, and the total when there are none.
The same holds for the total of all and the units that no shown bloc covers.

Under a standardised profile the third rule has nothing to do: a hidden unit enters no total and sets no extreme.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.indices.trees import IndexTree
from analysis.release.plan import Plan
from analysis.release.rows import (
    ALL,
    BLOC_PREFIX,
    COMPLEMENTARY,
    TOO_FEW_ANSWERS,
    TOO_FEW_RESPONDENTS,
    EstimateRow,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row as it was computed, before it is decided what may be shown.

    `n_respondents` are the responses of the row's unit, bloc or all; `n_answers` the fewest answers to an item under
    the node.
    """

    row: EstimateRow
    n_respondents: int
    n_answers: int

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
) -> list[EstimateRow]:
    """The rows that may be published, in the order of the candidates.

    `blocs` names the units of each bloc. Every candidate's unit is one of these, `bloc:CODE` or `all`; each has a row
    for every node of the tree. Hidden rows keep their place and lose their numbers; `caution` marks what is shown with
    fewer respondents or answers than `plan.caution_below`. Rows without a number for another reason stay as they are.
    Where the totals are those of shown units alone (`totals_hold_hidden_units` false), nothing is hidden beside them.
    """
    cells = {(candidate.row.unit, candidate.row.node): candidate for candidate in candidates}
    hidden = _small_cells(cells, plan)
    _close_upwards(hidden, cells, tree)
    # Children come before their parents: what is hidden below is hidden above, never the other way round.
    for position in reversed(range(len(tree.nodes))) if totals_hold_hidden_units else ():
        _complete(hidden, cells, tree, position, blocs, plan)
    return [
        _published(candidate, hidden.get((candidate.row.unit, candidate.row.node)), plan) for candidate in candidates
    ]


_Cell = tuple[str, str]


def _small_cells(cells: Mapping[_Cell, Candidate], plan: Plan) -> dict[_Cell, str]:
    hidden: dict[_Cell, str] = {}
    for cell, candidate in cells.items():
        # A cell may have answers and no number of its own; a total would still give its sum away.
        if candidate.weight_of_cell == 0:
            continue
        if candidate.n_respondents < plan.suppress_below:
            hidden[cell] = TOO_FEW_RESPONDENTS
        elif candidate.n_answers < plan.suppress_below:
            hidden[cell] = TOO_FEW_ANSWERS
    return hidden


def _close_upwards(hidden: dict[_Cell, str], cells: Mapping[_Cell, Candidate], tree: IndexTree) -> None:
    for position in reversed(range(len(tree.nodes))):
        for owner in _owners_hidden_at(hidden, tree.codes[position]):
            _hide_above(hidden, cells, tree, position, owner, hidden[owner, tree.codes[position]])


def _hide_above(
    hidden: dict[_Cell, str],
    cells: Mapping[_Cell, Candidate],
    tree: IndexTree,
    position: int,
    owner: str,
    reason: str,
) -> None:
    for above in tree.ancestors[position]:
        cell = (owner, tree.codes[above])
        if cells[cell].weight_of_cell > 0:
            hidden.setdefault(cell, reason)


def _complete(
    hidden: dict[_Cell, str],
    cells: Mapping[_Cell, Candidate],
    tree: IndexTree,
    position: int,
    blocs: Mapping[str, Sequence[str]],
    plan: Plan,
) -> None:
    node = tree.codes[position]

    def hide(owner: str) -> None:
        hidden[owner, node] = COMPLEMENTARY
        _hide_above(hidden, cells, tree, position, owner, COMPLEMENTARY)

    def is_shown(owner: str) -> bool:
        return (owner, node) not in hidden and cells[owner, node].row.estimate is not None

    uncovered: list[str] = []
    for bloc, units in blocs.items():
        total = BLOC_PREFIX + bloc
        secrets = [unit for unit in units if (unit, node) in hidden]
        if is_shown(total) and secrets:
            others = sorted(filter(is_shown, units), key=lambda unit: (cells[unit, node].weight_of_cell, unit))
            for unit in others:
                if _is_safe(secrets, node, cells, plan):
                    break
                hide(unit)
                secrets.append(unit)
            if not _is_safe(secrets, node, cells, plan):
                hide(total)
        if not is_shown(total):
            uncovered.extend(secrets)
    if is_shown(ALL) and uncovered and not _is_safe(uncovered, node, cells, plan):
        hide(ALL)


def _is_safe(secrets: Collection[str], node: str, cells: Mapping[_Cell, Candidate], plan: Plan) -> bool:
    """Whether the hidden units of a shown total are enough for their sum to tell nothing of any one of them."""
    together = sum(cells[unit, node].weight_of_cell for unit in secrets)
    return len(secrets) >= 2 and together >= plan.suppress_below


def _owners_hidden_at(hidden: Iterable[_Cell], node: str) -> list[str]:
    return [owner for owner, hidden_node in list(hidden) if hidden_node == node]


def _published(candidate: Candidate, reason: str | None, plan: Plan) -> EstimateRow:
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
    return replace(row, n=n, caution=is_shown and candidate.weight_of_cell < plan.caution_below)
