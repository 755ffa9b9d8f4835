"""What the script adds to published results: sorting, filters, and a box beside the pointer (S5 of issue 6)."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from support.published import publish_by_hand, sipas_edition
from support.server import RunningServer, running_server
from support.stores import Templates, opened

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

ROUND = "/results/sipas-2026"
ROWS = "table.league tbody:not([hidden]) tr:not(.tier):not([hidden])"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[RunningServer]:
    settings = store_templates.new_instance("sqlite", tmp_path_factory.mktemp("published") / "var")
    stores = opened(settings)
    publish_by_hand(settings, stores, sipas_edition())
    stores.close()
    with running_server(settings) as running:
        yield running


@pytest.fixture
def page(server: RunningServer, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="vi-VN")
    page = context.new_page()
    page.goto(server.address + ROUND)
    yield page
    context.close()


def names(page: Page) -> list[str]:
    return page.locator(f"{ROWS} > th a").all_inner_texts()


def answers(page: Page) -> list[float]:
    cells = page.locator(f"{ROWS} > td:last-child[data-v]").all()
    return [float(cell.get_attribute("data-v") or "") for cell in cells]


def test_a_heading_sorts_both_ways_and_the_groups_come_back(page: Page) -> None:
    first = names(page)
    heading = page.locator("thead th", has_text="Số phiếu")
    heading.locator("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert answers(page) == sorted(answers(page), reverse=True)
    assert len(names(page)) == len(first)
    heading.locator("button").click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("tr.tier:visible")).to_have_count(0)
    page.get_by_label("Sắp xếp theo").select_option("")
    assert names(page) == first
    expect(page.locator("tr.tier:visible")).to_have_count(3)


def test_names_are_found_without_their_marks_and_groups_are_chosen(page: Page) -> None:
    page.get_by_label("Tìm đơn vị").fill("ha tu")
    assert names(page) == ["Phường Hà Tu"]
    expect(page.locator(".outcome")).to_have_text("1 trên 9 đơn vị")
    page.get_by_label("Tìm đơn vị").fill("không có")
    expect(page.locator(".outcome")).to_have_text("Không có đơn vị nào mang tên này.")
    page.get_by_label("Tìm đơn vị").fill("")
    page.get_by_label("Nhóm").select_option(label="Không xếp hạng")
    assert len(names(page)) == 1


def test_a_pointer_is_told_what_a_chart_says_and_escape_sends_it_away(page: Page) -> None:
    row = page.locator(ROWS).first
    row.locator("td.chart").hover()
    box = page.locator(".tip")
    expect(box).to_be_visible()
    said = box.inner_text()
    assert row.locator("th a").inner_text() in said
    assert row.locator("td[data-label] .strong").inner_text() in said
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()


def test_a_page_that_sorts_by_its_form_is_left_alone(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.address}{ROUND}/bloc/khoi-dia-phuong?sort=score")
    assert len(names(page)) == 9
    assert page.locator("button.sorter").count() == 0
    page.get_by_label("Tìm đơn vị").fill("HÀ TU")
    page.get_by_role("button", name="Xem").click()
    expect(page.locator(f"{ROWS} > th a")).to_have_text(["Phường Hà Tu"])


def test_no_script_fails_and_nothing_is_written_inline(page: Page, server: RunningServer) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    for address in (ROUND, f"{ROUND}/06652", f"{ROUND}/bloc/khoi-dia-phuong", f"{ROUND}/data", "/results"):
        page.goto(server.address + address)
    assert complaints == []
