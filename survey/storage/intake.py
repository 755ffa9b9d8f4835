"""The intake store: that a code was used, and sealed ballots. Nothing in it says which belongs to which."""

from sqlalchemy import LargeBinary, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from survey.storage.office import NAMING


class IntakeBase(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class SpentInvitation(IntakeBase):
    """The mark that an invitation was used. Without the secret key it names no invitation."""

    __tablename__ = "spent_invitation"
    __table_args__ = ({"sqlite_with_rowid": False},)

    round_slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    nullifier: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    nonce_tag: Mapped[bytes] = mapped_column(LargeBinary(32))


class Ballot(IntakeBase):
    """One respondent's answers, sealed to the round's key: no unit, no time, no order."""

    __tablename__ = "ballot"
    __table_args__ = ({"sqlite_with_rowid": False},)

    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    round_slug: Mapped[str] = mapped_column(String(60))
    envelope: Mapped[bytes] = mapped_column(LargeBinary)
