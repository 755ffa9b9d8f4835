"""Envelopes: standard, of one length, and shut to everything but the right key, round and questionnaire."""

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.hpke_by_hand import open_single
from survey.envelopes import (
    OVERHEAD_BYTES,
    EnvelopeError,
    open_ballot,
    open_comments,
    padded_size_for,
    seal_ballot,
    seal_comments,
)

PRIVATE = ec.derive_private_key(0xF3CE7FDA_E57E1A31_0D87F1EB_BDE6F328, ec.SECP256R1())
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
HASH = "ab" * 32


# RFC 9180 publishes vectors for this KEM and KDF with two AEADs (appendices A.3 and A.5, base mode, sequence number 0);
# the hand-written opening is held to both and is then what our AES-256-GCM envelopes must open under.
RFC_9180 = {
    "A.3, AES-128-GCM": (
        1,
        "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
        (
            "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325"
            "ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4"
        ),
        "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434",
    ),
    "A.5, ChaCha20Poly1305": (
        3,
        "a4d1c55836aa30f9b3fbb6ac98d338c877c2867dd3a77396d13f68d3ab150d3b",
        (
            "04c07836a0206e04e31d8ae99bfd549380b072a1b1b82e563c935c095827824"
            "fc1559eac6fb9e3c70cd3193968994e7fe9781aa103f5b50e934b5b2f387e381291"
        ),
        "6469c41c5c81d3aa85432531ecf6460ec945bde1eb428cb2fedf7a29f5a685b4ccb0d057f03ea2952a27bb458b",
    ),
}


@pytest.mark.parametrize("appendix", RFC_9180)
def test_the_opening_by_hand_opens_the_vectors_of_the_standard(appendix: str) -> None:
    aead_id, private, enc, ciphertext = RFC_9180[appendix]
    private_key = ec.derive_private_key(int(private, 16), ec.SECP256R1())
    plaintext = open_single(
        private_key,
        bytes.fromhex(enc),
        bytes.fromhex(ciphertext),
        b"Ode on a Grecian Urn",
        aead_id,
        aad=b"Count-0",
    )
    assert plaintext == b"Beauty is truth, truth beauty"


def test_our_envelopes_open_by_hand() -> None:
    envelope = seal_ballot(PUBLIC, "thu-2026", HASH, "trả lời".encode(), 4096)
    info = b"hailong HLB1" + b"\0\0\0\x08thu-2026" + b"\0\0\0\x40" + HASH.encode()
    padded = open_single(PRIVATE, envelope[4:69], envelope[69:], info, 2)
    content = "trả lời".encode()
    assert padded == len(content).to_bytes(4, "big") + content + bytes(4096 - 4 - len(content))


def test_our_comments_open_by_hand() -> None:
    envelope = seal_comments(PUBLIC, "thu-2026", b"{}\n")
    assert open_single(PRIVATE, envelope[4:69], envelope[69:], b"hailong HLC1\0\0\0\x08thu-2026", 2) == b"{}\n"


@pytest.mark.parametrize("length", [0, 1, 500, 4092])
def test_every_ballot_of_a_round_has_one_length_and_opens_again(length: int) -> None:
    plaintext = bytes(range(256)) * 16
    envelope = seal_ballot(PUBLIC, "r", HASH, plaintext[:length], 4096)
    assert len(envelope) == 4096 + OVERHEAD_BYTES
    assert envelope.startswith(b"HLB1")
    assert open_ballot(PRIVATE, "r", HASH, envelope) == plaintext[:length]


def test_one_ballot_sealed_twice_is_two_different_envelopes() -> None:
    assert seal_ballot(PUBLIC, "r", HASH, b"x", 4096) != seal_ballot(PUBLIC, "r", HASH, b"x", 4096)


def test_a_ballot_that_does_not_fit_is_refused_and_not_shown() -> None:
    with pytest.raises(ValueError, match="4093 bytes does not fit into 4096") as complaint:
        seal_ballot(PUBLIC, "r", HASH, b"q" * 4093, 4096)
    assert "qqq" not in str(complaint.value)


@pytest.mark.parametrize(
    ("longest", "size"), [(0, 4096), (4092, 4096), (4093, 8192), (8188, 8192), (8189, 16384), (70_000, 131_072)]
)
def test_the_padded_size_is_the_smallest_that_holds_the_longest_ballot(longest: int, size: int) -> None:
    assert padded_size_for(longest) == size


def test_an_envelope_does_not_open_for_another_round_questionnaire_or_key() -> None:
    envelope = seal_ballot(PUBLIC, "r", HASH, b"x", 4096)
    stranger = ec.generate_private_key(ec.SECP256R1())
    for private_key, round_slug, questionnaire_hash in [
        (stranger, "r", HASH),
        (PRIVATE, "s", HASH),
        (PRIVATE, "r", "cd" * 32),
        (PRIVATE, "r" + HASH, ""),
    ]:
        with pytest.raises(EnvelopeError):
            open_ballot(private_key, round_slug, questionnaire_hash, envelope)


@pytest.mark.parametrize("place", [0, 3, 4, 5, 40, 68, 69, 100, 2000, -17, -1])
def test_one_flipped_bit_shuts_an_envelope(place: int) -> None:
    envelope = bytearray(seal_ballot(PUBLIC, "r", HASH, b"x", 4096))
    envelope[place] ^= 1
    with pytest.raises(EnvelopeError):
        open_ballot(PRIVATE, "r", HASH, bytes(envelope))


@pytest.mark.parametrize("envelope", [b"", b"HLB1", b"HLB1" + bytes(64), b"HLB1" + bytes(200), b"HLB2" + bytes(200)])
def test_what_is_no_envelope_is_refused(envelope: bytes) -> None:
    with pytest.raises(EnvelopeError):
        open_ballot(PRIVATE, "r", HASH, envelope)


def test_a_shortened_or_lengthened_envelope_is_refused() -> None:
    envelope = seal_ballot(PUBLIC, "r", HASH, b"x", 4096)
    for wrong in (envelope[:-1], envelope + b"\0"):
        with pytest.raises(EnvelopeError):
            open_ballot(PRIVATE, "r", HASH, wrong)


def test_a_ballot_is_no_comments_and_comments_are_no_ballot() -> None:
    with pytest.raises(EnvelopeError):
        open_comments(PRIVATE, "r", seal_ballot(PUBLIC, "r", HASH, b"x", 4096))
    with pytest.raises(EnvelopeError):
        open_ballot(PRIVATE, "r", HASH, seal_comments(PUBLIC, "r", b"x"))
    relabelled = b"HLC1" + seal_ballot(PUBLIC, "r", HASH, b"x", 4096)[4:]
    with pytest.raises(EnvelopeError):
        open_comments(PRIVATE, "r", relabelled)


def test_comments_open_again_for_their_round_only() -> None:
    envelope = seal_comments(PUBLIC, "r", "Cán bộ tận tình.".encode())
    assert open_comments(PRIVATE, "r", envelope).decode() == "Cán bộ tận tình."
    with pytest.raises(EnvelopeError):
        open_comments(PRIVATE, "s", envelope)


def test_the_opening_by_hand_refuses_a_wrong_context_too() -> None:
    envelope = seal_comments(PUBLIC, "r", b"x")
    with pytest.raises(InvalidTag):
        open_single(PRIVATE, envelope[4:69], envelope[69:], b"hailong HLC1\0\0\0\x01s", 2)
