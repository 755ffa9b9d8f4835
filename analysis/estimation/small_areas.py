"""Estimates of small areas: direct estimates drawn toward what covariates say, by how much each can be trusted.

direct = x β + v + e, where v varies between areas with an unknown variance σ² and e has a known sampling variance.

Source: Fay and Herriot (1979), "Estimates of income for small places"; Rao and Molina (2015), Small Area Estimation,
chapter 6; Prasad and Rao (1990), "The estimation of the mean squared error of small-area estimators"; Datta and Lahiri
(2000), "A unified measure of uncertainty of estimated best linear unbiased predictors in small area estimation
problems"; Datta, Rao and Smith (2005), "On measuring the variability of small area estimators under a basic area level
model"; DerSimonian and Laird (1986), "Meta-analysis in clinical trials". Golden: tests/golden/oracle (fay_herriot),
tests/golden/models.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from analysis.errors import DesignError
from analysis.estimation.least_squares import collinear_columns
from analysis.estimation.totals import Floats

AreaMethod = Literal["REML", "ML", "PM", "DL"]
AREA_METHODS: tuple[AreaMethod, ...] = get_args(AreaMethod)
_GRID = 80
_MOST_HALVINGS = 200


@dataclass(frozen=True, slots=True)
class AreaModel:
    """A fitted model of m areas and p coefficients.

    Attributes:
        variance: σ², between areas beyond the covariates, from 0; beta: (p,); covariance: of beta (p, p).
        values: the best predictor of each area (m,): its direct estimate and x β in the shares that the variances say;
            x β alone where there is no direct estimate.
        se: its standard error were σ² known, √(g1 + g2) (m,).
        mse: its mean squared error with what not knowing σ² adds, after Prasad and Rao (m,).
        share: of the direct estimate in each value (m,), 0 to 1.
    """

    variance: float
    beta: Floats
    covariance: Floats
    values: Floats
    se: Floats
    mse: Floats
    share: Floats


def fay_herriot(direct: Floats, sampling: Floats, covariates: Floats, method: AreaMethod = "REML") -> AreaModel:
    """The Fay-Herriot model.

    Arguments:
        direct: the direct estimates (m,), NaN for an area without one.
        sampling: their sampling variances (m,), above 0, taken as known; NaN where `direct` is.
        covariates: (m, p), the constant among them, nothing missing.
        method: how σ² is estimated: REML, ML, PM (the moments of Fay and Herriot, called Paule-Mandel elsewhere) or DL.

    Raises DesignError where a sampling variance is not above 0, covariates are collinear, or no more areas than
    coefficients have a direct estimate.
    """
    known = ~(np.isnan(direct) | np.isnan(sampling))
    y, psi, x = direct[known], sampling[known], covariates[known]
    m, p = x.shape
    if (psi <= 0).any():
        raise DesignError(f"fay_herriot: found the sampling variance {psi.min():g}, expected numbers above 0")
    if m <= p:
        raise DesignError(f"fay_herriot: found {m} areas with a direct estimate, expected more than {p} coefficients")
    if collinear_columns(x).any():
        raise DesignError("fay_herriot: found covariates that explain one another, expected each to say something new")
    found = _Areas(y, psi, x)
    variance = _between(found, method)
    beta, covariance = found.coefficients(variance)
    share = np.zeros(len(direct))
    share[known] = variance / (variance + psi)
    fixed = covariates @ beta
    of_beta = np.einsum("ij,jk,ik->i", covariates, covariance, covariates)
    values = fixed + share * np.where(known, direct - fixed, 0.0)
    g1 = np.where(known, share * np.nan_to_num(sampling), variance)
    g2 = (1 - share) ** 2 * of_beta
    spread, bias = _of_variance(found, variance, method)
    g3 = np.zeros(len(direct))
    g3[known] = psi**2 / (variance + psi) ** 3 * spread
    slope = np.where(known, (1 - share) ** 2, 1.0)
    mse = g1 + g2 + 2 * g3 - bias * slope
    return AreaModel(variance, beta, covariance, values, np.sqrt(g1 + g2), np.maximum(mse, g2), share)


@dataclass(frozen=True, slots=True)
class _Areas:
    """Areas with a direct estimate: y, its sampling variance psi (m,), covariates x (m, p)."""

    y: Floats
    psi: Floats
    x: Floats

    def coefficients(self, variance: float) -> tuple[Floats, Floats]:
        """β (p,) by generalised least squares, and its covariance (p, p)."""
        root = 1 / np.sqrt(variance + self.psi)
        orthogonal, triangle = np.linalg.qr(self.x * root[:, None])
        inverse = np.linalg.inv(triangle)
        return inverse @ (orthogonal.T @ (self.y * root)), inverse @ inverse.T

    def squares(self, variance: float) -> float:
        """Σ (y - x β)² / (σ² + ψ)."""
        return self._squares(variance, self.coefficients(variance)[0])

    def _squares(self, variance: float, beta: Floats) -> float:
        return float(np.sum((self.y - self.x @ beta) ** 2 / (variance + self.psi)))

    def likelihood(self, variance: float, *, restricted: bool) -> float:
        """The logarithm of the likelihood of σ², but for a constant."""
        beta, covariance = self.coefficients(variance)
        found = -(np.sum(np.log(variance + self.psi)) + self._squares(variance, beta)) / 2
        if restricted:
            found += np.linalg.slogdet(covariance)[1] / 2
        return float(found)

    def score(self, variance: float, *, restricted: bool) -> float:
        """The derivative of the likelihood by σ²."""
        weight = 1 / (variance + self.psi)
        beta, covariance = self.coefficients(variance)
        rest = self.y - self.x @ beta
        trace = float(weight.sum())
        if restricted:
            trace -= float(np.einsum("ij,jk,ik,i->", self.x, covariance, self.x, weight**2))
        return float((np.sum((weight * rest) ** 2) - trace) / 2)


def _between(areas: _Areas, method: AreaMethod) -> float:
    m, p = areas.x.shape
    if method == "DL":
        weight = 1 / areas.psi
        covariance = areas.coefficients(0.0)[1]
        trace = weight.sum() - np.einsum("ij,jk,ik,i->", areas.x, covariance, areas.x, weight**2)
        return max(0.0, float((areas.squares(0.0) - (m - p)) / trace))
    if method == "PM":
        return _root(lambda variance: areas.squares(variance) - (m - p), 0.0, _above(areas))
    is_restricted = method == "REML"
    # The likelihood may have more than one summit: the highest of a fine grid is climbed to its top.
    top = _above(areas)
    grid = np.concatenate([[0.0], np.geomspace(top * 1e-7, top, _GRID)])
    heights = [areas.likelihood(float(variance), restricted=is_restricted) for variance in grid]
    best = int(np.argmax(heights))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, _GRID)])
    return _root(lambda variance: areas.score(variance, restricted=is_restricted), low, high)


def _above(areas: _Areas) -> float:
    """A variance that is larger than any between the areas."""
    rest = areas.y - areas.x @ areas.coefficients(0.0)[0]
    return 10 * float(rest @ rest) + float(areas.psi.max())


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that falls through 0 does so; the lower end where it is not above 0 there."""
    if falling(low) <= 0:
        return low
    for _ in range(_MOST_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def _of_variance(areas: _Areas, variance: float, method: AreaMethod) -> tuple[float, float]:
    """The variance of the estimate of σ² in large samples, and its bias to the same order."""
    m, _ = areas.x.shape
    weight = 1 / (variance + areas.psi)
    if method in ("REML", "ML"):
        spread = 2 / float(np.sum(weight**2))
        if method == "REML":
            return spread, 0.0
        covariance = areas.coefficients(variance)[1]
        trace = float(np.einsum("ij,jk,ik,i->", areas.x, covariance, areas.x, weight**2))
        return spread, -trace / float(np.sum(weight**2))
    if method == "PM":
        total, square = float(weight.sum()), float(np.sum(weight**2))
        return 2 * m / total**2, 2 * (m * square - total**2) / total**3
    fixed = 1 / areas.psi
    covariance = areas.coefficients(0.0)[1]
    projector: npt.NDArray[np.float64] = np.diag(fixed) - (fixed[:, None] * areas.x) @ covariance @ (
        areas.x.T * fixed[None, :]
    )
    product = projector / weight[None, :]
    return 2 * float(np.sum(product * product.T)) / float(np.trace(projector)) ** 2, 0.0
