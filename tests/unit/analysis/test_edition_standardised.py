"""Editions under a standardised profile: units held against their bloc, with hard data, and nothing given back (W6)."""

import datetime as dt
from pathlib import Path

import pytest

from analysis.errors import AnalysisError, PlanError
from analysis.release.computing import compute_edition
from analysis.release.edition import Edition
from analysis.release.edition_folder import read_edition, write_edition
from analysis.release.hard_data import parse_hard_data
from analysis.release.verification import examine, verify
from support.archives import SIGNER
from support.standardised import BLOCS, PLAN, rows_of, standardised_archive

# Each computes editions of standardised or several-unit rounds, which takes seconds.
pytestmark = pytest.mark.slow

DAY = dt.date(2026, 4, 1)
# Means of a: 2, 3, 4; of b: 3, 2, 4; of c: 4, 2, 3, where less is better.
ANSWERS = {
    "u1": (("1", "2", "5"), ("3", "4", "3")),
    "u2": (("2", "1", "1"), ("4", "3", "3")),
    "u3": (("3", "5", "2"), ("5", "3", "4")),
    "v1": (("3", "3", "3"), ("5", "1", "2")),
}
COUNTS = {"u1": 40, "u2": 40, "u3": 40, "v1": 40}
HARD = b"unit,indicator,value,source\nu1,h,10,report\nu2,h,30,\nu3,h,20,\nv1,h,5,\n"


def edition_of(
    folder: Path,
    *,
    profile: str = "std",
    plan: str = "",
    answers=ANSWERS,
    counts=COUNTS,
    hard: bytes | None = None,
    **more,
) -> Edition:
    archive = standardised_archive(
        folder / "archive", rows_of(answers, counts), plan=f"{PLAN}profile: {profile}\n{plan}", **more
    )
    return compute_edition(
        archive,
        published_on=DAY,
        public_url=None,
        hard_data=None if hard is None else parse_hard_data(hard, "figures.csv"),
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    return edition_of(tmp_path_factory.mktemp("plain"))


def test_units_lie_between_the_lowest_and_the_highest_of_their_bloc(plain: Edition) -> None:
    edition = plain
    assert [edition.row(unit, "a").estimate for unit in ("u1", "u2", "u3")] == pytest.approx([1, 5.5, 10])
    assert [edition.row(unit, "b").estimate for unit in ("u1", "u2", "u3")] == pytest.approx([5.5, 1, 10])
    # Less is better here.
    assert [edition.row(unit, "c").estimate for unit in ("u1", "u2", "u3")] == pytest.approx([1, 10, 5.5])
    assert edition.row("u1", "first").estimate == pytest.approx((3 * 1 + 5.5) / 4)
    assert edition.row("u1", "index").estimate == pytest.approx(10 * (2 * (3 * 1 + 5.5) / 4 + 1) / 3)


def test_a_figure_has_an_interval_on_its_scale_and_says_how_it_was_made(plain: Edition) -> None:
    edition = plain
    for row in edition.estimates:
        if row.unit.startswith("u"):
            low, high = edition.scale_of(row.node)
            assert low <= row.low <= row.estimate <= row.high <= high
            assert (row.method, row.level, row.df) == ("t_draws", 0.95, 39.0)
    # Every draw has u1 last in a; its interval is the one between fixed extremes all the same.
    assert edition.row("u1", "a").estimate == edition.row("u1", "a").low == 1.0
    assert edition.row("u1", "a").se == pytest.approx((1 / 39) ** 0.5 * 9 / 2, rel=1e-3)
    assert edition.scale_of() == (10.0, 100.0)
    assert edition.scale_of("first") == (1.0, 10.0)


def test_a_bloc_is_the_plain_mean_of_its_units_and_all_the_mean_of_every_unit(plain: Edition) -> None:
    edition = plain
    for node in ("index", "first", "c"):
        east = [edition.row(unit, node).estimate for unit in ("u1", "u2", "u3")]
        assert edition.row("bloc:east", node).estimate == pytest.approx(sum(east) / 3)
        assert edition.row("all", node).estimate == pytest.approx((sum(east) + edition.row("v1", node).estimate) / 4)
    row = edition.row("bloc:east")
    assert (row.n, row.df) == (120, 117)
    # Whatever the extremes are, they are taken by somebody: a bloc of three varies less than its units.
    assert row.se < edition.row("u2").se


def test_a_unit_alone_in_its_bloc_has_the_midpoint_and_an_interval_that_says_nothing(
    tmp_path: Path, plain: Edition
) -> None:
    row = plain.row("v1")
    assert (row.estimate, row.low, row.high, row.method) == (55.0, 10.0, 100.0, "midpoint")
    strict = edition_of(tmp_path, profile="strict")
    assert (strict.row("v1").estimate, strict.row("v1").reason) == (None, "one_unit")
    assert strict.row("bloc:west").reason == "no_units"
    assert strict.row("all").estimate == pytest.approx(strict.row("bloc:east").estimate)


def test_where_all_units_are_alike_nothing_tells_them_apart(tmp_path: Path) -> None:
    alike = dict.fromkeys(ANSWERS, (("1", "2", "3"), ("5", "4", "3")))
    edition = edition_of(tmp_path, profile="strict", answers=alike)
    assert {edition.row(unit, "a").reason for unit in ("u1", "u2", "u3")} == {"same_extremes"}
    (tmp_path / "mid").mkdir()
    middle = edition_of(tmp_path / "mid", answers=alike)
    assert [(row.estimate, row.low, row.high) for row in (middle.row("u1"), middle.row("u1", "a"))] == [
        (55.0, 10.0, 100.0),
        (5.5, 1.0, 10.0),
    ]
    # What cannot be told apart is not ranked.
    assert middle.ranks == ()


def test_earlier_years_hold_the_extremes_apart(tmp_path: Path) -> None:
    earlier = "standardisation:\n  earlier:\n    a: [1, 5]\n    b: [1, 5]\n    c: [1, 5]\n"
    edition = edition_of(tmp_path, plan=earlier)
    assert [edition.row(unit, "a").estimate for unit in ("u1", "u2", "u3", "v1")] == pytest.approx(
        [3.25, 5.5, 7.75, 7.75]
    )
    # Between fixed extremes the score is linear in the mean, and so is its error.
    se_of_mean = (sum((int(x) - 2) ** 2 for x in "13" * 20) / 40 / 39) ** 0.5
    assert edition.row("u1", "a").se == pytest.approx(se_of_mean * 9 / 4, rel=0.05)


@pytest.mark.parametrize(
    ("earlier", "complaint"),
    [
        ("    z: [1, 5]\n", "standardisation.earlier: found 'z', expected an item or an indicator"),
        ("    h: [1, 5]\n", "standardisation.earlier: found 'h', expected an item or an indicator"),
        ("    a: [0, 5]\n", "standardisation.earlier.a: found 0 to 5, expected means on the item's scale, from 1 to 5"),
    ],
)
def test_extremes_that_cannot_be_are_named(tmp_path: Path, earlier: str, complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        edition_of(tmp_path, plan=f"standardisation:\n  earlier:\n{earlier}")


def test_hard_data_stand_beside_the_survey_and_have_no_error_of_their_own(tmp_path: Path) -> None:
    edition = edition_of(tmp_path, profile="with_hard", hard=HARD)
    assert [edition.row(unit, "h").estimate for unit in ("u1", "u2", "u3")] == pytest.approx([1, 10, 5.5])
    row = edition.row("u2", "h")
    assert (row.low, row.high, row.se, row.method, row.n, row.df) == (10.0, 10.0, 0.0, "hard", None, None)
    assert edition.row("u1", "second").estimate == pytest.approx((1 + 1) / 2)
    assert edition.scale_of() == (100.0, 1000.0)
    assert edition.row("u2").estimate == pytest.approx(100 * (2 * (3 * 5.5 + 1) / 4 + 10) / 3)


def test_a_profile_without_hard_data_leaves_their_criteria_out(tmp_path: Path, plain: Edition) -> None:
    assert [row.node for row in plain.rows_of("u1")] == ["index", "first", "a", "b", "second", "c"]
    with pytest.raises(AnalysisError, match="found hard data, expected none: the profile std does not use them"):
        edition_of(tmp_path, hard=HARD)


def test_hard_data_that_are_wanted_and_missing_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match=r"found no hard data, expected a file .* for h"):
        edition_of(tmp_path, profile="with_hard")


def test_a_unit_without_its_figure_has_no_index_and_the_others_have(tmp_path: Path) -> None:
    edition = edition_of(tmp_path, profile="with_hard", hard=b"unit,indicator,value,source\nu1,h,10,\nu3,h,20,\n")
    assert {node: edition.row("u2", node).reason for node in ("index", "first", "second", "c", "h")} == {
        "index": "no_hard_data", "first": "", "second": "no_hard_data", "c": "", "h": "no_hard_data",
    }  # fmt: skip
    assert edition.row("bloc:east").estimate == pytest.approx(
        (edition.row("u1").estimate + edition.row("u3").estimate) / 2
    )
    assert {rank.unit for rank in edition.ranks} == {"u1", "u3"}


def test_who_is_hidden_sets_no_extreme_and_enters_no_total(tmp_path: Path) -> None:
    few = {**COUNTS, "u3": 9}
    hidden = edition_of(tmp_path, counts=few)
    assert (hidden.row("u3").reason, hidden.row("u3").suppressed) == ("too_few_respondents", True)
    (tmp_path / "gone").mkdir()
    gone = edition_of(tmp_path / "gone", counts={unit: n for unit, n in COUNTS.items() if unit != "u3"})
    others = [unit for unit in (*BLOCS, "bloc:east", "bloc:west", "all") if unit != "u3"]
    for unit in others:
        for one, other in zip(hidden.rows_of(unit), gone.rows_of(unit), strict=True):
            # Not a digit that is shown tells of the nine.
            assert one == other
        for item in "abc":
            assert hidden.distribution_of(unit, item) == gone.distribution_of(unit, item)
    assert hidden.ranks == gone.ranks
    assert all(row.share is None for row in hidden.distribution_of("u3", "a"))


def test_few_answers_to_one_item_take_a_unit_out_there_and_above(tmp_path: Path) -> None:
    rows = rows_of(ANSWERS, COUNTS)
    rows = [(row[0], row[1], None, row[3]) if row[0] == "u3" and j % 5 else row for j, row in enumerate(rows)]
    archive = standardised_archive(tmp_path / "archive", rows)
    edition = compute_edition(archive, published_on=DAY, public_url=None)
    assert {node: edition.row("u3", node).reason for node in ("index", "first", "a", "b", "second")} == {
        "index": "too_few_answers", "first": "too_few_answers", "a": "", "b": "too_few_answers", "second": "",
    }  # fmt: skip
    # Of b two units are left: one has the least and one the most.
    assert sorted(edition.row(unit, "b").estimate for unit in ("u1", "u2")) == pytest.approx([1, 10])
    assert edition.row("bloc:east", "b").estimate == pytest.approx(5.5)
    assert edition.row("bloc:east", "a").estimate == pytest.approx(5.5)


def test_a_unit_in_one_cluster_sets_no_extreme_either(tmp_path: Path) -> None:
    rows = rows_of(ANSWERS, COUNTS)
    psus = [f"p{j % 4}" if row[0] != "u3" else "p0" for j, row in enumerate(rows)]
    archive = standardised_archive(
        tmp_path / "archive", rows, psus=psus, design="design: 1\nstrata: [unit]\nclusters: [psu]\n"
    )
    edition = compute_edition(archive, published_on=DAY, public_url=None)
    assert edition.row("u3").reason == "one_cluster"
    assert sorted(edition.row(unit, "a").estimate for unit in ("u1", "u2")) == pytest.approx([1, 10])
    assert {rank.unit for rank in edition.ranks} == {"u1", "u2"}


def test_unanimous_answers_are_not_taken_for_everybodys(tmp_path: Path) -> None:
    answers = {**ANSWERS, "u2": (("3", "2", "2"),)}
    row = edition_of(tmp_path, answers=answers).row("u2", "a")
    assert (row.estimate, row.method, row.se) == (pytest.approx(5.5), "unanimous", 0.0)
    # One in eleven may have said anything: 2.82 to 3.18 on a scale of which the bloc takes 2 to 4.
    assert row.low == pytest.approx(1 + 9 * (3 - 2 * (1 - 0.025 ** (1 / 40)) - 2) / 2)
    assert row.high == pytest.approx(1 + 9 * (3 + 2 * (1 - 0.025 ** (1 / 40)) - 2) / 2)


def test_the_same_archive_gives_the_same_digits(tmp_path: Path, plain: Edition) -> None:
    assert edition_of(tmp_path).estimates == plain.estimates
    (tmp_path / "seed").mkdir()
    other = edition_of(tmp_path / "seed", plan="standardisation: {seed: 5}\n")
    assert other.row("bloc:east").estimate == plain.row("bloc:east").estimate
    assert other.row("bloc:east").se != plain.row("bloc:east").se


def test_ranks_come_from_the_same_draws(tmp_path: Path) -> None:
    answers = {
        "u1": (("1", "1", "5"), ("2", "1", "5")),
        "u2": (("3", "3", "3"), ("3", "4", "3")),
        "u3": (("5", "5", "1"), ("5", "4", "1")),
        "v1": ANSWERS["v1"],
    }
    edition = edition_of(tmp_path, answers=answers)
    assert [(rank.unit, rank.rank, rank.rank_low, rank.rank_high) for rank in edition.ranks_of("east")] == [
        ("u3", 1, 1, 1), ("u2", 2, 2, 2), ("u1", 3, 3, 3),
    ]  # fmt: skip
    assert [rank.tier for rank in edition.ranks_of("east")][::2] == ["above", "below"]


def test_a_band_goes_by_the_printed_index(plain: Edition) -> None:
    edition = plain
    assert [edition.band_of(value).label.en for value in (10.0, 49.94, 49.96, 80.0, 100.0)] == [
        "Low", "Low", "Fair", "Good", "Good",
    ]  # fmt: skip


def test_an_edition_with_hard_data_is_read_back_and_verified(tmp_path: Path) -> None:
    edition = edition_of(tmp_path, profile="with_hard", hard=HARD)
    manifest = write_edition(edition, tmp_path / "edition", {}, SIGNER)
    read = read_edition(tmp_path / "edition")
    assert (read.estimates, read.ranks, read.hard_source) == (edition.estimates, edition.ranks, HARD)
    assert set(manifest["hard_data"]) == {"sha256"}
    assert verify(tmp_path / "edition", tmp_path / "archive") == []
    notes = examine(tmp_path / "archive").notes
    assert "no figure was computed: they rest on hard data, which lie in the editions" in notes


def test_other_hard_data_show_in_the_figures(tmp_path: Path) -> None:
    edition = edition_of(tmp_path, profile="with_hard", hard=HARD)
    write_edition(edition, tmp_path / "edition", {}, SIGNER)
    hard = tmp_path / "edition" / "hard.csv"
    hard.write_bytes(HARD.replace(b"u3,h,20", b"u3,h,29"))
    found = [finding.place for finding in verify(tmp_path / "edition", tmp_path / "archive")]
    assert "hard.csv, line 4" in found
    assert "estimates.csv, unit u3, node h, column estimate" in found
