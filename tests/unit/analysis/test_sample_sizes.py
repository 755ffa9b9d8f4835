"""How many to ask: the circulars' numbers, textbook numbers, and the way back."""

import math

import numpy as np
import pytest

from analysis.errors import DesignError
from analysis.estimation.sample_sizes import Precision, circular_size, half_width, honest_size


@pytest.mark.parametrize(
    ("population", "expected"), [(300, 172), (1_000, 286), (5_000, 371), (50_000, 397), (10**9, 400)]
)
def test_the_circulars_rule_gives_the_numbers_of_its_tables(population: int, expected: int) -> None:
    assert circular_size(population) == expected


def test_the_circulars_rule_asks_for_a_hundred_at_ten_points_and_never_for_more_than_there_are() -> None:
    assert circular_size(10**9) == 400
    assert circular_size(10**9, 0.1) == 100
    assert circular_size(1) == 1
    assert circular_size(3, 0.001) == 3


def test_the_honest_size_of_a_simple_sample_is_cochrans() -> None:
    # Cochran (1977), §4.6: 385 for five points at a share of one half; with 1,000 people 278.
    assert honest_size(10**9, Precision()).asked == 385
    assert honest_size(1_000, Precision()).asked == 278


def test_design_effect_and_response_multiply_what_is_asked() -> None:
    plain = honest_size(10**9, Precision(share=0.85, fpc=False))
    more = honest_size(10**9, Precision(share=0.85, fpc=False, deff=2.0, response=0.5))
    assert more.answers == pytest.approx(2 * plain.answers)
    assert more.asked == math.ceil(4 * plain.answers)


def test_neighbours_that_are_alike_make_the_design_effect_of_kish() -> None:
    assert Precision(icc=0.05, per_cluster=21).design_effect == pytest.approx(2.0)
    assert Precision(icc=0.05, per_cluster=21, deff=1.2).design_effect == pytest.approx(2.4)


def test_the_half_width_is_the_way_back_from_the_size() -> None:
    random = np.random.default_rng(3)
    for _ in range(200):
        wanted = Precision(
            margin=float(random.uniform(0.01, 0.2)),
            level=float(random.uniform(0.5, 0.999)),
            share=float(random.uniform(0.01, 0.99)),
            deff=float(random.uniform(0.5, 4)),
            fpc=bool(random.integers(2)),
        )
        population = int(random.integers(2, 100_000))
        size = honest_size(population, wanted)
        assert half_width(size.answers, population, wanted) == pytest.approx(wanted.margin)


def test_a_margin_that_asking_everybody_does_not_reach_is_said() -> None:
    size = honest_size(100, Precision(margin=0.01, response=0.4))
    assert (size.asked, size.is_reached) == (100, False)


def test_a_standard_deviation_stands_in_the_place_of_a_share() -> None:
    assert Precision(share=None, sd=20.0, margin=2.0).variance == 400.0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"margin": 0.0}, "margin: found 0, expected a number above 0"),
        ({"level": 1.0}, "level: found 1, expected a number between 0 and 1"),
        ({"share": 1.0}, "share: found 1"),
        ({"sd": 3.0}, "found both of share and sd"),
        ({"share": None}, "found neither of share and sd"),
        ({"response": 0.0}, "response: found 0, expected above 0 and at most 1"),
        ({"icc": 0.1}, "found no per_cluster"),
        ({"icc": 2.0, "per_cluster": 5}, "icc: found 2"),
        ({"icc": -0.5, "per_cluster": 5}, "the design effect: found -1"),
        ({"deff": math.nan}, "deff: found nan"),
    ],
)
def test_a_precision_that_makes_no_sense_is_refused(arguments: dict[str, float], complaint: str) -> None:
    with pytest.raises(DesignError, match=complaint):
        Precision(**arguments)  # type: ignore[arg-type]


def test_nobody_has_no_sample() -> None:
    for size in (lambda: circular_size(0), lambda: honest_size(0, Precision())):
        with pytest.raises(DesignError, match="found a population of 0"):
            size()
    assert half_width(0, 100, Precision()) is None
