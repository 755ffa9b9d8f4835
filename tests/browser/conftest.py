"""Debian's Chromium, the part of it that draws pages and no windows, on a phone's screen, and a server to talk to."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

CHROMIUM = "/usr/bin/chromium-headless-shell"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PHONE = {"width": 360, "height": 640}

NewPage = Callable[..., Page]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


# To start one takes less than leaving one open: it works on, though nobody asks it anything, while other tests run.
@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
    yield chromium
    chromium.close()


@pytest.fixture
def keeping_browser(playwright: Playwright) -> Iterator[Browser]:
    """One that keeps pages in its memory to go back to, as people's own browsers do."""
    chromium = playwright.chromium.launch(
        executable_path=CHROMIUM, args=list(ARGUMENTS), ignore_default_args=["--disable-back-forward-cache"]
    )
    yield chromium
    chromium.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Makes a page of an unused browser; a script that fails or breaks the policy fails the test at its end."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def make(
        *, script: bool = True, width: int = PHONE["width"], height: int = PHONE["height"], touch: bool = False
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, java_script_enabled=script, locale="vi-VN", has_touch=touch
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        # The browser itself reports every answer above 399 as an error; the pages are looked at for those.
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type == "error" and not message.text.startswith("Failed to load resource")
                else None
            ),
        )
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []
