"""Rounds as the stores have them, read as values that outlive their session."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.archive_records import Collected
from questionnaires.errors import QuestionnaireError
from questionnaires.model import Questionnaire, Text
from survey.errors import BadInput, NotFound, WrongState
from survey.questionnaire_library import find_questionnaire
from survey.storage.office import Custodian, Edition, Round, RoundUnit, Unit
from survey.storage.sessions import reading
from survey.storage.stores import Stores
from survey.units import UnitRecord, units_on

RoundState = Literal["draft", "open", "closed", "sealed", "published"]


@dataclass(frozen=True, slots=True)
class CustodianRecord:
    """Who holds a share: its number, its public point (65 bytes), and the days it was last tried and was destroyed."""

    number: int
    name: str
    share_key: bytes
    tried_on: date | None
    destroyed_on: date | None


@dataclass(frozen=True, slots=True)
class Custody:
    """A key that is nowhere whole: `need` of the custodians' shares give it."""

    need: int
    custodians: tuple[CustodianRecord, ...]

    @property
    def is_tried(self) -> bool:
        """Whether enough shares have given the key, so that the round may open."""
        return sum(custodian.tried_on is not None for custodian in self.custodians) >= self.need

    @property
    def n_destroyed(self) -> int:
        """How many shares are said to be destroyed."""
        return sum(custodian.destroyed_on is not None for custodian in self.custodians)

    @property
    def n_to_destroy(self) -> int:
        """How many more have to be destroyed until too few are left to give the key; 0 once it is gone for good."""
        return max(0, len(self.custodians) - self.need + 1 - self.n_destroyed)


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """A round as the stores have it."""

    slug: str
    title: Text
    questionnaire_reference: str
    questionnaire_hash: str
    opens_on: date
    closes_on: date
    state: RoundState
    design_source: bytes
    plan_source: bytes
    issuer: Text
    decision: str
    hotline: str
    ballot_public_key: bytes | None
    comments_public_key: bytes | None
    key_fingerprint: str | None
    archive_hash: str | None
    n_sealed: int | None
    n_rejected: int | None
    is_imported: bool
    unit_codes: tuple[str, ...]
    module_references: tuple[str, ...]
    is_simulated: bool
    is_halted: bool
    untagged_mark: bytes | None
    custody: Custody | None = None
    open_link_cap: int | None = None

    @property
    def collected(self) -> Collected:
        """Where its answers come from: what pages and PDFs have to say of a simulated round."""
        if self.is_simulated:
            return "simulated"
        return "elsewhere" if self.is_imported else "here"

    def accepts_answers_on(self, day: date) -> bool:
        """Whether a citizen may answer on that day; both the first and the last day count. A halted round is shut."""
        return self.state == "open" and not self.is_halted and self.opens_on <= day <= self.closes_on


@dataclass(frozen=True, slots=True)
class EditionRecord:
    """An edition of a round; `manifest_hash` is the SHA-256 of its manifest."""

    number: int
    reason: str | None
    published_on: date
    manifest_hash: str


def editions_of(stores: Stores, slug: str) -> tuple[EditionRecord, ...]:
    """The editions of a round, the first one first."""
    with reading(stores.office) as session:
        rows = session.scalars(select(Edition).where(Edition.round_slug == slug).order_by(Edition.number))
        return tuple(EditionRecord(row.number, row.reason, row.published_on, row.manifest_hash) for row in rows)


def find_round(stores: Stores, slug: str) -> RoundRecord:
    """The round of that name; NotFound when there is none."""
    with reading(stores.office) as session:
        row = session.get(Round, slug)
        if row is None:
            raise NotFound(f"found no round {slug[:60]!r}, expected one that `hailong round status` knows")
        codes = session.scalars(
            select(RoundUnit.unit_code).where(RoundUnit.round_slug == slug).order_by(RoundUnit.unit_code)
        )
        return _record_of(row, codes, _custodians_of(session, row))


def list_rounds(stores: Stores) -> tuple[RoundRecord, ...]:
    """All rounds, the one that begins last first."""
    with reading(stores.office) as session:
        codes: dict[str, list[str]] = {}
        for slug, code in session.execute(
            select(RoundUnit.round_slug, RoundUnit.unit_code).order_by(RoundUnit.unit_code)
        ):
            codes.setdefault(slug, []).append(code)
        rows = session.scalars(select(Round).order_by(Round.opens_on.desc(), Round.slug)).all()
        return tuple(_record_of(row, codes.get(row.slug, ()), _custodians_of(session, row)) for row in rows)


def units_of_round(stores: Stores, record: RoundRecord) -> tuple[UnitRecord, ...]:
    """The units that a round is about, by code."""
    codes = frozenset(record.unit_codes)
    return tuple(unit for unit in units_on(stores, None) if unit.code in codes)


def unit_names_of(stores: Stores, record: RoundRecord) -> dict[str, Text]:
    """The names of the units that a round is about, by code."""
    unit = Unit.__table__.c
    codes = frozenset(record.unit_codes)
    with reading(stores.office) as session:
        rows = session.execute(select(unit.code, unit.name_vi, unit.name_en).order_by(unit.code))
        return {code: Text(vi, en) for code, vi, en in rows if code in codes}


def load_questionnaire_of(stores: Stores, record: RoundRecord) -> Questionnaire:
    """What a round asks: its questionnaire with its modules; WrongState when a text is no longer as it was then."""
    questionnaire = questionnaire_with_modules(stores, record.questionnaire_reference, record.module_references)
    if questionnaire.content_hash != record.questionnaire_hash:
        texts = " with ".join((record.questionnaire_reference, *record.module_references))
        raise WrongState(
            f"the round {record.slug}: found {texts} with sha256 "
            f"{questionnaire.content_hash[:12]}, expected {record.questionnaire_hash[:12]} as when it was created"
        )
    return questionnaire


def questionnaire_with_modules(stores: Stores, reference: str, modules: Sequence[str]) -> Questionnaire:
    """A published questionnaire with published modules attached; BadInput when they cannot be asked together."""
    questionnaire = find_questionnaire(stores, reference)
    if not modules:
        return questionnaire
    from questionnaires.modules import attach

    try:
        return attach(questionnaire, [find_questionnaire(stores, module) for module in modules])
    except QuestionnaireError as complaint:
        raise BadInput(f"modules: {complaint}") from None


def _custodians_of(session: Session, row: Round) -> Sequence[Custodian]:
    # Pages ask for rounds all the time, and most have one key on the machine: they cost no second look.
    if row.shares_needed is None:
        return ()
    query = select(Custodian).where(Custodian.round_slug == row.slug).order_by(Custodian.number)
    return session.scalars(query).all()


def _custody_of(row: Round, custodians: Sequence[Custodian]) -> Custody | None:
    if row.shares_needed is None:
        return None
    return Custody(
        row.shares_needed,
        tuple(
            CustodianRecord(found.number, found.name, found.share_key, found.tried_on, found.destroyed_on)
            for found in custodians
        ),
    )


def _record_of(row: Round, codes: Iterable[str], custodians: Sequence[Custodian]) -> RoundRecord:
    return RoundRecord(
        slug=row.slug,
        title=Text(row.title_vi, row.title_en),
        questionnaire_reference=f"{row.questionnaire_name}/{row.questionnaire_version}",
        questionnaire_hash=row.questionnaire_hash,
        opens_on=row.opens_on,
        closes_on=row.closes_on,
        state=cast(RoundState, row.state),
        design_source=row.design_yaml.encode(),
        plan_source=row.plan_yaml.encode(),
        issuer=Text(row.issuer_vi, row.issuer_en),
        decision=row.decision,
        hotline=row.hotline,
        ballot_public_key=row.ballot_public_key,
        comments_public_key=row.comments_public_key,
        key_fingerprint=row.key_fingerprint,
        archive_hash=row.archive_hash,
        n_sealed=row.n_sealed,
        n_rejected=row.n_rejected,
        is_imported=row.imported,
        unit_codes=tuple(codes),
        module_references=tuple(filter(None, row.modules.split(","))),
        is_simulated=row.is_simulated,
        is_halted=row.is_halted,
        untagged_mark=row.untagged_mark,
        custody=_custody_of(row, custodians),
        open_link_cap=row.open_link_cap,
    )
