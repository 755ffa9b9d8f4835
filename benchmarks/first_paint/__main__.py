"""Weight and time of the first load of the citizen's form (criterion 28 and the numbers of issue 5) and of the pages
of published results (the numbers of issue 6).

    python -m benchmarks.first_paint [--runs 5] [--write]

Chromium on a screen of 360 × 740 with an empty cache, at 400 kbit/s, 400 ms of latency for each request and a processor
slowed down four times. Requests and bytes are those on the wire, headers included, until the first question stands on
the screen: the page, its style and its script; pressing "Start" asks for nothing. Usable is when the script has run,
or without one when the page stands. Each line is the median of the runs. `--write` puts the table into
docs/benchmarks/first-paint.md.

The pages of results are those of a round of 54 units and of one of 3,321; what is waited for there is the first paint.
"""

import argparse
import datetime as dt
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, sync_playwright

from support.citizens import UNIT, add_round, ask
from support.firms import add_firm_round, import_firms
from support.published import PUBLISHED_INDICES, country_edition, publish_by_hand, sipas_edition
from support.server import running_server
from support.stores import LazyServer, Templates, opened
from survey.published_scores import import_published

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "first-paint.md"
CHROMIUM = "/usr/bin/chromium-headless-shell"
KBIT_PER_SECOND, LATENCY_MS, SLOWER = 400, 400, 4
MOST_REQUESTS, MOST_KB, LATEST_PAINT_MS, LATEST_USE_MS = 3, 20.0, 2000, 3000
ROUNDS = (
    ("sipas-2017", "31 questions, vi and en", "sipas/2017.1"),
    ("sipas-2023", "60 questions, five languages", "sipas/2023.2"),
)
SEVERAL = ("ddci", "the units to choose from, five languages", "ddci/communes-2024.2")
ROUND_OF_54, ROUND_OF_A_COUNTRY = "sipas-2026", "xa-2026"
RESULTS = (
    ("/results", "all rounds"),
    (f"/results/{ROUND_OF_54}", "a round of 54 units"),
    (f"/results/{ROUND_OF_54}/bloc/khoi-dia-phuong", "a bloc of 54 units"),
    (f"/results/{ROUND_OF_54}/06652", "a unit"),
    (f"/results/{ROUND_OF_54}/data", "open data"),
    ("/results/published", "indices that others published"),
    (f"/results/{ROUND_OF_A_COUNTRY}", "a round of 3,321 units"),
    (f"/results/{ROUND_OF_A_COUNTRY}/bloc/khoi-dia-phuong", "a bloc of 3,321 units, its first page"),
    (f"/results/{ROUND_OF_A_COUNTRY}/x01660", "a unit of that bloc"),
)


@dataclass(frozen=True, slots=True)
class Load:
    """One first load: requests, bytes on the wire, and milliseconds since the address was entered."""

    requests: float
    kilobytes: float
    painted_ms: float
    usable_ms: float


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description="What the first load of forms and results weighs and takes.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    table = list(_table(options.runs))
    print("\n".join(table))
    if options.write:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(_page(table), encoding="utf-8")


def _table(runs: int) -> Iterator[str]:
    yield "| form | script | requests | kB | first paint, ms | usable, ms | within |"
    yield "|---|---|---:|---:|---:|---:|---|"
    with _address() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for slug, what, name in (*ROUNDS, SEVERAL):
            for script in (True, False):
                path = f"{address}/r/{slug}" + ("" if slug == SEVERAL[0] else f"/{UNIT}")
                loads = [_load(browser, path, script=script) for _ in range(runs)]
                yield _line(f"{name}: {what}", script, loads)
        yield ""
        yield "| page of results | requests | kB | first paint, ms | within |"
        yield "|---|---:|---:|---:|---|"
        for path, what in RESULTS:
            # A server that has just started reads and checks an edition once; readers after the first do not wait.
            _load(browser, address + path, script=True)
            yield _results_line(what, [_load(browser, address + path, script=True) for _ in range(runs)])
        browser.close()


def _results_line(what: str, loads: list[Load]) -> str:
    requests, kilobytes, painted = (
        statistics.median(getattr(load, name) for load in loads) for name in ("requests", "kilobytes", "painted_ms")
    )
    is_within = "yes" if painted <= LATEST_PAINT_MS else "no"
    return f"| {what} | {requests:.0f} | {kilobytes:.1f} | {painted:.0f} | {is_within} |"


def _line(form: str, script: bool, loads: list[Load]) -> str:
    requests, kilobytes, painted, usable = (
        statistics.median(getattr(load, name) for load in loads)
        for name in ("requests", "kilobytes", "painted_ms", "usable_ms")
    )
    is_within = (
        requests <= MOST_REQUESTS and kilobytes <= MOST_KB and painted <= LATEST_PAINT_MS and usable <= LATEST_USE_MS
    )
    return (
        f"| {form} | {'on' if script else 'off'} | {requests:.0f} | {kilobytes:.1f} | {painted:.0f} | {usable:.0f} | "
        f"{'yes' if is_within else 'no'} |"
    )


def _load(browser: Browser, address: str, *, script: bool) -> Load:
    context = browser.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=script)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    sizes = _watch(devtools)
    bytes_per_second = KBIT_PER_SECOND * 1000 / 8
    devtools.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY_MS,
            "downloadThroughput": bytes_per_second,
            "uploadThroughput": bytes_per_second,
        },
    )
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address, wait_until="load")
    page.wait_for_timeout(500)
    times = page.evaluate(
        """() => {
          const [painted] = performance.getEntriesByName("first-contentful-paint");
          const [load] = performance.getEntriesByType("navigation");
          return [painted.startTime, load.domContentLoadedEventEnd];
        }"""
    )
    context.close()
    painted, stands = times
    return Load(len(sizes), sum(sizes.values()) / 1000, painted, max(painted, stands))


def _watch(devtools: CDPSession) -> dict[str, float]:
    """The bytes of each request that goes over the wire, filled while the page loads."""
    sizes: dict[str, float] = {}

    def asked(event: dict[str, object]) -> None:
        request = event["request"]
        if isinstance(request, dict) and not str(request["url"]).startswith("data:"):
            sizes[str(event["requestId"])] = 0

    def finished(event: dict[str, object]) -> None:
        if str(event["requestId"]) in sizes:
            sizes[str(event["requestId"])] = float(str(event["encodedDataLength"]))

    devtools.on("Network.requestWillBeSent", asked)
    devtools.on("Network.loadingFinished", finished)
    devtools.send("Network.enable")
    return sizes


@contextmanager
def _address() -> Iterator[str]:
    """The production server with one round of each form."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Templates(folder / "templates", LazyServer(folder)).new_instance("sqlite", folder / "var")
        stores = opened(settings)
        asked = ask(settings, stores, folder, questionnaire=ROUNDS[0][2], slug=ROUNDS[0][0])
        for slug, _, questionnaire in ROUNDS[1:]:
            add_round(asked, slug, questionnaire=questionnaire)
        import_firms(stores, folder)
        add_firm_round(asked, SEVERAL[0], SEVERAL[2])
        publish_by_hand(settings, stores, sipas_edition(tuple(range(60, 60 + 54))))
        publish_by_hand(settings, stores, country_edition(slug=ROUND_OF_A_COUNTRY))
        import_published(settings.instance, *PUBLISHED_INDICES)
        with running_server(settings, workers=2) as server:
            yield server.address
        stores.close()


def _page(table: list[str]) -> str:
    day = dt.datetime.now(dt.UTC).date().isoformat()
    said = (
        f"`make first-paint`, {day}: Chromium, empty cache, {KBIT_PER_SECOND} kbit/s, {LATENCY_MS} ms of latency, "
        f"processor {SLOWER} times slower, two workers on SQLite, medians. kB are those on the wire until the first "
        f"question, headers included. For a form the bar is {MOST_REQUESTS} requests, {MOST_KB:.0f} kB, first paint "
        f"within {LATEST_PAINT_MS} ms, usable within {LATEST_USE_MS} ms; for a page of results first paint within "
        f"{LATEST_PAINT_MS} ms."
    )
    return "\n".join(["# The first load on a slow phone", "", said, "", *table, ""])


if __name__ == "__main__":
    main()
