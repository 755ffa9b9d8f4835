"""Weights from counts, each rule on responses that can be counted by hand."""

from collections.abc import Mapping

import pytest

from analysis.errors import DesignError
from analysis.responses import AnswerValue
from support.designed_archives import SEVERAL, framed_under, means_of, responses_of

Answers = Mapping[str, AnswerValue]
CELLS = """\
design: 1
strata: [unit]
clusters: [psu]
cells:
  - {unit: "u1", psu: p1, population: 100, probability: 0.5}
  - {unit: "u1", psu: p2, population: 300}
  - {unit: "u1", psu: p3, population: 250, probability: 0.5}
  - {unit: "u2", psu: p1, population: 60}
"""

MARGIN = 'margins:\n  - {item: sex, unit: "u2", totals: {female: 40, male: 10}}\n'


def rows_of(*groups: tuple[int, str, str, Answers]):
    return [
        ({"unit": unit, "psu": psu, "channel": "web"}, {"a": "3", "b": "3", "c": "3", **answers})
        for n, unit, psu, answers in groups
        for _ in range(n)
    ]


def weights_of(design: str, *groups: tuple[int, str, str, Answers]) -> list[float]:
    framed = framed_under(design.encode(), responses_of(rows_of(*groups)), ["u1", "u2"])
    first, weights = 0, []
    for n, *_ in groups:
        assert framed.weights[first : first + n].tolist() == pytest.approx([framed.weights[first]] * n)
        weights.append(framed.weights[first])
        first += n
    return weights


def test_a_response_stands_for_its_cell_over_those_who_answered_there() -> None:
    everybody = [(4, "u1", "p1", {}), (10, "u1", "p2", {}), (5, "u1", "p3", {}), (6, "u2", "p1", {})]
    assert weights_of(CELLS, *everybody) == pytest.approx([50.0, 30.0, 100.0, 10.0])


def test_a_cell_that_nobody_answered_is_shared_by_the_others_of_its_stratum() -> None:
    share = (200 + 300 + 500) / (200 + 300)
    answering = [(4, "u1", "p1", {}), (10, "u1", "p2", {}), (6, "u2", "p1", {})]
    assert weights_of(CELLS, *answering) == pytest.approx([50.0 * share, 30.0 * share, 10.0])


def test_a_stratum_that_nobody_answered_is_not_covered() -> None:
    framed = framed_under(CELLS.encode(), responses_of(rows_of((5, "u2", "p1", {}))), ["u1", "u2"])
    assert framed.covered == {"u1": (1000, False), "u2": (60, True)}


def test_a_round_that_nobody_answered_has_no_weights_and_covers_nobody() -> None:
    design = CELLS + "household: adults\n" + MARGIN
    framed = framed_under(design.encode(), responses_of([]), ["u1", "u2"])
    assert framed.weights.tolist() == []
    assert framed.covered == {"u1": (1000, False), "u2": (60, False)}


def test_a_cell_that_the_design_does_not_list_is_named() -> None:
    with pytest.raises(DesignError, match=r"^design.yaml, cells: found no cell 'u1/p9', which has 5 responses"):
        weights_of(CELLS, (5, "u1", "p9", {}))


def test_more_answers_than_people_in_a_cell_are_refused() -> None:
    with pytest.raises(DesignError, match=r"^design.yaml, cells, u2/p1: found 60 people, expected at least the 61"):
        weights_of(CELLS, (61, "u2", "p1", {}))


def test_a_respondent_speaks_for_the_household() -> None:
    groups = [(2, "u2", "p1", {"adults": 3.0}), (3, "u2", "p1", {"adults": 1.0}), (1, "u2", "p1", {})]
    assert weights_of(CELLS + "household: adults\n", *groups) == pytest.approx([30.0, 10.0, 10.0 * 9 / 5])


def test_where_a_stratum_says_no_household_it_is_that_of_the_round() -> None:
    groups = [(4, "u2", "p1", {"adults": 3.0}), (10, "u1", "p2", {})]
    share = 1000 / 300
    assert weights_of(CELLS + "household: adults\n", *groups) == pytest.approx([45.0, 90.0 * share])
    assert weights_of(CELLS + "household: adults\n", (10, "u1", "p2", {})) == pytest.approx([30.0 * share])


def test_households_count_without_a_population_too() -> None:
    groups = [(4, "u2", "p1", {"adults": 3.0}), (10, "u1", "p2", {"adults": 2.0})]
    assert weights_of("design: 1\nhousehold: adults\n", *groups) == [3.0, 2.0]


def test_weights_add_up_to_the_margins() -> None:
    groups = [(2, "u2", "p1", {"sex": "female"}), (3, "u2", "p1", {"sex": "male"}), (10, "u1", "p2", {})]
    assert weights_of(CELLS + MARGIN, *groups) == pytest.approx([20.0, 10 / 3, 100.0])


def test_who_did_not_say_it_keeps_their_share_of_the_people() -> None:
    groups = [(2, "u2", "p1", {"sex": "female"}), (2, "u2", "p1", {"sex": "male"}), (1, "u2", "p1", {})]
    assert weights_of(CELLS + MARGIN, *groups) == pytest.approx([16.0, 4.0, 10.0])


def test_an_answer_that_nobody_gave_leaves_its_people_to_the_others() -> None:
    assert weights_of(CELLS + MARGIN, (4, "u2", "p1", {"sex": "female"})) == pytest.approx([12.5])


def test_a_margin_of_a_unit_that_said_nothing_changes_nothing() -> None:
    assert weights_of(CELLS + MARGIN, (4, "u2", "p1", {})) == pytest.approx([15.0])


def test_numbers_are_calibrated_by_band() -> None:
    ages = 'margins:\n  - {item: age, totals: {"18": 30, "35": 10, "55": 10}}\n'
    groups = [(2, "u2", "p1", {"age": 34.0}), (2, "u2", "p1", {"age": 35.0}), (1, "u2", "p1", {"age": 70.0})]
    assert weights_of(CELLS + ages, *groups) == pytest.approx([15.0, 5.0, 10.0])


def ratings_of(*ballots: tuple[str, str, list[str], Answers]):
    return [
        ({"unit": unit, "stratum": stratum, "ballot": ballot, "channel": "web"}, {"a": "3", **answers})
        for ballot, stratum, units, answers in ballots
        for unit in units
    ]


BALLOTS = [
    ("b1", "large", ["u1", "u2", "u3"], {"sex": "female", "adults": 2.0}),
    ("b2", "large", ["u1"], {"sex": "male", "adults": 1.0}),
    ("b3", "small", ["u2", "u1"], {"sex": "male", "adults": 1.0}),
    ("b4", "small", ["u3"], {"sex": "female", "adults": 1.0}),
]
FIRMS = "design: 1\nclusters: [ballot]\npopulation: {large: 10, small: 40}\n"


def test_a_ballot_counts_once_however_many_units_it_rates() -> None:
    framed = framed_under(
        FIRMS.encode(), responses_of(ratings_of(*BALLOTS), SEVERAL), ["u1", "u2", "u3"], source=SEVERAL
    )
    assert framed.weights.tolist() == [5.0] * 4 + [20.0] * 3
    calibrated = FIRMS + "household: adults\nmargins:\n  - {item: sex, totals: {female: 30, male: 30}}\n"
    framed = framed_under(
        calibrated.encode(), responses_of(ratings_of(*BALLOTS), SEVERAL), ["u1", "u2", "u3"], source=SEVERAL
    )
    # Ballots weigh 10, 5, 20 and 20 with their households: 30 women's and 25 men's.
    assert framed.weights.tolist() == pytest.approx([10.0] * 3 + [5 * 1.2] + [20 * 1.2] * 2 + [20.0])


def test_what_is_asked_once_has_one_row_a_ballot() -> None:
    framed = framed_under(
        FIRMS.encode(),
        responses_of(ratings_of(*BALLOTS), SEVERAL),
        ["u1", "u2", "u3"],
        source=SEVERAL,
        one_row_a_ballot=True,
    )
    assert framed.table["ballot"].to_pylist() == ["b1", "b2", "b3", "b4"]
    assert framed.weights.tolist() == [5.0, 5.0, 20.0, 20.0]
    assert means_of(framed, ["a"], []).n_respondents[0] == 4


def test_strata_that_were_joined_for_the_whole_round_have_their_people_together() -> None:
    rows = [({**origin, "stratum": "large+small"}, answers) for origin, answers in ratings_of(*BALLOTS)]
    framed = framed_under(
        FIRMS.encode(),
        responses_of(rows, SEVERAL),
        ["u1", "u2", "u3"],
        source=SEVERAL,
        coarsening={"strata": {"": {"large": "large+small", "small": "large+small"}}},
    )
    assert framed.weights.tolist() == [12.5] * 7
    assert framed.covered == {"large+small": (50, True)}


def test_a_stratum_with_one_ballot_is_lonely() -> None:
    framed = framed_under(
        FIRMS.encode(), responses_of(ratings_of(*BALLOTS[:3]), SEVERAL), ["u1", "u2", "u3"], source=SEVERAL
    )
    assert framed.lonely_rows.tolist() == [False] * 4 + [True] * 2
