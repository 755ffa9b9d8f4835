"""Truths of three values: true, false, missing."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats: TypeAlias = npt.NDArray[np.float64]
Truths: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Truth:
    """One truth for each row (n,), or one for all; where neither holds it is missing."""

    is_true: Truths
    is_false: Truths

    @property
    def numbers(self) -> Floats:
        """1 where true, 0 where false, NaN where missing."""
        return np.where(self.is_true, 1.0, np.where(self.is_false, 0.0, np.nan))


def plain_truths(column: Any) -> Truths:
    """A column of truths without a missing one, as an array (n,)."""
    return np.asarray(column.to_numpy(), dtype=np.bool_)


def truth_of_column(column: Any) -> Truth:
    """A column of truths (n,), or one truth for all, NULL where missing."""
    if isinstance(column, pa.Scalar):
        value = column.as_py()
        return Truth(np.asarray(value is True), np.asarray(value is False))
    return Truth(plain_truths(pc.fill_null(column, False)), ~plain_truths(pc.fill_null(column, True)))
