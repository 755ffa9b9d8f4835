"""The vault: keys in files that only the passphrase opens."""

import json
import stat
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from survey.errors import BadInput, NotFound, WrongState
from survey.vault import KeyVault, Passphrase, fingerprint, read_passphrase

PASSPHRASE = Passphrase(b"five words that were chosen")


@pytest.fixture
def vault(tmp_path: Path) -> KeyVault:
    return KeyVault(tmp_path / "keys", PASSPHRASE, scrypt_cost=2**14)


def test_a_pair_is_made_wrapped_and_unwrapped(vault: KeyVault, tmp_path: Path) -> None:
    public = vault.create_pair("thu-2026")
    private = vault.unwrap("thu-2026")
    assert private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) == public
    assert vault.public_key("thu-2026") == public
    path = tmp_path / "keys" / "thu-2026.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    scalar = private.private_numbers().private_value
    assert format(scalar, "x") not in path.read_text()
    assert [found.name for found in path.parent.iterdir()] == ["thu-2026.json"]


def test_the_usual_cost_is_what_the_file_says_and_another_vault_reads_it(tmp_path: Path) -> None:
    public = KeyVault(tmp_path, PASSPHRASE).create_pair("r")
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["scrypt"]["n"] == 2**17
    assert KeyVault(tmp_path, b"five words that were chosen", scrypt_cost=2**14).unwrap("r").public_key() is not None
    assert fingerprint(public) == fingerprint(KeyVault(tmp_path, None).public_key("r"))


def test_a_pair_that_exists_is_kept(vault: KeyVault) -> None:
    assert vault.create_pair("r") == vault.create_pair("r")
    assert vault.create_pair("r.comments") != vault.create_pair("r")


def test_two_who_make_one_pair_at_once_have_one_pair(vault: KeyVault) -> None:
    made: list[bytes] = []
    threads = [threading.Thread(target=lambda: made.append(vault.create_pair("r"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(made)) == 1
    assert fingerprint(made[0]) == fingerprint(vault.public_key("r"))


def test_a_wrong_passphrase_opens_nothing(vault: KeyVault, tmp_path: Path) -> None:
    vault.create_pair("r")
    stranger = KeyVault(tmp_path / "keys", Passphrase(b"another five words here"), scrypt_cost=2**14)
    with pytest.raises(BadInput, match="passphrase does not open"):
        stranger.unwrap("r")
    assert stranger.unwrap("r", PASSPHRASE) is not None


def test_without_a_passphrase_the_vault_is_locked(vault: KeyVault, tmp_path: Path) -> None:
    vault.create_pair("r")
    locked = KeyVault(tmp_path / "keys", None)
    with pytest.raises(WrongState, match="locked"):
        locked.unwrap("r")
    with pytest.raises(WrongState, match="locked"):
        locked.create_pair("s")
    assert not (tmp_path / "keys" / "s.json").exists()


def test_a_destroyed_key_is_gone_and_never_made_again(vault: KeyVault, tmp_path: Path) -> None:
    public = vault.create_pair("r")
    wrapped = json.loads((tmp_path / "keys" / "r.json").read_text())["wrapped"]
    assert not vault.is_destroyed("r")
    vault.destroy("r")
    vault.destroy("r")
    assert vault.is_destroyed("r")
    for attempt in (vault.unwrap, vault.create_pair, vault.public_key):
        with pytest.raises(WrongState, match="destroyed"):
            attempt("r")
    remains = (tmp_path / "keys" / "r.json").read_text()
    assert wrapped not in remains
    assert json.loads(remains)["destroyed"] is True
    assert fingerprint(public)
    assert [found.name for found in (tmp_path / "keys").iterdir()] == ["r.json"]


def test_destroying_writes_over_the_old_bytes(vault: KeyVault, tmp_path: Path) -> None:
    vault.create_pair("r")
    path = tmp_path / "keys" / "r.json"
    kept = tmp_path / "kept.json"
    kept.hardlink_to(path)
    before = kept.read_bytes()
    vault.destroy("r")
    assert len(kept.read_bytes()) == len(before)
    assert kept.read_bytes() != before
    assert b"wrapped" not in kept.read_bytes()


def test_a_key_that_is_not_there_is_not_found(vault: KeyVault) -> None:
    assert not vault.is_destroyed("r")
    for attempt in (vault.unwrap, vault.public_key, vault.destroy):
        with pytest.raises(NotFound, match="no key “r”"):
            attempt("r")


@pytest.mark.parametrize(
    "name", ["", "../r", "R", "r/s", ".r", "r.json", "đợt", "a" * 101, "signing.comments.comments"]
)
def test_a_name_that_is_no_file_name_is_refused(vault: KeyVault, name: str) -> None:
    with pytest.raises(BadInput, match="name of a key"):
        vault.create_pair(name)


def test_a_round_cannot_take_the_signing_keys_name(vault: KeyVault) -> None:
    with pytest.raises(BadInput, match="own key"):
        vault.create_pair("signing")
    vault.signer()
    with pytest.raises(BadInput, match="no key pair"):
        vault.unwrap("signing")


def test_the_signing_key_stays_the_same_and_its_signatures_hold(vault: KeyVault, tmp_path: Path) -> None:
    signer = vault.signer()
    again = KeyVault(tmp_path / "keys", PASSPHRASE).signer()
    assert signer.public_key == again.public_key
    ed25519.Ed25519PublicKey.from_public_bytes(signer.public_key).verify(again.sign(b"manifest"), b"manifest")


def damage(path: Path, **changes: object) -> None:
    record = json.loads(path.read_text())
    record.update(changes)
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    "changes",
    [
        {"public": "AAAA"},
        {"public": None},
        {"nonce": "####"},
        {"nonce": ""},
        {"wrapped": "AAAA"},
        {"scrypt": None},
        {"scrypt": {"n": 2**40, "r": 8, "p": 1, "salt": "AAAA"}},
        {"scrypt": {"n": 1, "r": 8, "p": 1, "salt": "AAAA"}},
        {"scrypt": {"n": 2**14 + 1, "r": 8, "p": 1, "salt": "AAAA"}},
        {"scrypt": {"n": 2**14, "r": 8, "p": 1}},
        {"scrypt": {"n": 2**14, "r": 99999, "p": 1, "salt": "AAAA"}},
        {"name": "s"},
    ],
)
def test_a_damaged_file_opens_nothing_and_says_so(vault: KeyVault, tmp_path: Path, changes: dict[str, object]) -> None:
    vault.create_pair("r")
    damage(tmp_path / "keys" / "r.json", **changes)
    with pytest.raises(BadInput):
        vault.unwrap("r")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_file_that_is_no_json_is_damaged(vault: KeyVault, tmp_path: Path, content: bytes) -> None:
    vault.create_pair("r")
    (tmp_path / "keys" / "r.json").write_bytes(content)
    with pytest.raises(BadInput, match="damaged"):
        vault.unwrap("r")


def test_a_key_copied_under_another_name_does_not_open(vault: KeyVault, tmp_path: Path) -> None:
    vault.create_pair("r")
    source = (tmp_path / "keys" / "r.json").read_text()
    (tmp_path / "keys" / "s.json").write_text(source.replace('"name": "r"', '"name": "s"'))
    with pytest.raises(BadInput, match="passphrase does not open the key “s”"):
        vault.unwrap("s")


def test_a_passphrase_is_read_from_a_file_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(b"  five words that were chosen\r\n")
    passphrase = read_passphrase(path)
    assert passphrase == PASSPHRASE
    assert "chosen" not in repr(passphrase)


def test_a_passphrase_that_is_missing_or_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_passphrase(tmp_path / "none")
    (tmp_path / "short").write_bytes(b"short\n")
    with pytest.raises(BadInput, match="5 bytes") as complaint:
        read_passphrase(tmp_path / "short")
    assert "short" not in str(complaint.value).replace(str(tmp_path), "")
