"""Groups that stand out from the others: funnels that know how much honest groups differ, and Holm over all of them.

A group's statistic differs from the centre for two reasons that are no anomaly: chance, which its size tells, and that
groups are not alike, which the other groups tell. Both are in the denominator, estimated so that a few bent groups do
not hide themselves.

Sources: Spiegelhalter (2005), "Handling over-dispersion of performance indicators", Quality and Safety in Health Care
14 (the funnel with an additive variance between groups); Anscombe (1948), "The transformation of Poisson, binomial and
negative-binomial data", Biometrika 35 (shares).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

Alternative = Literal["greater", "two-sided"]

# Fewer groups cannot tell how much honest ones differ.
FEWEST_GROUPS = 8
_NORMAL_MAD = 0.6744897501960817
_STEPS = 60


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far each of G groups stands from the others.

    Attributes:
        scores: (G,) deviations in standard deviations of an honest group of this size.
        p_values: (G,) of the scores, Student t with G - 1 degrees of freedom, one fewer with a covariate.
        expected: (G,) where an honest group would lie; between: the variance between such groups beyond chance.
    """

    scores: Floats
    p_values: Floats
    expected: Floats
    between: float


def funnel(
    values: Floats, variances: Floats, alternative: Alternative, covariate: Floats | None = None
) -> Funnel | None:
    """The deviations of G groups from their weighted median, or from a line; None below `FEWEST_GROUPS` groups.

    Arguments:
        values: (G,) one number a group, nothing missing.
        variances: (G,) their sampling variances, above 0.
        alternative: "greater" where only high values are of interest.
        covariate: (G,) what honest values go along with, on a line of repeated medians; None: with nothing.

    The variance between groups is the one at which the median absolute deviation is that of a normal law.
    Source of the line: Siegel (1982), "Robust regression using repeated medians", Biometrika 69.
    """
    if len(values) < FEWEST_GROUPS:
        return None
    line: Floats = np.zeros(len(values)) if covariate is None else _slope(values, covariate) * covariate
    above = values - line
    centre, between = _centre(above, variances, 0.0), 0.0
    for _ in range(3):
        between = _between(np.abs(above - centre), variances)
        centre = _centre(above, variances, between)
    # A median of G values has itself the variance π/2 of a mean's.
    of_centre = np.pi / 2 / (1 / (variances + between)).sum()
    scores = (above - centre) / np.sqrt(variances + between + of_centre)
    df = len(values) - (1 if covariate is None else 2)
    return Funnel(scores, _p_values(scores, df, alternative), line + centre, between)


def angles(counts: Integers, sizes: Integers) -> tuple[Floats, Floats]:
    """Shares counts / sizes as angles, 2 asin √share, from 0 to π, with their sampling variances: (G,) each.

    Arguments:
        counts: (G,) between 0 and sizes.
        sizes: (G,) at least 1.

    Source: Anscombe (1948), equation 4.1.
    """
    found: Floats = 2 * np.arcsin(np.sqrt((counts + 0.375) / (sizes + 0.75)))
    return found, 1 / (sizes + 0.5)


def share_of_angle(angle: Floats) -> Floats:
    """The shares, 0 to 1, that have these angles."""
    found: Floats = np.sin(np.clip(angle, 0.0, np.pi) / 2) ** 2
    return found


def _slope(values: Floats, covariate: Floats) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = (values[:, None] - values) / (covariate[:, None] - covariate)
    # Groups with the same covariate have no slope between them.
    slopes[~np.isfinite(slopes)] = np.nan
    if np.isnan(slopes).all(axis=1).any():
        return 0.0
    return float(np.median(np.nanmedian(slopes, axis=1)))


def _centre(values: Floats, variances: Floats, between: float) -> float:
    order = np.argsort(values, kind="stable")
    weights = np.cumsum(1 / (variances[order] + between))
    return float(values[order][np.searchsorted(weights, weights[-1] / 2)])


def _between(deviations: Floats, variances: Floats) -> float:
    def excess(between: float) -> float:
        return float(np.median(deviations / np.sqrt(variances + between))) - _NORMAL_MAD

    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, float(deviations.max() ** 2 / _NORMAL_MAD**2)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2


def _p_values(scores: Floats, df: int, alternative: Alternative) -> Floats:
    from scipy.special import stdtr

    tail: Floats = stdtr(df, -np.abs(scores))
    if alternative == "two-sided":
        return 2 * tail
    return np.where(scores > 0, tail, 1 - tail)
