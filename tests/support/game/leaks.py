"""Careless recorders, each with the one leak that one adversary knows: no adversary may be a dummy.

All of them keep marks of use and answers in two tables with random keys, and write the answers at the end, shuffled,
in one transaction. Then each does one thing that people do. They are never part of the application.
"""

import datetime as dt
import random
import secrets as randomness
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from support.game import postgres_files, sqlite_files
from support.game.cast import Cast, Respondent, vector_in
from support.game.knowledge import Arrival, Evidence, Final, Knowledge, Row
from support.game.views import truth_of
from support.postgres import Server

LONGEST_ANSWERS = 900
FIRST_ARRIVAL = dt.datetime(2026, 11, 2, 7, 30, tzinfo=dt.UTC)


@dataclass(slots=True)
class Recorder:
    """One careless recorder at work: a file or a schema of its own, a log, what was kept of its backups."""

    folder: Path
    cast: Cast
    server: Server | None
    schema: str = ""
    since: int = 0
    tags: dict[int, bytes] = field(default_factory=dict)
    keys: dict[int, bytes] = field(default_factory=dict)
    backups: list[Row] = field(default_factory=list)
    connection: "sqlite3.Connection | psycopg.Connection[tuple[object, ...]]" = field(init=False)

    def __post_init__(self) -> None:
        people = self.cast.counted
        self.tags = {person.number: randomness.token_bytes(32) for person in people}
        self.keys = {person.number: randomness.token_bytes(16) for person in people}
        if self.server is None:
            self.connection = sqlite3.connect(self.file, isolation_level=None)
            for pragma in ("synchronous = OFF", "secure_delete = OFF"):
                self.connection.execute(f"PRAGMA {pragma}")
        else:
            self.schema = f"careless_{randomness.token_hex(4)}"
            self.since = postgres_files.log_place(self.server, "postgres")
            self.connection = psycopg.connect(
                f"host={self.server.socket_dir} user=hailong dbname=postgres", autocommit=True
            )
            self.connection.execute(f"CREATE SCHEMA {self.schema}")  # type: ignore[call-overload]
            self.connection.execute(f"SET search_path = {self.schema}")  # type: ignore[call-overload]
            self.connection.execute("SET synchronous_commit = off")

    @property
    def file(self) -> Path:
        return self.folder / "careless.db"

    @property
    def log(self) -> Path:
        return self.folder / "careless.log"

    @property
    def people(self) -> tuple[Respondent, ...]:
        """Those who come, in the order they come."""
        return self.cast.counted

    def shuffled(self) -> list[Respondent]:
        return random.SystemRandom().sample(self.people, len(self.people))

    def run(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        if self.server is None:
            return self.connection.execute(statement, values).fetchall()  # type: ignore[arg-type]
        cursor = self.connection.execute(statement.replace("?", "%s"), values or None)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.run("BEGIN")
        yield
        self.run("COMMIT")

    def table(self, name: str, columns: str, *, with_row_numbers: bool = False) -> None:
        """A table; in SQLite without row numbers unless the leak wants them."""
        bytes_type = "BLOB" if self.server is None else "BYTEA"
        ending = " WITHOUT ROWID" if self.server is None and not with_row_numbers else ""
        self.run(f"CREATE TABLE {name} ({columns.replace('BYTES', bytes_type)}){ending}")

    def tables(self, *, with_row_numbers: bool = False) -> None:
        self.table("spent", "tag BYTES PRIMARY KEY")
        self.table("response", "id BYTES PRIMARY KEY, unit TEXT, answers TEXT", with_row_numbers=with_row_numbers)

    def spend(self, person: Respondent) -> None:
        self.run("INSERT INTO spent VALUES (?)", self.tags[person.number])

    def respond(self, person: Respondent, table: str = "response", *, is_padded: bool = False) -> None:
        answers = person.answers
        text = answers.as_json().ljust(LONGEST_ANSWERS) if is_padded else answers.as_json()
        values = (self.keys[person.number], answers.unit, text)
        self.run(f"INSERT INTO {table} VALUES (?, ?, ?)", *values)  # noqa: S608 - a name of our own

    def careful(self) -> None:
        """What a careful recorder does: marks as people come, all answers at the end, shuffled, at once."""
        self.tables()
        for person in self.people:
            self.spend(person)
        self.seal()

    def seal(self) -> None:
        with self.transaction():
            for person in self.shuffled():
                self.respond(person)

    def cluster(self, *tables: str) -> None:
        """The rows of a table in the order of their random keys."""
        for table in tables:
            self.run(f"CLUSTER {table} USING {table}_pkey")

    def close(self) -> None:
        if self.server is not None:
            self.run(f"DROP SCHEMA {self.schema} CASCADE")
        self.connection.close()

    def evidence(self) -> Evidence:
        """Everything, as in the last view of the game."""
        evidence = Evidence(logs=[self.log] if self.log.exists() else [])
        if self.server is not None:
            evidence.rows += postgres_files.dumped_rows(self.server, "postgres", "dump", self.schema)
            postgres_files.add_system(evidence, self.server, "postgres", "system", schema=self.schema, since=self.since)
        else:
            evidence.rows += sqlite_files.read_rows(self.file, "dump", with_system=False)
            evidence.rows += sqlite_files.read_rows(self.file, "system", with_system=True)
            sqlite_files.add_files(evidence, self.file, "files")
        evidence.rows += self.backups
        return evidence

    def knowledge(self, evidence: Evidence, seed: int) -> tuple[Knowledge, list[int]]:
        """What the adversary knows of this recorder's round, and the truth."""
        arrivals = [Arrival(person.answers.unit, frozenset([self.tags[person.number]])) for person in self.people]
        final = []
        for row in evidence.rows:
            if row.source == "dump" and row.table.rpartition(".")[2] == "response":
                text = next(str(value) for value in row.values if isinstance(value, str) and value.startswith("{"))
                unit = next(str(value) for value in row.values if isinstance(value, str) and value != text)
                vector = vector_in(text)
                assert vector is not None
                final.append(Final(unit, vector, len(text)))
        return Knowledge(arrivals, final, seed), truth_of(list(self.people), final)


def _same_transaction(recorder: Recorder) -> None:
    recorder.tables()
    for person in recorder.people:
        with recorder.transaction():
            recorder.spend(person)
            recorder.respond(person)
    recorder.cluster("spent", "response")


def _transaction_order(recorder: Recorder) -> None:
    recorder.tables()
    for person in recorder.people:
        recorder.spend(person)
        recorder.respond(person)
    recorder.cluster("spent", "response")


def _in_order_of_arrival(recorder: Recorder) -> None:
    recorder.tables(with_row_numbers=True)
    with recorder.transaction():
        for person in recorder.people:
            # Of one length: PostgreSQL puts a short row into a gap that a long one left on an earlier page.
            recorder.respond(person, is_padded=True)


def _counted_keys(recorder: Recorder) -> None:
    recorder.table("response", "id INTEGER PRIMARY KEY, unit TEXT, answers TEXT")
    number = {person.number: count for count, person in enumerate(recorder.people, start=1)}
    with recorder.transaction():
        for person in recorder.shuffled():
            answers = person.answers
            recorder.run(
                "INSERT INTO response VALUES (?, ?, ?)", number[person.number], answers.unit, answers.as_json()
            )


def _index_pages(recorder: Recorder) -> None:
    recorder.careful()
    units = sorted({person.answers.unit for person in recorder.people})
    for count, _ in enumerate(units):
        recorder.table(f"seen_{count}", "id BYTES PRIMARY KEY")
    with recorder.transaction():
        for person in recorder.people:
            table = f"seen_{units.index(person.answers.unit)}"
            recorder.run(f"INSERT INTO {table} VALUES (?)", recorder.keys[person.number])  # noqa: S608 - likewise


def _timestamps(recorder: Recorder) -> None:
    time_type = "TEXT" if recorder.server is None else "TIMESTAMPTZ"
    recorder.table("response", f"id BYTES PRIMARY KEY, unit TEXT, answers TEXT, created_at {time_type}")
    count = {person.number: place for place, person in enumerate(recorder.people)}
    with recorder.transaction():
        for person in recorder.shuffled():
            moment = FIRST_ARRIVAL + dt.timedelta(seconds=31.7 * count[person.number])
            recorder.run(
                "INSERT INTO response VALUES (?, ?, ?, ?)",
                recorder.keys[person.number],
                person.answers.unit,
                person.answers.as_json(),
                moment.isoformat(),
            )


def _log_names_rows(recorder: Recorder) -> None:
    recorder.careful()
    lines = [f"INFO stored response {recorder.keys[person.number].hex()}" for person in recorder.people]
    recorder.log.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _log_has_lengths(recorder: Recorder) -> None:
    recorder.careful()
    lines = [
        f'"POST /r/dot/{person.answers.unit} HTTP/1.1" 303 {len(person.answers.as_json())}'
        for person in recorder.people
    ]
    recorder.log.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _unpadded(recorder: Recorder) -> None:
    recorder.tables()
    recorder.table("spool", "id BYTES PRIMARY KEY, sealed BYTES", with_row_numbers=True)
    for person in recorder.people:
        sealed = randomness.token_bytes(len(person.answers.as_json()) + 85)
        recorder.run("INSERT INTO spool VALUES (?, ?)", randomness.token_bytes(16), sealed)
    recorder.seal()


def _log_ahead(recorder: Recorder) -> None:
    if recorder.server is None:
        recorder.run("PRAGMA journal_mode = WAL")
        recorder.run("PRAGMA wal_autocheckpoint = 0")
    recorder.tables()
    recorder.table("live", "id BYTES PRIMARY KEY, unit TEXT, answers TEXT")
    for person in recorder.people:
        recorder.respond(person, "live")
    recorder.run("DROP TABLE live")
    recorder.keys = {number: randomness.token_bytes(16) for number in recorder.keys}
    recorder.seal()


def _backup_after_each(recorder: Recorder) -> None:
    recorder.tables()
    for day, person in enumerate(recorder.people):
        recorder.respond(person)
        for position, values in enumerate(recorder.run("SELECT * FROM response ORDER BY id")):
            marks: dict[str, object] = {"position": position, "snapshot": day}
            plain = tuple(bytes(value) if isinstance(value, memoryview) else value for value in values)
            recorder.backups.append(Row(f"backup {day}", "response", plain, marks))


def _drafts(recorder: Recorder, *, are_deleted: bool) -> None:
    recorder.careful()
    recorder.table("draft", "id BYTES PRIMARY KEY, tag BYTES, answers TEXT", with_row_numbers=True)
    with recorder.transaction():
        for person in recorder.shuffled():
            values = (randomness.token_bytes(16), recorder.tags[person.number], person.answers.as_json())
            recorder.run("INSERT INTO draft VALUES (?, ?, ?)", *values)
    if are_deleted:
        recorder.run("DELETE FROM draft")


def _deleted_drafts(recorder: Recorder) -> None:
    _drafts(recorder, are_deleted=True)


def _kept_drafts(recorder: Recorder) -> None:
    _drafts(recorder, are_deleted=False)


@dataclass(frozen=True, slots=True)
class Leak:
    """A recorder's one carelessness, the adversary who knows it, and the engines that have it at all."""

    adversary: str
    record: Callable[[Recorder], None]
    engines: Sequence[str] = ("sqlite", "postgresql")
    is_one_a_unit: bool = False


LEAKS: Mapping[str, Leak] = {
    "mark and answers in one transaction": Leak("same transaction (xmin)", _same_transaction, ("postgresql",)),
    "a transaction for the mark, one for the answers": Leak(
        "order of transactions (xmin)", _transaction_order, ("postgresql",)
    ),
    "rows added as people come": Leak("place in the table (ctid)", _in_order_of_arrival, ("postgresql",)),
    "rows dumped as they were added": Leak("order of the dump", _in_order_of_arrival),
    "numbered rows": Leak("row number (rowid)", _in_order_of_arrival, ("sqlite",)),
    "keys that count up": Leak("order of keys", _counted_keys),
    "an index filled as people come": Leak("place in index pages", _index_pages),
    "a column with the time": Leak("timestamps", _timestamps),
    "a log that names rows": Leak("order of log lines", _log_names_rows),
    "a log with lengths": Leak("lengths in logs", _log_has_lengths),
    "sealed ballots of different lengths": Leak("lengths of sealed ballots", _unpadded),
    "answers in the clear, deleted at the end": Leak("replay of the write-ahead log", _log_ahead),
    "a backup after each answer": Leak("difference of backups", _backup_after_each),
    "drafts, deleted at the end": Leak("deleted rows", _deleted_drafts),
    "drafts, kept": Leak("joined rows (drafts, sessions)", _kept_drafts),
    "units of one person": Leak("random", Recorder.careful, is_one_a_unit=True),
}


@contextmanager
def careless(folder: Path, cast: Cast, server: Server | None, leak: Leak | None) -> Iterator[Recorder]:
    """A recorder after its round; a careful one without a leak."""
    folder.mkdir(parents=True)
    recorder = Recorder(folder, cast, server)
    try:
        (leak.record if leak is not None else Recorder.careful)(recorder)
        yield recorder
    finally:
        recorder.close()
