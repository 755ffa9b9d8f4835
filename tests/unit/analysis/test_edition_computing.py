"""Editions computed from small archives: every row that should be there is, with a number or a reason."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest

from analysis.coarsening import coarsen
from analysis.errors import DesignError, EditionError
from analysis.release.computing import compute_edition
from analysis.release.edition import Edition
from analysis.release.edition_folder import read_edition, write_edition
from support.archives import SIGNER, Row, archive_at, contents_of, tabulated

pytestmark = pytest.mark.slow

DAY = dt.date(2026, 4, 1)
BLOCS = {"u1": "east", "u2": "east", "u3": "east", "u4": "west"}
POPULATION = {"u1": 400, "u2": 300, "u3": 200, "u4": 500}


def rows_of(counts: dict[str, int], answers: Sequence[tuple[str | None, ...]] = (("1", "2", "3"), ("5", "4", "4"))):
    rows: list[Row] = []
    for unit, n in counts.items():
        rows.extend((unit, *answers[j % len(answers)]) for j in range(n))
    return rows


def edition_of(folder: Path, rows: Sequence[Row], **options) -> Edition:
    table = tabulated(rows, options.pop("psus", None), options.pop("strata", None))
    contents = contents_of(table, blocs=options.pop("blocs", BLOCS), **options)
    return compute_edition(archive_at(folder / "archive", contents), published_on=DAY, public_url=None)


def test_every_unit_bloc_and_all_have_a_row_for_every_node(tmp_path: Path) -> None:
    edition = edition_of(tmp_path, rows_of({"u1": 40, "u2": 35, "u3": 32}), population=POPULATION)
    owners = ["u1", "u2", "u3", "u4", "bloc:east", "bloc:west", "all"]
    nodes = ["index", "first", "a", "b", "second", "c"]
    assert [(row.unit, row.node) for row in edition.estimates] == [(o, n) for o in owners for n in nodes]
    assert edition.row("u4").reason == "no_answers"
    assert edition.row("bloc:west").reason == "no_answers"
    assert edition.blocs == (("east", "Khối east"), ("west", "Khối west"))
    assert edition.coverage == {"bloc:east": 1.0, "bloc:west": 0.0, "all": pytest.approx(900 / 1400)}


def test_a_row_carries_what_its_number_stands_on(tmp_path: Path) -> None:
    edition = edition_of(tmp_path, rows_of({"u1": 40, "u2": 40}), population=POPULATION)
    row = edition.row("u1", "b")
    assert (row.label, row.level, row.method, row.df, row.n, row.weight) == ("Câu b", 0.95, "t", 39, 40, 0.25)
    # Half answered 2, half 4: 25 and 75 points, a standard deviation of 25 but for n − 1.
    assert row.estimate == pytest.approx(50)
    assert row.se == pytest.approx(25 / 39**0.5)
    assert row.low == pytest.approx(50 - 2.0227 * 25 / 39**0.5, abs=1e-3)
    assert row.deff == pytest.approx(1, abs=0.12)


def test_intervals_stay_within_the_scale(tmp_path: Path) -> None:
    rows = rows_of({"u1": 30}, [("5", "5", "5")] * 29 + [("1", "1", "1")])
    row = edition_of(tmp_path, rows, population=POPULATION).row("u1")
    assert row.high == 100.0


def test_answers_that_are_all_alike_are_not_taken_for_certainty(tmp_path: Path) -> None:
    rows = rows_of({"u1": 12, "u2": 40}, [("5", "4", "3")])
    edition = edition_of(tmp_path, rows, population=POPULATION)
    # Clopper and Pearson for 12 of 12: 0.025 to the power of 1/12.
    top = edition.row("u1", "a")
    assert (top.estimate, top.se, top.high, top.method) == (100.0, 0.0, 100.0, "unanimous")
    assert top.low == pytest.approx(73.535, abs=1e-3)
    middle = edition.row("u1", "c")
    assert middle.estimate == pytest.approx(50)
    assert (middle.low, middle.high) == (
        pytest.approx(50 * 0.73535, abs=1e-3),
        pytest.approx(100 - 50 * 0.73535, abs=1e-3),
    )
    assert edition.row("u2", "a").low == pytest.approx(100 * 0.025 ** (1 / 40))
    assert edition.row("bloc:east").low < edition.row("bloc:east").estimate
    assert edition.ranks == ()


def test_no_design_effect_is_made_of_rounding_where_all_answers_are_alike(tmp_path: Path) -> None:
    rows = rows_of({"u1": 61, "u2": 53}, [("5", "4", "3")])
    people = "{u1/s0: 7013, u1/s1: 331, u2/s0: 1009, u2/s1: 97}"
    design = f"design: 1\nstrata: [unit, stratum]\nclusters: [psu]\npopulation: {people}\n"
    strata = [f"s{j % 3 // 2}" for j in range(len(rows))]
    psus = [f"p{j % 7}" for j in range(len(rows))]
    edition = edition_of(tmp_path, rows, design=design, strata=strata, psus=psus)
    alike = [row for row in edition.estimates if row.method == "unanimous"]
    assert len(alike) > 10
    assert {(row.deff, row.n_effective) for row in alike} == {(None, None)}


def test_a_full_count_has_no_sampling_error(tmp_path: Path) -> None:
    design = "design: 1\nstrata: [unit]\nfpc: true\npopulation: {u1: 30, u2: 50}\n"
    edition = edition_of(tmp_path, rows_of({"u1": 30, "u2": 40}, [("5", "4", "3")]), design=design)
    row = edition.row("u1", "a")
    assert (row.estimate, row.low, row.high, row.method) == (100.0, 100.0, 100.0, "t")
    assert edition.row("u2", "a").low < 100


def test_without_population_there_is_no_figure_for_all_persons(tmp_path: Path) -> None:
    edition = edition_of(tmp_path, rows_of({"u1": 40, "u2": 35, "u3": 32}))
    row = edition.row("all")
    assert (row.estimate, row.reason, row.suppressed, row.n) == (None, "no_population", False, 107)
    assert edition.row("u1").estimate is not None
    assert edition.coverage == {}


def test_as_units_a_bloc_is_the_plain_mean_of_its_units(tmp_path: Path) -> None:
    plan = 'plan: 1\nversion: "7"\naggregate: units\n'
    edition = edition_of(
        tmp_path, rows_of({"u1": 90, "u2": 35, "u3": 32}, [("1", "2", "3"), ("5", "4", None)]), plan=plan
    )
    units = [edition.row(unit, "first") for unit in ("u1", "u2", "u3")]
    row = edition.row("bloc:east", "first")
    assert row.estimate == pytest.approx(sum(unit.estimate for unit in units) / 3)
    assert row.se == pytest.approx(sum(unit.se**2 for unit in units) ** 0.5 / 3)
    assert row.df == sum(unit.df for unit in units)
    assert row.n == 157


def test_few_respondents_are_hidden_and_some_more_carry_a_caution(tmp_path: Path) -> None:
    edition = edition_of(tmp_path, rows_of({"u1": 9, "u2": 12, "u3": 40, "u4": 50}), population=POPULATION)
    assert (edition.row("u1").reason, edition.row("u1").n) == ("too_few_respondents", None)
    # Beside the bloc's total the nine would follow by subtraction, so the next smallest unit is hidden with them.
    assert edition.row("u2").reason == "complementary"
    assert edition.row("u3").caution is False
    assert edition.row("bloc:east").estimate is not None
    assert {row.unit for row in edition.ranks} == set()


def test_ten_respondents_are_shown_with_a_caution(tmp_path: Path) -> None:
    edition = edition_of(tmp_path, rows_of({"u1": 10, "u2": 29, "u3": 30}), population=POPULATION)
    assert [edition.row(unit).caution for unit in ("u1", "u2", "u3")] == [True, True, False]
    assert {row.unit for row in edition.ranks} == {"u1", "u2", "u3"}


def test_few_answers_to_an_item_hide_all_that_is_made_of_it(tmp_path: Path) -> None:
    rows = rows_of({"u1": 40, "u2": 40, "u3": 40, "u4": 40})
    rows = [row if row[0] != "u4" or j % 8 else (row[0], row[1], "na", row[3]) for j, row in enumerate(rows)]
    rows = [("u1", row[1], "na" if j > 8 else row[2], row[3]) if row[0] == "u1" else row for j, row in enumerate(rows)]
    edition = edition_of(tmp_path, rows, population=POPULATION)
    reasons = {node: edition.row("u1", node).reason for node in ("index", "first", "a", "b", "second", "c")}
    assert reasons == {
        "index": "too_few_answers", "first": "too_few_answers", "a": "", "b": "too_few_answers", "second": "", "c": "",
    }  # fmt: skip
    assert edition.row("u1", "index").n == 40
    assert edition.row("u1", "b").n is None
    assert edition.distribution_of("u1", "b")[0].share is None
    assert sum(row.share for row in edition.distribution_of("u1", "a")) == pytest.approx(1)


def test_a_unit_in_one_cluster_has_no_number_and_no_rank(tmp_path: Path) -> None:
    rows = rows_of({"u1": 30, "u2": 30, "u3": 30})
    psus = [f"v{j % 3}" if row[0] != "u3" else "v0" for j, row in enumerate(rows)]
    design = "design: 1\nstrata: [unit]\nclusters: [psu]\n"
    plan = 'plan: 1\nversion: "7"\naggregate: units\n'
    edition = edition_of(tmp_path, rows, psus=psus, design=design, plan=plan)
    row = edition.row("u3")
    assert (row.estimate, row.reason, row.suppressed) == (None, "one_cluster", False)
    assert edition.row("u1").df == 2
    assert {rank.unit for rank in edition.ranks} == {"u1", "u2"}
    assert edition.row("bloc:east").df == 4


def test_strata_that_cross_units_weigh_by_their_people(tmp_path: Path) -> None:
    rows = rows_of({"u1": 40, "u2": 40}, [("1", "1", "1"), ("5", "5", "5")])
    strata = ["town" if row[1] == "1" else "hills" for row in rows]
    design = "design: 1\nstrata: [stratum]\npopulation: {town: 300, hills: 100}\n"
    edition = edition_of(tmp_path, rows, strata=strata, design=design)
    assert edition.row("u1").estimate == pytest.approx(25)
    assert edition.coverage == {"all": 1.0}


def test_joined_strata_have_the_people_of_all_their_parts(tmp_path: Path) -> None:
    rows = rows_of({"u1": 40}, [("1", "1", "1")]) + rows_of({"u1": 6}, [("5", "5", "5")])
    strata = ["town"] * 40 + ["hills"] * 6
    done = coarsen(tabulated(rows, strata=strata), k=10)
    design = "design: 1\nstrata: [unit, stratum]\nfpc: true\npopulation: {u1/town: 100, u1/hills: 60}\n"
    contents = contents_of(done.table, blocs=BLOCS, design=design, coarsening=done.record)
    edition = compute_edition(archive_at(tmp_path / "a", contents), published_on=DAY, public_url=None)
    assert edition.row("u1").estimate == pytest.approx(100 * 6 / 46)
    assert edition.coverage["bloc:east"] == 1.0


@pytest.mark.parametrize(
    ("population", "complaint"),
    [
        ({"u1": 400}, "population: found no stratum 'u2', which has 35 responses"),
        ({"u1": 39, "u2": 300}, "population.u1: found 39 people, expected at least the 40 who answered"),
    ],
)
def test_a_population_that_cannot_be_is_named(tmp_path: Path, population: dict[str, int], complaint: str) -> None:
    with pytest.raises(DesignError, match=complaint):
        edition_of(tmp_path, rows_of({"u1": 40, "u2": 35}), population=population)


def test_a_round_without_a_single_answer_is_an_edition_of_reasons(tmp_path: Path) -> None:
    edition = edition_of(tmp_path, [], population=POPULATION)
    assert {row.reason for row in edition.estimates} == {"no_answers"}
    assert edition.ranks == ()


def test_the_order_of_the_rows_changes_no_digit_that_is_read(tmp_path: Path) -> None:
    rows = rows_of({"u1": 33, "u2": 41, "u3": 37}, [("1", "2", "3"), ("5", "4", None), ("dk", "3", "2")])
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = edition_of(tmp_path / "one", rows, population=POPULATION)
    two = edition_of(tmp_path / "two", rows[::-1], population=POPULATION)
    for first, second in zip(one.estimates, two.estimates, strict=True):
        assert (first.unit, first.node, first.reason) == (second.unit, second.node, second.reason)
        if first.estimate is not None:
            assert first.estimate == pytest.approx(second.estimate, rel=1e-13)
            assert first.se == pytest.approx(second.se, rel=1e-13)
    assert one.ranks == two.ranks


def test_an_edition_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    edition = edition_of(tmp_path, rows_of({"u1": 40, "u2": 35, "u3": 8}), population=POPULATION)
    manifest = write_edition(edition, tmp_path / "edition", {"u1.pdf": b"%PDF"}, SIGNER, {"printer": "1.0"})
    read = read_edition(tmp_path / "edition")
    assert (read.estimates, read.ranks, read.distributions) == (edition.estimates, edition.ranks, edition.distributions)
    assert (read.units, read.counts, read.facts, read.plan) == (
        edition.units,
        edition.counts,
        edition.facts,
        edition.plan,
    )
    assert (read.coverage, read.profile, read.published_on) == (edition.coverage, edition.profile, DAY)
    assert read.archive_manifest_sha256 == edition.archive_manifest_sha256
    assert read.manifest == manifest
    assert manifest["rendered_with"] == {"printer": "1.0"}


@pytest.mark.parametrize("name", ["estimates.csv", "edition.json", "../u1.pdf", "a/b.pdf"])
def test_a_document_cannot_take_the_place_of_a_table(tmp_path: Path, name: str) -> None:
    edition = edition_of(tmp_path, rows_of({"u1": 40}), population=POPULATION)
    with pytest.raises(EditionError, match="documents: found the name"):
        write_edition(edition, tmp_path / "edition", {name: b""}, SIGNER)
    assert not (tmp_path / "edition").exists()


def test_a_name_is_the_models_own_only_under_a_confirmed_profile(tmp_path: Path) -> None:
    edition = edition_of(tmp_path, rows_of({"u1": 40}), population=POPULATION)
    assert edition.display_name("vi") == "SMALL"
    (tmp_path / "share").mkdir()
    shares = edition_of(
        tmp_path / "share", rows_of({"u1": 40}), population=POPULATION, plan='plan: 1\nversion: "1"\nprofile: share\n'
    )
    assert shares.display_name("en") == "after the SMALL model"
