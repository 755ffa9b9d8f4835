"""Calibration: weights that add up to known totals, changed as little as that allows.

Source: Deville and Särndal (1992), "Calibration estimators in survey sampling".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True, slots=True)
class Distance:
    """How weights may move: a function of calibration with bounds for the factors.

    Attributes:
        function: "linear", "raking" or "logit"; lower, upper: bounds of the factors, below and above 1, perhaps
            infinite (not for "logit").
    """

    function: Literal["linear", "raking", "logit"]
    lower: float = -math.inf
    upper: float = math.inf

    def factors(self, u: Floats) -> tuple[Floats, Floats, Floats]:
        """The factors of the linear predictors u (n,), their derivatives, and an integral of theirs that is convex.

        Source: Deville and Särndal (1992), examples 1, 2, 6 and 7.
        """
        if self.function == "logit":
            low, high = self.lower, self.upper
            slope = (high - low) / ((high - 1) * (1 - low))
            # The share of the way from the lower to the upper bound; 0 must give the factor 1.
            x = slope * u + math.log((1 - low) / (high - 1))
            share = 0.5 * (1 + np.tanh(x / 2))
            softplus = np.logaddexp(0.0, x)
            width = high - low
            return low + width * share, slope * width * share * (1 - share), low * u + width * softplus / slope
        is_linear = self.function == "linear"
        if is_linear:
            inner = np.clip(u, self.lower - 1, self.upper - 1)
        else:
            lowest = math.log(self.lower) if self.lower > 0 else -math.inf
            inner = np.clip(u, lowest, math.log(self.upper))
        g = 1 + inner if is_linear else np.exp(inner)
        integral = inner + inner**2 / 2 if is_linear else g
        return g, np.where(inner == u, 1.0 if is_linear else g, 0.0), integral + g * (u - inner)


def fit_factors(
    matrix: Floats,
    weights: Floats,
    totals: Floats,
    distance: Distance,
    names: Sequence[str],
    *,
    epsilon: float = 1e-10,
    most_steps: int = 500,
) -> Floats:
    """The factors (n,) by which weights are multiplied so that the totals of a matrix's columns are met.

    Arguments:
        matrix: (n, K); columns that are all 0 must have the total 0.
        weights: (n,), at least 0.
        totals: (K,), in the unit of the columns times people.
        distance: of all factors that meet the totals those are taken that are nearest to 1 in its sense.
        names: of the columns, for complaints.
        epsilon: the largest distance from a total, as a share of it plus 1.
        most_steps: of Newton's method on the dual problem, which is convex.

    Where every total is more than 20 times that of the sample (weights that were never scaled to the population), the
    weights are scaled up first and the bounds hold for what is left, as in R.

    Raises DesignError where the columns depend on each other in a way that the totals do not, where bounds cannot be
    met, and where the totals are not met after `most_steps`.
    Source: Deville and Särndal (1992), equation 2.6; R survey, calibrate and grake. Golden files: cal_*.json of
    tests/golden/oracle.
    """
    sample = weights @ matrix
    is_there = (matrix != 0).any(axis=0)
    bad = np.flatnonzero(~is_there & (totals != 0))
    if len(bad):
        raise DesignError(f"calibration: found nobody in {names[bad[0]]}, which has a total of {totals[bad[0]]:g}")
    matrix, totals, sample = matrix[:, is_there], totals[is_there], sample[is_there]
    names = [name for name, is_kept in zip(names, is_there, strict=True) if is_kept]
    if not matrix.shape[1]:
        return np.ones(len(weights))
    with np.errstate(divide="ignore"):
        ratios = totals / sample
    scale = float(ratios.mean()) if float(ratios.min()) > 20 else 1.0
    size = np.abs(matrix).max(axis=0)
    found = _newton(matrix / size, weights * scale, totals / size, distance, epsilon / size, most_steps)
    misfit = np.abs(totals - (weights * scale * found) @ matrix) / (1 + np.abs(totals))
    worst = int(np.argmax(misfit))
    if not misfit[worst] <= max(epsilon, 1e-12):
        bounds = ""
        if math.isfinite(distance.lower) or math.isfinite(distance.upper):
            bounds = f" with factors between {distance.lower:g} and {distance.upper:g}"
        raise DesignError(
            f"calibration: found no weights{bounds} that meet the total {totals[worst]:g} of {names[worst]} together "
            f"with the others ({distance.function}: a difference of {misfit[worst]:.2g} of it is left after "
            f"{most_steps} steps at most), expected totals that can be met"
        )
    return found * scale


def _newton(
    matrix: Floats, weights: Floats, totals: Floats, distance: Distance, epsilon: Floats, most_steps: int
) -> Floats:
    """Newton's method on the convex dual Σ w H(x'λ) - T'λ, with halved steps where it would rise."""
    parameters = np.zeros(matrix.shape[1])
    factors, slopes, integral = distance.factors(matrix @ parameters)
    value = float(weights @ integral - totals @ parameters)
    best = math.inf
    for _ in range(most_steps):
        misfit = totals - (weights * factors) @ matrix
        worst = float(np.max(np.abs(misfit) / (1 + np.abs(totals))))
        # A few steps more than are needed cost little and take the last digits; rounding ends them.
        if worst <= 1e-15 or (worst <= float(epsilon.min()) and worst >= best / 2):
            break
        best = min(best, worst)
        hessian = (matrix * (weights * slopes)[:, None]).T @ matrix
        step = np.linalg.pinv(hessian, rcond=1e-13, hermitian=True) @ misfit
        for _ in range(60):
            tried = parameters + step
            with np.errstate(over="ignore", invalid="ignore"):
                factors, slopes, integral = distance.factors(matrix @ tried)
                reached = float(weights @ integral - totals @ tried)
            if math.isfinite(reached) and reached <= value + 1e-12 * abs(value):
                break
            step = step / 2
        else:
            break
        parameters, value = tried, reached
    return distance.factors(matrix @ parameters)[0]
