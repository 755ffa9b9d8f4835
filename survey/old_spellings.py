"""Vietnamese as older fonts and programs spell it: TCVN3 (ABC), VNI, Windows-1258, and UTF-8 that was read as Western.

Each reader takes a text whose characters are those that Windows-1252 has for the bytes, which is how such text lies in
workbooks and in files that were saved as Western text.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping

_TCVN3 = (
    "¡Ă¢Â£Ê¤Ô¥Ơ¦Ư§Đ¨ă©âªê«ô¬ơ\u00adư®đ"
    "µà¶ả·ã¸á¹ạ»ằ¼ẳ½ẵ¾ắÆặÇầÈẩÉẫÊấËậ"
    "ÌèÎẻÏẽÐéÑẹÒềÓểÔễÕếÖệ×ìØỉÜĩÝíÞị"
    "ßòáỏâõãóäọåồæổçỗèốéộêờëởìỡíớîợ"
    "ïùñủòũóúôụõừöử÷ữøứùựúỳûỷüỹýýþỵ"
)
TCVN3: Mapping[str, str] = dict(zip(_TCVN3[::2], _TCVN3[1::2], strict=True))

# VNI writes a vowel and, behind it, a character for its mark and tone together.
_VNI_MARKS = {
    "ù": "\u0301", "ø": "\u0300", "û": "\u0309", "õ": "\u0303", "ï": "\u0323",
    "ê": "\u0306", "é": "\u0306\u0301", "è": "\u0306\u0300", "ú": "\u0306\u0309", "ü": "\u0306\u0303",
    "ë": "\u0306\u0323",
    "â": "\u0302", "á": "\u0302\u0301", "à": "\u0302\u0300", "å": "\u0302\u0309", "ã": "\u0302\u0303",
    "ä": "\u0302\u0323",
}  # fmt: skip
_VNI_BEARERS = "aeouyôö"
_VNI_ALONE = {"ô": "ơ", "ö": "ư", "ñ": "đ", "í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}
_VNI_PAIR = re.compile(f"([{_VNI_BEARERS}])([{''.join(_VNI_MARKS)}])", re.IGNORECASE)
_VNI_SINGLE = re.compile(f"[{''.join(_VNI_ALONE)}]", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")


def from_tcvn3(text: str) -> str | None:
    """The text of a TCVN3 (ABC) font in Unicode; None where a character is none of that font's.

    Fonts of capitals draw small letters as capitals: in a word whose plain letters are all capitals, all are.
    """
    if any(letter > "\x7f" and letter not in TCVN3 and letter != "\u00a0" for letter in text):
        return None
    read = "".join(TCVN3.get(letter, letter) for letter in text)
    if _are_capitals(text) and any(_are_capitals(word) for word in text.split()):
        return read.upper()
    return _WORD.sub(
        lambda found: found.group().upper() if _are_capitals(text[found.start() : found.end()]) else found.group(), read
    )


def from_vni(text: str) -> str | None:
    """The text of a VNI font in Unicode; None where a character is none of that font's."""
    known = frozenset("".join(_VNI_MARKS) + "".join(_VNI_ALONE))
    if any(letter > "\x7f" and letter.lower() not in known and letter != "\u00a0" for letter in text):
        return None

    def pair(found: re.Match[str]) -> str:
        bearer = found.group(1)
        base = _VNI_ALONE.get(bearer.lower(), bearer.lower())
        letter = unicodedata.normalize("NFC", base + _VNI_MARKS[found.group(2).lower()])
        return letter.upper() if bearer.isupper() else letter

    # What stands in a pair is taken out of the way of the single characters, some of which look the same.
    parts, end = [], 0
    for found in _VNI_PAIR.finditer(text):
        parts += [_VNI_SINGLE.sub(_alone, text[end : found.start()]), pair(found)]
        end = found.end()
    return "".join((*parts, _VNI_SINGLE.sub(_alone, text[end:])))


def from_windows_1258(text: str) -> str | None:
    """The text of Windows-1258 in composed Unicode; None where its bytes are none of that encoding."""
    try:
        return unicodedata.normalize("NFC", western_bytes(text).decode("cp1258"))
    except UnicodeError:
        return None


def from_utf8_twice(text: str) -> str | None:
    """The text whose UTF-8 was read as Western text; None where it is none."""
    try:
        return western_bytes(text).decode("utf-8")
    except UnicodeError:
        return None


def western_bytes(text: str) -> bytes:
    """The bytes that Windows-1252 reads as this text; raises UnicodeEncodeError where there are none."""
    # Five bytes mean nothing in Windows-1252 and are kept as the control characters of the same number.
    return b"".join(bytes((ord(letter),)) if "\x80" <= letter <= "\x9f" else letter.encode("cp1252") for letter in text)


def western_text(content: bytes) -> str:
    """Bytes as Windows-1252 reads them; the five that mean nothing there are control characters of the same number."""
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(
            bytes((byte,)).decode("cp1252") if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else chr(byte)
            for byte in content
        )


READERS: Mapping[str, Callable[[str], str | None]] = {
    "tcvn3": from_tcvn3,
    "vni": from_vni,
    "cp1258": from_windows_1258,
    "utf8_twice": from_utf8_twice,
}


def _alone(found: re.Match[str]) -> str:
    letter = _VNI_ALONE[found.group().lower()]
    return letter.upper() if found.group().isupper() else letter


def _are_capitals(written: str) -> bool:
    plain = [letter for letter in written if letter.isascii() and letter.isalpha()]
    return len(plain) > 1 and all(letter.isupper() for letter in plain)
