"""Which items a reader is asked, given what they have answered so far."""

from collections.abc import Iterator, Mapping

from questionnaires.model import Condition, Item, Questionnaire, Section

# A single choice is its code (or "na", "dk"), a multiple choice its codes in the order of the options (or ("na",)), a
# number a float (or "na", "dk"), a text a str.
Answer = str | tuple[str, ...] | float


def applicable_items(questionnaire: Questionnaire, answers: Mapping[str, Answer]) -> tuple[Item, ...]:
    """The items that are asked, in order.

    :param answers: answers by item code; what was answered to an item that is hidden itself shows nothing. Where
        several units are rated: the answers that were given once together with those about one unit.
    """
    kept: dict[str, Answer] = {}
    applicable: list[Item] = []
    for section, item in placed_items(questionnaire):
        if is_shown(section, item, kept):
            applicable.append(item)
            if item.code in answers:
                kept[item.code] = answers[item.code]
    return tuple(applicable)


def placed_items(questionnaire: Questionnaire) -> Iterator[tuple[Section, Item]]:
    """All items in order, each with its section."""
    for section in questionnaire.sections:
        for item in section.items:
            yield section, item


def is_shown(section: Section, item: Item, answers: Mapping[str, Answer]) -> bool:
    """True when the conditions of the item and of its section hold.

    :param answers: answers to shown items only, at least of all that come before.
    """
    return _holds(section.show_if, answers) and _holds(item.show_if, answers)


def _holds(condition: Condition | None, answers: Mapping[str, Answer]) -> bool:
    if condition is None:
        return True
    answer = answers.get(condition.item)
    if isinstance(answer, tuple | list):
        return any(code in condition.any_of for code in answer)
    return answer in condition.any_of
