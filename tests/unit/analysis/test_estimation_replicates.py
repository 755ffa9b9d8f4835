"""Replicate variances and the rules that are not visible in the oracle's cases."""

import math

import numpy as np
import pytest

from analysis.estimation.intervals import standard_error, t_interval, t_quantile
from analysis.estimation.replicates import ReplicateWeights, replicate_covariance, replicate_df


def _weights(n: int, mse: bool = False) -> ReplicateWeights:
    return ReplicateWeights(np.ones((3, n)), 0.5, np.ones(n), mse)


def test_a_replicate_without_an_estimate_is_dropped_and_the_scale_is_kept() -> None:
    replicates = np.array([[1.0, 3.0, math.nan, 5.0]])
    assert replicate_covariance(replicates, np.array([2.0]), _weights(4))[0, 0] == pytest.approx(0.5 * 8)
    assert replicate_covariance(replicates, np.array([2.0]), _weights(4, mse=True))[0, 0] == pytest.approx(0.5 * 11)


def test_without_any_whole_replicate_there_is_no_variance() -> None:
    assert np.isnan(replicate_covariance(np.full((2, 3), math.nan), np.zeros(2), _weights(3))).all()


def test_the_degrees_of_freedom_are_the_rank_less_one() -> None:
    half = np.array([[0.0, 2.0], [2.0, 0.0], [0.0, 2.0]])
    assert replicate_df(half) == 1
    assert replicate_df(np.column_stack([half, half.sum(axis=1), half[:, 0] * 3])) == 1
    assert replicate_df(np.zeros((4, 3))) == -1
    assert replicate_df(np.zeros((0, 3))) == -1


def test_an_interval_needs_a_variance_and_degrees_of_freedom() -> None:
    assert t_interval(1.0, 4.0, 0) is None
    assert t_interval(1.0, math.nan, 5) is None
    assert t_interval(math.nan, 1.0, 5) is None
    low, high = t_interval(1.0, 4.0, 3) or (0.0, 0.0)
    assert (low + high) / 2 == pytest.approx(1.0)
    assert high - 1.0 == pytest.approx(2 * 3.182446305284263)
    assert t_quantile(0.975, math.inf) == pytest.approx(1.959963984540054)


def test_rounding_below_zero_is_no_variance_below_zero() -> None:
    assert standard_error(-1e-30) == 0
    assert standard_error(math.inf) is None
