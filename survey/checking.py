"""Whether an instance is as it should be: tables, durability, rights, keys and the audit log."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, make_url, text

from survey.errors import HailongError
from survey.settings import Settings
from survey.storage.audit import broken_links
from survey.storage.instance_key import refuse_another_key
from survey.storage.intake_rights import INTAKE_WRITER, WRITER_RIGHTS, rights_of_writer
from survey.storage.lineages import LINEAGES, Lineage
from survey.storage.sessions import reading
from survey.storage.stores import Stores, connect_stores, revision_of
from survey.storage.upgrading import differences

# The tables that only grow, by store, and what is said of them while they do.
GROWING_TABLES = {
    "intake": (("ballot", "spent_invitation"), "ballots and marks only grow"),
    "office": (("audit_event",), "the audit log only grows"),
}


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """What was looked at, what was found, and whether that is as it should be."""

    subject: str
    found: str
    is_fine: bool


def check_instance(settings: Settings) -> tuple[CheckFinding, ...]:
    """A finding for each thing that was looked at; raises as `connect_stores` when a store cannot be used at all."""
    stores = connect_stores(settings)
    try:
        findings = [finding for lineage in LINEAGES for finding in _check_store(stores, lineage)]
        if all(finding.is_fine for finding in findings):
            findings += _check_office(stores, settings)
        findings += _check_files(settings)
        return tuple(findings)
    finally:
        stores.close()


def _check_store(stores: Stores, lineage: Lineage) -> Iterator[CheckFinding]:
    engine = stores.engine(lineage.store)
    subject = f"{lineage.store} store"
    revision = revision_of(engine, lineage)
    yield CheckFinding(f"{subject}, revision", revision or "empty", revision == lineage.head)
    if revision != lineage.head:
        return
    found = differences(engine, lineage)
    yield CheckFinding(f"{subject}, tables", "; ".join(found) or "as the models say", not found)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            yield from _check_sqlite(connection, subject)
        else:
            yield from _check_postgresql(connection, subject)
        if lineage.store in GROWING_TABLES:
            yield _check_triggers(connection, lineage.store)
        if lineage.store == "intake" and engine.dialect.name == "postgresql":
            yield _check_writer(connection)


def _check_sqlite(connection: Connection, subject: str) -> Iterator[CheckFinding]:
    expected = {"journal_mode": "wal", "secure_delete": "1", "foreign_keys": "1"}
    for name, value in expected.items():
        found = str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
        yield CheckFinding(f"{subject}, {name}", found, found == value)
    synchronous = int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())
    yield CheckFinding(f"{subject}, synchronous", str(synchronous), synchronous >= 2)
    damage = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
    yield CheckFinding(f"{subject}, file", damage, damage == "ok")


def _check_postgresql(connection: Connection, subject: str) -> Iterator[CheckFinding]:
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        found = str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())
        yield CheckFinding(f"{subject}, {name}", found, found != "off")


def _check_triggers(connection: Connection, store: str) -> CheckFinding:
    tables, in_order = GROWING_TABLES[store]
    if connection.dialect.name == "sqlite":
        changes, query = ["update", "delete"], "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        changes = ["change"]
        query = (
            "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE NOT tgisinternal AND tgenabled = 'O' AND relnamespace = current_schema()::regnamespace"
        )
    wanted = {f"{table}_refuses_{change}" for table in tables for change in changes}
    missing = wanted - set(connection.execute(text(query)).scalars())
    found = f"without {', '.join(sorted(missing))}" if missing else in_order
    return CheckFinding(f"{store} store, triggers", found, not missing)


def _check_writer(connection: Connection) -> CheckFinding:
    rights = rights_of_writer(connection)
    shown = "; ".join(f"{', '.join(sorted(found))} on {table}" for table, found in sorted(rights.items()))
    # A plain user of a shared server cannot make roles; what must not be is a role that may do more than it should.
    is_narrow = rights in ({}, WRITER_RIGHTS)
    return CheckFinding(
        f"intake store, role {INTAKE_WRITER}", shown or "not in use: the web has the owner's rights", is_narrow
    )


def _check_office(stores: Stores, settings: Settings) -> Iterator[CheckFinding]:
    try:
        refuse_another_key(stores.office, settings.secret_key)
    except HailongError as complaint:
        yield CheckFinding("secret key", str(complaint), False)
    else:
        yield CheckFinding("secret key", "the one these stores were set up with", True)
    with reading(stores.office) as session:
        broken = broken_links(session)
    yield CheckFinding("audit log", "; ".join(broken[:3]) or "every event follows the one before it", not broken)


def _check_files(settings: Settings) -> Iterator[CheckFinding]:
    private = [settings.passphrase_file, *sorted((settings.instance / "keys").glob("*.json"))]
    urls = (settings.office_url, settings.frame_url, settings.intake_url)
    private += [Path(make_url(url).database or "") for url in urls if url.startswith("sqlite")]
    private += [path for path in (settings.instance / "secret.key",) if path.exists()]
    for path in private:
        mode = path.stat().st_mode & 0o777
        yield CheckFinding(str(path), f"mode {mode:04o}", not mode & 0o007)
