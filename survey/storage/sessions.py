"""Sessions on a store: one for reading, one for a transaction that writes; and a connection for a single look."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that sees one state of the store and changes nothing."""
    with Session(engine) as session:
        yield session


@contextmanager
def looking(engine: Engine) -> Iterator[Connection]:
    """A connection for one statement that reads. PostgreSQL then needs no BEGIN and no ROLLBACK around it."""
    with single_statements(engine).connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session in one transaction: committed at the end, rolled back when anything is raised.

    In SQLite the write lock is taken at the beginning, because a transaction that first reads and then writes fails
    at once when another process wrote in between.
    """
    with Session(engine.execution_options(sqlite_begin="IMMEDIATE")) as session, session.begin():
        yield session


@lru_cache(maxsize=8)
def single_statements(engine: Engine) -> Engine:
    """The same engine, with each statement a transaction of its own in PostgreSQL: committed when it returns.

    SQLite begins and ends a transaction without anybody's help, and its driver would not go back to our own BEGIN.
    """
    if engine.dialect.name != "postgresql":
        return engine
    return engine.execution_options(isolation_level="AUTOCOMMIT")
