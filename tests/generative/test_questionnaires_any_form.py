"""Whatever a form sends, the check ends in answers that fit or in problems, and checking again changes nothing."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires.answers import (
    AnswerProblem,
    CheckedAnswers,
    answers_to_form,
    check_answers,
    field_name,
    largest_answers_bytes,
)
from questionnaires.library import load_bundled
from questionnaires.marked_yaml import is_foreign
from questionnaires.model import Questionnaire
from questionnaires.routing import applicable_items
from support.questionnaire_files import behaviour, behaviours

pytestmark = pytest.mark.slow

UNITS = ("06673", "so_tai_chinh", "a.b")
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


# A questionnaire, the fields of a form, and the units that are rated.
Case = tuple[Questionnaire, dict[str, list[str]], list[str]]


@st.composite
def forms(draw: st.DrawFn) -> Case:
    questionnaire = draw(st.sampled_from(QUESTIONNAIRES))
    units = draw(st.lists(st.sampled_from(UNITS), unique=True)) if questionnaire.rates_several_units else []
    form = {}
    for item in questionnaire.items:
        codes = st.sampled_from(item.accepted_codes) if item.accepted_codes else ANY_TEXT
        values = st.one_of(st.lists(codes, max_size=1), st.lists(codes, max_size=3), st.lists(ANY_TEXT, max_size=2))
        for unit in ("", *units):
            if draw(st.booleans()):
                form[field_name(item.code, unit)] = draw(values)
    return questionnaire, form, units


@given(forms())
@settings(max_examples=150, deadline=None)
def test_checking_never_raises_and_ends_in_answers_or_problems(case: Case):
    questionnaire, form, units = case
    checked = check_answers(questionnaire, form, units)
    if isinstance(checked, CheckedAnswers):
        assert set(checked.values) <= {item.code for item in questionnaire.items}
    else:
        assert checked
        for problem in checked:
            assert isinstance(problem, AnswerProblem)
            assert problem.item in {item.code for item in questionnaire.items}
            assert problem.unit in ("", *units)
            assert len(problem.found) <= 60
            assert not any(is_foreign(character) or character == "\n" for character in problem.found)


@given(forms())
@settings(max_examples=150, deadline=None)
def test_checked_answers_stay_the_same_through_json_and_another_check(
    case: Case,
):
    questionnaire, form, units = case
    checked = check_answers(questionnaire, form, units)
    if isinstance(checked, CheckedAnswers):
        assert check_answers(questionnaire, answers_to_form(checked.values, checked.ratings), units) == checked
        content = [dict(checked.values), {unit: dict(rating) for unit, rating in checked.ratings.items()}]
        written = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        assert len(written) <= largest_answers_bytes(questionnaire) + len("[,{}]")
        values, ratings = json.loads(written)
        assert check_answers(questionnaire, answers_to_form(values, ratings), list(ratings)) == checked


@given(forms())
@settings(max_examples=150, deadline=None)
def test_nothing_of_a_hidden_item_survives_and_what_survives_fits(case: Case):
    questionnaire, form, units = case
    checked = check_answers(questionnaire, form, units)
    if not isinstance(checked, CheckedAnswers):
        return
    assert list(checked.ratings) == units
    per_unit = {item.code for section in questionnaire.per_unit_sections for item in section.items}
    required = {item.code for item in questionnaire.items if item.required}
    assert not per_unit & set(checked.values)
    for rating in checked.ratings.values():
        shown = {item.code for item in applicable_items(questionnaire, {**checked.values, **rating})}
        assert set(checked.values) <= shown
        assert set(rating) <= shown & per_unit
        assert required & shown <= {*checked.values, *rating}
    if not questionnaire.rates_several_units:
        shown = {item.code for item in applicable_items(questionnaire, checked.values)}
        assert required & shown <= set(checked.values) <= shown
    answers = [answer for part in (checked.values, *checked.ratings.values()) for answer in part.items()]
    for code, answer in answers:
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
