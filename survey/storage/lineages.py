"""The three stores by name: their tables and the revision this version of the code works with."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, MetaData, text

from survey.storage.drafts import OfficeBase as OfficeBase
from survey.storage.fieldwork import FieldworkDay as FieldworkDay
from survey.storage.frame import FrameBase
from survey.storage.intake import IntakeBase
from survey.storage.paper import PaperTally as PaperTally
from survey.storage.people import Approval as Approval
from survey.storage.setups import RoundSetup as RoundSetup

StoreName = Literal["office", "frame", "intake"]
# Any number does, as long as every hailong uses the same one.
UPGRADE_LOCK = 7_461_120


@dataclass(frozen=True, slots=True)
class Lineage:
    """`head` is written here too, because asking Alembic for it at every start would cost more than the start.

    A test holds it equal to the newest file in migrations/versions/<store>.
    """

    store: StoreName
    metadata: MetaData
    head: str

    @property
    def version_table(self) -> str:
        return f"{self.store}_version"


LINEAGES: tuple[Lineage, ...] = (
    Lineage("office", OfficeBase.metadata, "office_0017"),
    Lineage("frame", FrameBase.metadata, "frame_0002"),
    Lineage("intake", IntakeBase.metadata, "intake_0002"),
)


def wait_for_other_upgrades(connection: Connection) -> None:
    """Hold PostgreSQL's lock of upgrades until the transaction ends, after whoever holds it now."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
