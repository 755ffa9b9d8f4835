"""Weights cut off at bounds, what is cut off given to the others in equal parts, so that their sum stays."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.errors import DesignError

if TYPE_CHECKING:
    # Whoever trims plain weights, as a round's design does, needs no database behind the samples.
    from analysis.estimation.calibration_steps import Trimming
    from analysis.estimation.samples import Sample

Floats = npt.NDArray[np.float64]

_MOST_ROUNDS = 1_000


def trim(weights: Floats, lower: float, upper: float, *, is_strict: bool) -> Floats:
    """The weights (n,) cut off at the bounds, with the same sum.

    Arguments:
        weights: in people.
        lower: the smallest weight wanted, or minus infinity.
        upper: the largest weight wanted, or infinity.
        is_strict: repeated until none lies outside; otherwise once, so that shares of what was cut off may lift others
            above the bound.

    Raises DesignError where no weight lies inside to take what is cut off, and where no such weights exist.
    Source: Potter (1990), "A study of procedures to identify and trim extreme sampling weights"; R survey, trimWeights.
    Golden files: cal_trim_*.json of tests/golden/oracle.
    """
    for _ in range(_MOST_ROUNDS):
        outside = (weights < lower) | (weights > upper)
        if not outside.any():
            return weights
        if outside.all():
            raise DesignError(
                f"trimming: found every weight outside {lower:g} to {upper:g}, expected some inside to share what is "
                "cut off"
            )
        bounded = np.clip(weights, lower, upper)
        share = float((weights - bounded).sum()) / int((~outside).sum())
        weights = np.where(outside, bounded, bounded + share)
        if not is_strict:
            return weights
    raise DesignError(f"trimming: found no weights between {lower:g} and {upper:g} with the same sum, expected some")


def trimmed(sample: "Sample", step: "Trimming") -> "Sample":
    """The sample with trimmed weights, of each replicate as well (those of 0 stay).

    The variance is that of the weights before trimming, as in R. Raises DesignError as `trim` does.
    """
    rows = sample.rows

    def cut(weights: Floats) -> Floats:
        inside = rows & (weights != 0)
        found = weights.copy()
        found[inside] = trim(weights[inside], step.lower, step.upper, is_strict=step.is_strict)
        return found

    replicates = sample.replicates
    if replicates is not None:
        replicates = replace(replicates, weights=np.stack([cut(column) for column in replicates.weights.T], axis=1))
    before = sample.weights if sample.weights_before is None else sample.weights_before
    return replace(sample, weights=cut(sample.weights), replicates=replicates, weights_before=before)
