"""Exports as tables: CSV for every tool, XLSX for people, Parquet with the labels in its metadata."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from analysis.errors import AnalysisError
from analysis.exporting.codebook import COLUMNS, Variable, codebook_rows
from analysis.exporting.labelling import Microdata, batches_of, labelled_batches
from analysis.exporting.safe_cells import sheet_cell

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The rows of a worksheet, without that of the columns' names.
MOST_ROWS_OF_A_SHEET = 1_048_575


def write_csv(microdata: Microdata, path: Path) -> None:
    """The responses, codes as they are: what is missing is empty, yes and no are true and false.

    UTF-8 with the mark that Excel wants; R reads it with `fileEncoding = "UTF-8-BOM"`.
    """
    _write_csv(batches_of(microdata), path)


def write_labelled_csv(microdata: Microdata, path: Path, language: str) -> None:
    """The responses with labels in the language, for people; no cell is a formula."""
    _write_csv(labelled_batches(microdata, language, is_guarded=True), path)


def write_parquet(microdata: Microdata, path: Path) -> None:
    """The responses, codes as they are, each column with its question and labels in both languages as metadata."""
    fields = [
        pa.field(variable.name, microdata.table.schema.field(variable.name).type, metadata=_metadata(variable))
        for variable in microdata.variables
    ]
    facts = microdata.archive.contents.facts
    about = {
        "round": facts.slug,
        "title_vi": microdata.title("vi"),
        "title_en": microdata.title("en"),
        "questionnaire": microdata.archive.questionnaire.reference,
        "archive_manifest_sha256": microdata.archive.manifest_sha256,
        "weight": microdata.variables[-1].name,
    }
    schema = pa.schema(fields, metadata=about)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches_of(microdata):
            writer.write_batch(pa.record_batch(batch.columns, schema=schema))


def write_xlsx(microdata: Microdata, path: Path, language: str) -> None:
    """A workbook with the responses in codes, the responses in labels and the codebook, a sheet each.

    Raises AnalysisError when there are more responses than a sheet has rows.
    """
    from openpyxl import Workbook

    n_rows = microdata.table.num_rows
    if n_rows > MOST_ROWS_OF_A_SHEET:
        raise AnalysisError(
            f"the round {microdata.archive.contents.facts.slug}: found {n_rows:,} responses, expected at most "
            f"{MOST_ROWS_OF_A_SHEET:,} in a workbook; csv and parquet have no such limit"
        )
    workbook = Workbook(write_only=True)
    workbook.properties.title = microdata.title(language)
    _add_sheet(workbook, "responses", batches_of(microdata))
    _add_sheet(workbook, "labelled", labelled_batches(microdata, language, is_guarded=False))
    sheet = workbook.create_sheet("codebook")
    sheet.freeze_panes = "A2"
    for row in (COLUMNS, *codebook_rows(microdata.variables)):
        sheet.append([sheet_cell(sheet, value) for value in row])
    workbook.save(path)


def _write_csv(batches: Iterable[pa.RecordBatch], path: Path) -> None:
    with path.open("wb") as stream:
        stream.write(BYTE_ORDER_MARK)
        writer = None
        for batch in batches:
            if writer is None:
                # Written as a row, names with a comma or a quotation mark are quoted as cells are.
                options = pa_csv.WriteOptions(quoting_style="needed", include_header=False)
                names = pa.record_batch([pa.array([name]) for name in batch.schema.names], names=batch.schema.names)
                with pa_csv.CSVWriter(stream, names.schema, write_options=options) as header:
                    header.write_batch(names)
                writer = pa_csv.CSVWriter(stream, batch.schema, write_options=options)
            writer.write_batch(batch)
        if writer is not None:
            writer.close()


def _metadata(variable: Variable) -> dict[str, str]:
    found = {"kind": variable.kind, "label_vi": variable.text.vi, "label_en": variable.text.en}
    if variable.asked_if is not None:
        found |= {"asked_if_vi": variable.asked_if.vi, "asked_if_en": variable.asked_if.en}
    if variable.categories:
        categories = [
            {"code": one.code, "label_vi": one.label.vi, "label_en": one.label.en, "value": one.value}
            for one in variable.categories
        ]
        found["categories"] = json.dumps(categories, ensure_ascii=False)
    return found


def _add_sheet(workbook: Any, title: str, batches: Iterable[pa.RecordBatch]) -> None:
    sheet = workbook.create_sheet(title)
    sheet.freeze_panes = "A2"
    is_first = True
    for batch in batches:
        if is_first:
            sheet.append([sheet_cell(sheet, name) for name in batch.schema.names])
            is_first = False
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            sheet.append([sheet_cell(sheet, value) if isinstance(value, str) else value for value in row])
