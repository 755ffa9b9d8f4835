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
