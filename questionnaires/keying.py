"""Answers keyed from paper: what a clerk types for each item, and the answers it stands for.

Every option of an item has a key, the number that is printed beside its box. A form of a questionnaire that rates
several units has places for them, numbered from one; what is asked per unit is keyed for each place.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Literal

from questionnaires.answers import Answer, AnswerProblem, CheckedAnswers, answers_to_form, check_answers, field_name
from questionnaires.model import DONT_KNOW, NOT_APPLICABLE, Item, Questionnaire, Section

# What is typed where the paper cannot be read: two ticks where one is asked, a tick between two boxes.
UNCLEAR = "*"
NOTHING = "0"
# The keys of a number that is not given, where digits are the number itself; no Vietnamese keyboard rewrites them.
LETTER_KEYS = {NOT_APPLICABLE: "x", DONT_KNOW: "k"}
UNIT = "unit"

KeyReason = Literal[
    "unknown_key",
    "one_key",
    "not_a_number",
    "out_of_range",
    "not_whole",
    "too_long",
    "exclusive",
    "required",
    "unknown_unit",
    "same_unit",
    "no_unit",
]

_APART = re.compile(r"[\s,;.+/-]+")
_MOST_SINGLE_KEYS = 9
_LONGEST_FOUND = 20


@dataclass(frozen=True, slots=True)
class KeyField:
    """A row of the entry screen. `place` is that of the rated unit, 0 for what is asked once.

    `item` is None in the row that says which unit stands at the place. `number` is that of the item on the form.
    """

    name: str
    item: Item | None
    number: int
    section: Section | None = None
    place: int = 0


@dataclass(frozen=True, slots=True)
class KeyProblem:
    """Why what was keyed in a field cannot be kept; the values are those of `AnswerProblem`."""

    field: str
    reason: KeyReason
    found: str = ""
    minimum: float | None = None
    maximum: float | None = None
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class KeyedForm:
    """A form that was keyed: its checked answers, or what is wrong.

    `kept` is what was keyed by its fields, spelled in one way, without what is not counted; two clerks who read the
    same from a form have the same. `not_due` are the fields that were filled though the form's routing leads past them.
    """

    answers: CheckedAnswers | None
    kept: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[KeyProblem, ...] = ()
    not_due: tuple[str, ...] = ()


def asked_sections(questionnaire: Questionnaire) -> tuple[Section, ...]:
    """The sections in the order in which they are asked: those per unit stand together, where the first of them is."""
    first = tuple(takewhile(lambda section: not section.per_unit, questionnaire.sections))
    return (*first, *questionnaire.per_unit_sections, *questionnaire.common_sections[len(first) :])


def item_numbers(questionnaire: Questionnaire) -> dict[str, int]:
    """The number of each item on a form, by its code."""
    items = [item for section in asked_sections(questionnaire) for item in section.items]
    return {item.code: number for number, item in enumerate(items, start=1)}


def keys_of(item: Item) -> dict[str, str]:
    """The key of each code that an item accepts: numbers from 1 as printed, and letters beside a number to be typed."""
    if item.kind == "number":
        return {code: LETTER_KEYS[code] for code in item.reserved_codes}
    return {code: str(place) for place, code in enumerate(item.accepted_codes, start=1)}


def key_fields(questionnaire: Questionnaire, n_places: int | None = None) -> Iterator[KeyField]:
    """The rows of the entry screen in the order of the form, with so many places for units, at most as many as may be
    rated.
    """
    numbers = item_numbers(questionnaire)
    places = min(n_places or questionnaire.most_units, questionnaire.most_units)
    has_rated = False
    for section in asked_sections(questionnaire):
        if not section.per_unit:
            yield from (KeyField(f"{numbers[item.code]}", item, numbers[item.code], section) for item in section.items)
        elif not has_rated:
            has_rated = True
            for place in range(1, places + 1):
                yield KeyField(f"{place}.{UNIT}", None, 0, None, place)
                for asked in questionnaire.per_unit_sections:
                    for item in asked.items:
                        yield KeyField(f"{place}.{numbers[item.code]}", item, numbers[item.code], asked, place)


def check_keys(questionnaire: Questionnaire, typed: Mapping[str, str], units: Collection[str] = ()) -> KeyedForm:
    """What was keyed, checked as a citizen's form is; nothing of it raises, whatever it is.

    :param typed: what was typed by the names of `key_fields`; other names are passed over.
    :param units: the codes of the units that may be rated, where a form rates several.
    """
    problems: dict[str, KeyProblem] = {}
    known = {unit.casefold(): unit for unit in units}
    at: dict[int, str] = {}
    if questionnaire.rates_several_units:
        at = _units_at(questionnaire, typed, known, problems)
    form: dict[str, list[str]] = {}
    fields: dict[tuple[str, str], str] = {}
    filled: list[str] = []
    for row in key_fields(questionnaire):
        if row.item is None:
            continue
        fields[row.item.code, at.get(row.place, "")] = row.name
        given = _read(row.item, typed.get(row.name, ""))
        if isinstance(given, KeyProblem):
            problems[row.name] = KeyProblem(row.name, given.reason, given.found)
            continue
        if row.place and row.place not in at:
            if given and f"{row.place}.{UNIT}" not in problems:
                problems[f"{row.place}.{UNIT}"] = KeyProblem(f"{row.place}.{UNIT}", "no_unit")
            continue
        if given:
            filled.append(row.name)
            form[field_name(row.item.code, at.get(row.place, ""))] = given
    checked = check_answers(questionnaire, form, tuple(at.values()))
    if not isinstance(checked, CheckedAnswers):
        for problem in checked:
            name = fields[problem.item, problem.unit]
            problems.setdefault(name, _as_key_problem(problem, name))
    if problems or not isinstance(checked, CheckedAnswers):
        order = [row.name for row in key_fields(questionnaire)]
        return KeyedForm(None, problems=tuple(sorted(problems.values(), key=lambda found: order.index(found.field))))
    kept = _kept(questionnaire, checked, at, fields)
    return KeyedForm(checked, kept, (), tuple(name for name in filled if name not in kept))


def differing_fields(
    questionnaire: Questionnaire, first: Mapping[str, str], second: Mapping[str, str]
) -> list[KeyField]:
    """The rows in which two entries differ, in their order; texts alike but for spaces and line ends do not."""
    return [
        row
        for row in key_fields(questionnaire)
        if _compared(first.get(row.name, "")) != _compared(second.get(row.name, ""))
    ]


def n_compared(questionnaire: Questionnaire, first: Mapping[str, str], second: Mapping[str, str]) -> int:
    """How many items two entries were compared in: all that are asked once, and those of each place that has a unit."""
    used = {name.partition(".")[0] for name in {*first, *second} if name.endswith(f".{UNIT}")}
    return sum(not row.place or str(row.place) in used for row in key_fields(questionnaire))


def _units_at(
    questionnaire: Questionnaire, typed: Mapping[str, str], known: Mapping[str, str], problems: dict[str, KeyProblem]
) -> dict[int, str]:
    at: dict[int, str] = {}
    for place in range(1, questionnaire.most_units + 1):
        name = f"{place}.{UNIT}"
        text = " ".join(typed.get(name, "").split())
        # A list to choose from hands over the name behind the code.
        unit = known.get(text.casefold()) or known.get(text.partition(" ")[0].casefold())
        if not text:
            continue
        if unit is None:
            problems[name] = KeyProblem(name, "unknown_unit", _shown(text))
        elif unit in at.values():
            problems[name] = KeyProblem(name, "same_unit", unit)
        else:
            at[place] = unit
    if not at and not problems:
        problems[f"1.{UNIT}"] = KeyProblem(f"1.{UNIT}", "no_unit")
    return at


def _read(item: Item, typed: str) -> list[str] | KeyProblem:
    """The values of a form's field that a typed text stands for; none where there is no answer."""
    if item.kind == "text":
        return [typed] if typed.strip() else []
    text = unicodedata.normalize("NFKC", typed).strip().casefold()
    if text in ("", UNCLEAR) or (text == NOTHING and item.kind != "number"):
        return []
    codes = {key: code for code, key in keys_of(item).items()}
    if item.kind == "number":
        return [codes.get(text, text)]
    keys = [key for key in _APART.split(text) if key]
    if item.kind == "multiple" and len(codes) <= _MOST_SINGLE_KEYS:
        keys = list("".join(keys))
    if item.kind == "single" and len(keys) > 1:
        return KeyProblem("", "one_key", _shown(text))
    if any(key not in codes for key in keys) or not keys:
        return KeyProblem("", "unknown_key", _shown(text))
    return [codes[key] for key in keys]


def _as_key_problem(problem: AnswerProblem, name: str) -> KeyProblem:
    reason: KeyReason = "unknown_key"
    match problem.reason:
        case "required" | "not_a_number" | "out_of_range" | "not_whole" | "too_long" | "exclusive":
            reason = problem.reason
        case "several_answers":
            reason = "one_key"
    return KeyProblem(name, reason, problem.found, problem.minimum, problem.maximum, problem.longest)


def _kept(
    questionnaire: Questionnaire,
    checked: CheckedAnswers,
    at: Mapping[int, str],
    fields: Mapping[tuple[str, str], str],
) -> dict[str, str]:
    kept = {f"{place}.{UNIT}": unit for place, unit in at.items()}
    for unit, answers in (("", checked.values), *checked.ratings.items()):
        for code, answer in answers.items():
            kept[fields[code, unit]] = _spelled(questionnaire.item(code), answer)
    return kept


def _spelled(item: Item, answer: Answer) -> str:
    keys = keys_of(item)
    values = answers_to_form({item.code: answer})[item.code]
    if isinstance(answer, float):
        return values[0].removesuffix(".0")
    return " ".join(keys.get(value, value) for value in values)


def _compared(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _shown(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return printable if len(printable) <= _LONGEST_FOUND else f"{printable[: _LONGEST_FOUND - 1]}…"
