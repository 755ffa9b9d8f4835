"""What is inside a ballot: one respondent's answers and what the invitation says of where they come from."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeGuard

from analysis.signatures import canonical_json
from questionnaires.answers import Answer, CheckedAnswers, answers_to_form, check_answers, largest_answers_bytes
from questionnaires.model import Questionnaire, Section
from survey.envelopes import padded_size_for

# A ballot of the first version rates the invitation's unit, one of the second the units that its respondent chose.
ONE_UNIT, SEVERAL_UNITS = 1, 2
# Longest labels of a ballot's origin, in characters, as the stores hold them.
LONGEST_LABELS = {"round": 60, "unit": 40, "stratum": 80, "psu": 80, "channel": 40}

Rejection = Literal["wrong_round", "invalid_answers", "invalid_ratings"]

# The keys and signs of the JSON around the answers take less than a hundred bytes, and no character more than four.
_LARGEST_FRAME_BYTES = 100 + 4 * sum(LONGEST_LABELS.values())


@dataclass(frozen=True, slots=True, repr=False)
class Origin:
    """Where answers come from, as the invitation says. Empty strings mean that nothing was recorded.

    `unit` is empty, too, where the invitation is to no one unit: a ballot of such a round names the units it rates.
    """

    unit: str
    stratum: str = ""
    psu: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class OpenedBallot:
    """A ballot whose content was found in order; `ratings` as in `CheckedAnswers`."""

    origin: Origin
    answers: Mapping[str, Answer]
    ratings: Mapping[str, Mapping[str, Answer]] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[str, Mapping[str, Answer]]]:
        """What becomes rows of the archive: a rated unit with the answers about it and those that were given once."""
        if not self.ratings:
            yield self.origin.unit, self.answers
        for unit, rating in self.ratings.items():
            yield unit, {**self.answers, **rating}


def padded_size_of(questionnaire: Questionnaire) -> int:
    """The size in bytes that every ballot of a round with this questionnaire is padded to, however many units it
    rates.
    """
    return padded_size_for(largest_answers_bytes(questionnaire) + _LARGEST_FRAME_BYTES)


def write_ballot(
    round_slug: str,
    origin: Origin,
    answers: Mapping[str, Answer],
    ratings: Mapping[str, Mapping[str, Answer]] | None = None,
) -> bytes:
    """The canonical JSON that is sealed; with ratings it names the rated units and not the invitation's."""
    place = {"round": round_slug, "stratum": origin.stratum, "psu": origin.psu, "channel": origin.channel}
    if ratings:
        pairs = [[unit, dict(rating)] for unit, rating in ratings.items()]
        return canonical_json({"v": SEVERAL_UNITS, **place, "answers": dict(answers), "ratings": pairs})
    return canonical_json({"v": ONE_UNIT, **place, "unit": origin.unit, "answers": dict(answers)})


def read_ballot(
    plaintext: bytes, round_slug: str, units: Collection[str], questionnaire: Questionnaire
) -> OpenedBallot | Rejection:
    """The ballot in a plaintext, its answers checked once more as if they had just been sent, or why it is rejected.

    Whoever has the round's public key and may write to the store could have put anything at all into an envelope.
    """
    try:
        content = json.loads(plaintext)
    except (ValueError, RecursionError):
        return "invalid_answers"
    rates_several = questionnaire.rates_several_units
    if not isinstance(content, dict) or content.get("v") != (SEVERAL_UNITS if rates_several else ONE_UNIT):
        return "invalid_answers"
    words: dict[str, str] = {"unit": ""}
    for name in ("stratum", "psu", "channel") if rates_several else ("unit", "stratum", "psu", "channel"):
        label: object = content.get(name)
        if not _is_label(label, name):
            return "invalid_answers"
        words[name] = label
    answers: object = content.get("answers")
    if not isinstance(answers, dict):
        return "invalid_answers"
    if content.get("round") != round_slug:
        return "wrong_round"
    if not rates_several:
        if words["unit"] not in units:
            return "wrong_round"
        return _checked(Origin(**words), answers, {}, questionnaire)
    ratings = _ratings(content.get("ratings"), units, questionnaire)
    if not isinstance(ratings, dict):
        return ratings
    # An answer in the wrong part could pass for one about a unit that nobody rated.
    if not answers.keys() <= _codes(questionnaire.common_sections):
        return "invalid_ratings"
    return _checked(Origin(**words), answers, ratings, questionnaire)


def _ratings(
    found: object, units: Collection[str], questionnaire: Questionnaire
) -> dict[str, dict[str, Answer]] | Rejection:
    if not isinstance(found, list) or not 1 <= len(found) <= questionnaire.most_units:
        return "invalid_ratings"
    codes = _codes(questionnaire.per_unit_sections)
    ratings: dict[str, dict[str, Answer]] = {}
    for pair in found:
        if not isinstance(pair, list) or len(pair) != 2:
            return "invalid_ratings"
        unit, rating = pair
        if not _is_label(unit, "unit") or not isinstance(rating, dict) or not rating.keys() <= codes or unit in ratings:
            return "invalid_ratings"
        if unit not in units:
            return "wrong_round"
        ratings[unit] = rating
    return ratings


def _checked(
    origin: Origin,
    answers: dict[str, Answer],
    ratings: dict[str, dict[str, Answer]],
    questionnaire: Questionnaire,
) -> OpenedBallot | Rejection:
    try:
        checked = check_answers(questionnaire, answers_to_form(answers, ratings), tuple(ratings))
    except (ArithmeticError, TypeError, ValueError):
        return "invalid_answers"
    if not isinstance(checked, CheckedAnswers):
        return "invalid_answers"
    return OpenedBallot(origin, checked.values, checked.ratings)


def _codes(sections: Iterable[Section]) -> frozenset[str]:
    return frozenset(item.code for section in sections for item in section.items)


def _is_label(label: object, name: str) -> TypeGuard[str]:
    if not isinstance(label, str) or len(label) > LONGEST_LABELS[name]:
        return False
    # Half a character, which JSON can spell, has no place in a file.
    return all(not 0xD800 <= ord(letter) <= 0xDFFF for letter in label)
