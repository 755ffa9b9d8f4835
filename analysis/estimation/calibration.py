"""Calibration by raking: weights that add up to known totals, changed as little as that allows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.errors import DesignError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MOST_TURNS = 1_000
# The distance from a total, as a share of it, that is rounding and no longer a difference.
TOLERANCE = 1e-11


@dataclass(frozen=True, slots=True)
class Margin:
    """Known totals (C,) of categories; `categories` (G,) is that of each group, -1 for a group outside the margin.

    `name` is for complaints.
    """

    name: str
    categories: Integers
    totals: Floats


def rake(counts: Floats, margins: Sequence[Margin]) -> Floats:
    """The factors (G,), above 0, by which the weights of each group are multiplied to meet every margin.

    Arguments:
        counts: (G,) the sums of the weights of groups of respondents who are alike in every margin; above 0.
        margins: each with totals above 0 and at least one group in every category.

    The factors are products of one factor a category and margin, which of all such weights are nearest to the given
    ones in the sense of Kullback and Leibler. No factor is trimmed.

    Raises DesignError where a category has no group, and where the margins contradict each other or the counts, so
    that no weights meet them all.
    Source: Deming and Stephan (1940); Deville, Särndal and Sautory (1993); R survey, rake. Golden file:
    tests/golden/two_stage.
    """
    factors = np.ones(len(counts))
    for margin in margins:
        found = np.bincount(margin.categories[margin.categories >= 0], minlength=len(margin.totals))
        if np.any(found == 0):
            raise DesignError(f"{margin.name}: found nobody in a category with people, expected somebody in each")
    name, worst = "", 0.0
    # Where margins contradict each other some factors grow and shrink for ever.
    with np.errstate(all="ignore"):
        for _ in range(MOST_TURNS):
            worst = 0.0
            for margin in margins:
                inside = margin.categories >= 0
                categories = margin.categories[inside]
                ratios = margin.totals / np.bincount(categories, (counts * factors)[inside], len(margin.totals))
                distance = float(np.max(np.abs(ratios - 1)))
                if not distance <= worst:
                    name, worst = margin.name, distance
                factors[inside] *= ratios[categories]
            if worst <= TOLERANCE:
                return factors
    raise DesignError(
        f"{name}: found totals that no weights meet together with the other margins (a difference of {worst:.2g} of a "
        f"total is left after {MOST_TURNS:,} turns), expected margins that agree"
    )
