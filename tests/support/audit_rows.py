"""Rows of the audit log as somebody changes them who owns the database, and may take away what refuses it."""

from sqlalchemy import Connection, text

from survey.storage.stores import Stores


def disarm_audit_log(stores: Stores) -> None:
    """Drop what refuses changes to the audit log, as its owner may."""
    with stores.office.begin() as connection:
        drop_audit_triggers(connection)


def drop_audit_triggers(connection: Connection) -> None:
    """The same on a connection to the office store."""
    if connection.dialect.name == "sqlite":
        for change in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER IF EXISTS audit_event_refuses_{change}"))
    else:
        connection.execute(text("DROP TRIGGER IF EXISTS audit_event_refuses_change ON audit_event"))
