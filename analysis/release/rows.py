"""The rows of an edition's tables, and the words in them."""

from dataclasses import dataclass

# The rows that are not a unit's: a bloc's, and the one for everybody.
BLOC_PREFIX = "bloc:"
ALL = "all"
ROOT = "index"
# The method of a figure that no survey stands behind: it has no sampling error.
HARD = "hard"

# Why there is no number. The first five hide one; for the others there is none.
TOO_FEW_RESPONDENTS = "too_few_respondents"
TOO_FEW_ANSWERS = "too_few_answers"
DOMINANCE = "dominance"
ANSWERS_ALIKE = "answers_alike"
COMPLEMENTARY = "complementary"
NO_ANSWERS = "no_answers"
ONE_CLUSTER = "one_cluster"
NO_POPULATION = "no_population"
NO_HARD_DATA = "no_hard_data"
ONE_UNIT = "one_unit"
SAME_EXTREMES = "same_extremes"
NO_UNITS = "no_units"
# Why a difference is not tested: no other unit of the bloc is shown, or the unit's answers show no spread.
ALONE = "alone"
NO_SPREAD = "no_spread"
# Why a formula gives no index: no threshold suits the scales of all items, or a scale has no maximum above 0.
NO_THRESHOLD = "no_threshold"
NO_MAXIMUM = "no_maximum"


@dataclass(frozen=True, slots=True)
class EstimateRow:
    """One node of one unit, of a bloc (`bloc:CODE`) or of all, on the scale of its profile; None with a reason where
    there is none.

    Points from 0 to 100; under a standardised profile factors and criteria lie between 1 and 10 and the index between
    a tenth of its points and all of them. The nodes of a module have its name and a point before their codes. `n` is
    the respondents for an index and a factor, the answers for a criterion; it is None where it is hidden and for hard
    data. `weight` is the node's share in its parent, 1 for the root. `suppressed` rows had a number that is not shown.
    """

    round: str
    unit: str
    node: str
    label: str
    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    method: str
    df: float | None
    n: int | None
    n_effective: float | None
    deff: float | None
    suppressed: bool
    reason: str
    caution: bool
    weight: float | None


@dataclass(frozen=True, slots=True)
class RankRow:
    """A unit's place among the units of its bloc that have a published index.

    `rank` is by the rounded index, equal values share it. With confidence `level` the true ranks of all units of the
    bloc lie in their `rank_low`..`rank_high` at once; the unit's own, looked at alone, lies in `own_low`..`own_high`.
    `critical` and `own_critical` are the normal deviates that a difference between two units has to exceed for the one
    and for the other. `tier` compares the unit with the mean of the bloc's other units: above, not_different, below.
    Editions of former formats know no unit's own set and no critical values.
    """

    round: str
    bloc: str
    unit: str
    rank: int
    rank_low: int
    rank_high: int
    tier: str
    level: float
    method: str
    own_low: int | None = None
    own_high: int | None = None
    critical: float | None = None
    own_critical: float | None = None


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """A unit minus the mean of the other units of its bloc at a node, or the reason why there is no such number.

    `low`..`high` bound all differences of a family at once with confidence `level`; `p_adjusted` is Holm's in the same
    family: the index of all units of the bloc, the factors of one unit, or the criteria of one unit. `verdict` is
    higher, lower, not_different or not_tested.
    """

    round: str
    bloc: str
    unit: str
    node: str
    difference: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    df: float | None
    p: float | None
    p_adjusted: float | None
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class FormulaRow:
    """The index of a unit, a bloc or all by another formula than the edition's, on the same answers.

    `formula` is share (of the answers from `threshold` on), mean_of_maximum or rescaled; the points lie between 0 and
    100. A row is hidden exactly where the index itself is.
    """

    round: str
    unit: str
    formula: str
    threshold: float | None
    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    method: str
    df: float | None
    suppressed: bool
    reason: str
    caution: bool


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """What a unit, a bloc or all has more in the later of two rounds than in the earlier, at a node.

    `predecessors` are the units of the earlier round that it is held against, joined by +. `p_adjusted` is Holm's over
    the units at this node. `fixed_mode_…` is the change with the answers of both rounds weighted to one mix of
    channels. A number that cannot be told is None, with a reason.
    """

    earlier: str
    later: str
    unit: str
    predecessors: str
    node: str
    earlier_estimate: float | None
    later_estimate: float | None
    change: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    df: float | None
    p: float | None
    p_adjusted: float | None
    verdict: str
    method: str
    reason: str
    fixed_mode_change: float | None
    fixed_mode_se: float | None
    fixed_mode_low: float | None
    fixed_mode_high: float | None
    fixed_mode_reason: str


@dataclass(frozen=True, slots=True)
class PooledRow:
    """The mean of two rounds for a unit at a node, each round counting alike, or the reason why there is none."""

    earlier: str
    later: str
    unit: str
    predecessors: str
    node: str
    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    df: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class DistributionRow:
    """The weighted share, between 0 and 1, of an option among the `n` answers to an item of the index; None where
    suppressed.
    """

    round: str
    unit: str
    item: str
    option: str
    share: float | None
    n: int | None
    suppressed: bool


@dataclass(frozen=True, slots=True)
class PublicAccountingRow:
    """What is published of a unit's counts, or of the round's (`unit` "all"), all channels together.

    eligible ≥ issued ≥ spent = sealed + rejected. None where a count is not known, or so small that it is not shown, or
    where it would give such a one back.
    """

    unit: str
    channel: str
    eligible: int | None
    issued: int | None
    spent: int | None
    sealed: int | None
    rejected: int | None


@dataclass(frozen=True, slots=True)
class OpenLinkRow:
    """What those who answered over an open link said of a unit (or of "all" units that are shown) at a node.

    `mean` is unweighted, on the scale of the node, None with a `reason`; `n` are the respondents (ratings, where a
    ballot has several), None where they are too few to be told. It is no estimate of the unit's index: `method` says so
    in every row.
    """

    round: str
    unit: str
    node: str
    label: str
    mean: float | None
    n: int | None
    method: str
    suppressed: bool
    reason: str
