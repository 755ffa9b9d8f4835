"""Brings the three stores to the revision this version works with."""

import logging
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.exc import OperationalError

from survey.errors import StoreUnavailable
from survey.resources import bundled_dir
from survey.secrets import Secrets
from survey.settings import Settings
from survey.storage.instance_key import refuse_another_key, remember_key
from survey.storage.intake_rights import narrow_intake_rights
from survey.storage.lineages import LINEAGES, Lineage, wait_for_other_upgrades
from survey.storage.office import Round
from survey.storage.stores import Stores, connect_stores, revision_of

# The office store's revisions from before ballots had tags and invitations names of their own.
BEFORE_TAGS = ("office_0001", "office_0002")

_LOCK_TIMEOUT_MS = 300
_MOST_ATTEMPTS = 20
_LONGEST_PAUSE_S = 2.0
_LOCK_NOT_AVAILABLE = "55P03"


def upgrade_stores(settings: Settings) -> tuple[str, ...]:
    """The three stores at their newest revision; returns a sentence for each thing that was done.

    Run again it does nothing. Each store changes in one transaction: it is at the old revision or at the new one.
    """
    stores = connect_stores(settings)
    try:
        done = [sentence for lineage in LINEAGES for sentence in _upgrade_one(stores, lineage, settings.secret_key)]
        done += narrow_intake_rights(stores.intake)
        refuse_another_key(stores.office, settings.secret_key)
        remember_key(stores.office, settings.secret_key)
        return tuple(done)
    finally:
        stores.close()


def _upgrade_one(stores: Stores, lineage: Lineage, secret_key: bytes) -> list[str]:
    engine = stores.engine(lineage.store)
    before = revision_of(engine, lineage)
    if before == lineage.head:
        return []
    from alembic import command

    # Alembic tells every step to the log, which is the operator's screen here.
    logging.getLogger("alembic").setLevel(logging.WARNING)

    def upgrade(connection: Connection) -> None:
        command.upgrade(alembic_config(connection, lineage), "head")
        if before in BEFORE_TAGS:
            _mark_untagged_rounds(connection, Secrets(secret_key))

    change_store(engine, lineage, upgrade)
    return [f"the {lineage.store} store is now at revision {lineage.head}"]


def _mark_untagged_rounds(connection: Connection, secrets: Secrets) -> None:
    """Note which rounds were there already, under the secret key: nobody can add a round to them afterwards."""
    rounds = select(Round.slug).where(Round.state.in_(("draft", "open", "closed")), Round.imported.is_(False))
    for slug in connection.scalars(rounds).all():
        mark = secrets.untagged_mark(slug)
        connection.execute(update(Round).where(Round.slug == slug).values(untagged_mark=mark))


def change_store(engine: Engine, lineage: Lineage, change: Callable[[Connection], None]) -> None:
    """A change of a store's tables in one transaction, while servers go on working with them.

    In PostgreSQL a change of a table waits for those who read it, and meanwhile everybody else waits behind it. It
    waits for a moment only, lets them by, and tries again; raises StoreUnavailable when it never got its turn.
    """
    for attempt in range(_MOST_ATTEMPTS):
        try:
            with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
                if engine.dialect.name == "postgresql":
                    wait_for_other_upgrades(connection)
                    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {lineage.store}"))
                    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_MS}ms'"))
                change(connection)
            return
        except OperationalError as refusal:
            if getattr(refusal.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            time.sleep(min(_LONGEST_PAUSE_S, 0.1 * 2**attempt))
    raise StoreUnavailable(
        f"the {lineage.store} store: its tables were in use whenever the upgrade tried to change them; nothing was "
        "changed. Try again when no round is being sealed and no backup is being made"
    )


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
