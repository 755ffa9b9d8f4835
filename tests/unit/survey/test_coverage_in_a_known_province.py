"""A small count of the proof of calibration; `make coverage` makes the large one, with 1,000 rounds.

The seeds are fixed, so these are always the same rounds. The bounds are wide because the rounds are few: what they
catch is an interval that has become half or twice as long.
"""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.coverage.__main__ import table
from benchmarks.coverage.counting import Coverage, count, coverages, play
from benchmarks.coverage.estimators import ESTIMATORS
from benchmarks.coverage.plot import coverage_svg
from benchmarks.coverage.province import ITEMS, Response, draw_round, make_province
from benchmarks.coverage.rounds import Truths

N_ROUNDS = 8


@pytest.fixture(scope="module")
def counted() -> dict[str, Coverage]:
    tallies = [tally for number in range(N_ROUNDS) for tally in play(number)]
    return {row.estimator: row for row in coverages(tallies)}


@pytest.mark.slow
def test_intervals_of_units_hold_the_truth(counted: dict[str, Coverage]) -> None:
    for name in (
        "unit index (share of 4-5), t, as a release gives it",
        "unit index, logit, as a release gives it",
        "unit index, mean of 5",
        "unit index, standardised (min-max)",
        "unit less the others",
        "half a unit: five PSUs, 4 df",
        "unit index, raked to age and sex, residuals",
        "unit index, jackknife (JKn)",
        "unit index, bootstrap (Rao-Wu, 100)",
        "total of a unit, raked, residuals",
        "median of a unit",
        "share near 94 % in half a unit, beta",
    ):
        assert 89 <= counted[name].coverage <= 99.5, name


@pytest.mark.slow
def test_what_is_known_to_fail_fails(counted: dict[str, Coverage]) -> None:
    release = counted["unit index (share of 4-5), t, as a release gives it"]
    naive, personal = counted["unit index, naive: simple random sample"], counted["unit index, the person decides too"]
    assert naive.coverage < release.coverage - 5
    assert naive.half_width < release.half_width
    assert personal.mean_error > release.mean_error + 1
    assert counted["unit index, nothing repaired"].mean_error > release.mean_error + 0.5


@pytest.mark.slow
def test_rank_sets_hold_the_true_ranks_and_percentiles_of_draws_do_not(counted: dict[str, Coverage]) -> None:
    for kind in ("units that differ", "units alike"):
        assert counted[f"rank sets, all units at once, {kind}"].coverage >= 7 / 8 * 100
        assert counted[f"a unit's own rank set, {kind}"].coverage >= 93
        assert counted[f"naive ranks by simulation, all at once, {kind}"].coverage < 75


@pytest.mark.slow
def test_every_estimator_stands_in_the_table_and_the_drawing(counted: dict[str, Coverage]) -> None:
    rows = list(counted.values())
    assert list(counted) == list(ESTIMATORS)
    assert all(row.rounds == N_ROUNDS for row in rows)
    drawing = coverage_svg(rows, N_ROUNDS)
    for row in rows:
        assert f"| {row.estimator} |" in table(rows)
        assert row.estimator.replace("'", "&#x27;") in drawing


@pytest.mark.slow
def test_rounds_that_are_written_down_are_not_played_again(tmp_path: Path) -> None:
    state = tmp_path / "rounds.csv"
    told: list[tuple[int, int]] = []
    first = count(1, state, 1, lambda done, total: told.append((done, total)))
    written = state.read_bytes()
    again = count(1, state, 1, lambda done, total: told.append((done, total)))
    assert again == first
    assert state.read_bytes() == written
    assert told == [(0, 1), (1, 1), (1, 1)]


@pytest.mark.slow
def test_true_values_are_those_of_everybody() -> None:
    province = make_province(1, 2)
    truths = Truths(province)
    here = province.unit == 1
    for k in range(len(ITEMS)):
        assert truths.satisfied[1, k] == pytest.approx(100 * np.mean(province.answers[here, k] >= 4))
    assert truths.visitors[1] == province.visited[here].sum()
    drawn = draw_round(province, 0, Response())
    assert drawn.cell_weights.sum() == pytest.approx(len(province.psu), rel=0.15)
    assert len(np.unique(drawn.person)) == len(drawn.person)
