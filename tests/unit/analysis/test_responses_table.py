"""The table of responses: a row a response or a rating, numbers in their bands, nothing of a text."""

import pyarrow as pa
import pytest

from analysis import responses
from analysis.responses import banded, bands_of, response_schema, tabulate_responses
from questionnaires.model import Questionnaire
from questionnaires.modules import attach
from questionnaires.reading import parse_questionnaire
from support.questionnaire_files import behaviour, behaviour_source


def renamed(name: str, before: str, after: str) -> Questionnaire:
    return parse_questionnaire(behaviour_source(name).replace(before.encode(), after.encode()), f"{name}.yaml")


def test_where_several_units_are_rated_a_row_is_a_rating_and_names_its_ballot() -> None:
    questionnaire = behaviour("several_units")
    origin = {"stratum": "firms", "ballot": "0f"}
    table = tabulate_responses(
        questionnaire,
        [
            ({**origin, "unit": "a"}, {"size": "large", "note": "x", "dealt": "yes", "speed": "3", "ways": ("web",)}),
            ({**origin, "unit": "b"}, {"size": "large", "dealt": "no", "remark": "a text that stays away"}),
        ],
    )
    assert table.column_names == [
        "unit", "stratum", "psu", "channel", "ballot", "size", "dealt", "ways_desk", "ways_web", "speed", "days",
    ]  # fmt: skip
    assert not table.schema.field("ballot").nullable
    assert table["ballot"].to_pylist() == ["0f", "0f"]
    assert table["unit"].to_pylist() == ["a", "b"]
    assert table["size"].to_pylist() == ["large", "large"]
    assert table["ways_web"].to_pylist() == [True, None]


def test_where_one_unit_is_rated_there_is_no_ballot() -> None:
    table = tabulate_responses(behaviour("single_choice"), [({"unit": "a", "ballot": "0f"}, {"place": "yes"})])
    assert table.column_names == ["unit", "stratum", "psu", "channel", "place"]


def test_a_number_is_replaced_by_the_lowest_of_its_band() -> None:
    answers = [18.0, 34.0, 35.0, 54.0, 55.0, 120.0, "dk", None]
    records = [({"unit": "a"}, {} if age is None else {"age": age}) for age in answers]
    table = tabulate_responses(behaviour("bands"), records)
    assert table["age"].to_pylist() == [18, 18, 35, 35, 55, 55, None, None]
    assert table.schema.equals(response_schema(behaviour("bands")))
    assert banded(behaviour("bands"), table).equals(table)


def test_a_band_may_begin_below_zero_or_between_whole_numbers() -> None:
    table = tabulate_responses(behaviour("bands"), [({}, {"hours": hours}) for hours in (-0.5, 0.0, 0.49, 0.5, 9.0)])
    assert table["hours"].to_pylist() == [-1.5, -1.5, -1.5, 0.5, 0.5]


def test_the_bands_are_told_by_item() -> None:
    assert bands_of(behaviour("bands")) == {"age": [18, 35, 55], "hours": [-1.5, 0.5]}
    assert bands_of(behaviour("number")) == {}


def test_not_applicable_and_dont_know_are_no_numbers() -> None:
    table = tabulate_responses(behaviour("not_applicable"), [({}, {"visits": "na"}), ({}, {"visits": 2.0})])
    assert table["visits"].to_pylist() == [None, 2.0]


def test_the_answers_to_modules_stand_after_those_to_the_host_and_in_their_bands() -> None:
    host, module = behaviour("scoring_tree"), renamed("bands", "code: only", "code: known")
    together = attach(host, [module])
    assert response_schema(together).names == [*response_schema(host).names, *response_schema(module).names[4:]]
    assert tabulate_responses(together, [({}, {"age": 41.0})])["age"].to_pylist() == [35]


def test_many_rows_are_the_same_table_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [({"unit": f"u{n}"}, {"age": float(18 + n), "speed": "123"[n % 3]}) for n in range(11)]
    whole = tabulate_responses(behaviour("bands"), records)
    monkeypatch.setattr(responses, "_ROWS_AT_ONCE", 3)
    in_parts = tabulate_responses(behaviour("bands"), iter(records))
    assert in_parts.equals(whole)
    assert in_parts.num_rows == 11


def test_no_records_are_a_table_without_rows() -> None:
    table = tabulate_responses(behaviour("bands"), [])
    assert table.num_rows == 0
    assert table.schema.equals(response_schema(behaviour("bands")))
    assert isinstance(table, pa.Table)
