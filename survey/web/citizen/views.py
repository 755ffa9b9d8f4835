"""The citizen's addresses: choose a unit, fill in the form, send it, read that it was received.

A round whose questionnaire rates several units is answered at `/r/<round>` itself, in two sendings: the first names the
units and gets the questions about them, the second brings the answers. The server keeps nothing between the two; each
page holds what was typed on the other.
"""

import time
from functools import partial
from http import HTTPStatus

from flask import Blueprint, Response, abort, jsonify

from survey.fieldwork_days import DayBook
from survey.proofs import new_challenge, new_ticket
from survey.services import Services, today
from survey.web.citizen.choosing import choice_page, list_page
from survey.web.citizen.forms import blank_form
from survey.web.citizen.kiosk import add_kiosk_pages, count_opened
from survey.web.citizen.receiving import Reception
from survey.web.citizen.sending import Sendings, place_of
from survey.web.citizen.shelf import Shelf, ShelvedRound
from survey.web.citizen.showing import RECEIVED, Place, blank_page, received_page, shut_page
from survey.web.pages import CITIZEN_POLICY, page_language


def make_blueprint(services: Services) -> Blueprint:
    """`/r/<round>` and `/r/<round>/<unit>`, as the contract names them."""
    blueprint = Blueprint("citizen", __name__)
    shelf = Shelf(services)
    shelf.fill(today())
    _show_pages(blueprint, shelf, services.days)
    sendings = Sendings(shelf, Reception(services))
    _take_forms(blueprint, sendings)
    _give_challenges(blueprint, shelf, services)
    add_kiosk_pages(blueprint, shelf, services.days, sendings)

    @blueprint.after_request
    def allow_the_script_to_send(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CITIZEN_POLICY
        return response

    return blueprint


def _show_pages(blueprint: Blueprint, shelf: Shelf, days: DayBook) -> None:
    opened = partial(count_opened, days)

    @blueprint.get("/r/<slug>")
    def choose(slug: str) -> Response:
        found, language = _found(shelf, slug)
        place = Place(found, (), language)
        if found.season_on(today()) != "open":
            return shut_page(place)
        if found.questionnaire.rates_several_units:
            opened(slug)
            return choice_page(place, blank_form(found.questionnaire, language))
        if len(found.units) == 1:
            opened(slug, next(iter(found.units)))
            return blank_page(Place(found, tuple(found.units.values()), language))
        return list_page(place)

    @blueprint.get("/r/<slug>/<unit_code>")
    def show(slug: str, unit_code: str) -> Response:
        found, language = _found(shelf, slug)
        if found.questionnaire.rates_several_units and unit_code == RECEIVED:
            return received_page(Place(found, (), language))
        place = place_of(found, unit_code, language)
        if found.season_on(today()) != "open":
            return shut_page(place)
        opened(slug, place.unit_code)
        if place.rates_several:
            return choice_page(place, blank_form(found.questionnaire, language), chosen=[unit_code])
        return blank_page(place)

    @blueprint.get("/r/<slug>/<unit_code>/received")
    def received(slug: str, unit_code: str) -> Response:
        found = shelf.recall(slug)
        if found.questionnaire.rates_several_units:
            abort(HTTPStatus.NOT_FOUND)
        language = page_language(found.questionnaire.languages)
        return received_page(place_of(found, unit_code, language))


def _found(shelf: Shelf, slug: str) -> tuple[ShelvedRound, str]:
    """The round, and the language the address asks for among those that the round is asked in."""
    found = shelf.glance(slug)
    return found, page_language(found.questionnaire.languages)


def _give_challenges(blueprint: Blueprint, shelf: Shelf, services: Services) -> None:
    @blueprint.get("/r/<slug>/<unit_code>/challenge")
    def challenge(slug: str, unit_code: str) -> Response:
        found = shelf.recall(slug)
        if not found.is_open_link or unit_code not in found.units or found.season_on(today()) != "open":
            abort(HTTPStatus.NOT_FOUND)
        now = time.time()
        # Where a browser cannot do the work, it waits; the questions take longer than that.
        ticket = new_ticket(services.secrets, slug, unit_code, now)
        return jsonify(challenge=new_challenge(services.secrets, slug, unit_code, now), ticket=ticket)


def _take_forms(blueprint: Blueprint, sendings: Sendings) -> None:
    blueprint.add_url_rule("/r/<slug>", "rate", sendings.about_several, methods=["POST"])
    blueprint.add_url_rule("/r/<slug>/<unit_code>", "send", sendings.about_one, methods=["POST"])
