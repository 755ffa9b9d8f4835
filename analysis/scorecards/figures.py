"""What may be printed of an estimate, and the lines of a scorecard: values and keys, no sentences and no layout."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from analysis.release.rows import HARD, NO_ANSWERS, EstimateRow
from analysis.scorecards.comparison import Verdict
from questionnaires.model import Node, Text

State = Literal["shown", "caution", "suppressed", "absent"]
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One estimate as far as it may be shown: without a value unless `state` is "shown" or "caution" (few answers).

    `is_hard` says that it comes from hard data alone: it has no interval then, and nobody was asked.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int | None
    state: State
    reason: str
    is_hard: bool = False

    @property
    def is_shown(self) -> bool:
        """True when there is a value to print."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class NodeLine:
    """A factor or a criterion of one unit beside its bloc; `difference` is unit minus bloc where both are shown.

    `scale` has the ends between which both lie. Under an `is_reversed` criterion much of what was asked about is bad
    and lowers the score. A hard criterion has `hard_value`, the figure behind the score, and where it comes from.
    """

    code: str
    number: str
    kind: str
    label: Text
    short_label: Text
    weight: float
    figure: Figure
    bloc: Figure
    difference: float | None
    verdict: Verdict
    scale: Range = (0.0, 100.0)
    is_reversed: bool = False
    hard_value: float | None = None
    hard_source: str = ""


@dataclass(frozen=True, slots=True)
class ModuleBlock:
    """What a module found, beside the index and never in it: its own index and the lines below it.

    `is_of_unit` tells that the figures are the unit's beside its bloc's; otherwise they are those of the whole round,
    because nobody knows of which unit they speak.
    """

    code: str
    title: Text
    model: Text
    label: Text
    root: NodeLine
    lines: tuple[NodeLine, ...]
    is_of_unit: bool

    @property
    def rows(self) -> tuple[NodeLine, ...]:
        """Its index and the lines below it."""
        return (self.root, *self.lines)


ABSENT = Figure(None, None, None, None, "absent", NO_ANSWERS)


def figure_of(row: EstimateRow) -> Figure:
    """What may be printed of a row: no value where it was suppressed or could not be computed."""
    if row.suppressed:
        return Figure(None, None, None, row.n, "suppressed", row.reason)
    if row.estimate is None:
        return Figure(None, None, None, row.n, "absent", row.reason)
    if row.method == HARD:
        return Figure(row.estimate, None, None, None, "shown", row.reason, is_hard=True)
    return Figure(row.estimate, row.low, row.high, row.n, "caution" if row.caution else "shown", row.reason)


def numbered(nodes: Sequence[Node], prefix: str = "") -> Iterator[tuple[str, Node]]:
    """Every node below the root with its number, such as 2.1, parents before their children."""
    for place, node in enumerate(nodes, start=1):
        number = f"{prefix}{place}"
        yield number, node
        yield from numbered(node.children, f"{number}.")


def most_decimals(values: Iterable[float | None]) -> int:
    """How many decimals show each of these numbers as it was written: 98 and 39.8 need one."""
    exponents = [Decimal(repr(float(value))).normalize().as_tuple().exponent for value in values if value is not None]
    return max((-exponent for exponent in exponents if isinstance(exponent, int) and exponent < 0), default=0)
