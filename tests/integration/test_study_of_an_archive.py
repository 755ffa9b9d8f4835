"""A study of an archive has the edition's figures, and every export of it, read back, gives the same (E10)."""

import csv
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis.archive import Archive
from analysis.errors import SpecError
from analysis.release.computing import compute_edition
from analysis.study import Results, Study
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
