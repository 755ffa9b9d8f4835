"""Adjustments for those who did not answer, on samples counted by hand and on samples where the truth is known."""

import numpy as np
import pytest

from analysis.errors import DesignError
from analysis.estimation.nonresponse import (
    adjust_by_classes,
    adjust_by_propensity,
    join_small_classes,
    propensity_classes,
    response_propensities,
)
from analysis.estimation.weight_diagnostics import (
    diagnose_factors,
    diagnose_weights,
    refuse_factors,
    weighting_design_effect,
)

WEIGHTS = np.array([1.0, 3, 2, 2, 5, 5])
ANSWERED = np.array([True, False, True, True, True, False])
CLASSES = ["1", "1", "2", "2", "3", "3"]


def test_each_class_keeps_its_weight() -> None:
    found = adjust_by_classes(WEIGHTS, ANSWERED, CLASSES, minimum=1)
    assert found.factors.tolist() == [4.0, 0.0, 1.0, 1.0, 2.0, 0.0]
    assert found.rates.tolist() == [0.25, 1.0, 0.5]
    assert found.parts == (("1",), ("2",), ("3",))
    assert np.bincount(found.classes, WEIGHTS * found.factors).tolist() == [4.0, 4.0, 10.0]


def test_small_classes_wait_for_their_neighbours_and_the_last_join_back() -> None:
    found = adjust_by_classes(WEIGHTS, ANSWERED, CLASSES, minimum=2)
    assert found.parts == (("1", "2", "3"),)
    assert found.factors[ANSWERED].tolist() == [1.8] * 4
    assert join_small_classes(list("abcdef"), [5, 1, 0, 4, 9, 2], 5) == [(0,), (1, 2, 3), (4, 5)]
    assert join_small_classes(list("ab"), [0, 3], 3) == [(0, 1)]


def slow_propensities(weights: np.ndarray, answered: np.ndarray, variables: np.ndarray) -> np.ndarray:
    """Gradient ascent on the weighted likelihood, step by step."""
    design = np.column_stack([np.ones(len(weights)), variables])
    coefficients = np.zeros(design.shape[1])
    for _ in range(20_000):
        chance = 1 / (1 + np.exp(-design @ coefficients))
        coefficients += 0.5 * design.T @ (weights * (answered - chance)) / weights.sum()
    return coefficients


def drawn(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    variables = np.column_stack([random.normal(size=n), random.random(n) < 0.4]).astype(float)
    chance = 1 / (1 + np.exp(-(0.2 + 0.8 * variables[:, 0] - variables[:, 1])))
    return random.uniform(1, 5, n), random.random(n) < chance, variables, chance


@pytest.mark.slow
def test_propensities_maximise_the_weighted_likelihood() -> None:
    weights, answered, variables, _ = drawn(400)
    found = response_propensities(weights, answered, variables)
    assert found.coefficients == pytest.approx(slow_propensities(weights, answered, variables), abs=1e-6)
    moved = response_propensities(weights, answered, variables * [1e6, 1] + [3e6, 0])
    assert moved.values == pytest.approx(found.values, abs=1e-8)


def test_propensities_find_the_chances_that_there_were() -> None:
    weights, answered, variables, chance = drawn(20_000)
    found = response_propensities(weights, answered, variables)
    assert np.abs(found.values - chance).max() < 0.05
    spread = np.sqrt(np.average((chance - np.average(chance, weights=weights)) ** 2, weights=weights))
    assert found.r_indicator == pytest.approx(1 - 2 * spread, abs=0.03)
    assert found.cv == pytest.approx(spread / np.average(chance, weights=weights), abs=0.03)


def test_both_adjustments_bring_a_biased_mean_back() -> None:
    weights, answered, variables, chance = drawn(20_000, 7)
    values = 50 + 20 * chance
    truth = np.average(values, weights=weights)
    raw = np.average(values[answered], weights=weights[answered])
    found = response_propensities(weights, answered, variables)
    direct = adjust_by_propensity(weights, answered, found.values, largest=60)
    classes = adjust_by_classes(weights, answered, propensity_classes(found.values, weights)).factors
    for factors in (direct, classes):
        own = weights * factors
        assert own.sum() == pytest.approx(weights.sum())
        # Five classes take nine tenths of the bias that the propensity accounts for, and one over it nearly all.
        assert abs(np.average(values, weights=own) - truth) < 0.12 * abs(raw - truth)


def test_classes_by_propensity_have_about_equal_weight_and_begin_with_the_least_likely() -> None:
    weights, answered, variables, _ = drawn(5_000)
    values = response_propensities(weights, answered, variables).values
    names = np.array(propensity_classes(values, weights))
    assert sorted(set(names)) == list("12345")
    shares = [weights[names == name].sum() / weights.sum() for name in "12345"]
    assert shares == pytest.approx([0.2] * 5, abs=0.01)
    assert values[names == "1"].max() <= values[names == "2"].min()
    assert propensity_classes(np.full(4, 0.5), np.ones(4), 12) == ["07"] * 4


@pytest.mark.parametrize(
    ("adjust", "complaint"),
    [
        (lambda: adjust_by_classes(WEIGHTS, ANSWERED, CLASSES, minimum=5), "found 4 answers in 3 classes together"),
        (lambda: adjust_by_classes(WEIGHTS, ANSWERED, CLASSES, minimum=2, join=False), "found 1 answers in '1'"),
        (lambda: adjust_by_classes(WEIGHTS, ANSWERED, CLASSES, minimum=1, largest=3), "found factors from 1 to 4"),
        (lambda: adjust_by_classes(WEIGHTS, ~ANSWERED & False, CLASSES), "6 people asked and nobody who answered"),
        (lambda: adjust_by_classes(WEIGHTS * 0, ANSWERED, CLASSES), "found a weight that is not above 0"),
        (lambda: join_small_classes(["a"], [3], 0), "found a minimum of 0"),
        (lambda: response_propensities(WEIGHTS, ANSWERED | True, WEIGHTS[:, None]), "found that everybody answered"),
        (
            lambda: response_propensities(WEIGHTS, ANSWERED, np.column_stack([WEIGHTS, 2 * WEIGHTS])),
            "variables that depend on each other",
        ),
        (lambda: response_propensities(WEIGHTS, ANSWERED, ANSWERED[:, None] * 1.0), "tell who answers without error"),
        (lambda: response_propensities(WEIGHTS, ANSWERED, WEIGHTS[:, None] * np.nan), "a variable that is no number"),
        (lambda: adjust_by_propensity(WEIGHTS, ANSWERED, WEIGHTS * 0), "found one outside 0 to 1"),
        (lambda: adjust_by_propensity(WEIGHTS, ANSWERED, WEIGHTS / 100), "found factors from"),
        (lambda: propensity_classes(WEIGHTS, WEIGHTS, 0), "propensity classes: found 0"),
    ],
)
def test_a_bad_result_is_refused_in_words(adjust, complaint: str) -> None:
    with pytest.raises(DesignError, match=complaint):
        adjust()


def test_weights_are_diagnosed_by_hand() -> None:
    found = diagnose_weights(np.array([1.0, 1, 0, 2, 4]))
    assert (found.n, found.total, found.lowest, found.median, found.highest) == (4, 8.0, 1.0, 1.5, 4.0)
    assert found.kish == pytest.approx(4 * 22 / 64)
    assert found.cv == pytest.approx((found.kish - 1) ** 0.5)
    assert found.n_effective == pytest.approx(64 / 22)
    assert (found.largest_share, found.top_share, found.ratio) == (0.5, 0.5, pytest.approx(4 / 1.5))
    equal = diagnose_weights(np.full(7, 0.1))
    assert (equal.kish, equal.cv) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-7))


def test_the_design_effect_of_weighting_knows_whether_weights_go_with_values() -> None:
    random = np.random.default_rng(2)
    weights, values = random.uniform(1, 9, 50_000), random.normal(size=50_000)
    kish = diagnose_weights(weights).kish
    assert weighting_design_effect(weights, values) == pytest.approx(kish, rel=0.02)
    # Where the extreme values have the small weights, weighting costs less than Kish says.
    falling = 1 / (0.2 + np.abs(values))
    found = weighting_design_effect(falling, values)
    assert found is not None
    assert found < diagnose_weights(falling).kish
    assert weighting_design_effect(weights, np.full(50_000, 3.3)) is None
    assert weighting_design_effect(np.ones(3), np.array([1.0, np.nan, np.nan])) is None
    assert weighting_design_effect(np.ones(4), np.array([1.0, 2, 3, np.nan])) == pytest.approx(1.0)


def test_factors_are_diagnosed_with_the_weights_before_them() -> None:
    found = diagnose_factors(np.array([0.5, 1.5, 9.0]), np.array([1.0, 1.0, 0.0]), (0.6, 2.0))
    assert (found.lowest, found.highest, found.mean, found.cv) == (0.5, 1.5, 1.0, 0.5)
    assert (found.n_below, found.n_above) == (1, 0)
    refuse_factors(np.array([0.5, 2.0]), (0.5, 2.0), "x")
    for bad in (lambda: diagnose_weights(np.zeros(3)), lambda: diagnose_weights(np.array([1.0, -1.0])),
                lambda: diagnose_factors(np.array([np.nan]), np.ones(1))):  # fmt: skip
        with pytest.raises(DesignError):
            bad()
