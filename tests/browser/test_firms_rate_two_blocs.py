"""Three hundred firms rate twenty-seven units over HTTP, some with the script, and both blocs get their papers (W3)."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from playwright.sync_api import Page, expect

from analysis.archive import read_archive
from questionnaires.library import load_bundled
from questionnaires.model import Item
from support.played import PlainBrowser, nonce_of
from support.server import running_server
from support.stores import Templates, opened
from survey.invitations import CodeRequest, issue_invitations
from survey.publishing import publish_round
from survey.round_status import round_status
from survey.rounds import RoundRequest, close_round, create_round, open_round, read_source
from survey.sealing import archive_path, seal_round
from survey.secrets import Secrets
from survey.services import today
from survey.units import import_units, select_units
from survey.vault import KeyVault

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NewPage = Callable[..., Page]
SLUG = "ddci-2026"
REFERENCE = "ddci/departments-2024.1"
FILES = Path(__file__).parents[2] / "survey" / "demonstration" / "quang_ninh"
N_FIRMS, N_UNITS, N_WITH_SCRIPT, N_LOCALITIES = 300, 27, 2, 10
STRATA = {"company": 180, "cooperative": 40, "household": 80}


def test_three_hundred_firms_rate_two_blocs(tmp_path: Path, store_templates: Templates, new_page: NewPage) -> None:
    settings = store_templates.new_instance("sqlite", tmp_path / "var")
    stores = opened(settings)
    secrets = Secrets(settings.secret_key)
    vault = KeyVault(settings.instance / "keys", settings.passphrase_file.read_bytes().strip(), scrypt_cost=2**14)
    import_units(stores, FILES / "units.csv", FILES / "succession.csv")
    departments = [unit.code for unit in select_units(stores, "kind=department;bloc=khoi-so-ban-nganh", today())]
    localities = [unit.code for unit in select_units(stores, "kind=ward", today())][:N_LOCALITIES]
    units = [*departments, *localities]
    assert len(units) == N_UNITS
    create_round(
        stores,
        RoundRequest(
            slug=SLUG,
            questionnaire=REFERENCE,
            units="code=" + ",".join(units),
            opens_on=today(),
            closes_on=today() + dt.timedelta(days=60),
            design=read_source(FILES / "ddci-design.yaml"),
            plan=read_source(FILES / "ddci-plan.yaml"),
        ),
        today(),
    )
    open_round(stores, vault, SLUG, today())
    codes = issue_invitations(
        stores, secrets, SLUG, [CodeRequest("", count, stratum) for stratum, count in STRATA.items()]
    )
    assert len(codes) == N_FIRMS
    assert {code.unit for code in codes} == {""}

    firms = Firms(units)
    with running_server(settings) as server:
        browser = PlainBrowser(server.address)
        for code in codes[N_WITH_SCRIPT:]:
            firms.rate_plainly(browser, code.typed)
        browser.close()
        for code in codes[:N_WITH_SCRIPT]:
            firms.rate_with_script(new_page(), server.address, code.qr)
        assert not any(code.typed in server.said() or code.qr in server.said() for code in codes)

    status = round_status(stores, secrets, SLUG)
    assert (status.issued, status.spent) == (N_FIRMS, N_FIRMS)
    assert {cell.unit for cell in status.cells} == {""}, "no count of a unit exists before sealing"
    close_round(stores, SLUG)
    seal_round(stores, secrets, vault, settings, SLUG)
    contents = read_archive(archive_path(settings, SLUG)).contents
    assert contents.counts.sealed == N_FIRMS
    assert contents.responses.num_rows == len(firms.ratings)
    assert pc.count_distinct(contents.responses["ballot"]).as_py() == N_FIRMS
    found = sorted((row["unit"], row["information_found"] or "") for row in contents.responses.to_pylist())
    assert found == sorted(firms.ratings), "what was sent, and nothing else, is in the archive"

    printed = publish_round(stores, vault, settings, SLUG, today())
    stores.close()
    assert printed.failures == ()
    names = {path.name for path in printed.folder.glob("*.pdf")}
    blocs = {code for code, _ in printed.edition.blocs}
    assert len(blocs) == 2
    assert names >= {f"{unit}.pdf" for unit in units} | {f"league-{bloc}.pdf" for bloc in blocs}
    for unit in units:
        row = printed.edition.row(unit)
        assert row.estimate is not None, (unit, row.reason)
        assert row.low is not None
        assert row.high is not None
        assert row.low < row.estimate < row.high
    # The units that are liked better stand higher in the league, as far as thirty answers each can tell.
    for members in (departments, localities):
        scores = [printed.edition.row(unit).estimate for unit in members]
        assert np.corrcoef(scores, [firms.liking[unit] for unit in members])[0, 1] > 0.6


class Firms:
    """Firms that like some units better than others, and what they were heard to say."""

    def __init__(self, units: list[str]) -> None:
        self.questionnaire = load_bundled(REFERENCE)
        self.random = np.random.default_rng(27)
        self.units = units
        self.liking = {unit: float(self.random.normal(0, 0.7)) for unit in units}
        self.reversed = {node.item for node in self.questionnaire.nodes() if node.reversed}
        self.ratings: list[tuple[str, str]] = []

    def chosen(self) -> list[str]:
        count = int(self.random.integers(2, self.questionnaire.most_units + 1))
        return [str(unit) for unit in self.random.choice(self.units, count, replace=False)]

    def answer(self, item: Item, unit: str) -> str:
        options = sorted((o for o in item.options if o.value is not None), key=lambda option: option.value or 0)
        if not options:
            return item.options[0].code
        direction = -1 if item.code in self.reversed else 1
        place = (len(options) - 1) / 2 + direction * (0.4 + self.liking.get(unit, 0)) + self.random.normal(0, 1)
        return options[int(np.clip(round(place), 0, len(options) - 1))].code

    def rate_plainly(self, browser: PlainBrowser, code: str) -> None:
        units = self.chosen()
        first = browser.get(f"/r/{SLUG}")
        start = {"code": [code], "nonce": [nonce_of(first)], "units": units}
        second = browser.post(f"/r/{SLUG}", start)
        form = {**start, "nonce": [nonce_of(second)], "step": ["answers"]}
        for section in self.questionnaire.sections:
            for item in section.items:
                if not item.options:
                    continue
                for unit in units if section.per_unit else [""]:
                    form[f"{unit}.{item.code}" if unit else item.code] = [self.answer(item, unit)]
        browser.send(f"/r/{SLUG}", form)
        self.ratings += [(unit, form[f"{unit}.information_found"][0]) for unit in units]

    def rate_with_script(self, page: Page, address: str, code: str) -> None:
        units = self.chosen()
        page.goto(f"{address}/r/{SLUG}#{code}")
        expect(page.locator("#code")).to_have_value(code)
        for unit in units:
            page.locator("label", has=page.locator(f'input[name="units"][value="{unit}"]')).click()
        page.locator("main").get_by_role("button", name="Tiếp tục", exact=True).click()
        expect(page.locator("[name=change-units]")).to_be_visible()
        send = page.locator("main").get_by_role("button", name="Gửi phiếu", exact=True)
        heard: dict[str, str] = {}
        while True:
            for name in page.evaluate(
                "[...new Set([...document.querySelectorAll('main input[type=radio]')]"
                ".filter(control => control.checkVisibility()).map(control => control.name))]"
            ):
                unit, _, item = name.rpartition(".")
                value = self.answer(self.questionnaire.item(item), unit)
                page.locator("label", has=page.locator(f'input[name="{name}"][value="{value}"]')).click()
                heard[name] = value
            if send.is_visible():
                break
            page.locator("main").get_by_role("button", name="Tiếp tục", exact=True).click()
        send.click()
        expect(page.locator("main")).to_have_attribute("data-state", "received")
        self.ratings += [(unit, heard[f"{unit}.information_found"]) for unit in units]
