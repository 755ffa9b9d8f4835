"""The frame store: who may answer. It holds no code and no time."""

from sqlalchemy import LargeBinary, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from survey.storage.office import NAMING


class FrameBase(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class Invitation(FrameBase):
    """The right to answer once. The tags are keyed hashes of the code's two spellings; the code itself is nowhere.

    The identifier is random and the table has no rowid, so the order of issue is not kept.
    """

    __tablename__ = "invitation"
    __table_args__ = ({"sqlite_with_rowid": False},)

    id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    round_slug: Mapped[str] = mapped_column(String(60), index=True)
    unit_code: Mapped[str] = mapped_column(String(40))
    stratum: Mapped[str] = mapped_column(String(80), default="")
    psu: Mapped[str] = mapped_column(String(80), default="")
    channel: Mapped[str] = mapped_column(String(40), default="")
    qr_tag: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    typed_tag: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)


class PaperEntry(FrameBase):
    """A form on paper between its two entries: who holds neither the form nor the secret key learns nothing from it.

    `tag` is a keyed hash of the form's code, and `sealed` what was keyed, under a key that follows from the code; both
    lead to no invitation without the code, which is in no store. `note` names the unit and the items that differ, for
    the list of differences, under a key of the installation. Each is as long as every other of its round, and no row
    says when it came or who keyed it.
    """

    __tablename__ = "paper_entry"
    __table_args__ = ({"sqlite_with_rowid": False},)

    tag: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    round_slug: Mapped[str] = mapped_column(String(60), index=True)
    state: Mapped[str] = mapped_column(String(10))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[bytes] = mapped_column(LargeBinary)
