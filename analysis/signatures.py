"""Signed documents: canonical JSON with an Ed25519 signature that anyone can check."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "Ed25519"
SIGNATURE = "signature"


class Signer(Protocol):
    """Whoever holds a signing key: a vault, a test, a smart card."""

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the Ed25519 public key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature of the message."""
        ...


@dataclass(frozen=True, slots=True)
class PrivateKeySigner:
    """A signer that holds its private key in memory."""

    private_key: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, seed: bytes) -> "PrivateKeySigner":
        """The signer whose private key is these 32 bytes."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of the Ed25519 public key."""
        return self.private_key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature of the message."""
        return self.private_key.sign(message)


def _is_plainly_spelled(entry: Mapping[object, object]) -> bool:
    # Hex digits have two cases and may hold spaces; what is sealed has one spelling.
    numbers = (entry.get("public_key"), entry.get("value"))
    return len(entry) == 3 and all(isinstance(number, str) and number == number.lower().strip() for number in numbers)


def canonical_json(value: object) -> bytes:
    """The one spelling of a JSON value: sorted keys, no spaces, UTF-8, no NaN; equal values give equal bytes.

    Raises ValueError on NaN and infinities, which JSON has no word for.
    """
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def fingerprint(public_key: bytes) -> str:
    """The name by which people compare a key: its SHA-256, 64 hex digits."""
    return hashlib.sha256(public_key).hexdigest()


def signed(document: Mapping[str, object], signer: Signer) -> dict[str, object]:
    """The document with a `signature` entry over the canonical JSON of all its other entries."""
    body = {key: value for key, value in document.items() if key != SIGNATURE}
    return {
        **body,
        SIGNATURE: {
            "algorithm": ALGORITHM,
            "public_key": signer.public_key.hex(),
            "value": signer.sign(canonical_json(body)).hex(),
        },
    }


def public_key_of(document: Mapping[str, object]) -> bytes | None:
    """The public key that a document says it was signed with; None when it names none."""
    entry = document.get(SIGNATURE)
    if not isinstance(entry, Mapping):
        return None
    try:
        return bytes.fromhex(str(entry.get("public_key")))
    except ValueError:
        return None


def signature_complaint(document: Mapping[str, object], trusted_key: bytes | None = None) -> str | None:
    """None when the signature holds; otherwise what is wrong with it, in words.

    Without `trusted_key` this shows only that the document is as its signer left it; who the signer is
    must be learnt elsewhere, by comparing the key's fingerprint.
    """
    entry = document.get(SIGNATURE)
    public_key = public_key_of(document)
    if not isinstance(entry, Mapping) or public_key is None:
        return "no signature"
    if entry.get("algorithm") != ALGORITHM:
        return f"a signature by {entry.get('algorithm')!r}"
    if not _is_plainly_spelled(entry):
        return "a signature in another spelling than its signer's"
    if trusted_key is not None and public_key != trusted_key:
        return f"signed with another key, fingerprint {fingerprint(public_key)}"
    body = {key: value for key, value in document.items() if key != SIGNATURE}
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(
            bytes.fromhex(str(entry.get("value"))), canonical_json(body)
        )
    except (InvalidSignature, ValueError):
        return "a signature that does not fit the document"
    return None
