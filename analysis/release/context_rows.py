"""The rows that set a round's figures in context: what matters, who said it, and what was found before."""

from dataclasses import dataclass
from datetime import date

from questionnaires.model import Text

# How an importance is measured: the part of each node in what all nodes of its level tell of the outcome.
RELATIVE_WEIGHTS = "relative_weights"
# The outcome where a questionnaire asks for no overall satisfaction: the index itself.
INDEX_OUTCOME = "index"

# Why a trend is broken between an earlier round and this one.
BREAK_METHOD, BREAK_UNIT, BREAK_QUESTIONNAIRE = "method", "unit", "questionnaire"


@dataclass(frozen=True, slots=True)
class ImportanceRow:
    """How much of the differences between respondents' overall satisfaction goes with a node's score, in a bloc.

    `importance` lies between 0 and 1; those of all factors of a bloc add up to 1, and so do those of all its criteria.
    It is association and not effect. `outcome` is the item of overall satisfaction, or "index". `n` are the respondents
    with an answer to the outcome and to every node of the level; `r_squared` is the part of the differences that all
    nodes of the level go with together. None with a `reason` where there is none.
    """

    round: str
    bloc: str
    node: str
    outcome: str
    importance: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    method: str
    df: float | None
    n: int | None
    r_squared: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class SubgroupRow:
    """One node of a unit, a bloc (`bloc:CODE`) or all, among those who gave one answer to an item of the plan.

    The columns mean what they mean for an estimate; the scale is that of its node.
    """

    round: str
    unit: str
    item: str
    option: str
    node: str
    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    method: str
    df: float | None
    n: int | None
    suppressed: bool
    reason: str
    caution: bool


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """What an earlier round published of a unit, a bloc or all at a node, and whether it may be held against this one.

    `round`, `title` (Vietnamese), `opens_on` and `closes_on` (ISO dates) are the earlier round's. `predecessors` are
    the units of that round that the unit is made of, joined by +; where there are several the figure is their mean by
    people. `break_reason` says why a line through both is broken: "" where it is not, "method" (another formula, other
    weights, another way to total), "questionnaire" (other questions), "unit" (merged or split since). `is_comparable`
    figures have a change; those of merged units are, although their line is broken. `source` is the SHA-256 of the
    manifest of the edition that published the figure.
    """

    unit: str
    node: str
    round: str
    title: str
    opens_on: str
    closes_on: str
    predecessors: str
    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    df: float | None
    n: int | None
    is_comparable: bool
    break_reason: str
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class EarlierEdition:
    """An earlier round's edition that history and changes rest on. Editions are ordered by the opening of the round."""

    slug: str
    title: Text
    opens_on: date
    closes_on: date
    number: int
    published_on: date
    manifest_sha256: str
