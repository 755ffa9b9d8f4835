"""The hard data that a round's profile counts: which figures are wanted, and what a file says of them."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.errors import AnalysisError
from analysis.release.hard_data import COLUMNS, HardData, parse_hard_data, written_anew
from analysis.release.plan import parse_plan
from questionnaires.model import Text
from survey.errors import BadInput
from survey.round_records import RoundRecord, load_questionnaire_of, units_of_round
from survey.storage.stores import Stores
from survey.units import UnitRecord

# How every workbook begins; no CSV file does.
_WORKBOOK = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Indicator:
    """A figure that a profile counts beside the answers."""

    code: str
    label: Text


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """The figures of one unit, in the order of the indicators; None where the file has none."""

    unit: UnitRecord
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a file of hard data says about a round."""

    data: HardData
    indicators: tuple[Indicator, ...]
    lines: tuple[UnitFigures, ...]

    @property
    def n_figures(self) -> int:
        """How many figures it has."""
        return len(self.data.rows)

    @property
    def n_missing(self) -> int:
        """How many it lacks: what counts them, and everything above that, will have a reason in place of a figure."""
        return len(self.lines) * len(self.indicators) - self.n_figures

    @property
    def n_without_source(self) -> int:
        """How many of its figures do not say where they are from."""
        return sum(1 for row in self.data.rows if not row.source)


def wanted_indicators(stores: Stores, record: RoundRecord) -> tuple[Indicator, ...]:
    """The figures that the profile of a round's plan counts beside the answers; none for most rounds.

    Raises WrongState when the questionnaire is no longer as it was, PlanError when the plan cannot be used.
    """
    questionnaire = load_questionnaire_of(stores, record)
    if not questionnaire.profiles:
        return ()
    profile = parse_plan(record.plan_source, "plan.yaml").profile_for(questionnaire)
    nodes = {node.code: node for node in questionnaire.nodes(profile) if node.hard}
    return tuple(Indicator(code, node.label) for code, node in nodes.items())


def read_figures(stores: Stores, record: RoundRecord, content: bytes, origin: str) -> Figures:
    """The figures in a CSV file or a workbook, each of a unit of the round and an indicator that its profile counts.

    A CSV file may be as a spreadsheet writes it, with a mark at its beginning and semicolons; of a workbook the first
    sheet is read. What is kept of either is `written_anew`. Raises AnalysisError that names the line of what does not
    fit.
    """
    indicators = wanted_indicators(stores, record)
    if content.startswith(_WORKBOOK):
        content = _csv_of(content, origin)
    data = parse_hard_data(written_anew(content), origin)
    units = units_of_round(stores, record)
    table = data.table([unit.code for unit in units], [indicator.code for indicator in indicators])
    lines = tuple(
        UnitFigures(unit, tuple(None if math.isnan(value) else value for value in values))
        for unit, values in zip(units, table.tolist(), strict=True)
    )
    return Figures(data, indicators, lines)


def _csv_of(workbook: bytes, origin: str) -> bytes:
    """The first sheet of a workbook as CSV; its lines are those of the sheet."""
    from survey.frame_files import table_of_texts

    try:
        table = table_of_texts(workbook, origin).table
    except BadInput as complaint:
        raise AnalysisError(str(complaint)) from None
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(zip(*(table[name].to_pylist() for name in table.column_names), strict=True))
    return stream.getvalue().encode()


def figures_form(
    stores: Stores, record: RoundRecord, indicators: Sequence[Indicator]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """A table to fill in: its columns, and a line for each figure that is wanted, its value and source left empty."""
    units = units_of_round(stores, record)
    return COLUMNS, [(unit.code, indicator.code, "", "") for unit in units for indicator in indicators]
