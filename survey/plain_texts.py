"""Texts that people typed, as others may read them: no character that is not seen or that turns the line around."""

import unicodedata

from survey.errors import BadInput

# Controls, formats (direction marks and overrides, zero width), halves of pairs, private and unassigned characters.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def plain_text(text: str) -> str:
    """The text in NFC, line by line, single spaces between words, without empty lines and without unseen characters."""
    lines = (_plain_line(line) for line in unicodedata.normalize("NFC", text).splitlines())
    return "\n".join(line for line in lines if line)


def required_text(what: str, text: str, longest: int) -> str:
    """The plain text; BadInput where it is empty or longer than so many characters."""
    found = plain_text(text)
    if not found:
        raise BadInput(f"{what}: found nothing, expected a sentence")
    if len(found) > longest:
        raise BadInput(f"{what}: found {len(found)} characters, expected at most {longest}")
    return found


def _plain_line(line: str) -> str:
    seen = "".join(" " if letter.isspace() else letter for letter in line)
    return " ".join("".join(c for c in seen if unicodedata.category(c) not in UNSEEN).split())
