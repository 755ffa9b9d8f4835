"""Respondent accounting: how many could have answered, were invited, answered and stayed, by unit and channel.

In every row eligible ≥ issued ≥ spent = sealed + rejected, as far as the numbers are known.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields

# The channel of answers for which nobody was drawn: they enter no estimate, and have no weight.
OPEN_LINK = "open_link"
# The unit of the round's own row, and the channel of the row that sums up a unit's.
ALL = "all"

# A unit and a channel.
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class AccountingRow:
    """The counts of one unit and channel as invitations were issued; `channel` "all" sums a unit up, `unit` "all" the
    round. The sums leave out the channel of an open link, for which nobody was drawn; it has rows of its own.

    In rounds whose ballots rate several units the invitations know no unit: `unit` is empty there. `eligible` is known
    for units (channel "all") where the design counts them. `sealed` and `rejected` are None until the round is sealed;
    `rejected` counts used invitations whose ballots are not in the archive, for whatever reason.
    """

    unit: str
    channel: str
    eligible: int | None
    issued: int
    spent: int
    sealed: int | None
    rejected: int | None

    @property
    def complaint(self) -> str:
        """What does not add up in this row; empty when everything does."""
        if self.issued < self.spent:
            return f"issued {self.issued}, spent {self.spent}"
        if self.eligible is not None and self.eligible < self.issued:
            return f"eligible {self.eligible}, issued {self.issued}"
        if self.sealed is None or self.rejected is None:
            return ""
        if min(self.sealed, self.rejected) < 0 or self.sealed + self.rejected != self.spent:
            return f"spent {self.spent}, sealed {self.sealed}, rejected {self.rejected}"
        return ""


COLUMNS = tuple(field.name for field in fields(AccountingRow))


def accounting_to_csv(rows: Sequence[AccountingRow]) -> bytes:
    """The rows as the `accounting.csv` of an archive; what is not known is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(tuple("" if value is None else value for value in astuple(row)) for row in rows)
    return stream.getvalue().encode()


def accounting_from_csv(source: bytes) -> tuple[AccountingRow, ...]:
    """The rows of an `accounting.csv`; raises KeyError, TypeError or ValueError when it is no such file."""

    def known(text: str) -> int | None:
        return int(text) if text else None

    return tuple(
        AccountingRow(
            unit=row["unit"],
            channel=row["channel"],
            eligible=known(row["eligible"]),
            issued=int(row["issued"]),
            spent=int(row["spent"]),
            sealed=known(row["sealed"]),
            rejected=known(row["rejected"]),
        )
        for row in csv.DictReader(io.StringIO(source.decode()))
    )


def accounting_rows(
    units: Sequence[str],
    issued: Mapping[Place, int],
    spent: Mapping[Place, int],
    sealed: Mapping[Place, int] | None,
    eligible: Mapping[str, int],
) -> tuple[AccountingRow, ...]:
    """The rows of a round: for each unit its channels and their sum, in the order of the units; the round's at last.

    `issued`, `spent` and `sealed` count by unit and channel as issued; `sealed` is None while the round is not sealed.
    `eligible` holds the people of units, and of the round under "all", as far as they are known. Units with none of all
    this have a row of zeros.
    """
    rows: list[AccountingRow] = []
    for unit in units:
        channels = sorted(channel for place, channel in issued if place == unit)
        own = [
            _row(unit, channel, None, *(_sum(counts, [(unit, channel)]) for counts in (issued, spent, sealed)))
            for channel in channels
        ]
        places = [(unit, channel) for channel in channels if channel != OPEN_LINK]
        total = _row(unit, ALL, eligible.get(unit), *(_sum(counts, places) for counts in (issued, spent, sealed)))
        rows += [*own, total]
    everywhere = [(unit, channel) for unit, channel in issued if channel != OPEN_LINK]
    rows.append(_row(ALL, ALL, eligible.get(ALL), *(_sum(counts, everywhere) for counts in (issued, spent, sealed))))
    return tuple(rows)


def _row(
    unit: str, channel: str, eligible: int | None, issued: int | None, spent: int | None, sealed: int | None
) -> AccountingRow:
    n_spent = spent or 0
    return AccountingRow(
        unit, channel, eligible, issued or 0, n_spent, sealed, None if sealed is None else n_spent - sealed
    )


def _sum(counts: Mapping[Place, int] | None, places: Sequence[Place]) -> int | None:
    return None if counts is None else sum(counts.get(place, 0) for place in places)
