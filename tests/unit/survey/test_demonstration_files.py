"""The files beside the demonstration's registry fit the questionnaires and the units that they are for (W1, W4)."""

import datetime as dt
from pathlib import Path

import pytest

import survey.demonstration
from analysis.release.hard_data import parse_hard_data
from analysis.release.plan import parse_plan, refuse_indiscreet
from analysis.release.round_design import parse_design
from questionnaires.library import load_bundled
from survey.notices import read_notice
from survey.unit_files import UnitRow, bloc_code_of, read_procedures, read_units

FOLDER = Path(survey.demonstration.__file__).parent / "quang_ninh"
LOCALITIES = ("ward", "commune", "special_zone")
DAY = dt.date(2026, 7, 1)


@pytest.fixture(scope="module")
def units() -> dict[str, UnitRow]:
    rows = read_units(FOLDER / "units.csv")
    return {row.code: row for row in rows if row.valid_to is None or row.valid_to >= DAY}


def test_the_codes_of_blocs_are_those_that_their_names_give_and_all_have_english_names(units: dict[str, UnitRow]):
    for row in read_units(FOLDER / "units.csv"):
        assert row.bloc_code == bloc_code_of(row.bloc_name)
        assert row.bloc_name_en.isascii()
        assert row.bloc_name_en
    english = {(row.bloc_name, row.bloc_name_en) for row in units.values()}
    assert len(english) == len({name for name, _ in english})


def test_every_procedure_is_one_of_a_unit_that_still_is(units: dict[str, UnitRow]):
    rows = read_procedures(FOLDER / "procedures.csv")
    assert len(rows) >= 40
    assert all(row.name_en for row in rows)
    localities = "kind=" + ",".join(LOCALITIES)
    assert {row.unit for row in rows} - {localities} <= units.keys()
    assert sum(row.unit == localities for row in rows) >= 20


def test_the_registry_has_fifty_four_localities(units: dict[str, UnitRow]):
    assert sum(row.kind in LOCALITIES for row in units.values()) == 54


def test_the_design_of_businesses_counts_the_ballot_as_the_cluster():
    questionnaire = load_bundled("ddci/departments-2024.1")
    design = parse_design((FOLDER / "ddci-design.yaml").read_bytes(), "ddci-design.yaml", questionnaire)
    assert design.clusters == ("ballot",)
    assert design.columns == ("stratum",)
    assert {cell.stratum for cell in design.cells} <= {"company", "cooperative", "household"}


@pytest.mark.parametrize(
    ("name", "reference", "profile"),
    [
        ("ddci-plan.yaml", "ddci/departments-2024.1", "ddci"),
        ("ddci-plan.yaml", "ddci/communes-2024.1", "ddci"),
        ("ddci-plan-hard.yaml", "ddci/departments-2024.1", "ddci_with_hard"),
        ("sipas-plan.yaml", "sipas/2023.1", "share_satisfied"),
    ],
)
def test_a_plan_names_a_profile_of_its_questionnaire_and_shows_nobody(name: str, reference: str, profile: str):
    plan = parse_plan((FOLDER / name).read_bytes(), name)
    refuse_indiscreet(plan, name)
    assert plan.profile_for(load_bundled(reference)) == profile


def test_hard_data_has_every_indicator_of_every_unit_in_the_two_blocs_and_says_that_it_is_made_up(
    units: dict[str, UnitRow],
):
    hard = parse_hard_data((FOLDER / "hard.csv").read_bytes(), "hard.csv")
    blocs = {"khoi-so-ban-nganh", "khoi-co-quan-trung-uong"}
    rated = {code for code, row in units.items() if row.bloc_code in blocs}
    indicators = {node.code for node in load_bundled("ddci/departments-2024.1").nodes("ddci_with_hard") if node.hard}
    assert {(row.unit, row.indicator) for row in hard.rows} == {(code, one) for code in rated for one in indicators}
    assert all(0 <= row.value <= 100 and "invented" in row.source for row in hard.rows)


@pytest.mark.parametrize("name", ["notice.yaml", "ddci-notice.yaml", "sipas-notice.yaml"])
def test_a_notice_says_in_both_languages_that_it_is_a_demonstration(name: str):
    notice = read_notice(FOLDER / name)
    assert notice.title is not None
    assert "trình diễn" in notice.title.vi
    assert "demonstration" in notice.title.en
    assert "giả định" in notice.decision
    assert "giả định" in notice.hotline
