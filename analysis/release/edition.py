"""An edition: what is published of a round, as one value.

`analysis.release.computing` makes one out of an archive, `analysis.release.edition_folder` writes and reads it; pages
and scorecards show what it says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from analysis.archive import ArchiveUnit, Counts, RoundFacts
from analysis.release.context_rows import EarlierEdition, HistoryRow, ImportanceRow, SubgroupRow
from analysis.release.disclosure_first_rules import FIRST_RULES
from analysis.release.fieldwork import Fieldwork
from analysis.release.plan import Plan
from analysis.release.rows import (
    ROOT,
    ChangeRow,
    DifferenceRow,
    DistributionRow,
    EstimateRow,
    FormulaRow,
    OpenLinkRow,
    PublicAccountingRow,
    RankRow,
)
from analysis.release.voice_rows import CommentRow, PromiseRow, ThemeRow
from questionnaires.model import Band, Profile, Questionnaire

# What stands between a module's name and the code of one of its nodes.
MODULE_SEPARATOR = "."
STANDARDISED_RANGE = (1.0, 10.0)


@dataclass(frozen=True)
class Edition:
    """Everything that pages and scorecards may say of a round. A correction is a new edition with a reason.

    `coverage` gives, for each bloc (`bloc:CODE`) and for `all`, the share of the population whose strata have
    responses; it is empty where the population is not known. `manifest` is `edition.json` as it was read, or empty
    before it is written.

    `questionnaire` is the host with its modules; `questionnaire_source` the host's file and `module_sources` theirs, in
    the same order. `hard_source` is the file of hard data that the figures rest on, or None. `accounting` has a row for
    each unit and one for the round (`all`); it is empty where invitations were not accounted for. `fieldwork` is None
    in editions that a former version wrote, and these have neither `differences` nor `formulas`. `open_link` is what
    was answered over an open link, which enters no other table; it is empty where nobody did.

    `importance`, `subgroups`, `history` and `changes` set the figures in context and are empty in editions of former
    formats; `earlier` are the editions of earlier rounds that history and changes rest on, the first round first.
    `themes`, `comments` and `promises` were handed in: no archive holds them.
    """

    facts: RoundFacts
    number: int
    reason: str | None
    published_on: date
    public_url: str | None
    questionnaire: Questionnaire
    questionnaire_source: bytes = field(repr=False)
    plan: Plan
    plan_source: bytes = field(repr=False)
    profile: str
    units: tuple[ArchiveUnit, ...]
    estimates: tuple[EstimateRow, ...]
    ranks: tuple[RankRow, ...]
    distributions: tuple[DistributionRow, ...]
    counts: Counts
    coverage: Mapping[str, float]
    archive_manifest_sha256: str
    manifest: Mapping[str, object] = field(default_factory=dict)
    module_sources: tuple[bytes, ...] = field(default=(), repr=False)
    hard_source: bytes | None = field(default=None, repr=False)
    accounting: tuple[PublicAccountingRow, ...] = ()
    fieldwork: Fieldwork | None = None
    differences: tuple[DifferenceRow, ...] = ()
    formulas: tuple[FormulaRow, ...] = ()
    open_link: tuple[OpenLinkRow, ...] = ()
    disclosure_rules: int = FIRST_RULES
    importance: tuple[ImportanceRow, ...] = ()
    subgroups: tuple[SubgroupRow, ...] = ()
    history: tuple[HistoryRow, ...] = ()
    changes: tuple[ChangeRow, ...] = ()
    themes: tuple[ThemeRow, ...] = ()
    comments: tuple[CommentRow, ...] = ()
    promises: tuple[PromiseRow, ...] = ()
    earlier: tuple[EarlierEdition, ...] = ()

    @property
    def blocs(self) -> tuple[tuple[str, str], ...]:
        """The code and the Vietnamese name of each bloc that has units, in the order of the units."""
        return tuple({unit.bloc_code: unit.bloc_name for unit in self.units}.items())

    def display_name(self, language: str) -> str:
        """What the index may be called: the model's own name only under a confirmed profile."""
        return self.questionnaire.display_name(self.profile, language)

    def profile_of(self, node_code: str) -> Profile:
        """The profile that scores a node: the edition's, or for a node of a module (`NAME.CODE`) that module's default.

        Raises KeyError when there is no module of this name.
        """
        module, separator, _ = node_code.partition(MODULE_SEPARATOR)
        if not separator:
            return self.questionnaire.profile(self.profile)
        for questionnaire in self.questionnaire.modules:
            if questionnaire.name == module:
                return questionnaire.profile(questionnaire.default_profile)
        raise KeyError(module)

    def scale_of(self, node_code: str = ROOT) -> tuple[float, float]:
        """The smallest and the largest value that a node can have: 0 to 100, or for a standardised one 1 to 10 and for
        its index a tenth of the points to all of them.
        """
        profile = self.profile_of(node_code)
        is_root = node_code.rpartition(MODULE_SEPARATOR)[2] == ROOT
        if profile.formula == "standardised" and not is_root:
            return STANDARDISED_RANGE
        return profile.lowest_points, profile.highest_points

    def band_of(self, value: float, node_code: str = ROOT) -> Band | None:
        """What an index of so many points is called, by the value as it is printed; None where its profile has no
        bands.
        """
        return self.profile_of(node_code).band_of(round(value, self.plan.decimals))

    def unit(self, code: str) -> ArchiveUnit:
        """The unit of this code; raises KeyError when the edition has none."""
        for unit in self.units:
            if unit.code == code:
                return unit
        raise KeyError(code)

    def units_of(self, bloc: str) -> tuple[ArchiveUnit, ...]:
        """The units of a bloc, in the order of the archive."""
        return tuple(unit for unit in self.units if unit.bloc_code == bloc)

    def rows_of(self, unit: str, module: str = "") -> tuple[EstimateRow, ...]:
        """The rows of a unit's code, of `bloc:CODE` or of `all`, parents before their children; empty for any
        other.

        They are those of the questionnaire's own index, or of the module of this name.
        """
        return tuple(row for (owner, node), row in self._rows.items() if owner == unit and _module_of(node) == module)

    def row(self, unit: str, node: str = ROOT) -> EstimateRow:
        """The row of a unit and a node; raises KeyError when there is none."""
        return self._rows[unit, node]

    def rank_of(self, unit: str) -> RankRow | None:
        """The unit's rank, or None when it has none."""
        return next((row for row in self.ranks if row.unit == unit), None)

    def ranks_of(self, bloc: str) -> tuple[RankRow, ...]:
        """The ranks of a bloc, best first."""
        return tuple(row for row in self.ranks if row.bloc == bloc)

    def difference_of(self, unit: str, node: str = ROOT) -> DifferenceRow | None:
        """How the unit differs from the others of its bloc at a node; None in editions of former formats."""
        return self._differences.get((unit, node))

    def distribution_of(self, unit: str, item: str) -> tuple[DistributionRow, ...]:
        """The shares of an item's options in a unit, in a bloc or in all, in the order of the options."""
        return self._distributions.get((unit, item), ())

    @cached_property
    def _rows(self) -> dict[tuple[str, str], EstimateRow]:
        return {(row.unit, row.node): row for row in self.estimates}

    @cached_property
    def _differences(self) -> dict[tuple[str, str], DifferenceRow]:
        return {(row.unit, row.node): row for row in self.differences}

    @cached_property
    def _distributions(self) -> dict[tuple[str, str], tuple[DistributionRow, ...]]:
        grouped: dict[tuple[str, str], list[DistributionRow]] = {}
        for row in self.distributions:
            grouped.setdefault((row.unit, row.item), []).append(row)
        return {key: tuple(rows) for key, rows in grouped.items()}


def _module_of(node_code: str) -> str:
    return node_code.partition(MODULE_SEPARATOR)[0] if MODULE_SEPARATOR in node_code else ""
