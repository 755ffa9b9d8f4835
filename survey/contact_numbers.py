"""Telephone numbers and tax codes of Viet Nam as people type them: whether one can be real, and how it is written."""

import re
from functools import lru_cache

# What ten-digit numbers of mobile networks begin with.
_MOBILE = re.compile(r"0(?:3[2-9]|5[25689]|7[06-9]|8[1-9]|9[0-9])[0-9]{7}")
# Landlines: 02, the code of the province in two more digits (24 and 28 alone for the two large cities), the number.
_LANDLINE = re.compile(r"0(?:2[0-9]{9}|2[48][0-9]{8})")
# Numbers of eleven digits that lost one in September 2018: the old beginning and the new one.
_BEFORE_2018 = {
    "0162": "032", "0163": "033", "0164": "034", "0165": "035", "0166": "036", "0167": "037", "0168": "038",
    "0169": "039", "0120": "070", "0121": "079", "0122": "077", "0126": "076", "0128": "078", "0123": "083",
    "0124": "084", "0125": "085", "0127": "081", "0129": "082", "0186": "056", "0188": "058", "0199": "059",
}  # fmt: skip
_BETWEEN = re.compile(r"[\s.\-()\u00a0]+")
_SEVERAL = re.compile(r"[;,/]| - |hoặc|or", re.IGNORECASE)
_MADE_UP = frozenset({"0123456789", "0987654321", "0912345678", "0901234567"})
_FEWEST_DIGITS = 3
_TAX_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


@lru_cache(maxsize=4_096)
def telephone(written: str) -> str | None:
    """A number as it is dialled within the country, in digits alone; None where it can be nobody's.

    A country code, a zero that a spreadsheet took away and the beginnings from before 2018 are put right. Of several
    numbers in one text the first good one is taken.
    """
    for part in _SEVERAL.split(written):
        digits = _BETWEEN.sub("", part).removeprefix("+")
        if not (digits.isascii() and digits.isdigit()):
            continue
        for prefix in ("0084", "84"):
            if digits.startswith(prefix) and len(digits) - len(prefix) >= len("912345678"):
                digits = "0" + digits[len(prefix) :].removeprefix("0")
                break
        if len(digits) in (9, 10) and not digits.startswith("0"):
            digits = "0" + digits
        if len(digits) == 11 and digits[:4] in _BEFORE_2018:
            digits = _BEFORE_2018[digits[:4]] + digits[4:]
        is_real = _MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits)
        if is_real and digits not in _MADE_UP and len(set(digits)) >= _FEWEST_DIGITS:
            return digits
    return None


@lru_cache(maxsize=4_096)
def tax_code(written: str) -> str | None:
    """A tax code in its usual form; None where it can be nobody's.

    Ten digits whose last one follows from the others, with three more behind a hyphen for a branch, or the twelve
    digits of a person's number, which household businesses have since July 2025. A zero that a spreadsheet took away
    is put back.
    """
    text = _BETWEEN.sub("", written)
    if not (text.isascii() and text.isdigit()):
        return None
    if len(text) in (9, 12) and _is_checked(f"0{text}"[:10]) and not (len(text) == 12 and _is_person(text)):
        text = "0" + text
    if len(text) == 12 and _is_person(text):
        return text
    if len(text) not in (10, 13) or not _is_checked(text[:10]):
        return None
    return text if len(text) == 10 else f"{text[:10]}-{text[10:]}"


def _is_checked(digits: str) -> bool:
    left = sum(weight * int(digit) for weight, digit in zip(_TAX_WEIGHTS, digits, strict=False)) % 11
    return int(digits[9]) == 10 - left


def _is_person(digits: str) -> bool:
    # Province 001 to 096, then century and sex, 0 to 3 for people alive.
    return 1 <= int(digits[:3]) <= 96 and digits[3] in "0123"
