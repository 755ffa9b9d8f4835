"""Rounds in which one form rates several units, for tests of the citizen's pages: nine units in two blocs."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from questionnaires.answers import CheckedAnswers, check_answers
from support.beginnings import begin_with
from support.citizens import NOTICE, Asked
from survey.intake import new_nonce, receive_ballot, round_open_on
from survey.invitations import CodeRequest, IssuedCode, issue_invitations
from survey.questionnaire_library import publish_questionnaire
from survey.round_records import find_round, load_questionnaire_of
from survey.rounds import RoundRequest, create_round, open_round
from survey.secrets import Secrets
from survey.services import today
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.units import import_units
from survey.vault import KeyVault

SLUG = "doanh-nghiep"
DEPARTMENTS = ("so-cong-thuong", "so-tai-chinh", "so-xay-dung", "so-y-te")
COMMUNES = ("06652", "06658", "06661", "06673", "06712")
MOST_UNITS = 3
# Questions asked once stand before and after those that are asked for each unit; one of each hangs on another.
FIRMS = """\
questionnaire: 1
name: firms
version: "1"
title: {vi: Ý kiến của doanh nghiệp, en: What firms say}
model_name: Firms
about: {vi: Xin hãy nghĩ về 12 tháng qua., en: Please think of the last 12 months.}
most_units: 3
scales:
  five:
    - {code: "1", value: 1, label: {vi: Rất không đồng ý, en: Strongly disagree}}
    - {code: "2", value: 2, label: {vi: Không đồng ý, en: Disagree}}
    - {code: "3", value: 3, label: {vi: Phân vân, en: Undecided}}
    - {code: "4", value: 4, label: {vi: Đồng ý, en: Agree}}
    - {code: "5", value: 5, label: {vi: Rất đồng ý, en: Strongly agree}}
sections:
  - code: firm
    title: {vi: Về doanh nghiệp, en: About your firm}
    items:
      - code: has_land
        kind: single
        required: true
        text: {vi: Doanh nghiệp có thuê đất không, en: Does your firm rent land}
        options: [{code: "yes", label: {vi: Có, en: "Yes"}}, {code: "no", label: {vi: Không, en: "No"}}]
  - code: service
    per_unit: true
    title: {vi: Cách phục vụ, en: How it serves}
    items:
      - {code: clear, kind: single, scale: five, required: true, dont_know: true,
         text: {vi: Hướng dẫn rõ ràng, en: Guidance is clear}}
      - code: unclear
        kind: multiple
        text: {vi: Điều gì chưa rõ, en: What was unclear}
        show_if: {item: clear, any_of: ["1", "2"]}
        options:
          - {code: forms, label: {vi: Biểu mẫu, en: Forms}}
          - {code: fees, label: {vi: Phí, en: Fees}}
          - {code: nothing, exclusive: true, label: {vi: Không có gì, en: Nothing}}
      - {code: visits, kind: number, minimum: 1, maximum: 99, whole: true, text: {vi: Số lần đến, en: Number of visits}}
  - code: land
    per_unit: true
    title: {vi: Đất đai, en: Land}
    show_if: {item: has_land, any_of: ["yes"]}
    items:
      - {code: land_fast, kind: single, scale: five, text: {vi: Thủ tục đất đai nhanh, en: Land procedures are fast}}
      - {code: land_say, kind: text, longest: 200, text: {vi: Ý kiến về đất đai, en: Comments on land}}
  - code: last
    title: {vi: Ý kiến khác, en: Anything else}
    items:
      - {code: say, kind: text, longest: 200, text: {vi: Doanh nghiệp muốn nói thêm gì, en: What would you add}}
"""
UNITS = """\
code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source,bloc_code,bloc_en
so-y-te,Sở Y tế,Department of Health,department,Khối sở,,,,,,thử,so,Departments
so-xay-dung,Sở Xây dựng,Department of Construction,department,Khối sở,,,,,,thử,so,Departments
so-tai-chinh,Sở Tài chính,Department of Finance,department,Khối sở,,,,,,thử,so,Departments
so-cong-thuong,Sở Công Thương,Department of Industry and Trade,department,Khối sở,,,,,,thử,so,Departments
06652,Phường Hà Tu,Ha Tu Ward,ward,Khối phường xã,,2025-07-01,,,,thử,phuong-xa,Localities
06658,Phường Cao Xanh,Cao Xanh Ward,ward,Khối phường xã,,2025-07-01,,,,thử,phuong-xa,Localities
06661,Phường Việt Hưng,Viet Hung Ward,ward,Khối phường xã,,2025-07-01,,,,thử,phuong-xa,Localities
06673,Phường Bãi Cháy,Bai Chay Ward,ward,Khối phường xã,,2025-07-01,,,,thử,phuong-xa,Localities
06712,Xã Đường Hoa,Duong Hoa Commune,commune,Khối phường xã,,2025-07-01,,,,thử,phuong-xa,Localities
cu-1,Phường Hùng Thắng,Hung Thang Ward,ward,Khối phường xã,,,2025-06-30,,,thử,phuong-xa,Localities
"""
SUCCESSION = """\
predecessor_code,successor_code,effective_date,relation,source
cu-1,06673,2025-07-01,merge,thử
"""
PROCEDURES = """\
unit,procedure_vi,procedure_en
so-xay-dung,Cấp giấy phép xây dựng,Building permit
"kind=ward,commune",Đăng ký hộ kinh doanh,Registration of a household business
"""


def ask_firms(settings: Settings, stores: Stores, folder: Path) -> Asked:
    """An instance with one open round that rates several units, and former places and procedures to find them by."""
    vault = KeyVault(settings.instance / "keys", settings.passphrase_file.read_bytes().strip(), scrypt_cost=2**14)
    asked = Asked(settings, stores, Secrets(settings.secret_key), vault, SLUG)

    files = write_firms(folder)

    def fill() -> None:
        _import(stores, files)
        add_firm_round(asked, SLUG)

    begin_with(("firms", today()), settings, fill)
    return asked


def import_firms(stores: Stores, folder: Path) -> None:
    """The nine units with what they are found by, and the questionnaire that rates at most three of them."""
    _import(stores, write_firms(folder))


def write_firms(folder: Path) -> list[Path]:
    """The files of the registry: units, successions and procedures."""
    files = {"firm-units.csv": UNITS, "succession.csv": SUCCESSION, "procedures.csv": PROCEDURES}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def _import(stores: Stores, files: Sequence[Path]) -> None:
    import_units(stores, *files)
    publish_questionnaire(stores, FIRMS.encode(), "firms.yaml", today())


def add_firm_round(asked: Asked, slug: str, questionnaire: str = "firms/1", modules: tuple[str, ...] = ()) -> None:
    """One more open round for all nine units."""
    request = RoundRequest(
        slug=slug,
        questionnaire=questionnaire,
        units=f"code={','.join((*DEPARTMENTS, *COMMUNES))}",
        opens_on=today(),
        closes_on=today() + dt.timedelta(days=30),
        notice=NOTICE,
        modules=modules,
    )
    create_round(asked.stores, request, today())
    open_round(asked.stores, asked.vault, slug, today())


def firm_codes(asked: Asked, count: int = 1, slug: str = SLUG) -> list[IssuedCode]:
    """Invitations of a round that rates several units; they name none."""
    return issue_invitations(asked.stores, asked.secrets, slug, [CodeRequest("", count)])


def rate_elsewhere(asked: Asked, code: IssuedCode) -> None:
    """Another firm's form, about one unit that no test chooses, sent with this code."""
    record = find_round(asked.stores, code.round_slug)
    questionnaire = load_questionnaire_of(asked.stores, record)
    answers = check_answers(questionnaire, {"has_land": ["no"], "06652.clear": ["3"]}, ["06652"])
    assert isinstance(answers, CheckedAnswers), answers
    round_today = round_open_on(record, questionnaire, today())
    outcome = receive_ballot(asked.stores, asked.secrets, round_today, "", code.qr, new_nonce(), answers)
    assert outcome == "received"
