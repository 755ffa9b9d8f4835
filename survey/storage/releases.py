"""What the office store knows of editions on their way to the public, of background work, and of comments."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from survey.storage.office import one_of
from survey.storage.portal import OfficeBase
from survey.storage.types import UtcDateTime

__all__ = ["AnalysisRun", "CommentReview", "Job", "Objection", "OfficeBase", "Preview", "PreviewApproval"]

PREVIEW_STATES = ("current", "withdrawn", "published")
OUTCOMES = ("open", "rejected", "noted", "upheld")
JOB_KINDS = ("publish", "preview")
JOB_STATES = ("running", "done", "failed")
COMMENT_STATES = ("released", "withheld")


class Preview(OfficeBase):
    """An edition that its units and whoever approves it may see, and nobody else. `attempt` counts those of a number.

    `publish_from` is the day that is printed on it, and the first on which it may be published.
    """

    __tablename__ = "preview"
    __table_args__ = (one_of("state", PREVIEW_STATES),)

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    manifest_hash: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(Text)
    prepared_by: Mapped[str] = mapped_column(String(200))
    prepared_on: Mapped[date]
    publish_from: Mapped[date]
    state: Mapped[str] = mapped_column(String(10))
    # Why it was withdrawn.
    note: Mapped[str] = mapped_column(Text, default="")
    # The account of whoever had it prepared; none for the command line.
    preparer_id: Mapped[int | None]


def _of_preview() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["round_slug", "number", "attempt"], ["preview.round_slug", "preview.number", "preview.attempt"]
    )


class PreviewApproval(OfficeBase):
    """That an officer approved a preview; an objection that comes afterwards deletes it."""

    __tablename__ = "preview_approval"
    __table_args__ = (_of_preview(),)

    round_slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    officer_id: Mapped[int] = mapped_column(ForeignKey("officer.id"), primary_key=True, autoincrement=False)
    approved_on: Mapped[date]


class Objection(OfficeBase):
    """What a unit has to say against a preview, and what the office answered."""

    __tablename__ = "objection"
    __table_args__ = (_of_preview(), one_of("outcome", OUTCOMES))

    id: Mapped[int] = mapped_column(primary_key=True)
    round_slug: Mapped[str] = mapped_column(String(60))
    number: Mapped[int]
    attempt: Mapped[int]
    unit_code: Mapped[str] = mapped_column(ForeignKey("unit.code"))
    text: Mapped[str] = mapped_column(Text)
    raised_by: Mapped[str] = mapped_column(String(200))
    raised_on: Mapped[date]
    outcome: Mapped[str] = mapped_column(String(10), default="open")
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by: Mapped[str] = mapped_column(String(200), default="")
    answered_on: Mapped[date | None]


class Job(OfficeBase):
    """The last work in the background on a round's edition. A running job that was not seen for a while has died."""

    __tablename__ = "job"
    __table_args__ = (one_of("kind", JOB_KINDS), one_of("state", JOB_STATES))

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    # Tells the job from those before it, so that one that is late writes nothing about the one that took its place.
    mark: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    actor: Mapped[str] = mapped_column(String(80))
    started_by: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str | None] = mapped_column(Text)
    hard_source: Mapped[bytes | None] = mapped_column(LargeBinary)
    languages: Mapped[str] = mapped_column(String(10))
    began: Mapped[datetime] = mapped_column(UtcDateTime)
    seen: Mapped[datetime] = mapped_column(UtcDateTime)
    n_done: Mapped[int] = mapped_column(default=0)
    n_documents: Mapped[int] = mapped_column(default=0)
    # The number of the edition that was made.
    number: Mapped[int | None]
    # A line for each document that could not be printed.
    failures: Mapped[str] = mapped_column(Text, default="")
    # What kept the edition from being made, and its kind.
    complaint: Mapped[str] = mapped_column(Text, default="")
    complaint_kind: Mapped[str] = mapped_column(String(40), default="")


class AnalysisRun(OfficeBase):
    """The last run of a round's plan. A running one that was not seen for a while has died.

    `figures_hash` tells its figures from others; an approval is of exactly these.
    """

    __tablename__ = "analysis_run"
    __table_args__ = (one_of("state", JOB_STATES),)

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    mark: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(10))
    stage: Mapped[int] = mapped_column(default=0)
    started_by: Mapped[str] = mapped_column(String(200))
    began: Mapped[datetime] = mapped_column(UtcDateTime)
    seen: Mapped[datetime] = mapped_column(UtcDateTime)
    # The number that an edition would have that was made now.
    number: Mapped[int]
    manifest_hash: Mapped[str] = mapped_column(String(64), default="")
    figures_hash: Mapped[str] = mapped_column(String(64), default="")
    complaint: Mapped[str] = mapped_column(Text, default="")
    complaint_kind: Mapped[str] = mapped_column(String(40), default="")
    hard_source: Mapped[bytes | None] = mapped_column(LargeBinary)
    approved_by: Mapped[str] = mapped_column(String(200), default="")
    approved_on: Mapped[date | None]
    note: Mapped[str] = mapped_column(Text, default="")


class CommentReview(OfficeBase):
    """What an officer decided of a comment, by its place in the round's shuffled and encrypted file.

    `text` is what may be read of it once it is released: with what was masked covered. Nothing is kept here of a
    comment that is withheld or was not looked at.
    """

    __tablename__ = "comment_review"
    __table_args__ = (one_of("state", COMMENT_STATES),)

    round_slug: Mapped[str] = mapped_column(ForeignKey("round.slug"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    unit_code: Mapped[str] = mapped_column(String(40))
    item: Mapped[str] = mapped_column(String(80))
    theme: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text, default="")
    reviewed_by: Mapped[str] = mapped_column(String(200))
    reviewed_on: Mapped[date]
