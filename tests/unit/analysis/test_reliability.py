"""Reliability: known structures are found again, plain loops agree, and scales that have none are refused by name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import AnalysisError, DesignError
from analysis.estimation.answers import answer_of
from analysis.estimation.factors import minres, oblimin, omega_of, varimax
from analysis.estimation.reliability import alpha_of, feldt_interval, pairwise_covariance
from analysis.estimation.spec import parse_specification

FOLDER = Path(__file__).parents[2] / "golden" / "models"
NAMES = tuple(f"q{place}" for place in range(1, 10))


def _answer(estimator: dict[str, Any], design: dict[str, Any] | None = None, file: str = "items") -> dict[str, Any]:
    specification = {"data": [f"data/{file}.csv"], "design": design, "estimator": estimator}
    answer = answer_of(parse_specification(json.dumps(specification).encode(), "spec.json"), FOLDER)
    json.dumps(answer, allow_nan=False)
    return answer


def _hierarchical(general: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Correlations of items of which three go with each group factor, and the groups with the general factor."""
    loadings = np.kron(np.eye(len(general)), np.ones((3, 1))) * own[:, None]
    between = np.outer(general, general)
    np.fill_diagonal(between, 1)
    found = loadings @ between @ loadings.T
    np.fill_diagonal(found, 1)
    return np.asarray(found)


@pytest.mark.slow
def test_omega_of_a_known_structure_is_the_known_omega() -> None:
    general, own = np.array([0.8, 0.6, 0.7]), np.array([0.7, 0.6, 0.8, 0.5, 0.9, 0.7, 0.6, 0.6, 0.8])
    correlation = _hierarchical(general, own)
    found = omega_of(correlation, 3, NAMES)
    on_general = own * np.repeat(general, 3)
    assert found.hierarchical == pytest.approx(on_general.sum() ** 2 / correlation.sum(), rel=1e-4)
    assert found.total == pytest.approx(1 - (1 - own**2).sum() / correlation.sum(), rel=1e-6)
    assert found.general == pytest.approx(on_general, abs=1e-4)
    assert np.sort(np.abs(found.groups).max(axis=1)) == pytest.approx(
        np.sort(own * np.sqrt(1 - np.repeat(general, 3) ** 2)), abs=1e-3
    )


def test_items_that_are_turned_round_do_not_change_omega() -> None:
    correlation = _hierarchical(np.array([0.8, 0.6, 0.7]), np.full(9, 0.7))
    turned = correlation * np.outer(signs := np.array([1, -1, 1, 1, 1, -1, 1, 1, 1]), signs)
    plain, other = omega_of(correlation, 3, NAMES), omega_of(turned, 3, NAMES)
    assert other.hierarchical == pytest.approx(plain.hierarchical, rel=1e-5)
    assert other.total == pytest.approx(plain.total, rel=1e-6)
    assert other.reversed_items == (1, 5)


def test_turning_factors_leaves_what_they_reproduce() -> None:
    correlation = _hierarchical(np.array([0.9, 0.5, 0.6]), np.linspace(0.5, 0.9, 9))
    loadings = minres(correlation, 3, NAMES)
    turned = varimax(loadings)
    oblique, between = oblimin(turned)
    reproduced = loadings @ loadings.T
    assert turned @ turned.T == pytest.approx(reproduced, abs=1e-10)
    assert oblique @ between @ oblique.T == pytest.approx(reproduced, abs=1e-8)
    assert np.diag(between) == pytest.approx(np.ones(3))
    off = ~np.eye(9, dtype=bool)
    assert reproduced[off] == pytest.approx(correlation[off], abs=1e-5)


def test_the_covariance_of_a_pair_knows_only_the_rows_that_have_both() -> None:
    draws = np.random.default_rng(8)
    answers = draws.normal(size=(50, 4)) + 1e6
    answers[draws.random((50, 4)) < 0.3] = np.nan
    found = pairwise_covariance(answers)
    for i in range(4):
        for j in range(4):
            both = ~np.isnan(answers[:, i]) & ~np.isnan(answers[:, j])
            assert found[i, j] == pytest.approx(np.cov(answers[both, i], answers[both, j])[0, 1], rel=1e-8, abs=1e-9)


def test_feldt_of_many_rows_lies_close_about_alpha() -> None:
    low, high = feldt_interval(0.8, 100_000, 10)
    assert 0.797 < low < 0.8 < high < 0.803


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ([[1, 2, 3], [1, 3, 3], [1, 1, 5]], "one answer, or none, throughout q1"),
        ([[1, np.nan], [2, np.nan], [np.nan, 1], [np.nan, 2]], "no two rows that answered both q1 and q2"),
        ([[1, 3], [2, 2], [3, 1]], "items that cancel one another"),
    ],
)
def test_items_without_an_alpha_are_named(answers: list[list[float]], complaint: str) -> None:
    table = np.array(answers, dtype=float)
    with pytest.raises(DesignError, match=complaint):
        alpha_of(table, (1,) * table.shape[1], NAMES[: table.shape[1]])


DESIGN = {"ids": ["psu"], "strata": None, "weights": "w"}


def test_the_interval_of_a_weighted_alpha_is_much_the_same_by_either_road() -> None:
    estimator = {"type": "svycralpha", "items": ["q1", "q2", "q3", "q4"], "keys": ["q4"]}
    linearised = _answer(estimator, DESIGN)["extra"]
    replicated = _answer(estimator, DESIGN | {"replicates": {"type": "JK1", "make": True}})["extra"]
    assert replicated["se"] == pytest.approx(linearised["se"], rel=0.1)
    assert replicated["ci"] == pytest.approx(linearised["ci"], abs=0.02)
    assert linearised["ci"][0] < _answer(estimator, DESIGN)["results"][0]["estimate"] < linearised["ci"][1] < 1
    assert (linearised["method"], linearised["df"]) == ("t interval of log(1 - alpha), linearised", 29)


def test_items_to_turn_round_are_named_or_marked() -> None:
    named = _answer({"type": "cronbach_alpha", "items": ["q3", "q4"], "keys": ["q4"]})
    marked = _answer({"type": "cronbach_alpha", "items": ["q3", "q4"], "keys": [1, -1]})
    assert named["results"] == marked["results"]
    assert named["extra"] == marked["extra"]


@pytest.mark.parametrize(
    ("estimator", "design", "complaint"),
    [
        ({"type": "cronbach_alpha", "items": ["q1"]}, None, "found 1 items, expected 2"),
        ({"type": "cronbach_alpha", "items": ["q1", "q2"], "keys": [1]}, None, "expected 1 or -1 for each item"),
        ({"type": "cronbach_alpha", "items": ["q1", "q2"], "keys": ["q9"]}, None, "expected 1 or -1 for each item"),
        ({"type": "cronbach_alpha", "items": ["q1", "q2"], "missing": "listwise"}, None, "expected pairwise"),
        ({"type": "cronbach_alpha", "items": ["q1", "q2"]}, DESIGN, "found weights for cronbach_alpha, expected null"),
        ({"type": "cronbach_alpha", "items": ["q1", "q0"]}, None, "found no column q0"),
        ({"type": "svycralpha", "items": ["q1", "q2"], "keys": [2, 1]}, DESIGN, "expected 1 or -1 for each item"),
        ({"type": "omega", "items": ["q1", "q2"]}, None, "found 2 items, expected 3"),
        (
            {"type": "omega", "items": ["q1", "q2", "q3"], "nfactors": 3},
            None,
            "nfactors: found 3, expected a whole number",
        ),
        ({"type": "omega", "items": ["q1", "q2", "q3", "q4"], "nfactors": 2}, None, "found 2 factors for 4 items"),
        ({"type": "omega", "items": ["q1", "q2", "q3"], "nfactors": 1.5}, None, "nfactors: found 1.5"),
        ({"type": "omega", "items": ["q1", "q2", "q3"], "rotate": "none"}, None, "found the unknown key rotate"),
    ],
)
def test_a_scale_that_cannot_be_is_refused(
    estimator: dict[str, Any], design: dict[str, Any] | None, complaint: str
) -> None:
    with pytest.raises(AnalysisError, match=complaint):
        _answer(estimator, design)
