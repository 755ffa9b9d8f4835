"""The citizen's addresses: choose a unit, fill in the form, send it, read that it was received."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, abort, redirect, request, url_for
from werkzeug.datastructures import MultiDict

from questionnaires.answers import AnswerProblem, CheckedAnswers
from questionnaires.model import Questionnaire
from survey.codes import read_code
from survey.errors import WrongState
from survey.intake import receive_ballot, round_open_on
from survey.services import STORE_FAILURES, Services, today
from survey.texts import LANGUAGES, Translate
from survey.units import UnitRecord
from survey.web.citizen.forms import BallotForm, UnreadableFormError, blank_form, checked, filled_form, read_body
from survey.web.citizen.questions import Part, compose_parts
from survey.web.citizen.shelf import Shelf, ShelvedRound
from survey.web.pages import RETRY_SECONDS, catalogue_of, log_store_failure, page_language, render_page

FORM_TYPE = "application/x-www-form-urlencoded"
# The sentences that the script says; all others are in the page already.
SCRIPT_TEXTS = (
    "back",
    "code_filled",
    "code_missing",
    "code_mistyped",
    "error_word",
    "left_to_write",
    "next",
    "offline",
    "problem_not_a_number",
    "problem_not_whole",
    "problem_out_of_range",
    "problem_required_choice",
    "problem_required_entry",
    "problems_part",
    "progress",
    "question_problem",
    "send",
    "sending",
    "start",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reader is: a round, one of its units, and the language they read."""

    round: ShelvedRound
    unit: UnitRecord
    language: str

    @property
    def unit_name(self) -> str:
        return self.unit.name_en if self.language == "en" else self.unit.name_vi


def make_blueprint(services: Services) -> Blueprint:
    """`/r/<round>` and `/r/<round>/<unit>`, as the contract names them."""
    blueprint = Blueprint("citizen", __name__)
    shelf = Shelf(services)

    @blueprint.get("/r/<slug>")
    def choose(slug: str) -> Response:
        found, language = shelf.find(slug), page_language()
        if found.season_on(today()) != "open":
            return _shut_page(found, language)
        if len(found.units) == 1:
            return _blank_page(Place(found, next(iter(found.units.values())), language))
        return _choice_page(found, language)

    @blueprint.get("/r/<slug>/<unit_code>")
    def show(slug: str, unit_code: str) -> Response:
        place = _place(shelf, slug, unit_code, page_language())
        if place.round.season_on(today()) != "open":
            return _shut_page(place.round, place.language, place.unit_name)
        return _blank_page(place)

    @blueprint.post("/r/<slug>/<unit_code>")
    def send(slug: str, unit_code: str) -> Response:
        sent = _read_form()
        language = _chosen_language(sent)
        place = _place(shelf, slug, unit_code, language)
        if place.round.season_on(today()) != "open":
            return _shut_page(place.round, language, place.unit_name, was_sent=True)
        form = filled_form(place.round.questionnaire, sent, language)
        if "switch-lang" in sent:
            return _form_page(place, form)
        return _receive(services, place, form, sent)

    @blueprint.get("/r/<slug>/<unit_code>/received")
    def received(slug: str, unit_code: str) -> Response:
        place = _place(shelf, slug, unit_code, page_language())
        return render_page(
            "citizen/received.html", place.language, **_frame(place.round, place.language, place.unit_name)
        )

    return blueprint


def _receive(services: Services, place: Place, form: BallotForm, sent: MultiDict[str, str]) -> Response:
    t = catalogue_of("citizen").translator(place.language)
    questionnaire = place.round.questionnaire
    result = checked(questionnaire, sent.to_dict(flat=False))
    code = (form.code.data or "").strip()
    # A code that nobody was ever given is told apart by its spelling alone, so saying so at once reveals nothing.
    code_problem = t("code_missing") if not code else "" if read_code(code) else t("code_refused")
    if not isinstance(result, CheckedAnswers):
        return _form_page(place, form, result, code_problem)
    if code_problem:
        return _form_page(place, form, code_problem=code_problem)
    try:
        outcome = receive_ballot(
            services.stores,
            services.secrets,
            round_open_on(place.round.record, questionnaire, today()),
            place.unit.code,
            code,
            form.nonce.data,
            result,
        )
    except WrongState:
        return _shut_page(place.round, place.language, place.unit_name, was_sent=True)
    except STORE_FAILURES as failure:
        log_store_failure(failure)
        return _form_page(place, form, is_unavailable=True)
    if outcome == "refused":
        return _form_page(place, form, code_problem=t("code_refused"))
    return redirect(_address("citizen.received", place.round, place.unit, place.language), code=HTTPStatus.SEE_OTHER)  # type: ignore[return-value]


def _place(shelf: Shelf, slug: str, unit_code: str, language: str) -> Place:
    found = shelf.find(slug)
    unit = found.units.get(unit_code)
    if unit is None:
        abort(HTTPStatus.NOT_FOUND)
    return Place(found, unit, language)


def _read_form() -> MultiDict[str, str]:
    if request.mimetype != FORM_TYPE:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    try:
        return read_body(request.get_data(cache=False))
    except UnreadableFormError:
        abort(HTTPStatus.BAD_REQUEST)


def _chosen_language(sent: MultiDict[str, str]) -> str:
    asked = sent.get("switch-lang") or sent.get("lang")
    return asked if asked in LANGUAGES else LANGUAGES[0]


def _blank_page(place: Place) -> Response:
    return _form_page(place, blank_form(place.round.questionnaire, place.language))


def _form_page(
    place: Place,
    form: BallotForm,
    problems: Sequence[AnswerProblem] = (),
    code_problem: str = "",
    *,
    is_unavailable: bool = False,
) -> Response:
    t = catalogue_of("citizen").translator(place.language)
    parts = compose_parts(place.round.questionnaire, form, problems, place.language, t)
    summary = _summary(parts, code_problem, t)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if summary else HTTPStatus.OK
    response = render_page(
        "citizen/form.html",
        place.language,
        status=HTTPStatus.SERVICE_UNAVAILABLE if is_unavailable else status,
        **_frame(place.round, place.language, place.unit_name),
        form=form,
        parts=parts,
        summary=summary,
        code_problem=code_problem,
        is_unavailable=is_unavailable,
        action=_address("citizen.send", place.round, place.unit),
        marked=_marked(place.round.questionnaire),
        script_texts=_script_texts(t),
    )
    if is_unavailable:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _summary(parts: Sequence[Part], code_problem: str, t: Translate) -> list[tuple[str, str]]:
    listed = [("code", code_problem)] if code_problem else []
    for part in parts:
        for question in part.questions:
            if question.problem:
                text = t("question_problem", number=question.number, problem=question.problem)
                listed.append((question.id, text))
    return listed


def _marked(questionnaire: Questionnaire) -> str:
    """Which questions bear a word, the required or the optional ones: the fewer, because a word on each is not read."""
    n_required = sum(item.required for item in questionnaire.items)
    return "required" if 2 * n_required < len(questionnaire.items) else "optional"


def _script_texts(t: Translate) -> dict[str, str]:
    # The script fills in what stands in braces, so the braces travel as they are.
    braces = {name: f"{{{name}}}" for name in ("number", "total", "left", "problem")}
    return {key: t(key, **braces) for key in SCRIPT_TEXTS}


def _choice_page(found: ShelvedRound, language: str) -> Response:
    units = [
        {
            "name": unit.name_en if language == "en" else unit.name_vi,
            "address": _address("citizen.show", found, unit, language),
        }
        for unit in found.units.values()
    ]
    units.sort(key=lambda unit: _alphabetical(unit["name"]))
    return render_page("citizen/choose.html", language, **_frame(found, language), units=units)


def _shut_page(found: ShelvedRound, language: str, unit_name: str = "", *, was_sent: bool = False) -> Response:
    slug, day = found.record.slug, today()
    state = "early" if found.season_on(day) == "early" else "closed" if day > found.record.closes_on else "stopped"
    return render_page(
        "citizen/shut.html",
        language,
        status=HTTPStatus.CONFLICT if was_sent else HTTPStatus.OK,
        **_frame(found, language, unit_name),
        state=state,
        was_sent=was_sent,
        results=f"/results/{slug}" if found.record.state == "published" else "",
    )


def _alphabetical(name: str) -> tuple[str, str]:
    # The letters decide, đ after d, and only then the marks on them: Bãi Cháy comes before Bình Khê.
    letters = unicodedata.normalize("NFD", name.casefold().replace("đ", "dz"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)), name


def _frame(found: ShelvedRound, language: str, unit_name: str = "") -> dict[str, Any]:
    record = found.record
    return {
        "round": record,
        "title": record.title.in_language(language),
        "issuer": record.issuer.in_language(language),
        "about": found.questionnaire.about.in_language(language) if found.questionnaire.about else "",
        "unit_name": unit_name,
    }


def _address(endpoint: str, found: ShelvedRound, unit: UnitRecord, language: str = "vi") -> str:
    address = url_for(endpoint, slug=found.record.slug, unit_code=unit.code)
    return address if language == LANGUAGES[0] else f"{address}?lang={language}"
