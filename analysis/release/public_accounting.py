"""The counts of invitations and answers that are published: by unit, all channels together, and none that is small."""

from collections.abc import Collection, Hashable, Sequence

from analysis.accounting import ALL, AccountingRow
from analysis.release.disclosure_first_rules import FIRST_RULES
from analysis.release.disclosure_linear import Statement, feasible_ranges
from analysis.release.rows import PublicAccountingRow

# Of how many people's answers a reader may at least be unsure.
PEOPLE = 3.0
# What was answered: two counts that small rounds are told by.
_ANSWERED = ("spent", "sealed")


def public_accounting(
    rows: Sequence[AccountingRow], smallest: int, protection: float = PEOPLE, rules: int = FIRST_RULES + 1
) -> tuple[PublicAccountingRow, ...]:
    """The rows of units and of the round, without those of channels and those that speak of no unit.

    Where fewer than `smallest` people answered, or were left, what was answered is hidden; and of other units, those
    with the fewest answers first, until the round's own row leaves each hidden count open by `protection` people (under
    the first rules, of one other unit). `eligible` and `issued` are hidden where they are smaller themselves. Rejected
    ballots alone tell nothing of a person and are shown.
    """
    summed = [row for row in rows if row.channel == ALL and row.unit]
    units = [row for row in summed if row.unit != ALL]
    hidden = {row.unit for row in summed if _is_small(row, smallest)}
    others = sorted((row for row in units if row.unit not in hidden), key=lambda row: (row.spent, row.unit))
    if hidden != {ALL}:
        for row in others:
            if not hidden or (len(hidden) > 1 and rules == FIRST_RULES):
                break
            if rules > FIRST_RULES and _is_open(hidden, summed, smallest, protection):
                break
            hidden.add(row.unit)
    return tuple(_public(row, smallest, hidden) for row in summed)


def unsure_counts(rows: Sequence[PublicAccountingRow]) -> dict[tuple[str, str], tuple[float, float]]:
    """Between which numbers each hidden count of people who answered lies, by unit and column, from the table alone.

    A unit has no more answers than invitations, spent are sealed and rejected ones, and the units' counts add up to the
    round's.
    """
    total = next((row for row in rows if row.unit == ALL), None)
    units = [row for row in rows if row.unit != ALL]
    most = float(max((count for row in rows for count in (row.issued, row.spent) if count is not None), default=0))
    bounds: dict[tuple[str, str], tuple[float, float]] = {}
    statements: list[Statement] = []
    for row in units:
        for column in _ANSWERED:
            if getattr(row, column) is None:
                bounds[row.unit, column] = (0.0, most if row.issued is None else float(row.issued))
        if row.spent is None and row.sealed is None:
            rejected = (0.0, most) if row.rejected is None else (float(row.rejected), float(row.rejected))
            statements.append(Statement({(row.unit, "spent"): 1.0, (row.unit, "sealed"): -1.0}, *rejected))
    for column in _ANSWERED:
        told = None if total is None else getattr(total, column)
        if told is None:
            continue
        rest = float(told - sum(getattr(row, column) or 0 for row in units))
        inside: dict[Hashable, float] = {(row.unit, column): 1.0 for row in units if (row.unit, column) in bounds}
        statements.append(Statement(inside, rest, rest))
    return feasible_ranges(bounds, statements)


def _is_open(hidden: Collection[str], summed: Sequence[AccountingRow], smallest: int, protection: float) -> bool:
    ranges = unsure_counts([_public(row, smallest, hidden) for row in summed])
    return all(high - low >= protection - 1e-6 for low, high in ranges.values())


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
