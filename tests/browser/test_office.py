"""An officer leads a round from its draft to its publication in a browser, and everybody reads the results."""

import csv
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from questionnaires.answers import CheckedAnswers, check_answers
from questionnaires.library import load_bundled
from support.published import publish_by_hand, sipas_edition
from support.readiness import make_ready
from support.rounds import UNITS_CSV
from support.server import RunningServer, running_server
from support.stores import Templates, opened
from survey.intake import new_nonce, receive_ballot, round_open_on
from survey.officers import create_officer
from survey.round_records import find_round
from survey.secrets import Secrets
from survey.services import open_services, today
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.units import import_units

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NewPage = Callable[..., Page]
PASSWORD = "bốn từ chọn bừa"
REFERENCE = "sipas/2017.1"
N_SHEETS = 14
WIDE = 1280
# Printing starts the PDF engine in processes of its own, on a machine that other tests share.
PUBLISHING_MS = 120_000


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance with units and an officer, served."""

    settings: Settings
    stores: Stores
    server: RunningServer

    @property
    def address(self) -> str:
        return self.server.address


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("offices")
    settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    units = folder / "units.csv"
    units.write_text(UNITS_CSV, encoding="utf-8")
    import_units(stores, units)
    create_officer(stores, "lan", "Nguyễn Thị Lan", PASSWORD, actor="command line")
    with running_server(settings) as server:
        yield Instance(settings, stores, server)
    stores.close()


def sign_in(page: Page, instance: Instance) -> None:
    page.goto(f"{instance.address}/office/")
    expect(page.locator("h1")).to_have_text("Đăng nhập")
    page.get_by_label("Tên đăng nhập").fill("lan")
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.locator("h1")).to_have_text("Các đợt khảo sát")


def create_round(page: Page, instance: Instance, slug: str) -> None:
    """On one page, with everything it offers; the set-up in steps is played in rounds from nothing."""
    page.goto(f"{instance.address}/office/new-round")
    page.get_by_label("Tên đợt bằng tiếng Việt").fill(f"Khảo sát {slug}")
    page.get_by_label("Tên đợt bằng tiếng Anh").fill(f"Survey {slug}")
    page.get_by_label("Mã đợt").fill(slug)
    page.get_by_label("Ngày mở").fill(today().isoformat())
    page.get_by_label("Ngày cuối nhận phiếu").fill((today() + timedelta(days=10)).isoformat())
    page.get_by_label("Phiên bản phiếu khảo sát").select_option(REFERENCE)
    page.get_by_label("Xã", exact=True).check()
    page.get_by_label("Cơ quan tổ chức (tiếng Việt)").fill("Sở Nội vụ")
    page.get_by_label("Cơ quan tổ chức (tiếng Anh)").fill("Department of Home Affairs")
    page.get_by_role("button", name="Xem danh sách đơn vị").click()
    expect(page.locator("#preview")).to_contain_text("2 đơn vị sẽ được đánh giá")
    page.get_by_role("button", name="Tạo bản nháp").click()
    expect(page.locator("h1")).to_have_text(f"Khảo sát {slug}")


def issue_codes(page: Page, folder: Path) -> list[dict[str, str]]:
    page.get_by_role("link", name="Phát mã mời").click()
    page.locator("#unit").select_option("*")
    page.get_by_label("Số mã cho một đơn vị").fill(str(N_SHEETS))
    with page.expect_download() as download:
        page.get_by_role("button", name="Tạo mã và tải tệp về").click()
    saved = folder / "codes.csv"
    download.value.save_as(saved)
    with saved.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def answer(instance: Instance, slug: str, codes: list[dict[str, str]]) -> None:
    """One citizen for each code; the first unit is liked better than the second."""
    chance = random.Random(7)  # noqa: S311 - answers for a test, not secrets
    questionnaire = load_bundled(REFERENCE)
    today_open = round_open_on(find_round(instance.stores, slug), questionnaire, today())
    for line in codes:
        liked = ["3", "4", "5", "5"] if line["unit"] == "xa-b" else ["1", "2", "3", "4"]
        form = {item.code: [chance.choice(liked)] for item in questionnaire.items if item.scale == "satisfaction"}
        answers = check_answers(questionnaire, form | {"visited": ["yes"], "gave_feedback": ["yes"]})
        assert isinstance(answers, CheckedAnswers), answers
        secrets = Secrets(instance.settings.secret_key)
        sent = receive_ballot(instance.stores, secrets, today_open, line["unit"], line["code"], new_nonce(), answers)
        assert sent == "received"


def take(page: Page, instance: Instance, slug: str, button: str, done: str, *, timeout: float = 30_000) -> None:
    page.goto(f"{instance.address}/office/rounds/{slug}")
    page.get_by_role("link", name=button, exact=True).click()
    expect(page.locator("main")).to_contain_text("Không thể hoàn tác bước này")
    page.get_by_role("button", name=button, exact=True).click(timeout=timeout)
    expect(page.locator("h1")).to_have_text(done, timeout=timeout)


@pytest.mark.parametrize(("script", "width"), [(False, 360), (True, WIDE)], ids=["bare", "full"])
def test_a_round_lives_from_draft_to_publication(
    instance: Instance, new_page: NewPage, tmp_path: Path, script: bool, width: int
) -> None:
    slug = f"doi-song-{width}"
    page = new_page(script=script, width=width, height=800)
    page.set_default_timeout(PUBLISHING_MS)
    sign_in(page, instance)
    create_round(page, instance, slug)
    services = open_services(instance.settings)
    make_ready(services, slug)
    services.stores.close()
    take(page, instance, slug, "Mở đợt khảo sát", "Đợt khảo sát đã mở")
    codes = issue_codes(page, tmp_path)
    assert len(codes) == 2 * N_SHEETS
    answer(instance, slug, codes)
    page.goto(f"{instance.address}/office/rounds/{slug}")
    expect(page.locator("tfoot")).to_contain_text("100,0%")
    take(page, instance, slug, "Đóng đợt khảo sát", "Đợt khảo sát đã đóng")
    take(page, instance, slug, "Niêm phong", "Đợt khảo sát đã được niêm phong")
    take(page, instance, slug, "Công bố kết quả", "Kết quả đã được công bố", timeout=PUBLISHING_MS)
    page.get_by_role("link", name="Xem trang kết quả").click()
    expect(page.locator("h1")).to_have_text(f"Khảo sát {slug}")
    expect(page.locator("main")).to_contain_text("2 đơn vị, 28 phiếu được tính")
    page.get_by_role("link", name="Xã B").click()
    expect(page.locator("h1")).to_have_text("Xã B")
    expect(page.locator(".verdict")).to_contain_text("cao hơn phần còn lại của khối")
    pdf = page.get_by_role("link", name="Phiếu điểm (PDF)").get_attribute("href")
    served = page.request.get(f"{instance.address}{pdf}")
    assert served.body().startswith(b"%PDF-")
    page.goto(f"{instance.address}/office/")
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.locator("h1")).to_have_text("Đăng nhập")
    page.go_back()
    page.reload()
    expect(page.locator("h1")).to_have_text("Đăng nhập")


def test_no_page_is_wider_than_a_phone(instance: Instance, new_page: NewPage) -> None:
    publish_by_hand(instance.settings, instance.stores, sipas_edition())
    page = new_page(width=360)
    sign_in(page, instance)
    for address in (
        "/office/", "/office/units", "/office/new-round", "/office/rounds/sipas-2026", "/results",
        "/results/sipas-2026", "/results/sipas-2026/06652", "/results/sipas-2026/06664", "/results/sipas-2026?lang=en",
        "/results/sipas-2026/06652?lang=en",
    ):  # fmt: skip
        page.goto(instance.address + address)
        widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert widths[0] <= widths[1], address


def test_a_long_league_can_be_searched_without_marks_on_the_letters(instance: Instance, new_page: NewPage) -> None:
    publish_by_hand(instance.settings, instance.stores, sipas_edition((120,) * 18, slug="dai-2026"))
    page = new_page(width=WIDE)
    page.goto(f"{instance.address}/results/dai-2026")
    rows = page.locator("table tbody tr:not(.tier)")
    expect(rows).to_have_count(18)
    page.get_by_label("Tìm đơn vị").fill("ha tu")
    expect(rows.locator("visible=true")).to_have_count(2)
    page.get_by_label("Tìm đơn vị").fill("không có")
    expect(page.get_by_text("Không có đơn vị nào mang tên này.")).to_be_visible()


def test_an_error_in_a_form_is_what_a_reader_meets_first(instance: Instance, new_page: NewPage) -> None:
    page = new_page(width=360)
    sign_in(page, instance)
    page.goto(f"{instance.address}/office/new-round")
    page.get_by_label("Tên đợt bằng tiếng Việt").fill("Còn lại đây")
    page.get_by_role("button", name="Tạo bản nháp").click()
    problems = page.locator(".problems")
    expect(problems).to_be_focused()
    problems.get_by_role("link", name="Mã đợt").click()
    expect(page.locator("#slug")).to_be_in_viewport()
    expect(page.get_by_label("Tên đợt bằng tiếng Việt")).to_have_value("Còn lại đây")
