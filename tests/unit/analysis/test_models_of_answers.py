"""Models of answers: what cannot be estimated is named, and influences are what a change of weights does."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.estimation.answers import answer_of
from analysis.estimation.families import FAMILIES, family_of
from analysis.estimation.least_squares import collinear_columns, inverse_gram, least_squares
from analysis.estimation.models import LinearPredictor
from analysis.estimation.ordinal import Thresholds
from analysis.estimation.reliability import DesignAlpha
from analysis.estimation.spec import parse_specification

FOLDER = Path(__file__).parents[2] / "golden" / "models"
DESIGN = {"ids": ["psu"], "strata": ["stratum"], "weights": "w", "nest": True}


def _answer(estimator: dict[str, Any], **design: Any) -> dict[str, Any]:
    specification = {"data": ["data/answers.csv"], "design": DESIGN | design, "estimator": estimator}
    answer = answer_of(parse_specification(json.dumps(specification).encode(), "spec.json"), FOLDER)
    json.dumps(answer, allow_nan=False)
    return answer


@pytest.mark.parametrize(
    ("estimator", "complaint"),
    [
        ({"formula": "satisfied ~ I(score >= 4)", "family": "quasibinomial"}, "grow without end .I.score >= 4.TRUE"),
        ({"formula": "I(score > 9) ~ age", "family": "quasibinomial"}, "found one answer in all rows"),
        ({"formula": "visits ~ I(visits > 0)", "family": "poisson"}, "grow without end"),
        (
            {"formula": "score ~ age", "family": "binomial"},
            "found answers from 1 to 5 in score, expected numbers from 0",
        ),
        ({"formula": "sex ~ age"}, "found categories in sex, expected numbers"),
        ({"formula": "score ~ age", "link": "logit"}, "link: found 'logit', expected one of identity"),
        ({"formula": "score ~ age", "family": "beta"}, "family: found 'beta', expected one of gaussian"),
        ({"formula": "score ~ 0"}, "found no coefficient"),
        ({"formula": "score ~ nowhere"}, "found no column nowhere"),
        ({"formula": "score ~ age", "degree": 2}, "found the unknown key degree"),
        ({"type": "svyolr", "formula": "score ~ age - 1"}, "found - 1, expected the constant"),
        ({"type": "svyolr", "formula": "satisfied ~ age"}, "found 2 categories in satisfied, expected three"),
        ({"type": "svyolr", "formula": "score ~ I(score > 3)"}, "grow without end"),
        ({"type": "svyolr", "formula": "nowheref ~ age"}, "found no column nowheref"),
        ({"type": "svyolr", "formula": "income ~ age"}, "numbers in income, expected at most 200"),
    ],
)
def test_a_model_that_cannot_be_fitted_is_refused_by_name(estimator: dict[str, Any], complaint: str) -> None:
    with pytest.raises(AnalysisError, match=complaint):
        _answer({"type": "svyglm"} | estimator)


def test_a_collinear_column_has_no_coefficient_and_says_why() -> None:
    answer = _answer({"type": "svyglm", "formula": "score ~ age + I(2 * age) + sex"})
    row = answer["results"][2]
    assert (row["statistic"], row["estimate"], row["se"]) == ("I(2 * age)", None, None)
    assert row["reason"].startswith("estimate: the columns before it explain it")
    assert answer["vcov"][2] == [None] * 4
    assert answer["extra"]["term_tests"][1]["reason"] == "its columns are collinear with the terms before it"
    assert answer["results"][3]["estimate"] is not None


def test_a_model_without_degrees_of_freedom_has_estimates_without_intervals() -> None:
    answer = _answer(
        {"type": "svyglm", "formula": "score ~ age + sex"}, subset="psu <= 2 & stratum == 'hill'", lonely_psu="adjust"
    )
    assert [row["ci"] for row in answer["results"]] == [None] * 3
    assert all("degrees of freedom are left" in row["reason"] for row in answer["results"])


def test_an_ordered_answer_may_be_named_as_the_factor_of_its_numbers() -> None:
    numbers = _answer({"type": "svyolr", "formula": "score ~ sex"})
    factor = _answer({"type": "svyolr", "formula": "scoref ~ sex"})
    assert factor["results"] == numbers["results"]


def test_a_formula_may_be_broken_into_lines() -> None:
    broken = _answer({"type": "svyglm", "formula": ["score ~ age +", "    sex"]})
    assert broken["results"] == _answer({"type": "svyglm", "formula": "score ~ age + sex"})["results"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator",
    [
        {"type": "svyglm", "formula": "score ~ age * sex"},
        {"type": "svyglm", "formula": "satisfied ~ age + school", "family": "quasibinomial"},
        {"type": "svyglm", "formula": "visits ~ age", "family": "quasipoisson"},
        {"type": "svyglm", "formula": "satisfied ~ age", "family": "quasibinomial", "link": "probit"},
        {"type": "svyolr", "formula": "score ~ age + sex"},
        {"type": "svyolr", "formula": "score ~ sex", "method": "probit"},
    ],
)
@pytest.mark.parametrize("fpc", [None, "N"])
def test_linearised_and_jackknifed_errors_of_a_model_are_near(estimator: dict[str, Any], fpc: str | None) -> None:
    linearised = _answer(estimator, fpc=fpc)
    jackknifed = _answer(estimator, fpc=fpc, replicates={"type": "JKn", "make": True})
    for one, other in zip(linearised["results"], jackknifed["results"], strict=True):
        assert other["estimate"] == pytest.approx(one["estimate"], abs=0.01 * one["se"])
        assert other["se"] == pytest.approx(one["se"], rel=0.12)


def _nudged(functional: Any, weights: np.ndarray[Any, Any], row: int, step: float) -> np.ndarray[Any, Any]:
    above, below = weights.copy(), weights.copy()
    above[row] *= 1 + step
    below[row] *= 1 - step
    return np.asarray((functional.values(above) - functional.values(below)) / (2 * step))


def _data() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    draws = np.random.default_rng(20260721)
    x = np.column_stack([np.ones(60), draws.normal(size=60)])
    return x, draws.normal(size=60), draws.uniform(1, 5, size=60)


@pytest.mark.parametrize(
    ("name", "link"), [(name, link) for name, family in FAMILIES.items() for link in family.links if link != "inverse"]
)
def test_the_influence_on_coefficients_is_what_a_change_of_weights_does(name: str, link: str) -> None:
    x, noise, weights = _data()
    latent = x @ [0.2, 0.3]
    answers = {
        "gaussian": 4 + latent + noise / 3,
        "binomial": (0.4 + 0.1 * latent + 0.3 * noise > 0.6).astype(float),
        "poisson": np.floor(np.exp(1 + latent) + np.abs(noise)),
        "Gamma": np.exp(1 + latent + noise / 4),
    }
    family, curve = family_of(name, link, "here")
    fitted = LinearPredictor(x, answers[name.removeprefix("quasi")], family, curve, ("one", "x"))
    # From where it ended, each further fit gains twice the digits.
    for _ in range(4):
        fitted.start = fitted.fit(weights.copy()).beta
    found = fitted.influence(weights)
    for row in (0, 17, 41):
        assert _nudged(fitted, weights, row, 1e-3) == pytest.approx(found[row], rel=2e-2, abs=2e-4)
    if link == family.links[0]:
        assert found.sum(axis=0) == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize("link", ["logistic", "probit"])
def test_the_influence_on_thresholds_is_what_a_change_of_weights_does(link: Any) -> None:
    x, noise, weights = _data()
    codes = np.digitize(x[:, 1] / 2 + noise, [-1, 0.2, 1])
    functional = Thresholds(x[:, 1:], codes, 3, link, ("x",))
    found = functional.influence(weights)
    assert found.sum(axis=0) == pytest.approx(np.zeros(4), abs=1e-8)
    for row in (0, 17, 41):
        assert _nudged(functional, weights, row, 1e-4) == pytest.approx(found[row], rel=1e-3, abs=1e-7)


def test_the_influence_on_alpha_is_what_a_change_of_weights_does() -> None:
    x, noise, weights = _data()
    functional = DesignAlpha(np.column_stack([x[:, 1], x[:, 1] + noise, x[:, 1] - noise / 2]))
    found = functional.influence(weights)
    for row in (0, 17, 41):
        assert _nudged(functional, weights, row, 1e-5) == pytest.approx(found[row], rel=1e-6, abs=1e-9)


def test_columns_that_others_explain_are_found_in_their_order() -> None:
    x = np.random.default_rng(3).normal(size=(40, 4))
    columns = np.column_stack([x[:, 0], 1e6 * x[:, 0], x[:, 1], np.zeros(40), x[:, 0] - x[:, 1] / 1e5, x[:, 2]])
    assert collinear_columns(columns).tolist() == [False, True, False, True, True, False]


@pytest.mark.parametrize("nearness", [1.0, 1e-2, 1e-4, 1e-7])
def test_least_squares_are_as_exact_as_the_columns_allow(nearness: float) -> None:
    draws = np.random.default_rng(4)
    base = draws.normal(size=(200, 3))
    columns = np.column_stack([base[:, 0], 1e5 * (base[:, 0] + nearness * base[:, 1]), base[:, 2]])
    known = np.array([2.0, -3e-5, 0.5])
    found, inverse = least_squares(columns, columns @ known)
    assert found == pytest.approx(known, rel=1e-12 / nearness)
    assert inverse == pytest.approx(inverse_gram(columns))
    lengths = np.linalg.norm(columns, axis=0)
    of_length_one = inverse * np.outer(lengths, lengths)
    assert of_length_one @ (columns.T @ columns / np.outer(lengths, lengths)) == pytest.approx(
        np.eye(3), abs=1e-13 / nearness**2
    )


def test_least_squares_of_collinear_columns_are_refused() -> None:
    column = np.random.default_rng(5).normal(size=50)
    for columns in ([column, 3 * column], [column, np.zeros(50)]):
        with pytest.raises(np.linalg.LinAlgError):
            least_squares(np.column_stack(columns), column)
