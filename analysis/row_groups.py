"""Rows of a table that are alike in some columns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Integers = npt.NDArray[np.int64]


class RowGroups(NamedTuple):
    """G groups of rows: the labels of each (a tuple, a label a column), the group of every row, rows by group."""

    labels: list[tuple[str, ...]]
    group_of_row: Integers
    counts: Integers


def group_rows(table: pa.Table, columns: Sequence[str]) -> RowGroups:
    """The groups of rows with the same texts in `columns`; nothing missing may be in these.

    The cost is a few passes over each column, whatever the number of rows. A group has at least one row.
    """
    key = np.zeros(table.num_rows, dtype=np.int64)
    names: list[list[str]] = []
    for column in columns:
        encoded = table[column].combine_chunks().dictionary_encode()
        names.append(encoded.dictionary.to_pylist())
        key = key * max(len(names[-1]), 1) + encoded.indices.to_numpy()
    keys, group_of_row, counts = np.unique(key, return_inverse=True, return_counts=True)
    codes = np.unravel_index(keys, [max(len(labels), 1) for labels in names])
    labels = list(zip(*([names[p][code] for code in column] for p, column in enumerate(codes)), strict=True))
    return RowGroups(labels, group_of_row.reshape(-1), counts)


def first_rows(table: pa.Table, column: str) -> Integers:
    """The position (G,) of the first row with each text of a column, in the order of the table."""
    codes = table[column].combine_chunks().dictionary_encode().indices.to_numpy()
    _, positions = np.unique(codes, return_index=True)
    found: Integers = np.sort(positions)
    return found
