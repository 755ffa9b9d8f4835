"""Replicates made from a design: balanced, repeatable, and as wide as the linearised variance expects of them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import AnalysisError, DesignError
from analysis.estimation.answers import answer_of
from analysis.estimation.design import SurveyDesign
from analysis.estimation.functionals import Means, Totals
from analysis.estimation.hadamard import hadamard
from analysis.estimation.replication import replicate_weights
from analysis.estimation.samples import Sample, sample_of
from analysis.estimation.spec import parse_specification
from analysis.estimation.tables import read_sheet

FOLDER = Path(__file__).parents[2] / "golden" / "models"
SHEET = read_sheet(FOLDER, "data/answers.csv", None)
PLAIN = SurveyDesign(strata=("stratum",), clusters=("psu",), weight="w", nest=True)
FINITE = replace(PLAIN, fpc=("N",))


def _sample(design: SurveyDesign) -> Sample:
    return sample_of(SHEET, design)


@pytest.mark.parametrize("least", [1, 2, 3, 4, 12, 13, 27, 28, 36, 52, 60, 76, 100, 124])
def test_hadamard_matrices_are_orthogonal_and_begin_with_ones(least: int) -> None:
    signs = hadamard(least)
    order = len(signs)
    assert least <= order <= least + 7
    assert set(np.unique(signs)) <= {-1, 1}
    assert (signs @ signs.T == order * np.eye(order)).all()
    assert (signs[0] == 1).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "design"),
    [
        ("JKn", PLAIN), ("JKn", FINITE), ("BRR", PLAIN), ("Fay", PLAIN), ("RaoWu", PLAIN), ("RaoWu", FINITE),
        ("subbootstrap", PLAIN), ("bootstrap", PLAIN), ("bootstrap", FINITE), ("mrbbootstrap", PLAIN),
        ("mrbbootstrap", FINITE),
    ],
)  # fmt: skip
def test_the_spread_of_the_replicates_is_near_the_linearised_variance(kind: Any, design: SurveyDesign) -> None:
    sample = _sample(design)
    y = np.column_stack([SHEET.numbers("score"), SHEET.numbers("minutes")])
    made = replicate_weights(sample, kind, n_replicates=2500, seed=7)
    replicated = replace(sample, replicates=made)
    linearised, spread = sample.estimate(Totals(y)), replicated.estimate(Totals(y))
    assert spread.values == pytest.approx(linearised.values)
    # Canty and Davison's scale makes good a harmonic mean of the strata, and their population is no whole multiple.
    near = {"bootstrap": 0.08, "JKn": 1e-10, "BRR": 0.35, "Fay": 0.35}.get(kind, 0.05)
    assert spread.se == pytest.approx(linearised.se, rel=near)
    assert replicated.estimate(Means(y)).se == pytest.approx(sample.estimate(Means(y)).se, rel=max(near, 0.03))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["RaoWu", "subbootstrap", "bootstrap", "mrbbootstrap", "JKn", "BRR", "Fay"])
def test_replicates_weigh_as_much_as_the_sample_on_average(kind: Any) -> None:
    sample = _sample(PLAIN)
    made = replicate_weights(sample, kind, n_replicates=4000, seed=3)
    factors = made.weights / sample.weights[:, None]
    assert factors.mean(axis=1) == pytest.approx(np.ones(sample.n_rows), abs=1e-12 if kind[0] in "JBF" else 0.1)
    assert (factors >= -1e-12).all() or kind == "mrbbootstrap"


@pytest.mark.parametrize("kind", ["RaoWu", "subbootstrap", "bootstrap", "mrbbootstrap"])
def test_a_seed_gives_the_same_replicates_again(kind: Any) -> None:
    sample = _sample(PLAIN)
    first = replicate_weights(sample, kind, n_replicates=5, seed=11).weights
    assert (replicate_weights(sample, kind, n_replicates=5, seed=11).weights == first).all()
    assert (replicate_weights(sample, kind, n_replicates=5, seed=12).weights != first).any()


# Times that the PSUs of the first six rows were drawn, as this seed drew them when it was written down.
EXPECTED = [[2, 0, 2], [1, 1, 2], [1, 1, 1], [2, 0, 0], [1, 0, 4], [0, 1, 1]]


def test_a_seed_gives_the_digits_it_always_gave() -> None:
    made = replicate_weights(_sample(PLAIN), "subbootstrap", n_replicates=3, seed=20260701)
    factors = made.weights / _sample(PLAIN).weights[:, None]
    assert (factors[:6] * 13 / 14).round(9).tolist() == EXPECTED


@pytest.mark.parametrize("kind", ["RaoWu", "subbootstrap", "bootstrap"])
def test_a_stratum_taken_for_certain_is_in_every_replicate(kind: Any) -> None:
    sheet = read_sheet(FOLDER, "data/replicated_lonely.csv", None)
    design = SurveyDesign(strata=("h",), clusters=("psu",), weight="w", nest=True, lonely_psu="certainty")
    sample = sample_of(sheet, design)
    made = replicate_weights(sample, kind, n_replicates=10, seed=2)
    is_lonely = np.array(sheet.labels("h").to_pylist()) == "c"
    assert (made.weights[is_lonely] == sample.weights[is_lonely, None]).all()
    assert (made.weights[~is_lonely].std(axis=1) > 0).all()


def test_fay_of_nothing_is_balanced_halves() -> None:
    sample = _sample(PLAIN)
    halves, fay = replicate_weights(sample, "BRR"), replicate_weights(sample, "Fay", rho=0.0)
    assert (halves.weights == fay.weights).all()
    assert halves.scale == fay.scale == 1 / halves.weights.shape[1]


@pytest.mark.parametrize(
    ("kind", "design", "complaint"),
    [
        ("JK1", PLAIN, "found 3 strata, expected one for JK1"),
        ("BRR", FINITE, "finite population correction, which BRR and Fay have not"),
        ("subbootstrap", FINITE, "finite population correction, which subbootstrap has not"),
        ("BRR", SurveyDesign(strata=("unit",), clusters=(), weight="w"), "found .* PSUs, expected pairs"),
        ("JKn", SurveyDesign(strata=("income",), weight="w"), "found one PSU, expected two or more"),
        ("RaoWu", SurveyDesign(strata=("income",), weight="w"), "found one PSU, expected two or more for RaoWu"),
        ("jackknife", PLAIN, "found the kind 'jackknife', expected one of JK1"),
    ],
)
def test_replicates_that_a_design_has_not_are_refused_by_name(kind: Any, design: SurveyDesign, complaint: str) -> None:
    with pytest.raises(DesignError, match=complaint):
        replicate_weights(_sample(design), kind)


def _answer(replicates: dict[str, Any]) -> dict[str, Any]:
    specification = {
        "data": ["data/answers.csv"],
        "design": {"ids": ["psu"], "strata": ["stratum"], "weights": "w", "nest": True, "replicates": replicates},
        "estimator": {"type": "svymean", "variables": ["score"], "by": ["unit"]},
    }
    return answer_of(parse_specification(json.dumps(specification).encode(), "spec.json"), FOLDER)


def test_a_specification_may_ask_for_replicates_to_be_made() -> None:
    made = _answer({"type": "JKn", "make": True, "mse": True})
    sample = _sample(PLAIN)
    replicated = replace(sample, replicates=replicate_weights(sample, "JKn", mse=True))
    is_unit = np.array(SHEET.labels("unit").to_pylist()) == "B"
    expected = replicated.within(is_unit).estimate(Means(SHEET.numbers("score")[:, None]))
    row = next(row for row in made["results"] if row["domain"] == {"unit": "B"})
    assert (row["estimate"], row["se"]) == (pytest.approx(expected.values[0]), pytest.approx(expected.se[0]))


@pytest.mark.parametrize(
    ("replicates", "complaint"),
    [
        ({"make": True}, "type: found nothing, expected one of JK1"),
        ({"make": True, "type": "half"}, 'type: found "half", expected one of JK1'),
        ({"make": True, "type": "JKn", "seed": 4}, "seed: found 4, expected nothing, as JKn has none"),
        ({"make": True, "type": "JKn", "file": "r.csv"}, "found the unknown key file"),
        ({"make": True, "type": "RaoWu", "rho": 0.2}, "rho: found 0.2, expected nothing, as RaoWu has none"),
        ({"make": True, "type": "RaoWu", "n_replicates": 1}, "expected a whole number from 2 to 10000"),
        ({"make": True, "type": "Fay", "rho": 1}, "rho: found 1, expected a number from 0 to below 1"),
        ({"make": "yes", "type": "JKn"}, 'make: found "yes", expected true or false'),
        ({"type": "JKn"}, "file: found nothing"),
    ],
)
def test_a_request_for_replicates_that_cannot_be_is_refused(replicates: dict[str, Any], complaint: str) -> None:
    with pytest.raises(AnalysisError, match=complaint):
        _answer(replicates)
