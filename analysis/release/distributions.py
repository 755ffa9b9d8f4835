"""How the answers to the items of the index spread over their options, hidden where the item's estimate is."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from analysis.archive import ArchiveContents
from analysis.indices.trees import IndexTree
from analysis.release.disclosure import RULES
from analysis.release.disclosure_first_rules import FIRST_RULES
from analysis.release.framing import FramedResponses
from analysis.release.plan import Plan
from analysis.release.rows import ALL, BLOC_PREFIX, DistributionRow, EstimateRow
from questionnaires.model import Questionnaire

Floats = npt.NDArray[np.float64]


def distribution_rows(
    contents: ArchiveContents,
    questionnaire: Questionnaire,
    tree: IndexTree,
    framed: FramedResponses,
    plan: Plan,
    rows: Sequence[EstimateRow],
    *,
    totals_hold_hidden_units: bool = True,
    rules: int = RULES,
) -> Iterator[DistributionRow]:
    """The share of each scored option, for every owner in the order of `rows` and every item of the tree.

    A bloc's shares are weighted over its people, or are the plain mean of its units' shares, as the plan aggregates;
    where `rows` know no unit, they are weighted over all.
    They are given exactly where the item's criterion has a published estimate, so that they cannot undo its hiding.
    Where the totals are those of shown units alone (`totals_hold_hidden_units` false), so are these.
    The spread is a secret of its own where nearly all of a few people chose one option, and that of a total where one
    of its units' is hidden: an option that nobody chose would say so of each of them.
    """
    criterion: dict[str, str] = {}
    for node in tree.nodes:
        if node.item is not None:
            criterion.setdefault(node.item, node.code)
    by_cell = {(row.unit, row.node): row for row in rows}
    owners = list(dict.fromkeys(row.unit for row in rows))
    is_pooled = plan.aggregate == "persons" or owners == [ALL]
    units = [unit.code for unit in contents.units]
    blocs = [unit.bloc_code for unit in contents.units]
    counted = {item: _count(contents, questionnaire, framed, item, units) for item in tree.items}
    members_of = {
        owner: [u for u, unit in enumerate(units) if owner in (unit, BLOC_PREFIX + blocs[u], ALL)] for owner in owners
    }
    found: dict[tuple[str, str], tuple[Floats | None, bool]] = {}
    for owner in [*units, *(owner for owner in owners if owner not in units)] if owners != [ALL] else owners:
        for item in tree.items:
            row = by_cell[owner, criterion[item]]
            counting = members_of[owner]
            if not totals_hold_hidden_units:
                counting = [u for u in counting if by_cell[units[u], criterion[item]].estimate is not None]
            shares = _shares(counted[item][1][counting], is_pooled=is_pooled) if row.estimate is not None else None
            is_kept_back = False
            if shares is not None and rules > FIRST_RULES:
                hidden_units = any(found[units[u], item][1] for u in counting if (units[u], item) in found)
                is_total = owner not in units
                few = row.n is not None and row.n < plan.caution_below
                is_kept_back = (is_total and hidden_units) or (few and bool(shares.max() > plan.disclosure.alike))
            found[owner, item] = (None if is_kept_back else shares, row.suppressed or is_kept_back)
    for owner in owners:
        for item in tree.items:
            row = by_cell[owner, criterion[item]]
            shares, is_hidden = found[owner, item]
            for position, option in enumerate(counted[item][0]):
                share = None if shares is None else float(shares[position])
                yield DistributionRow(row.round, owner, item, option, share, row.n, is_hidden)


def _count(
    contents: ArchiveContents, questionnaire: Questionnaire, framed: FramedResponses, item: str, units: list[str]
) -> tuple[list[str], Floats]:
    """The scored options of an item, and the weights of those who chose each of them in each unit (U, options)."""
    options = [option.code for option in questionnaire.item(item).options if option.value is not None]
    unit_of_row = _codes(contents, "unit", units)
    option_of_row = _codes(contents, item, options)
    has_answered = option_of_row >= 0
    flat = unit_of_row[has_answered] * len(options) + option_of_row[has_answered]
    sums: Floats = np.bincount(flat, framed.weights[has_answered], len(units) * len(options)).astype(np.float64)
    return options, sums.reshape(len(units), len(options))


def _codes(contents: ArchiveContents, column: str, values: Sequence[str]) -> npt.NDArray[np.int64]:
    """The position of each row's value among `values`, -1 for any other and for no value."""
    encoded = contents.responses[column].combine_chunks().dictionary_encode()
    position = {value: place for place, value in enumerate(values)}
    places = np.array([position.get(value, -1) for value in encoded.dictionary.to_pylist()] + [-1], dtype=np.int64)
    codes: npt.NDArray[np.int64] = places[encoded.indices.fill_null(len(places) - 1).to_numpy()]
    return codes


def _shares(weights: Floats, *, is_pooled: bool) -> Floats:
    """The shares (options,) of some units' weights (U, options); at least one unit has answers."""
    of_unit = weights.sum(axis=1)
    answering = weights[of_unit > 0]
    if not is_pooled:
        shares: Floats = (answering / answering.sum(axis=1, keepdims=True)).mean(axis=0)
        return shares
    pooled: Floats = answering.sum(axis=0) / answering.sum()
    return pooled
