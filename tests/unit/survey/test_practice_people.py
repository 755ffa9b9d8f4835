"""Practice people: the same for the same seed, answering what fits, and on average what is said to be true."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from analysis.release.plan import Plan
from analysis.release.round_design import parse_design
from analysis.responses import response_schema
from questionnaires.answers import CheckedAnswers, check_answers
from questionnaires.library import load_bundled
from questionnaires.modules import attach
from survey.demonstration.practice_design import population_of, practice_design
from survey.demonstration.practice_frame import (
    N_PSUS,
    RURAL,
    URBAN,
    Manners,
    draw_psus,
    practice_psus,
    stream_of,
)
from survey.demonstration.practice_people import draw_answers, form_of, issue_counts
from survey.demonstration.practice_table import responses_of
from survey.demonstration.practice_truth import true_indices, true_item_means, truth_csv

UNITS = ("A1", "B2")
SEVERAL = b"""\
design: 1
strata: [stratum]
clusters: [ballot]
cells:
  - {stratum: large, population: 90}
  - {stratum: small, population: 900}
"""


def _population(reference="sipas/2017.1", *, seed=3, design=None, manners=None, modules=()):
    questionnaire = attach(load_bundled(reference), [load_bundled(module) for module in modules])
    source = practice_design(UNITS, seed, 6) if design is None else design
    return population_of(questionnaire, UNITS, parse_design(source, "design.yaml"), seed, manners or Manners())


def _answers(population, n=300):
    return draw_answers(population, issue_counts(population, n), n)


def test_the_same_seed_gives_the_same_design_people_answers_and_truth():
    first, everybody = _population()
    again, _ = _population()
    assert practice_design(UNITS, 3, 6) == practice_design(UNITS, 3, 6)
    assert responses_of(first, _answers(first)).equals(responses_of(again, _answers(again)))
    assert true_indices(first, everybody, Plan()) == true_indices(again, everybody, Plan())


def test_another_seed_gives_another_frame_and_other_people():
    one, _ = _population()
    other, _ = _population(seed=4)
    assert practice_design(UNITS, 3, 6) != practice_design(UNITS, 4, 6)
    assert not responses_of(one, _answers(one)).equals(responses_of(other, _answers(other)))


def test_another_draw_asks_other_people_of_the_same_truth():
    population, everybody = _population()
    other = replace(population, draw=1)
    assert not responses_of(population, _answers(population)).equals(responses_of(other, _answers(other)))
    assert true_indices(population, everybody, Plan()) == true_indices(other, everybody, Plan())


def test_a_unit_has_the_same_people_whatever_other_units_there_are():
    alone = practice_psus("A1", 3, Manners())
    assert alone.unit == "A1"
    assert practice_design(("A1",), 3, 6) in practice_design(UNITS, 3, 6)


def test_psus_are_drawn_with_the_probability_that_is_written_down():
    psus = practice_psus("A1", 3, Manners())
    drawn = Counter()
    chances = {}
    for number in range(2000):
        places, probabilities = draw_psus(psus, 10, stream_of(number, 1))
        assert len(places) == 10
        assert Counter(psus.strata[place] for place in places) == {URBAN: 5, RURAL: 5}
        drawn.update(places.tolist())
        chances.update(zip(places.tolist(), probabilities.tolist(), strict=True))
    assert len(chances) == N_PSUS
    for place, chance in chances.items():
        assert drawn[place] / 2000 == pytest.approx(chance, abs=5 * np.sqrt(chance / 2000))


def test_large_psus_are_taken_for_certain_where_many_are_drawn():
    psus = practice_psus("A1", 3, Manners())
    places, probabilities = draw_psus(psus, 40, stream_of(1, 1))
    assert len(set(places.tolist())) == 40
    assert probabilities.max() == 1


def test_no_cell_gets_more_codes_than_it_has_people():
    population, _ = _population(design=SEVERAL, reference="ddci/departments-2024.1")
    issued = issue_counts(population, 500).sum(axis=1)
    assert issued.tolist() == [90, 717]
    assert issue_counts(population, 100_000).sum() == 990


@pytest.mark.parametrize(
    ("reference", "modules"),
    [("sipas/2017.1", ()), ("sipas/2023.1", ("brand/2026.1",)), ("kansas_city/2021.1", ())],
)
def test_what_people_answer_fits_the_form(reference, modules):
    population, _ = _population(reference, modules=modules)
    answers = _answers(population, 60)
    for person in range(60):
        form = form_of(population.questionnaire, answers.common, person)
        checked = check_answers(population.questionnaire, form)
        assert isinstance(checked, CheckedAnswers), checked
        # Nothing was answered that is not asked of this person.
        assert set(checked.values) == set(form)


@pytest.mark.parametrize("reference", ["ddci/departments-2024.1", "ddci/communes-2024.1"])
def test_firms_rate_some_units_each_once(reference):
    population, _ = _population(reference, design=SEVERAL)
    answers = _answers(population, 80)
    for person in range(80):
        ratings = np.flatnonzero(answers.person == person)
        units = [population.units[answers.unit[rating]] for rating in ratings]
        assert 1 <= len(units) == len(set(units)) <= 2
        form = form_of(population.questionnaire, answers.common, person)
        for rating, unit in zip(ratings, units, strict=True):
            form |= form_of(population.questionnaire, answers.per_unit, rating, f"{unit}.")
        assert isinstance(check_answers(population.questionnaire, form, units), CheckedAnswers)
    table = responses_of(population, answers)
    assert table.schema.equals(response_schema(population.questionnaire))
    assert len(table["ballot"].unique()) == 80


def test_the_mean_of_very_many_is_the_truth():
    """Without non-response everybody of every cell is as likely, and the cells are weighed by their people."""
    manners = Manners(response_of_psu=0.0, response_of_person=0.0)
    cells = "".join(
        f'  - {{unit: "A1", psu: "{name}", population: {n}}}\n' for name, n in (("x", 60_000), ("y", 20_000))
    )
    design = f"design: 1\nstrata: [unit]\nclusters: [psu]\ncells:\n{cells}".encode()
    population, everybody = _population(design=design, manners=manners)
    answers = draw_answers(population, issue_counts(population, 40_000), 40_000)
    profile = population.questionnaire.profile("share_satisfied")
    assert not everybody.is_frame
    truth = true_item_means(population, everybody, ("polite",), profile)[0, 0]
    codes = population.questionnaire.item("polite").accepted_codes
    given = answers.common["polite"]
    means = [
        np.isin(given[(answers.cell == cell) & (given >= 0) & (given < 5)], [codes.index("4"), codes.index("5")]).mean()
        for cell in (0, 1)
    ]
    assert 100 * (0.75 * means[0] + 0.25 * means[1]) == pytest.approx(truth, abs=1.0)


def test_the_satisfied_answer_more_often():
    population, _ = _population(manners=Manners(response_of_psu=2.0))
    issued = issue_counts(population, 400)
    returned = np.bincount(draw_answers(population, issued, 400).cell, minlength=len(issued))
    assert np.corrcoef(population.cells.effects, returned)[0, 1] > 0.5


def test_interviewers_hear_better_answers_than_slips():
    population, everybody = _population()
    for value in true_indices(population, everybody, Plan()):
        assert value.truth > value.truth_on_slips


def test_the_truth_is_a_table_of_units_and_nodes():
    population, everybody = _population("sipas/2023.1", modules=("brand/2026.1",))
    values = true_indices(population, everybody, Plan())
    assert everybody.is_frame
    assert {value.unit for value in values} == set(UNITS)
    assert {"index", "brand.index"} <= {value.node for value in values}
    lines = truth_csv(values).decode().splitlines()
    assert lines[0] == "unit,node,truth,truth_on_slips"
    assert len(lines) == len(values) + 1


def test_standardised_truths_lie_between_the_best_and_the_worst_of_their_bloc():
    population, everybody = _population("ddci/departments-2024.1", design=SEVERAL)
    values = true_indices(population, everybody, Plan(), ["one", "one"])
    of_one_bloc = {(value.unit, value.node): value.truth for value in values}
    # Of two units one has 1 and the other 10 points on every indicator, so that their indices add up to 11 x 10.
    assert of_one_bloc["A1", "index"] + of_one_bloc["B2", "index"] == pytest.approx(110)
    # Alone in its bloc a unit has the midpoint of every indicator.
    alone = true_indices(population, everybody, Plan(), ["one", "other"])
    assert [value.truth for value in alone if value.node == "index"] == pytest.approx([55, 55])
