"""What was acknowledged, held against what is stored."""

from collections.abc import Sequence

from sqlalchemy import select

from benchmarks.collection.servers import SLUG, Instance
from survey.codes import read_code
from survey.secrets import Secrets
from survey.storage.frame import Invitation
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.stores import open_stores, reading


def lost(instance: Instance, acknowledged: Sequence[str], slug: str = SLUG) -> int:
    """How many acknowledged codes have no mark of use, and how many ballots there are too few or too many in the
    store for its marks.
    """
    secrets = Secrets(instance.settings.secret_key)
    stores = open_stores(instance.settings)
    try:
        with reading(stores.frame) as session:
            ids = {row.typed_tag: row.id for row in session.execute(select(Invitation.typed_tag, Invitation.id))}
        # Marks and ballots as of one moment: a server that is behind still stores what nobody waits for any more.
        with reading(stores.intake) as session:
            if stores.intake.dialect.name == "postgresql":
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            spent = set(session.scalars(select(SpentInvitation.nullifier).where(SpentInvitation.round_slug == slug)))
            n_ballots = len(session.scalars(select(Ballot.id).where(Ballot.round_slug == slug)).all())
    finally:
        stores.close()
    unmarked = 0
    for code in acknowledged:
        read = read_code(code)
        known = ids.get(secrets.invitation_tag(read[1])) if read else None
        unmarked += known is None or secrets.nullifier(slug, known) not in spent
    return unmarked + abs(len(spent) - n_ballots) + (len(acknowledged) - len(set(acknowledged)))
