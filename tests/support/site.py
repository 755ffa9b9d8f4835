"""One instance that has every page: rounds in every state, several units, open links, five languages, a result."""

from dataclasses import replace
from pathlib import Path

from questionnaires.library import load_bundled
from support.citizens import OTHER_UNIT, UNIT, Asked, add_round, ask
from support.firms import COMMUNES, SLUG, add_firm_round, import_firms
from support.office import LOGIN, PASSWORD
from support.published import publish_by_hand, sipas_edition
from survey.account import renew_recovery_codes
from survey.custody import NewCustodian, entrust_key
from survey.officers import create_officer, list_officers
from survey.reconciling import halt_restored_rounds
from survey.rounds import close_round
from survey.sealing import seal_round
from survey.second_factor import keep_second_factor, new_key
from survey.settings import Settings
from survey.shares import share_passphrase
from survey.storage.sessions import writing
from survey.storage.stores import Stores

# The shortest that is asked in all of them.
FIVE_LANGUAGES = "brand/2026.2"
CHEAP = 2**14
# Whoever has an app, and what stands in for it without a clock.
APP_LOGIN, APP_PASSWORD = "binh", "bốn từ và một mã"
CUSTODIANS = ("Nguyễn Thị An", "Trần Văn Bình", "Lê Thị Chi")


def build_site(settings: Settings, stores: Stores, folder: Path) -> Asked:
    """The instance; its officer is the one of support.office, and there is another one who has an app.

    `hai-long` has every kind of question, `nam-tieng` five languages, `sipas` the most questions, `mo` an open link;
    `nhap` is a draft, `chia-khoa` one with custodians; `sau` begins later, `dung` is halted, `het` closed,
    `niem-phong` sealed, `sipas-2026` published. Several units are rated in support.firms.SLUG and, in five languages,
    in `ddci`.
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
    add_round(asked, "het", questionnaire="kinds/1")
    close_round(stores, "het")
    _seal(asked)
    publish_by_hand(settings, stores, sipas_edition())
    create_officer(stores, LOGIN, "Nguyễn Thị Lan", PASSWORD, actor="command line")
    careful = create_officer(stores, APP_LOGIN, "Phạm Thị Bình", APP_PASSWORD, actor="command line")
    with writing(stores.office) as session:
        keep_second_factor(session, asked.secrets, careful.id, new_key(), step=0)
    return asked


def recovery_codes(asked: Asked) -> tuple[str, ...]:
    """Ten codes of the officer who has an app; those of an earlier call are worth nothing."""
    (careful,) = (officer for officer in list_officers(asked.stores) if officer.login == APP_LOGIN)
    return renew_recovery_codes(asked.stores, asked.secrets, careful)


def _seal(asked: Asked) -> None:
    add_round(asked, "niem-phong")
    sealed = replace(asked, slug="niem-phong")
    neutral = {item.code: ["3"] for item in load_bundled("sipas/2017.1").items if item.scale}
    for unit in (UNIT, OTHER_UNIT):
        sealed.answer(neutral | {"visited": ["yes"], "gave_feedback": ["yes"]}, unit, count=11)
    close_round(asked.stores, "niem-phong")
    seal_round(asked.stores, asked.secrets, asked.vault, asked.settings, "niem-phong")
