"""The office: where an officer leads a round from its draft to its publication."""

from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, Response, abort, g, request
from werkzeug.exceptions import BadRequest

from survey.custody import has_key_on_machine
from survey.errors import NotFound
from survey.office_people import accept_office_invitation
from survey.services import Services
from survey.web.accounts.guard import guard
from survey.web.accounts.invited import Accept, InvitedPages
from survey.web.accounts.routes import add_account_pages
from survey.web.accounts.session import Area
from survey.web.languages import keep_language
from survey.web.office.accounting import AccountingPages
from survey.web.office.analysis import add_analysis_pages
from survey.web.office.approvals import add_approval_pages
from survey.web.office.audit import add_audit_pages
from survey.web.office.codes import CodePages
from survey.web.office.comments import CommentPages
from survey.web.office.custody import CustodyPages
from survey.web.office.fieldwork import add_fieldwork_pages
from survey.web.office.figures import FigurePages
from survey.web.office.frames import add_frame_pages
from survey.web.office.frames.uploading import LARGEST_LIST, InMemoryForms
from survey.web.office.halted import HaltedPages
from survey.web.office.new_round import NewRoundPages
from survey.web.office.paper import add_paper_pages
from survey.web.office.people import PeoplePages
from survey.web.office.questionnaires import add_questionnaire_pages
from survey.web.office.release import ACTIONS
from survey.web.office.rounds import RoundPages
from survey.web.office.setup import add_setup_pages
from survey.web.office.slips import SlipPages
from survey.web.office.staff import add_staff_pages
from survey.web.office.steps import StepPages
from survey.web.office.tables_to_download import TABLE_FILE
from survey.web.office.tablets import add_tablet_pages
from survey.web.office.tablets.collected import LARGEST_SENDING
from survey.web.office.unit_list import add_unit_files
from survey.web.pages import page_language, render_page

CONFIRM, FRAME, COLLECTED = "office.confirm", "office.frame", "office.answers_import"
KEYED = frozenset({"office.paper_enter", "office.paper_settle"})
UPLOADS = frozenset(
    {
        "office.batch",
        "office.slips",
        "office.new_round",
        "office.trial",
        "office.correction",
        "office.questionnaire_import",
        "office.analysis",
        "office.setup_how",
        "office.unit_table",
        "office.paper_forms",
        CONFIRM,
    }
)
# Below the size at which the form parser would write what is uploaded, perhaps codes, to a file on the disk.
LARGEST_UPLOAD = 450_000


def make_blueprint(services: Services) -> Blueprint:
    """The office of one instance. Every address but the sign-in page is for officers, and every post needs a token."""
    blueprint = Blueprint("office", __name__, url_prefix="/office")
    keep_language(blueprint)
    _let_uploads_in(blueprint)
    area = Area("office", "officer", "office.rounds", services.settings.other_house)
    guard(blueprint, services, area, doors=frozenset({"invited"}))
    _add_pages(blueprint, services, area)

    @blueprint.context_processor
    def shared() -> dict[str, object]:
        return {
            "officer": g.get("account"),
            "area": None,
            "machine_holds_key": lambda: has_key_on_machine(services.stores),
        }

    @blueprint.errorhandler(HTTPStatus.FORBIDDEN)
    def forbidden(_: Exception) -> Response:
        return _problem(HTTPStatus.FORBIDDEN)

    @blueprint.errorhandler(HTTPStatus.NOT_FOUND)
    @blueprint.errorhandler(NotFound)
    def not_found(_: Exception) -> Response:
        return _problem(HTTPStatus.NOT_FOUND)

    @blueprint.errorhandler(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    def too_large(_: Exception) -> Response:
        return _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    @blueprint.errorhandler(BadRequest)
    def bad_request(_: BadRequest) -> Response:
        return _problem(HTTPStatus.BAD_REQUEST)

    return blueprint


def _let_uploads_in(blueprint: Blueprint) -> None:
    @blueprint.before_request
    def widen() -> None:
        if request.endpoint in UPLOADS:
            request.max_content_length = LARGEST_UPLOAD
        if request.endpoint == FRAME:
            request.max_content_length = LARGEST_LIST
            # A list names people: it is not to lie in a file of the form parser.
            request.form_data_parser_class = InMemoryForms
        if request.endpoint == COLLECTED:
            request.max_content_length = request.max_form_memory_size = LARGEST_SENDING
            # Answers beside their codes are to lie in no file, either; they come back in a field.
            request.form_data_parser_class = InMemoryForms
        if request.endpoint in KEYED:
            # A form of several units may hold many long texts.
            request.max_content_length = request.max_form_memory_size = LARGEST_UPLOAD
        if request.endpoint == CONFIRM:
            # Figures that were read come back in a field, so that nothing lies on the server in between.
            request.max_form_memory_size = LARGEST_UPLOAD


def _add_pages(blueprint: Blueprint, services: Services, area: Area) -> None:
    rounds, people = RoundPages(services), PeoplePages(services)
    codes, slips, new_round = CodePages(services), SlipPages(services), NewRoundPages(services)
    accounting, figures = AccountingPages(services), FigurePages(services)
    custody, halted = CustodyPages(services), HaltedPages(services)
    steps = StepPages(services, figures, custody)
    release, comments = steps.release, CommentPages(services)
    both = ["GET", "POST"]
    add = blueprint.add_url_rule
    add("/", "rounds", rounds.rounds, methods=["GET"])
    add_account_pages(blueprint, services, area)
    add("/people", "people", people.people, methods=both)
    add("/people/<int(max=2147483647):number>", "person", people.access, methods=["POST"])
    add("/rounds/<slug>/responses", "responses", people.responses, methods=both)
    add(f"/rounds/<slug>/responses{TABLE_FILE}", "responses_file", people.responses_file, methods=["GET"])
    add("/units", "units", rounds.units, methods=["GET"])
    add("/new-round", "new_round", new_round.new_round, methods=both)
    add("/rounds/<slug>", "round", rounds.round, methods=["GET"])
    add("/rounds/<slug>/codes", "codes", codes.codes, methods=both)
    add("/rounds/<slug>/codes/batch", "batch", codes.batch, methods=both)
    add("/rounds/<slug>/slips", "slips", slips.slips, methods=both)
    add("/rounds/<slug>/stands", "stands", slips.stands, methods=["POST"])
    add("/rounds/<slug>/accounting", "accounting", accounting.accounting, methods=["GET"])
    add("/rounds/<slug>/accounting.<any(csv, xlsx):file_type>", "accounting_file", accounting.file, methods=["GET"])
    add(f"/rounds/<slug>/hard-data{TABLE_FILE}", "figures_form", figures.form, methods=["GET"])
    add("/rounds/<slug>/custody", "custody", custody.custody, methods=both)
    add("/rounds/<slug>/custody/destroyed", "destroyed", custody.destroyed, methods=["POST"])
    add("/rounds/<slug>/reconcile", "reconcile", halted.reconcile, methods=both)
    add("/rounds/<slug>/trial", "trial", custody.trial, methods=both)
    add("/rounds/<slug>/<any(open, close, seal, publish):step>", "confirm", steps.confirm, methods=both)
    add("/rounds/<slug>/<any(open, close, seal, publish):step>/done", "done", steps.done, methods=["GET"])
    add("/rounds/<slug>/printing", "printing", release.printing, methods=["GET"])
    add("/rounds/<slug>/correction", "correction", release.correction, methods=both)
    add("/rounds/<slug>/release", "release", release.release, methods=["GET"])
    add("/rounds/<slug>/release/<name>.pdf", "preview_file", release.file, methods=["GET"])
    add(f"/rounds/<slug>/release/<any({', '.join(ACTIONS)}):action>", "release_act", release.act, methods=["POST"])
    add("/rounds/<slug>/comments", "comments", comments.comments, methods=["GET"])
    add("/rounds/<slug>/comments/review", "comment_review", comments.review, methods=both)
    add_setup_pages(blueprint, services)
    add_frame_pages(blueprint, services)
    add_tablet_pages(blueprint, services)
    add_fieldwork_pages(blueprint, services)
    add_paper_pages(blueprint, services)
    add_analysis_pages(blueprint, services)
    add_unit_files(blueprint, services)
    add_questionnaire_pages(blueprint, services)
    add_approval_pages(blueprint, services)
    add_staff_pages(blueprint, services)
    add_audit_pages(blueprint, services)
    add("/invited", "invited", InvitedPages(services, area, _acceptance(services)).invited, methods=both)
    add("/<path:anything>", "nowhere", _nowhere, methods=["GET"])


def _acceptance(services: Services) -> Accept:
    def accept(code: str, password: str, moment: datetime) -> str | None:
        breached = services.settings.breached_passwords
        stores, secrets = services.stores, services.secrets
        found = accept_office_invitation(stores, secrets, code, password, moment, breached=breached)
        return None if found is None else found.login

    return accept


def _nowhere(anything: str) -> Response:
    abort(HTTPStatus.NOT_FOUND)


def _problem(status: int) -> Response:
    return render_page("office/problem.html", page_language(), status=int(status), code=int(status))
