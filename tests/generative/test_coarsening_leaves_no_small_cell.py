"""Coarsening on random tables: what stays is in cells of k or more, and rows keep everything else."""

from collections import Counter

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from analysis.coarsening import STEPS, coarsen
from analysis.responses import ATTRIBUTES

rows = st.lists(
    st.tuples(
        st.sampled_from("AB"),
        st.sampled_from(["s1", "s2", "s3", ""]),
        st.sampled_from(["", "1", "2", "3"]),
        st.sampled_from(["web", "paper", "other", ""]),
    ),
    max_size=120,
)


def table_of(origins: list[tuple[str, str, str, str]]) -> pa.Table:
    columns = {name: pa.array([origin[k] for origin in origins], pa.string()) for k, name in enumerate(ATTRIBUTES)}
    return pa.table({**columns, "number": pa.array(range(len(origins)), pa.int64())})


def cells_of(table: pa.Table) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(table[name].to_pylist() for name in ATTRIBUTES), strict=True))


@given(rows, st.integers(1, 15), st.permutations(STEPS), st.integers(0, 3))
def test_every_cell_that_stays_has_k_rows(
    origins: list[tuple[str, str, str, str]], k: int, order: list[str], n_steps: int
) -> None:
    coarsened = coarsen(table_of(origins), k=k, steps=order[:n_steps])
    assert all(count >= k for count in cells_of(coarsened.table).values())
    assert coarsened.table.num_rows + coarsened.dropped == len(origins)
    kept = coarsened.table["number"].to_pylist()
    assert kept == sorted(kept)
    assert coarsened.table["unit"].to_pylist() == [origins[number][0] for number in kept]


@given(rows, st.integers(1, 15), st.permutations(STEPS))
def test_with_every_step_only_units_below_k_are_withheld(
    origins: list[tuple[str, str, str, str]], k: int, order: list[str]
) -> None:
    coarsened = coarsen(table_of(origins), k=k, steps=order)
    units = Counter(origin[0] for origin in origins)
    assert coarsened.dropped == sum(count for count in units.values() if count < k)


@given(rows)
def test_the_record_tells_where_each_joined_stratum_went(origins: list[tuple[str, str, str, str]]) -> None:
    coarsened = coarsen(table_of(origins), k=10)
    joined = coarsened.record["strata"]
    assert isinstance(joined, dict)
    for number, stratum in zip(
        coarsened.table["number"].to_pylist(), coarsened.table["stratum"].to_pylist(), strict=True
    ):
        unit, before = origins[number][:2]
        assert joined.get(unit, {}).get(before, before) == stratum
