"""Respondent accounting: how many could have answered, were invited, answered and stayed, by unit and channel."""

from dataclasses import dataclass
from itertools import groupby

from flask import Response, current_app

from analysis.accounting import ALL, AccountingRow
from analysis.errors import AnalysisError
from survey.accounting import round_accounting
from survey.round_records import RoundRecord, units_of_round
from survey.services import Services
from survey.web.office.presenting import channel_label, unit_name
from survey.web.office.rounds import find_line
from survey.web.pages import catalogue_of, page_language, render_page
from survey.web.spreadsheets import CSV_TYPE, XLSX_TYPE, Cell, attachment, csv_bytes, xlsx_bytes

COUNTS = ("eligible", "issued", "spent", "sealed", "rejected")
COLUMNS = ("unit", "code", "channel", *COUNTS)


@dataclass(frozen=True, slots=True)
class AccountingLine:
    """A row as people read it: `channel` is empty in the sum of a unit, and so is `name` in the sum of the round."""

    code: str
    name: str
    channel: str
    is_sum: bool
    counts: AccountingRow


class AccountingPages:
    """The accounting of a round as a page and as a file, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def accounting(self, slug: str) -> Response:
        language = page_language()
        record, line = find_line(self._services, slug, language)
        lines, complaint = self._lines(record, language)
        return render_page(
            "office/accounting.html",
            language,
            area="rounds",
            round=line,
            lines=lines,
            complaint=complaint,
            # What is not known of any unit has no column.
            columns=[name for name in COUNTS if any(getattr(row.counts, name) is not None for row in lines)],
        )

    def file(self, slug: str, file_type: str) -> Response:
        language = page_language()
        record, _ = find_line(self._services, slug, language)
        lines, _ = self._lines(record, language)
        text = catalogue_of("office").text
        header = [text(f"col_{column}", language) for column in COLUMNS]
        cells: list[list[Cell]] = [
            [
                row.name or text("row_total", language),
                row.code,
                row.channel or text("every_channel", language),
                *(getattr(row.counts, name) for name in COUNTS),
            ]
            for row in lines
        ]
        name = f"{slug}-accounting.{file_type}"
        if file_type == "xlsx":
            return attachment(xlsx_bytes("accounting", header, cells, widths=(40, 14, 24)), XLSX_TYPE, name)
        return attachment(csv_bytes(header, cells), CSV_TYPE, name)

    def _lines(self, record: RoundRecord, language: str) -> tuple[list[AccountingLine], str]:
        """The lines, and what stood in their way: an archive that is not the one that was sealed."""
        if record.is_imported:
            return [], ""
        services = self._services
        try:
            rows = round_accounting(services.stores, services.secrets, services.settings, record.slug)
        except AnalysisError as complaint:
            current_app.logger.error("The accounting of %s cannot be read: %s", record.slug, complaint)
            return [], str(complaint)
        names = {unit.code: unit_name(unit, language) for unit in units_of_round(services.stores, record)}
        names[""] = catalogue_of("office").text("whole_round", language)
        lines: list[AccountingLine] = []
        for unit, group in groupby(rows, key=lambda row: row.unit):
            lines += _lines_of_unit(list(group), "" if unit == ALL else names.get(unit, unit), language)
        return lines, ""


def _lines_of_unit(rows: list[AccountingRow], name: str, language: str) -> list[AccountingLine]:
    """The sum of the unit and then its channels; a single channel says what the sum says and is named there."""
    (whole,) = (row for row in rows if row.channel == ALL)
    code = "" if whole.unit == ALL else whole.unit
    parts = [
        AccountingLine(code, name, channel_label(row.channel, language), is_sum=False, counts=row)
        for row in rows
        if row.channel != ALL
    ]
    if len(parts) == 1:
        return [AccountingLine(code, name, parts[0].channel, is_sum=True, counts=whole)]
    return [AccountingLine(code, name, "", is_sum=True, counts=whole), *parts]
