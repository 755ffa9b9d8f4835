"""A module is asked along with its host, and counts in no index but its own."""

import hashlib
from dataclasses import replace

import pytest

from questionnaires.answers import CheckedAnswers, check_answers, largest_answers_bytes
from questionnaires.errors import QuestionnaireError
from questionnaires.model import Questionnaire
from questionnaires.modules import attach
from questionnaires.reading import parse_questionnaire
from support.questionnaire_files import behaviour, behaviour_source


def renamed(name: str, *changes: tuple[str, str]) -> Questionnaire:
    source = behaviour_source(name).decode()
    for before, after in changes:
        assert before in source
        source = source.replace(before, after)
    return parse_questionnaire(source.encode(), f"{name}.yaml")


def brand() -> Questionnaire:
    return renamed("bands", ("name: bands", "name: brand"), ("code: only", "code: known"), ("speed", "heard"))


def refusal(host: Questionnaire, *modules: Questionnaire) -> str:
    with pytest.raises(QuestionnaireError) as refused:
        attach(host, modules)
    message = str(refused.value)
    assert "\n" not in message
    assert "found" in message
    assert "expected" in message
    return message


def test_a_host_without_modules_stays_what_it_is():
    host = behaviour("scoring_tree")
    assert attach(host, []) is host


def test_the_sections_of_a_module_come_after_those_of_the_host():
    host, module = behaviour("scoring_tree"), brand()
    together = attach(host, [module])
    assert [section.code for section in together.sections] == ["only", "known"]
    assert together.modules == (module,)
    assert together.item("heard") == module.item("heard")


def test_index_profiles_and_names_stay_the_hosts():
    host = behaviour("scoring_tree")
    together = attach(host, [brand()])
    assert (together.reference, together.title, together.model_name) == (host.reference, host.title, host.model_name)
    assert together.nodes() == host.nodes()
    assert (together.profiles, together.default_profile) == (host.profiles, host.default_profile)


def test_the_hash_is_of_the_hashes_in_their_order():
    host, first = behaviour("several_units"), brand()
    second = renamed("scoring_tree", ("name: scoring_tree", "name: other"), ("code: only", "code: second"))
    lines = "\n".join([host.content_hash, first.content_hash, second.content_hash])
    assert attach(host, [first, second]).content_hash == hashlib.sha256(lines.encode()).hexdigest()
    assert attach(host, [second, first]).content_hash != attach(host, [first, second]).content_hash


def test_a_module_is_asked_once_where_several_units_are_rated():
    host = behaviour("several_units")
    together = attach(host, [brand()])
    assert [section.code for section in together.common_sections] == ["firm", "last", "known"]
    assert together.per_unit_sections == host.per_unit_sections
    checked = check_answers(together, {"a.dealt": ["no"], "heard": ["2"]}, ["a"])
    assert checked == CheckedAnswers({"heard": "2"}, {"a": {"dealt": "no"}})
    assert largest_answers_bytes(together) > largest_answers_bytes(host)


def test_codes_that_stand_on_both_sides_are_refused():
    host = behaviour("scoring_tree")
    assert "section code “only”" in refusal(host, renamed("bands", ("speed", "heard")))
    assert "item code “fast”" in refusal(host, renamed("bands", ("code: only", "code: known"), ("speed", "fast")))
    host = behaviour("multiple_choice")
    assert "item code “wishes_road”" in refusal(
        host, renamed("bands", ("code: only", "code: known"), ("speed", "wishes_road"))
    )


def test_a_module_that_is_there_twice_or_is_the_host_is_refused():
    host = behaviour("scoring_tree")
    assert "the name “brand” twice" in refusal(host, brand(), brand())
    assert "the name “scoring_tree” twice" in refusal(host, host)


def test_what_is_no_module_is_refused():
    host = behaviour("scoring_tree")
    assert "most_units" in refusal(host, behaviour("several_units"))
    assert "no scoring tree" in refusal(host, behaviour("number"))
    assert "standardised profile" in refusal(host, behaviour("standardised"))
    assert "modules of its own" in refusal(host, attach(brand(), [host]))
    assert "attached already" in refusal(attach(host, [brand()]), brand())


def test_a_code_that_the_host_needs_is_refused():
    module = renamed("bands", ("code: only", "code: known"), ("speed", "step"))
    assert "“step”" in refusal(behaviour("several_units"), module)
    assert attach(behaviour("scoring_tree"), [module]).item("step")


def test_a_questionnaire_with_modules_is_equal_to_itself_alone():
    host = behaviour("scoring_tree")
    assert attach(host, [brand()]) == attach(host, [brand()])
    assert attach(host, [brand()]) != replace(host)
