"""Running a round's plan in the browser: its start, how far it is, what it found, and the approval of its figures."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from http import HTTPStatus

from flask import Response, abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from analysis.accounting import AccountingRow
from analysis.errors import AnalysisError, EditionError
from analysis.release.hard_data import HardData
from analysis.release.rows import ALL, ROOT
from survey.accounting import round_accounting
from survey.analysing import ESTIMATES_XLSX
from survey.analysis_runs import (
    LONGEST_NOTE,
    STAGES,
    Results,
    RunRecord,
    approve_run,
    figures_hash_of,
    results_folder,
    results_of,
    run_of,
    start_run,
)
from survey.editions import EditionShelf, OpenEdition
from survey.errors import BadInput, HailongError, StoreUnavailable, WrongState
from survey.hard_figures import Indicator, read_figures, wanted_indicators
from survey.publishing import last_hard_data
from survey.round_records import RoundRecord, editions_of
from survey.services import Services
from survey.viet_nam import VIET_NAM
from survey.web.office.analysis import lines as shown
from survey.web.office.analysis.findings import findings_of
from survey.web.office.analysis.tables import tables_of
from survey.web.office.figures import LARGEST_FIGURES
from survey.web.office.files import FileComplaint, complaint_about, is_chosen, name_of
from survey.web.office.forms import FiguresForm
from survey.web.office.presenting import channel_label
from survey.web.office.release import SECONDS_BETWEEN_LOOKS
from survey.web.office.rounds import find_line
from survey.web.office.tables_to_download import table_file
from survey.web.office.why_unpublished import why_unpublished
from survey.web.pages import catalogue_of, page_language, render_page_of
from survey.web.public.blocs import node_options
from survey.web.public.drawings import row_paths
from survey.web.public.presenting import level_text
from survey.web.spreadsheets import XLSX_TYPE, attachment

READY_STATES = ("sealed", "published")


class AnalysisPages:
    """The analysis of the rounds of one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._shelf = EditionShelf(services.settings.instance, n_kept=4)
        self._parts: Mapping[str, Callable[[RoundRecord, Results, str], dict[str, object]]] = {
            "units": self._units,
            "weights": self._weights,
            "response": self._response,
            "flags": self._flags,
            "formulas": self._formulas,
        }

    def analysis(self, slug: str) -> AnyResponse:
        """The page of a round's analysis, whatever its state; posted, a run begins."""
        language = page_language()
        record, _ = find_line(self._services, slug, language)
        if record.state not in READY_STATES:
            return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        if request.method == "POST":
            return self._start(record, language)
        return self._page(record, language)

    def part(self, slug: str, part: str) -> AnyResponse:
        """One of the pages of results."""
        language = page_language()
        record, line = find_line(self._services, slug, language)
        found = self._results(record)
        if found is None:
            return redirect(url_for("office.analysis", slug=slug), HTTPStatus.SEE_OTHER)
        _, results = found
        values = self._parts[part](record, results, language)
        return render_page_of(
            "office",
            f"analysis/{part}.html",
            language,
            status=HTTPStatus.OK,
            area="rounds",
            round=line,
            part=part,
            **_of_edition(results, language),
            **values,
        )

    def file(self, slug: str, part: str, file_type: str) -> Response:
        """The tables of a part of the results."""
        language = page_language()
        record, _ = find_line(self._services, slug, language)
        found = self._results(record)
        if found is None:
            abort(HTTPStatus.NOT_FOUND)
        _, results = found
        names = shown.Names(results.edition, language)
        first, *more = tables_of(part, results, self._accounting(record), names, language)
        return table_file(first, file_type, f"{slug}-{part}", more=more)

    def book(self, slug: str) -> Response:
        """The workbook of all estimates and ranks, as `hailong analyse` writes it."""
        record, _ = find_line(self._services, slug, page_language())
        found = self._results(record)
        content = None if found is None else found[0].content(ESTIMATES_XLSX)
        if content is None:
            abort(HTTPStatus.NOT_FOUND)
        return attachment(content, XLSX_TYPE, f"{slug}-{ESTIMATES_XLSX}")

    def approve(self, slug: str) -> AnyResponse:
        """Posted by the page of an analysis: whoever is signed in stands behind the figures that they looked at."""
        record, _ = find_line(self._services, slug, page_language())
        sent = request.form
        try:
            approve_run(self._services.stores, slug, sent.get("figures", ""), sent.get("note", ""), officer=g.account)
        except BadInput:
            return self._page(record, page_language(), refusal="analysis_error_note", note=sent.get("note", ""))
        except WrongState:
            return self._page(record, page_language(), refusal="analysis_error_changed")
        return redirect(url_for("office.analysis", slug=slug, did="approve"), HTTPStatus.SEE_OTHER)

    def _start(self, record: RoundRecord, language: str) -> AnyResponse:
        form = FiguresForm()
        try:
            indicators = wanted_indicators(self._services.stores, record)
            hard_data, complaint = self._hard_data(record, form) if indicators else (None, None)
            if form.figures.errors:
                return self._page(record, language, form=form, complaint=complaint)
            start_run(self._services, record.slug, officer=g.account, hard_data=hard_data)
        except StoreUnavailable:
            raise
        except WrongState:
            # A colleague has pressed the button before: their run is what this page shows.
            pass
        except (HailongError, AnalysisError) as problem:
            current_app.logger.error("The plan of %s cannot be run: %s", record.slug, problem)
            return self._page(record, language, refusal="analysis_error_start")
        return redirect(url_for("office.analysis", slug=record.slug), HTTPStatus.SEE_OTHER)

    def _hard_data(self, record: RoundRecord, form: FiguresForm) -> tuple[HardData | None, FileComplaint | None]:
        """The figures of the file that was handed in; without a file those of the last run or of the last edition."""
        stores, upload = self._services.stores, form.figures.data
        if not is_chosen(upload):
            run = run_of(stores, record.slug)
            if run is not None and run.hard_source is not None:
                return read_figures(stores, record, run.hard_source, "hard.csv").data, None
            last = last_hard_data(stores, self._services.settings, record.slug)
            form.figures.errors = [] if last is not None else ["error_file"]
            return last, None
        content, name = upload.read(LARGEST_FIGURES + 1), name_of(upload)
        if len(content) > LARGEST_FIGURES:
            form.figures.errors = ["error_file_large"]
            return None, None
        form.figures.errors = []
        try:
            return read_figures(stores, record, content, name).data, None
        except AnalysisError as complaint:
            form.figures.errors = ["error_source"]
            return None, complaint_about(str(complaint), name, catalogue_of("office").translator(page_language()))

    def _page(
        self,
        record: RoundRecord,
        language: str,
        *,
        form: FiguresForm | None = None,
        complaint: FileComplaint | None = None,
        refusal: str = "",
        note: str = "",
    ) -> Response:
        slug, stores = record.slug, self._services.stores
        _, line = find_line(self._services, slug, language)
        run = run_of(stores, slug)
        found = self._results(record) if run is not None and run.state == "done" else None
        values: dict[str, object] = {}
        if found is not None:
            results = found[1]
            values = _of_edition(results, language) | self._overview(record, results, language)
        is_wrong = bool(refusal or (form is not None and form.problems()))
        page = render_page_of(
            "office",
            "analysis/analysis.html",
            language,
            status=int(HTTPStatus.BAD_REQUEST if is_wrong else HTTPStatus.OK),
            area="rounds",
            round=line,
            run=run,
            began="" if run is None else f"{run.began.astimezone(VIET_NAM):%H:%M}",
            stages=STAGES[1:],
            failure=_failure(run),
            has_results=found is not None,
            indicators=self._indicators(record, language),
            form=form or FiguresForm(),
            complaint=complaint,
            refusal=refusal,
            note=note,
            was_approved=request.args.get("did") == "approve",
            limits={"most_kb": LARGEST_FIGURES // 1000, "longest": LONGEST_NOTE},
            **values,
        )
        if run is not None and run.is_running:
            page.headers["Refresh"] = str(SECONDS_BETWEEN_LOOKS)
        return page

    def _indicators(self, record: RoundRecord, language: str) -> list[tuple[str, str]]:
        try:
            found: tuple[Indicator, ...] = wanted_indicators(self._services.stores, record)
        except (WrongState, AnalysisError) as complaint:
            # The run itself will say it in more words.
            current_app.logger.error("The plan of %s cannot be read: %s", record.slug, complaint)
            return []
        return [(one.code, one.label.in_language(language)) for one in found]

    def _results(self, record: RoundRecord) -> tuple[OpenEdition, Results] | None:
        """What the last run found; None where there is none, or its folder is not as it was written."""
        run = run_of(self._services.stores, record.slug)
        if run is None or run.state != "done":
            return None
        folder = results_folder(self._services.settings, record.slug, run.mark)
        try:
            opened = self._shelf.open_at(folder, record.slug, run.number, run.manifest_hash)
            return opened, results_of(opened)
        except (EditionError, OSError) as complaint:
            current_app.logger.error("The results of %s cannot be shown: %s", record.slug, complaint)
            return None

    def _accounting(self, record: RoundRecord) -> tuple[AccountingRow, ...]:
        """The counts of who was asked; none for answers from elsewhere, or where they cannot be read."""
        if record.is_imported:
            return ()
        services = self._services
        try:
            return round_accounting(services.stores, services.secrets, services.settings, record.slug)
        except AnalysisError as complaint:
            current_app.logger.error("The accounting of %s cannot be read: %s", record.slug, complaint)
            return ()

    def _response_of(
        self, record: RoundRecord, names: shown.Names, language: str
    ) -> tuple[tuple[shown.ResponseLine, ...], tuple[shown.ResponseLine, ...], shown.ResponseLine | None]:
        rows = self._accounting(record)
        return shown.response_lines(rows, names, _channels((row.channel for row in rows), language))

    def _overview(self, record: RoundRecord, results: Results, language: str) -> dict[str, object]:
        names = shown.Names(results.edition, language)
        units, _, whole = self._response_of(record, names, language)
        formulas = shown.formula_blocs(results.edition, names)
        return {
            "findings": findings_of(results, units, whole, formulas),
            "blocs": shown.estimate_lines(results.edition, ROOT, names),
            "is_as_published": self._is_as_published(record, results),
        }

    def _is_as_published(self, record: RoundRecord, results: Results) -> bool | None:
        """Whether the round's last edition has these very figures; None while it has none."""
        last = editions_of(self._services.stores, record.slug)[-1:]
        if not last:
            return None
        try:
            edition = self._shelf.open(record.slug, last[0]).edition
        except (EditionError, OSError):
            return None
        return figures_hash_of(edition) == figures_hash_of(results.edition)

    def _units(self, record: RoundRecord, results: Results, language: str) -> dict[str, object]:
        options = node_options(results.edition)
        asked = request.args.get("node", ROOT)
        node = asked if any(option.code == asked for option in options) else ROOT
        names = shown.Names(results.edition, language)
        return {"blocs": shown.estimate_lines(results.edition, node, names), "options": options, "node": node}

    def _weights(self, record: RoundRecord, results: Results, language: str) -> dict[str, object]:
        units, whole = shown.weight_lines(results, shown.Names(results.edition, language))
        fieldwork = results.edition.fieldwork
        return {
            "units": units,
            "whole": whole,
            "weighting": None if fieldwork is None else fieldwork.weighting,
            "most": max((line.row.kish or 1.0 for line in units), default=1.0),
        }

    def _response(self, record: RoundRecord, results: Results, language: str) -> dict[str, object]:
        units, ways, whole = self._response_of(record, shown.Names(results.edition, language), language)
        return {"units": units, "ways": ways, "whole": whole, "is_imported": record.is_imported}

    def _flags(self, record: RoundRecord, results: Results, language: str) -> dict[str, object]:
        names, quality = shown.Names(results.edition, language), results.quality
        codes = {*(row.channel for row in quality.rows), *(row.channel for row in quality.gaps)}
        channels = _channels(codes, language)
        return {
            "quality": quality,
            "control": channels.get(quality.control, channel_label(quality.control, language)),
            "unusual": shown.unusual_lines(quality.rows, names, channels),
            "gaps": shown.gap_lines(quality.gaps, names, channels),
            "sensitivity": shown.sensitivity_lines(quality.sensitivity, names),
        }

    def _formulas(self, record: RoundRecord, results: Results, language: str) -> dict[str, object]:
        return {"formula_blocs": shown.formula_blocs(results.edition, shown.Names(results.edition, language))}


def _channels(codes: Iterable[str], language: str) -> dict[str, str]:
    text = catalogue_of("office").text
    return {code: text("every_channel", language) if code == ALL else channel_label(code, language) for code in codes}


def _of_edition(results: Results, language: str) -> dict[str, object]:
    """What every page of results is told."""
    edition = results.edition
    profile = edition.questionnaire.profile(edition.profile)
    return {
        "edition": edition,
        "profile": profile,
        "decimals": edition.plan.decimals,
        "level": level_text(edition, language),
        "row_paths": row_paths,
        "known_reasons": _known_reasons(),
        "index_label": ""
        if edition.questionnaire.index is None
        else edition.questionnaire.index.short_label.in_language(language),
        "index_name": edition.display_name(language),
    }


@cache
def _known_reasons() -> frozenset[str]:
    """The codes of reasons that there are words for."""
    start = "analysis_reason_"
    return frozenset(key.removeprefix(start) for key in catalogue_of("office").sentences if key.startswith(start))


def _failure(run: RunRecord | None) -> tuple[str, tuple[str, ...]] | None:
    """Why a run found nothing, as keys of texts."""
    if run is None or run.state != "failed":
        return None
    return why_unpublished(run.complaint_kind, run.complaint)
