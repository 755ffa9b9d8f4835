"""Shares, quantiles and tests at the edges: equal answers, one PSU, missing answers, questions without sense."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binomtest

from analysis.errors import AnalysisError, DesignError, SpecError
from analysis.estimation.answers import answer_of
from analysis.estimation.design import SurveyDesign
from analysis.estimation.domains import domains_of
from analysis.estimation.intervals import arcsine_interval, discrete_interval, logit_interval
from analysis.estimation.proportions import METHODS, Proportion, proportions
from analysis.estimation.samples import sample_of
from analysis.estimation.spec import parse_specification
from analysis.estimation.tables import Sheet

CLUSTERED = SurveyDesign(clusters=("psu",))


def _shares(answers: list[float], unit: list[str], psu: list[str], **design: Any) -> dict[str, Proportion]:
    table = pa.table({"psu": psu, "unit": unit, **design.pop("columns", {})})
    sheet = Sheet("table", dict(zip(table.column_names, table.columns, strict=True)), table.num_rows)
    sample = sample_of(sheet, SurveyDesign(**design) if design else CLUSTERED)
    domains = domains_of(sheet, ["unit"], sample)
    found = proportions(sample, np.array(answers, dtype=np.float64), domains, METHODS)
    return dict(zip([labels[0] for labels in domains.labels], found, strict=True))


def test_equal_answers_count_for_less_where_clusters_are_alike() -> None:
    # Unit a: eight PSUs of two rows, all satisfied. Unit b: eight PSUs, each of one opinion, so that deff is near 2.
    psu = [f"{unit}{i // 2}" for unit in "ab" for i in range(16)]
    answers = [1.0] * 16 + [float(i // 2 % 2) for i in range(16)]
    found = _shares(answers, ["a"] * 16 + ["b"] * 16, psu)["a"]
    assert found.is_unanimous
    assert found.se == 0
    assert found.independent is not None
    assert 6 < found.independent < 9
    low = 0.025 ** (1 / found.independent)
    assert found.intervals["beta"] == pytest.approx((low, 1.0))
    assert found.intervals["beta"] == found.intervals["xlogit"] == found.intervals["likelihood"]
    assert found.intervals["logit"] == found.intervals["mean"] == (1.0, 1.0)


def test_where_everybody_agrees_the_clusters_count() -> None:
    found = _shares([0.0] * 12, ["a"] * 12, [f"p{i // 3}" for i in range(12)])["a"]
    assert found.independent == 4
    assert found.intervals["beta"] == pytest.approx((0.0, 1 - 0.025 ** (1 / 4)))


def test_equal_answers_within_one_cluster_are_one_answer() -> None:
    found = _shares([1.0] * 5 + [0.0, 1.0, 0.0], ["a"] * 5 + ["b"] * 3, ["p"] * 5 + ["q", "r", "s"])["a"]
    assert (found.df, found.independent) == (0, 1)
    assert found.intervals["beta"] == found.intervals["mean"] == pytest.approx((0.025, 1.0))


def test_different_answers_within_one_cluster_have_no_interval() -> None:
    found = _shares([1.0, 0.0, 1.0, 0.0], ["a", "a", "b", "b"], ["p", "p", "q", "r"])["a"]
    assert found.value == 0.5
    assert not any(found.intervals.values())


def test_equal_answers_of_a_full_count_are_known() -> None:
    found = _shares([1.0] * 4, ["a"] * 4, list("pqrs"), clusters=("psu",), fpc=("N",), columns={"N": [4.0] * 4})["a"]
    assert found.intervals["beta"] == (1.0, 1.0)


def test_a_unit_without_answers_has_no_share() -> None:
    found = _shares([1.0, np.nan, 0.0, np.nan], ["a", "b", "a", "b"], list("pqrs"))["b"]
    assert (found.value, found.n, found.n_missing) == (None, 0, 2)
    assert set(found.intervals.values()) == {None}


@pytest.mark.parametrize(("k", "n"), [(3, 20), (19, 20), (120, 130)])
def test_a_simple_random_sample_has_the_interval_of_clopper_and_pearson(k: int, n: int) -> None:
    exact = binomtest(k, n).proportion_ci(method="exact")
    share = k / n
    assert discrete_interval(share, share * (1 - share) / n, n, n - 1) == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize("interval", [logit_interval, arcsine_interval])
def test_the_interval_of_an_index_near_the_top_ends_with_the_scale(interval: Any) -> None:
    of_share = interval(0.97, 0.0004, 9)
    low, high = interval(97.0, 4.0, 9, bounds=(0.0, 100.0))
    assert 0 < low < 97 < high <= 100
    assert (low, high) == pytest.approx([100 * end for end in of_share])
    assert interval(5.5, 0.0, 9, bounds=(1.0, 10.0)) == pytest.approx((5.5, 5.5))
    assert interval(10.0, 0.1, 9, bounds=(1.0, 10.0)) is None
    assert interval(5.0, 0.1, 0, bounds=(1.0, 10.0)) is None
    assert interval(5.0, float("nan"), 9, bounds=(1.0, 10.0)) is None


def test_answers_are_one_or_nought() -> None:
    sample = sample_of(pa.table({"psu": ["p", "q"]}), CLUSTERED)
    with pytest.raises(SpecError, match="neither 1 nor 0"):
        proportions(sample, np.array([1.0, 2.0]))
    with pytest.raises(SpecError, match="found 'wilson', expected some of logit"):
        proportions(sample, np.array([1.0, 0.0]), methods=["wilson"])


ROWS = "stratum,psu,unit,x,y,sex,word\n" + "".join(
    f"s{h},{h}{i},{'abcd'[i]},{3 * h + i * i},{'' if i == 1 else h},{1 + (h + i) % 2},{'same' if i else ''}\n"
    for h in (1, 2, 3)
    for i in range(4)
)
DESIGN: dict[str, Any] = {"ids": ["psu"], "strata": ["stratum"]}


def _asked(tmp_path: Path, estimator: dict[str, Any], **design: Any) -> dict[str, Any]:
    (tmp_path / "rows.csv").write_text(ROWS, encoding="utf-8")
    source = {"data": ["rows.csv"], "design": {**DESIGN, **design}, "estimator": estimator}
    return answer_of(parse_specification(json.dumps(source).encode(), "spec.json"), tmp_path)


@pytest.mark.parametrize(
    ("estimator", "complaint"),
    [
        ({"type": "svyciprop", "expression": "x >"}, r"expression: found the end in 'x >', expected a column"),
        ({"type": "svyciprop"}, r"expression: found nothing"),
        ({"type": "svyciprop", "expression": "x + 1"}, r"expression: found numbers in 'x \+ 1', expected a comparison"),
        ({"type": "svyciprop", "expression": "word"}, r"found the text column word"),
        ({"type": "svyciprop", "expression": "mean(x) > 1"}, r"found the function mean, expected one of is\.na, I"),
        ({"type": "svyciprop", "expression": "TRUE"}, r"found no column in 'TRUE'"),
        ({"type": "svyciprop", "expression": "(" * 60 + "x" + ")" * 60 + " > 1"}, r"found more than 40 levels"),
        ({"type": "svyciprop", "expression": "x > 1", "methods": ["wald"]}, r"methods: found \"wald\", expected some"),
        (
            {"type": "svyciprop", "expression": "x > 1", "methods": []},
            r"methods: found \[\], expected each method once",
        ),
        ({"type": "svyciprop", "expression": "x > 1", "level": 0.9}, r"found the unknown key level"),
        ({"type": "svyciprop", "expression": "z > 1"}, r"found no column z"),
        (
            {"type": "svyquantile", "variables": ["x"], "quantiles": [1.5]},
            r"quantiles: found \[1\.5\], expected shares",
        ),
        ({"type": "svyquantile", "variables": ["x"]}, r"quantiles: found \[\], expected shares from 0 to 1"),
        (
            {"type": "svyquantile", "variables": ["word"], "quantiles": [0.5]},
            r"column word: found 'same', expected a nu",
        ),
        ({"type": "svyquantile", "variables": ["x"], "quantiles": [0.5], "qrule": "hf0"}, r"qrule: found \"hf0\""),
        (
            {"type": "svyquantile", "variables": ["x"], "quantiles": [0.5], "interval_type": "quantile"},
            r"interval_type: found 'quantile' without replicate weights",
        ),
        ({"type": "svychisq", "variables": ["sex"]}, r"variables: found \[\"sex\"\], expected two columns"),
        ({"type": "svychisq", "variables": ["sex", "word"]}, r"sex, word: the second variable: found 1 categories"),
        ({"type": "svychisq", "variables": ["sex", "unit"], "statistics": ["G"]}, r"statistics: found \"G\", expected"),
        ({"type": "svyttest", "formula": "x"}, r"formula: found \"x\", expected one such as y ~ group"),
        ({"type": "svyttest", "formula": "x ~ unit"}, r"formula: found 4 groups with answers, expected two"),
        ({"type": "svyttest", "formula": "x ~ word"}, r"formula: found 1 groups with answers, expected two"),
        ({"type": "svyttest", "formula": "unit ~ sex"}, r"formula: found the text column unit in 'unit'"),
        ({"type": "svyranktest", "formula": "x ~ 1"}, r"formula: found no groups"),
        ({"type": "svyranktest", "formula": "x ~ sex", "tests": ["sign"]}, r"tests: found \"sign\", expected some of"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(tmp_path: Path, estimator: dict[str, Any], complaint: str) -> None:
    with pytest.raises(AnalysisError, match=complaint):
        _asked(tmp_path, estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        {"type": "svyciprop", "expression": "y == 1", "methods": list(METHODS), "by": ["unit", "sex"]},
        {"type": "svyciprop", "expression": "x > 0", "methods": list(METHODS), "by": ["psu"], "na_rm": False},
        {"type": "svyciprop", "expression": "y > 1", "by": ["unit"], "na_rm": False},
        *(
            {
                "type": "svyquantile",
                "variables": ["x", "y"],
                "quantiles": [0, 0.5, 1],
                "by": ["unit"],
                "interval_type": i,
            }
            for i in ("mean", "beta", "xlogit", "asin")
        ),
        {"type": "svychisq", "variables": ["sex", "unit"], "statistics": ["F", "Wald", "adjWald", "lincom"]},
        {"type": "svyttest", "formula": "y ~ sex"},
        {"type": "svyttest", "formula": "I(x - x) ~ 0"},
        {"type": "svyranktest", "formula": "y ~ unit", "tests": ["wilcoxon", "median", "KruskalWallis"]},
    ],
)
@pytest.mark.parametrize("rule", ["remove", "adjust", "average"])
def test_what_cannot_be_computed_has_a_reason_and_nothing_is_nan(
    tmp_path: Path, estimator: dict[str, Any], rule: str
) -> None:
    answer = _asked(tmp_path, estimator, lonely_psu=rule, adjust_domain_lonely=True)
    json.dumps(answer, allow_nan=False)
    for row in answer["results"]:
        lacks = [name for name, value in row.items() if value is None and name not in ("reason", "note")]
        assert not lacks or all(f"{name}: " in row["reason"] for name in lacks), row


def test_equal_answers_are_said_in_a_note(tmp_path: Path) -> None:
    rows = _asked(tmp_path, {"type": "svyciprop", "expression": "x > 0", "methods": ["beta", "mean"]})["results"]
    assert [row["ci"] for row in rows] == [pytest.approx([0.025 ** (1 / 12), 1.0]), [1.0, 1.0]]
    assert "that of 12 independent answers" in rows[0]["note"]
    assert "sees no uncertainty" in rows[1]["note"]


def test_a_lonely_stratum_is_an_error_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("stratum,psu,x\na,1,1\na,2,0\nb,3,1\n", encoding="utf-8")
    source = {"data": ["rows.csv"], "design": DESIGN, "estimator": {"type": "svyciprop", "expression": "x == 1"}}
    with pytest.raises(DesignError, match="stratum b: found one PSU"):
        answer_of(parse_specification(json.dumps(source).encode(), "spec.json"), tmp_path)
