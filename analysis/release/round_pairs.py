"""Two rounds set side by side: what both are computed under, which of their figures compare, and who came from whom."""

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.archive import Archive
from analysis.errors import AnalysisError
from analysis.release.comparability import comparable_nodes
from analysis.release.computing import compute_edition
from analysis.release.lineage import Lineage, Registry, lineage_of
from analysis.release.plan import parse_plan
from analysis.release.round_sides import EARLIER, LATER, Side, side_of
from analysis.release.rows import EstimateRow
from questionnaires.model import Profile

__all__ = ["Registry", "RoundPair", "paired", "profile_of"]

STANDARDISED = "standardised"


@dataclass(frozen=True, slots=True)
class RoundPair:
    """Two rounds with everything that a change rests on. `published` are the rows by side, unit and node."""

    sides: Mapping[str, Side]
    profile: Profile
    comparable: frozenset[str]
    published: Mapping[tuple[str, str, str], EstimateRow]
    lineages: Mapping[str, Lineage]
    is_shared: bool

    @property
    def later(self) -> Side:
        """The later of the two rounds."""
        return self.sides[LATER]

    @property
    def slugs(self) -> tuple[str, str]:
        """The names of the earlier round and of the later."""
        first, second = (self.sides[side].archive.contents.facts.slug for side in (EARLIER, LATER))
        return first, second


def paired(earlier: Archive, later: Archive, registry: Registry) -> RoundPair:
    """Two rounds under the later one's profile, with the published figures of each under its own.

    Raises AnalysisError when they do not follow each other, or when one of them standardises its scores.
    """
    first, second = earlier.contents.facts, later.contents.facts
    if first.closes_on >= second.opens_on:
        raise AnalysisError(
            f"found {first.slug} until {first.closes_on} and {second.slug} from {second.opens_on}, expected the "
            "earlier round first, closed before the later one opened"
        )
    profile = profile_of(later)
    if STANDARDISED in (profile.formula, profile_of(earlier).formula):
        raise AnalysisError(
            f"{second.slug}: found a standardised profile in one of the rounds, expected one whose scores do not hang "
            "on the other units: a higher score may mean that the others fell"
        )
    sides = {EARLIER: side_of(earlier, profile), LATER: side_of(later, profile)}
    published = {
        (side, row.unit, row.node): row
        for side, archive in ((EARLIER, earlier), (LATER, later))
        for row in compute_edition(archive, published_on=first.closes_on, public_url=None).estimates
    }
    rated = {unit.code for unit in earlier.contents.units}
    between = (first.closes_on, second.opens_on)
    lineages = {
        unit.code: lineage_of(unit.code, rated, registry.successions, between, registry.parents)
        for unit in later.contents.units
    }
    comparable = comparable_nodes(earlier.questionnaire, sides[EARLIER].tree, later.questionnaire, sides[LATER].tree)
    return RoundPair(sides, profile, comparable, published, lineages, _share_psus(sides))


def profile_of(archive: Archive) -> Profile:
    """The scoring profile that the plan of a round names."""
    plan = parse_plan(archive.contents.plan_source, "plan.yaml")
    return archive.questionnaire.profile(plan.profile_for(archive.questionnaire))


def _share_psus(sides: Mapping[str, Side]) -> bool:
    """Whether the later round went to the PSUs of the earlier one, under the same labels."""
    first, second = sides[EARLIER], sides[LATER]
    if second.design.same_psus_as != first.archive.contents.facts.slug:
        return False
    are_alike = (
        first.design.clusters == second.design.clusters == ("psu",) and first.design.strata == second.design.strata
    )
    # Sealing gives PSUs new labels, so that nobody finds a household in them; then they cannot be told apart any more.
    return are_alike and all(side.archive.contents.coarsening.get("psus") != "redrawn" for side in sides.values())
