"""The figures of an edition as a workbook for people, with the names of units and nodes beside their codes."""

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from analysis.exporting.safe_cells import sheet_cell
from analysis.release.edition import MODULE_SEPARATOR, Edition
from analysis.release.row_files import column_names
from analysis.release.rows import ALL, BLOC_PREFIX, EstimateRow, RankRow
from questionnaires.model import Text

_EVERYBODY = Text("Tất cả", "All")
_NAMES = ("name_vi", "name_en")
_MOMENT = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z")


def estimates_xlsx(edition: Edition) -> bytes:
    """A workbook with the sheets estimates and ranks: the tables of the edition, each row with its unit's names in both
    languages and each node with its English label. No cell is a formula. The same edition gives the same bytes.
    """
    from openpyxl import Workbook

    names = _names(edition)
    labels = _english_labels(edition)
    workbook = Workbook(write_only=True)
    workbook.properties.title = edition.facts.title.vi
    columns = column_names(EstimateRow)
    rows: Iterable[tuple[object, ...]] = (
        (*(getattr(row, name) for name in columns), names[row.unit].vi, names[row.unit].en, labels[row.node])
        for row in edition.estimates
    )
    _add_sheet(workbook, "estimates", (*columns, *_NAMES, "label_en"), rows)
    columns = column_names(RankRow)
    rows = (
        (*(getattr(row, name) for name in columns), names[row.unit].vi, names[row.unit].en) for row in edition.ranks
    )
    _add_sheet(workbook, "ranks", (*columns, *_NAMES), rows)
    stream = io.BytesIO()
    workbook.save(stream)
    return without_clock(stream.getvalue(), edition.facts.closes_on)


def _names(edition: Edition) -> dict[str, Text]:
    blocs = {BLOC_PREFIX + unit.bloc_code: Text(unit.bloc_name, unit.bloc_name_en or unit.bloc_name)
             for unit in edition.units}  # fmt: skip
    return {**{unit.code: unit.name for unit in edition.units}, **blocs, ALL: _EVERYBODY}


def _english_labels(edition: Edition) -> dict[str, str]:
    asked = edition.questionnaire
    labels = {node.code: node.label.en for node in asked.nodes()}
    for module in asked.modules:
        labels |= {module.name + MODULE_SEPARATOR + node.code: node.label.en for node in module.nodes()}
    return labels


def _add_sheet(workbook: Any, title: str, columns: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    sheet = workbook.create_sheet(title)
    sheet.freeze_panes = "A2"
    sheet.append(columns)
    for row in rows:
        sheet.append([sheet_cell(sheet, value) for value in row])


def without_clock(workbook: bytes, day: date) -> bytes:
    """The workbook as if it had been saved on that day: the same figures are the same bytes whenever they are saved."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as found, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as steady:
        for name in found.namelist():
            content = found.read(name)
            if name == "docProps/core.xml":
                content = _MOMENT.sub(f"{day.isoformat()}T00:00:00Z".encode(), content)
            entry = zipfile.ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))
            steady.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
