"""Index trees and profiles: what each node takes from the items, and what an answer is worth."""

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.indices.profiles import option_scores, score_range
from analysis.indices.trees import index_tree
from questionnaires.library import load_bundled
from questionnaires.reading import parse_questionnaire
from support.archives import QUESTIONNAIRE

SMALL = parse_questionnaire(QUESTIONNAIRE.encode(), "small.yaml")


def test_weights_are_normalised_within_each_parent() -> None:
    tree = index_tree(SMALL)
    assert tree.codes == ("index", "first", "a", "b", "second", "c")
    assert tree.weights.tolist() == pytest.approx([1, 2 / 3, 3 / 4, 1 / 4, 1 / 3, 1])
    assert tree.coefficients[0].tolist() == pytest.approx([0.5, 1 / 6, 1 / 3])
    assert tree.coefficients.sum(axis=1).tolist() == pytest.approx([1] * 6)


def test_the_kansas_city_index_is_the_plain_mean_of_its_sixteen_items() -> None:
    tree = index_tree(load_bundled("kansas_city/2021.1"))
    assert sorted(tree.items) == [f"q3_{number:02}" for number in range(1, 17)]
    assert tree.coefficients[0].tolist() == pytest.approx([1 / 16] * 16)


def test_a_node_without_one_of_its_items_has_no_value_and_the_others_have() -> None:
    tree = index_tree(SMALL)
    values = tree.values_of(np.array([[50.0, np.nan, 80.0]]))[0]
    assert np.isnan(values[[0, 1, 3]]).all()
    assert values[[2, 4, 5]].tolist() == [50.0, 80.0, 80.0]


def test_the_fewest_answers_under_a_node_are_those_of_its_scarcest_item() -> None:
    tree = index_tree(SMALL)
    assert tree.fewest_answers(np.array([[30, 12, 7]])).tolist() == [[7, 12, 30, 12, 7, 7]]


@pytest.mark.parametrize(
    ("profile", "scores"),
    [
        ("rescaled", [0, 25, 50, 75, 100]),
        ("share", [0, 0, 0, 100, 100]),
        ("of_five", [20, 40, 60, 80, 100]),
    ],
)
def test_an_answer_is_worth_what_the_profile_says(profile: str, scores: list[float]) -> None:
    item = SMALL.item("a")
    assert list(option_scores(item, SMALL.profile(profile)).values()) == scores
    assert score_range([item], SMALL.profile(profile)) == (scores[0], scores[-1])


def test_an_item_without_a_scale_cannot_be_scored() -> None:
    with pytest.raises(AnalysisError, match="item days: found no scale"):
        option_scores(SMALL.item("days"), SMALL.profile("rescaled"))


def test_a_questionnaire_without_a_tree_has_no_index() -> None:
    without = QUESTIONNAIRE[: QUESTIONNAIRE.index("index:\n")]
    with pytest.raises(AnalysisError, match="small/1: found no scoring tree"):
        index_tree(parse_questionnaire(without.encode(), "small.yaml"))
