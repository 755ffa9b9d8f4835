"""Random small rounds under a standardised profile: without its hidden units an edition says the same (W6)."""

import datetime as dt
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.release.computing import compute_edition
from analysis.release.edition import Edition
from support.archives import Row
from support.standardised import standardised_archive

DAY = dt.date(2026, 4, 1)
BLOCS = {"u1": "east", "u2": "east", "u3": "east", "v1": "west", "v2": "west"}


def rows_of(counts: dict[str, int], seed: int) -> list[Row]:
    """Random answers; those of a unit do not depend on how many the others have."""
    rows: list[Row] = []
    for place, (unit, n) in enumerate(counts.items()):
        random = np.random.default_rng((seed, place))
        rows.extend((unit, *map(str, random.integers(1, 6, 3))) for _ in range(n))
    return rows


def edition_of(rows: list[Row]) -> Edition:
    with tempfile.TemporaryDirectory() as folder:
        archive = standardised_archive(Path(folder) / "archive", rows, blocs=BLOCS)
        return compute_edition(archive, published_on=DAY, public_url=None)


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from([0, 4, 9, 10, 25]), min_size=5, max_size=5), st.integers(0, 1000))
def test_without_its_hidden_units_an_edition_says_the_same(sizes: list[int], seed: int) -> None:
    counts = dict(zip(BLOCS, sizes, strict=True))
    whole = edition_of(rows_of(counts, seed))
    hidden = {unit for unit, n in counts.items() if n < 10}
    without = edition_of([row for row in rows_of(counts, seed) if row[0] not in hidden])
    for row in whole.estimates:
        if row.unit in hidden:
            assert row.estimate is None
            assert row.n is None
        elif row.estimate is not None or without.row(row.unit, row.node).estimate is not None:
            assert row == without.row(row.unit, row.node)
            low, high = whole.scale_of(row.node)
            assert low <= row.low <= row.estimate <= row.high <= high
    shown = [row for row in whole.distributions if row.unit not in hidden and row.share is not None]
    assert shown == [row for row in without.distributions if row.share is not None]
    assert whole.ranks == without.ranks
