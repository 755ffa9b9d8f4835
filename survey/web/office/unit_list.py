"""The registry of units as a table to take away."""

from flask import Blueprint, Response

from survey.procedures import procedures_of
from survey.services import Services, today
from survey.units import units_on
from survey.web.office.presenting import kind_label
from survey.web.office.tables_to_download import TABLE_FILE, Column, Table, table_file
from survey.web.pages import catalogue_of, page_language
from survey.web.spreadsheets import Cell


def add_unit_files(blueprint: Blueprint, services: Services) -> None:
    """The file of the page of units."""

    def units_file(file_type: str) -> Response:
        language, text = page_language(), catalogue_of("office").text
        units = units_on(services.stores, today())
        procedures = procedures_of(services.stores, units)
        rows: list[list[Cell]] = [
            [
                unit.name_vi,
                unit.name_en,
                unit.code,
                kind_label(unit.kind, language),
                unit.bloc_in(language),
                unit.bloc_code,
                unit.valid_from,
                "; ".join(name.in_language(language) for name in procedures.get(unit.code, ())),
            ]
            for unit in sorted(units, key=lambda unit: (unit.bloc_name, unit.name_vi))
        ]
        heads: tuple[tuple[str, int], ...] = (
            ("col_unit", 36),
            ("units_english", 36),
            ("col_code", 16),
            ("col_kind", 16),
            ("col_bloc", 30),
        )
        heads += (("units_bloc_code", 22), ("col_since", 12), ("col_procedures", 60))
        columns = [Column(text(key, language), width) for key, width in heads]
        return table_file(Table("units", columns, rows), file_type, "units")

    blueprint.add_url_rule(f"/units{TABLE_FILE}", "units_file", units_file, methods=["GET"])
