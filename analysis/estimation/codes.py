"""Codes of groups: whole numbers that stand for the distinct values of a column, or of several together."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

# Up to so many codes are told apart by a mark for each rather than by sorting.
_FEW_CODES = 1_000_000
# Codes of several columns are joined into one number as long as it stays below this.
_LARGEST_CODE = 2**62


def dense(columns: list[Integers], size: int) -> Integers:
    """One code, 0, 1, 2 …, for each combination of codes (G,); all 0 without columns."""
    code = np.zeros(size, dtype=np.int64)
    for column in columns:
        code = distinct(code * (int(column.max(initial=0)) + 1) + column)[1]
    return code


def distinct(codes: Integers) -> tuple[Integers, Integers]:
    """The distinct codes, sorted, and the place of each code among them (G,).

    It is numpy.unique without the sorting where the codes are sorted already or few.
    """
    rises = np.diff(codes)
    if (rises >= 0).all():
        is_new = np.concatenate([np.ones(min(len(codes), 1), dtype=bool), rises > 0])
        return codes[is_new], np.cumsum(is_new) - 1
    size = int(codes.max()) + 1
    if size <= _FEW_CODES:
        is_there = np.zeros(size, dtype=bool)
        is_there[codes] = True
        return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[codes]
    found, places = np.unique(codes, return_inverse=True)
    return found, places.astype(np.int64)


def sorting_of(columns: list[Integers], size: int) -> Integers:
    """The order of groups that no two columns of codes have alike, sorted by them (G,); -1 comes first."""
    code = np.zeros(size, dtype=np.int64)
    largest = 1
    for column in columns:
        n_codes = int(column.max(initial=-1)) + 2
        largest *= n_codes
        if largest > _LARGEST_CODE:
            return np.lexsort(columns[::-1])
        code = code * n_codes + column + 1
    return np.argsort(code)
