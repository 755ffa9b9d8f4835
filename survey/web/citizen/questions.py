"""The questionnaire as one reader sees it: numbered, in one language, with what was typed and what is wrong with it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from questionnaires.answers import AnswerProblem, field_name
from questionnaires.model import DONT_KNOW, NOT_APPLICABLE, Condition, Item, Questionnaire, Section
from survey.texts import Translate, number
from survey.web.citizen.forms import BallotForm
from survey.web.citizen.kept import Kept

# Each takes some 2 kB: any answer to any question of a long questionnaire, in all languages.
MOST_QUESTIONS = 4096
# Between the entries of a list, where that is not a comma and a space.
_LIST_COMMAS = {"zh": "、", "ja": "、"}


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer to choose; `is_apart` for the ones that are no answer on the scale."""

    code: str
    label: str
    is_chosen: bool
    is_apart: bool
    is_exclusive: bool


@dataclass(frozen=True, slots=True)
class Question:
    """An item on the page. `condition` is what the script reads, `only_if` the same for people.

    `name` is the field's; an item that is asked per unit has one for each unit, under the same number. `html` is all
    this as it stands on the page, escaped.
    """

    item: Item
    name: str
    number: int
    text: str
    hints: tuple[str, ...]
    condition: str
    only_if: str
    choices: tuple[Choice, ...]
    is_scale: bool
    typed: str
    problem: str
    html: str = ""

    @property
    def id(self) -> str:
        """The id of the question's first control; no id of the page itself begins so."""
        return f"q-{self.name}"

    @property
    def is_entry(self) -> bool:
        """Whether something is typed; a number may still be ticked off as not known."""
        return self.item.kind in ("number", "text")

    @property
    def described_by(self) -> str:
        """The ids of what belongs to the question beside its text, for screen readers."""
        ids = ((self.only_if, "o"), (self.hints, "h"), (self.problem, "e"))
        return " ".join(f"{self.id}-{suffix}" for text, suffix in ids if text)


@dataclass(frozen=True, slots=True)
class Part:
    """A section on the page; one that is asked per unit says about which, and the how manieth that is."""

    code: str
    title: str
    intro: str
    condition: str
    only_if: str
    unit_name: str
    unit_place: int
    questions: tuple[Question, ...]


def compose_parts(
    questionnaire: Questionnaire,
    form: BallotForm,
    problems: Iterable[AnswerProblem],
    language: str,
    t: Translate,
    units: Mapping[str, str],
    kept: Kept[Question],
    draw: Callable[[Question], str],
) -> tuple[Part, ...]:
    """The sections in one language with what the form holds.

    :param units: the names of the chosen units by their codes, in the order in which they are asked about.
    :param kept: questions of this questionnaire that were drawn before; what somebody wrote is not kept there.
    :param draw: how a question stands on the page.
    """
    sections = _in_order(questionnaire)
    items = [item for section in sections for item in section.items]
    numbers = {item.code: place for place, item in enumerate(items, start=1)}
    complaints = {
        (problem.item, problem.unit): _complaint(questionnaire.item(problem.item), problem, t) for problem in problems
    }
    names = {"": "", **units}
    places = {unit: place for place, unit in enumerate(names)}
    pages = {unit: _Page(questionnaire, form, numbers, complaints, language, t, unit, kept, draw) for unit in names}
    return tuple(
        pages[unit].part(section, names[unit], places[unit]) for section, unit in _asked(sections, list(names)[1:])
    )


def _in_order(questionnaire: Questionnaire) -> tuple[Section, ...]:
    """The sections as their answers are checked: what is asked per unit stands together."""
    first = tuple(takewhile(lambda section: not section.per_unit, questionnaire.sections))
    return (*first, *questionnaire.per_unit_sections, *questionnaire.common_sections[len(first) :])


def _asked(sections: Sequence[Section], units: Sequence[str]) -> Iterator[tuple[Section, str]]:
    """Each section that is asked, with the unit it is asked about; all about one unit before the next one's."""
    per_unit = [section for section in sections if section.per_unit]
    for section in sections:
        if not section.per_unit:
            yield section, ""
        elif section is per_unit[0]:
            yield from ((asked, unit) for unit in units for asked in per_unit)


@dataclass(frozen=True, slots=True)
class _Page:
    """What belongs to all questions about one unit, or to those that are about none."""

    questionnaire: Questionnaire
    form: BallotForm
    numbers: Mapping[str, int]
    complaints: Mapping[tuple[str, str], str]
    language: str
    t: Translate
    unit: str
    kept: Kept[Question]
    draw: Callable[[Question], str]

    def part(self, section: Section, unit_name: str, unit_place: int) -> Part:
        return Part(
            code=section.code,
            title=section.title.in_language(self.language),
            intro=section.intro.in_language(self.language) if section.intro else "",
            condition=self.condition(section.show_if),
            only_if=self.only_if(section.show_if),
            unit_name=unit_name,
            unit_place=unit_place,
            questions=tuple(self.question(item) for item in section.items),
        )

    def question(self, item: Item) -> Question:
        typed = self.form.typed_for(item, self.unit)
        problem = self.complaints.get((item.code, self.unit), "")

        def compose() -> Question:
            question = self._composed(item, typed, problem)
            return replace(question, html=self.draw(question))

        # Answers that everybody is offered lie here for whoever gives the same; what is written belongs to its writer.
        if not all(value in item.accepted_codes for value in typed):
            return compose()
        return self.kept.find((item.code, self.unit, self.language, typed, problem), compose)

    def _composed(self, item: Item, typed: tuple[str, ...], problem: str) -> Question:
        return Question(
            item=item,
            name=field_name(item.code, self.unit),
            number=self.numbers[item.code],
            text=item.text.in_language(self.language),
            hints=self._hints(item),
            condition=self.condition(item.show_if),
            only_if=self.only_if(item.show_if),
            choices=self._choices(item, typed),
            is_scale=item.kind == "single" and len(item.options) > 2 and all(o.value is not None for o in item.options),
            typed=next((value for value in typed if value not in item.reserved_codes), ""),
            problem=problem,
        )

    def condition(self, condition: Condition | None) -> str:
        if condition is None:
            return ""
        is_about_the_unit = any(
            item.code == condition.item for section in self.questionnaire.per_unit_sections for item in section.items
        )
        name = field_name(condition.item, self.unit if is_about_the_unit else "")
        return f"{name} {' '.join(condition.any_of)}"

    def only_if(self, condition: Condition | None) -> str:
        if condition is None:
            return ""
        item = self.questionnaire.item(condition.item)
        labels = [self.t("quoted", answer=self._label(item, code)) for code in condition.any_of]
        answers = labels[-1]
        if len(labels) > 1:
            comma = _LIST_COMMAS.get(self.language, ", ")
            answers = self.t("either", some=comma.join(labels[:-1]), last=labels[-1])
        return self.t("only_if", number=self.numbers[item.code], answers=answers)

    def _choices(self, item: Item, typed: tuple[str, ...]) -> tuple[Choice, ...]:
        exclusive = {option.code for option in item.options if option.exclusive} | {NOT_APPLICABLE, DONT_KNOW}
        return tuple(
            Choice(
                code=code,
                label=self._label(item, code),
                is_chosen=code in typed,
                is_apart=code in (NOT_APPLICABLE, DONT_KNOW),
                is_exclusive=item.kind != "single" and code in exclusive,
            )
            for code in item.accepted_codes
        )

    def _label(self, item: Item, code: str) -> str:
        if code == NOT_APPLICABLE:
            return self.t("not_applicable")
        if code == DONT_KNOW:
            return self.t("dont_know")
        return next(option.label.in_language(self.language) for option in item.options if option.code == code)

    def _hints(self, item: Item) -> tuple[str, ...]:
        hints = [item.hint.in_language(self.language)] if item.hint else []
        if item.kind == "multiple":
            hints.append(self.t("choose_several"))
        if item.kind == "text" and item.longest is not None:
            hints.append(self.t("longest_text", longest=number(item.longest, 0, self.language)))
        if item.kind == "number":
            hints.extend(_range_hint(item, self.language, self.t))
        return tuple(hints)


def _range_hint(item: Item, language: str, t: Translate) -> list[str]:
    ends = {
        name: _plain(value, language)
        for name, value in (("minimum", item.minimum), ("maximum", item.maximum))
        if value is not None
    }
    key = {2: "number_between", 0: ""}.get(len(ends), "number_at_least" if "minimum" in ends else "number_at_most")
    return [t(key, **ends)] if key else []


def _plain(value: float, language: str) -> str:
    decimals = 0 if float(value).is_integer() else len(repr(float(value)).partition(".")[2])
    return number(value, decimals, language)


def _complaint(item: Item, problem: AnswerProblem, t: Translate) -> str:
    if problem.reason == "required":
        return t("problem_required_entry" if item.kind in ("number", "text") else "problem_required_choice")
    if problem.reason == "too_long":
        return t("problem_too_long", longest=item.longest)
    return t(f"problem_{problem.reason}")
