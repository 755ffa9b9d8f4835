"""The steps of a round's life: each is confirmed on a page that says what will happen, and then done once."""

from collections.abc import Sequence
from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from analysis.errors import AnalysisError
from analysis.release.hard_data import HardData
from analysis.release.release_plan import ReleasePlan
from questionnaires.errors import QuestionnaireError
from survey.approvals import mark_sealed, open_approval
from survey.custody_record import DAYS_TO_DESTROY
from survey.errors import HailongError, StoreUnavailable
from survey.hard_figures import wanted_indicators
from survey.jobs import JobRecord, is_at_work, job_of
from survey.paper_entry import waiting_forms
from survey.previews import current_preview
from survey.publishing import release_plan_of
from survey.round_records import RoundRecord
from survey.round_setup import is_ready
from survey.rounds import close_round, open_round
from survey.services import Services, today
from survey.shares import Share
from survey.texts import date
from survey.web.office.approval_requests import ask_for_sealing
from survey.web.office.custody import CustodyPages
from survey.web.office.figures import FigurePages
from survey.web.office.presenting import STATES, next_step_of
from survey.web.office.release import ReleasePages
from survey.web.office.rounds import find_line, round_line
from survey.web.office.why_unpublished import GENERIC, Reasons, why_unpublished
from survey.web.pages import catalogue_of, page_language, render_page

REACHED = {"open": "open", "close": "closed", "seal": "sealed", "publish": "published"}


class StepPages:
    """Opening, closing, sealing and publishing, over one instance."""

    def __init__(self, services: Services, figures: FigurePages, custody: CustodyPages) -> None:
        self._services = services
        self._figures = figures
        self._custody = custody
        self.release = ReleasePages(services, self._failed_job)

    def confirm(self, slug: str, step: str) -> AnyResponse:
        language = page_language()
        record, line = find_line(self._services, slug, language)
        if next_step_of(record) != step:
            return _failed_state(record, language)
        if step == "publish":
            waiting = self._under_way(slug)
            if waiting is not None:
                return waiting
            try:
                indicators = wanted_indicators(self._services.stores, record)
            except StoreUnavailable:
                raise
            except (HailongError, AnalysisError, QuestionnaireError) as complaint:
                return self._failed(step, slug, language, complaint)
            if indicators:
                return self._figures.ask(record, indicators, lambda figures: self._published(slug, figures))
        if step == "seal" and self._services.settings.must_have_second_person:
            found = open_approval(self._services.stores, slug, "seal")
            if found is None or found.state != "approved":
                return ask_for_sealing(self._services, record, found)
        if step == "open" and not is_ready(self._services, record, today()):
            return redirect(url_for("office.setup", slug=slug), HTTPStatus.SEE_OTHER)
        if record.custody is not None and step == "seal":
            return self._custody.ask_to_seal(record, lambda shares: self._taken(step, slug, shares=shares))
        if request.method != "POST":
            is_early = step == "close" and today() <= record.closes_on
            plan = release_plan_of(record, self._services.settings) if step == "publish" else ReleasePlan()
            return render_page(
                "office/confirm.html",
                language,
                area="rounds",
                round=line,
                step=step,
                is_early=is_early,
                release_plan=plan,
                n_on_paper=waiting_forms(self._services.stores, slug).in_all if step in ("close", "seal") else 0,
                n_waiting=self.release.n_waiting(record) if step == "publish" else 0,
            )
        return self._published(slug) if step == "publish" else self._taken(step, slug)

    def _under_way(self, slug: str) -> AnyResponse | None:
        """The way to the work that is being done for this step, or to the preview that came of it."""
        if is_at_work(job_of(self._services.stores, slug)):
            return redirect(url_for("office.printing", slug=slug), HTTPStatus.SEE_OTHER)
        if "again" not in request.args and current_preview(self._services.stores, slug) is not None:
            return redirect(url_for("office.release", slug=slug), HTTPStatus.SEE_OTHER)
        return None

    def _published(self, slug: str, hard_data: HardData | None = None) -> AnyResponse:
        try:
            return self.release.start(slug, hard_data=hard_data)
        except StoreUnavailable:
            raise
        except (HailongError, AnalysisError) as complaint:
            return self._failed("publish", slug, page_language(), complaint)

    def _taken(self, step: str, slug: str, shares: Sequence[Share] = ()) -> AnyResponse:
        """Take the step, and lead to the page that says so."""
        language = page_language()
        try:
            self._do(step, slug, g.account.login, shares)
        except StoreUnavailable:
            raise
        except (HailongError, AnalysisError, QuestionnaireError) as complaint:
            return self._failed(step, slug, language, complaint)
        return redirect(url_for("office.done", slug=slug, step=step), HTTPStatus.SEE_OTHER)

    def done(self, slug: str, step: str) -> AnyResponse:
        language = page_language()
        record, line = find_line(self._services, slug, language)
        if STATES.index(record.state) < STATES.index(REACHED[step]):
            return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        job = job_of(self._services.stores, slug) if step == "publish" else None
        # What could not be printed does not undo the step.
        return _done(step, line, language, job.failures if job is not None and job.state == "done" else ())

    def _do(self, step: str, slug: str, actor: str, shares: Sequence[Share]) -> None:
        services = self._services
        if step == "open":
            open_round(services.stores, services.vault, slug, today(), actor=actor)
        elif step == "close":
            close_round(services.stores, slug, actor=actor)
        else:
            from survey.sealing import seal_round

            seal_round(
                services.stores, services.secrets, services.vault, services.settings, slug, shares=shares, actor=actor
            )
            mark_sealed(services.stores, slug, actor=actor)

    def _failed(self, step: str, slug: str, language: str, complaint: Exception) -> Response:
        record, _ = find_line(self._services, slug, language)
        if next_step_of(record) != step:
            return _failed_state(record, language)
        if step == "open" and today() > record.closes_on:
            values = {"closes": date(record.closes_on, language)}
            return _failure(record, language, ("failed_dates_open", ()), values, str(complaint))
        reasons = why_unpublished(type(complaint), str(complaint)) if step == "publish" else GENERIC
        return _failure(record, language, reasons, {}, str(complaint))

    def _failed_job(self, record: RoundRecord, job: JobRecord) -> Response:
        reasons = why_unpublished(job.complaint_kind, job.complaint)
        return _failure(record, page_language(), reasons, {}, job.complaint)


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
