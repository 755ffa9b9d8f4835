"""The tables of an analysis as files: every row and column that its pages show a part of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from analysis.accounting import AccountingRow
from analysis.release.edition import Edition
from analysis.release.quality_rows import GapRow, QualityRow, SensitivityRow
from analysis.release.rows import EstimateRow, FormulaRow, RankRow
from analysis.release.unit_weights import UnitWeightsRow
from survey.analysis_runs import Results
from survey.texts import Translate
from survey.web.office.analysis.lines import Names
from survey.web.office.tables_to_download import Column, Table
from survey.web.pages import catalogue_of
from survey.web.spreadsheets import Cell

PARTS = ("units", "weights", "response", "flags", "formulas")
# What every row of a table repeats, or what stands beside it in words.
_LEFT_OUT = frozenset({"round", "label"})
_WIDE = frozenset({"reason", "method", "node", "measure", "left_out"})


def tables_of(
    part: str, results: Results, response: Sequence[AccountingRow], names: Names, language: str
) -> tuple[Table, ...]:
    """The tables of a part of the results; the first is the one that a CSV file holds."""
    edition, quality = results.edition, results.quality
    labels, translate = _labels(edition, language), catalogue_of("office").translator(language)

    def table(name: str, rows: Sequence[object], kind: type[Any]) -> Table:
        return _table(name, rows, kind, names, labels, translate)

    if part == "units":
        return table("estimates", edition.estimates, EstimateRow), table("ranks", edition.ranks, RankRow)
    if part == "weights":
        return (table("weights", results.weights, UnitWeightsRow),)
    if part == "response":
        return (table("response", response, AccountingRow),)
    if part == "formulas":
        return (table("formulas", edition.formulas, FormulaRow),)
    gaps = (table("channel_gaps", quality.gaps, GapRow),) if quality.gaps else ()
    return table("quality", quality.rows, QualityRow), table("sensitivity", quality.sensitivity, SensitivityRow), *gaps


def _table(
    name: str, rows: Sequence[object], kind: type[Any], names: Names, labels: Mapping[str, str], translate: Translate
) -> Table:
    columns = [field.name for field in fields(kind) if field.name not in _LEFT_OUT]
    has_nodes = "node" in columns
    added: list[tuple[Column, Callable[[object], Cell]]] = [
        (Column(translate("analysis_col_name"), 36), lambda row: names[str(getattr(row, "unit", ""))])
    ]
    if has_nodes:
        added.append(
            (Column(translate("analysis_col_node"), 40), lambda row: labels.get(str(getattr(row, "node", "")), ""))
        )
    header = [column for column, _ in added] + [Column(column, 22 if column in _WIDE else 12) for column in columns]
    cells = [[*(find(row) for _, find in added), *(_cell(getattr(row, column)) for column in columns)] for row in rows]
    return Table(name, header, cells)


def _cell(value: object) -> Cell:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str | int):
        return value
    # NumPy's numbers are floats, too, and a workbook knows the plain ones alone.
    return float(value) if isinstance(value, float) else str(value)


def _labels(edition: Edition, language: str) -> dict[str, str]:
    nodes = {row.node: row.label for row in edition.estimates}
    if language == "en":
        nodes |= {node.code: node.label.en for node in edition.questionnaire.nodes()}
    return nodes
