"""The intervals that are tried on each round, each beside the true values that it should hold."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from analysis.estimation.nonresponse import adjust_by_classes
from analysis.release.node_estimates import NodeEstimates, estimate_owners
from analysis.release.plan import Plan, Standardisation
from analysis.release.standardised_estimates import Standard, estimate_standardised
from benchmarks.coverage.other_estimators import OTHERS
from benchmarks.coverage.province import ITEMS, Drawn, Floats, Response, draw_round
from benchmarks.coverage.rank_estimators import RANKS
from benchmarks.coverage.rounds import TREE, Intervals, Round, UnitIndices, index_of, t_intervals
from questionnaires.model import Profile, Text

PLAN = Plan(profile="share")
# The answers of people who are satisfied themselves come in more often: what no weight of ours can know.
PERSONAL = Response(of_person=0.3)


def _of_release(found: Round, plan: Plan) -> Intervals:
    """As an edition has them: weights repaired by PSU and raked to age."""
    estimates = estimate_owners(found.drawn.framed(found.raked), TREE, plan, "unit", found.units)
    return _roots(estimates, found.truth)


def _roots(estimates: NodeEstimates, truth: Floats) -> Intervals:
    def column(name: str) -> Floats:
        return np.array([getattr(row[0], name) for row in estimates.estimates], dtype=np.float64)

    return Intervals(truth, column("value"), column("low"), column("high"))


def _mean_of_five(found: Round) -> Intervals:
    got = found.sample.estimate(UnitIndices(20 * found.drawn.answers, found.drawn.unit, found.n_units))
    return t_intervals(got.values, got.se, found.df, index_of(found.truths.of_five))


def _by_weights(weights: Callable[[Drawn], Floats]) -> Callable[[Round], Intervals]:
    def run(found: Round) -> Intervals:
        got = found.weighted(weights(found.drawn)).estimate(found.unit_indices)
        return t_intervals(got.values, got.se, found.df, found.truth)

    return run


def _classes(drawn: Drawn) -> Floats:
    """Weights repaired in classes of age within each unit, which the frame knows of all who were invited."""
    unit, age = drawn.province.unit[drawn.person], drawn.province.age[drawn.person]
    classes = [f"{u:02d}/{a}" for u, a in zip(unit.tolist(), age.tolist(), strict=True)]
    return (drawn.base * adjust_by_classes(drawn.base, drawn.responded, classes).factors)[drawn.responded]


def _personal(found: Round) -> Intervals:
    other = Round(draw_round(found.drawn.province, found.drawn.number, PERSONAL), found.truths)
    return t_intervals(other.indices.values, other.indices.se, other.df, other.truth)


def _naive(found: Round) -> Intervals:
    """As if the answers were a simple random sample of each unit, with the normal quantile."""
    alike = np.ones(len(found.drawn.unit))
    values = found.unit_indices.values(alike)
    influence = found.unit_indices.influence(alike).sum(axis=1)
    se = np.sqrt(np.bincount(found.drawn.unit, influence**2, found.n_units))
    return t_intervals(values, se, np.inf, found.truth)


def _bloc(found: Round) -> Intervals:
    got = found.sample.estimate(UnitIndices(found.drawn.satisfied, np.zeros_like(found.drawn.unit), 1))
    return t_intervals(got.values, got.se, found.sample.df, np.array([found.truths.of_all]))


def _mean_of_units(found: Round) -> Intervals:
    n = found.n_units
    variance = found.indices.covariance.sum() / n**2
    return t_intervals(
        np.array([found.indices.values.mean()]), np.sqrt([variance]), found.sample.df, np.array([found.truth.mean()])
    )


def _differences(found: Round) -> Intervals:
    """Each unit less the plain mean of the others."""
    n = found.n_units
    contrast = (np.eye(n) - (1 - np.eye(n)) / (n - 1)) if n > 1 else np.eye(n)
    se = np.sqrt(np.einsum("ij,jk,ik->i", contrast, found.indices.covariance, contrast))
    return t_intervals(contrast @ found.indices.values, se, found.df, contrast @ found.truth)


def _small_domain(found: Round) -> Intervals:
    """The halves of units: five PSUs of one stratum, four degrees of freedom."""
    got = found.sample.estimate(UnitIndices(found.drawn.satisfied, found.drawn.stratum, 2 * found.n_units))
    psus = np.unique(found.drawn.psu)
    half = 2 * found.drawn.province.unit_of_psu[psus] + found.drawn.province.stratum_of_psu[psus]
    df = np.bincount(half, minlength=2 * found.n_units) - 1.0
    return t_intervals(got.values, got.se, df, found.truths.of_stratum)


def _standardised(found: Round) -> Intervals:
    profile = Profile("standardised", Text("", ""), "standardised", None, False, None)
    plan = Plan(standardisation=Standardisation(draws=500, seed=20261100))
    standard = Standard(TREE, profile, plan, np.tile([1.0, 5.0], (len(ITEMS), 1)))
    framed = found.drawn.framed(found.raked, found.drawn.answers, (1.0, 5.0))
    generator = np.random.Generator(np.random.PCG64(plan.standardisation.seed))
    got = estimate_standardised(framed, standard, found.units, {"bloc": found.units}, np.empty((found.n_units, 0)),
                                generator).units  # fmt: skip
    truth = standard.nodes(standard.scores(found.truths.of_five / 20, 0)[0])[:, 0]
    return _roots(got, truth)


ESTIMATORS: Mapping[str, Callable[[Round], Intervals]] = {
    "unit index (share of 4-5), t, as a release gives it": lambda found: _of_release(found, PLAN),
    "unit index, logit, as a release gives it": lambda found: _of_release(found, replace(PLAN, interval="logit")),
    "unit index, mean of 5": _mean_of_five,
    "unit index, repaired by PSU alone": _by_weights(lambda drawn: drawn.cell_weights),
    "unit index, repaired by classes of age": _by_weights(_classes),
    "unit index, nothing repaired": _by_weights(lambda drawn: drawn.base_weights),
    "unit index, the person decides too": _personal,
    "unit index, naive: simple random sample": _naive,
    "unit index, standardised (min-max)": _standardised,
    "province, its people": _bloc,
    "province, mean of its units": _mean_of_units,
    "unit less the others": _differences,
    "half a unit: five PSUs, 4 df": _small_domain,
    **OTHERS,
    **RANKS,
}
