"""Respondent accounting: how many could have answered, were invited, answered and stayed, by unit and channel."""

from collections.abc import Mapping
from dataclasses import dataclass

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

COLUMNS = ("unit", "code", "channel", "eligible", "issued", "spent", "sealed", "rejected")


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
            knows_eligible=any(row.counts.eligible is not None for row in lines),
            is_sealed=any(row.counts.sealed is not None for row in lines),
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
                row.channel or text("row_total", language),
                row.counts.eligible,
                row.counts.issued,
                row.counts.spent,
                row.counts.sealed,
                row.counts.rejected,
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
        return [line for row in rows if (line := _line(row, rows, names, language)) is not None], ""


def _line(
    row: AccountingRow, rows: tuple[AccountingRow, ...], names: Mapping[str, str], language: str
) -> AccountingLine | None:
    if row.unit == ALL:
        return AccountingLine("", "", "", is_sum=True, counts=row)
    is_sum = row.channel == ALL
    channels = [other for other in rows if other.unit == row.unit and other.channel != ALL]
    # One channel says what its sum says; the row of the sum knows the people, so it stands for both.
    if not is_sum and len(channels) == 1:
        return None
    channel = channels[0].channel if is_sum and len(channels) == 1 else "" if is_sum else row.channel
    label = channel_label(channel, language) if channel or not is_sum else ""
    return AccountingLine(row.unit, names.get(row.unit, row.unit), label, is_sum=is_sum, counts=row)
