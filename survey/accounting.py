"""Respondent accounting of a round: from the stores while it goes on, from its archive once it is sealed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.accounting import ALL, AccountingRow, Place, accounting_rows
from survey.ballots import Origin
from survey.invitations import invited_units
from survey.round_records import RoundRecord, find_round
from survey.round_status import round_status
from survey.secrets import Secrets
from survey.settings import Settings
from survey.storage.stores import Stores

if TYPE_CHECKING:
    from analysis.release.round_design import RoundDesign


def round_accounting(stores: Stores, secrets: Secrets, settings: Settings, slug: str) -> tuple[AccountingRow, ...]:
    """The counts of a round by unit and channel, and of the round; `sealed` and `rejected` once it is sealed.

    An archive of a former version has no accounting: then only the round's own row knows what was sealed. Raises
    NotFound for the round and ArchiveError when its archive is not the one that was sealed.
    """
    record = find_round(stores, slug)
    if record.archive_hash is not None:
        from analysis.archive import read_accounting

        rows = read_accounting(settings.instance / "archives" / slug, record.archive_hash)
        if rows:
            return rows
    status = round_status(stores, secrets, slug)
    issued = {(cell.unit, cell.channel): cell.issued for cell in status.cells}
    spent = {(cell.unit, cell.channel): cell.spent for cell in status.cells}
    rows = accounting_rows(invited_units(stores, record), issued, spent, None, eligible_people(record))
    if record.n_sealed is None or record.n_rejected is None:
        return rows
    n_sealed, n_rejected = record.n_sealed, record.n_rejected
    n_spent = n_sealed + n_rejected
    # Nobody was invited from here to an imported round: its rows are all that is known of who was asked.
    n_issued = n_spent if record.is_imported else rows[-1].issued
    return (*rows[:-1], replace(rows[-1], issued=n_issued, spent=n_spent, sealed=n_sealed, rejected=n_rejected))


def eligible_people(record: RoundRecord) -> dict[str, int]:
    """How many people could be invited, by unit and under "all", as far as the round's design counts them."""
    from analysis.release.round_design import parse_design

    return eligible_by_design(parse_design(record.design_source, "design.yaml"), record.unit_codes)


def eligible_by_design(design: "RoundDesign", units: tuple[str, ...]) -> dict[str, int]:
    """The people of each unit, and of the round under "all" and under "", the unit of invitations without one."""
    eligible: dict[str, int] = {}
    for unit in ("", *units):
        people = design.eligible_of_unit(unit)
        if people is not None:
            eligible[unit] = people
    if "" in eligible:
        eligible[ALL] = eligible[""]
    return eligible


def sealed_accounting(
    units: Sequence[str],
    design: "RoundDesign",
    issued: Mapping[Origin, int],
    spent: Mapping[Origin, int],
    sealed: Mapping[Origin, int],
) -> tuple[AccountingRow, ...]:
    """The accounting of an archive: invitations issued and used, and ballots sealed, by where they come from.

    Nobody can be invited beyond what the design counts. A round of a former version may have done it all the same;
    then the people of that unit are not known.
    """
    channels = [_by_channel(counts) for counts in (issued, spent, sealed)]
    rows = accounting_rows(units, channels[0], channels[1], channels[2], eligible_by_design(design, tuple(units)))
    return tuple(
        replace(row, eligible=None) if row.eligible is not None and row.eligible < row.issued else row for row in rows
    )


def _by_channel(counts: Mapping[Origin, int]) -> dict[Place, int]:
    found: Counter[Place] = Counter()
    for origin, count in counts.items():
        found[origin.unit, origin.channel] += count
    return dict(found)
