"""Sealing a small round, and what must be left of it where it was refused."""

import pytest
from sqlalchemy import insert, select

from support.rounds import SLUG, Collection
from survey.codes import read_code
from survey.errors import HailongError
from survey.intake import new_nonce
from survey.sealing import KEY_DESTROYED, SealedRound, archive_path, seal_round
from survey.storage.audit import list_events
from survey.storage.frame import Invitation
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.sessions import reading, writing


def answer_all(collection: Collection, unit: str, count: int, **labels: str) -> None:
    for number, code in enumerate(collection.codes(unit, count, **labels)):
        form = {"q1": "s1", "why": "slow"} if number % 2 else {"q1": "s5"}
        assert collection.send(unit, code.qr, say=f"lời {unit} {number}", visits="2", **form) == "received"


def seal(collection: Collection, **changes: object) -> SealedRound:
    given = {"vault": collection.vault} | changes
    return seal_round(collection.stores, collection.secrets, given["vault"], collection.settings, SLUG)  # type: ignore[arg-type]


def put_ballot(collection: Collection, envelope: bytes) -> None:
    """A ballot and a mark of use, as somebody who may write to the store and knows the secret key could add them."""
    (code,) = collection.codes("phuong-a", 1)
    with reading(collection.stores.frame) as session:
        tag = collection.secrets.invitation_tag
        found = read_code(code.qr)
        assert found is not None
        invitation_id = session.scalars(select(Invitation.id).where(Invitation.qr_tag == tag(found[1]))).one()
    nullifier = collection.secrets.nullifier(SLUG, invitation_id)
    with writing(collection.stores.intake) as session:
        session.execute(insert(SpentInvitation).values(round_slug=SLUG, nullifier=nullifier, nonce_tag=bytes(32)))
        session.execute(insert(Ballot).values(**ballot_row(collection, new_nonce()[:16].encode(), envelope)))


def ballot_row(collection: Collection, ballot_id: bytes, envelope: bytes) -> dict[str, object]:
    """A row as only this installation can write it."""
    tag = collection.secrets.ballot_tag(SLUG, ballot_id, envelope)
    return {"id": ballot_id, "round_slug": SLUG, "envelope": envelope, "tag": tag}


def refused(collection: Collection, complaint: str, kind: type[Exception] = HailongError) -> None:
    with pytest.raises(kind, match=complaint):
        seal(collection)
    assert not archive_path(collection.settings, SLUG).exists()
    assert collection.record.state in ("draft", "open", "closed")
    assert not collection.vault.is_destroyed(SLUG)
    with reading(collection.stores.office) as session:
        assert KEY_DESTROYED not in {event.action for event in list_events(session)}
