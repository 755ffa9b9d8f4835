"""Labels of strata, PSUs and channels: what may stand on an invitation and in a design."""

import re
import unicodedata

from questionnaires.marked_yaml import is_foreign
from survey.ballots import LONGEST_LABELS
from survey.errors import BadInput

# A label begins with a letter or a digit, so that a spreadsheet program never takes it for a formula.
_LABEL = re.compile(r"\w[^\x00-\x1f\x7f]*")


def check_label(name: str, text: str) -> str:
    """The text of a stratum, psu or channel as it is stored; BadInput when it is too long or would be misread."""
    label = unicodedata.normalize("NFC", text.strip())
    longest = LONGEST_LABELS[name]
    if len(label) > longest:
        raise BadInput(f"{name}: found {len(label)} characters, expected at most {longest}")
    if any(is_foreign(letter) for letter in label):
        raise BadInput(f"{name}: found “{printable(label)}”, expected letters that can be seen")
    if label and not _LABEL.fullmatch(label):
        raise BadInput(f"{name}: found “{printable(label)}”, expected a label that begins with a letter or a digit")
    return label


def printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in text[:60])
