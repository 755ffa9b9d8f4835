"""The interval of a share from the likelihood of a binomial model, scaled by the design.

The deviance of the logit β against that of the estimate, over the dispersion, has a signed root τ(β); the interval is
where |τ| is at most t · √λ, and λ is the variance by the design over that of the model (Rao and Scott 1984).

R finds the ends by steps: τ on a grid, a cubic spline through it, and straight lines between points of the spline. The
same is done here, so that the digits are R's; where its grid does not reach far enough the equation itself is solved.

Source: Rao and Scott (1984); Venables and Ripley (2002), §7.2 (profiles); Forsythe, Malcolm and Moler (1977), ch. 4
(the spline); R survey 4.1, svyciprop(method = "likelihood"). Golden files: tests/golden/oracle.
"""

import math
from dataclasses import dataclass

import numpy as np

from analysis.estimation.intervals import t_quantile
from analysis.estimation.totals import Floats

_MOST_STEPS = 9
# Beyond this logit R's models have a share of the smallest number that differs from 0, or from 1.
_FURTHEST_LOGIT = 30.0
_MOST_ITERATIONS = 25
_POINTS = 3


@dataclass(frozen=True, slots=True)
class Fit:
    """A binomial model of a share with nothing but an intercept.

    Attributes:
        share: the estimate, above 0 and below 1; logit: the same on the scale of the model.
        variance: of the share by the design, above 0.
        weight: the sum of the answered rows' weights in the model.
        information: the inverse of the logit's variance by the model.
        dispersion: the variance of the Pearson residuals.
        n: rows of the model, above 1.
    """

    share: float
    logit: float
    variance: float
    weight: float
    information: float
    dispersion: float
    n: int

    @classmethod
    def of(cls, y: Floats, prior: Floats, variance: float, dispersion: float, n: int) -> "Fit":
        """The model of answers y (m,), 1 and 0, with weights `prior` (m,), fitted by the iterations of a GLM.

        The last iteration's weights belong to the estimate before the last, which shows in the seventh digit of R's
        interval; so they do here.

        Source: McCullagh and Nelder (1989), §2.5, with R's start and end (a deviance that changes by less than 1e-8).
        """
        weight, share = float(prior.sum()), float(prior @ y) / float(prior.sum())
        mu = (prior * y + 0.5) / (prior + 1)
        working = prior * mu * (1 - mu)
        logit = float(working @ (np.log(mu / (1 - mu)) + (y - mu) / (mu * (1 - mu)))) / float(working.sum())
        information, before = float(working.sum()), -2 * float(prior @ np.log(np.where(y == 1, mu, 1 - mu)))
        for _ in range(_MOST_ITERATIONS):
            fitted = _logistic(logit)
            deviance = -2 * weight * (share * math.log(fitted) + (1 - share) * math.log1p(-fitted))
            if abs(deviance - before) < 1e-8 * (abs(deviance) + 0.1):
                break
            information, before = weight * fitted * (1 - fitted), deviance
            logit += (share - fitted) / (fitted * (1 - fitted))
        return cls(share, logit, variance, weight, information, dispersion, n)

    @property
    def design_over_model(self) -> float:
        """λ, the variance of the logit by the design over that by the model."""
        return self.variance / (self.share * (1 - self.share)) ** 2 * self.information

    def root(self, logit: float) -> float:
        """τ: the signed root of the scaled deviance of another logit."""
        if abs(logit) > _FURTHEST_LOGIT:
            logit = math.copysign(-math.log(np.finfo(np.float64).eps), logit)
        # ln(1 + e^x) without overflow, of the logit and of its negative.
        rises = np.logaddexp(0.0, -logit) - np.logaddexp(0.0, -self.logit)
        falls = np.logaddexp(0.0, logit) - np.logaddexp(0.0, self.logit)
        deviance = 2 * self.weight * (self.share * rises + (1 - self.share) * falls)
        return math.copysign(math.sqrt(max(float(deviance) / self.dispersion, 0.0)), logit - self.logit)


def likelihood_interval(fit: Fit, df: float, level: float = 0.95) -> tuple[float, float] | None:
    """The interval of the share.

    Arguments:
        fit: the model.
        df: degrees of freedom of the design.
        level: confidence, above 0 and below 1.

    Returns the two bounds, or None where df is not above 0.
    """
    if not df > 0:
        return None
    distance = -t_quantile((1 - level) / 2, df) * math.sqrt(fit.design_over_model)
    if distance == 0:
        return fit.share, fit.share
    ends = [
        end if math.isfinite(end) else _solved(fit, sign * distance)
        for end, sign in zip(_by_steps(fit, distance), (-1, 1), strict=True)
    ]
    low, high = ends
    return _logistic(low), _logistic(high)


def _by_steps(fit: Fit, distance: float) -> tuple[float, float]:
    """Where the spline through R's grid is so far from the estimate; NaN where the grid ends before."""
    from scipy.special import ndtr

    # The root of an F quantile with one degree of freedom.
    furthest = -t_quantile(float(ndtr(-distance)) / 4, fit.n - 1)
    if not math.isfinite(furthest):
        return math.nan, math.nan
    logits, roots = _profile(fit, furthest)
    at = np.linspace(logits[0], logits[-1], _POINTS * len(logits))
    on_spline = spline(logits, roots, at)
    order = np.argsort(on_spline, kind="stable")
    low, high = np.interp([-distance, distance], on_spline[order], at[order], left=np.nan, right=np.nan)
    return float(low), float(high)


def _profile(fit: Fit, furthest: float) -> tuple[Floats, Floats]:
    """The logits of R's grid, rising, and their signed roots."""
    step = furthest / 5 * math.sqrt(fit.variance) / (fit.share * (1 - fit.share))
    found = [(0.0, fit.logit)]
    for sign in (-1, 1):
        root = 0.0
        for k in range(1, _MOST_STEPS + 1):
            if abs(root) >= furthest:
                break
            logit = fit.logit + sign * k * step
            root = fit.root(logit)
            found.append((root, logit))
    found.sort(key=lambda point: point[1])
    return np.array([logit for _, logit in found]), np.array([root for root, _ in found])


def _solved(fit: Fit, root: float) -> float:
    """The logit whose signed root is the given one."""
    from scipy.optimize import brentq

    width = 1.0
    while abs(fit.root(fit.logit + math.copysign(width, root))) < abs(root):
        if width > 4 * _FURTHEST_LOGIT:
            # All that is left is the end of the scale.
            return math.copysign(math.inf, root)
        width *= 2
    ends = sorted((fit.logit, fit.logit + math.copysign(width, root)))
    return float(brentq(lambda logit: fit.root(logit) - root, *ends, xtol=1e-13))


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else 1 - 1 / (1 + math.exp(logit))


def spline(x: Floats, y: Floats, at: Floats) -> Floats:
    """A cubic spline whose end pieces have the third derivative of the cubics through the four points at each end.

    Arguments:
        x: places of the points (m,), rising, at least four.
        y: their values (m,).
        at: where it is evaluated, from the first place to the last.

    Source: Forsythe, Malcolm and Moler (1977), §4.4.
    """
    from scipy.linalg import solve_banded

    h = np.diff(x)
    slopes = np.diff(y) / h
    m = len(x)
    # The unknowns are a sixth of the second derivatives; the inner equations are those of every cubic spline.
    bands = np.zeros((3, m))
    bands[0, 1:], bands[2, :-1] = h, h
    bands[1, 1:-1] = 2 * (h[:-1] + h[1:])
    bands[1, 0], bands[1, -1] = -h[0], -h[-1]
    right = np.zeros(m)
    right[1:-1] = np.diff(slopes)
    thirds = np.diff(np.diff(slopes) / (x[2:] - x[:-2])) / (x[3:] - x[:-3])
    right[0], right[-1] = h[0] ** 2 * thirds[0], -(h[-1] ** 2) * thirds[-1]
    bent = solve_banded((1, 1), bands, right)
    piece = np.clip(np.searchsorted(x, at, side="right") - 1, 0, m - 2)
    along = at - x[piece]
    first = slopes[piece] - h[piece] * (bent[piece + 1] + 2 * bent[piece])
    third = (bent[piece + 1] - bent[piece]) / h[piece]
    return np.asarray(y[piece] + along * (first + along * (3 * bent[piece] + along * third)), dtype=np.float64)
