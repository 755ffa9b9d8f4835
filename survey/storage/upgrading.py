"""Brings the three stores to the revision this version works with."""

import logging
from typing import Any

from sqlalchemy import Connection, Engine, text

from survey.resources import bundled_dir
from survey.settings import Settings
from survey.storage.instance_key import refuse_another_key, remember_key
from survey.storage.lineages import LINEAGES, Lineage
from survey.storage.stores import INTAKE_WRITER, Stores, connect_stores, revision_of

# Any number does, as long as every hailong uses the same one.
UPGRADE_LOCK = 7_461_120


def upgrade_stores(settings: Settings) -> tuple[str, ...]:
    """The three stores at their newest revision; returns a sentence for each thing that was done.

    Run again it does nothing. Each store changes in one transaction: it is at the old revision or at the new one.
    """
    stores = connect_stores(settings)
    try:
        done = [sentence for lineage in LINEAGES for sentence in _upgrade_one(stores, lineage)]
        refuse_another_key(stores.office, settings.secret_key)
        remember_key(stores.office, settings.secret_key)
        return tuple(done)
    finally:
        stores.close()


def _upgrade_one(stores: Stores, lineage: Lineage) -> list[str]:
    engine = stores.engine(lineage.store)
    if revision_of(engine, lineage) == lineage.head:
        return []
    from alembic import command

    # Alembic tells every step to the log, which is the operator's screen here.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    sentences = [f"the {lineage.store} store is now at revision {lineage.head}"]
    with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {lineage.store}"))
        command.upgrade(alembic_config(connection, lineage), "head")
        if engine.dialect.name == "postgresql" and lineage.store == "intake":
            sentences += _narrow_intake_rights(connection)
    return sentences


def alembic_config(connection: Connection, lineage: Lineage) -> Any:
    """Alembic's configuration of one store's lineage, on this connection."""
    from alembic.config import Config

    folder = bundled_dir("migrations")
    config = Config()
    # The configuration treats a per cent sign as the start of a placeholder.
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("version_locations", str(folder / "versions" / lineage.store).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    config.attributes["lineage"] = lineage
    return config


def differences(engine: Engine, lineage: Lineage) -> list[str]:
    """What the tables of a store have that the models do not, and the other way round; empty when they agree."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": lineage.version_table, "compare_type": True}
        )
        return [repr(difference) for difference in compare_metadata(context, lineage.metadata)]


def _narrow_intake_rights(connection: Connection) -> list[str]:
    """Give the web's role the right to add a ballot and to read none, where this user may make roles."""
    may_make_roles = connection.execute(
        text("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
    ).scalar_one()
    role_exists = connection.execute(
        text("SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = :role)"), {"role": INTAKE_WRITER}
    ).scalar_one()
    if not role_exists and not may_make_roles:
        advice = f"ask for `CREATE ROLE {INTAKE_WRITER} NOLOGIN`, granted to this user, and upgrade again"
        return [f"the web's right to read ballots was not taken away: this database user may not make roles; {advice}"]
    # Roles belong to the whole server, so another database's upgrade may be making the same one now.
    connection.execute(
        text(
            f"DO $$ BEGIN CREATE ROLE {INTAKE_WRITER} NOLOGIN; "
            "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
    )
    if may_make_roles:
        connection.execute(text(f"GRANT {INTAKE_WRITER} TO CURRENT_USER"))
    for grant in (
        "USAGE ON SCHEMA intake",
        "SELECT ON intake_version",
        "INSERT, SELECT ON spent_invitation",
        "INSERT ON ballot",
    ):
        connection.execute(text(f"GRANT {grant} TO {INTAKE_WRITER}"))
    return []
