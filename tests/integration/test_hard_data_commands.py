"""Hard data on the command line: given, wanted, and refused (W6)."""

from pathlib import Path

import pytest

from support.command_line import RunHailong, environment_of_settings, run
from support.standardised import PLAN, rows_of, standardised_archive

FIGURES = "unit,indicator,value,source\nu1,h,10,report\nu2,h,30,\nu3,h,20,\nv1,h,5,\n"
ANSWERS = {
    "u1": (("1", "2", "5"), ("3", "4", "3")),
    "u2": (("2", "1", "1"), ("4", "3", "3")),
    "u3": (("3", "5", "2"), ("5", "3", "4")),
    "v1": (("3", "3", "3"), ("5", "1", "2")),
}


@pytest.fixture
def run_hailong(tmp_path: Path) -> RunHailong:
    return lambda *words: run(environment_of_settings(tmp_path / "var", None), *words)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    rows = rows_of(ANSWERS, dict.fromkeys(ANSWERS, 30))
    standardised_archive(tmp_path / "archive", rows, plan=f"{PLAN}profile: with_hard\n")
    return tmp_path / "archive"


def test_an_archive_is_analysed_with_its_figures(run_hailong: RunHailong, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "figures.csv").write_text(FIGURES, encoding="utf-8")
    done = run_hailong("analyse", archive, "--hard-data", tmp_path / "figures.csv", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.errors
    estimates = (tmp_path / "out" / "estimates.csv").read_text(encoding="utf-8")
    assert ",u2,h,Số liệu h,10.0,0.0,10.0,10.0,0.95,hard," in estimates


def test_figures_that_are_wanted_and_not_given_are_asked_for(
    run_hailong: RunHailong, archive: Path, tmp_path: Path
) -> None:
    done = run_hailong("analyse", archive, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "the profile with_hard: found no hard data, expected a file" in done.errors
    assert "--hard-data FILE" in done.errors
    assert not (tmp_path / "out").exists()


def test_a_figure_of_a_unit_that_is_not_rated_is_named_with_its_line(
    run_hailong: RunHailong, archive: Path, tmp_path: Path
) -> None:
    (tmp_path / "figures.csv").write_text(FIGURES.replace("u3", "u7"), encoding="utf-8")
    done = run_hailong("analyse", archive, "--hard-data", tmp_path / "figures.csv", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "figures.csv, line 4, unit: found 'u7', expected one of the round's" in done.errors
    assert not (tmp_path / "out").exists()
