"""SQLite's locks belong to the process: a second engine on a file must not end those of the first one."""

import sqlite3
import subprocess
import sys
from pathlib import Path

from sqlalchemy import make_url

from survey.settings import Settings
from survey.storage.audit import record_event
from survey.storage.sessions import writing
from survey.storage.stores import open_engine, open_stores

# What another process does that looks into the database and goes away again: the last one to leave removes the log.
LOOK = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1])
print(other.execute("SELECT action FROM audit_event").fetchall())
other.close()
"""


def _seen_elsewhere(path: Path) -> str:
    command = [sys.executable, "-c", LOOK, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_what_is_written_after_a_second_engine_came_and_went_is_seen_by_others(sqlite_settings: Settings) -> None:
    path = Path(make_url(sqlite_settings.office_url).database or "")
    stores = open_stores(sqlite_settings)
    with writing(stores.office) as session:
        record_event(session, actor="lan", action="first", subject="x")
    second = open_engine(sqlite_settings.office_url, "office")
    with second.connect():
        pass
    second.dispose()
    _seen_elsewhere(path)
    with writing(stores.office) as session:
        record_event(session, actor="lan", action="second", subject="x")
    seen = _seen_elsewhere(path)
    stores.close()
    assert "second" in seen
    assert sqlite3.connect(path).execute("SELECT count(*) FROM audit_event WHERE action = 'second'").fetchone() == (1,)
