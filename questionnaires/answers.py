"""A form's fields into checked answers, and back.

What a form sends is anything at all: fields that were never on the page, ten values where one is expected, a hundred
thousand characters, halves of characters. All of it ends in checked answers or in a list of problems, never in an
exception, and nothing of an item that is not asked survives.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from questionnaires.marked_yaml import is_foreign
from questionnaires.model import Item, Questionnaire
from questionnaires.routing import Answer, is_shown, placed_items

__all__ = ["Answer", "AnswerProblem", "CheckedAnswers", "answers_to_form", "check_answers", "largest_answers_bytes"]

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
# Text far beyond any limit is refused before it is cleaned, so that a hostile request costs nothing.
_MOST_RAW_CHARACTERS = 20_000
_MOST_VALUES = 500


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """Why the answer to one item cannot be kept. `found` is short and printable, and it is not to be trusted as markup.

    `minimum` and `maximum` come with out_of_range, `longest` with too_long (whose `found` is the number of characters).
    """

    item: str
    reason: Reason
    found: str = ""
    minimum: float | None = None
    maximum: float | None = None
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class CheckedAnswers:
    """Answers that fit their questionnaire: those to items that were asked and answered, in the order of the items."""

    values: Mapping[str, Answer] = field(default_factory=dict)


def check_answers(
    questionnaire: Questionnaire, form: Mapping[str, Sequence[str]]
) -> CheckedAnswers | tuple[AnswerProblem, ...]:
    """The answers of a form, or everything that is wrong with them, in the order of the items.

    :param form: the values of each field by its name, which is the item's code; other fields are passed over. Numbers
        have a decimal comma or point and no thousands separator. Texts are kept in NFC without invisible characters.
    """
    values: dict[str, Answer] = {}
    problems: list[AnswerProblem] = []
    for section, item in placed_items(questionnaire):
        # An item that hangs on a refused answer is not asked: its reader corrects that one first.
        if not is_shown(section, item, values):
            continue
        checked = _check_item(item, _given_values(form, item.code))
        if isinstance(checked, AnswerProblem):
            problems.append(checked)
        elif checked is not None:
            values[item.code] = checked
    return tuple(problems) if problems else CheckedAnswers(values)


def answers_to_form(values: Mapping[str, Answer]) -> dict[str, list[str]]:
    """The form that gives these checked answers again, so that whatever was stored is checked like what was sent."""
    form: dict[str, list[str]] = {}
    for code, answer in values.items():
        if isinstance(answer, str):
            form[code] = [answer]
        elif isinstance(answer, tuple | list):
            form[code] = [str(part) for part in answer]
        else:
            form[code] = [_written(answer)]
    return form


def largest_answers_bytes(questionnaire: Questionnaire) -> int:
    """The most bytes the checked answers of this questionnaire take as JSON in UTF-8.

    It holds for JSON that is written compactly and keeps letters as they are (`ensure_ascii=False`): every ballot of a
    round can be padded to one size above it.
    """
    return 2 + sum(len(f'"{item.code}":,') + _largest_answer_bytes(item) for item in questionnaire.items)


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
