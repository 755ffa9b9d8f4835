"""What scorecards, leagues and the method annex say of standardised rounds, hard data, modules and several units."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.release.computing import compute_edition
from analysis.release.edition import Edition
from analysis.release.edition_folder import read_edition, write_edition
from analysis.release.hard_data import parse_hard_data
from analysis.release.rows import PublicAccountingRow
from analysis.scorecards.annex import compose_annex
from analysis.scorecards.content import Composer
from analysis.scorecards.drawing import index_bounds, line_bounds, whole_scale
from analysis.scorecards.layout import first_page, later_pages
from support.archives import SIGNER
from support.editions import FACTORS, make_edition
from support.ratings import rated_archive
from support.standardised import PLAN, rows_of, standardised_archive

# Each computes editions of standardised or several-unit rounds, which takes seconds.
pytestmark = pytest.mark.slow

DAY = dt.date(2026, 4, 1)
ANSWERS = {
    "u1": (("1", "2", "5"), ("3", "4", "3")),
    "u2": (("2", "1", "1"), ("4", "3", "3")),
    "u3": (("3", "5", "2"), ("5", "3", "4")),
    "v1": (("3", "3", "3"), ("5", "1", "2")),
}
HARD = b"unit,indicator,value,source\nu1,h,10,report\nu2,h,30.5,\nu3,h,20,report\nv1,h,5,\n"


def edition_of(folder: Path, profile: str, hard: bytes | None = None) -> Edition:
    rows = rows_of(ANSWERS, dict.fromkeys(ANSWERS, 40))
    archive = standardised_archive(folder / "archive", rows, plan=f"{PLAN}profile: {profile}\n")
    hard_data = None if hard is None else parse_hard_data(hard, "figures.csv")
    return compute_edition(archive, published_on=DAY, public_url=None, hard_data=hard_data)


@pytest.fixture(scope="module")
def banded(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    return edition_of(tmp_path_factory.mktemp("banded"), "std")


@pytest.fixture(scope="module")
def with_hard(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    return edition_of(tmp_path_factory.mktemp("hard"), "with_hard", HARD)


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    archive = rated_archive(tmp_path_factory.mktemp("rated") / "archive")
    return compute_edition(archive, published_on=DAY, public_url=None)


def test_lines_lie_on_the_scales_of_their_profile(banded: Edition, with_hard: Edition) -> None:
    card = Composer(banded).scorecard("u1")
    assert card.scale == (10.0, 100.0)
    assert {line.scale for line in card.lines} == {(1.0, 10.0)}
    assert whole_scale(card.lines) == (1.0, 4.0, 7.0, 10.0)
    assert set(line_bounds(card.lines)) <= {1.0, 4.0, 7.0, 10.0}
    thousand = Composer(with_hard).scorecard("u1")
    assert thousand.scale == (100.0, 1000.0)
    bounds = index_bounds(thousand.members, thousand.bloc_index, thousand.scale)
    assert bounds[-1] <= 1000
    assert bounds[0] <= min(member.figure.low or 0 for member in thousand.members)


def test_an_ordinary_edition_keeps_its_scale_from_0_to_100() -> None:
    card = Composer(make_edition(6)).scorecard("06652")
    assert card.scale == (0.0, 100.0)
    assert whole_scale(card.factors) == (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
    assert card.member.band is None
    assert card.modules == ()


def test_a_hard_criterion_has_its_source_and_no_interval(with_hard: Edition) -> None:
    lines = {line.code: line for line in Composer(with_hard).scorecard("u2").lines}
    hard = lines["h"]
    assert hard.figure.is_shown
    assert hard.figure.is_hard
    assert (hard.figure.low, hard.figure.high, hard.figure.n) == (None, None, None)
    assert (hard.hard_value, hard.hard_source) == (30.5, "")
    assert hard.verdict == "not_tested"
    assert lines["a"].hard_value is None
    assert [line.code for line in lines.values() if line.is_reversed] == ["c"]


def test_a_profile_without_hard_data_shows_no_hard_line(banded: Edition) -> None:
    assert "h" not in [line.code for line in Composer(banded).scorecard("u1").lines]


def test_a_unit_without_its_hard_figure_says_that_it_is_missing(tmp_path: Path) -> None:
    edition = edition_of(tmp_path, "with_hard", b"unit,indicator,value\nu1,h,10\nu3,h,20\nv1,h,5\n")
    card = Composer(edition).scorecard("u2")
    assert (card.member.figure.state, card.member.figure.reason) == ("absent", "no_hard_data")
    assert {line.code: line.figure.reason for line in card.lines}["h"] == "no_hard_data"


def test_an_index_has_its_band_and_those_of_its_interval(banded: Edition) -> None:
    for member in Composer(banded).league("east").ranked:
        assert member.band is not None
        assert member.band == banded.band_of(member.figure.value or 0)
        assert member.band_low is not None
        assert member.band_high is not None
        assert member.band_low.low <= member.band.low <= member.band_high.low


def test_answers_to_a_reversed_question_run_from_the_worst_too(banded: Edition) -> None:
    groups = Composer(banded).scorecard("u1").distributions
    orders = {
        spread.number: [option.value for option in group.options] for group in groups for spread in group.distributions
    }
    assert orders["1.1"] == sorted(orders["1.1"])
    assert orders["2.1"] == sorted(orders["2.1"], reverse=True)


def test_a_verdict_under_a_standardised_profile_is_the_editions_own(banded: Edition) -> None:
    """Units that are mapped between the same extremes err together; the edition's test knows how."""
    line = next(line for line in Composer(banded).scorecard("u3").lines if line.code == "a")
    unit, bloc, test = banded.row("u3", "a"), banded.row("bloc:east", "a"), banded.difference_of("u3", "a")
    assert test is not None
    assert line.verdict == test.verdict
    assert line.difference == (unit.estimate or 0) - (bloc.estimate or 0)


def test_a_module_of_a_round_of_several_units_speaks_of_the_whole_round(rated: Edition) -> None:
    composer = Composer(rated)
    (block,) = composer.scorecard("d1").modules
    assert not block.is_of_unit
    row = rated.row("all", "brand.index")
    assert block.root.figure.value == row.estimate
    assert block.root.figure.low == row.low
    assert block.root.scale == (0.0, 100.0)
    assert not block.root.bloc.is_shown
    assert "brand.index" not in [line.code for line in composer.scorecard("d1").lines]
    assert composer.league("agencies").modules == composer.modules_of("all") == (block,)


def test_the_unit_is_counted_in_ratings_and_the_round_in_sheets(rated: Edition) -> None:
    card = Composer(rated).scorecard("d1")
    assert card.participation.n_unit == rated.row("d1").n
    assert card.participation.n_sealed == rated.counts.sealed
    assert sum(row.n or 0 for row in rated.estimates if row.node == "index" and row.unit in ("d1", "d2", "d3")) > 0


def test_a_bloc_has_its_english_name_where_one_was_given(banded: Edition) -> None:
    units = tuple(replace(unit, bloc_name="Khối đông", bloc_name_en="Eastern bloc") for unit in banded.units)
    league = Composer(replace(banded, units=units)).league("east")
    assert (league.bloc_name.vi, league.bloc_name.en) == ("Khối đông", "Eastern bloc")
    nameless = tuple(replace(unit, bloc_name="Khối đông", bloc_name_en="") for unit in banded.units)
    assert Composer(replace(banded, units=nameless)).league("east").bloc_name.en == "Khối đông"


def test_fourteen_factors_stand_on_the_first_page_with_what_to_do_first_below_them() -> None:
    short = [(f"Yếu tố {place}", f"Factor {place}", criteria) for place, (_, _, criteria) in enumerate(FACTORS * 3)]
    for factors, n_rows in ((short[:9], 4), (short[:14], 2), ((FACTORS * 3)[:14], 2)):
        card = Composer(make_edition(54, factors=factors)).scorecard("06652")
        assert len(card.factors) == len(factors)
        layout = first_page(card, "vi")
        assert (layout.n_priorities, layout.is_narrow) == (n_rows, True)
        assert "steps" not in later_pages(card, "vi", layout).paddings


def test_the_annex_tells_the_design_and_what_was_standardised(rated: Edition) -> None:
    annex = compose_annex(rated)
    assert annex.fieldwork is not None
    assert (annex.fieldwork.strata, annex.fieldwork.clusters) == (("stratum",), ("ballot",))
    assert annex.fieldwork.n_strata == 3
    assert annex.fieldwork.people == 180 + 1490 + 5200
    assert annex.is_standardised
    assert [name.vi for name, _ in annex.bounds] == list(dict.fromkeys(unit.bloc_name for unit in rated.units))
    for _, rows in annex.bounds:
        assert all(1 <= (row.low or 0) <= (row.high or 0) <= 5 for row in rows)
        assert any(row.is_reversed for row in rows)
    assert [line.n_counted for line in annex.lines] == [rated.row(unit.code).n for unit in rated.units]


def test_the_extremes_of_the_annex_are_those_that_the_scores_lie_between(banded: Edition) -> None:
    annex = compose_annex(banded)
    east = next(rows for name, rows in annex.bounds if name == annex.bounds[0][0])
    assert [(row.number, row.low, row.high) for row in east] == [
        ("1.1", 2.0, 4.0),
        ("1.2", 2.0, 4.0),
        ("2.1", 2.0, 4.0),
    ]


def test_the_annex_holds_the_hard_data_with_their_sources(with_hard: Edition) -> None:
    annex = compose_annex(with_hard)
    (table,) = annex.hard
    assert [(figure.unit, figure.value, figure.source) for _, figure in table.figures] == [
        ("u1", 10.0, "report"), ("u2", 30.5, ""), ("u3", 20.0, "report"), ("v1", 5.0, ""),
    ]  # fmt: skip
    assert table.common_source == ""
    assert {row.is_hard for _, rows in annex.bounds for row in rows if row.number == "2.2"} == {True}


def test_the_annex_shows_only_what_is_published_of_the_accounting(banded: Edition) -> None:
    rows = (
        PublicAccountingRow("u1", "all", 900, 100, None, None, None),
        PublicAccountingRow("u2", "all", 800, 90, 40, 40, 0),
        PublicAccountingRow("all", "all", 3000, 400, 160, 160, 0),
    )
    annex = compose_annex(replace(banded, accounting=rows))
    assert annex.has_unit_counts
    assert annex.has_eligible
    assert [None if line.counts is None else line.counts.spent for line in annex.lines] == [None, 40, None, None]
    assert annex.total == rows[2]
    assert not compose_annex(replace(banded, accounting=rows[2:])).has_unit_counts
    assert compose_annex(replace(banded, accounting=())).total is None


def test_fieldwork_is_read_back_with_the_edition(rated: Edition, tmp_path: Path) -> None:
    write_edition(rated, tmp_path / "edition", {}, SIGNER)
    assert read_edition(tmp_path / "edition").fieldwork == rated.fieldwork


def test_an_edition_of_a_former_version_has_an_annex_without_its_design(banded: Edition) -> None:
    annex = compose_annex(replace(banded, fieldwork=None))
    assert annex.fieldwork is None
    assert annex.bounds == ()
    assert annex.household is None
