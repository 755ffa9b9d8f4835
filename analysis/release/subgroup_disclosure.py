"""Which figures of subgroups may leave.

Small groups are hidden. What a reader can work out of one is a range, which has to be as wide as the plan wants: the
unit's own figure is out, and less those of its shown groups it tells what the others have together, as far as the
digits of a page go; groups of units are shown with no more digits than that. Those who did not answer the item are a
group, too, and never shown. Where the range is too narrow, the next smallest group is hidden as well. A figure of a
group in a bloc holds those of its units: a linear program says how wide the range of each hidden one is
(`disclosure_linear`), and where one is too narrow the bloc does not show that group.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.release.disclosure_linear import Range, Statement, feasible_ranges
from analysis.release.rows import COMPLEMENTARY, TOO_FEW_RESPONDENTS

# What stands for those who did not answer the item.
UNKNOWN = ""
# Among so many hidden groups none can be told, and a linear program of them all would take long.
MOST_SECRETS = 400
_EXACT = 1e-7

# A unit and an option.
Cell = tuple[str, str]
Figures = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Group:
    """Those of a unit who gave one answer, or none (`option` ""): how many, what they weigh, and their figures by node.

    `is_small` groups are secrets: too few people, one of whom may hold most of the weight, or all of one mind.
    """

    unit: str
    option: str
    n: int
    weight: float
    figures: Figures
    is_small: bool

    @property
    def cell(self) -> Cell:
        """The unit and the option."""
        return self.unit, self.option


@dataclass(frozen=True, slots=True)
class Rules:
    """The plan's bounds: the fewest people of a shown figure, digits of figures, how wide the range of a secret has to
    be (in points), and the scale.
    """

    smallest: int
    decimals: int
    protection: float
    scale: Range

    @property
    def half(self) -> float:
        """How far a printed figure may be from the true one."""
        return 0.5 * 10.0**-self.decimals

    def printed(self, figure: float | None) -> float:
        """The figure as pages have it."""
        return round(figure or 0.0, self.decimals)


@dataclass(frozen=True, slots=True)
class Total:
    """A shown figure of one answer in several units: its value by node, and each group with its part in it, together
    one.
    """

    figures: Figures
    parts: Sequence[tuple[Group, float]]


def hidden_groups(
    groups: Mapping[str, Sequence[Group]], published: Mapping[str, Figures], rules: Rules
) -> dict[Cell, str]:
    """The groups of units that are not shown, each with the reason; those who did not answer are left out.

    `groups` are those of each unit, with the one that did not answer; `published` the unit's own figures by node.
    """
    hidden: dict[Cell, str] = {}
    for unit, members in groups.items():
        present = [group for group in members if group.weight > 0]
        asked = sorted(
            (group for group in present if group.option != UNKNOWN), key=lambda group: (group.n, group.option)
        )
        if None in published[unit].values():
            hidden.update((group.cell, TOO_FEW_RESPONDENTS if group.is_small else COMPLEMENTARY) for group in asked)
            continue
        hidden.update((group.cell, TOO_FEW_RESPONDENTS) for group in asked if group.is_small)
        # Who does not know the weights takes everybody to weigh alike, and is nearly right where they nearly do.
        alike = [replace(group, weight=float(group.n)) for group in present]
        for group in asked:
            if not any(
                _is_told(known, hidden, node, figure or 0.0, rules)
                for node, figure in published[unit].items()
                for known in (present, alike)
            ):
                break
            hidden.setdefault(group.cell, COMPLEMENTARY)
    return hidden


def _is_told(members: Sequence[Group], hidden: Mapping[Cell, str], node: str, figure: float, rules: Rules) -> bool:
    """Whether a unit's figure at a node, less those of its shown groups, leaves a small group, or a few people who are
    all the others, too narrow a range.
    """
    secrets = [group for group in members if group.option == UNKNOWN or group.cell in hidden]
    shown = [group for group in members if group.option != UNKNOWN and group.cell not in hidden]
    rest = figure * sum(group.weight for group in members)
    rest -= sum(group.weight * rules.printed(group.figures[node]) for group in shown)
    slack = rules.half * sum(group.weight for group in shown)
    low, high = rules.scale
    together = sum(group.weight for group in secrets)
    asked_for = [group.weight for group in secrets if group.is_small]
    asked_for += [together] if 0 < sum(group.n for group in secrets) < rules.smallest else []
    for weight in asked_for:
        lowest = max((rest - slack - (together - weight) * high) / weight, low)
        highest = min((rest + slack - (together - weight) * low) / weight, high)
        # Where answers to single questions are missing the sum is not quite true, and the range may lie off the scale.
        if 0 <= highest - lowest < rules.protection:
            return True
    return False


def told_groups(
    groups: Mapping[str, Sequence[Group]],
    hidden: Mapping[Cell, str],
    published: Mapping[str, Figures],
    totals: Sequence[Total],
    rules: Rules,
) -> set[Cell]:
    """The hidden small groups to which the totals of groups, with all else that is shown, leave too narrow a range.

    What a unit's own figures tell by themselves is none of the totals' doing.
    """
    present = [group for members in groups.values() for group in members if group.weight > 0]
    secrets = {group.cell: group for group in present if group.option == UNKNOWN or group.cell in hidden}
    concerned = {group.cell for group in secrets.values() if group.is_small and group.option != UNKNOWN}
    if not concerned or not totals or len(secrets) > MOST_SECRETS:
        return set()
    bounds = dict.fromkeys(secrets, rules.scale)
    enough = {cell: rules.protection if cell in concerned else 0.0 for cell in secrets}
    told: set[Cell] = set()
    for node in totals[0].figures:
        of_units = list(_of_units(groups, secrets, published, node, rules))
        statements = [*of_units, *(_of_total(total, node, secrets, rules) for total in totals)]
        narrow = _narrow(concerned, feasible_ranges(bounds, statements, enough), rules)
        if narrow - told:
            told |= narrow - _narrow(concerned, feasible_ranges(bounds, of_units, enough), rules)
    return told


def _narrow(cells: set[Cell], ranges: Mapping[Cell, Range], rules: Rules) -> set[Cell]:
    return {cell for cell in cells if ranges[cell][1] - ranges[cell][0] < rules.protection - 1e-6}


def _of_units(
    groups: Mapping[str, Sequence[Group]],
    secrets: Mapping[Cell, Group],
    published: Mapping[str, Figures],
    node: str,
    rules: Rules,
) -> list[Statement]:
    """What a unit's own figure says of its hidden groups together, less the shown ones."""
    statements = []
    for unit, members in groups.items():
        figure = published[unit][node]
        together = sum(group.weight for group in members)
        inside: dict[Hashable, float] = {
            group.cell: group.weight / together for group in members if group.cell in secrets
        }
        if figure is None or not inside:
            continue
        shown = [group for group in members if group.weight > 0 and group.cell not in secrets]
        rest = figure - sum(group.weight / together * rules.printed(group.figures[node]) for group in shown)
        slack = _EXACT + rules.half * sum(group.weight for group in shown) / together
        statements.append(Statement(inside, rest - slack, rest + slack))
    return statements


def _of_total(total: Total, node: str, secrets: Mapping[Cell, Group], rules: Rules) -> Statement:
    """What a total says of the hidden groups in it, less the shown ones."""
    inside: dict[Hashable, float] = {}
    rest, slack = rules.printed(total.figures[node]), rules.half
    for group, part in total.parts:
        if group.cell in secrets:
            inside[group.cell] = part
        else:
            rest -= part * rules.printed(group.figures[node])
            slack += part * rules.half
    return Statement(inside, rest - slack, rest + slack)
