"""What the office store knows of a round's fieldwork: counts of its days, and the answers that are wanted."""

from datetime import date

from sqlalchemy import Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from survey.storage.office import OfficeBase as OfficeBase


class FieldworkDay(OfficeBase):
    """How often a unit's questions were opened on a day, and how many answers came in. No
    moment within the day is kept.

    The unit is empty in a round whose ballots rate several.
    """

    __tablename__ = "fieldwork_day"
    __table_args__ = ({"sqlite_with_rowid": False},)

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    unit_code: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    opened: Mapped[int]
    received: Mapped[int]


class FieldworkTarget(OfficeBase):
    """How many answers are wanted of a unit; the row without a unit speaks for every unit that has none of its own."""

    __tablename__ = "fieldwork_target"

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    unit_code: Mapped[str] = mapped_column(String(40), primary_key=True)
    answers: Mapped[int]
