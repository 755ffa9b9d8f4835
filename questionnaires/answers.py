"""A form's fields into checked answers, and back.

What a form sends is anything at all: fields that were never on the page, ten values where one is expected, a hundred
thousand characters, halves of characters. All of it ends in checked answers or in a list of problems, never in an
exception, and nothing of an item that is not asked survives.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from questionnaires.marked_yaml import is_foreign
from questionnaires.model import Item, Questionnaire, Section
from questionnaires.routing import Answer, is_shown

__all__ = [
    "Answer",
    "AnswerProblem",
    "CheckedAnswers",
    "answers_to_form",
    "check_answers",
    "field_name",
    "largest_answers_bytes",
]

Reason = Literal[
    "required",
    "unknown_option",
    "not_a_number",
    "out_of_range",
    "not_whole",
    "too_long",
    "exclusive",
    "several_answers",
]

_NUMBER = re.compile(r"([-−]?)([0-9]{1,15})(?:[.,]([0-9]{1,9}))?")
# The longest number that passes `_NUMBER` has 17 significant digits as JSON writes it, a sign, a point and an exponent.
_LARGEST_NUMBER_BYTES = 25
_LONGEST_FOUND = 60
_LONGEST_UNIT_CODE = 40
# Text far beyond any limit is refused before it is cleaned, so that a hostile request costs nothing.
_MOST_RAW_CHARACTERS = 20_000
_MOST_VALUES = 500


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """Why the answer to one item cannot be kept. `found` is short and printable, and it is not to be trusted as markup.

    `minimum` and `maximum` come with out_of_range, `longest` with too_long (whose `found` is the number of characters).
    `unit` is the unit that was rated where the item is asked per unit.
    """

    item: str
    reason: Reason
    found: str = ""
    minimum: float | None = None
    maximum: float | None = None
    longest: int | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class CheckedAnswers:
    """Answers that fit their questionnaire: those to items that were asked and answered, in the order of the items.

    Where several units are rated, `values` holds what was asked once, and `ratings` the answers of the sections that
    are asked per unit, by unit code in the order the units were chosen; a unit of whom nothing was said is there too.
    """

    values: Mapping[str, Answer] = field(default_factory=dict)
    ratings: Mapping[str, Mapping[str, Answer]] = field(default_factory=dict)


def check_answers(
    questionnaire: Questionnaire, form: Mapping[str, Sequence[str]], units: Sequence[str] = ()
) -> CheckedAnswers | tuple[AnswerProblem, ...]:
    """The answers of a form, or everything that is wrong with them, in the order they are asked.

    :param form: the values of each field by its name, which is the item's code, or UNIT.ITEM where it is asked per
        unit; other fields are passed over. Numbers have a decimal comma or point and no thousands separator. Texts are
        kept in NFC without invisible characters.
    :param units: the codes of the units that are rated, each once; read only where the questionnaire rates several.
        That they are units of the round and no more than it allows is for the caller to say.
    """
    values: dict[str, Answer] = {}
    ratings: dict[str, Mapping[str, Answer]] = {}
    problems: list[AnswerProblem] = []
    has_rated = False
    for section in questionnaire.sections:
        if not section.per_unit:
            problems += _check_section(section, form, values, values)
        elif not has_rated:
            # Sections per unit stand together: all of them are answered for one unit, then for the next.
            has_rated = True
            for unit in units if questionnaire.rates_several_units else ():
                rating: dict[str, Answer] = {}
                known = dict(values)
                for asked in questionnaire.per_unit_sections:
                    problems += _check_section(asked, form, known, rating, unit)
                ratings[unit] = rating
    return tuple(problems) if problems else CheckedAnswers(values, ratings)


def _check_section(
    section: Section,
    form: Mapping[str, Sequence[str]],
    known: dict[str, Answer],
    kept: dict[str, Answer],
    unit: str = "",
) -> list[AnswerProblem]:
    """What is wrong with the answers to a section; those in order are added to what is known and to what is kept."""
    problems: list[AnswerProblem] = []
    for item in section.items:
        # An item that hangs on a refused answer is not asked: its reader corrects that one first.
        if not is_shown(section, item, known):
            continue
        checked = _check_item(item, _given_values(form, field_name(item.code, unit)))
        if isinstance(checked, AnswerProblem):
            problems.append(replace(checked, unit=unit))
        elif checked is not None:
            known[item.code] = kept[item.code] = checked
    return problems


def field_name(item_code: str, unit: str = "") -> str:
    """The name of the form field of an item; of an item that is asked per unit, the field for this unit."""
    return f"{unit}.{item_code}" if unit else item_code


def answers_to_form(
    values: Mapping[str, Answer], ratings: Mapping[str, Mapping[str, Answer]] | None = None
) -> dict[str, list[str]]:
    """The form that gives these checked answers again, so that whatever was stored is checked like what was sent."""
    form: dict[str, list[str]] = {}
    for unit, answers in (("", values), *(ratings or {}).items()):
        for code, answer in answers.items():
            name = field_name(code, unit)
            if isinstance(answer, str):
                form[name] = [answer]
            elif isinstance(answer, tuple | list):
                form[name] = [str(part) for part in answer]
            else:
                form[name] = [_written(answer)]
    return form


def largest_answers_bytes(questionnaire: Questionnaire) -> int:
    """The most bytes the checked answers of this questionnaire take as JSON in UTF-8.

    It holds for JSON that is written compactly and keeps letters as they are (`ensure_ascii=False`): every ballot of a
    round can be padded to one size above it. Ratings are a list of pairs of a unit's code and its answers, as many as
    the questionnaire allows.
    """
    common = _largest_object_bytes(questionnaire.common_sections)
    if not questionnaire.rates_several_units:
        return common
    rating = len('["",],') + 4 * _LONGEST_UNIT_CODE + _largest_object_bytes(questionnaire.per_unit_sections)
    return common + len('"ratings":[],') + questionnaire.most_units * rating


def _largest_object_bytes(sections: Iterable[Section]) -> int:
    items = [item for section in sections for item in section.items]
    return 2 + sum(len(f'"{item.code}":,') + _largest_answer_bytes(item) for item in items)


def _largest_answer_bytes(item: Item) -> int:
    longest_code = max((len(code) + 2 for code in item.accepted_codes), default=0)
    if item.kind == "text":
        return 2 + 4 * (item.longest or 0)
    if item.kind == "number":
        return max(_LARGEST_NUMBER_BYTES, longest_code)
    if item.kind == "multiple":
        return max(2 + sum(len(option.code) + 3 for option in item.options), longest_code + 2)
    return longest_code


def _given_values(form: Mapping[str, Sequence[str]], code: str) -> list[str]:
    given: object = form.get(code)
    if given is None:
        return []
    if isinstance(given, str) or not isinstance(given, Sequence):
        given = [given]
    # An empty field is one that was left empty: browsers send it all the same.
    texts = (value if isinstance(value, str) else f"<{type(value).__name__}>" for value in given[:_MOST_VALUES])
    return list(dict.fromkeys(text for text in texts if text and not text.isspace()))


def _check_item(item: Item, given: list[str]) -> Answer | AnswerProblem | None:
    if item.kind == "multiple":
        return _check_multiple(item, given)
    if len(given) > 1:
        return AnswerProblem(item.code, "several_answers", str(len(given)))
    if not given:
        return AnswerProblem(item.code, "required") if item.required else None
    if item.kind == "text":
        return _check_text(item, given[0])
    code = given[0].strip()
    if code in item.accepted_codes:
        return code
    if item.kind == "number":
        return _check_number(item, code)
    return AnswerProblem(item.code, "unknown_option", _printable(code))


def _check_multiple(item: Item, given: list[str]) -> Answer | AnswerProblem | None:
    chosen = {value.strip() for value in given}
    for value in given:
        if value.strip() not in item.accepted_codes:
            return AnswerProblem(item.code, "unknown_option", _printable(value))
    if not chosen:
        return AnswerProblem(item.code, "required") if item.required else None
    alone = {option.code for option in item.options if option.exclusive} | set(item.reserved_codes)
    if len(chosen) > 1 and chosen & alone:
        return AnswerProblem(
            item.code, "exclusive", next(code for code in item.accepted_codes if code in chosen & alone)
        )
    return tuple(code for code in item.accepted_codes if code in chosen)


def _check_number(item: Item, given: str) -> Answer | AnswerProblem:
    match = _NUMBER.fullmatch(_cleaned(given)) if len(given) <= _LONGEST_FOUND else None
    if match is None:
        return AnswerProblem(item.code, "not_a_number", _printable(given))
    sign, whole, decimals = match.groups()
    number = float(f"{'-' if sign else ''}{whole}.{decimals or 0}") + 0.0
    if item.whole and not number.is_integer():
        return AnswerProblem(item.code, "not_whole", _printable(given))
    is_below = item.minimum is not None and number < item.minimum
    is_above = item.maximum is not None and number > item.maximum
    if is_below or is_above:
        return AnswerProblem(item.code, "out_of_range", _printable(given), item.minimum, item.maximum)
    return number


def _check_text(item: Item, given: str) -> Answer | AnswerProblem | None:
    longest = item.longest or 0
    text = given if len(given) > _MOST_RAW_CHARACTERS else _cleaned(given)
    if len(text) > longest:
        return AnswerProblem(item.code, "too_long", str(len(text)), longest=longest)
    if not text:
        return AnswerProblem(item.code, "required") if item.required else None
    return text


def _cleaned(text: str) -> str:
    in_lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    visible = "".join(character for character in in_lines.replace("\t", " ") if not is_foreign(character))
    return unicodedata.normalize("NFC", visible).strip()


def _printable(text: str) -> str:
    cleaned = " ".join(_cleaned(text[: 4 * _LONGEST_FOUND]).split())
    return cleaned if len(cleaned) <= _LONGEST_FOUND else f"{cleaned[: _LONGEST_FOUND - 1]}…"


def _written(number: float) -> str:
    # The shortest decimal that gives the same float again, never with an exponent, which forms do not take.
    return format(Decimal(repr(float(number))), "f")
