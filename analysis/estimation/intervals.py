"""Where a variance becomes an interval; nothing else in the package turns one into the other."""

import math


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


def logit_interval(
    value: float, variance: float, df: float, bounds: tuple[float, float], level: float = 0.95
) -> tuple[float, float] | None:
    """The t interval of the logit of a value's place on its scale, taken back to the scale, which it never leaves.

    Arguments:
        value, variance, df, level: as for `t_interval`.
        bounds: the smallest and the largest value the estimate can have.

    Returns the two bounds, or None where a t interval has none. At an end of the scale, where a logit is infinite, it
    is the t interval, cut off at the ends.
    Source: R survey, svyciprop(method = "logit"), with the scale taken to 0..1.
    """
    plain = t_interval(value, variance, df, level)
    width = bounds[1] - bounds[0]
    place = (value - bounds[0]) / width
    if plain is None or not 0 < place < 1:
        return plain if plain is None else (max(plain[0], bounds[0]), min(plain[1], bounds[1]))
    centre = math.log(place / (1 - place))
    half = (plain[1] - value) / width / (place * (1 - place))
    low, high = (bounds[0] + width * _expit(centre + side * half) for side in (-1, 1))
    return low, high


def _expit(number: float) -> float:
    return 1 / (1 + math.exp(-number)) if number >= 0 else math.exp(number) / (1 + math.exp(number))


def t_quantile(probability: float, df: float) -> float:
    """The quantile of Student's t with `df` degrees of freedom; of the normal distribution when df is infinite."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(probability) if math.isinf(df) else stdtrit(df, probability))


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
