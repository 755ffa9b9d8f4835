"""An officer sets an app up from the picture on the page and signs in with it, with and without JavaScript."""

import base64
import io
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from support.authenticator import App, half_minute
from support.server import RunningServer, running_server
from support.stores import Templates, opened
from survey.officers import create_officer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NewPage = Callable[..., Page]
PASSWORD, NEW_PASSWORD = "bốn từ chọn bừa", "năm từ khác hẳn nhau"
LOGINS = {False: "lan", True: "minh"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[RunningServer]:
    """An office that asks for a second factor."""
    settings = store_templates.new_instance("sqlite", tmp_path_factory.mktemp("accounts") / "var")
    stores = opened(settings)
    for login in LOGINS.values():
        create_officer(stores, login, f"Cán bộ {login}", PASSWORD, actor="command line")
    stores.close()
    with running_server(settings, extra={"HAILONG_SECOND_FACTOR": "required"}) as running:
        yield running


def sign_in(page: Page, server: RunningServer, login: str, password: str = PASSWORD) -> None:
    page.goto(f"{server.address}/office/")
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(password)
    page.get_by_role("button", name="Đăng nhập").click()


def scanned(page: Page, login: str) -> App:
    """The app that read the picture as a phone's camera does."""
    picture = Image.open(io.BytesIO(page.locator("svg.qr").screenshot()))
    # Stripes of a QR code may read as a code of another kind.
    (barcode,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    address = urlsplit(barcode.text)
    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert address.path.endswith(login)
    return App(base64.b32decode(parse_qs(address.query)["secret"][0]))


@pytest.mark.parametrize("script", [False, True], ids=["bare", "full"])
def test_an_officer_scans_a_picture_and_signs_in_with_the_phone(
    server: RunningServer, new_page: NewPage, script: bool
) -> None:
    login, page = LOGINS[script], new_page(script=script)
    sign_in(page, server, login)
    expect(page.locator("h1")).to_have_text("Bật xác thực hai bước")
    app = scanned(page, login)
    page.get_by_label("Mã trên ứng dụng").fill(app.shows(half_minute(left=12) - 30))
    page.get_by_role("button", name="Bật xác thực hai bước").click()
    expect(page.locator(".recovery li")).to_have_count(10)
    code = page.locator(".recovery code").first.inner_text()
    page.get_by_role("link", name="Đã cất các mã").click()
    expect(page.locator("h1")).to_have_text("Các đợt khảo sát")

    another = new_page(script=script)
    sign_in(another, server, login)
    another.get_by_label("Mã xác thực").fill("000000")
    another.get_by_role("button", name="Đăng nhập").click()
    expect(another.get_by_role("alert")).to_contain_text("Mã chưa đúng")
    another.get_by_label("Mã xác thực").fill(app.shows(half_minute()))
    another.get_by_role("button", name="Đăng nhập").click()
    expect(another.locator("h1")).to_have_text("Các đợt khảo sát")

    page.get_by_role("link", name="Tài khoản").click()
    expect(page.locator("main")).to_contain_text("2 phiên")
    page.get_by_role("link", name="Đổi mật khẩu").click()
    page.get_by_label("Mật khẩu hiện tại").fill(PASSWORD)
    page.get_by_label("Mật khẩu mới", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("Nhập lại mật khẩu mới").fill(NEW_PASSWORD)
    page.get_by_label("Mã xác thực").fill(code.lower())
    page.get_by_role("button", name="Đổi mật khẩu").click()
    expect(page.get_by_role("status")).to_contain_text("Đã đổi mật khẩu")
    expect(page.locator("main")).to_contain_text("1 phiên")
    expect(page.locator("main")).to_contain_text("còn 9 mã dự phòng")
    another.reload()
    expect(another.locator("h1")).to_have_text("Đăng nhập")
