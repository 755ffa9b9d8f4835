"""Publishing with hard data: the file is read and shown before anything is published, and held by the page alone."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, abort, request
from werkzeug.wrappers import Response as AnyResponse

from analysis.errors import AnalysisError
from analysis.release.hard_data import HardData
from analysis.scorecards.figures import most_decimals
from survey.hard_figures import Figures, Indicator, figures_form, read_figures, wanted_indicators
from survey.round_records import RoundRecord
from survey.services import Services
from survey.web.office.files import FileComplaint, complaint_about, name_of
from survey.web.office.forms import FiguresForm
from survey.web.office.presenting import unit_name
from survey.web.office.rounds import find_line
from survey.web.office.tables_to_download import Column, Table, table_file
from survey.web.pages import catalogue_of, page_language, render_page

# Read, shown and sent back in a field of the page; a larger file is the command line's work.
LARGEST_FIGURES = 150_000

Publish = Callable[[HardData], AnyResponse]


@dataclass(frozen=True, slots=True)
class FiguresLine:
    """The figures of one unit as the page shows them."""

    name: str
    code: str
    values: tuple[float | None, ...]


class FigurePages:
    """The page that asks for hard data before a round is published, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def form(self, slug: str, file_type: str) -> Response:
        """The file to fill in, with a line for each figure that is wanted."""
        record, _ = find_line(self._services, slug, page_language())
        indicators = wanted_indicators(self._services.stores, record)
        if not indicators:
            abort(HTTPStatus.NOT_FOUND)
        header, rows = figures_form(self._services.stores, record, indicators)
        columns = [Column(name, width) for name, width in zip(header, (14, 24, 12, 40), strict=True)]
        return table_file(Table("hard data", columns, rows), file_type, f"{slug}-hard-data")

    def ask(self, record: RoundRecord, indicators: tuple[Indicator, ...], publish: Publish) -> AnyResponse:
        """The answer to the page of the step: the form, what was read from a file, or what publishing leads to."""
        form = FiguresForm()
        if request.method != "POST":
            return self._page(record, indicators, form, HTTPStatus.OK)
        if "kept" in request.form:
            return self._kept(record, indicators, form, publish)
        if not form.validate():
            return self._page(record, indicators, form, HTTPStatus.BAD_REQUEST)
        upload = form.figures.data
        content, name = upload.read(LARGEST_FIGURES + 1), name_of(upload)
        if len(content) > LARGEST_FIGURES:
            form.figures.errors = ["error_file_large"]
            return self._page(record, indicators, form, HTTPStatus.BAD_REQUEST)
        figures = self._read(record, indicators, form, content, name)
        if isinstance(figures, Response):
            return figures
        return self._page(record, indicators, form, HTTPStatus.OK, figures=figures, name=name)

    def _kept(
        self, record: RoundRecord, indicators: tuple[Indicator, ...], form: FiguresForm, publish: Publish
    ) -> AnyResponse:
        """Publishes with the file that the page held since it was read; whatever came back is read once more."""
        try:
            content = base64.b64decode(request.form["kept"], validate=True)
        except (binascii.Error, ValueError):
            form.figures.errors = ["error_file"]
            return self._page(record, indicators, form, HTTPStatus.BAD_REQUEST)
        figures = self._read(record, indicators, form, content, "hard.csv")
        return figures if isinstance(figures, Response) else publish(figures.data)

    def _read(
        self, record: RoundRecord, indicators: tuple[Indicator, ...], form: FiguresForm, content: bytes, name: str
    ) -> Figures | Response:
        try:
            return read_figures(self._services.stores, record, content, name)
        except AnalysisError as complaint:
            form.figures.errors = ["error_source"]
            translate = catalogue_of("office").translator(page_language())
            told = complaint_about(str(complaint), name, translate)
            return self._page(record, indicators, form, HTTPStatus.BAD_REQUEST, complaint=told)

    def _page(
        self,
        record: RoundRecord,
        indicators: tuple[Indicator, ...],
        form: FiguresForm,
        status: int,
        *,
        figures: Figures | None = None,
        name: str = "",
        complaint: FileComplaint | None = None,
    ) -> Response:
        language = page_language()
        _, line = find_line(self._services, record.slug, language)
        lines = () if figures is None else figures.lines
        return render_page(
            "office/figures.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            form=form,
            indicators=[(indicator.code, indicator.label.in_language(language)) for indicator in indicators],
            figures=figures,
            lines=sorted(
                (FiguresLine(unit_name(found.unit, language), found.unit.code, found.values) for found in lines),
                key=lambda line: line.name,
            ),
            decimals=[most_decimals(column) for column in zip(*(found.values for found in lines), strict=True)],
            kept="" if figures is None else base64.b64encode(figures.data.source).decode(),
            name=name,
            complaint=complaint,
            limits={"most_kb": LARGEST_FIGURES // 1000},
        )
