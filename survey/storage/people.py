"""What the office store knows of its own people beside their accounts, and of what takes two of them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from survey.storage.office import OfficeBase as OfficeBase
from survey.storage.office import one_of
from survey.storage.types import UtcDateTime

ACTS = ("seal", "codes")
APPROVAL_STATES = ("asked", "approved", "refused", "withdrawn", "used")


class OfficePerson(OfficeBase):
    """How an officer whom an administrator invited gets in: until it is accepted, an invitation is known by the keyed
    mark of its code. `address` is an e-mail address, empty where none is known; `oidc_subject` is what the issuer calls
    its owner, bound when they first came from there.
    """

    __tablename__ = "office_person"
    __table_args__ = (UniqueConstraint("oidc_issuer", "oidc_subject"),)

    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"), primary_key=True, autoincrement=False)
    address: Mapped[str] = mapped_column(String(64), default="")
    invitation_mark: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    invited_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    oidc_issuer: Mapped[str | None] = mapped_column(String(200))
    oidc_subject: Mapped[str | None] = mapped_column(String(255))


class Approval(OfficeBase):
    """What one officer asked to do and another one decided about; the store itself keeps the two apart.

    `content` is exactly what was asked, as JSON, so that nothing else is done by it.
    """

    __tablename__ = "approval"
    __table_args__ = (
        one_of("act", ACTS),
        one_of("state", APPROVAL_STATES),
        CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="two_people"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"))
    act: Mapped[str] = mapped_column(String(10))
    content: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))
    asked_by: Mapped[int] = mapped_column(ForeignKey("officer.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("officer.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
