"""The audit log as a file of lines that only grows: a copy of it on another machine shows what was changed here.

Each line is an event as JSON: its number, `at`, `actor`, `action`, `subject`, the hash of the event before it and its
own, which is the SHA-256 of the JSON list [previous, at, actor, action, subject] without blanks.
"""

import json
import os
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from survey.errors import BadInput, WrongState
from survey.storage.audit import FIRST_HASH, AuditRecord, events_after, hash_of_event, hash_of_number
from survey.storage.sessions import reading
from survey.storage.stores import Stores

_KEYS = ("event", "at", "actor", "action", "subject", "previous", "hash")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def append_events(stores: Stores, file: Path) -> int:
    """How many events came since the file's last line; they stand in it now, and are on the disk.

    Raises BadInput where the file is no audit log, WrongState where its last event is not the store's any more: one of
    the two was changed afterwards.
    """
    last = next(iter(deque(read_events(file), maxlen=1)), None)
    number, last_hash = (int(last["event"]), str(last["hash"])) if last else (0, FIRST_HASH)
    with reading(stores.office) as session:
        if last is not None and hash_of_number(session, number) != last_hash:
            raise WrongState(
                f"{file}: found event {number} with the hash {last_hash[:12]}, which the office store does not have: "
                "one of them was changed; compare with the copy on the other machine"
            )
        lines = [_line(number, record) for number, record in events_after(session, number)]
    if lines or last is None:
        _append(file, b"".join(lines))
    return len(lines)


def check_file(file: Path) -> tuple[int, str]:
    """How many events the file holds and the hash of the last one; no database is asked.

    Raises BadInput for a line that is no event, WrongState for one that was changed or does not follow the one before.
    """
    n_events, previous = 0, FIRST_HASH
    for n_events, event in enumerate(read_events(file), start=1):
        at = datetime.strptime(event["at"], f"{_TIME[:-1]}%z")
        if event["previous"] != previous:
            raise WrongState(f"{file}:{n_events}: event {event['event']} does not follow the one before it")
        if event["hash"] != hash_of_event(at, event["actor"], event["action"], event["subject"], previous):
            raise WrongState(f"{file}:{n_events}: event {event['event']} is not what was recorded")
        previous = event["hash"]
    return n_events, previous


def read_events(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file, each with the keys of an event; nothing where there is no file yet."""
    if not file.exists():
        return
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                event = json.loads(line)
                is_event = isinstance(event, dict) and tuple(event) == _KEYS and line.endswith(b"\n")
                if is_event:
                    datetime.strptime(event["at"], f"{_TIME[:-1]}%z")
            except (ValueError, TypeError):
                is_event = False
            if not is_event:
                raise BadInput(f"{file}:{number}: found no event, expected a line that `hailong audit-log` wrote")
            yield event


def _line(number: int, record: AuditRecord) -> bytes:
    found = (
        number,
        record.at.strftime(_TIME),
        record.actor,
        record.action,
        record.subject,
        record.previous_hash,
        record.hash,
    )
    return json.dumps(dict(zip(_KEYS, found, strict=True)), ensure_ascii=False).encode() + b"\n"


def _append(file: Path, content: bytes) -> None:
    try:
        # Whoever collects it belongs to the group.
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    except OSError as refusal:
        raise BadInput(f"{file}: cannot be written ({refusal.strerror}), expected a folder that can") from None
    with os.fdopen(descriptor, "ab") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
