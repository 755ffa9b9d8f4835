"""Whom a sample draws: the promised probabilities in repeated draws, and the same people for a seed for years."""

from collections.abc import Callable

import numpy as np
import pytest

from analysis.errors import DesignError
from analysis.estimation.selection import (
    Drawn,
    certain_ones,
    draw_pps,
    draw_simple,
    draw_systematic,
    generator_of,
    joint_probabilities,
    uniforms,
)

SIZES = np.array([3.0, 9.0, 1.0, 4.0, 4.0, 6.0, 2.0, 40.0, 5.0])
N_DRAWS = 6_000
UNIFORMS = [0.37417185632341904, 0.9577105097972678]
SIMPLE = [272, 278, 771, 109, 202]
SYSTEMATIC = [74, 274, 474, 674, 874]
PPS = [26, 52, 68, 82, 93]

Draw = Callable[[np.random.Generator], Drawn]
DRAWS: dict[str, Draw] = {
    "simple": lambda generator: draw_simple(generator, len(SIZES), 4),
    "systematic": lambda generator: draw_systematic(generator, len(SIZES), 4),
    "pps": lambda generator: draw_pps(generator, SIZES, 4),
    "pps in random order": lambda generator: draw_pps(generator, SIZES, 4, shuffle=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWS)
def test_frequencies_meet_the_inclusion_probabilities(name: str) -> None:
    generator = generator_of(1)
    counts = np.zeros(len(SIZES))
    for _ in range(N_DRAWS):
        drawn = DRAWS[name](generator)
        assert len(set(drawn.chosen.tolist())) == 4
        counts[drawn.chosen] += 1
    expected = drawn.probabilities
    error = np.sqrt(expected * (1 - expected) / N_DRAWS)
    assert np.all(np.abs(counts / N_DRAWS - expected) <= 4 * error + 1e-12)
    assert expected.sum() == pytest.approx(4)


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWS)
def test_horvitz_and_thompson_meet_the_total(name: str) -> None:
    generator = generator_of(2)
    values = SIZES * 2 + np.array([1.0, -3, 4, 0, 2, 7, -1, 5, 3])
    totals = np.zeros(N_DRAWS)
    for draw in range(N_DRAWS):
        drawn = DRAWS[name](generator)
        totals[draw] = np.sum(values[drawn.chosen] / drawn.probabilities[drawn.chosen])
    assert totals.mean() == pytest.approx(values.sum(), abs=4 * totals.std() / np.sqrt(N_DRAWS))


@pytest.mark.slow
def test_hajek_meets_the_mean_but_for_a_part_of_its_own_error_that_goes_with_the_sample() -> None:
    random = np.random.default_rng(5)
    sizes = random.uniform(1, 20, 300)
    values = 50 + sizes + random.normal(0, 10, 300)
    generator = generator_of(4)
    means = np.zeros(3_000)
    for draw in range(len(means)):
        drawn = draw_pps(generator, sizes, 40, shuffle=True)
        means[draw] = np.average(values[drawn.chosen], weights=1 / drawn.probabilities[drawn.chosen])
    assert abs(means.mean() - values.mean()) < (0.1 + 4 / np.sqrt(len(means))) * means.std()


@pytest.mark.slow
def test_joint_probabilities_of_a_systematic_sample_are_those_of_all_its_starts() -> None:
    drawn = draw_pps(generator_of(3), SIZES, 4)
    others = ~drawn.is_certain
    probabilities = drawn.probabilities[others]
    joint = joint_probabilities(probabilities)
    ends = np.cumsum(probabilities)
    slow = np.zeros_like(joint)
    starts = (np.arange(20_000) + 0.5) / 20_000
    for start in starts:
        chosen = [int(np.searchsorted(ends, start + step, side="right")) for step in range(round(ends[-1]))]
        slow[np.ix_(chosen, chosen)] += 1 / len(starts)
    assert np.abs(joint - slow).max() < 2e-3
    assert np.diag(joint) == pytest.approx(probabilities)
    assert np.any(joint == 0), "pairs of neighbours are never drawn together"
    n = probabilities.sum()
    assert joint.sum() == pytest.approx(n**2)


def test_who_is_too_large_is_certain_again_and_again() -> None:
    # 50 of 100 with 3 to draw is certain; among the rest 30 of 50 with 2 to draw is; then 1 of 20 by chance.
    assert certain_ones(np.array([50.0, 30, 10, 10]), 3).tolist() == [True, True, False, False]
    drawn = draw_pps(generator_of(1), np.array([50.0, 30, 10, 10]), 3)
    assert drawn.probabilities.tolist() == [1.0, 1.0, 0.5, 0.5]
    assert drawn.chosen.tolist()[:2] == [0, 1]


def test_drawing_everybody_is_certain_in_every_way() -> None:
    for drawn in (
        draw_simple(generator_of(1), 5, 5),
        draw_systematic(generator_of(1), 5, 5),
        draw_pps(generator_of(1), np.arange(1.0, 6.0), 5),
        draw_pps(generator_of(1), np.full(5, 0.1), 5),
    ):
        assert sorted(drawn.chosen.tolist()) == [0, 1, 2, 3, 4]
        assert drawn.probabilities.tolist() == [1.0] * 5
        assert drawn.is_certain.all()


def test_nobody_may_be_drawn() -> None:
    assert draw_simple(generator_of(1), 5, 0).chosen.tolist() == []
    assert draw_systematic(generator_of(1), 0, 0).probabilities.tolist() == []
    assert draw_pps(generator_of(1), SIZES, 0).probabilities.tolist() == [0.0] * len(SIZES)


def test_a_seed_gives_the_same_people_for_years() -> None:
    # Written down in November 2026; the bits of PCG64 are kept stable by NumPy.
    assert uniforms(generator_of(20260701), 2).tolist() == UNIFORMS
    assert draw_simple(generator_of(20260701), 1_000, 5).chosen.tolist() == SIMPLE
    assert draw_systematic(generator_of(20260701), 1_000, 5).chosen.tolist() == SYSTEMATIC
    assert draw_pps(generator_of(20260701), np.arange(1.0, 101.0), 5).chosen.tolist() == PPS


@pytest.mark.parametrize(
    ("draw", "complaint"),
    [
        (lambda: draw_simple(generator_of(1), 3, 4), "found 4 to draw, expected from 0 to the 3"),
        (lambda: draw_systematic(generator_of(1), 3, -1), "found -1 to draw"),
        (
            lambda: draw_pps(generator_of(1), np.array([1.0, 0.0]), 1),
            "size: found 0 at position 2, expected a number above 0",
        ),
        (lambda: draw_pps(generator_of(1), np.array([1.0, -2.0]), 1), "size: found -2 at position 2"),
        (lambda: draw_pps(generator_of(1), np.array([1.0, np.nan]), 1), "size: found nan"),
        (lambda: draw_pps(generator_of(1), np.array([1.0, 1.0]), 3), "found 3 to draw"),
        (lambda: generator_of(-1), "seed: found -1"),
        (lambda: joint_probabilities(np.array([0.5, 0.2])), "found the sum 0.7, expected a whole number"),
        (lambda: joint_probabilities(np.array([1.5, 0.5])), "found one outside 0 to 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw: Callable[[], object], complaint: str) -> None:
    with pytest.raises(DesignError, match=complaint):
        draw()
