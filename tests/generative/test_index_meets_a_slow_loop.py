"""The array code against loops over respondents, on small tables of any shape."""

import datetime as dt
import tempfile
from math import isnan
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.release.computing import compute_edition
from support.archives import Row, archive_at, contents_of, tabulated
from support.slow_index import slow_root

BLOCS = {"u1": "east", "u2": "east", "u3": "west"}
PLAN = 'plan: 1\nversion: "1"\nsuppress_below: 1\ncaution_below: 1\naggregate: {aggregate}\ncoarsening: {{k: 1}}\n'

answers = st.sampled_from(["1", "2", "3", "4", "5", None])
Given = list[tuple[str | None, ...]]


def without_lone_answers(rows: Given) -> Given:
    """An item that one person answered as one that nobody did: no plan shows a figure that one answer dominates."""
    lone = [sum(answer is not None for answer in item) == 1 for item in zip(*rows, strict=True)]
    return [tuple(None if lone[k] else answer for k, answer in enumerate(row)) for row in rows]


rows_of_units = st.fixed_dictionaries(
    {
        unit: st.lists(st.tuples(answers, answers, answers), min_size=2, max_size=8).map(without_lone_answers)
        for unit in BLOCS
    }
)


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(by_unit=rows_of_units, has_fpc=st.booleans())
def test_values_and_standard_errors_equal_those_of_a_loop(by_unit: dict[str, Given], has_fpc: bool) -> None:
    rows: list[Row] = [(unit, *row) for unit, many in by_unit.items() for row in many]
    population = {"u1": 40, "u2": 25, "u3": 90}
    counted = "".join(f"  {unit}: {people}\n" for unit, people in population.items())
    design = f"design: 1\nstrata: [unit]\nfpc: {str(has_fpc).lower()}\npopulation:\n{counted}"
    contents = contents_of(tabulated(rows), blocs=BLOCS, plan=PLAN.format(aggregate="persons"), design=design)
    with tempfile.TemporaryDirectory() as folder:
        archive = archive_at(Path(folder) / "archive", contents)
    edition = compute_edition(archive, published_on=dt.date(2026, 4, 1), public_url=None)
    owners = {unit: [unit] for unit in BLOCS} | {"bloc:east": ["u1", "u2"], "all": list(BLOCS)}
    for owner, units in owners.items():
        value, error = slow_root(rows, population, lambda row, units=units: row[0] in units, has_fpc=has_fpc)
        row = edition.row(owner)
        if isnan(value):
            assert (row.estimate, row.reason) == (None, "no_answers")
        else:
            assert row.estimate == pytest.approx(value, abs=1e-9)
            assert row.se == pytest.approx(error, abs=1e-9)


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(by_unit=rows_of_units)
def test_the_mean_of_units_is_their_plain_mean(
    by_unit: dict[str, Given],
) -> None:
    rows: list[Row] = [(unit, *row) for unit, many in by_unit.items() for row in many]
    contents = contents_of(tabulated(rows), blocs=BLOCS, plan=PLAN.format(aggregate="units"))
    with tempfile.TemporaryDirectory() as folder:
        archive = archive_at(Path(folder) / "archive", contents)
    edition = compute_edition(archive, published_on=dt.date(2026, 4, 1), public_url=None)
    computed = [edition.row(unit) for unit in BLOCS if edition.row(unit).estimate is not None]
    row = edition.row("all")
    if not computed:
        assert (row.estimate, row.reason) == (None, "no_answers")
        return
    assert row.estimate == pytest.approx(sum(unit.estimate or 0 for unit in computed) / len(computed))
    # Strata are units here, so the units are independent of each other.
    assert row.se == pytest.approx(sum((unit.se or 0) ** 2 for unit in computed) ** 0.5 / len(computed), abs=1e-9)
