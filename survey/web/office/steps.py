"""The steps of a round's life: each is confirmed on a page that says what will happen, and then done once."""

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from analysis.errors import AnalysisError, ArchiveError, DesignError, EditionError, PlanError
from analysis.release.hard_data import HardData
from questionnaires.errors import QuestionnaireError
from survey.custody_record import DAYS_TO_DESTROY
from survey.errors import HailongError, StoreUnavailable
from survey.hard_figures import wanted_indicators
from survey.round_records import RoundRecord
from survey.rounds import close_round, open_round
from survey.services import Services, today
from survey.shares import Share
from survey.texts import date
from survey.web.office.custody import CustodyPages
from survey.web.office.figures import FigurePages
from survey.web.office.presenting import STATES, next_step_of
from survey.web.office.rounds import find_line, round_line
from survey.web.pages import catalogue_of, page_language, render_page

REACHED = {"open": "open", "close": "closed", "seal": "sealed", "publish": "published"}


# What keeps an edition from being made, and what its page says of it: the keys of texts, a reassurance or a warning
# first and then what to do. The first that fits is told.
Reasons = tuple[str, tuple[str, ...]]
NOTHING_IS_LOST = "failed_nothing_lost"
MARGINS: Reasons = ("failed_margins", (NOTHING_IS_LOST, "failed_margins_1", "failed_design_again"))
DESIGN: Reasons = ("failed_design", (NOTHING_IS_LOST, "failed_design_1", "failed_design_again"))
ARCHIVE: Reasons = ("failed_archive", ("failed_archive_1", "failed_archive_2"))
UNPUBLISHED: tuple[tuple[type[Exception], Reasons], ...] = (
    (DesignError, DESIGN),
    (PlanError, ("failed_plan", (NOTHING_IS_LOST, "failed_plan_1", "failed_design_again"))),
    (ArchiveError, ARCHIVE),
    (EditionError, ("failed_edition", (NOTHING_IS_LOST, "failed_edition_1", "failed_edition_2"))),
    (AnalysisError, ("failed_analysis", (NOTHING_IS_LOST, "failed_analysis_1"))),
)
GENERIC: Reasons = ("failed_generic", ())


class StepPages:
    """Opening, closing, sealing and publishing, over one instance."""

    def __init__(self, services: Services, figures: FigurePages, custody: CustodyPages) -> None:
        self._services = services
        self._figures = figures
        self._custody = custody

    def confirm(self, slug: str, step: str) -> AnyResponse:
        language = page_language()
        record, line = find_line(self._services, slug, language)
        if next_step_of(record) != step:
            return _failed_state(record, language)
        if step == "publish":
            try:
                indicators = wanted_indicators(self._services.stores, record)
            except StoreUnavailable:
                raise
            except (HailongError, AnalysisError, QuestionnaireError) as complaint:
                return self._failed(step, slug, language, complaint)
            if indicators:
                return self._figures.ask(record, indicators, partial(self._taken, step, slug))
        if record.custody is not None and step == "open" and not record.custody.is_tried:
            return redirect(url_for("office.trial", slug=slug), HTTPStatus.SEE_OTHER)
        if record.custody is not None and step == "seal":
            return self._custody.ask_to_seal(record, lambda shares: self._taken(step, slug, shares=shares))
        if request.method != "POST":
            is_early = step == "close" and today() <= record.closes_on
            return render_page("office/confirm.html", language, area="rounds", round=line, step=step, is_early=is_early)
        return self._taken(step, slug)

    def _taken(
        self, step: str, slug: str, hard_data: HardData | None = None, shares: Sequence[Share] = ()
    ) -> AnyResponse:
        """Take the step, and lead to the page that says so."""
        language = page_language()
        try:
            failures = self._do(step, slug, g.officer.login, hard_data, shares)
        except StoreUnavailable:
            raise
        except (HailongError, AnalysisError, QuestionnaireError) as complaint:
            return self._failed(step, slug, language, complaint)
        if failures:
            _, line = find_line(self._services, slug, language)
            return _done(step, line, language, failures)
        return redirect(url_for("office.done", slug=slug, step=step), HTTPStatus.SEE_OTHER)

    def done(self, slug: str, step: str) -> AnyResponse:
        language = page_language()
        record, line = find_line(self._services, slug, language)
        if STATES.index(record.state) < STATES.index(REACHED[step]):
            return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        return _done(step, line, language, ())

    def _do(
        self, step: str, slug: str, actor: str, hard_data: HardData | None, shares: Sequence[Share]
    ) -> tuple[str, ...]:
        """Take the step; the answer names what could not be printed, which does not undo the step."""
        services = self._services
        if step == "open":
            open_round(services.stores, services.vault, slug, today(), actor=actor)
        elif step == "close":
            close_round(services.stores, slug, actor=actor)
        elif step == "seal":
            from survey.sealing import seal_round

            seal_round(
                services.stores, services.secrets, services.vault, services.settings, slug, shares=shares, actor=actor
            )
        else:
            from survey.publishing import publish_round

            made = publish_round(
                services.stores, services.vault, services.settings, slug, today(), hard_data=hard_data, actor=actor
            )
            return tuple(f"{document.name}: {document.failure}" for document in made.failures)
        return ()

    def _failed(self, step: str, slug: str, language: str, complaint: Exception) -> Response:
        record, _ = find_line(self._services, slug, language)
        if next_step_of(record) != step:
            return _failed_state(record, language)
        if step == "open" and today() > record.closes_on:
            values = {"closes": date(record.closes_on, language)}
            return _failure(record, language, ("failed_dates_open", ()), values, str(complaint))
        reasons = _unpublished(complaint) if step == "publish" else GENERIC
        return _failure(record, language, reasons, {}, str(complaint))


def _done(step: str, line: dict[str, object], language: str, failures: tuple[str, ...]) -> Response:
    return render_page(
        "office/done.html",
        language,
        area="rounds",
        round=line,
        step=step,
        failures=failures,
        days_to_destroy=DAYS_TO_DESTROY,
    )


def _unpublished(complaint: Exception) -> Reasons:
    """Why there is no edition, in the words of an officer."""
    # Both are a DesignError; a known total that nothing meets is named as a margin of the design.
    if isinstance(complaint, DesignError) and "margins" in str(complaint):
        return MARGINS
    # The use case itself has one complaint that is none of its kinds: the archive is not the one that was sealed.
    if type(complaint) is HailongError:
        return ARCHIVE
    return next((reasons for kind, reasons in UNPUBLISHED if isinstance(complaint, kind)), GENERIC)


def _failed_state(record: RoundRecord, language: str) -> Response:
    state = catalogue_of("office").text(f"state_{record.state}", language)
    return _failure(record, language, ("failed_state", ()), {"state": state}, "")


def _failure(record: RoundRecord, language: str, reasons: Reasons, values: dict[str, str], detail: str) -> Response:
    reason, advice = reasons
    return render_page(
        "office/failed.html",
        language,
        status=HTTPStatus.CONFLICT,
        area="rounds",
        round=round_line(record, language),
        reason=reason,
        reason_values=values,
        advice=advice,
        detail=detail,
    )
