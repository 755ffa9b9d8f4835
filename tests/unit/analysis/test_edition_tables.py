"""The tables of an edition: one spelling in CSV, JSON and Parquet, and nothing else is read."""

import math

import numpy as np
import pytest

from analysis.errors import EditionError
from analysis.release.row_files import (
    cell_text,
    column_names,
    rows_from_csv,
    rows_from_json,
    rows_from_parquet,
    rows_to_csv,
    rows_to_json,
    rows_to_parquet,
)
from analysis.release.rows import DistributionRow, EstimateRow, RankRow

SHOWN = EstimateRow(
    "r", "u1", "index", 'Nhãn có "ngoặc", phẩy', 1 / 3, 0.1, -1e-17, 100.0, 0.95, "t", 12.0, 40, 38.5, 1.04,
    False, "", False, 1.0,
)  # fmt: skip
HIDDEN = EstimateRow(
    "r", "u2", "index", "Nhãn", None, None, None, None, 0.95, "t", None, None, None, None, True,
    "too_few_respondents", False, 1.0,
)  # fmt: skip
ROWS = [SHOWN, HIDDEN]


def test_the_columns_begin_as_the_contract_says() -> None:
    contract = "round,unit,node,label,estimate,se,low,high,level,method,df,n,n_effective,deff,suppressed,reason"
    assert ",".join(column_names(EstimateRow)) == contract + ",caution,weight"
    assert rows_to_csv(ROWS, EstimateRow).decode().splitlines()[0] == contract + ",caution,weight"


def test_rows_survive_every_form() -> None:
    assert rows_from_csv(rows_to_csv(ROWS, EstimateRow), EstimateRow, "t") == ROWS
    assert rows_from_json(rows_to_json(ROWS, EstimateRow), EstimateRow, "t") == ROWS
    assert rows_from_parquet(rows_to_parquet(ROWS, EstimateRow), EstimateRow, "t") == ROWS


def test_other_rows_survive_too() -> None:
    ranks = [RankRow("r", "east", "u1", 1, 1, 3, "not_different", 0.95, "holm")]
    shares = [DistributionRow("r", "u1", "a", "5", None, None, True)]
    assert rows_from_csv(rows_to_csv(ranks, RankRow), RankRow, "t") == ranks
    assert rows_from_csv(rows_to_csv(shares, DistributionRow), DistributionRow, "t") == shares


def test_a_table_without_rows_is_a_table() -> None:
    assert rows_from_csv(rows_to_csv([], RankRow), RankRow, "t") == []
    assert rows_from_json(rows_to_json([], EstimateRow), EstimateRow, "t") == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0.1, "0.1"),
        (100.0, "100.0"),
        (1 / 3, "0.3333333333333333"),
        (7, "7"),
        (np.bool_(False), "false"),
        (np.float64(0.1), "0.1"),
    ],
)
def test_a_cell_has_one_spelling(value: object, text: str) -> None:
    assert cell_text(value) == text
    if isinstance(value, float):
        assert float(text) == value
        assert math.isfinite(value)


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("0.3333333333333333", "0.33333333333333330", "t, line 2, column estimate"),
        ("0.3333333333333333", "nan", "t, line 2, column estimate"),
        (",12.0,", ",12,", "t, line 2, column df"),
        (",true,", ",True,", "t, line 3, column suppressed"),
        (",40,", ",40.0,", "t, line 2, column n"),
        (",0.95,t,12.0", ",,t,12.0", "t, line 2, column level"),
    ],
)
def test_another_spelling_is_refused_where_it_stands(before: str, after: str, place: str) -> None:
    source = rows_to_csv(ROWS, EstimateRow).decode()
    assert before in source
    with pytest.raises(EditionError, match=place):
        rows_from_csv(source.replace(before, after).encode(), EstimateRow, "t")


@pytest.mark.parametrize("source", [b"", b"a,b\n", b"\xff", b'"'])
def test_what_is_no_table_is_refused(source: bytes) -> None:
    with pytest.raises(EditionError, match="t"):
        rows_from_csv(source, EstimateRow, "t")
    with pytest.raises(EditionError, match="t: found"):
        rows_from_json(source, EstimateRow, "t")
    with pytest.raises(EditionError, match="t: found"):
        rows_from_parquet(source, EstimateRow, "t")
