"""The notice of a round: who asks, by which decision, and whom to call. Shown on every page of the round."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from questionnaires.model import Text
from survey.errors import BadInput
from survey.plain_files import read_plain_file

LARGEST_NOTICE = 64_000
LONGEST_LINE = 200


NO_TEXT = Text("", "")


@dataclass(frozen=True, slots=True)
class Notice:
    """What people are told about a round; a text that is empty is not shown."""

    title: Text | None = None
    issuer: Text = NO_TEXT
    decision: str = ""
    hotline: str = ""


NO_NOTICE = Notice()


def read_notice(path: Path) -> Notice:
    """The notice in a YAML file: title and issuer in `vi` and `en`, decision and hotline as one text.

    Raises BadInput that names the file, the key, what was found and what was expected.
    """
    source = read_plain_file(path, LARGEST_NOTICE)
    try:
        content = yaml.safe_load(source.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadInput(f"{path}: found bytes that are no text, expected UTF-8") from None
    except yaml.YAMLError as complaint:
        mark = getattr(complaint, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        raise BadInput(f"{place}: found {getattr(complaint, 'problem', None) or 'a fault'}, expected YAML") from None
    if not isinstance(content, Mapping):
        raise BadInput(f"{path}: found no keys, expected title, issuer, decision, hotline")
    unknown = [key for key in content if key not in ("title", "issuer", "decision", "hotline")]
    if unknown:
        raise BadInput(f"{path}: found the key {unknown[0]!r}, expected title, issuer, decision, hotline")
    return Notice(
        title=_both(path, "title", content["title"]) if "title" in content else None,
        issuer=_both(path, "issuer", content["issuer"]) if "issuer" in content else NO_TEXT,
        decision=one_line(f"{path}: decision", content.get("decision", "")),
        hotline=one_line(f"{path}: hotline", content.get("hotline", ""), longest=100),
    )


def _both(path: Path, key: str, found: object) -> Text:
    if not isinstance(found, Mapping) or set(found) != {"vi", "en"}:
        raise BadInput(f"{path}: {key}: found {str(found)[:60]!r}, expected a text in vi and one in en")
    texts = {language: one_line(f"{path}: {key}.{language}", found[language]) for language in ("vi", "en")}
    if not all(texts.values()):
        raise BadInput(f"{path}: {key}: found an empty text, expected one in vi and one in en")
    return Text(texts["vi"], texts["en"])


def one_line(place: str, found: object, longest: int = LONGEST_LINE) -> str:
    """A text as one line in NFC; raises BadInput where it is none, too long or holds invisible characters."""
    if not isinstance(found, str):
        raise BadInput(f"{place}: found {str(found)[:60]!r}, expected a text (in quotation marks where it is a number)")
    text = " ".join(unicodedata.normalize("NFC", found).split())
    if len(text) > longest:
        raise BadInput(f"{place}: found {len(text)} characters, expected at most {longest}")
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in text):
        raise BadInput(f"{place}: found an invisible character, expected letters that can be seen")
    return text
