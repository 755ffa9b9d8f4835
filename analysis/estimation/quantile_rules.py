"""What a weighted sample's quantile is: one function a rule, each on sorted values and their cumulated weights.

Rules differ in what they do where the distribution jumps. "math" and "hf1" take the smallest value whose cumulated
share reaches p, "school" and "hf2" the middle of two values where p is exactly the share of the lower one; "hf4" to
"hf9" interpolate, and "hf7" is the rule of most statistics programs. Shares are compared without a tolerance, on sums
that are added up with more digits than they have, so that one half of equal weights is one half.

Where p is below the share of the smallest value, "math", "school" and "hf1" to "hf3" take the second smallest, as the R
package does that they are compared with.

Source: Hyndman and Fan (1996), "Sample quantiles in statistical packages"; Shah and Vaish (2006); R survey 4.1,
svyquantile. Golden files: tests/golden/oracle, tests/golden/proportions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.estimation.totals import Floats


@dataclass(frozen=True, slots=True)
class Ordered:
    """Values in rising order with weights above 0.

    Attributes:
        x: the values (m,), at least one; w: their weights; cumulated: their running sums; total: the last of them.
    """

    x: Floats
    w: Floats
    cumulated: Floats
    total: float

    @classmethod
    def of(cls, x: Floats, w: Floats) -> "Ordered":
        """Values that are in rising order already, without those whose weight is 0."""
        if not np.all(w > 0):
            x, w = x[w > 0], w[w > 0]
        # Sums with more digits than the result, as R adds up: shares then meet p where they should.
        cumulated = np.cumsum(w, dtype=np.longdouble).astype(np.float64)
        return cls(x, w, cumulated, float(cumulated[-1]) if len(w) else 0.0)


def _steps(ordered: Ordered, p: float) -> tuple[float, float, float, float, int]:
    """The values below and above the jump at p, the distances of p from their shares, and the place of the lower."""
    place = max(int(np.searchsorted(ordered.cumulated, p * ordered.total, side="right")) - 1, 0)
    above = min(place + 1, len(ordered.x) - 1)
    low, high = (float(ordered.cumulated[i]) / ordered.total for i in (place, above))
    return float(ordered.x[place]), float(ordered.x[above]), p - low, high - p, place


def _math(ordered: Ordered, p: float) -> float:
    low, high, distance, _, _ = _steps(ordered, p)
    return low if distance == 0 else high


def _school(ordered: Ordered, p: float) -> float:
    low, high, distance, _, _ = _steps(ordered, p)
    return (low + high) / 2 if distance == 0 else high


def _hf3(ordered: Ordered, p: float) -> float:
    x, of_value = np.unique(ordered.x, return_inverse=True)
    merged = Ordered.of(x, np.bincount(of_value, weights=ordered.w).astype(np.float64))
    low, high, distance, _, place = _steps(merged, p)
    # The even one of two neighbours, counted from 1.
    return low if distance == 0 and place % 2 == 1 else high


def _hf4(ordered: Ordered, p: float) -> float:
    low, high, below, above, _ = _steps(ordered, p)
    gap = below + above
    share = below / gap if gap else 0.0
    return low * (1 - share) + high * share


def _interpolated(positions: Callable[[Ordered], Floats]) -> Callable[[Ordered, float], float]:
    def rule(ordered: Ordered, p: float) -> float:
        if len(ordered.x) == 1:
            return float(ordered.x[0])
        return float(np.interp(p, positions(ordered), ordered.x))

    return rule


def _before(ordered: Ordered) -> Floats:
    return np.concatenate([[0.0], ordered.cumulated[:-1]])


def _shahvaish(ordered: Ordered, p: float) -> float:
    n = len(ordered.x)
    share = np.cumsum(ordered.w / ordered.w.mean())
    positions = (share + 0.5 - ordered.w / 2) / (n + 1)
    order = np.argsort(positions, kind="stable")
    place = int(np.searchsorted(positions[order], p, side="right")) - 1
    return float(ordered.x[order][max(place, 0)])


RULES: Mapping[str, Callable[[Ordered, float], float]] = {
    "math": _math,
    "school": _school,
    "shahvaish": _shahvaish,
    "hf1": _math,
    "hf2": _school,
    "hf3": _hf3,
    "hf4": _hf4,
    "hf5": _interpolated(lambda o: (o.cumulated - o.w / 2) / o.total),
    "hf6": _interpolated(lambda o: o.cumulated / (o.total + o.w[-1])),
    "hf7": _interpolated(lambda o: _before(o) / o.cumulated[-2]),
    "hf8": _interpolated(lambda o: (_before(o) / 3 + o.cumulated * 2 / 3) / (o.total + o.w[-1] / 3)),
    "hf9": _interpolated(lambda o: (_before(o) * 3 / 8 + o.cumulated * 5 / 8) / (o.total + o.w[-1] / 4)),
}


def quantile_of(ordered: Ordered, p: float, rule: str) -> float:
    """The quantile of sorted values with weights; NaN where there are none, or where p is no probability.

    Arguments:
        ordered: the values.
        p: a share from 0 to 1.
        rule: one of `RULES`.
    """
    if not len(ordered.x) or not 0 <= p <= 1:
        return float("nan")
    return RULES[rule](ordered, p)
