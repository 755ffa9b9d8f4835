"""Sealed envelopes: what is written to a round's public key and can be read with its private key alone.

HPKE (RFC 9180), base mode, single shot, DHKEM(P-256, HKDF-SHA256) with HKDF-SHA256 and AES-256-GCM. An envelope is four
bytes that name its format, the sender's encapsulated key (65 bytes), the ciphertext and its tag (16 bytes).
"""

from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

BALLOT_FORMAT = b"HLB1"
COMMENTS_FORMAT = b"HLC1"
SMALLEST_PADDED = 4096
OVERHEAD_BYTES = 4 + 65 + 16

_LENGTH_BYTES = 4


class EnvelopeError(Exception):
    """An envelope that cannot be opened; the message never holds any of its content."""


def padded_size_for(longest_plaintext: int) -> int:
    """The size, in bytes, every ballot of a round is padded to: the smallest 4096·2ᵏ that holds the longest one."""
    if longest_plaintext < 0:
        raise ValueError("a length is not negative")
    size = SMALLEST_PADDED
    while size < longest_plaintext + _LENGTH_BYTES:
        size *= 2
    return size


def seal_ballot(
    public_key: bytes, round_slug: str, questionnaire_hash: str, plaintext: bytes, padded_size: int
) -> bytes:
    """An envelope of padded_size + 85 bytes, whatever the plaintext's length.

    The round and the questionnaire's hash are bound in: with any others the envelope does not open.
    """
    space = padded_size - _LENGTH_BYTES - len(plaintext)
    if space < 0:
        raise ValueError(f"a ballot of {len(plaintext)} bytes does not fit into {padded_size} padded bytes")
    padded = len(plaintext).to_bytes(_LENGTH_BYTES, "big") + plaintext + bytes(space)
    return _seal(BALLOT_FORMAT, public_key, padded, _context(BALLOT_FORMAT, round_slug, questionnaire_hash))


def open_ballot(
    private_key: ec.EllipticCurvePrivateKey, round_slug: str, questionnaire_hash: str, envelope: bytes
) -> bytes:
    """The plaintext that seal_ballot was given; EnvelopeError when round, questionnaire, key or any bit differ."""
    padded = _open(BALLOT_FORMAT, private_key, envelope, _context(BALLOT_FORMAT, round_slug, questionnaire_hash))
    length = int.from_bytes(padded[:_LENGTH_BYTES], "big")
    end = _LENGTH_BYTES + length
    if end > len(padded) or padded[end:].strip(b"\0"):
        raise EnvelopeError("the padding inside a ballot is not as this format has it")
    return padded[_LENGTH_BYTES:end]


def seal_comments(public_key: bytes, round_slug: str, plaintext: bytes) -> bytes:
    """An envelope for a round's free text, plaintext + 85 bytes long."""
    return _seal(COMMENTS_FORMAT, public_key, plaintext, _context(COMMENTS_FORMAT, round_slug))


def open_comments(private_key: ec.EllipticCurvePrivateKey, round_slug: str, envelope: bytes) -> bytes:
    """The plaintext that seal_comments was given; EnvelopeError when round, key or any bit differ."""
    return _open(COMMENTS_FORMAT, private_key, envelope, _context(COMMENTS_FORMAT, round_slug))


def _seal(envelope_format: bytes, public_key: bytes, plaintext: bytes, context: bytes) -> bytes:
    return envelope_format + _suite().encrypt(plaintext, _recipient(public_key), info=context)


def _open(envelope_format: bytes, private_key: ec.EllipticCurvePrivateKey, envelope: bytes, context: bytes) -> bytes:
    found = envelope[: len(envelope_format)]
    if found != envelope_format:
        raise EnvelopeError(f"the envelope does not begin with {envelope_format.decode()}")
    try:
        return _suite().decrypt(envelope[len(envelope_format) :], private_key, info=context)
    except InvalidTag:
        raise EnvelopeError("the envelope does not open with this key for this round and questionnaire") from None


@lru_cache(maxsize=64)
def _recipient(public_key: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)


@lru_cache(maxsize=1)
def _suite() -> Suite:
    return Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _context(envelope_format: bytes, *parts: str) -> bytes:
    # Each part carries its length, so that no two different contexts read as the same bytes.
    encoded = (part.encode() for part in parts)
    return b"hailong " + envelope_format + b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
