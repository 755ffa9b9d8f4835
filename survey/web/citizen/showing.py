"""The citizen's pages drawn: units to choose, the form, and what is said when answers came in or cannot come."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, current_app, request, url_for
from markupsafe import Markup

from questionnaires.answers import AnswerProblem
from questionnaires.model import Questionnaire
from survey.intake import new_nonce
from survey.services import today
from survey.texts import LANGUAGES, Translate
from survey.units import UnitRecord
from survey.web.citizen.forms import BallotForm, blank_form
from survey.web.citizen.kept_pages import KeptPage
from survey.web.citizen.questions import Part, Question, compose_parts
from survey.web.citizen.shelf import ShelvedRound
from survey.web.pages import RETRY_SECONDS, catalogue_of, render_page

PAGE_TYPE = "text/html; charset=utf-8"
# Stands where a unit's code stands in a round of one unit each; a round of several has no unit in its address.
RECEIVED = "received"
RETRY_CROWDED_SECONDS = 5
# Names are written in Vietnamese and English; on a page in a third language the English ones say what they are.
_IN_ENGLISH = Markup(' lang="en"')
# The sentences that the script says; all others are in the page already.
SCRIPT_TEXTS = (
    "back",
    "code_filled",
    "code_missing",
    "code_mistyped",
    "draft_clear",
    "draft_clear_no",
    "draft_clear_sure",
    "draft_clear_yes",
    "draft_cleared",
    "draft_expired",
    "draft_kept",
    "draft_restored",
    "error_word",
    "left_to_write",
    "next",
    "not_sent_yet",
    "offline",
    "problem_not_a_number",
    "problem_not_whole",
    "problem_out_of_range",
    "problem_required_choice",
    "problem_required_entry",
    "problems_part",
    "progress",
    "question_problem",
    "received_title",
    "sending",
    "server_busy",
    "start",
)
# Those of the page on which several units are chosen, and what they are called by the script that both pages share.
CHOICE_TEXTS = {
    "code_filled": "code_filled",
    "code_missing": "code_missing",
    "code_mistyped": "code_mistyped",
    "draft_clear": "draft_clear",
    "draft_clear_no": "draft_clear_no",
    "draft_clear_sure": "draft_clear_sure",
    "draft_clear_yes": "draft_clear_yes",
    "draft_cleared": "draft_cleared",
    "draft_expired": "draft_expired",
    "draft_kept": "draft_kept",
    "draft_restored": "draft_restored",
    "error_word": "error_word",
    "not_sent_yet": "not_sent_yet",
    "offline": "offline_units",
    "problems_part": "problems_part",
    "sending": "units_go_on",
    "units_chosen": "units_chosen",
    "units_full": "units_full",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reader is: a round, the unit or units that are rated, and the language they read."""

    round: ShelvedRound
    units: tuple[UnitRecord, ...]
    language: str

    @property
    def rates_several(self) -> bool:
        """Whether one form of this round may rate more than one unit."""
        return self.round.questionnaire.rates_several_units

    @property
    def unit_code(self) -> str:
        """The unit that the invitation has to name; none where it gives the right to choose."""
        return "" if self.rates_several else self.units[0].code

    @property
    def is_open_link(self) -> bool:
        """Whether answers are taken here without a code, too."""
        return self.round.is_open_link

    @property
    def unit_name(self) -> str:
        """The unit that the form is about; none where it is about several."""
        return "" if self.rates_several else name_of(self.units[0], self.language)


@dataclass(frozen=True, slots=True)
class Waiting:
    """For somebody without a code whose browser does no work: their ticket, and for how long they have to wait yet."""

    ticket: str
    seconds: int


@dataclass(frozen=True, slots=True)
class ListedUnit:
    """A unit to choose. `words` are what else it is found by; a number stands for a word of the list's shared ones."""

    code: str
    name: str
    address: str
    words: str
    is_chosen: bool


def name_of(unit: UnitRecord, language: str) -> str:
    """The unit's name in Vietnamese on a Vietnamese page, and in English on every other."""
    return unit.name_vi if language == "vi" else unit.name_en


def blank_page(place: Place) -> Response:
    """The questions about the place's unit before anything is typed, with a nonce of the reader's own.

    The page is drawn once for all readers of a place; what differs from reader to reader belongs into `form_page`.
    """

    def draw() -> KeptPage:
        form = blank_form(place.round.questionnaire, place.language)
        return KeptPage.cut(form_page(place, form).get_data(as_text=True), str(form.nonce.data))

    key = ("form", place.units[0].code, place.language)
    return _sent(place.round.pages.find(key, draw), new_nonce())


def form_page(
    place: Place,
    form: BallotForm,
    problems: Sequence[AnswerProblem] = (),
    code_problem: str = "",
    *,
    is_unavailable: bool = False,
    waiting: Waiting | None = None,
) -> Response:
    """The questions about the place's units, with what was typed and what is wrong with it."""
    t = catalogue_of("citizen").translator(place.language)
    names = {unit.code: name_of(unit, place.language) for unit in place.units} if place.rates_several else {}
    marked = marked_items(place.round.questionnaire)

    def draw(question: Question) -> str:
        texts = {"t": t, "language": place.language, "marked": marked}
        drawing = current_app.jinja_env.get_template("citizen/question.html").make_module(texts)
        html: str = drawing.ask(question)  # type: ignore[attr-defined]
        return html

    parts = compose_parts(
        place.round.questionnaire, form, problems, place.language, t, names, place.round.questions, draw
    )
    summary = _summary(parts, code_problem, t)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if summary or waiting else HTTPStatus.OK
    response = render_page(
        "citizen/form.html",
        place.language,
        status=HTTPStatus.SERVICE_UNAVAILABLE if is_unavailable else status,
        **_frame(place.round, place.language, place.unit_name),
        form=form,
        units=names,
        parts=parts,
        summary=summary,
        code_problem=code_problem,
        is_unavailable=is_unavailable,
        waiting=waiting,
        unit_code=place.unit_code,
        action=_round_address(place.round) if place.rates_several else _unit_address(place.round, place.units[0]),
        script_texts=_script_texts(t, (*SCRIPT_TEXTS, *(["rating_problem"] if place.rates_several else []))),
    )
    if is_unavailable:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def list_page(found: ShelvedRound, language: str) -> Response:
    """The units of a round, each with a link to its form."""
    shared = _shared_words(found)
    units = _listed(found, language, shared)
    return render_page("citizen/choose.html", language, **_frame(found, language), units=units, shared="|".join(shared))


def choice_page(
    found: ShelvedRound,
    form: BallotForm,
    language: str,
    chosen: Collection[str] = (),
    carried: Sequence[tuple[str, str]] = (),
    problems: Mapping[str, str] | None = None,
) -> Response:
    """The page on which the units that are rated together are chosen.

    :param carried: the fields of the other page, which this one keeps for it.
    :param problems: what is wrong, by `code` and `units`.
    """
    t = catalogue_of("citizen").translator(language)
    most = found.questionnaire.most_units
    shared = _shared_words(found)
    blocs: dict[str, list[ListedUnit]] = {}
    for entry in _listed(found, language, shared, chosen):
        unit = found.units[entry.code]
        bloc = ("" if language == "vi" else unit.bloc_name_en) or unit.bloc_name
        blocs.setdefault(bloc, []).append(entry)
    return render_page(
        "citizen/choose_several.html",
        language,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK,
        **_frame(found, language),
        form=form,
        blocs=sorted(blocs.items(), key=lambda bloc: _alphabetical(bloc[0])),
        shared="|".join(shared),
        most=most,
        carried=carried,
        problems=problems or {},
        action=_round_address(found),
        script_texts={name: t(key, **_braces(), most=most) for name, key in CHOICE_TEXTS.items()},
    )


def crowded_page(place: Place, carried: Sequence[tuple[str, str]], code: str) -> Response:
    """The page for a sending that was turned away in a flood: everything that came with it, to be sent again."""
    response = _resending_page(place, HTTPStatus.TOO_MANY_REQUESTS, carried, code)
    response.headers["Retry-After"] = str(RETRY_CROWDED_SECONDS)
    return response


def refused_page(place: Place, carried: Sequence[tuple[str, str]], code: str, problem: str) -> Response:
    """The page for a sending whose code cannot be used, while many such come in: as above, and what is wrong."""
    return _resending_page(place, HTTPStatus.UNPROCESSABLE_ENTITY, carried, code, problem)


def _resending_page(
    place: Place, status: HTTPStatus, carried: Sequence[tuple[str, str]], code: str, problem: str = ""
) -> Response:
    return render_page(
        "citizen/resending.html",
        place.language,
        status=status,
        **_frame(place.round, place.language, place.unit_name),
        action=_round_address(place.round) if place.rates_several else _unit_address(place.round, place.units[0]),
        carried=carried,
        code=code,
        problem=problem,
    )


def received_page(place: Place) -> Response:
    """The page that says that the answers are stored."""

    def draw() -> KeptPage:
        frame = _frame(place.round, place.language, place.unit_name)
        return KeptPage.cut(render_page("citizen/received.html", place.language, **frame).get_data(as_text=True))

    return _sent(place.round.pages.find(("received", place.unit_code, place.language), draw))


def shut_page(found: ShelvedRound, language: str, unit_name: str = "", *, was_sent: bool = False) -> Response:
    """The page of a round that takes no answers on this day."""
    slug, day = found.record.slug, today()
    state = "early" if found.season_on(day) == "early" else "closed" if day > found.record.closes_on else "stopped"
    if state == "stopped" and found.record.is_halted:
        state = "paused"
    return render_page(
        "citizen/shut.html",
        language,
        status=HTTPStatus.CONFLICT if was_sent else HTTPStatus.OK,
        **_frame(found, language, unit_name),
        state=state,
        was_sent=was_sent,
        results=f"/results/{slug}" if found.record.state == "published" else "",
    )


def received_address(place: Place) -> str:
    """Where the browser is sent after the answers are stored; it says nothing of them and names no chosen unit."""
    slug = place.round.record.slug
    if place.rates_several:
        return _in_language(url_for("citizen.show", slug=slug, unit_code=RECEIVED), place.language)
    return _in_language(url_for("citizen.received", slug=slug, unit_code=place.unit_code), place.language)


def _sent(page: KeptPage, nonce: str = "") -> Response:
    """A page that is kept, compressed as it lies where the reader takes that."""
    if request.accept_encodings["gzip"] <= 0:
        return Response(page.plain_with(nonce), content_type=PAGE_TYPE)
    headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(page.packed_with(nonce), content_type=PAGE_TYPE, headers=headers)


def _summary(parts: Sequence[Part], code_problem: str, t: Translate) -> list[tuple[str, str]]:
    listed = [("code", code_problem)] if code_problem else []
    for part in parts:
        for question in part.questions:
            if question.problem:
                key = "rating_problem" if part.unit_name else "question_problem"
                values = {"unit": part.unit_name} if part.unit_name else {}
                listed.append((question.id, t(key, number=question.number, problem=question.problem, **values)))
    return listed


def marked_items(questionnaire: Questionnaire) -> str:
    """Which questions bear a word, the required or the optional ones: the fewer, because a word on each is not read."""
    n_required = sum(item.required for item in questionnaire.items)
    return "required" if 2 * n_required < len(questionnaire.items) else "optional"


def _script_texts(t: Translate, keys: Sequence[str]) -> dict[str, str]:
    return {key: t(key, **_braces()) for key in keys}


def _braces() -> dict[str, str]:
    # The script fills in what stands in braces, so the braces travel as they are.
    return {name: f"{{{name}}}" for name in ("number", "total", "left", "problem", "unit", "chosen")}


def _shared_words(found: ShelvedRound) -> list[str]:
    """The words that find more than one unit, such as procedures that every commune has: the page says them once."""
    counts = Counter(_speakable(word) for words in found.words.values() for word in words)
    return [word for word, count in counts.items() if count > 1]


def _listed(
    found: ShelvedRound, language: str, shared: Sequence[str], chosen: Collection[str] = ()
) -> list[ListedUnit]:
    places = {word: str(place) for place, word in enumerate(shared)}
    entries = []
    for unit in found.units.values():
        name = name_of(unit, language)
        words = [_speakable(word) for word in found.words.get(unit.code, ()) if word != name]
        listed = "|".join(places.get(word, word) for word in words)
        address = _in_language(_unit_address(found, unit, "citizen.show"), language)
        entries.append(ListedUnit(unit.code, name, address, listed, unit.code in chosen))
    return sorted(entries, key=lambda entry: _alphabetical(entry.name))


def _speakable(word: str) -> str:
    # The stroke parts words in the page, and a number alone would be taken for the place of a shared word.
    return f"{word} " if word.isdigit() else word.replace("|", " ")


def _alphabetical(name: str) -> tuple[str, str]:
    # The letters decide, đ after d, and only then the marks on them: Bãi Cháy comes before Bình Khê.
    letters = unicodedata.normalize("NFD", name.casefold().replace("đ", "dz"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)), name


def _frame(found: ShelvedRound, language: str, unit_name: str = "") -> dict[str, Any]:
    record = found.record
    # A round is named in Vietnamese and English; who reads another language is told what is asked.
    title = record.title if language in LANGUAGES else found.questionnaire.title
    return {
        "round": record,
        "title": title.in_language(language),
        "issuer": record.issuer.in_language(language),
        "about": found.questionnaire.about.in_language(language) if found.questionnaire.about else "",
        "unit_name": unit_name,
        "rates_several": found.questionnaire.rates_several_units,
        "is_open_link": found.is_open_link,
        "languages": found.questionnaire.languages,
        "in_english": "" if language in LANGUAGES else _IN_ENGLISH,
    }


def _round_address(found: ShelvedRound) -> str:
    return url_for("citizen.choose", slug=found.record.slug)


def _unit_address(found: ShelvedRound, unit: UnitRecord, endpoint: str = "citizen.send") -> str:
    return url_for(endpoint, slug=found.record.slug, unit_code=unit.code)


def _in_language(address: str, language: str) -> str:
    return address if language == LANGUAGES[0] else f"{address}?lang={language}"
