"""What the office store knows of a round's set-up beside the round, and of the list its people are drawn from."""

from datetime import date

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from survey.storage.office import OfficeBase, one_of

FRAME_STATES = ("uploaded", "cleaned", "drawn", "erased")


class RoundSetup(OfficeBase):
    """How a round is to be asked, and who has tried it. Channels and languages are joined by commas.

    `key_holding` is empty until somebody chose. `tested_mark` is of what was asked when it was tried: a round that was
    changed since has to be tried again.
    """

    __tablename__ = "round_setup"

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    channels: Mapped[str] = mapped_column(String(200), default="")
    languages: Mapped[str] = mapped_column(String(60), default="")
    key_holding: Mapped[str] = mapped_column(String(10), default="")
    # What the sample-size calculator was asked, as JSON, and the number to ask in all.
    sizes: Mapped[str] = mapped_column(Text, default="")
    n_asked: Mapped[int | None]
    tested_mark: Mapped[str] = mapped_column(String(64), default="")
    tested_by: Mapped[str] = mapped_column(String(200), default="")
    tested_on: Mapped[date | None]


class RoundFrame(OfficeBase):
    """The list that a round's people are drawn from. Its rows are in sealed files under a key of their own.

    Without `sealed_key`, which erasing deletes, nobody opens a copy of them. What was drawn is kept in numbers: the
    seed, the plan, and how many are asked in each cell.
    """

    __tablename__ = "round_frame"
    __table_args__ = (one_of("state", FRAME_STATES),)

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    encoding: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10))
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    n_rows: Mapped[int]
    uploaded_by: Mapped[str] = mapped_column(String(200))
    uploaded_on: Mapped[date]
    erase_on: Mapped[date]
    erased_on: Mapped[date | None]
    # As JSON: the rules of cleaning and its report; then the plan of the draw, what came of it, and the batch of codes.
    rules: Mapped[str] = mapped_column(Text, default="")
    report: Mapped[str] = mapped_column(Text, default="")
    sample_plan: Mapped[str] = mapped_column(Text, default="")
    sample_facts: Mapped[str] = mapped_column(Text, default="")
    batch: Mapped[str] = mapped_column(Text, default="")
