"""Rounds that take answers today, for tests of the citizen's pages in the application and in a browser."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from questionnaires.model import Text
from support.beginnings import begin_with
from support.rounds import UNITS_CSV
from survey.intake import receive_ballot, round_open_on
from survey.invitations import CodeRequest, IssuedCode, issue_invitations
from survey.notices import Notice
from survey.questionnaire_library import publish_questionnaire
from survey.round_records import find_round, load_questionnaire_of
from survey.rounds import RoundRequest, create_round, open_round
from survey.secrets import Secrets
from survey.services import today
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.units import import_units
from survey.vault import KeyVault

UNIT = "phuong-a"
OTHER_UNIT = "xa-b"
NOTICE = Notice(
    title=Text("Khảo sát sự hài lòng năm 2026", "Satisfaction survey 2026"),
    issuer=Text("Sở Nội vụ tỉnh Thử", "Department of Home Affairs of Try Province"),
    decision="Quyết định số 12/QĐ-UBND",
    hotline="0203 000 000",
)
# Every kind of item, every way of being asked only sometimes, and every option that stands alone.
ALL_KINDS = """\
questionnaire: 1
name: kinds
version: "1"
title: {vi: Phiếu đủ loại câu hỏi, en: A form with every kind of question}
model_name: Kinds
about: {vi: Xin hãy nhớ lại lần gần đây nhất., en: Please think of the last time.}
scales:
  five:
    - {code: "1", value: 1, label: {vi: Rất không hài lòng, en: Very dissatisfied}}
    - {code: "2", value: 2, label: {vi: Không hài lòng, en: Dissatisfied}}
    - {code: "3", value: 3, label: {vi: Bình thường, en: Neutral}}
    - {code: "4", value: 4, label: {vi: Hài lòng, en: Satisfied}}
    - {code: "5", value: 5, label: {vi: Rất hài lòng, en: Very satisfied}}
sections:
  - code: first
    title: {vi: Lần gần đây nhất, en: The last time}
    items:
      - code: overall
        kind: single
        scale: five
        required: true
        not_applicable: true
        dont_know: true
        text: {vi: Nhìn chung, en: Overall}
        hint: {vi: Nghĩ về cả lần đó., en: Think of the whole visit.}
      - code: why
        kind: multiple
        text: {vi: Điều gì chưa tốt, en: What was not good}
        show_if: {item: overall, any_of: ["1", "2"]}
        options:
          - {code: slow, label: {vi: Chậm, en: Slow}}
          - {code: rude, label: {vi: Thái độ, en: Manners}}
          - {code: none, exclusive: true, label: {vi: Không có gì, en: Nothing}}
      - code: how_slow
        kind: number
        required: true
        minimum: 1
        maximum: 60
        whole: true
        dont_know: true
        text: {vi: Chậm bao nhiêu ngày, en: How many days late}
        show_if: {item: why, any_of: [slow]}
  - code: second
    title: {vi: Phí và lệ phí, en: Fees}
    show_if: {item: overall, any_of: ["1", "2", "3", "4", "5"]}
    items:
      - code: paid
        kind: number
        minimum: 0
        text: {vi: Đã nộp bao nhiêu nghìn đồng, en: How many thousand dong were paid}
  - code: third
    title: {vi: Ý kiến khác, en: Anything else}
    items:
      - {code: main, kind: text, longest: 200, text: {vi: Ông/bà muốn nói thêm gì, en: What would you like to add}}
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A round that is open today, and the codes of its invitations."""

    settings: Settings
    stores: Stores
    secrets: Secrets
    vault: KeyVault
    slug: str

    def codes(self, unit: str = UNIT, count: int = 1, slug: str | None = None) -> list[IssuedCode]:
        return issue_invitations(self.stores, self.secrets, slug or self.slug, [CodeRequest(unit, count)])

    def answer(self, form: dict[str, Sequence[str]], unit: str = UNIT, count: int = 1) -> None:
        """As many citizens answer the same, each with an invitation of their own."""
        from questionnaires.answers import CheckedAnswers, check_answers
        from survey.intake import new_nonce

        record = find_round(self.stores, self.slug)
        questionnaire = load_questionnaire_of(self.stores, record)
        answers = check_answers(questionnaire, form)
        assert isinstance(answers, CheckedAnswers), answers
        opened = round_open_on(record, questionnaire, today())
        for code in self.codes(unit, count):
            outcome = receive_ballot(self.stores, self.secrets, opened, unit, code.typed, new_nonce(), answers)
            assert outcome == "received"


def ask(
    settings: Settings,
    stores: Stores,
    folder: Path,
    *,
    questionnaire: str = "sipas/2017.1",
    units: Sequence[str] = (UNIT, OTHER_UNIT),
    slug: str = "hai-long",
    open_link_cap: int | None = None,
) -> Asked:
    """An instance with one open round; scrypt at its cheapest, because what it costs is tested elsewhere."""
    vault = KeyVault(settings.instance / "keys", settings.passphrase_file.read_bytes().strip(), scrypt_cost=2**14)
    asked = Asked(settings, stores, Secrets(settings.secret_key), vault, slug)
    registry = folder / "units.csv"
    registry.write_text(UNITS_CSV, encoding="utf-8")

    def fill() -> None:
        import_units(stores, registry)
        if questionnaire == "kinds/1":
            publish_questionnaire(stores, ALL_KINDS.encode(), "kinds.yaml", today())
        add_round(asked, slug, questionnaire=questionnaire, units=units, open_link_cap=open_link_cap)

    begin_with(("citizens", questionnaire, tuple(units), slug, open_link_cap, today()), settings, fill)
    return asked


def add_round(
    asked: Asked,
    slug: str,
    *,
    questionnaire: str = "sipas/2017.1",
    units: Sequence[str] = (UNIT, OTHER_UNIT),
    opens_in_days: int = 0,
    is_opened: bool = True,
    open_link_cap: int | None = None,
) -> None:
    """One more round; by default it takes answers from today on."""
    first = today() + dt.timedelta(days=opens_in_days)
    request = RoundRequest(
        slug=slug,
        questionnaire=questionnaire,
        units=f"code={','.join(units)}",
        opens_on=first,
        closes_on=first + dt.timedelta(days=30),
        notice=NOTICE,
        open_link_cap=open_link_cap,
    )
    create_round(asked.stores, request, today())
    if is_opened:
        open_round(asked.stores, asked.vault, slug, today())
