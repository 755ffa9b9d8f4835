"""The rows of an edition's tables, and their one spelling as CSV, Parquet and JSON."""

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.errors import EditionError

# The rows that are not a unit's: a bloc's, and the one for everybody.
BLOC_PREFIX = "bloc:"
ALL = "all"
ROOT = "index"
# The method of a figure that no survey stands behind: it has no sampling error.
HARD = "hard"

# Why there is no number. The first five hide one; for the others there is none.
TOO_FEW_RESPONDENTS = "too_few_respondents"
TOO_FEW_ANSWERS = "too_few_answers"
DOMINANCE = "dominance"
ANSWERS_ALIKE = "answers_alike"
COMPLEMENTARY = "complementary"
NO_ANSWERS = "no_answers"
ONE_CLUSTER = "one_cluster"
NO_POPULATION = "no_population"
NO_HARD_DATA = "no_hard_data"
ONE_UNIT = "one_unit"
SAME_EXTREMES = "same_extremes"
NO_UNITS = "no_units"
# Why a difference is not tested: no other unit of the bloc is shown, or the unit's answers show no spread.
ALONE = "alone"
NO_SPREAD = "no_spread"
# Why a formula gives no index: no threshold suits the scales of all items, or a scale has no maximum above 0.
NO_THRESHOLD = "no_threshold"
NO_MAXIMUM = "no_maximum"


@dataclass(frozen=True, slots=True)
class EstimateRow:
    """One node of one unit, of a bloc (`bloc:CODE`) or of all, on the scale of its profile; None with a reason where
    there is none.

    Points from 0 to 100; under a standardised profile factors and criteria lie between 1 and 10 and the index between
    a tenth of its points and all of them. The nodes of a module have its name and a point before their codes. `n` is
    the respondents for an index and a factor, the answers for a criterion; it is None where it is hidden and for hard
    data. `weight` is the node's share in its parent, 1 for the root. `suppressed` rows had a number that is not shown.
    """

    round: str
    unit: str
    node: str
    label: str
    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    method: str
    df: float | None
    n: int | None
    n_effective: float | None
    deff: float | None
    suppressed: bool
    reason: str
    caution: bool
    weight: float | None


@dataclass(frozen=True, slots=True)
class RankRow:
    """A unit's place among the units of its bloc that have a published index.

    `rank` is by the rounded index, equal values share it. With confidence `level` the true ranks of all units of the
    bloc lie in their `rank_low`..`rank_high` at once; the unit's own, looked at alone, lies in `own_low`..`own_high`.
    `critical` and `own_critical` are the normal deviates that a difference between two units has to exceed for the one
    and for the other. `tier` compares the unit with the mean of the bloc's other units: above, not_different, below.
    Editions of former formats know no unit's own set and no critical values.
    """

    round: str
    bloc: str
    unit: str
    rank: int
    rank_low: int
    rank_high: int
    tier: str
    level: float
    method: str
    own_low: int | None = None
    own_high: int | None = None
    critical: float | None = None
    own_critical: float | None = None


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """A unit minus the mean of the other units of its bloc at a node, or the reason why there is no such number.

    `low`..`high` bound all differences of a family at once with confidence `level`; `p_adjusted` is Holm's in the same
    family: the index of all units of the bloc, the factors of one unit, or the criteria of one unit. `verdict` is
    higher, lower, not_different or not_tested.
    """

    round: str
    bloc: str
    unit: str
    node: str
    difference: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    df: float | None
    p: float | None
    p_adjusted: float | None
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class FormulaRow:
    """The index of a unit, a bloc or all by another formula than the edition's, on the same answers.

    `formula` is share (of the answers from `threshold` on), mean_of_maximum or rescaled; the points lie between 0 and
    100. A row is hidden exactly where the index itself is.
    """

    round: str
    unit: str
    formula: str
    threshold: float | None
    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    method: str
    df: float | None
    suppressed: bool
    reason: str
    caution: bool


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """What a unit, a bloc or all has more in the later of two rounds than in the earlier, at a node.

    `predecessors` are the units of the earlier round that it is held against, joined by +. `p_adjusted` is Holm's over
    the units at this node. `fixed_mode_…` is the change with the answers of both rounds weighted to one mix of
    channels. A number that cannot be told is None, with a reason.
    """

    earlier: str
    later: str
    unit: str
    predecessors: str
    node: str
    earlier_estimate: float | None
    later_estimate: float | None
    change: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    df: float | None
    p: float | None
    p_adjusted: float | None
    verdict: str
    method: str
    reason: str
    fixed_mode_change: float | None
    fixed_mode_se: float | None
    fixed_mode_low: float | None
    fixed_mode_high: float | None
    fixed_mode_reason: str


@dataclass(frozen=True, slots=True)
class PooledRow:
    """The mean of two rounds for a unit at a node, each round counting alike, or the reason why there is none."""

    earlier: str
    later: str
    unit: str
    predecessors: str
    node: str
    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    df: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class DistributionRow:
    """The weighted share, between 0 and 1, of an option among the `n` answers to an item of the index; None where
    suppressed.
    """

    round: str
    unit: str
    item: str
    option: str
    share: float | None
    n: int | None
    suppressed: bool


@dataclass(frozen=True, slots=True)
class PublicAccountingRow:
    """What is published of a unit's counts, or of the round's (`unit` "all"), all channels together.

    eligible ≥ issued ≥ spent = sealed + rejected. None where a count is not known, or so small that it is not shown, or
    where it would give such a one back.
    """

    unit: str
    channel: str
    eligible: int | None
    issued: int | None
    spent: int | None
    sealed: int | None
    rejected: int | None


@dataclass(frozen=True, slots=True)
class OpenLinkRow:
    """What those who answered over an open link said of a unit (or of "all" units that are shown) at a node.

    `mean` is unweighted, on the scale of the node, None with a `reason`; `n` are the respondents (ratings, where a
    ballot has several), None where they are too few to be told. It is no estimate of the unit's index: `method` says so
    in every row.
    """

    round: str
    unit: str
    node: str
    label: str
    mean: float | None
    n: int | None
    method: str
    suppressed: bool
    reason: str


Row = TypeVar(
    "Row",
    EstimateRow,
    RankRow,
    DifferenceRow,
    FormulaRow,
    ChangeRow,
    PooledRow,
    DistributionRow,
    PublicAccountingRow,
    OpenLinkRow,
)

# The columns that a table had in editions of a former format; what it lacks is None.
_FORMER_COLUMNS: dict[type[Any], tuple[str, ...]] = {
    RankRow: ("round", "bloc", "unit", "rank", "rank_low", "rank_high", "tier", "level", "method")
}


def column_names(kind: type[Any]) -> tuple[str, ...]:
    """The columns of a table of such rows, in order."""
    return tuple(field.name for field in fields(kind))


def rows_to_csv(rows: Sequence[Row], kind: type[Row]) -> bytes:
    """The rows as CSV: UTF-8, comma, line feed; a number is the shortest text that reads back as the same number."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = column_names(kind)
    writer.writerow(names)
    writer.writerows([cell_text(getattr(row, name)) for name in names] for row in rows)
    return stream.getvalue().encode()


def cell_text(value: object) -> str:
    """A cell's one spelling: "" for None, true and false, 17 significant digits at most, a decimal point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    return str(value)


def rows_from_csv(source: bytes, kind: type[Row], name: str) -> list[Row]:
    """The rows of a table in exactly the spelling of `rows_to_csv`, with the columns of today or of a former format.

    Raises EditionError with the line and the column when the file is anything else.
    """
    names = column_names(kind)
    try:
        lines = list(csv.reader(io.StringIO(source.decode()), strict=True))
    except (UnicodeDecodeError, csv.Error) as complaint:
        raise EditionError(f"{name}: found no CSV in UTF-8 ({complaint}), expected a table of an edition") from None
    if lines and tuple(lines[0]) == _FORMER_COLUMNS.get(kind):
        names = _FORMER_COLUMNS[kind]
    if not lines or tuple(lines[0]) != names:
        raise EditionError(f"{name}, line 1: found other columns, expected {','.join(names)}")
    types = get_type_hints(kind)
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(names):
            raise EditionError(f"{name}, line {number}: found {len(line)} cells, expected {len(names)}")
        values: dict[str, Any] = {
            column: _parse_cell(text, types[column], f"{name}, line {number}, column {column}")
            for column, text in zip(names, line, strict=True)
        }
        rows.append(kind(**values))
    return rows


def rows_to_json(rows: Sequence[Row], kind: type[Row]) -> bytes:
    """The rows as JSON: an object with `rows`, one line a row."""
    names = column_names(kind)
    lines = (
        json.dumps({name: getattr(row, name) for name in names}, ensure_ascii=False, allow_nan=False) for row in rows
    )
    return ('{"rows": [\n' + ",\n".join(lines) + "\n]}\n").encode()


def rows_from_json(source: bytes, kind: type[Row], name: str) -> list[Row]:
    """The rows of `rows_to_json`; raises EditionError when a row lacks a column or has another."""
    names = column_names(kind)
    types = get_type_hints(kind)
    try:
        stored = json.loads(source)["rows"]
        rows = []
        for number, row in enumerate(stored, start=1):
            if set(row) != set(names):
                raise EditionError(f"{name}, row {number}: found other columns, expected {','.join(names)}")
            values: dict[str, Any] = {
                column: _parse_cell(cell_text(row[column]), types[column], f"{name}, row {number}, column {column}")
                for column in names
            }
            rows.append(kind(**values))
    except (ValueError, KeyError, TypeError, RecursionError) as complaint:
        raise EditionError(f"{name}: found no JSON with rows ({complaint}), expected a table of an edition") from None
    return rows


def rows_to_parquet(rows: Sequence[Row], kind: type[Row]) -> bytes:
    """The rows as Parquet, with the types of the columns."""
    schema = _arrow_schema(kind)
    table = pa.table(
        [pa.array([getattr(row, field.name) for row in rows], field.type) for field in schema], schema=schema
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def rows_from_parquet(source: bytes, kind: type[Row], name: str) -> list[Row]:
    """The rows of `rows_to_parquet`; raises EditionError when the columns are others."""
    try:
        table = pq.read_table(pa.BufferReader(source))
    except (pa.ArrowException, OSError, ValueError) as complaint:
        raise EditionError(f"{name}: found no Parquet ({complaint!s:.120}), expected a table of an edition") from None
    if not table.schema.equals(_arrow_schema(kind)):
        raise EditionError(f"{name}: found other columns, expected {','.join(column_names(kind))}")
    return [kind(**row) for row in table.to_pylist()]


def _arrow_schema(kind: type[Any]) -> pa.Schema:
    arrow_types = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    return pa.schema([pa.field(name, arrow_types[_plain_type(hint)]) for name, hint in get_type_hints(kind).items()])


def _plain_type(hint: Any) -> type[Any]:
    options = [part for part in getattr(hint, "__args__", (hint,)) if part is not type(None)]
    plain: type[Any] = options[0]
    return plain


def _parse_cell(text: str, hint: Any, place: str) -> object:
    plain = _plain_type(hint)
    if plain is str:
        return text
    if text == "":
        if plain is hint:
            raise EditionError(f"{place}: found nothing, expected a value")
        return None
    if plain is bool:
        if text not in {"true", "false"}:
            raise EditionError(f"{place}: found {text!r}, expected true or false")
        return text == "true"
    try:
        value = plain(text)
    except ValueError:
        value = math.nan
    # Only the one spelling is accepted, so that no digit of a file can be changed without a row that differs.
    if not math.isfinite(value) or cell_text(value) != text:
        raise EditionError(f"{place}: found {text!r}, expected a number in its shortest spelling")
    return value
