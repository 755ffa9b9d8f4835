"""Formulas mean what R means by them, and what they cannot mean is refused by name."""

import pyarrow as pa
import pytest

from analysis.errors import SpecError
from analysis.estimation.formulas import parse_formula, spelled
from analysis.estimation.model_matrices import model_matrix
from analysis.estimation.tables import Sheet

SHEET = Sheet(
    "answers.csv",
    {
        "y": pa.chunked_array([["1", "0", "1", None, "0"]]),
        "a": pa.chunked_array([["10", "9", "100", "9", "10"]]),
        "b": pa.chunked_array([["x", "Y", "x", "z", None]]),
        "sch.wide": pa.chunked_array([["Yes", "No", "No", "Yes", "Yes"]]),
        "rb090": pa.chunked_array([["female", "male", "female", "male", "male"]]),
    },
    5,
)


def _matrix(text: str, **further: object) -> object:
    return model_matrix(parse_formula(text, "formula"), SHEET, **further)  # type: ignore[arg-type]


def test_terms_are_ordered_by_how_many_variables_they_have() -> None:
    formula = parse_formula('I(sch.wide=="Yes") ~ b:a + a + log(a)*`odd name` - a:b', "formula")
    assert formula.response == 'I(sch.wide == "Yes")'
    assert formula.terms == (("a",), ("log(a)",), ("odd name",), ("log(a)", "odd name"))
    assert formula.columns == ("sch.wide", "b", "a", "odd name")
    assert formula.has_intercept


@pytest.mark.parametrize("text", ["y ~ a - 1", "y ~ 0 + a", "y ~ a + 0", "~ -1 + a"])
def test_the_constant_can_be_taken_away(text: str) -> None:
    formula = parse_formula(text, "formula")
    assert (formula.terms, formula.has_intercept) == ((("a",),), False)


def test_expressions_are_spelled_as_r_spells_them() -> None:
    formula = parse_formula("~ I( -(a-1.50)/2^3 ) + I(b=='x'&a<=1e5) + factor( b )", "formula")
    assert list(formula.variables) == ["I(-(a - 1.5)/2^3)", 'I(b == "x" & a <= 1e+05)', "factor(b)"]
    assert [spelled(number) for number in (0.1, 100000, 123456, 1e-4, 1 / 3, -2.0)] == [
        "0.1", "1e+05", "123456", "1e-04", "0.333333333333333", "-2",
    ]  # fmt: skip


def test_levels_are_ordered_by_number_or_by_code_point() -> None:
    assert _matrix("~ factor(a)").names == ("(Intercept)", "factor(a)10", "factor(a)100")
    # The row without b is incomplete, and capital letters come before small ones.
    assert _matrix("~ b").names == ("(Intercept)", "bx", "bz")
    assert _matrix("~ b").is_complete.tolist() == [True, True, True, True, False]


def test_an_order_of_levels_can_be_given() -> None:
    assert _matrix("~ b", levels={"b": ["z", "x", "Y"]}).names == ("(Intercept)", "bx", "bY")
    # EU-SILC codes men as 1 and women as 2.
    assert _matrix("~ rb090").names == ("(Intercept)", "rb090female")


def test_levels_that_only_incomplete_rows_have_are_no_column() -> None:
    assert _matrix("y ~ b").names == ("(Intercept)", "bx")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("y", "found the end in 'y', expected ~"),
        ("y ~ .", r"found \. in 'y ~ \.', expected the columns by their names"),
        ("y ~ poly(a, 2)", "found the function poly, known are factor"),
        ("y ~ offset(a)", "found the function offset"),
        ("y ~ a |b", r"found \| in"),
        ("y ~ a +", "found the end"),
        ("y ~ I()", r"found \) in"),
        ("y ~ a^9", "expected a power from 1 to 5"),
        ("y ~ y:a", "found y on both sides"),
        ("y ~ " + "(" * 50 + "a" + ")" * 50, "more than 40 levels"),
        ("y ~ " + "a+" * 3000 + "a", "more than 2000 words"),
        ("y ~ @", "found '@', expected a formula"),
    ],
)
def test_what_is_no_formula_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint):
        parse_formula(text, "formula")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("~ log(a - 9)", "row 2: found no finite value of log"),
        ("~ log(b)", "found no numbers in log"),
        ("~ I(b + 1)", "b"),
        ("y ~ factor(a > 1)", "found the one category TRUE"),
    ],
)
def test_what_a_table_cannot_answer_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint):
        _matrix(text)


@pytest.mark.parametrize(
    ("levels", "complaint"),
    [
        ({"b": ["x", "Y"]}, "found the category z of b"),
        ({"a": ["9"]}, "found numbers in a"),
        ({"c": ["9"]}, "found c, expected one of"),
    ],
)
def test_an_order_that_does_not_fit_is_refused(levels: dict[str, list[str]], complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint):
        _matrix("~ a + b", levels=levels)
