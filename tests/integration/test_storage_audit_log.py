"""The audit log: a chain that shows every change made to it afterwards."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError, StatementError

from support.audit_rows import disarm_audit_log
from survey.storage.audit import FIRST_HASH, broken_links, hash_of_event, list_events, record_event
from survey.storage.office import AuditEvent
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores

NOON = datetime(2026, 11, 23, 12, 0, 0, 5000, tzinfo=timezone(timedelta(hours=7)))


def record(stores: Stores, *subjects: str) -> None:
    for subject in subjects:
        with writing(stores.office) as session:
            record_event(session, "an.nguyen", "round.opened", subject, NOON)


def broken(stores: Stores) -> tuple[str, ...]:
    with reading(stores.office) as session:
        return broken_links(session)


def test_each_event_holds_the_hash_of_the_one_before(stores: Stores) -> None:
    record(stores, "một", "hai")
    with reading(stores.office) as session:
        second, first = list_events(session)
    at = datetime(2026, 11, 23, 5, 0, 0, tzinfo=UTC)
    assert (first.at, first.actor, first.subject, first.previous_hash) == (at, "an.nguyen", "một", FIRST_HASH)
    assert first.hash == hash_of_event(at, "an.nguyen", "round.opened", "một", FIRST_HASH)
    assert second.previous_hash == first.hash
    assert broken(stores) == ()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("UPDATE audit_event SET actor = 'binh' WHERE id = 2", "audit event 2 is not what was recorded"),
        ("UPDATE audit_event SET at = '2020-01-01 00:00:00' WHERE id = 2", "audit event 2 is not what was recorded"),
        ("DELETE FROM audit_event WHERE id = 2", "audit event 3 does not follow the one before it"),
        ("DELETE FROM audit_event WHERE id = 1", "audit event 2 does not follow the one before it"),
        ("UPDATE audit_event SET id = 9 WHERE id = 2", "audit event 3 does not follow the one before it"),
        ("UPDATE audit_event SET previous_hash = 'x' WHERE id = 3", "audit event 3 does not follow the one before it"),
    ],
)
def test_a_log_that_was_changed_shows_it(stores: Stores, change: str, complaint: str) -> None:
    record(stores, "một", "hai", "ba")
    disarm_audit_log(stores)
    with stores.office.begin() as connection:
        connection.execute(text(change))
    assert complaint in broken(stores)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_event SET actor = 'binh' WHERE id = 2",
        "UPDATE audit_event SET id = 9 WHERE id = 2",
        "DELETE FROM audit_event WHERE id = 3",
        "DELETE FROM audit_event",
        "REPLACE INTO audit_event SELECT id, at, 'binh', action, subject, previous_hash, hash FROM audit_event",
        "TRUNCATE audit_event",
    ],
)
def test_the_store_itself_lets_the_log_only_grow(stores: Stores, change: str) -> None:
    record(stores, "một", "hai", "ba")
    foreign = {"sqlite": "TRUNCATE", "postgresql": "REPLACE"}[stores.office.dialect.name]
    with pytest.raises(DatabaseError, match="syntax" if change.startswith(foreign) else "only grows"):
        change_rows(stores, change)
    with reading(stores.office) as session:
        assert [event.subject for event in list_events(session)] == ["ba", "hai", "một"]
    assert broken(stores) == ()


def change_rows(stores: Stores, change: str) -> None:
    with stores.office.begin() as connection:
        connection.execute(text(change))


def add_event(stores: Stores, at: datetime, previous_hash: str) -> None:
    with writing(stores.office) as session:
        session.add(AuditEvent(at=at, actor="a", action="b", subject="c", previous_hash=previous_hash, hash="d" * 64))


def test_two_events_never_follow_the_same_one(stores: Stores) -> None:
    record(stores, "một")
    with pytest.raises(IntegrityError):
        add_event(stores, NOON, FIRST_HASH)


def test_an_event_without_a_time_zone_is_refused(stores: Stores) -> None:
    with pytest.raises(StatementError, match="without a time zone"):
        add_event(stores, NOON.replace(tzinfo=None), FIRST_HASH)


def record_and_fail(stores: Stores) -> None:
    with writing(stores.office) as session:
        record_event(session, "an.nguyen", "round.opened", "một", NOON)
        raise RuntimeError


def test_a_step_that_fails_leaves_no_event(stores: Stores) -> None:
    with pytest.raises(RuntimeError):
        record_and_fail(stores)
    with reading(stores.office) as session:
        assert list_events(session) == ()
