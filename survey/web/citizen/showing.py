"""The citizen's pages drawn: the form, and what is said when answers came in or cannot come."""

from collections.abc import Sequence
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
# Stands in a kiosk's address where respondents choose the units.
WHOLE_ROUND = "-"
# A counter's tablet forgets who has not touched it for so long; it asks them before, and goes on after the thanks.
IDLE_SECONDS, WARNING_SECONDS, THANKS_SECONDS = 90, 20, 15
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
)  # What a counter's tablet says instead: it keeps nothing, and there is no tab to come back to.
KIOSK_TEXTS = {
    "draft_kept": "kiosk_kept",
    "offline": "kiosk_offline",
    "offline_units": "kiosk_offline",
    "server_busy": "kiosk_offline",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reader is: a round, the unit or units that are rated, the language they read, and whether they stand at
    a counter's tablet.
    """

    round: ShelvedRound
    units: tuple[UnitRecord, ...]
    language: str
    is_kiosk: bool = False

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
        return "" if self.rates_several or not self.units else name_of(self.units[0], self.language)


@dataclass(frozen=True, slots=True)
class Waiting:
    """For somebody without a code whose browser does no work: their ticket, and for how long they have to wait yet."""

    ticket: str
    seconds: int


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

    key = ("form", place.units[0].code, place.language, place.is_kiosk)
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
        **frame_of(place),
        form=form,
        units=names,
        parts=parts,
        summary=summary,
        code_problem=code_problem,
        is_unavailable=is_unavailable,
        waiting=waiting,
        unit_code=place.unit_code,
        action=form_address(place),
        script_texts=_script_texts(t, place),
    )
    if is_unavailable:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


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
        **frame_of(place),
        action=form_address(place),
        carried=carried,
        code=code,
        problem=problem,
    )


def received_page(place: Place) -> Response:
    """The page that says that the answers are stored."""

    def draw() -> KeptPage:
        page = render_page("citizen/received.html", place.language, **frame_of(place))
        return KeptPage.cut(page.get_data(as_text=True))

    return _sent(place.round.pages.find(("received", place.unit_code, place.language, place.is_kiosk), draw))


def shut_page(place: Place, *, was_sent: bool = False) -> Response:
    """The page of a round that takes no answers on this day."""
    found, day = place.round, today()
    state = "early" if found.season_on(day) == "early" else "closed" if day > found.record.closes_on else "stopped"
    if state == "stopped" and found.record.is_halted:
        state = "paused"
    return render_page(
        "citizen/shut.html",
        place.language,
        status=HTTPStatus.CONFLICT if was_sent else HTTPStatus.OK,
        **frame_of(place),
        state=state,
        was_sent=was_sent,
        results=f"/results/{found.record.slug}" if found.record.state == "published" and not place.is_kiosk else "",
    )


def received_address(place: Place) -> str:
    """Where the browser is sent after the answers are stored; it says nothing of them and names no chosen unit."""
    slug = place.round.record.slug
    if place.is_kiosk:
        return in_language(url_for("citizen.kiosk_received", slug=slug, unit_code=kiosk_unit(place)), place.language)
    if place.rates_several:
        return in_language(url_for("citizen.show", slug=slug, unit_code=RECEIVED), place.language)
    return in_language(url_for("citizen.received", slug=slug, unit_code=place.unit_code), place.language)


def kiosk_unit(place: Place) -> str:
    """What stands for the unit in a kiosk's address."""
    return place.unit_code or WHOLE_ROUND


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


def _script_texts(t: Translate, place: Place) -> dict[str, str]:
    keys = (*SCRIPT_TEXTS, *(["rating_problem"] if place.rates_several else []))
    return {key: t(said_at(place, key), **braces()) for key in keys}


def said_at(place: Place, key: str) -> str:
    """The key of a sentence as it is said here: a counter's tablet keeps nothing that a reader's phone keeps."""
    return KIOSK_TEXTS.get(key, key) if place.is_kiosk else key


def braces() -> dict[str, str]:
    """What the script fills in stands in braces, so the braces travel as they are."""
    return {name: f"{{{name}}}" for name in ("number", "total", "left", "problem", "unit", "chosen")}


def frame_of(place: Place) -> dict[str, Any]:
    """What every page of a place says of it; `kiosk` is the address that a counter's tablet returns to, or empty."""
    found, language = place.round, place.language
    record = found.record
    # A round is named in Vietnamese and English; who reads another language is told what is asked.
    title = record.title if language in LANGUAGES else found.questionnaire.title
    home = url_for("citizen.kiosk", slug=record.slug, unit_code=kiosk_unit(place)) if place.is_kiosk else ""
    return {
        "round": record,
        "title": title.in_language(language),
        "issuer": record.issuer.in_language(language),
        "about": found.questionnaire.about.in_language(language) if found.questionnaire.about else "",
        "unit_name": place.unit_name,
        "rates_several": found.questionnaire.rates_several_units,
        "is_open_link": found.is_open_link,
        "languages": found.questionnaire.languages,
        "in_english": "" if language in LANGUAGES else _IN_ENGLISH,
        "kiosk": home,
        "idle": (IDLE_SECONDS, WARNING_SECONDS, THANKS_SECONDS),
    }


def form_address(place: Place) -> str:
    """Where the form of a place is sent."""
    slug = place.round.record.slug
    if place.is_kiosk:
        return url_for("citizen.kiosk_send", slug=slug, unit_code=kiosk_unit(place))
    if place.rates_several:
        return url_for("citizen.choose", slug=slug)
    return url_for("citizen.send", slug=slug, unit_code=place.units[0].code)


def in_language(address: str, language: str) -> str:
    """The address of a page in a language."""
    return address if language == LANGUAGES[0] else f"{address}?lang={language}"
