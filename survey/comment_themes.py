"""Themes of comments: what they are called and the words that suggest them; officers decide."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import yaml

from questionnaires.model import Text
from survey.errors import BadInput
from survey.plain_files import read_plain_file
from survey.settings import Settings

OWN_LIST = "comment-themes.yaml"
LARGEST_LIST = 100_000
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme: its code, its name in both languages, and words that suggest it, in small letters."""

    code: str
    label: Text
    words: tuple[str, ...]


def themes_of(settings: Settings) -> tuple[Theme, ...]:
    """The instance's own list of themes, `comment-themes.yaml` in its folder, or the one that comes along.

    Raises BadInput that names the theme of an own list that is not as it should be.
    """
    own = settings.instance / OWN_LIST
    if own.exists():
        return read_themes(own)
    return parse_themes(resources.files("survey").joinpath("comment_themes.yaml").read_bytes(), "comment_themes.yaml")


def read_themes(path: Path) -> tuple[Theme, ...]:
    """The themes in a YAML file."""
    return parse_themes(read_plain_file(path, LARGEST_LIST), str(path))


def parse_themes(source: bytes, origin: str) -> tuple[Theme, ...]:
    """The themes of a list: each `code` with `vi`, `en` and `words`. Raises BadInput that says what is wrong where."""
    try:
        content = yaml.safe_load(unicodedata.normalize("NFC", source.decode("utf-8-sig")))
    except (UnicodeDecodeError, yaml.YAMLError) as complaint:
        raise BadInput(f"{origin}: found no YAML ({str(complaint).splitlines()[0][:80]}), expected themes") from None
    if not isinstance(content, Mapping) or not content:
        raise BadInput(f"{origin}: found no themes, expected `code: {{vi: …, en: …, words: […]}}`")
    return tuple(_theme(str(code), found, origin) for code, found in content.items())


def suggested_theme(text: str, themes: Sequence[Theme]) -> str:
    """The code of the theme most of whose words the text has; the last of the list, for what fits nowhere, if none.

    A word counts where it begins and ends as a word, and once; of equals the first of the list is taken.
    """
    small = unicodedata.normalize("NFC", text).casefold()
    counts = {theme.code: sum(_has(small, word) for word in theme.words) for theme in themes}
    best = max(counts.values(), default=0)
    if best == 0:
        return themes[-1].code
    return next(code for code, count in counts.items() if count == best)


def _has(text: str, word: str) -> bool:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not text[start - 1 : start].isalnum() and not text[end : end + 1].isalnum():
            return True
        start = text.find(word, start + 1)
    return False


def _theme(code: str, found: object, origin: str) -> Theme:
    if not _CODE.fullmatch(code):
        raise BadInput(f"{origin}: found the theme {code[:40]!r}, expected small letters, digits and _")
    if not isinstance(found, Mapping) or set(found) != {"vi", "en", "words"}:
        raise BadInput(f"{origin}: {code}: found {str(found)[:60]!r}, expected vi, en and words")
    names = [found["vi"], found["en"]]
    words = found["words"]
    if not all(isinstance(name, str) and 0 < len(name) <= 100 for name in names):
        raise BadInput(f"{origin}: {code}: found {names!r}, expected a name in vi and one in en")
    if not isinstance(words, list) or not all(isinstance(word, str) and word.strip() for word in words):
        raise BadInput(f"{origin}: {code}: words: found {str(words)[:60]!r}, expected a list of words")
    return Theme(code, Text(*names), tuple(" ".join(word.casefold().split()) for word in words))
