"""Coarsening before sealing: no combination of unit, stratum, PSU and channel is held by fewer than k responses.

A rare combination points at a person who knows in which village, and in which way, they answered. What is rare is
merged with its neighbours in the order that the round's plan gives; what cannot be merged is withheld.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from analysis.errors import PlanError
from analysis.responses import ATTRIBUTES

Step = Literal["channel", "psu", "stratum"]
STEPS: tuple[Step, ...] = ("channel", "psu", "stratum")
OTHER = "other"
JOINT = "+"

# Inside a unit a cell is its stratum, PSU and channel.
_Cell = tuple[str, str, str]
_Relabel = dict[_Cell, _Cell]
_STRATUM, _PSU, _CHANNEL = range(3)


class Coarsened(NamedTuple):
    """The coarsened table, the record of what was done for the manifest, and how many rows were withheld."""

    table: pa.Table
    record: dict[str, object]
    dropped: int


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
    unknown = [step for step in steps if step not in STEPS]
    if unknown:
        raise PlanError(f"coarsening steps: found {unknown[0]!r}, expected some of {', '.join(STEPS)}")
    labels, cell_of_row, counts = _count_cells(rows, attributes)
    by_unit: dict[str, dict[_Cell, int]] = defaultdict(dict)
    for (unit, *cell), count in zip(labels, counts, strict=True):
        by_unit[unit][(cell[0], cell[1], cell[2])] = int(count)
    relabels = {unit: _relabel_unit(cells, k, steps) for unit, cells in sorted(by_unit.items())}

    new_labels: list[tuple[str, str, str, str]] = []
    stays: list[bool] = []
    for unit, *cell in labels:
        old = (cell[0], cell[1], cell[2])
        new = relabels[unit][old]
        stays.append(_count_after(by_unit[unit], relabels[unit])[new] >= k)
        new_labels.append((unit, *new))
    kept = np.array(stays, dtype=bool)[cell_of_row] if labels else np.zeros(0, dtype=bool)
    table = rows
    for position, name in enumerate(attributes):
        values = pa.array([label[position] for label in new_labels], pa.string())
        column = values.take(pa.array(cell_of_row))
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    table = table.filter(pa.array(kept))
    dropped = rows.num_rows - table.num_rows
    return Coarsened(table, _record(labels, new_labels, stays, k, steps, dropped), dropped)


def _count_cells(rows: pa.Table, attributes: Sequence[str]) -> tuple[list[tuple[str, ...]], np.ndarray, np.ndarray]:
    """The cells' labels, the cell of every row, and the number of rows of every cell."""
    if rows.num_rows == 0:
        return [], np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    codes, names = [], []
    for attribute in attributes:
        encoded = rows[attribute].combine_chunks().dictionary_encode()
        codes.append(encoded.indices.to_numpy())
        names.append(encoded.dictionary.to_pylist())
    unique, cell_of_row, counts = np.unique(np.column_stack(codes), axis=0, return_inverse=True, return_counts=True)
    labels = [tuple(names[position][code] for position, code in enumerate(row)) for row in unique]
    return labels, cell_of_row.reshape(-1), counts


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


def _record(
    labels: Sequence[tuple[str, ...]],
    new_labels: Sequence[tuple[str, str, str, str]],
    stays: Sequence[bool],
    k: int,
    steps: Sequence[str],
    dropped: int,
) -> dict[str, object]:
    strata: dict[str, dict[str, str]] = defaultdict(dict)
    changed: dict[str, int] = dict.fromkeys(STEPS, 0)
    for old, new, does_stay in zip(labels, new_labels, stays, strict=True):
        if not does_stay:
            continue
        for step, position in (("stratum", 1), ("psu", 2), ("channel", 3)):
            changed[step] += old[position] != new[position]
        if old[1] != new[1]:
            strata[old[0]][old[1]] = new[1]
    return {
        "k": k,
        "steps": list(steps),
        "cells_before": len(labels),
        "cells_after": len({new for new, does_stay in zip(new_labels, stays, strict=True) if does_stay}),
        "changed_cells": changed,
        "strata": {unit: dict(sorted(strata[unit].items())) for unit in sorted(strata)},
        "withheld_rows": dropped,
    }
