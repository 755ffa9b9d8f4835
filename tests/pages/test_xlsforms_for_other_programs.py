"""Forms that leave the office, as the programs that field teams use take them: pyxform and ODK's own validator."""

import io
from collections.abc import Iterator

import pytest
from lxml import etree
from pyxform.xls2xform import convert

from questionnaires.draft_trees import Tree
from questionnaires.library import bundled_references
from support.office import Office, open_office
from survey.questionnaire_drafts import Writer, change_draft, find_draft
from survey.settings import Settings
from survey.web.accounts.session import now

pytestmark = pytest.mark.slow

DRAFT = "/office/questionnaires/drafts/1"
BINDING = "{http://www.w3.org/2002/xforms}bind"


@pytest.fixture
def office(sqlite_settings: Settings) -> Iterator[Office]:
    opened = open_office(sqlite_settings)
    opened.sign_in()
    yield opened
    opened.services.stores.close()


def form_of(content: bytes) -> etree._Element:
    """The form that pyxform makes of a workbook, once ODK's validator has opened it; a warning fails the test."""
    warnings: list[str] = []
    converted = convert(io.BytesIO(content), file_type=".xlsx", validate=True, warnings=warnings)
    assert warnings == []
    return etree.fromstring(converted.xform.encode())


def bindings_of(form: etree._Element) -> dict[str, dict[str, str]]:
    """What the form asks of each question, by its code."""
    return {bind.attrib["nodeset"].rpartition("/")[2]: dict(bind.attrib) for bind in form.iter(BINDING)}


@pytest.mark.parametrize("reference", bundled_references())
def test_every_bundled_questionnaire_is_a_form_that_other_programs_take(office: Office, reference: str) -> None:
    content = office.client.get(f"/office/questionnaires/versions/{reference}/file.xlsx").get_data()
    asked = bindings_of(form_of(content))
    office.send("/office/questionnaires/drafts", "/office/questionnaires", **{"from": reference})
    tree = find_draft(office.services.stores, 1).tree
    codes = {item["code"] for section in tree["sections"] for item in section["items"]}
    assert codes <= asked.keys()


def test_an_edited_draft_is_a_form_that_other_programs_take(office: Office) -> None:
    office.send("/office/questionnaires/drafts", "/office/questionnaires", **{"from": "sipas/2017.2"})
    office.send(f"{DRAFT}/arrange", DRAFT, do="add:section")

    def write(tree: Tree) -> None:
        tree["languages"] = ["vi", "en", "ko"]
        section = tree["sections"][-1]
        section["title"] = {"vi": "Thêm", "en": "More"}
        blank = {
            "hint": {"vi": "", "en": ""},
            "required": True,
            "not_applicable": True,
            "dont_know": True,
            "scale": "",
            "options": [],
            "minimum": "",
            "maximum": "",
            "whole": False,
            "bands": "",
            "longest": "",
            "show_if": None,
        }
        options = [
            {"code": code, "value": "", "label": {"vi": f"Câu {code}", "en": code}, "exclusive": code == "none"}
            for code in ("post", "web", "none")
        ]
        written = {
            "ways": {**blank, "kind": "multiple", "options": options},
            "fee": {**blank, "kind": "number", "minimum": "0,5", "maximum": "99,5", "bands": "10; 20"},
            "why": {**blank, "kind": "text", "longest": "300", "show_if": {"item": "ways", "any_of": ["post", "web"]}},
        }
        for number, (code, item) in enumerate(written.items()):
            text = {"vi": f"1 + {number} & 3 < 4: “${{{code}}}”", "en": f"Say ${{nothing}} {code}", "ko": code}
            section["items"].append({"id": f"new{number}", "code": code, "text": text, **item})

    stores = office.services.stores
    change_draft(stores, 1, write, Writer("lan", "Lan"), now())
    content = office.client.get(f"{DRAFT}/file.xlsx").get_data()
    asked = bindings_of(form_of(content))
    assert asked["why"]["relevant"].count("selected(") == 2
    assert asked["why"]["constraint"] == "string-length(.) <= 300"
    assert asked["fee"]["constraint"] == ". >= 0.5 and . <= 99.5"
    assert "'none'" in asked["ways"]["constraint"]
    assert asked["ways"]["required"] == "true()"
    office.hand_in("/office/questionnaires/import", {"file": (content, "form.xlsx")})
    before, after = (find_draft(stores, number).tree["sections"][-1]["items"] for number in (1, 2))
    assert [item["text"] for item in after] == [item["text"] for item in before]
