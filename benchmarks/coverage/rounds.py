"""What is true of a province, and one round of it with what several estimators need."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import stdtrit

from analysis.estimation.calibration import Margin, rake
from analysis.estimation.functionals import Functional
from analysis.estimation.proportions import Proportion
from analysis.estimation.samples import Estimated, Sample, sample_of
from analysis.indices.ranking import RankSet
from benchmarks.coverage.province import DESIGN, ITEMS, Drawn, Floats, Integers, Province, province_tree

LEVEL = 0.95
TREE = province_tree()


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
    def feedback(self) -> Floats:
        """The share of each half of a unit that is satisfied with the last item: nearly everybody (2 U,)."""
        half = 2 * self.province.unit + self.province.stratum_of_psu[self.province.psu]
        return self.province.mean_of(self.province.answers[:, -1] >= 4, half, 2 * self.n_units)

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
        self.rank_sets: dict[str, list[RankSet]] = {}
        self._calibrated: Sample | None = None
        self._shares: tuple[Proportion, ...] | None = None

    @cached_property
    def raked(self) -> Floats:
        """Weights repaired by PSU and then raked to the people of each age in each unit."""
        return raked_to_age(self.drawn, self.drawn.cell_weights)

    @cached_property
    def sample(self) -> Sample:
        return sample_of(self.drawn.table(self.raked), DESIGN)

    def calibrated(self, make: Callable[["Round"], Sample]) -> Sample:
        """The calibrated sample, made once for all who ask."""
        self._calibrated = self._calibrated or make(self)
        return self._calibrated

    def shares(self, make: Callable[["Round"], tuple[Proportion, ...]]) -> tuple[Proportion, ...]:
        """The shares with all their intervals, made once for all who ask."""
        self._shares = self._shares or make(self)
        return self._shares

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
