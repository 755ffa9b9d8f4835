"""Sealings that are refused, cut off, disturbed or done again: no archive, or a whole one, and no ballot lost."""

from collections import Counter
from pathlib import Path

import pytest

from analysis.archive import read_archive
from analysis.errors import ArchiveError
from support.rounds import SLUG, Collection, open_collection
from support.sealing import answer_all, refused, seal
from survey.errors import HailongError, NotFound, WrongState
from survey.intake import new_nonce
from survey.rounds import close_round
from survey.sealing import KEY_DESTROYED, archive_path, seal_round
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading
from survey.storage.stores import Stores, open_stores
from survey.vault import KeyVault, Passphrase


@pytest.fixture
def collection(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    return open_collection(settings, stores, tmp_path)


def test_only_a_closed_round_is_sealed(collection: Collection) -> None:
    refused(collection, "is open", WrongState)
    with pytest.raises(NotFound):
        seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, "nowhere")


def test_a_wrong_passphrase_seals_nothing(collection: Collection) -> None:
    answer_all(collection, "phuong-a", 10)
    close_round(collection.stores, SLUG)
    stranger = KeyVault(collection.settings.instance / "keys", Passphrase(b"quite another passphrase"))
    with pytest.raises(HailongError, match="passphrase does not open"):
        seal(collection, vault=stranger)
    assert collection.record.state == "closed"
    assert seal(collection).counts.sealed == 10


def test_another_key_in_the_vault_seals_nothing(collection: Collection) -> None:
    answer_all(collection, "phuong-a", 10)
    close_round(collection.stores, SLUG)
    (collection.settings.instance / "keys" / f"{SLUG}.json").unlink()
    collection.vault.create_pair(SLUG)
    refused(collection, "not the one its ballots were sealed to")


def test_the_office_of_a_server_that_may_not_read_ballots_can_seal(
    settings: Settings, stores: Stores, tmp_path: Path
) -> None:
    collection = open_collection(settings, stores, tmp_path)
    answer_all(collection, "phuong-a", 10)
    close_round(stores, SLUG)
    serving = open_stores(settings, "serving")
    try:
        sealed = seal_round(serving, collection.secrets, collection.vault, settings, SLUG, actor="an officer")
    finally:
        serving.close()
    assert sealed.counts.sealed == 10
    with reading(stores.office) as session:
        assert {event.actor for event in list_events(session, newest=2)} == {"an officer"}


def test_sealing_again_changes_nothing(collection: Collection) -> None:
    answer_all(collection, "phuong-a", 10)
    close_round(collection.stores, SLUG)
    first = seal(collection)
    before = {file.name: file.read_bytes() for file in first.path.iterdir()}
    again = seal(collection)
    assert not first.was_sealed_before
    assert again.was_sealed_before
    assert again.manifest_sha256 == first.manifest_sha256
    assert {file.name: file.read_bytes() for file in first.path.iterdir()} == before
    with reading(collection.stores.office) as session:
        assert Counter(event.action for event in list_events(session))[KEY_DESTROYED] == 1


STEPS = ("unlock", "open", "coarsen", "write", "check", "destroy", "record")


class CutOffError(Exception):
    pass


@pytest.mark.parametrize("step", STEPS)
def test_a_sealing_that_is_cut_off_at_any_step_leaves_no_archive_or_a_whole_one(
    collection: Collection, step: str
) -> None:
    answer_all(collection, "phuong-a", 11)
    close_round(collection.stores, SLUG)

    def cut_off(name: str, done: int, total: int) -> None:
        if name == step:
            raise CutOffError

    with pytest.raises(CutOffError):
        seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, SLUG, cut_off)
    path = archive_path(collection.settings, SLUG)
    assert path.exists() == (step in ("check", "destroy", "record"))
    assert collection.vault.is_destroyed(SLUG) == (step == "record")
    if path.exists():
        assert read_archive(path).contents.counts.sealed == 11
    assert collection.record.state == "closed"
    sealed = seal(collection)
    assert sealed.counts.sealed == 11
    assert collection.record.archive_hash == read_archive(path).manifest_sha256
    assert collection.vault.is_destroyed(SLUG)
    assert [found.name for found in path.parent.iterdir()] == [SLUG]
    with reading(collection.stores.office) as session:
        actions = Counter(event.action for event in list_events(session))
    assert actions[KEY_DESTROYED] == actions["round.sealed"] == 1


def test_a_ballot_that_comes_in_while_the_archive_is_written_is_not_lost(collection: Collection) -> None:
    answer_all(collection, "phuong-a", 11)
    (late,) = collection.codes("phuong-a", 1)
    open_round = collection.open_round
    close_round(collection.stores, SLUG)

    def arrive(name: str, done: int, total: int) -> None:
        if name == "write":
            from survey.intake import receive_ballot

            assert (
                receive_ballot(
                    collection.stores,
                    collection.secrets,
                    open_round,
                    "phuong-a",
                    late.qr,
                    new_nonce(),
                    collection.answers(),
                )
                == "received"
            )

    with pytest.raises(WrongState, match="found 12 ballots after the sealing and 11 before"):
        seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, SLUG, arrive)
    assert not archive_path(collection.settings, SLUG).exists()
    assert seal(collection).counts.sealed == 12


def test_a_foreign_or_damaged_archive_in_the_rounds_place_stops_the_sealing(collection: Collection) -> None:
    answer_all(collection, "phuong-a", 10)
    close_round(collection.stores, SLUG)
    path = archive_path(collection.settings, SLUG)

    def cut_off(name: str, done: int, total: int) -> None:
        if name == "destroy":
            raise CutOffError

    with pytest.raises(CutOffError):
        seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, SLUG, cut_off)
    signing = collection.settings.instance / "keys" / "signing.json"
    ours = signing.read_bytes()
    signing.unlink()
    with pytest.raises(WrongState, match="did not write"):
        seal(collection)
    signing.write_bytes(ours)
    plan = (path / "plan.yaml").read_bytes()
    (path / "plan.yaml").write_bytes(plan.replace(b"10", b"11"))
    with pytest.raises(ArchiveError, match=r"plan\.yaml"):
        seal(collection)
    assert not collection.vault.is_destroyed(SLUG)
    (path / "plan.yaml").write_bytes(plan)
    assert seal(collection).counts.sealed == 10
