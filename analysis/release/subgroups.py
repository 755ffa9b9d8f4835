"""The index and the factors among people of one sex, one age and so on: `subgroups.csv`.

The plan names the items. Every figure is estimated as a unit's is, within the design as a whole; criteria are left out,
because a group of a unit has too few answers to each. What may be shown is decided in `subgroup_disclosure`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analysis.estimation.estimates import Estimate
from analysis.indices.trees import IndexTree
from analysis.release.context_plan import subgroup_options
from analysis.release.context_rows import SubgroupRow
from analysis.release.estimated_trees import Round, Scored
from analysis.release.framing import BLOC, FramedResponses
from analysis.release.node_estimates import NodeEstimates, estimate_owners, mean_of_units, without_numbers
from analysis.release.open_link import drawn_responses
from analysis.release.plan import Plan
from analysis.release.rows import (
    ALL,
    BLOC_PREFIX,
    COMPLEMENTARY,
    NO_ANSWERS,
    NO_POPULATION,
    EstimateRow,
)
from analysis.release.subgroup_disclosure import UNKNOWN, Group, Rules, Total, hidden_groups, told_groups

Floats = npt.NDArray[np.float64]
_GROUP = "_subgroup"
# Labels of people and places hold no control characters.
_SEPARATOR = "\x1f"
_AT_END = 1e-9


@dataclass(frozen=True, slots=True)
class _Asked:
    """One item of the plan: its options, and the answer of each response (n,), "" where there is none of them."""

    item: str
    options: tuple[str, ...]
    answers: list[str]


@dataclass(frozen=True, slots=True)
class _Figures:
    """The estimates of an item's groups: of units, and of blocs and all by owner and option."""

    tree: IndexTree
    by_owner: Mapping[tuple[str, str], tuple[Sequence[Estimate], int, int]]

    def of(self, owner: str, option: str) -> dict[str, float | None]:
        """A group's figures by node."""
        estimates = self.by_owner[owner, option][0]
        return {code: estimate.value for code, estimate in zip(self.tree.codes, estimates, strict=True)}


def subgroup_rows(round_: Round, host: Scored, rows: Sequence[EstimateRow]) -> list[SubgroupRow]:
    """A row for each owner, each option of the plan's items, and each node that is no criterion.

    `rows` are the published ones of the same tree: what they hide, no subgroup shows. Owners are the units, `bloc:CODE`
    and, where there are several blocs, all.
    """
    published = {(row.unit, row.node): row for row in rows}
    found: list[SubgroupRow] = []
    for item in round_.plan.context.subgroups:
        asked = _asked(round_, host, item)
        figures = _estimated(round_, host, asked)
        reasons = _reasons(round_, host, asked, figures, published)
        owners = [*round_.units, *(BLOC_PREFIX + bloc for bloc in round_.units_of_bloc)]
        for owner in owners if len(round_.units_of_bloc) < 2 else [*owners, ALL]:
            for option in asked.options:
                found.extend(_rows(round_, host, figures, owner, item, option, reasons.get((owner, option), "")))
    return found


def _asked(round_: Round, host: Scored, code: str) -> _Asked:
    item = round_.archive.questionnaire.item(code)
    options = subgroup_options(item)
    answers = drawn_responses(host.contents.responses)[code].to_pylist()
    spelled = (f"{answer:g}" if isinstance(answer, float) else str(answer) for answer in answers)
    return _Asked(code, options, [answer if answer in options else UNKNOWN for answer in spelled])


def _estimated(round_: Round, host: Scored, asked: _Asked) -> _Figures:
    tree, plan = host.tree.without_criteria(), round_.plan
    units = host.framed.table["unit"].to_pylist()
    by_unit = _by(host.framed, units, asked.answers)
    cells = [_cell(unit, option) for unit in round_.units for option in asked.options]
    of_units = estimate_owners(by_unit, tree, plan, _GROUP, cells, with_deff=False)
    parts = [of_units, *_totals(round_, host, asked, by_unit, of_units, tree)]
    by_owner: dict[tuple[str, str], tuple[Sequence[Estimate], int, int]] = {}
    for part in parts:
        for o, cell in enumerate(part.owners):
            owner, _, option = cell.partition(_SEPARATOR)
            counts = int(part.n_respondents[o, 0]), int(part.n_answers[o].min())
            by_owner[owner, option] = (part.estimates[o], *counts)
    return _Figures(tree, by_owner)


def _totals(
    round_: Round,
    host: Scored,
    asked: _Asked,
    by_unit: FramedResponses,
    of_units: NodeEstimates,
    tree: IndexTree,
) -> list[NodeEstimates]:
    """The groups of blocs and of all, made as the plan wants blocs and all to be made."""
    blocs, plan = round_.units_of_bloc, round_.plan
    owners = {**{BLOC_PREFIX + bloc: units for bloc, units in blocs.items()}, ALL: round_.units}
    if plan.aggregate == "units":
        groups = {
            _cell(owner, option): [_cell(unit, option) for unit in units]
            for owner, units in owners.items()
            for option in asked.options
        }
        return [mean_of_units(by_unit, of_units, tree, plan, groups)]
    cells = [_cell(owner, option) for owner in owners for option in asked.options]
    if not round_.design.has_counts:
        return [without_numbers(cells, [0] * len(cells), tree, plan, NO_POPULATION)]
    bloc_of_row = [BLOC_PREFIX + bloc for bloc in host.framed.table[BLOC].to_pylist()]
    found = []
    everybody = [([ALL] * len(bloc_of_row), [ALL])] if len(blocs) > 1 else []
    for labels, names in ((bloc_of_row, [*owners][:-1]), *everybody):
        grouped = _by(host.framed, labels, asked.answers)
        wanted = [_cell(name, option) for name in names for option in asked.options]
        found.append(estimate_owners(grouped, tree, plan, _GROUP, wanted, with_deff=False))
    return found


def _cell(owner: str, option: str) -> str:
    return owner + _SEPARATOR + option


def _by(framed: FramedResponses, owners: Sequence[str], answers: Sequence[str]) -> FramedResponses:
    """The responses with the group of each; who did not answer belongs to none and stays in the design."""
    cells = [None if answer == UNKNOWN else _cell(owner, answer) for owner, answer in zip(owners, answers, strict=True)]
    return replace(framed, table=framed.table.append_column(_GROUP, pa.array(cells, pa.string())))


def _reasons(
    round_: Round,
    host: Scored,
    asked: _Asked,
    figures: _Figures,
    published: Mapping[tuple[str, str], EstimateRow],
) -> dict[tuple[str, str], str]:
    """Why an owner does not show a group; those that it shows are left out."""
    plan, codes, scale = round_.plan, figures.tree.codes, host.framed.bounds
    rules = Rules(plan.suppress_below, plan.decimals, (scale[1] - scale[0]) * plan.disclosure.protection / 100, scale)
    groups = _groups(round_, host, asked, figures)
    blocs = {BLOC_PREFIX + bloc: units for bloc, units in round_.units_of_bloc.items()}
    shown = {owner: {code: published[owner, code].estimate for code in codes} for owner in (*groups, *blocs, ALL)}
    reasons = hidden_groups(groups, {unit: shown[unit] for unit in groups}, rules)
    hidden: dict[tuple[str, str], str] = {}
    below: list[Total] = []
    for owner, units in blocs.items():
        own = {unit: groups[unit] for unit in units}
        hidden |= _hidden_of_total(plan, owner, own, reasons, shown, figures, rules, [])
        below += _totals_of(plan.aggregate, owner, own, figures, hidden)
    if len(blocs) > 1:
        hidden |= _hidden_of_total(plan, ALL, groups, reasons, shown, figures, rules, below)
        # The figure of all, less those of the other blocs, is that of a hidden bloc.
        hidden |= {(ALL, option): COMPLEMENTARY for _, option in hidden if (ALL, option) not in hidden}
    return {**reasons, **hidden}


def _hidden_of_total(
    plan: Plan,
    owner: str,
    groups: Mapping[str, Sequence[Group]],
    reasons: Mapping[tuple[str, str], str],
    shown: Mapping[str, Mapping[str, float | None]],
    figures: _Figures,
    rules: Rules,
    below: Sequence[Total],
) -> dict[tuple[str, str], str]:
    """The groups that a bloc, or all, does not show: small ones, what tells them, and what tells those of its units.

    `below` are the shown groups of the blocs that it is made of.
    """
    members = _together(owner, groups, figures, plan.suppress_below)
    hidden = hidden_groups({owner: members}, shown, rules)
    while told := told_groups(
        groups, reasons, shown, [*below, *_totals_of(plan.aggregate, owner, groups, figures, hidden)], rules
    ):
        more = {(owner, option) for _, option in told} - hidden.keys()
        if not more and all((owner, group.option) in hidden for group in members):
            break
        for cell in more or {group.cell for group in members}:
            hidden.setdefault(cell, COMPLEMENTARY)
    return hidden


def _together(owner: str, groups: Mapping[str, Sequence[Group]], figures: _Figures, smallest: int) -> list[Group]:
    """The groups of a bloc, or of all, by option."""
    found = []
    for same in zip(*groups.values(), strict=True):
        option, n = same[0].option, sum(group.n for group in same)
        n_answers = n if option == UNKNOWN else figures.by_owner[owner, option][2]
        values = same[0].figures if option == UNKNOWN else figures.of(owner, option)
        is_small = n > 0 and min(n, n_answers) < smallest
        found.append(Group(owner, option, n, sum(group.weight for group in same), values, is_small))
    return found


def _totals_of(
    aggregate: str,
    owner: str,
    groups: Mapping[str, Sequence[Group]],
    figures: _Figures,
    hidden: Mapping[tuple[str, str], str],
) -> list[Total]:
    """The shown groups of a bloc, or of all, with what each takes of those of its units."""
    found = []
    for same in zip(*groups.values(), strict=True):
        option, inside = same[0].option, [group for group in same if group.n > 0]
        if option == UNKNOWN or (owner, option) in hidden or not inside:
            continue
        weights = [group.weight if aggregate == "persons" else 1.0 for group in inside]
        values = figures.of(owner, option)
        if None not in values.values():
            found.append(Total(values, [(group, w / sum(weights)) for group, w in zip(inside, weights, strict=True)]))
    return found


def _groups(round_: Round, host: Scored, asked: _Asked, figures: _Figures) -> dict[str, list[Group]]:
    """The groups of every unit, and among them those who did not answer."""
    plan, weights = round_.plan, host.framed.weights
    cells: dict[tuple[str, str], list[float]] = {}
    for unit, answer, weight in zip(
        host.framed.table["unit"].to_pylist(), asked.answers, weights.tolist(), strict=True
    ):
        cells.setdefault((unit, answer), []).append(weight)
    nothing: dict[str, float | None] = dict.fromkeys(figures.tree.codes, None)
    found: dict[str, list[Group]] = {}
    for unit in round_.units:
        found[unit] = []
        for option in (*asked.options, UNKNOWN):
            own = cells.get((unit, option), [])
            values = nothing if option == UNKNOWN else figures.of(unit, option)
            n_answers = len(own) if option == UNKNOWN else figures.by_owner[unit, option][2]
            is_small = min(len(own), n_answers) < plan.suppress_below
            is_small = is_small or max(own) > plan.disclosure.dominance * sum(own)
            is_small = is_small or (len(own) < plan.caution_below and _is_of_one_mind(values, host, round_))
            found[unit].append(Group(unit, option, len(own), sum(own), values, bool(own) and is_small))
    return found


def _is_of_one_mind(values: Mapping[str, float | None], host: Scored, round_: Round) -> bool:
    low, high = host.framed.bounds
    ends = [low, *([high] if round_.plan.disclosure.unanimity == "both" else [])]
    return any(value is not None and abs(value - end) <= _AT_END for value in values.values() for end in ends)


def _rows(
    round_: Round, host: Scored, figures: _Figures, owner: str, item: str, option: str, reason: str
) -> list[SubgroupRow]:
    plan = round_.plan
    estimates, n, n_answers = figures.by_owner[owner, option]
    found = []
    for code, estimate in zip(figures.tree.codes, estimates, strict=True):
        empty = SubgroupRow(
            round=round_.slug,
            unit=owner,
            item=item,
            option=option,
            node=code,
            estimate=None,
            se=None,
            low=None,
            high=None,
            level=plan.level,
            method=estimate.method,
            df=None,
            n=None,
            suppressed=False,
            reason=NO_ANSWERS,
            caution=False,
        )
        if n == 0 and estimate.reason != NO_POPULATION:
            found.append(empty)
        elif reason and estimate.reason != NO_POPULATION:
            found.append(replace(empty, suppressed=True, reason=reason))
        elif estimate.value is None:
            found.append(replace(empty, n=n if n >= plan.suppress_below else None, reason=estimate.reason or ""))
        else:
            found.append(_printed(empty, estimate, host, plan.decimals, n, min(n, n_answers) < plan.caution_below))
    return found


def _printed(empty: SubgroupRow, estimate: Estimate, host: Scored, decimals: int, n: int, caution: bool) -> SubgroupRow:
    """The row with the digits that pages have."""
    low, high = host.framed.bounds

    def within(value: float | None) -> float | None:
        return None if value is None else round(min(max(value, low), high), decimals)

    return replace(
        empty,
        estimate=within(estimate.value),
        se=None if estimate.se is None else round(estimate.se, decimals + 1),
        low=within(estimate.low),
        high=within(estimate.high),
        df=estimate.df,
        n=n,
        reason="",
        caution=caution,
    )
