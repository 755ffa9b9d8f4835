"""axe-core finds nothing to complain of on any page, in any language, with and without JavaScript (criterion 25).

Every address that answers with a page is visited, and what a sent form is answered with; a route that nobody visits
fails the last test. axe runs in the page itself, past the policy that allows no foreign script. The pages of citizens
are judged at a zoom of 200 %, too, and no page of any area overflows a window of 1,280 points at 400 %.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from support.citizens import Asked
from support.office import LOGIN, PASSWORD
from support.portal import ADDRESS
from support.portal import PASSWORD as UNIT_PASSWORD
from support.server import RunningServer, running_server
from support.site import APP_LOGIN, APP_PASSWORD, build_site, recovery_codes
from support.stores import Templates, opened
from support.visits import AREAS, NO_PAGES, Visit
from survey.application import create_app, services_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

# A window of 1,280 by 900 at a browser's own zoom of 200 and of 400 %: fewer points, each of more pixels.
PHONE, TWICE, FOUR_TIMES = (360, 740, 1), (640, 450, 2), (320, 225, 4)
Window = tuple[int, int, int]
OF_CITIZENS = ("citizen", "scripted")
RUN_AXE = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"], elementRef: false, preload: false });
  const nodes = (rule) => rule.nodes.map((node) => node.html).join(" | ");
  return found.violations.map((rule) => `${rule.id} (${rule.impact}): ${nodes(rule)}`);
}"""
# All that axe looks at: the document, what its controls hold, its style sheets, the focus and the window. What a form
# carries along unseen, as its token, differs with every load.
WHAT_IS_JUDGED = """() => {
  const all = [...document.querySelectorAll("*")];
  const copy = document.documentElement.cloneNode(true);
  for (const unseen of copy.querySelectorAll("input[type=hidden]")) unseen.removeAttribute("value");
  const controls = all.filter((one) => one.matches("input:not([type=hidden]), select, textarea, button"));
  return JSON.stringify([
    location.href, innerWidth, innerHeight, devicePixelRatio, scrollX, scrollY,
    [...document.styleSheets, ...document.adoptedStyleSheets].map((sheet) => [sheet.href, sheet.disabled]),
    all.indexOf(document.activeElement), all.filter((one) => one.matches(":modal, :popover-open")).length,
    controls.map((one) => [one.value, one.checked, one.indeterminate, one.matches(":user-invalid")]),
    copy.outerHTML,
  ]);
}"""


@dataclass
class Judge:
    """axe, who need not look twice at what is the same to the last letter."""

    verdicts: dict[str, list[str]] = field(default_factory=dict)

    def violations(self, page: Page) -> list[str]:
        """What axe complains of on the page as it is."""
        judged: str = page.evaluate(WHAT_IS_JUDGED)
        assert "<noscript" not in judged
        if judged not in self.verdicts:
            self.verdicts[judged] = page.evaluate(RUN_AXE)
        return self.verdicts[judged]


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("site")
    settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    yield build_site(settings, stores, folder)
    stores.close()


@pytest.fixture(scope="module")
def server(site: Asked) -> Iterator[RunningServer]:
    with running_server(site.settings, extra={"HAILONG_SECOND_PERSON": "required"}) as running:
        yield running


@cache
def axe_source() -> str:
    return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def bring_axe(page: Page) -> None:
    """Have axe in every page that is opened from now on."""
    page.add_init_script(f"if (location.protocol !== 'about:') {{ {axe_source()} }}")


def sign_in(page: Page, address: str, login: str = LOGIN, password: str = PASSWORD, code: str = "") -> None:
    page.goto(f"{address}/office/sign-in")
    page.locator("input[name=login]").fill(login)
    page.locator("input[type=password]").fill(password)
    page.locator("main form button.primary").click()
    if code:
        page.locator("#code").fill(code)
        page.locator("main form button").click()
    page.wait_for_url("**/office/")


def overflow(page: Page) -> list[str]:
    """That the page is wider than its window, so that its lines are read by scrolling to and fro."""
    width, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return [f"{width} px wide in a window of {window} px"] if width > window else []


@dataclass(frozen=True, slots=True)
class Browsing:
    """A page of an area, and what changes the size of its window."""

    area: str
    page: Page
    emulation: CDPSession
    judge: Judge

    def zoom(self, window: Window) -> None:
        """Another window around the page that is open, as when somebody zooms."""
        width, height, scale = window
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self.emulation.send("Emulation.setDeviceMetricsOverride", metrics)
        expected = "([w, h, s]) => innerWidth === w && innerHeight === h && devicePixelRatio === s"
        self.page.wait_for_function(expected, arg=list(window))

    def go(self, address: str, asked: Asked, visit: Visit, language: str) -> None:
        """Open a page and do there what is to be done."""
        joint = "&" if "?" in visit.path else "?"
        self.page.goto(f"{address}{visit.path}{joint}lang={language}")
        if visit.act is not None:
            visit.act(self.page, asked)

    def complaints(self, visit: Visit, language: str, window: Window = PHONE) -> list[str]:
        """What is wrong with the page in this window: at 400 % its width, at 200 % that and what axe finds."""
        found = [] if window == PHONE else overflow(self.page)
        found += [] if window == FOUR_TIMES else self.judge.violations(self.page)
        return [f"{visit.path} in {language} in a window of {window[0]} points: {one}" for one in found]

    def leave(self) -> None:
        """A page that waits for the network would send as soon as it is back."""
        self.page.goto("about:blank")
        self.page.context.set_offline(False)


def zoomed_windows(area: str) -> tuple[Window, ...]:
    """Beside a phone's, the windows in which the pages of an area are judged."""
    return (TWICE, FOUR_TIMES) if area in OF_CITIZENS else (FOUR_TIMES,)


@contextmanager
def browse(
    browser: Browser, area: str, server: RunningServer, asked: Asked, judge: Judge, window: Window = PHONE
) -> Iterator[Browsing]:
    """An unused browser with axe in it; in the areas of the office an officer has signed in."""
    width, height, scale = window
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=scale, locale="vi-VN"
    )
    context.set_default_timeout(10_000)
    context.add_init_script("sessionStorage.clear()")
    page = context.new_page()
    if area == "office":
        sign_in(page, server.address)
    if area == "unit":
        page.goto(f"{server.address}/unit/sign-in")
        page.locator("#login").fill(ADDRESS)
        page.locator("#password").fill(UNIT_PASSWORD)
        page.locator("main form button.primary").click()
        page.wait_for_url("**/unit/")
    if area == "account":
        # In two browsers, so that there is another session to end.
        another = browser.new_page()
        for browsing in (another, page):
            sign_in(browsing, server.address, APP_LOGIN, APP_PASSWORD, recovery_codes(asked)[0])
        another.close()
    bring_axe(page)
    yield Browsing(area, page, context.new_cdp_session(page), judge)
    context.close()


@pytest.mark.parametrize("area", AREAS)
def test_axe_finds_no_violation_and_no_page_is_read_by_scrolling_to_and_fro(
    site: Asked, server: RunningServer, browser: Browser, judge: Judge, area: str
) -> None:
    complaints: list[str] = []
    with browse(browser, area, server, site, judge) as browsing:
        for visit in AREAS[area]:
            # Where no citizen reads, the other language is judged below: two languages differ in their words alone.
            for language in visit.languages if area in OF_CITIZENS else visit.languages[-1:]:
                browsing.go(server.address, site, visit, language)
                complaints += browsing.complaints(visit, language)
                if visit.act is not None:
                    browsing.leave()
            # Open still, in the last of its languages. What is done in a page is done in a zoomed window below.
            if visit.act is None:
                for window in zoomed_windows(area):
                    browsing.zoom(window)
                    complaints += browsing.complaints(visit, language, window)
                browsing.zoom(PHONE)
    assert complaints == []


@pytest.mark.parametrize("area", [area for area in AREAS if area != "scripted"])
def test_axe_finds_no_violation_without_the_script(
    site: Asked, server: RunningServer, browser: Browser, judge: Judge, area: str
) -> None:
    complaints: list[str] = []
    with browse(browser, area, server, site, judge) as browsing:
        # axe needs a browser that runs scripts, so here the page's own never arrive; no page has a <noscript>.
        browsing.page.context.route("**/static/**/*.js", lambda route: route.abort())
        for visit in AREAS[area]:
            for language in visit.languages if area == "citizen" else visit.languages[:1]:
                browsing.go(server.address, site, visit, language)
                complaints += browsing.complaints(visit, language)
    assert complaints == []


@pytest.mark.parametrize("area", AREAS)
def test_what_is_done_in_a_zoomed_window_leads_to_no_violation_and_no_wide_page(
    site: Asked, server: RunningServer, browser: Browser, judge: Judge, area: str
) -> None:
    complaints: list[str] = []
    for window in zoomed_windows(area):
        with browse(browser, area, server, site, judge, window) as browsing:
            for visit in AREAS[area]:
                if visit.act is not None:
                    browsing.go(server.address, site, visit, visit.languages[0])
                    complaints += browsing.complaints(visit, visit.languages[0], window)
                    browsing.leave()
    assert complaints == []


def test_axe_finds_what_is_wrong(browser: Browser, judge: Judge) -> None:
    page = browser.new_page()
    bring_axe(page)
    wrong = "<html><body><main><h1>Trang</h1><input><img src='data:,'><p style='color:#aaa'>nhạt</p>"
    page.route("**/*", lambda route: route.fulfill(body=wrong, content_type="text/html; charset=utf-8"))
    page.goto("http://axe.example/")
    found = {complaint.partition(" ")[0] for complaint in judge.violations(page)}
    assert found >= {"html-has-lang", "label", "image-alt", "color-contrast"}
    # The same page again is judged the same, and another one anew.
    assert {complaint.partition(" ")[0] for complaint in judge.violations(page)} == found
    page.evaluate("document.documentElement.lang = 'vi'")
    assert "html-has-lang" not in {complaint.partition(" ")[0] for complaint in judge.violations(page)}
    page.close()


def test_every_address_of_a_page_is_visited(site: Asked) -> None:
    app = create_app(site.settings)
    readable = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    services_of(app).stores.close()
    visits = [visit for area in AREAS.values() for visit in area]
    assert readable - NO_PAGES <= {visit.endpoint for visit in visits if "khong-co" not in visit.path}
