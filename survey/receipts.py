"""Receipts: which of a unit's people said that they have read its scorecard, and when."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from survey.errors import NotFound
from survey.storage.audit import record_event
from survey.storage.office import Edition, Officer
from survey.storage.portal import Receipt
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores
from survey.unit_people import PersonRecord


@dataclass(frozen=True, slots=True)
class ReceiptRecord:
    """That somebody of a unit has read the scorecard of an edition."""

    edition_number: int
    unit_code: str
    account_id: int
    name: str
    received_on: date


def acknowledge(stores: Stores, slug: str, edition_number: int, person: PersonRecord, today: date) -> None:
    """Keep that the person has read their unit's scorecard; saying it again changes nothing. Raises NotFound."""
    account = person.account
    with writing(stores.office) as session:
        if session.get(Edition, (slug, edition_number)) is None:
            raise NotFound(f"found no edition {edition_number} of {slug[:60]!r}")
        if session.get(Receipt, (slug, edition_number, account.id)) is not None:
            return
        session.add(
            Receipt(
                round_slug=slug,
                edition_number=edition_number,
                officer_id=account.id,
                unit_code=person.unit_code,
                received_on=today,
            )
        )
        subject = f"{slug} {edition_number}: {person.unit_code}"
        record_event(session, actor=account.login, action="unit.received", subject=subject)


def receipts_of(stores: Stores, slug: str, unit_code: str | None = None) -> tuple[ReceiptRecord, ...]:
    """The receipts of a round's editions, of one unit or of all, the first one first."""
    query = (
        select(Receipt, Officer.name)
        .join(Officer, Officer.id == Receipt.officer_id)
        .where(Receipt.round_slug == slug)
        .order_by(Receipt.edition_number, Receipt.received_on, Officer.name)
    )
    if unit_code is not None:
        query = query.where(Receipt.unit_code == unit_code)
    with reading(stores.office) as session:
        return tuple(
            ReceiptRecord(row.edition_number, row.unit_code, row.officer_id, name, row.received_on)
            for row, name in session.execute(query)
        )
