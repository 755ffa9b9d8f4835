"""How unequal the weights of each unit's respondents are: what a statistician looks at before trusting an interval.

The table is for those who hold the archive: no edition has it.
"""

from dataclasses import dataclass

import numpy as np

from analysis.archive import Archive
from analysis.estimation.weight_diagnostics import diagnose_weights
from analysis.release.plan import parse_plan
from analysis.release.quality_view import Truths, View, view_of
from analysis.release.rows import ALL, NO_ANSWERS, TOO_FEW_RESPONDENTS


@dataclass(frozen=True, slots=True)
class UnitWeightsRow:
    """The weights of a unit's `n` responses, or of all (`unit` "all").

    `people` is their sum, how many they stand for; `lowest`, `median` and `highest` are among them, `cv` is their
    coefficient of variation, `kish` 1 + cv² and `n_effective` n / kish. None with a reason where fewer respondents
    than the plan shows figures of, or none, have answered.
    """

    round: str
    unit: str
    n: int | None
    people: float | None
    lowest: float | None
    median: float | None
    highest: float | None
    cv: float | None
    kish: float | None
    n_effective: float | None
    suppressed: bool
    reason: str


def unit_weights(archive: Archive) -> tuple[UnitWeightsRow, ...]:
    """The weights of every unit of a sealed round, in the order of its units, and last of all together.

    Answers over an open link have no weight and are left out. Raises PlanError and DesignError as `compute_edition`.
    """
    view = view_of(archive, parse_plan(archive.contents.plan_source, "plan.yaml"))
    rows = [_row(view, unit, view.unit_of_row == place) for place, unit in enumerate(view.units)]
    return (*rows, _row(view, ALL, np.ones(len(view.unit_of_row), dtype=bool)))


def _row(view: View, unit: str, rows: Truths) -> UnitWeightsRow:
    weights = view.scored.weights[rows]
    n = len(weights)
    if n < view.fewest:
        reason = TOO_FEW_RESPONDENTS if n else NO_ANSWERS
        return UnitWeightsRow(
            view.slug, unit, None, None, None, None, None, None, None, None, suppressed=n > 0, reason=reason
        )
    found = diagnose_weights(weights)
    return UnitWeightsRow(
        round=view.slug,
        unit=unit,
        n=n,
        people=found.total,
        lowest=found.lowest,
        median=found.median,
        highest=found.highest,
        cv=found.cv,
        kish=found.kish,
        n_effective=found.n_effective,
        suppressed=False,
        reason="",
    )
