"""What weights do to a sample, in a few numbers: how unequal they are, and how far calibration moved them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.errors import DesignError

Floats = npt.NDArray[np.float64]

_QUANTILES = (0.01, 0.5, 0.99)


@dataclass(frozen=True, slots=True)
class WeightDiagnostics:
    """How unequal n weights are.

    `n` counts the weights above 0, `total` is their sum, `lowest`, `median`, `highest` are among them. `cv` is their
    coefficient of variation (spread over mean, with n in the denominator); `kish` is 1 + cv², the variance of a mean
    against that of equal weights when weights and answers have nothing to do with each other; `n_effective` n / kish.
    `largest_share` is the share of the total that one weight has, `top_share` the share of the largest hundredth of
    them (at least one). `ratio` is the highest over the median.
    """

    n: int
    total: float
    lowest: float
    median: float
    highest: float
    cv: float
    kish: float
    n_effective: float
    largest_share: float
    top_share: float
    ratio: float


@dataclass(frozen=True, slots=True)
class FactorDiagnostics:
    """How far factors moved the weights they multiply: calibration's g-weights, or those of a non-response adjustment.

    `lowest`, `highest`, `p1`, `median` and `p99` are among the factors, unweighted; `mean` is weighted by the weights
    before, so that it is 1 where the total stayed. `cv` is that of the factors, weighted likewise. `n_below` and
    `n_above` count factors outside the limits that were asked about.
    """

    lowest: float
    p1: float
    median: float
    p99: float
    highest: float
    mean: float
    cv: float
    n_below: int
    n_above: int


def diagnose_weights(weights: Floats) -> WeightDiagnostics:
    """The diagnostics of weights (n,), 0 or above; those of 0 are left out.

    Raises DesignError where none is above 0, or one is below 0 or not finite.
    Source: Kish (1965), §11.7; Kish (1992).
    """
    active = _checked(weights)
    mean = float(active.mean())
    kish = float(np.mean((active / mean) ** 2))
    ordered = np.sort(active)
    total = float(active.sum())
    n_top = max(len(active) // 100, 1)
    median = float(np.median(ordered))
    return WeightDiagnostics(
        n=len(active),
        total=total,
        lowest=float(ordered[0]),
        median=median,
        highest=float(ordered[-1]),
        cv=float(np.sqrt(max(kish - 1.0, 0.0))),
        kish=kish,
        n_effective=len(active) / kish,
        largest_share=float(ordered[-1]) / total,
        top_share=float(ordered[-n_top:].sum()) / total,
        ratio=float(ordered[-1]) / median,
    )


def weighting_design_effect(weights: Floats, values: Floats) -> float | None:
    """The design effect of weighting for one variable, which knows whether weights go with its values.

    It is the variance of the weighted mean (linearised, as if people were drawn one by one with replacement) over that
    of the unweighted mean of as many people whose spread is the weighted one: Σ w²(y − ȳ)² n / (Σ w · Σ w (y − ȳ)²).
    With weights that have nothing to do with the values that is near Kish's 1 + cv².

    Arguments:
        weights: (n,), 0 or above.
        values: (n,), NaN where somebody did not answer.

    Returns None where fewer than two people answered or all answers are alike.
    Raises DesignError as `diagnose_weights`. Source: Särndal, Swensson and Wretman (1992), §5.7; Spencer (2000).
    """
    _checked(weights)
    is_known = (weights > 0) & ~np.isnan(values)
    weight, value = weights[is_known], values[is_known]
    if len(weight) < 2:
        return None
    residual = value - np.average(value, weights=weight)
    plain = weight.sum() * np.sum(weight * residual**2)
    if plain <= 1e-18 * weight.sum() ** 2 * max(float(np.max(np.abs(value))), 1.0) ** 2:
        return None
    return float(len(weight) * np.sum((weight * residual) ** 2) / plain)


def diagnose_factors(
    factors: Floats, weights: Floats, limits: tuple[float, float] = (0.0, np.inf)
) -> FactorDiagnostics:
    """The diagnostics of factors (n,) that the weights (n,) were multiplied by.

    Arguments:
        factors: (n,), finite; where the weight is 0 they are not looked at.
        weights: (n,) before, 0 or above.
        limits: below the first and above the second factors are counted.

    Raises DesignError where no weight is above 0, or a factor is not finite.
    Source: Deville and Särndal (1992), §2; Haziza and Beaumont (2017), §5.
    """
    before = _checked(weights)
    moved = factors[weights > 0]
    if not np.all(np.isfinite(moved)):
        raise DesignError("factors: found one that is no number, expected finite factors")
    mean = float(np.average(moved, weights=before))
    spread = float(np.sqrt(np.average((moved - mean) ** 2, weights=before)))
    p1, median, p99 = (float(q) for q in np.quantile(moved, _QUANTILES))
    return FactorDiagnostics(
        lowest=float(moved.min()),
        p1=p1,
        median=median,
        p99=p99,
        highest=float(moved.max()),
        mean=mean,
        cv=spread / abs(mean) if mean else float("inf"),
        n_below=int(np.sum(moved < limits[0])),
        n_above=int(np.sum(moved > limits[1])),
    )


def refuse_factors(factors: Floats, limits: tuple[float, float], name: str) -> None:
    """Raise DesignError where one of the factors (n,), n above 0, lies outside the limits: beyond them a few people
    would speak for all the others.
    """
    lowest, highest = float(np.min(factors)), float(np.max(factors))
    # What meets a limit but for rounding meets it.
    if lowest < limits[0] * (1 - 1e-9) or highest > limits[1] * (1 + 1e-9):
        raise DesignError(
            f"{name}: found factors from {lowest:.3g} to {highest:.3g}, expected them from {limits[0]:g} to "
            f"{limits[1]:g}: join small groups, or leave out what asks for such factors"
        )


def _checked(weights: Floats) -> Floats:
    if not np.all(np.isfinite(weights)) or np.any(weights < 0):
        raise DesignError("weights: found one below 0 or no number, expected weights of 0 or more")
    active: Floats = weights[weights > 0]
    if not len(active):
        raise DesignError("weights: found none above 0, expected at least one")
    return active
