"""How much of what is known of an outcome goes with each of some predictors that go together themselves.

A regression coefficient says what a predictor adds to all others, and among predictors that say nearly the same it
falls on one of them by chance. Relative weights share out what all of them explain together: the predictors are turned
into uncorrelated ones that lie as near to them as can be, and what each of these explains is given back to the
predictors by how much of it is in them. The shares are never negative, add up to one, and are close to the mean over
all orders of entering the predictors (Lindeman, Merenda and Gold 1980), of which there are 2^p; these take one
eigenvalue decomposition.

Errors are those of the design: the shares are a smooth function of the correlations, and the correlations of the
answers, so that each respondent's influence on each share can be written down (linearisation).

Source: Johnson (2000), "A heuristic method for estimating the relative weight of predictor variables in multiple
regression", Multivariate Behavioral Research 35, 1-19; Genizi (1993), Statistica Sinica 3, 407-420, has the same
measure. Särndal, Swensson and Wretman (1992), §5.5, for the linearisation. Tests hold it against a slow loop, a
jackknife and R.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]
Reason = Literal["", "no_answers", "no_variation", "collinear", "no_influence"]

# Below the first eigenvalue predictors say the same thing but for noise; below this part nothing is explained.
_LEAST_EIGENVALUE, _LEAST_EXPLAINED = 1e-3, 1e-9
_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class RelativeWeights:
    """The shares of P predictors in what all of them explain of an outcome.

    Attributes:
        shares: (P,), none negative, together one; empty where there are none.
        r_squared: the part of the outcome's variance that all explain together, 0 to 1.
        n_pairs: the fewest rows in which any two of the predictors and the outcome are both there.
        influence: (n, P), weighted: the variance of a share is that of the total of its column under the design.
        reason: why there are no shares; "" where there are.
    """

    shares: Floats
    r_squared: float
    n_pairs: int
    influence: Floats
    reason: Reason = ""


@dataclass(frozen=True, slots=True)
class _Moments:
    """The correlations (Q, Q), each from the rows where both are there, and what they were made of."""

    correlations: Floats
    weights: Floats
    means: Floats
    variances: Floats


def relative_weights(predictors: Floats, outcome: Floats, weights: Floats) -> RelativeWeights:
    """The relative weights of the predictors, with the influence of each row on each of them.

    Arguments:
        predictors: (n, P), at least two of them, in any units; NaN where there is no answer.
        outcome: (n,), in any unit; NaN where there is no answer.
        weights: (n,), above 0.

    A row that lacks some answers takes part in the correlations of the others. Without shares where no two rows have
    some pair of answers, a column does not vary, predictors say the same, or nothing is explained.
    """
    values = np.column_stack([predictors, outcome])
    is_there = ~np.isnan(values)
    n_pairs = int((is_there.astype(np.float64).T @ is_there).min())
    if n_pairs < 2:
        return _without(values, n_pairs, "no_answers")
    # Sums of squares lose fewer digits about the middle.
    middle = np.nansum(values * weights[:, None], axis=0) / (is_there * weights[:, None]).sum(axis=0)
    filled = np.where(is_there, values - middle, 0.0)
    moments = _moments(filled, is_there.astype(np.float64), weights)
    if moments is None:
        return _without(values, n_pairs, "no_variation")
    correlations, with_outcome = moments.correlations[:-1, :-1], moments.correlations[:-1, -1]
    eigenvalues, axes = np.linalg.eigh(correlations)
    if eigenvalues[0] < _LEAST_EIGENVALUE:
        return _without(values, n_pairs, "collinear")
    # Johnson's two steps: the uncorrelated twins' coefficients, and how much of each twin is in each predictor.
    loadings = (axes * np.sqrt(eigenvalues)) @ axes.T
    inverse = (axes / np.sqrt(eigenvalues)) @ axes.T
    coefficients = inverse @ with_outcome
    explained = loadings**2 @ coefficients**2
    r_squared = float(explained.sum())
    if r_squared < _LEAST_EXPLAINED:
        return _without(values, n_pairs, "no_influence")
    shares = explained / r_squared
    gradients = _gradients(eigenvalues, axes, loadings, inverse, coefficients, shares, r_squared)
    influence = _influence(filled, is_there, weights, moments, gradients)
    return RelativeWeights(shares, min(r_squared, 1.0), n_pairs, influence)


def _without(values: Floats, n_pairs: int, reason: Reason) -> RelativeWeights:
    n_predictors = values.shape[1] - 1
    return RelativeWeights(np.zeros(0), 0.0, n_pairs, np.zeros((len(values), n_predictors)), reason)


def _moments(filled: Floats, is_there: Floats, weights: Floats) -> _Moments | None:
    """The moments of each pair of columns over the rows that have both; None where a column does not vary there."""
    weighted = is_there * weights[:, None]
    together = is_there.T @ weighted
    means = (filled.T @ weighted) / together
    squares = ((filled**2).T @ weighted) / together
    variances = squares - means**2
    # What rounding leaves of answers that are all alike.
    if (variances <= 1e-12 * np.maximum(squares, 1e-300)).any():
        return None
    products = (filled.T @ (filled * weights[:, None])) / together
    correlations = (products - means * means.T) / np.sqrt(variances * variances.T)
    np.fill_diagonal(correlations, 1.0)
    return _Moments(correlations, together, means, variances)


def _gradients(
    eigenvalues: Floats,
    axes: Floats,
    loadings: Floats,
    inverse: Floats,
    coefficients: Floats,
    shares: Floats,
    r_squared: float,
) -> Floats:
    """What each share (P) gains from each correlation (P, Q, Q), which stand there twice, by half each; the outcome is
    the last.

    The square root S of a matrix changes by Q ((Q' dR Q) / (√λ_i + √λ_j)) Q'.
    """
    n = len(eigenvalues)
    by_roots = 1 / (np.sqrt(eigenvalues)[:, None] + np.sqrt(eigenvalues)[None, :])
    by_outcome = (2 * loadings**2 * coefficients) @ inverse
    raw = np.zeros((n, n + 1, n + 1))
    for k in range(n):
        through_root = -np.outer(by_outcome[k], coefficients)
        through_root[k] += 2 * loadings[k] * coefficients**2
        inside = axes @ ((axes.T @ through_root @ axes) * by_roots) @ axes.T
        raw[k, :n, :n] = (inside + inside.T) / 2
        raw[k, :n, n] = raw[k, n, :n] = by_outcome[k] / 2
    total = raw.sum(axis=0)
    gradients: Floats = (raw - shares[:, None, None] * total) / r_squared
    gradients[:, np.arange(n + 1), np.arange(n + 1)] = 0.0
    return gradients


def _influence(filled: Floats, is_there: Truths, weights: Floats, moments: _Moments, gradients: Floats) -> Floats:
    """The influence of each row on each share (n, P).

    A row's influence on the correlation of a and b is w / N (z_a z_b - r (z_a² + z_b²) / 2), its values standardised
    among the rows that have both.
    """
    one, other = np.triu_indices(filled.shape[1], 1)
    correlations = moments.correlations[one, other]
    deviations = np.sqrt(moments.variances)
    # Each correlation stands in the gradients twice, by half each.
    by_pair = (2 * gradients[:, one, other] / moments.weights[one, other]).T
    influence = np.empty((len(filled), len(gradients)))
    for rows in _chunks(len(filled)):
        x, there = filled[rows], is_there[rows]
        first = (x[:, one] - moments.means[one, other]) / deviations[one, other]
        second = (x[:, other] - moments.means[other, one]) / deviations[other, one]
        found = first * second - correlations / 2 * (first**2 + second**2)
        influence[rows] = np.where(there[:, one] & there[:, other], found, 0.0) @ by_pair
    return influence * weights[:, None]


def _chunks(n: int) -> Iterator[slice]:
    for start in range(0, n, _ROWS_AT_ONCE):
        yield slice(start, start + _ROWS_AT_ONCE)
