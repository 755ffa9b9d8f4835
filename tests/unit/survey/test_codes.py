"""Codes: two spellings of one invitation, and what the typed one forgives and finds out."""

import re

import pytest

from survey.codes import SYMBOLS, TYPED_BYTES, new_code, read_code, spell_typed


def typed_bytes(number: int) -> bytes:
    return number.to_bytes(TYPED_BYTES, "big")


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
    assert re.fullmatch(rf"([{SYMBOLS}]{{4}}-){{3}}[{SYMBOLS}]", code.typed)


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
    seen = [set() for _ in range(12)]
    for _ in range(3000):
        for place, symbol in enumerate(new_code().typed.replace("-", "")[:12]):
            seen[place].add(symbol)
    assert seen == [set(SYMBOLS)] * 12


def test_the_symbols_leave_out_what_looks_like_another() -> None:
    assert len(SYMBOLS) == 32
    assert not set("ILOU") & set(SYMBOLS)


@pytest.mark.parametrize(
    "spelling",
    [
        "0A1B-2C3D-4E5F-{c}",
        "0a1b-2c3d-4e5f-{c}",
        "OAIB2C3D4E5F{c}",
        "oalb 2c3d 4e5f {c}",
        "  0A1B–2C3D—4E5F−{c}\n",
        "0A1B.2C3D.4E5F.{c}",
        "0A1B\u00a02C3D\u200b4E5F\u2011{c}",
    ],
)
def test_the_ways_people_write_one_code_are_one_code(spelling: str) -> None:
    number = int("".join(f"{SYMBOLS.index(symbol):05b}" for symbol in "0A1B2C3D4E5F"), 2)
    check = spell_typed(number)[-1]
    assert read_code(spelling.format(c=check)) == ("typed", typed_bytes(number))
    assert read_code(spelling.format(c=check.lower())) == ("typed", typed_bytes(number))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-",
        "0A1B-2C3D-4E5F",
        "0A1B-2C3D-4E5U-0",
        "0A1B-2C3D-4E5F-00",
        "x" * 21,
        "x" * 23,
        "*" * 22,
        "é" * 13,
        "\ud800" * 13,
        "٣" * 13,
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


@pytest.mark.parametrize("number", [-1, 1 << 60])
def test_a_number_that_is_too_large_has_no_spelling(number: int) -> None:
    with pytest.raises(ValueError, match="60 bits"):
        spell_typed(number)
