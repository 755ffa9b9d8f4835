"""How a sample is shared out, against the rules' own words."""

import numpy as np
import pytest

from analysis.errors import DesignError
from analysis.estimation.allocation import ALLOCATIONS, allocate


def people(*counts: int) -> np.ndarray:
    return np.array(counts, dtype=np.int64)


def test_proportional_shares_follow_the_people_and_add_up() -> None:
    assert allocate(100, people(500, 300, 200)).tolist() == [50, 30, 20]
    assert allocate(10, people(1, 1, 1) * 100).tolist() == [4, 3, 3]


def test_neyman_follows_people_times_spread() -> None:
    assert allocate(90, people(100, 200), "neyman", sds=np.array([4.0, 1.0])).tolist() == [60, 30]


def test_powers_lie_between_equal_and_proportional() -> None:
    counts = people(10_000, 100)
    assert allocate(110, counts, "power", power=0.5).tolist() == [100, 10]
    assert allocate(110, counts, "power", power=0.0).tolist() == allocate(110, counts, "equal").tolist() == [55, 55]
    assert allocate(101, counts, "power", power=1.0).tolist() == allocate(101, counts).tolist() == [100, 1]


def test_minima_and_everybody_are_bounds_and_the_others_share_the_rest() -> None:
    assert allocate(100, people(1_000, 30, 1_000), "equal").tolist() == [35, 30, 35]
    assert allocate(100, people(960, 30, 10), minimum=20).tolist() == [70, 20, 10]


@pytest.mark.parametrize("rule", ALLOCATIONS)
def test_any_allocation_adds_up_keeps_its_bounds_and_follows_its_measure(rule: str) -> None:
    random = np.random.default_rng(11)
    for _ in range(60):
        counts = random.integers(1, 400, int(random.integers(1, 12)))
        minimum = int(random.integers(0, 30))
        low = np.minimum(minimum, counts)
        total = int(random.integers(low.sum(), counts.sum() + 1))
        sds = random.uniform(0.1, 9, len(counts))
        found = allocate(total, counts, rule, sds=sds, minimum=minimum)  # type: ignore[arg-type]
        assert found.sum() == total
        assert np.all((found >= low) & (found <= counts))
        measure = {"proportional": counts, "equal": np.ones(len(counts)), "neyman": counts * sds,
                   "power": counts**0.5 * sds}[rule]  # fmt: skip
        free = (found > low + 1) & (found < counts - 1)
        if free.sum() > 1:
            # Between their bounds all have the same rate, up to one person each.
            assert np.max((found[free] - 1) / measure[free]) <= np.min((found[free] + 1) / measure[free]) + 1e-9


@pytest.mark.parametrize(
    ("total", "arguments", "complaint"),
    [
        (5, {"minimum": 3}, "found 5 people to ask, expected at least 6"),
        (301, {}, "found 301 people to ask, expected at most the 300"),
        (5, {"method": "neyman"}, "found neyman without standard deviations"),
        (
            5,
            {"method": "neyman", "sds": np.array([1.0, 0.0])},
            "stratum 2: found 200 people with a standard dev",
        ),
        (5, {"method": "power", "power": 2.0}, "power: found 2"),
        (5, {"minimum": -1}, "minimum: found -1"),
    ],
)
def test_what_cannot_be_shared_out_is_refused(total: int, arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(DesignError, match=complaint):
        allocate(total, people(100, 200), **arguments)  # type: ignore[arg-type]
