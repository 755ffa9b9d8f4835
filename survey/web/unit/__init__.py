"""The units' portal: where the people of a unit read its scorecards and say what they will do."""

from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, Response, abort, current_app, g
from werkzeug.exceptions import BadRequest

from analysis.errors import EditionError
from survey.errors import NotFound
from survey.services import Services
from survey.unit_people import UNIT, accept_invitation, find_person
from survey.web.accounts.guard import guard
from survey.web.accounts.invited import InvitedPages
from survey.web.accounts.routes import add_account_pages
from survey.web.accounts.session import Area
from survey.web.languages import keep_language
from survey.web.pages import page_language, render_page
from survey.web.unit.fieldwork import FieldworkPages
from survey.web.unit.previews import PreviewPages
from survey.web.unit.promises import PromisePages
from survey.web.unit.scorecards import ScorecardPages


def make_blueprint(services: Services) -> Blueprint:
    """The portal of one instance. No address in it names a unit: whoever signed in is shown their own."""
    area = Area("unit", UNIT, "unit.scorecards", services.settings.other_house)
    blueprint = Blueprint("unit", __name__, url_prefix="/unit")
    keep_language(blueprint)
    guard(blueprint, services, area, doors=frozenset({"invited"}))
    _add_pages(blueprint, services, area)

    @blueprint.before_request
    def find_unit() -> None:
        g.person = None if g.account is None else find_person(services.stores, g.account.id)

    @blueprint.context_processor
    def shared() -> dict[str, object]:
        return {"person": g.get("person")}

    @blueprint.errorhandler(HTTPStatus.NOT_FOUND)
    @blueprint.errorhandler(NotFound)
    def not_found(_: Exception) -> Response:
        return _problem(HTTPStatus.NOT_FOUND)

    @blueprint.errorhandler(BadRequest)
    def bad_request(_: BadRequest) -> Response:
        return _problem(HTTPStatus.BAD_REQUEST)

    @blueprint.errorhandler(EditionError)
    def altered(complaint: EditionError) -> Response:
        current_app.logger.error("A scorecard cannot be shown: %s", complaint)
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR)

    return blueprint


def _add_pages(blueprint: Blueprint, services: Services, area: Area) -> None:
    def accept(code: str, password: str, moment: datetime) -> str | None:
        breached = services.settings.breached_passwords
        person = accept_invitation(services.stores, services.secrets, code, password, moment, breached=breached)
        return None if person is None else person.account.login

    invited, cards = InvitedPages(services, area, accept), ScorecardPages(services)
    promises, previews = PromisePages(services, cards), PreviewPages(services)
    both = ["GET", "POST"]
    add = blueprint.add_url_rule
    add_account_pages(blueprint, services, area)
    add("/invited", "invited", invited.invited, methods=both)
    add("/", "scorecards", cards.index, methods=["GET"])
    add("/rounds/<slug>/fieldwork", "fieldwork", FieldworkPages(services).fieldwork, methods=["GET"])
    add("/rounds/<slug>", "scorecard", cards.scorecard, methods=["GET"])
    add("/rounds/<slug>/scorecard.pdf", "pdf_file", cards.pdf_file, methods=["GET"])
    add("/rounds/<slug>/receipt", "receive", cards.receive, methods=["POST"])
    add("/rounds/<slug>/promise", "promise", promises.promise, methods=both)
    add("/promises/<int(max=2147483647):number>", "promise_state", promises.state, methods=both)
    add("/previews/<slug>", "preview", previews.preview, methods=both)
    add("/previews/<slug>/scorecard.pdf", "preview_pdf", previews.pdf_file, methods=["GET"])
    add("/<path:anything>", "nowhere", _nowhere, methods=["GET"])


def _nowhere(anything: str) -> Response:
    abort(HTTPStatus.NOT_FOUND)


def _problem(status: int) -> Response:
    return render_page("unit/problem.html", page_language(), status=int(status), code=int(status))
