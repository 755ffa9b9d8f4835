"""An invitation's code in its two spellings: the long one for the QR picture, the short one for fingers."""

import base64
import re
import secrets
from dataclasses import dataclass
from typing import Literal

# Digits and capital letters without I, L, O and U: nothing left is read as something else.
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
QR_BYTES = 16
TYPED_SYMBOLS = 12
TYPED_BITS = 5 * TYPED_SYMBOLS
TYPED_BYTES = 8

_READ_AS = {symbol: value for value, symbol in enumerate(SYMBOLS)} | {
    "O": SYMBOLS.index("0"),
    "I": SYMBOLS.index("1"),
    "L": SYMBOLS.index("1"),
}
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
    """A new code: 128 random bits for the QR picture, 60 other random bits and a check symbol to be typed."""
    qr = base64.urlsafe_b64encode(secrets.token_bytes(QR_BYTES)).decode().rstrip("=")
    return InvitationCode(qr=qr, typed=spell_typed(secrets.randbits(TYPED_BITS)))


def spell_typed(number: int) -> str:
    """The spelling of a 60-bit number: XXXX-XXXX-XXXX-C, where C is the check symbol."""
    if not 0 <= number < 1 << TYPED_BITS:
        raise ValueError(f"a typed code has {TYPED_BITS} bits")
    values = [number >> 5 * place & 31 for place in reversed(range(TYPED_SYMBOLS))]
    values.append(_check_value(values))
    spelled = "".join(SYMBOLS[value] for value in values)
    return "-".join(spelled[start : start + 4] for start in range(0, len(spelled), 4))


def read_code(text: str) -> tuple[CodeKind, bytes] | None:
    """The spelling a text is in and the bytes it stands for; None when it is no code.

    The QR spelling is read exactly (22 characters, 16 bytes). The typed spelling (8 bytes) forgives lower case, spaces,
    dashes and dots, O for 0, I and L for 1. A wrong check symbol is no code: every single wrong symbol and every two
    symbols that changed places are found out.
    """
    text = text.strip()
    if _QR_SPELLING.fullmatch(text):
        code = base64.urlsafe_b64decode(text + "==")
        # The last character has four bits to spare; only the spelling we would write ourselves is a code.
        if base64.urlsafe_b64encode(code).decode().rstrip("=") == text:
            return "qr", code
    symbols = _FORGIVEN.sub("", text).upper()
    if len(symbols) != TYPED_SYMBOLS + 1 or not all(symbol in _READ_AS for symbol in symbols):
        return None
    *values, check = (_READ_AS[symbol] for symbol in symbols)
    if check != _check_value(values):
        return None
    number = 0
    for value in values:
        number = number << 5 | value
    return "typed", number.to_bytes(TYPED_BYTES, "big")


def _check_value(values: list[int]) -> int:
    """The check symbol's value: the symbols weighted by the powers 1 to 12 of x in GF(2⁵) = GF(2)[x]/(x⁵ + x² + 1).

    The powers are all different, none is zero and none is the check symbol's own weight 1, so a single wrong symbol or
    a swap of any two changes the sum. Plain sums modulo 32, an even number, would let some swaps pass.
    """
    total = 0
    for value in values:
        total = _times_x(total ^ value)
    return total


def _times_x(value: int) -> int:
    value <<= 1
    return value ^ 0b100101 if value & 0b100000 else value
