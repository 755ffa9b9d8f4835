"""The audit log in a file that only grows, and what a copy of it elsewhere tells (ASVS 16.4.2, 16.4.3)."""

import hashlib
import json
from pathlib import Path

import pytest
from sqlalchemy import delete, text, update

from support.audit_rows import disarm_audit_log
from support.command_line import RunHailong
from survey.audit_file import append_events, check_file
from survey.errors import BadInput, WrongState
from survey.storage.audit import broken_links, hash_of_event, record_event
from survey.storage.office import AuditEvent
from survey.storage.sessions import reading, writing
from survey.storage.stores import Stores


def record(stores: Stores, *subjects: str) -> None:
    with writing(stores.office) as session:
        for subject in subjects:
            record_event(session, "lan", "round.opened", subject)


def rewrite_history(stores: Stores) -> None:
    """Leave the last event out and bind a new one to what is left, as whoever may write to the store can."""
    disarm_audit_log(stores)
    with writing(stores.office) as session:
        last = session.query(AuditEvent).order_by(AuditEvent.id.desc()).first()
        assert last is not None
        new = hash_of_event(last.at, "minh", last.action, last.subject, last.previous_hash)
        session.execute(update(AuditEvent).where(AuditEvent.id == last.id).values(actor="minh", hash=new))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def test_each_event_is_written_once_and_nothing_before_it_changes(stores: Stores, file: Path) -> None:
    assert append_events(stores, file) == 0
    record(stores, "một", "hai")
    assert append_events(stores, file) == 2
    before = file.read_bytes()
    assert append_events(stores, file) == 0
    record(stores, "ba")
    assert append_events(stores, file) == 1
    assert file.read_bytes().startswith(before)
    assert file.stat().st_mode & 0o007 == 0
    events = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [event["subject"] for event in events] == ["một", "hai", "ba"]
    n_events, last = check_file(file)
    assert (n_events, last) == (3, events[-1]["hash"])
    # As the module says it, for whoever checks it without us.
    said = [events[2][key] for key in ("previous", "at", "actor", "action", "subject")]
    canonical = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    assert hashlib.sha256(canonical.encode()).hexdigest() == events[2]["hash"]


def test_a_history_that_was_rewritten_is_seen_where_the_file_is(stores: Stores, file: Path) -> None:
    record(stores, "một", "hai")
    append_events(stores, file)
    rewrite_history(stores)
    with reading(stores.office) as session:
        assert session.execute(text("SELECT count(*) FROM audit_event")).scalar_one() == 2
    with pytest.raises(WrongState, match=r"found event 2 with the hash .*which the office store does not have"):
        append_events(stores, file)
    with writing(stores.office) as session:
        session.execute(delete(AuditEvent))
    with pytest.raises(WrongState, match="found event 2"):
        append_events(stores, file)


def test_a_copy_elsewhere_shows_the_place_where_history_changed(stores: Stores, file: Path) -> None:
    """Both the store and the file beside it are rewritten; the other machine goes on appending to what it has."""
    record(stores, "một", "hai")
    append_events(stores, file)
    fetched = file.read_bytes()
    rewrite_history(stores)
    file.unlink()
    record(stores, "ba")
    append_events(stores, file)
    check_file(file)
    assert len(file.read_bytes()) > len(fetched)
    copy = file.with_name("fetched.jsonl")
    copy.write_bytes(fetched + file.read_bytes().splitlines(keepends=True)[2])
    with pytest.raises(WrongState, match=r"fetched.jsonl:3: event 3 does not follow the one before it"):
        check_file(copy)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM audit_event WHERE id = 4",
        "DELETE FROM audit_event WHERE id > 2",
        "DELETE FROM audit_event WHERE id = 2",
        "UPDATE audit_event SET subject = 'khác' WHERE id = 3",
    ],
    ids=["the last is gone", "the tail is cut", "one within is gone", "one was edited"],
)
@pytest.mark.parametrize("is_gone_on", [False, True], ids=["as it is", "and somebody worked on"])
def test_no_cut_and_no_edit_escapes_both_the_chain_and_the_file(
    stores: Stores, file: Path, change: str, is_gone_on: bool
) -> None:
    """What the chain alone cannot see, that its end is missing, is seen where the file ends."""
    record(stores, "một", "hai", "ba", "bốn")
    append_events(stores, file)
    disarm_audit_log(stores)
    with stores.office.begin() as connection:
        connection.execute(text(change))
    if is_gone_on:
        # New events take the numbers of those that are gone, or the next ones.
        record(stores, "năm", "sáu", "bảy")
    with reading(stores.office) as session:
        is_seen_in_the_chain = bool(broken_links(session))
    try:
        append_events(stores, file)
        is_seen_at_the_file = False
    except WrongState:
        is_seen_at_the_file = True
    assert is_seen_in_the_chain or is_seen_at_the_file


@pytest.mark.parametrize(
    ("change", "refusal", "complaint"),
    [
        (lambda text: text.replace("hai", "bốn"), WrongState, ":2: event 2 is not what was recorded"),
        (lambda text: text[text.index("\n") + 1 :], WrongState, ":1: event 2 does not follow"),
        (lambda text: "".join(reversed(text.splitlines(keepends=True))), WrongState, ":1: event 2 does not follow"),
        (lambda text: text[:-1], BadInput, ":2: found no event"),
        (lambda text: text + "[]\n", BadInput, ":3: found no event"),
        (lambda text: text.replace('"at"', '"At"'), BadInput, ":1: found no event"),
    ],
)
def test_a_file_that_was_changed_is_no_audit_log(
    sqlite_stores: Stores, file: Path, change: object, refusal: type[Exception], complaint: str
) -> None:
    record(sqlite_stores, "một", "hai")
    append_events(sqlite_stores, file)
    file.write_text(change(file.read_text("utf-8")), "utf-8")  # type: ignore[operator]
    with pytest.raises(refusal, match=complaint):
        check_file(file)


def test_the_command_appends_and_checks(run_hailong: RunHailong, stores: Stores, file: Path) -> None:
    record(stores, "một")
    appended = run_hailong("audit-log", str(file))
    assert (appended.exit_code, appended.output) == (0, f"new events in {file}: 1\n")
    checked = run_hailong("audit-log", str(file), "--check")
    assert checked.exit_code == 0
    assert checked.output.startswith("each event follows the one before it: 1, the last ")
    refused = run_hailong("audit-log", str(file / "no" / "folder"))
    assert (refused.exit_code, refused.errors.count("\n")) == (2, 1)
