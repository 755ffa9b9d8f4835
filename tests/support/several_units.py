"""A small round in which one form rates up to three of four units, sampled in strata and PSUs, with a module."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from questionnaires.answers import CheckedAnswers, check_answers
from questionnaires.model import Questionnaire
from support.beginnings import begin_with
from survey.intake import new_nonce, receive_ballot, round_open_on
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
LAST_DAY = date(2026, 12, 31)
SLUG = "ddci-thu"
UNITS = ("so-a", "so-b", "so-c", "xa-d")

HOST = """\
questionnaire: 1
name: firms
version: "2"
title: {vi: Phiếu doanh nghiệp, en: Form of firms}
model_name: Firms
most_units: 3
scales:
  five:
    - {code: "1", value: 1, label: {vi: Kém, en: Bad}}
    - {code: "5", value: 5, label: {vi: Tốt, en: Good}}
sections:
  - code: firm
    title: {vi: Doanh nghiệp, en: Firm}
    items:
      - {code: has_land, kind: single, required: true, text: {vi: Có thuê đất, en: Rents land},
         options: [{code: "yes", label: {vi: Có, en: "Yes"}}, {code: "no", label: {vi: Không, en: "No"}}]}
      - {code: years, kind: number, minimum: 0, maximum: 99, whole: true, bands: [0, 5, 10], text: {vi: Tuổi, en: Age}}
  - code: service
    per_unit: true
    title: {vi: Phục vụ, en: Service}
    items:
      - {code: clear, kind: single, scale: five, required: true, text: {vi: Rõ ràng, en: Clear}}
      - {code: land, kind: single, scale: five, show_if: {item: has_land, any_of: ["yes"]}, text: {vi: Đất, en: Land}}
      - {code: why, kind: text, longest: 100, text: {vi: Vì sao, en: Why}}
  - code: last
    title: {vi: Khác, en: Else}
    items:
      - {code: say, kind: text, longest: 100, text: {vi: Ý kiến, en: Comment}}
index:
  label: {vi: Chỉ số, en: Index}
  factors:
    - {code: f, label: {vi: Yếu tố, en: Factor}, criteria: [{item: clear, source: ours}]}
profiles:
  - {name: mean, label: {vi: Trung bình, en: Mean}, formula: mean_of_maximum, confirmed: false, source: ours}
default_profile: mean
"""
MODULE = """\
questionnaire: 1
name: name
version: "1"
title: {vi: Khẩu hiệu, en: Motto}
model_name: Motto
scales:
  three:
    - {code: "1", value: 1, label: {vi: Không, en: "No"}}
    - {code: "3", value: 3, label: {vi: Có, en: "Yes"}}
sections:
  - code: motto
    title: {vi: Khẩu hiệu, en: Motto}
    items:
      - {code: knows, kind: single, scale: three, text: {vi: Biết, en: Known}}
index:
  label: {vi: Nhận biết, en: Recognition}
  factors:
    - {code: m, label: {vi: Yếu tố, en: Factor}, criteria: [{item: knows, source: ours}]}
profiles:
  - {name: mean, label: {vi: Trung bình, en: Mean}, formula: mean_of_maximum, confirmed: false, source: ours}
default_profile: mean
"""
UNITS_CSV = (
    "code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source,bloc_code,bloc_en\n"
    "so-a,Sở A,Department A,department,Khối sở,,,,,,thử,so,Departments\n"
    "so-b,Sở B,Department B,department,Khối sở,,,,,,thử,so,Departments\n"
    "so-c,Sở C,Department C,department,Khối sở,,,,,,thử,so,Departments\n"
    "xa-d,Xã D,Commune D,commune,Khối xã,,,,,,thử,xa,Communes\n"
    "xa-e,Xã E,Commune E,commune,Khối xã,,,,,,thử,xa,Communes\n"
)
# The names of PSUs are such as no other text in an archive could hold.
PSUS = ("Khu Zkqx Một", "Khu Zkqx Hai", "Khu Zkqx Ba")
DESIGN = """\
design: 1
# A note that names Khu Zkqx Một as well.
strata: [stratum]
clusters: [psu]
cells:
  - {stratum: lớn, psu: "Khu Zkqx Một", population: 40, probability: 0.5}
  - {stratum: lớn, psu: "Khu Zkqx Hai", population: 60, probability: 0.25}
  - {stratum: nhỏ, psu: "Khu Zkqx Ba", population: 30}
"""


class Firms:
    """An instance with one such round, and everything needed to answer and to seal it."""

    def __init__(self, settings: Settings, stores: Stores, folder: Path, design: str | None = DESIGN) -> None:
        self.settings, self.stores = settings, stores
        self.secrets = Secrets(settings.secret_key)
        passphrase = settings.passphrase_file.read_bytes().strip()
        self.vault = KeyVault(settings.instance / "keys", passphrase, scrypt_cost=2**14)
        units = folder / "units.csv"
        units.write_text(UNITS_CSV, encoding="utf-8")
        begin_with(("several units", design), settings, lambda: self._fill(units, design))

    def _fill(self, units: Path, design: str | None) -> None:
        stores = self.stores
        import_units(stores, units)
        for source in (HOST, MODULE):
            publish_questionnaire(stores, source.encode(), "form.yaml", TODAY)
        create_round(
            stores,
            RoundRequest(
                slug=SLUG,
                questionnaire="firms/2",
                modules=("name/1",),
                units=f"code={','.join(UNITS)}",
                opens_on=TODAY,
                closes_on=LAST_DAY,
                design=SourceFile(design.encode(), "design.yaml") if design else None,
            ),
            TODAY,
        )
        open_round(stores, self.vault, SLUG, TODAY)

    @property
    def record(self) -> RoundRecord:
        return find_round(self.stores, SLUG)

    @property
    def questionnaire(self) -> Questionnaire:
        return load_questionnaire_of(self.stores, self.record)

    def codes(self, count: int, psu: str = PSUS[0], stratum: str = "lớn", channel: str = "slip") -> list[IssuedCode]:
        request = CodeRequest("", count, stratum=stratum, psu=psu, channel=channel)
        return issue_invitations(self.stores, self.secrets, SLUG, [request])

    def answers(self, ratings: Mapping[str, str], **common: str) -> CheckedAnswers:
        """Checked answers that rate units as `ratings` says; what is not given in `common` is not answered."""
        form = {"has_land": "no", **common, **{f"{unit}.clear": code for unit, code in ratings.items()}}
        form |= {f"{unit}.why": f"vì {unit} {common['say']}" for unit in ratings if "say" in common}
        checked = check_answers(self.questionnaire, {name: [value] for name, value in form.items()}, tuple(ratings))
        assert isinstance(checked, CheckedAnswers), checked
        return checked

    def send(self, code: IssuedCode, ratings: Mapping[str, str], **common: str) -> str:
        open_today = round_open_on(self.record, self.questionnaire, TODAY)
        answers = self.answers(ratings, **common)
        return receive_ballot(self.stores, self.secrets, open_today, "", code.qr, new_nonce(), answers)
