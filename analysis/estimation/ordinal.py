"""Models of ordered answers: the logit or probit of answering at most so much, shifted by what explains it.

P(answer ≤ j) = F(ζ_j − x β), so that a positive coefficient goes with higher answers. The coefficients are those of
the whole population, were it fitted; their covariance is that of the totals of the rows' influences, or the replicates'
spread.

Source: McCullagh (1980), "Regression models for ordinal data", section 2; Binder (1983), "On the variances of
asymptotically normal estimators from complex surveys"; Pratt (1981), "Concavity of the log likelihood"; R survey,
svyolr.
Golden: tests/golden/oracle (kind svyolr), tests/golden/models.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy import special

from analysis.errors import DesignError, SpecError
from analysis.estimation.families import family_of
from analysis.estimation.formulas import spelled
from analysis.estimation.least_squares import collinear_columns
from analysis.estimation.model_matrices import ModelMatrix, Variable
from analysis.estimation.models import Coefficients, LinearPredictor
from analysis.estimation.preparation import MOST_LEVELS
from analysis.estimation.replicates import replicate_covariance
from analysis.estimation.samples import Sample
from analysis.estimation.totals import Floats, Integers
from analysis.estimation.variable_metric import minimised

OrdinalLink = Literal["logistic", "probit"]
_MOST_STEPS = 100
_MOST_HALVINGS = 60
_SETTLED = 1e-10
_FAR = 30.0
# The step of R's optimHess.
_DIFFERENCE = 1e-3
_ROOT_OF_TWO_PI = 2.5066282746310002


@dataclass(frozen=True, slots=True)
class _Answers:
    """The m rows of weight: their places, what explains them (m, p), their categories and weights (m,)."""

    rows: Integers
    x: Floats
    code: Integers
    w: Floats


@dataclass(frozen=True, slots=True)
class _Bent:
    """The chance of each row's answer (m,), and the first and negative second derivatives of its logarithm by the upper
    bound and, but for the sign of the first, by the lower.
    """

    chance: Floats
    of_upper: Floats
    of_lower: Floats
    twice_upper: Floats
    twice_lower: Floats

    def height(self, answers: _Answers) -> float:
        """The weighted logarithm of the likelihood, negative infinity where an answer has no chance."""
        return float(answers.w @ np.log(self.chance)) if (self.chance > 0).all() else -np.inf


@dataclass
class Thresholds:
    """The slopes and thresholds of a model of ordered answers as a functional of weights.

    Attributes:
        matrix: (n, p) without a constant, of full rank beside it; codes: the category of each row (n,), 0 to q, any
            number where the weight is 0; q: categories less one; link: how chances bend; names: of the columns.
        start: slopes and thresholds (p + q,) to begin with; None: from the shares of the categories.
        ends_as_r: the search begins and ends where R's does, before the last digits; else at the summit itself.
    """

    matrix: Floats
    codes: Integers
    q: int
    link: OrdinalLink
    names: tuple[str, ...]
    start: Floats | None = None
    ends_as_r: bool = False
    _found: tuple[Floats, Floats] | None = field(default=None, repr=False)
    _inverse: Floats | None = field(default=None, repr=False)

    def values(self, weights: Floats) -> Floats:
        """Slopes, then thresholds (p + q,); NaN where they do not exist with these weights."""
        try:
            return self.fit(weights)
        except DesignError:
            return np.full(self.matrix.shape[1] + self.q, np.nan)

    def influence(self, weights: Floats) -> Floats:
        """Each row's weighted score times the inverse information (n, p + q)."""
        theta = self.fit(weights)
        answers = self._answers(weights)
        bent = self._bent(theta, answers)
        upper, lower = answers.w * bent.of_upper, answers.w * bent.of_lower
        scores = np.zeros((len(upper), len(theta) + 2))
        p, places = answers.x.shape[1], np.arange(len(upper))
        scores[:, :p] = answers.x * (lower - upper)[:, None]
        # One place before the first threshold and one behind the last hold what has no bound, which is 0.
        scores[places, p + 1 + answers.code] = upper
        scores[places, p + answers.code] = -lower
        scores = np.delete(scores, [p, p + 1 + self.q], axis=1)
        found = np.zeros((len(weights), len(theta)))
        if self._inverse is None:
            found[answers.rows] = np.linalg.solve(self._information(bent, answers), scores.T).T
        else:
            found[answers.rows] = scores @ self._inverse
        return found

    def fit(self, weights: Floats) -> Floats:
        """Slopes, then thresholds (p + q,) of the highest weighted likelihood, which has one summit.

        Raises DesignError where a category is empty or the slopes grow without end.
        """
        if self._found is None or self._found[0] is not weights:
            answers = self._answers(weights)
            summit = self._climbed(answers)
            self._found = (weights, self._as_r(answers, summit) if self.ends_as_r else summit)
        return self._found[1]

    def _answers(self, weights: Floats) -> "_Answers":
        rows = np.flatnonzero(weights != 0)
        return _Answers(rows, self.matrix[rows], self.codes[rows], weights[rows])

    def _climbed(self, answers: "_Answers") -> Floats:
        theta = self._beginning(answers) if self.start is None else self.start
        bent = self._bent(theta, answers)
        height, reach = bent.height(answers), np.ptp(answers.x, axis=0)
        for _ in range(_MOST_STEPS):
            try:
                step = np.linalg.solve(self._information(bent, answers), self._slope_of(bent, answers))
            except np.linalg.LinAlgError:
                break
            is_small = bool((np.abs(step) <= _SETTLED * (1 + np.abs(theta))).all())
            for _ in range(_MOST_HALVINGS):
                tried = self._bent(theta + step, answers)
                if tried.height(answers) >= height - 1e-12 * abs(height):
                    break
                step = step / 2
            theta, bent, height = theta + step, tried, tried.height(answers)
            if is_small:
                return theta
            if not np.isfinite(height) or (np.abs(theta[: len(reach)]) * reach > _FAR).any():
                break
        raise self._runaway(theta, reach)

    def _as_r(self, answers: "_Answers", summit: Floats) -> Floats:
        """Where R's search ends: over the first threshold and the logarithms of the distances between thresholds."""
        p = answers.x.shape[1]

        def unfolded(place: Floats) -> Floats:
            with np.errstate(over="ignore"):
                return np.concatenate(
                    [place[:p], np.cumsum(np.concatenate([place[p : p + 1], np.exp(place[p + 1 :])]))]
                )

        # The slope is asked for where the height was last.
        last: list[tuple[Floats, _Bent]] = []

        def bent_at(place: Floats) -> _Bent:
            if not last or last[0][0] is not place:
                last[:] = [(place, self._bent(unfolded(place), answers, needs_second=False))]
            return last[0][1]

        def height(place: Floats) -> float:
            return -bent_at(place).height(answers)

        def slope(place: Floats) -> Floats:
            scores = -self._slope_of(bent_at(place), answers)
            # A threshold moves with the first one and with every distance below it.
            below = np.cumsum(scores[p:][::-1])[::-1]
            return np.concatenate([scores[:p], below[:1], below[1:] * np.exp(place[p + 1 :])])

        try:
            start = self._start_of_r(answers)
        except DesignError:
            # The two halves can be told apart without a fault, though not all answers can.
            return summit
        place = minimised(height, slope, start)[0]
        self._inverse = _inverse_information(slope, place, p)
        return unfolded(place)

    def _start_of_r(self, answers: "_Answers") -> Floats:
        """A logit of the upper categories against the lower, and thresholds spread about its constant."""
        half = (self.q + 1) // 2
        family, link = family_of("quasibinomial", "logit" if self.link == "logistic" else "probit", "the model")
        matrix = np.column_stack([np.ones(len(answers.rows)), answers.x])
        upper, unit = (answers.code >= half).astype(np.float64), float(answers.w.mean())
        predictor = LinearPredictor(matrix, upper, family, link, ("(Intercept)", *self.names), unit)
        beta = predictor.fit(answers.w).beta
        spread = special.logit(np.arange(1, self.q + 1) / (self.q + 1)) / 1.7
        thresholds = spread - spread[half - 1] - beta[0]
        return np.concatenate([beta[1:], thresholds[:1], np.log(np.diff(thresholds))])

    def _beginning(self, answers: "_Answers") -> Floats:
        shares = np.bincount(answers.code, weights=answers.w, minlength=self.q + 1) / answers.w.sum()
        if (shares <= 0).any():
            raise DesignError("the model: found a category that nobody answered, expected answers in each")
        below = np.cumsum(shares)[:-1]
        thresholds = special.logit(below) if self.link == "logistic" else special.ndtri(below)
        return np.concatenate([np.zeros(answers.x.shape[1]), thresholds])

    def _bent(self, theta: Floats, answers: "_Answers", *, needs_second: bool = True) -> "_Bent":
        """The chances at some slopes and thresholds, and how they change with their bounds; none where they cross."""
        p = answers.x.shape[1]
        if not np.isfinite(theta).all() or (np.diff(theta[p:]) <= 0).any():
            return _Bent(*(np.zeros(1) for _ in range(5)))
        eta = answers.x @ theta[:p]
        bounds = np.concatenate([[-np.inf], theta[p:], [np.inf]])
        upper, lower = bounds[answers.code + 1] - eta, bounds[answers.code] - eta
        chance = self._between(lower, upper)
        above, below = self._density(upper), self._density(lower)
        with np.errstate(divide="ignore", invalid="ignore"):
            of_upper, of_lower = above / chance, below / chance
            if not needs_second:
                return _Bent(chance, of_upper, of_lower, np.zeros(1), np.zeros(1))
            twice_upper = of_upper**2 - self._bend(upper, above) / chance
            twice_lower = of_lower**2 + self._bend(lower, below) / chance
        return _Bent(chance, of_upper, of_lower, twice_upper, twice_lower)

    def _slope_of(self, bent: "_Bent", answers: "_Answers") -> Floats:
        """The derivative of the likelihood by slopes and thresholds (p + q,)."""
        upper, lower = answers.w * bent.of_upper, answers.w * bent.of_lower
        at_upper = np.bincount(answers.code, weights=upper, minlength=self.q + 1)[: self.q]
        at_lower = np.bincount(answers.code, weights=lower, minlength=self.q + 1)[1:]
        return np.concatenate([answers.x.T @ (lower - upper), at_upper - at_lower])

    def _information(self, bent: "_Bent", answers: "_Answers") -> Floats:
        """The negative second derivative of the likelihood (p + q, p + q)."""
        x, code, w = answers.x, answers.code, answers.w
        p, mixed = x.shape[1], w * bent.of_upper * bent.of_lower
        upper, lower = w * bent.twice_upper, w * bent.twice_lower
        found = np.zeros((p + self.q, p + self.q))
        found[:p, :p] = x.T @ ((upper + lower - 2 * mixed)[:, None] * x)
        for k in range(p):
            at_upper = np.bincount(code, weights=x[:, k] * (upper - mixed), minlength=self.q + 1)[: self.q]
            at_lower = np.bincount(code, weights=x[:, k] * (lower - mixed), minlength=self.q + 1)[1:]
            found[k, p:] = found[p:, k] = -(at_upper + at_lower)
        own = np.bincount(code, weights=upper, minlength=self.q + 1)[: self.q]
        own = own + np.bincount(code, weights=lower, minlength=self.q + 1)[1:]
        beside = -np.bincount(code, weights=mixed, minlength=self.q + 1)[1 : self.q]
        found[p:, p:] = np.diag(own) + np.diag(beside, 1) + np.diag(beside, -1)
        return found

    def _between(self, lower: Floats, upper: Floats) -> Floats:
        curve = special.expit if self.link == "logistic" else special.ndtr
        # In the upper half the difference is taken of the chances above, where digits are not lost.
        side = np.where(lower > 0, -1.0, 1.0)
        found: Floats = (curve(side * upper) - curve(side * lower)) * side
        return found

    def _density(self, z: Floats) -> Floats:
        if self.link == "logistic":
            # Of the two tails the far one, which keeps its digits.
            tail = np.exp(-np.abs(z))
            found: Floats = tail / (1 + tail) ** 2
            return found
        return np.exp(-(z**2) / 2) / _ROOT_OF_TWO_PI

    def _bend(self, z: Floats, density: Floats) -> Floats:
        """The derivative of the density, 0 at infinity."""
        finite = np.where(np.isfinite(z), z, 0.0)
        return density * (1 - 2 * special.expit(finite)) if self.link == "logistic" else -finite * density

    def _runaway(self, theta: Floats, reach: Floats) -> DesignError:
        distances = np.abs(theta[: len(reach)]) * reach
        far = [name for name, distance in zip(self.names, distances, strict=True) if distance > _FAR]
        if far:
            return DesignError(
                f"the model: found slopes that grow without end ({', '.join(far)}), because these columns order the "
                "answers without a fault; expected answers that overlap"
            )
        return DesignError(f"the model: found no summit after {_MOST_STEPS} steps, expected a model that settles")


def _inverse_information(slope: Callable[[Floats], Floats], place: Floats, p: int) -> Floats | None:
    """The inverse information of slopes and thresholds (p + q, p + q) as R has it: from differences of the gradient.

    Arguments:
        slope: the gradient by slopes, first threshold and logarithms of the distances between thresholds.
        place: where the search ended (p + q,).
        p: how many slopes there are.

    None where it has no inverse.
    """
    size = len(place)
    steps = np.eye(size) * _DIFFERENCE
    rows = np.stack([(slope(place + step) - slope(place - step)) / (2 * _DIFFERENCE) for step in steps])
    unfolding = np.eye(size)
    unfolding[p:, p:] = np.tril(np.concatenate([[1.0], np.exp(place[p + 1 :])])[None, :] * np.ones((size - p, 1)))
    try:
        inverse: Floats = unfolding @ np.linalg.inv((rows + rows.T) / 2) @ unfolding.T
    except np.linalg.LinAlgError:
        return None
    return inverse if np.isfinite(inverse).all() else None


def estimate_ordinal(sample: Sample, matrix: ModelMatrix, link: OrdinalLink = "logistic") -> Coefficients:
    """Slopes and thresholds of a model of ordered answers with their design-based covariance.

    Thresholds are called "1|2" and belong to no term (`assigned` is -1). Degrees of freedom are those of the fitted
    rows less the slopes.

    Arguments:
        sample: the rows with their weights; those that lack a variable stay in the design and are not fitted.
        matrix: the explaining columns with their constant, and the response: three ordered categories or more, or
            numbers, each of which is a category.
        link: "logistic" or "probit".

    Raises SpecError where the response has fewer than three categories, DesignError where the slopes do not settle.
    """
    fitted = sample.within(matrix.is_complete)
    active = fitted.active
    rows = np.flatnonzero(active)
    if (active < 0).any():
        raise DesignError(
            f"the model: found the weight {active.min():g}, expected weights above 0 (as bounds make them)"
        )
    if matrix.names[:1] != ("(Intercept)",):
        raise SpecError("estimator.formula: found - 1, expected the constant, which the thresholds are made of")
    if matrix.response is None:
        raise SpecError("estimator.formula: found nothing before the ~, expected what is explained")
    codes, levels = ordered_categories(matrix.response, rows)
    is_collinear = collinear_columns(matrix.matrix[rows] * np.sqrt(active[rows])[:, None])[1:]
    kept = np.flatnonzero(~is_collinear)
    p, q = len(is_collinear), len(levels) - 1
    names = tuple(matrix.names[1 + k] for k in kept)
    functional = Thresholds(matrix.matrix[:, 1 + kept], codes, q, link, names, ends_as_r=fitted.replicates is None)
    found = functional.fit(active)
    if fitted.replicates is None:
        variance = fitted.covariance_of_totals(functional.influence(active))
    else:
        functional.start = found
        variance = replicate_covariance(fitted.replicate_values(functional), found, fitted.replicates)
    places = np.concatenate([kept, np.arange(p, p + q)])
    values, covariance = np.full(p + q, np.nan), np.full((p + q, p + q), np.nan)
    values[places] = found
    covariance[np.ix_(places, places)] = variance
    return Coefficients(
        names=(*matrix.names[1:], *(f"{a}|{b}" for a, b in pairwise(levels))),
        values=values,
        covariance=covariance,
        assigned=np.concatenate([matrix.assigned[1:], np.full(q, -1)]),
        terms=matrix.terms,
        is_collinear=np.concatenate([is_collinear, np.zeros(q, dtype=np.bool_)]),
        df=(sample if sample.replicates is not None else fitted).df - len(kept),
        df_design=sample.df_design,
        n=len(rows),
    )


def ordered_categories(response: Variable, rows: Integers) -> tuple[Integers, tuple[str, ...]]:
    """The category of each row (n,), 0 outside the rows, and the categories in their order.

    Raises SpecError where fewer than three occur, or numbers are too many to be categories.
    """
    values, levels = response.values, response.levels
    if not response.is_category:
        numbers, places = np.unique(values[rows], return_inverse=True)
        if len(numbers) > MOST_LEVELS:
            raise SpecError(
                f"estimator.formula: found {len(numbers)} numbers in {response.label}, expected at most {MOST_LEVELS} "
                "categories"
            )
        levels = tuple(spelled(float(number)) for number in numbers)
        values = np.zeros(len(values))
        values[rows] = places
    if len(levels) < 3:
        raise SpecError(
            f"estimator.formula: found {len(levels)} categories in {response.label}, expected three or more"
        )
    return np.maximum(values, 0).astype(np.int64), levels
