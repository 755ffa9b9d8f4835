"""The citizen's addresses: choose a unit, fill in the form, send it, read that it was received.

A round whose questionnaire rates several units is answered at `/r/<round>` itself, in two sendings: the first names the
units and gets the questions about them, the second brings the answers. The server keeps nothing between the two; each
page holds what was typed on the other.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import MethodNotAllowed

from questionnaires.model import Questionnaire
from survey.fieldwork_days import DayBook
from survey.proofs import new_challenge, new_ticket
from survey.services import Services, today
from survey.texts import LANGUAGES, Translate
from survey.web.citizen.forms import (
    UnreadableFormError,
    blank_form,
    carried_fields,
    filled_form,
    largest_body_of,
    most_fields_of,
    read_body,
)
from survey.web.citizen.receiving import Reception, code_problem_of
from survey.web.citizen.shelf import Shelf, ShelvedRound
from survey.web.citizen.showing import (
    RECEIVED,
    Place,
    blank_page,
    choice_page,
    form_page,
    list_page,
    received_page,
    shut_page,
)
from survey.web.pages import CITIZEN_POLICY, catalogue_of, page_language

FORM_TYPE = "application/x-www-form-urlencoded"
ANSWERS_STEP = "answers"


def make_blueprint(services: Services) -> Blueprint:
    """`/r/<round>` and `/r/<round>/<unit>`, as the contract names them."""
    blueprint = Blueprint("citizen", __name__)
    shelf = Shelf(services)
    shelf.fill(today())
    _show_pages(blueprint, shelf, services.days)
    _take_forms(blueprint, shelf, services)
    _give_challenges(blueprint, shelf, services)

    @blueprint.after_request
    def allow_the_script_to_send(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CITIZEN_POLICY
        return response

    return blueprint


def _show_pages(blueprint: Blueprint, shelf: Shelf, days: DayBook) -> None:
    opened = partial(_count_opened, days)

    @blueprint.get("/r/<slug>")
    def choose(slug: str) -> Response:
        found, language = _found(shelf, slug)
        if found.season_on(today()) != "open":
            return shut_page(found, language)
        if found.questionnaire.rates_several_units:
            opened(slug)
            return choice_page(found, blank_form(found.questionnaire, language), language)
        if len(found.units) == 1:
            opened(slug, next(iter(found.units)))
            return blank_page(Place(found, tuple(found.units.values()), language))
        return list_page(found, language)

    @blueprint.get("/r/<slug>/<unit_code>")
    def show(slug: str, unit_code: str) -> Response:
        found, language = _found(shelf, slug)
        if found.questionnaire.rates_several_units and unit_code == RECEIVED:
            return received_page(Place(found, (), language))
        place = _place(found, unit_code, language)
        if found.season_on(today()) != "open":
            return shut_page(found, language, place.unit_name)
        opened(slug, place.unit_code)
        if place.rates_several:
            return choice_page(found, blank_form(found.questionnaire, language), language, chosen=[unit_code])
        return blank_page(place)

    @blueprint.get("/r/<slug>/<unit_code>/received")
    def received(slug: str, unit_code: str) -> Response:
        found = shelf.recall(slug)
        if found.questionnaire.rates_several_units:
            abort(HTTPStatus.NOT_FOUND)
        language = page_language(found.questionnaire.languages)
        return received_page(_place(found, unit_code, language))


def _count_opened(days: DayBook, slug: str, unit_code: str = "") -> None:
    # A count of the unit's day, and no more: neither the moment nor who it was.
    if request.method == "GET":
        days.count(slug, unit_code, today(), "opened")


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


def _take_forms(blueprint: Blueprint, shelf: Shelf, services: Services) -> None:
    reception = Reception(services)

    @blueprint.post("/r/<slug>")
    def rate(slug: str) -> Response:
        found = shelf.find(slug)
        if not found.questionnaire.rates_several_units:
            raise MethodNotAllowed(valid_methods=["GET", "HEAD", "OPTIONS"])
        sent = _read_form(found.questionnaire)
        if found.season_on(today()) != "open":
            return shut_page(found, _chosen_language(found, sent), was_sent=True)
        return _rate(reception, found, sent)

    @blueprint.post("/r/<slug>/<unit_code>")
    def send(slug: str, unit_code: str) -> Response:
        began = time.monotonic()
        found = shelf.glance(slug)
        if found.questionnaire.rates_several_units:
            raise MethodNotAllowed(valid_methods=["GET", "HEAD", "OPTIONS"])
        sent = _read_form(found.questionnaire)
        place = _place(found, unit_code, _chosen_language(found, sent))
        if found.season_on(today()) != "open":
            return shut_page(found, place.language, place.unit_name, was_sent=True)

        def answer() -> Response:
            if "switch-lang" in sent:
                return form_page(place, filled_form(found.questionnaire, sent, place.language))
            # What stores answers goes by a look that is no older than the sending; a flood is turned away without.
            return reception.receive(replace(place, round=shelf.find(slug, began)), sent)

        return reception.let_in(place, sent, answer)


def _rate(reception: Reception, found: ShelvedRound, sent: MultiDict[str, str]) -> Response:
    """Either sending of a round that rates several units."""
    language = _chosen_language(found, sent)
    named = list(dict.fromkeys(sent.getlist("units")))
    chosen = [code for code in named if code in found.units]
    place = Place(found, tuple(found.units[code] for code in chosen), language)
    return reception.let_in(place, sent, lambda: _rated(reception, place, sent, named), chosen)


def _rated(reception: Reception, place: Place, sent: MultiDict[str, str], named: Sequence[str]) -> Response:
    found, language, chosen = place.round, place.language, [unit.code for unit in place.units]
    t = catalogue_of("citizen").translator(language)
    is_second = sent.get("step") == ANSWERS_STEP
    is_asked_again = "switch-lang" in sent
    problems = {"units": _units_problem(found.questionnaire, named, chosen, t)}
    if not is_second:
        problems["code"] = code_problem_of(sent.get("code", ""), t, place)
    problems = {field: problem for field, problem in problems.items() if problem}
    if "change-units" in sent or (is_asked_again and not is_second) or problems:
        form = filled_form(found.questionnaire, sent, language)
        carried = carried_fields(found.questionnaire, sent, found.units)
        wrong = {} if is_asked_again or "change-units" in sent else problems
        return choice_page(found, form, language, chosen, carried, wrong)
    if is_second and not is_asked_again:
        return reception.receive(place, sent, chosen)
    return form_page(place, filled_form(found.questionnaire, sent, language, chosen))


def _units_problem(questionnaire: Questionnaire, named: Sequence[str], chosen: Sequence[str], t: Translate) -> str:
    if not named:
        return t("units_missing")
    if len(named) != len(chosen):
        return t("units_unknown")
    if len(chosen) > questionnaire.most_units:
        return t("units_too_many", count=len(chosen), most=questionnaire.most_units)
    return ""


def _place(found: ShelvedRound, unit_code: str, language: str) -> Place:
    unit = found.units.get(unit_code)
    if unit is None:
        abort(HTTPStatus.NOT_FOUND)
    return Place(found, (unit,), language)


def _read_form(questionnaire: Questionnaire) -> MultiDict[str, str]:
    if request.mimetype != FORM_TYPE:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    request.max_content_length = largest_body_of(questionnaire)
    try:
        return read_body(request.get_data(cache=False), most_fields_of(questionnaire))
    except UnreadableFormError:
        abort(HTTPStatus.BAD_REQUEST)


def _chosen_language(found: ShelvedRound, sent: MultiDict[str, str]) -> str:
    asked = sent.get("switch-lang") or sent.get("lang")
    return asked if asked in found.questionnaire.languages else LANGUAGES[0]
