"""Standardised scores: a bloc's lowest unit has 1 and its highest 10, and an index is a weighted mean of factors.

Source: the published computation of indices of competitiveness (PCI of provinces, DDCI of departments and localities):
standardise each indicator over the units that are rated, average the indicators of a component, add up the weighted
components. Golden: tests/golden/pci_2019.csv.
"""

import numpy as np
import numpy.typing as npt

from questionnaires.model import SameExtremes

Floats = npt.NDArray[np.float64]

LOWEST, HIGHEST = 1.0, 10.0
MIDPOINT = (LOWEST + HIGHEST) / 2
# Extremes that differ by less than this share of their size differ by rounding alone.
SAME = 1e-9


def extremes(
    values: npt.ArrayLike, earlier: tuple[npt.ArrayLike, npt.ArrayLike] = (np.nan, np.nan), axis: int = 0
) -> tuple[Floats, Floats]:
    """The lowest and the highest value of each indicator, pooled with the extremes of earlier years.

    Arguments:
        values: what the units have, on a scale of any unit; NaN where a unit is not rated.
        earlier: the lowest and the highest of earlier years, on the same scale; NaN where there are none.
        axis: the axis of the units.

    Returns two arrays without that axis; NaN where neither a unit nor an earlier year has a value.
    """
    array = np.asarray(values, dtype=np.float64)
    low = np.fmin(np.fmin.reduce(array, axis=axis, initial=np.nan), earlier[0])
    high = np.fmax(np.fmax.reduce(array, axis=axis, initial=np.nan), earlier[1])
    return np.asarray(low), np.asarray(high)


def have_same_extremes(low: npt.ArrayLike, high: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Where the lowest and the highest are one number but for rounding, so that nothing tells the units apart."""
    size = np.maximum(1.0, np.maximum(np.abs(low), np.abs(high)))
    same: npt.NDArray[np.bool_] = np.asarray(np.subtract(high, low) <= SAME * size)
    return same


def standardised(
    values: npt.ArrayLike,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    reversed: npt.ArrayLike = False,
    same_extremes: SameExtremes = "midpoint",
) -> Floats:
    """Scores from 1 to 10: 1 + 9 (x - low) / (high - low), and 11 less that where a high value is bad.

    Arguments:
        values: what the units have; NaN where a unit is not rated.
        low: the lowest value of the indicator, of a shape that goes with the values.
        high: the highest.
        reversed: whether a high value is bad.
        same_extremes: what every unit has where the extremes are the same: the midpoint 5.5, or nothing.

    A value beyond the extremes counts as the nearer of them. Returns NaN where a value or the extremes are NaN.
    """
    array = np.asarray(values, dtype=np.float64)
    is_same = have_same_extremes(low, high)
    with np.errstate(invalid="ignore", divide="ignore"):
        position = np.clip(np.subtract(array, low) / np.where(is_same, np.nan, np.subtract(high, low)), 0.0, 1.0)
    scores = LOWEST + (HIGHEST - LOWEST) * np.where(reversed, 1.0 - position, position)
    if same_extremes == "midpoint":
        scores = np.where(is_same & ~np.isnan(array), MIDPOINT, scores)
    return np.asarray(scores, dtype=np.float64)


def compose(scores: npt.ArrayLike, weights: npt.ArrayLike, points: float) -> Floats:
    """An index (…) in points from the scores (…, K) of its components: their weighted mean times a tenth of the points.

    The weights (K,) need not sum to one. A component that is NaN makes the index NaN. From 1 to 10 become a tenth of
    the points to all of them.
    """
    shares = np.asarray(weights, dtype=np.float64)
    index: Floats = np.asarray(scores, dtype=np.float64) @ (shares / shares.sum()) * points / HIGHEST
    return index
