"""Hidden units behind one shown total: what it tells of each of them, and which more to hide so that it tells less.

A shown total less the shown units is the weighted sum of the hidden ones. One of them can be moved only as far as the
others can make up for it, so that the range it may lie in has a closed form (Fischetti and Salazar 2000, Operations
Research 48, the attacker's two problems for one equation). Which units to hide beside them is a linear program that
hides as few answers as it can; what it takes in part is taken whole, and what turns out not to be needed is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.errors import AnalysisError

Floats = npt.NDArray[np.float64]

FEWEST_UNITS = 2
# Between programs of equal cost the ends of the solver's tolerance decide, which must not let a unit slip.
_SLACK = 1e-7


@dataclass(frozen=True, slots=True)
class Part:
    """A unit's figure in a total.

    `value` is it, None where none was computed though its answers are in the total. `weight` is what the total takes of
    it, in any unit that is the same for all parts; `n` the answers behind it, of which one respondent's hold the part
    `largest` (0..1) of their weight.
    """

    unit: str
    value: float | None
    weight: float
    n: int
    largest: float = 0.0


@dataclass(frozen=True, slots=True)
class Protection:
    """What hidden parts of one total must have: together `n` answers at least, no respondent with more than the part
    `dominance` of their weight, and each a range of the part `protection` (0..1) of its scale `low`..`high`.
    """

    n: int
    protection: float
    low: float
    high: float
    dominance: float = 1.0

    @property
    def width(self) -> float:
        """How wide the range of each has to be, in the unit of the figures."""
        return (self.high - self.low) * self.protection

    def on(self, scale: tuple[float, float]) -> "Protection":
        """The same protection of figures between other ends."""
        return replace(self, low=scale[0], high=scale[1])

    def widths(self, hidden: Sequence[Part]) -> Floats:
        """How wide the range is that a total and everything shown beside it leave to each hidden part."""
        down, up = self.room(hidden)
        weights = np.array([part.weight for part in hidden])
        # What one part gains the others lose; a part without weight in the total is not told by it at all.
        others_down = _others(down) / np.maximum(weights, 1e-300)
        others_up = _others(up) / np.maximum(weights, 1e-300)
        found = np.empty(len(hidden))
        for j, part in enumerate(hidden):
            if part.value is None:
                found[j] = min(self.high - self.low, others_down[j], others_up[j])
            else:
                found[j] = min(self.high - part.value, others_down[j]) + min(part.value - self.low, others_up[j])
        return found

    def holds(self, hidden: Sequence[Part]) -> bool:
        """Whether a total may be shown that these parts, and no other hidden ones, are in."""
        if not hidden:
            return True
        if len(hidden) < FEWEST_UNITS or sum(part.n for part in hidden) < self.n:
            return False
        if max(part.weight * part.largest for part in hidden) > self.dominance * sum(part.weight for part in hidden):
            return False
        return bool((self.widths(hidden) >= self.width - 1e-12).all())

    def room(self, parts: Sequence[Part]) -> tuple[Floats, Floats]:
        """How far each part can go down and up, times its weight; nothing where its value is not known."""
        down = [0.0 if part.value is None else part.weight * max(part.value - self.low, 0.0) for part in parts]
        up = [0.0 if part.value is None else part.weight * max(self.high - part.value, 0.0) for part in parts]
        return np.array(down), np.array(up)


def hidden_beside(hidden: Sequence[Part], others: Sequence[Part], protection: Protection) -> list[Part] | None:
    """The others to be hidden with `hidden` so that their total may be shown; None where all of them do not suffice.

    As few answers as the linear program finds are hidden; of equal ones the smaller units, then by their codes.
    """
    if protection.holds(hidden):
        return []
    candidates = sorted(others, key=lambda part: (part.n, part.unit))
    chosen: list[Part] = []
    for part in _in_order_of_need(hidden, candidates, protection):
        if protection.holds([*hidden, *chosen]):
            break
        chosen.append(part)
    if not protection.holds([*hidden, *chosen]):
        return None
    for part in sorted(chosen, key=lambda part: (-part.n, part.unit)):
        fewer = [kept for kept in chosen if kept is not part]
        if protection.holds([*hidden, *fewer]):
            chosen = fewer
    return sorted(chosen, key=lambda part: (part.n, part.unit))


def _in_order_of_need(hidden: Sequence[Part], candidates: Sequence[Part], protection: Protection) -> list[Part]:
    """The candidates, those first that the relaxed program takes most of, then the smallest."""
    if not candidates:
        return []
    taken = _relaxed(hidden, candidates, protection)
    order = sorted(range(len(candidates)), key=lambda j: (-round(float(taken[j]), 6), j))
    return [candidates[j] for j in order]


def _relaxed(hidden: Sequence[Part], candidates: Sequence[Part], protection: Protection) -> Floats:
    """What part (0..1) of each candidate is hidden in the cheapest solution; zeros where even all are not enough.

    The unknowns are z of each candidate, and for each part of the total how far it can be moved up and down. A part can
    be moved as far as its scale goes and as the hidden others make up for it, and hidden ones need to be.
    """
    from scipy.optimize import linprog

    parts = [*hidden, *candidates]
    n_hidden, n_candidates, n = len(hidden), len(candidates), len(parts)
    down, up = protection.room(parts)
    weights = np.array([part.weight for part in parts])
    values = np.array([np.nan if part.value is None else part.value for part in parts])
    scale = protection.high - protection.low
    move_up = np.nan_to_num(protection.high - values, nan=scale)
    move_down = np.nan_to_num(values - protection.low, nan=scale)
    rows: list[Floats] = []
    limits: list[float] = []
    for j in range(n):
        for column, room in ((n_candidates + j, down), (n_candidates + n + j, up)):
            row = np.zeros(n_candidates + 2 * n)
            row[column] = weights[j]
            row[:n_candidates] = -np.where(np.arange(n_hidden, n) == j, 0.0, room[n_hidden:])
            rows.append(row)
            limits.append(float(room[:n_hidden].sum() - (room[j] if j < n_hidden else 0.0)))
        row = np.zeros(n_candidates + 2 * n)
        row[[n_candidates + j, n_candidates + n + j]] = -1.0
        if j >= n_hidden:
            row[j - n_hidden] = protection.width
        rows.append(row)
        limits.append(-protection.width if j < n_hidden else 0.0)
    for each, short in (
        (np.array([float(part.n) for part in candidates]), protection.n - sum(part.n for part in hidden)),
        (np.ones(n_candidates), FEWEST_UNITS - n_hidden),
    ):
        rows.append(np.concatenate([-each, np.zeros(2 * n)]))
        limits.append(float(-short))
    ceilings = np.concatenate([np.ones(n_candidates), move_up, move_down])
    # A hair of cost for the place in the order, so that equal units are taken in the order of their codes.
    cost = np.array([part.n + 1.0 + 1e-6 * j for j, part in enumerate(candidates)])
    found = linprog(
        np.concatenate([cost, np.zeros(2 * n)]),
        A_ub=np.array(rows),
        b_ub=np.array(limits) + _SLACK,
        bounds=np.column_stack([np.zeros(len(ceilings)), ceilings]),
        method="highs",
    )
    if found.status == 2:
        return np.zeros(n_candidates)
    if found.status != 0:
        raise AnalysisError(f"disclosure: found a linear program without an end ({found.message}), expected one")
    taken: Floats = found.x[:n_candidates]
    return taken


def _others(room: Floats) -> Floats:
    """For each part, what all the others have together; exact where there are none."""
    return np.array([float(np.delete(room, j).sum()) for j in range(len(room))])
