"""Every page of the site of `support.site`: its address, and what is done there before it is looked at."""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex

from playwright.sync_api import Page, expect

from questionnaires.keying import check_keys
from support.citizens import OTHER_UNIT, UNIT, Asked
from support.firms import SLUG, firm_codes
from support.office import LOGIN
from support.portal import OFFICERS_PASSKEY_MARK, OTHER_ADDRESS, OTHER_PASSWORD, PASSKEY_MARK
from support.site import APP_LOGIN, APP_PASSWORD, recovery_codes
from support.tablets import kobo_csv, submission
from survey.codes import new_code
from survey.paper_entry import Desk, enter_form, round_on_paper
from survey.paper_versions import fingerprint_of
from survey.round_records import find_round, load_questionnaire_of
from survey.services import today
from survey.texts import CITIZEN_LANGUAGES, LANGUAGES

Act = Callable[[Page, Asked], None]
# What no reader sees as a page: files, probes, redirects, and what a script asks for.
NO_PAGES = frozenset(
    {
        "citizen.challenge",
        "health.healthz",
        "health.readyz",
        "metrics.metrics",
        "office.accounting_file",
        "office.fieldwork_file",
        "office.fieldwork_news",
        "office.audit_file",
        "office.analysis_book",
        "office.analysis_file",
        "office.draft_file",
        "office.figures_form",
        "office.paper_form",
        "office.frame_batch",
        "office.frame_left_out",
        "office.frame_selected",
        "office.tablet_form",
        "office.nowhere",
        "office.oidc",
        "office.oidc_back",
        "office.preview_file",
        "office.questionnaire_file",
        "office.responses_file",
        "office.units_file",
        "unit.nowhere",
        "unit.oidc",
        "unit.oidc_back",
        "unit.pdf_file",
        "unit.preview_pdf",
        "public.csv_file",
        "public.docx_file",
        "public.pdf_file",
        "public.published_file",
        "public.table_file",
        "start",
        "static.file",
    }
)


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


def send_blank_last(page: Page, asked: Asked) -> None:
    """The last form of a page whose others are buttons."""
    with page.expect_navigation():
        page.evaluate("HTMLFormElement.prototype.submit.call([...document.querySelectorAll('main form')].at(-1))")


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


def sign_in_halfway_there(page: Page, asked: Asked) -> None:
    """As somebody of a unit who has an app."""
    page.locator("#login").fill(OTHER_ADDRESS)
    page.locator("#password").fill(OTHER_PASSWORD)
    send_blank(page, asked)
    expect(page.locator("#code")).to_be_visible()


def make_codes(page: Page, asked: Asked) -> None:
    page.locator("#password").fill(APP_PASSWORD)
    page.locator("#code").fill(recovery_codes(asked)[0])
    send_blank(page, asked)
    expect(page.locator(".recovery li")).to_have_count(10)


def sign_in_wrongly(page: Page, asked: Asked) -> None:
    page.locator("input[name=login]").fill(LOGIN)
    page.locator("input[type=password]").fill("ba từ thôi")
    send_blank(page, asked)


def invite_an_officer(page: Page, asked: Asked) -> None:
    """The page that shows the code, once."""
    page.locator("#name").fill("Đỗ Thị Mới")
    page.locator("#login").fill(f"moi-{token_hex(4)}")
    page.locator("input[name=roles][value=clerk]").check()
    send_blank(page, asked)
    expect(page.locator("code.key")).to_be_visible()


def invite_somebody_of_a_unit(page: Page, asked: Asked) -> None:
    page.locator("#unit").select_option(index=1)
    page.locator("#name").fill("Đỗ Thị Mới")
    page.locator("#email").fill(f"moi-{token_hex(4)}@don-vi.gov.vn")
    send_blank_last(page, asked)
    expect(page.locator("code.key")).to_be_visible()


def find_by_a_factor(page: Page, asked: Asked) -> None:
    """The league of a factor, searched by a name; the table stands below the form again."""
    page.select_option("#node", index=2)
    page.fill("main input[type=search]", "ha")
    with page.expect_navigation():
        page.locator("main form button").click()


def hold_a_file_against_it(page: Page, asked: Asked) -> None:
    """A file that was never published; the script tells so."""
    page.set_input_files("#file", {"name": "phieu.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 khac"})
    expect(page.locator("#told")).to_be_visible()


def send_a_file(page: Page, asked: Asked) -> None:
    """The same without the script, which the server tells."""
    page.set_input_files("#file", {"name": "phieu.txt", "mimeType": "text/plain", "buffer": b"khac"})
    send_blank(page, asked)
    expect(page.locator("#outcome")).to_be_visible()


def ask_who_is_there(page: Page, asked: Asked) -> None:
    """What a counter's tablet asks when nobody has touched it for a while."""
    page.evaluate("document.getElementById('idle').showModal()")
    expect(page.locator("#idle-stay")).to_be_visible()


def look_at_an_export(page: Page, asked: Asked) -> None:
    """A file with a row that is in order and one that is not."""
    questionnaire = load_questionnaire_of(asked.stores, find_round(asked.stores, "hai-long"))
    codes = asked.codes(count=2, slug="hai-long")
    rows = [submission("hai-long", questionnaire, code.typed, n, overall="5") for n, code in enumerate(codes)]
    content = kobo_csv(questionnaire, [rows[0], rows[1] | {"overall": "9"}])
    page.set_input_files("#export", {"name": "kobo.csv", "mimeType": "text/csv", "buffer": content})
    send_blank(page, asked)
    expect(page.locator("main table")).to_be_visible()


def key_a_form(page: Page, asked: Asked) -> None:
    """A form with an answer that no box has."""
    _open_form(page, asked, "hai-long", asked.codes()[0].typed)
    page.fill("#k1", "8")
    with page.expect_navigation():
        page.locator("[data-save]").click()


def key_a_form_of_firms(page: Page, asked: Asked) -> None:
    _open_form(page, asked, SLUG, firm_codes(asked, slug=SLUG)[0].typed, places="2")


def settle_a_form(page: Page, asked: Asked) -> None:
    """A form that two people have read differently."""
    code = asked.codes()[0].typed
    record = find_round(asked.stores, "hai-long")
    questionnaire = load_questionnaire_of(asked.stores, record)
    open_round = round_on_paper(record, questionnaire, today())
    for login, key in (("mot", "1"), ("hai", "2")):
        desk = Desk(asked.stores, asked.secrets, open_round, questionnaire, login, today())
        enter_form(desk, code, check_keys(questionnaire, {"1": key, "5": f"Lời của {login}"}))
    _open_form(page, asked, "hai-long", code)
    expect(page.locator(".settled").first).to_be_visible()


def _open_form(page: Page, asked: Asked, slug: str, code: str, places: str = "") -> None:
    questionnaire = load_questionnaire_of(asked.stores, find_round(asked.stores, slug))
    page.fill("#code", code)
    page.fill("#fingerprint", fingerprint_of(questionnaire.content_hash))
    if places:
        page.fill("#places", places)
    with page.expect_navigation():
        page.locator("main button.primary").click()


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
    Visit("citizen.kiosk", f"/r/nam-tieng/{UNIT}/kiosk", CITIZEN_LANGUAGES),
    Visit("citizen.kiosk", "/r/ddci/-/kiosk"),
    Visit("citizen.kiosk", f"/r/het/{OTHER_UNIT}/kiosk"),
    Visit("citizen.kiosk_form", f"/r/nam-tieng/{UNIT}/kiosk/form", CITIZEN_LANGUAGES),
    Visit("citizen.kiosk_form", "/r/ddci/-/kiosk/form"),
    Visit("citizen.kiosk_send", f"/r/hai-long/{UNIT}/kiosk/form", act=send_blank),
    Visit("citizen.kiosk_received", f"/r/nam-tieng/{UNIT}/kiosk/form/received", CITIZEN_LANGUAGES),
)
# What only the script shows.
SCRIPTED = (
    Visit("citizen.show", f"/r/nam-tieng/{UNIT}", CITIZEN_LANGUAGES, go_on_wrongly),
    Visit("citizen.show", f"/r/nam-tieng/{UNIT}", CITIZEN_LANGUAGES, first_questions),
    Visit("citizen.show", f"/r/hai-long/{UNIT}", act=wait_for_network),
    Visit("citizen.kiosk_form", f"/r/nam-tieng/{UNIT}/kiosk/form", CITIZEN_LANGUAGES, ask_who_is_there),
    Visit("public.verify", "/results/sipas-2026/06664/verify", act=hold_a_file_against_it),
)
PUBLIC = (
    Visit("public.index", "/results"),
    Visit("public.round", "/results/sipas-2026"),
    Visit("public.unit", "/results/sipas-2026/06652"),
    Visit("public.unit", "/results/sipas-2026/06664"),
    Visit("public.method", "/results/sipas-2026/method"),
    Visit("public.bloc", "/results/sipas-2026/bloc/khoi-dia-phuong"),
    Visit("public.bloc", "/results/sipas-2026/bloc/khoi-dia-phuong", act=find_by_a_factor),
    Visit("public.data", "/results/sipas-2026/data"),
    Visit("public.published", "/results/published"),
    Visit("public.verify", "/results/sipas-2026/06652/verify"),
    Visit("public.verify", "/results/sipas-2026/06652/verify", act=send_a_file),
    Visit("public.verify_round", "/results/sipas-2026/verify"),
    Visit("public.round", "/results/khong-co"),
)
STRANGER = (
    Visit("office.sign_in", "/office/sign-in"),
    Visit("office.sign_in", "/office/sign-in", act=sign_in_wrongly),
    Visit("office.sign_in_code", "/office/sign-in", act=sign_in_halfway),
    Visit("unit.sign_in", "/unit/sign-in"),
    Visit("unit.sign_in_code", "/unit/sign-in", act=sign_in_halfway_there),
    Visit("office.invited", "/office/invited"),
    Visit("unit.invited", "/unit/invited"),
    Visit("unit.invited", "/unit/invited", act=send_blank),
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
    Visit("office.passkeys", "/office/account/passkeys"),
    Visit("office.passkey_removed", f"/office/account/passkeys/{OFFICERS_PASSKEY_MARK}"),
    Visit("office.sessions", "/office/account/sessions"),
    Visit("office.sessions", "/office/account/sessions", act=send_blank),
)
# A part of each kind of the draft of `support.site`.
DRAFT_PARTS = ("about", "index", "p1", "p2", "p4", "p37", "p42")
OFFICE = (
    Visit("office.rounds", "/office/"),
    Visit("office.units", "/office/units"),
    Visit("office.people", "/office/people"),
    Visit("office.people", "/office/people", act=send_blank_last),
    Visit("office.people", "/office/people", act=invite_somebody_of_a_unit),
    Visit("office.staff", "/office/staff"),
    Visit("office.staff", "/office/staff", act=send_blank),
    Visit("office.staff", "/office/staff", act=invite_an_officer),
    Visit("office.staff_person", "/office/staff/2"),
    Visit("office.audit", "/office/audit"),
    Visit("office.approvals", "/office/rounds/het/approvals"),
    Visit("office.approvals", "/office/rounds/hai-long/approvals"),
    Visit("office.questionnaires", "/office/questionnaires"),
    Visit("office.questionnaire", "/office/questionnaires/versions/ddci/departments-2024.2"),
    Visit("office.questionnaire_preview", "/office/questionnaires/versions/sipas/2017.1/preview"),
    Visit("office.questionnaire_compare", "/office/questionnaires/compare?a=sipas/2017.1&b=sipas/2023.1"),
    Visit("office.questionnaire_import", "/office/questionnaires/import"),
    Visit("office.questionnaire_import", "/office/questionnaires/import", act=send_blank),
    Visit("office.draft", "/office/questionnaires/drafts/1"),
    *(Visit("office.draft_part", f"/office/questionnaires/drafts/1/parts/{part}") for part in DRAFT_PARTS),
    Visit("office.draft_preview", "/office/questionnaires/drafts/1/preview"),
    Visit("office.draft_revisions", "/office/questionnaires/drafts/1/revisions"),
    Visit("office.draft_publish", "/office/questionnaires/drafts/1/publish"),
    Visit("office.responses", "/office/rounds/sipas-2026/responses"),
    Visit("office.new_round", "/office/new-round"),
    Visit("office.setup_new", "/office/set-up"),
    Visit("office.setup_new", "/office/set-up", act=send_blank),
    Visit("office.setup", "/office/rounds/nhap/setup"),
    Visit("office.setup_units", "/office/rounds/nhap/setup/units"),
    Visit("office.setup_how", "/office/rounds/nhap/setup/how"),
    Visit("office.setup_how", "/office/rounds/nhap/setup/how", act=send_blank),
    Visit("office.setup_test", "/office/rounds/nhap/setup/test"),
    Visit("office.setup_test", "/office/rounds/nhap/setup/test", act=send_blank),
    Visit("office.unit_table", "/office/units/table"),
    Visit("office.unit_table", "/office/units/table", act=send_blank),
    Visit("office.frame", "/office/rounds/danh-sach/frame"),
    Visit("office.frame", "/office/rounds/nhap/frame", act=send_blank),
    Visit("office.frame_clean", "/office/rounds/danh-sach/frame/clean"),
    Visit("office.frame_draw", "/office/rounds/danh-sach/frame/draw"),
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
    Visit("office.fieldwork", "/office/rounds/hai-long/fieldwork"),
    Visit("office.fieldwork", "/office/rounds/niem-phong/fieldwork"),
    Visit("office.fieldwork_channels", "/office/rounds/niem-phong/fieldwork/channels"),
    Visit("office.fieldwork_unit", f"/office/rounds/niem-phong/fieldwork/unit?unit={UNIT}"),
    Visit("office.fieldwork_target", "/office/rounds/hai-long/fieldwork/target", act=send_blank),
    Visit("office.analysis", "/office/rounds/niem-phong/analysis"),
    Visit("office.analysis", "/office/rounds/sipas-2026/analysis"),
    *(
        Visit("office.analysis_part", f"/office/rounds/niem-phong/analysis/{part}")
        for part in ("units", "weights", "response", "flags", "formulas")
    ),
    Visit("office.answers_import", "/office/rounds/hai-long/import"),
    Visit("office.answers_import", "/office/rounds/hai-long/import", act=send_blank),
    Visit("office.answers_import", "/office/rounds/hai-long/import", act=look_at_an_export),
    Visit("office.kiosk", "/office/rounds/hai-long/kiosk"),
    Visit("office.kiosk", f"/office/rounds/hai-long/kiosk?unit={UNIT}"),
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
    Visit("office.paper", "/office/rounds/hai-long/paper"),
    Visit("office.paper", f"/office/rounds/{SLUG}/paper"),
    Visit("office.paper_forms", "/office/rounds/hai-long/paper/forms"),
    Visit("office.paper_forms", "/office/rounds/hai-long/paper/forms", act=send_blank),
    Visit("office.paper_enter", "/office/rounds/hai-long/paper/enter"),
    Visit("office.paper_enter", "/office/rounds/hai-long/paper/enter", act=send_blank),
    Visit("office.paper_enter", "/office/rounds/hai-long/paper/enter", act=key_a_form),
    Visit("office.paper_enter", f"/office/rounds/{SLUG}/paper/enter", act=key_a_form_of_firms),
    Visit("office.paper_settle", "/office/rounds/hai-long/paper/enter", act=settle_a_form),
    Visit("office.round", "/office/rounds/xem-truoc"),
    Visit("office.release", "/office/rounds/xem-truoc/release"),
    Visit("office.printing", "/office/rounds/xem-truoc/printing"),
    Visit("office.correction", "/office/rounds/sipas-2026/correction"),
    Visit("office.correction", "/office/rounds/sipas-2026/correction", act=send_blank),
    Visit("office.comments", "/office/rounds/niem-phong/comments"),
    Visit("office.comment_review", "/office/rounds/niem-phong/comments/review"),
    Visit("office.round", "/office/rounds/khong-co"),
)
# As somebody of a unit, who has read a scorecard and promised something.
UNIT_PORTAL = (
    Visit("unit.scorecards", "/unit/"),
    Visit("unit.scorecard", "/unit/rounds/sipas-2026"),
    Visit("unit.promise", "/unit/rounds/sipas-2026/promise"),
    Visit("unit.promise", "/unit/rounds/sipas-2026/promise", act=send_blank),
    Visit("unit.promise_state", "/unit/promises/1"),
    Visit("unit.fieldwork", "/unit/rounds/dang-thu/fieldwork"),
    Visit("unit.preview", "/unit/previews/xem-truoc"),
    Visit("unit.account", "/unit/account"),
    Visit("unit.passkeys", "/unit/account/passkeys"),
    Visit("unit.passkeys", "/unit/account/passkeys", act=send_blank),
    Visit("unit.passkey_removed", f"/unit/account/passkeys/{PASSKEY_MARK}"),
    Visit("unit.passkey_removed", f"/unit/account/passkeys/{PASSKEY_MARK}", act=send_blank),
    Visit("unit.password", "/unit/account/password"),
    Visit("unit.second_factor", "/unit/account/second-factor"),
    Visit("unit.recovery_codes", "/unit/account/recovery-codes"),
    Visit("unit.sessions", "/unit/account/sessions"),
    Visit("unit.scorecard", "/unit/rounds/khong-co"),
)
AREAS = {
    "unit": UNIT_PORTAL,
    "citizen": CITIZEN,
    "scripted": SCRIPTED,
    "public": PUBLIC,
    "stranger": STRANGER,
    "account": ACCOUNT,
    "office": OFFICE,
}
