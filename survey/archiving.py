"""What every archive is made with, whether its answers were collected here or elsewhere."""

import secrets as randomness
from collections.abc import Iterable

import pyarrow as pa

from analysis.archive import ArchiveUnit
from analysis.signatures import canonical_json
from questionnaires.model import Text
from survey.envelopes import seal_comments
from survey.round_records import list_rounds
from survey.storage.stores import Stores
from survey.units import UnitRecord


def shuffled(table: pa.Table) -> pa.Table:
    """The rows in an order that nobody can foretell or find again."""
    order = list(range(table.num_rows))
    randomness.SystemRandom().shuffle(order)
    return table.take(pa.array(order, pa.int64())).combine_chunks()


def sealed_comments(comments: list[dict[str, str]], public_key: bytes, slug: str) -> bytes:
    """The free texts (unit, item, text), shuffled by themselves and encrypted to the round's key for comments."""
    randomness.SystemRandom().shuffle(comments)
    return seal_comments(public_key, slug, b"".join(canonical_json(comment) + b"\n" for comment in comments))


def archive_units(units: Iterable[UnitRecord]) -> tuple[ArchiveUnit, ...]:
    """The units as the archive keeps them."""
    return tuple(
        ArchiveUnit(
            code=unit.code,
            name=Text(unit.name_vi, unit.name_en),
            kind=unit.kind,
            bloc_code=unit.bloc_code,
            bloc_name=unit.bloc_name,
            population=unit.population,
            bloc_name_en=unit.bloc_name_en,
        )
        for unit in units
    )


def previous_manifest(stores: Stores, slug: str) -> str | None:
    """The hash of the latest other archive, by the last day of its round: the archives form a chain."""
    others = [record for record in list_rounds(stores) if record.archive_hash is not None and record.slug != slug]
    latest = max(others, key=lambda record: (record.closes_on, record.slug), default=None)
    return latest.archive_hash if latest else None
