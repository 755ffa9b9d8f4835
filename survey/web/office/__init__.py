"""The office: where an officer leads a round from its draft to its publication."""

from http import HTTPStatus

from flask import Blueprint, Response, abort, current_app, g, redirect, request, url_for
from flask_wtf.csrf import generate_csrf, validate_csrf
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as AnyResponse
from wtforms import ValidationError

from survey.custody import has_key_on_machine
from survey.errors import NotFound
from survey.services import Services
from survey.web.languages import keep_language
from survey.web.office.account import AccountPages
from survey.web.office.accounting import AccountingPages
from survey.web.office.codes import CodePages
from survey.web.office.custody import CustodyPages
from survey.web.office.entry import SIGN_IN, SIGN_OUT, EntryPages, awaits
from survey.web.office.figures import FigurePages
from survey.web.office.halted import HaltedPages
from survey.web.office.new_round import NewRoundPages
from survey.web.office.rounds import RoundPages
from survey.web.office.session import load_officer, to_sign_in
from survey.web.office.slips import SlipPages
from survey.web.office.steps import StepPages
from survey.web.pages import page_language, render_page

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CONFIRM = "office.confirm"
UPLOADS = frozenset({"office.batch", "office.slips", "office.new_round", "office.trial", CONFIRM})
# Below the size at which the form parser would write what is uploaded, perhaps codes, to a file on the disk.
LARGEST_UPLOAD = 450_000


def make_blueprint(services: Services) -> Blueprint:
    """The office of one instance. Every address but the sign-in page is for officers, and every post needs a token."""
    blueprint = Blueprint("office", __name__, url_prefix="/office")
    keep_language(blueprint)
    _guard(blueprint, services)
    _add_pages(blueprint, services)

    @blueprint.context_processor
    def shared() -> dict[str, object]:
        return {
            "officer": g.get("officer"),
            "area": None,
            "csrf_token": generate_csrf,
            "machine_holds_key": lambda: has_key_on_machine(services.stores),
        }

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


def _guard(blueprint: Blueprint, services: Services) -> None:
    @blueprint.before_request
    def admit() -> AnyResponse | None:
        # What is not let in here is refused: a view that is added later is guarded before anybody thinks of it.
        load_officer(services)
        if g.officer is None and request.endpoint != SIGN_IN:
            if g.session is None:
                return to_sign_in()
            if request.endpoint not in (awaits(g.session), SIGN_OUT):
                return redirect(url_for(awaits(g.session)), HTTPStatus.SEE_OTHER)
        if request.endpoint in UPLOADS:
            request.max_content_length = LARGEST_UPLOAD
        if request.endpoint == CONFIRM:
            # Figures that were read come back in a field, so that nothing lies on the server in between.
            request.max_form_memory_size = LARGEST_UPLOAD
        if request.method not in READING_METHODS and request.endpoint != SIGN_IN:
            try:
                validate_csrf(request.form.get("csrf_token"))
            except ValidationError:
                current_app.logger.warning("A post without a valid token was refused at %s", request.endpoint)
                abort(HTTPStatus.BAD_REQUEST)
        return None


def _add_pages(blueprint: Blueprint, services: Services) -> None:
    entry, account, rounds = EntryPages(services), AccountPages(services), RoundPages(services)
    codes, slips, new_round = CodePages(services), SlipPages(services), NewRoundPages(services)
    accounting, figures = AccountingPages(services), FigurePages(services)
    custody, halted = CustodyPages(services), HaltedPages(services)
    steps = StepPages(services, figures, custody)
    both = ["GET", "POST"]
    add = blueprint.add_url_rule
    add("/", "rounds", rounds.rounds, methods=["GET"])
    add("/sign-in", "sign_in", entry.sign_in, methods=both)
    add("/sign-in/code", "sign_in_code", entry.code, methods=both)
    add("/sign-out", "sign_out", entry.sign_out, methods=["POST"])
    add("/account", "account", account.account, methods=["GET"])
    add("/account/password", "password", account.password, methods=both)
    add("/account/second-factor", "second_factor", account.second_factor, methods=both)
    add("/account/recovery-codes", "recovery_codes", account.recovery_codes, methods=both)
    add("/account/sessions", "sessions", account.sessions, methods=both)
    add("/units", "units", rounds.units, methods=["GET"])
    add("/new-round", "new_round", new_round.new_round, methods=both)
    add("/rounds/<slug>", "round", rounds.round, methods=["GET"])
    add("/rounds/<slug>/codes", "codes", codes.codes, methods=both)
    add("/rounds/<slug>/codes/batch", "batch", codes.batch, methods=both)
    add("/rounds/<slug>/slips", "slips", slips.slips, methods=both)
    add("/rounds/<slug>/stands", "stands", slips.stands, methods=["POST"])
    add("/rounds/<slug>/accounting", "accounting", accounting.accounting, methods=["GET"])
    add("/rounds/<slug>/accounting.<any(csv, xlsx):file_type>", "accounting_file", accounting.file, methods=["GET"])
    add("/rounds/<slug>/hard-data.csv", "figures_form", figures.form, methods=["GET"])
    add("/rounds/<slug>/custody", "custody", custody.custody, methods=both)
    add("/rounds/<slug>/custody/destroyed", "destroyed", custody.destroyed, methods=["POST"])
    add("/rounds/<slug>/reconcile", "reconcile", halted.reconcile, methods=both)
    add("/rounds/<slug>/trial", "trial", custody.trial, methods=both)
    add("/rounds/<slug>/<any(open, close, seal, publish):step>", "confirm", steps.confirm, methods=both)
    add("/rounds/<slug>/<any(open, close, seal, publish):step>/done", "done", steps.done, methods=["GET"])
    add("/<path:anything>", "nowhere", _nowhere, methods=["GET"])


def _nowhere(anything: str) -> Response:
    abort(HTTPStatus.NOT_FOUND)


def _problem(status: int) -> Response:
    return render_page("office/problem.html", page_language(), status=int(status), code=int(status))
