"""What the office store keeps of questionnaires that are still being written."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

# Named again for whoever needs all tables of the store.
from survey.storage.releases import OfficeBase as OfficeBase
from survey.storage.types import UtcDateTime


class QuestionnaireDraft(OfficeBase):
    """A draft as it stands: its tree as JSON, and how often it was saved. It is gone once it is published."""

    __tablename__ = "questionnaire_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[str] = mapped_column(Text)
    revision: Mapped[int]
    # The reference of the version, or the name of the file, that it was made from; empty for one that began empty.
    origin: Mapped[str] = mapped_column(String(200))
    # What could not be taken over from a file, a line each.
    remarks: Mapped[str] = mapped_column(Text)
    saved_by: Mapped[str] = mapped_column(String(200))
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)


class QuestionnaireDraftRevision(OfficeBase):
    """How a draft stood before somebody went on with it: what was overwritten or deleted can be had back."""

    __tablename__ = "questionnaire_draft_revision"

    draft_id: Mapped[int] = mapped_column(ForeignKey("questionnaire_draft.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[str] = mapped_column(Text)
    saved_by: Mapped[str] = mapped_column(String(200))
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)
