"""What a scorecard and a league hold: values and keys drawn from one edition, no sentences and no layout."""

from dataclasses import dataclass
from typing import Literal

from analysis.release.edition import Edition
from analysis.release.rows import PublicAccountingRow
from analysis.scorecards.expected import ExpectedRange
from analysis.scorecards.figures import Figure, ModuleBlock, NodeLine, Range
from analysis.scorecards.over_time import Change, PromiseLine, RoundPoint
from analysis.scorecards.priorities import ImportanceView, Priority
from analysis.scorecards.voices import SubgroupBlock, Theme
from questionnaires.model import Band, Option, Text

Tier = Literal["above", "not_different", "below"]


@dataclass(frozen=True, slots=True)
class Member:
    """A unit in its bloc. Without a rank it was not ranked: its index is not shown, or it is alone.

    `rank_low`..`rank_high` are the ranks of all units at once; of the unit that a scorecard is about they are its own
    (marginal) ones. `band` is what its index is called, `band_low` and `band_high` what the ends of the interval are
    called; None where the profile has no bands.
    """

    code: str
    name: Text
    figure: Figure
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    tier: Tier | None
    band: Band | None = None
    band_low: Band | None = None
    band_high: Band | None = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the answers to the item of one criterion spread over the options of its scale, worst first."""

    number: str
    short_label: Text
    shares: tuple[float, ...]
    n: int


@dataclass(frozen=True, slots=True)
class DistributionGroup:
    """The distributions that share one scale."""

    options: tuple[Option, ...]
    distributions: tuple[Distribution, ...]


@dataclass(frozen=True, slots=True)
class Participation:
    """How many took part: sheets of the unit (ratings where a sheet rates several units), and sheets sealed and
    invitations issued of the whole round.

    Invitations are counted for the round alone, because an archive says no more; `n_issued` is None when the round was
    collected elsewhere.
    """

    n_unit: int | None
    n_sealed: int
    n_issued: int | None

    @property
    def rate(self) -> float | None:
        """Sheets sealed for each invitation issued in the round, or None where invitations were not counted here."""
        return self.n_sealed / self.n_issued if self.n_issued else None


@dataclass(frozen=True, slots=True)
class Context:
    """What sets the figures of a unit in context; every part is empty or None where the edition does not have it.

    `priorities` are ordered by importance where `is_by_importance`, otherwise by what a criterion counts in the index.
    `change` is that of the index since the latest earlier round. `comments` are in `themes` only where they were asked
    for: no public document has them.
    """

    expected: tuple[ExpectedRange, ...] = ()
    priorities: tuple[Priority, ...] = ()
    is_by_importance: bool = False
    importance: ImportanceView | None = None
    trend: tuple[RoundPoint, ...] = ()
    change: Change | None = None
    themes: tuple[Theme, ...] = ()
    subgroups: tuple[SubgroupBlock, ...] = ()
    promises: tuple[PromiseLine, ...] = ()
    accounting: PublicAccountingRow | None = None


@dataclass(frozen=True, slots=True)
class Scorecard:
    """What one unit is shown about itself."""

    edition: Edition
    member: Member
    bloc_code: str
    bloc_name: Text
    scale: Range
    n_members: int
    participation: Participation
    members: tuple[Member, ...]
    n_hidden_members: int
    bloc_index: Figure
    factors: tuple[NodeLine, ...]
    lines: tuple[NodeLine, ...]
    strongest: tuple[NodeLine, ...]
    weakest: tuple[NodeLine, ...]
    is_compared: bool
    distributions: tuple[DistributionGroup, ...]
    modules: tuple[ModuleBlock, ...] = ()
    context: Context = Context()

    @property
    def n_ranked(self) -> int:
        """How many units of the bloc hold a rank."""
        return sum(member.rank is not None for member in self.members)

    @property
    def has_own_figures(self) -> bool:
        """True when the unit has an index, a factor or a criterion to show; otherwise its bloc's are shown."""
        return self.member.figure.is_shown or any(line.figure.is_shown for line in self.lines)

    @property
    def has_caution(self) -> bool:
        """True when any figure printed rests on few answers."""
        return any(figure.state == "caution" for figure in (self.member.figure, *(line.figure for line in self.lines)))


@dataclass(frozen=True, slots=True)
class League:
    """What is shown of a bloc: its ranked units from the first rank to the last, and those that could not be ranked."""

    edition: Edition
    bloc_code: str
    bloc_name: Text
    scale: Range
    bloc_index: Figure
    ranked: tuple[Member, ...]
    unranked: tuple[Member, ...]
    modules: tuple[ModuleBlock, ...] = ()

    @property
    def has_caution(self) -> bool:
        """True when the index of a ranked unit rests on few answers."""
        return any(member.figure.state == "caution" for member in self.ranked)

    def in_tier(self, tier: str) -> tuple[Member, ...]:
        """The ranked units of one tier, in the order of their ranks."""
        return tuple(member for member in self.ranked if member.tier == tier)
