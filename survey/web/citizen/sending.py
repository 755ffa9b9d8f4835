"""A citizen's sendings, wherever they were typed: on a phone, or on a counter's tablet."""

import time
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from flask import Response, abort, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import MethodNotAllowed

from questionnaires.model import Questionnaire
from survey.services import today
from survey.texts import LANGUAGES, Translate
from survey.web.citizen.choosing import choice_page
from survey.web.citizen.forms import (
    UnreadableFormError,
    carried_fields,
    filled_form,
    largest_body_of,
    most_fields_of,
    read_body,
)
from survey.web.citizen.receiving import Reception, code_problem_of
from survey.web.citizen.shelf import Shelf, ShelvedRound
from survey.web.citizen.showing import Place, form_page, shut_page
from survey.web.pages import catalogue_of

FORM_TYPE = "application/x-www-form-urlencoded"
ANSWERS_STEP = "answers"


class Sendings:
    """Answers every sending of one instance."""

    def __init__(self, shelf: Shelf, reception: Reception) -> None:
        self._shelf = shelf
        self._reception = reception

    def about_several(self, slug: str, *, is_kiosk: bool = False) -> Response:
        """Either sending of a round that rates several units."""
        found = self._shelf.find(slug)
        if not found.questionnaire.rates_several_units:
            raise MethodNotAllowed(valid_methods=["GET", "HEAD", "OPTIONS"])
        sent = _read_form(found.questionnaire, is_kiosk=is_kiosk)
        place = Place(found, (), _chosen_language(found, sent), is_kiosk)
        if found.season_on(today()) != "open":
            return shut_page(place, was_sent=True)
        named = list(dict.fromkeys(sent.getlist("units")))
        chosen = [code for code in named if code in found.units]
        place = replace(place, units=tuple(found.units[code] for code in chosen))
        return self._reception.let_in(place, sent, lambda: _rated(self._reception, place, sent, named), chosen)

    def about_one(self, slug: str, unit_code: str, *, is_kiosk: bool = False) -> Response:
        """A sending about the one unit that it is addressed to."""
        began = time.monotonic()
        found = self._shelf.glance(slug)
        if found.questionnaire.rates_several_units:
            raise MethodNotAllowed(valid_methods=["GET", "HEAD", "OPTIONS"])
        sent = _read_form(found.questionnaire, is_kiosk=is_kiosk)
        place = place_of(found, unit_code, _chosen_language(found, sent), is_kiosk=is_kiosk)
        if found.season_on(today()) != "open":
            return shut_page(place, was_sent=True)

        def answer() -> Response:
            if "switch-lang" in sent:
                return form_page(place, filled_form(found.questionnaire, sent, place.language))
            # What stores answers goes by a look that is no older than the sending; a flood is turned away without.
            return self._reception.receive(replace(place, round=self._shelf.find(slug, began)), sent)

        return self._reception.let_in(place, sent, answer)


def place_of(found: ShelvedRound, unit_code: str, language: str, *, is_kiosk: bool = False) -> Place:
    """The place of a unit of a round; a page that is not found where the round has no such unit."""
    unit = found.units.get(unit_code)
    if unit is None:
        abort(HTTPStatus.NOT_FOUND)
    return Place(found, (unit,), language, is_kiosk)


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
        return choice_page(place, form, chosen, carried, wrong)
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


def _read_form(questionnaire: Questionnaire, *, is_kiosk: bool) -> MultiDict[str, str]:
    if request.mimetype != FORM_TYPE:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    request.max_content_length = largest_body_of(questionnaire)
    try:
        sent = read_body(request.get_data(cache=False), most_fields_of(questionnaire))
    except UnreadableFormError:
        abort(HTTPStatus.BAD_REQUEST)
    if is_kiosk and "code" in sent:
        # A scanner types the whole address that the slip shows; the code is its fragment.
        sent["code"] = sent["code"].rpartition("#")[2]
    return sent


def _chosen_language(found: ShelvedRound, sent: MultiDict[str, str]) -> str:
    asked = sent.get("switch-lang") or sent.get("lang")
    return asked if asked in found.questionnaire.languages else LANGUAGES[0]
