"""Which version a form on paper is of: the fingerprint that is printed on it, and what has that fingerprint."""

from survey.codes import plain_symbols
from survey.questionnaire_library import list_published
from survey.round_records import RoundRecord, list_rounds
from survey.storage.stores import Stores

_FINGERPRINT_DIGITS = 8


def fingerprint_of(content_hash: str) -> str:
    """What is printed of a questionnaire's content hash: eight digits, typed on a number pad, in two groups of four.

    They are the hash's first 64 bits modulo 10⁸: two versions share them once in a hundred million pairs.
    """
    digits = str(int(content_hash[:16], 16) % 10**_FINGERPRINT_DIGITS).zfill(_FINGERPRINT_DIGITS)
    return f"{digits[:4]}-{digits[4:]}"


def read_fingerprint(typed: str) -> str | None:
    """A typed fingerprint as it is printed; None where it is not eight digits."""
    digits = plain_symbols(typed)
    if len(digits) != _FINGERPRINT_DIGITS or not digits.isdecimal() or not digits.isascii():
        return None
    return f"{digits[:4]}-{digits[4:]}"


def version_on_paper(stores: Stores, fingerprint: str) -> str:
    """The version whose forms bear this fingerprint, with its modules; empty where no round and no library knows it."""
    for record in list_rounds(stores):
        if fingerprint_of(record.questionnaire_hash) == fingerprint:
            return version_of(record)
    for entry in list_published(stores):
        if fingerprint_of(entry.questionnaire.content_hash) == fingerprint:
            return entry.questionnaire.reference
    return ""


def version_of(record: RoundRecord) -> str:
    """What a round asks, as its forms name it."""
    return " + ".join((record.questionnaire_reference, *record.module_references))
