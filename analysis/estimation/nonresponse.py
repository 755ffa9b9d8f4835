"""Adjusting weights for those who were asked and did not answer: by weighting classes, or by response propensity.

Both suppose that within a class, or given the frame's variables, who answers is a matter of chance. No diagnostic can
tell whether that is so; they tell how much was adjusted, and how far response differs along what is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.errors import DesignError
from analysis.estimation.weight_diagnostics import refuse_factors

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

# No factor above this is given out unless somebody asks for it: one answer would speak for ten who were asked.
LARGEST_FACTOR = 10.0
_MOST_STEPS = 50
# A linear predictor beyond this is a propensity of 0 or 1 in all but name.
_LARGEST_PREDICTOR = 15.0


@dataclass(frozen=True, slots=True)
class ClassAdjustment:
    """Factors by weighting classes.

    `factors` (n,) multiply the weights: above 0 for those who answered, 0 for the others, so that the weights of each
    class add up to what they did. `classes` (n,) are the classes after joining, `parts` the given classes that make up
    each; `rates` (C,) their weighted response rates, `n_answered` (C,) their respondents.
    """

    factors: Floats
    classes: Integers
    parts: tuple[tuple[str, ...], ...]
    rates: Floats
    n_answered: Integers


@dataclass(frozen=True, slots=True)
class Propensities:
    """Response propensities by logistic regression.

    `values` (n,) lie between 0 and 1; `coefficients` (Q,) belong to the columns as they were given, the intercept
    first. `r_indicator` is 1 − 2 S(ρ): 1 where all are as likely to answer, less the more they differ; `cv` is
    S(ρ) / mean(ρ), the most that a mean can be biased by in its own standard deviations if nothing else matters. Both
    are weighted, and take noise for difference in small samples.
    """

    values: Floats
    coefficients: Floats
    r_indicator: float
    cv: float


def adjust_by_classes(
    weights: Floats,
    answered: Truths,
    classes: Sequence[str],
    *,
    minimum: int = 20,
    join: bool = True,
    largest: float = LARGEST_FACTOR,
) -> ClassAdjustment:
    """Weights of those who answered, raised to those of all who were asked in their class.

    A class with fewer than `minimum` respondents is joined with its neighbours in the order of the labels, until
    `minimum` is there; what is left at the end joins the last class. So sort similar classes next to each other by how
    they are called ("1 urban", "2 town").

    Arguments:
        weights: design weights (n,) of all who were asked, above 0.
        answered: (n,) who answered.
        classes: the label (n,) of each one's class.
        minimum: the fewest respondents in a class, 1 or more.
        join: False refuses small classes instead.
        largest: the largest factor that is given out.

    Raises DesignError where nobody answered, a class is too small and may not be joined, all classes together are too
    small, or a factor is larger than `largest`.
    Source: Oh and Scheuren (1983); Särndal, Swensson and Wretman (1992), §15.6; Little (1986).
    """
    _refuse_strange(weights, answered)
    labels, code = np.unique(np.asarray(classes, dtype=str), return_inverse=True)
    groups = join_small_classes(
        [str(label) for label in labels], np.bincount(code[answered], minlength=len(labels)), minimum, join=join
    )
    group_of_label = np.empty(len(labels), dtype=np.int64)
    for number, members in enumerate(groups):
        group_of_label[list(members)] = number
    group = group_of_label[code.reshape(-1)]
    asked = np.bincount(group, weights, len(groups))
    spoke = np.bincount(group[answered], weights[answered], len(groups))
    factors = np.where(answered, (asked / spoke)[group], 0.0)
    refuse_factors(factors[answered], (0.0, largest), "non-response classes")
    return ClassAdjustment(
        factors=factors,
        classes=group,
        parts=tuple(tuple(str(labels[place]) for place in members) for members in groups),
        rates=spoke / asked,
        n_answered=np.bincount(group[answered], minlength=len(groups)).astype(np.int64),
    )


def join_small_classes(
    labels: Sequence[str], n_answered: Sequence[int] | Integers, minimum: int, *, join: bool = True, name: str = ""
) -> list[tuple[int, ...]]:
    """Groups of neighbouring classes (their positions) of at least `minimum` respondents each.

    A class that has enough, with no small one waiting before it, stays alone; small ones wait for their next neighbours
    until they are enough together; what waits at the end joins the last group.

    Arguments:
        labels: the classes in their order.
        n_answered: the respondents of each.
        minimum: the fewest in a group, 1 or more.
        join: False refuses small classes instead.
        name: what comes before a complaint.

    Raises DesignError where a class is too small and may not be joined, and where all of them are too small together.
    """
    prefix = f"{name}: " if name else "non-response classes: "
    if minimum < 1:
        raise DesignError(f"{prefix}found a minimum of {minimum}, expected 1 or more")
    if sum(n_answered) < minimum:
        raise DesignError(
            f"{prefix}found {sum(n_answered)} answers in {len(labels)} classes together, expected at least {minimum}"
        )
    groups: list[tuple[int, ...]] = []
    waiting: list[int] = []
    n_waiting = 0
    for place, n in enumerate(n_answered):
        if n < minimum and not join:
            raise DesignError(f"{prefix}found {n} answers in {labels[place]!r}, expected at least {minimum}")
        waiting.append(place)
        n_waiting += int(n)
        if n_waiting >= minimum:
            groups.append(tuple(waiting))
            waiting, n_waiting = [], 0
    if waiting:
        groups[-1] = (*groups[-1], *waiting)
    return groups


def response_propensities(weights: Floats, answered: Truths, variables: Floats) -> Propensities:
    """The chance of each one who was asked to answer, given what the frame knows: weighted logistic regression.

    Arguments:
        weights: design weights (n,) of all who were asked, above 0.
        answered: (n,) who answered.
        variables: (n, Q) frame variables, finite; categories as columns of 0 and 1 with one of them left out. The
            intercept is added.

    Raises DesignError where all or none answered, columns depend on each other, or variables tell who answers without
    error (a separation: propensities of 0 or 1).
    Source: Rosenbaum and Rubin (1983); Little (1986); Schouten, Cobben and Bethlehem (2009) for the indicator.
    """
    _refuse_strange(weights, answered)
    if answered.all():
        raise DesignError("response propensity: found that everybody answered, expected somebody who did not")
    design = np.column_stack([np.ones(len(weights)), variables])
    if not np.all(np.isfinite(design)):
        raise DesignError("response propensity: found a variable that is no number, expected finite numbers")
    scale = np.maximum(np.max(np.abs(design), axis=0), 1e-300)
    scaled = design / scale
    if np.linalg.matrix_rank(scaled) < scaled.shape[1]:
        raise DesignError("response propensity: found variables that depend on each other, expected one to be left out")
    weight = weights / weights.mean()
    coefficients = _logistic(scaled, answered.astype(np.float64), weight)
    values = 1 / (1 + np.exp(-scaled @ coefficients))
    mean = float(np.average(values, weights=weight))
    spread = float(np.sqrt(np.sum(weight * (values - mean) ** 2) / max(weight.sum() - 1, 1.0)))
    return Propensities(values, coefficients / scale, 1 - 2 * spread, spread / mean)


def _logistic(design: Floats, answered: Floats, weight: Floats) -> Floats:
    coefficients = np.zeros(design.shape[1])
    for _ in range(_MOST_STEPS):
        predictor = design @ coefficients
        if np.max(np.abs(predictor)) > _LARGEST_PREDICTOR:
            break
        chance = 1 / (1 + np.exp(-predictor))
        score = design.T @ (weight * (answered - chance))
        information = design.T @ (design * (weight * chance * (1 - chance))[:, None])
        step = np.linalg.solve(information, score)
        coefficients = coefficients + step
        if np.max(np.abs(step)) < 1e-10:
            return coefficients
    raise DesignError(
        "response propensity: found variables that tell who answers without error (no finite coefficients), expected "
        "groups in which some answer and some do not"
    )


def propensity_classes(propensities: Floats, weights: Floats, n_classes: int = 5) -> list[str]:
    """Classes (n,) of about equal weight by propensity, called "1" (least likely to answer) and so on.

    Those with the same propensity are in one class, so there may be fewer. Five take away nine tenths of the bias that
    the propensity accounts for. Raises DesignError for fewer than one. Source: Cochran (1968); Little (1986).
    """
    if n_classes < 1:
        raise DesignError(f"propensity classes: found {n_classes}, expected 1 or more")
    values, place = np.unique(np.round(propensities, 12), return_inverse=True)
    share = np.bincount(place.reshape(-1), weights, len(values))
    middle = (np.cumsum(share) - share / 2) / share.sum()
    number = np.minimum((middle * n_classes).astype(np.int64), n_classes - 1)
    width = len(str(n_classes))
    return [f"{n + 1:0{width}d}" for n in number[place.reshape(-1)]]


def adjust_by_propensity(
    weights: Floats, answered: Truths, propensities: Floats, *, largest: float = LARGEST_FACTOR
) -> Floats:
    """Factors (n,) of one over the propensity, for those who answered, made to keep the total; 0 for the others.

    Arguments:
        weights: design weights (n,) of all who were asked, above 0.
        answered: (n,) who answered.
        propensities: (n,) above 0 and at most 1.
        largest: the largest of one over the propensity that is given out.

    Raises DesignError where a propensity is not above 0 or a factor larger than `largest`: classes are steadier then.
    Source: Särndal, Swensson and Wretman (1992), §15.6; Little and Vartivarian (2003).
    """
    _refuse_strange(weights, answered)
    if not np.all((propensities > 0) & (propensities <= 1)):
        raise DesignError("response propensity: found one outside 0 to 1, expected chances to answer")
    factors = np.where(answered, 1 / propensities, 0.0)
    refuse_factors(factors[answered], (0.0, largest), "response propensity")
    factors *= weights.sum() / np.sum(weights * factors)
    return factors


def _refuse_strange(weights: Floats, answered: Truths) -> None:
    if not len(weights) or not answered.any():
        raise DesignError(f"non-response: found {len(weights)} people asked and nobody who answered, expected some")
    if not np.all(np.isfinite(weights) & (weights > 0)):
        raise DesignError("non-response: found a weight that is not above 0, expected weights of all who were asked")
