"""Rank sets and tiers on indices whose differences can be judged by hand."""

import numpy as np
import pytest
from scipy.stats import t as student

from analysis.indices.ranking import rank_sets


def ranked(values: list[float], errors: list[float], *, decimals: int = 1, df: float = 100.0, shared: float = 0.0):
    covariance = np.diag(np.square(errors)) + shared
    df_of_units = np.full(len(values), df)
    return rank_sets(np.array(values), covariance, df_of_units, df * len(values), 0.95, decimals)


def test_units_far_apart_hold_one_rank_each() -> None:
    sets = ranked([70.0, 90.0, 80.0], [0.5, 0.5, 0.5])
    assert [(s.rank, s.rank_low, s.rank_high) for s in sets] == [(3, 3, 3), (1, 1, 1), (2, 2, 2)]
    assert [s.tier for s in sets] == ["below", "above", "not_different"]


def test_units_close_together_may_hold_any_rank() -> None:
    sets = ranked([80.0, 80.4, 80.9], [2.0, 2.0, 2.0])
    assert [(s.rank, s.rank_low, s.rank_high) for s in sets] == [(3, 1, 3), (2, 1, 3), (1, 1, 3)]
    assert {s.tier for s in sets} == {"not_different"}


def test_values_that_round_to_the_same_share_a_rank() -> None:
    assert [s.rank for s in ranked([80.04, 80.0, 79.0], [3.0] * 3)] == [1, 1, 3]


def test_a_rank_set_always_holds_the_printed_rank() -> None:
    # The difference is certain, but too small to be seen in the rounded figures.
    sets = ranked([80.04, 80.0], [0.001, 0.001])
    assert [(s.rank, s.rank_low, s.rank_high) for s in sets] == [(1, 1, 1), (1, 1, 2)]


def test_the_covariance_of_units_that_share_clusters_counts() -> None:
    apart = ranked([80.0, 82.0], [2.0, 2.0])
    together = ranked([80.0, 82.0], [0.3, 0.3], shared=4.0)
    assert apart[0].rank_low == 1
    assert together[0].rank_low == 2


def test_differences_are_adjusted_after_holm() -> None:
    # One difference alone would be significant at 5 per cent; among the three of three units it is not.
    error = 2.0 / float(student.ppf(0.98, 200)) / 2**0.5
    two = ranked([80.0, 82.0], [error, error])
    three = ranked([80.0, 82.0, 81.0], [error, error, error])
    assert (two[0].rank_low, two[0].rank_high) == (2, 2)
    assert (three[0].rank_low, three[0].rank_high) == (1, 3)


def test_two_equal_units_without_any_error_are_not_told_apart() -> None:
    assert [s.tier for s in ranked([80.0, 80.0], [0.0, 0.0])] == ["not_different"] * 2


@pytest.mark.parametrize("n_units", [1, 5])
def test_every_unit_has_a_rank_set(n_units: int) -> None:
    sets = ranked([50.0 + j for j in range(n_units)], [1.0] * n_units)
    assert all(1 <= s.rank_low <= s.rank <= s.rank_high <= n_units for s in sets)


@pytest.mark.slow
def test_true_ranks_lie_in_the_sets_as_often_as_promised() -> None:
    generator = np.random.default_rng(20260401)
    truth = np.array([80.0, 80.6, 81.0, 84.0, 79.0])
    true_ranks = 1 + (truth[None, :] > truth[:, None]).sum(axis=1)
    n_held, n_rounds = 0, 20
    for _ in range(n_rounds):
        sets = ranked(list(generator.normal(truth, 0.8)), [0.8] * 5, decimals=6, df=400.0)
        n_held += all(s.rank_low <= rank <= s.rank_high for s, rank in zip(sets, true_ranks, strict=True))
    assert n_held / n_rounds >= 0.95
