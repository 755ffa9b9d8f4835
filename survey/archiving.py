"""What every archive is made with, whether its answers were collected here or elsewhere."""

import secrets as randomness
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.accounting import OPEN_LINK
from analysis.archive import ArchiveUnit
from analysis.coarsening import Coarsened, Place, coarsen, coarsen_ballots, redraw_psus
from analysis.release.round_design import RoundDesign
from analysis.responses import ATTRIBUTES, BALLOT
from analysis.row_groups import first_rows, group_rows
from questionnaires.model import Text
from survey.ballots import Origin
from survey.envelopes import seal_comments
from survey.round_records import list_rounds
from survey.spool import SpooledComments
from survey.storage.stores import Stores
from survey.units import UnitRecord

# No item's code begins with an underscore.
_POSITION = "_position"


@dataclass(frozen=True, slots=True)
class SealedRows:
    """Responses as an archive holds them: no rare cell, no PSU's old label, no order.

    `stays` (n,) tells of each of the n rows there were whether it is still among them. `returned` counts the responses
    that are, or the ballots where each has several, by where the invitations came from, as they said before sealing.
    """

    coarsened: Coarsened
    stays: npt.NDArray[np.bool_]
    returned: Counter[Origin]

    def kept_comments(self, comments: SpooledComments) -> list[bytes]:
        """The free texts of the responses that stay."""
        return [line for row, line in zip(comments.rows, comments.lines, strict=True) if self.stays[row]]


def seal_rows(table: pa.Table, design: RoundDesign, k: int, steps: Sequence[str]) -> SealedRows:
    """The responses coarsened to cells of at least k, with PSUs called anew, in an order that nobody can find again.

    Where a ballot rates several units the cells count ballots. Answers from an open link are coarsened by themselves:
    nobody was drawn for them, so they have no stratum and no PSU, and nothing is joined with them.
    """
    is_open = pc.equal(table["channel"], OPEN_LINK)
    rates_several = BALLOT in table.schema.names
    places = table.select([*ATTRIBUTES, BALLOT] if rates_several else ATTRIBUTES)
    numbered = table.append_column(_POSITION, pa.array(np.arange(table.num_rows)))
    from_link = _coarsened_alone(numbered.filter(is_open), k) if pc.any(is_open).as_py() else None
    if from_link is not None:
        numbered = numbered.filter(pc.invert(is_open))
    coarsened = coarsen_ballots(numbered, k, steps) if rates_several else coarsen(numbered, k=k, steps=steps)
    # A million responses take hundreds of megabytes: what was the table until here is given up as soon as it can be.
    del table, numbered
    crosses_strata = "stratum" not in design.strata
    coarsened = redraw_psus(
        coarsened, _shuffled_labels, crosses_units=design.crosses_units, crosses_strata=crosses_strata
    )
    if from_link is not None:
        coarsened = _with_open_link(coarsened, from_link)
    kept = coarsened.table[_POSITION].to_numpy()
    stays = np.zeros(places.num_rows, dtype=np.bool_)
    stays[kept] = True
    coarsened = coarsened._replace(table=_shuffled(coarsened.table.drop_columns([_POSITION])))
    return SealedRows(coarsened, stays, count_origins(places.take(pa.array(kept))))


def _coarsened_alone(table: pa.Table, k: int) -> Coarsened:
    """Answers from an open link without stratum and PSU, and without units that have fewer than k."""
    for name in ("stratum", "psu"):
        nothing = pa.array([""] * table.num_rows, pa.string())
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), nothing)
    return coarsen_ballots(table, k, ()) if BALLOT in table.schema.names else coarsen(table, k=k, steps=())


def _with_open_link(drawn: Coarsened, from_link: Coarsened) -> Coarsened:
    """Both together; the cells stay those that the design knows."""
    record = {**drawn.record, "open_link": {"withheld": from_link.dropped}}
    table = pa.concat_tables([drawn.table, from_link.table])
    return Coarsened(table, record, drawn.dropped + from_link.dropped, drawn.cells)


def by_place(counts: Mapping[Origin, int]) -> dict[Place, int]:
    """Counts by unit, stratum and PSU, whatever the channel; but for an open link, which is of no cell."""
    found: Counter[Place] = Counter()
    for origin, count in counts.items():
        if origin.channel == OPEN_LINK:
            continue
        found[origin.unit, origin.stratum, origin.psu] += count
    return dict(found)


def count_origins(places: pa.Table) -> Counter[Origin]:
    """The responses, or the ballots where each has several, by where their invitations came from."""
    if BALLOT in places.schema.names:
        places = places.select([*ATTRIBUTES, BALLOT])
        places = places.take(pa.array(first_rows(places, BALLOT)))
        no_unit = pa.array([""] * places.num_rows, pa.string())
        places = places.set_column(0, places.schema.field("unit"), no_unit)
    groups = group_rows(places, ATTRIBUTES)
    return Counter(
        {Origin(*labels): count for labels, count in zip(groups.labels, groups.counts.tolist(), strict=True)}
    )


def _shuffled(table: pa.Table) -> pa.Table:
    """The rows in an order that nobody can foretell or find again."""
    keys = np.frombuffer(randomness.token_bytes(8 * table.num_rows), dtype=np.uint64)
    return table.take(pa.array(np.argsort(keys, kind="stable"))).combine_chunks()


def _shuffled_labels(labels: list[str]) -> list[str]:
    return randomness.SystemRandom().sample(labels, len(labels))


def sealed_comments(lines: list[bytes], public_key: bytes, slug: str) -> bytes:
    """The free texts (a line of JSON each: unit, item, text), shuffled by themselves and encrypted to the round's key
    for comments.
    """
    randomness.SystemRandom().shuffle(lines)
    return seal_comments(public_key, slug, b"".join(lines))


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
