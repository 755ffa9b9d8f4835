"""A store's tables as lines of JSON, the same on both engines, and back."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, func, insert, select, text
from sqlalchemy.types import Date, Integer, LargeBinary

from survey.storage.lineages import Lineage
from survey.storage.types import UtcDateTime

BATCH = 500


@dataclass(frozen=True, slots=True)
class TableDigest:
    """How many rows a table has, and the SHA-256 of its lines, in hexadecimal digits."""

    n_rows: int
    sha256: str


def tables_of(lineage: Lineage) -> tuple[Table, ...]:
    """The tables of a store, those that others refer to first."""
    return tuple(lineage.metadata.sorted_tables)


def dump_lines(connection: Connection, table: Table) -> Iterator[bytes]:
    """The rows of a table, a line of JSON each, in the order of the primary key: never in the order they came."""
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=BATCH)
    for row in connection.execute(query).mappings():
        record = {column.name: _to_json(row[column]) for column in table.columns}
        yield json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def load_lines(connection: Connection, table: Table, lines: Iterable[bytes]) -> None:
    """Put dumped rows into an empty table; ValueError when a line is no row of it."""
    batch: list[dict[str, object]] = []
    for line in lines:
        record = json.loads(line)
        if not isinstance(record, dict) or record.keys() != {column.name for column in table.columns}:
            raise ValueError(f"a line is no row of the table {table.name}")
        batch.append({column.name: _from_json(column, record[column.name]) for column in table.columns})
        if len(batch) == BATCH:
            connection.execute(insert(table), batch)
            batch.clear()
    if batch:
        connection.execute(insert(table), batch)
    _move_counter(connection, table)


def digest_of(connection: Connection, table: Table) -> TableDigest:
    """The digest of a table as it is now."""
    digest = hashlib.sha256()
    n_rows = 0
    for line in dump_lines(connection, table):
        digest.update(line)
        n_rows += 1
    return TableDigest(n_rows, digest.hexdigest())


def count_rows(connection: Connection, table: Table) -> int:
    """How many rows a table has."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def begin_snapshot(connection: Connection) -> None:
    """Let everything that this connection reads be one state of the store; call it before the first statement."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))


def _move_counter(connection: Connection, table: Table) -> None:
    # PostgreSQL's counters do not notice numbers that were given by hand.
    column = table.autoincrement_column
    if connection.dialect.name != "postgresql" or column is None or not isinstance(column.type, Integer):
        return
    highest = connection.execute(select(func.max(column))).scalar_one()
    if highest is not None:
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        connection.execute(select(func.setval(sequence, highest)))


def _to_json(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value


def _from_json(column: Column[Any], value: Any) -> object:
    if value is None:
        return None
    if isinstance(column.type, LargeBinary):
        return base64.b64decode(value, validate=True)
    if isinstance(column.type, UtcDateTime):
        return datetime.fromisoformat(value)
    if isinstance(column.type, Date):
        return date.fromisoformat(value)
    return value
