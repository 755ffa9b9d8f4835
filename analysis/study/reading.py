"""Tables read from wherever a statistician has them: an archive, CSV, Parquet, SPSS, Stata, a workbook, memory."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.archive import MANIFEST, Archive, read_archive
from analysis.errors import SpecError
from analysis.estimation.design import SurveyDesign
from analysis.estimation.samples import sheet_of
from analysis.estimation.tables import Sheet, Source, parquet_schema, read_sheet
from analysis.exporting.codebook import WEIGHT, Variable, codebook_of
from analysis.indices.profiles import option_scores
from analysis.indices.trees import index_tree
from analysis.release.design_weights import weigh_responses
from analysis.release.open_link import drawn_responses
from analysis.release.plan import parse_plan
from analysis.release.round_design import parse_design
from analysis.study.codebooks import (
    codebook_from_csv,
    codebook_from_ddi,
    codebook_from_rows,
    codebook_from_schema,
)
from analysis.study.descriptions import Description, described
from analysis.unfolding import unfolding_complaint

# No item is called so, nor has a full stop in its code.
PEOPLE = "_people"
SCORE = ".score"
TABLE = "table"
# Beside a unit's code stands its name in SPSS and Stata files, which have no labels for text.
_NAMES_OF = {"unit": "unit_name"}


@dataclass(frozen=True, slots=True)
class Reading:
    """A table that was found.

    Attributes:
        source: the folder that it lies in, or the table in memory; file: its name there.
        columns: what its columns mean; design: the `design` of a specification, empty where nobody knows.
        nodes: what each node of an archive's index takes from its columns, and the nodes' labels.
    """

    source: Source
    file: str
    columns: Mapping[str, Description]
    design: Mapping[str, Any] = field(default_factory=dict)
    nodes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    node_labels: Mapping[str, str] = field(default_factory=dict)


def found_table(table: Any, codebook: Path | None, language: str, profile: str | None) -> Reading:
    """What a path, an archive or a table in memory holds.

    Raises SpecError where it is none of these, and what the readers of each of them raise.
    """
    if isinstance(table, Archive):
        return _of_archive(table, language, profile)
    if not isinstance(table, str | Path):
        return _of_memory(table)
    path = Path(table).resolve()
    if (path / MANIFEST).is_file():
        return _of_archive(read_archive(path), language, profile)
    readers = {
        ".csv": _of_csv, ".parquet": _of_parquet, ".xlsx": _of_workbook, ".xml": _of_ddi, ".sav": _of_spss,
        ".zsav": _of_spss, ".dta": _of_stata,
    }  # fmt: skip
    read = readers.get(path.suffix.lower())
    if not path.is_file() or read is None:
        found = "another kind" if path.exists() else "nothing"
        raise SpecError(f"{table}: found {found}, expected the folder of an archive or one of {', '.join(readers)}")
    return read(path, codebook, language)


def design_document(design: Mapping[str, Any] | SurveyDesign | None) -> dict[str, Any]:
    """A design in the words of a specification; None values are left out."""
    if design is None:
        return {}
    if isinstance(design, SurveyDesign):
        return {
            "ids": list(design.clusters),
            "strata": [*design.strata, *design.later_strata],
            "fpc": list(design.fpc),
            "weights": design.weight,
            "nest": design.nest,
            "lonely_psu": design.lonely_psu,
            "adjust_domain_lonely": design.adjust_domain_lonely,
        }
    return {key: value for key, value in design.items() if value is not None}


def _in_memory(sheet: Sheet, variables: Sequence[Variable], language: str) -> Reading:
    sheet, columns = described(sheet, variables, language)
    return Reading({sheet.name: sheet}, sheet.name, columns)


def _of_csv(path: Path, codebook: Path | None, language: str) -> Reading:
    variables = () if codebook is None else codebook_from_csv(Path(codebook))
    return _in_memory(read_sheet(path.parent, path.name, None), variables, language)


def _of_parquet(path: Path, codebook: Path | None, language: str) -> Reading:
    schema = parquet_schema(path.parent, path.name)
    variables = codebook_from_schema(schema) if codebook is None else codebook_from_csv(Path(codebook))
    if variables:
        return _in_memory(read_sheet(path.parent, path.name, None), variables, language)
    # It stays where it is: the database reads what a question needs, however large the file.
    return Reading(path.parent, path.name, {})


def _of_ddi(path: Path, _codebook: Path | None, language: str) -> Reading:
    variables, file = codebook_from_ddi(path)
    return _in_memory(read_sheet(path.parent, file, None), variables, language)


def _of_workbook(path: Path, codebook: Path | None, language: str) -> Reading:
    """The sheet `responses`, or the only one; the sheet `codebook` says what its columns mean."""
    import pandas as pd

    try:
        with zipfile.ZipFile(path) as package:
            unfolding = unfolding_complaint(package)
        if unfolding is not None:
            raise SpecError(f"{path.name}: {unfolding}; larger tables come as CSV or Parquet")
        sheets = pd.read_excel(
            path,
            sheet_name=None,
            header=None,
            dtype=object,
            keep_default_na=False,
            na_values=[""],
            engine="openpyxl",
        )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as complaint:
        raise SpecError(f"{path.name}: found no workbook: {complaint}") from None
    name = "responses" if "responses" in sheets else next(iter(sheets))
    if name != "responses" and len(sheets) > 1:
        raise SpecError(f"{path.name}: found the sheets {', '.join(sheets)}, expected one, or one called responses")
    rows = sheets[name]
    table = rows.iloc[1:].set_axis([str(cell) for cell in rows.iloc[0]], axis=1)
    variables: Sequence[Variable] = ()
    if codebook is not None:
        variables = codebook_from_csv(Path(codebook))
    elif "codebook" in sheets:
        kept = sheets["codebook"].astype(object).where(sheets["codebook"].notna(), None)
        variables = codebook_from_rows(kept.to_numpy().tolist(), f"{path.name}: codebook")
    return _in_memory(_sheet(table.infer_objects().reset_index(drop=True), path.name), variables, language)


def _of_spss(path: Path, _codebook: Path | None, _language: str) -> Reading:
    import pyreadstat

    return _of_program(path, pyreadstat.read_sav)


def _of_stata(path: Path, _codebook: Path | None, _language: str) -> Reading:
    import pyreadstat

    return _of_program(path, pyreadstat.read_dta)


def _of_program(path: Path, read: Any) -> Reading:
    import pyreadstat

    try:
        frame, about = read(str(path))
    except pyreadstat.ReadstatError as complaint:
        raise SpecError(f"{path.name}: found a file that cannot be read: {complaint}") from None
    sheet = _sheet(frame, path.name)
    columns = {name: Description(text or "") for name, text in about.column_names_to_labels.items()}
    for name, labels in about.variable_value_labels.items():
        columns[name] = replace(columns[name], labels={_spelled(code): text for code, text in labels.items()})
    for code, name in _NAMES_OF.items():
        if {code, name} <= set(sheet.columns) and not columns[code].labels:
            pairs = zip(sheet.labels(code).to_pylist(), sheet.labels(name).to_pylist(), strict=True)
            names = {key: text for key, text in dict.fromkeys(pairs) if key and text}
            columns[code] = replace(columns[code], labels=names)
    return Reading({sheet.name: sheet}, sheet.name, columns)


def _spelled(code: Any) -> str:
    return f"{code:.15g}" if isinstance(code, float | int) else str(code)


def _of_memory(table: Any) -> Reading:
    if hasattr(table, "reset_index") and any(name is not None for name in table.index.names):
        table = table.reset_index()
    sheet = _sheet(table, TABLE) if hasattr(table, "reset_index") else sheet_of(table, TABLE)
    return Reading({sheet.name: sheet}, sheet.name, {})


def _sheet(frame: Any, name: str) -> Sheet:
    """A pandas frame as a sheet; empty text is missing, as in CSV files."""
    odd = [column for column in frame.columns if not isinstance(column, str)]
    if odd:
        raise SpecError(f"{name}: found the column {odd[0]!r}, expected names that are text")
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as complaint:
        raise SpecError(f"{name}: found no table: {' '.join(str(complaint).split())[:200]}") from None
    for place, column in enumerate(table.schema):
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            text = table.column(place).cast(pa.string())
            table = table.set_column(place, column.name, pc.if_else(pc.equal(text, ""), None, text))
    return sheet_of(table.replace_schema_metadata(None), name)


def _of_archive(archive: Archive, language: str, profile: str | None) -> Reading:
    """The responses of those who were invited, with their weights, and the scores that the index is made of."""
    contents, questionnaire = archive.contents, archive.questionnaire
    design, plan = parse_design(contents.design_source, "design.yaml"), parse_plan(contents.plan_source, "plan.yaml")
    responses = drawn_responses(contents.responses)
    weighted = weigh_responses(responses, design, contents.coarsening)
    table = responses.append_column(WEIGHT, pa.array(weighted.weights))
    document = {
        "ids": list(design.clusters),
        "strata": list(design.strata),
        "weights": WEIGHT,
        "nest": True,
        "lonely_psu": plan.lonely_psu,
    }
    if design.fpc:
        table = table.append_column(PEOPLE, pa.array(weighted.people[weighted.stratum_of_row]))
        document["fpc"] = [PEOPLE]
    variables = codebook_of(questionnaire, contents.units, has_counts=design.has_counts)
    sheet, columns = described(sheet_of(table, contents.facts.slug), variables, language)
    names = [one.name for one in questionnaire.profiles]
    if profile is not None and profile not in names:
        raise SpecError(f"profile: found {profile!r}, expected one of {', '.join(names)}")
    nodes: dict[str, dict[str, float]] = {}
    labels: dict[str, str] = {}
    chosen = questionnaire.profile(profile or plan.profile_for(questionnaire)) if names else None
    # Standardised scores hold units against each other and are no means of anybody's answers.
    if chosen is not None and chosen.formula != "standardised":
        tree = index_tree(questionnaire, chosen)
        for item in tree.items:
            points = option_scores(questionnaire.item(item), chosen)
            codes = responses[item].combine_chunks().dictionary_encode()
            worth = pa.array([points.get(code) for code in codes.dictionary.to_pylist()], pa.float64())
            sheet.columns[item + SCORE] = pa.chunked_array([worth.take(codes.indices)])
            columns[item + SCORE] = Description(columns[item].text)
        for node, coefficients in zip(tree.nodes, tree.survey_coefficients, strict=True):
            taken = np.flatnonzero(coefficients)
            nodes[node.code] = {tree.items[k] + SCORE: float(coefficients[k]) for k in taken}
            labels[node.code] = node.label.in_language(language)
    return Reading({sheet.name: sheet}, sheet.name, columns, document, nodes, labels)
