"""What the stores that citizens write to may hold: every column was judged once, and a new one has to be."""

from collections.abc import Mapping

from sqlalchemy import Engine, inspect, text
from sqlalchemy.types import Boolean, Date, DateTime, Integer, Numeric, Time

from survey.storage.stores import Stores

# Table, column: why it tells nothing of who answered what, or when.
JUDGED: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "intake": {
        "spent_invitation": {
            "round_slug": "the round",
            "nullifier": "a keyed hash of the invitation",
            "nonce_tag": "a keyed hash of the form's random number",
        },
        "ballot": {
            "id": "sixteen random bytes",
            "round_slug": "the round",
            "envelope": "sealed, and as long as every other",
            "tag": "a keyed hash of the row itself",
        },
        "intake_version": {"version_num": "the revision of the store"},
    },
    "frame": {
        "invitation": {
            "id": "random, or a keyed hash of the row",
            "round_slug": "the round",
            "unit_code": "what the invitation is for",
            "stratum": "likewise",
            "psu": "likewise",
            "channel": "likewise",
            "qr_tag": "a keyed hash of the code",
            "typed_tag": "a keyed hash of the code",
        },
        "paper_entry": {
            "tag": "a keyed hash of the code on the form",
            "round_slug": "the round",
            "state": "whether a form was keyed once, or twice and differently",
            "sealed": "under a key that follows from the form's code, and as long as every other of its round",
            "note": "sealed, and as long as every other of its round",
        },
        "frame_version": {"version_num": "the revision of the store"},
    },
}
TIMES_AND_COUNTERS = (DateTime, Date, Time, Integer, Numeric, Boolean)


def broken_rules(stores: Stores) -> list[str]:
    """Every table or column that nobody judged, that could hold a time or a count, or that keeps an order of rows."""
    complaints = []
    for name, engine in (("intake", stores.intake), ("frame", stores.frame)):
        judged = JUDGED[name]
        schema = name if engine.dialect.name == "postgresql" else None
        found = inspect(engine)
        for table in found.get_table_names(schema=schema):
            for column in found.get_columns(table, schema=schema):
                place = f"{name}: {table}.{column['name']}"
                if column["name"] not in judged.get(table, {}):
                    complaints.append(f"{place} is a column that nobody judged")
                if isinstance(column["type"], TIMES_AND_COUNTERS):
                    complaints.append(f"{place} may hold a time or a count: {column['type']}")
                if column.get("default") is not None:
                    complaints.append(f"{place} is filled in by the database: {column['default']}")
        complaints += _order_kept(name, engine)
    return complaints


def _order_kept(name: str, engine: Engine) -> list[str]:
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            query = text("SELECT sequencename FROM pg_sequences WHERE schemaname = :schema")
            found = connection.execute(query, {"schema": name}).scalars().all()
            return [f"{name}: the sequence {sequence} counts" for sequence in found]
        # A table of one row, which names the store's revision, has no order to keep.
        query = text("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%WITHOUT ROWID%'")
        found = connection.execute(query).scalars().all()
        return [f"{name}: {table} numbers its rows" for table in found if not table.endswith("_version")]
