"""What sets a scorecard's figures in context, by value: bands, importance, trends, voices (ask S1)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.release.context_rows import ImportanceRow
from analysis.release.edition import Edition
from analysis.release.voice_rows import CommentRow
from analysis.scorecards.cards import Scorecard
from analysis.scorecards.content import Composer
from analysis.scorecards.layout import PAGE_HEIGHT, Block, arranged
from analysis.scorecards.matrix_charts import MatrixValue, matrix
from analysis.scorecards.qr_codes import qr_code
from analysis.scorecards.range_charts import range_row
from analysis.scorecards.trend_charts import TrendValue, trend
from analysis.scorecards.voices import LONGEST_COMMENT, shown_text
from support.editions import make_edition
from support.full_editions import NORMAL, full_edition

FIRST = "06652"


@pytest.fixture(scope="module")
def edition() -> Edition:
    return full_edition(54)


@pytest.fixture(scope="module")
def cards(edition: Edition) -> list[Scorecard]:
    composer = Composer(edition)
    return [composer.scorecard(unit.code) for unit in edition.units]


def test_a_score_is_outside_its_band_exactly_where_the_edition_found_a_difference(cards: list[Scorecard]) -> None:
    seen = set()
    for card in cards:
        for one in card.context.expected:
            assert one.figure.value is not None
            side = "lower" if one.figure.value < one.inner[0] else "higher" if one.figure.value > one.inner[1] else ""
            assert one.verdict == (side or "not_different")
            seen.add(one.verdict)
    assert seen == {"lower", "higher", "not_different"}


def test_bands_have_holms_critical_values_and_the_spread_of_the_bloc(edition: Edition, cards: list[Scorecard]) -> None:
    """By hand: from the smallest p value of m up, each is held against (1 - level) / what is left, until one fails."""
    rows = {
        row.node: row for row in edition.differences if row.unit == FIRST and row.node in ("f1", "f2", "f3", "f4", "f5")
    }
    ordered = sorted(rows.values(), key=lambda row: row.p or 0.0)
    level, failed = 0.05 / 5, False
    for place, row in enumerate(ordered):
        level = level if failed else 0.05 / (5 - place)
        failed = failed or (row.p or 0.0) > level
        half = NORMAL.inv_cdf(1 - level / 2) * (row.se or 0.0)
        one = next(one for one in cards[0].context.expected if f"f{one.number}" == row.node)
        assert one.inner == pytest.approx((max(one.others - half, 0), min(one.others + half, 100)))
        # DerSimonian and Laird's estimate of what units differ by, written out.
        known = [(x.estimate, x.se) for x in edition.estimates if x.node == row.node and x.unit.isdigit()]
        weights = [1 / (se or 1) ** 2 for _, se in known]
        mean = sum(w * (x or 0) for w, (x, _) in zip(weights, known, strict=True)) / sum(weights)
        q = sum(w * ((x or 0) - mean) ** 2 for w, (x, _) in zip(weights, known, strict=True))
        between = (q - len(known) + 1) / (sum(weights) - sum(w * w for w in weights) / sum(weights))
        own = next(x.se or 0 for x in edition.estimates if (x.unit, x.node) == (FIRST, row.node))
        reach = max(1.959964 * sqrt(max(between, 0) + own**2), half)
        assert one.outer == pytest.approx((one.others - reach, min(one.others + reach, 100)), abs=1e-4)


def test_where_nothing_was_tested_there_are_no_bands(edition: Edition) -> None:
    assert Composer(make_edition(6)).scorecard(FIRST).context.expected == ()
    alone = full_edition(1)
    assert Composer(alone).scorecard(FIRST).context.expected == ()
    silent = tuple(
        replace(row, difference=None, se=None, p=None, verdict="not_tested", reason="alone")
        for row in edition.differences
    )
    assert Composer(replace(edition, differences=silent)).scorecard(FIRST).context.expected == ()


def test_what_to_do_first_is_importance_times_what_is_missing(edition: Edition, cards: list[Scorecard]) -> None:
    card = cards[0]
    known = {row.node: row.importance or 0.0 for row in edition.importance}
    criteria = [line for line in card.lines if line.kind == "criterion"]
    worth = {line.code: known[line.code] * (100 - (line.figure.value or 0)) for line in criteria}
    best = sorted(worth, key=lambda code: -worth[code])[:4]
    assert [one.line.code for one in card.context.priorities] == best
    assert card.context.is_by_importance
    for one in card.context.priorities:
        assert one.spread is not None
        assert sum(one.spread.shares) == pytest.approx(1)
        assert one.missing == pytest.approx(100 - (one.line.figure.value or 0))


def test_without_every_importance_the_weights_of_the_index_decide(edition: Edition) -> None:
    def without(row: ImportanceRow) -> ImportanceRow:
        return replace(row, importance=None, reason="too_few_complete") if row.node == "f1_1" else row

    card = Composer(replace(edition, importance=tuple(map(without, edition.importance)))).scorecard(FIRST)
    assert not card.context.is_by_importance
    lowest = sorted((line.figure.value or 0) for line in card.lines if line.kind == "criterion")[:4]
    assert [one.line.figure.value for one in card.context.priorities] == lowest
    assert {one.importance for one in card.context.priorities} == {None}


def test_a_hidden_unit_is_told_nothing_to_do_and_has_no_trend() -> None:
    context = Composer(full_edition(12, sheets=[7] + [100] * 11)).scorecard(FIRST).context
    assert (context.priorities, context.expected, context.trend, context.importance) == ((), (), (), None)
    assert context.change is None
    assert context.accounting is None


def test_a_trend_is_broken_where_the_unit_was_another_one(cards: list[Scorecard]) -> None:
    points = cards[0].context.trend
    assert [point.break_reason for point in points] == ["", "unit", "", ""]
    assert [point.is_current for point in points] == [False, False, False, True]
    change = cards[0].context.change
    assert change is not None
    assert change.opens_on == dt.date(2025, 9, 1)


def test_lines_of_a_trend_end_at_a_break_and_labels_stay_inside() -> None:
    days = [dt.date(year, 9, 1) for year in (2022, 2023, 2024, 2026)]
    values = [
        TrendValue(day, 60.0 + 3 * place, 58.0 + 3 * place, 62.0 + 3 * place, 70.0, is_joined=place != 1)
        for place, day in enumerate(days)
    ]
    drawing = trend(values, width=500, height=114)
    assert [len(line) for line in drawing.lines] == [1, 3]
    assert len(drawing.breaks) == 1
    assert drawing.points[0].x < drawing.breaks[0] < drawing.points[1].x
    # Two years are twice as wide as one.
    xs = [point.x for point in drawing.points]
    assert (xs[3] - xs[2]) == pytest.approx(2 * (xs[2] - xs[1]), rel=0.01)
    assert all(8 <= (point.label_y or 0) <= drawing.bottom for point in drawing.points)
    assert drawing.bloc_end is not None
    assert drawing.unit_end is not None
    assert abs(drawing.bloc_end - drawing.unit_end) >= 10.9


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1)), min_size=1, max_size=12))
def test_every_point_of_a_matrix_and_its_number_lie_inside(points: list[tuple[float, float]]) -> None:
    values = [MatrixValue(str(n), score, None, None, weight, None, None) for n, (score, weight) in enumerate(points, 1)]
    split = (sum(score for score, _ in points) / len(points), sum(weight for _, weight in points) / len(points))
    drawing = matrix(values, split=split, width=256, height=190)
    for point in drawing.points:
        assert drawing.left <= point.x <= drawing.right
        assert drawing.top <= point.y <= drawing.bottom
        assert 0 <= point.label_x <= drawing.width
    assert drawing.left <= drawing.split[0] <= drawing.right


def test_a_range_row_has_its_bands_where_the_scale_puts_them() -> None:
    row = range_row(
        75.0, (70.0, 80.0), (60.0, 90.0), 76.0, (71.0, 71.001, 88.0), bounds=(50, 100), width=216, height=22
    )
    assert row.inner == (88, 40)
    assert row.outer == (48, 120)
    assert (row.value, row.mark) == (108, 112)
    assert len(row.others) == 2


def test_comments_are_the_units_own_and_cut_to_what_a_page_holds() -> None:
    edition = full_edition(2)
    long = tuple(CommentRow(FIRST, "waiting", f"{n} " + "chờ " * 400) for n in range(40))
    composer = Composer(replace(edition, comments=long))
    assert all(not theme.comments for theme in composer.scorecard(FIRST).context.themes)
    own = composer.scorecard(FIRST, with_comments=True).context.themes
    assert [len(theme.comments) for theme in own] == [8, 0, 0]
    assert all(len(comment) <= LONGEST_COMMENT for theme in own for comment in theme.comments)
    assert [theme.n for theme in own] == [41, 27, 12]


@settings(max_examples=25)
@given(st.text())
def test_no_comment_turns_the_words_around_it(text: str) -> None:
    shown = shown_text(text)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\n\r\t\x00")
    assert len(shown) <= LONGEST_COMMENT


def test_groups_stand_under_their_question_and_hidden_ones_have_no_value(cards: list[Scorecard]) -> None:
    gender, age = cards[0].context.subgroups
    assert [group.label.en for group in gender.groups] == ["Women", "Men"]
    assert [group.figure.is_shown for group in age.groups] == [False, True, True]
    assert age.n_hidden == 1


def test_a_promise_stands_beside_what_became_of_its_score(cards: list[Scorecard]) -> None:
    first, second = cards[0].context.promises
    assert (first.number, first.state, second.number) == ("1.1", "done", "")
    assert first.change is not None
    assert second.change == cards[0].context.change


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(20, 300), st.integers(0, 30)), min_size=1, max_size=8))
def test_parts_are_put_on_pages_that_hold_them(parts: list[tuple[float, int]]) -> None:
    blocks = [Block(str(n), height, ((12.0, 15.0),) * n_rows) for n, (height, n_rows) in enumerate(parts)]
    found = arranged(blocks)
    assert blocks[0].name in found.beginnings
    pages: list[list[Block]] = []
    for block in blocks:
        if block.name in found.beginnings:
            pages.append([])
        pages[-1].append(block)
    for page in pages:
        if len(page) > 1 and all(block.at(3) <= PAGE_HEIGHT for block in page):
            assert _height(page, found.paddings) <= PAGE_HEIGHT


def _height(page: Sequence[Block], paddings: object) -> float:
    return sum(block.at(paddings[block.name]) for block in page)  # type: ignore[index]


def test_a_qr_code_is_a_path_with_room_around_it() -> None:
    code = qr_code("https://hailong.example.vn/results/sipas-2026/06652/verify")
    assert code.path.startswith("M2 2.5h7")
    assert code.n_modules >= 29
