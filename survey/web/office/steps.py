"""The steps of a round's life: each is confirmed on a page that says what will happen, and then done once."""

from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from analysis.errors import AnalysisError
from questionnaires.errors import QuestionnaireError
from survey.errors import HailongError, StoreUnavailable
from survey.round_records import RoundRecord
from survey.rounds import close_round, open_round
from survey.services import Services, today
from survey.texts import date
from survey.web.office.presenting import STATES, next_step_of
from survey.web.office.rounds import find_line, round_line
from survey.web.pages import catalogue_of, page_language, render_page

REACHED = {"open": "open", "close": "closed", "seal": "sealed", "publish": "published"}


class StepPages:
    """Opening, closing, sealing and publishing, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def confirm(self, slug: str, step: str) -> AnyResponse:
        language = page_language()
        record, line = find_line(self._services, slug, language)
        if next_step_of(record) != step:
            return _failed_state(record, language)
        if request.method == "GET":
            is_early = step == "close" and today() <= record.closes_on
            return render_page("office/confirm.html", language, area="rounds", round=line, step=step, is_early=is_early)
        try:
            failures = self._do(step, slug, g.officer.login)
        except StoreUnavailable:
            raise
        except (HailongError, AnalysisError, QuestionnaireError) as complaint:
            return self._failed(step, slug, language, str(complaint))
        if failures:
            return render_page("office/done.html", language, area="rounds", round=line, step=step, failures=failures)
        return redirect(url_for("office.done", slug=slug, step=step), HTTPStatus.SEE_OTHER)

    def done(self, slug: str, step: str) -> AnyResponse:
        language = page_language()
        record, line = find_line(self._services, slug, language)
        if STATES.index(record.state) < STATES.index(REACHED[step]):
            return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        return render_page("office/done.html", language, area="rounds", round=line, step=step, failures=())

    def _do(self, step: str, slug: str, actor: str) -> tuple[str, ...]:
        """Take the step; the answer names what could not be printed, which does not undo the step."""
        services = self._services
        if step == "open":
            open_round(services.stores, services.vault, slug, today(), actor=actor)
        elif step == "close":
            close_round(services.stores, slug, actor=actor)
        elif step == "seal":
            from survey.sealing import seal_round

            seal_round(services.stores, services.secrets, services.vault, services.settings, slug, actor=actor)
        else:
            from survey.publishing import publish_round

            made = publish_round(services.stores, services.vault, services.settings, slug, today(), actor=actor)
            return tuple(f"{document.name}: {document.failure}" for document in made.failures)
        return ()

    def _failed(self, step: str, slug: str, language: str, detail: str) -> Response:
        record, _ = find_line(self._services, slug, language)
        if next_step_of(record) != step:
            return _failed_state(record, language)
        if step == "open" and today() > record.closes_on:
            closes = date(record.closes_on, language)
            return _failure(record, language, "failed_dates_open", {"closes": closes}, detail)
        return _failure(record, language, "failed_generic", {}, detail)


def _failed_state(record: RoundRecord, language: str) -> Response:
    state = catalogue_of("office").text(f"state_{record.state}", language)
    return _failure(record, language, "failed_state", {"state": state}, "")


def _failure(record: RoundRecord, language: str, reason: str, values: dict[str, str], detail: str) -> Response:
    return render_page(
        "office/failed.html",
        language,
        status=HTTPStatus.CONFLICT,
        area="rounds",
        round=round_line(record, language),
        reason=reason,
        reason_values=values,
        detail=detail,
    )
