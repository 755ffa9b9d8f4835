"""An officer hands in a design, a plan and hard data in a browser, and publishes with them (W2, W6)."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.hard_rounds import FIGURES, REFERENCE, SLUG, WITH_HARD, sealed_round
from support.rounds import UNITS_CSV
from support.server import running_server
from support.stores import Templates, opened
from survey.officers import create_officer
from survey.services import today
from survey.units import import_units

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NewPage = Callable[..., Page]
PASSWORD = "bốn từ chọn bừa"
DESIGN = """\
design: 1
strata: [unit]
clusters: [psu]
cells:
  - {unit: xa-b, psu: "Thôn 1", population: 400, probability: 0.5}
  - {unit: xa-b, psu: "Thôn 2", population: 300, probability: 0.25}
  - {unit: xa-c, psu: "Thôn 3", population: 900, probability: 0.75}
"""
PUBLISHING_MS = 120_000


@pytest.mark.parametrize(("script", "width"), [(False, 360), (True, 1280)], ids=["bare", "full"])
def test_files_are_handed_in_looked_at_and_published(
    tmp_path: Path, store_templates: Templates, new_page: NewPage, script: bool, width: int
) -> None:
    settings = store_templates.new_instance("sqlite", tmp_path / "var")
    stores = opened(settings)
    written = {"units.csv": UNITS_CSV, "design.yaml": DESIGN, "wrong.yaml": DESIGN.replace("0.25", "2.5")}
    written |= {"figures.csv": FIGURES, "wrong.csv": FIGURES.replace("xa-c", "xa-q"), "plan.yaml": WITH_HARD.decode()}
    for name, text in written.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    import_units(stores, tmp_path / "units.csv")
    create_officer(stores, "lan", "Nguyễn Thị Lan", PASSWORD, actor="command line")
    sealed_round(settings, stores)
    with running_server(settings) as server:
        page = new_page(script=script, width=width, height=800)
        page.set_default_timeout(PUBLISHING_MS)
        page.goto(f"{server.address}/office/sign-in")
        page.get_by_label("Tên đăng nhập").fill("lan")
        page.get_by_label("Mật khẩu").fill(PASSWORD)
        page.get_by_role("button", name="Đăng nhập").click()
        create_with_design(page, server.address, tmp_path)
        review_figures(page, server.address, tmp_path)
        # Publishing without the script is led through in test_office.py.
        if script:
            page.get_by_role("button", name="Công bố kết quả").click(timeout=PUBLISHING_MS)
            expect(page.locator("h1")).to_have_text("Kết quả đã được công bố", timeout=PUBLISHING_MS)
    stores.close()


def create_with_design(page: Page, address: str, files: Path) -> None:
    page.goto(f"{address}/office/new-round")
    page.get_by_label("Tên đợt bằng tiếng Việt").fill("Khảo sát có thiết kế")
    page.get_by_label("Tên đợt bằng tiếng Anh").fill("Survey with a design")
    page.get_by_label("Mã đợt").fill("thiet-ke")
    page.get_by_label("Ngày mở").fill(today().isoformat())
    page.get_by_label("Ngày cuối nhận phiếu").fill((today() + timedelta(days=10)).isoformat())
    page.get_by_label("Phiên bản phiếu khảo sát").select_option(REFERENCE)
    page.get_by_label("Xã", exact=True).check()
    page.get_by_label("Cơ quan tổ chức (tiếng Việt)").fill("Sở Nội vụ")
    page.get_by_label("Cơ quan tổ chức (tiếng Anh)").fill("Department of Home Affairs")
    page.get_by_label("Thiết kế mẫu").set_input_files(files / "wrong.yaml")
    page.get_by_label("Kế hoạch phân tích").set_input_files(files / "plan.yaml")
    page.get_by_role("button", name="Tạo bản nháp").click()
    wrong = page.locator(".field.is-wrong")
    expect(wrong).to_have_count(1)
    expect(wrong).to_contain_text("Tệp wrong.yaml, dòng 6, mục cells[1].probability")
    expect(page.get_by_text("Hãy chọn lại tệp plan.yaml.")).to_be_visible()
    expect(page.get_by_label("Tên đợt bằng tiếng Việt")).to_have_value("Khảo sát có thiết kế")
    page.get_by_label("Thiết kế mẫu").set_input_files(files / "design.yaml")
    page.get_by_role("button", name="Xem danh sách đơn vị").click()
    expect(page.locator("#preview")).to_contain_text("3 cụm đã chọn")
    page.get_by_label("Thiết kế mẫu").set_input_files(files / "design.yaml")
    page.get_by_label("Kế hoạch phân tích").set_input_files(files / "plan.yaml")
    page.get_by_role("button", name="Tạo bản nháp").click()
    expect(page.locator("h1")).to_have_text("Khảo sát có thiết kế")
    expect(page.locator("main")).to_contain_text("1.600 người ở các cụm đã chọn, đại diện cho khoảng 3.200")
    refuse_overflow(page)


def review_figures(page: Page, address: str, files: Path) -> None:
    page.goto(f"{address}/office/rounds/{SLUG}/publish")
    with page.expect_download() as download:
        page.get_by_role("link", name="Tải CSV").click()
    assert download.value.suggested_filename == f"{SLUG}-hard-data.csv"
    page.get_by_label("Tệp số liệu cứng").set_input_files(files / "wrong.csv")
    page.get_by_role("button", name="Đọc tệp và xem lại").click()
    expect(page.locator(".field.is-wrong")).to_contain_text("Tệp wrong.csv, dòng 4, mục unit")
    refuse_overflow(page)
    page.get_by_label("Tệp số liệu cứng").set_input_files(files / "figures.csv")
    page.get_by_role("button", name="Đọc tệp và xem lại").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator("tbody tr").first).to_contain_text("10,5")
    refuse_overflow(page)


def refuse_overflow(page: Page) -> None:
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] <= widths[1], page.url
