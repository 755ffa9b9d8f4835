"""An invitation's code in its two spellings: the long one for the QR picture, the short one for fingers."""

import base64
import re
import secrets
from dataclasses import dataclass
from typing import Literal

# Digits and capital letters, without those that look like a digit (I L O S B) and without those that a Vietnamese
# keyboard rewrites while somebody types (A E U Y W D become Ă, Ê, Ư, Ý, Đ …): what is left is typed as it is printed.
SYMBOLS = "0123456789CFGHJKMNPQRTVXZ"
LOOK_ALIKES = {"O": "0", "I": "1", "L": "1", "S": "5", "B": "8"}
QR_BYTES = 16
TYPED_SYMBOLS = 13
N_TYPED = len(SYMBOLS) ** TYPED_SYMBOLS
TYPED_BYTES = 8

# A prime above the number of symbols, so that no difference of two symbols or of two places vanishes.
_CHECK_PRIME = 29
_READ_AS = {symbol: value for value, symbol in enumerate(SYMBOLS)}
_QR_SPELLING = re.compile(r"[A-Za-z0-9_-]{22}")
# Spaces, dots, every dash, and the invisible marks that come along when a code is pasted from a message.
_FORGIVEN = re.compile(r"[\s._\u00ad\u200b-\u200d\u2010-\u2015\u2060\u2212\ufeff-]+")

CodeKind = Literal["qr", "typed"]


@dataclass(frozen=True, slots=True, repr=False)
class InvitationCode:
    """One invitation's code, spelled twice; the two spellings are drawn independently of each other."""

    qr: str
    typed: str


def new_code() -> InvitationCode:
    """A new code: 128 random bits for the QR picture; to be typed, 13 random symbols (60.1 bits) and a check symbol."""
    qr = base64.urlsafe_b64encode(secrets.token_bytes(QR_BYTES)).decode().rstrip("=")
    typed = None
    while typed is None:
        typed = spell_typed(secrets.randbelow(N_TYPED))
    return InvitationCode(qr=qr, typed=typed)


def spell_typed(number: int) -> str | None:
    """The spelling of a number below 25¹³: XXXXX-XXXXX-XXXX, the last one its check symbol.

    None for the four numbers in twenty-nine whose check value is no symbol's; no code is made of those.
    """
    if not 0 <= number < N_TYPED:
        raise ValueError(f"a typed code has {TYPED_SYMBOLS} symbols")
    values: list[int] = []
    for _ in range(TYPED_SYMBOLS):
        number, value = divmod(number, len(SYMBOLS))
        values.insert(0, value)
    check = _check_value(values)
    if check >= len(SYMBOLS):
        return None
    spelled = "".join(SYMBOLS[value] for value in (*values, check))
    return f"{spelled[:5]}-{spelled[5:10]}-{spelled[10:]}"


def read_code(text: str) -> tuple[CodeKind, bytes] | None:
    """The spelling a text is in and the bytes it stands for; None when it is no code.

    The QR spelling is read exactly (22 characters, 16 bytes). The typed spelling (8 bytes) forgives lower case, spaces,
    dashes and dots, and O for 0, I and L for 1, S for 5, B for 8. A wrong check symbol is no code: every single wrong
    symbol and every two symbols that changed places are found out.
    """
    text = text.strip()
    if _QR_SPELLING.fullmatch(text):
        code = base64.urlsafe_b64decode(text + "==")
        # The last character has four bits to spare; only the spelling we would write ourselves is a code.
        if base64.urlsafe_b64encode(code).decode().rstrip("=") == text:
            return "qr", code
    symbols = plain_symbols(text)
    if len(symbols) != TYPED_SYMBOLS + 1 or not all(symbol in _READ_AS for symbol in symbols):
        return None
    *values, check = (_READ_AS[symbol] for symbol in symbols)
    if check != _check_value(values):
        return None
    number = 0
    for value in values:
        number = number * len(SYMBOLS) + value
    return "typed", number.to_bytes(TYPED_BYTES, "big")


def plain_symbols(text: str) -> str:
    """A typed text in the symbols that are printed: capitals, no dashes and spaces, and no look-alikes."""
    return "".join(LOOK_ALIKES.get(symbol, symbol) for symbol in _FORGIVEN.sub("", text).upper())


def _check_value(values: list[int]) -> int:
    """What makes the sum of all values, weighted 14, 13, … 2 and 1 for the check symbol, a multiple of 29.

    The weights differ from each other and from zero modulo 29, and so do the values, so a single wrong symbol or an
    exchange of two different ones never leaves a multiple of 29.
    """
    weighted = sum(weight * value for weight, value in zip(range(TYPED_SYMBOLS + 1, 1, -1), values, strict=True))
    return -weighted % _CHECK_PRIME
