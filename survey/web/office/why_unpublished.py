"""What keeps a round's figures from being computed or published, in the words of an officer: keys of texts."""

from analysis.errors import AnalysisError, ArchiveError, DesignError, EditionError, PlanError
from survey.errors import HailongError, StoreUnavailable

# A reassurance or a warning first and then what to do. The first kind that fits is told.
Reasons = tuple[str, tuple[str, ...]]
NOTHING_IS_LOST = "failed_nothing_lost"
MARGINS: Reasons = ("failed_margins", (NOTHING_IS_LOST, "failed_margins_1", "failed_design_again"))
DESIGN: Reasons = ("failed_design", (NOTHING_IS_LOST, "failed_design_1", "failed_design_again"))
ARCHIVE: Reasons = ("failed_archive", ("failed_archive_1", "failed_archive_2"))
GENERIC: Reasons = ("failed_generic", ())
_BY_KIND: tuple[tuple[type[Exception], Reasons], ...] = (
    (DesignError, DESIGN),
    (PlanError, ("failed_plan", (NOTHING_IS_LOST, "failed_plan_1", "failed_design_again"))),
    (ArchiveError, ARCHIVE),
    (EditionError, ("failed_edition", (NOTHING_IS_LOST, "failed_edition_1", "failed_edition_2"))),
    (AnalysisError, ("failed_analysis", (NOTHING_IS_LOST, "failed_analysis_1"))),
)


def why_unpublished(kind: type[Exception] | str, message: str) -> Reasons:
    """Why there are no figures; `kind` is the kind of the complaint, or its name as background work wrote it down."""
    if isinstance(kind, str):
        known = [found for found, _ in _BY_KIND] + [HailongError, StoreUnavailable]
        kind = next((found for found in known if found.__name__ == kind), Exception)
    # Both are a DesignError; a known total that nothing meets is named as a margin of the design.
    if issubclass(kind, DesignError) and "margins" in message:
        return MARGINS
    # The use case itself has one complaint that is none of its kinds: the archive is not the one that was sealed.
    if kind is HailongError:
        return ARCHIVE
    return next((reasons for known_kind, reasons in _BY_KIND if issubclass(kind, known_kind)), GENERIC)
