"""What is flagged in a round, what it does to indices, and what of it is shown."""

from pathlib import Path

import numpy as np
import pytest

from analysis.accounting import OPEN_LINK
from analysis.errors import AnalysisError, PlanError
from analysis.release.plan import parse_plan, plan_source
from analysis.release.quality import Quality, examine_quality
from analysis.release.quality_rows import QualityRow, table_csv
from support.rated_archives import PLAN, honest_ratings, rated_archive

N_UNITS, N_ROWS = 12, 80
CHANNELS = ["counter", "post"] * (N_ROWS // 2)
COUNTER = np.arange(N_ROWS) % 2 == 0


@pytest.fixture(scope="module")
def bent(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, Quality]:
    """A round in which u00 has forty straight lines, u01 copies, u02 a counter where all is well, u03 few of a flag."""
    ratings = honest_ratings(N_UNITS, N_ROWS, 11)
    ratings[0, :40] = 5
    ratings[1, 10:16] = [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2]
    ratings[2, COUNTER] = np.maximum(ratings[2, COUNTER], 4)
    ratings[3, :4, :6] = 0
    archive = rated_archive(tmp_path_factory.mktemp("bent") / "archive", ratings, CHANNELS)
    return ratings, examine_quality(archive, "post")


def row_of(quality: Quality, unit: str, measure: str, channel: str = "all") -> QualityRow:
    return next(r for r in quality.rows if (r.unit, r.measure, r.channel) == (unit, measure, channel))


@pytest.mark.slow
def test_bent_units_are_called_and_honest_ones_are_not(bent: tuple[np.ndarray, Quality]) -> None:
    _, quality = bent
    unusual = {(row.unit, row.measure) for row in quality.rows if row.verdict == "unusual"}
    assert ("u00", "straight_line") in unusual
    assert ("u00", "all_top") in unusual
    assert ("u01", "duplicate") in unusual
    assert {unit for unit, _ in unusual} <= {"u00", "u01", "u02"}
    lines = row_of(quality, "u00", "straight_line")
    assert lines.count is not None
    assert lines.count >= 40
    assert lines.share == pytest.approx(100 * lines.count / N_ROWS)


@pytest.mark.slow
def test_a_counter_unlike_the_control_channel_stands_out_from_the_other_units(bent: tuple[np.ndarray, Quality]) -> None:
    ratings, quality = bent
    gaps = {row.unit: row for row in quality.gaps}
    assert [unit for unit, row in gaps.items() if row.excess_verdict == "gap"] == ["u02"]
    satisfied = 100 * (ratings[2] >= 4)
    assert gaps["u02"].index == pytest.approx(100.0)
    assert gaps["u02"].index_control == pytest.approx(satisfied[~COUNTER].mean())
    assert gaps["u02"].difference == pytest.approx(100 - satisfied[~COUNTER].mean())
    assert gaps["all"].difference == pytest.approx(
        np.mean([row.difference for unit, row in gaps.items() if unit != "all"])
    )


@pytest.mark.slow
def test_an_index_without_flagged_rows_is_that_of_the_others(bent: tuple[np.ndarray, Quality]) -> None:
    ratings, quality = bent
    row = next(r for r in quality.sensitivity if (r.unit, r.left_out) == ("u00", "straight_line"))
    is_line = (ratings[0] == ratings[0][:, :1]).all(axis=1)
    satisfied = 100 * (ratings[0] >= 4)
    assert (row.n, row.count) == (N_ROWS, is_line.sum())
    assert row.index == pytest.approx(satisfied.mean())
    assert row.index_without == pytest.approx(satisfied[~is_line].mean())
    assert row.difference == pytest.approx(satisfied[~is_line].mean() - satisfied.mean())
    assert row.low is not None
    assert row.high is not None
    assert row.low < row.difference < row.high < 0


@pytest.mark.slow
def test_counts_below_the_bound_are_hidden_with_what_would_give_them_back(bent: tuple[np.ndarray, Quality]) -> None:
    _, quality = bent
    missing = row_of(quality, "u03", "item_nonresponse")
    assert (missing.count, missing.share, missing.suppressed, missing.reason) == (None, None, True, "too_few_flagged")
    left = next(r for r in quality.sensitivity if (r.unit, r.left_out) == ("u03", "item_nonresponse"))
    assert (left.count, left.index_without, left.difference, left.reason) == (None, None, None, "too_few_flagged")
    assert left.index is not None
    for unit in {row.unit for row in quality.rows}:
        for measure in {row.measure for row in quality.rows}:
            cells = [row for row in quality.rows if (row.unit, row.measure) == (unit, measure)]
            hidden = [row for row in cells if row.suppressed and row.channel != "all"]
            total = next(row for row in cells if row.channel == "all")
            assert len(hidden) != 1 or total.suppressed
            assert all(row.count is None or row.count == 0 or row.count >= 10 for row in cells)


@pytest.mark.slow
def test_without_a_control_channel_no_gap_is_tested_and_a_strange_one_is_refused(tmp_path: Path) -> None:
    archive = rated_archive(tmp_path / "archive", honest_ratings(3, 40, 1), CHANNELS[:40])
    assert examine_quality(archive).gaps == ()
    with pytest.raises(AnalysisError, match="control: found 'phone', expected a channel of the archive: 'counter'"):
        examine_quality(archive, "phone")


@pytest.mark.slow
def test_a_control_channel_that_sealing_joined_takes_no_other_table_away(tmp_path: Path) -> None:
    ratings, plan = honest_ratings(3, 40, 1), f"{PLAN}quality: {{control: post}}\n"
    archive = rated_archive(tmp_path / "archive", ratings, ["counter", "other"] * 20, plan=plan)
    quality = examine_quality(archive)
    assert (quality.control, quality.lost_control, quality.gaps) == ("", "post", ())
    assert quality.rows
    with pytest.raises(AnalysisError, match="control: found 'other', expected a channel of the archive: 'counter'"):
        examine_quality(archive, "other")


@pytest.mark.slow
def test_few_units_are_not_held_against_each_other(tmp_path: Path) -> None:
    quality = examine_quality(rated_archive(tmp_path / "archive", honest_ratings(3, 40, 1), ["post"] * 40))
    assert {row.channel for row in quality.rows} == {"all"}
    tested = [row for row in quality.rows if row.measure not in ("duplicate", "any")]
    assert {(row.verdict, row.reason) for row in tested if not row.suppressed} == {("not_tested", "few_units")}


@pytest.mark.slow
def test_the_plan_names_the_control_channel_the_thresholds_and_the_duration(tmp_path: Path) -> None:
    minutes = np.full((9, 40), 6.0)
    minutes[0, :20] = 0.5
    plan = f"{PLAN}quality: {{control: post, duration: minutes, straight_line_share: 0.9}}\n"
    quality = examine_quality(
        rated_archive(tmp_path / "archive", honest_ratings(9, 40, 2), CHANNELS[:40], plan=plan, minutes=minutes)
    )
    assert quality.control == "post"
    assert row_of(quality, "u00", "fast").count == 20
    assert row_of(quality, "u00", "fast").verdict == "unusual"
    assert row_of(quality, "u01", "fast").count == 0


@pytest.mark.slow
def test_a_duration_that_is_no_number_is_refused(tmp_path: Path) -> None:
    archive = rated_archive(
        tmp_path / "archive", honest_ratings(2, 20, 1), ["post"] * 20, plan=f"{PLAN}quality: {{duration: q1}}\n"
    )
    with pytest.raises(PlanError, match=r"quality\.duration: found 'q1', expected an item of rated/1 that is a number"):
        examine_quality(archive)


@pytest.mark.slow
def test_under_a_standardised_profile_the_rescaled_mean_stands_for_the_index(tmp_path: Path) -> None:
    ratings = honest_ratings(4, 40, 3)
    archive = rated_archive(tmp_path / "archive", ratings, ["post"] * 40, plan=f"{PLAN}profile: standard\n")
    row = examine_quality(archive).sensitivity[0]
    assert row.formula == "rescaled"
    assert row.index == pytest.approx(25 * (ratings[0] - 1).mean())


def test_the_quality_of_a_plan_survives_its_file() -> None:
    source = f'{PLAN}quality: {{control: "tại nhà \\"A\\"", level: 0.99, duration: minutes, duration_unit: seconds}}\n'
    plan = parse_plan(source.encode(), "plan.yaml")
    assert (plan.quality.control, plan.quality.rules.level) == ('tại nhà "A"', 0.99)
    assert plan.quality.seconds_per_unit == 1.0
    assert parse_plan(plan_source(plan), "plan.yaml") == plan


@pytest.mark.parametrize(
    ("quality", "complaint"),
    [
        ("{contrl: post}", "quality.contrl: found the unknown key “contrl”"),
        ("{straight_line_items: 8.5}", "quality.straight_line_items: found the number 8.5, expected a whole number"),
        ("{straight_line_share: 1.5}", "quality.straight_line_share: found the number 1.5"),
        ("{duration_unit: hours}", "quality.duration_unit: found “hours”, expected seconds or minutes"),
    ],
)
def test_a_mistake_in_the_rules_is_named(quality: str, complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        parse_plan(f"{PLAN}quality: {quality}\n".encode(), "plan.yaml")


def test_rows_are_spelled_as_those_of_an_edition() -> None:
    row = QualityRow("r", "u", "all", "any", 20, None, None, None, None, None, "not_tested", True, "too_few_flagged")
    assert table_csv([row], QualityRow).decode() == (
        "round,unit,channel,measure,n,count,share,usual,score,p_adjusted,verdict,suppressed,reason\n"
        "r,u,all,any,20,,,,,,not_tested,true,too_few_flagged\n"
    )


@pytest.mark.slow
def test_answers_from_an_open_link_are_held_against_nobody(tmp_path: Path) -> None:
    channels = [OPEN_LINK if place % 4 == 0 else "post" for place in range(N_ROWS)]
    quality = examine_quality(rated_archive(tmp_path / "archive", honest_ratings(9, N_ROWS, 7), channels))
    assert {row.channel for row in quality.rows} == {"all"}
    assert {row.n for row in quality.rows} == {60}
