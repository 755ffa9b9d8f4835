"""Estimates of every node of the tree for units, blocs and all, from one set of joint item means each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import ibis
import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.estimation.estimates import Estimate
from analysis.estimation.intervals import logit_interval, t_interval, unanimous_interval
from analysis.estimation.means import MeanSet, estimate_means
from analysis.indices.trees import IndexTree
from analysis.release.framing import SCORE, FramedResponses
from analysis.release.plan import Plan
from analysis.release.rows import NO_ANSWERS, ONE_CLUSTER

Integers = npt.NDArray[np.int64]

METHOD, LOGIT = "t", "logit"
UNANIMOUS = "unanimous"
# The standard error, in points of 100, below which all answers are alike but for rounding.
NO_SPREAD = 1e-9
# As many combinations at a time as keep their joint covariance small.
COMBINATIONS_AT_ONCE = 1200


@dataclass(frozen=True, slots=True)
class NodeEstimates:
    """An estimate for each of O owners (units, blocs or all) and M nodes.

    `n_respondents` (O, M) are the owner's responses, `n_answers` (O, M) the fewest answers to an item under the node;
    both are `UNCOUNTED` where no answer enters.
    `means` are the joint item means behind the estimates, and `places` (O,) each owner's domain among them; None where
    there is none.
    """

    owners: tuple[str, ...]
    estimates: tuple[tuple[Estimate, ...], ...]
    n_respondents: Integers
    n_answers: Integers
    means: MeanSet | None
    places: tuple[int | None, ...]

    def renamed(self, owners: Sequence[str]) -> "NodeEstimates":
        """The same estimates under other names."""
        return replace(self, owners=tuple(owners))


@dataclass(frozen=True, slots=True)
class _Combination:
    """A weighted sum of one node's value in some domains, with the degrees of freedom of these domains together.

    `n` are the respondents, `n_answers` the fewest answers to an item under the node.
    """

    node: int
    weights: Mapping[int, float]
    df: float
    n: int
    n_answers: int


def estimate_owners(
    framed: FramedResponses,
    tree: IndexTree,
    plan: Plan,
    column: str | None,
    owners: Sequence[str],
    *,
    with_deff: bool = True,
) -> NodeEstimates:
    """The estimates for some values of a column of the responses, or for all responses where the column is None.

    `owners` are the values in the wanted order; one without responses has rows without numbers. Where the plan wants
    no estimate from strata with one PSU, the owners of responses there have none. Without `with_deff` it costs half and
    design effects of combinations mean nothing.
    """
    if framed.table.num_rows == 0:
        return without_numbers(owners, [0] * len(owners), tree, plan, NO_ANSWERS)
    means = item_means(framed, tree.items, column, with_deff=with_deff)
    places = places_of(means, owners)
    n_answers = tree.fewest_answers(item_counts(means, places))
    respondents = np.array([0 if d is None else means.n_respondents[d] for d in places], dtype=np.int64)
    wanted = [
        _Combination(m, {d: 1.0}, float(means.df[d]), int(respondents[o]), int(n_answers[o, m]))
        for o, d in enumerate(places)
        if d is not None
        for m in range(len(tree.nodes))
    ]
    found = _combine(means, framed, tree, plan, wanted)
    lonely = owners_of_lonely_rows(framed, column)
    estimates, position = [], 0
    for owner, place in zip(owners, places, strict=True):
        if place is None:
            estimates.append((absent(plan, 0, NO_ANSWERS),) * len(tree.nodes))
            continue
        own = found[position : position + len(tree.nodes)]
        position += len(tree.nodes)
        estimates.append(tuple(absent(plan, e.n, e.reason or ONE_CLUSTER) if owner in lonely else e for e in own))
    return NodeEstimates(tuple(owners), tuple(estimates), _for_each(tree, respondents), n_answers, means, places)


def item_means(framed: FramedResponses, items: Sequence[str], column: str | None, *, with_deff: bool = True) -> MeanSet:
    """The joint means of the items' scores for each value of a column, or for all responses where it is None."""
    connection = ibis.duckdb.connect()
    try:
        # One thread adds up in one order, so that an archive gives the same last digit every time.
        connection.raw_sql("SET threads = 1")
        connection.con.register("responses", framed.table)
        table = connection.table("responses")
        scores = [SCORE + item for item in items]
        domain = [] if column is None else [column]
        return estimate_means(table, framed.design, scores, domain, with_cross_squares=with_deff)
    finally:
        connection.disconnect()


def places_of(means: MeanSet, owners: Sequence[str]) -> tuple[int | None, ...]:
    """Each owner's domain among the means; None where nobody answered for it."""
    place_of = {labels[0] if labels else "": d for d, labels in enumerate(means.domains)}
    return tuple(place_of.get(owner) for owner in owners)


def item_counts(means: MeanSet, places: Sequence[int | None]) -> Integers:
    """The answers to each item (O, K) of the owners at these places."""
    nobody = np.zeros(len(means.variables), dtype=np.int64)
    return np.array([nobody if d is None else means.n[d] for d in places], dtype=np.int64)


def mean_of_units(
    framed: FramedResponses, units: NodeEstimates, tree: IndexTree, plan: Plan, groups: Mapping[str, Sequence[str]]
) -> NodeEstimates:
    """The plain mean, node by node, of the units of each group that have a number there, with their covariance.

    `groups` names the units of each new owner. Degrees of freedom are those of the units together, at most the
    design's. A group in which no unit has a number has none either.
    """
    position = {owner: o for o, owner in enumerate(units.owners)}
    combinations, slots = [], []
    respondents, answers = [], []
    estimates: list[list[Estimate]] = []
    for g, members in enumerate(groups.values()):
        chosen = [position[unit] for unit in members]
        n = int(units.n_respondents[chosen, 0].sum())
        respondents.append(n)
        answers.append(units.n_answers[chosen].sum(axis=0))
        estimates.append([absent(plan, n, NO_ANSWERS)] * len(tree.nodes))
        for m in range(len(tree.nodes)):
            domains = [units.places[o] for o in chosen if units.estimates[o][m].value is not None]
            known = [d for d in domains if d is not None]
            if units.means is None or not known:
                continue
            df = min(float(units.means.df[known].sum()), units.means.df_design)
            combinations.append(_Combination(m, dict.fromkeys(known, 1.0 / len(known)), df, n, int(answers[g][m])))
            slots.append((g, m))
    if units.means is not None:
        for (g, m), estimate in zip(slots, _combine(units.means, framed, tree, plan, combinations), strict=True):
            estimates[g][m] = estimate
    return NodeEstimates(
        owners=tuple(groups),
        estimates=tuple(tuple(row) for row in estimates),
        n_respondents=_for_each(tree, np.array(respondents, dtype=np.int64)),
        n_answers=np.array(answers, dtype=np.int64),
        means=None,
        places=(None,) * len(groups),
    )


def without_numbers(
    owners: Sequence[str], n_respondents: Sequence[int], tree: IndexTree, plan: Plan, reason: str
) -> NodeEstimates:
    """Owners for whom nothing can be computed, all for one reason."""
    counts = np.array(n_respondents, dtype=np.int64)
    return NodeEstimates(
        owners=tuple(owners),
        estimates=tuple((absent(plan, int(n), reason),) * len(tree.nodes) for n in counts),
        n_respondents=_for_each(tree, counts),
        n_answers=_for_each(tree, counts),
        means=None,
        places=(None,) * len(counts),
    )


def _for_each(tree: IndexTree, counts: Integers) -> Integers:
    """The counts (O,) once for each node (O, M)."""
    return np.repeat(counts[:, None], len(tree.nodes), axis=1)


def _combine(
    means: MeanSet, framed: FramedResponses, tree: IndexTree, plan: Plan, combinations: Sequence[_Combination]
) -> list[Estimate]:
    found: list[Estimate] = []
    for start in range(0, len(combinations), COMBINATIONS_AT_ONCE):
        batch = combinations[start : start + COMBINATIONS_AT_ONCE]
        coefficients = _coefficients(means, tree, batch)
        raw = means.estimates_of(coefficients, [None] * len(batch), plan.level)
        spread = np.maximum(means.srs_variance_of(coefficients, replace=True), 0.0)
        for estimate, wanted, is_alike in zip(raw, batch, np.sqrt(spread) < NO_SPREAD, strict=True):
            finished = _finished(estimate, wanted, framed, plan)
            if is_alike and finished.value is not None and not is_full_count(means, framed, wanted.weights):
                finished = _unanimous(finished, wanted, framed, plan)
            found.append(finished)
    return found


def _finished(estimate: Estimate, wanted: _Combination, framed: FramedResponses, plan: Plan) -> Estimate:
    if estimate.value is None or estimate.se is None:
        return absent(plan, wanted.n, NO_ANSWERS if estimate.value is None else ONE_CLUSTER)
    interval = t_interval(estimate.value, estimate.se**2, wanted.df, plan.level)
    if plan.interval == LOGIT:
        # At an end of the scale there is no logit; what is alike there gets the interval of unanimous answers.
        bounded = logit_interval(estimate.value, estimate.se**2, wanted.df, plan.level, framed.bounds)
        interval = bounded or interval
    if interval is None:
        # Within one cluster nothing varies between clusters; a figure without its uncertainty is not given out.
        return absent(plan, wanted.n, ONE_CLUSTER)
    n_effective = None if estimate.deff is None else wanted.n / estimate.deff
    return replace(
        estimate,
        low=interval[0],
        high=interval[1],
        method=LOGIT if plan.interval == LOGIT else METHOD,
        df=wanted.df,
        n=wanted.n,
        n_effective=n_effective,
        reason=None,
    )


def _unanimous(estimate: Estimate, wanted: _Combination, framed: FramedResponses, plan: Plan) -> Estimate:
    """The estimate with an interval that does not take the agreement of those who were asked for everybody's."""
    # Neighbours in a cluster may agree for one reason, so only clusters count as independent there.
    n = min(wanted.n_answers, wanted.df + 1) if framed.design.clusters else wanted.n_answers
    low, high = unanimous_interval(estimate.value or 0.0, n, framed.bounds, plan.level)
    # What rounding leaves of a spread of nothing is no design effect, and differs with the order of the rows.
    return replace(estimate, se=0.0, low=low, high=high, method=UNANIMOUS, n_effective=None, deff=None)


def is_full_count(means: MeanSet, framed: FramedResponses, domains: Iterable[int]) -> bool:
    """Whether everybody in these domains was asked, so that nothing is left to chance."""
    if not framed.design.fpc:
        return False
    return all(means.sum_weights[d].max() <= means.n[d].max() * (1 + 1e-9) for d in domains)


def _coefficients(means: MeanSet, tree: IndexTree, combinations: Sequence[_Combination]) -> sparse.csr_array:
    n_items = len(tree.items)
    rows, columns, weights = [], [], []
    for row, combination in enumerate(combinations):
        items = np.flatnonzero(tree.coefficients[combination.node])
        for domain, weight in combination.weights.items():
            rows.append(np.full(len(items), row))
            columns.append(domain * n_items + items)
            weights.append(weight * tree.coefficients[combination.node][items])
    shape = (len(combinations), len(means.domains) * n_items)
    return sparse.csr_array((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def node_coefficients(means: MeanSet, tree: IndexTree, node: int, places: Sequence[int]) -> sparse.csr_array:
    """The coefficients (len(places), D * K) of a node's value in some domains."""
    return _coefficients(means, tree, [_Combination(node, {place: 1.0}, 0.0, 0, 0) for place in places])


def owners_of_lonely_rows(framed: FramedResponses, column: str | None) -> set[str]:
    """The values of a column in the strata with one PSU from which the plan wants nothing estimated."""
    if not framed.lonely_rows.any():
        return set()
    if column is None:
        return {""}
    return set(framed.table[column].filter(framed.lonely_rows).unique().to_pylist())


def absent(plan: Plan, n: int, reason: str) -> Estimate:
    """The estimate that says why there is no number."""
    return Estimate(None, None, None, None, plan.level, METHOD, None, n, None, None, reason)
