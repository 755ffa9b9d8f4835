"""The installation's one secret key and the keys derived from it, each for one purpose."""

import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

SHORTEST_KEY_BYTES = 32
INVITATION_ID_BYTES = 16


class Secrets:
    """Keyed marks that only this installation can make.

    A mark is HMAC-SHA256 under a key of its own purpose, so a mark made for one purpose never equals a mark made
    for another, and whoever holds the databases without the secret key can neither make nor check one.
    """

    __slots__ = (
        "_ballot",
        "_collected",
        "_flask",
        "_frame",
        "_invitation",
        "_invitation_id",
        "_nonce",
        "_nullifier",
        "_open_link",
        "_paper",
        "_paper_note",
        "_portal",
        "_proof",
        "_recovery",
        "_second_factor",
        "_session",
        "_ticket",
        "_untagged",
    )

    def __init__(self, secret_key: bytes) -> None:
        if len(secret_key) < SHORTEST_KEY_BYTES:
            raise ValueError(f"the secret key has {len(secret_key)} bytes; at least {SHORTEST_KEY_BYTES} are needed")
        self._invitation = _subkey(secret_key, "invitation tag")
        self._nullifier = _subkey(secret_key, "nullifier")
        self._nonce = _subkey(secret_key, "form nonce")
        self._flask = _subkey(secret_key, "flask session")
        self._ballot = _subkey(secret_key, "ballot tag")
        self._invitation_id = _subkey(secret_key, "invitation id")
        self._untagged = _subkey(secret_key, "round before tags")
        self._proof = _subkey(secret_key, "proof of work")
        self._ticket = _subkey(secret_key, "ticket of who waits")
        self._open_link = _subkey(secret_key, "code of an open link")
        self._session = _subkey(secret_key, "session of an officer")
        self._second_factor = _subkey(secret_key, "second factor")
        self._recovery = _subkey(secret_key, "recovery code")
        self._portal = _subkey(secret_key, "invitation to the portal")
        self._frame = _subkey(secret_key, "list of people")
        self._collected = _subkey(secret_key, "answer of another tool")
        self._paper = _subkey(secret_key, "form on paper")
        self._paper_note = _subkey(secret_key, "note of forms that differ")

    def __repr__(self) -> str:
        return "Secrets(…)"

    @property
    def flask_key(self) -> bytes:
        """The key that signs the office's session cookie, 32 bytes."""
        return self._flask

    @property
    def second_factor_key(self) -> bytes:
        """The key that seals the keys of officers' apps, 32 bytes."""
        return self._second_factor

    @property
    def frame_key(self) -> bytes:
        """The key that seals the keys of the lists that people are drawn from, 32 bytes."""
        return self._frame

    def session_mark(self, token: str) -> bytes:
        """What is stored of the token of an officer's session, 32 bytes."""
        return _mark(self._session, token.encode())

    def recovery_mark(self, officer_id: int, code: str) -> bytes:
        """What is stored of a recovery code, 32 bytes: it is this officer's alone."""
        return _mark(self._recovery, str(officer_id).encode(), code.encode())

    def portal_mark(self, code: str) -> bytes:
        """What is stored of the code that invites somebody of a unit to the portal, 32 bytes."""
        return _mark(self._portal, code.encode("utf-8", "surrogatepass"))

    @property
    def proof_key(self) -> bytes:
        """The key that signs challenges to work, 32 bytes."""
        return self._proof

    def ticket_mark(self, round_slug: str, unit_code: str, issued: str, name: bytes) -> bytes:
        """What makes a ticket of one who waits ours, 32 bytes: it holds for one ballot about this unit."""
        return _mark(self._ticket, round_slug.encode(), unit_code.encode(), issued.encode(), name)

    def open_link_code(self, round_slug: str, unit_code: str, way: str, proof: bytes) -> bytes:
        """The code of an invitation that a proof gives the right to, 24 bytes: 16 of the long spelling, 8 of the other.

        It follows from the proof, and without the secret key nobody finds it.
        """
        return _mark(self._open_link, round_slug.encode(), unit_code.encode(), way.encode(), proof)[:24]

    def invitation_tag(self, code: bytes) -> bytes:
        """What is stored of a code, 32 bytes: the code cannot be found from it without the secret key."""
        return _mark(self._invitation, code)

    def invitation_id(self, round_slug: str, labels: Sequence[str], qr_tag: bytes, typed_tag: bytes) -> bytes:
        """The name of an invitation, 16 bytes, which nobody else can give to these codes and labels.

        A row of the frame store that was changed, moved to another round or made up does not bear its own name.
        """
        parts = (round_slug.encode(), *(label.encode() for label in labels), qr_tag, typed_tag)
        return _mark(self._invitation_id, *parts)[:INVITATION_ID_BYTES]

    def paper_tag(self, round_slug: str, code: bytes) -> bytes:
        """What a form on paper is found by between its two entries, 32 bytes; it leads to no invitation."""
        return _mark(self._paper, b"tag", round_slug.encode(), code)

    def paper_key(self, round_slug: str, code: bytes) -> bytes:
        """The key of what was keyed from one form, 32 bytes: it takes the secret key and the code on the form."""
        info = b"hailong 1 paper form " + round_slug.encode()
        return HKDF(hashes.SHA256(), 32, salt=self._paper, info=info).derive(code)

    @property
    def paper_note_key(self) -> bytes:
        """The key of the notes that list which items of two entries differ, 32 bytes."""
        return self._paper_note

    def ballot_tag(self, round_slug: str, ballot_id: bytes, envelope: bytes) -> bytes:
        """What tells a row of ours in the spool from any other, 32 bytes: it holds for this row of this round alone."""
        return _mark(self._ballot, round_slug.encode(), ballot_id, envelope)

    def untagged_mark(self, round_slug: str) -> bytes:
        """The mark, 32 bytes, of a round that was there before forged ballots and invitations could be told."""
        return _mark(self._untagged, round_slug.encode())

    def nullifier(self, round_slug: str, invitation_id: bytes) -> bytes:
        """The mark that an invitation was used in a round, 32 bytes; without the secret key it names no invitation."""
        return _mark(self._nullifier, round_slug.encode(), invitation_id)

    def collected_nonce(self, round_slug: str, identity: str) -> str:
        """The nonce, 64 characters, of an answer that another tool collected under this name: the same each time."""
        return _mark(self._collected, round_slug.encode(), identity.encode("utf-8", "surrogatepass")).hex()

    def nonce_tag(self, round_slug: str, nullifier: bytes, nonce: str) -> bytes:
        """What is stored of the form that a ballot came from, 32 bytes; bound to the one ballot it came with."""
        # A browser may send any text in the field; one that is no valid Unicode is a nonce like any other.
        return _mark(self._nonce, round_slug.encode(), nullifier, nonce.encode("utf-8", "surrogatepass"))


def _subkey(secret_key: bytes, purpose: str) -> bytes:
    return HKDFExpand(hashes.SHA256(), 32, f"hailong 1 {purpose}".encode()).derive(secret_key)


def _mark(key: bytes, *parts: bytes) -> bytes:
    # Each part carries its length, so that two different lists of parts never read as the same bytes.
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(key, framed, "sha256")
