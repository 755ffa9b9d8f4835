"""What is concluded from counts of a fieldwork, and what is not."""

import datetime as dt

import pytest

from survey.fieldwork_days import DayCounts
from survey.fieldwork_outlook import Calendar, outlook_of, sum_of
from survey.round_status import StatusCell

FIRST = dt.date(2026, 11, 1)


def calendar(day: int, *, n_days: int = 20, is_open: bool = True) -> Calendar:
    return Calendar(FIRST, FIRST + dt.timedelta(days=n_days - 1), FIRST + dt.timedelta(days=day - 1), is_open)


def days(*received: int, opened: int = 1000) -> dict[dt.date, DayCounts]:
    """The first days of the round, with so many answers each."""
    return {FIRST + dt.timedelta(days=n): DayCounts(opened, count) for n, count in enumerate(received)}


def kinds(*cells: StatusCell, day: int = 10, known: dict[dt.date, DayCounts] | None = None, **more) -> list[str]:
    return [alert.kind for alert in outlook_of("a", cells, known or {}, calendar(day), **more).alerts]


def test_the_forecast_goes_on_as_the_last_week_did() -> None:
    cells = [StatusCell("a", "slip", 200, 24)]
    # Three a day in the last seven of ten days, ten days are left.
    known = days(3, 0, 0, 3, 3, 3, 3, 3, 3, 3)
    assert outlook_of("a", cells, known, calendar(10)).forecast == 24 + 30


def test_without_counts_by_day_the_forecast_is_the_pace_so_far() -> None:
    assert outlook_of("a", [StatusCell("a", "slip", 200, 30)], {}, calendar(10)).forecast == 60


def test_the_forecast_is_never_beyond_those_who_were_invited() -> None:
    assert outlook_of("a", [StatusCell("a", "slip", 50, 40)], {}, calendar(5)).forecast == 50


def test_before_the_first_day_nothing_is_forecast_and_after_the_last_what_is_there() -> None:
    cells = [StatusCell("a", "slip", 50, 7)]
    assert outlook_of("a", cells, {}, calendar(0)).forecast is None
    assert outlook_of("a", cells, {}, calendar(20)).forecast == 7
    assert outlook_of("a", cells, {}, calendar(10, is_open=False)).forecast == 7


def test_answers_without_a_code_are_apart() -> None:
    found = outlook_of("a", [StatusCell("a", "open_link", 9, 9), StatusCell("a", "slip", 40, 10)], {}, calendar(10))
    assert (found.issued, found.spent, found.unasked) == (40, 10, 9)
    assert found.rate == 0.25


def test_the_margin_knows_the_number_of_answers_and_the_people_alone() -> None:
    cells = [StatusCell("a", "slip", 400, 100)]
    assert outlook_of("a", cells, {}, calendar(10)).margin == pytest.approx(0.098, abs=5e-4)
    assert outlook_of("a", cells, {}, calendar(10), people=200).margin == pytest.approx(0.098 * 0.5**0.5, abs=5e-4)
    assert outlook_of("a", [StatusCell("a", "slip", 400, 0)], {}, calendar(10)).margin is None


def test_a_unit_that_nobody_answered_about_is_named_once_a_quarter_of_the_time_has_passed() -> None:
    silent = StatusCell("a", "slip", 50, 0)
    assert kinds(silent, day=4) == []
    assert kinds(silent, day=5) == ["silent"]
    assert kinds(StatusCell("a", "slip", 5, 0), day=10) == [], "five people say nothing of a unit"


def test_a_unit_is_behind_when_it_will_miss_a_fifth_of_its_target() -> None:
    cell = StatusCell("a", "slip", 200, 30)
    assert kinds(cell, target=75) == []
    assert kinds(cell, target=76) == ["behind"]


def test_without_a_target_a_unit_is_held_against_the_whole_round() -> None:
    assert kinds(StatusCell("a", "slip", 100, 20), rate_of_all=0.5) == ["slow"]
    assert kinds(StatusCell("a", "slip", 100, 40), rate_of_all=0.5) == [], "that may be chance"


def test_a_burst_is_a_day_far_above_the_others() -> None:
    cell = StatusCell("a", "slip", 500, 60)
    assert kinds(cell, known=days(3, 2, 4, 40)) == ["burst"]
    assert kinds(cell, known=days(3, 2, 4, 12)) == []
    assert kinds(cell, known=days(30, 28, 31, 40)) == []
    assert kinds(cell, known=days(1, 1, 40)) == [], "three days are no measure"


def test_more_answers_than_opened_pages_are_named() -> None:
    assert kinds(StatusCell("a", "slip", 500, 60), known=days(30, opened=10)) == ["unopened"]
    assert kinds(StatusCell("a", "slip", 500, 60), known=days(20, opened=10)) == []


def test_channels_are_compared_by_counts_alone() -> None:
    cells = (StatusCell("a", "counter", 200, 160), StatusCell("a", "post", 200, 60), StatusCell("a", "phone", 20, 0))
    (alert,) = outlook_of("a", cells, {}, calendar(10)).alerts
    assert alert.kind == "channels"
    assert (alert.figures["high"], alert.figures["low"]) == ("counter", "post")
    assert kinds(StatusCell("a", "counter", 40, 20), StatusCell("a", "post", 40, 15)) == []


def test_targets_add_up_only_where_every_unit_has_one() -> None:
    one, other = (outlook_of(unit, [StatusCell(unit, "slip", 50, 5)], {}, calendar(10), target=20) for unit in "ab")
    none = outlook_of("c", [StatusCell("c", "slip", 50, 5)], {}, calendar(10))
    assert sum_of([one, other]).target == 40
    assert sum_of([one, other, none]).target is None
    assert sum_of([one, other, none]).spent == 15
