"""A small round that citizens can answer, for tests of collection: two units, five items, its own questionnaire."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from questionnaires.answers import CheckedAnswers, check_answers
from questionnaires.model import Questionnaire
from support.beginnings import begin_with
from survey.intake import OpenRound, new_nonce, receive_ballot, round_open_on
from survey.invitations import CodeRequest, IssuedCode, issue_invitations
from survey.questionnaire_library import publish_questionnaire
from survey.round_records import RoundRecord, find_round, load_questionnaire_of
from survey.rounds import RoundRequest, SourceFile, create_round, open_round
from survey.secrets import Secrets
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.units import import_units
from survey.vault import KeyVault

TODAY = date(2026, 11, 23)
FIRST_DAY = date(2026, 11, 1)
LAST_DAY = date(2026, 12, 31)
SLUG = "thu-2026"
UNITS = ("phuong-a", "xa-b")

QUESTIONNAIRE = """\
questionnaire: 1
name: tiny
version: "1"
title: {vi: Phiếu thử, en: Tiny form}
model_name: Tiny
scales:
  five:
    - {code: s1, value: 1, label: {vi: Rất không hài lòng, en: Very dissatisfied}}
    - {code: s5, value: 5, label: {vi: Rất hài lòng, en: Very satisfied}}
sections:
  - code: all
    title: {vi: Câu hỏi, en: Questions}
    items:
      - {code: q1, kind: single, scale: five, required: true, not_applicable: true, text: {vi: Câu một, en: One}}
      - {code: q2, kind: single, scale: five, text: {vi: Câu hai, en: Two}}
      - code: why
        kind: multiple
        text: {vi: Vì sao, en: Why}
        show_if: {item: q1, any_of: [s1]}
        options:
          - {code: slow, label: {vi: Chậm, en: Slow}}
          - {code: rude, label: {vi: Thô lỗ, en: Rude}}
      - {code: visits, kind: number, minimum: 1, maximum: 20, whole: true, text: {vi: Số lần đến, en: Visits}}
      - {code: say, kind: text, longest: 300, text: {vi: Ý kiến, en: Comment}}
"""
UNITS_CSV = (
    "code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source\n"
    "phuong-a,Phường A,Ward A,ward,Khối địa phương,,2025-07-01,,1000,1.5,thử\n"
    "xa-b,Xã B,Commune B,commune,Khối địa phương,,2025-07-01,,2000,20,thử\n"
    "xa-c,Xã C,Commune C,commune,Khối địa phương,,2025-07-01,,3000,20,thử\n"
)
DESIGN = b"design: 1\nstrata: [unit]\n"


@dataclass(frozen=True, slots=True)
class Collection:
    """An instance with one round, and everything needed to answer and to seal it."""

    settings: Settings
    stores: Stores
    secrets: Secrets
    vault: KeyVault

    @property
    def record(self) -> RoundRecord:
        return find_round(self.stores, SLUG)

    @property
    def questionnaire(self) -> Questionnaire:
        return load_questionnaire_of(self.stores, self.record)

    @property
    def open_round(self) -> OpenRound:
        return round_open_on(self.record, self.questionnaire, TODAY)

    def codes(self, unit: str, count: int, **labels: str) -> list[IssuedCode]:
        return issue_invitations(self.stores, self.secrets, SLUG, [CodeRequest(unit, count, **labels)])

    def answers(self, **form: str) -> CheckedAnswers:
        checked = check_answers(self.questionnaire, {name: [value] for name, value in ({"q1": "s5"} | form).items()})
        assert isinstance(checked, CheckedAnswers), checked
        return checked

    def send(self, unit: str, code: str, nonce: str | None = None, **form: str) -> str:
        return receive_ballot(
            self.stores, self.secrets, self.open_round, unit, code, nonce or new_nonce(), self.answers(**form)
        )


def planned_collection(
    settings: Settings, stores: Stores, folder: Path, *, plan: bytes | None = None, design: bytes = DESIGN
) -> Collection:
    """A round in draft; scrypt at its cheapest, because what it costs is tested elsewhere."""
    units = folder / "units.csv"
    units.write_text(UNITS_CSV, encoding="utf-8")

    def fill() -> None:
        import_units(stores, units)
        publish_questionnaire(stores, QUESTIONNAIRE.encode(), "tiny.yaml", TODAY)
        request = RoundRequest(
            slug=SLUG,
            questionnaire="tiny/1",
            units=f"code={','.join(UNITS)}",
            opens_on=FIRST_DAY,
            closes_on=LAST_DAY,
            design=SourceFile(design, "design.yaml"),
            plan=SourceFile(plan, "plan.yaml") if plan else None,
        )
        create_round(stores, request, TODAY)

    begin_with(("planned round", plan, design), settings, fill)
    passphrase = settings.passphrase_file.read_bytes().strip()
    vault = KeyVault(settings.instance / "keys", passphrase, scrypt_cost=2**14)
    return Collection(settings, stores, Secrets(settings.secret_key), vault)


def open_collection(
    settings: Settings, stores: Stores, folder: Path, *, plan: bytes | None = None, design: bytes = DESIGN
) -> Collection:
    """The round, open."""
    collection = planned_collection(settings, stores, folder, plan=plan, design=design)
    begin_with("opened round", settings, lambda: open_round(stores, collection.vault, SLUG, TODAY))
    return collection
