"""Models, reliability, small areas and replicate weights agree with R on data of their own (make_models.R)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.estimation.answers import answer_of
from analysis.estimation.formulas import parse_formula
from analysis.estimation.functionals import Ratios, Totals
from analysis.estimation.model_matrices import model_matrix
from analysis.estimation.multiplicity import METHODS, adjusted
from analysis.estimation.replication import replicate_weights
from analysis.estimation.samples import sample_of
from analysis.estimation.spec import parse_specification
from analysis.estimation.tables import read_sheet

FOLDER = Path(__file__).parent / "models"
CASES: dict[str, Any] = json.loads((FOLDER / "expected" / "models.json").read_text(encoding="utf-8"))
SLOW = ("logit_replicates", "logit_subset_replicates", "ordinal", "ordinal_subset", "gaussian_replicates")


def _named(*kinds: str) -> list[Any]:
    return [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
        for name, case in CASES.items()
        if case["kind"] in kinds
    ]


@pytest.mark.parametrize("name", _named("svyglm", "svyolr", "cronbach_alpha", "svycralpha", "omega", "fay_herriot"))
def test_a_model_agrees_with_r(name: str) -> None:
    assert list(_differences(CASES[name])) == []


def _differences(case: dict[str, Any]) -> Iterator[str]:
    specification = {key: case[key] for key in ("data", "design", "estimator")}
    answer = answer_of(parse_specification(json.dumps(specification).encode(), "case.json"), FOLDER)
    tolerance = case["tolerance"]
    ours = {_key(row): row for row in answer["results"]}
    # R leaves collinear columns out, which have a row with a reason here.
    kept = [place for place, row in enumerate(answer["results"]) if "explain it" not in (row["reason"] or "")]
    if {_key(answer["results"][place]) for place in kept} != {_key(row) for row in case["results"]}:
        yield f"rows: {sorted(ours)}"
        return
    for place, row in enumerate(case["results"]):
        further = {field: case[field][place] for field in ("t", "p_value") if field in case}
        for field, expected in (row | further).items():
            found = ours[_key(row)][field] if field not in ("statistic", "domain") else expected
            # What lies near 0 is known as exactly as its standard error is.
            floor = tolerance * row["se"] if field == "estimate" and row.get("se") else 1e-12
            if not _agree(found, expected, tolerance, floor):
                yield f"{row['statistic']} {field}: {found} against {expected}"
    if "vcov" in case:
        expected = np.array(case["vcov"], dtype=float)
        vcov = np.array(answer["vcov"], dtype=float)[np.ix_(kept, kept)]
        if not np.allclose(vcov, expected, rtol=10 * tolerance, atol=tolerance * float(np.abs(expected).max())):
            yield "vcov"
    for field in ("term_tests", "extra"):
        found = answer["extra"] if field == "extra" else (answer["extra"] or {}).get(field)
        if field in case and not _agree(found, case[field], 10 * tolerance, 1e-12):
            yield f"{field}: {found} against {case[field]}"


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return json.dumps(row.get("domain") or {}), row["statistic"]


def _agree(ours: Any, theirs: Any, tolerance: float, floor: float) -> bool:
    if isinstance(theirs, dict):
        return all(_agree(ours[key], value, tolerance, floor) for key, value in theirs.items())
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(
            _agree(a, b, tolerance, floor) for a, b in zip(ours, theirs, strict=True)
        )
    if isinstance(theirs, str) or theirs is None or ours is None:
        return bool(ours == theirs)
    return bool(abs(ours - theirs) <= max(tolerance * abs(theirs), floor))


@pytest.mark.parametrize("matrix", CASES["formulas"]["matrices"], ids=lambda matrix: str(matrix["formula"]))
def test_a_formula_has_the_columns_that_r_gives_it(matrix: dict[str, Any]) -> None:
    sheet = read_sheet(FOLDER, CASES["formulas"]["data"][0], None)
    found = model_matrix(parse_formula(matrix["formula"], "formula"), sheet)
    assert list(found.names) == matrix["names"]
    assert found.assigned.tolist() == matrix["assign"]
    assert list(found.terms) == matrix["terms"]
    assert found.matrix.sum(axis=0) == pytest.approx(np.array(matrix["sums"]), rel=1e-12, abs=1e-9)
    assert (found.matrix**2).sum(axis=0) == pytest.approx(np.array(matrix["squares"]), rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_adjusted_p_values_agree_with_r(method: str) -> None:
    p = np.array([np.nan if value is None else value for value in CASES["adjusted"]["p"]])
    expected = np.array([np.nan if value is None else value for value in CASES["adjusted"]["adjusted"][method]])
    assert adjusted(p, method) == pytest.approx(expected, rel=1e-12, nan_ok=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", _named("replication"))
def test_replicate_weights_made_from_a_design_agree_with_r(name: str) -> None:
    case = CASES[name]
    sheet = read_sheet(FOLDER, case["data"][0], None)
    design = case["design"] or {"ids": ["unit"], "strata": None, "fpc": None, "weights": "w", "nest": False}
    specification = {"data": case["data"], "design": design, "estimator": {"type": "svytotal", "variables": ["y"]}}
    read = parse_specification(json.dumps(specification).encode(), "case.json").design
    if case["design"] is None:
        parts = (sheet.labels(name).to_pylist() for name in ("h", "psu"))
        labels = [f"{h} {psu}" for h, psu in zip(*parts, strict=True)]
        sheet.columns["unit"] = _column(labels)
    sample = sample_of(sheet, read)
    made = replicate_weights(sample, case["type"], rho=0.3)
    factors, expected = made.weights / sample.weights[:, None], np.array(case["factors"])
    assert factors.shape == expected.shape
    if case["type"] in ("BRR", "Fay"):
        # R has other Hadamard matrices; what balance promises is the same.
        assert factors @ factors.T == pytest.approx(expected @ expected.T, rel=1e-12)
    else:
        assert factors == pytest.approx(expected, rel=1e-12)
    assert made.scale * made.rscales == pytest.approx(case["scale"] * np.array(case["rscales"]), rel=1e-12)
    replicated = replace(sample, replicates=made)
    y, x = sheet.numbers("y")[:, None], sheet.numbers("x")[:, None]
    assert replicated.estimate(Totals(y)).se[0] == pytest.approx(case["total_se"], rel=1e-10)
    # A ratio is no linear function, so that other balanced halves differ a little.
    near = 0.1 if case["type"] in ("BRR", "Fay") else 1e-10
    assert replicated.estimate(Ratios(y, x)).se[0] == pytest.approx(case["ratio_se"], rel=near)
    assert replicated.df == case["df"]


def _column(labels: list[str]) -> Any:
    import pyarrow as pa

    return pa.chunked_array([pa.array(labels)])
