"""Forged rows of every kind, from whoever may write to every database and holds no key."""

import hashlib
import hmac
import secrets as randomness
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select, text

from support.rounds import SLUG, Collection
from survey.ballots import Origin, padded_size_of, write_ballot
from survey.envelopes import seal_ballot, seal_comments
from survey.secrets import Secrets
from survey.storage.frame import Invitation
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.sessions import reading, writing

OTHER_ROUND = "thu-2025"
HONEST = {"phuong-a": 12, "xa-b": 11}

Row = dict[str, Any]


def answer_honestly(collection: Collection) -> list[str]:
    """23 citizens answer; returns the codes that nobody has used, which the adversary holds."""
    left = []
    for unit, count in HONEST.items():
        codes = collection.codes(unit, count + 6)
        for number, code in enumerate(codes[:count]):
            assert collection.send(unit, code.qr, q1="s1" if number % 3 else "s5", visits="2") == "received"
        left += [code.qr for code in codes[count:]]
    return left


class Adversary:
    """The databases' administrator, with a copy of everything in them."""

    def __init__(self, collection: Collection) -> None:
        self.stores = collection.stores
        self.is_sqlite = collection.stores.intake.dialect.name == "sqlite"
        record = collection.record
        assert record.ballot_public_key is not None
        self.public_key = record.ballot_public_key
        self.questionnaire_hash = record.questionnaire_hash
        self.padded_size = padded_size_of(collection.questionnaire)
        with reading(self.stores.intake) as session:
            self.ballots = [dict(row) for row in session.execute(select(Ballot.__table__)).mappings()]
            self.marks = [dict(row) for row in session.execute(select(SpentInvitation.__table__)).mappings()]
        with reading(self.stores.frame) as session:
            self.invitations = [dict(row) for row in session.execute(select(Invitation.__table__)).mappings()]

    def envelope(self, unit: str = "phuong-a") -> bytes:
        """Five stars for a unit, sealed to the public key as an honest ballot is."""
        best = write_ballot(SLUG, Origin(unit, channel="slip"), {"q1": "s5", "visits": 1})
        return seal_ballot(self.public_key, SLUG, self.questionnaire_hash, best, self.padded_size)

    def ballot(self, **changes: Any) -> Row:
        return {
            "id": randomness.token_bytes(16),
            "round_slug": SLUG,
            "envelope": self.envelope(),
            "tag": None,
        } | changes

    def mark(self, **changes: Any) -> Row:
        return {
            "round_slug": SLUG, "nullifier": randomness.token_bytes(32), "nonce_tag": randomness.token_bytes(32),
        } | changes  # fmt: skip

    def invitation(self, **changes: Any) -> Row:
        return {
            "id": randomness.token_bytes(16), "round_slug": SLUG, "unit_code": "phuong-a", "stratum": "", "psu": "",
            "channel": "slip", "qr_tag": randomness.token_bytes(32), "typed_tag": randomness.token_bytes(32),
        } | changes  # fmt: skip

    def add(self, table: Any, rows: Sequence[Row]) -> int:
        with writing(self.stores.frame if table is Invitation else self.stores.intake) as session:
            session.execute(insert(table.__table__), list(rows))
        return len(rows)

    def disarm(self) -> None:
        """Drop what refuses changes in the intake store, as its owner may."""
        with self.stores.intake.begin() as connection:
            for table in ("ballot", "spent_invitation"):
                if self.is_sqlite:
                    connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_refuses_update"))
                    connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_refuses_delete"))
                else:
                    connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_refuses_change ON {table}"))

    def take_away(self, n_ballots: int = 0, n_marks: int = 0) -> None:
        self.disarm()
        with writing(self.stores.intake) as session:
            for row in self.ballots[:n_ballots]:
                session.execute(delete(Ballot).where(Ballot.id == row["id"]))
            for row in self.marks[:n_marks]:
                session.execute(delete(SpentInvitation).where(SpentInvitation.nullifier == row["nullifier"]))


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    return bytes(changed)


def forged_ballots(adversary: Adversary, secrets: Secrets) -> dict[str, list[Row]]:
    """Rows for the spool by what they try; the secrets only make rows of another round, which are real ones there."""
    honest, ballot = adversary.ballots, adversary.ballot
    of_others = [ballot(round_slug=OTHER_ROUND) for _ in range(8)]
    for row in of_others:
        row["tag"] = secrets.ballot_tag(OTHER_ROUND, row["id"], row["envelope"])
    guesses = [b"", b"ballot tag", adversary.public_key, bytes(32), honest[0]["tag"], adversary.marks[0]["nullifier"]]
    kinds = {
        "invented, without a tag": [ballot() for _ in range(10)],
        "invented, with a tag of its own making": [ballot(tag=randomness.token_bytes(32)) for _ in range(10)],
        "invented, with an honest ballot's tag": [ballot(tag=row["tag"]) for row in honest[:10]],
        "a copy under another name": [ballot(envelope=row["envelope"], tag=row["tag"]) for row in honest[:10]],
        "a copy whose name differs in one bit": [
            row | {"id": flipped(row["id"], bit)} for bit, row in enumerate(honest[:8])
        ],
        "one's envelope and another's tag": [
            ballot(envelope=one["envelope"], tag=other["tag"])
            for one, other in zip(honest[:8], honest[8:16], strict=True)
        ],
        "a real row of another round": [row | {"round_slug": SLUG} for row in of_others],
        "a tag under a key that can be guessed": [],
        "a tag that is too short or too long": [
            ballot(tag=honest[0]["tag"][:length]) for length in (0, 1, 16, 31)
        ] + [ballot(tag=honest[0]["tag"] + b"\0")],
        "no ballot at all": [ballot(envelope=content) for content in (b"", b"x", bytes(5000), bytes(1_000_000))],
        "comments instead of a ballot": [ballot(envelope=seal_comments(adversary.public_key, SLUG, b"{}"))],
    }  # fmt: skip
    for guess in guesses:
        row = ballot()
        content = SLUG.encode() + row["id"] + row["envelope"]
        row["tag"] = hmac.digest(guess, content, "sha256") if guess else hashlib.sha256(content).digest()
        kinds["a tag under a key that can be guessed"].append(row)
    return kinds


def forged_marks(adversary: Adversary, secrets: Secrets) -> dict[str, list[Row]]:
    mark = adversary.mark
    return {
        "invented": [mark() for _ in range(10)],
        "a real mark of another round": [
            mark(nullifier=secrets.nullifier(OTHER_ROUND, row["id"])) for row in adversary.invitations[:8]
        ],
        "an honest mark with one bit changed": [
            mark(nullifier=flipped(row["nullifier"], bit)) for bit, row in enumerate(adversary.marks[:8])
        ],
        "an invitation's name, tag or hash": [
            mark(nullifier=found)
            for row in adversary.invitations[-3:]
            for found in (row["id"], row["qr_tag"], hashlib.sha256(row["id"]).digest())
        ],
    }


def forged_invitations(adversary: Adversary, secrets: Secrets) -> dict[str, list[Row]]:
    invitation = adversary.invitation
    labels = ("phuong-a", "", "", "slip")
    elsewhere = [invitation() for _ in range(5)]
    for row in elsewhere:
        row["id"] = secrets.invitation_id(OTHER_ROUND, labels, row["qr_tag"], row["typed_tag"])
    return {
        "invented": [invitation() for _ in range(10)],
        "a real invitation of another round": elsewhere,
        "for another unit than its name says": [
            invitation(id=secrets.invitation_id(SLUG, ("xa-b", "", "", "slip"), tag, tag), qr_tag=tag, typed_tag=tag)
            for tag in (randomness.token_bytes(32) for _ in range(5))
        ],
    }
