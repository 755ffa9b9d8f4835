"""Coarsening: what each step does to a table that can be counted by hand."""

import pyarrow as pa
import pytest

from analysis.coarsening import coarsen, coarsen_ballots, redraw_psus
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


def ratings(*groups: tuple[int, int, str, str, str]) -> pa.Table:
    """Ballots in groups of so many, each with so many ratings, from a stratum, PSU and channel."""
    rows = []
    for position, (n_ballots, n_ratings, *place) in enumerate(groups):
        for ballot in range(n_ballots):
            rows.extend((f"d{rating}", *place, f"{position}-{ballot}") for rating in range(n_ratings))
    names = ("unit", "stratum", "psu", "channel", "ballot")
    return pa.table({name: pa.array([row[k] for row in rows], pa.string()) for k, name in enumerate(names)})


def test_ballots_are_counted_and_not_their_ratings() -> None:
    done = coarsen_ballots(ratings((12, 1, "large", "", "web"), (4, 5, "small", "", "web"), (8, 2, "micro", "", "web")))
    assert {stratum for _, stratum, _, _ in cells(done.table)} == {"large", "micro+small"}
    assert done.table.num_rows == 12 + 20 + 16
    assert done.dropped == 0
    assert done.record["counted"] == "ballots"
    assert done.record["strata"] == {"": {"micro": "micro+small", "small": "micro+small"}}
    assert done.cells["", "small", ""] == ("", "micro+small", "")


def test_a_rare_unit_is_no_small_cell_of_ballots_but_a_rare_origin_is() -> None:
    table = ratings((30, 1, "s", "p1", "web"), (9, 3, "t", "p1", "web"))
    done = coarsen_ballots(table, steps=())
    assert {unit for unit, *_ in cells(done.table)} == {"d0"}
    assert (done.dropped, done.record["withheld_ballots"], done.record["withheld_rows"]) == (9, 9, 27)


def test_all_ratings_of_a_ballot_have_the_same_new_labels() -> None:
    done = coarsen_ballots(ratings((6, 4, "s", "p1", "web"), (6, 2, "s", "p2", "web"), (20, 3, "s", "p3", "web")))
    assert cells(done.table) == {(f"d{k}", "s", psu, "web") for k, psu in ((0, "p1+p2"), (1, "p1+p2"), (2, "p1+p2"),
        (3, "p1+p2"), (0, "p3"), (1, "p3"), (2, "p3"))}  # fmt: skip


def test_where_each_place_went_is_told_beside_the_table() -> None:
    groups = [(6, "u", "s", psu, channel) for psu in ("v1", "v2") for channel in ("web", "paper")]
    done = coarsen(table((9, "w", "s", "v1", "web"), *groups), k=10)
    assert done.cells == {("u", "s", "v1"): ("u", "s", "v1"), ("u", "s", "v2"): ("u", "s", "v2")}
    done = coarsen(table((6, "u", "s", "v1", "web"), (6, "u", "s", "v2", "web")), k=10)
    assert done.cells == {("u", "s", "v1"): ("u", "s", "v1+v2"), ("u", "s", "v2"): ("u", "s", "v1+v2")}


def backwards(labels: list[str]) -> list[str]:
    return list(reversed(labels))


def test_redrawn_psus_are_numbered_within_unit_and_stratum() -> None:
    groups = [(12, unit, stratum, psu, "web") for unit in "uw" for stratum in ("s", "t") for psu in ("Khu 1", "Khu 2")]
    done = redraw_psus(coarsen(table(*groups, (12, "u", "t", "", "web"))), backwards)
    assert {(unit, stratum, psu) for unit, stratum, psu, _ in cells(done.table)} == {
        *((unit, stratum, psu) for unit in "uw" for stratum in ("s", "t") for psu in ("p1", "p2")),
        ("u", "t", ""),
    }
    assert done.cells["u", "s", "Khu 1"] == ("u", "s", "p2")
    assert done.cells["u", "t", ""] == ("u", "t", "")
    assert done.record["psus"] == "redrawn"


def test_a_psu_that_crosses_units_has_one_new_label() -> None:
    groups = [(12, unit, "s", psu, "web") for unit in "uw" for psu in ("v1", "v2")]
    done = redraw_psus(coarsen(table(*groups, (12, "w", "s", "v3", "web"))), backwards, crosses_units=True)
    assert done.cells["u", "s", "v1"][2] == done.cells["w", "s", "v1"][2] == "p3"
    assert done.cells["w", "s", "v3"][2] == "p1"


def test_a_psu_that_crosses_strata_of_no_account_has_one_new_label() -> None:
    groups = [(12, "u", stratum, psu, "web") for stratum, psu in (("s", "v1"), ("s", "v2"), ("t", "v2"), ("t", "v3"))]
    done = redraw_psus(coarsen(table(*groups)), backwards, crosses_strata=True)
    assert cells(done.table) == {
        ("u", "s", "p3", "web"), ("u", "s", "p2", "web"), ("u", "t", "p2", "web"), ("u", "t", "p1", "web"),
    }  # fmt: skip
