"""The XLSForm of a round: accepted by pyxform for every bundled questionnaire, and the code and the mark in it."""

import io
import re

import pytest
from lxml import etree
from openpyxl import load_workbook
from pyxform.xls2xform import convert

from questionnaires.library import bundled_references, load_bundled
from questionnaires.model import Questionnaire, Text
from questionnaires.modules import attach
from questionnaires.reading import parse_questionnaire
from questionnaires.xlsform_rounds import CODE, MARK, UnitChoice, asked_columns, mark_of, round_form
from support.citizens import ALL_KINDS
from support.firms import FIRMS

TITLE = Text("Đợt khảo sát", "Survey")
UNITS = (
    UnitChoice("so-y-te", Text("Sở Y tế", "Health")),
    UnitChoice("so-xay-dung", Text("Sở Xây dựng", "Construction")),
)


def converted(questionnaire: Questionnaire) -> etree._Element:
    workbook = round_form("hai-long", TITLE, questionnaire, questionnaire.languages, UNITS)
    made = convert(io.BytesIO(workbook), file_type=".xlsx")
    assert made.warnings == []
    return etree.fromstring(made.xform.encode())


def instance_of(form: etree._Element) -> etree._Element:
    return next(node for node in form.iter("{*}instance") if node.get("id") is None)[0]


def binding(form: etree._Element, name: str) -> etree._Element:
    return next(node for node in form.iter("{*}bind") if node.get("nodeset", "").rpartition("/")[2] == name)


@pytest.mark.parametrize("reference", bundled_references())
def test_pyxform_takes_the_form_of_every_bundled_questionnaire(reference: str) -> None:
    questionnaire = load_bundled(reference)
    form = converted(questionnaire)
    paths = {node.get("nodeset").removeprefix("/data/").removeprefix("/") for node in form.iter("{*}bind")}
    ends = {path.partition("/")[2] if path.startswith("hailong_hai-long/") else path for path in paths}
    for asked in asked_columns(questionnaire):
        assert any(end.endswith("/".join(asked.path)) for end in ends), asked


def test_a_form_names_its_round_its_version_and_its_text() -> None:
    questionnaire = parse_questionnaire(ALL_KINDS.encode(), "kinds.yaml")
    form = converted(questionnaire)
    root = instance_of(form)
    short = questionnaire.content_hash[:12]
    assert (root.get("id"), root.get("version")) == ("hailong_hai-long", f"kinds-1-{short}")
    assert binding(form, MARK).get("calculate") == f"'{mark_of('hai-long', questionnaire)}'"
    assert mark_of("hai-long", questionnaire) == f"hai-long/kinds-1-{short}"


def test_the_code_is_scanned_or_typed_and_looks_like_one() -> None:
    form = converted(parse_questionnaire(ALL_KINDS.encode(), "kinds.yaml"))
    code = binding(form, CODE)
    assert code.get("required") == "true()"
    assert "hailong_scan" in code.get("relevant")
    pattern = re.search(r"regex\(., '(.+)'\)", code.get("constraint"))
    assert pattern is not None
    assert re.fullmatch(pattern[1], "2ZFK8-N0XV3-N07M")
    assert re.fullmatch(pattern[1], "2zfk8 n0xv3 n07m")
    assert not re.fullmatch(pattern[1], "2ZFK8-N0XV3")


def test_a_number_that_may_be_unknown_has_a_way_to_say_so() -> None:
    form = converted(parse_questionnaire(ALL_KINDS.encode(), "kinds.yaml"))
    assert "how_slow__or" in binding(form, "how_slow").get("required")
    assert "how_slow" in binding(form, "how_slow__or").get("constraint")


def test_the_questions_about_a_unit_stand_as_often_as_units_may_be_rated() -> None:
    questionnaire = parse_questionnaire(FIRMS.encode(), "firms.yaml")
    form = converted(questionnaire)
    places = [asked.path for asked in asked_columns(questionnaire) if asked.field == "clear"]
    assert places == [(f"hailong_rating__{n}", f"service__{n}", f"clear__{n}") for n in (1, 2, 3)]
    assert "hailong_unit__1" in binding(form, "hailong_unit__2").get("constraint")
    assert "hailong_unit__2" in binding(form, "service__2").get("relevant")
    assert "clear__2" in binding(form, "unclear__2").get("relevant")


def test_modules_are_asked_along_with_lists_of_their_own() -> None:
    host = load_bundled("sipas/2023.2")
    questionnaire = attach(host, [load_bundled("brand/2026.2")])
    workbook = load_workbook(io.BytesIO(round_form("hai-long", TITLE, questionnaire, ("vi", "en"), ())), read_only=True)
    names = [row[1] for row in workbook["survey"].iter_rows(min_row=2, values_only=True)]
    assert {item.code for item in questionnaire.items} <= set(names)
    header = next(workbook["survey"].iter_rows(max_row=1, values_only=True))
    assert "label::English (en)" in header
    assert not any(str(cell).endswith("(ko)") for cell in header), "only the languages that the round is asked in"
    converted(questionnaire)
