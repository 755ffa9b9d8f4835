"""Whoever may write to every database, and holds no key, adds nothing to a round (trust, criteria 14 and 11; T8).

The adversary has every row, every public key, every code that was not used, and the right to drop triggers; the secret
key is in no database. 100 forged rows and more of every kind are set aside with a reason, and the honest ballots are
sealed as they are. Rows that are taken away or exchanged cannot be put back: then the sealing stops and says how many.
"""

import secrets as randomness
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from analysis.archive import read_archive
from support.command_line import RunHailong
from support.forging import (
    HONEST,
    Adversary,
    answer_honestly,
    flipped,
    forged_ballots,
    forged_invitations,
    forged_marks,
)
from support.rounds import SLUG, TODAY, Collection, open_collection
from survey.deciding import decisions_of
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


@pytest.fixture
def collection(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    return open_collection(settings, stores, tmp_path)


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
