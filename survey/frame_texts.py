"""The text in a frame's file, whatever it was saved as: the encoding of its bytes, and the spelling of its letters.

A file says which encoding it has by a mark, by the bytes that no other has, or not at all. Beside that, text may be
spelled as older fonts want it (`survey.old_spellings`), in a workbook too. What is right is told by whether the words
are Vietnamese: in the wrong reading nearly none are.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from survey.old_spellings import READERS, western_text
from survey.syllables import is_syllable

UNICODE = "unicode"
# How many different texts of a column are looked at to tell how it is spelled.
MOST_JUDGED = 3_000
MOST_EXAMPLES = 3
# Spellings of fewer texts than one in two hundred are names of other languages, or slips of the pen.
SMALLEST_PART = 0.005
# So many words that are all Vietnamese as they stand are so in no other reading.
SURE_OF = 3

_WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f][^\W\d_]*)*")
# What older spellings put into the middle of words beside letters: they are looked at as part of the word.
_ODD_WORD = re.compile(r"[^\s\d,.;:()\[\]{}/\\\"'\-_+*=?!@#%&|<>]+")


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A file's bytes as text. `encoding` is utf-8, utf-16, western (one byte a character) or mixed.

    `western_lines` are the numbers of the lines, from 1, that are no UTF-8 in a mixed file; their text is what
    Windows-1252 has for the bytes.
    """

    text: str
    encoding: str
    western_lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SpellingExample:
    """A text as it stands in the file and as it is read, and the row that it stands in first (1 is the first below
    the columns' names).
    """

    spelling: str
    row: int
    written: str
    read: str


@dataclass(frozen=True, slots=True)
class Spellings:
    """How the texts of a table are spelled: how many different texts in which way, and an example or more of each.

    Texts that read alike in every way (plain letters, figures) are not counted. `is_mixed` says that more than one way
    is there, so that nobody can be sure of a text by the company it keeps.
    """

    counts: Mapping[str, int]
    examples: tuple[SpellingExample, ...]

    @property
    def usual(self) -> str:
        """The way in which most are spelled."""
        return max(self.counts, key=lambda name: self.counts[name], default=UNICODE)

    @property
    def is_mixed(self) -> bool:
        return len(self.counts) > 1


def decoded(content: bytes) -> DecodedText:
    """The text of a file's bytes. Nothing is refused: what is no UTF-8 is read as Western text, line by line."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(mark) and (name != "utf-8" or _is_utf8(content)):
            text = content[len(mark) :].decode(name, "replace")
            return DecodedText(text, "utf-8" if name == "utf-8" else "utf-16")
    guessed = _utf16_without_mark(content)
    if guessed is not None:
        return DecodedText(content.decode(guessed, "replace"), "utf-16")
    if _is_utf8(content):
        return DecodedText(content.decode("utf-8"), "utf-8")
    return _by_lines(content)


def spellings_of(columns: Iterable[Sequence[str]]) -> Spellings:
    """How the texts of a table's columns are spelled; of a long column every so many texts are looked at."""
    counts: dict[str, int] = {}
    examples: dict[str, list[SpellingExample]] = {}
    for column in columns:
        seen: set[str] = set()
        step = max(1, len(column) // (MOST_JUDGED * 4))
        for place in range(0, len(column), step):
            text = column[place]
            if text.isascii() or text in seen:
                continue
            if len(seen) == MOST_JUDGED:
                break
            seen.add(text)
            spelling = spelling_of(text)
            if spelling is None:
                continue
            counts[spelling] = counts.get(spelling, 0) + 1
            shown = examples.setdefault(spelling, [])
            if len(shown) < MOST_EXAMPLES:
                shown.append(SpellingExample(spelling, place + 1, text, respelled(text, spelling)))
    total = sum(counts.values())
    kept = {name: count for name, count in counts.items() if count >= max(2, total * SMALLEST_PART) or total < 3}
    return Spellings(kept, tuple(example for name in kept for example in examples[name]))


def spelling_of(text: str) -> str | None:
    """The way in which a text is spelled: the one that makes most of its words Vietnamese; None where two are alike."""
    best, best_score, is_tied, is_alike = UNICODE, _score(text), False, False
    if best_score >= SURE_OF and best_score == _n_odd_words(text):
        return UNICODE
    for name, reader in READERS.items():
        read = _read(reader, text)
        if read is None:
            continue
        if read == text:
            is_alike = True
            continue
        score = _score(read)
        if score > best_score:
            best, best_score, is_tied = name, score, False
        elif score == best_score and best_score > 0 and read != respelled(text, best):
            is_tied = True
    # What looks alike either way says nothing of the texts beside it.
    if best_score <= 0 or is_tied or (is_alike and best == UNICODE):
        return None
    return best


def respelled(text: str, spelling: str) -> str:
    """A text in Unicode that is spelled in a way; the text itself where it cannot be."""
    if spelling == UNICODE or text.isascii():
        return text
    read = _read(READERS[spelling], text)
    return text if read is None else read


@lru_cache(maxsize=100_000)
def respelled_alone(text: str, usual: str) -> str:
    """A text in Unicode by its own look; in the usual way where it looks alike in several."""
    return respelled(text, spelling_of(text) or usual)


def _score(text: str) -> int:
    """How many more of the words with a mark or tone are Vietnamese than are not."""
    score = 0
    for found in _ODD_WORD.finditer(text):
        word = found.group()
        if not word.isascii():
            score += 1 if _WORD.fullmatch(word) and is_syllable(word) else -1
    return score


def _n_odd_words(text: str) -> int:
    return sum(not found.group().isascii() for found in _ODD_WORD.finditer(text))


def _read(reader: Callable[[str], str | None], text: str) -> str | None:
    read = reader(text)
    # Nobody writes control characters: a reading that finds some is a wrong one.
    if read is None or any("\x80" <= letter <= "\x9f" for letter in read):
        return None
    return read


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _utf16_without_mark(content: bytes) -> str | None:
    """The byte order of UTF-16 that bears no mark: every other byte of plain letters is zero."""
    head = content[:4096]
    if len(head) < 4 or b"\0" not in head:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 4 < len(head) // 2 or min(even, odd) * 4 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _by_lines(content: bytes) -> DecodedText:
    lines = content.split(b"\n")
    texts, western, n_utf8 = [], [], 0
    for number, line in enumerate(lines, start=1):
        if line.isascii():
            texts.append(line.decode("ascii"))
            continue
        try:
            texts.append(line.decode("utf-8"))
            n_utf8 += 1
        except UnicodeDecodeError:
            texts.append(western_text(line))
            western.append(number)
    # A line of Western text is now and then UTF-8 by chance, two odd letters side by side.
    if n_utf8 <= len(western) // 50:
        return DecodedText(western_text(content), "western")
    return DecodedText("\n".join(texts), "mixed", tuple(western))
