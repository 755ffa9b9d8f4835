"""Which script a text is written in: what is wrong with a text of one language, so that none stands under another's."""

import re
import unicodedata
from collections.abc import Iterator

HAN, KANA, HANGUL = "[\u4e00-\u9fff]", "[\u3041-\u30ff]", "[\uac00-\ud7a3]"
_EAST_ASIAN = re.compile(f"{HAN}|{KANA}|{HANGUL}")
_MARKED_LATIN = re.compile("[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1ea0-\u1ef9]")
_PLACEHOLDER = re.compile(r"{\w*}")
# The character set of each country: 問 is not in the Chinese one, 问 not in the Japanese one.
_CHARACTER_SETS = {"ko": "euc_kr", "zh": "gb2312", "ja": "shift_jis"}
_OWN = {"ko": HANGUL, "zh": HAN, "ja": f"{HAN}|{KANA}"}
_FOREIGN = {"ko": KANA, "zh": f"{KANA}|{HANGUL}", "ja": HANGUL}
# An official speaks: 합니다 and not 해요, です and not だ, 您 and not 你.
_FAMILIAR = {"ko": r"요[.?!]", "zh": "你", "ja": "(だ|である)。"}
_HALF_WIDTH = re.compile(f"({HAN}|{KANA})[,.?!:;]")


def complaints_about(text: str, language: str) -> Iterator[str]:
    """Everything by which a text shows that it is not written in this language, or not as an official writes it."""
    said = _PLACEHOLDER.sub("", text)
    if text != unicodedata.normalize("NFC", text):
        yield "letters that are not composed"
    if language in ("vi", "en"):
        if _EAST_ASIAN.search(said):
            yield "characters of East Asia"
        return
    if any(letter.isalpha() for letter in said) and not re.search(_OWN[language], said):
        yield "no character of its own"
    if re.search(_FOREIGN[language], said):
        yield "another language's characters"
    if _MARKED_LATIN.search(said):
        yield "Vietnamese letters"
    if re.search(_FAMILIAR[language], said):
        yield "a familiar form"
    if language != "ko" and _HALF_WIDTH.search(said):
        yield "a mark of half the width after a full character"
    strange = [letter for letter in said if re.match(_EAST_ASIAN, letter) and not _is_in(letter, language)]
    if strange:
        yield f"characters of another country: {''.join(strange)}"


def _is_in(letter: str, language: str) -> bool:
    try:
        letter.encode(_CHARACTER_SETS[language])
    except UnicodeEncodeError:
        return False
    return True
