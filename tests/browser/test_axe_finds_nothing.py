"""axe-core finds nothing to complain of on any page, in any language, with and without JavaScript (criterion 25).

Every address that answers with a page is visited, and what a sent form is answered with; a route that nobody visits
here fails the last test. axe runs in the page itself, past the policy that allows no foreign script. The pages of
citizens are judged at a zoom of 200 %, too, and no page of any area overflows a window of 1,280 points at 400 %.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from support.citizens import OTHER_UNIT, UNIT, Asked
from support.firms import SLUG, firm_codes
from support.office import LOGIN, PASSWORD
from support.server import RunningServer, running_server
from support.site import APP_LOGIN, APP_PASSWORD, build_site, recovery_codes
from support.stores import Templates, opened
from survey.application import create_app, services_of
from survey.codes import new_code
from survey.texts import CITIZEN_LANGUAGES, LANGUAGES

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

Act = Callable[[Page, Asked], None]
Judge = Callable[[Page], list[str]]
# What no reader sees as a page: files, probes, redirects, and what a script asks for.
NO_PAGES = frozenset(
    {
        "citizen.challenge",
        "health.healthz",
        "health.readyz",
        "metrics.metrics",
        "office.accounting_file",
        "office.figures_form",
        "office.nowhere",
        "public.csv_file",
        "public.pdf_file",
        "start",
        "static.file",
    }
)
RUN_AXE = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"], elementRef: false, preload: false });
  const nodes = (rule) => rule.nodes.map((node) => node.html).join(" | ");
  return found.violations.map((rule) => `${rule.id} (${rule.impact}): ${nodes(rule)}`);
}"""


@dataclass(frozen=True, slots=True)
class Visit:
    """A page: the route that draws it, its address, and what is done there before it is judged."""

    endpoint: str
    path: str
    languages: tuple[str, ...] = LANGUAGES
    act: Act | None = None


def send_blank(page: Page, asked: Asked) -> None:
    """The form as it is; the server says what is missing."""
    with page.expect_navigation():
        page.evaluate("HTMLFormElement.prototype.submit.call(document.querySelector('main form'))")


def go_on_wrongly(page: Page, asked: Asked) -> None:
    """The script finds what is missing on the first part."""
    page.locator(".actions .main:visible").click()


def first_questions(page: Page, asked: Asked) -> None:
    page.fill("#code", new_code().typed)
    page.locator(".actions .main:visible").click()
    page.locator(".choices label:visible").first.click()
    page.locator(".draft .quiet:visible").first.click()


def wait_for_network(page: Page, asked: Asked) -> None:
    """At the last part, with the network gone."""
    page.fill("#code", new_code().typed)
    page.locator(".actions .main:visible").click()
    page.locator("label", has=page.locator("input[name=overall][value=dk]")).click()
    page.locator(".actions .main:visible").click()
    page.context.set_offline(True)
    page.locator(".actions .main:visible").click()
    expect(page.locator("[data-state=lost]")).to_be_visible()


def send_answers(page: Page, asked: Asked) -> None:
    page.evaluate(
        "(code) => { document.getElementById('code').value = code; document.querySelector('[name=overall]').click(); }",
        asked.codes()[0].qr,
    )
    send_blank(page, asked)
    expect(page.locator("main")).to_have_attribute("data-state", "received")


def choose_units(page: Page, asked: Asked) -> None:
    page.fill("#code", firm_codes(asked, slug=page.url.partition("/r/")[2].partition("?")[0])[0].typed)
    page.locator("input[name=units]").first.check()
    with page.expect_navigation():
        page.locator(".actions .main:visible").click()
    expect(page.locator("[name=change-units]")).to_be_visible()


def sign_in_halfway(page: Page, asked: Asked) -> None:
    """As the officer who has an app, with the password alone."""
    page.locator("input[name=login]").fill(APP_LOGIN)
    page.locator("input[type=password]").fill(APP_PASSWORD)
    send_blank(page, asked)
    expect(page.locator("#code")).to_be_visible()


def sign_in_halfway_wrongly(page: Page, asked: Asked) -> None:
    sign_in_halfway(page, asked)
    send_blank(page, asked)


def make_codes(page: Page, asked: Asked) -> None:
    page.locator("#password").fill(APP_PASSWORD)
    page.locator("#code").fill(recovery_codes(asked)[0])
    send_blank(page, asked)
    expect(page.locator(".recovery li")).to_have_count(10)


def sign_in_wrongly(page: Page, asked: Asked) -> None:
    page.locator("input[name=login]").fill(LOGIN)
    page.locator("input[type=password]").fill("ba từ thôi")
    send_blank(page, asked)


CITIZEN = (
    Visit("citizen.show", f"/r/nam-tieng/{UNIT}", CITIZEN_LANGUAGES),
    Visit("citizen.show", f"/r/nam-tieng/{UNIT}", CITIZEN_LANGUAGES, send_blank),
    Visit("citizen.show", f"/r/mo/{UNIT}", CITIZEN_LANGUAGES),
    Visit("citizen.received", f"/r/nam-tieng/{UNIT}/received", CITIZEN_LANGUAGES),
    Visit("citizen.show", f"/r/hai-long/{UNIT}"),
    Visit("citizen.send", f"/r/hai-long/{UNIT}", act=send_blank),
    Visit("citizen.send", f"/r/hai-long/{UNIT}", act=send_answers),
    Visit("citizen.choose", "/r/noi-o", CITIZEN_LANGUAGES),
    Visit("citizen.choose", "/r/ddci", CITIZEN_LANGUAGES),
    Visit("citizen.rate", "/r/ddci", ("ko", "zh", "ja"), choose_units),
    Visit("citizen.rate", f"/r/{SLUG}", act=choose_units),
    Visit("citizen.show", f"/r/sipas/{UNIT}", ("vi",)),
    Visit("citizen.choose", f"/r/{SLUG}", act=send_blank),
    Visit("citizen.show", f"/r/sau/{OTHER_UNIT}"),
    Visit("citizen.show", f"/r/het/{OTHER_UNIT}"),
    Visit("citizen.show", f"/r/dung/{OTHER_UNIT}"),
    Visit("citizen.show", "/r/khong-co", CITIZEN_LANGUAGES),
)
# What only the script shows.
SCRIPTED = (
    Visit("citizen.show", f"/r/nam-tieng/{UNIT}", CITIZEN_LANGUAGES, go_on_wrongly),
    Visit("citizen.show", f"/r/nam-tieng/{UNIT}", CITIZEN_LANGUAGES, first_questions),
    Visit("citizen.show", f"/r/hai-long/{UNIT}", act=wait_for_network),
)
PUBLIC = (
    Visit("public.index", "/results"),
    Visit("public.round", "/results/sipas-2026"),
    Visit("public.unit", "/results/sipas-2026/06652"),
    Visit("public.unit", "/results/sipas-2026/06664"),
    Visit("public.method", "/results/sipas-2026/method"),
    Visit("public.round", "/results/khong-co"),
)
STRANGER = (
    Visit("office.sign_in", "/office/sign-in"),
    Visit("office.sign_in", "/office/sign-in", act=sign_in_wrongly),
    Visit("office.sign_in_code", "/office/sign-in", act=sign_in_halfway),
    Visit("office.sign_in_code", "/office/sign-in", act=sign_in_halfway_wrongly),
)
# As the officer who has an app.
ACCOUNT = (
    Visit("office.account", "/office/account"),
    Visit("office.password", "/office/account/password"),
    Visit("office.password", "/office/account/password", act=send_blank),
    Visit("office.second_factor", "/office/account/second-factor"),
    Visit("office.second_factor", "/office/account/second-factor", act=send_blank),
    Visit("office.recovery_codes", "/office/account/recovery-codes"),
    Visit("office.recovery_codes", "/office/account/recovery-codes", act=make_codes),
    Visit("office.sessions", "/office/account/sessions"),
    Visit("office.sessions", "/office/account/sessions", act=send_blank),
)
OFFICE = (
    Visit("office.rounds", "/office/"),
    Visit("office.units", "/office/units"),
    Visit("office.new_round", "/office/new-round"),
    Visit("office.new_round", "/office/new-round", act=send_blank),
    *(
        Visit("office.round", f"/office/rounds/{slug}")
        for slug in ("nhap", "chia-khoa", "hai-long", "het", "dung", "niem-phong", "sipas-2026")
    ),
    *(
        Visit("office.confirm", f"/office/rounds/{slug}/{step}")
        for slug, step in (("nhap", "open"), ("hai-long", "close"), ("het", "seal"), ("niem-phong", "publish"))
    ),
    Visit("office.confirm", "/office/rounds/chia-khoa/open"),
    Visit("office.done", "/office/rounds/het/close/done"),
    Visit("office.accounting", "/office/rounds/niem-phong/accounting"),
    Visit("office.codes", "/office/rounds/hai-long/codes"),
    Visit("office.codes", "/office/rounds/hai-long/codes", act=send_blank),
    Visit("office.batch", "/office/rounds/hai-long/codes/batch"),
    Visit("office.custody", "/office/rounds/nhap/custody"),
    Visit("office.custody", "/office/rounds/chia-khoa/custody"),
    Visit("office.trial", "/office/rounds/chia-khoa/trial"),
    Visit("office.trial", "/office/rounds/chia-khoa/trial", act=send_blank),
    Visit("office.reconcile", "/office/rounds/dung/reconcile"),
    Visit("office.slips", "/office/rounds/hai-long/slips"),
    Visit("office.slips", "/office/rounds/hai-long/slips", act=send_blank),
    Visit("office.round", "/office/rounds/khong-co"),
)
AREAS = {
    "citizen": CITIZEN,
    "scripted": SCRIPTED,
    "public": PUBLIC,
    "stranger": STRANGER,
    "account": ACCOUNT,
    "office": OFFICE,
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("site")
    settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    yield build_site(settings, stores, folder)
    stores.close()


@pytest.fixture(scope="module")
def server(site: Asked) -> Iterator[RunningServer]:
    with running_server(site.settings) as running:
        yield running


@cache
def axe_source() -> str:
    return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def sign_in(page: Page, address: str, login: str = LOGIN, password: str = PASSWORD, code: str = "") -> None:
    page.goto(f"{address}/office/sign-in")
    page.locator("input[name=login]").fill(login)
    page.locator("input[type=password]").fill(password)
    page.locator("main form button").click()
    if code:
        page.locator("#code").fill(code)
        page.locator("main form button").click()
    page.wait_for_url("**/office/")


def violations(page: Page) -> list[str]:
    """What axe complains of on the page as it is."""
    assert page.locator("noscript").count() == 0
    page.evaluate(axe_source())
    found: list[str] = page.evaluate(RUN_AXE)
    return found


def overflow(page: Page) -> list[str]:
    """That the page is wider than its window, so that its lines are read by scrolling to and fro."""
    width, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return [f"{width} px wide in a window of {window} px"] if width > window else []


def complaints_of(
    page: Page, address: str, asked: Asked, visits: Sequence[Visit], judges: Sequence[Judge]
) -> list[str]:
    """What the judges say of every visit in each of its languages."""
    complaints = []
    for visit in visits:
        for language in visit.languages:
            # A page that waits for the network would send as soon as it is back.
            page.goto("about:blank")
            page.context.set_offline(False)
            page.goto(f"{address}{visit.path}?lang={language}")
            if visit.act is not None:
                visit.act(page, asked)
            complaints += [f"{visit.path} in {language}: {found}" for judge in judges for found in judge(page)]
    return complaints


def new_page(
    browser: Browser, area: str, server: RunningServer, asked: Asked, viewport: ViewportSize, scale: float = 1
) -> Page:
    """A page of an unused browser; in the areas of the office an officer has signed in."""
    context = browser.new_context(viewport=viewport, device_scale_factor=scale, locale="vi-VN")
    context.set_default_timeout(10_000)
    context.add_init_script("sessionStorage.clear()")
    page = context.new_page()
    if area == "office":
        sign_in(page, server.address)
    if area == "account":
        # In two browsers, so that there is another session to end.
        another = browser.new_page()
        for browsing in (another, page):
            sign_in(browsing, server.address, APP_LOGIN, APP_PASSWORD, recovery_codes(asked)[0])
        another.close()
    return page


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
@pytest.mark.parametrize("area", AREAS)
def test_axe_finds_no_violation(site: Asked, server: RunningServer, browser: Browser, area: str, script: bool) -> None:
    if area == "scripted" and not script:
        return
    page = new_page(browser, area, server, site, {"width": 360, "height": 740})
    if not script:
        # axe needs a browser that runs scripts, so here the page's own never arrive; no page has a <noscript>.
        page.context.route("**/static/**/*.js", lambda route: route.abort())
    assert complaints_of(page, server.address, site, AREAS[area], [violations]) == []
    page.context.close()


def test_a_citizens_page_zoomed_to_twice_its_size_has_no_violation(
    site: Asked, server: RunningServer, browser: Browser
) -> None:
    # What a browser's own zoom of 200 % makes of a window of 1,280 by 900: half the points, each of four pixels.
    page = new_page(browser, "citizen", server, site, {"width": 640, "height": 450}, scale=2)
    visits = [replace(visit, languages=visit.languages[:1]) for visit in CITIZEN + SCRIPTED]
    assert complaints_of(page, server.address, site, visits, [violations, overflow]) == []
    page.context.close()


@pytest.mark.parametrize("area", AREAS)
def test_no_page_is_read_by_scrolling_to_and_fro_at_four_times_its_size(
    site: Asked, server: RunningServer, browser: Browser, area: str
) -> None:
    page = new_page(browser, area, server, site, {"width": 320, "height": 225}, scale=4)
    visits = [replace(visit, languages=visit.languages[:1]) for visit in AREAS[area]]
    assert complaints_of(page, server.address, site, visits, [overflow]) == []
    page.context.close()


def test_axe_finds_what_is_wrong(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<html><body><main><h1>Trang</h1><input><img src='data:,'><p style='color:#aaa'>nhạt</p>")
    page.evaluate(axe_source())
    found = {complaint.partition(" ")[0] for complaint in page.evaluate(RUN_AXE)}
    assert found >= {"html-has-lang", "label", "image-alt", "color-contrast"}
    page.close()


def test_every_address_of_a_page_is_visited(site: Asked) -> None:
    app = create_app(site.settings)
    readable = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    services_of(app).stores.close()
    assert readable - NO_PAGES <= {visit.endpoint for visits in AREAS.values() for visit in visits}
