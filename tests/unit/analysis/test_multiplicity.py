"""Adjusted p values: bounds, order and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import SpecError
from analysis.estimation.answers import answer_of
from analysis.estimation.multiplicity import METHODS, adjusted
from analysis.estimation.spec import parse_specification

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array)


@settings(max_examples=60)
@given(P_VALUES)
def test_adjusted_p_values_keep_the_order_and_never_fall(p: np.ndarray) -> None:
    order = np.argsort(p, kind="stable")
    found = {method: adjusted(p, method) for method in METHODS}
    for values in found.values():
        assert (values >= p).all()
        assert (values <= 1).all()
        assert (np.diff(values[order]) >= 0).all()
    slack = 1e-12
    assert (found["hochberg"] <= found["holm"] + slack).all()
    assert (found["holm"] <= found["bonferroni"] + slack).all()
    assert (found["BH"] <= found["hochberg"] + slack).all()
    assert (found["BH"] <= found["BY"] + slack).all()


@settings(max_examples=60)
@given(P_VALUES)
def test_holm_rejects_what_its_steps_reject(p: np.ndarray) -> None:
    rejected = np.zeros(len(p), dtype=bool)
    for step, place in enumerate(np.argsort(p, kind="stable")):
        if p[place] * (len(p) - step) > 0.05:
            break
        rejected[place] = True
    assert (rejected <= (adjusted(p, "holm") <= 0.05)).all()
    assert ((adjusted(p, "holm") < 0.05) <= rejected).all()


def test_tests_that_were_not_made_do_not_count() -> None:
    found = adjusted(np.array([0.01, np.nan, 0.02]), "bonferroni")
    assert found.tolist() == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)


@pytest.mark.parametrize(("p", "method"), [([0.1, 1.2], "holm"), ([-0.1], "holm"), ([0.1], "sidak")])
def test_what_is_no_p_value_or_method_is_refused(p: list[float], method: str) -> None:
    with pytest.raises(ValueError, match="found"):
        adjusted(np.array(p), method)  # type: ignore[arg-type]


def _answer(estimator: dict[str, object]) -> dict[str, object]:
    specification = {"data": [], "design": None, "estimator": {"type": "p_adjust"} | estimator}
    return answer_of(parse_specification(json.dumps(specification).encode(), "spec.json"), Path())


def test_a_specification_may_choose_methods_and_leave_tests_out() -> None:
    rows = _answer({"p": [0.01, None], "methods": ["BY"]})["results"]
    assert [(row["statistic"], row["estimate"]) for row in rows] == [("BY[1]", 0.01), ("BY[2]", None)]  # type: ignore[attr-defined]
    assert rows[1]["reason"].startswith("estimate: no test was made")  # type: ignore[index]


@pytest.mark.parametrize(
    "estimator",
    [
        {},
        {"p": []},
        {"p": 0.3},
        {"p": [2]},
        {"p": ["a"]},
        {"p": [0.1], "methods": ["fdr"]},
        {"p": [0.1], "methods": []},
    ],
)
def test_a_specification_without_p_values_is_refused(estimator: dict[str, object]) -> None:
    with pytest.raises(SpecError, match="expected"):
        _answer(estimator)
