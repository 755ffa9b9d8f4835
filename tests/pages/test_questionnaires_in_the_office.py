"""Questionnaires in the browser: the library, drafts and their parts, two writers at once, files in and out."""

import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from lxml import html

from questionnaires.library import bundled_source, load_bundled
from support.office import Office, open_office, path_of
from support.pages import EDITOR_POLICY, page_complaints
from survey.questionnaire_drafts import find_draft, list_drafts
from survey.questionnaire_library import find_questionnaire
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading

pytestmark = pytest.mark.slow

DRAFT = "/office/questionnaires/drafts/1"


@pytest.fixture
def office(sqlite_settings: Settings) -> Iterator[Office]:
    opened = open_office(sqlite_settings)
    opened.sign_in()
    yield opened
    opened.services.stores.close()


@pytest.fixture
def copied(office: Office) -> Office:
    response = office.send("/office/questionnaires/drafts", "/office/questionnaires", **{"from": "sipas/2017.1"})
    assert path_of(response) == DRAFT
    return office


def fields_of(office: Office, address: str) -> dict[str, list[str]]:
    """What a browser would send of the part's form, without a button."""
    page = html.document_fromstring(office.client.get(address).text)
    form = page.get_element_by_id("part")
    sent: dict[str, list[str]] = {}
    for name, value in form.form_values():
        sent.setdefault(name, []).append(value)
    return sent


def item_of(office: Office, place: int = 0, section: int = 0) -> str:
    return str(find_draft(office.services.stores, 1).tree["sections"][section]["items"][place]["id"])


def test_the_library_lists_versions_and_a_copy_is_a_draft_under_the_next_version(copied: Office) -> None:
    draft = list_drafts(copied.services.stores)[0]
    assert draft.reference == "sipas/2017.3", "2017.2 is taken"
    page = copied.client.get("/office/questionnaires").text
    assert "sipas/2017.1" in page
    assert "sipas/2017.3" in page


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_page_keeps_the_rules_of_the_house(copied: Office, lang: str) -> None:
    tree = find_draft(copied.services.stores, 1).tree
    section, factor = tree["sections"][0], tree["index"]["factors"][0]
    parts = ["about", "index", section["id"], section["items"][0]["id"], tree["scales"][0]["id"], factor["id"]]
    parts += [tree["profiles"][0]["id"]]
    addresses = [f"{DRAFT}/parts/{part}" for part in parts]
    addresses += [DRAFT, f"{DRAFT}/preview", f"{DRAFT}/revisions", f"{DRAFT}/publish", "/office/questionnaires"]
    addresses += ["/office/questionnaires/import", "/office/questionnaires/versions/sipas/2017.1"]
    addresses += ["/office/questionnaires/compare?a=sipas/2017.1&b=draft-1", f"{DRAFT}/preview?part={parts[3]}"]
    addresses += ["/office/questionnaires/versions/ddci/communes-2024.2/preview?in=ko"]
    for address in addresses:
        response = copied.client.get(f"{address}{'&' if '?' in address else '?'}lang={lang}")
        assert response.status_code == 200, address
        assert page_complaints(html.document_fromstring(response.get_data().decode())) == [], address


def test_a_draft_is_edited_checked_and_published_for_good(copied: Office) -> None:
    part = f"{DRAFT}/parts/{item_of(copied)}"
    fields = fields_of(copied, part)
    words = fields["text.vi"]
    fields["text.vi"] = [""]
    assert copied.client.post(part, data=fields).status_code == 303
    assert "Chưa có chữ nào ở đây." in copied.client.get(part).text
    assert copied.send(f"{DRAFT}/publish", revision="2").status_code == 409
    fields = fields_of(copied, part)
    fields["text.vi"] = [f"{words[0]} (mới)"]
    copied.client.post(part, data=fields)
    page = copied.client.get(f"{DRAFT}/publish").text
    assert "có thể so sánh kết quả" in page, "the first question is not scored"
    revision = re.search(r'name="revision" value="([0-9]+)"', page)
    assert revision is not None
    response = copied.send(f"{DRAFT}/publish", revision=revision[1])
    assert path_of(response) == "/office/questionnaires/versions/sipas/2017.3"
    published = find_questionnaire(copied.services.stores, "sipas/2017.3")
    assert published.items[0].text.vi.endswith("(mới)")
    assert list_drafts(copied.services.stores) == ()
    with reading(copied.services.stores.office) as session:
        actions = [event.action for event in list_events(session)]
    assert {"questionnaire.draft_started", "questionnaire.draft_saved", "questionnaire.published"} <= set(actions)


def test_two_officers_who_edit_the_same_question_see_both_versions(copied: Office) -> None:
    part = f"{DRAFT}/parts/{item_of(copied)}"
    mine, theirs = fields_of(copied, part), fields_of(copied, part)
    theirs["text.vi"], mine["text.vi"] = ["Bản của Hà"], ["Bản của Lan"]
    copied.client.post(part, data=theirs)
    response = copied.client.post(part, data=mine)
    assert response.status_code == 409
    assert "Bản của Lan" in response.text
    assert "Bản của Hà" in response.text
    assert "đã sửa phần này" in response.text
    found = re.search(r'name="mark" value="([0-9a-f]+)"', response.text)
    assert found is not None
    copied.client.post(part, data={**mine, "mark": found[1]})
    assert find_draft(copied.services.stores, 1).tree["sections"][0]["items"][0]["text"]["vi"] == "Bản của Lan"


def test_two_officers_who_edit_different_questions_do_not_meet(copied: Office) -> None:
    first, second = (f"{DRAFT}/parts/{item_of(copied, place)}" for place in (0, 1))
    mine, theirs = fields_of(copied, first), fields_of(copied, second)
    mine["text.en"], theirs["text.en"] = ["Mine"], ["Theirs"]
    assert copied.client.post(second, data=theirs).status_code == 303
    assert copied.client.post(first, data=mine).status_code == 303
    items = find_draft(copied.services.stores, 1).tree["sections"][0]["items"]
    assert [items[0]["text"]["en"], items[1]["text"]["en"]] == ["Mine", "Theirs"]


def test_what_was_typed_into_a_part_that_is_gone_is_shown_and_can_be_had_back(copied: Office) -> None:
    item = item_of(copied)
    part = f"{DRAFT}/parts/{item}"
    fields = fields_of(copied, part)
    copied.send(f"{DRAFT}/arrange", DRAFT, do=f"remove:{item}")
    fields["text.vi"] = ["Câu gõ dở"]
    response = copied.client.post(part, data=fields)
    assert response.status_code == 410
    assert "Câu gõ dở" in response.text
    copied.send(f"{DRAFT}/revisions", revision="1")
    assert item_of(copied) == item


def test_autosaving_answers_with_what_is_wrong_and_a_new_mark(copied: Office) -> None:
    part = f"{DRAFT}/parts/{item_of(copied)}"
    fields = fields_of(copied, part)
    answer = copied.client.post(part, data={**fields, "text.en": ""}, headers={"X-Autosave": "yes"})
    assert answer.json is not None
    assert answer.json["mark"] != fields["mark"][0]
    assert answer.json["problems"] == {"text.en": ["Chưa có chữ nào ở đây."]}
    again = copied.client.post(part, data=fields, headers={"X-Autosave": "yes"})
    assert again.status_code == 409, "the first saving came in between"
    assert copied.client.get(part).headers["Content-Security-Policy"] == EDITOR_POLICY


def test_questions_are_added_moved_and_renamed_with_what_names_them(office: Office) -> None:
    office.send("/office/questionnaires/drafts", "/office/questionnaires")
    office.send(f"{DRAFT}/arrange", DRAFT, do="add:section")
    section = find_draft(office.services.stores, 1).tree["sections"][0]["id"]
    for _ in range(2):
        office.send(f"{DRAFT}/arrange", DRAFT, do=f"add:item:{section}")
    first, second = item_of(office, 0), item_of(office, 1)
    fields = fields_of(office, f"{DRAFT}/parts/{first}")
    rows = {"options[0].label.vi": "Có", "options[0].label.en": "Yes", "options[1].label.vi": "Không"}
    office.client.post(f"{DRAFT}/parts/{first}", data={**fields, **rows, "options[1].label.en": "No"})
    fields = fields_of(office, f"{DRAFT}/parts/{second}")
    office.client.post(
        f"{DRAFT}/parts/{second}", data={**fields, "show_if.item": "q1", "show_if.any_of": ["1"], "kind": "text"}
    )
    fields = fields_of(office, f"{DRAFT}/parts/{first}")
    office.client.post(f"{DRAFT}/parts/{first}", data={**fields, "code": "came", "options[0].code": "yes"})
    items = find_draft(office.services.stores, 1).tree["sections"][0]["items"]
    assert items[1]["show_if"] == {"item": "came", "any_of": ["yes"]}
    office.send(f"{DRAFT}/arrange", DRAFT, do=f"up:{second}")
    assert item_of(office, 0) == second
    assert "phải đứng trước" in office.client.get(f"{DRAFT}/parts/{second}").text


def test_weights_must_sum_and_can_be_made_to(copied: Office) -> None:
    tree = find_draft(copied.services.stores, 1).tree
    part = f"{DRAFT}/parts/index"
    n_factors = len(tree["index"]["factors"])
    weights = {f"factors[{n}].weight": "30" if n else "1" for n in range(n_factors)}
    copied.client.post(part, data={**fields_of(copied, part), **weights})
    assert "Tổng trọng số là" in copied.client.get(part).text
    copied.client.post(part, data={**fields_of(copied, part), "do": "hundred"})
    assert "Tổng trọng số là" not in copied.client.get(part).text
    total = sum(float(one["weight"]) for one in find_draft(copied.services.stores, 1).tree["index"]["factors"])
    assert total == pytest.approx(100, abs=1e-9)


@pytest.mark.parametrize("name", ["sipas/2023.2", "ddci/departments-2024.2", "kansas_city/2021.1"])
def test_a_version_leaves_and_comes_back_as_an_xlsform(office: Office, name: str) -> None:
    content = office.client.get(f"/office/questionnaires/versions/{name}/file.xlsx").get_data()
    assert office.client.get(f"/office/questionnaires/versions/{name}/file.yaml").get_data() == bundled_source(name)
    office.hand_in("/office/questionnaires/import", {"file": (content, "form.xlsx")})
    page = office.client.get(f"/office/questionnaires/compare?a={name}&b=draft-1&lang=en").text
    assert "Both versions ask and score alike" in page
    assert load_bundled(name).version == find_draft(office.services.stores, 1).tree["version"]


def _workbook(member: str, content: bytes = b"") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", b"<Types/>")
        package.writestr(member, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (_workbook("xl/vbaProject.bin"), "form.xlsm", "Tệp có macro"),
        (_workbook("xl/externalLinks/externalLink1.xml"), "form.xlsx", "Tệp tham chiếu tới tệp khác"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "form.xls", "Tệp Excel kiểu cũ"),
        (_workbook("xl/workbook.xml"), "form.xlsx", "Không đọc được tệp"),
        (_workbook("xl/media/a.bin", b"\0" * (25 << 20)), "form.xlsx", "Tệp quá lớn"),
        (b"name: [", "form.yaml", "Không đọc được tệp"),
    ],
    ids=["macros", "links", "old", "broken", "unfolding", "no yaml"],
)
def test_a_file_that_is_not_taken_in_says_why_and_what_helps(
    office: Office, content: bytes, name: str, told: str
) -> None:
    response = office.hand_in("/office/questionnaires/import", {"file": (content, name)})
    assert response.status_code == 400
    assert told in response.text
    assert list_drafts(office.services.stores) == ()
