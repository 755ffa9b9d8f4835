"""Relative weights against Johnson's own two regressions, finite differences and a jackknife (issue 6, S1)."""

import numpy as np
import numpy.typing as npt
import pytest

from analysis.estimation.relative_weights import relative_weights

Floats = npt.NDArray[np.float64]


def people(n: int = 240, p: int = 4, *, missing: float = 0.08, seed: int = 3) -> tuple[Floats, Floats, Floats]:
    """Predictors that go together, an outcome that hangs on them unequally, and weights."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 1))
    predictors = common + rng.normal(size=(n, p))
    outcome = predictors @ np.arange(1, p + 1) / p + rng.normal(size=n) * 2
    predictors[rng.random((n, p)) < missing] = np.nan
    outcome[rng.random(n) < missing] = np.nan
    return predictors, outcome, rng.uniform(0.5, 3, n)


def by_two_regressions(predictors: Floats, outcome: Floats, weights: Floats) -> Floats:
    """Johnson's heuristic as he wrote it down, on complete answers: singular vectors and two regressions."""
    share = weights / weights.sum()
    x = predictors - share @ predictors
    x = np.sqrt(share)[:, None] * x / np.sqrt(share @ x**2)
    y = outcome - share @ outcome
    y = np.sqrt(share) * y / np.sqrt(share @ y**2)
    left, _, right = np.linalg.svd(x, full_matrices=False)
    twins = left @ right
    explained = (np.linalg.lstsq(twins, x, rcond=None)[0] ** 2).T @ np.linalg.lstsq(twins, y, rcond=None)[0] ** 2
    return np.asarray(explained)


def test_the_shares_are_those_of_two_regressions() -> None:
    predictors, outcome, weights = people(missing=0.0)
    found = relative_weights(predictors, outcome, weights)
    expected = by_two_regressions(predictors, outcome, weights)
    np.testing.assert_allclose(found.shares, expected / expected.sum(), rtol=1e-10)
    assert found.r_squared == pytest.approx(expected.sum(), rel=1e-10)
    assert found.shares.sum() == pytest.approx(1.0)


def test_the_explained_part_is_that_of_a_weighted_regression() -> None:
    predictors, outcome, weights = people(missing=0.0)
    design = np.column_stack([np.ones(len(outcome)), predictors])
    root = np.sqrt(weights)
    fitted = design @ np.linalg.lstsq(design * root[:, None], outcome * root, rcond=None)[0]
    centre = np.average(outcome, weights=weights)
    expected = np.average((fitted - centre) ** 2, weights=weights) / np.average(
        (outcome - centre) ** 2, weights=weights
    )
    assert relative_weights(predictors, outcome, weights).r_squared == pytest.approx(expected, rel=1e-10)


def test_predictors_that_do_not_go_together_have_their_squared_correlations() -> None:
    x = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]] * 3)
    y = 3 * x[:, 0] + x[:, 1]
    found = relative_weights(x, y, np.ones(len(x)))
    np.testing.assert_allclose(found.shares, [0.9, 0.1], atol=1e-12)


def test_units_and_order_change_nothing() -> None:
    predictors, outcome, weights = people()
    found = relative_weights(predictors, outcome, weights)
    order = [2, 0, 3, 1]
    other = relative_weights(predictors[:, order] * [1, 20, 0.1, -5] + 7, 100 - outcome, weights * 13)
    np.testing.assert_allclose(other.shares, found.shares[order], rtol=1e-9)
    np.testing.assert_allclose(other.influence, found.influence[:, order], atol=1e-12)


def test_the_influence_of_a_row_is_what_more_weight_on_it_does() -> None:
    predictors, outcome, weights = people()
    found = relative_weights(predictors, outcome, weights)
    np.testing.assert_allclose(found.influence.sum(axis=0), 0.0, atol=1e-12)
    for row in (0, 17, 101):
        moved = []
        for sign in (1.0, -1.0):
            other = weights.copy()
            other[row] *= 1 + sign * 1e-5
            moved.append(relative_weights(predictors, outcome, other).shares)
        np.testing.assert_allclose(found.influence[row], (moved[0] - moved[1]) / 2e-5, atol=1e-8)


def test_the_linearised_error_is_near_that_of_a_jackknife() -> None:
    predictors, outcome, weights = people(n=300)
    found = relative_weights(predictors, outcome, weights)
    n = len(outcome)
    linear = np.sqrt(n / (n - 1) * (found.influence**2).sum(axis=0))
    left_out = np.array(
        [
            relative_weights(np.delete(predictors, row, 0), np.delete(outcome, row), np.delete(weights, row)).shares
            for row in range(n)
        ]
    )
    jackknife = np.sqrt((n - 1) / n * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(linear, jackknife, rtol=0.06)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda x, y: (np.full_like(x, np.nan), y), "no_answers"),
        (lambda x, y: (x * [0, 1, 1, 1], y), "no_variation"),
        (lambda x, y: (x[:, [0, 0, 1, 2]], y), "collinear"),
        (lambda x, y: (x, np.full_like(y, 4.0)), "no_variation"),
    ],
)
def test_what_cannot_be_measured_has_a_reason(change, reason) -> None:  # type: ignore[no-untyped-def]
    predictors, outcome, weights = people()
    found = relative_weights(*change(predictors, outcome), weights)
    assert (found.reason, len(found.shares)) == (reason, 0)
