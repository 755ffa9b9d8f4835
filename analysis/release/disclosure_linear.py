"""What a reader can work out of published figures: the range that linear relations leave to each hidden one.

A table with totals is a system of linear equations. Who knows the shown cells solves it for the hidden ones: between
the smallest and the largest value that a hidden cell can have while everything published stays true, nothing is known
of it (Willenborg and de Waal 2001, Elements of Statistical Disclosure Control, section 6.3). HiGHS finds both ends.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.errors import AnalysisError

Floats = npt.NDArray[np.float64]
Key = TypeVar("Key", bound=Hashable)
Range = tuple[float, float]

_EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class Statement:
    """What is published of hidden cells together: their sum with `coefficients` lies in `low`..`high`.

    The two differ by the rounding of what was published. Coefficients are by the cell's key; zero ones say nothing.
    """

    coefficients: Mapping[Hashable, float]
    low: float
    high: float


def feasible_ranges(
    bounds: Mapping[Key, Range], statements: Sequence[Statement], enough: Mapping[Key, float] | None = None
) -> dict[Key, Range]:
    """The smallest and the largest value of each hidden cell that agree with all statements.

    `bounds` are what is known of each cell beforehand, such as the ends of its scale; statements speak of these cells
    alone. With `enough`, a cell whose range was found to be at least that wide is looked at no further, so that its
    range is a part of the true one. Statements that no values meet, because what a reader assumes is not quite true,
    are loosened by as little as makes them agree. Raises AnalysisError when a linear program cannot be solved.
    """
    if not bounds:
        return {}
    system = _System.of(bounds, statements)
    wanted = np.array([np.inf if enough is None else enough.get(key, np.inf) for key in bounds])
    low, high = system.ranges(wanted)
    return {key: (float(low[j]), float(high[j])) for j, key in enumerate(bounds)}


@dataclass(frozen=True, slots=True)
class _System:
    """low ≤ matrix @ x ≤ high and floor ≤ x ≤ ceiling; `component` (n,) numbers the parts that share no statement."""

    matrix: sparse.csr_array
    low: Floats
    high: Floats
    floor: Floats
    ceiling: Floats
    component: npt.NDArray[np.int64]

    @classmethod
    def of(cls, bounds: Mapping[Key, Range], statements: Sequence[Statement]) -> "_System":
        from scipy.sparse.csgraph import connected_components

        column: dict[Hashable, int] = {key: j for j, key in enumerate(bounds)}
        told = [statement for statement in statements if any(statement.coefficients.values())]
        entries = [(i, column[key], value) for i, one in enumerate(told) for key, value in one.coefficients.items()]
        rows, columns, values = (np.array(part) for part in zip(*entries, strict=True)) if entries else ([], [], [])
        matrix = sparse.csr_array((values, (rows, columns)), shape=(len(told), len(bounds)), dtype=np.float64)
        together = (abs(matrix.T) @ abs(matrix)).tocsr()
        return cls(
            matrix=matrix,
            low=np.array([statement.low for statement in told]) - _EXACT,
            high=np.array([statement.high for statement in told]) + _EXACT,
            floor=np.array([low for low, _ in bounds.values()], dtype=np.float64),
            ceiling=np.array([high for _, high in bounds.values()], dtype=np.float64),
            component=connected_components(together, directed=False)[1].astype(np.int64),
        )

    def ranges(self, wanted: Floats) -> tuple[Floats, Floats]:
        low, high = self._loosened()
        is_free = np.asarray(abs(self.matrix).sum(axis=0)).ravel() == 0
        smallest = np.where(is_free, self.floor, np.inf)
        largest = np.where(is_free, self.ceiling, -np.inf)
        is_done = is_free.copy()
        while not is_done.all():
            # Parts that share no statement do not disturb each other, so one program serves a cell of each of them.
            open_cells = np.flatnonzero(~is_done)
            asked = open_cells[np.unique(self.component[open_cells], return_index=True)[1]]
            for sign in (1.0, -1.0):
                objective = np.zeros(len(self.floor))
                objective[asked] = sign
                found = self._solve(objective, low, high)
                # Every solution is one that agrees with all statements, so it tells of the other cells as well.
                smallest, largest = np.minimum(smallest, found), np.maximum(largest, found)
            is_done[asked] = True
            is_done |= largest - smallest >= wanted
        return smallest, largest

    def _solve(self, objective: Floats, low: Floats, high: Floats) -> Floats:
        from scipy.optimize import linprog

        found = linprog(
            objective,
            A_ub=sparse.vstack([self.matrix, -self.matrix], format="csr"),
            b_ub=np.concatenate([high, -low]),
            bounds=np.column_stack([self.floor, self.ceiling]),
            method="highs",
        )
        if found.status != 0:
            raise AnalysisError(f"disclosure: found a linear program without an end ({found.message}), expected one")
        values: Floats = np.clip(found.x, self.floor, self.ceiling)
        return values

    def _loosened(self) -> tuple[Floats, Floats]:
        """The ends of the statements, moved apart by the least total that lets some values meet all of them."""
        from scipy.optimize import linprog

        n_rows, n_cells = self.matrix.shape
        if n_rows == 0:
            return self.low, self.high
        eye = sparse.eye_array(n_rows, format="csr")
        found = linprog(
            np.concatenate([np.zeros(n_cells), np.ones(n_rows)]),
            A_ub=sparse.vstack([sparse.hstack([self.matrix, -eye]), sparse.hstack([-self.matrix, -eye])], format="csr"),
            b_ub=np.concatenate([self.high, -self.low]),
            bounds=np.vstack(
                [np.column_stack([self.floor, self.ceiling]), np.column_stack([np.zeros(n_rows), [np.inf] * n_rows])]
            ),
            method="highs",
        )
        if found.status != 0:
            raise AnalysisError(f"disclosure: found a linear program without an end ({found.message}), expected one")
        excess = np.maximum(found.x[n_cells:], 0.0)
        excess = np.where(excess > _EXACT, excess * (1 + 1e-6) + _EXACT, 0.0)
        return self.low - excess, self.high + excess
