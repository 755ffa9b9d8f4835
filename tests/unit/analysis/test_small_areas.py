"""Small areas: the predictor of the formula, a variance at its optimum, and errors as large as they are said to be."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import AnalysisError, DesignError
from analysis.estimation.answers import answer_of
from analysis.estimation.small_areas import AREA_METHODS, AreaMethod, fay_herriot
from analysis.estimation.spec import parse_specification

FOLDER = Path(__file__).parents[2] / "golden" / "models"


def _drawn(seed: int, m: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    x = np.column_stack([np.ones(m), draws.normal(size=m)])
    psi = draws.uniform(0.3, 1.5, size=m)
    truth = x @ [5.0, 1.0] + draws.normal(size=m)
    return truth + np.sqrt(psi) * draws.normal(size=m), psi, x, truth


@pytest.mark.parametrize("method", AREA_METHODS)
def test_the_predictor_is_that_of_the_mixed_model(method: AreaMethod) -> None:
    y, psi, x, _ = _drawn(5)
    found = fay_herriot(y, psi, x, method)
    total = np.diag(found.variance + psi)
    beta = np.linalg.solve(x.T @ np.linalg.solve(total, x), x.T @ np.linalg.solve(total, y))
    assert found.beta == pytest.approx(beta)
    assert found.values == pytest.approx(x @ beta + found.variance * np.linalg.solve(total, y - x @ beta))
    assert (found.mse > found.se**2).all() or method in ("ML", "PM")


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_no_variance_near_by_is_more_likely(method: AreaMethod) -> None:
    y, psi, x, _ = _drawn(6)

    def height(variance: float) -> float:
        weight = 1 / (variance + psi)
        information = x.T @ (weight[:, None] * x)
        rest = y - x @ np.linalg.solve(information, x.T @ (weight * y))
        found = np.log(weight).sum() - np.sum(weight * rest**2)
        return float(found - (np.linalg.slogdet(information)[1] if method == "REML" else 0))

    variance = fay_herriot(y, psi, x, method).variance
    assert all(height(variance) >= height(max(0.0, variance + step)) for step in (-0.5, -0.01, 0.01, 0.5, 5))


def test_an_area_without_a_direct_estimate_has_what_the_covariates_say() -> None:
    y, psi, x, _ = _drawn(7)
    y[3] = psi[3] = np.nan
    found = fay_herriot(y, psi, x)
    without = fay_herriot(np.delete(y, 3), np.delete(psi, 3), np.delete(x, 3, axis=0))
    assert found.values[3] == pytest.approx(x[3] @ without.beta)
    assert found.share[3] == 0
    assert found.se[3] ** 2 == pytest.approx(without.variance + x[3] @ without.covariance @ x[3])
    assert np.delete(found.values, 3) == pytest.approx(without.values)


@pytest.mark.slow
@pytest.mark.parametrize("method", AREA_METHODS)
def test_errors_are_as_large_as_their_mean_squares_say(method: AreaMethod) -> None:
    squares, said, naive = [], [], []
    for seed in range(150):
        y, psi, x, truth = _drawn(seed, m=25)
        found = fay_herriot(y, psi, x, method)
        squares.append(np.mean((found.values - truth) ** 2))
        said.append(np.mean(found.mse))
        naive.append(np.mean(found.se**2))
    assert np.mean(said) == pytest.approx(np.mean(squares), rel=0.12)
    assert np.mean(naive) < np.mean(squares)


@pytest.mark.parametrize(
    ("y", "psi", "x", "complaint"),
    [
        ([1, 2, 3, 4], [1, 1, 0, 1], [[1]] * 4, "found the sampling variance 0"),
        ([1, 2], [1, 1], [[1, 2], [1, 3]], "found 2 areas with a direct estimate, expected more than 2"),
        ([1, 2, 3, 4], [1] * 4, [[1, 2], [1, 2], [1, 2], [1, 2]], "covariates that explain one another"),
    ],
)
def test_areas_that_cannot_be_modelled_are_refused(y: list, psi: list, x: list, complaint: str) -> None:
    with pytest.raises(DesignError, match=complaint):
        fay_herriot(np.array(y, dtype=float), np.array(psi, dtype=float), np.array(x, dtype=float))


def _answer(**further: Any) -> dict[str, Any]:
    estimator = {"type": "fay_herriot", "direct": "y", "sampling_variance": "v", "covariates": ["x1"], "area": "area"}
    specification = {"data": ["data/areas1.csv"], "design": None, "estimator": estimator | further}
    answer = answer_of(parse_specification(json.dumps(specification).encode(), "spec.json"), FOLDER)
    json.dumps(answer, allow_nan=False)
    return answer


def test_the_mean_squared_error_stands_beside_the_rows() -> None:
    answer = _answer()
    rows = [row for row in answer["results"] if row["statistic"] == "EBLUP"]
    for row in rows:
        assert answer["extra"]["mse"][row["domain"]["area"]] > row["se"] ** 2
        assert 0 < answer["extra"]["share_of_direct"][row["domain"]["area"]] < 1


def test_without_covariates_areas_are_drawn_toward_one_mean() -> None:
    assert [row["statistic"] for row in _answer(covariates=None)["results"][:2]] == ["sigma2_v", "beta:intrcpt"]


@pytest.mark.parametrize(
    ("further", "complaint"),
    [
        ({"method": "EB"}, 'method: found "EB", expected one of REML'),
        ({"direct": None}, "direct: found null, expected one column name"),
        ({"covariates": ["x2"]}, "found no column x2"),
        ({"sampling_variance": "x1"}, "found the sampling variance -.*, expected a number above 0"),
        ({"covariates": ["area"]}, "column area: found 'P1', expected a number"),
        ({"area": "unit"}, "found no column unit"),
        ({"penalty": 1}, "found the unknown key penalty"),
    ],
)
def test_a_question_about_areas_that_cannot_be_is_refused(further: dict[str, Any], complaint: str) -> None:
    with pytest.raises(AnalysisError, match=complaint):
        _answer(**further)
