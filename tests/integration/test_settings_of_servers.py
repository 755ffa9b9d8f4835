"""What a store must promise before it is opened."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from support.stores import LazyServer, settings_in
from survey.errors import BadInput, HailongError, WrongState
from survey.settings import Settings
from survey.storage.stores import open_engine, open_stores


@pytest.mark.slow
def test_postgresql_that_may_lose_a_commit_stops_the_start(tmp_path: Path, postgres_server: LazyServer) -> None:
    server = postgres_server.get()
    name = postgres_server.new_database()
    server.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(BadInput, match="synchronous_commit=off"):
        open_stores(settings_in(tmp_path / "var", server.url(name)))
    postgres_server.drop_databases()


@pytest.mark.slow
def test_postgresql_told_so_in_its_address_stops_the_start(tmp_path: Path, postgres_server: LazyServer) -> None:
    url = postgres_server.get().url(postgres_server.new_database()) + "&options=-csynchronous_commit%3Doff"
    with pytest.raises(BadInput, match="synchronous_commit=off"):
        open_stores(settings_in(tmp_path / "var", url))
    postgres_server.drop_databases()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("log_statement = 'mod'", "log_statement=mod"),
        ("log_statement = 'all'", "log_statement=all"),
        ("log_min_duration_statement = 0", "log_min_duration_statement=0"),
    ],
)
def test_postgresql_that_logs_rows_stops_the_start(
    tmp_path: Path, postgres_server: LazyServer, setting: str, complaint: str
) -> None:
    server = postgres_server.get()
    name = postgres_server.new_database()
    server.execute(f"ALTER DATABASE {name} SET {setting}")
    with pytest.raises(BadInput, match=f"the frame store: found {complaint}.*each row with its time"):
        open_stores(settings_in(tmp_path / "var", server.url(name)))
    # A log without the rows' values says when, and of nobody what.
    server.execute(f"ALTER DATABASE {name} SET log_parameter_max_length = 0")
    with pytest.raises(WrongState, match="hailong database upgrade"):
        open_stores(settings_in(tmp_path / "var", server.url(name)))
    postgres_server.drop_databases()


def test_a_store_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg://hailong:geheim@127.0.0.1:1/hailong"
    with pytest.raises(HailongError, match=r"the office store at .* does not answer") as refusal:
        open_stores(replace(settings_in(tmp_path / "var"), office_url=url))
    assert "geheim" not in str(refusal.value)


def test_empty_stores_ask_for_the_upgrade(tmp_path: Path) -> None:
    with pytest.raises(WrongState, match=r"the office store is empty.*hailong database upgrade"):
        open_stores(settings_in(tmp_path / "var"))


def test_another_secret_key_stops_the_start(settings: Settings) -> None:
    with pytest.raises(BadInput, match="found another key than the one these databases were set up with"):
        open_stores(replace(settings, secret_key=bytes(range(100, 164))))


def test_sqlite_commits_are_on_the_disk_and_deleted_bytes_are_gone(sqlite_settings: Settings) -> None:
    engine = open_engine(sqlite_settings.intake_url, "intake")
    with engine.connect() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
        "busy_timeout": 10000,
    }


def test_sqlite_files_are_their_owners_alone(sqlite_settings: Settings) -> None:
    with open_stores(sqlite_settings).intake.begin() as connection:
        connection.execute(text("INSERT INTO ballot VALUES (x'00', 'r', x'00', x'00')"))
    modes = {path.name: path.stat().st_mode & 0o777 for path in sqlite_settings.instance.glob("*.db*")}
    assert {"intake.db", "intake.db-wal", "intake.db-shm"} <= modes.keys()
    assert set(modes.values()) <= {0o600}
