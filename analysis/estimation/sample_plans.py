"""A sampling plan: how many people are asked where, and how they and their clusters are drawn.

Every unit × stratum of the frame is a stratum of the sample. In each, clusters may be drawn in any number of stages
(districts, communes, villages; before July 2025 and after), and people within the last of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from analysis.estimation.allocation import Allocation
from analysis.estimation.sample_sizes import CIRCULAR_MARGIN, HALF_SHARE, Precision
from analysis.estimation.selection import Method

Level = Literal["unit", "stratum", "all"]
SizeRule = Literal["circular", "honest", "fixed"]


@dataclass(frozen=True, slots=True)
class FrameColumns:
    """What the columns of a frame mean; None where there is none. Each row of a frame is one person or transaction.

    `key` tells rows apart, `unit` is who is rated, `stratum` a part of the unit (or of the frame, without units).
    """

    key: str | None = None
    unit: str | None = None
    stratum: str | None = None


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many people are asked: in each unit, in each stratum, or in all together (`level`).

    `fixed` is a number, or one by unit or stratum. `precision` is what the honest size is for; it is also what the
    expected intervals are told by under the other rules.
    """

    level: Level = "unit"
    rule: SizeRule = "honest"
    circular_margin: float = CIRCULAR_MARGIN
    precision: Precision = HALF_SHARE
    fixed: int | Mapping[str, int] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Sharing:
    """How a number is shared out: the arguments of `allocate`. `sd` is a column of standard deviations."""

    rule: Allocation = "proportional"
    power: float = 0.5
    minimum: int = 0
    sd: str | None = None


@dataclass(frozen=True, slots=True)
class ClusterStage:
    """A stage at which clusters are drawn.

    Arguments:
        column: the column with the clusters' names; a name counts within its stratum and the cluster above.
        method: pps, srs or systematic.
        count: clusters in each stratum, or in each cluster of the stage above; None where `per` is given.
        per: at most so many people to ask in a cluster; the number of clusters follows.
        at_least: the fewest clusters, where there are so many.
        size: a column with the size measure, the same in all rows of a cluster; None counts the frame's rows.
        take: how the people are shared out among the drawn clusters: "equal" rounds up, so that all of them have the
            same number (everybody, where a cluster has fewer), "proportional" follows their people.
        order: "frame" as they appear, "name" by their names, "random".
        certainty: whether pps takes those for sure that are too large, or refuses them.
    """

    column: str
    method: Method = "pps"
    count: int | None = None
    per: int | None = None
    at_least: int = 2
    size: str | None = None
    take: Literal["equal", "proportional"] = "equal"
    order: Literal["frame", "name", "random"] = "frame"
    certainty: Literal["take", "refuse"] = "take"


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """Everything that decides a sample but its seed.

    `people` is how people are drawn in a stratum or in the last clusters; `sort` are columns that a systematic sample
    runs along. `lonely` says what happens where a stratum gets one PSU. `psu` says which stage's clusters are the
    design's: the first, whose variance is the right one and within which all weights must be the same, or the last.
    """

    columns: FrameColumns = FrameColumns()
    sizes: Sizes = Sizes()
    units: Sharing = Sharing()
    strata: Sharing = Sharing()
    stages: tuple[ClusterStage, ...] = ()
    people: Literal["srs", "systematic"] = "srs"
    sort: tuple[str, ...] = ()
    lonely: Literal["refuse", "warn"] = "refuse"
    psu: Literal["first", "last"] = "first"

    @property
    def named_columns(self) -> tuple[str, ...]:
        """Every column of the frame that the plan looks at."""
        columns = (self.columns.key, self.columns.unit, self.columns.stratum)
        staged = [name for stage in self.stages for name in (stage.column, stage.size)]
        named = (*columns, *staged, *self.sort, self.units.sd, self.strata.sd)
        return tuple(dict.fromkeys(name for name in named if name is not None))
