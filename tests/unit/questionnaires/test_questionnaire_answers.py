"""Forms become checked answers or a list of problems."""

import json
import math

import pytest

from questionnaires.answers import (
    Answer,
    AnswerProblem,
    CheckedAnswers,
    answers_to_form,
    check_answers,
    largest_answers_bytes,
)
from questionnaires.model import Section
from support.questionnaire_files import behaviour, behaviours


def kept(name: str, **form: list[str]) -> dict[str, Answer]:
    checked = check_answers(behaviour(name), form)
    assert isinstance(checked, CheckedAnswers), checked
    return dict(checked.values)


def refused(name: str, **form: list[str]) -> AnswerProblem:
    problems = check_answers(behaviour(name), form)
    assert isinstance(problems, tuple), problems
    (problem,) = problems
    return problem


def test_a_single_choice_is_its_code():
    assert kept("single_choice", place=["yes"]) == {"place": "yes"}
    assert kept("shared_scale", first=["3"], second=["1"]) == {"first": "3", "second": "1"}


def test_what_is_left_empty_is_no_answer():
    assert kept("single_choice") == {}
    assert kept("single_choice", place=[]) == {}
    assert kept("single_choice", place=["", "  "]) == {}
    assert kept("number", hours=[""]) == {}
    assert kept("text", comment=[" \r\n "]) == {}
    assert kept("multiple_choice", wishes=[""]) == {}


def test_fields_that_are_no_items_are_passed_over():
    assert kept("single_choice", place=["no"], code=["ABCD"], nonce=["1"]) == {"place": "no"}


def test_an_unknown_option_is_refused_and_shown_short():
    assert refused("single_choice", place=["maybe"]) == AnswerProblem("place", "unknown_option", "maybe")
    assert refused("multiple_choice", wishes=["road", "moon"]).found == "moon"
    long = refused("single_choice", place=["x" * 100_000])
    assert (long.reason, len(long.found)) == ("unknown_option", 60)


def test_not_applicable_and_dont_know_are_refused_where_they_are_not_offered():
    assert refused("single_choice", place=["na"]).reason == "unknown_option"
    assert refused("not_applicable", place=["dk"]).reason == "unknown_option"
    assert refused("dont_know", visits=["na"]).reason == "not_a_number"


def test_not_applicable_and_dont_know_are_answers_where_they_are_offered():
    assert kept("not_applicable", place=["na"], wishes=["na"], visits=["na"]) == {
        "place": "na",
        "wishes": ("na",),
        "visits": "na",
    }
    assert kept("dont_know", place=["dk"], visits=["", "dk"]) == {"place": "dk", "visits": "dk"}


def test_two_values_for_one_choice_are_refused():
    assert refused("single_choice", place=["yes", "no"]).reason == "several_answers"
    assert refused("number", hours=["1", "2"]).reason == "several_answers"
    assert refused("dont_know", visits=["3", "dk"]).reason == "several_answers"
    assert refused("text", comment=["a", "b"]).reason == "several_answers"
    assert kept("single_choice", place=["yes", "yes"]) == {"place": "yes"}


def test_a_multiple_choice_is_its_codes_in_the_order_of_the_options():
    assert kept("multiple_choice", wishes=["power", "road", "power"]) == {"wishes": ("road", "power")}


def test_an_exclusive_option_stands_alone():
    assert kept("exclusive_option", wishes=["none"]) == {"wishes": ("none",)}
    assert refused("exclusive_option", wishes=["road", "none"]) == AnswerProblem("wishes", "exclusive", "none")
    assert refused("not_applicable", wishes=["na", "road"]) == AnswerProblem("wishes", "exclusive", "na")


@pytest.mark.parametrize(
    ("written", "number"),
    [("1", 1.0), ("1,5", 1.5), ("1.5", 1.5), (" 24 ", 24.0), ("0,5", 0.5), ("007", 7.0), ("2\u200b", 2.0)],
)
def test_numbers_have_a_decimal_comma_or_point(written: str, number: float):
    assert kept("number", hours=[written]) == {"hours": number}


@pytest.mark.parametrize(
    "written",
    [
        *(
            "nan",
            "NaN",
            "inf",
            "-inf",
            "1e999",
            "1e3",
            "0x10",
            "1_000",
            "1.234,5",
            "1,2,3",
            "½",
            "١",
            "--1",
            "1.",
            ".5",
        ),
        *("1" * 16, "9" * 100_000, "1" + " " * 300 + "x", "\ud800", "1 000"),
    ],
)
def test_what_is_no_number_is_refused(written: str):
    assert refused("unbounded_number", amount=[written]).reason == "not_a_number"


def test_a_minus_is_read_in_both_spellings_and_zero_has_no_sign():
    assert kept("unbounded_number", amount=["-1,5"]) == {"amount": -1.5}
    assert kept("unbounded_number", amount=["−1,5"]) == {"amount": -1.5}
    assert math.copysign(1, float(str(kept("unbounded_number", amount=["-0"])["amount"]))) == 1


def test_numbers_keep_their_bounds():
    problem = refused("number", hours=["25"])
    assert problem == AnswerProblem("hours", "out_of_range", "25", 0.5, 24)
    assert refused("number", hours=["0,4"]).reason == "out_of_range"
    assert kept("number", hours=["24"]) == {"hours": 24}


def test_whole_numbers_are_whole():
    assert refused("whole_number", visits=["1,5"]) == AnswerProblem("visits", "not_whole", "1,5")
    assert kept("whole_number", visits=["3,0"]) == {"visits": 3}


def test_a_text_is_composed_and_loses_what_cannot_be_seen():
    assert kept("text", comment=["  Thu\u031b\u0309\u202e\x07 nghi\u200b\u00adệm\ufeff "]) == {"comment": "Thử nghiệm"}
    assert kept("text", comment=["e\u200b\u0301"]) == {"comment": "é"}
    assert kept("text", comment=["a\r\nb\rc\u2028d\te"]) == {"comment": "a\nb\nc\nd e"}
    assert kept("text", comment=["\ud83d lẻ \udc00"]) == {"comment": "lẻ"}
    assert kept("text", comment=["\u200b\u200d"]) == {}


def test_a_text_that_says_na_is_a_text():
    assert kept("text", comment=["na"]) == {"comment": "na"}


def test_a_text_that_is_too_long_is_refused_with_its_length():
    assert kept("text", comment=["ế" * 20]) == {"comment": "ế" * 20}
    assert refused("text", comment=["ế" * 21]) == AnswerProblem("comment", "too_long", "21", longest=20)
    assert refused("text", comment=["a" * 100_000]) == AnswerProblem("comment", "too_long", "100000", longest=20)


def test_every_required_item_that_was_asked_is_missed():
    problems = check_answers(behaviour("required"), {"place": [""], "comment": ["\u200b"]})
    assert isinstance(problems, tuple)
    assert [(problem.item, problem.reason) for problem in problems] == [
        (code, "required") for code in ("place", "wishes", "visits", "comment")
    ]


def test_a_hidden_item_is_neither_required_nor_kept():
    assert kept("item_shown_if", place=["no"], detail=["hidden"]) == {"place": "no"}
    assert kept("item_shown_if", detail=["hidden"]) == {}
    assert refused("item_shown_if", place=["yes"]) == AnswerProblem("detail", "required")
    assert kept("section_shown_if", place=["no"], first=["yes"], second=["bogus"]) == {"place": "no"}
    assert kept("chain_of_conditions", first=["no"], second=["yes"], third=["yes"]) == {"first": "no"}


def test_what_hangs_on_a_refused_answer_is_not_complained_of():
    assert refused("item_shown_if", place=["bogus"]) == AnswerProblem("place", "unknown_option", "bogus")


def test_values_that_are_no_texts_are_refused_and_never_raise():
    for value in (None, 5, float("nan"), b"yes", {"a": 1}, object()):
        assert refused("single_choice", place=[value]).reason == "unknown_option"  # type: ignore[list-item]
        assert refused("number", hours=[value]).reason == "not_a_number"  # type: ignore[list-item]
    assert check_answers(behaviour("single_choice"), {"place": 7}) == (  # type: ignore[dict-item]
        AnswerProblem("place", "unknown_option", "<int>"),
    )
    assert check_answers(behaviour("single_choice"), {"place": "yes"}) == CheckedAnswers({"place": "yes"})


def test_checked_answers_survive_json_and_a_second_check():
    questionnaire = behaviour("everything")
    form = {"first": ["2"], "second": ["na"], "third": ["water", "road"], "fourth": ["2,25"], "fifth": ["Tốt “lắm”\n✓"]}
    checked = check_answers(questionnaire, form)
    assert isinstance(checked, CheckedAnswers)
    stored = json.loads(json.dumps(dict(checked.values), ensure_ascii=False))
    assert check_answers(questionnaire, answers_to_form(stored)) == checked


def largest_of(sections: tuple[Section, ...]) -> dict[str, Answer]:
    largest: dict[str, Answer] = {}
    for item in (item for section in sections for item in section.items):
        if item.kind == "text":
            largest[item.code] = "\U0001f600" * (item.longest or 0)
        elif item.kind == "number":
            largest[item.code] = -123456789012345.12
        elif item.kind == "multiple":
            largest[item.code] = tuple(option.code for option in item.options)
        else:
            largest[item.code] = max(item.accepted_codes, key=len)
    return largest


def in_bytes(answers: object) -> int:
    return len(json.dumps(answers, ensure_ascii=False, separators=(",", ":")).encode())


@pytest.mark.parametrize("name", [name for name in behaviours() if name != "several_units"])
def test_the_largest_answers_are_no_larger_than_their_bound(name: str):
    questionnaire = behaviour(name)
    n_bytes = in_bytes(largest_of(questionnaire.sections))
    assert n_bytes <= largest_answers_bytes(questionnaire) <= n_bytes + 60


def test_the_largest_ratings_are_no_larger_than_their_bound():
    questionnaire = behaviour("several_units")
    units = [letter * 40 for letter in ("\U0001f600", "\U0001f601", "\U0001f602")]
    assert len(units) == questionnaire.most_units
    rating = largest_of(questionnaire.per_unit_sections)
    common = largest_of(questionnaire.common_sections)
    n_bytes = in_bytes({"answers": common, "ratings": [[unit, rating] for unit in units]}) - len('{"answers":}')
    assert n_bytes <= largest_answers_bytes(questionnaire) <= n_bytes + 60


RATED = {
    "size": ["small"],
    "06673.dealt": ["yes"],
    "06673.speed": ["3"],
    "06673.days": ["41"],
    "06673.remark": [" nhanh "],
    "tax.dealt": ["no"],
    "tax.speed": ["1"],
    "speed": ["2"],
    "note": ["ok"],
}


def test_each_unit_is_rated_by_itself_and_what_is_asked_once_is_kept_once():
    checked = check_answers(behaviour("several_units"), RATED, ["tax", "06673"])
    assert isinstance(checked, CheckedAnswers)
    assert checked.values == {"size": "small", "note": "ok"}
    assert list(checked.ratings) == ["tax", "06673"]
    assert checked.ratings["tax"] == {"dealt": "no"}
    assert checked.ratings["06673"] == {"dealt": "yes", "speed": "3", "days": 41.0, "remark": "nhanh"}


def test_a_unit_that_was_not_chosen_is_not_rated():
    checked = check_answers(behaviour("several_units"), RATED, ["06673"])
    assert isinstance(checked, CheckedAnswers)
    assert list(checked.ratings) == ["06673"]


def test_what_is_asked_once_shows_what_is_asked_of_each_unit():
    form = {"size": ["large"], "a.dealt": ["no"], "a.ways": ["web"], "b.dealt": ["no"]}
    checked = check_answers(behaviour("several_units"), form, ["a", "b"])
    assert checked == CheckedAnswers({"size": "large"}, {"a": {"dealt": "no", "ways": ("web",)}, "b": {"dealt": "no"}})
    hidden = check_answers(behaviour("several_units"), form | {"size": ["small"]}, ["a", "b"])
    assert hidden == CheckedAnswers({"size": "small"}, {"a": {"dealt": "no"}, "b": {"dealt": "no"}})


def test_problems_name_their_unit_and_stand_in_the_order_they_are_asked():
    form = {"size": ["tiny"], "a.dealt": ["yes"], "a.days": ["91"], "b.speed": ["1"]}
    assert check_answers(behaviour("several_units"), form, ["b", "a"]) == (
        AnswerProblem("size", "unknown_option", "tiny"),
        AnswerProblem("dealt", "required", unit="b"),
        AnswerProblem("days", "out_of_range", "91", 0, 90, unit="a"),
    )


def test_ratings_survive_json_and_a_second_check():
    questionnaire = behaviour("several_units")
    checked = check_answers(questionnaire, RATED, ["tax", "06673"])
    assert isinstance(checked, CheckedAnswers)
    values, ratings = json.loads(json.dumps([dict(checked.values), dict(checked.ratings)], ensure_ascii=False))
    assert check_answers(questionnaire, answers_to_form(values, ratings), list(ratings)) == checked


def test_units_mean_nothing_where_one_unit_is_rated():
    checked = check_answers(behaviour("single_choice"), {"place": ["yes"], "a.place": ["no"]}, ["a"])
    assert checked == CheckedAnswers({"place": "yes"})
