"""The rows of the tables of quality, and their one spelling as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar, cast

from analysis.release.row_files import cell_text, rows_from_csv

Kind = TypeVar("Kind")

# What is counted of a unit's rows beside the flags: any flag, the best answer to everything; and two means.
ANY, ALL_TOP, TOP_ANSWERS, MEAN_SCORE = "any", "all_top", "top_answers", "mean_score"
UNUSUAL, USUAL, NOT_TESTED = "unusual", "usual", "not_tested"
GAP, NO_GAP = "gap", "no_gap"
CHANGES, NO_CHANGE = "changes", "no_change"
FEW_UNITS, TOO_FEW_FLAGGED, NOTHING_FLAGGED, NOTHING_LEFT = (
    "few_units", "too_few_flagged", "nothing_flagged", "nothing_left",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class QualityRow:
    """One measure of a unit's rows that came through one channel, or through `all`.

    `count` of `n` rows are flagged, `share` is the percent; of `top_answers` and `mean_score` the `share` is the mean
    over rows, from 0 to 100, and there is no count. `usual` is what would be usual: of all rows beside other units, of
    a channel's beside the unit's other rows, as other units have it. `score` is the distance from it in standard
    deviations of an honest unit of this size, `p_adjusted` that of Benjamini and Hochberg over all measures, units and
    channels, for a look and not for a verdict on anybody. None where it is hidden (`suppressed`) or not tested, with a
    `reason`.
    """

    round: str
    unit: str
    channel: str
    measure: str
    n: int | None
    count: int | None
    share: float | None
    usual: float | None
    score: float | None
    p_adjusted: float | None
    verdict: str
    suppressed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class GapRow:
    """The index of a unit through one channel less that through the control channel; `unit` "all" is the plain mean.

    `excess` is the difference less the mean of the other units' ones: the way of asking moves all units alike, a unit
    that bends its answers stands out. Both families are Holm-adjusted.
    """

    round: str
    unit: str
    channel: str
    control: str
    n: int | None
    n_control: int | None
    index: float | None
    index_control: float | None
    difference: float | None
    se: float | None
    low: float | None
    high: float | None
    df: float | None
    p_adjusted: float | None
    verdict: str
    excess: float | None
    excess_p_adjusted: float | None
    excess_verdict: str
    suppressed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class SensitivityRow:
    """The index of a unit with all rows and without those of a flag; `difference` is without less with.

    `formula` is the profile's; a standardised profile's index depends on other units, and the rescaled mean (0 to 100)
    stands for it.
    """

    round: str
    unit: str
    left_out: str
    formula: str
    n: int | None
    count: int | None
    index: float | None
    index_without: float | None
    difference: float | None
    se: float | None
    low: float | None
    high: float | None
    p_adjusted: float | None
    verdict: str
    suppressed: bool
    reason: str


def table_csv(rows: Sequence[Any], kind: type[Any]) -> bytes:
    """The rows of one of the tables as CSV, in the spelling of an edition's."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = [field.name for field in fields(kind)]
    writer.writerow(names)
    writer.writerows([cell_text(getattr(row, name)) for name in names] for row in rows)
    return stream.getvalue().encode()


def table_from_csv(source: bytes, kind: type[Kind], name: str) -> tuple[Kind, ...]:
    """The rows of `table_csv`; raises EditionError with the line and the column when the file is anything else."""
    rows: list[Kind] = rows_from_csv(source, cast(Any, kind), name)
    return tuple(rows)
