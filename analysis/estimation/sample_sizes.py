"""How many people to ask: the rule of the circulars, and the honest one, which knows what a design costs.

Both are forward rules (people → number to ask); `half_width` is the way back, from a number of answers to what may be
said of them.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from analysis.errors import DesignError

# The rule of the circulars is Yamane's: e is taken for half the width of an interval of 95 % of a share of one half.
CIRCULAR_MARGIN = 0.05


@dataclass(frozen=True, slots=True)
class Precision:
    """What is wanted of an estimate of a mean, and what is expected of the fieldwork.

    Arguments:
        margin: half the width of the interval, in the unit of the mean (0.05 is five points of a share); above 0.
        level: the confidence of the interval, between 0 and 1.
        share: the expected share, when the mean is one; None where `sd` is given.
        sd: the expected standard deviation between people, in the unit of the mean; None where `share` is given.
        deff: the design effect, how many times the variance is that of a simple random sample; above 0.
        icc: how alike neighbours of a cluster are (intra-class correlation, -1 to 1); with `per_cluster` it gives the
            design effect of clusters, which `deff` then multiplies.
        per_cluster: the answers in a cluster, 1 or more; wanted with `icc`.
        fpc: whether a sample that takes a good part of the people counts as more precise for it.
        response: the share of those asked who answer, above 0 and at most 1.
    """

    margin: float = 0.05
    level: float = 0.95
    share: float | None = 0.5
    sd: float | None = None
    deff: float = 1.0
    icc: float | None = None
    per_cluster: float | None = None
    fpc: bool = True
    response: float = 1.0

    def __post_init__(self) -> None:
        _refuse_outside("margin", self.margin, 0, math.inf)
        _refuse_outside("level", self.level, 0, 1)
        if (self.share is None) == (self.sd is None):
            found = "both" if self.sd is not None else "neither"
            raise DesignError(f"size: found {found} of share and sd, expected one of them")
        if self.share is not None:
            _refuse_outside("share", self.share, 0, 1)
        if self.sd is not None:
            _refuse_outside("sd", self.sd, 0, math.inf)
        _refuse_outside("deff", self.deff, 0, math.inf)
        if (self.icc is None) != (self.per_cluster is None):
            lacking = "per_cluster" if self.per_cluster is None else "icc"
            raise DesignError(f"size: found no {lacking}, expected icc and per_cluster together")
        if self.icc is not None and not -1 <= self.icc <= 1:
            raise DesignError(f"size: icc: found {self.icc:g}, expected a number from -1 to 1")
        if self.per_cluster is not None and not 1 <= self.per_cluster < math.inf:
            raise DesignError(f"size: per_cluster: found {self.per_cluster:g}, expected 1 or more")
        if not 0 < self.response <= 1:
            raise DesignError(f"size: response: found {self.response:g}, expected above 0 and at most 1")
        _refuse_outside("the design effect", self.design_effect, 0, math.inf)

    @property
    def design_effect(self) -> float:
        """The design effect: `deff` times 1 + (m - 1) icc for clusters of m answers (Kish 1965, §5.4)."""
        if self.icc is None or self.per_cluster is None:
            return self.deff
        return self.deff * (1 + (self.per_cluster - 1) * self.icc)

    @property
    def variance(self) -> float:
        """The variance between people: sd², or p (1 - p)."""
        if self.sd is not None:
            return self.sd**2
        share = 0.5 if self.share is None else self.share
        return share * (1 - share)


@dataclass(frozen=True, slots=True)
class SampleSize:
    """How many answers are needed, and how many people must be asked for them.

    `answers` is the number of answers (not rounded) that gives the margin; `asked` whole people, `answers` over the
    expected response rounded up, never more than the people there are. `is_reached` is false where asking everybody
    is not enough.
    """

    answers: float
    asked: int
    is_reached: bool


def circular_size(population: int, margin: float = CIRCULAR_MARGIN) -> int:
    """The number to ask by the circulars: N / (1 + N e²), rounded up.

    It knows no clusters, no refusals, and takes everybody to agree as little as people can; e is half an interval of
    95 % of a share of one half (2 standard errors) in a simple random sample that everybody answers.

    Arguments:
        population: N, the people or transactions of the period; 1 or more.
        margin: e, above 0 and below 1.

    Raises DesignError for other arguments.
    Source: Yamane (1967), p. 886; Quyết định 1383/QĐ-BNV and its guidance.
    """
    _refuse_nobody(population)
    _refuse_outside("margin", margin, 0, 1)
    # A hair is taken off: 400 is 400, whatever the rounding of e² says.
    return min(population, math.ceil(population / (1 + population * margin**2) * (1 - 1e-12)))


def honest_size(population: int, wanted: Precision) -> SampleSize:
    """The number to ask for a margin that holds: with the design effect, the finite population and the response.

    With z the normal quantile, S² the variance between people and D the design effect, n₀ = z² D S² / margin², and
    with the finite population n = n₀ / (1 + n₀ / N). n / response people are asked.

    Arguments:
        population: N, the people there are; 1 or more.
        wanted: the precision.

    Raises DesignError where nobody is there.
    Source: Cochran (1977), §4.6-4.7; Kish (1965), §8.2.
    """
    _refuse_nobody(population)
    infinite = _quantile(wanted.level) ** 2 * wanted.design_effect * wanted.variance / wanted.margin**2
    answers = infinite / (1 + infinite / population) if wanted.fpc else infinite
    asked = max(1, math.ceil(answers / wanted.response * (1 - 1e-12)))
    return SampleSize(answers, min(asked, population), asked <= population)


def half_width(answers: float, population: int | None, wanted: Precision) -> float | None:
    """Half the width of the interval that so many answers give, in the unit of the mean; None where there are none.

    Arguments:
        answers: the answers that come in, not the people asked.
        population: the people there are; None where they are not known, and no finite population is counted with.
        wanted: level, variance, design effect and `fpc`; its margin is not looked at.

    The inverse of `honest_size`. Source: Cochran (1977), §4.6.
    """
    if answers <= 0:
        return None
    left = max(1 - answers / population, 0.0) if wanted.fpc and population else 1.0
    return _quantile(wanted.level) * math.sqrt(wanted.design_effect * wanted.variance * left / answers)


@lru_cache(maxsize=64)
def _quantile(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))


def _refuse_nobody(population: int) -> None:
    if population < 1:
        raise DesignError(f"size: found a population of {population}, expected 1 or more")


def _refuse_outside(name: str, number: float, low: float, high: float) -> None:
    if not low < number < high:
        expected = f"above {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
        raise DesignError(f"size: {name}: found {number:g}, expected a number {expected}")


# A share of one half with five points either way: what the circulars mean to give.
HALF_SHARE = Precision()
