"""Laws of standardised scores, whatever the values: their range, their order, and what they do not depend on (W6)."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.indices.standardisation import compose, extremes, have_same_extremes, standardised

number = st.floats(-1000, 1000, allow_nan=False).map(lambda value: round(value, 3))
values_of_units = st.lists(number, min_size=1, max_size=12)
several = st.lists(number, min_size=2, max_size=12).filter(lambda values: max(values) - min(values) > 0.01)


def scores_of(values: list[float], *, is_reversed: bool = False) -> np.ndarray:
    low, high = extremes(values)
    return standardised(values, low, high, is_reversed)


@given(values_of_units, st.booleans())
def test_scores_lie_between_one_and_ten(values: list[float], is_reversed: bool) -> None:
    scores = scores_of(values, is_reversed=is_reversed)
    assert ((scores >= 1) & (scores <= 10)).all()


@given(several)
def test_the_lowest_unit_has_one_and_the_highest_has_ten(values: list[float]) -> None:
    scores = scores_of(values)
    assert scores[np.argmin(values)] == 1
    assert scores[np.argmax(values)] == 10


@given(several)
def test_who_has_more_has_no_lower_score(values: list[float]) -> None:
    assert (np.diff(scores_of(sorted(values))) >= 0).all()


@given(several)
def test_a_reversed_indicator_is_the_mirror_of_the_other(values: list[float]) -> None:
    np.testing.assert_allclose(scores_of(values, is_reversed=True), 11 - scores_of(values), atol=1e-12)


@given(several, st.floats(0.1, 100), st.floats(-100, 100))
def test_the_unit_of_measurement_does_not_matter(values: list[float], factor: float, shift: float) -> None:
    other = [factor * value + shift for value in values]
    np.testing.assert_allclose(scores_of(other), scores_of(values), atol=1e-6)


@given(several, number, number)
def test_earlier_years_draw_the_scores_together_and_never_apart(values: list[float], one: float, two: float) -> None:
    low, high = extremes(values, (min(one, two), max(one, two)))
    pooled = standardised(values, low, high)
    assert low <= min(values)
    assert high >= max(values)
    assert np.ptp(pooled) <= np.ptp(scores_of(values)) + 1e-9


@given(number, st.integers(1, 8))
def test_where_nothing_tells_the_units_apart_all_have_the_midpoint_or_none_has_a_score(value: float, n: int) -> None:
    low, high = extremes([value] * n)
    # A mean that was added up in another order is the same mean.
    values = [value * (1 + 1e-15)] * n
    assert have_same_extremes(low, high)
    assert (standardised(values, low, high, same_extremes="midpoint") == 5.5).all()
    assert np.isnan(standardised(values, low, high, same_extremes="missing")).all()


@given(several, st.integers(0, 11))
def test_who_is_not_rated_has_no_score_and_changes_nobody_elses(values: list[float], place: int) -> None:
    assume(place < len(values))
    without = np.array(values)
    without[place] = np.nan
    low, high = extremes(without)
    scores = standardised(without, low, high)
    assert np.isnan(scores[place])
    rest = np.delete(np.array(values), place)
    assume(len(rest) > 1)
    np.testing.assert_array_equal(np.delete(scores, place), standardised(rest, *extremes(rest)))


@given(st.lists(st.floats(1, 10), min_size=3, max_size=3), st.sampled_from([100, 1000]), st.floats(0.1, 10))
def test_an_index_lies_between_a_tenth_of_its_points_and_all_of_them(
    scores: list[float], points: int, factor: float
) -> None:
    weights = np.array([20, 5, 1])
    index = compose(scores, weights, points)
    assert points / 10 - 1e-9 <= index <= points + 1e-9
    np.testing.assert_allclose(compose(scores, weights * factor, points), index)
