"""Changes between two rounds against published figures, loops over responses, and post-stratification by hand."""

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import t as student

from analysis.archive import Archive, Counts
from analysis.errors import AnalysisError
from analysis.release.changes import change_rows, pooled_rows
from analysis.release.computing import compute_edition
from analysis.release.edition import Edition
from analysis.release.lineage import Succession, lineage_of
from analysis.release.round_pairs import Registry
from analysis.release.rows import ChangeRow
from analysis.responses import tabulate_responses
from questionnaires.reading import parse_questionnaire
from support.archives import PLAN, QUESTIONNAIRE, ROOT_WEIGHTS, archive_at, contents_of
from support.standardised import BLOCS, rows_of, standardised_archive

MERGED = dt.date(2026, 7, 1)
CHANNELS = ("counter", "web")


def round_of(
    path: Path,
    year: int,
    sizes: Mapping[str, int],
    *,
    seed: int,
    lean: float = 1.0,
    plan: str = PLAN,
    population: Mapping[str, int] | None = None,
    questionnaire: str = QUESTIONNAIRE,
    extra_design: str = "",
) -> Archive:
    """A round of a year: each unit has so many answers in 8 PSUs; people at the counter are more content."""
    rng = random.Random(seed)  # noqa: S311 — answers for a test, not secrets
    asked = parse_questionnaire(questionnaire.encode(), "small.yaml")
    records = []
    for unit, n in sizes.items():
        for place in range(n):
            channel = CHANNELS[rng.random() < (0.3 if year == 2026 else 0.6)]
            shape = [1, 1, 2, 2 * lean, (3 if channel == "counter" else 1) * lean]
            answers = {item: rng.choices("12345", shape)[0] for item in "abc" if rng.random() > 0.05}
            attributes = {"unit": unit, "psu": f"v{place % 8}", "channel": channel}
            records.append((attributes, answers))
    people = population or {unit: 1000 + 100 * place for place, unit in enumerate(sizes)}
    counted = "".join(f"  {unit}: {number}\n" for unit, number in people.items())
    contents = contents_of(
        tabulate_responses(asked, records),
        blocs=dict.fromkeys(sizes, "east"),
        plan=plan,
        design=f"design: 1\nstrata: [unit]\nclusters: [psu]\npopulation:\n{counted}{extra_design}",
        questionnaire_source=questionnaire,
    )
    days = {"opens_on": dt.date(year, 9, 1), "closes_on": dt.date(year, 9, 30)}
    return archive_at(path, replace(contents, facts=replace(contents.facts, slug=f"small-{year}", **days)))


def edition_of(archive: Archive) -> Edition:
    return compute_edition(archive, published_on=dt.date(2027, 1, 1), public_url=None)


def of_unit(rows: Sequence[ChangeRow], unit: str, node: str = "index") -> ChangeRow:
    return next(row for row in rows if (row.unit, row.node) == (unit, node))


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Archive, Archive]:
    folder = tmp_path_factory.mktemp("rounds")
    sizes = {"u1": 120, "u2": 90, "u3": 150}
    return (
        round_of(folder / "a", 2025, sizes, seed=1),
        round_of(folder / "b", 2026, {"u1": 130, "u2": 100, "u3": 8}, seed=2, lean=2.0),
    )


@pytest.mark.slow
def test_a_change_is_the_difference_of_two_published_figures(rounds: tuple[Archive, Archive]) -> None:
    before, after = map(edition_of, rounds)
    rows = change_rows(*rounds)
    for unit in ("u1",):
        for node in ("index", "first", "a", "b", "second", "c"):
            row, now, past = of_unit(rows, unit, node), after.row(unit, node), before.row(unit, node)
            assert row.change == pytest.approx((now.estimate or 0) - (past.estimate or 0), abs=1e-9)
            assert (row.later_estimate, row.earlier_estimate) == pytest.approx((now.estimate, past.estimate))
            variances = np.array([(now.se or 0) ** 2, (past.se or 0) ** 2])
            assert row.se == pytest.approx(np.sqrt(variances.sum()), rel=1e-9)
            df = variances.sum() ** 2 / (variances**2 / 7).sum()
            assert row.df == pytest.approx(df)
            half = student.ppf(0.975, df) * (row.se or 0)
            assert (row.low, row.high) == pytest.approx(((row.change or 0) - half, (row.change or 0) + half))
            assert row.p == pytest.approx(2 * student.sf(abs(row.change or 0) / (row.se or 1), df))
    assert of_unit(rows, "u1").method == "independent"


@pytest.mark.slow
def test_who_is_hidden_in_one_round_has_no_change(rounds: tuple[Archive, Archive]) -> None:
    rows = change_rows(*rounds)
    hidden = [row for row in rows if row.unit in ("u2", "u3")]
    # u3 has eight answers, and u2 is hidden beside it.
    assert {(row.change, row.reason, row.verdict) for row in hidden} == {(None, "not_shown", "not_tested")}
    total = of_unit(rows, "bloc:east")
    assert total.reason == ""
    assert total.change is not None


@pytest.mark.slow
def test_p_values_of_a_node_are_adjusted_over_its_units(tmp_path: Path) -> None:
    sizes = {"u1": 100, "u2": 100, "u3": 100}
    rows = change_rows(
        round_of(tmp_path / "a", 2025, sizes, seed=3), round_of(tmp_path / "b", 2026, sizes, seed=4, lean=3)
    )
    own = sorted((of_unit(rows, unit) for unit in sizes), key=lambda row: row.p or 0)
    steps = np.maximum.accumulate([(row.p or 0) * (3 - place) for place, row in enumerate(own)])
    assert [row.p_adjusted for row in own] == pytest.approx(np.minimum(steps, 1).tolist())
    assert {row.verdict for row in own} <= {"higher", "lower", "not_different"}


def merged(tmp_path: Path, population: Mapping[str, int] | None = None) -> tuple[Archive, Archive]:
    old = {"o1": 80, "o2": 70, "keep": 90, "half": 60}
    people = population or {"o1": 300, "o2": 900, "keep": 500, "half": 400}
    return (
        round_of(tmp_path / "a", 2025, old, seed=5, population=people),
        round_of(tmp_path / "b", 2026, {"new": 150, "keep": 90, "part": 80, "fresh": 70, "late": 60}, seed=6),
    )


TABLE = (
    Succession("o1", "new", MERGED, "merge"),
    Succession("o2", "new", MERGED, "rename"),
    Succession("half", "part", MERGED, "split"),
    Succession("gone", "late", MERGED, "merge"),
    Succession("district", "new", MERGED, "split"),
)
PARENTS = {"o1": "district", "o2": "district"}


@pytest.mark.slow
def test_a_successor_is_held_against_its_predecessors_weighted_by_their_people(tmp_path: Path) -> None:
    before, after = merged(tmp_path)
    rows = change_rows(before, after, Registry(TABLE, PARENTS))
    past, now = edition_of(before), edition_of(after)
    row = of_unit(rows, "new")
    pooled = 0.25 * (past.row("o1").estimate or 0) + 0.75 * (past.row("o2").estimate or 0)
    assert row.predecessors == "o1+o2"
    assert row.earlier_estimate == pytest.approx(pooled)
    assert row.change == pytest.approx((now.row("new").estimate or 0) - pooled)
    errors = [(now.row("new").se or 0), 0.25 * (past.row("o1").se or 0), 0.75 * (past.row("o2").se or 0)]
    assert row.se == pytest.approx(np.sqrt(np.square(errors).sum()))
    assert of_unit(rows, "keep").predecessors == "keep"
    reasons = {unit: of_unit(rows, unit).reason for unit in ("part", "fresh", "late")}
    assert reasons == {"part": "split", "fresh": "no_predecessor", "late": "predecessor_missing"}


def test_successions_are_followed_over_several_steps() -> None:
    days = [dt.date(2026, month, 1) for month in (2, 3, 4)]
    chain = [
        Succession("a", "b", days[0], "rename"),
        Succession("b", "c", days[1], "merge"),
        Succession("d", "c", days[1], "merge"),
        Succession("x", "a", dt.date(2020, 1, 1), "merge"),
    ]
    between = (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
    assert lineage_of("c", {"a", "d"}, chain, between, {}).units == ("a", "d")
    assert lineage_of("c", {"a"}, chain, between, {}).reason == "predecessor_missing"
    # What happened before the earlier round is no matter of a change.
    assert lineage_of("a", {"a"}, chain, between, {}).units == ("a",)
    # A unit that keeps its code and takes in another is both of them.
    grown = [Succession("d", "a", days[2], "merge")]
    assert lineage_of("a", {"a", "d"}, grown, between, {}).units == ("a", "d")
    # One that gave a part of itself away is not what it was.
    assert lineage_of("a", {"a"}, [Succession("a", "e", days[2], "split")], between, {}).reason == "split"


def test_a_district_and_its_communes_are_the_same_people() -> None:
    day, between = dt.date(2026, 3, 1), (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
    table = [
        Succession("ward", "new", day, "merge"),
        Succession("commune", "new", day, "merge"),
        Succession("district", "new", day, "split"),
        Succession("island", "zone", day, "rename"),
        Succession("bay", "zone", day, "merge"),
    ]
    parents = {"ward": "district", "commune": "district", "bay": "island"}
    found = {
        rated: lineage_of("new", set(rated.split()), table, between, parents)
        for rated in ("ward commune", "ward", "district", "ward commune district", "nobody")
    }
    assert found["ward commune"].units == found["ward commune district"].units == ("commune", "ward")
    assert not found["ward commune"].reason
    # A round of wards alone did not ask the people of the commune, although it rated no commune at all.
    assert found["ward"].reason == "predecessor_missing"
    assert found["district"].reason == "split"
    assert found["nobody"].reason == "predecessor_missing"
    assert lineage_of("zone", {"island"}, table, between, parents).units == ("island",)
    assert lineage_of("zone", {"island", "bay"}, table, between, parents).units == ("bay",)


def standardised_by_hand(archive: Archive, unit: str, mix: Mapping[str, float]) -> tuple[float, float]:
    """The index of a unit post-stratified by channel, and its linearised variance, by a loop over its responses."""
    rows = [row for row in archive.contents.responses.to_pylist() if row["unit"] == unit]
    value, influence = 0.0, defaultdict(float)
    for item, weight in ROOT_WEIGHTS.items():
        for channel, share in mix.items():
            said = [row for row in rows if row["channel"] == channel and row[item] is not None]
            points = [25.0 * (int(row[item]) - 1) for row in said]
            mean = sum(points) / len(points)
            value += weight * share * mean
            for row, score in zip(said, points, strict=True):
                influence[row["psu"]] += weight * share * (score - mean) / len(points)
    totals = np.array([influence[psu] for psu in {row["psu"] for row in rows}])
    n = len(totals)
    return value, float(n / (n - 1) * ((totals - totals.mean()) ** 2).sum())


@pytest.mark.slow
def test_with_a_fixed_mix_of_channels_each_round_is_post_stratified(rounds: tuple[Archive, Archive]) -> None:
    mix = {"counter": 0.4, "web": 0.6}
    row = of_unit(change_rows(*rounds, mode_mix=mix), "u1")
    (past, past_variance), (now, now_variance) = (standardised_by_hand(archive, "u1", mix) for archive in rounds)
    assert row.fixed_mode_change == pytest.approx(now - past)
    assert row.fixed_mode_se == pytest.approx(np.sqrt(past_variance + now_variance))
    assert row.change != pytest.approx(row.fixed_mode_change, abs=0.1)
    assert row.fixed_mode_low is not None
    assert row.fixed_mode_high is not None
    assert row.fixed_mode_low < (row.fixed_mode_change or 0) < row.fixed_mode_high


@pytest.mark.slow
def test_a_mix_must_know_every_channel(rounds: tuple[Archive, Archive]) -> None:
    with pytest.raises(AnalysisError, match="no share of the channel 'web'"):
        change_rows(*rounds, mode_mix={"counter": 1.0})
    only = change_rows(*rounds, mode_mix={"counter": 1.0, "web": 0.0})
    assert of_unit(only, "u1").fixed_mode_change is not None
    missing = change_rows(*rounds, mode_mix={"counter": 0.5, "web": 0.3, "post": 0.2})
    assert of_unit(missing, "u1").fixed_mode_reason == "channel_missing"


@pytest.mark.slow
def test_few_answers_by_one_channel_hide_the_change_with_a_fixed_mix(tmp_path: Path) -> None:
    sizes = {"u1": 16, "u2": 90}
    rows = change_rows(
        round_of(tmp_path / "a", 2025, sizes, seed=7),
        round_of(tmp_path / "b", 2026, sizes, seed=8),
        mode_mix={"counter": 0.5, "web": 0.5},
    )
    row = of_unit(rows, "u1")
    assert row.change is not None
    assert (row.fixed_mode_change, row.fixed_mode_reason) == (None, "too_few_answers")


@pytest.mark.slow
def test_where_the_design_says_so_errors_of_shared_psus_count_together(tmp_path: Path) -> None:
    sizes = {"u1": 80, "u2": 90}
    before = round_of(tmp_path / "a", 2025, sizes, seed=9)
    after = round_of(tmp_path / "b", 2026, sizes, seed=10, extra_design="same_psus_as: small-2025\n")
    row = of_unit(change_rows(before, after), "u1")
    influence: dict[str, float] = defaultdict(float)
    for archive, sign in ((before, -1), (after, 1)):
        rows = [row for row in archive.contents.responses.to_pylist() if row["unit"] == "u1"]
        for item, weight in ROOT_WEIGHTS.items():
            said = [row for row in rows if row[item] is not None]
            points = [25.0 * (int(row[item]) - 1) for row in said]
            mean = sum(points) / len(points)
            for one, score in zip(said, points, strict=True):
                influence[one["psu"]] += sign * weight * (score - mean) / len(points)
    totals = np.array(list(influence.values()))
    assert row.method == "shared_psus"
    assert row.se == pytest.approx(np.sqrt(8 / 7 * ((totals - totals.mean()) ** 2).sum()))
    assert row.df == 7
    assert of_unit(change_rows(before, after), "all").reason == "shared_psus"


@pytest.mark.slow
def test_what_is_asked_or_weighed_otherwise_is_not_compared(tmp_path: Path, rounds: tuple[Archive, Archive]) -> None:
    other = QUESTIONNAIRE.replace("Item c}", "Something else}").replace('version: "1"', 'version: "2"')
    after = round_of(tmp_path / "b", 2026, {"u1": 100, "u2": 100}, seed=11, questionnaire=other)
    rows = change_rows(rounds[0], after)
    reasons = {node: of_unit(rows, "u1", node).reason for node in ("index", "first", "a", "b", "second", "c")}
    assert reasons == {"index": "not_comparable", "first": "", "a": "", "b": "", "second": "not_comparable",
                       "c": "not_comparable"}  # fmt: skip
    heavier = QUESTIONNAIRE.replace("{item: a, weight: 3", "{item: a, weight: 2")
    after = round_of(tmp_path / "c", 2026, {"u1": 100, "u2": 100}, seed=11, questionnaire=heavier)
    rows = change_rows(rounds[0], after)
    assert [of_unit(rows, "u1", node).reason for node in ("index", "first", "a")] == ["not_comparable"] * 2 + [""]


@pytest.mark.slow
def test_rounds_in_the_wrong_order_are_refused(rounds: tuple[Archive, Archive]) -> None:
    with pytest.raises(AnalysisError, match="expected the earlier round first"):
        change_rows(rounds[1], rounds[0])


@pytest.mark.slow
def test_answers_from_an_open_link_are_in_no_change(tmp_path: Path, rounds: tuple[Archive, Archive]) -> None:
    before, after = rounds
    table = after.contents.responses
    channel = table.schema.get_field_index("channel")
    name = pa.array(["open_link"] * 40, pa.string())
    # Forty people of the first unit who were drawn by nobody, all of them as content as those who came first.
    linked = table.slice(0, 40).set_column(channel, table.schema.field(channel), name)
    counts = Counts(283, 278, 278, 278, {})
    beside = archive_at(
        tmp_path / "linked", replace(after.contents, responses=pa.concat_tables([table, linked]), counts=counts)
    )
    mix = {"counter": 0.5, "web": 0.5}
    assert change_rows(before, beside, mode_mix=mix) == change_rows(before, after, mode_mix=mix)
    assert pooled_rows(before, beside) == pooled_rows(before, after)


@pytest.mark.slow
def test_standardised_rounds_are_refused_whichever_of_them_it_is(
    tmp_path: Path, rounds: tuple[Archive, Archive]
) -> None:
    people = rows_of({unit: [("1", "2", "3"), ("5", "4", "4")] for unit in BLOCS}, dict.fromkeys(BLOCS, 20))
    # Held in March 2026, between the two others.
    standardised = standardised_archive(tmp_path / "ddci", people)
    for pair in ((rounds[0], standardised), (standardised, rounds[1])):
        for compare in (change_rows, pooled_rows):
            with pytest.raises(AnalysisError, match="found a standardised profile in one of the rounds"):
                compare(*pair)


@pytest.mark.slow
def test_two_rounds_together_count_alike(rounds: tuple[Archive, Archive]) -> None:
    before, after = map(edition_of, rounds)
    pooled = {(row.unit, row.node): row for row in pooled_rows(*rounds)}
    one, now, past = pooled["u1", "index"], after.row("u1"), before.row("u1")
    assert one.estimate == pytest.approx(((now.estimate or 0) + (past.estimate or 0)) / 2)
    assert one.se == pytest.approx(np.hypot(now.se or 0, past.se or 0) / 2)
    assert (one.se or 0) < min(now.se or 0, past.se or 0)
    assert pooled["u3", "index"].reason == "not_shown"
