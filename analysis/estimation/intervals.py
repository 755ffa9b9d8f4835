"""Where a variance becomes an interval; nothing else in the package turns one into the other."""

import math
from typing import Literal


def standard_error(variance: float) -> float | None:
    """The square root of a variance; None where the variance does not exist, 0 where rounding left it below 0."""
    return math.sqrt(max(variance, 0.0)) if math.isfinite(variance) else None


def t_interval(value: float, variance: float, df: float, level: float = 0.95) -> tuple[float, float] | None:
    """The interval value ± t · se, in the unit of `value`.

    Arguments:
        value: the estimate; not finite means missing.
        variance: its variance; not finite means missing.
        df: degrees of freedom; infinity gives the normal interval.
        level: confidence, above 0 and below 1.

    Returns the two bounds, or None where the value or the variance is missing or df is not above 0.
    Source: Särndal, Swensson and Wretman (1992), §2.11; R survey, confint(…, df = degf(design)).
    """
    se = standard_error(variance)
    if se is None or not math.isfinite(value) or math.isnan(df) or df <= 0:
        return None
    half = t_quantile((1 + level) / 2, df) * se
    return value - half, value + half


def t_quantile(probability: float, df: float) -> float:
    """The quantile of Student's t with `df` degrees of freedom; of the normal distribution when df is infinite."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(probability) if math.isinf(df) else stdtrit(df, probability))


def transformed_interval(
    value: float,
    variance: float,
    df: float,
    level: float = 0.95,
    bounds: tuple[float, float] = (0.0, 1.0),
    scale: Literal["logit", "arcsine"] = "logit",
) -> tuple[float, float] | None:
    """The t interval of a transformed value, carried back, so that it ends within the bounds.

    Arguments:
        value: an estimate that lies between two bounds, a share or an index.
        variance: its variance.
        df: degrees of freedom; infinity gives the normal interval.
        level: confidence, above 0 and below 1.
        bounds: the smallest and the largest value there can be.
        scale: "logit", ln(u / (1 - u)), or "arcsine", arcsin √u, of the part u of the way from bound to bound.

    Returns the two bounds; None where the value or the variance is missing, where df is not above 0, and where the
    value is a bound itself, at which neither scale has a standard error (see `unanimous_interval`).
    Source: Korn and Graubard (1998), "Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data"; R survey, svyciprop (xlogit, asin). Golden files: tests/golden/oracle.
    """
    share, se = (value - bounds[0]) / (bounds[1] - bounds[0]), standard_error(variance)
    if se is None or not 0 < share < 1:
        return None
    se = se / (bounds[1] - bounds[0])
    if scale == "logit":
        centre, slope = math.log(share / (1 - share)), 1 / (share * (1 - share))
    else:
        centre, slope = math.asin(math.sqrt(share)), 1 / (2 * math.sqrt(share * (1 - share)))
    interval = t_interval(centre, (se * slope) ** 2, df, level)
    if interval is None:
        return None
    # Beyond nought and a right angle the sine would turn back into the scale.
    ends = [_logistic(end) if scale == "logit" else math.sin(min(max(end, 0.0), math.pi / 2)) ** 2 for end in interval]
    return bounds[0] + ends[0] * (bounds[1] - bounds[0]), bounds[0] + ends[1] * (bounds[1] - bounds[0])


def logit_interval(
    value: float, variance: float, df: float, level: float = 0.95, bounds: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, float] | None:
    """`transformed_interval` on the logit scale."""
    return transformed_interval(value, variance, df, level, bounds, "logit")


def arcsine_interval(
    value: float, variance: float, df: float, level: float = 0.95, bounds: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, float] | None:
    """`transformed_interval` on the arcsine scale."""
    return transformed_interval(value, variance, df, level, bounds, "arcsine")


def discrete_interval(
    value: float,
    variance: float,
    n: float,
    df: float,
    level: float = 0.95,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> tuple[float, float] | None:
    """The interval of Clopper and Pearson with the effective number of answers, after Korn and Graubard.

    Arguments:
        value: a share, or an estimate between two bounds, which is taken as the share of the way.
        variance: its variance.
        n: rows, above 1; with `df` they say how much is known of the variance.
        df: degrees of freedom of the variance.
        level: confidence, above 0 and below 1.
        bounds: the smallest and the largest value there can be.

    The effective number is u (1 - u) / variance times (t(n - 1) / t(df))², with u the share. It is not held below n,
    as in R. A variance of 0 gives the value itself.

    Returns the two bounds; None where the value or the variance is missing, where df or n - 1 is not above 0, and where
    value and variance say that all answers were alike (0 / 0).
    Source: Korn and Graubard (1998); R survey, svyciprop (beta). Golden files: tests/golden/oracle.
    """
    from scipy.special import betaincinv

    width = bounds[1] - bounds[0]
    share, alpha = (value - bounds[0]) / width, 1 - level
    if not (0 <= share <= 1 and math.isfinite(variance) and n > 1 and df > 0):
        return None
    if variance <= 0:
        return (value, value) if 0 < share < 1 else None
    effective = share * (1 - share) / (variance / width**2)
    effective *= (t_quantile(alpha / 2, n - 1) / t_quantile(alpha / 2, df)) ** 2
    low = float(betaincinv(effective * share, effective * (1 - share) + 1, alpha / 2)) if effective * share else 0.0
    rest = effective * (1 - share)
    high = float(betaincinv(effective * share + 1, rest, 1 - alpha / 2)) if rest else 1.0
    return bounds[0] + low * width, bounds[0] + high * width


def _logistic(number: float) -> float:
    if number >= 0:
        return 1 / (1 + math.exp(-number))
    return math.exp(number) / (1 + math.exp(number))


def unanimous_interval(value: float, n: float, bounds: tuple[float, float], level: float = 0.95) -> tuple[float, float]:
    """The interval of a mean where all n independent answers are alike, so that no variance can be seen.

    Arguments:
        value: the answer they all gave.
        n: independent answers, above 0.
        bounds: the smallest and the largest value an answer can have.
        level: confidence, above 0 and below 1.

    With the confidence `level` at least the share (alpha / 2)^(1 / n) of the population would answer so; what the rest
    would answer is unknown and may lie anywhere between the bounds. At the end of a scale of two points this is the
    interval of Clopper and Pearson (1934).
    """
    share = ((1 - level) / 2) ** (1 / n)
    return value - (1 - share) * (value - bounds[0]), value + (1 - share) * (bounds[1] - value)
