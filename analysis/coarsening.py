"""Coarsening before sealing: no combination of unit, stratum, PSU and channel is held by fewer than k responses.

A rare combination points at a person who knows in which village, and in which way, they answered. What is rare is
merged with its neighbours in the order that the round's plan gives; what cannot be merged is withheld.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analysis.errors import PlanError
from analysis.responses import ATTRIBUTES, BALLOT
from analysis.row_groups import first_rows, group_rows

Integers = npt.NDArray[np.int64]

Step = Literal["channel", "psu", "stratum"]
STEPS: tuple[Step, ...] = ("channel", "psu", "stratum")
OTHER = "other"
JOINT = "+"

# Where a row comes from: unit (in rounds of several units ""), stratum and PSU; a cell is that and the channel.
Place = tuple[str, str, str]
_Labels = tuple[str, str, str, str]
# Inside a unit a cell is its stratum, PSU and channel.
_Cell = tuple[str, str, str]
_Relabel = dict[_Cell, _Cell]
_STRATUM, _PSU, _CHANNEL = range(3)


class Coarsened(NamedTuple):
    """The coarsened table, the record of what was done for the manifest, and how many were withheld.

    `dropped` counts rows, or ballots where these were coarsened. `cells` tells for each place that some row of the
    table came from where it says now that it comes from: what relabels a design, and what must never be kept beside
    the table.
    """

    table: pa.Table
    record: dict[str, object]
    dropped: int
    cells: Mapping[Place, Place]


@dataclass(frozen=True, slots=True)
class _Relabelling:
    """New labels for the cells of a table: unit, stratum, PSU and channel, and which of them stay."""

    old: list[_Labels]
    new: list[_Labels]
    stays: list[bool]
    cell_of_row: Integers

    @property
    def cells(self) -> dict[Place, Place]:
        return {old[:3]: new[:3] for old, new, stays in zip(self.old, self.new, self.stays, strict=True) if stays}

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        return np.array(self.stays, dtype=bool)[self.cell_of_row]

    def apply(self, table: pa.Table, names: Sequence[str], cell_of_row: Integers) -> pa.Table:
        """The table with new labels in its columns; the cell of each of its rows is given."""
        for position, name in enumerate(names):
            if name:
                values = pa.array([labels[position] for labels in self.new], pa.string())
                column = values.take(pa.array(cell_of_row))
                table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
        return table


def coarsen(
    rows: pa.Table, attributes: Sequence[str] = ATTRIBUTES, k: int = 10, steps: Sequence[str] = STEPS
) -> Coarsened:
    """The rows with merged labels, such that every remaining cell holds at least k of them; the order of rows is kept.

    `attributes` names the columns of unit, stratum, PSU and channel, in this order. `steps` are done in their order,
    unit by unit, as far as a unit needs them: "channel" calls small channels "other"; "psu" joins small PSUs of a
    stratum in the order of their labels ("a+b"), and forgets them ("") where the whole stratum is below k; "stratum"
    joins small strata of a unit in the same way, so that their populations can be added. Rows of cells that stay below
    k, and of units below k in all, are withheld. The record holds `strata` (unit → old label → new label), which is
    what the weights need.

    Raises PlanError for an unknown step.
    """
    found = _relabelling(rows, attributes, k, steps)
    table = _kept_rows(found.apply(rows, attributes, found.cell_of_row), found.kept)
    dropped = rows.num_rows - table.num_rows
    return Coarsened(table, {**_record(found, k, steps), "withheld_rows": dropped}, dropped, found.cells)


def coarsen_ballots(table: pa.Table, k: int = 10, steps: Sequence[str] = STEPS) -> Coarsened:
    """The ratings with merged labels, such that every remaining cell holds at least k ballots; their order is kept.

    Ratings with the same `ballot` are one ballot, invited from one stratum, PSU and channel. The units that it rates
    were chosen by the one who answered and are known from no invitation, so they are no part of a cell: the steps of
    `coarsen` are done for the whole round. `dropped` counts ballots, and the record the ballots and their ratings.

    Raises PlanError for an unknown step.
    """
    ballots = table[BALLOT].combine_chunks().dictionary_encode()
    ballot_of_row = ballots.indices.to_numpy().astype(np.int64)
    places = table.select([*ATTRIBUTES[1:]]).take(pa.array(first_rows(table, BALLOT)))
    places = places.add_column(0, ATTRIBUTES[0], pa.array([""] * places.num_rows, pa.string()))
    found = _relabelling(places, ATTRIBUTES, k, steps)
    relabelled = found.apply(table, ("", *ATTRIBUTES[1:]), found.cell_of_row[ballot_of_row])
    relabelled = _kept_rows(relabelled, found.kept[ballot_of_row])
    dropped = int(places.num_rows - found.kept.sum())
    record = {
        **_record(found, k, steps),
        "counted": "ballots",
        "withheld_ballots": dropped,
        "withheld_rows": table.num_rows - relabelled.num_rows,
    }
    return Coarsened(relabelled, record, dropped, found.cells)


def _kept_rows(rows: pa.Table, is_kept: npt.NDArray[np.bool_]) -> pa.Table:
    # Where all stay there is nothing to copy: a million rows of a long form are half a gigabyte.
    return rows if is_kept.all() else rows.filter(pa.array(is_kept))


def redraw_psus(
    coarsened: Coarsened,
    choose: Callable[[list[str]], list[str]],
    *,
    crosses_units: bool = False,
    crosses_strata: bool = False,
) -> Coarsened:
    """The same with PSUs called p1 to pn in each unit and stratum, in an order that nobody can foretell.

    `choose` shuffles the labels and is given them sorted. Where PSUs cross units (`crosses_units`, as the design has
    it) a label means the same PSU in all units, and n counts within the stratum; so it is with strata that responses
    name and the design does not use (`crosses_strata`). PSUs that were forgotten stay "".
    """
    table = coarsened.table
    found = group_rows(table, ("unit", "stratum", "psu"))
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)

    def nest_of(unit: str, stratum: str) -> tuple[str, str]:
        return "" if crosses_units else unit, "" if crosses_strata else stratum

    for unit, stratum, psu in found.labels:
        if psu:
            groups[nest_of(unit, stratum)].add(psu)
    names = {
        (group, psu): f"p{number}"
        for group, psus in sorted(groups.items())
        for number, psu in enumerate(choose(sorted(psus)), start=1)
    }

    def redrawn(unit: str, stratum: str, psu: str) -> str:
        return names[nest_of(unit, stratum), psu] if psu else ""

    column = pa.array([redrawn(unit, stratum, psu) for unit, stratum, psu in found.labels], pa.string())
    field = table.schema.field("psu")
    table = table.set_column(table.schema.get_field_index("psu"), field, column.take(pa.array(found.group_of_row)))
    cells = {old: (unit, stratum, redrawn(unit, stratum, psu)) for old, (unit, stratum, psu) in coarsened.cells.items()}
    return coarsened._replace(table=table, record={**coarsened.record, "psus": "redrawn"}, cells=cells)


def _relabelling(rows: pa.Table, attributes: Sequence[str], k: int, steps: Sequence[str]) -> _Relabelling:
    unknown = [step for step in steps if step not in STEPS]
    if unknown:
        raise PlanError(f"coarsening steps: found {unknown[0]!r}, expected some of {', '.join(STEPS)}")
    found = group_rows(rows, attributes)
    by_unit: dict[str, dict[_Cell, int]] = defaultdict(dict)
    for (unit, *cell), count in zip(found.labels, found.counts.tolist(), strict=True):
        by_unit[unit][(cell[0], cell[1], cell[2])] = count
    relabels = {unit: _relabel_unit(cells, k, steps) for unit, cells in sorted(by_unit.items())}
    counts_after = {unit: _count_after(cells, relabels[unit]) for unit, cells in by_unit.items()}
    old: list[_Labels] = [(labels[0], labels[1], labels[2], labels[3]) for labels in found.labels]
    new: list[_Labels] = [(unit, *relabels[unit][stratum, psu, channel]) for unit, stratum, psu, channel in old]
    stays = [counts_after[unit][stratum, psu, channel] >= k for unit, stratum, psu, channel in new]
    return _Relabelling(old, new, stays, found.group_of_row)


def _relabel_unit(cells: Mapping[_Cell, int], k: int, steps: Sequence[str]) -> _Relabel:
    relabel: _Relabel = {cell: cell for cell in cells}
    if sum(cells.values()) < k:
        return relabel
    merges_channels = "channel" in steps
    for position in range(len(steps)):
        # Joined PSUs or strata bring new small channels together, so the earlier steps are looked at again, until a
        # whole turn changes nothing. Every change joins cells, so there is an end.
        before: _Relabel = {}
        while relabel != before:
            before = relabel
            for step in steps[: position + 1]:
                now = _count_after(cells, relabel)
                if min(now.values()) >= k:
                    return relabel
                change = _STEP_RULES[step](now, k, merges_channels)
                relabel = {old: change.get(new, new) for old, new in relabel.items()}
    return relabel


def _merge_channels(cells: Mapping[_Cell, int], k: int, _: bool) -> _Relabel:
    change: _Relabel = {}
    groups: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for (stratum, psu, channel), count in cells.items():
        groups[stratum, psu][channel] = count
    for (stratum, psu), channels in groups.items():
        ordered = sorted(channels, key=lambda channel: (channels[channel], channel))
        merged, total = [], 0
        for channel in ordered:
            if channels[channel] >= k and (total == 0 or total >= k):
                break
            merged.append(channel)
            total += channels[channel]
        if len(merged) > 1:
            change.update({(stratum, psu, channel): (stratum, psu, OTHER) for channel in merged})
            if OTHER in channels:
                change[stratum, psu, OTHER] = (stratum, psu, OTHER)
    return change


def _merge_psus(cells: Mapping[_Cell, int], k: int, merges_channels: bool) -> _Relabel:
    change: _Relabel = {}
    for stratum in sorted({cell[_STRATUM] for cell in cells}):
        inside = {cell: count for cell, count in cells.items() if cell[_STRATUM] == stratum}
        joined = _join_small(inside, _PSU, k, merges_channels)
        if joined is None:
            joined = {cell[_PSU]: "" for cell in inside}
        change.update({cell: (stratum, joined[cell[_PSU]], cell[_CHANNEL]) for cell in inside})
    return change


def _merge_strata(cells: Mapping[_Cell, int], k: int, merges_channels: bool) -> _Relabel:
    joined = _join_small(cells, _STRATUM, k, merges_channels)
    if joined is None:
        joined = dict.fromkeys((cell[_STRATUM] for cell in cells), _joint_label({c[_STRATUM] for c in cells}))
    change: _Relabel = {}
    for stratum, psu, channel in cells:
        to = joined[stratum]
        # A PSU's label counts within its stratum only, so it carries its stratum's along when strata are joined.
        kept_psu = psu if to == stratum or not psu else f"{stratum}:{psu}"
        change[stratum, psu, channel] = (to, kept_psu, channel)
    return change


_STEP_RULES: dict[str, Callable[[Mapping[_Cell, int], int, bool], _Relabel]] = {
    "channel": _merge_channels,
    "psu": _merge_psus,
    "stratum": _merge_strata,
}


def _join_small(cells: Mapping[_Cell, int], position: int, k: int, merges_channels: bool) -> dict[str, str] | None:
    """Old label → joint label, so that every joint group has k; None when all of them together have not."""

    def is_small(labels: Sequence[str]) -> bool:
        counts: dict[str, int] = defaultdict(int)
        for cell, count in cells.items():
            if cell[position] in labels:
                # Small channels will be called "other" where the plan allows it, so only the sum counts then.
                counts["" if merges_channels else cell[_CHANNEL]] += count
        return min(counts.values()) < k

    labels = sorted({cell[position] for cell in cells})
    if is_small(labels):
        return None
    groups = [[label] for label in labels if not is_small([label])]
    pending: list[str] = []
    for label in labels:
        if not is_small([label]):
            continue
        pending.append(label)
        if not is_small(pending):
            groups.append(pending)
            pending = []
    if pending:
        groups.sort()
        groups[0].extend(pending)
    return {label: _joint_label(group) for group in groups for label in group}


def _joint_label(labels: Sequence[str] | set[str]) -> str:
    return JOINT.join(sorted(label for label in labels if label))


def _count_after(cells: Mapping[_Cell, int], relabel: _Relabel) -> dict[_Cell, int]:
    counts: dict[_Cell, int] = defaultdict(int)
    for old, count in cells.items():
        counts[relabel[old]] += count
    return counts


def _record(found: _Relabelling, k: int, steps: Sequence[str]) -> dict[str, object]:
    strata: dict[str, dict[str, str]] = defaultdict(dict)
    changed: dict[str, int] = dict.fromkeys(STEPS, 0)
    after = set()
    for old, new, does_stay in zip(found.old, found.new, found.stays, strict=True):
        if not does_stay:
            continue
        after.add(new)
        for step, position in (("stratum", 1), ("psu", 2), ("channel", 3)):
            changed[step] += old[position] != new[position]
        if old[1] != new[1]:
            strata[old[0]][old[1]] = new[1]
    return {
        "k": k,
        "steps": list(steps),
        "cells_before": len(found.old),
        "cells_after": len(after),
        "changed_cells": changed,
        "strata": {unit: dict(sorted(strata[unit].items())) for unit in sorted(strata)},
    }
