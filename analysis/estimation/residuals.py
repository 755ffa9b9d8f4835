"""What calibration leaves of influence values: the part that the known totals do not already say.

The linearised variance of an estimate with calibrated weights is that of these residuals' total. What is taken out is
of low rank: with x the influence values of any number of estimates it is outer · (inner' x), so that it is found
without a second table of the size of x.

Source: Deville and Särndal (1992), §3; Särndal, Swensson and Wretman (1992), §6.6; R survey, svyrecvar. Golden files:
cal_*.json of tests/golden/oracle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

from analysis.estimation.codes import distinct
from analysis.estimation.totals import Floats, Integers

# Dense or sparse, (n, K) for any K.
Matrix: TypeAlias = Any
# R sweeps the margins so often when it takes the raked part out of influence values.
_SWEEPS = 10


@dataclass(frozen=True, slots=True)
class Projection:
    """One part that is taken out: x - outer (inner' x), both matrices (n, K)."""

    outer: Matrix
    inner: Matrix


@dataclass(frozen=True)
class Residuals:
    """A step of calibration, as the variance sees it: its projections in turn, `n_turns` times."""

    projections: tuple[Projection, ...]
    n_turns: int = 1

    @cached_property
    def _crossed(self) -> list[list[Floats]]:
        return [[_dense(one.inner.T @ other.outer) for other in self.projections] for one in self.projections]

    def coefficients(self, products: Sequence[Floats]) -> list[Floats]:
        """What of each projection's outer matrix is taken out (K, P), from inner' x of each (K, P)."""
        found = [np.zeros_like(product) for product in products]
        for _ in range(self.n_turns):
            for i, product in enumerate(products):
                left = product - sum(cross @ taken for cross, taken in zip(self._crossed[i], found, strict=True))
                found[i] = found[i] + left
        return found

    def of(self, influence: Floats) -> Floats:
        """The residuals (n, P) of influence values (n, P)."""
        left = influence
        for part, taken in taken_out((self,), influence):
            left = left - _dense(part.outer @ taken)
        return left


def taken_out(steps: Sequence[Residuals], influence: Matrix) -> list[tuple[Projection, Floats]]:
    """What the steps, one after the other, take out of influence values (n, P): the sum of outer · coefficients."""
    found: list[tuple[Projection, Floats]] = []
    for step in steps:
        products = []
        for part in step.projections:
            product = _dense(part.inner.T @ influence)
            for earlier, taken in found:
                product = product - _dense(part.inner.T @ earlier.outer) @ taken
            products.append(product)
        found += zip(step.projections, step.coefficients(products), strict=True)
    return found


def residual_totals(steps: Sequence[Residuals], influence: Matrix, group: Integers, n_groups: int) -> Floats:
    """The totals of the residuals of influence values (n, P) by group (n_groups, P), dense."""
    picked = sparse.csr_array((np.ones(len(group)), (group, np.arange(len(group)))), shape=(n_groups, len(group)))
    totals = _dense(picked @ influence)
    for part, taken in taken_out(steps, influence):
        totals = totals - _dense(picked @ part.outer) @ taken
    return totals


def post_stratified(stratum: Integers, before: Floats, after: Floats) -> Residuals:
    """Influence values without the mean of their post-stratum.

    Arguments:
        stratum: of each row (n,), -1 for none.
        before: the weights before (n,), which weight the mean.
        after: the weights after (n,).

    Source: Särndal, Swensson and Wretman (1992), §7.6; R survey, svyrecvar.
    """
    return Residuals((_centring(stratum, before, after),))


def raked(margins: Sequence[tuple[Integers, Floats]]) -> Residuals:
    """Influence values without the means of all margins, taken out in turn.

    R gives each row the same say in these means, whatever its weight, and takes ten turns; so do we.

    Arguments:
        margins: of each the category of each row (n,), -1 for none, and the weights after that margin was met (n,).

    Source: R survey, svyrecvar.
    """
    parts = tuple(_centring(codes, (weights != 0).astype(np.float64), weights) for codes, weights in margins)
    return Residuals(parts, _SWEEPS)


def regressed(matrix: Floats, weights: Floats, factors: Floats) -> Residuals:
    """Influence values without what a regression on the calibrated columns explains.

    Arguments:
        matrix: the columns (n, K), of which some may depend on others.
        weights: the weights before (n,), which weight the regression.
        factors: what they are multiplied by (n,).

    Source: Deville and Särndal (1992), equation 3.4; R survey, svyrecvar.
    """
    roots = np.sqrt(weights)
    basis, scale = orthonormal_basis(matrix * roots[:, None]), (factors * roots)[:, None]
    return Residuals((Projection(basis * scale, np.where(scale != 0, basis / np.where(scale != 0, scale, 1.0), 0.0)),))


def orthonormal_basis(matrix: Floats) -> Floats:
    """An orthonormal basis (n, r) of the columns, of which some may depend on others."""
    size = np.linalg.norm(matrix, axis=0)
    left, values, _ = np.linalg.svd(matrix[:, size > 0] / size[size > 0], full_matrices=False)
    found: Floats = left[:, values > 1e-10 * values.max(initial=0.0)]
    return found


def _centring(code: Integers, before: Floats, after: Floats) -> Projection:
    """Values less `after` times their category's mean of value / after, weighted by `before`."""
    rows = np.flatnonzero((code >= 0) & (after != 0))
    columns = distinct(code[rows])[1]
    shape = (len(code), int(columns.max(initial=-1)) + 1)
    sums = np.bincount(columns, weights=before[rows], minlength=shape[1])
    shares = before[rows] / after[rows] / sums[columns]
    outer = sparse.csr_array((after[rows], (rows, columns)), shape=shape)
    return Projection(outer, sparse.csr_array((shares, (rows, columns)), shape=shape))


def _dense(matrix: Matrix) -> Floats:
    return np.asarray(matrix.toarray() if sparse.issparse(matrix) else matrix, dtype=np.float64)
