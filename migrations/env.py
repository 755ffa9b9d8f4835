"""Runs one store's lineage on the connection it is handed; it looks for no address and no file."""

from alembic import context

lineage = context.config.attributes["lineage"]

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=lineage.metadata,
    version_table=lineage.version_table,
    compare_type=True,
    # SQLite changes a column by copying its table.
    render_as_batch=True,
)
context.run_migrations()
