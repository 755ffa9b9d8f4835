"""The design and the plan of a round: whether the files hold, and what they say in a few numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from questionnaires.model import Questionnaire, Text
from survey.errors import BadInput
from survey.labels import check_label, printable
from survey.round_records import RoundRecord, load_questionnaire_of
from survey.storage.stores import Stores

# Most commands about rounds need none of the statistics that these bring with them.
if TYPE_CHECKING:
    from analysis.release.plan import Plan
    from analysis.release.release_plan import ReleasePlan
    from analysis.release.round_design import RoundDesign

LARGEST_SOURCE = 1_000_000


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The bytes of a design or a plan and the name complaints give them."""

    content: bytes
    origin: str


@dataclass(frozen=True, slots=True)
class MarginOutline:
    """An item whose answers are calibrated to known totals: in so many units, or in the whole round where that is 0."""

    item: Text
    n_units: int


@dataclass(frozen=True, slots=True)
class DesignOutline:
    """A design in a few numbers; what it does not count is None.

    `n_people` are those who could be asked, `n_represented` those whom they stand for where PSUs were drawn with
    probabilities below 1. `uncounted` are units of the round whose people a design with counts leaves out: nobody can
    be invited there, or an answer from there would have no weight. `strange` are units it counts that are not rated.
    """

    label: str
    strata: tuple[str, ...]
    clusters: tuple[str, ...]
    n_strata: int | None
    n_cells: int
    n_people: int | None
    n_represented: int | None
    household: Text | None
    margins: tuple[MarginOutline, ...]
    has_fpc: bool
    uncounted: tuple[str, ...]
    strange: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanOutline:
    """What a plan says that an officer wants to see; `profile` is None where the questionnaire has no scoring rule."""

    version: str
    profile: Text | None
    aggregate: str
    level: float
    suppress_below: int
    coarsening_k: int
    uses_hard_data: bool
    release: "ReleasePlan"


@dataclass(frozen=True, slots=True)
class SourcesOutline:
    """The design and the plan of a round."""

    design: DesignOutline
    plan: PlanOutline


def read_source(path: Path) -> SourceFile:
    """The bytes of a design or plan file, at most a megabyte; BadInput when it is no ordinary file."""
    from survey.plain_files import read_plain_file

    return SourceFile(read_plain_file(path, LARGEST_SOURCE), str(path))


def checked_design(given: SourceFile | None, questionnaire: Questionnaire) -> tuple[bytes, "RoundDesign"]:
    """The design that was given, or the default one, once it suits the questionnaire; raises DesignError.

    A cell whose labels no invitation can bear is refused here: nobody could ever be invited to it.
    """
    from analysis.errors import DesignError
    from analysis.release.round_design import default_design_source, parse_design

    default = default_design_source(rates_several_units=questionnaire.rates_several_units)
    source = given or SourceFile(default, "design")
    design = parse_design(source.content, source.origin, questionnaire)
    for position, cell in enumerate(design.cells):
        for name, label in (("stratum", cell.stratum), ("psu", cell.psu)):
            try:
                is_as_stored = check_label(name, label) == label
            except BadInput as complaint:
                raise DesignError(f"{source.origin}: cells[{position}].{complaint}") from None
            if not is_as_stored:
                raise DesignError(
                    f"{source.origin}: cells[{position}].{name}: found “{printable(label)}” with spaces around it, "
                    "expected it without"
                )
    return source.content, design


def checked_plan(given: SourceFile | None, questionnaire: Questionnaire, *, has_counts: bool) -> tuple[bytes, "Plan"]:
    """The plan that was given, or the default one, once it suits the questionnaire; raises PlanError."""
    from analysis.errors import PlanError
    from analysis.release.plan import default_plan, parse_plan, plan_source, refuse_indiscreet
    from analysis.release.quality_rules import refuse_strange_duration

    source = given or SourceFile(plan_source(default_plan(questionnaire, has_population=has_counts)), "plan")
    plan = parse_plan(source.content, source.origin)
    refuse_indiscreet(plan, source.origin)
    try:
        if plan.profile or questionnaire.profiles:
            plan.profile_for(questionnaire)
        refuse_strange_duration(plan.quality, questionnaire)
    except PlanError as complaint:
        raise PlanError(f"{source.origin}: {complaint}") from None
    return source.content, plan


def outline_sources(
    design: "RoundDesign", plan: "Plan", questionnaire: Questionnaire, units: Sequence[str]
) -> SourcesOutline:
    """What a design and a plan say about a round of these units."""
    return SourcesOutline(_design_outline(design, questionnaire, units), _plan_outline(plan, questionnaire))


def sources_of_round(stores: Stores, record: RoundRecord) -> SourcesOutline:
    """What the design and the plan of a round say.

    Raises WrongState when its questionnaire is no longer as it was, AnalysisError when one of the two cannot be read.
    """
    return outline_sources(
        _design_of(record.design_source),
        _plan_of(record.plan_source),
        load_questionnaire_of(stores, record),
        record.unit_codes,
    )


# A design of some thousand cells takes a second to read, and a round's page is looked at again and again.
@lru_cache(maxsize=16)
def _design_of(source: bytes) -> "RoundDesign":
    from analysis.release.round_design import parse_design

    return parse_design(source, "design.yaml")


@lru_cache(maxsize=16)
def _plan_of(source: bytes) -> "Plan":
    from analysis.release.plan import parse_plan

    return parse_plan(source, "plan.yaml")


def _design_outline(design: "RoundDesign", questionnaire: Questionnaire, units: Sequence[str]) -> DesignOutline:
    counted = design.counted_units if design.has_counts else None
    n_represented = round(sum(cell.expanded for cell in design.cells))
    is_drawn = any(cell.probability < 1 for cell in design.cells)
    if design.has_counts:
        n_strata: int | None = len(design.stratum_people)
    else:
        n_strata = len(units) if design.strata == ("unit",) else None
    items = dict.fromkeys(margin.item for margin in design.margins)
    return DesignOutline(
        label=design.label,
        strata=design.strata,
        clusters=design.clusters,
        n_strata=n_strata,
        n_cells=len(design.cells),
        n_people=design.eligible_of_unit(""),
        n_represented=n_represented if is_drawn else None,
        household=questionnaire.item(design.household).text if design.household else None,
        margins=tuple(
            MarginOutline(
                questionnaire.item(item).text,
                sum(1 for margin in design.margins if margin.item == item and margin.unit),
            )
            for item in items
        ),
        has_fpc=design.fpc,
        uncounted=() if counted is None else tuple(unit for unit in units if unit not in counted),
        strange=() if counted is None else tuple(sorted(counted - set(units))),
    )


def _plan_outline(plan: "Plan", questionnaire: Questionnaire) -> PlanOutline:
    profile = questionnaire.profile(plan.profile_for(questionnaire)) if questionnaire.profiles else None
    return PlanOutline(
        version=plan.version,
        profile=None if profile is None else profile.label,
        aggregate=plan.aggregate,
        level=plan.level,
        suppress_below=plan.suppress_below,
        coarsening_k=plan.coarsening_k,
        uses_hard_data=profile is not None and profile.uses_hard,
        release=plan.release,
    )
