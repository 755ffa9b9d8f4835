"""An edition on its way to the public: the work that makes it, the preview, objections, approvals, corrections."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from flask import Response, abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from analysis.errors import AnalysisError, EditionError
from analysis.release.hard_data import HardData
from survey.analysis_runs import figures_hash_of, run_of
from survey.comments import n_waiting_comments
from survey.editions import OpenEdition
from survey.errors import BadInput, NotFound, SamePerson, StoreUnavailable, WrongState
from survey.hard_figures import read_figures, wanted_indicators
from survey.jobs import JobRecord, job_of, start_job
from survey.previews import (
    LONGEST_TEXT,
    ObjectionRecord,
    Obstacle,
    PreviewRecord,
    answer_objection,
    approve_preview,
    current_preview,
    objections_of,
    obstacles,
    raise_objection,
    withdraw_preview,
)
from survey.publishing import last_hard_data, release_plan_of
from survey.releasing import open_preview, preview_pdf, publish_preview
from survey.round_records import RoundRecord, units_of_round
from survey.services import Services, today
from survey.texts import date
from survey.viet_nam import VIET_NAM
from survey.web.office.figures import LARGEST_FIGURES
from survey.web.office.files import FileComplaint, complaint_about, name_of
from survey.web.office.forms import CorrectionForm
from survey.web.office.presenting import unit_name
from survey.web.office.rounds import document_lines, find_line
from survey.web.pages import catalogue_of, page_language, render_page

# How soon a page that waits looks again, by itself and without a script.
SECONDS_BETWEEN_LOOKS = 4
TYPED = ("objection", "outcome", "answer", "unit", "raised_by", "text")
ACTIONS = ("objection", "answer", "approve", "withdraw", "publish")


@dataclass(frozen=True, slots=True)
class ObjectionLine:
    """An objection as its page shows it."""

    objection: ObjectionRecord
    unit_name: str
    is_of_this_preview: bool


@dataclass(frozen=True, slots=True)
class FiguresApproval:
    """Whether a statistician has approved the figures of a preview: these, `others`, or none; who did, and when."""

    state: Literal["approved", "others", "unapproved"]
    name: str = ""
    on: dt.date | None = None


class ReleasePages:
    """Previews, approvals and corrections, over one instance."""

    def __init__(self, services: Services, failed: Callable[[RoundRecord, JobRecord], AnyResponse]) -> None:
        self._services = services
        # The page that says why there is no edition is the steps' own.
        self._failed = failed
        # The manifest of the preview that was looked at last, and what tells its figures.
        self._figures_hash = ("", "")

    def printing(self, slug: str) -> AnyResponse:
        """How far the work is; when it is over, the way to what came of it."""
        language = page_language()
        record, line = find_line(self._services, slug, language)
        job = job_of(self._services.stores, slug)
        if job is None:
            return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        if job.state == "failed":
            return self._failed(record, job)
        if job.state == "done":
            return redirect(_after(record, job), HTTPStatus.SEE_OTHER)
        page = render_page(
            "office/printing.html",
            language,
            area="rounds",
            round=line,
            job=job,
            began=f"{job.began.astimezone(VIET_NAM):%H:%M}",
        )
        if job.state == "running":
            page.headers["Refresh"] = str(SECONDS_BETWEEN_LOOKS)
        return page

    def release(self, slug: str) -> AnyResponse:
        """The preview: what it shows, what is said of it, and what still stands before its publication."""
        return self._page(slug, HTTPStatus.OK)

    def act(self, slug: str, action: str) -> AnyResponse:
        """Posted by the page of the preview: an objection, an answer, an approval, a withdrawal or the publication."""
        stores, officer, sent = self._services.stores, g.account, request.form
        try:
            if action == "objection":
                self._log_objection(slug)
            elif action == "answer":
                number = int(sent.get("objection", "")) if sent.get("objection", "").isdecimal() else 0
                answer_objection(
                    stores,
                    slug,
                    number,
                    sent.get("outcome", ""),
                    sent.get("answer", ""),
                    officer=officer,
                    today=today(),
                )
            elif action == "approve":
                preview = current_preview(stores, slug)
                if preview is not None and officer.id in preview.approver_ids:
                    return self._page(slug, HTTPStatus.CONFLICT, "release_error_twice")
                approve_preview(
                    stores,
                    slug,
                    sent.get("manifest", ""),
                    officer=officer,
                    today=today(),
                    must_be_another=self._services.settings.must_have_second_person,
                )
            elif action == "withdraw":
                withdraw_preview(stores, slug, sent.get("reason", ""), actor=officer.login)
                return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
            else:
                publish_preview(stores, self._services.settings, slug, today(), actor=officer.login)
                return redirect(url_for("office.done", slug=slug, step="publish"), HTTPStatus.SEE_OTHER)
        except StoreUnavailable:
            raise
        except BadInput:
            return self._page(slug, HTTPStatus.BAD_REQUEST, f"release_error_{action}")
        except SamePerson:
            return self._page(slug, HTTPStatus.CONFLICT, "release_error_same")
        except (NotFound, WrongState):
            # What was pressed on a page that has grown old, or what a colleague was quicker with.
            return self._page(slug, HTTPStatus.CONFLICT, "release_error_state")
        except EditionError as complaint:
            current_app.logger.error("The preview of %s cannot be published: %s", slug, complaint)
            return self._page(slug, HTTPStatus.CONFLICT, "release_error_changed")
        return redirect(url_for("office.release", slug=slug, did=action), HTTPStatus.SEE_OTHER)

    def file(self, slug: str, name: str) -> Response:
        """A document of the preview, unsigned: it is not published."""
        preview = current_preview(self._services.stores, slug)
        if preview is None:
            abort(HTTPStatus.NOT_FOUND)
        opened = self._opened(preview)
        content = None if opened is None else preview_pdf(opened, f"{name}.pdf")
        if content is None:
            abort(HTTPStatus.NOT_FOUND)
        response = Response(content, content_type="application/pdf")
        response.headers.set("Content-Disposition", "inline", filename=f"{slug}-{name}.pdf")
        return response

    def correction(self, slug: str) -> AnyResponse:
        """The form of a correction; posted, the work that makes the new edition begins."""
        language = page_language()
        record, line = find_line(self._services, slug, language)
        if record.state != "published":
            return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        form = CorrectionForm()
        indicators = wanted_indicators(self._services.stores, record)
        complaint: FileComplaint | None = None
        if form.is_submitted() and form.validate():
            hard_data, complaint = self._figures(record, form) if indicators else (None, None)
            if complaint is None and not form.figures.errors:
                try:
                    return self.start(slug, reason=form.reason.data, hard_data=hard_data)
                except BadInput:
                    form.reason.errors = ["error_required"]
                except WrongState:
                    return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        plan = release_plan_of(record, self._services.settings)
        return render_page(
            "office/correction.html",
            language,
            status=HTTPStatus.BAD_REQUEST if form.problems() else HTTPStatus.OK,
            area="rounds",
            round=line,
            form=form,
            approvals=plan.approvals,
            n_waiting=self.n_waiting(record),
            wants_figures=bool(indicators),
            complaint=complaint,
            limits={"most_kb": LARGEST_FIGURES // 1000},
        )

    def n_waiting(self, record: RoundRecord) -> int:
        """How many comments the next edition will lack, because nobody has decided about them."""
        try:
            return n_waiting_comments(self._services.stores, self._services.settings, record)
        except AnalysisError as complaint:
            # Whoever goes on is told of the archive itself, in more words than fit here.
            current_app.logger.error("The comments of %s cannot be counted: %s", record.slug, complaint)
            return 0

    def start(self, slug: str, *, reason: str | None = None, hard_data: HardData | None = None) -> AnyResponse:
        """Have the next edition made, and lead to the page that says how far it is."""
        record, _ = find_line(self._services, slug, page_language())
        is_published_at_once = not release_plan_of(record, self._services.settings).needs_preview
        if is_published_at_once and not g.account.may("release.publish"):
            abort(HTTPStatus.FORBIDDEN)
        try:
            start_job(self._services, slug, officer=g.account, reason=reason, hard_data=hard_data)
        except WrongState:
            # A colleague has pressed the button before: their work is what this page would show.
            if job_of(self._services.stores, slug) is None:
                raise
        return redirect(url_for("office.printing", slug=slug), HTTPStatus.SEE_OTHER)

    def _log_objection(self, slug: str) -> None:
        raised_by = " ".join(request.form.get("raised_by", "").split())
        if not raised_by:
            raise BadInput("found nobody who objects")
        raise_objection(
            self._services.stores,
            slug,
            request.form.get("unit", ""),
            request.form.get("text", ""),
            raised_by=raised_by,
            today=today(),
            actor=g.account.login,
        )

    def _figures(self, record: RoundRecord, form: CorrectionForm) -> tuple[HardData | None, FileComplaint | None]:
        """The hard data that were handed in; None where none were, and those of the last edition are taken."""
        upload = form.figures.data
        if not getattr(upload, "filename", ""):
            return last_hard_data(self._services.stores, self._services.settings, record.slug), None
        content, name = upload.read(LARGEST_FIGURES + 1), name_of(upload)
        if len(content) > LARGEST_FIGURES:
            form.figures.errors = ["error_file_large"]
            return None, None
        try:
            return read_figures(self._services.stores, record, content, name).data, None
        except AnalysisError as complaint:
            form.figures.errors = ["error_source"]
            return None, complaint_about(str(complaint), name, catalogue_of("office").translator(page_language()))

    def _page(self, slug: str, status: int, refusal: str = "") -> AnyResponse:
        language, stores = page_language(), self._services.stores
        record, line = find_line(self._services, slug, language)
        preview = current_preview(stores, slug)
        if preview is None:
            return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        plan, names = release_plan_of(record, self._services.settings), self._names(record, language)
        found = obstacles(stores, preview, plan.approvals, today())
        opened = self._opened(preview)
        files = () if opened is None else document_lines(opened, names, language, _address_of(slug))
        return render_page(
            "office/release.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            preview=preview,
            is_readable=opened is not None,
            figures=self._figures_of(preview, opened),
            files=files,
            obstacles=[_in_words(obstacle, language) for obstacle in found],
            is_unsettled=any(obstacle.kind in ("objections", "upheld") for obstacle in found),
            approvals_needed=plan.approvals,
            has_approved=g.account.id in preview.approver_ids,
            is_own=self._services.settings.must_have_second_person and preview.preparer_id == g.account.id,
            objections=[
                ObjectionLine(
                    found,
                    names.get(found.unit_code, found.unit_code),
                    (found.number, found.attempt) == (preview.number, preview.attempt),
                )
                for found in objections_of(stores, slug)
            ],
            units=sorted(names.items(), key=lambda pair: pair[1]),
            refusal=refusal,
            did=request.args.get("did", "") if request.args.get("did") in ACTIONS else "",
            # What was typed stands there again when something of it was wrong.
            sent={name: request.form.get(name, "") if refusal else "" for name in TYPED},
            limits={"longest": LONGEST_TEXT},
        )

    def _figures_of(self, preview: PreviewRecord, opened: OpenEdition | None) -> FiguresApproval | None:
        """What the approval of the analysis says of the preview's figures; None where the preview cannot be read."""
        if opened is None:
            return None
        run = run_of(self._services.stores, preview.slug)
        if run is None or not run.is_approved:
            return FiguresApproval("unapproved")
        # An edition never changes, and what tells its figures is made of all of them.
        looked_at, found = self._figures_hash
        if looked_at != preview.manifest_hash:
            found = figures_hash_of(opened.edition)
            self._figures_hash = preview.manifest_hash, found
        is_same = found == run.figures_hash
        return FiguresApproval("approved" if is_same else "others", run.approved_by, run.approved_on)

    def _names(self, record: RoundRecord, language: str) -> Mapping[str, str]:
        return {unit.code: unit_name(unit, language) for unit in units_of_round(self._services.stores, record)}

    def _opened(self, preview: PreviewRecord) -> OpenEdition | None:
        try:
            return open_preview(self._services.settings, preview)
        except (NotFound, EditionError, OSError) as complaint:
            current_app.logger.error("The preview of %s cannot be shown: %s", preview.slug, complaint)
            return None


def _after(record: RoundRecord, job: JobRecord) -> str:
    if job.kind == "preview":
        return url_for("office.release", slug=record.slug)
    return url_for("office.done", slug=record.slug, step="publish")


def _address_of(slug: str) -> Callable[[str], str]:
    return lambda name: url_for("office.preview_file", slug=slug, name=name)


def _in_words(obstacle: Obstacle, language: str) -> str:
    values: dict[str, object] = {"count": obstacle.count}
    if obstacle.kind == "embargo":
        values = {"until": date(obstacle.until, language)}
    elif obstacle.kind == "approvals":
        values["needed"] = obstacle.needed
    return catalogue_of("office").text(f"obstacle_{obstacle.kind}", language, **values)
