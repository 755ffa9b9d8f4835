"""Rounds that were opened before ballots had tags go on: their codes are good, their ballots counted and named so."""

import secrets as randomness
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, delete, insert, select, text, update

from analysis.archive import read_archive
from support.rounds import SLUG, TODAY, UNITS, Collection, open_collection
from survey.errors import HailongError
from survey.rounds import RoundRequest, close_round, create_round, find_round, open_round
from survey.sealing import seal_round
from survey.settings import Settings
from survey.storage.frame import Invitation
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.lineages import LINEAGES
from survey.storage.office import Round
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores
from survey.storage.upgrading import alembic_config, upgrade_stores

pytestmark = pytest.mark.slow

# The revisions of the last version that knew no tags.
BEFORE = {"office": "office_0002", "intake": "intake_0001"}


def go_back(stores: Stores) -> None:
    for lineage in LINEAGES:
        if lineage.store in BEFORE:
            with stores.engine(lineage.store).execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
                command.downgrade(alembic_config(connection, lineage), BEFORE[lineage.store])


def name_anew(frame: Engine) -> None:
    """Invitations called at random, as the last version called them."""
    with writing(frame) as session:
        for found in session.scalars(select(Invitation.id)).all():
            session.execute(update(Invitation).where(Invitation.id == found).values(id=randomness.token_bytes(16)))


@pytest.fixture
def old(settings: Settings, stores: Stores, tmp_path: Path) -> tuple[Collection, list[str]]:
    """An open round of the last version with 12 ballots, just upgraded, and two codes that were printed before."""
    collection = open_collection(settings, stores, tmp_path)
    codes = collection.codes("phuong-a", 14)
    name_anew(stores.frame)
    with writing(stores.office) as session:
        mark = collection.secrets.untagged_mark(SLUG)
        session.execute(update(Round).where(Round.slug == SLUG).values(untagged_mark=mark))
    for code in codes[:12]:
        assert collection.send("phuong-a", code.qr) == "received"
    go_back(stores)
    done = upgrade_stores(settings)
    assert [sentence.split()[1] for sentence in done if "is now at revision" in sentence] == ["office", "intake"]
    return collection, [code.qr for code in codes[12:]]


def test_an_old_round_takes_its_old_codes_and_is_sealed_with_a_count_of_its_untagged_ballots(
    old: tuple[Collection, list[str]],
) -> None:
    collection, codes = old
    with reading(collection.stores.intake) as session:
        assert session.scalars(select(Ballot.tag)).all() == [None] * 12
    assert collection.send("phuong-a", codes[0]) == "received"
    (new,) = collection.codes("phuong-a", 1)
    assert collection.send("phuong-a", new.qr) == "received"
    close_round(collection.stores, SLUG)
    sealed = seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, SLUG)
    counts = read_archive(sealed.path).contents.counts
    assert (counts.issued, counts.spent, counts.spooled, counts.sealed) == (15, 14, 14, 14)
    assert (counts.untagged, counts.forged, counts.missing, counts.unmarked) == (12, {}, 0, 0)


def test_a_row_added_to_an_old_round_breaks_its_counts(old: tuple[Collection, list[str]]) -> None:
    collection, _ = old
    with writing(collection.stores.intake) as session:
        session.execute(insert(Ballot).values(id=bytes(16), round_slug=SLUG, envelope=b"x"))
    close_round(collection.stores, SLUG)
    # In a round of before an invented row cannot be told from an old one; that it is one too many can.
    with pytest.raises(HailongError, match="found 12 used invitations and 13 ballots"):
        seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, SLUG)


def test_no_new_round_can_be_made_to_look_old(old: tuple[Collection, list[str]]) -> None:
    collection, _ = old
    stores, secrets = collection.stores, collection.secrets
    mark = find_round(stores, SLUG).untagged_mark
    assert mark == secrets.untagged_mark(SLUG)
    request = RoundRequest("moi-2026", "tiny/1", f"code={','.join(UNITS)}", TODAY, TODAY)
    create_round(stores, request, TODAY)
    open_round(stores, collection.vault, "moi-2026", TODAY)
    assert find_round(stores, "moi-2026").untagged_mark is None
    with writing(stores.office) as session:
        session.execute(update(Round).where(Round.slug == "moi-2026").values(untagged_mark=mark))
    with writing(stores.frame) as session:
        session.execute(delete(Invitation))
        session.execute(
            insert(Invitation).values(
                id=bytes(16), round_slug="moi-2026", unit_code="phuong-a", stratum="", psu="", channel="slip",
                qr_tag=bytes(32), typed_tag=bytes(range(32)),
            )
        )  # fmt: skip
    with writing(stores.intake) as session:
        session.execute(insert(Ballot).values(id=bytes(16), round_slug="moi-2026", envelope=b"x"))
        session.execute(insert(SpentInvitation).values(round_slug="moi-2026", nullifier=bytes(32), nonce_tag=bytes(32)))
    close_round(stores, "moi-2026")
    with pytest.raises(HailongError, match=r"1 forged rows \(forged_invitation\).*1 forged rows \(no_tag\)"):
        seal_round(stores, secrets, collection.vault, collection.settings, "moi-2026")


def test_an_upgrade_run_again_marks_no_round(settings: Settings, stores: Stores, tmp_path: Path) -> None:
    open_collection(settings, stores, tmp_path)
    with stores.office.begin() as connection:
        connection.execute(text("UPDATE round SET untagged_mark = NULL"))
    upgrade_stores(settings)
    assert find_round(stores, SLUG).untagged_mark is None
