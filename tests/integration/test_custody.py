"""A round whose key nobody holds alone: named, tried, opened, sealed, and its end on record (C2)."""

import base64
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from analysis.archive import read_archive
from analysis.signatures import signature_complaint, signed
from support.custodians import CHEAP, NAMES, PASSPHRASES, entrust, opened_shares, try_all
from support.rounds import SLUG, TODAY, Collection, open_collection, planned_collection
from support.stores import settings_in
from survey.backup import restore_backup, write_backup
from survey.custody import (
    KEY_JOINED,
    NewCustodian,
    entrust_key,
    has_key_on_machine,
    join_shares,
    try_shares,
)
from survey.custody_record import custody_statement, custody_status, examine_record, record_destruction, record_path
from survey.errors import BadInput, NotFound, WrongState
from survey.reconciling import reconcile_round
from survey.round_records import find_round
from survey.rounds import close_round, open_round
from survey.sealing import KEY_DESTROYED, SealedRound, seal_round
from survey.settings import Settings
from survey.shares import Share, ShareError, share_passphrase
from survey.storage.audit import broken_links, list_events
from survey.storage.sessions import reading
from survey.storage.stores import Stores, open_stores
from survey.vault import KeyVault, VaultSigner, fingerprint
from survey.verifying import verify_path


@pytest.fixture
def planned(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    return planned_collection(settings, stores, tmp_path)


@pytest.fixture
def embedded(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Collection:
    """The same where the engine makes no difference."""
    return planned_collection(sqlite_settings, sqlite_stores, tmp_path)


def seal(collection: Collection, shares: list[Share]) -> SealedRound:
    return seal_round(
        collection.stores, collection.secrets, collection.vault, collection.settings, SLUG, shares=shares, actor="lan"
    )


def events_of(collection: Collection) -> list[str]:
    with reading(collection.stores.office) as session:
        assert broken_links(session) == ()
        return [event.action for event in reversed(list_events(session))]


def answer_all(collection: Collection) -> None:
    for unit in ("phuong-a", "xa-b"):
        for code in collection.codes(unit, 11):
            assert collection.send(unit, code.qr, say="cảm ơn") == "received"


def refusal_of(record: Collection, shares: list[Share]) -> str:
    with pytest.raises(ShareError) as refusal:
        join_shares(record.record, shares)
    return refusal.value.kind


def test_a_round_in_custody_is_tried_opened_answered_and_sealed_by_two_of_three(planned: Collection) -> None:
    files = entrust(planned)
    assert [file.name for file in files] == [f"{SLUG}-share-{number}.json" for number in (1, 2, 3)]
    with pytest.raises(WrongState, match="found no trial of its key, expected one with 2 shares"):
        open_round(planned.stores, planned.vault, SLUG, TODAY)
    try_shares(planned.stores, SLUG, opened_shares(files, 1, 3), TODAY, actor="lan")
    opened = open_round(planned.stores, planned.vault, SLUG, TODAY)
    assert opened.custody is not None
    assert [custodian.tried_on for custodian in opened.custody.custodians] == [TODAY, None, TODAY]
    assert [path.name for path in (planned.settings.instance / "keys").iterdir()] == [f"{SLUG}.comments.json"]
    answer_all(planned)
    close_round(planned.stores, SLUG)
    with pytest.raises(ShareError, match="found 0 shares, expected at least 2 of the 3"):
        seal(planned, [])
    sealed = seal(planned, opened_shares(files, 3, 2))
    assert (sealed.counts.sealed, sealed.counts.rejected) == (22, {})
    stated = read_archive(sealed.path).manifest["custody"]
    assert isinstance(stated, dict)
    assert (stated["mode"], stated["need"], stated["opened_by"]) == ("shares", 2, [2, 3])
    assert stated["key"] == opened.key_fingerprint == fingerprint(opened.ballot_public_key or b"")
    assert [custodian["name"] for custodian in stated["custodians"]] == list(NAMES)
    assert stated["destruction"]["within_days"] == 7
    happened = events_of(planned)
    assert [action for action in happened if action.startswith(("round.share", "round.key"))] == [
        "round.key_entrusted",
        *["round.share_made"] * 3,
        "round.shares_tried",
        KEY_JOINED,
    ]
    assert KEY_DESTROYED not in happened
    assert seal(planned, []).was_sealed_before


@pytest.mark.slow
def test_the_whole_key_and_the_passphrases_are_in_no_file_and_no_backup(planned: Collection, tmp_path: Path) -> None:
    files = entrust(planned)
    try_all(planned, files)
    open_round(planned.stores, planned.vault, SLUG, TODAY)
    answer_all(planned)
    close_round(planned.stores, SLUG)
    secret = join_shares(planned.record, opened_shares(files, 1, 2)).private_numbers().private_value
    shares = [share.value for share in opened_shares(files, 1, 2, 3)]
    seal(planned, opened_shares(files, 1, 2))
    write_backup(planned.settings, planned.stores, tmp_path / "backup.zip")
    wanted = [text.encode() for text in PASSPHRASES]
    for number in (secret, *shares):
        raw = number.to_bytes(32, "big")
        wanted += [raw, raw[::-1], raw.hex().encode(), base64.b64encode(raw), str(number).encode()]
    looked = 0
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            looked += 1
            assert not [found for found in wanted if found in content], path
    assert looked > 5


@pytest.mark.slow
def test_each_wrong_share_is_named_for_what_it_is(embedded: Collection) -> None:
    files = entrust(embedded)
    first, second, third = opened_shares(files, 1, 2, 3)
    assert refusal_of(embedded, []) == "too_few"
    assert refusal_of(embedded, [first]) == "too_few"
    assert refusal_of(embedded, [first, first]) == "twice"
    assert refusal_of(embedded, [first, second, first]) == "twice"
    stranger = Share("r2", "Ai đó", 2, 2, 3, second.public_key, second.value)
    assert refusal_of(embedded, [first, stranger]) == "other_round"
    forged = Share(SLUG, NAMES[1], 2, 2, 3, second.public_key, second.value + 1)
    assert refusal_of(embedded, [first, forged]) == "other_key"
    moved = Share(SLUG, NAMES[1], 3, 2, 3, second.public_key, second.value)
    assert refusal_of(embedded, [first, moved]) == "other_key"
    again = entrust(embedded)
    assert refusal_of(embedded, [first, third]) == "other_key"
    assert isinstance(join_shares(embedded.record, opened_shares(again, 2, 3)), ec.EllipticCurvePrivateKey)


def test_naming_custodians_again_makes_another_key_that_has_to_be_tried(embedded: Collection) -> None:
    first = entrust(embedded)
    try_all(embedded, first)
    former = embedded.record.key_fingerprint
    entrust(embedded)
    assert embedded.record.key_fingerprint != former
    with pytest.raises(WrongState, match="found no trial"):
        open_round(embedded.stores, embedded.vault, SLUG, TODAY)


@pytest.mark.slow
def test_a_trial_may_be_repeated_until_the_round_is_sealed(embedded: Collection) -> None:
    files = entrust(embedded)
    try_all(embedded, files)
    open_round(embedded.stores, embedded.vault, SLUG, TODAY)
    later = date(2026, 12, 1)
    try_shares(embedded.stores, SLUG, opened_shares(files, 2, 3), later)
    status = custody_status(embedded.stores, SLUG)
    assert [custodian.tried_on for custodian in status.custody.custodians] == [TODAY, later, later]
    answer_all(embedded)
    close_round(embedded.stores, SLUG)
    seal(embedded, opened_shares(files, 1, 2))
    with pytest.raises(WrongState, match="its shares are to be destroyed"):
        try_shares(embedded.stores, SLUG, opened_shares(files, 1, 2), later)


@pytest.mark.slow
def test_destroyed_shares_are_recorded_until_the_key_is_gone(planned: Collection) -> None:
    files = entrust(planned)
    try_all(planned, files)
    open_round(planned.stores, planned.vault, SLUG, TODAY)
    answer_all(planned)
    close_round(planned.stores, SLUG)

    def destroy(name: str) -> int:
        found = record_destruction(
            planned.stores, planned.vault, planned.settings, SLUG, name, date(2027, 1, 3), actor="lan"
        )
        return found.custody.n_to_destroy

    with pytest.raises(WrongState, match="its shares are needed until it is sealed"):
        destroy(NAMES[0])
    sealed = seal(planned, opened_shares(files, 1, 2))
    assert custody_status(planned.stores, SLUG).custody.n_to_destroy == 2
    with pytest.raises(NotFound, match="found no custodian “Ai đó”, expected one of “Sở Nội vụ”"):
        destroy("Ai đó")
    assert destroy(NAMES[0]) == 1
    assert destroy(NAMES[0]) == 1
    assert destroy(NAMES[2]) == 0
    assert destroy(NAMES[1]) == 0
    record = json.loads(record_path(planned.settings, SLUG).read_bytes())
    assert signature_complaint(record, planned.vault.signer().public_key) is None
    assert record["archive_manifest_sha256"] == sealed.manifest_sha256
    assert record["key_is_gone"] is True
    assert [share["destroyed_on"] for share in record["shares"]] == ["2027-01-03"] * 3
    assert events_of(planned).count("round.share_destroyed") == 3
    place = record_path(planned.settings, SLUG)
    told = verify_path(place, planned.settings.instance)
    assert (told.kind, told.findings) == ("custody", ())
    assert told.notes == (
        "3 of 3 shares are said to be destroyed, 2 of them gave the key",
        "that is the key of this instance",
    )
    assert_changes_are_seen(place, record)
    assert read_archive(sealed.path).manifest_sha256 == sealed.manifest_sha256
    status = custody_status(planned.stores, SLUG)
    assert status.sealed_on is not None
    assert status.destroy_by is not None
    assert (status.destroy_by - status.sealed_on).days == 7


@pytest.mark.slow
def test_custodians_seal_what_a_backup_brought_back_though_the_machine_is_lost(
    embedded: Collection, tmp_path: Path
) -> None:
    files = entrust(embedded)
    try_all(embedded, files)
    drafted = tmp_path / "draft.hailong"
    write_backup(embedded.settings, embedded.stores, drafted)
    open_round(embedded.stores, embedded.vault, SLUG, TODAY)
    answer_all(embedded)
    written = tmp_path / "open.hailong"
    write_backup(embedded.settings, embedded.stores, written)
    elsewhere = settings_in(tmp_path / "elsewhere")
    restore_backup(elsewhere, written)
    stores = open_stores(elsewhere)
    vault = KeyVault(elsewhere.instance / "keys", b"another passphrase", scrypt_cost=CHEAP)
    assert find_round(stores, SLUG).is_halted
    reconcile_round(stores, embedded.secrets, SLUG, decided_by="Lan", reason="máy hỏng", today=TODAY, actor="lan")
    close_round(stores, SLUG)
    sealed = seal_round(stores, embedded.secrets, vault, elsewhere, SLUG, shares=opened_shares(files, 2, 3))
    assert sealed.counts.sealed == 22
    assert sealed.manifest["custody"] == custody_statement(embedded.record, opened_shares(files, 2, 3))
    stores.close()
    # The round was a draft when this one was made, and its key for comments says that it was opened since.
    again = settings_in(tmp_path / "again")
    (again.instance / "keys").mkdir()
    (again.instance / "keys" / f"{SLUG}.comments.json").write_text("{}", encoding="utf-8")
    restore_backup(again, drafted)
    stores = open_stores(again)
    assert find_round(stores, SLUG).is_halted
    stores.close()


def assert_changes_are_seen(place: Path, record: dict[str, Any]) -> None:
    """Whoever changes the record breaks its signature; whoever signs another one is not who sealed the archive."""
    shares = [{**share, "destroyed_on": None} for share in record["shares"]]
    stranger = VaultSigner(Ed25519PrivateKey.generate())
    for changed, part in (
        (record | {"shares": shares}, "signature"),
        (signed(record | {"shares": shares}, stranger), "key_is_gone"),
        (signed(record | {"key": "0" * 64}, stranger), "key"),
        (signed(record | {"need": 3}, stranger), "need"),
        (signed(record | {"archive_manifest_sha256": "0" * 64}, stranger), "archive"),
        (signed(record | {"shares": record["shares"][:2]}, stranger), "shares"),
        (signed(record, stranger), "signature"),
    ):
        place.write_text(json.dumps(changed), encoding="utf-8")
        assert f"{place.name}, {part}" in [finding.place for finding in examine_record(place).findings], part
    for content in ("", "[]", "{}", '{"shares": 1}', "[" * 9000):
        place.write_text(content, encoding="utf-8")
        with pytest.raises(BadInput, match="expected the record of a round's shares"):
            examine_record(place)
    place.write_text(json.dumps(record), encoding="utf-8")


def test_custodians_that_make_no_sense_are_refused_and_no_share_is_made(embedded: Collection) -> None:
    for need, names in (
        (1, NAMES),
        (4, NAMES),
        (2, NAMES[:1]),
        (2, ("A", "a")),
        (2, ("A", "")),
        (2, ("A", "B" * 121)),
        (2, ("A", "B\u202eC")),
        (2, tuple(f"người {number}" for number in range(16))),
    ):
        people = [NewCustodian(name, share_passphrase(PASSPHRASES[0])) for name in names]
        with pytest.raises(BadInput, match=r"found"):
            entrust_key(embedded.stores, SLUG, need, people, pytest.fail, scrypt_cost=CHEAP)
    assert embedded.record.custody is None


def test_shares_that_cannot_be_kept_leave_the_round_as_it_was(embedded: Collection) -> None:
    def refuse(_: object) -> None:
        raise BadInput("no disk")

    people = [NewCustodian(name, share_passphrase(PASSPHRASES[0])) for name in NAMES]
    with pytest.raises(BadInput, match="no disk"):
        entrust_key(embedded.stores, SLUG, 2, people, refuse, scrypt_cost=CHEAP)
    assert embedded.record.custody is None
    assert embedded.record.ballot_public_key is None


@pytest.mark.slow
def test_a_round_whose_key_is_on_the_machine_says_so_and_takes_no_share(
    settings: Settings, stores: Stores, tmp_path: Path
) -> None:
    collection = open_collection(settings, stores, tmp_path)
    assert has_key_on_machine(stores)
    share = Share(SLUG, NAMES[0], 1, 2, 3, b"", 5)
    for refused in (lambda: join_shares(collection.record, [share]), lambda: custody_status(stores, SLUG)):
        with pytest.raises(WrongState, match="keeps its key on this machine"):
            refused()
    with pytest.raises(WrongState, match="custodians are named while it is a draft"):
        entrust(collection)
    answer_all(collection)
    close_round(stores, SLUG)
    with pytest.raises(WrongState, match="keeps its key on this machine"):
        seal(collection, [share])
    sealed = seal(collection, [])
    assert sealed.manifest["custody"] == {
        "mode": "machine",
        "key": collection.record.key_fingerprint,
        "destruction": {"what": "the wrapped key", "when": "before the round counts as sealed"},
    }


def test_rounds_in_custody_alone_are_told_from_keys_on_the_machine(embedded: Collection) -> None:
    assert has_key_on_machine(embedded.stores)
    entrust(embedded)
    assert not has_key_on_machine(embedded.stores)


@pytest.mark.slow
def test_sealing_that_was_cut_off_after_the_archive_needs_no_share_again(embedded: Collection) -> None:
    files = entrust(embedded)
    try_all(embedded, files)
    open_round(embedded.stores, embedded.vault, SLUG, TODAY)
    answer_all(embedded)
    close_round(embedded.stores, SLUG)

    def cut(step: str, done: int, total: int) -> None:
        if step == "record":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seal_round(
            embedded.stores,
            embedded.secrets,
            embedded.vault,
            embedded.settings,
            SLUG,
            cut,
            shares=opened_shares(files, 1, 2),
        )
    assert seal(embedded, []).counts.sealed == 22
    assert events_of(embedded).count(KEY_JOINED) == 1
