"""Whoever may write to every database, and holds no key, adds nothing to a round (trust, criteria 14 and 11; T8).

The adversary has every row, every public key, every code that was not used, and the right to drop triggers; the secret
key is in no database. 100 forged rows and more of every kind are set aside with a reason, and the honest ballots are
sealed as they are. Rows that are taken away or exchanged cannot be put back: then the sealing stops and says how many.
"""

import hashlib
import hmac
import secrets as randomness
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update

from analysis.archive import read_archive
from support.command_line import RunHailong
from support.rounds import SLUG, TODAY, Collection, open_collection
from survey.ballots import Origin, padded_size_of, write_ballot
from survey.deciding import decisions_of
from survey.envelopes import seal_ballot, seal_comments
from survey.errors import BadInput, HailongError, WrongState
from survey.intake import new_nonce
from survey.invitations import find_invitation
from survey.reconciling import accept_counts
from survey.rounds import close_round
from survey.sealing import KEY_DESTROYED, SealedRound, archive_path, seal_round
from survey.secrets import Secrets
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.frame import Invitation
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

pytestmark = pytest.mark.slow

OTHER_ROUND = "thu-2025"
HONEST = {"phuong-a": 12, "xa-b": 11}

Row = dict[str, Any]


@pytest.fixture
def collection(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    return open_collection(settings, stores, tmp_path)


def answer_honestly(collection: Collection) -> list[str]:
    """23 citizens answer; returns the codes that nobody has used, which the adversary holds."""
    left = []
    for unit, count in HONEST.items():
        codes = collection.codes(unit, count + 6)
        for number, code in enumerate(codes[:count]):
            assert collection.send(unit, code.qr, q1="s1" if number % 3 else "s5", visits="2") == "received"
        left += [code.qr for code in codes[count:]]
    return left


def seal(collection: Collection, secrets: Secrets | None = None) -> SealedRound:
    return seal_round(collection.stores, secrets or collection.secrets, collection.vault, collection.settings, SLUG)


def refused(collection: Collection, complaint: str, secrets: Secrets | None = None) -> None:
    with pytest.raises(HailongError, match=complaint):
        seal(collection, secrets)
    assert not archive_path(collection.settings, SLUG).exists()
    assert not collection.vault.is_destroyed(SLUG)
    assert collection.record.state == "closed"
    with reading(collection.stores.office) as session:
        assert KEY_DESTROYED not in {event.action for event in list_events(session)}


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


def test_a_hundred_forged_rows_of_every_kind_are_set_aside_and_the_honest_ones_sealed(
    collection: Collection,
) -> None:
    answer_honestly(collection)
    adversary = Adversary(collection)
    ballots = forged_ballots(adversary, collection.secrets)
    marks = forged_marks(adversary, collection.secrets)
    invitations = forged_invitations(adversary, collection.secrets)
    n_ballots = sum(adversary.add(Ballot, rows) for rows in ballots.values())
    n_marks = sum(adversary.add(SpentInvitation, rows) for rows in marks.values())
    n_invitations = sum(adversary.add(Invitation, rows) for rows in invitations.values())
    # A mark and a ballot at once, as many of the one as of the other, so that the plain counts agree.
    pairs = 20
    n_ballots += adversary.add(Ballot, [adversary.ballot(tag=randomness.token_bytes(32)) for _ in range(pairs)])
    n_marks += adversary.add(SpentInvitation, [adversary.mark() for _ in range(pairs)])
    assert n_ballots + n_marks + n_invitations >= 100
    assert n_ballots >= 100
    close_round(collection.stores, SLUG)
    archive = read_archive(seal(collection).path)
    counts = archive.contents.counts
    n_without = sum(row["tag"] is None for rows in ballots.values() for row in rows)
    assert counts.forged == {
        "forged_invitation": n_invitations,
        "forged_mark": n_marks,
        "no_tag": n_without,
        "wrong_tag": n_ballots - n_without,
    }
    n_honest = sum(HONEST.values())
    assert (counts.spent, counts.spooled, counts.sealed, counts.rejected) == (n_honest, n_honest, n_honest, {})
    assert (counts.missing, counts.unmarked, counts.untagged) == (0, 0, 0)
    assert counts.issued == n_honest + 12
    responses = archive.contents.responses
    assert Counter(responses["unit"].to_pylist()) == HONEST
    assert set(responses["visits"].to_pylist()) == {2.0}
    assert archive.manifest["counts"]["forged"] == counts.forged  # type: ignore[index]
    (everywhere,) = [row for row in archive.contents.accounting if row.unit == row.channel == "all"]
    assert (everywhere.issued, everywhere.spent, everywhere.sealed) == (n_honest + 12, n_honest, n_honest)


def test_values_of_another_type_in_sqlite_are_forged_rows_like_others(
    sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path
) -> None:
    collection = open_collection(sqlite_settings, sqlite_stores, tmp_path)
    answer_honestly(collection)
    ballot, mark = "INSERT INTO ballot VALUES ", "INSERT INTO spent_invitation VALUES "
    with sqlite_stores.intake.begin() as connection:
        for statement in (
            ballot + "('a name', ?, 'a text', 'a text')",
            ballot + "(7, ?, 8, 9)",
            ballot + "(1e300, ?, 1e300, 1e300)",
            ballot + "(x'01', ?, 99999999999, x'02')",
            mark + "(?, 'text', 5)",
            mark + "(?, 12345678901, 5)",
        ):
            connection.exec_driver_sql(statement, (SLUG,))
    invitation = "INSERT INTO invitation VALUES "
    with sqlite_stores.frame.begin() as connection:
        for statement in (
            invitation + "('text', ?, x'ff', x'fe', 5, 6.5, 'q', 't')",
            invitation + "(77, ?, CAST(x'ff' AS TEXT), '', '', '', 1, 2)",
        ):
            connection.exec_driver_sql(statement, (SLUG,))
    close_round(collection.stores, SLUG)
    counts = seal(collection).counts
    assert counts.forged == {"forged_invitation": 2, "forged_mark": 2, "wrong_tag": 4}
    assert (counts.spent, counts.spooled, counts.sealed) == (23, 23, 23)


def test_ballots_put_in_while_the_archive_is_written_neither_stop_it_nor_get_in(collection: Collection) -> None:
    answer_honestly(collection)
    adversary = Adversary(collection)
    close_round(collection.stores, SLUG)

    def interfere(step: str, done: int, total: int) -> None:
        if step == "write" and not done:
            adversary.add(Ballot, [adversary.ballot(tag=randomness.token_bytes(32)) for _ in range(3)])

    sealed = seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, SLUG, interfere)
    assert (sealed.counts.sealed, sealed.counts.forged) == (23, {})


def test_exchanged_envelopes_and_changed_bits_are_no_ballots_any_more(collection: Collection) -> None:
    answer_honestly(collection)
    adversary = Adversary(collection)
    adversary.disarm()
    first, second, third, fourth = adversary.ballots[:4]
    with writing(collection.stores.intake) as session:
        for row, content in (
            (first, {"envelope": second["envelope"]}),
            (second, {"envelope": first["envelope"]}),
            (third, {"envelope": flipped(third["envelope"], 12_345)}),
            (fourth, {"tag": None}),
        ):
            session.execute(update(Ballot).where(Ballot.id == row["id"]).values(**content))
    close_round(collection.stores, SLUG)
    # What was in them is lost: that is said, and nothing is sealed as if they had never been there.
    refused(
        collection,
        r"found 23 used invitations and 19 ballots beside 1 forged rows \(no_tag\), 3 forged rows \(wrong_tag\).*"
        "4 used invitations have no ballot and 0 ballots no used invitation",
    )


@pytest.mark.parametrize(
    ("n_ballots", "n_marks", "missing", "unmarked"), [(3, 0, 3, 0), (0, 2, 0, 2)], ids=["ballots", "marks"]
)
def test_rows_that_were_taken_away_stop_the_sealing_until_somebody_answers_for_it(
    collection: Collection, run_hailong: RunHailong, n_ballots: int, n_marks: int, missing: int, unmarked: int
) -> None:
    answer_honestly(collection)
    Adversary(collection).take_away(n_ballots, n_marks)
    close_round(collection.stores, SLUG)
    refused(collection, f"--missing {missing} --unmarked {unmarked} --decision TEXT --by NAME")
    numbers = ("--missing", missing, "--unmarked", unmarked)
    for options, complaint in (
        (numbers, "expected --decision and --by"),
        ((*numbers, "--decision", "vì ổ đĩa hỏng"), "expected --decision and --by"),
        ((*numbers, "--decision", " ", "--by", "Lê Văn B"), "--decision: found “”"),
        (("--missing", -1, "--decision", "x", "--by", "Lê Văn B"), "expected a number that is not below 0"),
        (("--missing", 9, "--decision", "x", "--by", "Lê Văn B"), "used invitations and"),
    ):
        asked = run_hailong("round", "seal", SLUG, *options)
        assert asked.exit_code in (1, 2), asked.output
        assert complaint in asked.errors
    done = run_hailong("round", "seal", SLUG, *numbers, "--decision", "Ổ đĩa hỏng, biên bản 12", "--by", "Lê Văn B")
    assert done.exit_code == 0, done.errors
    assert f"let pass by a decision: missing {missing}, unmarked {unmarked}" in done.output
    archive = read_archive(archive_path(collection.settings, SLUG))
    counts = archive.contents.counts
    assert (counts.missing, counts.unmarked) == (missing, unmarked)
    assert counts.spent + counts.unmarked == counts.spooled + counts.missing
    # One unit may be left with too few to be sealed: those are rejected like any others.
    assert counts.sealed + sum(counts.rejected.values()) == 23 - n_ballots
    (decision,) = archive.contents.decisions
    assert decision == {
        "kind": "counts", "by": "Lê Văn B", "on": decision["on"], "reason": "Ổ đĩa hỏng, biên bản 12",
        "missing": missing, "unmarked": unmarked,
    }  # fmt: skip
    with reading(collection.stores.office) as session:
        subjects = [event.subject for event in list_events(session) if event.action == "round.counts_accepted"]
    assert subjects[0] == f"{SLUG} missing {missing}, unmarked {unmarked} by Lê Văn B: Ổ đĩa hỏng, biên bản 12"


def test_counts_are_decided_upon_for_a_closed_round_alone(collection: Collection) -> None:
    about = {"n_missing": 1, "n_unmarked": 0, "reason": "thử", "today": TODAY, "actor": "test"}
    with pytest.raises(WrongState, match="is open; counts are decided upon when it is closed"):
        accept_counts(collection.stores, SLUG, decided_by="Lê Văn B", **about)  # type: ignore[arg-type]
    close_round(collection.stores, SLUG)
    with pytest.raises(BadInput, match="--by"):
        accept_counts(collection.stores, SLUG, decided_by="a\u202eb", **about)  # type: ignore[arg-type]
    assert decisions_of(collection.stores, SLUG) == ()


def test_a_ballot_of_before_a_restore_that_is_put_back_is_one_too_many_and_stops_the_sealing(
    collection: Collection,
) -> None:
    # The restored stores do not know the ballot nor the mark, so the citizen answers again: one person, two ballots.
    left = answer_honestly(collection)
    assert collection.send("phuong-a", left[0], q1="s1") == "received"
    late = next(row for row in Adversary(collection).ballots)
    known = Adversary(collection)
    known.disarm()
    with writing(collection.stores.intake) as session:
        session.execute(delete(Ballot).where(Ballot.id == late["id"]))
        used = [
            row
            for row in known.marks
            if collection.secrets.nullifier(SLUG, id_of(collection, left[0])) == row["nullifier"]
        ]
        session.execute(delete(SpentInvitation).where(SpentInvitation.nullifier == used[0]["nullifier"]))
    assert collection.send("phuong-a", left[0], q1="s5") == "received"
    known.add(Ballot, [late])
    close_round(collection.stores, SLUG)
    refused(collection, "found 24 used invitations and 25 ballots.*0 used invitations have no ballot and 1 ballots no")


def id_of(collection: Collection, code: str) -> bytes:
    found = find_invitation(collection.stores, collection.secrets, SLUG, code)
    assert found is not None
    return found.id


def test_who_holds_one_code_and_the_frame_store_answers_once(collection: Collection) -> None:
    left = answer_honestly(collection)
    mine = id_of(collection, left[0])
    assert collection.send("phuong-a", left[0], q1="s5") == "received"
    with reading(collection.stores.frame) as session:
        own = session.get_one(Invitation, mine)
        tags = {"qr_tag": own.qr_tag, "typed_tag": own.typed_tag}
    # The used code's tags go to a new row, then to another citizen's, then to a row that is for the other unit.
    another = id_of(collection, left[1])
    new_row = Adversary(collection).invitation(**tags)
    with writing(collection.stores.frame) as session:
        session.execute(delete(Invitation).where(Invitation.id == mine))
        session.execute(insert(Invitation).values(**new_row))
    assert collection.send("phuong-a", left[0], nonce=new_nonce(), q1="s5") == "refused"
    with writing(collection.stores.frame) as session:
        session.execute(delete(Invitation).where(Invitation.id == new_row["id"]))
        session.execute(update(Invitation).where(Invitation.id == another).values(**tags))
    assert collection.send("phuong-a", left[0], nonce=new_nonce(), q1="s5") == "refused"
    with writing(collection.stores.frame) as session:
        session.execute(update(Invitation).where(Invitation.id == another).values(unit_code="xa-b"))
    assert collection.send("xa-b", left[0], nonce=new_nonce(), q1="s5") == "refused"
    with reading(collection.stores.intake) as session:
        assert len(session.scalars(select(Ballot.id)).all()) == 24


def test_an_unused_code_is_good_for_its_own_unit_and_round_alone(collection: Collection) -> None:
    (code,) = collection.codes("phuong-a", 1)
    found = id_of(collection, code.qr)
    for change in ({"unit_code": "xa-b"}, {"channel": "post"}, {"stratum": "x"}, {"psu": "x"}, {"id": bytes(16)}):
        with writing(collection.stores.frame) as session:
            row = session.get_one(Invitation, found)
            before = {name: getattr(row, name) for name in change}
            session.execute(update(Invitation).where(Invitation.id == found).values(**change))
        now = change.get("id", found)
        assert collection.send(str(change.get("unit_code", "phuong-a")), code.qr) == "refused"
        with writing(collection.stores.frame) as session:
            session.execute(update(Invitation).where(Invitation.id == now).values(**before))
    assert collection.send("phuong-a", code.qr) == "received"


def test_under_another_secret_key_nothing_is_sealed_and_no_key_destroyed(collection: Collection) -> None:
    answer_honestly(collection)
    close_round(collection.stores, SLUG)
    refused(collection, "no invitation that was issued under this secret key", Secrets(bytes(range(90, 154))))
    assert seal(collection).counts.sealed == 23
