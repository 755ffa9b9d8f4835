"""The screens and required inputs between an empty office and an open round, for an officer who has never done it.

An officer whose office has units and no round follows links and buttons (tests/support/first_officer.py).
Every page that is shown is a screen, the sign-in and the last one, which asks for nothing any more, among them.
"""

import os
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.office.page import CHROMIUM, Bar, Tell, taken
from support.first_officer import MOST_SCREENS, FirstOfficer
from support.rounds import UNITS_CSV
from support.server import running_server
from support.stores import LazyServer, Templates, opened
from survey.officers import create_officer
from survey.units import import_units

NAME = "screens"
LOGIN, PASSWORD = "lan", "bốn từ chọn bừa"
SLUG, QUESTIONNAIRE = "sipas-2026", "sipas/2017.1"
BAR = Bar(MOST_SCREENS)


def measure(seconds: float, tell: Tell) -> str:
    """The screens in order, and how many inputs were required on all of them."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        settings = Templates(folder / "templates", LazyServer(folder)).new_instance("sqlite", folder / "var")
        stores = opened(settings)
        create_officer(stores, LOGIN, "Nguyễn Thị Lan", PASSWORD, actor="command line")
        registry = folder / "units.csv"
        registry.write_text(UNITS_CSV, encoding="utf-8")
        import_units(stores, registry)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="vi-VN").new_page()
        with running_server(settings) as server:
            officer = FirstOfficer(page)
            officer.signs_in(server.address, LOGIN, PASSWORD)
            officer.sets_up(SLUG, QUESTIONNAIRE)
            officer.puts_right()
            officer.opens()
        browser.close()
        stores.close()
    tell(f"{NAME}: {len(officer.screens)}")
    lines = [f"{n}. {words}" for n, words in enumerate(officer.screens, start=1)]
    return (
        f"{taken(load, with_libraries=('playwright',), has_chromium=True)}\n\n"
        f"{len(officer.screens)} screens, {BAR.verdict(len(officer.screens))}; {officer.n_inputs} required inputs, "
        f"{QUESTIONNAIRE} with three units:\n\n" + "\n".join(lines)
    )
