"""The office store: units, questionnaires, rounds, editions, officers and what officers did."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, MetaData, String, Text, UniqueConstraint, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from survey.storage.types import UtcDateTime

ROUND_STATES = ("draft", "open", "closed", "sealed", "published")
RELATIONS = ("merge", "split", "rename")
DECISION_KINDS = ("reconciled", "counts")

# Constraints carry names, because a migration can only change what it can name.
NAMING = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


def one_of(column: str, allowed: tuple[str, ...]) -> CheckConstraint:
    """The constraint that a column holds one of these words."""
    words = ", ".join(f"'{word}'" for word in allowed)
    return CheckConstraint(f"{column} IN ({words})", name=column)


class OfficeBase(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class Unit(OfficeBase):
    __tablename__ = "unit"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name_vi: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(40))
    bloc_code: Mapped[str] = mapped_column(String(80))
    bloc_name: Mapped[str] = mapped_column(String(200))
    parent_code: Mapped[str] = mapped_column(String(40), default="")
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    population: Mapped[int | None]
    area_km2: Mapped[float | None]
    source: Mapped[str] = mapped_column(Text, default="")
    # Columns that came later have a value of the database's own for the rows that were there before.
    bloc_name_en: Mapped[str] = mapped_column(String(200), default="", server_default="")


class Procedure(OfficeBase):
    """An administrative procedure that a unit handles: what people know of it when they look for its name."""

    __tablename__ = "procedure"

    unit_code: Mapped[str] = mapped_column(ForeignKey("unit.code"), primary_key=True)
    name_vi: Mapped[str] = mapped_column(String(200), primary_key=True)
    name_en: Mapped[str] = mapped_column(String(200), default="")


class Succession(OfficeBase):
    __tablename__ = "succession"
    __table_args__ = (one_of("relation", RELATIONS),)

    predecessor_code: Mapped[str] = mapped_column(ForeignKey("unit.code"), primary_key=True)
    successor_code: Mapped[str] = mapped_column(ForeignKey("unit.code"), primary_key=True)
    effective_date: Mapped[date] = mapped_column(primary_key=True)
    relation: Mapped[str] = mapped_column(String(10))
    source: Mapped[str] = mapped_column(Text, default="")


class QuestionnaireVersion(OfficeBase):
    __tablename__ = "questionnaire_version"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    version: Mapped[str] = mapped_column(String(40), primary_key=True)
    content_hash: Mapped[str] = mapped_column(String(64))
    source: Mapped[bytes] = mapped_column(LargeBinary)
    published_on: Mapped[date]


class Round(OfficeBase):
    __tablename__ = "round"
    __table_args__ = (
        one_of("state", ROUND_STATES),
        CheckConstraint("opens_on <= closes_on", name="dates"),
    )

    slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    title_vi: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    questionnaire_name: Mapped[str] = mapped_column(String(80))
    questionnaire_version: Mapped[str] = mapped_column(String(40))
    questionnaire_hash: Mapped[str] = mapped_column(String(64))
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(10), default="draft")
    design_yaml: Mapped[str] = mapped_column(Text)
    plan_yaml: Mapped[str] = mapped_column(Text)
    issuer_vi: Mapped[str] = mapped_column(String(200), default="")
    issuer_en: Mapped[str] = mapped_column(String(200), default="")
    decision: Mapped[str] = mapped_column(String(200), default="")
    hotline: Mapped[str] = mapped_column(String(100), default="")
    ballot_public_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    comments_public_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_fingerprint: Mapped[str | None] = mapped_column(String(64))
    archive_hash: Mapped[str | None] = mapped_column(String(64))
    n_sealed: Mapped[int | None]
    n_rejected: Mapped[int | None]
    imported: Mapped[bool] = mapped_column(default=False)
    # References of published questionnaires that are asked along, joined by commas.
    modules: Mapped[str] = mapped_column(Text, default="", server_default="")
    is_simulated: Mapped[bool] = mapped_column(default=False, server_default=false())
    # A round that came out of a backup takes no answer until somebody has decided what becomes of it.
    is_halted: Mapped[bool] = mapped_column(default=False, server_default=false())
    # A keyed mark of rounds that were there before ballots and invitations could be told from forged ones.
    untagged_mark: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    # How many custodians open the ballots together; none while the key lies wrapped on the machine.
    shares_needed: Mapped[int | None]
    # How many answers without a code one unit takes a day; none where every answer needs one.
    open_link_cap: Mapped[int | None]


class RoundDecision(OfficeBase):
    """What somebody answered for by name: that a restored round goes on, or that one is sealed whose counts differ."""

    __tablename__ = "round_decision"
    __table_args__ = (one_of("kind", DECISION_KINDS),)

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20))
    decided_by: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    decided_on: Mapped[date]
    # Ballots that are not there, and ballots that no mark of use belongs to.
    n_missing: Mapped[int] = mapped_column(default=0)
    n_unmarked: Mapped[int] = mapped_column(default=0)


class OpenLinkDay(OfficeBase):
    """How many answers without a code a unit was given on the last day it was given any; no day before it is kept.

    `admitted_slowly` are those of them whose senders waited instead of letting their machine work.
    """

    __tablename__ = "open_link_day"

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    unit_code: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date]
    admitted: Mapped[int]
    admitted_slowly: Mapped[int]


class Custodian(OfficeBase):
    """Who holds a share of a round's key: the public point tells the share from any other and does not give it."""

    __tablename__ = "custodian"
    __table_args__ = (UniqueConstraint("round_slug", "name"),)

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(120))
    share_key: Mapped[bytes] = mapped_column(LargeBinary(65))
    tried_on: Mapped[date | None]
    destroyed_on: Mapped[date | None]


class RoundUnit(OfficeBase):
    __tablename__ = "round_unit"

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    unit_code: Mapped[str] = mapped_column(ForeignKey("unit.code"), primary_key=True)


class Edition(OfficeBase):
    __tablename__ = "edition"

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[str | None] = mapped_column(Text)
    published_on: Mapped[date]
    manifest_hash: Mapped[str] = mapped_column(String(64))


class Officer(OfficeBase):
    """An account: an officer's, or one of a unit's people, who never enter the office (`survey.storage.portal`)."""

    __tablename__ = "officer"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    is_disabled: Mapped[bool] = mapped_column(default=False, server_default=false())
    # What an officer may do (`survey.permissions`), between commas; empty for a unit's people.
    roles: Mapped[str] = mapped_column(String(120), default="", server_default="")


class OfficerSession(OfficeBase):
    """An account's way in, in one browser. A row that is over is deleted: nobody is to learn here who worked when.

    The browser holds a token, the row its keyed mark. Until the second factor was shown it is not complete.
    """

    __tablename__ = "officer_session"

    token_mark: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"))
    began: Mapped[datetime] = mapped_column(UtcDateTime)
    # At most a minute behind.
    seen: Mapped[datetime] = mapped_column(UtcDateTime)
    browser: Mapped[str] = mapped_column(String(60))
    is_complete: Mapped[bool]
    # How they came in: a passkey or another house's word is both factors at once.
    way: Mapped[str] = mapped_column(String(10), default="password", server_default="password")


class SecondFactor(OfficeBase):
    """The app that gives an officer six digits: its key, sealed under the instance's secret key, and the last use."""

    __tablename__ = "second_factor"

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"), primary_key=True, autoincrement=False)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    # The half minute, counted since 1970, whose digits were used last; none up to it are taken again.
    last_step: Mapped[int]


class RecoveryCode(OfficeBase):
    """The keyed mark of a code that stands in for the app once. A row that was used is deleted."""

    __tablename__ = "recovery_code"

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"), primary_key=True, autoincrement=False)
    mark: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)


class AuditEvent(OfficeBase):
    """What an officer did. A respondent never appears here: a time beside an answer would name the person."""

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(200))
    # Two events cannot follow the same one, so the chain cannot fork even when two processes write at once.
    previous_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hash: Mapped[str] = mapped_column(String(64))


class InstanceKey(OfficeBase):
    """The fingerprint of the secret key these stores were set up with: codes printed under it die with another one."""

    __tablename__ = "instance_key"

    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
