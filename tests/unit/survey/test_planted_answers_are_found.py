"""A few planted rounds; benchmarks/quality_power.py plays many. The seeds are fixed, so these are always the same."""

import pytest

from benchmarks.quality_power import KINDS, Kind, tally

N_ROUNDS = 2


def kind_of(start: str) -> Kind:
    return next(kind for kind in KINDS if kind.name.startswith(start))


@pytest.mark.slow
def test_honest_units_are_left_in_peace():
    assert tally(kind_of("honest"), N_ROUNDS)["false"] <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "at_least"), [("straight lines, 30%", 80), ("copied form, 2.5%", 80), ("coached at the counter, 100%", 30)]
)
def test_bent_units_are_found(kind: str, at_least: float):
    found = tally(kind_of(kind), N_ROUNDS)
    assert found["either"] >= at_least
    assert found["false"] <= 2
