"""How a round is set up beside what the round itself says, and the checklist that is green before it opens."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Literal, get_args

from survey.errors import BadInput
from survey.round_records import RoundRecord, load_questionnaire_of
from survey.services import Services
from survey.storage.audit import record_event
from survey.storage.sessions import reading, writing
from survey.storage.setups import RoundSetup
from survey.storage.stores import Stores
from survey.texts import CITIZEN_LANGUAGES

KeyHolding = Literal["people", "machine"]
Check = Literal["dates", "units", "way_in", "notice", "custody", "test", "capacity"]
CHECKS: tuple[Check, ...] = get_args(Check)
CHANNELS = ("slip", "tablet", "post", "phone", "online", "open_link", "paper")
# Answers a second that were measured on two cores with everything checked, sealed and committed; half of it is planned.
MEASURED_PER_SECOND: Mapping[str, float] = {"sqlite": 60.0, "postgresql": 100.0}
SHARE_OF_MEASURED = 0.5
# Half of a day's answers come within two hours, and the busiest day has three times the mean.
BUSY_SECONDS = 2 * 3600.0
BUSIEST_DAY = 3.0
BYTES_AN_ANSWER = 20_000
FREE_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SizeQuestion:
    """What the sample-size calculator is asked: as `analysis.estimation.sample_sizes.Precision` has it."""

    rule: Literal["honest", "circular", "fixed"] = "honest"
    margin: float = 0.05
    share: float = 0.85
    response: float = 0.7
    deff: float = 1.0
    fixed: int = 100


@dataclass(frozen=True, slots=True)
class Setup:
    """How a round is asked. `languages` that are empty mean all that its questionnaire has; `key_holding` is None
    until somebody chose, `n_asked` until somebody planned how many people to ask. `tested_by` tried the questions as
    they are now; it is empty where nobody did.
    """

    channels: tuple[str, ...] = ("slip",)
    languages: tuple[str, ...] = ()
    key_holding: KeyHolding | None = None
    sizes: SizeQuestion = SizeQuestion()
    n_asked: int | None = None
    tested_by: str = ""
    tested_on: date | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A line of the checklist: whether it is green, and the end of the key of the sentence that says what it found."""

    name: Check
    is_green: bool
    finding: str
    values: Mapping[str, object]


def setup_of(stores: Stores, record: RoundRecord) -> Setup:
    """How a round is set up; the usual values where nobody has said anything."""
    with reading(stores.office) as session:
        row = session.get(RoundSetup, record.slug)
        if row is None:
            return Setup()
        is_current = row.tested_mark == mark_of_test(record)
        return Setup(
            channels=tuple(filter(None, row.channels.split(","))),
            languages=tuple(filter(None, row.languages.split(","))),
            key_holding=_holding(row.key_holding),
            sizes=SizeQuestion(**json.loads(row.sizes)) if row.sizes else SizeQuestion(),
            n_asked=row.n_asked,
            tested_by=row.tested_by if is_current else "",
            tested_on=row.tested_on if is_current else None,
        )


def languages_of(stores: Stores, slug: str) -> tuple[str, ...]:
    """The languages that a round is asked in; none where all of its questionnaire's are meant."""
    with reading(stores.office) as session:
        row = session.get(RoundSetup, slug)
        return tuple(filter(None, row.languages.split(","))) if row is not None else ()


def keep_setup(stores: Stores, record: RoundRecord, setup: Setup, *, actor: str) -> None:
    """Write down how a draft is set up; who tried it is kept apart (`record_test`). Raises BadInput."""
    strange = [name for name in setup.channels if name not in CHANNELS]
    if strange or not setup.channels:
        raise BadInput(f"channels: found {strange[:1] or 'none'}, expected one or more of {', '.join(CHANNELS)}")
    if setup.languages and ("vi" not in setup.languages or set(setup.languages) - set(CITIZEN_LANGUAGES)):
        raise BadInput("languages: expected Vietnamese and some of the languages that citizens are asked in")
    with writing(stores.office) as session:
        row = session.get(RoundSetup, record.slug)
        if row is None:
            row = RoundSetup(round_slug=record.slug, tested_mark="", tested_by="")
            session.add(row)
        row.channels = ",".join(setup.channels)
        row.languages = ",".join(setup.languages)
        row.key_holding = setup.key_holding or ""
        row.sizes = json.dumps(asdict(setup.sizes))
        row.n_asked = setup.n_asked
        record_event(session, actor, "round.set_up", record.slug)


def record_test(stores: Stores, record: RoundRecord, name: str, today: date, *, actor: str) -> None:
    """Write down that somebody filled in the form of a draft, read its notice, and found both right."""
    with writing(stores.office) as session:
        row = session.get(RoundSetup, record.slug)
        if row is None:
            row = RoundSetup(round_slug=record.slug, channels="slip", languages="", key_holding="", sizes="")
            session.add(row)
        row.tested_mark, row.tested_by, row.tested_on = mark_of_test(record), name, today
        record_event(session, actor, "round.tested", record.slug)


def mark_of_test(record: RoundRecord) -> str:
    """The SHA-256 of what a citizen is shown: another question or another line of the notice has another one."""
    shown = (
        record.questionnaire_hash, record.title.vi, record.title.en, record.issuer.vi, record.issuer.en,
        record.decision, record.hotline,
    )  # fmt: skip
    return hashlib.sha256(json.dumps(shown, ensure_ascii=False).encode()).hexdigest()


def choose_machine(stores: Stores, record: RoundRecord, *, actor: str) -> None:
    """Write down that the key of a draft stays on this machine, as somebody who knows what that means has chosen."""
    keep_setup(stores, record, replace(setup_of(stores, record), key_holding="machine"), actor=actor)


def checklist(services: Services, record: RoundRecord, today: date) -> tuple[CheckResult, ...]:
    """Every line of the checklist of a draft, in order."""
    setup = setup_of(services.stores, record)
    return (
        _dates(record, today),
        _units(services.stores, record),
        _way_in(record, setup),
        _notice(record),
        _custody(record, setup),
        CheckResult("test", bool(setup.tested_by), "done" if setup.tested_by else "missing", {
            "name": setup.tested_by, "on": setup.tested_on,
        }),
        _capacity(services, record, setup),
    )  # fmt: skip


def is_ready(services: Services, record: RoundRecord, today: date) -> bool:
    """Whether a draft may open: every line of its checklist is green."""
    return all(line.is_green for line in checklist(services, record, today))


def _dates(record: RoundRecord, today: date) -> CheckResult:
    is_over = record.closes_on < today
    days = (record.closes_on - max(record.opens_on, today)).days + 1
    return CheckResult("dates", not is_over, "over" if is_over else "sound", {"days": days})


def _units(stores: Stores, record: RoundRecord) -> CheckResult:
    from survey.round_sources import sources_of_round

    outline = sources_of_round(stores, record).design
    wrong = len(outline.uncounted) + len(outline.strange)
    found = "uncounted" if wrong else "sound"
    return CheckResult("units", not wrong, found, {"count": wrong or len(record.unit_codes)})


def _way_in(record: RoundRecord, setup: Setup) -> CheckResult:
    if "open_link" in setup.channels and record.open_link_cap is None:
        return CheckResult("way_in", False, "no_cap", {})
    return CheckResult("way_in", bool(setup.channels), "sound", {"channels": setup.channels})


def _notice(record: RoundRecord) -> CheckResult:
    lacking = [
        name
        for name, text in (
            ("issuer_vi", record.issuer.vi), ("issuer_en", record.issuer.en), ("hotline", record.hotline),
        )
        if not text
    ]  # fmt: skip
    return CheckResult("notice", not lacking, "lacking" if lacking else "sound", {"lacking": lacking})


def _custody(record: RoundRecord, setup: Setup) -> CheckResult:
    if record.custody is not None:
        values = {"need": record.custody.need, "shares": len(record.custody.custodians)}
        return CheckResult(
            "custody", record.custody.is_tried, "tried" if record.custody.is_tried else "untried", values
        )
    if setup.key_holding == "machine":
        return CheckResult("custody", True, "machine", {})
    return CheckResult("custody", False, "unnamed" if setup.key_holding == "people" else "unchosen", {})


def _capacity(services: Services, record: RoundRecord, setup: Setup) -> CheckResult:
    """Whether the server is quick and large enough for the answers that are planned."""
    days = max((record.closes_on - record.opens_on).days + 1, 1)
    planned = setup.n_asked or 0
    open_link = (record.open_link_cap or 0) * len(record.unit_codes)
    answers = planned * setup.sizes.response + open_link * days
    peak = (answers / days * BUSIEST_DAY / 2) / BUSY_SECONDS
    most = MEASURED_PER_SECOND.get(services.stores.intake.dialect.name, 60.0) * SHARE_OF_MEASURED
    free = shutil.disk_usage(services.settings.instance).free
    needed = answers * BYTES_AN_ANSWER + FREE_BYTES
    values = {"answers": round(answers), "peak": peak, "most": most, "free": free / 1e9, "needed": needed / 1e9}
    if not planned and not open_link:
        return CheckResult("capacity", False, "unplanned", values)
    finding = "slow" if peak > most else "full" if needed > free else "sound"
    return CheckResult("capacity", finding == "sound", finding, values)


def _holding(word: str) -> KeyHolding | None:
    return "people" if word == "people" else "machine" if word == "machine" else None


def offered_languages(stores: Stores, record: RoundRecord) -> tuple[str, ...]:
    """The languages that a round's questionnaire is written in, Vietnamese first."""
    return load_questionnaire_of(stores, record).languages
