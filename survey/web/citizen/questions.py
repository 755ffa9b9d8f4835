"""The questionnaire as one reader sees it: numbered, in one language, with what was typed and what is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from questionnaires.answers import AnswerProblem
from questionnaires.model import DONT_KNOW, NOT_APPLICABLE, Condition, Item, Questionnaire
from survey.texts import Translate, number
from survey.web.citizen.forms import BallotForm


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
    """An item on the page. `condition` is what the script reads, `only_if` the same for people."""

    item: Item
    number: int
    text: str
    hints: tuple[str, ...]
    condition: str
    only_if: str
    choices: tuple[Choice, ...]
    is_scale: bool
    typed: str
    problem: str

    @property
    def id(self) -> str:
        """The id of the question's first control; no id of the page itself begins so."""
        return f"q-{self.item.code}"

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
    """A section on the page."""

    code: str
    title: str
    intro: str
    condition: str
    only_if: str
    questions: tuple[Question, ...]


def compose_parts(
    questionnaire: Questionnaire, form: BallotForm, problems: Iterable[AnswerProblem], language: str, t: Translate
) -> tuple[Part, ...]:
    """The sections in one language with what the form holds."""
    numbers = {item.code: place for place, item in enumerate(questionnaire.items, start=1)}
    complaints = {problem.item: _complaint(questionnaire.item(problem.item), problem, t) for problem in problems}
    page = _Page(questionnaire, form, numbers, complaints, language, t)
    return tuple(
        Part(
            code=section.code,
            title=section.title.in_language(language),
            intro=section.intro.in_language(language) if section.intro else "",
            condition=_condition(section.show_if),
            only_if=page.only_if(section.show_if),
            questions=tuple(page.question(item) for item in section.items),
        )
        for section in questionnaire.sections
    )


@dataclass(frozen=True, slots=True)
class _Page:
    questionnaire: Questionnaire
    form: BallotForm
    numbers: Mapping[str, int]
    complaints: Mapping[str, str]
    language: str
    t: Translate

    def question(self, item: Item) -> Question:
        typed = self.form.typed(item)
        return Question(
            item=item,
            number=self.numbers[item.code],
            text=item.text.in_language(self.language),
            hints=self._hints(item),
            condition=_condition(item.show_if),
            only_if=self.only_if(item.show_if),
            choices=self._choices(item, typed),
            is_scale=item.kind == "single" and len(item.options) > 2 and all(o.value is not None for o in item.options),
            typed=next((value for value in typed if value not in item.reserved_codes), ""),
            problem=self.complaints.get(item.code, ""),
        )

    def only_if(self, condition: Condition | None) -> str:
        if condition is None:
            return ""
        item = self.questionnaire.item(condition.item)
        labels = [self.t("quoted", answer=self._label(item, code)) for code in condition.any_of]
        listed = f" {self.t('or_word')} ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))
        return self.t("only_if", number=self.numbers[item.code], answers=listed)

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


def _condition(condition: Condition | None) -> str:
    return f"{condition.item} {' '.join(condition.any_of)}" if condition else ""


def _complaint(item: Item, problem: AnswerProblem, t: Translate) -> str:
    if problem.reason == "required":
        return t("problem_required_entry" if item.kind in ("number", "text") else "problem_required_choice")
    if problem.reason == "too_long":
        return t("problem_too_long", longest=item.longest)
    return t(f"problem_{problem.reason}")
