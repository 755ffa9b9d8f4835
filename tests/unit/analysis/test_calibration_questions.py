"""Calibrated weights through `hailong estimate`: what meets known totals, and what is refused with its place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.command_line import Run, run

# Twelve people of two strata; `level` has a category too small to lose.
ROWS = "stratum,psu,w,sex,level,age,score\n" + "".join(
    f"s{i % 2},{i % 2}{i // 4},{10 + i},{'mf'[i % 3 == 0]},{'abc'[i % 3]},{20 + 3 * i},{50 + i * i % 17}\n"
    for i in range(12)
)
SEX = {"m": 130, "f": 70}
LEVEL = {"a": 80, "b": 50, "c": 70}
TOTALS = {"(Intercept)": 200, "sexm": 130, "age": 7400}
Ask = Callable[..., Run]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Ask about a calibration of a small table; keywords beside `kind` and `design` go into the estimator."""

    def asking(
        calibration: Any, kind: str | None = None, rows: str = ROWS, design: dict[str, Any] | None = None, **asked: Any
    ) -> Run:
        (tmp_path / "people.csv").write_text(rows, encoding="utf-8")
        described = {"ids": ["psu"], "strata": ["stratum"], "weights": "w", "calibration": calibration}
        method = calibration.get("method") if isinstance(calibration, dict) else None
        named = {"type": kind or method or "rake", "variables": ["score"], **asked}
        estimator = {key: value for key, value in named.items() if value is not None}
        spec = {"data": ["people.csv"], "design": {**described, **(design or {})}, "estimator": estimator}
        (tmp_path / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        return run({}, "estimate", tmp_path / "spec.json")

    return asking


def _answer(found: Run) -> dict[str, Any]:
    assert (found.exit_code, found.errors) == (0, "")
    answer: dict[str, Any] = json.loads(found.output)
    return answer


def test_raked_weights_meet_every_margin_and_tell_how_far_they_moved(ask: Ask) -> None:
    found = _answer(ask({"method": "rake", "margins": {"sex": SEX, "stratum": {"s0": 95, "s1": 105}}}, by=["sex"]))
    weights, lines = found["extra"]["calibrated_weights"], [row.split(",") for row in ROWS.splitlines()[1:]]
    for column, totals in ((3, SEX), (0, {"s0": 95, "s1": 105})):
        for label, total in totals.items():
            met = sum(weight for weight, line in zip(weights, lines, strict=True) if line[column] == label)
            assert met == pytest.approx(total, rel=1e-9)
    told = found["extra"]["diagnostics"]
    factors = [weight / float(line[2]) for weight, line in zip(weights, lines, strict=True)]
    assert (told["g_lowest"], told["g_highest"]) == pytest.approx((min(factors), max(factors)))
    assert told["kish_deff"] == pytest.approx(1 + told["weight_cv"] ** 2)
    assert [row["domain"] for row in found["results"]] == [{}, {}, {"sex": "f"}, {"sex": "m"}]


def test_a_margin_of_two_columns_is_written_nested_or_joined(ask: Ask) -> None:
    rows = ROWS.replace(",b,", ",a,")
    nested = {"f": {"a": 60}, "m": {"a": 70, "c": 70}}
    rows = "\n".join(line.replace(",f,c,", ",f,a,") for line in rows.splitlines()) + "\n"
    joined = {f"{sex}:{level}": total for sex, totals in nested.items() for level, total in totals.items()}
    margin = {"method": "postStratify", "margins": {"sex:level": nested}}
    found = _answer(ask(margin, rows=rows))
    assert found == _answer(ask({"method": "postStratify", "margins": {"sex:level": joined}}, rows=rows))


def test_totals_may_leave_out_another_category(ask: Ask) -> None:
    ours = _answer(ask({"method": "calibrate", "formula": "~ sex + age", "totals": TOTALS}))
    theirs = {"(Intercept)": 200, "sexf": 70, "age": 7400}
    again = _answer(ask({"method": "calibrate", "formula": "~ sex + age", "totals": theirs}))
    assert again["extra"]["calibrated_weights"] == pytest.approx(ours["extra"]["calibrated_weights"], rel=1e-9)


def test_calibrations_follow_one_another(ask: Ask) -> None:
    first = {"method": "postStratify", "margins": {"sex": SEX}}
    found = _answer(ask({"method": "trimWeights", "after": first, "lower": 12, "upper": 22, "strict": True}))
    weights = found["extra"]["calibrated_weights"]
    assert sum(weights) == pytest.approx(200)
    assert 12 - 1e-9 <= min(weights) <= max(weights) <= 22 + 1e-9


def test_a_weight_below_zero_is_told(ask: Ask) -> None:
    totals = {"(Intercept)": 200, "age": 4700}
    found = _answer(ask({"method": "calibrate", "formula": "~age", "totals": totals}))
    assert found["extra"]["diagnostics"]["n_not_above_0"] > 0
    assert "calibrated weights are not above 0" in found["extra"]["diagnostics"]["caution"]


def test_what_weights_below_zero_leave_no_sense_to_is_refused_or_has_a_reason(ask: Ask) -> None:
    far = {"method": "calibrate", "formula": "~sex+age", "totals": {**TOTALS, "age": 9000}}
    quantiles = ask(far, kind="svyquantile", quantiles=[0.5], design={"weights": "w"})
    assert (quantiles.exit_code, quantiles.output) == (2, "")
    assert "expected weights above 0 (as bounds make them)" in quantiles.errors
    rows = _answer(
        ask(far, kind="svyciprop", variables=None, expression="score > 55", methods=["mean", "beta", "likelihood"])
    )["results"]
    assert all(row["ci"] != [None, None] or "weights below 0" in row["reason"] for row in rows)
    assert rows[2]["ci"] == [None, None]


@pytest.mark.parametrize(
    ("calibration", "expected"),
    [
        (
            {"method": "rake", "after": {"method": "poststratify"}},
            'after.method: found "poststratify", expected one of',
        ),
        ({"margins": {}}, "design.calibration.method: found null, expected one of postStratify"),
        ([], "design.calibration: found [], expected keys with values"),
        ({"method": "rake", "margin": {}}, "design.calibration: found the unknown key margin"),
        ({"method": "rake", "margins": {"sex": SEX}, "control": {"eps": 1}}, "control: found the unknown key eps"),
        ({"method": "rake", "margins": {"sex": SEX}, "control": {"maxit": 0.5}}, "maxit: found 0.5, expected a whole"),
        ({"method": "rake", "margins": {}}, "margins: found nothing, expected the known totals"),
        ({"method": "rake", "margins": {"sex": {"m": -1, "f": 5}}}, "margins.sex.m: found -1, expected a number of"),
        ({"method": "rake", "margins": {"sex": {"m": True, "f": 5}}}, "margins.sex.m: found true, expected a number"),
        ({"method": "postStratify", "margins": {"sex": SEX, "level": LEVEL}}, "found 2 margins, expected one"),
        ({"method": "postStratify", "margins": {"gender": SEX}}, "found no column gender, expected it among"),
        (
            {"method": "postStratify", "margins": {"sex": {"m": 100}}},
            "margin sex: found 4 rows of the category f, which",
        ),
        (
            {"method": "postStratify", "margins": {"sex": {**SEX, "x": 5}}},
            "found nobody in the category x, which has 5",
        ),
        (
            {"method": "rake", "margins": {"sex": SEX, "level": {**LEVEL, "a": 90}}},
            "margins: found 200 people in sex and 210 in level, expected the same sum",
        ),
        (
            {"method": "rake", "margins": {"sex": SEX, "level": {"a": 20, "b": 100, "c": 80}}},
            "found totals that the weights do not meet together with the other margins",
        ),
        ({"method": "calibrate", "totals": TOTALS}, "formula: found nothing, expected a formula such as"),
        ({"method": "calibrate", "formula": "~sex"}, "totals: found nothing, expected the total of each column"),
        ({"method": "calibrate", "formula": "score~sex", "totals": TOTALS}, "expected nothing before the ~"),
        (
            {"method": "calibrate", "formula": "~sex+age", "totals": {"(Intercept)": 200, "age": 7400}},
            "design.calibration.totals: found (Intercept), age, expected (Intercept), sexm, age",
        ),
        (
            {"method": "calibrate", "formula": "~sex", "totals": {"(Intercept)": 200, "sexm": "many"}},
            'totals.sexm: found "many", expected a number',
        ),
        (
            {"method": "calibrate", "formula": "~sex+age", "totals": TOTALS, "calfun": "cubic"},
            'calfun: found "cubic", expected one of linear, raking, logit',
        ),
        (
            {"method": "calibrate", "formula": "~sex+age", "totals": TOTALS, "bounds": [1.1, 2]},
            "bounds: found [1.1, 2], expected a number below 1 and one above 1",
        ),
        (
            {"method": "calibrate", "formula": "~sex+age", "totals": TOTALS, "calfun": "logit"},
            "bounds: found null, expected two numbers",
        ),
        (
            {"method": "calibrate", "formula": "~sex+age", "totals": {**TOTALS, "age": 9000}, "bounds": [0.9, 1.2]},
            "found no weights with factors between 0.9 and 1.2 that meet the total",
        ),
        (
            {"method": "calibrate", "formula": "~sex+I(2*age)+age", "totals": {**TOTALS, "I(2 * age)": 9000}},
            "calibration: found no weights that meet the total",
        ),
        (
            {"method": "calibrate", "formula": "~sex+age", "totals": TOTALS, "aggregate_stage": 3},
            "aggregate_stage: found 3, expected one of 1 stages",
        ),
        ({"method": "trimWeights"}, "found neither lower nor upper"),
        ({"method": "trimWeights", "lower": 30, "upper": 20}, "expected lower below upper"),
        ({"method": "trimWeights", "lower": 30}, "found every weight outside 30 to inf"),
        ({"method": "trimWeights", "lower": 17, "upper": 18, "strict": True}, "trimming: found"),
        (
            {"method": "trimWeights", "upper": 20, "after": "rake"},
            'after: found "rake", expected a calibration, or words',
        ),
        (
            {"method": "trimWeights", "upper": 20, "after": "calibrate linear ~sex"},
            "without its totals, expected `totals` beside it",
        ),
        ({"method": "trimWeights", "upper": 20, "after": {"method": "rake"}}, "after.margins: found nothing"),
        ({"method": "svystandardize", "by": "level", "population": [1, 2]}, "found 2 shares of a, b, c"),
        ({"method": "svystandardize", "by": "level", "population": [1, -2, 1]}, "population: found [1, -2, 1]"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(ask: Ask, calibration: Any, expected: str) -> None:
    found = ask(calibration)
    assert (found.exit_code, found.output) == (2, "")
    assert expected in found.errors
    assert len(found.errors.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"kind": "calibrate"}, "design.calibration.method: found rake, expected calibrate"),
        ({"kind": "rep_rake"}, "design.replicates: found nothing, expected replicate weights"),
        ({"rows": ROWS.replace(",m,b,", ",,b,", 1)}, "row 2, column sex: found no value"),
        ({"quantiles": 0.5}, "estimator: found the unknown key quantiles"),
        ({"design": {"replicates_file": "none.csv"}}, "none.csv"),
    ],
)
def test_a_question_that_does_not_fit_its_calibration_is_refused(
    ask: Ask, changed: dict[str, Any], expected: str
) -> None:
    found = ask({"method": "rake", "margins": {"sex": SEX}}, **changed)
    assert (found.exit_code, found.output) == (2, "")
    assert expected in found.errors


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        ({"type": "domain_difference", "variables": ["score"], "by": ["sex"]}, "estimator.pairs: found null, expected"),
        (
            {"type": "domain_difference", "variables": ["score"], "by": ["sex"], "pairs": [["m", "x"]]},
            'estimator.pairs: found "x", expected domains with answers among f, m',
        ),
        (
            {"type": "domain_difference", "variables": ["score"], "by": ["sex"], "pairs": [["m", "m"]]},
            "expected two different domains",
        ),
        (
            {"type": "domain_difference", "variables": ["sex"], "by": ["level"], "pairs": [["a", "b"]]},
            "found the categories of sex, expected numbers",
        ),
        ({"type": "domain_vs_rest", "variables": ["score"], "by": []}, "estimator.by: found nothing"),
        (
            {"type": "composite_index", "items": ["score", "age"], "coefficients": [1]},
            "estimator.coefficients: found 1 numbers, expected 2, one an item",
        ),
        (
            {"type": "composite_index", "items": ["score"], "coefficients": [1], "item_transform": {"add": 1}},
            "estimator.item_transform: found the unknown key add",
        ),
        ({"type": "svyvar", "variables": ["sex"]}, "column sex: found 'f', expected a number"),
    ],
)
def test_a_comparison_that_cannot_be_is_refused(tmp_path: Path, estimator: dict[str, Any], expected: str) -> None:
    (tmp_path / "people.csv").write_text(ROWS, encoding="utf-8")
    design = {"ids": ["psu"], "strata": ["stratum"], "weights": "w"}
    spec = {"data": ["people.csv"], "design": design, "estimator": estimator}
    (tmp_path / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    found = run({}, "estimate", tmp_path / "spec.json")
    assert (found.exit_code, found.output) == (2, "")
    assert expected in found.errors
