"""Businesses rate departments in a round that is led in the browser, from an empty office to its result (issue 7)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from questionnaires.library import load_bundled
from questionnaires.model import Item
from support.journeys import (
    Desk,
    NewPage,
    NewRound,
    Person,
    found_office,
    holds_on_the_command_line,
    log_knows_none_of,
    verified,
)
from support.played import PlainBrowser, nonce_of
from support.server import running_server
from support.stores import Templates
from survey.publishing import edition_folder
from survey.sealing import archive_path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

SLUG, REFERENCE = "ddci-2026", "ddci/departments-2024.1"
N_FIRMS = 40
PLAN = (
    'plan: 1\nversion: "2026.1"\nprofile: ddci\naggregate: units\ndecimals: 2\n'
    "standardisation: {draws: 500, seed: 7}\nrelease: {embargo_days: 0, approvals: 1}\n"
)
DESIGN = "design: 1\nstrata: [stratum]\nclusters: [ballot]\ncells:\n  - {stratum: company, population: 9800}\n"
DEPARTMENTS = ("so-tai-chinh", "so-xay-dung", "so-cong-thuong")
UNITS_CSV = (
    "code,name_vi,name_en,kind,bloc,bloc_code,bloc_en,parent_code,valid_from,valid_to,population,area_km2,source\n"
    "so-tai-chinh,Sở Tài chính,Department of Finance,department,Khối sở,khoi-so,Departments,,2025-03-01,,,,thử\n"
    "so-xay-dung,Sở Xây dựng,Department of Construction,department,Khối sở,khoi-so,Departments,,2025-03-01,,,,thử\n"
    "so-cong-thuong,Sở Công Thương,Department of Trade,department,Khối sở,khoi-so,Departments,,2025-03-01,,,,thử\n"
)
OFFICER = Person("lan", "Nguyễn Thị Lan", "bốn từ chọn bừa", ("administrator", "officer"))
STATISTICIAN = Person("binh", "Phạm Thị Bình", "năm từ chọn bừa khác", ("statistician",))
ROUND = NewRound(SLUG, "DDCI năm 2026", "DDCI 2026", REFERENCE, PLAN, DESIGN, N_FIRMS, "post", "machine")


def test_businesses_rate_departments_and_everybody_reads_the_result(
    tmp_path: Path, store_templates: Templates, new_page: NewPage
) -> None:
    settings = store_templates.new_instance("sqlite", tmp_path / "var")
    found_office(settings, OFFICER)
    with running_server(settings, extra={"HAILONG_SECOND_PERSON": "required"}) as server:
        lan = Desk(new_page, server.address, OFFICER, is_shown=False)
        binh = Desk(new_page, server.address, STATISTICIAN, code=lan.engages(STATISTICIAN), is_shown=False)
        lan.loads_units(UNITS_CSV, 3)
        lan.sets_up(ROUND)
        lan.tries_the_form(SLUG)
        lan.opens(SLUG)
        lan.asks_for_codes_by_file(SLUG, wanted_codes(tmp_path))
        binh.grants(SLUG)
        codes = lan.takes_codes(SLUG, tmp_path)
        rate(server.address, codes)
        lan.takes(SLUG, "Đóng đợt khảo sát", "Đợt khảo sát đã đóng")
        lan.asks_to_seal(SLUG)
        binh.grants(SLUG)
        lan.takes(SLUG, "Niêm phong", "Đợt khảo sát đã được niêm phong")
        binh.analyses(SLUG, "")
        lan.prepares(SLUG)
        binh.approves(SLUG)
        lan.publishes(SLUG)
        everybody = new_page(width=1280, height=800)
        everybody.goto(f"{server.address}/results/{SLUG}")
        for name in ("Sở Tài chính", "Sở Xây dựng", "Sở Công Thương"):
            expect(everybody.locator("main")).to_contain_text(name)
        pdf = everybody.request.get(f"{server.address}/results/{SLUG}/{DEPARTMENTS[0]}.pdf").body()
        verified(everybody, server.address, SLUG, DEPARTMENTS[0], pdf)
    log_knows_none_of(settings, [code for line in codes for code in (line["code"], line["url"].rpartition("#")[2])])
    holds_on_the_command_line(settings, archive_path(settings, SLUG), edition_folder(settings, SLUG, 1))


def wanted_codes(folder: Path) -> Path:
    """A file that asks for codes of the whole round, and names the stratum."""
    wanted = folder / "wanted.csv"
    wanted.write_text(f"unit,stratum,psu,channel,count\n,company,,post,{N_FIRMS}\n", encoding="utf-8")
    return wanted


def rate(address: str, codes: Sequence[dict[str, str]]) -> None:
    """Every firm rates all three departments; the first is liked best, the last least."""
    questionnaire, draw = load_bundled(REFERENCE), np.random.default_rng(27)
    reversed_items = {node.item for node in questionnaire.nodes() if node.reversed}

    def chosen(item: Item, unit: str) -> str:
        options = sorted((o for o in item.options if o.value is not None), key=lambda option: option.value or 0)
        if not options:
            return item.options[0].code
        liking = 0.8 - 0.8 * DEPARTMENTS.index(unit) if unit else 0.0
        place = (len(options) - 1) / 2 + (-liking if item.code in reversed_items else liking) + draw.normal(0, 1)
        return options[int(np.clip(round(place), 0, len(options) - 1))].code

    browser = PlainBrowser(address)
    for line in codes:
        start = {"code": [line["code"]], "nonce": [nonce_of(browser.get(f"/r/{SLUG}"))], "units": list(DEPARTMENTS)}
        form = {**start, "nonce": [nonce_of(browser.post(f"/r/{SLUG}", start))], "step": ["answers"]}
        for section in questionnaire.sections:
            for item in (item for item in section.items if item.options):
                for unit in DEPARTMENTS if section.per_unit else ("",):
                    form[f"{unit}.{item.code}" if unit else item.code] = [chosen(item, unit)]
        browser.send(f"/r/{SLUG}", form)
    browser.close()
