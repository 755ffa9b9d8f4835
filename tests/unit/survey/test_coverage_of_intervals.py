"""A small count of how often intervals hold the truth; benchmarks/practice_coverage.py makes the large one.

The seeds are fixed, so these are always the same rounds: what changes the figures is a change of the statistics.
"""

import datetime as dt

import numpy as np
import pytest

from analysis.archive import read_archive, write_archive
from analysis.release.computing import compute_edition
from benchmarks.practice_coverage import FIRST_SEED, SCENARIOS, Manners, framed, play, practice_units, run, tally
from support.archives import SIGNER

N_ROUNDS, N_UNITS = 3, 30


@pytest.mark.slow
def test_design_intervals_hold_the_truth_and_naive_ones_do_not():
    found = run(N_ROUNDS, N_UNITS, Manners(response_of_person=0.0))
    assert 0.90 <= found["design"].coverage() <= 0.99
    assert 0.90 <= found["design"].coverage(None) <= 0.98
    assert found["naive"].coverage() < 0.90
    errors = {road: np.nanmean((one.values - one.truth)[:, 0]) for road, one in found.items()}
    # The satisfied answer more often; the weights of the cells take that back.
    assert abs(errors["design"]) < 0.4
    assert errors["unrepaired"] - errors["design"] > 0.3


@pytest.mark.slow
def test_no_weight_repairs_what_depends_on_the_person_alone():
    found = run(1, N_UNITS, SCENARIOS["the same, and strongly by the person"])
    assert np.nanmean((found["design"].values - found["design"].truth)[:, 0]) > 2
    assert found["design"].coverage() < 0.85


@pytest.mark.slow
def test_the_intervals_that_are_counted_are_those_that_an_edition_shows(tmp_path):
    units = practice_units(4)
    played = play(FIRST_SEED, 0, units, Manners())
    write_archive(played.contents, tmp_path / "archive", SIGNER)
    archive = read_archive(tmp_path / "archive")
    edition = compute_edition(archive, published_on=dt.date(2026, 11, 23), public_url=None)
    counted = tally(played, framed(played), units)
    shown = {(row.unit, row.node): row for row in edition.estimates}
    for u, unit in enumerate(units):
        for m, node in enumerate(played.tree.codes):
            row = shown[unit, node]
            if not row.suppressed and row.estimate is not None:
                assert (row.estimate, row.low, row.high) == pytest.approx(
                    (counted.values[u, m], max(counted.lows[u, m], 0), min(counted.highs[u, m], 100))
                )
