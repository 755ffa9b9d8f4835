"""What a clerk types stands for what the paper says, and nothing else passes (issue 7, O6)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questionnaires.answers import CheckedAnswers, check_answers
from questionnaires.keying import asked_sections, check_keys, differing_fields, item_numbers, key_fields, keys_of
from questionnaires.library import load_bundled
from questionnaires.model import Questionnaire
from questionnaires.reading import parse_questionnaire
from support.citizens import ALL_KINDS
from support.several_units import HOST

KINDS = parse_questionnaire(ALL_KINDS.encode(), "kinds.yaml")
FIRMS = parse_questionnaire(HOST.encode(), "firms.yaml")
UNITS = ("so-a", "so-b", "xa-d")


def said(typed: dict[str, str], questionnaire: Questionnaire = KINDS) -> dict[str, object]:
    found = check_keys(questionnaire, typed, UNITS)
    assert found.answers is not None, found.problems
    return {**found.answers.values, **found.answers.ratings}


def problems(typed: dict[str, str], questionnaire: Questionnaire = KINDS) -> list[tuple[str, str]]:
    found = check_keys(questionnaire, typed, UNITS)
    assert found.answers is None
    assert found.kept == {}
    return [(problem.field, problem.reason) for problem in found.problems]


def test_every_option_has_the_number_that_is_printed_beside_its_box() -> None:
    overall, how_slow = KINDS.item("overall"), KINDS.item("how_slow")
    assert keys_of(overall) == {"1": "1", "2": "2", "3": "3", "4": "4", "5": "5", "na": "6", "dk": "7"}
    # Beside a number to be written the keys are letters, because digits are the number.
    assert keys_of(how_slow) == {"dk": "k"}
    assert item_numbers(KINDS) == {"overall": 1, "why": 2, "how_slow": 3, "paid": 4, "main": 5}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({"1": "5"}, {"overall": "5"}),
        ({"1": " 6 "}, {"overall": "na"}),
        ({"1": "２"}, {"overall": "2"}),
        ({"1": "2", "2": "12", "3": "14"}, {"overall": "2", "why": ("slow", "rude"), "how_slow": 14.0}),
        ({"1": "2", "2": "2, 1", "3": "K"}, {"overall": "2", "why": ("slow", "rude"), "how_slow": "dk"}),
        ({"1": "4", "4": "12,5"}, {"overall": "4", "paid": 12.5}),
        # Zero is no answer where there are boxes, and a number where one is written.
        ({"1": "4", "2": "0", "4": "0"}, {"overall": "4", "paid": 0.0}),
        # What cannot be read is missing, as what was left empty.
        ({"1": "4", "4": "*", "5": " "}, {"overall": "4"}),
    ],
)
def test_keys_stand_for_answers(typed: dict[str, str], expected: dict[str, object]) -> None:
    assert said(typed) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({}, [("1", "required")]),
        ({"1": "*"}, [("1", "required")]),
        ({"1": "8"}, [("1", "unknown_key")]),
        ({"1": "1 2"}, [("1", "one_key")]),
        ({"1": "1", "2": "14"}, [("2", "unknown_key")]),
        ({"1": "1", "2": "13"}, [("2", "exclusive")]),
        ({"1": "1", "2": "1", "3": "61"}, [("3", "out_of_range")]),
        ({"1": "1", "2": "1", "3": "2,5"}, [("3", "not_whole")]),
        ({"1": "1", "2": "1", "3": "nhiều"}, [("3", "not_a_number")]),
        ({"1": "5", "5": "a" * 201}, [("5", "too_long")]),
        ({"1": "x" * 9_000, "5": "\ud800"}, [("1", "unknown_key")]),
    ],
)
def test_what_no_box_says_is_told(typed: dict[str, str], expected: list[tuple[str, str]]) -> None:
    assert problems(typed) == expected


def test_what_the_form_leads_past_is_told_and_does_not_count() -> None:
    found = check_keys(KINDS, {"1": "5", "2": "1", "3": "9", "4": "100"})
    assert found.answers is not None
    assert found.not_due == ("2", "3")
    assert dict(found.answers.values) == {"overall": "5", "paid": 100.0}
    assert dict(found.kept) == {"1": "5", "4": "100"}


def test_a_form_of_several_units_is_keyed_place_by_place() -> None:
    typed = {"1": "2", "1.unit": "so-b Sở B", "1.3": "2", "3.unit": "XA-D", "3.3": "1", "6": "Hết"}
    assert said(typed, FIRMS) == {
        "has_land": "no",
        "say": "Hết",
        "so-b": {"clear": "5"},
        "xa-d": {"clear": "1"},
    }
    rows = [row.name for row in key_fields(FIRMS, 2)]
    assert rows == ["1", "2", "1.unit", "1.3", "1.4", "1.5", "2.unit", "2.3", "2.4", "2.5", "6"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({"1": "2"}, [("1.unit", "no_unit")]),
        ({"1": "2", "1.unit": "so-z", "1.3": "1"}, [("1.unit", "unknown_unit")]),
        ({"1": "2", "1.unit": "so-a", "1.3": "1", "2.unit": "so-a", "2.3": "1"}, [("2.unit", "same_unit")]),
        ({"1": "2", "1.unit": "so-a", "1.3": "1", "2.3": "2"}, [("2.unit", "no_unit")]),
        ({"1": "2", "1.unit": "so-a", "2.unit": "so-b", "2.3": "2"}, [("1.3", "required")]),
    ],
)
def test_a_unit_that_is_missing_strange_or_twice_is_told(
    typed: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    assert problems(typed, FIRMS) == expected


def test_two_entries_are_compared_in_what_counts() -> None:
    first = check_keys(KINDS, {"1": "2", "2": "2 1", "3": "14", "5": "Một\r\n hai"}).kept
    second = check_keys(KINDS, {"1": "2", "2": "12", "3": "14,0", "5": "Mo\u0302\u0323t  hai"}).kept
    assert differing_fields(KINDS, first, second) == []
    third = check_keys(KINDS, {"1": "5", "2": "12", "5": "Một ba"}).kept
    assert [row.name for row in differing_fields(KINDS, first, third)] == ["1", "2", "3", "5"]


@pytest.mark.parametrize("reference", ["sipas/2017.2", "sipas/2023.2", "ddci/communes-2024.2", "brand/2026.2"])
def test_every_option_of_a_bundled_questionnaire_can_be_keyed(reference: str) -> None:
    questionnaire = load_bundled(reference)
    for section in asked_sections(questionnaire):
        for item in section.items:
            free = replace(
                questionnaire,
                most_units=1,
                sections=(replace(section, show_if=None, per_unit=False, items=(replace(item, show_if=None),)),),
            )
            for code, key in keys_of(item).items():
                found = check_keys(free, {"1": key})
                assert found.answers is not None
                assert found.answers == check_answers(free, {item.code: [code]})


@given(st.dictionaries(st.sampled_from(["1", "2", "3", "1.unit", "1.3", "2.unit", "6", "x"]), st.text(max_size=20)))
def test_whatever_is_typed_ends_in_answers_or_in_problems(typed: dict[str, str]) -> None:
    for questionnaire in (KINDS, FIRMS):
        found = check_keys(questionnaire, typed, UNITS)
        assert (found.answers is None) == bool(found.problems)
        if found.answers is not None:
            assert isinstance(found.answers, CheckedAnswers)
            # What was kept gives the same again.
            assert check_keys(questionnaire, found.kept, UNITS).answers == found.answers
