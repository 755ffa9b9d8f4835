"""Draws from a joint normal law: the same numbers everywhere, with the covariance that was asked for."""

import numpy as np
import pytest

from analysis.estimation.normal_draws import joint_normals, standard_normals


def generator(seed: int = 20260701) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def test_the_numbers_of_a_seed_never_change() -> None:
    # They are the quantiles of the generator's raw bits; an edition of today is computed again with them in ten years.
    expected = [[-0.32082407655190603, 1.724714257117519], [0.3858494689038372, -1.199672817459929]]
    np.testing.assert_allclose(standard_normals(generator(), 2, 2), expected, rtol=1e-14)


def test_draws_have_the_covariance_that_was_asked_for() -> None:
    covariance = np.array([[4.0, 1.0, 0.0], [1.0, 1.0, -0.2], [0.0, -0.2, 0.25]])
    draws = joint_normals(generator(), 20_000, covariance)
    np.testing.assert_allclose(np.cov(draws, rowvar=False), covariance, atol=0.08)
    np.testing.assert_allclose(draws.mean(axis=0), 0, atol=0.03)


def test_a_singular_covariance_is_no_obstacle_and_what_has_no_variance_does_not_vary() -> None:
    # Three items in two clusters: all differ from their means by a multiple of one number.
    direction = np.array([1.0, -2.0, 0.0])
    draws = joint_normals(generator(), 500, np.outer(direction, direction))
    assert (draws[:, 2] == 0).all()
    np.testing.assert_allclose(draws[:, 1], -2 * draws[:, 0], atol=1e-2)


def test_rounding_in_a_singular_covariance_moves_no_digit_that_is_verified() -> None:
    sample = standard_normals(generator(1), 20, 60)
    covariance = np.cov(sample, rowvar=False)
    noise = 1e-15 * standard_normals(generator(2), 60, 60)
    rounded = covariance * (1 + noise + noise.T)
    one, two = (joint_normals(generator(), 500, matrix) for matrix in (covariance, rounded))
    np.testing.assert_allclose(one.max(axis=1).std(), two.max(axis=1).std(), rtol=1e-10)


def test_what_is_no_covariance_is_refused() -> None:
    with pytest.raises(ValueError, match="not positive semi-definite"):
        joint_normals(generator(), 10, np.array([[1.0, 2.0], [2.0, 1.0]]))
