"""What an index is worth in other indices: a plan's rules, read, kept and reckoned (issue 6, S2)."""

from dataclasses import replace

import pytest

from analysis.errors import PlanError
from analysis.release.plan import Plan, parse_plan, plan_source
from analysis.release.points import points_of
from analysis.release.points_plan import PointsRule
from analysis.release.rows import ALL
from questionnaires.model import Text
from support.editions import make_edition

PAR = PointsRule(Text("Chỉ số cải cách hành chính", "PAR Index"), 10.0, 100.0, "all", "báo cáo PAR Index 2021")
HEAD = 'plan: 1\nversion: "1"\npoints:\n'


def test_an_index_gives_points_in_proportion_as_it_was_published() -> None:
    """Hà Tĩnh 2021: 91.17 % of SIPAS gave 9.12 of the 10 points of the PAR Index (baohatinh.vn 236001)."""
    edition = make_edition(2)
    row = replace(edition.estimates[0], unit=ALL, node="index", estimate=91.17, low=90.0, high=92.5)
    points = points_of(replace(edition, estimates=(row,)), PAR)
    assert points.value == pytest.approx(9.117)
    assert round(points.value or 0.0, 2) == 9.12
    assert (points.low, points.high) == pytest.approx((9.0, 9.25))


def test_a_hidden_index_gives_no_points() -> None:
    edition = make_edition(3, sheets=[7, 100, 100])
    hidden, shown = edition.units[0].code, edition.units[1].code
    assert points_of(edition, PAR, hidden).value is None
    assert points_of(edition, PAR, "nobody").value is None
    assert points_of(edition, PAR, shown).value is not None


def test_a_plan_keeps_its_rules() -> None:
    plan = Plan(points=(PAR, replace(PAR, name=Text("Thi đua “A: b”", "Emulation"), most=2.5, counts="units")))
    assert parse_plan(plan_source(plan), "plan.yaml").points == plan.points
    assert parse_plan(b'plan: 1\nversion: "1"\n', "plan.yaml").points == ()


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("  - {name: {vi: a, en: b}, most: 12, of: 10, counts: all, source: c}\n", "found 12 of 10 points"),
        ("  - {name: {vi: a, en: b}, most: 0, of: 10, counts: all, source: c}\n", "found no points"),
        ("  - {name: {vi: a, en: b}, most: 1, of: 10, counts: some, source: c}\n", "expected all or units"),
        ("  - {name: {vi: a, en: b}, most: 1, of: 10, counts: all}\n", "source"),
        ("  - {name: a, most: 1, of: 10, counts: all, source: c}\n", "name"),
    ],
)
def test_a_rule_that_says_too_little_or_too_much_is_named(rule: str, complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        parse_plan((HEAD + rule).encode(), "plan.yaml")
