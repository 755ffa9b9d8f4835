"""What a browser runs of a page, and what of a printed document could run."""

import io
from collections.abc import Iterator, Mapping

from playwright.sync_api import Browser, Route
from pypdf import PdfReader

MARK = "pwned"
WATCH = f"""window.{MARK} = 0; window.pwn = () => {{ window.{MARK} += 1; }};
  for (const name of ["alert", "confirm", "prompt", "open", "print"]) window[name] = window.pwn;"""
# What no page of ours has, however it came about.
ACTIVE = """() => [...document.querySelectorAll("*")].filter((element) =>
  ["IFRAME", "OBJECT", "EMBED", "BASE", "MARQUEE", "NOSCRIPT"].includes(element.tagName)
  || (element.tagName === "SCRIPT" && !(element.getAttribute("src") || "").startsWith("/static/"))
  || [...element.attributes].some((attribute) => attribute.name.startsWith("on") || attribute.name === "srcdoc"
    || /^\\s*(javascript|data:text)/i.test(attribute.value) && attribute.name !== "value")
).map((element) => element.outerHTML.slice(0, 200))"""
# What a reader of PDF would start, send or fetch.
ACTIVE_IN_PDF = frozenset(
    {"/JavaScript", "/JS", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/EmbeddedFile", "/RichMedia"}
)


def judged(browser: Browser, pages: Mapping[str, str]) -> list[str]:
    """Open each page without its policy, let it run, point at it and focus in it; what was run or could be."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    context.set_default_timeout(20_000)
    context.add_init_script(WATCH)
    foreign: list[str] = []
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.dismiss())

    def serve(route: Route) -> None:
        name = route.request.url.removeprefix("http://hailong.test")
        if name in pages:
            route.fulfill(body=pages[name], content_type="text/html; charset=utf-8")
            return
        if not name.startswith("/static/"):
            foreign.append(route.request.url[:200])
        route.abort()

    context.route("**/*", serve)
    complaints = []
    for name in pages:
        page.goto(f"http://hailong.test{name}")
        page.mouse.move(100, 200)
        page.keyboard.press("Tab")
        page.wait_for_timeout(30)
        n_run = page.evaluate(f"window.{MARK}")
        if n_run:
            complaints.append(f"{name}: {n_run} scripts ran")
        complaints += [f"{name}: {found}" for found in page.evaluate(ACTIVE)]
    context.close()
    return complaints + [f"asked for {address}" for address in foreign]


def active_parts(document: bytes) -> set[str]:
    """What in a PDF is run, sent or fetched when it is opened or clicked."""
    reader = PdfReader(io.BytesIO(document))
    found = set()
    for number in range(1, len(reader.xref[0]) + 1 if reader.xref else 1):
        found |= {str(value) for value in _values(reader.get_object(number))} & ACTIVE_IN_PDF
    return found | {name for name in ("/OpenAction", "/AA") if name in reader.trailer["/Root"]}


def _values(thing: object) -> Iterator[object]:
    if isinstance(thing, dict):
        for key, value in thing.items():
            yield key
            if not isinstance(value, dict | list):
                yield value
    elif isinstance(thing, list):
        yield from thing
