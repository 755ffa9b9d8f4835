"""Means of many items in many domains, and what is linear in them."""

import math

import ibis
import numpy as np
import pyarrow as pa
import pytest

from analysis.errors import DesignError
from analysis.estimation.design import SurveyDesign
from analysis.estimation.means import MeanSet, estimate_means

ITEMS = ("first", "second")


def _table(**columns: object) -> ibis.Table:
    return ibis.memtable(pa.table(columns))


def _answers(seed: int = 1, n: int = 120) -> dict[str, object]:
    draw = np.random.default_rng(seed)
    second = [
        None if missing else float(value)
        for missing, value in zip(draw.random(n) < 0.2, draw.normal(3, 1, n), strict=True)
    ]
    return {
        "stratum": [f"s{i}" for i in draw.integers(0, 3, n)],
        "psu": [f"p{i}" for i in draw.integers(0, 5, n)],
        "unit": [f"u{i}" for i in draw.integers(0, 4, n)],
        "w": draw.uniform(1, 4, n),
        "first": draw.normal(4, 1, n),
        "second": second,
    }


CLUSTERED = SurveyDesign(strata=("stratum",), clusters=("psu",), weight="w", nest=True)
ROWS = SurveyDesign(strata=("stratum",), weight="w")


@pytest.mark.parametrize("design", [CLUSTERED, ROWS], ids=["clusters", "rows"])
def test_means_leave_out_missing_answers_item_by_item(design: SurveyDesign) -> None:
    answers = _answers()
    found = estimate_means(_table(**answers), design, ITEMS, ("unit",))
    unit, w = np.array(answers["unit"]), np.asarray(answers["w"], dtype=float)
    for d, (label,) in enumerate(found.domains):
        for k, item in enumerate(ITEMS):
            y = np.array([math.nan if value is None else value for value in answers[item]], dtype=float)
            here = (unit == label) & ~np.isnan(y)
            assert found.means[d, k] == pytest.approx(np.average(y[here], weights=w[here]), rel=1e-13)
            assert found.n[d, k] == here.sum()
            assert found.sum_weights[d, k] == pytest.approx(w[here].sum())
        assert found.n_respondents[d] == (unit == label).sum()


@pytest.mark.parametrize("design", [CLUSTERED, ROWS], ids=["clusters", "rows"])
def test_the_joint_covariance_holds_the_variance_of_each_mean(design: SurveyDesign) -> None:
    found = estimate_means(_table(**_answers()), design, ITEMS, ("unit",))
    joint = found.covariance_of(np.eye(8))
    for d in range(4):
        for k in range(2):
            assert joint[2 * d + k, 2 * d + k] == pytest.approx(found.covariance_within(d, [k])[0, 0], rel=1e-12)
    combination = np.arange(8.0)[None, :]
    assert found.covariance_of(combination)[0, 0] == pytest.approx(float((combination @ joint @ combination.T)[0, 0]))
    assert np.linalg.eigvalsh(joint).min() > -1e-15


def test_a_domain_absent_from_a_stratum_keeps_its_psus() -> None:
    answers = _answers()
    found = estimate_means(_table(**answers), CLUSTERED, ("first",), ("unit",))
    kept = [i for i, unit in enumerate(answers["unit"]) if unit == "u0"]
    alone = {name: [column[i] for i in kept] for name, column in answers.items()}
    filtered = estimate_means(_table(**alone), CLUSTERED, ("first",))
    assert filtered.means[0, 0] == pytest.approx(found.means[0, 0])
    # Filtering forgets the PSUs in which the domain was not met, of which there is at least one here.
    assert filtered.covariance_within(0, [0])[0, 0] != pytest.approx(found.covariance_within(0, [0])[0, 0], rel=1e-6)


def test_rows_without_a_domain_stay_in_the_design() -> None:
    answers = _answers()
    answers["unit"] = [unit if unit == "u0" else None for unit in answers["unit"]]
    found = estimate_means(_table(**answers), CLUSTERED, ("first",), ("unit",))
    whole = estimate_means(_table(**_answers()), CLUSTERED, ("first",), ("unit",))
    assert found.domains == (("u0",),)
    assert found.covariance_of(np.eye(1))[0, 0] == pytest.approx(whole.covariance_of(np.eye(4))[0, 0], rel=1e-12)
    assert found.df[0] == whole.df[0]


def test_without_domains_there_is_one() -> None:
    found = estimate_means(_table(**_answers()), ROWS, ITEMS)
    assert found.domains == ((),)
    assert found.df[0] == found.df_design == 120 - 3
    (estimate,) = found.estimates_of(np.array([[1.0, -1.0]]), [None])
    assert estimate.value == pytest.approx(found.means[0, 0] - found.means[0, 1])
    assert estimate.n == 120


def test_an_item_that_nobody_answered_has_a_reason_and_no_value() -> None:
    answers = {**_answers(), "second": pa.nulls(120, pa.float64())}
    found = estimate_means(_table(**answers), ROWS, ITEMS, ("unit",))
    coefficients = np.zeros((2, 8))
    coefficients[0, 0], coefficients[1, 1] = 1.0, 1.0
    whole, missing = found.estimates_of(coefficients, [0, 0])
    assert (missing.value, missing.se, missing.low, missing.reason) == (None, None, None, "no_answers")
    assert whole.reason is None
    assert whole.low is not None


def test_a_domain_in_one_psu_has_no_interval() -> None:
    answers = _answers()
    answers["unit"] = [
        psu if stratum == "s0" else "rest" for psu, stratum in zip(answers["psu"], answers["stratum"], strict=True)
    ]
    found = estimate_means(_table(**answers), CLUSTERED, ("first",), ("unit",))
    place = found.domains.index(("p0",))
    (estimate,) = found.estimates_of(np.eye(len(found.domains))[place : place + 1], [place])
    assert (estimate.df, estimate.low, estimate.high, estimate.reason) == (0, None, None, "one_cluster")
    assert estimate.value is not None


def test_the_design_effect_of_unit_weights_is_against_sampling_with_replacement() -> None:
    answers = {**_answers(), "w": np.ones(120)}
    found = estimate_means(_table(**answers), SurveyDesign(weight="w"), ("first",))
    (estimate,) = found.estimates_of(np.eye(1), [0])
    assert estimate.deff == pytest.approx(1.0)
    assert estimate.n_effective == pytest.approx(120)


def test_a_census_has_no_variance() -> None:
    answers = _answers()
    strata = np.array(answers["stratum"])
    answers["size"] = [int((strata == stratum).sum()) for stratum in strata]
    design = SurveyDesign(strata=("stratum",), fpc=("size",))
    found = estimate_means(_table(**answers), design, ("first",))
    assert found.covariance_of(np.eye(1))[0, 0] == 0
    assert found.sum_weights[0, 0] == pytest.approx(120)


def test_a_lonely_stratum_is_named_and_other_rules_do_without_it() -> None:
    answers = _answers()
    answers["stratum"] = ["alone", *answers["stratum"][1:]]
    table = _table(**answers)
    with pytest.raises(DesignError, match="stratum alone: found one PSU at stage 1"):
        estimate_means(table, ROWS, ("first",)).covariance_of(np.eye(1))
    variances = [
        estimate_means(table, SurveyDesign(strata=("stratum",), weight="w", lonely_psu=rule), ("first",)).covariance_of(
            np.eye(1)
        )[0, 0]
        for rule in ("remove", "certainty", "average", "adjust")
    ]
    removed, certain, averaged, adjusted = variances
    assert removed == certain
    assert averaged == pytest.approx(removed * 4 / 3)
    assert adjusted > removed


@pytest.mark.parametrize(
    ("columns", "design", "expected"),
    [
        ({"w": [1.0, None, 1.0]}, SurveyDesign(weight="w"), "column w: found 1 weights missing or not above 0"),
        ({"w": [1.0, 0.0, -1.0]}, SurveyDesign(weight="w"), "column w: found 2 weights"),
        ({"w": [1.0, math.inf, math.nan]}, SurveyDesign(weight="w"), "column w: found 2 weights"),
        ({"s": ["a", None, "b"]}, SurveyDesign(strata=("s",)), "column s: found rows without a value"),
        ({"n": [2.0, 2.0, 2.0]}, SurveyDesign(fpc=("n",)), "a population of 2 in stratum .all. with a sample of 3"),
        ({}, SurveyDesign(strata=("absent",)), "found no column 'absent' in the table"),
    ],
)
def test_a_table_that_does_not_fit_its_design_is_refused(
    columns: dict[str, object], design: SurveyDesign, expected: str
) -> None:
    with pytest.raises(DesignError, match=expected):
        estimate_means(_table(y=[1.0, 2.0, 3.0], **columns), design, ("y",))


def test_a_table_without_rows_is_refused() -> None:
    empty = _table(y=pa.array([], pa.float64()))
    with pytest.raises(DesignError, match="table: found no rows"):
        estimate_means(empty, SurveyDesign(), ("y",))


def test_a_design_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(DesignError, match="fpc: found 2 columns, expected at most 1"):
        SurveyDesign(clusters=("psu",), fpc=("a", "b"))
    with pytest.raises(DesignError, match="lonely_psu: found 'ignore'"):
        SurveyDesign(lonely_psu="ignore")
    with pytest.raises(DesignError, match="found 1 columns for later stages"):
        SurveyDesign(clusters=("psu",), later_strata=("a",))


def test_coefficients_of_another_size_are_refused() -> None:
    found: MeanSet = estimate_means(_table(**_answers()), ROWS, ITEMS)
    with pytest.raises(ValueError, match="found 3 coefficients, expected 2"):
        found.covariance_of(np.eye(3))
