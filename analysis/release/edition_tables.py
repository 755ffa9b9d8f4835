"""The tables of an edition: the file of each, its rows, and what tells one row from another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.release.context_rows import HistoryRow, ImportanceRow, SubgroupRow
from analysis.release.rows import (
    ChangeRow,
    DifferenceRow,
    DistributionRow,
    EstimateRow,
    FormulaRow,
    OpenLinkRow,
    PublicAccountingRow,
    RankRow,
)
from analysis.release.voice_rows import CommentRow, PromiseRow, ThemeRow

ESTIMATES_CSV = "estimates.csv"
ESTIMATES_PARQUET = "estimates.parquet"
ESTIMATES_JSON = "estimates.json"
RANKS_CSV = "ranks.csv"
DIFFERENCES_CSV = "differences.csv"
FORMULAS_CSV = "formulas.csv"
OPEN_LINK_CSV = "open_link.csv"
DISTRIBUTIONS_CSV = "distributions.csv"
ACCOUNTING_CSV = "accounting.csv"
IMPORTANCE_CSV = "importance.csv"
SUBGROUPS_CSV = "subgroups.csv"
HISTORY_CSV = "history.csv"
CHANGES_CSV = "changes.csv"
THEMES_CSV = "themes.csv"
COMMENTS_CSV = "comments.csv"
PROMISES_CSV = "promises.csv"

TableRow = (
    EstimateRow
    | RankRow
    | DifferenceRow
    | FormulaRow
    | DistributionRow
    | PublicAccountingRow
    | OpenLinkRow
    | ImportanceRow
    | SubgroupRow
    | HistoryRow
    | ChangeRow
    | ThemeRow
    | CommentRow
    | PromiseRow
)


@dataclass(frozen=True, slots=True)
class EditionTable:
    """A table in a file of an edition: the attribute of `Edition` that it holds, the type of its rows and their key.

    A table that `is_always_there` has a file without rows, too, and every readable edition since `since` has it.
    """

    name: str
    kind: type[Any]
    attribute: str
    key: tuple[str, ...]
    is_always_there: bool = False
    since: int = 1

    def rows_of(self, edition: object) -> Sequence[Any]:
        """The rows of this table in an edition."""
        rows: Sequence[Any] = getattr(edition, self.attribute)
        return rows


TABLES = (
    EditionTable(ESTIMATES_CSV, EstimateRow, "estimates", ("unit", "node"), is_always_there=True),
    EditionTable(RANKS_CSV, RankRow, "ranks", ("bloc", "unit"), is_always_there=True),
    EditionTable(DIFFERENCES_CSV, DifferenceRow, "differences", ("unit", "node"), is_always_there=True, since=3),
    EditionTable(FORMULAS_CSV, FormulaRow, "formulas", ("unit", "formula"), is_always_there=True, since=3),
    EditionTable(DISTRIBUTIONS_CSV, DistributionRow, "distributions", ("unit", "item", "option"), is_always_there=True),
    EditionTable(ACCOUNTING_CSV, PublicAccountingRow, "accounting", ("unit", "channel")),
    EditionTable(OPEN_LINK_CSV, OpenLinkRow, "open_link", ("unit", "node")),
    EditionTable(IMPORTANCE_CSV, ImportanceRow, "importance", ("bloc", "node"), since=4),
    EditionTable(SUBGROUPS_CSV, SubgroupRow, "subgroups", ("unit", "item", "option", "node"), since=4),
    EditionTable(HISTORY_CSV, HistoryRow, "history", ("round", "unit", "node"), since=4),
    EditionTable(CHANGES_CSV, ChangeRow, "changes", ("earlier", "unit", "node"), since=4),
    EditionTable(THEMES_CSV, ThemeRow, "themes", ("unit", "theme"), since=4),
    EditionTable(COMMENTS_CSV, CommentRow, "comments", ("unit", "theme", "text"), since=4),
    EditionTable(PROMISES_CSV, PromiseRow, "promises", ("unit", "node", "made_on", "text"), since=4),
)
