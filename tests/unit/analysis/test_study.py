"""A study answers every question as the command does, as frames in which nothing is missing without a reason (E10)."""

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from analysis.errors import AnalysisError, DesignError, SpecError
from analysis.estimation.design import SurveyDesign
from analysis.study import Results, Study
from support.command_line import run
from support.oracle import GOLDEN, differences, read
from support.study_cases import asked

DATA = GOLDEN / "oracle" / "data"
CLUSTERS = {"ids": ["dnum"], "weights": "pw", "fpc": ["fpc"]}

# One case of each kind, with and without replicates.
CASES = (
    "api_clus2_nofpc__by__stype__mean__api00",
    "api_clus2_nofpc__total__enroll",
    "api_clus1_nofpc__ratio__api.stu__over__enroll",
    "api_clus1_nofpc__var__api00",
    "api_clus2_fpc__quantile__api00__math__beta",
    "api_srs_nofpc__ciprop__schwide",
    "rep_JK1_clus1__diff__stype__api00",
    "api_clus1_fpc__versus_rest__stype__api00",
    "bfi__index__five_items_weighted",
    "api_clus2_nofpc__chisq__sch.wide__stype",
    "api_clus1_nofpc__ttest__api00__comp.imp",
    "api_clus2_fpc__ranktest__api00__comp.imp",
    "api_srs_fpc__glm__gaussian__api00_ell_meals_mobility",
    "bfi__olr__A3f_gender_age",
    "bfi_N__alpha",
    "bfi__svycralpha__5__items__C1",
    "bfi_25__omega",
    "counties__fay_herriot__PM",
    "mc__p_adjust",
    "cal_poststrat_srs_fpc",
    "cal_rake_clus1_fpc",
    "cal_linear_clus1_nofpc",
    "std_direct_nhanes",
    "rep_BRR_scd__mean__arrests",
    "rep_BRR_scd__total__alive",
    "rep_BRR_scd__ratio__alive__over__arrests",
    "rep_JK1_clus1__quantile__api00",
    "repcal_linear_JK1_clus1",
    "repcal_poststrat_JK1_clus1",
    "repcal_rake_JK1_clus1",
)
TRIMMED = "cal_trim_belgium"
# What takes a hundredth of a second stands in the gate.
QUICK = (*CASES[3:6], CASES[6], *CASES[9:14], CASES[15], CASES[17], CASES[18], CASES[20], CASES[24])


def assert_reasoned(results: Results) -> None:
    """No number is missing without a reason that names its column."""
    table = results.frame()
    for _, row in table.iterrows():
        for name in ("estimate", "se", "low", "high", "df", "n", "deff"):
            if pd.isna(row[name]):
                assert any(name in part.split(": ")[0] for part in row["reason"].split("; ")), (name, row["reason"])


@pytest.fixture
def schools() -> Study:
    return Study.read(DATA / "apiclus1.csv", CLUSTERS)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CASES]
)
def test_a_method_answers_as_r_does(name: str) -> None:
    case = read(GOLDEN / "oracle" / "expected" / f"{name}.json")
    found = asked(case, "oracle")
    # Through JSON: an answer has no number that a file could not hold.
    assert list(differences(case, json.loads(json.dumps(found.answer, allow_nan=False)))) == []
    assert_reasoned(found)


@pytest.mark.slow
def test_trimmed_weights_are_those_of_r() -> None:
    case = read(GOLDEN / "further" / "expected" / f"{TRIMMED}.json")
    assert list(differences(case, asked(case, "further").answer)) == []


def test_a_study_and_the_command_give_the_same_answer(schools: Study, tmp_path: Path) -> None:
    found = schools.where("enroll > 200").mean("api00", "api99", by="stype")
    (tmp_path / "spec.json").write_text(json.dumps(found.specification), encoding="utf-8")
    done = run({}, "estimate", tmp_path / "spec.json", "--data", DATA)
    assert json.loads(done.output) == json.loads(json.dumps(found.answer))


@pytest.mark.slow
def test_a_frame_a_table_and_a_file_give_the_same(schools: Study, tmp_path: Path) -> None:
    frame = pd.read_csv(DATA / "apiclus1.csv")
    table = pa.Table.from_pandas(frame)
    frame.to_parquet(tmp_path / "schools.parquet")
    design = SurveyDesign(clusters=("dnum",), weight="pw", fpc=("fpc",))
    expected = schools.mean("api00", by="stype").frame()
    for source in (frame, table, {name: frame[name].to_numpy() for name in frame}, tmp_path / "schools.parquet"):
        pd.testing.assert_frame_equal(
            Study.read(source, design).mean("api00", by="stype").frame(), expected, rtol=1e-12
        )
    assert schools.to_pandas().shape[0] == len(frame)


def test_a_named_index_is_a_column() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 4.0]}, index=pd.Index(["a", "a", "b", "b"], name="place"))
    found = Study.read(frame).mean("y", by="place").frame()
    assert found[["place", "estimate"]].to_numpy().tolist() == [["a", 1.5], ["b", 3.5]]


def test_two_conditions_hold_both(schools: Study) -> None:
    once = schools.where("enroll > 200 & stype == 'E'").mean("api00")
    assert schools.where("enroll > 200").where("stype == 'E'").mean("api00").rows == once.rows


def test_calibrations_follow_one_another(schools: Study) -> None:
    totals = {"E": 4421.0, "H": 755.0, "M": 1018.0}
    stratified = schools.poststratify("stype", totals)
    assert stratified.weights().sum() == pytest.approx(6194)
    trimmed = stratified.trim(upper=45.0)
    assert trimmed.design["calibration"]["after"] == stratified.design["calibration"]
    assert trimmed.weights().max() == pytest.approx(45.0)
    assert trimmed.weight_diagnostics()["weight_highest"] == pytest.approx(45.0)
    # A study is a value: none of this changed the first one.
    assert "calibration" not in schools.design


def test_replicates_are_made_from_the_design(schools: Study) -> None:
    # A total is linear, so that the jackknife, which knows no finite populations, is the linearised variance.
    endless = Study.read(schools.to_pandas(), {"ids": "dnum", "weights": "pw"})
    linear, jackknife = (study.total("enroll").rows[0] for study in (endless, endless.with_replicates("JK1")))
    assert jackknife["se"] == pytest.approx(linear["se"], rel=1e-9)


def test_totals_may_be_a_pandas_series(schools: Study) -> None:
    totals = pd.Series({"E": 4421, "H": 755, "M": 1018})
    assert schools.rake({"stype": totals}).weights().sum() == pytest.approx(6194)


def test_alpha_has_its_interval_in_its_row() -> None:
    study = Study.read(DATA / "bfi_design.csv", {"ids": "psu", "strata": "stratum", "weights": "w", "nest": True})
    found = study.alpha("C1", "C2", "C3", "C4", "C5", keys=["C4", "C5"])
    row = found.frame().iloc[0]
    assert row["low"] < row["estimate"] < row["high"]
    assert row["method"] == "log_t"
    assert row["se"] == found.extra["se"]


def test_all_pairs_are_compared_and_their_p_values_adjusted(schools: Study) -> None:
    found = schools.difference("api00", "stype")
    assert [row["statistic"] for row in found.rows] == ["E - H", "E - M", "H - M"]
    adjusted = found.with_adjusted_p("bonferroni").frame()
    assert adjusted["p_adjusted"].tolist() == np.minimum(3 * adjusted["p_value_t"], 1).tolist()
    with pytest.raises(SpecError, match="no p values"):
        schools.mean("api00").with_adjusted_p()
    with pytest.raises(SpecError, match="the method 'tukey'"):
        found.with_adjusted_p("tukey")


def test_a_domain_against_the_rest_is_tested(schools: Study) -> None:
    rest = schools.against_rest("api00", "stype").frame().set_index("stype")
    # Of two domains each is the other's rest.
    two = schools.where("stype != 'H'")
    against, difference = two.against_rest("api00", "stype").rows[0], two.difference("api00", "stype").rows[0]
    assert against["p_value_t"] == pytest.approx(difference["p_value_t"])
    assert rest["t"].to_numpy() == pytest.approx((rest["estimate"] / rest["se"]).to_numpy())


def test_every_missing_number_has_its_reason() -> None:
    frame = pd.DataFrame(
        {
            "y": [1.0, 2.0, None, None, 5.0, 5.0, 3.0],
            "g": ["a", "a", "b", "b", "c", "c", "d"],
            "psu": [1, 2, 1, 2, 1, 2, 3],
        }
    )
    study = Study.read(frame, {"ids": ["psu"]})
    for found in (study.mean("y", by="g"), study.variance("y", by="g"), study.proportion("y > 2", by="g")):
        assert_reasoned(found)
    means = study.mean("y", by="g").frame().set_index("g")
    assert "no row answered" in means.loc["b", "reason"]
    # One cluster is no certainty: an error of 0 without a degree of freedom has no interval.
    assert "low, high: 0 degrees of freedom are left" in means.loc["d", "reason"]


def test_a_domain_may_be_called_like_a_number(schools: Study) -> None:
    frame = schools.to_pandas().rename(columns={"stype": "n"})
    found = Study.read(frame, CLUSTERS).mean("api00", by="n").frame()
    assert found["n (domain)"].tolist() == ["E", "H", "M"]
    assert found["n"].sum() == 183


def test_the_covariance_is_named(schools: Study) -> None:
    found = schools.mean("api00", by="stype")
    covariance = found.covariance()
    assert list(covariance.columns) == ["E", "H", "M"]
    assert np.sqrt(np.diag(covariance)) == pytest.approx(found.frame()["se"].to_numpy())
    assert schools.quantile("api00").covariance() is None


@pytest.mark.slow
def test_ranks_rest_on_the_errors_that_the_index_has(schools: Study) -> None:
    items = {"api00": 0.6, "api99": 0.4}
    totals = {"E": 4421.0, "H": 755.0, "M": 1018.0}
    for study in (schools, schools.poststratify("stype", totals), schools.with_replicates("JK1", mse=True)):
        ranks, index = study.rank_sets(items, "stype"), study.index(items, by="stype")
        both = ranks.frame().merge(index.frame(), on="stype", suffixes=("", "_of_index"))
        for name in ("estimate", "df", "n"):
            assert both[name].tolist() == pytest.approx(both[f"{name}_of_index"].tolist())
        assert both["se"].tolist() == pytest.approx(both["se_of_index"].tolist(), rel=1e-9)
        assert (both["rank_low"] <= both["own_low"]).all()
        assert (both["own_low"] <= both["rank"]).all()
        assert (both["rank"] <= both["own_high"]).all()
        assert (both["own_high"] <= both["rank_high"]).all()
        assert_reasoned(ranks)
    # Schools of a district are in several domains, so that these err together.
    assert schools.rank_sets(items, "stype").covariance().to_numpy()[0, 1] != 0


def test_what_cannot_be_ranked_is_told() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, 3.0, 3.0], "g": ["a", "a", "b", "b", "c", "c"]})
    found = Study.read(frame).rank_sets({"y": 1.0}, "g").frame().set_index("g")
    assert found["rank"].fillna(0).to_dict() == {"a": 2, "b": 1, "c": 0}
    assert "no spread" in found.loc["c", "reason"]
    with pytest.raises(SpecError, match="found 1 domains"):
        Study.read(frame).where("g != 'a'").rank_sets({"y": 1.0}, "g")


def test_no_text_of_a_file_becomes_a_formula(tmp_path: Path) -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 4.0], "place": ["=1+1", "=1+1", "Hà Tu", "Hà Tu"]})
    found = Study.read(frame).mean("y", by="place")
    found.to_csv(tmp_path / "r.csv")
    found.to_excel(tmp_path / "r.xlsx")
    text = (tmp_path / "r.csv").read_text(encoding="utf-8-sig")
    assert "'=1+1" in text
    assert "Hà Tu" in text
    cells = [cell for row in openpyxl.load_workbook(tmp_path / "r.xlsx").active.iter_rows() for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    assert {cell.value for cell in cells} >= {"'=1+1", "Hà Tu", 1.5}


def test_a_notebook_shows_a_table(schools: Study) -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 4.0], "place": ["<b>x</b>", "<b>x</b>", "b", "b"]})
    shown = Study.read(frame).mean("y", by="place")._repr_html_()
    assert "<b>x" not in shown
    assert "&lt;b&gt;x" in shown
    assert "svymean" in schools.mean("api00")._repr_html_()
    assert "ids: ['dnum']" in repr(schools)
    assert "api00" in repr(schools.mean("api00"))


@pytest.mark.slow
def test_a_drawing_has_every_letter_and_leaves_settings_alone(tmp_path: Path) -> None:
    import matplotlib

    places = ["Phường Hà Tu", "Xã Vĩnh Thực", "Ường ỡ ẵ ợ ự Đ $x_1$", "Không ai trả lời"]
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 4.5, 5.0, 5.2, None, None], "place": np.repeat(places, 2)})
    before = dict(matplotlib.rcParams)
    found = Study.read(frame).index({"y": 1.0}, by="place")
    with warnings.catch_warnings():
        # A letter that the font lacks is a warning.
        warnings.simplefilter("error")
        drawing = found.plot(title="Chỉ số theo nơi")
        assert drawing._repr_png_().startswith(b"\x89PNG")
        drawing.save(tmp_path / "places.svg")
    assert dict(matplotlib.rcParams) == before
    axes = drawing.figure.axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    # The highest first; whom nobody answered for stands last, with the reason.
    assert labels[0].startswith("Ường")
    assert labels[-1] == "Không ai trả lời"
    assert "no row answered" in axes.texts[0].get_text()
    assert len(labels) == 4
    with pytest.raises(AnalysisError, match="found 0 rows"):
        Results({"kind": "x", "ci_level": 0.95, "results": [], "vcov": None, "extra": None}, {}).plot()


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("nothing.csv", "found nothing, expected the folder of an archive"),
        (pd.DataFrame({1: [1.0]}), "found the column 1, expected names that are text"),
        (pd.DataFrame({"y": [1.0, "x"]}), "found no table"),
        ({"y": []}, "found no rows"),
        (DATA, "found another kind"),
    ],
)
def test_what_is_no_table_is_refused(source: Any, complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint):
        Study.read(source)


@pytest.mark.parametrize("ending", ["sav", "dta", "xlsx", "parquet", "xml"])
def test_a_broken_file_is_named(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"broken.{ending}").write_bytes(b"no such thing")
    with pytest.raises(SpecError, match=rf"^broken\.{ending}: "):
        Study.read(tmp_path / f"broken.{ending}")


@pytest.mark.parametrize(
    ("ask", "complaint"),
    [
        (lambda study: study.mean("nothing"), "found no column nothing"),
        (lambda study: study.ask("svymeans"), 'found "svymeans", supported are'),
        (lambda study: study.ask("svymean", variables="api00", bye="x"), "unknown key bye"),
        (lambda study: study.index("index"), "found the node 'index', expected columns"),
        (lambda study: study.index([]), "found no items"),
        (lambda study: study.difference("api00", "snum"), "found 183 domains"),
        (lambda study: study.poststratify("stype", {"E": 1.0}).mean("api00"), "stype"),
        (lambda study: study.with_replicates("JK9").mean("api00"), "JK9"),
    ],
)
def test_a_question_that_cannot_be_is_refused(schools: Study, ask: Any, complaint: str) -> None:
    with pytest.raises((SpecError, DesignError), match=complaint):
        ask(schools)


@pytest.mark.slow
def test_the_command_starts_without_what_a_notebook_needs() -> None:
    script = (
        "import sys, survey.cli, analysis.study; "
        "print([name for name in ('matplotlib', 'pandas', 'pyreadstat', 'IPython') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
