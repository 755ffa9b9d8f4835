"""How a sample is shared out among strata: in whole people, with a least number each and never more than there are."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from analysis.errors import DesignError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

Allocation = Literal["proportional", "neyman", "equal", "power"]
ALLOCATIONS: tuple[Allocation, ...] = get_args(Allocation)

_HALVINGS = 100


def allocate(
    total: int,
    populations: Integers,
    method: Allocation = "proportional",
    *,
    sds: Floats | None = None,
    power: float = 0.5,
    minimum: int = 0,
    names: Sequence[str] | None = None,
) -> Integers:
    """The sizes (H,) of the strata's samples: whole numbers that add up to `total`.

    Each stratum's share is proportional to N (proportional), N S (neyman), 1 (equal) or N**power (power; times S where
    `sds` are given), where that lies between its bounds: at least `minimum`, or everybody where there are fewer, and at
    most everybody. What the bounds take or leave is shared by the other strata in the same proportion. Fractions are
    rounded so that the largest remainders get the people that are left over, the earlier stratum at a tie.

    Arguments:
        total: the people to ask in all strata together.
        populations: N (H,), people in each stratum; 1 or more.
        method: the rule.
        sds: S (H,), the standard deviation between the people of each stratum; wanted by neyman, above 0.
        power: between 0 (equal) and 1 (proportional).
        minimum: the fewest in each stratum, 0 or more.
        names: the strata's names (H,), for complaints.

    Raises DesignError where the total is below the minima together or above all people, and where sds are missing.
    Source: Neyman (1934); Cochran (1977), §5.5-5.9; Bankier (1988) for powers.
    """
    measure = _measure(populations, method, sds, power, names)
    low = np.minimum(minimum, populations).astype(np.float64)
    high = populations.astype(np.float64)
    if minimum < 0:
        raise DesignError(f"allocation: minimum: found {minimum}, expected 0 or more")
    if total < low.sum():
        raise DesignError(
            f"allocation: found {total} people to ask, expected at least {low.sum():.0f}: the minimum of {minimum} in "
            f"each of {len(populations)} strata"
        )
    if total > high.sum():
        raise DesignError(
            f"allocation: found {total} people to ask, expected at most the {high.sum():.0f} whom the frame has"
        )
    return _rounded(_between(total, measure, low, high), total, populations)


def _measure(
    populations: Integers, method: Allocation, sds: Floats | None, power: float, names: Sequence[str] | None
) -> Floats:
    if not len(populations):
        raise DesignError("allocation: found no stratum, expected at least one")
    people = populations.astype(np.float64)
    spread = np.ones(len(people)) if sds is None else np.asarray(sds, dtype=np.float64)
    bad = np.flatnonzero(~(np.isfinite(spread) & (spread > 0)) | (people < 1))
    if len(bad):
        name = names[bad[0]] if names is not None else str(bad[0] + 1)
        raise DesignError(
            f"allocation: stratum {name}: found {populations[bad[0]]} people with a standard deviation of "
            f"{spread[bad[0]]:g}, expected at least one and a deviation above 0"
        )
    if method == "neyman":
        if sds is None:
            raise DesignError("allocation: found neyman without standard deviations, expected one a stratum")
        return people * spread
    if method == "power":
        if not 0 <= power <= 1:
            raise DesignError(f"allocation: power: found {power:g}, expected a number from 0 to 1")
        return people**power * spread
    return people if method == "proportional" else np.ones(len(people))


def _between(total: int, measure: Floats, low: Floats, high: Floats) -> Floats:
    """The c × measure, held between low and high, that add up to the total; the sum grows with c."""
    bottom, top = 0.0, float(np.max(high / measure))
    for _ in range(_HALVINGS):
        middle = (bottom + top) / 2
        if np.clip(middle * measure, low, high).sum() < total:
            bottom = middle
        else:
            top = middle
    return np.clip(top * measure, low, high)


def _rounded(sizes: Floats, total: int, populations: Integers) -> Integers:
    # What is whole but for the rounding of the halvings is whole.
    whole = np.floor(sizes + 1e-9).astype(np.int64)
    remainder = sizes - whole
    order = np.argsort(-np.round(remainder, 9), kind="stable")
    for place in order[whole[order] < populations[order]][: max(total - int(whole.sum()), 0)]:
        whole[place] += 1
    return whole
