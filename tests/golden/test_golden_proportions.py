"""Quantiles, proportions and tests on data that the oracle does not use, as R's survey gives them."""

import json
from collections import Counter
from typing import Any

import pytest

from analysis.estimation.answers import answer_of
from analysis.estimation.spec import parse_specification
from support.oracle import GOLDEN

CASES: list[dict[str, Any]] = json.loads((GOLDEN / "proportions" / "cases.json").read_text(encoding="utf-8"))
# A case of each kind stands in the gate.
FAST = ("stages__ciprop__x", "mu284 q y1 math mean", "words_clusters__chisq__words__is_big", "yrbs ttest qn8 ~ qn9",
        "cal_rake__ranktest__api00__comp.imp")  # fmt: skip
# Nothing is 0 in R: its models and sums leave a little.
NOTHING = 1e-11


def test_the_cases_are_of_every_kind_and_design() -> None:
    kinds = Counter(case["kind"] for case in CASES)
    assert set(kinds) == {"svyciprop", "svyquantile", "svyquantile_rep", "svychisq", "svyttest", "svyranktest"}
    assert {case["design"]["replicates"]["type"] for case in CASES if case["design"].get("replicates")} == {
        "JK1", "JKn", "BRR", "Fay", "subbootstrap", "mrbbootstrap"
    }  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case["case"], marks=() if case["case"] in FAST else pytest.mark.slow) for case in CASES],
)
def test_a_case_on_other_data_is_reproduced(case: dict[str, Any]) -> None:
    answer = answer_of(parse_specification(json.dumps(case).encode(), "case.json"), GOLDEN)
    found = {_key(case, row): row for row in answer["results"]}
    assert len(found) == len(case["results"])
    for row in case["results"]:
        ours = found[_key(case, row)]
        # Where R has no interval we have a rule of our own.
        compared = {"df"} if row.get("note") else set(row) - {"domain", "statistic", "method", "note"}
        for name in sorted(compared):
            assert _agree(ours[name], row[name], case["tolerance"]), (row, name, ours[name])
        assert ours["reason"] or all(ours[name] is not None for name in ours if name not in ("reason", "note"))


def _key(case: dict[str, Any], row: dict[str, Any]) -> tuple[Any, ...]:
    # The oracle's generator names a share by a label that its estimator does not have.
    name = row["method"] if case["kind"] == "svyciprop" else row["statistic"]
    return (*row["domain"].items(), name)


def _agree(ours: Any, theirs: Any, tolerance: float) -> bool:
    if ours is None or theirs is None:
        return ours is None and theirs is None
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(_agree(a, b, tolerance) for a, b in zip(ours, theirs, strict=True))
    if isinstance(theirs, dict):
        return bool(ours.keys() == theirs.keys() and all(_agree(ours[k], theirs[k], tolerance) for k in theirs))
    return bool(abs(ours - theirs) <= max(tolerance * abs(theirs), NOTHING))
