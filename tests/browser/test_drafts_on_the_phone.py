"""What was typed stays on the phone and nowhere else until it is sent, and is gone when it should be (C5, T13).

A draft lies in the tab's sessionStorage. These tests reload, cut the network, lose the server's answer, wait half an
hour, hand the phone to somebody else and open the link inside Zalo.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import func, select

from support.citizens import UNIT, Asked, ask
from support.firms import SLUG, add_firm_round, firm_codes, import_firms
from support.server import RunningServer, running_server
from support.stores import Templates, opened
from survey.storage.intake import Ballot
from survey.storage.sessions import reading

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NewPage = Callable[..., Page]
HALF_AN_HOUR_MS = 30 * 60 * 1000
ZALO = (
    "Mozilla/5.0 (Linux; Android 10; SM-A107F Build/QP1A.190711.020; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/119.0.6045.163 Mobile Safari/537.36 Zalo android/23110611 ZaloTheme/light ZaloLanguage/vn"
)
NO_STORAGE = (
    "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('denied', 'SecurityError'); } });"
)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("drafts")
    settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    asked = ask(settings, stores, folder, questionnaire="kinds/1")
    import_firms(stores, folder)
    add_firm_round(asked, SLUG)
    yield asked
    stores.close()


@pytest.fixture(scope="module")
def server(asked: Asked) -> Iterator[RunningServer]:
    with running_server(asked.settings) as running:
        yield running


@pytest.fixture
def address(server: RunningServer) -> str:
    return f"{server.address}/r/hai-long/{UNIT}"


@pytest.fixture
def form(asked: Asked, address: str, new_page: NewPage) -> Page:
    """The form at the first part of its questions."""
    page = new_page()
    start(page, f"{address}#{asked.codes()[0].qr}")
    return page


def start(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Bắt đầu").click()


def choose(page: Page, item: str, option: str) -> None:
    page.locator("label", has=page.locator(f'input[name="{item}"][value="{option}"]')).click()


def fill_in(form: Page) -> None:
    """Up to the button that sends."""
    choose(form, "overall", "5")
    form.get_by_role("button", name="Tiếp tục").click()
    form.get_by_label("Đã nộp bao nhiêu nghìn đồng").fill("40")
    form.get_by_role("button", name="Tiếp tục").click()
    form.get_by_label("Ông/bà muốn nói thêm gì").fill("Đợi lâu")


def send(form: Page) -> None:
    form.get_by_role("button", name="Gửi phiếu").click()


def received(form: Page) -> None:
    expect(form.locator("main")).to_have_attribute("data-state", "received", timeout=20_000)


def kept(form: Page) -> int:
    return int(form.evaluate("sessionStorage.length + localStorage.length"))


def n_ballots(asked: Asked) -> int:
    with reading(asked.stores.intake) as session:
        return session.scalars(select(func.count()).select_from(Ballot)).one()


def is_blank(page: Page) -> bool:
    typed = "[...document.querySelectorAll('input:not([type=hidden]), textarea')]"
    return bool(
        page.evaluate(f"{typed}.every((field) => /radio|checkbox/.test(field.type) ? !field.checked : !field.value)")
    )


def test_a_reload_loses_nothing_and_says_what_it_brought_back(form: Page) -> None:
    fill_in(form)
    code = form.locator("#code").input_value()
    nonce = form.locator("[name=nonce]").input_value()
    expect(form.get_by_role("status")).to_contain_text("Phiếu chưa được gửi. Câu trả lời chỉ nằm trên máy này")
    form.reload()
    expect(form.get_by_label("Ông/bà muốn nói thêm gì")).to_have_value("Đợi lâu")
    expect(form.locator(".restored")).to_contain_text("đã được điền lại")
    expect(form.get_by_text("Phần 3/3")).to_be_visible()
    assert (form.locator("#code").input_value(), form.locator("[name=nonce]").input_value()) == (code, nonce)
    form.get_by_role("button", name="Quay lại").click()
    expect(form.get_by_label("Đã nộp bao nhiêu nghìn đồng")).to_have_value("40")
    form.get_by_role("button", name="Tiếp tục").click()
    send(form)
    received(form)


def test_a_form_is_filled_in_without_a_network_and_sends_itself_when_it_is_back(asked: Asked, form: Page) -> None:
    n_before = n_ballots(asked)
    form.context.set_offline(True)
    fill_in(form)
    send(form)
    expect(form.get_by_role("status")).to_contain_text("Phiếu sẽ tự gửi khi có mạng lại")
    # Whoever looks through the answers again meanwhile sends them with the button, not unawares.
    form.get_by_role("button", name="Quay lại").click()
    expect(form.get_by_role("status")).to_contain_text("Phiếu chưa được gửi.")
    form.context.set_offline(False)
    form.wait_for_timeout(300)
    assert n_ballots(asked) == n_before
    form.context.set_offline(True)
    form.get_by_role("button", name="Tiếp tục").click()
    send(form)
    expect(form.get_by_role("status")).to_contain_text("không có mạng")
    form.context.set_offline(False)
    received(form)
    assert n_ballots(asked) == n_before + 1


def test_answers_whose_receipt_was_lost_are_sent_again_and_stored_once(asked: Asked, form: Page) -> None:
    n_before = n_ballots(asked)
    fill_in(form)

    def lose(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.abort("connectionreset")

    form.route("**/r/**", lose)
    send(form)
    expect(form.get_by_role("status")).to_contain_text("Chưa gửi được")
    assert n_ballots(asked) == n_before + 1
    form.unroute("**/r/**")
    # The phone dies in between: the draft has the nonce of what was sent.
    form.reload()
    send(form)
    received(form)
    assert n_ballots(asked) == n_before + 1


def test_a_busy_server_is_asked_again_by_itself(form: Page) -> None:
    fill_in(form)
    form.route("**/r/**", lambda route: route.fulfill(status=503, headers={"Retry-After": "30"}, body=""))
    send(form)
    expect(form.get_by_role("status")).to_contain_text("Máy chủ đang bận")
    form.unroute("**/r/**")
    received(form)


def test_where_something_on_the_way_forbids_the_script_to_send_the_browser_sends(
    asked: Asked, address: str, browser: Browser
) -> None:
    context = browser.new_context()
    page = context.new_page()

    def strict(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        policy = answer.headers["content-security-policy"].replace("connect-src 'self'", "connect-src 'none'")
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})

    page.route(f"**/r/hai-long/{UNIT}", strict)
    start(page, f"{address}#{asked.codes()[0].qr}")
    page.unroute_all()
    fill_in(page)
    send(page)
    received(page)
    assert kept(page) == 0
    context.close()


@pytest.mark.parametrize("way", ["script", "browser"])
def test_after_sending_nothing_is_kept_and_back_reload_and_copies_of_the_tab_show_no_answer(
    form: Page, address: str, way: str
) -> None:
    fill_in(form)
    assert kept(form) == 1
    if way == "script":
        send(form)
    else:
        form.evaluate("HTMLFormElement.prototype.submit.call(document.getElementById('ballot'))")
    received(form)
    assert form.url == f"{address}/received"
    assert kept(form) == 0
    form.reload()
    received(form)
    for _ in range(3):
        form.go_back()
        form.wait_for_load_state()
        expect(form.locator("#ballot")).to_be_visible()
        assert is_blank(form), form.url
        assert kept(form) == 0
    form.reload()
    assert is_blank(form)
    with form.expect_popup() as copied:
        form.evaluate("(address) => { window.open(address); }", address)
    expect(copied.value.locator("#ballot")).to_be_visible()
    assert is_blank(copied.value)


def test_the_visible_button_clears_everything_after_one_question(form: Page) -> None:
    fill_in(form)
    form.get_by_role("button", name="Xóa câu trả lời").click()
    expect(form.get_by_text("Xóa mọi câu trả lời chưa gửi trên máy này?")).to_be_focused()
    form.get_by_role("button", name="Giữ lại").click()
    expect(form.get_by_role("button", name="Xóa câu trả lời")).to_be_focused()
    assert kept(form) == 1
    nonce = form.locator("[name=nonce]").input_value()
    form.get_by_role("button", name="Xóa câu trả lời").click()
    form.get_by_role("button", name="Xóa hết").click()
    expect(form.locator("h1")).to_be_focused()
    expect(form.get_by_role("status")).to_contain_text("Đã xóa các câu trả lời")
    assert is_blank(form)
    assert kept(form) == 0
    assert form.locator("[name=nonce]").input_value() != nonce
    form.reload()
    assert is_blank(form)


def test_after_half_an_hour_without_a_change_the_phone_keeps_nothing(
    asked: Asked, address: str, new_page: NewPage
) -> None:
    page = new_page()
    page.clock.install()
    start(page, f"{address}#{asked.codes()[0].qr}")
    choose(page, "overall", "5")
    page.clock.fast_forward(HALF_AN_HOUR_MS - 60_000)
    assert kept(page) == 1
    choose(page, "overall", "4")
    page.clock.fast_forward(HALF_AN_HOUR_MS - 60_000)
    assert kept(page) == 1, "a change begins the half hour anew"
    page.clock.fast_forward(61_000)
    assert kept(page) == 0
    expect(page.get_by_role("status")).to_contain_text("Đã quá 30 phút")
    # What still stands on the page can be sent; leaving it costs it.
    expect(page.locator("input[name=overall][value='4']")).to_be_checked()


def test_an_old_draft_is_not_brought_back(form: Page) -> None:
    choose(form, "overall", "5")
    form.goto("about:blank")
    form.go_back()
    expect(form.locator("input[name=overall][value='5']")).to_be_checked()
    form.evaluate(
        """(age) => {
          const [key] = Object.keys(sessionStorage);
          const draft = { ...JSON.parse(sessionStorage.getItem(key)), at: Date.now() - age };
          Storage.prototype.setItem = () => {};
          sessionStorage[key] = JSON.stringify(draft);
        }""",
        HALF_AN_HOUR_MS,
    )
    form.reload()
    assert is_blank(form)
    assert kept(form) == 0


def test_who_opens_the_form_with_another_code_finds_nothing_of_the_person_before(
    asked: Asked, form: Page, address: str
) -> None:
    fill_in(form)
    form.goto("about:blank")
    (other,) = asked.codes()
    form.goto(f"{address}#{other.qr}")
    expect(form.locator("#code")).to_have_value(other.qr)
    form.fill("#code", "")
    assert is_blank(form)
    expect(form.locator(".restored")).to_have_count(0)


def test_the_other_language_and_a_reload_in_it_keep_the_later_answers_too(form: Page) -> None:
    choose(form, "overall", "5")
    form.get_by_role("button", name="English").click()
    expect(form.locator("html")).to_have_attribute("lang", "en")
    form.get_by_role("button", name="Next").click()
    form.get_by_label("How many thousand dong were paid").fill("40")
    form.get_by_role("button", name="Next").click()
    form.reload()
    expect(form.locator("[name=main]")).to_be_visible()
    expect(form.locator("[name=paid]")).to_have_value("40")
    expect(form.locator("input[name=overall][value='5']")).to_be_checked()


def test_a_form_about_several_units_comes_back_with_its_units_and_their_answers(
    asked: Asked, server: RunningServer, new_page: NewPage
) -> None:
    page = new_page()
    page.goto(f"{server.address}/r/{SLUG}#{firm_codes(asked)[0].qr}")
    for unit in ("06673", "so-y-te"):
        choose(page, "units", unit)
    page.reload()
    expect(page.locator("input[name=units]:checked")).to_have_count(2)
    page.get_by_role("button", name="Tiếp tục").click()
    choose(page, "has_land", "yes")
    page.get_by_role("button", name="Tiếp tục").click()
    choose(page, "06673.clear", "1")
    # A fresh start at the round's address has the units and carries the answers along.
    page.goto("about:blank")
    page.goto(f"{server.address}/r/{SLUG}")
    expect(page.locator("input[name=units]:checked")).to_have_count(2)
    page.get_by_role("button", name="Tiếp tục").click()
    expect(page.locator("[name=change-units]")).to_be_visible()
    expect(page.locator("input[name=has_land][value=yes]")).to_be_checked()
    expect(page.locator('input[name="06673.clear"][value="1"]')).to_be_checked()


@pytest.mark.parametrize("storage", [True, False], ids=["storage", "no-storage"])
def test_a_link_opened_inside_zalo_is_answered_there(
    asked: Asked, address: str, browser: Browser, storage: bool
) -> None:
    context = browser.new_context(
        user_agent=ZALO, viewport={"width": 360, "height": 640}, is_mobile=True, has_touch=True, locale="vi-VN"
    )
    if not storage:
        context.add_init_script(NO_STORAGE)
    opened_pages: list[Page] = []
    context.on("page", lambda opened_page: opened_pages.append(opened_page))
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    start(page, f"{address}#{asked.codes()[0].qr}")
    assert "#" not in page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    fill_in(page)
    if storage:
        page.reload()
        expect(page.get_by_label("Ông/bà muốn nói thêm gì")).to_have_value("Đợi lâu")
    else:
        expect(page.get_by_role("status")).to_have_text("Phiếu chưa được gửi.")
    page.get_by_role("button", name="Gửi phiếu").tap()
    received(page)
    assert problems == []
    assert opened_pages == [page], "no window of its own, which a web view would not open"
    context.close()
