"""The form in the hand: what shows when, where the focus goes, what a lost network costs, how small a screen may be."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from support.citizens import OTHER_UNIT, UNIT, Asked, add_round, ask
from support.server import RunningServer, running_server
from support.stores import Templates, opened
from survey.codes import new_code

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NewPage = Callable[..., Page]
TALLEST_SMALL_TARGET = 44


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("forms")
    settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    asked = ask(settings, stores, folder, questionnaire="kinds/1")
    add_round(asked, "sau", questionnaire="kinds/1", opens_in_days=5)
    yield asked
    stores.close()


@pytest.fixture(scope="module")
def server(asked: Asked) -> Iterator[RunningServer]:
    with running_server(asked.settings) as running:
        yield running


@pytest.fixture
def form(asked: Asked, server: RunningServer, new_page: NewPage) -> Page:
    """The form with its code filled in, at the first part of its questions."""
    (code,) = asked.codes()
    page = new_page()
    page.goto(f"{server.address}/r/hai-long/{UNIT}#{code.qr}")
    page.get_by_role("button", name="Bắt đầu").click()
    return page


def choose(page: Page, item: str, option: str) -> None:
    page.locator("label", has=page.locator(f'input[name="{item}"][value="{option}"]')).click()


def test_a_mistyped_code_is_found_before_the_first_question(server: RunningServer, new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"{server.address}/r/hai-long/{UNIT}")
    start = page.get_by_role("button", name="Bắt đầu")
    start.click()
    expect(page.locator("#problems")).to_be_focused()
    expect(page.locator("#code-e")).to_contain_text("Hãy điền mã mời.")
    for code in (new_code().typed for _ in range(5)):
        place = next(place for place in range(len(code)) if code[place] != code[place + 1] and code[place + 1] != "-")
        for wrong in (code[:-1], f"{code[:place]}{code[place + 1]}{code[place]}{code[place + 2 :]}", f"U{code[1:]}"):
            page.fill("#code", wrong)
            start.click()
            expect(page.locator("#code-e")).to_contain_text("Mã này có ký tự bị gõ nhầm.")
        page.fill("#code", code.lower().replace("-", " ").replace("0", "o").replace("1", "l").replace("5", "s"))
        start.click()
        expect(page.get_by_text("Phần 1/2")).to_be_visible()
        page.get_by_role("button", name="Quay lại").click()


def test_questions_appear_when_they_apply_and_with_them_the_parts(form: Page) -> None:
    expect(form.get_by_text("Phần 1/2")).to_be_visible()
    why, late = form.locator("fieldset", has_text="Điều gì chưa tốt"), form.get_by_label("Chậm bao nhiêu ngày")
    expect(why).to_be_hidden()
    choose(form, "overall", "1")
    expect(form.get_by_text("Phần 1/3")).to_be_visible()
    expect(why).to_be_visible()
    choose(form, "why", "slow")
    expect(late).to_be_visible()
    # What hangs on a question that is gone is gone with it, and comes back with it.
    choose(form, "overall", "dk")
    expect(late).to_be_hidden()
    expect(form.get_by_text("Phần 1/2")).to_be_visible()
    choose(form, "overall", "2")
    expect(late).to_be_visible()


def test_answers_that_stand_alone_clear_the_others(form: Page) -> None:
    choose(form, "overall", "1")
    choose(form, "why", "slow")
    choose(form, "why", "rude")
    form.get_by_label("Chậm bao nhiêu ngày").fill("3")
    choose(form, "how_slow", "dk")
    expect(form.get_by_label("Chậm bao nhiêu ngày")).to_have_value("")
    choose(form, "why", "none")
    expect(form.locator("input[name=why]:checked")).to_have_count(1)
    choose(form, "why", "rude")
    expect(form.locator("input[name=why][value=none]")).not_to_be_checked()


def test_a_missing_answer_is_said_where_it_is_missing_and_its_link_leads_there(form: Page) -> None:
    following = form.get_by_role("button", name="Tiếp tục")
    following.click()
    expect(form.locator("#problems")).to_be_focused()
    link = form.get_by_role("link", name="Câu 1: Hãy chọn câu trả lời.")
    link.click()
    expect(form.locator("#q-overall")).to_be_focused()
    expect(form.get_by_role("group", name="Nhìn chung")).to_have_accessible_description(
        "Nghĩ về cả lần đó. Cần sửa: Hãy chọn câu trả lời."
    )
    choose(form, "overall", "1")
    expect(form.locator("#q-overall-e")).to_have_count(0)
    choose(form, "why", "slow")
    for typed, problem in (
        ("", "Hãy điền câu trả lời."),
        ("ba", "Hãy điền một số, ví dụ 12 hoặc 2,5."),
        ("1e1", "Hãy điền một số, ví dụ 12 hoặc 2,5."),
        ("61", "Số này nằm ngoài khoảng cho phép."),
        ("2,5", "Hãy điền một số nguyên, không có phần lẻ."),
    ):
        form.get_by_label("Chậm bao nhiêu ngày").fill(typed)
        following.click()
        expect(form.get_by_role("link", name=f"Câu 3: {problem}")).to_be_visible()
    form.get_by_label("Chậm bao nhiêu ngày").fill("3")
    following.click()
    expect(form.get_by_role("heading", name="Phí và lệ phí")).to_be_focused()


def test_the_form_is_filled_in_and_sent_with_the_keyboard_alone(
    asked: Asked, server: RunningServer, new_page: NewPage
) -> None:
    (code,) = asked.codes()
    page = new_page()
    page.goto(f"{server.address}/r/hai-long/{UNIT}")
    keys = page.keyboard
    keys.press("Tab")
    expect(page.get_by_role("link", name="Đến nội dung chính")).to_be_focused()
    page.locator("#code").focus()
    keys.type(code.typed)
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Lần gần đây nhất")).to_be_focused()
    keys.press("Tab")
    keys.press("Space")
    expect(page.locator("input[name=overall][value='1']")).to_be_checked()
    for _ in range(4):
        keys.press("ArrowDown")
    expect(page.locator("input[name=overall][value='5']")).to_be_checked()
    keys.press("Tab")
    expect(page.get_by_role("button", name="Tiếp tục")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    keys.type("12,5")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Ý kiến khác")).to_be_focused()
    keys.press("Tab")
    keys.type("Cảm ơn")
    expect(page.get_by_text("còn 194 ký tự")).to_be_visible()
    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator("main")).to_have_attribute("data-state", "received")


def test_the_phones_back_key_leads_to_the_part_before_and_loses_nothing(form: Page) -> None:
    choose(form, "overall", "5")
    form.get_by_role("button", name="Tiếp tục").click()
    form.get_by_label("Đã nộp bao nhiêu nghìn đồng").fill("40")
    form.get_by_role("button", name="Tiếp tục").click()
    form.go_back()
    expect(form.get_by_label("Đã nộp bao nhiêu nghìn đồng")).to_have_value("40")
    form.get_by_role("button", name="Quay lại").click()
    expect(form.locator("input[name=overall][value='5']")).to_be_checked()
    form.go_back()
    expect(form.get_by_role("button", name="Bắt đầu")).to_be_visible()


def test_the_other_language_keeps_the_part_and_everything_typed(form: Page) -> None:
    choose(form, "overall", "5")
    form.get_by_role("button", name="Tiếp tục").click()
    form.get_by_label("Đã nộp bao nhiêu nghìn đồng").fill("40")
    form.get_by_role("button", name="English").click()
    expect(form.locator("html")).to_have_attribute("lang", "en")
    expect(form.get_by_text("Part 2 of 3")).to_be_visible()
    expect(form.get_by_label("How many thousand dong were paid")).to_have_value("40")
    form.get_by_role("button", name="Back").click()
    expect(form.locator("input[name=overall][value='5']")).to_be_checked()


def to_the_last_part(form: Page) -> None:
    choose(form, "overall", "dk")
    form.get_by_role("button", name="Tiếp tục").click()
    form.get_by_label("Ông/bà muốn nói thêm gì").fill("Đợi lâu")


def test_a_device_without_a_network_keeps_the_page_and_sends_it_later(form: Page) -> None:
    to_the_last_part(form)
    form.context.set_offline(True)
    form.get_by_role("button", name="Gửi phiếu").click()
    expect(form.get_by_role("status")).to_contain_text("Phiếu sẽ tự gửi khi có mạng lại")
    expect(form.get_by_label("Ông/bà muốn nói thêm gì")).to_have_value("Đợi lâu")
    form.context.set_offline(False)
    expect(form.locator("main")).to_have_attribute("data-state", "received")


def test_sending_is_seen_and_its_button_rests_only_while_it_lasts(form: Page) -> None:
    to_the_last_part(form)
    held: list[Route] = []
    form.route("**/r/**", lambda route: held.append(route))
    send = form.locator(".actions .main:visible")
    send.click()
    expect(send).to_have_text("Đang gửi…")
    expect(send).to_have_attribute("aria-disabled", "true")
    expect(send).to_be_focused()
    expect(form.get_by_role("status")).to_have_text("Đang gửi…")
    send.press("Enter")
    send.press("Enter")
    assert len(held) == 1
    held[0].continue_()
    form.unroute("**/r/**")
    expect(form.locator("main")).to_have_attribute("data-state", "received")


def test_problems_from_the_server_show_the_form_in_one_piece(form: Page) -> None:
    to_the_last_part(form)
    form.evaluate("(code) => { document.getElementById('code').value = code; }", new_code().typed)
    form.get_by_role("button", name="Gửi phiếu").click()
    expect(form.locator("#problems")).to_be_focused()
    form.locator("#problems").get_by_role("link").click()
    expect(form.locator("#code")).to_be_focused()
    expect(form.get_by_label("Ông/bà muốn nói thêm gì")).to_have_value("Đợi lâu")
    expect(form.get_by_role("button", name="Gửi phiếu")).to_be_visible()
    expect(form.locator("fieldset", has_text="Điều gì chưa tốt")).to_be_hidden()


def test_every_kind_of_question_is_answered_without_a_script(
    asked: Asked, server: RunningServer, new_page: NewPage
) -> None:
    """Criterion 26: one of several, several of many, a number, its refusal, and words."""
    (code,) = asked.codes()
    page = new_page(script=False)
    page.goto(f"{server.address}/r/hai-long/{UNIT}")
    page.fill("#code", code.typed)
    choose(page, "overall", "1")
    choose(page, "why", "slow")
    choose(page, "why", "rude")
    page.get_by_label("Đã nộp bao nhiêu nghìn đồng").fill("12,5")
    page.get_by_label("Ông/bà muốn nói thêm gì").fill("Đợi lâu")
    page.locator("main").get_by_role("button", name="Gửi phiếu").click()
    page.get_by_role("link", name="Câu 3: Hãy điền câu trả lời.").click()
    choose(page, "how_slow", "dk")
    page.locator("main").get_by_role("button", name="Gửi phiếu").click()
    expect(page.locator("main")).to_have_attribute("data-state", "received")


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_letters_of_twice_the_size_fit_a_small_screen(server: RunningServer, new_page: NewPage, script: bool) -> None:
    page = new_page(script=script, width=320)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.enable")
    devtools.send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
    for path in (f"/r/hai-long/{UNIT}", "/r/hai-long", f"/r/hai-long/{UNIT}/received"):
        page.goto(f"{server.address}{path}")
        assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") == 34
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    page.goto(f"{server.address}/r/hai-long/{UNIT}")
    # Android's own letter size reaches the page, because it asks for no size of its own.
    assert page.evaluate("getComputedStyle(document.documentElement).textSizeAdjust") == "auto"


def test_a_chosen_answer_is_told_from_the_others_in_the_readers_own_colours(form: Page) -> None:
    form.emulate_media(forced_colors="active")
    choose(form, "overall", "5")
    widths = (
        form.locator("fieldset")
        .first.locator("label")
        .evaluate_all("(labels) => labels.map((label) => getComputedStyle(label).borderLeftWidth)")
    )
    assert widths == ["0px"] * 4 + ["6px"] + ["0px"] * 2
    form.emulate_media(forced_colors="none", contrast="more")
    assert form.evaluate("getComputedStyle(document.documentElement).color") == "rgb(0, 0, 0)"


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
@pytest.mark.parametrize("width", [320, 360, 640, 1280])
def test_no_page_is_wider_than_the_screen_and_every_target_is_large_enough(
    asked: Asked, server: RunningServer, new_page: NewPage, width: int, script: bool
) -> None:
    page = new_page(script=script, width=width)
    paths = (
        f"/r/hai-long/{UNIT}",
        "/r/hai-long",
        f"/r/hai-long/{UNIT}/received",
        f"/r/sau/{OTHER_UNIT}",
        "/r/khong-co",
    )
    for path in paths:
        for language in ("vi", "en"):
            page.goto(f"{server.address}{path}?lang={language}")
            widest = page.evaluate("document.documentElement.scrollWidth")
            assert widest <= width, f"{path} in {language} is {widest} pixels wide"
            targets = page.locator(".choices label:visible, button:visible, input[type=text]:visible, .units a, .top a")
            for box in (target.bounding_box() for target in targets.all()):
                assert box is not None
                assert box["height"] >= TALLEST_SMALL_TARGET, path
