"""Whatever a form sends, the check ends in answers that fit or in problems, and checking again changes nothing."""

import json
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires.answers import AnswerProblem, CheckedAnswers, answers_to_form, check_answers, largest_answers_bytes
from questionnaires.library import load_bundled
from questionnaires.marked_yaml import is_foreign
from questionnaires.model import Questionnaire
from questionnaires.routing import applicable_items
from support.questionnaire_files import behaviour, behaviours

QUESTIONNAIRES = [*(behaviour(name) for name in behaviours()), load_bundled("sipas/2017.1")]
ODD_TEXTS = st.sampled_from(
    ["nan", "1e999", "-0", "0,000000001", "\u200b", "\ud800", "<script>", "na", "dk", "e\u200b\u0301", "\r\n", "9" * 30]
)
ANY_TEXT = st.one_of(
    st.text(st.characters(codec=None), max_size=40),
    ODD_TEXTS,
    st.decimals(-1000, 1000, places=3).map(str),
    st.integers(-100, 10**15 - 1).map(str),
)


@st.composite
def forms(draw: st.DrawFn) -> tuple[Questionnaire, dict[str, list[str]]]:
    questionnaire = draw(st.sampled_from(QUESTIONNAIRES))
    form = {}
    for item in questionnaire.items:
        codes = st.sampled_from(item.accepted_codes) if item.accepted_codes else ANY_TEXT
        values = st.one_of(st.lists(codes, max_size=1), st.lists(codes, max_size=3), st.lists(ANY_TEXT, max_size=2))
        if draw(st.booleans()):
            form[item.code] = draw(values)
    return questionnaire, form


@given(forms())
@settings(max_examples=150, deadline=None)
def test_checking_never_raises_and_ends_in_answers_or_problems(case: tuple[Questionnaire, dict[str, list[str]]]):
    questionnaire, form = case
    checked = check_answers(questionnaire, form)
    if isinstance(checked, CheckedAnswers):
        assert set(checked.values) <= {item.code for item in questionnaire.items}
    else:
        assert checked
        for problem in checked:
            assert isinstance(problem, AnswerProblem)
            assert problem.item in {item.code for item in questionnaire.items}
            assert len(problem.found) <= 60
            assert not any(is_foreign(character) or character == "\n" for character in problem.found)


@given(forms())
@settings(max_examples=150, deadline=None)
def test_checked_answers_stay_the_same_through_json_and_another_check(
    case: tuple[Questionnaire, dict[str, list[str]]],
):
    questionnaire, form = case
    checked = check_answers(questionnaire, form)
    if isinstance(checked, CheckedAnswers):
        assert check_answers(questionnaire, answers_to_form(checked.values)) == checked
        written = json.dumps(dict(checked.values), ensure_ascii=False, separators=(",", ":")).encode()
        assert len(written) <= largest_answers_bytes(questionnaire)
        assert check_answers(questionnaire, answers_to_form(json.loads(written))) == checked


@given(forms())
@settings(max_examples=150, deadline=None)
def test_nothing_of_a_hidden_item_survives_and_what_survives_fits(case: tuple[Questionnaire, dict[str, list[str]]]):
    questionnaire, form = case
    checked = check_answers(questionnaire, form)
    if not isinstance(checked, CheckedAnswers):
        return
    shown = {item.code for item in applicable_items(questionnaire, checked.values)}
    assert set(checked.values) <= shown
    assert {item.code for item in questionnaire.items if item.required} & shown <= set(checked.values)
    for code, answer in checked.values.items():
        item = questionnaire.item(code)
        if item.kind == "single":
            assert answer in item.accepted_codes
        elif item.kind == "multiple":
            assert isinstance(answer, tuple)
            assert answer
            assert list(answer) == [code for code in item.accepted_codes if code in answer]
        elif item.kind == "text":
            assert isinstance(answer, str)
            assert 0 < len(answer) <= (item.longest or 0)
        elif isinstance(answer, float):
            assert math.isfinite(answer)


ANY_VALUE = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()


@given(st.dictionaries(st.sampled_from(["place", "wishes", "visits", "comment"]), ANY_VALUE | st.lists(ANY_VALUE)))
@settings(max_examples=100, deadline=None)
def test_values_of_any_type_never_raise(form: dict[str, Any]):
    for name in ("required", "not_applicable"):
        check_answers(behaviour(name), form)
