"""A round as the rules of quality look at it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.archive import Archive
from analysis.indices.trees import index_tree
from analysis.release.framing import SCORE, FramedResponses, frame_responses
from analysis.release.index_differences import ScoredRows
from analysis.release.node_estimates import owners_of_lonely_rows
from analysis.release.open_link import without_open_link
from analysis.release.plan import Plan
from analysis.release.quality_columns import QualityColumns, quality_columns
from analysis.release.round_design import parse_design
from analysis.release.rows import ALL
from analysis.row_groups import group_rows
from questionnaires.model import Profile

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A round as the rules look at it; `unit_of_row` and `channel_of_row` (n,) count from 0."""

    slug: str
    plan: Plan
    columns: QualityColumns
    scored: ScoredRows
    formula: str
    units: tuple[str, ...]
    channels: tuple[str, ...]
    unit_of_row: Integers
    channel_of_row: Integers
    psu_of_row: Integers
    lonely: frozenset[str]

    @property
    def fewest(self) -> int:
        """How many respondents a figure needs before it is shown."""
        return self.plan.suppress_below

    def cells(self) -> Iterator[tuple[str, Truths]]:
        """Each channel with its rows; first all of them."""
        yield ALL, np.ones(len(self.unit_of_row), dtype=bool)
        if len(self.channels) > 1:
            for place, channel in enumerate(self.channels):
                yield channel, self.channel_of_row == place

    def counts(self, rows: Truths) -> Integers:
        """How many of some rows (n,) each unit has (U,)."""
        return np.bincount(self.unit_of_row[rows], minlength=len(self.units))


def view_of(archive: Archive, plan: Plan) -> View:
    """The round of an archive, without what came over an open link."""
    # Nobody was drawn for an open link: its answers enter no index and are held against none.
    archive = without_open_link(archive)
    contents, questionnaire = archive.contents, archive.questionnaire
    design = parse_design(contents.design_source, "design.yaml")
    profile = questionnaire.profile(plan.profile_for(questionnaire))
    tree = index_tree(questionnaire, profile)
    is_standardised = profile.formula == "standardised"
    # Against other units nothing of one unit is linear; its rescaled mean tells what its rows do.
    scoring: Profile = replace(profile, formula="rescaled") if is_standardised else profile
    framed = frame_responses(contents, questionnaire, tree, scoring, design, plan)
    units = tuple(unit.code for unit in contents.units)
    unit_of_row = _places(contents.responses["unit"], units)
    channel_names = tuple(sorted(contents.responses["channel"].unique().to_pylist()))
    return View(
        slug=contents.facts.slug,
        plan=plan,
        columns=quality_columns(contents.responses, questionnaire, tree, plan.quality),
        scored=_scored_rows(framed, tree.items, tree.survey_coefficients[0], tree.reversed, unit_of_row, len(units)),
        formula=scoring.formula,
        units=units,
        channels=channel_names,
        unit_of_row=unit_of_row,
        channel_of_row=_places(contents.responses["channel"], channel_names),
        psu_of_row=group_rows(contents.responses, ("unit", "stratum", "psu")).group_of_row,
        lonely=frozenset(owners_of_lonely_rows(framed, "unit")),
    )


def _places(column: Any, names: Sequence[str]) -> Integers:
    encoded = column.combine_chunks().dictionary_encode()
    place_of = {name: place for place, name in enumerate(names)}
    places = np.array([place_of[name] for name in encoded.dictionary.to_pylist()], dtype=np.int64)
    found: Integers = places[encoded.indices.to_numpy()] if len(places) else np.zeros(0, dtype=np.int64)
    return found


def _scored_rows(
    framed: FramedResponses,
    items: Sequence[str],
    coefficients: Floats,
    is_reversed: Truths,
    unit_of_row: Integers,
    n_units: int,
) -> ScoredRows:
    scores = np.column_stack([framed.table[SCORE + item].to_numpy() for item in items])
    turned = is_reversed[: len(items)]
    return ScoredRows(
        table=framed.table,
        design=framed.design,
        scores=np.where(turned, framed.bounds[1] - scores, scores),
        weights=framed.weights,
        unit_of_row=unit_of_row,
        n_units=n_units,
        coefficients=coefficients / coefficients.sum(),
    )
