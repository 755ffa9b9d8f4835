"""Rank sets against a slow loop from the definition, in simulated worlds with known ranks, and at their size."""

import time

import numpy as np
import pytest
from scipy.special import ndtri, stdtr

from analysis.estimation.normal_draws import joint_normals
from analysis.indices.contrasts import against_the_others, effective_df
from analysis.indices.former_ranking import former_rank_sets
from analysis.indices.ranking import Floats, pairwise_deviates, rank_sets, rankable

LEVEL = 0.95


def world(n_units: int, seed: int, spread: float = 4.0) -> tuple[Floats, Floats, Floats]:
    """Indices of units that err together, their covariance and degrees of freedom."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(n_units, n_units))
    covariance = 0.3 * factor @ factor.T / n_units + np.diag(rng.uniform(0.5, 2.0, n_units))
    truth = rng.normal(80, spread, n_units)
    values = truth + np.linalg.cholesky(covariance) @ rng.normal(size=n_units)
    return values, covariance, rng.integers(8, 40, n_units).astype(float)


def slowly(values: Floats, covariance: Floats, df: Floats, seed: int, draws: int) -> list[tuple[int, int, int, int]]:
    """Joint and own sets by loops over draws, pairs and hypotheses, as Romano and Wolf (2005) step down."""
    n = len(values)
    drawn = joint_normals(np.random.Generator(np.random.PCG64(seed)), draws, covariance)
    error = np.sqrt([[covariance[j, j] + covariance[k, k] - 2 * covariance[j, k] for k in range(n)] for j in range(n)])

    def deviate(j: int, k: int) -> float:
        parts, each = np.array([covariance[j, j], covariance[k, k]]), np.array([df[j], df[k]])
        freedom = parts.sum() ** 2 / (parts**2 / each).sum()
        t = (values[j] - values[k]) / error[j, k]
        return float(np.sign(t) * -ndtri(stdtr(freedom, -abs(t))))

    def critical(family: set[tuple[int, int]]) -> float:
        """A hypothesis (j, k) says that j does not lie above k."""
        while True:
            largest = [max((d[j] - d[k]) / error[j, k] for j, k in family) for d in drawn]
            found = sorted(largest)[int(np.ceil(LEVEL * (draws + 1))) - 1]
            left = {(j, k) for j, k in family if deviate(j, k) <= found}
            if left == family:
                return float(found)
            family = left

    def ranks(j: int, bound: float) -> tuple[int, int]:
        above = sum(deviate(k, j) > bound for k in range(n) if k != j)
        below = sum(deviate(j, k) > bound for k in range(n) if k != j)
        return 1 + above, n - below

    pairs = {(j, k) for j in range(n) for k in range(n) if j != k}
    joint = critical(pairs)
    own = [critical({pair for pair in pairs if j in pair}) for j in range(n)]
    return [(*ranks(j, max(joint, own[j])), *ranks(j, own[j])) for j in range(n)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_sets_are_those_of_a_slow_loop_from_the_definition(seed: int) -> None:
    values, covariance, df = world(6, seed)
    found = rank_sets(values, covariance, df, np.inf, LEVEL, 1, draws=400, seed=seed)
    expected = slowly(values, covariance, df, seed, 400)
    assert [(s.rank_low, s.rank_high, s.own_low, s.own_high) for s in found] == expected


@pytest.mark.parametrize("seed", range(8))
def test_a_set_holds_the_printed_rank_and_the_joint_one_holds_the_own(seed: int) -> None:
    values, covariance, df = world(12, seed)
    found = rank_sets(values, covariance, df, 200.0, LEVEL, 1, draws=300)
    for one in found:
        assert one.rank_low <= one.own_low <= one.rank <= one.own_high <= one.rank_high
        assert 0 < one.own_critical <= one.critical * 1.05
    assert sorted(one.rank for one in found)[0] == 1


def test_the_same_seed_gives_the_same_sets_and_the_order_of_units_does_not_matter_much() -> None:
    values, covariance, df = world(10, 5)
    once, again = (rank_sets(values, covariance, df, np.inf, LEVEL, 1) for _ in range(2))
    assert once == again
    turned = rank_sets(values[::-1], covariance[::-1, ::-1], df[::-1], np.inf, LEVEL, 1)[::-1]
    assert [one.rank for one in turned] == [one.rank for one in once]
    assert turned[0].critical == pytest.approx(once[0].critical, rel=0.06)


def test_units_far_apart_have_one_rank_and_units_alike_share_all() -> None:
    alike = rank_sets(np.full(5, 70.0), np.eye(5), np.full(5, 50.0), np.inf, LEVEL, 1)
    assert {(one.rank, one.rank_low, one.rank_high, one.tier) for one in alike} == {(1, 1, 5, "not_different")}
    apart = rank_sets(np.array([90.0, 70.0, 50.0]), np.eye(3), np.full(3, 50.0), np.inf, LEVEL, 1)
    assert [(one.rank_low, one.rank_high) for one in apart] == [(1, 1), (2, 2), (3, 3)]
    assert [one.tier for one in apart] == ["above", "not_different", "below"]


def test_two_units_have_the_critical_value_of_one_difference() -> None:
    found = rank_sets(np.array([1.0, 0.0]), np.eye(2), np.full(2, 1e9), np.inf, LEVEL, 1, draws=10_000)
    assert found[0].critical == pytest.approx(1.96, abs=0.05)
    assert found[0].critical == found[0].own_critical == found[1].own_critical


def test_what_units_have_in_common_cancels_in_their_difference() -> None:
    """Two units whose errors are nearly one error differ by little and surely."""
    shared = np.array([[1.0, 0.99], [0.99, 1.0]])
    values, df = np.array([81.0, 80.0]), np.full(2, 60.0)
    together, apart = (rank_sets(values, cov, df, np.inf, LEVEL, 1) for cov in (shared, np.eye(2)))
    assert (together[0].rank_high, apart[0].rank_high) == (1, 2)


def test_few_degrees_of_freedom_widen_the_sets() -> None:
    values, covariance = np.array([2.4, 0.0]), np.eye(2) * 0.5
    deviates = [pairwise_deviates(values, covariance, np.full(2, df), np.inf)[0][0, 1] for df in (2.0, 8.0, 1e9)]
    assert deviates == sorted(deviates)
    assert deviates[-1] == pytest.approx(2.4)
    few, many = (rank_sets(values, covariance, np.full(2, df), np.inf, LEVEL, 1) for df in (2.0, 1e9))
    assert (few[0].rank_high, many[0].rank_high) == (2, 1)


def test_a_design_with_few_clusters_holds_back_every_difference() -> None:
    values, covariance, df = np.array([2.4, 0.0]), np.eye(2) * 0.5, np.full(2, 1e9)
    assert rank_sets(values, covariance, df, 3.0, LEVEL, 1)[0].rank_high == 2


def test_degrees_of_freedom_lie_between_the_fewest_and_their_sum() -> None:
    assert effective_df(np.array([1.0, 1.0]), np.array([8.0, 8.0]), np.inf) == pytest.approx(16)
    assert effective_df(np.array([1.0, 1e-9]), np.array([8.0, 100.0]), np.inf) == pytest.approx(8)
    assert effective_df(np.array([0.0, 0.0]), np.array([8.0, 7.0]), np.inf) == 15
    assert effective_df(np.array([1.0, 1.0]), np.array([8.0, 8.0]), 5.0) == 5


def test_a_variance_of_nothing_and_a_single_cluster_are_not_ranked() -> None:
    found = rankable(np.array([1.0, 0.0, np.nan, 1.0]), np.array([5.0, 5.0, 5.0, 0.0]))
    assert found.tolist() == [True, False, False, False]


def test_one_unit_has_the_first_rank() -> None:
    (one,) = rank_sets(np.array([80.0]), np.eye(1), np.ones(1), np.inf, LEVEL, 1)
    assert (one.rank, one.rank_low, one.rank_high, one.tier) == (1, 1, 1, "not_different")


def test_the_mean_of_the_others_weighs_them_by_their_people() -> None:
    values, weights = np.array([70.0, 60.0, 90.0]), np.array([1.0, 3.0, 1.0])
    found = against_the_others(values, np.diag([1.0, 4.0, 9.0]), np.full(3, 20.0), np.inf, weights)
    assert found.differences[0] == pytest.approx(70 - (3 * 60 + 90) / 4)
    assert found.errors[0] == pytest.approx(np.sqrt(1 + 9 / 16 * 4 + 9 / 16))


@pytest.mark.parametrize("seed", range(4))
def test_the_new_sets_are_not_wider_than_holms_but_for_the_draws(seed: int) -> None:
    """Holm's method knows nothing of the joint law, which is what it pays for; the t of the new sets is the wider."""
    values, covariance, _ = world(15, seed)
    many = np.full(15, 1e6)
    old = former_rank_sets(values, covariance, many, np.inf, LEVEL, 1)
    new = rank_sets(values, covariance, many, np.inf, LEVEL, 1)
    widths = [sum(one.rank_high - one.rank_low for one in sets) for sets in (old, new)]
    assert widths[1] <= widths[0] + 2


@pytest.mark.slow
@pytest.mark.parametrize(("few", "spread"), [(None, 3.0), (None, 0.0), (9, 2.0)])
def test_the_sets_hold_the_true_ranks_as_often_as_they_say(few: int | None, spread: float) -> None:
    """400 worlds of 8 units with errors in common; with `few` clusters the covariance is estimated from these."""
    rng = np.random.default_rng(20260800)
    n_units, n_worlds = 8, 400
    root = np.linalg.cholesky(0.4 + np.diag(rng.uniform(0.5, 2.5, n_units)))
    truth = np.round(rng.normal(80, spread, n_units), 1)
    # Where true indices are equal a unit holds every rank that it shares.
    best = 1 + (truth[None, :] > truth[:, None]).sum(axis=1)
    worst = n_units - (truth[None, :] < truth[:, None]).sum(axis=1)
    n_joint = n_own = 0
    for world_seed in range(n_worlds):
        if few is None:
            values, covariance, df = truth + root @ rng.normal(size=n_units), root @ root.T, np.full(n_units, 1e6)
        else:
            sums = truth + np.sqrt(few) * rng.normal(size=(few, n_units)) @ root.T
            values, covariance, df = sums.mean(axis=0), np.cov(sums.T) / few, np.full(n_units, few - 1.0)
        design_df = np.inf if few is None else few - 1.0
        sets = rank_sets(values, covariance, df, design_df, LEVEL, 6, draws=400, seed=world_seed)
        holds = [
            one.rank_low <= low and high <= one.rank_high for one, low, high in zip(sets, best, worst, strict=True)
        ]
        n_joint += all(holds)
        n_own += sets[3].own_low <= best[3] and worst[3] <= sets[3].own_high
    # Three standard errors of a share of 95 % in 400 worlds are 3.3 points.
    assert n_joint / n_worlds > 0.917
    assert n_own / n_worlds > 0.917


@pytest.mark.slow
def test_225_units_with_2000_draws_take_less_than_a_second() -> None:
    values, covariance, df = world(225, 9, spread=6.0)
    began = time.process_time()
    rank_sets(values, covariance, df, 5000.0, LEVEL, 1, draws=2000)
    assert time.process_time() - began < 1.0
