"""Where the marks of the charts stand, by value."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.scorecards.charts import Scale, decimals_of, diverging, nice_bounds, row_chart, stack, strip


def test_a_scale_puts_values_where_they_belong_and_stops_at_its_ends() -> None:
    scale = Scale(0, 100, 6, 206)
    assert [scale.at(value) for value in (0, 50, 100, -5, 130)] == [6, 106, 206, 6, 206]
    assert Scale(60, 90, 140, 20).at(75) == 80


def test_a_scale_without_length_is_refused() -> None:
    with pytest.raises(AnalysisError, match="expected the first to be the smaller"):
        Scale(5, 5, 0, 1)


@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        ((63.2, 91.4), (60, 65, 70, 75, 80, 85, 90, 95)),
        ((70.1, 75.9), (70, 71, 72, 73, 74, 75, 76)),
        ((99.9, 100.0), (98.5, 99, 99.5, 100)),
        ((0.0, 100.0), (0, 20, 40, 60, 80, 100)),
        ((), (0, 20, 40, 60, 80, 100)),
    ],
)
def test_an_axis_has_round_ticks_that_hold_all_values(values: tuple[float, ...], bounds: tuple[float, ...]) -> None:
    assert nice_bounds(values) == bounds


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_every_axis_holds_its_values_inside_0_to_100_with_four_to_eight_ticks(values: list[float]) -> None:
    bounds = nice_bounds(values)
    assert 0 <= bounds[0] <= min(values)
    assert max(values) <= bounds[-1] <= 100
    assert 4 <= len(bounds) <= 8
    assert len({round(later - earlier, 9) for earlier, later in pairwise(bounds)}) == 1


def test_the_bar_of_a_row_ends_at_its_value_and_starts_at_zero() -> None:
    row = row_chart(75.0, 70.0, 80.0, 60.0, bounds=(0, 20, 40, 60, 80, 100), width=212, height=24)
    assert (row.zero, row.value, row.low, row.high, row.mark) == (6, 156, 146, 166, 126)
    assert row.middle == 12
    assert [tick.at for tick in row.ticks] == [6, 46, 86, 126, 166, 206]


def test_a_row_without_a_value_has_no_marks() -> None:
    row = row_chart(None, None, None, None, bounds=(0, 50, 100), width=112, height=24)
    assert (row.value, row.low, row.high, row.mark) == (None, None, None, None)


def test_the_strip_shades_exactly_the_places_of_the_rank_set() -> None:
    members = [(90.0 - place, 88.0 - place, 92.0 - place, place == 4) for place in range(10)]
    drawing = strip(members, mark=85.0, rank_set=(3, 7), width=232, height=140)
    pitch = (drawing.right - drawing.left) / 10
    assert pitch == 20
    assert drawing.shade == (28 + 2 * 20, 28 + 7 * 20)
    assert drawing.subject is not None
    assert drawing.subject.x == 28 + 4.5 * 20
    assert drawing.shade[0] < drawing.subject.x < drawing.shade[1]
    assert [point.y_high < point.y < point.y_low for point in drawing.points] == [True] * 10


def test_the_strip_of_a_hidden_unit_shades_nothing_and_still_draws_the_others() -> None:
    drawing = strip([(80.0, 78.0, 82.0, False)], mark=None, rank_set=None, width=200, height=100)
    assert drawing.shade is None
    assert drawing.subject is None
    assert len(drawing.points) == 1


def test_the_label_of_a_unit_at_the_edge_stays_inside_the_drawing() -> None:
    members = [(90.0 - place, 89.0 - place, 91.0 - place, False) for place in range(40)]
    first = strip([(95.0, 94.0, 96.0, True), *members], mark=None, rank_set=None, width=493, height=140)
    last = strip([*members, (40.0, 39.0, 41.0, True)], mark=None, rank_set=None, width=493, height=140)
    assert (first.label_anchor, last.label_anchor) == ("start", "end")


def test_the_pieces_of_a_stacked_bar_touch_and_fill_it() -> None:
    parts = stack((0.04, 0.16, 0.3, 0.3, 0.2), width=220, least_label=0.05)
    assert [part.x for part in parts] == [0, 8.8, 44, 110, 176]
    assert sum(part.width for part in parts) == pytest.approx(220)
    assert [part.is_labelled for part in parts] == [False, True, True, True, True]


def test_shares_beyond_one_never_leave_the_bar() -> None:
    parts = stack((0.7, 0.7), width=100, least_label=0.05)
    assert parts[-1].x + parts[-1].width == 100


def test_the_two_ends_of_every_palette_differ() -> None:
    assert len({colour.fill for colour in diverging(5)}) == 5
    for count in range(2, 12):
        colours = diverging(count)
        assert len(colours) == count
        assert colours[0].fill != colours[-1].fill


def test_halves_on_an_axis_are_written_with_a_decimal() -> None:
    assert decimals_of((98.5, 99.0)) == 1
    assert decimals_of((98.0, 99.0)) == 0
