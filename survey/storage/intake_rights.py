"""The web's role in PostgreSQL: it can add a ballot and read none."""

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from survey.storage.lineages import wait_for_other_upgrades

INTAKE_WRITER = "hailong_intake_writer"
# Everything the role may do in the intake store.
WRITER_RIGHTS = {"ballot": {"INSERT"}, "spent_invitation": {"INSERT", "SELECT"}, "intake_version": {"SELECT"}}

_ADVICE = (
    f"ask the server's owner for `CREATE ROLE {INTAKE_WRITER} NOLOGIN` and `GRANT {INTAKE_WRITER} TO` this database "
    "user, and run the upgrade again"
)


def is_writer_ready(connection: Connection) -> bool:
    """Whether this database user may become the role, and the role may do its work."""
    if not _may_become_writer(connection):
        return False
    query = text(
        "SELECT has_schema_privilege(:role, 'intake', 'USAGE') "
        "AND has_table_privilege(:role, 'intake.ballot', 'INSERT') "
        "AND has_table_privilege(:role, 'intake.spent_invitation', 'INSERT') "
        "AND has_table_privilege(:role, 'intake.spent_invitation', 'SELECT') "
        "AND has_table_privilege(:role, 'intake.intake_version', 'SELECT')"
    )
    return bool(connection.execute(query, {"role": INTAKE_WRITER}).scalar_one())


def rights_of_writer(connection: Connection) -> dict[str, set[str]]:
    """What the role may do with each table of the intake store; empty where there is no such role."""
    query = text(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants "
        "WHERE grantee = :role AND table_schema = 'intake'"
    )
    rights: dict[str, set[str]] = {}
    for table, right in connection.execute(query, {"role": INTAKE_WRITER}):
        rights.setdefault(table, set()).add(right)
    return rights


def narrow_intake_rights(intake: Engine) -> list[str]:
    """Make the role and give it its rights, where this database user may; returns what the operator should know.

    SQLite has no roles; there the file's own rights and the sealed ballots have to do.
    """
    if intake.dialect.name != "postgresql":
        return []
    with intake.begin() as connection:
        if is_writer_ready(connection):
            return []
        # PostgreSQL fails one of two grants that change the same table's rights at once.
        wait_for_other_upgrades(connection)
        if is_writer_ready(connection):
            return []
        may_make_roles = connection.execute(
            text("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        ).scalar_one()
        if may_make_roles:
            _make_writer(connection)
        if not _may_become_writer(connection):
            return [f"the web can still read sealed ballots, because this database user may make no roles: {_ADVICE}"]
        for grant in (
            "USAGE ON SCHEMA intake",
            "SELECT ON intake_version",
            "INSERT, SELECT ON spent_invitation",
            "INSERT ON ballot",
        ):
            connection.execute(text(f"GRANT {grant} TO {INTAKE_WRITER}"))
    return [f"the web works in the intake store as {INTAKE_WRITER}: it can add a ballot and read none"]


def _may_become_writer(connection: Connection) -> bool:
    query = text(
        "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = :role AND pg_has_role(current_user, oid, 'MEMBER'))"
    )
    return bool(connection.execute(query, {"role": INTAKE_WRITER}).scalar_one())


def _make_writer(connection: Connection) -> None:
    # Roles belong to the whole server: another database's upgrade may be making the same one now, or another user may
    # have made it, and then only that user can give it away.
    for statement in (f"CREATE ROLE {INTAKE_WRITER} NOLOGIN", f"GRANT {INTAKE_WRITER} TO CURRENT_USER"):
        try:
            with connection.begin_nested():
                connection.execute(text(statement))
        except DBAPIError:
            continue
