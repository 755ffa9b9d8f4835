"""The checklist of a draft, and the page on which its questions are tried before anybody is asked them."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from questionnaires.answers import CheckedAnswers, check_answers, field_name
from questionnaires.model import Item, Questionnaire
from survey.round_records import RoundRecord, load_questionnaire_of, units_of_round
from survey.round_setup import CheckResult, checklist, choose_machine, record_test, setup_of
from survey.services import Services, today
from survey.texts import date, number
from survey.web.office import presenting
from survey.web.office.rounds import find_line
from survey.web.office.setup.steps import is_changed_here
from survey.web.pages import catalogue_of, page_language, render_page_of

# Where each line of the checklist is put right.
REPAIRS: Mapping[str, str] = {
    "dates": "office.setup_how",
    "units": "office.setup_units",
    "way_in": "office.setup_how",
    "notice": "office.setup_how",
    "custody": "office.custody",
    "test": "office.setup_test",
    "capacity": "office.setup_units",
}


class CheckingPages:
    """What is looked at before a round opens, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def checklist(self, slug: str) -> AnyResponse:
        language = page_language()
        record, line = find_line(self._services, slug, language)
        if not is_changed_here(record):
            return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        if request.method == "POST":
            choose_machine(self._services.stores, record, actor=g.account.login)
            return redirect(url_for("office.setup", slug=slug), HTTPStatus.SEE_OTHER)
        found = checklist(self._services, record, today())
        return render_page_of(
            "office",
            "setup/checklist.html",
            language,
            area="rounds",
            round=line,
            lines=[
                (check, _finding(check, language), url_for(self._repair(check, record), slug=slug)) for check in found
            ],
            is_ready=all(check.is_green for check in found),
            n_red=sum(not check.is_green for check in found),
            facts=presenting.facts_of(record, self._address(slug), language),
            setup=setup_of(self._services.stores, record),
        )

    def _address(self, slug: str) -> str:
        return f"{self._services.settings.public_url or request.host_url.rstrip('/')}/r/{slug}"

    def _repair(self, check: CheckResult, record: RoundRecord) -> str:
        if check.name == "custody" and record.custody is not None and not record.custody.is_tried:
            return "office.trial"
        return REPAIRS[check.name]

    def test(self, slug: str) -> AnyResponse:
        language = page_language()
        record, _ = find_line(self._services, slug, language)
        if not is_changed_here(record):
            return redirect(url_for("office.round", slug=slug), HTTPStatus.SEE_OTHER)
        questionnaire = load_questionnaire_of(self._services.stores, record)
        units = [unit.code for unit in units_of_round(self._services.stores, record)][:1]
        rated = units if questionnaire.rates_several_units else []
        typed: dict[str, list[str]] = {name: request.form.getlist(name) for name in request.form}
        problems: dict[str, str] = {}
        if request.method == "POST":
            checked = check_answers(questionnaire, typed, rated)
            if isinstance(checked, CheckedAnswers) and "notice_read" in typed:
                record_test(self._services.stores, record, g.account.name, today(), actor=g.account.login)
                return redirect(url_for("office.setup", slug=slug), HTTPStatus.SEE_OTHER)
            if not isinstance(checked, CheckedAnswers):
                problems = {field_name(problem.item, problem.unit): problem.reason for problem in checked}
            if "notice_read" not in typed:
                problems["notice_read"] = "notice"
        status = HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK
        return self._test_page(record, questionnaire, rated, typed, problems, status)

    def _test_page(
        self,
        record: RoundRecord,
        questionnaire: Questionnaire,
        rated: Sequence[str],
        typed: Mapping[str, Sequence[str]],
        problems: Mapping[str, str],
        status: int,
    ) -> Response:
        language = page_language()
        _, line = find_line(self._services, record.slug, language)
        names = {
            unit.code: presenting.unit_name(unit, language) for unit in units_of_round(self._services.stores, record)
        }
        parts = []
        for section in questionnaire.sections:
            for unit in rated if section.per_unit else ("",):
                title = section.title.in_language(language)
                questions = [_question(item, unit, typed, problems, language) for item in section.items]
                parts.append((f"{title} – {names[unit]}" if unit else title, questions))
        return render_page_of(
            "office",
            "setup/test.html",
            language,
            status=int(status),
            area="rounds",
            round=line,
            parts=parts,
            problems=problems,
            asked={question["name"]: question["text"] for _, questions in parts for question in questions},
            notice_read="notice_read" in typed,
            issuer=record.issuer.in_language(language),
            decision=record.decision,
            hotline=record.hotline,
            dates=(record.opens_on, record.closes_on),
        )


def _question(
    item: Item, unit: str, typed: Mapping[str, Sequence[str]], problems: Mapping[str, str], language: str
) -> dict[str, object]:
    """A question as the page of the test draws it."""
    text = catalogue_of("office").text
    name = field_name(item.code, unit)
    labels = {option.code: option.label.in_language(language) for option in item.options}
    labels |= {code: text(f"setup_test_{code}", language) for code in item.reserved_codes}
    return {
        "name": name,
        "kind": item.kind,
        "text": item.text.in_language(language),
        "hint": item.hint.in_language(language) if item.hint else "",
        "options": list(labels.items()),
        "typed": list(typed.get(name, ())),
        "is_required": item.required,
        "is_conditional": item.show_if is not None,
        "is_wrong": name in problems,
    }


def _finding(check: CheckResult, language: str) -> str:
    """What a line of the checklist found, as a sentence."""
    text = catalogue_of("office").text
    values = dict(check.values)
    if check.name == "way_in" and "channels" in values:
        values = {"channels": ", ".join(text(f"setup_channel_{name}", language) for name in check.values["channels"])}  # type: ignore[attr-defined]
    elif check.name == "notice":
        names = [text(f"new_{name}", language) for name in check.values["lacking"]]  # type: ignore[attr-defined]
        values = {"lacking": ", ".join(names)}
    elif check.name == "capacity":
        values = {
            name: number(float(str(value)), 0 if name == "answers" else 1, language)
            for name, value in check.values.items()
        }
    elif check.finding == "done":
        values["on"] = date(check.values["on"], language)  # type: ignore[arg-type]
    return text(f"setup_check_{check.name}_{check.finding}", language, **values)
