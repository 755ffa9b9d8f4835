"""One instance that has every page: rounds in every state, several units, open links, five languages, a result."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from questionnaires.library import load_bundled
from support.analysed import analyse_here
from support.citizens import OTHER_UNIT, UNIT, Asked, add_round, ask
from support.firms import COMMUNES, SLUG, add_firm_round, import_firms
from support.office import LOGIN, PASSWORD
from support.portal import OFFICERS_PASSKEY, add_people, keep_passkey
from support.portal import UNIT as PORTAL_UNIT
from support.published import PUBLISHED_INDICES, preview_by_hand, publish_by_hand, sipas_edition
from survey.account import renew_recovery_codes
from survey.approvals import ask_for_codes, decide
from survey.custody import NewCustodian, entrust_key
from survey.frame_cleaning import CleaningRules
from survey.frames import clean_uploaded, upload_frame
from survey.invitations import CodeRequest
from survey.officers import create_officer, list_officers
from survey.previews import raise_objection
from survey.published_scores import import_published
from survey.questionnaire_drafts import Writer, start_from_version
from survey.reconciling import halt_restored_rounds
from survey.round_records import find_round
from survey.rounds import close_round
from survey.sealing import seal_round
from survey.second_factor import keep_second_factor, new_key
from survey.services import open_services, today
from survey.settings import Settings
from survey.shares import share_passphrase
from survey.storage.releases import Job
from survey.storage.sessions import writing
from survey.storage.stores import Stores

# The shortest that is asked in all of them.
FIVE_LANGUAGES = "brand/2026.2"
CHEAP = 2**14
# Whoever has an app, and what stands in for it without a clock.
APP_LOGIN, APP_PASSWORD = "binh", "bốn từ và một mã"
PREVIEWED = "xem-truoc"
# A round about the unit of whoever is at the portal.
UNDER_WAY = "dang-thu"
CUSTODIANS = ("Nguyễn Thị An", "Trần Văn Bình", "Lê Thị Chi")


def build_site(settings: Settings, stores: Stores, folder: Path) -> Asked:
    """The instance; its officer is the one of support.office, and there is another one who has an app.

    `hai-long` has every kind of question, `nam-tieng` five languages, `sipas` the most questions, `mo` an open link;
    `nhap` is a draft, `danh-sach` one with a list of people, `chia-khoa` one with custodians;
    `sau` begins later, `dung` is halted, `het` closed,
    `dang-thu` asks about the unit of the portal; codes of `hai-long` were asked for, and some approved.
    `niem-phong` sealed with comments, and its plan was run; `xem-truoc` has a preview, `sipas-2026` is published.
    Several units are rated in support.firms.SLUG and, in five languages, in `ddci`.
    """
    asked = replace(ask(settings, stores, folder, questionnaire="kinds/1", slug="dung"), slug="hai-long")
    with stores.office.connect() as office:
        halt_restored_rounds(office, "0" * 64, lambda _: False)
    add_round(asked, "hai-long", questionnaire="kinds/1")
    import_firms(stores, folder)
    add_firm_round(asked, SLUG)
    add_firm_round(asked, "ddci", "ddci/communes-2024.2")
    add_round(asked, "sipas", questionnaire="sipas/2023.2")
    add_round(asked, "nam-tieng", questionnaire=FIVE_LANGUAGES)
    add_round(asked, "noi-o", questionnaire=FIVE_LANGUAGES, units=COMMUNES)
    add_round(asked, "mo", questionnaire=FIVE_LANGUAGES, open_link_cap=500)
    add_round(asked, "sau", questionnaire="kinds/1", opens_in_days=5)
    add_round(asked, "nhap", questionnaire="kinds/1", is_opened=False)
    add_round(asked, "chia-khoa", questionnaire="kinds/1", is_opened=False)
    people = [NewCustodian(name, share_passphrase(f"{name}: bốn từ chọn bừa")) for name in CUSTODIANS]
    entrust_key(stores, "chia-khoa", 2, people, lambda _: None, scrypt_cost=CHEAP)
    add_round(asked, "danh-sach", questionnaire="kinds/1", is_opened=False)
    _hand_in_a_list(settings)
    add_round(asked, "het", questionnaire="kinds/1")
    close_round(stores, "het")
    _seal(asked)
    analyse_here(settings, stores, "niem-phong")
    publish_by_hand(settings, stores, sipas_edition())
    add_round(asked, UNDER_WAY, units=(PORTAL_UNIT,))
    asked.codes(PORTAL_UNIT, 30, UNDER_WAY)
    _preview(settings, stores)
    import_published(settings.instance, *PUBLISHED_INDICES)
    add_people(settings, stores)
    create_officer(stores, LOGIN, "Nguyễn Thị Lan", PASSWORD, actor="command line")
    _ask_for_codes(stores)
    # Its first parts are p1, the scale; p2, the first question; p4, the first section; p37, a factor; p42, a rule.
    start_from_version(stores, "sipas/2017.1", Writer(LOGIN, "Nguyễn Thị Lan"), datetime.now(UTC))
    careful = create_officer(stores, APP_LOGIN, "Phạm Thị Bình", APP_PASSWORD, actor="command line")
    keep_passkey(stores, careful.id, OFFICERS_PASSKEY)
    with writing(stores.office) as session:
        keep_second_factor(session, asked.secrets, careful.id, new_key(), step=0)
    return asked


def _hand_in_a_list(settings: Settings) -> None:
    """A cleaned list of people for `danh-sach`, who are drawn from it next."""
    services = open_services(settings)
    record = find_round(services.stores, "danh-sach")
    people = [
        f"HS{n},{(UNIT, OTHER_UNIT, 'Xã Lạ')[n % 3]},Nguyễn Văn {n},0912{n:06d}\n" for n in range(100_001, 100_040)
    ]
    content = ("Mã hồ sơ,Đơn vị,Họ tên,Điện thoại\n" + "".join(people)).encode()
    last = record.closes_on + timedelta(days=30)
    upload_frame(
        services, record, "transactions", content, "ho-so.csv", last, actor=LOGIN, by="Nguyễn Thị Lan", today=today()
    )
    rules = CleaningRules({"key": "Mã hồ sơ", "unit": "Đơn vị", "phone": "Điện thoại"}, ("Họ tên",), needs_phone=True)
    clean_uploaded(services, record, rules, actor=LOGIN)
    services.stores.close()


def _ask_for_codes(stores: Stores) -> None:
    """Requests that wait for the first officer's approval, are approved, and are their own."""
    second = create_officer(stores, "minh", "Vũ Văn Minh", "bốn từ người thứ hai", actor="command line")
    (first,) = (officer for officer in list_officers(stores) if officer.login == LOGIN)
    now = datetime.now(UTC)
    for asker, decider in ((second, None), (second, first), (first, None)):
        found = ask_for_codes(stores, "hai-long", [CodeRequest(UNIT, 30)], officer=asker, now=now)
        if decider is not None:
            decide(stores, "hai-long", found.number, "approve", officer=decider, now=now)


def recovery_codes(asked: Asked) -> tuple[str, ...]:
    """Ten codes of the officer who has an app; those of an earlier call are worth nothing."""
    (careful,) = (officer for officer in list_officers(asked.stores) if officer.login == APP_LOGIN)
    return renew_recovery_codes(asked.stores, asked.secrets, careful)


def _preview(settings: Settings, stores: Stores) -> None:
    """A preview with an objection, of a round whose edition was being made when the machine stopped."""
    plan = b'plan: 1\nversion: "1"\naggregate: units\nrelease: {embargo_days: 7, approvals: 2}\n'
    edition = sipas_edition((120, 60, 25), slug=PREVIEWED)
    preview_by_hand(settings, stores, edition, plan=plan)
    unit = edition.units[0].code
    raise_objection(stores, PREVIEWED, unit, "Thiếu phiếu của thôn 3.", raised_by="Hà", today=today(), actor="ha")
    with writing(stores.office) as session:
        session.add(
            Job(
                round_slug=PREVIEWED,
                mark="0" * 32,
                kind="preview",
                state="running",
                actor=LOGIN,
                started_by="Nguyễn Thị Lan",
                languages="vi",
                began=datetime(2026, 11, 1, tzinfo=UTC),
                seen=datetime(2026, 11, 1, tzinfo=UTC),
            )
        )


def _seal(asked: Asked) -> None:
    add_round(asked, "niem-phong")
    sealed = replace(asked, slug="niem-phong")
    neutral = {item.code: ["3"] for item in load_bundled("sipas/2017.1").items if item.scale}
    for unit in (UNIT, OTHER_UNIT):
        said = {"comment": ["Chị Lan ở quầy 3 niềm nở, gọi 0912 345 678"]}
        sealed.answer(neutral | said | {"visited": ["yes"], "gave_feedback": ["yes"]}, unit, count=11)
    close_round(asked.stores, "niem-phong")
    seal_round(asked.stores, asked.secrets, asked.vault, asked.settings, "niem-phong")
