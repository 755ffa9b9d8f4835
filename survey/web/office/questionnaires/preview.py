"""A questionnaire as a phone shows it, finished or not: drawn by the citizen's own templates, and asked of nobody."""

from collections.abc import Collection
from dataclasses import replace

from flask import Response, current_app

from questionnaires.model import Condition, Item, Questionnaire
from survey.texts import LANGUAGES
from survey.web.citizen.forms import BallotForm
from survey.web.citizen.kept import Kept
from survey.web.citizen.questions import Question, compose_parts
from survey.web.citizen.showing import marked_items
from survey.web.pages import SECURITY_HEADERS, catalogue_of, render_page_of

# The one page that may stand in a frame, and only in one of ours.
FRAMED_POLICY = SECURITY_HEADERS["Content-Security-Policy"].replace("frame-ancestors 'none'", "frame-ancestors 'self'")


class _Untouched(BallotForm):
    """A form that nobody has typed into, without a field of its own for each question."""

    def typed_for(self, item: Item, unit: str = "") -> tuple[str, ...]:
        return ()


def preview_page(
    questionnaire: Questionnaire, language: str, office_language: str, sections: Collection[str] = ()
) -> Response:
    """The sections with these codes as a phone shows them, or all of them; the questionnaire may hold placeholders."""
    shown = presentable(questionnaire)
    t = catalogue_of("citizen").translator(language)
    marked = marked_items(shown)

    def draw(question: Question) -> str:
        texts = {"t": t, "language": language, "marked": marked}
        drawing = current_app.jinja_env.get_template("citizen/question.html").make_module(texts)
        html: str = drawing.ask(question)  # type: ignore[attr-defined]
        return html

    office = catalogue_of("office").translator(office_language)
    units = {"unit": office("questionnaire_preview_unit")} if shown.rates_several_units else {}
    kept: Kept[Question] = Kept(1)
    parts = compose_parts(shown, _Untouched(formdata=None), (), language, t, units, kept, draw)
    chosen = [part for part in parts if not sections or part.code in sections]
    response = render_page_of(
        "citizen",
        "questionnaires/preview.html",
        language,
        parts=chosen,
        n_units=len(units),
        title=shown.title.in_language(language),
        about="" if sections else shown.about.in_language(language) if shown.about else "",
        note=office("questionnaire_preview_note"),
        note_language=office_language,
        is_whole=not sections,
    )
    response.headers["Content-Security-Policy"] = FRAMED_POLICY
    return response


def preview_language(questionnaire: Questionnaire, asked: str) -> str:
    """The language that was asked for where the questionnaire has it, Vietnamese otherwise."""
    return asked if asked in questionnaire.languages else LANGUAGES[0]


def presentable(questionnaire: Questionnaire) -> Questionnaire:
    """The questionnaire with a code for every part, and without conditions that lead nowhere."""
    seen: dict[str, Item] = {}
    sections = []
    for s, section in enumerate(questionnaire.sections):
        section = replace(section, show_if=_kept_condition(section.show_if, seen), code=section.code or f"section_{s}")
        items = []
        for i, item in enumerate(section.items):
            code = item.code if item.code and item.code not in seen else f"item_{s}_{i}"
            item = replace(item, code=code, show_if=_kept_condition(item.show_if, seen))
            seen[code] = item
            items.append(item)
        sections.append(replace(section, items=tuple(items)))
    most = questionnaire.most_units if any(section.per_unit for section in sections) else 1
    per_unit = most > 1
    return replace(
        questionnaire,
        sections=tuple(replace(section, per_unit=section.per_unit and per_unit) for section in sections),
        most_units=most,
    )


def _kept_condition(condition: Condition | None, earlier: dict[str, Item]) -> Condition | None:
    if condition is None or condition.item not in earlier:
        return None
    codes = tuple(code for code in condition.any_of if code in earlier[condition.item].accepted_codes)
    return Condition(condition.item, codes) if codes else None
