"""The vault: private keys in files of their own, outside the databases, each wrapped by a passphrase."""

import base64
import contextlib
import hashlib
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from survey.errors import BadInput, NotFound, WrongState

SIGNING_NAME: Final = "signing"
SCRYPT_COST: Final = 2**17
# A file that names a cost outside these bounds was not written by us: below, the passphrase is cheap to guess; above,
# reading the file would take the machine's memory.
SCRYPT_COSTS: Final = (2**14, 2**20)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}(\.comments)?")
SHORTEST_PASSPHRASE: Final = 12


@dataclass(frozen=True, slots=True)
class Passphrase:
    """What opens the vault's files. Never printed."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_PASSPHRASE:
            raise BadInput(
                f"the passphrase has {len(self.secret)} bytes; expected at least {SHORTEST_PASSPHRASE} of them"
            )


def read_passphrase(path: Path) -> Passphrase:
    """The passphrase in a file, without the white space around it."""
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise BadInput(f"the passphrase file {path} cannot be read: {problem.strerror}") from None
    return Passphrase(content.strip())


def fingerprint(public_key: bytes) -> str:
    """The SHA-256 of a public key, 64 hexadecimal digits: what is printed and compared."""
    return hashlib.sha256(public_key).hexdigest()


class KeyVault:
    """The private keys in one directory: one JSON file a key, mode 0600, wrapped with scrypt and AES-256-GCM.

    A round has two pairs on P-256: `<round>` for its ballots, destroyed when the round is sealed, and
    `<round>.comments` for its free text. `signing` is the installation's own Ed25519 key.
    """

    def __init__(
        self, directory: Path, passphrase: Passphrase | bytes | None, *, scrypt_cost: int = SCRYPT_COST
    ) -> None:
        self._directory = directory
        self._passphrase = Passphrase(passphrase) if isinstance(passphrase, bytes) else passphrase
        self._cost = scrypt_cost

    def create_pair(self, name: str) -> bytes:
        """The public key (65 bytes, uncompressed point) of the pair of that name, made now if there is none.

        A pair that exists is kept, so that opening a round can be tried again after a crash. A destroyed pair is never
        made again: WrongState.
        """
        if name == SIGNING_NAME:
            raise BadInput(f"“{SIGNING_NAME}” is the name of the installation's own key; choose another for the round")
        if self._path(name).exists():
            return self.public_key(name)
        private_key = ec.generate_private_key(ec.SECP256R1())
        self._wrap_new(name, private_key, public_point(private_key.public_key()))
        # Another process may have been quicker; the pair in the file is the one that counts.
        return self.public_key(name)

    def public_key(self, name: str) -> bytes:
        """The public key of a pair, without the passphrase; WrongState when the pair was destroyed."""
        record = self._read(name)
        if record.get("destroyed"):
            raise WrongState(f"the key “{name}” was destroyed; it cannot be used or made again")
        return _bytes_of(record, "public", name)

    def has(self, name: str) -> bool:
        """Whether there is, or was, a pair of that name."""
        return self._path(name).exists()

    def is_destroyed(self, name: str) -> bool:
        """Whether the pair of that name existed and its private key was destroyed."""
        return self._path(name).exists() and bool(self._read(name).get("destroyed"))

    def unwrap(self, name: str, passphrase: Passphrase | None = None) -> ec.EllipticCurvePrivateKey:
        """The private key of a pair, with the vault's own passphrase or the given one."""
        private_key = self._unwrap(name, passphrase)
        if not isinstance(private_key, ec.EllipticCurvePrivateKey):
            raise BadInput(f"the key “{name}” is no key pair of a round")
        return private_key

    def destroy(self, name: str) -> None:
        """The private key is gone for good; what remains of the file says which public key it had.

        Destroying a destroyed key does nothing. The old file's bytes are written over; where a disk or a backup keeps
        them all the same, they are still wrapped by the passphrase.
        """
        record = self._read(name)
        if record.get("destroyed"):
            return
        path = self._path(name)
        tombstone = {"format": "hailong key 1", "name": name, "public": record["public"], "destroyed": True}
        with path.open("r+b") as stream:
            size = path.stat().st_size
            # The tombstone takes the file's place first: a crash between the two steps leaves a file that can be read.
            write_record(path, tombstone, replace=True)
            stream.write(secrets.token_bytes(size))
            stream.flush()
            os.fsync(stream.fileno())

    def signer(self, passphrase: Passphrase | None = None) -> "VaultSigner":
        """The installation's signing key, made now if there is none."""
        if not self._path(SIGNING_NAME).exists():
            fresh = ed25519.Ed25519PrivateKey.generate()
            public = fresh.public_key().public_bytes_raw()
            self._wrap_new(SIGNING_NAME, fresh, public, passphrase)
            # Another process may have been quicker; the key in the file is the one that counts.
            if self.public_key(SIGNING_NAME) == public:
                return VaultSigner(fresh)
        private_key = self._unwrap(SIGNING_NAME, passphrase)
        if not isinstance(private_key, ed25519.Ed25519PrivateKey):
            raise BadInput(f"the key “{SIGNING_NAME}” is no signing key")
        return VaultSigner(private_key)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise BadInput(f"found “{name}” as the name of a key; expected lower-case letters, digits, - and _")
        return self._directory / f"{name}.json"

    def _read(self, name: str) -> dict[str, Any]:
        path = self._path(name)
        try:
            record = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise NotFound(f"there is no key “{name}” in {self._directory}") from None
        except (OSError, ValueError):
            raise BadInput(f"the key file {path} cannot be read or is damaged") from None
        if not isinstance(record, dict) or record.get("name") != name:
            raise BadInput(f"the key file {path} is damaged or belongs to another name")
        return record

    def _chosen(self, passphrase: Passphrase | None) -> bytes:
        chosen = passphrase or self._passphrase
        if chosen is None:
            raise WrongState("the vault is locked: name the file that holds its passphrase")
        return chosen.secret

    def _wrap_new(
        self,
        name: str,
        private_key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
        public: bytes,
        passphrase: Passphrase | None = None,
    ) -> None:
        salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
        wrapping_key = _stretched(self._chosen(passphrase), salt, self._cost)
        encoded = private_key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        record = {
            "format": "hailong key 1",
            "name": name,
            "public": _text(public),
            "scrypt": {"n": self._cost, "r": 8, "p": 1, "salt": _text(salt)},
            "nonce": _text(nonce),
            "wrapped": _text(AESGCM(wrapping_key).encrypt(nonce, encoded, _bound(name, public))),
        }
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A pair that another process wrote meanwhile is the pair; this one is forgotten.
        with contextlib.suppress(FileExistsError):
            write_record(self._path(name), record, replace=False)

    def _unwrap(
        self, name: str, passphrase: Passphrase | None
    ) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
        record = self._read(name)
        if record.get("destroyed"):
            raise WrongState(f"the key “{name}” was destroyed; what was sealed to it cannot be opened any more")
        public, nonce, wrapped = (_bytes_of(record, field_name, name) for field_name in ("public", "nonce", "wrapped"))
        stretching = record.get("scrypt")
        if not isinstance(stretching, dict) or (stretching.get("r"), stretching.get("p")) != (8, 1):
            raise BadInput(f"the key file of “{name}” is damaged: its scrypt settings are not ours")
        cost = stretching.get("n")
        if not isinstance(cost, int) or not SCRYPT_COSTS[0] <= cost <= SCRYPT_COSTS[1] or cost & (cost - 1):
            raise BadInput(f"the key file of “{name}” is damaged: its scrypt cost is not ours")
        wrapping_key = _stretched(self._chosen(passphrase), _bytes_of(stretching, "salt", name), cost)
        try:
            encoded = AESGCM(wrapping_key).decrypt(nonce, wrapped, _bound(name, public))
        except (InvalidTag, ValueError):
            raise BadInput(f"the passphrase does not open the key “{name}”, or its file is damaged") from None
        private_key = serialization.load_der_private_key(encoded, password=None)
        if not isinstance(private_key, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            raise BadInput(f"the key “{name}” is of a kind we do not use")
        return private_key


class VaultSigner:
    """The installation's signature: Ed25519 over bytes."""

    __slots__ = ("_private_key",)

    def __init__(self, private_key: ed25519.Ed25519PrivateKey) -> None:
        self._private_key = private_key

    @property
    def public_key(self) -> bytes:
        """The public key, 32 bytes."""
        return self._private_key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, 64 bytes."""
        return self._private_key.sign(message)


def public_point(public_key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as 65 bytes, the uncompressed point: as it is stored, printed and sealed to."""
    return public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _stretched(passphrase: bytes, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase)


def _bound(name: str, public: bytes) -> bytes:
    # A wrapped key that was copied under another name, or whose public key was exchanged, does not unwrap.
    return b"hailong key 1\0" + name.encode() + b"\0" + public


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes_of(record: dict[str, Any], field_name: str, name: str) -> bytes:
    try:
        return base64.b64decode(record[field_name], validate=True)
    except (KeyError, TypeError, ValueError):
        raise BadInput(f"the key file of “{name}” is damaged: its field “{field_name}” cannot be read") from None


def write_record(path: Path, record: Mapping[str, Any], *, replace: bool) -> None:
    """The record as JSON in a private file; see `write_private_file`."""
    write_private_file(path, json.dumps(record, ensure_ascii=False, indent=1).encode() + b"\n", replace=replace)


def write_private_file(path: Path, content: bytes, *, replace: bool) -> None:
    """The content in the file whole, on the disk, with mode 0600; or the file as it was before.

    Raises FileExistsError where a file is there and is not to be replaced.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            temporary.replace(path)
        else:
            # A link, unlike a rename, refuses a file that is there.
            path.hardlink_to(temporary)
    finally:
        temporary.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
