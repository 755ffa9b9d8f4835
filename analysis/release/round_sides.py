"""Two rounds side by side: the item means of each round's units with their covariance, under one profile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse

from analysis.archive import Archive
from analysis.estimation.design import SurveyDesign
from analysis.estimation.means import MeanSet, estimate_means
from analysis.indices.contrasts import effective_df
from analysis.indices.trees import IndexTree, index_tree
from analysis.release.framing import POPULATION, SCORE, STRATUM, WEIGHT, FramedResponses, frame_responses
from analysis.release.open_link import without_open_link
from analysis.release.plan import Plan, parse_plan
from analysis.release.round_design import RoundDesign, parse_design
from questionnaires.model import Profile

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_CELL, _PSU = "_cell", "_shared_psu"
EARLIER, LATER = "earlier", "later"
# Labels of people and places hold no control characters.
_SEPARATOR = "\x1f"
# As many sums at a time as keep their coefficients small.
SUMS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Side:
    """One of two rounds: its responses with scores under the profile that both are computed by."""

    archive: Archive
    plan: Plan
    design: RoundDesign
    tree: IndexTree
    framed: FramedResponses

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that its responses came by."""
        return tuple(sorted(self.archive.contents.responses["channel"].unique().to_pylist()))

    @property
    def people(self) -> Mapping[str, float | None]:
        """The people of each unit: as the design counts them, else as the registry does; None where neither knows."""
        counted: dict[str, float | None] = {unit.code: unit.population for unit in self.archive.contents.units}
        if self.design.has_counts and not self.design.crosses_units:
            weights = pa.table({"unit": self.framed.table["unit"], "people": pa.array(self.framed.weights)})
            sums = weights.group_by("unit", use_threads=False).aggregate([("people", "sum")])
            counted.update(zip(sums["unit"].to_pylist(), sums["people_sum"].to_pylist(), strict=True))
        return counted


def side_of(archive: Archive, profile: Profile) -> Side:
    """A round under a profile, which may be another version's. Raises AnalysisError as its plan and design deserve."""
    archive = without_open_link(archive)
    contents, questionnaire = archive.contents, archive.questionnaire
    plan = parse_plan(contents.plan_source, "plan.yaml")
    design = parse_design(contents.design_source, "design.yaml")
    known = {known.name: known for known in questionnaire.profiles}
    tree = index_tree(questionnaire, known.get(profile.name, known[questionnaire.default_profile]))
    return Side(archive, plan, design, tree, frame_responses(contents, questionnaire, tree, profile, design, plan))


@dataclass(frozen=True, slots=True)
class Term:
    """What a cell of one round counts for in a sum; a cell is a unit, or a unit and a channel."""

    side: str
    cell: str
    weight: float


@dataclass(frozen=True, slots=True)
class Sum:
    """A weighted sum of what some cells have at a node."""

    node: str
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A value with its variance and degrees of freedom, and the fewest answers to an item that any cell in it has."""

    value: float
    variance: float
    df: float
    fewest: int


@dataclass(frozen=True, slots=True)
class TwoRounds:
    """The item means of the cells of two rounds, independent or from the PSUs that both drew.

    `means` and `trees` are by side, one and the same mean set where PSUs are shared; `places` has the domain of each
    cell that somebody answered in.
    """

    means: Mapping[str, MeanSet]
    trees: Mapping[str, IndexTree]
    places: Mapping[tuple[str, str], int]
    are_independent: bool

    def knows(self, wanted: Sum) -> bool:
        """Whether every item under the node was answered in all cells of a sum."""
        return all((term.side, term.cell) in self.places and self._fewest(term, wanted.node) for term in wanted.terms)

    def found(self, sums: Sequence[Sum]) -> list[Found]:
        """The sums, all of which are known. Degrees of freedom are Satterthwaite's; where PSUs are shared they are the
        fewest of the terms'.
        """
        every: list[Found] = []
        for start in range(0, len(sums), SUMS_AT_ONCE):
            every.extend(self._batch(sums[start : start + SUMS_AT_ONCE]))
        return every

    def _batch(self, sums: Sequence[Sum]) -> list[Found]:
        matrices = {side: self._matrix(side, [(one.node, one.terms) for one in sums]) for side in self.means}
        values = sum(matrices[side] @ np.nan_to_num(means.means.ravel()) for side, means in self.means.items())
        if self.are_independent:
            variances = sum(means.variances_of(matrices[side]) for side, means in self.means.items())
        else:
            variances = self.means[LATER].variances_of(matrices[EARLIER] + matrices[LATER])
        single = [(one.node, (term,)) for one in sums for term in one.terms]
        parts = sum(means.variances_of(self._matrix(side, single)) for side, means in self.means.items())
        found, start = [], 0
        for r, one in enumerate(sums):
            own = np.maximum(np.asarray(parts)[start : start + len(one.terms)], 0.0)
            start += len(one.terms)
            df = np.array([max(float(self.means[t.side].df[self.places[t.side, t.cell]]), 1.0) for t in one.terms])
            freedom = float(effective_df(own, df, np.inf)) if self.are_independent else float(df.min())
            fewest = min(self._fewest(term, one.node) for term in one.terms)
            found.append(Found(float(np.asarray(values)[r]), float(np.asarray(variances)[r]), freedom, fewest))
        return found

    def _matrix(self, side: str, wanted: Sequence[tuple[str, Sequence[Term]]]) -> sparse.csr_array:
        """The coefficients (len(wanted), D * K) of what a side has in each sum."""
        tree, means = self.trees[side], self.means[side]
        at = self._columns(side)
        rows, columns, data = [], [], []
        for row, (node, terms) in enumerate(wanted):
            coefficients = tree.survey_coefficients[tree.codes.index(node)]
            items = np.flatnonzero(coefficients)
            for term in terms:
                if term.side == side:
                    rows.append(np.full(len(items), row))
                    columns.append(self.places[side, term.cell] * len(means.variables) + at[items])
                    data.append(term.weight * coefficients[items])
        shape = (len(wanted), len(means.domains) * len(means.variables))
        if not rows:
            return sparse.csr_array(shape)
        return sparse.csr_array((np.concatenate(data), (np.concatenate(rows), np.concatenate(columns))), shape=shape)

    def _columns(self, side: str) -> Integers:
        """The column of each item of a side's tree among the means."""
        position = {name: k for k, name in enumerate(self.means[side].variables)}
        return np.array([position[SCORE + item] for item in self.trees[side].items], dtype=np.int64)

    def _fewest(self, term: Term, node: str) -> int:
        tree, means = self.trees[term.side], self.means[term.side]
        items = np.flatnonzero(tree.survey_coefficients[tree.codes.index(node)])
        return int(means.n[self.places[term.side, term.cell], self._columns(term.side)[items]].min())


def two_rounds(earlier: Side, later: Side, *, by_channel: bool, shared: bool) -> TwoRounds:
    """The item means of both rounds by unit, or by unit and channel (`cell_of`).

    With `shared` a stratum and PSU of the one round is that of the same labels in the other, and errors are counted
    together. Both designs have clusters and no finite population then.
    """
    sides = {EARLIER: earlier, LATER: later}
    trees = {name: side.tree for name, side in sides.items()}
    tables = {name: _table(name, side, by_channel=by_channel) for name, side in sides.items()}
    if shared:
        parts = [_with_shared_psus(tables[name], side) for name, side in sides.items()]
        table = pa.concat_tables(parts, promote_options="default")
        design = SurveyDesign(strata=(STRATUM,), clusters=(_PSU,), weight=WEIGHT, nest=True, lonely_psu="certainty")
        joint = _means(table, design, sorted({SCORE + item for tree in trees.values() for item in tree.items}))
        means = dict.fromkeys(sides, joint)
    else:
        means = {
            name: _means(tables[name], side.framed.design, [SCORE + item for item in side.tree.items])
            for name, side in sides.items()
        }
    places = {}
    for name, found in means.items():
        for place, labels in enumerate(found.domains):
            side, _, cell = labels[0].partition(_SEPARATOR)
            if side == name:
                places[name, cell] = place
    return TwoRounds(means, trees, places, not shared)


def cell_of(unit: str, channel: str) -> str:
    """The cell of those who answered about a unit by a channel."""
    return unit + _SEPARATOR + channel


def _table(name: str, side: Side, *, by_channel: bool) -> pa.Table:
    table = side.framed.table
    units = table["unit"].to_pylist()
    channels = side.archive.contents.responses["channel"].to_pylist()
    cells = [cell_of(unit, channel) for unit, channel in zip(units, channels, strict=True)] if by_channel else units
    return table.append_column(_CELL, pa.array([name + _SEPARATOR + cell for cell in cells], pa.string()))


def _with_shared_psus(table: pa.Table, side: Side) -> pa.Table:
    (cluster,) = side.framed.design.clusters
    table = table.append_column(_PSU, table[cluster].cast(pa.string()))
    return table.select([name for name in table.column_names if name not in (POPULATION, "unit", "psu")])


def _means(table: pa.Table, design: SurveyDesign, variables: Sequence[str]) -> MeanSet:
    connection = ibis.duckdb.connect()
    try:
        # One thread adds up in one order, so that two archives give the same last digit every time.
        connection.raw_sql("SET threads = 1")
        connection.con.register("responses", table)
        return estimate_means(connection.table("responses"), design, variables, [_CELL], with_cross_squares=False)
    finally:
        connection.disconnect()
