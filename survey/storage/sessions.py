"""Sessions on a store: one for reading, one for a transaction that writes; and a connection for a single look."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

_SINGLE = "hailong_single_statements"
_written = [0]


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
    _written[0] += 1


def n_written() -> int:
    """How many transactions of `writing` this process has committed: whoever keeps what they read can tell its age."""
    return _written[0]


def have_single_statements(engine: Engine, single: Engine) -> None:
    """Give an engine a second one to the same store for statements that are a transaction each; they end together."""
    engine.update_execution_options(**{_SINGLE: single})
    event.listen(engine, "engine_disposed", lambda _: single.dispose())


def single_statements(engine: Engine) -> Engine:
    """The engine for statements that are a transaction each: committed when they return, in PostgreSQL.

    SQLite begins and ends a transaction without anybody's help, and its driver would not go back to our own BEGIN.
    """
    single: Engine = engine.get_execution_options().get(_SINGLE, engine)
    return single
