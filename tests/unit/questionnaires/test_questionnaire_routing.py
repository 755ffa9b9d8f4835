"""What is asked depends on earlier answers, and only on answers to what was asked itself."""

from questionnaires.routing import applicable_items
from support.questionnaire_files import behaviour


def asked(name: str, **answers: object) -> list[str]:
    return [item.code for item in applicable_items(behaviour(name), answers)]  # type: ignore[arg-type]


def test_an_item_is_asked_when_its_condition_holds():
    assert asked("item_shown_if", place="yes") == ["place", "detail"]
    assert asked("item_shown_if", place="no") == ["place"]
    assert asked("item_shown_if") == ["place"]


def test_not_applicable_can_be_a_condition():
    assert asked("item_shown_if_not_applicable", place="na") == ["place", "reason"]
    assert asked("item_shown_if_not_applicable", place="no") == ["place", "reason"]
    assert asked("item_shown_if_not_applicable", place="yes") == ["place"]


def test_one_of_several_chosen_options_is_enough():
    assert asked("item_shown_if_one_of_several", wishes=("water", "power")) == ["wishes", "which_road"]
    assert asked("item_shown_if_one_of_several", wishes=("power",)) == ["wishes"]
    assert asked("item_shown_if_one_of_several", wishes=()) == ["wishes"]


def test_answers_out_of_json_are_lists_and_route_alike():
    assert asked("item_shown_if_one_of_several", wishes=["water"]) == ["wishes", "which_road"]


def test_a_section_is_asked_when_its_condition_holds():
    assert asked("section_shown_if", place="yes") == ["place", "first", "second"]
    assert asked("section_shown_if", place="no") == ["place"]


def test_an_answer_to_a_hidden_item_shows_nothing():
    assert asked("chain_of_conditions", first="yes", second="yes") == ["first", "second", "third"]
    assert asked("chain_of_conditions", first="no", second="yes") == ["first"]
    assert asked("chain_of_conditions", second="yes") == ["first"]


def test_what_is_asked_of_a_unit_depends_on_what_was_asked_once_and_on_this_unit():
    assert asked("several_units", size="large", dealt="yes") == ["size", "dealt", "ways", "speed", "days", "remark"]
    assert asked("several_units", size="small", dealt="no") == ["size", "dealt", "note"]
