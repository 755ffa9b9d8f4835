"""Intake: one row for one invitation, the same refusal for every reason, and no acknowledgement without a row."""

import sqlite3
import threading
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from support.rounds import SLUG, TODAY, UNITS, Collection, open_collection, planned_collection
from support.stores import opened
from survey.ballots import padded_size_of
from survey.envelopes import OVERHEAD_BYTES, open_ballot
from survey.errors import StoreUnavailable, WrongState
from survey.intake import new_nonce, receive_ballot, round_open_on
from survey.rounds import close_round
from survey.settings import Settings
from survey.storage.intake import Ballot, SpentInvitation
from survey.storage.sessions import reading
from survey.storage.stores import Stores, open_engine, open_stores


@pytest.fixture
def collection(settings: Settings, stores: Stores, tmp_path: Path) -> Collection:
    return open_collection(settings, stores, tmp_path)


def n_stored(stores: Stores) -> tuple[int, int]:
    with reading(stores.intake) as session:
        spent = session.scalars(select(func.count()).select_from(SpentInvitation)).one()
        ballots = session.scalars(select(func.count()).select_from(Ballot)).one()
    return spent, ballots


def envelopes(collection: Collection) -> list[bytes]:
    with reading(collection.stores.intake) as session:
        return list(session.scalars(select(Ballot.envelope)))


@pytest.mark.parametrize("spelling", ["qr", "typed"])
def test_a_ballot_is_received_once_and_holds_what_was_answered(collection: Collection, spelling: str) -> None:
    (code,) = collection.codes("phuong-a", 1, stratum="tổ 1", channel="post")
    assert collection.send("phuong-a", getattr(code, spelling), q2="s1", say="Cảm ơn") == "received"
    (envelope,) = envelopes(collection)
    private_key = collection.vault.unwrap(SLUG)
    plaintext = open_ballot(private_key, SLUG, collection.record.questionnaire_hash, envelope).decode()
    assert plaintext == (
        '{"answers":{"q1":"s5","q2":"s1","say":"Cảm ơn"},"channel":"post","psu":"","round":"thu-2026",'
        '"stratum":"tổ 1","unit":"phuong-a","v":1}'
    )
    assert n_stored(collection.stores) == (1, 1)


def test_the_same_form_sent_again_is_repeated_and_stored_once(collection: Collection) -> None:
    (code,) = collection.codes("phuong-a", 1)
    nonce = new_nonce()
    assert collection.send("phuong-a", code.qr, nonce) == "received"
    assert collection.send("phuong-a", code.qr, nonce) == "repeated"
    assert collection.send("phuong-a", code.typed, nonce, q1="s1") == "repeated"
    assert n_stored(collection.stores) == (1, 1)


def test_a_used_code_in_another_form_is_refused_in_either_spelling(collection: Collection) -> None:
    (code,) = collection.codes("phuong-a", 1)
    assert collection.send("phuong-a", code.qr) == "received"
    assert collection.send("phuong-a", code.qr) == "refused"
    assert collection.send("phuong-a", code.typed) == "refused"
    assert n_stored(collection.stores) == (1, 1)


def test_one_form_may_carry_two_codes_one_after_the_other(collection: Collection) -> None:
    # On a shared tablet the page of the last one may still be open.
    first, second = collection.codes("phuong-a", 2)
    nonce = new_nonce()
    assert collection.send("phuong-a", first.qr, nonce) == "received"
    assert collection.send("phuong-a", second.qr, nonce) == "received"
    assert n_stored(collection.stores) == (2, 2)


@pytest.mark.parametrize("nonce", ["", "short"])
def test_a_form_without_its_nonce_counts_once_and_is_never_taken_for_a_repetition(
    collection: Collection, nonce: str
) -> None:
    (code,) = collection.codes("phuong-a", 1)
    send = [
        receive_ballot(
            collection.stores,
            collection.secrets,
            collection.open_round,
            "phuong-a",
            code.qr,
            nonce,
            collection.answers(),
        )
        for _ in range(2)
    ]
    assert send == ["received", "refused"]


def test_unknown_used_foreign_and_unreadable_codes_are_refused_alike(collection: Collection) -> None:
    used, foreign = collection.codes("phuong-a", 1) + collection.codes("xa-b", 1)
    collection.send("phuong-a", used.qr)
    before = n_stored(collection.stores)
    for text_ in (used.qr, used.typed, foreign.qr, foreign.typed, "00000-00000-0000", "A" * 22, "", "?", "\ud800"):
        assert collection.send("phuong-a", text_) == "refused"
    assert collection.send("x" * 100_000, foreign.qr) == "refused"
    assert n_stored(collection.stores) == before
    assert collection.send("xa-b", foreign.qr) == "received"


def test_a_refusal_asks_the_stores_the_same_whatever_its_reason(collection: Collection) -> None:
    from sqlalchemy import event

    used, foreign = collection.codes("phuong-a", 1) + collection.codes("xa-b", 1)
    collection.send("phuong-a", used.qr)
    open_round, answers = collection.open_round, collection.answers()
    statements: list[str] = []
    engines = (collection.stores.frame, collection.stores.intake)

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    seen = set()
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        for code in (used.qr, used.typed, foreign.qr, "00000-00000-0000", "no code"):
            statements.clear()
            outcome = receive_ballot(
                collection.stores, collection.secrets, open_round, "phuong-a", code, new_nonce(), answers
            )
            assert outcome == "refused"
            seen.add(tuple(statements))
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
    assert len(seen) == 1
    assert not any("INSERT" in statement for statement in next(iter(seen)))


@pytest.mark.parametrize("kind", ["same form", "other forms"])
def test_three_at_once_with_one_code_give_one_row(collection: Collection, kind: str) -> None:
    codes = collection.codes("phuong-a", 8)
    open_round, answers = collection.open_round, collection.answers()
    outcomes: list[str] = []
    barrier = threading.Barrier(3)

    def send(code: str, nonce: str) -> None:
        barrier.wait()
        outcomes.append(
            receive_ballot(collection.stores, collection.secrets, open_round, "phuong-a", code, nonce, answers)
        )

    for code in codes:
        nonce = new_nonce()
        spellings = (code.qr, code.typed, code.qr)
        threads = [
            threading.Thread(target=send, args=(spelling, nonce if kind == "same form" else new_nonce()))
            for spelling in spellings
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert n_stored(collection.stores) == (8, 8)
    assert Counter(outcomes) == {"received": 8, ("repeated" if kind == "same form" else "refused"): 16}


def test_every_envelope_of_a_round_has_one_length(collection: Collection) -> None:
    codes = collection.codes("phuong-a", 3, stratum="ằ" * 80, psu="ẵ" * 80, channel="ẫ" * 40)
    collection.send("phuong-a", codes[0].qr)
    collection.send("phuong-a", codes[1].qr, q1="s1", q2="s1", why="slow", visits="20", say="“\n" * 150)
    collection.send("phuong-a", codes[2].qr, say="🙂" * 300)
    assert {len(envelope) for envelope in envelopes(collection)} == {
        padded_size_of(collection.questionnaire) + OVERHEAD_BYTES
    }


def test_the_round_is_open_from_its_first_day_to_its_last(collection: Collection) -> None:
    record, questionnaire = collection.record, collection.questionnaire
    for day in (date(2026, 11, 1), date(2026, 12, 31)):
        assert round_open_on(record, questionnaire, day).slug == SLUG
    for day in (date(2026, 10, 31), date(2027, 1, 1)):
        with pytest.raises(WrongState, match="expected an open round"):
            round_open_on(record, questionnaire, day)
    close_round(collection.stores, SLUG)
    with pytest.raises(WrongState, match="closed"):
        round_open_on(collection.record, questionnaire, TODAY)


def test_a_round_in_draft_takes_nothing(settings: Settings, stores: Stores, tmp_path: Path) -> None:
    planned = planned_collection(settings, stores, tmp_path)
    with pytest.raises(WrongState, match="draft"):
        round_open_on(planned.record, planned.questionnaire, TODAY)


def test_nothing_stored_tells_which_unit_answered_or_when(collection: Collection) -> None:
    codes = [collection.codes(unit, 2) for unit in UNITS]
    for unit, given in zip(UNITS, codes, strict=True):
        for code in given:
            collection.send(unit, code.qr, say="rất riêng tư")
    with reading(collection.stores.intake) as session:
        spent = session.execute(select(SpentInvitation.__table__)).all()
        ballots = session.execute(select(Ballot.__table__)).all()
    content = repr(spent) + repr(ballots)
    assert not any(unit in content for unit in UNITS)
    assert "riêng tư".encode() not in b"".join(ballot.envelope for ballot in ballots)
    assert {len(row.nonce_tag) for row in spent} == {32}
    assert len({ballot.id for ballot in ballots}) == 4


def test_what_the_web_may_do_is_enough_to_take_a_ballot_and_no_more(
    settings: Settings, stores: Stores, tmp_path: Path
) -> None:
    collection = open_collection(settings, stores, tmp_path)
    (code,) = collection.codes("phuong-a", 1)
    serving = open_stores(settings, purpose="serving")
    try:
        outcome = receive_ballot(
            serving, collection.secrets, collection.open_round, "phuong-a", code.qr, new_nonce(), collection.answers()
        )
        assert outcome == "received"
    finally:
        serving.close()
    assert n_stored(stores) == (1, 1)


def break_store(settings: Settings, stores: Stores, how: str) -> None:
    """Make the intake store refuse to be written, on either engine."""
    if how == "read-only":
        if settings.is_embedded:
            from sqlalchemy import event

            event.listen(
                stores.intake, "connect", lambda connection, record: connection.execute("PRAGMA query_only = ON")
            )
        else:
            with stores.office.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                name = connection.execute(text("SELECT current_database()")).scalar_one()
                connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
        stores.intake.dispose()
    elif settings.is_embedded:
        stores.intake.dispose()
        for path in settings.instance.glob("intake.db*"):
            path.unlink()
        (settings.instance / "intake.db").mkdir()
    else:
        with stores.office.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ALTER SCHEMA intake RENAME TO intake_away"))


@pytest.mark.parametrize("how", ["read-only", "gone"])
def test_a_store_that_cannot_write_is_said_to_be_unavailable_and_nothing_is_acknowledged(
    settings: Settings, tmp_path: Path, how: str
) -> None:
    stores = opened(settings)
    collection = open_collection(settings, stores, tmp_path)
    (code,) = collection.codes("phuong-a", 1)
    open_round, answers = collection.open_round, collection.answers(say="bí mật của tôi")
    break_store(settings, stores, how)
    with pytest.raises(StoreUnavailable) as complaint:
        receive_ballot(stores, collection.secrets, open_round, "phuong-a", code.qr, new_nonce(), answers)
    stores.close()
    assert complaint.value.__suppress_context__
    for secret in (code.qr, code.typed, "bí mật"):
        assert secret not in str(complaint.value)


def test_a_full_disk_is_no_acknowledgement_and_passes_when_there_is_space_again(
    sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path
) -> None:
    collection = open_collection(sqlite_settings, sqlite_stores, tmp_path)
    (code,) = collection.codes("phuong-a", 1)
    nonce = new_nonce()
    with sqlite_stores.intake.connect() as connection:
        n_pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    from sqlalchemy import event

    def limit(connection: sqlite3.Connection, record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {n_pages}")

    event.listen(sqlite_stores.intake, "connect", limit)
    sqlite_stores.intake.dispose()
    with pytest.raises(StoreUnavailable):
        collection.send("phuong-a", code.qr, nonce)
    event.remove(sqlite_stores.intake, "connect", limit)
    sqlite_stores.intake.dispose()
    assert n_stored(sqlite_stores) == (0, 0)
    assert collection.send("phuong-a", code.qr, nonce) == "received"
    assert n_stored(sqlite_stores) == (1, 1)


def test_a_server_that_is_down_is_unavailable(collection: Collection) -> None:
    (code,) = collection.codes("phuong-a", 1)
    down = replace(collection.stores, intake=open_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing", "intake"))
    with pytest.raises(StoreUnavailable):
        receive_ballot(
            down, collection.secrets, collection.open_round, "phuong-a", code.qr, new_nonce(), collection.answers()
        )
    down.intake.dispose()
