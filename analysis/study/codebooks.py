"""Codebooks read back from the files that `analysis.exporting` writes: CSV, sheets, Parquet metadata and DDI."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args
from xml.etree import ElementTree

import pyarrow as pa

from analysis.errors import SpecError
from analysis.exporting.codebook import COLUMNS, Category, Variable, VariableKind
from analysis.exporting.ddi import NAMESPACE
from questionnaires.model import DONT_KNOW, LANGUAGES, NOT_APPLICABLE, Text

_RESERVED = (NOT_APPLICABLE, DONT_KNOW)
_LARGEST = 50_000_000
_IN_XML = "{http://www.w3.org/XML/1998/namespace}lang"


def codebook_from_csv(path: Path) -> tuple[Variable, ...]:
    """The codebook in a CSV file of `codebook_csv`. Raises SpecError where it is none."""
    try:
        if path.stat().st_size > _LARGEST:
            raise SpecError(f"{path.name}: found {path.stat().st_size} bytes, expected at most {_LARGEST}")
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return codebook_from_rows(list(csv.reader(stream)), path.name)
    except (OSError, UnicodeDecodeError, csv.Error) as complaint:
        raise SpecError(f"{path.name}: found no codebook: {complaint}") from None


def codebook_from_rows(rows: Sequence[Sequence[Any]], name: str) -> tuple[Variable, ...]:
    """The codebook in rows under a header, as `codebook_rows` gives them: a row a code. Raises SpecError."""
    header = [str(cell) for cell in rows[0]] if rows else []
    if header != list(COLUMNS):
        raise SpecError(f"{name}: found the columns {', '.join(header)[:200]}, expected {', '.join(COLUMNS)}")
    parts: dict[str, tuple[Variable, list[Category]]] = {}
    for row in rows[1:]:
        cells = {key: None if cell in ("", None) else cell for key, cell in zip(COLUMNS, row, strict=True)}
        column = _unguarded(cells["column"])
        head = Variable(column, _kind(cells["kind"], name), _text(cells, "text"))
        _, categories = parts.setdefault(column, (head, []))
        if cells["code"] is not None:
            code = _unguarded(cells["code"])
            value = None if cells["value"] is None else float(cells["value"])
            is_missing = head.kind == "choice" and code in _RESERVED
            categories.append(Category(code, _text(cells, "label"), float(cells["number"] or 0), value, is_missing))
    return tuple(Variable(head.name, head.kind, head.text, tuple(found)) for head, found in parts.values())


def codebook_from_schema(schema: pa.Schema) -> tuple[Variable, ...]:
    """The codebook in the metadata of a Parquet file's columns; empty where they have none."""
    found = []
    for field in schema:
        metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        if "kind" not in metadata or "label_vi" not in metadata:
            continue
        kind = _kind(metadata["kind"], field.name)
        categories = tuple(
            Category(
                one["code"],
                Text(one["label_vi"], one["label_en"]),
                number,
                one["value"],
                kind == "choice" and one["code"] in _RESERVED,
            )
            for number, one in enumerate(json.loads(metadata.get("categories", "[]")), start=1)
        )
        found.append(Variable(field.name, kind, Text(metadata["label_vi"], metadata.get("label_en", "")), categories))
    return tuple(found)


def codebook_from_ddi(path: Path) -> tuple[tuple[Variable, ...], str]:
    """The codebook in a DDI Codebook 2.5, and the name of the file of its data.

    DDI has no values of categories: codes of a choice that are all numbers are taken for them. Raises SpecError.
    """
    try:
        source = path.read_bytes()
        if len(source) > _LARGEST or b"<!DOCTYPE" in source or b"<!ENTITY" in source:
            raise SpecError(f"{path.name}: found a file too large or with definitions of its own, expected a codebook")
        root = ElementTree.fromstring(source)  # noqa: S314 — definitions are refused above  # nosec B314
    except (OSError, ElementTree.ParseError) as complaint:
        raise SpecError(f"{path.name}: found no DDI codebook: {complaint}") from None
    space = {"d": NAMESPACE}
    name = root.findtext("d:fileDscr/d:fileTxt/d:fileName", None, space)
    if not name:
        raise SpecError(f"{path.name}: found no fileName, expected the file of the data")
    return tuple(_ddi_variable(element, space) for element in root.iterfind("d:dataDscr/d:var", space)), name


def _ddi_variable(element: ElementTree.Element, space: dict[str, str]) -> Variable:
    kind: VariableKind = "weight" if element.get("wgt") else "label"
    codes = [one.findtext("d:catValu", "", space) for one in element.iterfind("d:catgry", space)]
    missing = [one.get("missing") == "Y" for one in element.iterfind("d:catgry", space)]
    is_asked = element.find("d:qstn", space) is not None
    values = _numbers(code for code, is_missing in zip(codes, missing, strict=True) if not is_missing)
    form = element.find("d:varFormat", space)
    if is_asked:
        is_number = form is not None and form.get("type") == "numeric"
        kind = "yes_no" if codes == ["true", "false"] else "number" if is_number else "choice"
    categories = tuple(
        Category(code, _ddi_label(one, space), number, values.get(code), is_missing)
        for number, (code, is_missing, one) in enumerate(
            zip(codes, missing, element.iterfind("d:catgry", space), strict=True), start=1
        )
    )
    return Variable(element.get("name", ""), kind, _ddi_label(element, space), categories)


def _ddi_label(element: ElementTree.Element, space: dict[str, str]) -> Text:
    texts = {one.get(_IN_XML): one.text or "" for one in element.iterfind("d:labl", space)}
    return Text(*(texts.get(language, "") for language in LANGUAGES))


def _numbers(codes: Iterable[str]) -> dict[str, float]:
    listed = list(codes)
    try:
        return {code: float(code) for code in listed}
    except ValueError:
        return {}


def _kind(found: Any, place: str) -> VariableKind:
    if found not in get_args(VariableKind):
        raise SpecError(f"{place}: found the kind {found!r}, expected one of {', '.join(get_args(VariableKind))}")
    return cast(VariableKind, found)


def _text(cells: Mapping[str, Any], key: str) -> Text:
    return Text(*(_unguarded(cells[f"{key}_{language}"]) for language in LANGUAGES))


def _unguarded(cell: Any) -> str:
    """A text without the apostrophe that kept a spreadsheet from running it."""
    text = "" if cell is None else str(cell)
    return text[1:] if text[:1] == "'" and text[1:2] in "=+-@|%" else text
