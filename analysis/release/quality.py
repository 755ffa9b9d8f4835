"""The quality of a round's answers: flags by unit and channel, gaps between channels, and what flagged rows do.

Nothing is left out of any estimate because of a flag. The tables are for those who hold the archive: no edition has
them. Counts from 1 to below the plan's bound are hidden, and with them what would give them back.
"""

from dataclasses import dataclass, replace

import numpy as np

from analysis.archive import Archive
from analysis.coarsening import OTHER
from analysis.errors import AnalysisError
from analysis.estimation.quality import (
    DUPLICATE,
    FAST,
    FLAGS,
    ITEM_NONRESPONSE,
    LOW_VARIABILITY,
    STRAIGHT_LINE,
    TOO_QUICK,
    duplicated,
    hardly_varied,
    left_unanswered,
    speed_classes,
    straight_lined,
)
from analysis.release.plan import parse_plan
from analysis.release.quality_columns import n_asked_of
from analysis.release.quality_counts import quality_rows
from analysis.release.quality_effects import gap_rows, sensitivity_rows
from analysis.release.quality_rows import ANY, GapRow, QualityRow, SensitivityRow
from analysis.release.quality_view import Truths, View, view_of


@dataclass(frozen=True, slots=True)
class Quality:
    """The three tables. `gaps` are empty where no control channel is named, and where sealing left no answers with the
    name that the plan has for it: then that is `lost_control`, "" otherwise.
    """

    rows: tuple[QualityRow, ...]
    gaps: tuple[GapRow, ...]
    sensitivity: tuple[SensitivityRow, ...]
    control: str
    lost_control: str = ""


def examine_quality(archive: Archive, control: str = "") -> Quality:
    """What the rules find in a round's answers, and what it does to the units' indices.

    Arguments:
        archive: a sealed round.
        control: the channel that no rated unit has a hand in; "": the one its plan names, if any.

    Raises AnalysisError where nothing came through the channel that was asked for, PlanError and DesignError as
    `compute_edition`. A plan cannot know what sealing will have to join, so that its channel may be lost.
    """
    plan = parse_plan(archive.contents.plan_source, "plan.yaml")
    view = view_of(archive, plan)
    known = [name for name in view.channels if name != OTHER]
    if control and control not in known:
        names = ", ".join(repr(name) for name in known) or "none has a name of its own here"
        raise AnalysisError(
            f"control: found {control!r}, expected a channel of the archive: {names} (sealing calls one “{OTHER}” "
            "where a cell has fewer of its answers than k)"
        )
    planned = plan.quality.control
    lost = "" if control or planned in known else planned
    control = control or ("" if lost else planned)
    flags = _flags(view)
    return Quality(
        tuple(quality_rows(view, flags)),
        tuple(gap_rows(view, control)) if control else (),
        tuple(sensitivity_rows(view, flags)),
        control,
        lost,
    )


def _flags(view: View) -> dict[str, Truths]:
    """The rows (n,) of each flag, and of any."""
    columns, rules = view.columns, view.plan.quality.rules
    n = len(view.unit_of_row)
    nothing = np.zeros(n, dtype=bool)
    found: dict[str, Truths] = dict.fromkeys(FLAGS, nothing)
    found[ITEM_NONRESPONSE] = left_unanswered(columns.is_answered, columns.is_asked, rules)
    if columns.blocks and n:
        found[STRAIGHT_LINE] = straight_lined(columns.blocks, rules)
        found[LOW_VARIABILITY] = hardly_varied(columns.blocks, rules)
        # Copies may be spread over a unit or lie in one of its clusters: two looks, half the error for each.
        halved = replace(rules, level=(1 + rules.level) / 2)
        found[DUPLICATE] = duplicated(columns.blocks, view.unit_of_row, halved)
        found[DUPLICATE] = found[DUPLICATE] | duplicated(columns.blocks, view.psu_of_row, halved)
    if columns.seconds is not None:
        found[FAST] = speed_classes(columns.seconds, n_asked_of(columns), rules) == TOO_QUICK
    found[ANY] = np.any(list(found.values()), axis=0)
    return found
