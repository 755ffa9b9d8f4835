"""An adversary who sees what is published, and solves linear programs, learns little of what is hidden."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.release.disclosure_audit import DisclosureError, audit, refuse_exposures
from analysis.release.plan import Plan
from support.disclosed import Answered, SmallRound, edition_of, narrowest, solved

pytestmark = pytest.mark.slow

PERSONS, UNITS = Plan(aggregate="persons"), Plan(aggregate="units")


@st.composite
def units(draw: st.DrawFn) -> Answered:
    """A unit of which few may have answered, some of them not everything, and most of whom are satisfied."""
    n_respondents = draw(st.sampled_from([0, 3, 7, 9, 10, 14, 40, 120]))
    n = tuple(max(n_respondents - draw(st.sampled_from([0, 0, 0, 2, 5])), 0) for _ in range(3))
    means = tuple(draw(st.sampled_from([0.0, 4.0, 50.0, 75.0, 88.0, 96.0, 99.0, 100.0])) for _ in range(3))
    return Answered((n[0], n[1], n[2]), (means[0], means[1], means[2]), draw(st.sampled_from([900, 4000, 30_000])))


rounds = st.builds(
    SmallRound,
    st.lists(st.lists(units(), min_size=1, max_size=5), min_size=1, max_size=2),
    st.sampled_from([PERSONS, UNITS]),
)


@given(rounds)
@settings(max_examples=25, deadline=None)
def test_the_adversary_learns_no_hidden_figure_to_less_than_three_points(played: SmallRound) -> None:
    rows = played.rows()
    assert narrowest(solved(played, [rows])) >= 3.0 - 1e-4
    found = audit(edition_of(played, rows), weights=played.weights())
    assert found.findings == ()
    refuse_exposures(edition_of(played, rows), weights=played.weights())


@given(rounds)
@settings(max_examples=25, deadline=None)
def test_the_auditor_finds_what_the_adversary_finds(played: SmallRound) -> None:
    # Nothing is completed here, so that in most rounds with hidden units there is something to find.
    rows = played.rows(completes=False)
    ranges = solved(played, [rows])
    found = {
        (figure.unit, figure.node): figure
        for figure in audit(edition_of(played, rows), (), played.weights(), exactly=True).figures
    }
    assert set(found) == set(ranges)
    for cell, (low, high) in ranges.items():
        # The auditor knows the factors and the index as well, so that its ranges are never wider.
        assert found[cell].low >= low - 1e-3
        assert found[cell].high <= high + 1e-3
    if narrowest(ranges) < 2.9:
        findings = audit(edition_of(played, rows), (), played.weights()).findings
        assert any("a hidden figure that can be told to lie in" in finding.found for finding in findings)
        with pytest.raises(DisclosureError, match="nothing was published"):
            refuse_exposures(edition_of(played, rows), weights=played.weights())


LARGE = Answered((120, 120, 120), (81.0, 77.0, 90.0))


def test_without_the_complementary_step_the_adversary_wins() -> None:
    few = Answered((7, 7, 7), (42.0, 60.0, 71.0))
    for plan in (PERSONS, UNITS):
        played = SmallRound([[few, LARGE, replace(LARGE, means=(64.0, 70.0, 66.0))], [LARGE, LARGE]], plan)
        low, high = solved(played, [played.rows(completes=False)])["b0u0", "a"]
        assert low == pytest.approx(42.0, abs=1e-3)
        assert high == pytest.approx(42.0, abs=1e-3)
        assert narrowest(solved(played, [played.rows()])) >= 3.0


def test_two_hidden_units_that_everybody_likes_tell_each_other_under_the_first_rules() -> None:
    liked = [Answered((7, 7, 7), (99.0, 60.0, 50.0)), Answered((9, 9, 9), (99.5, 60.0, 50.0))]
    played = SmallRound([[*liked, LARGE, replace(LARGE, means=(64.0, 70.0, 66.0)), LARGE]], UNITS)
    assert narrowest(solved(played, [played.rows(rules=1)])) < 2.0
    assert narrowest(solved(played, [played.rows()])) >= 3.0


def test_a_correction_with_other_holes_fills_those_of_the_edition_before() -> None:
    few = Answered((7, 7, 7), (42.0, 60.0, 71.0))
    others = [replace(LARGE, n=(n, n, n), means=(m, m - 3, m + 2)) for n, m in ((15, 64.0), (18, 70.0), (60, 81.0))]
    first = SmallRound([[few, *others]], UNITS)
    # In the second the plan hides units below 16, so that the neighbour of the small unit is another one.
    second = SmallRound([[few, replace(others[0], n=(70, 70, 70)), *others[1:]]], UNITS)
    before, after = first.rows(), second.rows()
    edition, earlier = edition_of(second, after, 2), edition_of(first, before)
    assert audit(edition, (), second.weights()).findings == ()
    assert narrowest(solved(second, [after, before])) < 0.5
    with pytest.raises(DisclosureError):
        refuse_exposures(edition, [earlier], second.weights())
    again = edition_of(first, before, 2)
    refuse_exposures(again, [earlier], first.weights())
