"""HPKE opening (RFC 9180, base mode) written from the text of the standard: slow, plain, and independent of ours."""

import hmac

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEM_ID = 0x0010  # DHKEM(P-256, HKDF-SHA256)
KDF_ID = 0x0001  # HKDF-SHA256
AEADS = {1: (AESGCM, 16), 2: (AESGCM, 32), 3: (ChaCha20Poly1305, 32)}


def extract(salt: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), material, "sha256")


def expand(key: bytes, info: bytes, length: int) -> bytes:
    block, output, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        output += block
        counter += 1
    return output[:length]


def labeled_extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return extract(salt, b"HPKE-v1" + suite + label + material)


def labeled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def decapsulate(private_key: ec.EllipticCurvePrivateKey, enc: bytes) -> bytes:
    sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), enc)
    recipient = private_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    suite = b"KEM" + KEM_ID.to_bytes(2, "big")
    secret = labeled_extract(suite, b"", b"eae_prk", private_key.exchange(ec.ECDH(), sender))
    return labeled_expand(suite, secret, b"shared_secret", enc + recipient, 32)


def key_and_nonce(shared_secret: bytes, info: bytes, aead_id: int) -> tuple[bytes, bytes]:
    suite = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (KEM_ID, KDF_ID, aead_id))
    context = (
        b"\x00"  # base mode
        + labeled_extract(suite, b"", b"psk_id_hash", b"")
        + labeled_extract(suite, b"", b"info_hash", info)
    )
    secret = labeled_extract(suite, shared_secret, b"secret", b"")
    key_length = AEADS[aead_id][1]
    return (
        labeled_expand(suite, secret, b"key", context, key_length),
        labeled_expand(suite, secret, b"base_nonce", context, 12),
    )


def open_single(
    private_key: ec.EllipticCurvePrivateKey, enc: bytes, ciphertext: bytes, info: bytes, aead_id: int, aad: bytes = b""
) -> bytes:
    key, nonce = key_and_nonce(decapsulate(private_key, enc), info, aead_id)
    return AEADS[aead_id][0](key).decrypt(nonce, ciphertext, aad)
