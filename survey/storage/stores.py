"""Engines to the three stores, opened so that an acknowledged answer survives and no value reaches a log."""

import contextlib
import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    ExceptionContext,
    column,
    create_engine,
    event,
    make_url,
    select,
    table,
    text,
)
from sqlalchemy.exc import InvalidatePoolError, SQLAlchemyError

from survey.errors import BadInput, StoreUnavailable, WrongState
from survey.settings import Settings
from survey.storage.instance_key import refuse_another_key
from survey.storage.intake_rights import INTAKE_WRITER, is_writer_ready
from survey.storage.lineages import LINEAGES, Lineage, StoreName
from survey.storage.sessions import have_single_statements, looking, reading, writing

__all__ = ["Stores", "connect_stores", "looking", "open_engine", "open_stores", "reading", "writing"]

BUSY_TIMEOUT_MS = 10_000
IDLE_SECONDS = 1.0
# A server that is gone without a word would otherwise be waited for as long as the system likes: minutes.
CONNECT_SECONDS = 10

Purpose = Literal["work", "serving"]

_OR_SILENT = "or log_parameter_max_length=0: the server's log would hold each row with its time"


@dataclass(frozen=True, slots=True)
class Stores:
    """The three stores. What joins them is in no one of them alone."""

    office: Engine
    frame: Engine
    intake: Engine

    def engine(self, store: StoreName) -> Engine:
        engines: dict[StoreName, Engine] = {"office": self.office, "frame": self.frame, "intake": self.intake}
        return engines[store]

    def close(self) -> None:
        """Give back every connection."""
        for engine in (self.office, self.frame, self.intake):
            engine.dispose()


def open_stores(settings: Settings, purpose: Purpose = "work") -> Stores:
    """The stores, up to date and safe to commit to.

    With the purpose `serving` the intake store is opened in PostgreSQL under the narrow role that can add a ballot and
    read none. Raises BadInput when a store may lose a commit or was set up under another secret key, WrongState when
    `hailong database upgrade` has to be run first, StoreUnavailable when a store does not answer.
    """
    stores = connect_stores(settings, purpose)
    try:
        for lineage in LINEAGES:
            _refuse_another_revision(stores.engine(lineage.store), lineage)
        refuse_another_key(stores.office, settings.secret_key)
    except BaseException:
        stores.close()
        raise
    return stores


def connect_stores(settings: Settings, purpose: Purpose = "work") -> Stores:
    """The stores as they are, whatever their revision; raises as `open_stores` for what cannot be committed to."""
    intake_role = INTAKE_WRITER if purpose == "serving" and _writer_is_ready(settings.intake_url) else None
    stores = Stores(
        office=open_engine(settings.office_url, "office"),
        frame=open_engine(settings.frame_url, "frame"),
        intake=open_engine(settings.intake_url, "intake", role=intake_role),
    )
    try:
        for lineage in LINEAGES:
            refuse_lossy(stores.engine(lineage.store), lineage.store)
            if lineage.store != "office":
                refuse_talkative(stores.engine(lineage.store), lineage.store)
    except BaseException:
        stores.close()
        raise
    return stores


def open_engine(address: str, store: StoreName, *, role: str | None = None) -> Engine:
    """The engine of one store; its parameters appear in no message and no log."""
    url = make_url(address)
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    # One more setting on the address itself would be lost: the two `options` are one string to PostgreSQL.
    options = [str(url.query.get("options", "")), f"-c search_path={store}", "-c timezone=UTC"]
    if role is not None:
        options.append(f"-c role={role}")
    arguments: dict[str, Any] = {
        "options": " ".join(filter(None, options)),
        "application_name": "hailong",
        # Encryption by Kerberos would take the place of TLS, and with it of the proof that `sslmode` asks for.
        "gssencmode": "disable",
    }
    if "connect_timeout" not in url.query:
        arguments["connect_timeout"] = CONNECT_SECONDS
    connecting: dict[str, Any] = {
        "url": url.difference_update_query(["options"]),
        "hide_parameters": True,
        "connect_args": arguments,
    }
    engine = create_engine(**connecting)
    # Connections of its own: to switch one that is shared to and fro costs more than most statements.
    single = create_engine(
        **connecting, isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True, pool_reset_on_return=None
    )
    for each in (engine, single):
        event.listen(each, "handle_error", _hide_details)
        _ask_after_a_pause(each)
    have_single_statements(engine, single)
    return engine


def _ask_after_a_pause(engine: Engine) -> None:
    """Have a connection asked whether it still lives when nobody has used it for a moment.

    Asking each time would cost a busy server a way to the database and back for every statement. A connection that
    dies within the moment fails one request, which says that nothing was stored; all others of that age are given up.
    """

    def leave(connection: Any, record: Any) -> None:
        record.info["left_at"] = time.monotonic()

    def take(connection: Any, record: Any, fairy: Any) -> None:
        if time.monotonic() - record.info.get("left_at", -IDLE_SECONDS) < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            raise InvalidatePoolError from None

    event.listen(engine, "checkin", leave)
    event.listen(engine, "checkout", take)


def _hide_details(context: ExceptionContext) -> None:
    # PostgreSQL repeats the row in the lines below the first one, whatever was said about hiding parameters.
    context.original_exception.args = (str(context.original_exception).partition("\n")[0],)
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (str(context.sqlalchemy_exception.args[0]).partition("\n")[0],)


def _sqlite_engine(url: URL) -> Engine:
    path = Path(url.database or "")
    synchronous = str(url.query.get("synchronous", "FULL")).upper()
    _make_private_file(path)
    # The driver would begin transactions where it thinks best; here they begin where the session does.
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        hide_parameters=True,
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_MS / 1000},
    )

    def set_pragmas(connection: Any, record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        _log_ahead(cursor)
        cursor.execute(f"PRAGMA synchronous = {synchronous}")
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.execute("PRAGMA foreign_keys = ON")
        # Without it INSERT OR REPLACE would overwrite a row past the trigger that refuses deletion.
        cursor.execute("PRAGMA recursive_triggers = ON")
        cursor.close()

    def begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")

    event.listen(engine, "connect", set_pragmas)
    event.listen(engine, "begin", begin)
    return engine


def _log_ahead(cursor: Any) -> None:
    """Switch a file to write-ahead logging; a file that is switched stays so.

    SQLite does not wait for other connections here, whatever its timeout: two processes that open a new file at once
    would get in each other's way.
    """
    give_up = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as refusal:
            if refusal.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _make_private_file(path: Path) -> None:
    # SQLite gives its own files the rights of the process's umask; the log beside a file takes the file's rights.
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A database that is there is not opened: to close it again would end every lock that SQLite holds on it in this
        # process, and another process would then take the log away from under what is still being written.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        if path.is_dir() or not os.access(path, os.R_OK | os.W_OK):
            kind = errno.EISDIR if path.is_dir() else errno.EACCES
            raise OSError(kind, os.strerror(kind))
    except OSError as refusal:
        raise BadInput(f"{path}: found no database and could not make it ({refusal.strerror})") from None


def refuse_lossy(engine: Engine, store: StoreName) -> None:
    """Raise BadInput when a commit of this store may be lost after it was acknowledged."""
    with answering(engine, store) as connection:
        if engine.dialect.name == "sqlite":
            level = connection.execute(text("PRAGMA synchronous")).scalar_one()
            if int(level) < 2:
                raise BadInput(f"the {store} store: found synchronous={level}, expected FULL: it may lose a commit")
        else:
            for name in ("synchronous_commit", "fsync", "full_page_writes"):
                if _server_setting(connection, name) == "off":
                    raise BadInput(f"the {store} store: found {name}=off, expected on: it may lose a commit")


def refuse_talkative(engine: Engine, store: StoreName) -> None:
    """Raise BadInput when the server's own log would hold the rows of this store, each with its time.

    A mark of use with a time tells who holds the code when somebody came, and the log outlives the round.
    """
    if engine.dialect.name != "postgresql":
        return
    with answering(engine, store) as connection:
        if _server_setting(connection, "log_parameter_max_length") == "0":
            return
        statements = _server_setting(connection, "log_statement")
        if statements in ("mod", "all"):
            raise BadInput(f"the {store} store: found log_statement={statements}, expected none or ddl, {_OR_SILENT}")
        for name in ("log_min_duration_statement", "log_min_duration_sample"):
            slowest = _server_setting(connection, name)
            if slowest != "-1":
                raise BadInput(f"the {store} store: found {name}={slowest}, expected -1, {_OR_SILENT}")


def _server_setting(connection: Connection, name: str) -> str | None:
    """A setting as PostgreSQL applies it to this connection, None where this version has none of that name."""
    found: str | None = connection.execute(text("SELECT current_setting(:name, true)"), {"name": name}).scalar_one()
    return found


@contextmanager
def answering(engine: Engine, store: StoreName) -> Iterator[Connection]:
    """A connection of a store, or a StoreUnavailable that names the store and hides its password."""
    try:
        connection = engine.connect()
    except SQLAlchemyError as failure:
        cause = str(getattr(failure, "orig", None) or failure).splitlines()[0]
        address = engine.url.render_as_string(hide_password=True)
        raise StoreUnavailable(f"the {store} store at {address} does not answer: {cause}") from None
    with connection:
        yield connection


def _writer_is_ready(address: str) -> bool:
    if address.startswith("sqlite"):
        return False
    engine = open_engine(address, "intake")
    try:
        with answering(engine, "intake") as connection:
            # Before the first upgrade there is neither a schema nor anything to be kept from.
            return engine.dialect.has_table(connection, "intake_version") and is_writer_ready(connection)
    finally:
        engine.dispose()


def revision_of(engine: Engine, lineage: Lineage) -> str | None:
    """The revision a store is at, None for an empty one."""
    with answering(engine, lineage.store) as connection:
        if not engine.dialect.has_table(connection, lineage.version_table):
            return None
        versions = table(lineage.version_table, column("version_num"))
        revision: str | None = connection.execute(select(versions.c.version_num)).scalar_one_or_none()
        return revision


def _refuse_another_revision(engine: Engine, lineage: Lineage) -> None:
    found = revision_of(engine, lineage)
    if found != lineage.head:
        state = "empty" if found is None else f"at revision {found}"
        raise WrongState(
            f"the {lineage.store} store is {state}, expected revision {lineage.head}: run `hailong database upgrade`"
        )
