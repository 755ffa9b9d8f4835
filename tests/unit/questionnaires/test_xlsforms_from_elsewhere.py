"""XLSForms as ODK and Kobo write them: what is taken over, what is named as left out, and what is not read at all."""

import io
from collections.abc import Sequence

import pytest
from openpyxl import Workbook

from questionnaires.xlsform_conditions import condition_of, limits_of
from questionnaires.xlsform_reading import tree_of_xlsform
from questionnaires.xlsform_tables import ForeignWorkbookError

Rows = Sequence[Sequence[object]]
HEADER = ("type", "name", "label::Vietnamese (vi)", "label::English (en)", "relevant", "constraint")
CHOICES: Rows = (
    ("list_name", "name", "label::Vietnamese (vi)", "label::English (en)"),
    ("yesno", "Yes!", "Có", "Yes"),
    ("yesno", "no", "Không", "No"),
)


def book(survey: Rows, choices: Rows = CHOICES) -> bytes:
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "survey"
    for row in survey:
        sheet.append(list(row))
    other = workbook.create_sheet("choices")
    for row in choices:
        other.append(list(row))
    settings = workbook.create_sheet("settings")
    settings.append(["form_title", "form_id", "version"])
    settings.append(["Khảo sát", "counter_form", "2026041101"])
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def test_a_form_of_another_program_becomes_a_draft_with_remarks() -> None:
    content = book(
        [
            HEADER,
            ("start", "start", "", "", "", ""),
            ("begin group", "g1", "Lần đến quầy", "Your visit", "", ""),
            ("select_one yesno", "Came-Here", "Ông/bà có đến không?", "Did you come?", "", ""),
            ("integer", "age", "Tuổi", "Age", "${Came-Here} = 'Yes!'", ". >= 18 and . <= 120"),
            ("geopoint", "where", "Ở đâu", "Where", "", ""),
            ("text", "why", "Vì sao", "Why", "${age} > 20", ""),
            ("end group", "", "", "", "", ""),
        ]
    )
    tree, remarks = tree_of_xlsform(content, "form.xlsx")
    came, age, why = tree["sections"][0]["items"]
    assert (came["code"], came["options"][0]["code"]) == ("came_here", "yes")
    assert age["show_if"] == {"item": "came_here", "any_of": ["yes"]}
    assert (age["minimum"], age["maximum"], age["whole"]) == ("18", "120", True)
    assert (why["kind"], why["show_if"]) == ("text", None)
    kinds = {remark.partition("|")[0].removeprefix("questionnaire_remark_") for remark in remarks}
    assert kinds == {"metadata", "type", "condition", "renamed", "option_renamed"}
    assert tree["name"] == "counter_form"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (("select_one_from_file units.csv", "u", "Đơn vị", "Unit", "", ""), "external"),
        (("calculate", "u", "", "", "pulldata('units', 'name', 'code', ${x}) != ''", ""), "external"),
        (("text", "u", "=1+1", "Unit", "", ""), "formulas"),
    ],
)
def test_what_needs_another_file_or_would_run_is_not_read(row: Sequence[object], why: str) -> None:
    with pytest.raises(ForeignWorkbookError) as refused:
        tree_of_xlsform(book([HEADER, row]), "form.xlsx")
    assert refused.value.why == why
    assert "sheet survey, row 2" in str(refused.value)


def test_conditions_are_read_as_far_as_a_questionnaire_can_say_them() -> None:
    codes = ["a", "b", "c"]
    assert condition_of("${x} = 'a' or ${x}='b'", lambda _: codes) == {"item": "x", "any_of": ["a", "b"]}
    assert condition_of("(selected(${x}, 'a'))", lambda _: codes) == {"item": "x", "any_of": ["a"]}
    assert condition_of("${x} != 'a'", lambda _: codes) == {"item": "x", "any_of": ["b", "c"]}
    assert condition_of("${x} = 'a' and ${y} = 'b'", lambda _: codes) is None
    assert condition_of("${x} = 'a' or ${y} = 'b'", lambda _: codes) is None


def test_limits_are_read_and_the_rest_is_kept_apart() -> None:
    limits = limits_of(". > 0 and . < 100", is_whole=True)
    assert (limits.minimum, limits.maximum, limits.rest) == ("1", "99", "")
    assert limits_of("string-length(.) <= 300").longest == "300"
    assert limits_of("regex(., '[0-9]+')").rest != ""
