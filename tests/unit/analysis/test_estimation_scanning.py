"""One scan of a table: what the sums keep where digits are scarce, and what files give alike."""

import json
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from analysis.errors import SpecError
from analysis.estimation.answers import answer_of
from analysis.estimation.design import SurveyDesign
from analysis.estimation.linear import LinearEstimates, estimate_linear
from analysis.estimation.scanning import Column
from analysis.estimation.spec import parse_specification

CLUSTERED = SurveyDesign(strata=("stratum",), clusters=("psu",), weight="w", nest=True)


def _answers(n: int = 400) -> dict[str, Any]:
    draw = np.random.default_rng(5)
    return {
        "stratum": draw.integers(0, 4, n),
        "psu": draw.integers(0, 6, n),
        "unit": [f"u{i}" for i in draw.integers(0, 3, n)],
        "w": np.round(draw.uniform(1, 4, n), 3),
        "y": np.round(draw.normal(3, 1, n), 3),
        "x": np.round(draw.uniform(1, 5, n), 3),
    }


def _estimated(kind: str = "ratio", denominator: str | None = None, **answers: Any) -> LinearEstimates:
    table = ibis.memtable(pa.table(answers))
    return estimate_linear(table, CLUSTERED, [Column("y", denominator, kind, 0)], ("unit",))


def test_answers_far_from_zero_keep_their_variances() -> None:
    answers = _answers()
    near = _estimated(**answers)
    far = _estimated(**{**answers, "y": answers["y"] + 2.0**33})
    # Ten of the sixteen digits are taken by the distance itself, and the engine's threads add up in an order of their
    # own (3e-6 was seen); squares that were not centred would have kept none.
    np.testing.assert_allclose(far.variances_within(), near.variances_within(), rtol=2e-5)
    np.testing.assert_allclose(far.srs_variances_within(), near.srs_variances_within(), rtol=2e-5)


@pytest.mark.parametrize(("kind", "denominator"), [("ratio", None), ("ratio", "x"), ("total", None)])
def test_a_unit_whose_answers_are_all_alike_has_no_spread(kind: str, denominator: str | None) -> None:
    answers = _answers()
    is_alike = np.array(answers["unit"]) == "u1"
    alike = 0.1 * answers["x"] if denominator else 0.1
    found = _estimated(kind, denominator, **{**answers, "y": np.where(is_alike, alike, answers["y"])})
    spread = found.srs_variances_within(replace=True)[:, 0]
    assert spread[1] < 1e-24
    assert min(spread[0], spread[2]) > 1e-6


def test_nan_is_missing_as_null_is() -> None:
    answers = _answers()
    is_missing = np.arange(400) % 7 == 0
    nan = _estimated(**{**answers, "y": pa.array(np.where(is_missing, np.nan, answers["y"]), from_pandas=False)})
    null = _estimated(**{**answers, "y": pa.array(answers["y"], mask=is_missing)})
    assert nan.n.sum() == (~is_missing).sum()
    np.testing.assert_allclose(nan.values, null.values, rtol=1e-14)
    np.testing.assert_allclose(nan.variances_within(), null.variances_within(), rtol=1e-12)


@pytest.mark.parametrize("estimator", [
    {"type": "svymean", "variables": ["y", "x"], "by": ["unit"]},
    {"type": "svytotal", "variables": ["y"], "by": ["stratum", "unit"]},
    {"type": "svyratio", "numerator": "y", "denominator": "x"},
])  # fmt: skip
def test_parquet_read_where_it_lies_answers_as_csv_does(tmp_path: Path, estimator: dict[str, Any]) -> None:
    table = pa.table(_answers())
    pyarrow.csv.write_csv(table, tmp_path / "answers.csv")
    pyarrow.parquet.write_table(table, tmp_path / "answers.parquet")
    design = {"ids": ["psu"], "strata": ["stratum"], "weights": "w", "nest": True}
    found = []
    for file in ("answers.csv", "answers.parquet"):
        question = {"data": [file], "design": design, "estimator": estimator}
        found.append(answer_of(parse_specification(json.dumps(question).encode(), "spec.json"), tmp_path))
    for one, other in zip(found[0]["results"], found[1]["results"], strict=True):
        assert one["domain"] == other["domain"]
        assert [one["estimate"], one["se"], one["n"]] == pytest.approx([other["estimate"], other["se"], other["n"]])


@pytest.mark.parametrize(("column", "row", "value", "expected"), [
    ("w", 3, -1.0, "answers.parquet: row 4, column w: found the weight -1, expected a weight above 0"),
    ("y", 9, float("inf"), "answers.parquet: row 10, column y: found infinity, expected a finite number"),
])  # fmt: skip
def test_a_bad_cell_of_a_parquet_file_is_named_by_its_row(
    tmp_path: Path, column: str, row: int, value: float, expected: str
) -> None:
    answers = _answers()
    answers[column][row] = value
    pyarrow.parquet.write_table(pa.table(answers), tmp_path / "answers.parquet")
    design = {"ids": ["psu"], "strata": ["stratum"], "weights": "w", "nest": True}
    question = {"data": ["answers.parquet"], "design": design, "estimator": {"type": "svymean", "variables": ["y"]}}
    specification = parse_specification(json.dumps(question).encode(), "spec.json")
    with pytest.raises(SpecError, match=expected):
        answer_of(specification, tmp_path)
