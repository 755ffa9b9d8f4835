"""Two clerks key a form from paper without touching a mouse, with the script and without it (issue 7, O6)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.rounds import SLUG, open_collection
from support.server import running_server
from support.stores import Templates, opened
from survey.officers import create_officer
from survey.paper_entry import waiting_forms
from survey.paper_versions import fingerprint_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NewPage = Callable[..., Page]
PASSWORD = "bốn từ chọn bừa"
CLERKS = ("lan", "hoa")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def sign_in(page: Page, address: str, login: str) -> None:
    page.goto(f"{address}/office/sign-in")
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Các đợt khảo sát")


def open_form(page: Page, code: str, fingerprint: str, *, script: bool) -> None:
    """From the page that asks for a form, whose first field has the focus."""
    expect(page.locator("#code")).to_be_focused()
    page.keyboard.type(code.lower())
    press(page, "Enter" if script else "Tab")
    page.keyboard.type(fingerprint)
    press(page, "Enter", *(["Enter"] if script else []))


@pytest.mark.parametrize(("script", "width"), [(True, 1280), (False, 360)], ids=["full", "bare"])
def test_two_clerks_key_forms_with_the_keyboard_alone(
    tmp_path: Path, store_templates: Templates, new_page: NewPage, script: bool, width: int
) -> None:
    settings = store_templates.new_instance("sqlite", tmp_path / "var")
    stores = opened(settings)
    collection = open_collection(settings, stores, tmp_path)
    agreed, differing = (code.typed for code in collection.codes("phuong-a", 2, channel="paper"))
    fingerprint = fingerprint_of(collection.questionnaire.content_hash)
    for login in CLERKS:
        create_officer(stores, login, f"Người {login}", PASSWORD, actor="command line")
    with running_server(settings, extra={"HAILONG_SECOND_PERSON": "required"}) as server:
        start = f"{server.address}/office/rounds/{SLUG}/paper/enter"
        pages = {login: new_page(script=script, width=width, height=900) for login in CLERKS}
        for login, page in pages.items():
            sign_in(page, server.address, login)
            for code, visits in ((agreed, "3"), (differing, "3" if login == "lan" else "8")):
                page.goto(start)
                open_form(page, code, fingerprint, script=script)
                heading = "Lần nhập đầu" if login == "lan" else "Lần nhập thứ hai"
                expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
                if not script:
                    page.locator("#k1").focus()
                onward = "Enter" if script else "Tab"
                expect(page.locator("#k1")).to_be_focused()
                press(page, "1", onward, "2", onward, "1", "2", onward, visits, onward)
                page.keyboard.type("Xếp hàng lâu")
                if script:
                    # The arrows lead back and forth, and what a key stands for is said beside it.
                    press(page, "Enter")
                    expect(page.locator("[data-save]")).to_be_focused()
                    expect(page.locator(".key-row", has=page.locator("#k3")).locator("output")).to_have_text(
                        "Chậm, Thô lỗ"
                    )
                    page.locator("#k4").focus()
                    press(page, "ArrowUp")
                    expect(page.locator("#k3")).to_be_focused()
                    press(page, "ArrowDown")
                    expect(page.locator("#k4")).to_be_focused()
                    page.locator("[data-save]").focus()
                else:
                    # Without the script Enter checks and keeps nothing.
                    page.locator("#k4").focus()
                    with page.expect_navigation():
                        press(page, "Enter")
                    expect(page.get_by_role("status")).to_contain_text("Không thấy lỗi")
                    page.locator("[data-save]").focus()
                with page.expect_navigation():
                    press(page, "Enter")
                said = {("lan", agreed): "Đã giữ", ("lan", differing): "Đã giữ", ("hoa", agreed): "Đã nhận phiếu"}
                expect(page.get_by_role("status")).to_contain_text(said.get((login, code), "khác nhau"))
        page = pages["lan"]
        page.goto(start)
        open_form(page, differing, fingerprint, script=script)
        expect(page.get_by_role("heading", level=1)).to_contain_text("Xử lý hai lần nhập khác nhau")
        page.locator("input[name=k4-is][value=first]").focus()
        press(page, "Space", "ArrowDown")
        expect(page.locator("input[name=k4-is][value=second]")).to_be_checked()
        page.locator("[data-save]").focus()
        with page.expect_navigation():
            press(page, "Enter")
        expect(page.get_by_role("status")).to_contain_text("Đã nhận phiếu")
        page.goto(f"{server.address}/office/rounds/{SLUG}/paper")
        expect(page.locator("dl").first).to_contain_text("100,0 (1 trong 10 mục)")
    assert waiting_forms(stores, SLUG).in_all == 0
    stores.close()
