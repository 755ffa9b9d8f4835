"""What is inside a ballot: one respondent's answers and what the invitation says of where they come from."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, TypeGuard

from analysis.signatures import canonical_json
from questionnaires.answers import Answer, CheckedAnswers, answers_to_form, check_answers, largest_answers_bytes
from questionnaires.model import Questionnaire
from survey.envelopes import padded_size_for

VERSION = 1
# Longest labels of a ballot's origin, in characters, as the stores hold them.
LONGEST_LABELS = {"round": 60, "unit": 40, "stratum": 80, "psu": 80, "channel": 40}

Rejection = Literal["wrong_round", "invalid_answers"]

# The keys and signs of the JSON around the answers take less than a hundred bytes, and no character more than four.
_LARGEST_FRAME_BYTES = 100 + 4 * sum(LONGEST_LABELS.values())


@dataclass(frozen=True, slots=True, repr=False)
class Origin:
    """Where answers come from. Empty strings mean that nothing was recorded."""

    unit: str
    stratum: str = ""
    psu: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class OpenedBallot:
    """A ballot whose content was found in order."""

    origin: Origin
    answers: Mapping[str, Answer]


def padded_size_of(questionnaire: Questionnaire) -> int:
    """The size in bytes that every ballot of a round with this questionnaire is padded to."""
    return padded_size_for(largest_answers_bytes(questionnaire) + _LARGEST_FRAME_BYTES)


def write_ballot(round_slug: str, origin: Origin, answers: Mapping[str, Answer]) -> bytes:
    """The canonical JSON that is sealed."""
    return canonical_json(
        {
            "v": VERSION,
            "round": round_slug,
            "unit": origin.unit,
            "stratum": origin.stratum,
            "psu": origin.psu,
            "channel": origin.channel,
            "answers": dict(answers),
        }
    )


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
    if not isinstance(content, dict) or content.get("v") != VERSION:
        return "invalid_answers"
    words: dict[str, str] = {}
    for name in ("unit", "stratum", "psu", "channel"):
        label: object = content.get(name)
        if not _is_label(label, name):
            return "invalid_answers"
        words[name] = label
    answers: object = content.get("answers")
    if not isinstance(answers, dict):
        return "invalid_answers"
    if content.get("round") != round_slug or words["unit"] not in units:
        return "wrong_round"
    try:
        checked = check_answers(questionnaire, answers_to_form(answers))
    except (ArithmeticError, TypeError, ValueError):
        return "invalid_answers"
    if not isinstance(checked, CheckedAnswers):
        return "invalid_answers"
    return OpenedBallot(Origin(**words), checked.values)


def _is_label(label: object, name: str) -> TypeGuard[str]:
    if not isinstance(label, str) or len(label) > LONGEST_LABELS[name]:
        return False
    # Half a character, which JSON can spell, has no place in a file.
    return all(not 0xD800 <= ord(letter) <= 0xDFFF for letter in label)
