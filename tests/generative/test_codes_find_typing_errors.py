"""Whatever the code: one wrong symbol or two that changed places never read as a code."""

from hypothesis import assume, given
from hypothesis import strategies as st

from survey.codes import N_TYPED, SYMBOLS, TYPED_BYTES, read_code, spell_typed

numbers = st.integers(0, N_TYPED - 1).filter(lambda number: spell_typed(number) is not None)
places = st.integers(0, 13)


def symbols_of(number: int) -> list[str]:
    spelled = spell_typed(number)
    assert spelled is not None
    return list(spelled.replace("-", ""))


@given(numbers)
def test_a_spelling_is_read_back(number: int) -> None:
    assert read_code("".join(symbols_of(number))) == ("typed", number.to_bytes(TYPED_BYTES, "big"))


@given(numbers, places, st.sampled_from(SYMBOLS))
def test_one_wrong_symbol_is_found_out(number: int, place: int, symbol: str) -> None:
    symbols = symbols_of(number)
    assume(symbols[place] != symbol)
    symbols[place] = symbol
    assert read_code("".join(symbols)) is None


@given(numbers, places, places)
def test_two_symbols_that_changed_places_are_found_out(number: int, one: int, other: int) -> None:
    symbols = symbols_of(number)
    assume(symbols[one] != symbols[other])
    symbols[one], symbols[other] = symbols[other], symbols[one]
    assert read_code("".join(symbols)) is None


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_without_an_error(text: str) -> None:
    found = read_code(text)
    assert found is None or found[0] in ("qr", "typed")
