"""The open data of an edition: its tables in four formats, each column explained in both languages.

What is here is what the edition holds after disclosure control and what units promise, which stands on their pages
too; comments, which are for the unit and the office, are not given out.
"""

import io
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from threading import Lock
from typing import Any, get_args, get_type_hints

import yaml

from analysis.exporting.estimates_book import without_clock
from analysis.exporting.safe_cells import sheet_cell
from analysis.release.edition import Edition
from analysis.release.edition_folder import HARD_CSV
from analysis.release.edition_tables import COMMENTS_CSV, ESTIMATES_CSV, OPEN_LINK_CSV, TABLES
from analysis.release.row_files import rows_to_csv, rows_to_json, rows_to_parquet
from analysis.release.rows import EstimateRow
from questionnaires.model import Text
from survey.editions import OpenEdition
from survey.resources import bundled_dir

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
}
FORMATS = tuple(CONTENT_TYPES)
# What citizens wrote is for the unit and the office; what came over an open link is no estimate, and no page shows it.
KEPT_BACK = frozenset({OPEN_LINK_CSV, COMMENTS_CSV})
OPEN_TABLES = tuple(table for table in TABLES if table.name not in KEPT_BACK)
# Hard data are the file that was handed in, of which no other format is made.
HARD = "hard"
DATA_PACKAGE = "datapackage"
# A workbook is put together cell by cell: a table beyond this would hold up everybody else's pages.
MOST_SHEET_ROWS = 20_000
_KINDS = {str: "string", bool: "boolean", int: "integer", float: "number"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its kind (string, boolean, integer or number), whether it may be empty, what it means."""

    name: str
    kind: str
    may_be_empty: bool
    meaning: Text


@dataclass(frozen=True, slots=True)
class UnitLine:
    """A unit of the edition: the names behind its code."""

    unit: str
    name_vi: str
    name_en: str
    kind: str
    bloc: str
    bloc_name_vi: str
    bloc_name_en: str


@dataclass(frozen=True, slots=True)
class NodeEntry:
    """A node of the index or of a module (NAME.CODE): the labels behind its code, and what it is counted into."""

    node: str
    parent: str
    kind: str
    label_vi: str
    label_en: str
    weight: float
    item: str
    is_reversed: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table of open data: its rows, what they say, and the formats it is given out in."""

    name: str
    title: Text
    about: Text
    columns: tuple[Column, ...]
    rows: Sequence[Any]
    row_type: type[Any] | None
    formats: tuple[str, ...]

    @property
    def n_rows(self) -> int:
        """How many rows it has."""
        return len(self.rows)


def tables_of(opened: OpenEdition) -> tuple[Table, ...]:
    """The tables that an edition has, the names behind the codes first."""
    edition = opened.edition
    rows: dict[str, tuple[type[Any], Sequence[Any]]] = {
        "units": (UnitLine, _units_of(edition)),
        "nodes": (NodeEntry, _nodes_of(edition)),
    }
    rows |= {
        _stem(table.name): (table.kind, table.rows_of(edition)) for table in OPEN_TABLES if table.name in opened.hashes
    }
    tables = [made_table(name, kind, found) for name, (kind, found) in rows.items()]
    if HARD_CSV in opened.hashes:
        said = dictionary()["tables"][HARD]
        tables.append(Table(HARD, _text(said["title"]), _text(said["about"]), (), (), None, ("csv",)))
    return tuple(tables)


def file_titles() -> dict[str, Text]:
    """What each table of an edition that everybody may have is called, by the name of its file."""
    names = [_stem(table.name) for table in OPEN_TABLES]
    return {f"{name}.csv": _text(dictionary()["tables"][name]["title"]) for name in (*names, HARD)}


def unit_table(edition: Edition, unit: str) -> Table:
    """The estimates of one unit, as the edition's table has them."""
    return made_table(_stem(ESTIMATES_CSV), EstimateRow, edition.rows_of(unit))


def table_bytes(table: Table, file_format: str, opened: OpenEdition) -> bytes:
    """The table in a format that it is given out in; where the edition has that very file, its bytes.

    Raises KeyError for a format that the table has not, EditionError for a file that was changed since.
    """
    if file_format not in table.formats:
        raise KeyError(file_format)
    stored = opened.content(f"{table.name}.{file_format}") if table.row_type not in (UnitLine, NodeEntry) else None
    return stored if stored is not None else written(table, file_format, opened.edition)


def written(table: Table, file_format: str, edition: Edition) -> bytes:
    """The table's rows in a format; the same rows are the same bytes."""
    kind = table.row_type
    if kind is None:
        raise KeyError(file_format)
    if file_format == "xlsx":
        return _workbook(table, edition)
    write = {"csv": rows_to_csv, "json": rows_to_json, "parquet": rows_to_parquet}[file_format]
    content: bytes = write(table.rows, kind)
    return content


def data_package(opened: OpenEdition, tables: Sequence[Table]) -> bytes:
    """The description of all tables for programs: a Frictionless Data Package, its addresses those of this edition."""
    edition = opened.edition
    resources = []
    for table in tables:
        resource: dict[str, object] = {
            "name": table.name,
            "title": table.title.vi,
            "title_en": table.title.en,
            "description": table.about.vi,
            "description_en": table.about.en,
            "path": f"{table.name}.csv?edition={edition.number}",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "alternatives": [
                f"{table.name}.{kind}?edition={edition.number}" for kind in table.formats if kind != "csv"
            ],
        }
        if f"{table.name}.csv" in opened.hashes and table.row_type is not UnitLine:
            resource["hash"] = f"sha256:{opened.hashes[f'{table.name}.csv']}"
        if table.columns:
            resource["schema"] = {
                "fields": [
                    {
                        "name": column.name,
                        "type": column.kind,
                        "description": column.meaning.vi,
                        "description_en": column.meaning.en,
                        "constraints": {"required": not column.may_be_empty},
                    }
                    for column in table.columns
                ],
                "missingValues": [""],
            }
        resources.append(resource)
    package = {
        "profile": "tabular-data-package",
        "name": edition.facts.slug,
        "title": edition.facts.title.vi,
        "title_en": edition.facts.title.en,
        "version": str(edition.number),
        "created": edition.published_on.isoformat(),
        "contributors": [{"title": edition.facts.issuer.vi, "role": "publisher"}] if edition.facts.issuer.vi else [],
        "resources": resources,
    }
    return (json.dumps(package, ensure_ascii=False, indent=1) + "\n").encode()


class MadeFiles:
    """Files that were made of an edition, kept for the next reader; the oldest give way when there are too many."""

    def __init__(self, n_kept: int = 24, most_bytes: int = 32_000_000) -> None:
        self._n_kept, self._most_bytes = n_kept, most_bytes
        self._kept: OrderedDict[tuple[str, int, str, str], bytes] = OrderedDict()
        self._lock = Lock()

    def of(self, opened: OpenEdition, table: Table, file_format: str, part: str = "") -> bytes:
        """The table in a format, made once."""
        edition = opened.edition
        key = (edition.facts.slug, edition.number, part or table.name, file_format)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            content = written(table, file_format, edition) if part else table_bytes(table, file_format, opened)
            self._kept[key] = content
            while len(self._kept) > 1 and (
                len(self._kept) > self._n_kept or sum(map(len, self._kept.values())) > self._most_bytes
            ):
                self._kept.popitem(last=False)
            return content


@cache
def dictionary() -> Mapping[str, Any]:
    """What `templates/public/columns.yaml` says of tables and columns."""
    said: Mapping[str, Any] = yaml.safe_load((bundled_dir("templates") / "public" / "columns.yaml").read_bytes())
    return said


def made_table(name: str, kind: type[Any], rows: Sequence[Any]) -> Table:
    """A table of these rows, explained by the dictionary, in every format that holds so many."""
    said = dictionary()["tables"][name]
    formats = tuple(kind for kind in FORMATS if kind != "xlsx" or len(rows) <= MOST_SHEET_ROWS)
    return Table(name, _text(said["title"]), _text(said["about"]), columns_of(name, kind), rows, kind, formats)


def columns_of(name: str, kind: type[Any]) -> tuple[Column, ...]:
    """The columns of a table with their meanings; raises KeyError for one that the dictionary does not explain."""
    shared, own = dictionary()["columns"], dictionary()["tables"][name].get("columns", {})
    hints = get_type_hints(kind)
    columns = []
    for column in fields(kind):
        hint = hints[column.name]
        options = [part for part in get_args(hint) if part is not type(None)]
        meaning = own.get(column.name) or shared[column.name]
        columns.append(Column(column.name, _KINDS[options[0] if options else hint], bool(options), _text(meaning)))
    return tuple(columns)


def _stem(file_name: str) -> str:
    return file_name.removesuffix(".csv")


def _text(said: Mapping[str, str]) -> Text:
    return Text(said["vi"], said["en"])


def _units_of(edition: Edition) -> tuple[UnitLine, ...]:
    return tuple(
        UnitLine(
            unit.code, unit.name.vi, unit.name.en, unit.kind,
            unit.bloc_code, unit.bloc_name, unit.bloc_name_en or unit.bloc_name,
        )
        for unit in edition.units
    )  # fmt: skip


def _nodes_of(edition: Edition) -> tuple[NodeEntry, ...]:
    asked = edition.questionnaire
    trees = [("", asked.tree(edition.profile))]
    trees += [(f"{module.name}.", module.tree(module.default_profile)) for module in asked.modules]
    return tuple(entry for prefix, root in trees if root is not None for entry in _entries(prefix, "", [root]))


def _entries(prefix: str, parent: str, nodes: Iterable[Any]) -> Iterable[NodeEntry]:
    for node in nodes:
        code = prefix + node.code
        weight = float(node.weight) if parent else 1.0
        yield NodeEntry(
            code, parent, node.kind, node.label.vi, node.label.en, weight, node.item or "", bool(node.reversed)
        )
        yield from _entries(prefix, code, node.children)


def _workbook(table: Table, edition: Edition) -> bytes:
    """A workbook with the rows on one sheet and what the columns mean on another. No cell is a formula."""
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    workbook.properties.title = f"{edition.facts.title.vi}: {table.title.vi}"
    sheet = workbook.create_sheet(table.name[:31])
    sheet.freeze_panes = "A2"
    names = [column.name for column in table.columns]
    sheet.append(names)
    for row in table.rows:
        sheet.append([sheet_cell(sheet, getattr(row, name)) for name in names])
    meanings = workbook.create_sheet("columns")
    for letter, width in (("A", 18), ("B", 10), ("C", 90), ("D", 90)):
        meanings.column_dimensions[letter].width = width
    meanings.append(["column", "type", "vi", "en"])
    for column in table.columns:
        cells = (column.name, column.kind, column.meaning.vi, column.meaning.en)
        meanings.append([sheet_cell(meanings, cell) for cell in cells])
    stream = io.BytesIO()
    workbook.save(stream)
    return without_clock(stream.getvalue(), edition.published_on)
