"""A study of an archive has the edition's figures, and every export of it, read back, gives the same (E10)."""

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from analysis.archive import Archive
from analysis.errors import SpecError
from analysis.release.computing import compute_edition
from analysis.study import Results, Study
from support.archives import Row, archive_at, contents_of, tabulated
from support.ratings import rated_archive
from support.study_archives import WARDS, write_study_archive
from survey.exporting import export_archive

pytestmark = pytest.mark.slow

# The file that a study is read from, and the codebook beside it where the file has none.
EXPORTS = {
    "csv": ("responses.csv", "codebook.csv"),
    "xlsx": ("responses.xlsx", None),
    "parquet": ("responses.parquet", None),
    "sav": ("responses.sav", None),
    "dta": ("responses.dta", None),
    "ddi": ("codebook.xml", None),
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Archive]:
    path = tmp_path_factory.mktemp("study") / "archive"
    return path, write_study_archive(path)


def answers(study: Study, language: str) -> list[Results]:
    """Questions to scales, yes and no, numbers, bands, categories, and domains of two columns."""
    sex = {"vi": "Nam", "en": "Male"}[language]
    code = next(code for code, label in study.columns["sex"].labels.items() if label == sex)
    condition = f"sex == {code}" if code.isdigit() else f"sex == '{code}'"
    return [
        study.mean("seats", "polite", "age", "channels_website", by="unit"),
        study.mean("sex", by="unit", factors="sex"),
        study.total("channels_officials", "adults"),
        study.proportion("polite >= 4", by=["unit", "sex"], methods="logit", label="polite"),
        study.where(condition).index({"seats": 0.5, "polite": 0.25, "fees": 0.25}, by="unit", label="index"),
        study.quantile("age", by="unit"),
        study.chisq("sex", "unit"),
        study.ordinal("seats ~ age"),
        study.rank_sets(["seats", "polite"], "unit"),
    ]


@pytest.mark.parametrize("kind", EXPORTS)
def test_an_export_read_back_gives_the_estimates_of_the_archive(
    archive: tuple[Path, Archive], tmp_path: Path, kind: str
) -> None:
    file, codebook = EXPORTS[kind]
    language = "en" if kind in ("sav", "ddi") else "vi"
    export_archive(archive[0], kind, tmp_path, language)
    of_archive = Study.read(archive[0], language=language)
    again = Study.read(
        tmp_path / file,
        of_archive.design,
        codebook=None if codebook is None else tmp_path / codebook,
        language=language,
    )
    for expected, found in zip(answers(of_archive, language), answers(again, language), strict=True):
        # Programs of numbers have numbers for codes: "sex1" for "sexfemale". Labels are the same.
        frames = [
            one.frame().drop(columns="statistic" if "label" in one.frame().columns else []) for one in (expected, found)
        ]
        pd.testing.assert_frame_equal(frames[1], frames[0], rtol=1e-9)
    assert again.columns["polite"].text == of_archive.columns["polite"].text
    assert again.columns["polite"].label("5") == of_archive.columns["polite"].label("5")


def test_the_figures_of_the_archive_are_those_of_its_edition(archive: tuple[Path, Archive]) -> None:
    edition = compute_edition(archive[1], published_on=date(2026, 11, 23), public_url=None)
    study = Study.read(archive[1])
    rows = {(row.unit, row.node): row for row in edition.estimates}
    for node in ("index", "officials", "polite"):
        for row in study.index(node, by="unit").rows:
            published = rows[row["domain"].get("unit", "all"), node]
            if published.suppressed:
                continue
            # Figures are published to the plan's digits.
            assert row["estimate"] == pytest.approx(published.estimate, abs=0.051)
            assert row["se"] == pytest.approx(published.se, abs=0.0051)
            assert row["df"] == published.df
    found = study.rank_sets("index", "unit", decimals=edition.plan.decimals).frame(labels=False).set_index("unit")
    assert len(edition.ranks) == len(WARDS)
    for rank in edition.ranks:
        assert found.loc[rank.unit, ["rank", "rank_low", "rank_high", "own_low", "own_high"]].tolist() == [
            rank.rank,
            rank.rank_low,
            rank.rank_high,
            rank.own_low,
            rank.own_high,
        ]


def test_answers_from_an_open_link_are_not_in_it_and_full_counts_have_no_error(tmp_path: Path) -> None:
    answers = ["1", "2", "4", "5", "5", "3"]
    drawn: list[Row] = [(unit, answer, "4", answer) for unit in ("u1", "u2") for answer in answers]
    table = tabulated([*drawn, ("u1", "5", "5", "5")])
    place = table.schema.get_field_index("channel")
    channels = pa.array(["web"] * len(drawn) + ["open_link"])
    table = table.set_column(place, table.schema.field(place), channels)
    design = "design: 1\nstrata: [unit]\npopulation: {u1: 6, u2: 60}\nfpc: true\n"
    archive = archive_at(tmp_path / "archive", contents_of(table, blocs={"u1": "east", "u2": "east"}, design=design))
    study = Study.read(archive)
    found = study.index("index", by="unit").frame(labels=False).set_index("unit")
    assert found["n"].to_dict() == {"Tất cả": 12, "u1": 6, "u2": 6}
    assert study.weights().tolist() == [1.0] * 6 + [10.0] * 6
    assert found.loc["u1", "se"] == pytest.approx(0, abs=1e-9)
    assert found.loc["u2", "se"] > 1


def test_a_ballot_that_rates_several_units_is_a_cluster(tmp_path: Path) -> None:
    study = Study.read(rated_archive(tmp_path / "archive"))
    assert study.design["ids"] == ["ballot"]
    item = next(name for name, one in study.columns.items() if "5" in one.labels)
    covariance = study.mean(item, by="unit").covariance().to_numpy()
    # Who rates two units errs in both.
    assert (covariance[~np.eye(len(covariance), dtype=bool)] != 0).any()
    # Standardised scores are no means of anybody's answers.
    assert study.nodes == {}
    with pytest.raises(SpecError, match="its profile is standardised"):
        study.index("index", by="unit")


def test_another_profile_scores_otherwise(archive: tuple[Path, Archive]) -> None:
    share, rescaled = (Study.read(archive[1], profile=name) for name in (None, "rescaled_mean"))
    assert share.index("index").rows[0]["estimate"] != rescaled.index("index").rows[0]["estimate"]
    assert share.mean("polite").rows == rescaled.mean("polite").rows
    with pytest.raises(SpecError, match="found 'nothing', expected one of share_satisfied"):
        Study.read(archive[1], profile="nothing")


def test_a_part_of_the_design_may_be_replaced(archive: tuple[Path, Archive]) -> None:
    alike = Study.read(archive[1], {"ids": [], "strata": []})
    assert alike.design["weights"] == "weight"
    found, expected = (study.mean("polite").rows[0] for study in (alike, Study.read(archive[1])))
    assert found["estimate"] == pytest.approx(expected["estimate"])
    assert found["df"] > expected["df"]


def test_the_codebook_tells_what_columns_mean(archive: tuple[Path, Archive]) -> None:
    codebook = Study.read(archive[1]).codebook().set_index("column")
    assert "5 = Rất hài lòng" in codebook.loc["polite", "labels"]
    assert codebook.loc["unit", "labels"].startswith("06652 = Phường Hà Tu")


def test_a_code_that_no_codebook_knows_is_refused(archive: tuple[Path, Archive], tmp_path: Path) -> None:
    export_archive(archive[0], "csv", tmp_path)
    with (tmp_path / "responses.csv").open(newline="", encoding="utf-8-sig") as stream:
        header, first, *others = csv.reader(stream)
    first[header.index("sex")] = "x"
    with (tmp_path / "responses.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, first, *others])
    with pytest.raises(SpecError, match=r"responses\.csv: row 1, column sex: found 'x', expected one of"):
        Study.read(tmp_path / "responses.csv", codebook=tmp_path / "codebook.csv")
    with pytest.raises(SpecError, match=r"responses\.csv: found the columns"):
        Study.read(tmp_path / "responses.csv", codebook=tmp_path / "responses.csv")
