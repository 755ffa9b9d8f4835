"""Generalised linear models of survey data: coefficients that solve the weighted scores, with design variances.

The coefficients are those of the whole population, were it fitted; their covariance is that of the totals of the rows'
influences, or the replicates' spread. Nothing is assumed of how answers vary about the model.

Source: Binder (1983), "On the variances of asymptotically normal estimators from complex surveys", equations 3.1 to
3.4; Rao, Scott and Skinner (1998), "Quasi-score tests with survey data"; R survey, svyglm and regTermTest. Golden:
tests/golden/oracle (kind svyglm), tests/golden/models.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import special

from analysis.errors import DesignError, SpecError
from analysis.estimation.families import Family, Link, means_of
from analysis.estimation.least_squares import collinear_columns, inverse_gram, least_squares
from analysis.estimation.model_matrices import ModelMatrix
from analysis.estimation.replicates import replicate_covariance
from analysis.estimation.samples import Sample
from analysis.estimation.totals import Floats, Integers

Truths = npt.NDArray[np.bool_]
MOST_STEPS = 60
_MOST_HALVINGS = 40
_SETTLED = 1e-8
_STILL_MOVING = 0.05


@dataclass(frozen=True, slots=True)
class Coefficients:
    """The coefficients of a fitted model.

    Attributes:
        names: (P,); values: (P,), NaN for a collinear column; covariance: (P, P), NaN there too.
        assigned: the term of each coefficient (P,), 0 for the constant; terms: the terms' labels.
        is_collinear: columns that the columns before them explain (P,).
        df: degrees of freedom of the tests: those of the fitted rows less the coefficients beyond the first.
        df_design: degrees of freedom of the design's subset; n: rows that were fitted.
    """

    names: tuple[str, ...]
    values: Floats
    covariance: Floats
    assigned: Integers
    terms: tuple[str, ...]
    is_collinear: Truths
    df: float
    df_design: float
    n: int

    @property
    def se(self) -> Floats:
        """The standard errors (P,), NaN where there is none."""
        return np.sqrt(np.diag(self.covariance))


@dataclass(frozen=True, slots=True)
class TermTest:
    """A Wald test that all coefficients of a term are 0.

    Attributes:
        term: its label; f: Wald statistic over df; df, ddf: degrees of freedom; p_value: all None where there is none,
            and `reason` says why.
    """

    term: str
    f: float | None
    df: int
    ddf: float
    p_value: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class _Fit:
    """Where the steps ended: the coefficients (P,), and the weights (n,) of the squares that the last step solved."""

    beta: Floats
    eta: Floats
    squares: Floats


@dataclass
class LinearPredictor:
    """The coefficients of a generalised linear model as a functional of weights.

    The steps end where R's glm ends them, when the deviance changes by less than 1e-8 of itself, and the information is
    that of the last step, so that standard errors agree with R's beyond what one more step would change.

    Attributes:
        matrix: (n, P) of full rank; response: (n,); family, link: the model; names: of the columns, for messages.
        unit: the weight that counts as 1, None: the sum of the weights; start: coefficients (P,) to begin with, None:
            from the answers.
    """

    matrix: Floats
    response: Floats
    family: Family
    link: Link
    names: tuple[str, ...]
    unit: float | None = 1.0
    start: Floats | None = None
    _found: tuple[Floats, _Fit] | None = field(default=None, repr=False)

    def values(self, weights: Floats) -> Floats:
        """The coefficients (P,); NaN where the columns are collinear with these weights, or the fit does not settle."""
        try:
            return self.fit(weights).beta
        except DesignError:
            return np.full(self.matrix.shape[1], np.nan)

    def influence(self, weights: Floats) -> Floats:
        """Each row's weighted score times the inverse information (n, P)."""
        fit = self.fit(weights)
        rows = np.flatnonzero(weights != 0)
        x, y = self.matrix[rows], self.response[rows]
        mu, slope = means_of(self.family, self.link, fit.eta), self.link.slope(fit.eta)
        inverse = inverse_gram(x * np.sqrt(fit.squares)[:, None])
        found = np.zeros(self.matrix.shape)
        with np.errstate(all="ignore"):
            score = np.where(fit.squares > 0, (y - mu) / slope * fit.squares, 0.0)
        found[rows] = (x * score[:, None]) @ inverse
        return found

    def fit(self, weights: Floats) -> _Fit:
        """The fit by iterated weighted least squares.

        Raises DesignError where it does not settle, with the columns that run away.
        """
        if self._found is None or self._found[0] is not weights:
            self._found = (weights, self._iterated(weights))
        return self._found[1]

    def _iterated(self, weights: Floats) -> _Fit:
        rows = np.flatnonzero(weights != 0)
        x, y = self.matrix[rows], self.response[rows]
        w = weights[rows] / (weights.sum() if self.unit is None else self.unit)
        beta: Floats = np.full(x.shape[1], np.nan) if self.start is None else self.start
        eta = self._beginning(y, w) if self.start is None else x @ self.start
        before = self._deviance(y, w, eta)
        for _ in range(MOST_STEPS):
            try:
                beta, following, squares = self._step(x, y, w, eta, beta)
            except DesignError:
                if not np.isnan(beta).any():
                    raise
                # The answers are no place to begin from: a model in which all have the same mean is.
                beta = np.asarray(np.linalg.lstsq(x, self._at_the_mean(y, w), rcond=None)[0], dtype=np.float64)
                eta = x @ beta
                beta, following, squares = self._step(x, y, w, eta, beta)
            change, eta = float(np.max(np.abs(following - eta))), following
            deviance = self._deviance(y, w, eta)
            if abs(deviance - before) < _SETTLED * (abs(deviance) + 0.1):
                # Where answers can be told apart, the deviance settles while the predictor goes on by a step each time.
                if change > _STILL_MOVING and self.link.name in ("logit", "probit", "cloglog", "log"):
                    break
                return _Fit(beta, eta, squares)
            before = deviance
        raise self._runaway(x, beta)

    def _beginning(self, y: Floats, w: Floats) -> Floats:
        with np.errstate(all="ignore"):
            eta = self.link.of_mean(self.family.start(y, w))
        if np.isfinite(eta).all():
            return eta
        # A link under which the answers themselves have no value begins at their mean.
        return self._at_the_mean(y, w)

    def _at_the_mean(self, y: Floats, w: Floats) -> Floats:
        return np.full(len(y), self.link.of_mean(np.array(max(float(w @ y / w.sum()), 1e-3))))

    def _deviance(self, y: Floats, w: Floats, eta: Floats) -> float:
        with np.errstate(all="ignore"):
            return float(w @ self.family.deviance(y, means_of(self.family, self.link, eta)))

    def _step(self, x: Floats, y: Floats, w: Floats, eta: Floats, beta: Floats) -> tuple[Floats, Floats, Floats]:
        mu, slope = means_of(self.family, self.link, eta), self.link.slope(eta)
        with np.errstate(all="ignore"):
            working = eta + (y - mu) / slope
            root = np.sqrt(w * slope**2 / self.family.variance(mu))
        usable = np.isfinite(working) & np.isfinite(root) & (root > 0)
        squares = np.where(usable, root, 0.0) ** 2
        try:
            following = least_squares(x[usable] * root[usable, None], working[usable] * root[usable])[0]
        except np.linalg.LinAlgError:
            raise self._runaway(x, beta) from None
        for _ in range(_MOST_HALVINGS):
            new_eta = x @ following
            with np.errstate(all="ignore"):
                means = means_of(self.family, self.link, new_eta)
            if np.isfinite(means).all() and self.family.is_possible(means):
                return following, new_eta, squares
            if np.isnan(beta).any():
                break
            following = (following + beta) / 2
        raise DesignError(
            f"the model: found no step to possible means under the link {self.link.name}, expected another link"
        )

    def _runaway(self, x: Floats, beta: Floats) -> DesignError:
        reach = np.abs(np.nan_to_num(beta)) * np.ptp(x, axis=0) if len(x) else np.zeros(len(beta))
        far = [name for name, distance in zip(self.names, reach, strict=True) if distance > 15]
        if far:
            return DesignError(
                f"the model: found coefficients that grow without end ({', '.join(far)}), because these columns tell "
                "the answers apart without a fault; expected both kinds of answers within every group"
            )
        return DesignError(f"the model: found no end of the steps after {MOST_STEPS}, expected a model that settles")


def estimate_model(sample: Sample, matrix: ModelMatrix, family: Family, link: Link) -> Coefficients:
    """The coefficients of a generalised linear model with their design-based covariance.

    Arguments:
        sample: the rows with their weights; those that lack a variable stay in the design and are not fitted.
        matrix: the explaining columns and the response, over the same rows (n).
        family: how answers vary about their mean.
        link: how the mean follows the predictors.

    A column that those before it explain has no coefficient. Raises DesignError where coefficients do not settle, which
    they do not where a column tells the answers apart without a fault, and SpecError where the answers do not fit the
    family.
    """
    if not matrix.names:
        raise SpecError("estimator.formula: found no coefficient, expected a constant or something that explains")
    fitted = sample.within(matrix.is_complete)
    active = fitted.active
    rows = np.flatnonzero(active)
    if (active < 0).any():
        raise DesignError(
            f"the model: found the weight {active.min():g}, expected weights above 0 (as bounds make them)"
        )
    response = answers_of(matrix, family, rows)
    is_collinear = collinear_columns(matrix.matrix[rows] * np.sqrt(active[rows])[:, None])
    kept = np.flatnonzero(~is_collinear)
    names = tuple(matrix.names[column] for column in kept)
    # Weights count as shares of their mean over the subset, to which R's rule for the last step refers.
    unit = float(sample.active.sum() / (sample.n_rows if sample.calibration else np.count_nonzero(sample.inside)))
    predictor = LinearPredictor(matrix.matrix[:, kept], response, family, link, names, unit)
    beta = predictor.fit(active).beta
    if fitted.replicates is None:
        found = fitted.covariance_of_totals(predictor.influence(active))
    else:
        # R's replicates begin at the estimate, and their weights count as shares of their sum.
        predictor.start, predictor.unit = beta, None
        found = replicate_covariance(fitted.replicate_values(predictor), beta, fitted.replicates)
    size = len(matrix.names)
    values, covariance = np.full(size, np.nan), np.full((size, size), np.nan)
    values[kept] = beta
    covariance[np.ix_(kept, kept)] = found
    # R counts the degrees of freedom of replicates before it leaves out rows with missing answers.
    df = (sample if sample.replicates is not None else fitted).df + 1 - len(kept)
    return Coefficients(
        matrix.names, values, covariance, matrix.assigned, matrix.terms, is_collinear, df, sample.df_design, len(rows)
    )


def answers_of(matrix: ModelMatrix, family: Family, rows: Integers) -> Floats:
    """The response as numbers (n,): of categories 0 for the first and 1 for the others.

    Raises SpecError where the rows' answers do not fit the family, DesignError where a binomial model finds one answer.
    """
    response = matrix.response
    if response is None:
        raise SpecError("estimator.formula: found nothing before the ~, expected what is explained")
    if response.is_category and not family.counts_categories:
        raise SpecError(f"estimator.formula: found categories in {response.label}, expected {family.expected}")
    numbers = np.minimum(response.values, 1.0) if response.is_category else response.values
    answers = numbers[rows]
    if not family.fits(answers):
        raise SpecError(
            f"estimator.formula: found answers from {answers.min():g} to {answers.max():g} in {response.label}, "
            f"expected {family.expected} for {family.name}"
        )
    if family.counts_categories and answers.min() == answers.max() and answers.min() in (0.0, 1.0):
        raise DesignError(f"the model: found one answer in all rows of {response.label}, expected both kinds")
    return numbers


def term_tests(found: Coefficients) -> tuple[TermTest, ...]:
    """A Wald test of each term, with the design's covariance and an F law.

    A term without a coefficient, a singular covariance or no degrees of freedom leave no test, and the reason is said.
    """
    tests = []
    for number, term in enumerate(found.terms, start=1):
        places = np.flatnonzero((found.assigned == number) & ~found.is_collinear)
        tests.append(_term_test(term, found, places))
    return tuple(tests)


def _term_test(term: str, found: Coefficients, places: Integers) -> TermTest:
    q = len(places)
    if not q:
        return TermTest(term, None, 0, found.df, None, "its columns are collinear with the terms before it")
    covariance = found.covariance[np.ix_(places, places)]
    if not np.isfinite(covariance).all():
        return TermTest(term, None, q, found.df, None, "its covariance is not known")
    scale = np.sqrt(np.diag(covariance))
    if (scale == 0).any() or np.linalg.cond(covariance / np.outer(scale, scale)) > 1e14:
        return TermTest(term, None, q, found.df, None, "the covariance of its coefficients is singular")
    beta = found.values[places]
    f = float(beta @ np.linalg.solve(covariance, beta)) / q
    if found.df <= 0:
        return TermTest(term, f, q, found.df, None, f"{found.df:g} degrees of freedom are left")
    return TermTest(term, f, q, found.df, float(special.fdtrc(q, found.df, f)), None)


def two_sided_p(t: float, df: float) -> float | None:
    """The chance of a t statistic at least as far from 0; None without a statistic or degrees of freedom."""
    if not math.isfinite(t) or df <= 0:
        return None
    return (
        float(special.betainc(df / 2, 0.5, df / (df + t * t)))
        if math.isfinite(df)
        else float(special.erfc(abs(t) / math.sqrt(2)))
    )
