"""What an edition says beside its estimates: units against the others of their bloc, and other formulas."""

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t as student

from analysis.archive import Archive
from analysis.errors import PlanError
from analysis.estimation.multiplicity import adjusted
from analysis.release.computing import compute_edition
from analysis.release.edition import Edition
from analysis.release.edition_folder import edition_tables, read_edition, write_edition
from analysis.release.edition_tables import DIFFERENCES_CSV, FORMULAS_CSV
from analysis.release.plan import Plan, Ranking, parse_plan, plan_source
from analysis.release.verification import examine
from support.archives import PLAN, QUESTIONNAIRE, ROOT_WEIGHTS, SIGNER, archive_at, contents_of, tabulated
from support.standardised import standardised_archive

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "second_format"
BLOCS = {"u1": "east", "u2": "east", "u3": "east", "v1": "west"}
PEOPLE = {"u1": 900, "u2": 1500, "u3": 700, "v1": 1200}
LEANS = {"u1": 6.0, "u2": 2.0, "u3": 1.0, "v1": 2.0}
DESIGN = "design: 1\nstrata: [unit]\nclusters: [psu]\npopulation:\n" + "".join(
    f"  {u}: {n}\n" for u, n in PEOPLE.items()
)
SHARED = "design: 1\nstrata: [stratum]\nclusters: [psu]\npopulation:\n  s: 4000\n"


def archive_of(
    path: Path,
    *,
    sizes: Mapping[str, int] = dict.fromkeys(BLOCS, 60),
    plan: str = PLAN,
    design: str = DESIGN,
    source: str = QUESTIONNAIRE,
) -> Archive:
    """Answers of four units in eight PSUs each; where `design` has a stratum, in eight that the units share."""
    rng = random.Random(31)  # noqa: S311 — answers for a test, not secrets
    rows, psus = [], []
    for unit, n in sizes.items():
        for place in range(n):
            # Neighbours answer alike.
            shift = 1 + (place % 8) / 4
            shape = [1, 1, 1, LEANS[unit] * shift, LEANS[unit]]
            rows.append((unit, *(rng.choices("12345", shape)[0] if rng.random() > 0.05 else None for _ in "abc")))
            psus.append(f"p{place % 8}")
    strata = ["s"] * len(rows) if "stratum" in design else None
    table = tabulated(rows, psus, strata)
    return archive_at(path, contents_of(table, blocs=BLOCS, plan=plan, design=design, questionnaire_source=source))


def computed(archive: Archive) -> Edition:
    return compute_edition(archive, published_on=dt.date(2026, 11, 23), public_url=None)


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    return computed(archive_of(tmp_path_factory.mktemp("d") / "a"))


def influences(archive: Archive, unit: str) -> tuple[float, dict[tuple[str, str], float]]:
    """The index of a unit and what each PSU adds to its linearised total, by a loop over its responses."""
    rows = [row for row in archive.contents.responses.to_pylist() if row["unit"] == unit]
    value, found = 0.0, defaultdict(float)
    for item, weight in ROOT_WEIGHTS.items():
        said = [row for row in rows if row[item] is not None]
        points = [25.0 * (int(row[item]) - 1) for row in said]
        mean = sum(points) / len(points)
        value += weight * mean
        for row, score in zip(said, points, strict=True):
            found[row["stratum"] or unit, row["psu"]] += weight * (score - mean) / len(points)
    return value, dict(found)


@pytest.mark.slow
@pytest.mark.parametrize("aggregate", ["persons", "units"])
def test_a_difference_has_the_variance_that_a_loop_over_clusters_finds(tmp_path: Path, aggregate: str) -> None:
    """Units share all of their PSUs here, so that the covariance between them matters."""
    plan = PLAN.replace("persons", aggregate)
    archive = archive_of(tmp_path / "a", design=SHARED, plan=plan)
    edition = computed(archive)
    own = {unit: influences(archive, unit) for unit in ("u1", "u2", "u3")}
    others = {"u2": 0.5, "u3": 0.5}
    row = edition.difference_of("u1")
    assert row is not None
    assert row.difference == pytest.approx(own["u1"][0] - sum(share * own[u][0] for u, share in others.items()))
    totals: dict[tuple[str, str], float] = defaultdict(float)
    for unit, share in {"u1": 1.0, **{u: -share for u, share in others.items()}}.items():
        for psu, amount in own[unit][1].items():
            totals[psu] += share * amount
    sums = np.array(list(totals.values()))
    assert row.se == pytest.approx(np.sqrt(8 / 7 * ((sums - sums.mean()) ** 2).sum()), rel=1e-9)
    independent = np.sqrt(sum((share * (edition.row(u).se or 0)) ** 2 for u, share in {"u1": 1.0, **others}.items()))
    assert row.se != pytest.approx(independent, rel=0.02)


def test_the_others_count_by_their_people(edition: Edition) -> None:
    row = edition.difference_of("u1")
    assert row is not None
    rest = (1500 * (edition.row("u2").estimate or 0) + 700 * (edition.row("u3").estimate or 0)) / 2200
    assert row.difference == pytest.approx((edition.row("u1").estimate or 0) - rest)
    errors = [edition.row("u1").se, 1500 / 2200 * (edition.row("u2").se or 0), 700 / 2200 * (edition.row("u3").se or 0)]
    assert row.se == pytest.approx(np.sqrt(np.square(np.array(errors, dtype=float)).sum()))


def test_families_are_adjusted_together_and_their_intervals_hold_at_once(edition: Edition) -> None:
    roots = [row for row in edition.differences if row.node == "index" and row.bloc == "east"]
    assert [row.p_adjusted for row in roots] == pytest.approx(
        adjusted(np.array([row.p for row in roots], dtype=float), "holm").tolist()
    )
    criteria = [row for row in edition.differences if row.unit == "u1" and row.node in ("a", "b", "c")]
    for rows in (roots, criteria):
        for row in rows:
            half = student.ppf(1 - 0.05 / 3 / 2, row.df) * (row.se or 0)
            assert (row.low, row.high) == pytest.approx(((row.difference or 0) - half, (row.difference or 0) + half))
            is_apart = (row.low or 0) > 0 or (row.high or 0) < 0
            assert not is_apart or row.verdict in ("higher", "lower")
    tiers = {row.unit: row.tier for row in edition.ranks}
    words = {"higher": "above", "lower": "below", "not_different": "not_different"}
    assert {row.unit: words[row.verdict] for row in roots} == tiers


def test_who_is_alone_is_held_against_nobody(edition: Edition) -> None:
    row = edition.difference_of("v1")
    assert row is not None
    assert (row.difference, row.verdict, row.reason) == (None, "not_tested", "alone")


def test_where_nothing_is_shown_nothing_is_compared(tmp_path: Path) -> None:
    edition = computed(archive_of(tmp_path / "a", sizes={"u1": 60, "u2": 60, "u3": 7, "v1": 40}))
    hidden = [row for row in edition.differences if edition.row(row.unit, row.node).estimate is None]
    assert {row.unit for row in hidden} >= {"u3"}
    assert all(row.difference is None and row.reason for row in hidden)
    formulas = {(row.unit, row.formula): row for row in edition.formulas}
    assert formulas["u3", "share"].estimate is None
    for (unit, _), row in formulas.items():
        assert (row.estimate is None) == (edition.row(unit).estimate is None)
        assert row.suppressed == edition.row(unit).suppressed


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["share", "of_five"])
@pytest.mark.parametrize("interval", ["t", "logit"])
def test_a_formula_is_what_an_edition_of_its_profile_publishes(tmp_path: Path, profile: str, interval: str) -> None:
    """The other road: the same answers under a plan that names the other profile."""
    plan = PLAN + f"interval: {interval}\n"
    plain = computed(archive_of(tmp_path / "a", plan=plan))
    other = computed(archive_of(tmp_path / "b", plan=plan + f"profile: {profile}\n"))
    formula = {"share": "share", "of_five": "mean_of_maximum"}[profile]
    back = {row.unit: row for row in other.formulas if row.formula == "rescaled"}
    for row in plain.formulas:
        if row.formula == formula:
            published = other.row(row.unit)
            expected = (published.estimate, published.se, published.low, published.high, published.df)
            assert (row.estimate, row.se, row.low, row.high, row.df) == pytest.approx(expected, rel=1e-9)
            assert row.method == published.method == interval
            assert back[row.unit].estimate == pytest.approx(plain.row(row.unit).estimate)
            assert back[row.unit].se == pytest.approx(plain.row(row.unit).se)


def test_a_questionnaire_without_a_threshold_takes_the_two_highest_answers(tmp_path: Path) -> None:
    without = QUESTIONNAIRE.replace("  - {name: share, label: {vi: Tỷ lệ, en: Share}, formula: share, threshold: 4, "
                                    "confirmed: false, source: ours}\n", "")  # fmt: skip
    edition = computed(archive_of(tmp_path / "a", source=without))
    assert {row.threshold for row in edition.formulas if row.formula == "share"} == {4.0}


@pytest.mark.slow
def test_a_standardised_index_stands_beside_the_formulas_of_shown_units(tmp_path: Path) -> None:
    rows = [(unit, *pattern) for unit, patterns in {
        "u1": [("5", "5", "1"), ("4", "5", "2")], "u2": [("3", "2", "3"), ("4", "3", "3")],
        "u3": [("1", "2", "5"), ("2", "1", "4")], "v1": [("3", "3", "3"), ("2", "4", "3")],
    }.items() for pattern in patterns * 15]  # fmt: skip
    edition = computed(standardised_archive(tmp_path / "a", rows))
    formulas = {(row.unit, row.formula): row for row in edition.formulas}
    assert {unit for unit, _ in formulas} == {"u1", "u2", "u3", "v1"}
    # c is better the lower it is: it counts from the other end of its scale.
    of_c = 100 * (5 - 1.5) / 4
    of_a, of_b = 100 * (4.5 - 1) / 4, 100.0
    assert formulas["u1", "rescaled"].estimate == pytest.approx(0.5 * of_a + of_b / 6 + of_c / 3)
    assert formulas["u1", "share"].estimate == pytest.approx(100.0)
    assert formulas["u1", "share"].method == "unanimous"
    index = edition.difference_of("u1")
    assert index is not None
    assert index.verdict == "higher"


def test_an_edition_of_the_second_format_is_read_and_every_figure_of_it_found_again() -> None:
    assert examine(GOLDEN / "edition", GOLDEN / "archive").findings == ()
    former = read_edition(GOLDEN / "edition")
    assert {row.method for row in former.ranks} == {"holm"}
    assert {row.own_low for row in former.ranks} == {None}
    assert (former.differences, former.formulas) == ((), ())


@pytest.mark.slow
def test_a_changed_digit_of_a_difference_or_a_formula_is_found(tmp_path: Path, edition: Edition) -> None:
    archive = archive_of(tmp_path / "a")
    write_edition(computed(archive), tmp_path / "e", {}, SIGNER)
    assert examine(tmp_path / "e", tmp_path / "a").findings == ()
    assert read_edition(tmp_path / "e").differences == edition.differences
    assert read_edition(tmp_path / "e").formulas == edition.formulas
    changed = replace(
        edition,
        differences=tuple(replace(row, p_adjusted=0.5) if row.node == "index" else row for row in edition.differences),
        formulas=tuple(replace(row, estimate=50.0) if row.unit == "u1" else row for row in edition.formulas),
    )
    for name in (DIFFERENCES_CSV, FORMULAS_CSV):
        (tmp_path / "e" / name).write_bytes(edition_tables(changed)[name])
    places = [finding.place for finding in examine(tmp_path / "e", tmp_path / "a").findings]
    assert any(place.startswith(f"{DIFFERENCES_CSV}, unit u1, node index") for place in places)
    assert any(place.startswith(f"{FORMULAS_CSV}, unit u1, formula share") for place in places)


@pytest.mark.slow
def test_a_logit_interval_stays_on_the_scale_and_leans_to_its_middle(tmp_path: Path) -> None:
    plain = computed(archive_of(tmp_path / "a"))
    bounded = computed(archive_of(tmp_path / "b", plan=PLAN + "interval: logit\n"))
    for one, other in zip(plain.estimates, bounded.estimates, strict=True):
        assert (one.estimate, one.se, one.df) == (other.estimate, other.se, other.df)
        if other.method == "logit":
            assert other.low is not None
            assert other.high is not None
            assert 0 < other.low < (other.estimate or 0) < other.high < 100
            if (other.estimate or 0) > 50:
                assert (other.estimate or 0) - other.low > other.high - (other.estimate or 0)


def test_a_plan_says_how_intervals_are_made_and_what_rank_sets_are_drawn_from() -> None:
    plan = Plan(interval="logit", ranking=Ranking(500, 7))
    assert parse_plan(plan_source(plan), "plan.yaml") == plan
    assert parse_plan(PLAN.encode(), "plan.yaml").interval == "t"
    for wrong, said in (
        ("interval: wald", "interval"),
        ("ranking: {draws: 10}", "draws"),
        ("ranking: {sed: 1}", "sed"),
    ):
        with pytest.raises(PlanError, match=said):
            parse_plan((PLAN + wrong + "\n").encode(), "plan.yaml")
