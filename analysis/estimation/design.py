"""What is known of how a sample was drawn: the words a table needs beside it to be estimated from."""

from dataclasses import dataclass
from typing import Literal, get_args

from analysis.errors import DesignError

LonelyRule = Literal["fail", "remove", "adjust", "average", "certainty"]
LONELY_RULES: tuple[str, ...] = get_args(LonelyRule)


@dataclass(frozen=True, slots=True)
class SurveyDesign:
    """The columns that say how each row came into the sample, and the rule for strata with one PSU.

    Arguments:
        strata: columns whose combination is the first-stage stratum; empty: one stratum.
        clusters: one column a stage, the PSU first; empty: every row is its own PSU.
        fpc: one column a stage, population counts (all at least 1) or sampling fractions (all at most 1). A stage
            beyond the first enters the variance only when its column is given. Empty: with replacement.
        weight: the design weight, above 0; None: the weights that `fpc` implies, or 1 without it.
        nest: PSU labels start again in every stratum.
        lonely_psu: what a stratum with one PSU contributes. fail: nothing is estimated. certainty and remove:
            nothing. adjust: its distance from the whole sample. average: the mean of the other strata.
        adjust_domain_lonely: adjust and average also hold where a domain has one PSU of a stratum that has more.
        later_strata: the strata of the second and later stages, one column a stage; empty: none.

    Raises DesignError where these contradict each other.
    Source: Lumley (2004), "Analysis of complex survey samples", and svydesign of the R package survey.
    """

    strata: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    fpc: tuple[str, ...] = ()
    weight: str | None = None
    nest: bool = False
    lonely_psu: LonelyRule = "fail"
    adjust_domain_lonely: bool = False
    later_strata: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.lonely_psu not in LONELY_RULES:
            raise DesignError(f"lonely_psu: found {self.lonely_psu!r}, expected one of {', '.join(LONELY_RULES)}")
        if len(self.fpc) > self.n_stages:
            raise DesignError(f"fpc: found {len(self.fpc)} columns, expected at most {self.n_stages}, one a stage")
        if len(self.later_strata) > self.n_stages - 1:
            raise DesignError(
                f"strata: found {len(self.later_strata)} columns for later stages, expected at most {self.n_stages - 1}"
            )

    @property
    def n_stages(self) -> int:
        """The stages of the sample; rows that are their own PSUs are one stage."""
        return max(1, len(self.clusters))

    @property
    def n_variance_stages(self) -> int:
        """The stages that enter the variance: the first, and each further one whose population is known."""
        return max(1, len(self.fpc))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the design names, without repetition."""
        weight = () if self.weight is None else (self.weight,)
        return tuple(dict.fromkeys((*self.strata, *self.later_strata, *self.clusters, *self.fpc, *weight)))
