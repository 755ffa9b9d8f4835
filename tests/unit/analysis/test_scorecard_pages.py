"""How words fill lines and parts fill pages, and what of an edition a scorecard leaves out because it says nothing."""

from dataclasses import replace

import pytest

from analysis.release.context_rows import INDEX_OUTCOME, ImportanceRow, SubgroupRow
from analysis.release.points_plan import PointsRule
from analysis.scorecards.charts import Tick, sparse
from analysis.scorecards.content import Composer
from analysis.scorecards.layout import first_page, later_pages
from analysis.scorecards.letters import clipped, n_lines, text_width
from analysis.scorecards.pages import PAGE_HEIGHT, Block, arranged
from analysis.scorecards.priorities import telling
from analysis.scorecards.voices import subgroup_blocks
from questionnaires.model import Item, Text
from support.editions import make_edition, renamed

LONG = (
    "Ủy ban nhân dân phường Trần Hưng Đạo và Trung tâm Phục vụ hành chính công, giải quyết thủ tục đất đai khu vực 12"
)


def test_marks_above_and_below_a_letter_make_no_word_longer() -> None:
    assert text_width("ắ", 10.0) == pytest.approx(text_width("a", 10.0), abs=0.11)
    assert text_width("Hà Tu", 10.0, is_bold=True) > text_width("Hà Tu", 10.0)
    assert n_lines("một hai ba", text_width("một hai", 9.0) + 0.1, 9.0) == 2
    assert n_lines("m" * 100, 50.0, 10.0) > 10


def test_a_long_name_ends_in_an_ellipsis_after_two_lines() -> None:
    short = clipped(LONG, 154.0, 9.2)
    assert short.endswith("…")
    assert LONG.startswith(short[:-1])
    assert n_lines(short, 154.0, 9.2, is_bold=True) == 2
    assert clipped("Phường Hà Tu", 154.0, 9.2) == "Phường Hà Tu"


def test_a_long_name_leaves_room_for_what_to_do_first() -> None:
    for language in ("vi", "en"):
        card = Composer(renamed(make_edition(6), Text(LONG, LONG))).scorecard("06652")
        layout = first_page(card, language)
        assert layout.n_priorities == 4
        assert "steps" not in later_pages(card, language, layout).paddings


def test_a_table_is_parted_rather_than_leaving_a_page_nearly_empty() -> None:
    few = Block("few", 120.0)
    table = Block("table", 60.0, ((12.0, 16.0),) * 42, runs_on=True)
    assert arranged([few, table]).beginnings == {"few"}
    assert arranged([few, replace(table, runs_on=False)]).beginnings == {"few", "table"}


def test_parts_move_to_the_next_page_together_where_one_alone_would_leave_it_empty() -> None:
    blocks = [Block("a", 500.0), Block("b", 200.0), Block("c", 60.0), Block("d", 700.0)]
    assert arranged(blocks).beginnings == {"a", "b", "d"}
    assert sum(block.at(3) for block in blocks[:3]) > PAGE_HEIGHT


def test_numbers_below_an_axis_stand_apart() -> None:
    ticks = [Tick(81.5 + step / 2, 10.0 + 14 * step) for step in range(6)]
    assert [tick.value for tick in sparse(ticks, 1)] == [81.5, 82.5, 83.5]
    assert len(sparse([Tick(20.0 * step, 30.0 * step) for step in range(6)], 0)) == 6


def test_importance_that_only_says_how_the_index_is_made_is_left_out() -> None:
    row = ImportanceRow(
        "sipas-2026", "b", "f1", INDEX_OUTCOME, 0.07, 0.01, 0.07, 0.07, 0.95, "lmg", 40.0, 3558, 1.0, ""
    )
    assert telling([row, replace(row, node="f2")]) == ()
    assert telling([replace(row, r_squared=0.62)]) != ()
    assert telling([replace(row, outcome="q2_01")]) != ()


def test_a_band_of_ages_is_called_by_both_its_ends() -> None:
    item = Item("age", "number", Text("Tuổi", "Age"), bands=(18.0, 35.0, 55.0), whole=True)
    row = SubgroupRow("s", "u", "age", "18", "index", 80.0, 1.0, 78.0, 82.0, 0.95, "t", 30.0, 50, False, "", False)
    rows = [replace(row, option=option) for option in ("18", "35", "55")]
    (block,) = subgroup_blocks(rows, {"age": item})
    assert [group.label.vi for group in block.groups] == ["18–34", "35–54", "Từ 55"]
    assert block.groups[-1].label.en == "55 and over"


def test_points_of_each_unit_take_room_on_its_last_page() -> None:
    edition = make_edition(6)
    rule = PointsRule(Text("Chỉ số", "Index"), 10.0, 100.0, "units", "nguồn")
    counted = replace(edition, plan=replace(edition.plan, points=(rule,)))
    for one, has_points in ((edition, False), (counted, True)):
        card = Composer(one).scorecard("06652")
        assert ("points" in later_pages(card, "vi").paddings) is has_points
