"""Personal data in comments: found by rules in Vietnamese and English, covered with a word that says what stood there.

Rules suggest; an officer decides. What an officer releases is the citizen's text with words covered: none can be put in
(`is_covered`). Rules find more than they should rather than less: a covered street is no loss.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from survey.comment_names import name_spans, words_of
from survey.plain_texts import plain_text

# What a mask is called in Vietnamese and in English.
LABELS: Final = {
    "name": ("tên", "name"),
    "phone": ("số điện thoại", "phone number"),
    "email": ("thư điện tử", "e-mail"),
    "number": ("số giấy tờ", "document number"),
    "account": ("tài khoản", "account"),
    "plate": ("biển số", "number plate"),
    "birth": ("ngày sinh", "date of birth"),
    "address": ("địa chỉ", "address"),
    "link": ("liên kết", "link"),
    "emoji": ("biểu tượng", "emoji"),
    "script": ("chữ khác", "other script"),
    "words": ("...", "..."),
}
_MASK: Final = re.compile(
    r"\[(?:" + "|".join(sorted({re.escape(w) for pair in LABELS.values() for w in pair})) + r")\]"
)
# `số 12, tổ 3` is one address.
_AGAIN: Final = re.compile(r"(\[[^\[\]]+\])(?:[ ,.!?~]*\1)+")
_APART: Final = re.compile(r"\] +(?=[.,;:!?])")
_ENGLISH_WORDS: Final = words_of("and are at for had have i in is it my not of the they very was we with you")

# A capital letter of any language is no class of this library; names are found by comment_names.
_NAME: Final = r"[^\W\d_]+"
_RULES: Final = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("email", r"[\w.+-]+\s?@\s?[\w-]+(?:\s?\.\s?[\w-]+)+"),
        ("link", r"(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|vn|net|org|info|me)\b(?:/\S*)?"),
        ("birth", r"(?:sinh\s+(?:ngày|năm)?|ngày sinh|born(?:\s+on)?|date of birth)\s*:?\s*(?:\d{1,2}[/.-]){0,2}\d{4}"),
        (
            "account",
            (r"(?:stk|số tài khoản|tài khoản(?:\s+số)?|account(?:\s+(?:no|number))?)\s*\.?:?\s*\d[\d .-]{5,24}\d"
            r"|(?:facebook|fb|zalo|tiktok|telegram)\s*:\s*[\w.]{3,40}|(?<![\w.])@[a-z0-9_.]{3,30}"),
        ),
        (
            "number",
            (r"(?:mã(?:\s+số)?\s+hồ\s+sơ|số\s+hồ\s+sơ|hồ\s+sơ\s+số|số\s+biên\s+nhận|biên\s+nhận\s+số|giấy\s+hẹn\s+số"
            r"|case\s+(?:no|number)|reference\s+number)\s*\.?:?\s*[\w.-]*\d[\w./-]*"),
        ),
        ("plate", r"\b\d{2}\s?-?\s?[A-Z]{1,2}\d?\s?-?\s?\d{3}\.?\d{2}\b"),
        ("number", r"(?<![\d.,])\d{3}[ .-]?\d{3}[ .-]?\d{3}[ .-]?\d{3}(?![\d])|(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)"),
        ("phone", r"(?<![\d.,])(?:\(?\+?84\)?|0)(?:[ .()-]{0,2}\d){8,10}(?!\d)"),
        ("phone", r"(?<!\w)\+\d{1,3}(?:[ .()-]{0,2}\d){6,12}(?!\d)|(?<![\d.])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\d)"),
        ("number", r"(?<![\w.,])(?:[A-Z]\d{7,8}|\d{9,16})(?![\w])"),
        (
            "address",
            (rf"(?:(?:số\s+nhà|nhà\s+số|số)\s+\d+\w?(?:/\d+\w?)*[ ,]*)"
            rf"(?:(?:đường|phố|ngõ|ngách|hẻm|kiệt)\s+(?:\d+\w?(?:/\d+)*|{_NAME}(?:\s+{_NAME}){{0,2}}))?"
            rf"|(?:số\s+nhà|nhà\s+số)\s+\d+\w?(?:/\d+\w?)*"),
        ),
        (
            "address",
            r"\b(?:ngõ|ngách|hẻm|kiệt|tổ(?:\s+dân\s+phố)?|khu(?:\s+phố)?|thôn|xóm|ấp|bản|buôn)\s+(?:số\s+)?\d+\w?",
        ),
        (
            "address",
            (r"\b\d{1,5}\s+(?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\.?\s+)?(?:[\w']+\s+){1,3}"
            r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Terrace|Ter|Parkway|Pkwy)\b\.?"),
        ),
    )
)  # fmt: skip
# A place is named with a capital: `khu vực` and `đường dây nóng` are none.
_PLACES: Final = re.compile(r"\b(?:đường|phố|khu phố|thôn|xóm|ấp|bản|buôn|làng)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data at text[start:end], of one of the kinds of `LABELS`."""

    start: int
    end: int
    kind: str


def find_personal_data(text: str) -> tuple[Finding, ...]:
    """What the rules find in a text, from its beginning on, none over another; the rule that comes first wins."""
    taken: list[Finding] = []
    for found in _candidates(text):
        if found.start < found.end and all(found.end <= other.start or other.end <= found.start for other in taken):
            taken.append(found)
    return tuple(sorted(taken, key=lambda found: found.start))


def mask(text: str) -> str:
    """The text with everything covered that the rules find: `Gọi [số điện thoại]`; in an English text in English."""
    language = 1 if is_english(text) else 0
    parts, at = [], 0
    for found in find_personal_data(text):
        parts += [text[at : found.start], f"[{LABELS[found.kind][language]}]"]
        at = found.end
    return _AGAIN.sub(r"\1", "".join(parts) + text[at:])


def released_text(text: str) -> str:
    """The text as pages and documents can show it: plain, and what their font does not have covered with a word."""
    plain = plain_text(text)
    language = 1 if is_english(plain) else 0
    known = _known_letters()
    parts, run = [], ""
    for letter in plain + "\0":
        if letter != "\0" and letter not in known:
            run += letter
            continue
        if run:
            is_script = any(unicodedata.category(c).startswith(("L", "M", "N")) for c in run)
            parts.append(f" [{LABELS['script' if is_script else 'emoji'][language]}] ")
            run = ""
        parts.append(letter)
    return plain_text(_AGAIN.sub(r"\1", _APART.sub("]", "".join(parts)[:-1])))


def is_covered(text: str, original: str) -> bool:
    """Whether a text is the original with words covered by masks and nothing added, changed or left out."""
    whole, rest = _joined(released_text(original)), _joined(text)
    pieces = [piece.strip() for piece in _MASK.split(rest)]
    if len(pieces) == 1:
        return rest == whole
    if not (whole.startswith(pieces[0]) and whole.endswith(pieces[-1])):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        found = whole.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return at <= len(whole) - len(pieces[-1])


def is_english(text: str) -> bool:
    """Whether a text is English rather than Vietnamese, by its letters and its commonest words."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFD", text)
        if any(unicodedata.combining(letter) or letter in "đĐ" for letter in decomposed):
            return False
    words = re.findall(r"[a-z']+", text.casefold())
    return bool(words) and 8 * sum(word in _ENGLISH_WORDS for word in words) >= len(words)


def _candidates(text: str) -> Iterator[Finding]:
    for kind, rule in _RULES:
        yield from (Finding(*found.span(), kind) for found in rule.finditer(text))
    for found in _PLACES.finditer(text):
        end = _end_of_capitals(text, found.end())
        if end > found.end():
            yield Finding(found.start(), end, "address")
    yield from (Finding(start, end, "name") for start, end in name_spans(text))


def _end_of_capitals(text: str, start: int) -> int:
    end = start
    for _ in range(3):
        found = re.compile(r"\s*([^\W\d_]+)").match(text, end)
        if found is None or not found[1][0].isupper() or "\n" in found[0]:
            break
        end = found.end()
    return end


def _joined(text: str) -> str:
    return " ".join(text.split())


@cache
def _known_letters() -> frozenset[str]:
    """The characters that every font of printed pages has, and the line feed."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    from survey.printing import bundled_fonts

    sets = []
    for path in bundled_fonts().values():
        with TTFont(path, lazy=True) as font:
            sets.append({chr(code) for code in font.getBestCmap()})
    return frozenset(set.intersection(*sets) | {"\n"})
