"""What the office store knows of forms on paper: how many forms whom of its people keyed on which day."""

from datetime import date

from sqlalchemy import Boolean, Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from survey.storage.office import OfficeBase


class PaperTally(OfficeBase):
    """One person's forms of one day in one round, counted and never told apart.

    `items` and `differing` are of the comparisons that this person's second entries made. `was_told` says that the
    audit log has the day: it names who keyed how many, once the day is over.
    """

    __tablename__ = "paper_tally"
    __table_args__ = ({"sqlite_with_rowid": False},)

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    login: Mapped[str] = mapped_column(String(80), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    first: Mapped[int] = mapped_column(default=0)
    second: Mapped[int] = mapped_column(default=0)
    agreed: Mapped[int] = mapped_column(default=0)
    settled: Mapped[int] = mapped_column(default=0)
    alone: Mapped[int] = mapped_column(default=0)
    items: Mapped[int] = mapped_column(default=0)
    differing: Mapped[int] = mapped_column(default=0)
    was_told: Mapped[bool] = mapped_column(Boolean, default=False)
