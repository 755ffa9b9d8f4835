"""What stands on a scorecard, before it is laid out."""

from dataclasses import replace
from math import sqrt

import pytest
from scipy.stats import t

from analysis.errors import EditionError
from analysis.release.edition import Edition
from analysis.release.rows import DifferenceRow
from analysis.scorecards.comparison import former_comparisons
from analysis.scorecards.content import Composer, compose_league, compose_scorecard, highlights, is_equally_weighted
from analysis.scorecards.drawing import is_strip, line_bounds, strip_of
from analysis.scorecards.layout import first_page
from support.editions import FACTORS, make_edition

BLOC = "khoi-dia-phuong"


def _with_estimate(edition: Edition, unit: str, node: str, **changes: object) -> Edition:
    rows = tuple(
        replace(row, **changes) if (row.unit, row.node) == (unit, node) else row  # type: ignore[arg-type]
        for row in edition.estimates
    )
    return replace(edition, estimates=rows)


def test_a_scorecard_holds_every_factor_and_criterion_in_the_order_of_the_questionnaire() -> None:
    edition = make_edition(6)
    card = compose_scorecard(edition, edition.units[2].code)
    assert [line.number for line in card.lines[:6]] == ["1", "1.1", "1.2", "1.3", "1.4", "2"]
    assert len(card.lines) == 27
    assert len(card.factors) == 5
    assert card.is_compared
    assert card.n_ranked == 6


def test_members_stand_from_the_highest_index_to_the_lowest() -> None:
    card = compose_scorecard(make_edition(20), "06652")
    values = [member.figure.value for member in card.members]
    assert values == sorted(values, key=lambda value: -(value or 0))


def test_a_suppressed_unit_shows_no_value_anywhere() -> None:
    edition = make_edition(6, sheets=[7, 100, 100, 100, 100, 100])
    card = compose_scorecard(edition, "06652")
    assert card.member.figure.state == "suppressed"
    assert card.member.rank is None
    assert not card.is_compared
    assert {line.figure.value for line in card.lines} == {None}
    assert {line.verdict for line in card.lines} == {"not_tested"}
    assert card.strongest == card.weakest == ()
    assert card.distributions == ()
    assert card.n_hidden_members == 1
    assert "06652" not in [member.code for member in card.members]


def test_few_answers_carry_a_caution() -> None:
    card = compose_scorecard(make_edition(3, sheets=[20, 100, 100]), "06652")
    assert card.member.figure.state == "caution"
    assert card.has_caution
    assert not compose_scorecard(make_edition(3, sheets=[40, 100, 100]), "06652").has_caution


def test_a_lonely_unit_is_compared_with_nobody() -> None:
    card = compose_scorecard(make_edition(1), "06652")
    assert not card.is_compared
    assert {line.verdict for line in card.lines} == {"not_tested"}
    assert {line.difference for line in card.lines} == {None}
    # Without a bloc to compare with, the highlights are by score.
    values = [line.figure.value or 0 for line in card.strongest]
    assert values == sorted(values, reverse=True)


def test_highlights_never_name_a_criterion_twice() -> None:
    for factors in (FACTORS, FACTORS[:1], FACTORS[3:4]):
        card = compose_scorecard(make_edition(6, factors=factors), "06652")
        strong, weak = ({line.code for line in lines} for lines in (card.strongest, card.weakest))
        assert len(strong) == len(weak) <= 4
        assert not strong & weak


def test_highlights_are_the_extremes_of_the_difference() -> None:
    card = compose_scorecard(make_edition(6), "06652")
    differences = sorted(line.difference or 0 for line in card.lines if line.kind == "criterion")
    strongest, weakest = highlights(card.lines, by_difference=True)
    assert [line.difference for line in strongest] == differences[:-5:-1]
    assert [line.difference for line in weakest] == differences[:4]


def test_the_difference_is_the_unit_minus_the_bloc() -> None:
    card = compose_scorecard(make_edition(6), "06652")
    for line in card.lines:
        assert line.difference == pytest.approx((line.figure.value or 0) - (line.bloc.value or 0))


def test_without_the_editions_own_tests_a_unit_and_its_bloc_count_as_independent() -> None:
    """Editions of former formats hold no tests: D = x − bloc has variance se² + se_bloc² at most."""
    edition = make_edition(3, sheets=[100, 150, 200])
    rows = {row.unit: row for row in edition.estimates if row.node == "index"}
    unit, bloc = rows[edition.units[0].code], replace(rows[f"bloc:{BLOC}"], estimate=50.0)
    expected = sqrt((unit.se or 0) ** 2 + (bloc.se or 0) ** 2)
    critical = t.ppf(0.975, min(unit.df or 0, bloc.df or 0)) * expected
    for factor, verdict in ((1.01, "higher"), (0.99, "not_different"), (-0.99, "not_different"), (-1.01, "lower")):
        pair = (replace(unit, estimate=50.0 + factor * critical), bloc)
        assert former_comparisons({"x": pair}, groups=[["x"]], level=0.95)["x"].verdict == verdict


def test_more_comparisons_ask_for_more_evidence() -> None:
    edition = make_edition(6)
    unit, bloc = (next(row for row in edition.estimates if row.unit == owner) for owner in ("06652", f"bloc:{BLOC}"))
    spread = sqrt((unit.se or 0) ** 2 + (bloc.se or 0) ** 2)
    clear = (replace(unit, estimate=50 + 2.1 * spread), replace(bloc, estimate=50.0))
    equal = (replace(unit, estimate=50.0), replace(bloc, estimate=50.0))
    alone = former_comparisons({"x": clear}, groups=[["x"]], level=0.95)
    among = former_comparisons({"x": clear, "y": equal}, groups=[["x", "y"]], level=0.95)
    assert (alone["x"].verdict, among["x"].verdict) == ("higher", "not_different")


def test_a_verdict_is_what_the_editions_test_says() -> None:
    edition = make_edition(3)
    code = edition.units[0].code
    row = DifferenceRow("r", BLOC, code, "f1", 9.0, 1.0, 6.0, 12.0, 0.95, 40.0, 0.0001, 0.0003, "higher", "")
    tested = replace(edition, differences=(row, replace(row, node="f2", verdict="not_tested", reason="no_spread")))
    verdicts = {line.code: line.verdict for line in compose_scorecard(tested, code).lines}
    assert (verdicts["f1"], verdicts["f2"], verdicts["f3"]) == ("higher", "not_tested", "not_tested")


def test_a_scorecard_says_the_units_own_ranks_and_tables_those_of_all() -> None:
    edition = make_edition(6)
    wide = tuple(replace(row, rank_low=1, rank_high=6, own_low=row.rank, own_high=row.rank) for row in edition.ranks)
    card = compose_scorecard(replace(edition, ranks=wide), "06652")
    rank = next(row.rank for row in edition.ranks if row.unit == "06652")
    assert (card.member.rank_low, card.member.rank_high) == (rank, rank)
    assert {(member.rank_low, member.rank_high) for member in card.members} == {(1, 6)}


@pytest.mark.parametrize("changes", [{"se": None}, {"se": 0.0}])
def test_without_a_standard_error_nothing_is_tested(changes: dict[str, float | None]) -> None:
    edition = make_edition(2)
    for unit in ("06652", f"bloc:{BLOC}"):
        edition = _with_estimate(edition, unit, "f1", **changes)
    line = next(line for line in compose_scorecard(edition, "06652").lines if line.code == "f1")
    assert line.verdict == "not_tested"
    assert line.difference is not None


def test_a_hidden_criterion_leaves_the_others_alone() -> None:
    edition = _with_estimate(
        make_edition(6),
        "06652",
        "f1_2",
        suppressed=True,
        estimate=None,
        se=None,
        low=None,
        high=None,
        n=None,
        reason="too_few_answers",
    )
    lines = {line.code: line for line in compose_scorecard(edition, "06652").lines}
    assert lines["f1_2"].figure.state == "suppressed"
    assert lines["f1_2"].difference is None
    assert lines["f1_1"].figure.is_shown


def test_a_round_collected_elsewhere_has_no_response_rate() -> None:
    card = compose_scorecard(make_edition(3, collected="elsewhere"), "06652")
    assert card.participation.n_issued is None
    assert card.participation.rate is None
    assert compose_scorecard(make_edition(3), "06652").participation.rate == pytest.approx(0.687, abs=0.001)


def test_a_league_keeps_the_hidden_units_apart() -> None:
    league = compose_league(make_edition(5, sheets=[7, 100, 100, 100, 100]), BLOC)
    assert [member.code for member in league.unranked] == ["06652"]
    assert len(league.ranked) == 4
    tiers = [league.in_tier(tier) for tier in ("above", "not_different", "below")]
    assert sorted(member.code for tier in tiers for member in tier) == sorted(member.code for member in league.ranked)


def test_an_unknown_unit_or_bloc_is_refused() -> None:
    composer = Composer(make_edition(1))
    with pytest.raises(EditionError, match="holds no unit 99999"):
        composer.scorecard("99999")
    with pytest.raises(EditionError, match="holds no bloc other"):
        composer.league("other")


def test_few_units_are_named_and_many_stand_in_a_strip() -> None:
    six, many, crowded = (
        compose_scorecard(edition, "06652")
        for edition in (make_edition(6), make_edition(30), make_edition(8, factors=FACTORS + FACTORS[:3]))
    )
    assert [is_strip(card) for card in (six, many, crowded)] == [False, True, True]
    for language in ("vi", "en"):
        assert first_page(crowded, language).strip_height < first_page(many, language).strip_height
        assert first_page(crowded, language).row_height < first_page(many, language).row_height


def test_the_strip_shades_the_rank_set_of_the_subject() -> None:
    card = compose_scorecard(make_edition(30), "06652")
    drawing = strip_of(card, width=493, height=140)
    assert drawing.shade is not None
    assert card.member.rank_low is not None
    pitch = (drawing.right - drawing.left) / 30
    assert drawing.shade[0] == pytest.approx(drawing.left + (card.member.rank_low - 1) * pitch, abs=0.01)


def test_the_axis_of_the_criteria_holds_all_of_them() -> None:
    card = compose_scorecard(make_edition(6, sheets=[12] * 6), "06652")
    bounds = line_bounds(card.lines)
    assert bounds[0] <= min(line.figure.low or 100 for line in card.lines)
    assert bounds[-1] == 100


def test_the_shares_of_an_item_are_between_0_and_1_and_run_from_the_worst_answer() -> None:
    card = compose_scorecard(make_edition(2), "06652")
    (group,) = card.distributions
    assert [option.value for option in group.options] == [1, 2, 3, 4, 5]
    for spread in group.distributions:
        assert sum(spread.shares) == pytest.approx(1)


def test_a_tree_with_too_many_branches_leaves_the_first_page_to_the_rest() -> None:
    assert len(compose_scorecard(make_edition(2, factors=FACTORS * 3), "06652").factors) == 15
    assert compose_scorecard(make_edition(2, factors=FACTORS * 4), "06652").factors == ()


def test_equal_weights_are_told_from_unequal_ones() -> None:
    questionnaire = make_edition(1).questionnaire
    assert is_equally_weighted(questionnaire)
    root = questionnaire.index
    assert root is not None
    heavy = replace(root, children=(replace(root.children[0], weight=2.0), *root.children[1:]))
    assert not is_equally_weighted(replace(questionnaire, index=heavy))
