"""Codes: two spellings of one invitation, and what the typed one forgives and finds out."""

import math
import re
from collections.abc import Callable

import pytest

from survey.codes import LOOK_ALIKES, N_TYPED, SYMBOLS, TYPED_BYTES, new_code, read_code, spell_typed


def test_a_new_code_is_read_in_both_spellings() -> None:
    code = new_code()
    qr, typed = read_code(code.qr), read_code(code.typed)
    assert qr is not None
    assert qr[0] == "qr"
    assert len(qr[1]) == 16
    assert typed is not None
    assert typed[0] == "typed"
    assert len(typed[1]) == TYPED_BYTES
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", code.qr)
    assert re.fullmatch(rf"[{SYMBOLS}]{{5}}-[{SYMBOLS}]{{5}}-[{SYMBOLS}]{{4}}", code.typed)


def test_no_two_new_codes_are_alike_and_the_two_spellings_share_nothing() -> None:
    codes = [new_code() for _ in range(2000)]
    assert len({code.qr for code in codes}) == 2000
    assert len({code.typed for code in codes}) == 2000
    assert not any(typed_of(code.typed) in (read_code(code.qr) or ("", b""))[1] for code in codes)


def typed_of(text: str) -> bytes:
    found = read_code(text)
    assert found is not None
    return found[1]


def test_every_symbol_appears_at_every_place_of_a_typed_code() -> None:
    seen: list[set[str]] = [set() for _ in range(14)]
    for _ in range(3000):
        for place, symbol in enumerate(new_code().typed.replace("-", "")):
            seen[place].add(symbol)
    assert seen == [set(SYMBOLS)] * 14


def test_a_typed_code_has_sixty_bits() -> None:
    # Four check values in twenty-nine are no symbol's, and the numbers that lead to them are never drawn.
    assert math.log2(N_TYPED * 25 / 29) > 60


def test_the_symbols_leave_out_what_looks_like_another() -> None:
    assert len(set(SYMBOLS)) == 25
    assert not set("ILOSB") & set(SYMBOLS)
    assert set(LOOK_ALIKES.values()) <= set(SYMBOLS)


def test_the_symbols_leave_out_what_a_vietnamese_keyboard_rewrites() -> None:
    # Telex, VNI and VIQR put marks on vowels and on d, and Telex makes ư of a w that stands alone.
    assert not set("AEIOUYDW") & set(SYMBOLS)


ZEROS = "00000-00000-0000"
CODE = spell_typed(int("0158" * 3)) or ""


@pytest.mark.parametrize(
    "write",
    [
        lambda code: code,
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", "").lower(),
        lambda code: " ".join(code.replace("-", "")),
        lambda code: f"  {code.replace('-', '–')}\n",
        lambda code: code.replace("-", "—"),
        lambda code: code.replace("-", "−"),
        lambda code: code.replace("-", "."),
        lambda code: code.replace("-", "\u00a0\u200b\u2011"),
        lambda code: code.replace("0", "O").replace("1", "I").replace("5", "S").replace("8", "B"),
        lambda code: code.replace("0", "o").replace("1", "l").replace("5", "s").replace("8", "b"),
    ],
)
def test_the_ways_people_write_one_code_are_one_code(write: Callable[[str], str]) -> None:
    assert read_code(write(CODE)) == ("typed", int("0158" * 3).to_bytes(TYPED_BYTES, "big"))
    assert read_code(write(ZEROS)) == ("typed", bytes(TYPED_BYTES))


def test_a_number_whose_check_value_is_no_symbol_has_no_spelling() -> None:
    # The last symbol has weight 2: 2·1 + 27 is a multiple of 29, and there is no symbol of value 27.
    assert spell_typed(1) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-",
        "00000-00000-000",
        "00000-00000-00000",
        "00000-00000-0001",
        "0000A-00000-0000",
        "0000U-00000-0000",
        "0000Đ-00000-0000",
        "x" * 21,
        "x" * 23,
        "*" * 22,
        "é" * 14,
        "\ud800" * 14,
        "٣" * 14,
        "0" * 100_000,
    ],
)
def test_what_is_no_code_is_none(text: str) -> None:
    assert read_code(text) is None


def test_a_long_code_has_one_spelling_only() -> None:
    # The last of 22 characters has four bits that stand for nothing; another value there is another spelling.
    assert read_code("A" * 22) == ("qr", bytes(16))
    assert read_code("A" * 21 + "B") is None


def test_a_code_does_not_show_itself_in_its_repr() -> None:
    code = new_code()
    assert code.qr not in repr(code)
    assert code.typed not in repr(code)


@pytest.mark.parametrize("number", [-1, N_TYPED])
def test_a_number_that_is_too_large_has_no_spelling(number: int) -> None:
    with pytest.raises(ValueError, match="13 symbols"):
        spell_typed(number)
