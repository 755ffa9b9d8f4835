"""Tail probabilities of weighted sums of squared normal numbers, over nothing or over an independent estimate of scale.

Let Q = Σ λ Z² with independent standard normal Z and weights λ, and F = Q / (X / m) with an independent χ² X of m
degrees of freedom. The statistics of Rao and Scott have these laws; with all weights alike they are χ² and F.

Source: Imhof (1961), "Computing the distribution of quadratic forms in normal variables"; Ruben (1962); Kuonen (1999),
"Saddlepoint approximations for distributions of quadratic forms in normal variables". Golden files:
tests/golden/proportions (the approximation); the exact ones meet χ² and F in the tests.
"""

import math

import numpy as np

from analysis.estimation.totals import Floats

_MOST_TERMS = 1_000
_AS_GOOD_AS_KNOWN = 1e9
_SMALLEST = 1e-15


def exact_tail(x: float, weights: Floats, df: float = math.inf) -> float:
    """P(F > x), or P(Q > x) where df is infinite; NaN where it cannot be found.

    Arguments:
        x: at least 0.
        weights: λ (m,), above 0.
        df: m, the degrees of freedom of the scale, above 0.
    """
    if x <= 0:
        return 1.0
    return (
        _ruben(x, weights)
        if math.isinf(df)
        else _imhof(np.append(weights, -x / df), np.append(np.ones_like(weights), df))
    )


def saddlepoint_tail(x: float, weights: Floats, df: float = math.inf) -> float:
    """The same tail by a saddlepoint, right to two or three digits.

    Near the mean, where the approximation has a gap, it is that of Satterthwaite, which matches two moments. A
    fractional df counts as the whole number below it, as in R.

    Arguments:
        x: at least 0.
        weights: λ (m,), above 0.
        df: m, the degrees of freedom of the scale, above 0; infinite: there is none.
    """
    if x <= 0:
        return 1.0
    if math.isinf(df):
        found = _lugannani_rice(x, weights)
    else:
        found = _lugannani_rice(0.0, np.append(weights, np.full(int(df), -x / df)))
    return _satterthwaite(x, weights, df) if math.isnan(found) else found


def _satterthwaite(x: float, weights: Floats, df: float) -> float:
    from scipy.special import chdtrc, fdtrc

    scale = float((weights**2).sum() / weights.sum())
    own_df = float(weights.sum() ** 2 / (weights**2).sum())
    if math.isinf(df):
        return float(chdtrc(own_df, x / scale))
    return float(fdtrc(own_df, df, x / scale / own_df))


def _ruben(x: float, weights: Floats) -> float:
    """A series of χ² tails with rising degrees of freedom."""
    from scipy.special import chdtrc

    m, smallest = len(weights), float(weights.min())
    shares = 1 - smallest / weights
    coefficients = [float(np.prod(np.sqrt(smallest / weights)))]
    sums: list[float] = []
    left, tail = 1 - coefficients[0], coefficients[0] * float(chdtrc(m, x / smallest))
    for k in range(1, _MOST_TERMS):
        sums.append(float((shares**k).sum()))
        coefficient = float(np.dot(sums[::-1], coefficients)) / (2 * k)
        coefficients.append(coefficient)
        tail += coefficient * float(chdtrc(m + 2 * k, x / smallest))
        left -= coefficient
        # What is left of the mixture multiplies tails of at most 1.
        if left < _SMALLEST:
            return min(max(tail, 0.0), 1.0)
    # Weights of very different size: a scale that is as good as known leads to the other integral.
    return _imhof(np.append(weights, -x / _AS_GOOD_AS_KNOWN), np.append(np.ones(m), _AS_GOOD_AS_KNOWN))


def _imhof(weights: Floats, degrees: Floats) -> float:
    """P(Σ λ χ² > 0) for weights of either sign, by inverting the characteristic function."""
    from scipy.integrate import quad

    weights = weights / float(np.abs(weights).max())

    def integrand(u: float) -> float:
        angle = 0.5 * float((degrees * np.arctan(weights * u)).sum())
        damping = 0.25 * float((degrees * np.log1p((weights * u) ** 2)).sum())
        return math.sin(angle) / u * math.exp(-damping)

    def of_inverse(v: float) -> float:
        return integrand(1 / v) / v**2

    # The full output is asked for because it comes without warnings; what is left of an error is far below a p value.
    near, far = (
        quad(part, 0.0, 1.0, limit=1000, epsabs=1e-12, epsrel=1e-10, full_output=1)[0]
        for part in (integrand, of_inverse)
    )
    return float(min(max(0.5 + (near + far) / math.pi, 0.0), 1.0))


def _lugannani_rice(x: float, weights: Floats) -> float:
    from scipy.optimize import brentq
    from scipy.special import ndtr

    size = float(weights.max())
    weights, x = weights / size, x / size
    rising = float(0.99999 / (2 * weights.max()))
    if (weights < 0).any():
        falling = float(0.99999 / (2 * weights.min()))
    else:
        falling = -0.01 if x > weights.sum() else -len(weights) / (2 * x)

    def slope(at: float) -> float:
        return float((weights / (1 - 2 * at * weights)).sum()) - x

    if slope(falling) > 0 or slope(rising) < 0:
        return math.nan
    at = float(brentq(slope, falling, rising, xtol=1e-14))
    if abs(at) < 1e-4:
        return math.nan
    cumulant = -0.5 * float(np.log(1 - 2 * at * weights).sum())
    curvature = 2 * float((weights**2 / (1 - 2 * at * weights) ** 2).sum())
    w = math.copysign(math.sqrt(2 * (at * x - cumulant)), at)
    v = at * math.sqrt(curvature)
    return float(ndtr(-(w + math.log(v / w) / w)))
