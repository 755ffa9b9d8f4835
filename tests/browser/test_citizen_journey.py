"""From the invitation to the archive: a phone, with and without its script, in both languages."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pyarrow.compute as pc
import pytest
from playwright.sync_api import Page, expect

from analysis.archive import read_archive
from questionnaires.library import load_bundled
from support.citizens import OTHER_UNIT, UNIT, Asked, add_round, ask
from support.server import RunningServer, running_server
from support.stores import Templates, opened
from survey.rounds import close_round
from survey.sealing import archive_path, seal_round

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NewPage = Callable[..., Page]
REFERENCE = "sipas/2017.1"
WORDS = {
    "vi": {"start": "Bắt đầu", "next": "Tiếp tục", "send": "Gửi phiếu", "received": "Đã nhận phiếu", "yes": "Có"},
    "en": {"start": "Start", "next": "Next", "send": "Send", "received": "Received", "yes": "Yes"},
}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("journeys")
    settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    yield ask(settings, stores, folder)
    stores.close()


@pytest.fixture(scope="module")
def server(instance: Asked) -> Iterator[RunningServer]:
    with running_server(instance.settings) as running:
        yield running


def answer_everything(page: Page) -> dict[str, str]:
    """The last option of each question that can be seen and has options on its scale, chosen as a finger would."""
    chosen = {}
    questionnaire = load_bundled(REFERENCE)
    for item in questionnaire.items:
        if not item.options:
            continue
        option = item.options[0 if item.code in ("visited", "gave_feedback") else -1].code
        control = page.locator(f'input[name="{item.code}"][value="{option}"]')
        if control.is_visible():
            page.locator("label", has=control).click()
            expect(control).to_be_checked()
            chosen[item.code] = option
    return chosen


def fill_in(page: Page, language: str, *, script: bool) -> dict[str, str]:
    """The whole form filled in, up to the button that sends it."""
    words = WORDS[language]
    if not script:
        return answer_everything(page)
    page.get_by_role("button", name=words["start"]).click()
    chosen = answer_everything(page)
    while page.get_by_role("button", name=words["next"]).is_visible():
        page.get_by_role("button", name=words["next"]).click()
        expect(page.locator("section:not([hidden]) h2").first).to_be_focused()
        chosen |= answer_everything(page)
    return chosen


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_an_answer_travels_from_the_invitation_into_the_archive(
    instance: Asked, server: RunningServer, new_page: NewPage, language: str, script: bool
) -> None:
    slug = f"{language}-{'script' if script else 'plain'}"
    add_round(instance, slug)
    asked = replace(instance, slug=slug)
    neutral = {item.code: ["3"] for item in load_bundled(REFERENCE).items if item.scale}
    neutral |= {"visited": ["yes"], "gave_feedback": ["yes"]}
    for unit in (UNIT, OTHER_UNIT):
        asked.answer(neutral, unit, count=11)

    (code,) = asked.codes()
    page = new_page(script=script)
    page.goto(f"{server.address}/r/{slug}/{UNIT}{'' if language == 'vi' else '?lang=en'}#{code.qr}")
    if script:
        expect(page.locator("#code")).to_have_value(code.qr)
        assert "#" not in page.url
    else:
        page.fill("#code", code.typed)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(f"{request.method} {request.url}"))
    chosen = fill_in(page, language, script=script)
    assert len(chosen) == sum(1 for item in load_bundled(REFERENCE).items if item.options)
    assert requests == [], "nothing is requested until the form is sent"
    page.locator("main").get_by_role("button", name=WORDS[language]["send"]).click()
    expect(page.locator("main")).to_have_attribute("data-state", "received")
    expect(page.locator("h1")).to_have_text(WORDS[language]["received"])
    methods = [line.split()[0] for line in requests]
    # The script does not follow the redirect, which the browser's tools name all the same; without it come the page
    # that says received, its style, and its script, which does not run.
    assert methods[: 2 if script else 1] == (["POST", "GET"] if script else ["POST"])
    assert methods.count("POST") == 1
    assert page.url.partition("?")[0] == f"{server.address}/r/{slug}/{UNIT}/received"
    assert not any(code.qr in line or code.typed in line for line in requests)

    # The same invitation in its other spelling is used up.
    again = new_page(script=script)
    again.goto(f"{server.address}/r/{slug}/{UNIT}{'' if language == 'vi' else '?lang=en'}")
    again.fill("#code", code.typed if script else code.qr)
    fill_in(again, language, script=script)
    again.locator("main").get_by_role("button", name=WORDS[language]["send"]).click()
    expect(again.locator("#code-e")).to_be_visible()
    expect(again.locator("#code")).to_have_value(code.typed if script else code.qr)

    close_round(instance.stores, slug)
    seal_round(instance.stores, instance.secrets, instance.vault, instance.settings, slug)
    archive = read_archive(archive_path(instance.settings, slug))
    responses = archive.contents.responses
    assert responses.num_rows == 23
    ours = responses.filter(pc.equal(responses["seats"], "5"))
    assert ours.num_rows == 1
    (row,) = ours.to_pylist()
    assert row["unit"] == UNIT
    assert {item: row[item] for item in chosen} == chosen


def test_the_unit_is_found_by_its_name_and_the_code_goes_along(
    instance: Asked, server: RunningServer, new_page: NewPage
) -> None:
    (code,) = instance.codes()
    page = new_page()
    page.goto(f"{server.address}/r/hai-long#{code.qr}")
    expect(page.get_by_role("link", name="Phường A")).to_be_visible()
    assert "#" not in page.url
    page.get_by_label("Tìm theo tên").fill("phuong")
    expect(page.get_by_role("link", name="Xã B")).to_be_hidden()
    page.get_by_label("Tìm theo tên").fill("không có")
    expect(page.locator("#none")).to_have_text("Không tìm thấy cơ quan nào có tên này.")
    page.get_by_label("Tìm theo tên").fill("PHƯỜNG A")
    page.get_by_role("link", name="Phường A").click()
    expect(page.locator("#code")).to_have_value(code.qr)
    assert re.fullmatch(rf"{server.address}/r/hai-long/{UNIT}", page.url)


def test_without_a_script_the_units_are_a_plain_list(server: RunningServer, new_page: NewPage) -> None:
    page = new_page(script=False)
    page.goto(f"{server.address}/r/hai-long")
    expect(page.get_by_label("Tìm theo tên")).to_be_hidden()
    page.get_by_role("link", name="Xã B").click()
    expect(page.locator("h1")).to_contain_text("Xã B")


def test_an_answer_sent_twice_by_going_back_and_forth_is_stored_once_and_shows_nothing(
    instance: Asked, server: RunningServer, new_page: NewPage
) -> None:
    (code,) = instance.codes()
    page = new_page()
    page.goto(f"{server.address}/r/hai-long/{UNIT}#{code.qr}")
    fill_in(page, "vi", script=True)
    # Two presses in one breath, as an impatient finger makes them.
    page.evaluate(
        "() => { const send = document.querySelector('.actions button:not([hidden])'); send.click(); send.click(); }"
    )
    expect(page.locator("main")).to_have_attribute("data-state", "received")
    page.go_back()
    expect(page.locator("#ballot")).to_be_visible()
    expect(page.locator("#code")).to_have_value("")
    expect(page.locator("input:checked")).to_have_count(0)
