"""The intervals that are tried on each round, each beside the true values that it should hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import stdtrit

from analysis.estimation.calibration import Margin, rake
from analysis.estimation.functionals import Functional, Totals
from analysis.estimation.nonresponse import adjust_by_classes
from analysis.estimation.samples import Estimated, Sample, sample_of
from analysis.indices.ranking import rank_sets
from analysis.release.node_estimates import estimate_owners
from analysis.release.plan import Plan, Standardisation
from analysis.release.standardised_estimates import Standard, estimate_standardised
from benchmarks.coverage.province import (
    DESIGN,
    ITEMS,
    Drawn,
    Floats,
    Integers,
    Province,
    Response,
    draw_round,
    province_tree,
)
from questionnaires.model import Profile, Text

LEVEL = 0.95
TREE = province_tree()
PLAN = Plan(profile="share", level=LEVEL)
# The answers of people who are satisfied themselves come in more often: what no weight of ours can know.
PERSONAL = Response(of_person=0.3)


@dataclass(frozen=True)
class Intervals:
    """Some intervals of one kind: arrays (C,) of the truth, the estimates and the bounds, NaN where there is none."""

    truth: Floats
    values: Floats
    lows: Floats
    highs: Floats


@dataclass(frozen=True)
class Truths:
    """What is true of everybody in a province."""

    province: Province

    @property
    def n_units(self) -> int:
        return len(self.province.units)

    @cached_property
    def satisfied(self) -> Floats:
        """The percent of everybody who is satisfied with each item (U, K)."""
        return self._means(100.0 * (self.province.answers >= 4), self.province.unit, self.n_units)

    @cached_property
    def of_five(self) -> Floats:
        return self._means(20.0 * self.province.answers, self.province.unit, self.n_units)

    @cached_property
    def of_stratum(self) -> Floats:
        """The index of each half of a unit (2 U,)."""
        half = 2 * self.province.unit + self.province.stratum_of_psu[self.province.psu]
        return index_of(self._means(100.0 * (self.province.answers >= 4), half, 2 * self.n_units))

    @cached_property
    def of_all(self) -> float:
        return float(index_of(100.0 * (self.province.answers >= 4).mean(axis=0)))

    @cached_property
    def visitors(self) -> Floats:
        return np.bincount(self.province.unit, self.province.visited, self.n_units)

    @cached_property
    def median_minutes(self) -> Floats:
        return np.array([np.median(self.province.minutes[self.province.unit == u]) for u in range(self.n_units)])

    @cached_property
    def long_minutes(self) -> float:
        return float(np.quantile(self.province.minutes, 0.9))

    def _means(self, values: Floats, which: Integers, n: int) -> Floats:
        return np.column_stack([self.province.mean_of(column, which, n) for column in values.T])


def index_of(item_means: Floats) -> Floats:
    """The index (…) from the items' means (…, K)."""
    return item_means @ TREE.coefficients[0]


class UnitIndices(Functional):
    """The indices of G groups (units, or halves of units) as R's survey would have svycontrast of svyby give them."""

    def __init__(self, scores: Floats, group: Integers, n_groups: int) -> None:
        self.scores, self.group, self.n_groups = scores, group, n_groups
        self.is_answered = ~np.isnan(scores)

    def _means(self, weights: Floats) -> tuple[Floats, Floats]:
        sums, totals = np.empty((2, self.n_groups, len(ITEMS)))
        for k in range(len(ITEMS)):
            w = weights * self.is_answered[:, k]
            sums[:, k] = np.bincount(self.group, w, self.n_groups)
            totals[:, k] = np.bincount(self.group, w * np.nan_to_num(self.scores[:, k]), self.n_groups)
        return totals / sums, sums

    def values(self, weights: Floats) -> Floats:
        return index_of(self._means(weights)[0])

    def influence(self, weights: Floats) -> Floats:
        means, sums = self._means(weights)
        residuals = np.where(self.is_answered, self.scores - means[self.group], 0.0)
        column = weights * ((residuals / sums[self.group]) @ TREE.coefficients[0])
        found = np.zeros((len(weights), self.n_groups))
        found[np.arange(len(weights)), self.group] = column
        return found


class Round:
    """One round with what several estimators need of it."""

    def __init__(self, drawn: Drawn, truths: Truths) -> None:
        self.drawn, self.truths = drawn, truths
        self.units = list(drawn.province.units)
        self.n_units = len(self.units)

    @cached_property
    def raked(self) -> Floats:
        """Weights repaired by PSU and then raked to the people of each age in each unit."""
        return raked_to_age(self.drawn, self.drawn.cell_weights)

    @cached_property
    def sample(self) -> Sample:
        return sample_of(self.drawn.table(self.raked), DESIGN)

    def weighted(self, weights: Floats) -> Sample:
        return replace(self.sample, weights=weights)

    @cached_property
    def df(self) -> Floats:
        """PSUs less strata of each unit (U,)."""
        psus = np.unique(self.drawn.psu)
        halves = np.unique(self.drawn.stratum)
        of_unit = np.bincount(self.drawn.province.unit_of_psu[psus], minlength=self.n_units)
        return (of_unit - np.bincount(halves // 2, minlength=self.n_units)).astype(np.float64)

    @cached_property
    def indices(self) -> Estimated:
        """The shares of the satisfied, by raked weights, of all units with their covariance."""
        return self.sample.estimate(self.unit_indices)

    @cached_property
    def unit_indices(self) -> UnitIndices:
        return UnitIndices(self.drawn.satisfied, self.drawn.unit, self.n_units)

    @cached_property
    def truth(self) -> Floats:
        return index_of(self.truths.satisfied)


def raked_to_age(drawn: Drawn, weights: Floats) -> Floats:
    province = drawn.province
    known = np.bincount(3 * province.unit + province.age, minlength=3 * len(province.units)).astype(np.float64)
    margin = Margin("age", 3 * drawn.unit + province.age[drawn.answered], known)
    return weights * rake(weights, [margin])


def t_intervals(values: Floats, se: Floats, df: Floats | float, truth: Floats) -> Intervals:
    half = stdtrit(df, 0.5 + LEVEL / 2) * se
    return Intervals(truth, values, values - half, values + half)


def logit_intervals(values: Floats, se: Floats, df: Floats | float, truth: Floats) -> Intervals:
    """On the scale of the logit of a share in percent, as R's svyciprop(method = "logit")."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = values / 100
        half = stdtrit(df, 0.5 + LEVEL / 2) * se / 100 / (p * (1 - p))
        ends = [100 / (1 + np.exp(-(np.log(p / (1 - p)) + sign * half))) for sign in (-1, 1)]
    return Intervals(truth, values, *ends)


def _unit_index(found: Round) -> Intervals:
    estimates = estimate_owners(found.drawn.framed(found.raked), TREE, PLAN, "unit", found.units).estimates
    column = lambda name: np.array([getattr(row[0], name) for row in estimates], dtype=np.float64)  # noqa: E731
    return Intervals(found.truth, column("value"), column("low"), column("high"))


def _unit_index_logit(found: Round) -> Intervals:
    return logit_intervals(found.indices.values, found.indices.se, found.df, found.truth)


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
    return _unit_t(Round(draw_round(found.drawn.province, found.drawn.number, PERSONAL), found.truths))


def _unit_t(found: Round) -> Intervals:
    return t_intervals(found.indices.values, found.indices.se, found.df, found.truth)


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


def _totals(found: Round) -> Intervals:
    """How many people of each unit were at the office."""
    visited = found.drawn.province.visited[found.drawn.answered].astype(np.float64)
    columns = np.where(found.drawn.unit[:, None] == np.arange(found.n_units), visited[:, None], 0.0)
    got = found.sample.estimate(Totals(columns))
    return t_intervals(got.values, got.se, found.df, found.truths.visitors)


def _standardised(found: Round) -> Intervals:
    profile = Profile("standardised", Text("", ""), "standardised", None, False, None)
    plan = Plan(standardisation=Standardisation(draws=500, seed=20261100))
    standard = Standard(TREE, profile, plan, np.tile([1.0, 5.0], (len(ITEMS), 1)))
    framed = found.drawn.framed(found.raked, found.drawn.answers, (1.0, 5.0))
    generator = np.random.Generator(np.random.PCG64(plan.standardisation.seed))
    got = estimate_standardised(framed, standard, found.units, {"bloc": found.units}, np.empty((found.n_units, 0)),
                                generator).units.estimates  # fmt: skip
    truth = standard.nodes(standard.scores(found.truths.of_five / 20, 0)[0])[:, 0]
    column = lambda name: np.array([getattr(row[0], name) for row in got], dtype=np.float64)  # noqa: E731
    return Intervals(truth, column("value"), column("low"), column("high"))


def true_ranks(truth: Floats) -> Floats:
    return 1.0 + (truth[None, :] > truth[:, None]).sum(axis=1)


def _joint_ranks(found: Round) -> Intervals:
    """One entry a round: whether all units' true ranks lie in their sets at once."""
    sets = rank_sets(found.indices.values, found.indices.covariance, found.df, found.sample.df, LEVEL, 1)
    truth = true_ranks(found.truth)
    low, high = (np.array([getattr(one, name) for one in sets], dtype=float) for name in ("rank_low", "rank_high"))
    outside = np.maximum(low - truth, truth - high).max()
    # The truth 0 lies between -width and the distance to the worst bound, when that is not beyond 0.
    width = float((high - low).mean())
    return Intervals(np.zeros(1), np.array([np.nan]), np.array([outside if outside > 0 else -width]), np.array([width]))


def _simulated_ranks(found: Round) -> Intervals:
    """The percentiles of ranks drawn from the indices' law, which is what is often published: no confidence sets."""
    random = np.random.default_rng(5)
    draws = random.multivariate_normal(found.indices.values, found.indices.covariance, 500, method="cholesky")
    ranks = 1.0 + (draws[:, None, :] > draws[:, :, None]).sum(axis=2)
    low, high = np.quantile(ranks, [0.025, 0.975], axis=0)
    truth = true_ranks(found.truth)
    return Intervals(truth, true_ranks(found.indices.values), np.floor(low), np.ceil(high))


ESTIMATORS: Mapping[str, Callable[[Round], Intervals]] = {
    "unit index (share of 4-5), t, as a release gives it": _unit_index,
    "unit index, logit": _unit_index_logit,
    "unit index, mean of 5": _mean_of_five,
    "unit index, repaired by PSU alone": _by_weights(lambda drawn: drawn.cell_weights),
    "unit index, repaired by classes of age": _by_weights(_classes),
    "unit index, nothing repaired": _by_weights(lambda drawn: drawn.base_weights),
    "unit index, the person decides too": _personal,
    "unit index, naive: simple random sample": _naive,
    "bloc, its people": _bloc,
    "bloc, mean of its units": _mean_of_units,
    "unit less the others of its bloc": _differences,
    "half a unit: five PSUs, 4 df": _small_domain,
    "total of a unit": _totals,
    "unit index, standardised (min-max)": _standardised,
    "rank sets, all units at once": _joint_ranks,
    "ranks, percentiles of simulated ranks": _simulated_ranks,
}
