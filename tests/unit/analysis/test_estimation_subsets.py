"""Which rows an expression chooses."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from analysis.errors import SpecError
from analysis.estimation.subsets import columns_in, rows_satisfying
from analysis.estimation.tables import Sheet

AGE = pa.chunked_array([pa.array([17, 20, None, 40], pa.float64())])
BAND = pa.chunked_array([pa.array(["(0,19]", "(19,39]", "it's", None])])
SHEET = Sheet("people.csv", {"age": AGE, "band": BAND, "sch.wide": BAND}, 4)


def _chosen(expression: str) -> list[int]:
    return [int(row) for row in pc.indices_nonzero(rows_satisfying(expression, SHEET)).to_pylist()]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("band == '(19,39]'", [1]),
        ('band != "(19,39]"', [0, 2]),
        ("age >= 20", [1, 3]),
        ("age > -1.5e1 & age < 40", [0, 1]),
        ('age < 18 | band == "it\'s"', [0, 2]),
        ("!(age < 18)", [1, 3]),
        ("age != 17", [1, 3]),
        ("!(age < 18) && !(age == 40)", [1]),
        ("is.na(age)", [2]),
        ("!is.na(band) & age <= 20", [0, 1]),
        ("age %in% c(17, 40)", [0, 3]),
        ("!(age %in% c(17, 40))", [1, 2]),
        ("`sch.wide` %in% '(0,19]' || sch.wide == '(19,39]'", [0, 1]),
    ],
)
def test_an_expression_chooses_the_rows_that_r_chooses(expression: str, expected: list[int]) -> None:
    assert _chosen(expression) == expected


@pytest.mark.parametrize(
    "expression",
    ["", "age", "age ==", "age = 3", "== 3", "age == band", "(age == 3", "age == 3)", "band == 3", "age @ 3"],
)
def test_an_expression_that_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(SpecError, match=r"design\.subset: found"):
        _chosen(expression)


def test_the_columns_of_an_expression_are_named_once() -> None:
    assert columns_in("band == 'age' & (`sch.wide` != \"x\" | is.na(band)) & TRUE == FALSE") == ("band", "sch.wide")
