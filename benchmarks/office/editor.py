"""The editor with a questionnaire of 120 items on a computer four times slower than this one.

Chromium says of every key and click how long it took until the next frame was shown (Event Timing; eight milliseconds
exact); the longest of what belongs to one interaction counts. Keys are typed while the draft is being saved and the
phone beside the form is drawn anew, too. What opens another page is measured until the frame that answers the click,
and apart from that until the other page stands, with the server's time.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright

from benchmarks.office.page import CHROMIUM, Bar, Tell, quantile, table, taken
from questionnaires.draft_files import tree_of_file
from questionnaires.draft_trees import Tree, with_id
from questionnaires.library import bundled_source
from support.server import running_server
from support.stores import LazyServer, Templates, opened
from survey.officers import create_officer
from survey.questionnaire_drafts import Writer, start_draft

NAME = "editor"
N_ITEMS, SLOWER, ROUNDS = 120, 4, 5
BAR = Bar(100, is_strict=True)
LOGIN, PASSWORD = "editor", "bốn từ chọn bừa"
DRAFT = "/office/questionnaires/drafts/1"
WORDS = "Ông bà có hài lòng với thời gian chờ "
WATCH = """
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
      if (one.interactionId) told(String(one.interactionId), one.name, one.duration);
    }
  }).observe({ type: "event", durationThreshold: 16, buffered: true });
  addEventListener("pageshow", () => { window.stands = performance.timeOrigin; });
"""


class Clock:
    """Milliseconds of every interaction, by what was done; what took less than 16 is counted as 16."""

    def __init__(self) -> None:
        self.figures: dict[str, list[float]] = {}
        self.pages: dict[str, list[float]] = {}
        self._seen: dict[tuple[str, str], float] = {}
        self._doing = ""
        self._n_done = 0

    def take(self, interaction: str, kind: str, duration: float) -> None:
        """What the browser said of an event."""
        key = self._doing, interaction
        self._seen[key] = max(self._seen.get(key, 0.0), duration)

    def begins(self, what: str) -> None:
        """From now on interactions are of this kind."""
        self._doing = what

    def ends(self, n_done: int) -> None:
        """So many interactions of this kind were made; those that nothing was said of took less than 16 ms."""
        told = [figure for (what, _), figure in self._seen.items() if what == self._doing]
        self._seen = {key: figure for key, figure in self._seen.items() if key[0] != self._doing}
        own = self.figures.setdefault(self._doing, [])
        own += told + [16.0] * max(0, n_done - len(told))
        self._doing = ""


def measure(seconds: float, tell: Tell) -> str:
    """The table of interactions."""
    load, clock = os.getloadavg()[0], Clock()
    with _served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
        context.expose_binding("told", lambda _, *told: clock.take(*told))
        context.add_init_script(WATCH)
        page = _signed_in(context, address)
        for number in range(ROUNDS):
            _edit(page, address, clock, number)
            tell(f"{NAME}: {number + 1} of {ROUNDS}, worst so far {max(map(max, clock.figures.values())):.0f} ms")
        browser.close()
    return _table(clock, load)


@contextmanager
def _served() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Templates(folder / "templates", LazyServer(folder)).new_instance("sqlite", folder / "var")
        stores = opened(settings)
        create_officer(stores, LOGIN, "Nguyễn Thị Lan", PASSWORD, actor="command line")
        start_draft(stores, _tree(), "", Writer(LOGIN, "Lan"), datetime.now(UTC))
        with running_server(settings, workers=2) as server:
            yield server.address
        stores.close()


def _tree() -> Tree:
    """The SIPAS questionnaire with copies of its items until there are 120."""
    tree, _ = tree_of_file(bundled_source("sipas/2023.2"), "sipas/2023.2")
    sections, n = tree["sections"], sum(len(section["items"]) for section in tree["sections"])
    for section in [*sections, *sections]:
        for item in list(section["items"]):
            if n < N_ITEMS:
                own = {key: value for key, value in item.items() if key != "id"}
                section["items"].append(with_id(tree, own | {"code": f"again_{n}", "show_if": None}))
                n += 1
    tree["version"] = "2026.1"
    return tree


def _signed_in(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(f"{address}/office/")
    page.locator("#login").fill(LOGIN)
    page.locator("#password").fill(PASSWORD)
    page.locator("main form button").first.click()
    page.wait_for_url("**/office/")
    devtools = context.new_cdp_session(page)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return page


def _edit(page: Page, address: str, clock: Clock, number: int) -> None:
    page.goto(f"{address}{DRAFT}")
    links = page.locator(".items a").all()
    page.goto(f"{address}{links[7 * number + 3].get_attribute('href')}", wait_until="load")
    _settle(page)
    field = page.locator("textarea[name='text.vi']")
    field.click()
    clock.begins("typing")
    for place, letter in enumerate(WORDS):
        page.keyboard.type(letter)
        # Now and then a pause that lets the draft be saved and the phone drawn while typing goes on.
        page.wait_for_timeout(900 if place % 12 == 11 else 70)
    for _ in range(25):
        page.keyboard.type("a")
        page.wait_for_timeout(30)
    _settle(page)
    clock.ends(len(WORDS) + 25)
    clock.begins("toggling and choosing")
    boxes = [page.locator("input[name=required]"), page.locator("input[name=not_applicable]")]
    kinds = [page.locator(f"input[name=kind][value={kind}]") for kind in ("multiple", "single")]
    for control in (*boxes, *kinds, *boxes):
        control.click()
        page.wait_for_timeout(350)
    _settle(page)
    clock.ends(2 * len(boxes) + len(kinds))
    _opens(page, clock, "opening another item", page.locator("button.outline-link").nth(9 * number + 12))
    _opens(page, clock, "going to the next item", page.locator(".save-bar button").last)
    page.goto(f"{address}{DRAFT}", wait_until="load")
    _settle(page)
    _opens(page, clock, "moving an item", page.locator("ol.items .moves button[value^=down]").nth(5 * number + 1))
    _opens(page, clock, "adding an item", page.locator("button[value^='add:item']").nth(number % 3))


def _opens(page: Page, clock: Clock, what: str, control: object) -> None:
    """A click that another page answers: until the frame after the click, and until the other page stands."""
    control.scroll_into_view_if_needed()  # type: ignore[attr-defined]
    page.wait_for_timeout(200)
    clock.begins(what)
    began = time.perf_counter()
    with page.expect_navigation(wait_until="load"):
        control.click(no_wait_after=True)  # type: ignore[attr-defined]
    clock.pages.setdefault(what, []).append(1000 * (time.perf_counter() - began))
    _settle(page)
    clock.ends(1)


def _settle(page: Page) -> None:
    page.wait_for_timeout(1200)


def _table(clock: Clock, load: float) -> str:
    rows = []
    everything = [figure for own in clock.figures.values() for figure in own]
    for what, own in (*clock.figures.items(), ("all together", everything)):
        pages = clock.pages.get(what, [])
        worst = max(own)
        rows.append([
            what, str(len(own)), f"{quantile(own, 0.5):.0f}", f"{quantile(own, 0.98):.0f}", f"{worst:.0f}",
            BAR.verdict(worst), f"{quantile(pages, 0.5):.0f}" if pages else "",
        ])  # fmt: skip
    header = [
        "what an officer does",
        "interactions",
        "p50 ms",
        "p98 ms",
        "worst ms",
        "worst",
        "other page stands, p50 ms",
    ]
    return (
        f"{taken(load, with_libraries=('playwright',), has_chromium=True)}\n\n"
        f"{N_ITEMS} items, processor {SLOWER} times slower, 1366 × 768; below 16 ms the browser counts no further.\n\n"
        f"{table(header, rows)}"
    )
