"""Estimates under a standardised profile, where a unit's score depends on the other units of its bloc.

The extremes that an indicator is mapped between are estimates too, so that a score is no linear function of the means
and its error no linear one of theirs. The item means of all units are drawn from their joint normal law, and the whole
index is computed from each draw. The variance of a figure is that over the draws, or the one between fixed extremes
where that is larger, and the square of how far the draws lie from the figure on average: noise makes extremes more
extreme, which the spread of the draws alone does not tell. docs/statistics.md has the measured coverage.

Only units with enough answers take part: one that is hidden sets no extreme and enters no figure of a bloc, so that
nothing that is shown gives it back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.estimation.estimates import Estimate
from analysis.estimation.intervals import t_interval, unanimous_interval
from analysis.indices.standardisation import HIGHEST, LOWEST, extremes, have_same_extremes, standardised
from analysis.indices.trees import UNCOUNTED, IndexTree
from analysis.release.framing import FramedResponses
from analysis.release.node_estimates import (
    NO_SPREAD,
    UNANIMOUS,
    NodeEstimates,
    absent,
    is_full_count,
)
from analysis.release.plan import Plan
from analysis.release.rows import (
    ALL,
    BLOC_PREFIX,
    DOMINANCE,
    HARD,
    NO_ANSWERS,
    NO_HARD_DATA,
    NO_UNITS,
    ONE_CLUSTER,
    ONE_UNIT,
    SAME_EXTREMES,
    TOO_FEW_ANSWERS,
    TOO_FEW_RESPONDENTS,
)
from analysis.release.unit_sample import UnitSample, sample_units
from questionnaires.model import Profile

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

T_DRAWS = "t_draws"
# Nothing tells the units of the bloc apart, so that a score may lie anywhere on its scale.
MIDPOINT = "midpoint"
# As many draws at a time as keep the scores of a large bloc small.
DRAWS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Standard:
    """What a standardised index is computed by: the tree, its profile, the plan, and each item's lowest and highest
    option (K, 2).
    """

    tree: IndexTree
    profile: Profile
    plan: Plan
    scales: Floats

    @property
    def node_scales(self) -> Floats:
        """What the nodes' values from 1 to 10 are multiplied by (M,): the index is in points."""
        scales = np.ones(len(self.tree.nodes))
        scales[0] = self.profile.points / HIGHEST
        return scales

    @property
    def earlier(self) -> tuple[Floats, Floats]:
        """The lowest and the highest of earlier years for each indicator (K + H,); NaN where there are none."""
        nothing = (np.nan, np.nan)
        known = self.plan.standardisation.earlier
        pairs = np.array([known.get(code, nothing) for code in (*self.tree.items, *self.tree.hard)])
        return pairs[:, 0], pairs[:, 1]

    def scores(self, values: Floats, units_axis: int) -> tuple[Floats, Floats, Floats]:
        """The scores of a bloc's units and the extremes that they lie between, from the values (…, U, K + H)."""
        low, high = extremes(values, self.earlier, axis=units_axis)
        between = np.expand_dims(low, units_axis), np.expand_dims(high, units_axis)
        return standardised(values, *between, self.tree.reversed, self.profile.same_extremes), low, high

    def slopes(self, low: Floats, high: Floats) -> Floats:
        """What one more point of an indicator adds to its score between fixed extremes; 0 where these are the same."""
        width = np.where(have_same_extremes(low, high), np.inf, high - low)
        return np.nan_to_num(np.where(self.tree.reversed, -1.0, 1.0) * (HIGHEST - LOWEST) / width)

    def nodes(self, scores: Floats) -> Floats:
        """The values of the nodes (…, M) from the scores of the indicators (…, K + H)."""
        return self.tree.values_of(scores) * self.node_scales


@dataclass(frozen=True, slots=True)
class StandardisedEstimates:
    """The estimates of units and of their totals, and the draws (draws, U, M) of the units' nodes.

    `totals` are the plain means of the units that have a figure: of each bloc and, last, of all. `extremes` are, for
    each bloc, the lowest and the highest (K + H,) of its units, pooled with those of earlier years; NaN for none.
    """

    units: NodeEstimates
    totals: NodeEstimates
    node_draws: Floats
    extremes: tuple[tuple[Floats, Floats], ...]

    def covariance(self, node: int, positions: Sequence[int]) -> Floats:
        """The joint covariance of a node in some units: the correlations of the draws, the published errors."""
        drawn = np.atleast_2d(np.cov(self.node_draws[:, list(positions), node], rowvar=False))
        errors = np.array([self.units.estimates[unit][node].se or 0.0 for unit in positions])
        deviations = np.sqrt(np.diag(drawn))
        ratios = np.divide(errors, deviations, out=np.zeros_like(errors), where=deviations > 0)
        covariance: Floats = drawn * ratios[:, None] * ratios[None, :]
        np.fill_diagonal(covariance, errors**2)
        return covariance


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The units of a bloc (their positions among all) held against each other.

    `scores` (u, K + H) lie between the extremes `low` and `high` (K + H,). `nodes` (u, M) are the values, `variances`
    those of the draws, `shifts` how far these lie from the values on average. `node_draws` (draws, u, M) are the nodes,
    `sum_draws` (draws, M) the sums over the units that have a figure.
    """

    members: Sequence[int]
    scores: Floats
    low: Floats
    high: Floats
    nodes: Floats
    variances: Floats
    shifts: Floats
    node_draws: Floats
    sum_draws: Floats


def estimate_standardised(
    framed: FramedResponses,
    standard: Standard,
    units: Sequence[str],
    blocs: Mapping[str, Sequence[str]],
    hard: Floats,
    generator: np.random.Generator,
) -> StandardisedEstimates:
    """The estimates of U units, of their blocs and of all; all is the mean of units that were compared bloc by bloc.

    `blocs` names the units of each bloc; `hard` (U, H) are the hard data, NaN where there are none.
    """
    sample = sample_units(framed, standard.tree, standard.plan, units, hard, generator)
    position = {unit: place for place, unit in enumerate(units)}
    compared = [_compare(sample, standard, [position[unit] for unit in members]) for members in blocs.values()]
    estimates: list[Sequence[Estimate]] = [()] * len(units)
    node_draws = np.full((standard.plan.standardisation.draws, len(units), len(standard.tree.nodes)), np.nan)
    for comparison in compared:
        node_draws[:, comparison.members] = comparison.node_draws
        for unit, found in zip(comparison.members, _unit_estimates(framed, sample, standard, comparison), strict=True):
            estimates[unit] = found
    asks = standard.tree.survey_coefficients.any(axis=1)
    own = NodeEstimates(
        owners=tuple(units),
        estimates=tuple(map(tuple, estimates)),
        n_respondents=np.where(asks, sample.n_respondents[:, None], UNCOUNTED),
        n_answers=standard.tree.fewest_answers(sample.n_items),
        means=sample.means,
        places=sample.places,
    )
    totals = _totals(sample, standard, own, compared, [*blocs])
    between = tuple((comparison.low, comparison.high) for comparison in compared)
    return StandardisedEstimates(own, totals, node_draws, between)


def _compare(sample: UnitSample, standard: Standard, members: Sequence[int]) -> _Comparison:
    values = sample.values[members]
    scores, low, high = standard.scores(values, 0)
    nodes = standard.nodes(scores)
    n_draws, n_items = len(sample.deviations), len(standard.tree.items)
    sums, squares = np.zeros_like(nodes), np.zeros_like(nodes)
    node_draws = np.empty((n_draws, *nodes.shape))
    sum_draws = np.empty((n_draws, nodes.shape[1]))
    for start in range(0, n_draws, DRAWS_AT_ONCE):
        batch = slice(start, start + DRAWS_AT_ONCE)
        deviations = sample.deviations[batch][:, members]
        drawn = np.repeat(values[None], len(deviations), axis=0)
        drawn[:, :, :n_items] += deviations
        drawn_nodes = standard.nodes(standard.scores(drawn, 1)[0])
        away = drawn_nodes - nodes
        sums += away.sum(axis=0)
        squares += (away**2).sum(axis=0)
        node_draws[batch] = drawn_nodes
        sum_draws[batch] = np.nansum(drawn_nodes, axis=1)
    variances = np.maximum(squares - sums**2 / n_draws, 0.0) / (n_draws - 1)
    return _Comparison(members, scores, low, high, nodes, variances, sums / n_draws, node_draws, sum_draws)


def _unit_estimates(
    framed: FramedResponses, sample: UnitSample, standard: Standard, comparison: _Comparison
) -> list[list[Estimate]]:
    tree, plan = standard.tree, standard.plan
    # Between fixed extremes a node is linear in the unit's own means; this tells its design effect, and whether all
    # answers under it are alike.
    linear = tree.survey_coefficients * standard.slopes(comparison.low, comparison.high)[: len(tree.items)]
    linear *= standard.node_scales[:, None]
    is_alike, fixed, deff = _spread(sample, linear, comparison.members)
    errors = np.sqrt(np.maximum(comparison.variances, fixed) + comparison.shifts**2)
    found = []
    for row, unit in enumerate(comparison.members):
        n, df = int(sample.n_respondents[unit]), float(sample.df[unit])
        place = sample.places[unit]
        is_counted = sample.means is not None and place is not None and is_full_count(sample.means, framed, [place])
        nodes = []
        for m in range(len(tree.nodes)):
            value, error = float(comparison.nodes[row, m]), float(errors[row, m])
            if np.isnan(value):
                nodes.append(absent(plan, n, _reason(sample, standard, comparison, unit, m)))
                continue
            method = _method(tree.survey_coefficients[m], linear[m], is_alike=bool(is_alike[row, m]) and not is_counted)
            design_effect = float(deff[row, m]) if method == T_DRAWS and deff[row, m] > 0 else None
            if method == T_DRAWS:
                low, high = t_interval(value, error**2, df, plan.level) or (None, None)
            else:
                error = 0.0
                low, high = _widest(framed, sample, standard, comparison, row, m)
            nodes.append(
                Estimate(
                    value=value,
                    se=error,
                    low=low,
                    high=high,
                    level=plan.level,
                    method=method,
                    df=None if method == HARD else df,
                    n=n,
                    n_effective=None if design_effect is None else n / design_effect,
                    deff=design_effect,
                    reason=None,
                )
            )
        found.append(nodes)
    return found


def _spread(sample: UnitSample, linear: Floats, members: Sequence[int]) -> tuple[Truths, Floats, Floats]:
    """For the units' nodes (u, M): whether all answers under them are alike, the variances between fixed extremes, and
    the design effects; 0 for none.
    """
    alike = np.zeros((len(members), len(linear)), dtype=bool)
    fixed, deff = np.zeros(alike.shape), np.zeros(alike.shape)
    rows = [row for row, unit in enumerate(members) if sample.places[unit] is not None]
    if sample.means is None or not rows:
        return alike, fixed, deff
    places = [sample.places[members[row]] for row in rows]
    ones = np.ones(len(rows))
    chosen = sparse.csr_array((ones, (np.arange(len(rows)), places)), shape=(len(rows), len(sample.means.domains)))
    each_item = sparse.kron(chosen, sparse.eye_array(linear.shape[1]), format="csr")
    spread = sample.means.srs_variance_of(each_item, replace=True).reshape(len(rows), -1)
    item_varies = np.sqrt(np.maximum(np.nan_to_num(spread), 0.0)) >= NO_SPREAD
    alike[rows] = ~(item_varies[:, None, :] & (linear != 0)).any(axis=2)
    each_node = sparse.kron(chosen, sparse.csr_array(linear), format="csr")
    simple = sample.means.srs_variance_of(each_node).reshape(len(rows), -1)
    of_units = sample.variances[[members[row] for row in rows]]
    fixed[rows] = np.maximum(np.einsum("mi,uij,mj->um", linear, of_units, linear), 0.0)
    deff[rows] = np.divide(fixed[rows], simple, out=np.zeros_like(simple), where=simple > 0)
    return alike, fixed, deff


def _method(survey: Floats, linear: Floats, *, is_alike: bool) -> str:
    if not survey.any():
        return HARD
    if not linear.any():
        return MIDPOINT
    return UNANIMOUS if is_alike else T_DRAWS


def _widest(
    framed: FramedResponses, sample: UnitSample, standard: Standard, comparison: _Comparison, row: int, node: int
) -> tuple[float, float]:
    """How low and how high a node may lie where no spread is seen: unanimous answers are not taken for everybody's, and
    an indicator that does not tell the units apart may have any score. Hard data are what they are.
    """
    tree, unit = standard.tree, comparison.members[row]
    bounds = np.repeat(comparison.scores[row][:, None], 2, axis=1)
    is_same = have_same_extremes(comparison.low, comparison.high)
    for k in np.flatnonzero(tree.survey_coefficients[node]):
        if is_same[k]:
            bounds[k] = LOWEST, HIGHEST
            continue
        # Neighbours in a cluster may agree for one reason, so only clusters count as independent there.
        n = float(sample.n_items[unit, k])
        n = min(n, sample.df[unit] + 1) if framed.design.clusters else n
        low, high = standard.scales[k]
        means = np.array(unanimous_interval(sample.values[unit, k], n, (low, high), standard.plan.level))
        between = np.minimum(comparison.low[k], means), np.maximum(comparison.high[k], means)
        bounds[k] = np.sort(standardised(means, *between, tree.reversed[k]))
    low, high = tree.coefficients[node] @ np.nan_to_num(bounds) * standard.node_scales[node]
    return float(low), float(high)


def _reason(sample: UnitSample, standard: Standard, comparison: _Comparison, unit: int, node: int) -> str:
    """Why a unit has no value at a node."""
    n_items, needed = len(standard.tree.items), np.flatnonzero(standard.tree.coefficients[node])
    asked, hard = needed[needed < n_items], needed[needed >= n_items]
    answers = sample.n_items[unit, asked]
    if len(asked) and answers.min() == 0:
        return NO_ANSWERS
    if len(asked) and sample.n_respondents[unit] < standard.plan.suppress_below:
        return TOO_FEW_RESPONDENTS
    if len(asked) and answers.min() < standard.plan.suppress_below:
        return TOO_FEW_ANSWERS
    if sample.is_dominated[unit, asked].any():
        return DOMINANCE
    if len(asked) and not sample.is_estimable[unit]:
        return ONE_CLUSTER
    if np.isnan(sample.values[unit, hard]).any():
        return NO_HARD_DATA
    missing = needed[np.isnan(comparison.scores[comparison.members.index(unit), needed])]
    n_rated = (~np.isnan(sample.values[comparison.members][:, missing])).sum(axis=0)
    return ONE_UNIT if len(missing) and n_rated.min() == 1 else SAME_EXTREMES


def _totals(
    sample: UnitSample,
    standard: Standard,
    own: NodeEstimates,
    compared: Sequence[_Comparison],
    names: Sequence[str],
) -> NodeEstimates:
    """The plain means of the units that have a figure, for each bloc and for all."""
    everybody = [unit for comparison in compared for unit in comparison.members]
    groups = [(comparison.members, comparison.sum_draws) for comparison in compared]
    groups.append((everybody, np.sum([comparison.sum_draws for comparison in compared], axis=0)))
    owners = (*(BLOC_PREFIX + name for name in names), ALL)
    n_nodes = len(standard.tree.nodes)
    respondents = np.zeros((len(groups), n_nodes), dtype=np.int64)
    answers = np.zeros((len(groups), n_nodes), dtype=np.int64)
    estimates = []
    for g, (members, sum_draws) in enumerate(groups):
        found = []
        for m in range(n_nodes):
            shown = [unit for unit in members if own.estimates[unit][m].value is not None]
            asks = bool(standard.tree.survey_coefficients[m].any())
            respondents[g, m] = sample.n_respondents[shown].sum() if asks else UNCOUNTED
            answers[g, m] = own.n_answers[shown, m].sum() if asks else UNCOUNTED
            found.append(_mean_of(sample, standard, own, shown, m, sum_draws[:, m]))
        estimates.append(tuple(found))
    return NodeEstimates(owners, tuple(estimates), respondents, answers, None, (None,) * len(groups))


def _mean_of(
    sample: UnitSample, standard: Standard, own: NodeEstimates, shown: Sequence[int], node: int, sum_draws: Floats
) -> Estimate:
    plan, parts = standard.plan, [own.estimates[unit][node] for unit in shown]
    n = int(sample.n_respondents[shown].sum())
    if not parts:
        return absent(plan, n, NO_ANSWERS if not sample.n_respondents.sum() else NO_UNITS)
    value = float(np.mean([part.value for part in parts if part.value is not None]))
    methods = [method for method in (T_DRAWS, UNANIMOUS, MIDPOINT, HARD) if method in {part.method for part in parts}]
    df = min(float(sample.df[shown].sum()), sample.means.df_design if sample.means is not None else np.inf)
    if methods[0] == T_DRAWS:
        drawn = sum_draws / len(parts)
        error = float(np.sqrt(np.var(drawn, ddof=1) + (drawn.mean() - value) ** 2))
        low, high = t_interval(value, error**2, df, plan.level) or (None, None)
    else:
        error = 0.0
        low = float(np.mean([part.low for part in parts if part.low is not None]))
        high = float(np.mean([part.high for part in parts if part.high is not None]))
    return Estimate(
        value=value,
        se=error,
        low=low,
        high=high,
        level=plan.level,
        method=methods[0],
        df=None if methods[0] == HARD else df,
        n=n,
        n_effective=None,
        deff=None,
        reason=None,
    )
