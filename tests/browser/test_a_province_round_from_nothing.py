"""Five people lead a province's round from an empty office to a signed scorecard in a unit's portal (issue 7).

An officer, a statistician, two custodians and somebody of a unit, each at a browser of their own. What they do is done
on pages; citizens answer theirs over HTTP, one of them on a phone.
"""

import csv
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from questionnaires.library import load_bundled
from support.journeys import (
    Desk,
    NewPage,
    NewRound,
    Person,
    accept,
    found_office,
    holds_on_the_command_line,
    log_knows_none_of,
    picture,
    verified,
)
from support.pdf_keys import lay_pdf_key
from support.played import PlainBrowser, nonce_of
from support.rounds import UNITS_CSV
from support.server import running_server
from support.stores import Templates
from survey.pdf_signatures import read_signatures
from survey.publishing import edition_folder
from survey.sealing import archive_path
from survey.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

SLUG, UNIT, LIKED = "sipas-2026", "phuong-a", "xa-b"
REFERENCE = "sipas/2017.1"
N_SHEETS = 14
# What some citizens write; nobody else would.
SAID = "bông súng tím ngoài hiên"
PLAN = 'plan: 1\nversion: "2026.1"\naggregate: units\nrelease: {embargo_days: 0, approvals: 1}\n'
OFFICER = Person("lan", "Nguyễn Thị Lan", "bốn từ chọn bừa", ("administrator", "officer"))
STATISTICIAN = Person("binh", "Phạm Thị Bình", "năm từ chọn bừa khác", ("statistician",))
CUSTODIANS = (
    Person("an", "Trần Văn An", "sáu từ của anh An đây", ("custodian",)),
    Person("chi", "Lê Thị Chi", "bảy từ của chị Chi đó", ("custodian",)),
)
# The third holds a share, too, and is not needed.
PASSPHRASES = {
    "Trần Văn An": "cầu Bãi Cháy nhìn từ xa",
    "Lê Thị Chi": "chợ Hạ Long sáng sớm",
    "Hồ Thị Dung": "núi Bài Thơ chiều mưa",
}
UNIT_ADDRESS, UNIT_PASSWORD = "ha@phuong-a.gov.vn", "tám từ của phường A nhé"
ROUND = NewRound(
    SLUG,
    "Khảo sát hài lòng năm 2026",
    "Satisfaction survey 2026",
    REFERENCE,
    PLAN,
)


def test_five_people_lead_a_round_to_a_signed_scorecard(
    tmp_path: Path, store_templates: Templates, new_page: NewPage
) -> None:
    settings = lay_pdf_key(store_templates.new_instance("sqlite", tmp_path / "var"), tmp_path / "certificate")
    found_office(settings, OFFICER)
    with running_server(settings, extra=environment_of_the_office(settings)) as server:
        address = server.address
        lan = Desk(new_page, address, OFFICER)
        binh, an, chi = (
            Desk(new_page, address, person, code=lan.engages(person)) for person in (STATISTICIAN, *CUSTODIANS)
        )
        lan.loads_units(UNITS_CSV, 3)
        lan.sets_up(ROUND)
        files = lan.entrusts(SLUG, tmp_path, PASSPHRASES, need=2)
        try_key(an, list(files.values()), list(PASSPHRASES.values()))
        lan.tries_the_form(SLUG)
        lan.opens(SLUG)
        lan.asks_for_codes(SLUG, {"unit": "*", "count": str(N_SHEETS)})
        binh.grants(SLUG)
        codes = lan.takes_codes(SLUG, tmp_path)
        answer(address, new_page, codes)
        shows_progress(lan)
        lan.takes(SLUG, "Đóng đợt khảo sát", "Đợt khảo sát đã đóng")
        lan.asks_to_seal(SLUG)
        binh.grants(SLUG)
        seals(chi, list(files.values())[:2])
        binh.analyses(SLUG, "Đã xem trọng số và các công thức khác.")
        code = lan.invites(UNIT, "Đặng Thị Hà", UNIT_ADDRESS)
        lan.prepares(SLUG)
        invited = new_page(width=1280, height=800)
        accept(invited, f"{address}/unit/", code, UNIT_PASSWORD)
        expect(invited.locator("main")).to_contain_text("Xem bản xem trước")
        # Whoever had it prepared is offered no approval of it, and no publication before somebody else's.
        lan.at_round(SLUG, "/release")
        expect(lan.page.locator("main")).to_contain_text("cần một người khác phê duyệt")
        expect(lan.page.locator("main")).to_contain_text(f"đúng là những con số {STATISTICIAN.name} đã xác nhận")
        for button in ("Tôi duyệt bản này", "Công bố"):
            expect(lan.page.get_by_role("button", name=button, exact=True)).to_have_count(0)
        binh.approves(SLUG)
        lan.publishes(SLUG)
        pdf = reads_the_scorecard(new_page(width=1280, height=800), address)
        anybody = new_page(width=1280, height=800)
        verified(anybody, address, SLUG, UNIT, pdf)
        picture(anybody, "verified")
        reads_results(new_page(width=1280, height=800), address)
        looks_at_responses(lan)
        everybody_is_named(lan)
    (signature,) = read_signatures(pdf)
    assert signature.is_intact
    assert signature.covers_all
    scorecard = tmp_path / "phieu.pdf"
    scorecard.write_bytes(pdf)
    codes_as_printed = [code for line in codes for code in (line["code"], line["url"].rpartition("#")[2])]
    passwords = [person.password for person in (OFFICER, STATISTICIAN, *CUSTODIANS)] + [UNIT_PASSWORD]
    log_knows_none_of(settings, [*codes_as_printed, *passwords, *PASSPHRASES.values(), SAID])
    holds_on_the_command_line(settings, archive_path(settings, SLUG), edition_folder(settings, SLUG, 1), scorecard)


def environment_of_the_office(settings: Settings) -> dict[str, str]:
    """Two people for what takes two, and the certificate that scorecards are signed with."""
    return {
        "HAILONG_SECOND_PERSON": "required",
        "HAILONG_PDF_CERTIFICATE": settings.pdf_certificate or "",
        "HAILONG_PDF_PASSPHRASE_FILE": str(settings.pdf_passphrase_file),
    }


def try_key(custodian: Desk, files: Sequence[Path], passphrases: Sequence[str]) -> None:
    page = custodian.at_round(SLUG, "/trial")
    custodian.gives_shares(page, files, passphrases)
    picture(page, "trial")
    page.get_by_role("button", name="Thử mở khóa").click()
    expect(page.locator("#check-custody")).to_have_class("is-green")


def seals(custodian: Desk, files: Sequence[Path]) -> None:
    """Both custodians at one of their browsers."""
    page = custodian.at_round(SLUG, "/seal")
    custodian.gives_shares(page, files, list(PASSPHRASES.values())[:2])
    page.get_by_role("button", name="Niêm phong").click()
    expect(page.locator("h1")).to_have_text("Đợt khảo sát đã được niêm phong")
    picture(page, "sealed")


def answer(address: str, new_page: NewPage, codes: Sequence[dict[str, str]]) -> None:
    """One citizen for each code, the last of them on a phone; the commune is liked better than the wards."""
    chance = random.Random(7)  # noqa: S311 - answers for a test, not secrets
    questionnaire = load_bundled(REFERENCE)
    browser = PlainBrowser(address)
    for line in codes[:-1]:
        liked = ["3", "4", "5", "5"] if line["unit"] == LIKED else ["1", "2", "3", "4"]
        path = f"/r/{SLUG}/{line['unit']}"
        form = {item.code: [chance.choice(liked)] for item in questionnaire.items if item.scale == "satisfaction"}
        form |= {"visited": ["yes"], "gave_feedback": ["yes"], "comment": [SAID]}
        browser.send(path, form | {"code": [line["code"]], "nonce": [nonce_of(browser.get(path))]})
    browser.close()
    answer_on_a_phone(new_page(), codes[-1]["url"])


def answer_on_a_phone(page: Page, link: str) -> None:
    page.goto(link)
    expect(page.locator("#code")).not_to_have_value("")
    picture(page, "phone")
    page.get_by_role("button", name="Bắt đầu").click()
    send = page.locator("main").get_by_role("button", name="Gửi phiếu", exact=True)
    on = page.locator("main").get_by_role("button", name="Tiếp tục", exact=True)
    while not send.is_visible():
        if on.is_visible():
            choose_what_is_asked(page)
            on.click()
    choose_what_is_asked(page)
    send.click()
    expect(page.locator("main")).to_have_attribute("data-state", "received")
    picture(page, "phone-thanks")


def choose_what_is_asked(page: Page) -> None:
    names = page.evaluate(
        "[...new Set([...document.querySelectorAll('main input[type=radio]')]"
        ".filter(control => control.checkVisibility()).map(control => control.name))]"
    )
    for name in names:
        page.locator("label", has=page.locator(f'input[name="{name}"]')).first.click()


def shows_progress(officer: Desk) -> None:
    page = officer.at_round(SLUG)
    expect(page.locator("main")).to_contain_text(f"{3 * N_SHEETS}")
    picture(page, "round")
    page.get_by_role("link", name="Theo dõi thu phiếu").click()
    expect(page.locator("main")).to_contain_text("100,0%")
    picture(page, "fieldwork")
    officer.at_round(SLUG, "/accounting")
    expect(page.locator("tfoot")).to_contain_text(f"{3 * N_SHEETS}")


def reads_the_scorecard(page: Page, address: str) -> bytes:
    """Somebody of the unit signs in, takes the printed scorecard along and says that it was read."""
    page.goto(f"{address}/unit/")
    page.locator("#login").fill(UNIT_ADDRESS)
    page.locator("#password").fill(UNIT_PASSWORD)
    page.get_by_role("button", name="Đăng nhập", exact=True).click()
    page.get_by_role("link", name=ROUND.title_vi).click()
    picture(page, "unit-scorecard")
    where = page.get_by_role("link", name="Mở phiếu điểm (PDF)").get_attribute("href")
    pdf = page.request.get(f"{address}{where}").body()
    assert pdf.startswith(b"%PDF-")
    page.get_by_role("button", name="Tôi đã đọc phiếu điểm này").click()
    expect(page.get_by_role("status")).to_contain_text("Đã ghi nhận")
    return pdf


def reads_results(page: Page, address: str) -> None:
    page.goto(f"{address}/results/{SLUG}")
    expect(page.locator("main")).to_contain_text(f"3 đơn vị, {3 * N_SHEETS} phiếu được tính")
    picture(page, "results")
    page.get_by_role("link", name="Xã B").click()
    expect(page.locator(".verdict")).to_contain_text("cao hơn phần còn lại của khối")
    figures = page.request.get(f"{address}/results/{SLUG}/estimates.csv").body().decode("utf-8-sig")
    rows = list(csv.DictReader(figures.splitlines()))
    assert {row["unit"] for row in rows} >= {UNIT, LIKED}


def looks_at_responses(officer: Desk) -> None:
    """Who has read their scorecard stands on a page of the round."""
    page = officer.at_round(SLUG, "/responses")
    expect(page.locator("main")).to_contain_text("Đặng Thị Hà")
    picture(page, "responses")


def everybody_is_named(officer: Desk) -> None:
    """The audit log knows who did what, and holds."""
    page = officer.goes_to("/audit")
    expect(page.locator("main")).to_contain_text("Chuỗi băm nguyên vẹn")
    page = officer.goes_to("/audit?action=approval.approved")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody")).not_to_contain_text(OFFICER.login)
