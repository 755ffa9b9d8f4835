"""What the office store knows of the units' own people: whose they are, what they acknowledged, what they promised."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

# Named again for whoever needs all tables of the store: those of both modules.
from survey.storage.office import OfficeBase as OfficeBase
from survey.storage.office import one_of
from survey.storage.types import UtcDateTime

PROMISE_STATES = ("planned", "under_way", "done", "dropped")


class UnitPerson(OfficeBase):
    """An account of the role `unit`: which unit its owner belongs to, and how else than by password they sign in.

    The login of such an account is an e-mail address. Until it is accepted, an invitation is known by the keyed mark of
    its code. `oidc_subject` is what the issuer calls its owner, bound when they first came from there.
    """

    __tablename__ = "unit_person"
    __table_args__ = (UniqueConstraint("oidc_issuer", "oidc_subject"),)

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"), primary_key=True, autoincrement=False)
    unit_code: Mapped[str] = mapped_column(ForeignKey("unit.code"))
    invitation_mark: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    invited_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    oidc_issuer: Mapped[str | None] = mapped_column(String(200))
    oidc_subject: Mapped[str | None] = mapped_column(String(255))


class Passkey(OfficeBase):
    """A key pair of which a person's device keeps the private half: it signs in without a password."""

    __tablename__ = "passkey"

    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023), primary_key=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"))
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    # How often the device says it has signed; none of the synchronised ones counts.
    sign_count: Mapped[int]
    name: Mapped[str] = mapped_column(String(60))
    added_on: Mapped[date]


class Receipt(OfficeBase):
    """That somebody of a unit has read its scorecard, on their word; `unit_code` is the unit they belonged to then."""

    __tablename__ = "receipt"
    __table_args__ = (ForeignKeyConstraint(["round_slug", "edition_number"], ["edition.round_slug", "edition.number"]),)

    round_slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    edition_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"), primary_key=True, autoincrement=False)
    unit_code: Mapped[str] = mapped_column(ForeignKey("unit.code"))
    received_on: Mapped[date]


class ScorecardNotice(OfficeBase):
    """That somebody was told by e-mail of their unit's scorecard; nobody is told of the same one twice."""

    __tablename__ = "scorecard_notice"
    __table_args__ = (ForeignKeyConstraint(["round_slug", "edition_number"], ["edition.round_slug", "edition.number"]),)

    round_slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    edition_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"), primary_key=True, autoincrement=False)
    sent_on: Mapped[date]


class Promise(OfficeBase):
    """What a unit said it will do about a criterion, and by when; the scorecard that came before is of the round."""

    __tablename__ = "promise"
    __table_args__ = (one_of("state", PROMISE_STATES),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_code: Mapped[str] = mapped_column(ForeignKey("unit.code"))
    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"))
    # The node of the index tree; empty where the promise is about the service as a whole.
    node: Mapped[str] = mapped_column(String(80))
    text: Mapped[str] = mapped_column(String(600))
    due: Mapped[date]
    made_on: Mapped[date]
    made_by: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10), default="planned")
    # What became of it, in the unit's words.
    outcome: Mapped[str] = mapped_column(String(600), default="")
    changed_on: Mapped[date]
