"""The portal as a unit's officer uses it, in a browser: from the invitation to a promise, with passkeys and an issuer.

Passkeys are those of Chromium's virtual authenticator, which makes and uses keys as a device does (issue 6, S7).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from playwright.sync_api import CDPSession, Page, expect

from support.authority import written
from support.identity_provider import CLIENT, SECRET, Person, Provider, identity_provider
from support.portal import ADDRESS, PASSWORD, PROMISE, SLUG, UNIT, people_of
from support.published import publish_by_hand, sipas_edition
from support.server import RunningServer, running_server
from support.stores import Templates, opened
from survey.office_people import invite_officer
from survey.officers import create_officer
from survey.secrets import Secrets
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.unit_people import invite_person

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NewPage = Callable[..., Page]


@dataclass
class Place:
    """The running portal, its stores, and the issuer that it believes. `address` has a name, as passkeys need."""

    server: RunningServer
    settings: Settings
    stores: Stores
    provider: Provider

    @property
    def address(self) -> str:
        return self.server.address.replace("127.0.0.1", "localhost")

    def invite(self, address: str, name: str) -> str:
        """The code of an invitation."""
        secrets, now = Secrets(self.settings.secret_key), datetime.now(UTC)
        return invite_person(self.stores, secrets, UNIT, address, name, actor="lan", now=now).code

    def invite_to_the_office(self, login: str, address: str, name: str) -> None:
        """A clerk whom the issuer may know by this address."""
        secrets, now = Secrets(self.settings.secret_key), datetime.now(UTC)
        invite_officer(self.stores, secrets, login, name, ["clerk"], actor="lan", now=now, address=address)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("portal")
    settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    publish_by_hand(settings, stores, sipas_edition())
    people_of(settings, stores)
    create_officer(stores, "lan", "Nguyễn Thị Lan", "bốn từ chọn bừa", actor="command line")
    secret = written(folder / "oidc-secret", SECRET.encode())
    with identity_provider() as provider:
        environment = {
            "HAILONG_OIDC_ISSUER": provider.address,
            "HAILONG_OIDC_CLIENT_ID": CLIENT,
            "HAILONG_OIDC_CLIENT_SECRET_FILE": str(secret),
            "HAILONG_OIDC_NAME": "Tài khoản cán bộ tỉnh",
        }
        with running_server(settings, extra=environment) as server:
            yield Place(server, settings, stores, provider)
    stores.close()


def device(page: Page) -> CDPSession:
    """A phone or computer that keeps passkeys and whose owner always confirms."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def sign_in(page: Page, address: str, login: str, password: str, area: str = "unit") -> None:
    page.goto(f"{address}/{area}/sign-in")
    page.locator("#login").fill(login)
    page.locator("#password").fill(password)
    page.locator("main form button").first.click()
    page.wait_for_url(f"**/{area}/")


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_from_the_invitation_to_a_promise(place: Place, new_page: NewPage, script: bool) -> None:
    code = place.invite(f"moi-{script}@ha-tu.gov.vn".lower(), "Đặng Thị Mới")
    page = new_page(script=script)
    page.goto(f"{place.address}/unit/invited#{code}")
    if script:
        expect(page.locator("#invitation")).to_have_value(code)
        assert "#" not in page.url, "the code is gone from the address"
    else:
        page.locator("#invitation").fill(code)
    for field in ("#new_password", "#again"):
        page.locator(field).fill("sáu từ chọn bừa đây")
    page.get_by_role("button", name="Đặt mật khẩu").click()
    page.wait_for_url("**/unit/")
    page.get_by_role("link", name="SIPAS").or_(page.locator("tbody th a")).first.click()
    page.get_by_role("button", name="Tôi đã đọc phiếu điểm này").click()
    expect(page.get_by_role("status")).to_contain_text("Đã ghi nhận")
    page.get_by_role("link", name="Thêm cam kết").click()
    page.locator("#node").select_option(index=2)
    page.locator("#text").fill(PROMISE)
    page.locator("#due").fill("2027-03-31")
    page.get_by_role("button", name="Ghi cam kết").click()
    expect(page.get_by_text(PROMISE).first).to_be_visible()
    office = new_page()
    sign_in(office, place.address, "lan", "bốn từ chọn bừa", "office")
    office.goto(f"{place.address}/office/rounds/{SLUG}/responses")
    expect(office.get_by_text("Đặng Thị Mới").first).to_be_visible()
    expect(office.get_by_text(PROMISE).first).to_be_visible()


@pytest.mark.parametrize("area", ["unit", "office"])
def test_a_passkey_is_added_signs_in_and_is_removed(place: Place, new_page: NewPage, area: str) -> None:
    login, password = (ADDRESS, PASSWORD) if area == "unit" else ("lan", "bốn từ chọn bừa")
    page = new_page()
    session = device(page)
    sign_in(page, place.address, login, password, area)
    page.goto(f"{place.address}/{area}/account/passkeys")
    page.locator("#name").fill("Điện thoại của tôi")
    page.locator("#password").fill("sai mật khẩu rồi")
    page.get_by_role("button", name="Tạo khóa").click()
    expect(page.locator(".problems")).to_contain_text("Mật khẩu hiện tại")
    page.locator("#password").fill(password)
    page.get_by_role("button", name="Tạo khóa").click()
    page.wait_for_url(f"**/{area}/account?done=passkey")
    page.get_by_role("button", name="Đăng xuất").click()
    page.get_by_role("button", name="Dùng khóa truy cập").click()
    page.wait_for_url(f"**/{area}/")
    # Sent once more, the same answer opens nothing: its challenge was used.
    page.get_by_role("button", name="Đăng xuất").click()
    with page.expect_request("**/sign-in/passkey") as sent:
        page.get_by_role("button", name="Dùng khóa truy cập").click()
    page.wait_for_url(f"**/{area}/")
    answer = sent.value.post_data
    other = new_page()
    other.goto(f"{place.address}/{area}/sign-in")
    again = other.request.post(
        f"{place.address}/{area}/sign-in/passkey",
        data=answer,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        max_redirects=0,
    )
    assert again.status == 400, "the token against forged posts is another session's"
    # Whoever is not the owner any more.
    page.goto(f"{place.address}/{area}/account/passkeys")
    page.get_by_role("link", name="Xóa khóa").click()
    page.locator("#password").fill(password)
    page.get_by_role("button", name="Xóa khóa").click()
    page.wait_for_url(f"**/{area}/account?done=passkey_gone")
    page.get_by_role("button", name="Đăng xuất").click()
    page.get_by_role("button", name="Dùng khóa truy cập").click()
    expect(page.get_by_role("alert").first).to_contain_text("chưa được thêm vào tài khoản nào")
    session.detach()


def test_a_passkey_of_the_office_opens_no_portal_and_an_unconfirmed_one_nothing(
    place: Place, new_page: NewPage
) -> None:
    page = new_page()
    session = device(page)
    sign_in(page, place.address, "lan", "bốn từ chọn bừa", "office")
    page.goto(f"{place.address}/office/account/passkeys")
    page.locator("#name").fill("Máy cơ quan")
    page.locator("#password").fill("bốn từ chọn bừa")
    page.get_by_role("button", name="Tạo khóa").click()
    page.wait_for_url("**/office/account?done=passkey")
    page.goto(f"{place.address}/unit/sign-in")
    page.get_by_role("button", name="Dùng khóa truy cập").click()
    expect(page.get_by_role("alert").first).to_contain_text("chưa được thêm vào tài khoản nào")
    session.detach()


@pytest.mark.parametrize(("area", "inside"), [("unit", "Hà Tu"), ("office", "Các đợt khảo sát")])
def test_the_way_over_an_issuer_at_another_site_ends_inside(
    place: Place, new_page: NewPage, area: str, inside: str
) -> None:
    if area == "unit":
        place.invite("qua@tinh.gov.vn", "Hồ Văn Qua")
    else:
        place.invite_to_the_office("qua", "qua@tinh.gov.vn", "Hồ Văn Qua")
    place.provider.client.redirect_uri = f"{place.server.address}/{area}/oidc/back"
    place.provider.people = {"qua": Person("s-qua", "qua@tinh.gov.vn")}
    page = new_page()
    # The portal at 127.0.0.1 and the issuer at localhost are two sites to a browser.
    page.goto(f"{place.server.address}/{area}/sign-in")
    page.get_by_role("link", name="Tài khoản cán bộ tỉnh").click()
    page.get_by_role("button", name="qua").click()
    page.wait_for_url(f"**/{area}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text(inside)
    place.provider.people = {"lạ": Person("s-la", "la@tinh.gov.vn")}
    stranger = new_page()
    stranger.goto(f"{place.server.address}/{area}/sign-in")
    stranger.get_by_role("link", name="Tài khoản cán bộ tỉnh").click()
    stranger.get_by_role("button", name="lạ").click()
    expect(stranger.get_by_role("alert").first).to_contain_text("chưa được cơ quan khảo sát mời")
