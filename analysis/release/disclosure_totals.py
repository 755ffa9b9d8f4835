"""What else is hidden so that shown totals do not tell hidden units: as little as leaves each of them a wide range.

Criteria come first, because everything above them is made of them. Of each criterion the hidden units fall into groups
of which the shown figures tell one weighted sum: those of a bloc whose total is shown, and those of all other blocs
where the total of all is. The groups have no unit in common, so each can be judged by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from analysis.indices.trees import IndexTree
from analysis.release.disclosure_first_rules import Cell
from analysis.release.disclosure_groups import FEWEST_UNITS, Part, Protection, hidden_beside
from analysis.release.rows import ALL, BLOC_PREFIX


@dataclass(frozen=True, slots=True)
class Hiding:
    """What is hidden so far: `part` is a unit's part in its totals at a node, `hide` hides a cell and all above it."""

    part: Callable[[str, str], Part]
    is_hidden: Callable[[Cell], bool]
    is_shown: Callable[[Cell], bool]
    hide: Callable[[Cell], None]

    def secrets(self, units: Sequence[str], node: str) -> list[Part]:
        """The hidden units that the totals of a node hold."""
        parts = [self.part(unit, node) for unit in units if self.is_hidden((unit, node))]
        return [part for part in parts if part.n > 0 and part.weight > 0]

    def others(self, units: Sequence[str], node: str) -> list[Part]:
        """The shown units of a node, the smallest first."""
        parts = [self.part(unit, node) for unit in units if self.is_shown((unit, node))]
        return sorted(parts, key=lambda part: (part.n, part.unit))


def complete_by_ranges(
    tree: IndexTree,
    blocs: Mapping[str, Sequence[str]],
    hiding: Hiding,
    protection: Protection,
    scales: Mapping[str, tuple[float, float]],
    *,
    counts_persons: bool,
) -> None:
    """Hide units, or totals, until every group of hidden units beside a shown total is protected at every node.

    `scales` has the ends of each node's scale. Where totals count persons (`counts_persons`), those above the criteria
    follow from those of the criteria, so that there the hidden units are counted and no more.
    """
    for position in reversed(range(len(tree.nodes))):
        if tree.nodes[position].item is not None:
            node = tree.codes[position]
            _complete_criterion(node, blocs, hiding, protection.on(scales[node]))
    for position in reversed(range(len(tree.nodes))):
        if tree.nodes[position].item is None:
            _complete_sum(tree, position, blocs, hiding, protection, scales, counts_persons=counts_persons)


def _complete_criterion(node: str, blocs: Mapping[str, Sequence[str]], hiding: Hiding, protection: Protection) -> None:
    uncovered: list[Part] = []
    for bloc, units in blocs.items():
        total = (BLOC_PREFIX + bloc, node)
        secrets = hiding.secrets(units, node)
        if hiding.is_shown(total) and not protection.holds(secrets):
            more = hidden_beside(secrets, hiding.others(units, node), protection)
            for part in more or ():
                hiding.hide((part.unit, node))
            if more is None:
                hiding.hide(total)
        if not hiding.is_shown(total):
            uncovered.extend(secrets)
    if hiding.is_shown((ALL, node)) and not protection.holds(uncovered):
        hiding.hide((ALL, node))


def _complete_sum(
    tree: IndexTree,
    position: int,
    blocs: Mapping[str, Sequence[str]],
    hiding: Hiding,
    protection: Protection,
    scales: Mapping[str, tuple[float, float]],
    *,
    counts_persons: bool,
) -> None:
    """Complete a node that is no criterion.

    Its totals follow from those of its criteria, but where units count alike and a hidden one lacks another criterion:
    it is in the one total and not in the other, and the two tell it. Then the total goes. Where only one unit is hidden
    beside a total another is hidden with one of its criteria, for from these it could be told, or else the total.
    """
    node = tree.codes[position]
    criteria = [
        below.code for m, below in enumerate(tree.nodes) if position in tree.ancestors[m] and below.item is not None
    ]

    def is_alone(secrets: Sequence[Part]) -> bool:
        return 0 < len(secrets) < FEWEST_UNITS or (len(secrets) > 0 and sum(part.n for part in secrets) < protection.n)

    def tells_more(units: Sequence[str]) -> bool:
        return not counts_persons and any(
            not hiding.is_shown((part.unit, node)) and not hiding.secrets([part.unit], node)
            for criterion in criteria
            for part in hiding.secrets(units, criterion)
        )

    uncovered: list[Part] = []
    for bloc, units in blocs.items():
        total = (BLOC_PREFIX + bloc, node)
        if hiding.is_shown(total):
            for part in hiding.others(units, node):
                if not is_alone(hiding.secrets(units, node)):
                    break
                _hide_with_criterion(part.unit, units, criteria, hiding, protection, scales)
            if is_alone(hiding.secrets(units, node)) or tells_more(units):
                hiding.hide(total)
        if not hiding.is_shown(total):
            uncovered.extend(hiding.secrets(units, node))
    everybody = [unit for units in blocs.values() for unit in units]
    if hiding.is_shown((ALL, node)) and (is_alone(uncovered) or tells_more(everybody)):
        hiding.hide((ALL, node))


def _hide_with_criterion(
    unit: str,
    units: Sequence[str],
    criteria: Sequence[str],
    hiding: Hiding,
    protection: Protection,
    scales: Mapping[str, tuple[float, float]],
) -> None:
    """Hide one of a unit's criteria that units are hidden at already, if any can take it in."""
    for criterion in criteria:
        secrets = hiding.secrets(units, criterion)
        if secrets and protection.on(scales[criterion]).holds([*secrets, hiding.part(unit, criterion)]):
            hiding.hide((unit, criterion))
            return
