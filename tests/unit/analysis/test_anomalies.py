"""Groups that stand out, and honest ones that do not."""

import numpy as np
import pytest

from analysis.estimation.anomalies import FEWEST_GROUPS, angles, funnel, share_of_angle


def honest(random: np.random.Generator, n_groups: int = 60, between: float = 0.04) -> tuple[np.ndarray, np.ndarray]:
    variances = random.uniform(0.001, 0.01, n_groups)
    return random.normal(0.7, np.sqrt(variances + between**2)), variances


def test_a_few_groups_cannot_tell_how_much_honest_ones_differ() -> None:
    random = np.random.default_rng(1)
    assert funnel(*honest(random, FEWEST_GROUPS - 1), "two-sided") is None
    assert funnel(*honest(random, FEWEST_GROUPS), "two-sided") is not None


@pytest.mark.slow
def test_honest_groups_are_called_as_seldom_as_stated() -> None:
    random = np.random.default_rng(2)
    p_values = np.concatenate([funnel(*honest(random), "two-sided").p_values for _ in range(60)])
    assert (p_values < 0.05).mean() == pytest.approx(0.05, abs=0.02)
    assert (p_values < 0.001).mean() < 0.005


def test_bent_groups_do_not_hide_themselves() -> None:
    values, variances = honest(np.random.default_rng(3))
    values[:6] += 0.6
    found = funnel(values, variances, "greater")
    assert found.p_values[:6].max() < 1e-3
    assert found.between < 0.1**2


def test_only_high_values_are_of_interest_where_it_says_so() -> None:
    values, variances = honest(np.random.default_rng(4))
    values[0] -= 1
    assert funnel(values, variances, "two-sided").p_values[0] < 1e-4
    assert funnel(values, variances, "greater").p_values[0] > 0.99


def test_what_goes_along_with_a_covariate_is_no_anomaly() -> None:
    random = np.random.default_rng(5)
    values, variances = honest(random, between=0.0)
    covariate = random.normal(80, 5, len(values))
    values += 0.05 * (covariate - 80)
    covariate[0], values[0] = 65.0, 1.2
    found = funnel(values, variances, "greater", covariate)
    assert found.p_values[0] < 1e-4
    assert found.expected[0] == pytest.approx(0.7 - 0.05 * 15, abs=0.15)
    assert (found.p_values[1:] > 1e-3).all()


def test_a_covariate_that_never_changes_is_none() -> None:
    values, variances = honest(np.random.default_rng(6))
    alone, beside = funnel(values, variances, "greater"), funnel(values, variances, "greater", np.ones(len(values)))
    assert beside.scores == pytest.approx(alone.scores)


def test_angles_are_shares_again() -> None:
    counts, sizes = np.array([0, 5, 50, 100]), np.full(4, 100)
    found, variances = angles(counts, sizes)
    assert share_of_angle(found) == pytest.approx(counts / 100, abs=0.004)
    assert variances == pytest.approx(1 / 100.5)
