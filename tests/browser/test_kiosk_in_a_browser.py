"""Citizens answer one after another on a counter's tablet, and nobody finds anything of the one before."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect
from sqlalchemy import func, select

from support.citizens import UNIT, Asked, add_round, ask
from support.firms import SLUG, add_firm_round, firm_codes, import_firms
from support.server import RunningServer, running_server
from support.stores import Templates, opened
from survey.codes import new_code
from survey.storage.intake import Ballot
from survey.storage.sessions import reading

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NewPage = Callable[..., Page]
SAID = "Bà Lan ở quầy 3 rất chậm"
WHAT_IS_LEFT = """async () => ({
  tab: { ...sessionStorage }, site: { ...localStorage }, cookies: document.cookie,
  databases: (await indexedDB.databases()).length, caches: (await caches?.keys() ?? []).length,
})"""
NOTHING = {"tab": {}, "site": {}, "cookies": "", "databases": 0, "caches": 0}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("kiosk")
    settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    asked = ask(settings, stores, folder, questionnaire="kinds/1")
    import_firms(stores, folder)
    add_firm_round(asked, SLUG)
    add_round(asked, "mo", questionnaire="kinds/1", open_link_cap=50)
    yield asked
    stores.close()


@pytest.fixture(scope="module")
def server(asked: Asked) -> Iterator[RunningServer]:
    with running_server(asked.settings) as running:
        yield running


@pytest.fixture
def start(server: RunningServer) -> str:
    return f"{server.address}/r/hai-long/{UNIT}/kiosk"


# The tablet at a counter, and the narrowest screen that somebody may put there.
@pytest.fixture(params=[(1024, 768), (360, 740)], ids=["tablet", "narrow"])
def tablet(request: pytest.FixtureRequest, new_page: NewPage, start: str) -> Page:
    """The start of the kiosk, with the clock in the test's hand."""
    page = new_page(width=request.param[0], height=request.param[1], touch=True)
    page.clock.install()
    page.goto(start)
    return page


def touch(page: Page, button: Locator) -> None:
    """With a finger where the screen takes one."""
    if page.evaluate("navigator.maxTouchPoints > 0"):
        button.tap()
    else:
        button.click()


def begin(page: Page) -> None:
    touch(page, page.get_by_role("link", name="Bắt đầu"))
    expect(page.locator("#code")).to_be_visible()


def choose(page: Page, item: str, option: str) -> None:
    touch(page, page.locator("label", has=page.locator(f'input[name="{item}"][value="{option}"]')))


def fill_in(page: Page, code: str) -> None:
    """Up to the button that sends."""
    page.locator("#code").fill(code)
    page.get_by_role("button", name="Bắt đầu").click()
    choose(page, "overall", "1")
    touch(page, page.get_by_role("button", name="Tiếp tục"))
    page.get_by_label("Đã nộp bao nhiêu nghìn đồng").fill("40")
    touch(page, page.get_by_role("button", name="Tiếp tục"))
    page.get_by_label("Ông/bà muốn nói thêm gì").fill(SAID)


def is_start(page: Page) -> None:
    expect(page.locator("main[data-state=start]")).to_be_visible()


def holds_nothing(page: Page, *traces: str) -> None:
    """Nothing of the citizen before is in what is seen, in the fields or in the browser."""
    typed = page.locator("input:not([type=hidden]), textarea")
    values = typed.evaluate_all("(all) => all.map((one) => /radio|checkbox/.test(one.type) ? one.checked : one.value)")
    assert not any(values), values
    content = page.content()
    assert [trace for trace in traces if trace in content] == []
    assert page.evaluate(WHAT_IS_LEFT) == NOTHING
    assert page.context.cookies() == []
    assert json.dumps(page.context.storage_state()["origins"]) == "[]"


def n_ballots(asked: Asked) -> int:
    with reading(asked.stores.intake) as session:
        return session.scalars(select(func.count()).select_from(Ballot)).one()


def test_two_citizens_one_after_another_and_the_second_finds_nothing_of_the_first(tablet: Page, asked: Asked) -> None:
    first, second = asked.codes(count=2)
    before, address = n_ballots(asked), tablet.url
    begin(tablet)
    fill_in(tablet, first.typed)
    assert tablet.evaluate(WHAT_IS_LEFT) == NOTHING, "not even while somebody writes"
    touch(tablet, tablet.get_by_role("button", name="Gửi phiếu"))
    expect(tablet.locator("main")).to_have_attribute("data-state", "received")
    assert n_ballots(asked) == before + 1
    tablet.get_by_role("link", name="Về màn hình đầu").click()
    is_start(tablet)
    assert tablet.url == address
    holds_nothing(tablet, SAID, first.typed, first.qr)
    begin(tablet)
    holds_nothing(tablet, SAID, first.typed, first.qr)
    fill_in(tablet, second.typed)
    touch(tablet, tablet.get_by_role("button", name="Gửi phiếu"))
    expect(tablet.locator("main")).to_have_attribute("data-state", "received")
    assert n_ballots(asked) == before + 2


def test_the_thanks_give_way_to_the_start_by_themselves(tablet: Page, asked: Asked) -> None:
    begin(tablet)
    fill_in(tablet, asked.codes()[0].typed)
    touch(tablet, tablet.get_by_role("button", name="Gửi phiếu"))
    expect(tablet.locator("main")).to_have_attribute("data-state", "received")
    tablet.clock.fast_forward(16_000)
    is_start(tablet)
    holds_nothing(tablet, SAID)


def test_back_leads_to_nothing_that_anybody_typed(tablet: Page, asked: Asked) -> None:
    (code,) = asked.codes()
    begin(tablet)
    fill_in(tablet, code.typed)
    touch(tablet, tablet.get_by_role("button", name="Gửi phiếu"))
    expect(tablet.locator("main")).to_have_attribute("data-state", "received")
    tablet.get_by_role("link", name="Về màn hình đầu").click()
    is_start(tablet)
    for _ in range(3):
        if tablet.evaluate("history.length") == 1:
            break
        tablet.go_back()
        if tablet.url.startswith("about:"):
            break
        holds_nothing(tablet, SAID, code.typed)


def test_back_out_of_the_questions_leads_to_nothing_either(tablet: Page, asked: Asked) -> None:
    (code,) = asked.codes()
    begin(tablet)
    fill_in(tablet, code.typed)
    tablet.get_by_role("link", name="Xóa và kết thúc").click()
    is_start(tablet)
    assert tablet.evaluate("history.length") <= 2, "no part of the form left a step behind"
    tablet.go_forward()
    tablet.go_back()
    if not tablet.url.startswith("about:"):
        holds_nothing(tablet, SAID, code.typed)


def test_a_form_that_came_back_with_what_is_wrong_is_not_sent_again_by_going_back(tablet: Page, asked: Asked) -> None:
    begin(tablet)
    posted: list[str] = []
    fill_in(tablet, new_code().typed)
    for _ in range(2):
        touch(tablet, tablet.get_by_role("button", name="Gửi phiếu"))
        expect(tablet.locator("#problems")).to_be_visible()
    tablet.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    tablet.get_by_role("link", name="Xóa và kết thúc").click()
    is_start(tablet)
    for _ in range(2):
        tablet.go_back()
        holds_nothing(tablet, SAID)
    assert posted == []


def test_a_page_that_the_browser_kept_is_empty_and_leaves(tablet: Page, asked: Asked) -> None:
    (code,) = asked.codes()
    begin(tablet)
    fill_in(tablet, code.typed)
    # As when a page goes into the browser's memory of pages and comes out of it again.
    tablet.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    holds_nothing(tablet, SAID, code.typed)
    tablet.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    is_start(tablet)


def test_a_browser_that_keeps_pages_shows_none_of_the_kiosk(keeping_browser: Browser, start: str, asked: Asked) -> None:
    page = keeping_browser.new_page(viewport={"width": 1024, "height": 768})
    (code,) = asked.codes()
    page.goto(start)
    begin(page)
    fill_in(page, code.typed)
    # Somebody opens another page while the form stands there, and the next one goes back.
    page.goto(start)
    page.go_back()
    holds_nothing(page, SAID, code.typed)
    page.go_forward()
    is_start(page)


def test_nobody_touches_the_tablet_and_it_asks_and_forgets(tablet: Page, asked: Asked) -> None:
    (code,) = asked.codes()
    begin(tablet)
    fill_in(tablet, code.typed)
    tablet.clock.fast_forward(69_000)
    expect(tablet.locator("#idle")).to_be_hidden()
    tablet.clock.fast_forward(2_000)
    expect(tablet.get_by_text("Ông/bà còn ở đó không?")).to_be_visible()
    tablet.clock.run_for(21_000)
    is_start(tablet)
    holds_nothing(tablet, SAID, code.typed)
    begin(tablet)
    fill_in(tablet, code.typed)
    touch(tablet, tablet.get_by_role("button", name="Gửi phiếu"))
    expect(tablet.locator("main")).to_have_attribute("data-state", "received")


def test_whoever_is_still_there_goes_on_where_they_were(tablet: Page, asked: Asked) -> None:
    begin(tablet)
    fill_in(tablet, asked.codes()[0].typed)
    tablet.clock.fast_forward(71_000)
    tablet.get_by_role("button", name="Tôi điền tiếp").click()
    expect(tablet.locator("#idle")).to_be_hidden()
    assert tablet.get_by_label("Ông/bà muốn nói thêm gì").input_value() == SAID
    tablet.clock.fast_forward(60_000)
    expect(tablet.locator("#idle")).to_be_hidden()
    touch(tablet, tablet.get_by_role("button", name="Gửi phiếu"))
    expect(tablet.locator("main")).to_have_attribute("data-state", "received")


def test_an_answer_that_cannot_be_sent_is_forgotten_and_its_code_is_not_spent(tablet: Page, asked: Asked) -> None:
    (code,) = asked.codes()
    begin(tablet)
    fill_in(tablet, code.typed)

    def cut(route: Route) -> None:
        route.abort()

    tablet.route("**/kiosk/form", cut)
    touch(tablet, tablet.get_by_role("button", name="Gửi phiếu"))
    expect(tablet.get_by_text("Máy đang tự gửi lại")).to_be_visible()
    tablet.get_by_role("link", name="Xóa và kết thúc").click()
    is_start(tablet)
    holds_nothing(tablet, SAID, code.typed)
    tablet.unroute("**/kiosk/form")
    begin(tablet)
    fill_in(tablet, code.typed)
    touch(tablet, tablet.get_by_role("button", name="Gửi phiếu"))
    expect(tablet.locator("main")).to_have_attribute("data-state", "received")


def test_a_reader_that_types_the_whole_address_fills_in_the_code(tablet: Page, asked: Asked) -> None:
    (code,) = asked.codes()
    begin(tablet)
    tablet.locator("#code").press_sequentially(code.address("https://hailong.example.vn"))
    tablet.locator("#code").press("Enter")
    expect(tablet.locator("label", has=tablet.locator("input[name=overall][value='1']"))).to_be_visible()
    assert tablet.locator("#code").input_value() == code.qr


def test_the_language_of_one_is_not_the_language_of_the_next(tablet: Page) -> None:
    tablet.get_by_role("link", name="English").click()
    tablet.get_by_role("link", name="Begin").click()
    expect(tablet.locator("#code")).to_be_visible()
    tablet.get_by_role("link", name="Erase and end").click()
    expect(tablet.get_by_role("link", name="Bắt đầu")).to_be_visible()


def test_everything_that_is_touched_is_large(tablet: Page) -> None:
    begin(tablet)
    tablet.locator("#code").fill(new_code().typed)
    tablet.get_by_role("button", name="Bắt đầu").click()
    touched = tablet.locator("a:visible:not(.skip), button:visible, .choices label:visible")
    smallest = touched.evaluate_all("(all) => Math.min(...all.map((one) => one.getBoundingClientRect().height))")
    assert smallest >= 44


def test_units_are_rated_at_the_kiosk_of_a_round(new_page: NewPage, server: RunningServer, asked: Asked) -> None:
    page = new_page(width=1024, height=768)
    page.goto(f"{server.address}/r/{SLUG}/-/kiosk")
    page.get_by_role("link", name="Bắt đầu").click()
    (code,) = firm_codes(asked, slug=SLUG)
    page.locator("#code").fill(code.typed)
    page.locator("input[name=units]").first.check()
    page.locator(".actions .main:visible").click()
    expect(page.locator("[name=change-units]")).to_be_visible()
    page.get_by_role("link", name="Xóa và kết thúc").click()
    is_start(page)
    holds_nothing(page, code.typed)


def test_without_a_code_the_open_link_of_a_round_is_answered(
    new_page: NewPage, server: RunningServer, asked: Asked
) -> None:
    page, before = new_page(width=1024, height=768), n_ballots(asked)
    page.goto(f"{server.address}/r/mo/{UNIT}/kiosk")
    expect(page.get_by_text("không có, ông/bà vẫn trả lời được")).to_be_visible()
    begin(page)
    page.get_by_role("button", name="Bắt đầu").click()
    choose(page, "overall", "5")
    touch(page, page.get_by_role("button", name="Tiếp tục"))
    touch(page, page.get_by_role("button", name="Tiếp tục"))
    page.get_by_role("button", name="Gửi phiếu").click()
    expect(page.locator("main")).to_have_attribute("data-state", "received", timeout=60_000)
    assert n_ballots(asked) == before + 1


def test_without_the_script_the_same_is_answered(new_page: NewPage, start: str, asked: Asked) -> None:
    page, before = new_page(script=False, width=1024, height=768), n_ballots(asked)
    page.goto(start)
    begin(page)
    page.locator("#code").fill(asked.codes()[0].typed)
    choose(page, "overall", "5")
    page.get_by_role("button", name="Gửi phiếu").last.click()
    expect(page.locator("main")).to_have_attribute("data-state", "received")
    assert n_ballots(asked) == before + 1
    page.get_by_role("link", name="Về màn hình đầu").click()
    is_start(page)
