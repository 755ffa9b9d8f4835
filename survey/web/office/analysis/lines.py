"""What the pages of an analysis show of its results: one line a unit, in the language of the page."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.accounting import ALL as WHOLE
from analysis.accounting import OPEN_LINK, AccountingRow
from analysis.release.edition import Edition
from analysis.release.quality_rows import ANY, CHANGES, GAP, UNUSUAL, GapRow, QualityRow, SensitivityRow
from analysis.release.rows import ALL, BLOC_PREFIX, ROOT, DifferenceRow, EstimateRow, FormulaRow, RankRow
from analysis.release.unit_weights import UnitWeightsRow
from analysis.scorecards.charts import Scale, nice_bounds
from analysis.scorecards.figures import Figure, figure_of
from survey.analysis_runs import Results
from survey.web.pages import catalogue_of

# A rank's place across a drawing of 100, and how far its ends lie inside.
_ACROSS, _INSET = 100.0, 4.0


@dataclass(frozen=True, slots=True)
class EstimateLine:
    """A unit's figure at a node, with all that says how sure it is."""

    code: str
    name: str
    figure: Figure
    row: EstimateRow
    rank: RankRow | None
    difference: DifferenceRow | None


@dataclass(frozen=True, slots=True)
class BlocLines:
    """A bloc's units at a node, the highest figure first and those without one last, beside the bloc's own."""

    code: str
    name: str
    bloc: Figure
    lines: tuple[EstimateLine, ...]
    bounds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class WeightLine:
    """The weights of a unit, or of all (`code` "")."""

    code: str
    name: str
    row: UnitWeightsRow


@dataclass(frozen=True, slots=True)
class ResponseLine:
    """Who was asked and who answered, of a unit, of a channel or of the round; `rate` between 0 and 1."""

    code: str
    name: str
    counts: AccountingRow

    @property
    def rate(self) -> float | None:
        return self.counts.spent / self.counts.issued if self.counts.issued else None


@dataclass(frozen=True, slots=True)
class FormulaPlace:
    """A unit's index by one formula and its rank among the units of its bloc by it; None where it has none."""

    formula: str
    figure: Figure
    rank: int | None
    x: float | None


@dataclass(frozen=True, slots=True)
class FormulaLine:
    """A unit under the published formula and the others. `is_steady` is false where another formula gives it a rank
    outside of the ranks that it may hold by the published one.
    """

    code: str
    name: str
    figure: Figure
    rank: RankRow
    places: tuple[FormulaPlace, ...]
    is_steady: bool
    x: float
    x_low: float
    x_high: float


@dataclass(frozen=True, slots=True)
class FormulaBloc:
    """The units of a bloc under every formula; `reasons` say why a formula gives nothing."""

    code: str
    name: str
    formulas: tuple[str, ...]
    lines: tuple[FormulaLine, ...]
    reasons: tuple[tuple[str, str], ...]
    n_ranks: int


@dataclass(frozen=True, slots=True)
class FlagLine:
    """A row of one of the tables of quality, with the unit's name and the channel's."""

    code: str
    name: str
    channel: str
    row: QualityRow | GapRow | SensitivityRow


class Names:
    """What units and blocs are called in the language of the page; a code that nobody knows stays a code."""

    def __init__(self, edition: Edition, language: str) -> None:
        self._units = {unit.code: unit.name.in_language(language) for unit in edition.units}
        self._blocs = {
            unit.bloc_code: (unit.bloc_name_en if language == "en" else "") or unit.bloc_name for unit in edition.units
        }
        self._all = catalogue_of("office").text("analysis_all", language)

    def __getitem__(self, code: str) -> str:
        if code in (ALL, WHOLE, ""):
            return self._all
        bloc = code.removeprefix(BLOC_PREFIX)
        return self._blocs.get(bloc, bloc) if code != bloc else self._units.get(code, code)


def estimate_lines(edition: Edition, node: str, names: Names) -> tuple[BlocLines, ...]:
    """Every bloc's units at a node."""
    found = []
    ranks = {row.unit: row for row in edition.ranks} if node == ROOT else {}
    for code, _ in edition.blocs:
        members = [
            EstimateLine(
                unit.code,
                names[unit.code],
                figure_of(row),
                row,
                ranks.get(unit.code),
                edition.difference_of(unit.code, node),
            )
            for unit in edition.units_of(code)
            if (row := _row(edition, unit.code, node)) is not None
        ]
        own = _row(edition, BLOC_PREFIX + code, node)
        bloc = figure_of(own) if own is not None else Figure(None, None, None, None, "absent", "")
        members.sort(key=lambda line: (line.figure.value is None, -(line.figure.value or 0.0), line.name))
        bounds = _bounds([bloc, *(line.figure for line in members)], edition.scale_of(node))
        found.append(BlocLines(code, names[BLOC_PREFIX + code], bloc, tuple(members), bounds))
    return tuple(found)


def weight_lines(results: Results, names: Names) -> tuple[tuple[WeightLine, ...], WeightLine | None]:
    """The units' weights, the most unequal first and those that are not told last, and those of all."""
    lines = [WeightLine("" if row.unit == ALL else row.unit, names[row.unit], row) for row in results.weights]
    units = sorted(
        (line for line in lines if line.code),
        key=lambda line: (line.row.kish is None, -(line.row.kish or 0.0), line.name),
    )
    return tuple(units), next((line for line in lines if not line.code), None)


def response_lines(
    rows: Sequence[AccountingRow], names: Names, channels: Mapping[str, str]
) -> tuple[tuple[ResponseLine, ...], tuple[ResponseLine, ...], ResponseLine | None]:
    """The units' counts, the lowest rate of answers first; the channels' over all units; and those of the round.

    An open link invites nobody, and has no rate.
    """
    units = [ResponseLine(row.unit, names[row.unit], row) for row in rows if row.channel == WHOLE and row.unit != WHOLE]
    units.sort(key=lambda line: (line.rate is None, line.rate or 0.0, line.name))
    by_channel: dict[str, AccountingRow] = {}
    for row in rows:
        if row.unit == WHOLE or row.channel in (WHOLE, OPEN_LINK):
            continue
        before = by_channel.get(row.channel, AccountingRow("", row.channel, None, 0, 0, None, None))
        by_channel[row.channel] = AccountingRow(
            "", row.channel, None, before.issued + row.issued, before.spent + row.spent, None, None
        )
    ways = tuple(ResponseLine("", channels.get(name, name), row) for name, row in sorted(by_channel.items()))
    whole = next((row for row in rows if row.unit == WHOLE and row.channel == WHOLE), None)
    return tuple(units), ways, None if whole is None else ResponseLine("", names[ALL], whole)


def formula_blocs(edition: Edition, names: Names) -> tuple[FormulaBloc, ...]:
    """Every bloc's units under the published formula and under each other that gives an index."""
    rows: dict[tuple[str, str], FormulaRow] = {(row.formula, row.unit): row for row in edition.formulas}
    formulas = tuple(dict.fromkeys(row.formula for row in edition.formulas))
    found = []
    for code, _ in edition.blocs:
        own = edition.ranks_of(code)
        members = [row.unit for row in own]
        given = tuple(
            formula for formula in formulas if any(_value(rows.get((formula, unit))) is not None for unit in members)
        )
        ranks = {
            formula: _ranked({unit: _value(rows.get((formula, unit))) for unit in members}, edition.plan.decimals)
            for formula in given
        }
        reasons = tuple(
            (formula, next((row.reason for (name, _), row in rows.items() if name == formula and row.reason), ""))
            for formula in formulas
            if formula not in given
        )
        lines = tuple(_formula_line(edition, rank, len(own), rows, ranks, names) for rank in own)
        found.append(FormulaBloc(code, names[BLOC_PREFIX + code], given, lines, reasons, len(members)))
    return tuple(found)


def unusual_lines(rows: Iterable[QualityRow], names: Names, channels: Mapping[str, str]) -> tuple[FlagLine, ...]:
    """The counts and means that are unusual, the least likely first."""
    found = [row for row in rows if row.verdict == UNUSUAL]
    found.sort(key=lambda row: (row.p_adjusted is None, row.p_adjusted or 0.0, row.unit, row.channel, row.measure))
    return tuple(_flag_line(row, row.channel, names, channels) for row in found)


def gap_lines(rows: Iterable[GapRow], names: Names, channels: Mapping[str, str]) -> tuple[FlagLine, ...]:
    """The gaps between a channel and the one that no unit has a hand in: of all units, and those of a unit that stand
    out.
    """
    found = [row for row in rows if row.unit == ALL or GAP in (row.verdict, row.excess_verdict)]
    return tuple(_flag_line(row, row.channel, names, channels) for row in found)


def sensitivity_lines(rows: Iterable[SensitivityRow], names: Names) -> tuple[FlagLine, ...]:
    """What leaving out all flagged answers of a unit would do to its index: those that change first, by how much."""
    chosen = [row for row in rows if row.left_out == ANY and row.difference is not None]
    chosen.sort(key=lambda row: (row.verdict != CHANGES, -abs(row.difference or 0.0), row.unit))
    return tuple(FlagLine(row.unit, names[row.unit], "", row) for row in chosen)


def _flag_line(row: QualityRow | GapRow, channel: str, names: Names, channels: Mapping[str, str]) -> FlagLine:
    return FlagLine(row.unit, names[row.unit], channels.get(channel, channel), row)


def _bounds(figures: Sequence[Figure], scale: tuple[float, float]) -> tuple[float, ...]:
    ends = [end for figure in figures for end in (figure.value, figure.low, figure.high) if end is not None]
    return nice_bounds(ends, floor_at=scale[0], ceiling_at=scale[1])


def _row(edition: Edition, owner: str, node: str) -> EstimateRow | None:
    try:
        return edition.row(owner, node)
    except KeyError:
        return None


def _value(row: FormulaRow | None) -> float | None:
    return None if row is None else row.estimate


def _ranked(values: Mapping[str, float | None], decimals: int) -> dict[str, int]:
    """The ranks by the rounded values, the highest first; equal ones share theirs."""
    rounded = {unit: round(value, decimals) for unit, value in values.items() if value is not None}
    ordered = sorted(-value for value in rounded.values())
    return {unit: 1 + bisect_left(ordered, -value) for unit, value in rounded.items()}


def _formula_line(
    edition: Edition,
    rank: RankRow,
    n_ranks: int,
    rows: Mapping[tuple[str, str], FormulaRow],
    ranks: Mapping[str, Mapping[str, int]],
    names: Names,
) -> FormulaLine:
    places = []
    for formula, by_unit in ranks.items():
        row, place = rows.get((formula, rank.unit)), by_unit.get(rank.unit)
        figure = (
            Figure(None, None, None, None, "absent", "")
            if row is None
            else Figure(row.estimate, row.low, row.high, None, "shown" if row.estimate is not None else "absent", "")
        )
        places.append(FormulaPlace(formula, figure, place, None if place is None else _across(place, n_ranks)))
    return FormulaLine(
        code=rank.unit,
        name=names[rank.unit],
        figure=figure_of(edition.row(rank.unit)),
        rank=rank,
        places=tuple(places),
        is_steady=all(place.rank is None or rank.rank_low <= place.rank <= rank.rank_high for place in places),
        x=_across(rank.rank, n_ranks),
        x_low=_across(rank.rank_low, n_ranks),
        x_high=_across(rank.rank_high, n_ranks),
    )


def _across(rank: int, n_ranks: int) -> float:
    """Where a rank stands, the first on the left."""
    return Scale(1.0, max(float(n_ranks), 2.0), _INSET, _ACROSS - _INSET).at(float(rank))
