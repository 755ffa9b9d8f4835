"""An estimate: a number together with how sure it is, or the reason why there is none."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its standard error and interval, in the unit of the variable.

    Attributes:
        value, se, low, high: None where they cannot be computed; `reason` then says why.
        level: the confidence of the interval, between 0 and 1.
        method: how the interval was made, for example "t".
        df: degrees of freedom, PSUs minus strata of the domain.
        n: rows that answered.
        n_effective: rows a simple random sample would need for the same variance, n / deff.
        deff: variance over the variance of a simple random sample of the same size.
        reason: a code such as "no_answers" or "one_cluster"; None for a whole estimate.
    """

    value: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    method: str
    df: float | None
    n: int
    n_effective: float | None
    deff: float | None
    reason: str | None
