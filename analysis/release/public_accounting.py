"""The counts of invitations and answers that are published: by unit, all channels together, and none that is small."""

from collections.abc import Collection, Sequence

from analysis.accounting import ALL, AccountingRow
from analysis.release.rows import PublicAccountingRow


def public_accounting(rows: Sequence[AccountingRow], smallest: int) -> tuple[PublicAccountingRow, ...]:
    """The rows of units and of the round, without those of channels and those that speak of no unit.

    Where fewer than `smallest` people answered, or were left, what was answered is hidden; beside one such unit the one
    with the next fewest answers is hidden too, for the round's own row would give it back. `eligible` and `issued` are
    hidden where they are smaller themselves. Rejected ballots alone tell nothing of a person and are shown.
    """
    summed = [row for row in rows if row.channel == ALL and row.unit]
    units = [row for row in summed if row.unit != ALL]
    hidden = {row.unit for row in summed if _is_small(row, smallest)}
    others = sorted((row for row in units if row.unit not in hidden), key=lambda row: (row.spent, row.unit))
    if len(hidden) == 1 and hidden != {ALL} and others:
        hidden.add(others[0].unit)
    return tuple(_public(row, smallest, hidden) for row in summed)


def _is_small(row: AccountingRow, smallest: int) -> bool:
    answered = row.spent if row.sealed is None else row.sealed
    return 0 < row.spent < smallest or 0 < answered < smallest


def _public(row: AccountingRow, smallest: int, hidden: Collection[str]) -> PublicAccountingRow:
    is_hidden = row.unit in hidden

    def large(count: int | None) -> int | None:
        return None if count is None or 0 < count < smallest else count

    return PublicAccountingRow(
        unit=row.unit,
        channel=row.channel,
        eligible=large(row.eligible),
        issued=large(row.issued),
        spent=None if is_hidden else row.spent,
        sealed=None if is_hidden else row.sealed,
        rejected=None if is_hidden else row.rejected,
    )
