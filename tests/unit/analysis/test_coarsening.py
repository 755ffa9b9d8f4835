"""Coarsening: what each step does to a table that can be counted by hand."""

import pyarrow as pa
import pytest

from analysis.coarsening import coarsen
from analysis.errors import PlanError


def table(*groups: tuple[int, str, str, str, str]) -> pa.Table:
    """Rows in groups of so many, each with unit, stratum, PSU and channel."""
    rows = [group[1:] for group in groups for _ in range(group[0])]
    names = ("unit", "stratum", "psu", "channel")
    return pa.table({name: pa.array([row[k] for row in rows], pa.string()) for k, name in enumerate(names)})


def cells(result: pa.Table) -> set[tuple[str, str, str, str]]:
    return set(zip(*(result[name].to_pylist() for name in ("unit", "stratum", "psu", "channel")), strict=True))


def test_small_channels_are_called_other() -> None:
    done = coarsen(table((20, "u", "", "", "web"), (6, "u", "", "", "paper"), (5, "u", "", "", "phone")), k=10)
    assert cells(done.table) == {("u", "", "", "web"), ("u", "", "", "other")}
    assert done.dropped == 0


def test_a_lone_small_channel_takes_the_next_one_along() -> None:
    done = coarsen(table((20, "u", "", "", "web"), (3, "u", "", "", "phone")), k=10)
    assert cells(done.table) == {("u", "", "", "other")}


def test_small_psus_are_joined_in_the_order_of_their_labels() -> None:
    groups = [(6, "u", "s", psu, "web") for psu in ("v1", "v2", "v3", "v4")]
    done = coarsen(table((12, "u", "s", "v0", "web"), *groups), k=10)
    assert cells(done.table) == {("u", "s", "v0", "web"), ("u", "s", "v1+v2", "web"), ("u", "s", "v3+v4", "web")}


def test_psus_of_a_stratum_that_is_too_small_are_forgotten_and_the_strata_joined() -> None:
    done = coarsen(table((4, "u", "s1", "v1", "web"), (4, "u", "s1", "v2", "web"), (5, "u", "s2", "v1", "web")), k=10)
    assert cells(done.table) == {("u", "s1+s2", "", "web")}
    assert done.record["strata"] == {"u": {"s1": "s1+s2", "s2": "s1+s2"}}


def test_psus_of_joined_strata_are_still_told_apart() -> None:
    done = coarsen(table((12, "u", "s1", "v1", "web"), (12, "u", "s1", "v2", "web"), (5, "u", "s2", "v1", "web")), k=10)
    assert {stratum for _, stratum, _, _ in cells(done.table)} == {"s1+s2"}
    assert len({psu for _, _, psu, _ in cells(done.table)}) == 2


def test_a_unit_below_k_is_withheld_and_others_are_left_alone() -> None:
    done = coarsen(table((9, "small", "", "", "web"), (10, "large", "", "", "web")), k=10)
    assert cells(done.table) == {("large", "", "", "web")}
    assert done.dropped == 9
    assert done.record["withheld_rows"] == 9


def test_without_steps_small_cells_are_withheld() -> None:
    done = coarsen(table((20, "u", "", "", "web"), (3, "u", "", "", "phone")), k=10, steps=())
    assert cells(done.table) == {("u", "", "", "web")}
    assert done.dropped == 3


def test_an_empty_table_stays_empty() -> None:
    done = coarsen(table(), k=10)
    assert (done.table.num_rows, done.dropped) == (0, 0)


def test_an_unknown_step_is_named() -> None:
    with pytest.raises(PlanError, match="found 'village', expected some of channel, psu, stratum"):
        coarsen(table((1, "u", "", "", "web")), steps=["village"])
