"""Whatever the formula and the table, a model answers with finite numbers and reasons, or one line says why not."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analysis.errors import AnalysisError, SpecError
from analysis.estimation.answers import answer_of
from analysis.estimation.formulas import parse_formula
from analysis.estimation.spec import parse_specification

WORDS = [
    "y",
    "a.b",
    "`o d`",
    "~",
    "+",
    "-",
    "*",
    ":",
    "/",
    "^",
    "(",
    ")",
    "0",
    "1",
    "2",
    "I(",
    "log(",
    "factor(",
    ">",
    ",",
    "'x'",
    ".",
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join) | st.text(max_size=30))
@example("y ~ (((a.b)))^3 - 1 + `o d`/y:a.b")
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    refusal = ""
    try:
        formula = parse_formula(text, "formula")
    except SpecError as complaint:
        refusal = str(complaint)
    if refusal:
        assert "expected" in refusal or "known are" in refusal
        return
    # What was read is written in a way that reads the same.
    written = " + ".join(["1" if formula.has_intercept else "0", *(_quoted(term) for term in formula.terms)])
    again = parse_formula(f"~ {written}", "formula")
    assert [set(term) for term in again.terms] == [set(term) for term in formula.terms]


def _quoted(term: tuple[str, ...]) -> str:
    return ":".join(label if "(" in label else f"`{label}`" for label in term)


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _numbers(inner)
    elif isinstance(value, float):
        yield value


QUESTIONS = st.sampled_from([
    {"type": "svyglm", "formula": "y ~ x + g"},
    {"type": "svyglm", "formula": "y ~ x * g - 1"},
    {"type": "svyglm", "formula": "b ~ x + g", "family": "quasibinomial"},
    {"type": "svyglm", "formula": "b ~ x", "family": "binomial", "link": "log"},
    {"type": "svyglm", "formula": "y ~ g", "family": "quasipoisson"},
    {"type": "svyglm", "formula": "y ~ x", "family": "Gamma"},
    {"type": "svyolr", "formula": "y ~ x"},
    {"type": "svycralpha", "items": ["y", "x", "b"]},
])  # fmt: skip
REPLICATES = st.sampled_from([None, {"type": "JKn", "make": True}, {"type": "RaoWu", "make": True, "n_replicates": 8}])


@pytest.mark.slow
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(3, 40), st.floats(0, 0.6), QUESTIONS, REPLICATES)
def test_a_model_of_any_table_has_finite_numbers_or_is_refused(
    tmp_path: Path, seed: int, n: int, missing: float, question: dict[str, Any], replicates: dict[str, Any] | None
) -> None:
    draws = np.random.default_rng(seed)
    columns = {
        "h": draws.choice(["u", "v"], n),
        "psu": draws.integers(1, 5, n),
        "w": draws.uniform(0.5, 9, n).round(2),
        "y": draws.integers(0, draws.integers(2, 6), n),
        "x": draws.integers(0, 4, n) * draws.choice([1, 1, 1e6]),
        "g": draws.choice(["p", "q", "r"], n),
        "b": draws.integers(0, 2, n),
    }
    lost = {name: draws.random(n) < missing for name in ("y", "x", "g", "b")}
    rows = [
        ",".join("" if name in lost and lost[name][i] else str(values[i]) for name, values in columns.items())
        for i in range(n)
    ]
    (tmp_path / "table.csv").write_text("\n".join([",".join(columns), *rows]) + "\n", encoding="utf-8")
    design = {"ids": ["psu"], "strata": ["h"], "weights": "w", "nest": True, "replicates": replicates}
    rule = str(draws.choice(["fail", "adjust", "average", "remove"]))
    specification = {"data": ["table.csv"], "design": design | {"lonely_psu": rule}, "estimator": question}
    refusal = ""
    try:
        answer = answer_of(parse_specification(json.dumps(specification).encode(), "spec.json"), tmp_path)
    except AnalysisError as complaint:
        refusal = str(complaint)
    if refusal:
        assert "found" in refusal
        assert "\n" not in refusal
        return
    assert all(math.isfinite(number) for number in _numbers(answer))
    for row in answer["results"]:
        assert row["reason"] or all(value is not None for value in row.values())
        assert row["se"] is None or row["se"] >= 0
