"""A table of any size becomes totals by stratum, PSU and domain, with a handful of grouped queries.

Every column of estimates is a ratio of two totals (a mean is the ratio to the number that answered) or a plain total.
The first query finds the totals of each domain. The second adds up each row's linearised value, z = w (y - r x) / X
for a ratio and z = w y for a total: by PSU where PSUs are clusters, and together with its products by stratum where
every row is its own PSU. What follows needs no row again.

Source: Särndal, Swensson and Wretman (1992), §5.5 (linearisation) and §5.8 (domains).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any, Literal

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.errors import DesignError
from analysis.estimation.design import SurveyDesign
from analysis.estimation.weighting import with_weights

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of estimates: what is added up, and what it is divided by.

    Attributes:
        numerator: the table's column y; NULL and NaN are missing.
        denominator: the table's column x of a ratio; None: 1 for each row that answered.
        kind: "ratio" (a mean is one too) or "total".
        variable: columns with the same number are missing in the same rows, as the levels of a factor are.
    """

    numerator: str
    denominator: str | None
    kind: Literal["ratio", "total"]
    variable: int


@dataclass(frozen=True, slots=True)
class DomainTotals:
    """What the first query finds, for D domains and K columns.

    Attributes:
        domains: the labels of the domains, sorted.
        n, sum_weights: rows and their weights (D,).
        n_answered, answered_weights: the same of the rows that answered (D, K).
        values: the estimates (D, K), NaN where nobody answered or the denominator is 0.
        denominators: X, by which z is divided (D, K); 1 for a total.
        centres: the weighted mean of y (D, K), about which the simple random sample's variance is taken.
    """

    domains: tuple[tuple[str, ...], ...]
    n: Integers
    sum_weights: Floats
    n_answered: Integers
    answered_weights: Floats
    values: Floats
    denominators: Floats
    centres: Floats


@dataclass(frozen=True, slots=True)
class GroupTotals:
    """What the second query finds, for G groups of rows: each of one stratum, one PSU (where clustered), one domain.

    Attributes:
        keys: the values of each key column of the design, dictionary codes in the order of the query (G,).
        labels: the stratum's name of each group.
        domain: the index of the group's domain (G,), -1 for rows in none.
        is_inside: whether the rows belong to the subset that is analysed (G,).
        n: rows (G,); n_answered: rows that answered each variable (G, V).
        z: totals of the linearised values (G, K), to which a row that did not answer adds 0.
        spread: Σ (z_k - z̄_k)(z_l - z̄_l) over the rows of each group (G, K, K); None where PSUs are clusters.
        fpc: the population column of each stage (G,).
    """

    keys: dict[str, Integers]
    labels: npt.NDArray[np.object_]
    domain: Integers
    is_inside: npt.NDArray[np.bool_]
    n: Integers
    n_answered: Integers
    z: Floats
    spread: Floats | None
    fpc: tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class Collapsed:
    """A table after its collapse: domain totals, group totals, and Σ w e_k e_l of each domain (D, K, K)."""

    domains: DomainTotals
    groups: GroupTotals
    squares: Floats


def in_database(table: pa.Table) -> Any:
    """An Arrow table as an Ibis table of a database in this process, whose sums repeat to the last digit.

    One thread adds up in the order of the rows; several would add up in the order in which they happen to finish.
    """
    connection = ibis.duckdb.connect()
    connection.raw_sql("SET threads = 1")
    connection.con.register("answers", table)
    return connection.table("answers")


def collapse(
    table: Any,
    design: SurveyDesign,
    columns: Sequence[Column],
    domain: Sequence[str] = (),
    inside: str | None = None,
    *,
    with_cross_squares: bool = True,
) -> Collapsed:
    """The totals of a table from which every linearised estimate follows.

    Arguments:
        table: an Ibis table with one row for each respondent.
        design: how the rows were sampled.
        columns: the estimates that are wanted, K of them.
        domain: columns whose combinations are the domains; a row with a NULL there belongs to none but stays in the
            design. Empty: one domain of all rows.
        inside: a boolean column; only rows where it is true belong to a domain. None: all do.
        with_cross_squares: whether Σ w e_k e_l is needed for k ≠ l, as for design effects of combinations.

    Raises DesignError where a key or weight of the design is missing or impossible.
    """
    rows = _canonical(with_weights(table, design), design, columns, domain, inside)
    totals = _domain_totals(rows, columns, len(domain))
    linearised = _linearised(rows, columns, totals)
    groups, squares = _group_totals(linearised, design, columns, totals, with_squares=not with_cross_squares)
    if with_cross_squares:
        divisors = totals.denominators
        return Collapsed(totals, groups, _squares(linearised, len(columns)) / _products(divisors))
    return Collapsed(totals, groups, _diagonals(squares, groups.domain, len(totals.domains)))


def _canonical(
    table: Any, design: SurveyDesign, columns: Sequence[Column], domain: Sequence[str], inside: str | None
) -> Any:
    """The table under short names of our own, so that no name of the file can collide with a name of the query."""
    is_inside = ibis.literal(True) if inside is None else table[inside].fill_null(False)
    chosen: dict[str, Any] = {name: table[column] for name, column in key_names(design).items()}
    chosen |= {f"f{s}": table[column].cast("float64") for s, column in enumerate(design.fpc)}
    chosen |= {"w": table["__weight"], "inside": is_inside}
    labels = [table[column].cast("string") for column in domain] or [ibis.literal("")]
    chosen |= {f"d{i}": ibis.ifelse(is_inside, label, ibis.null("string")) for i, label in enumerate(labels)}
    for k, column in enumerate(columns):
        y = _number(table[column.numerator])
        if column.denominator is not None:
            x = _number(table[column.denominator])
            chosen[f"x{k}"] = ibis.ifelse(y.isnull(), ibis.null("float64"), x)
            y = ibis.ifelse(x.isnull(), ibis.null("float64"), y)
        chosen[f"y{k}"] = y
    return table.select(**chosen)


def key_names(design: SurveyDesign) -> dict[str, str]:
    """The short name of each key of the design, and the column it stands for."""
    names = {f"h{i}": column for i, column in enumerate(design.strata)}
    names |= {f"c{s}": column for s, column in enumerate(design.clusters[: design.n_variance_stages])}
    return names | {f"l{s}": c for s, c in enumerate(design.later_strata[: design.n_variance_stages - 1])}


def _number(value: Any) -> Any:
    number = value.cast("float64")
    return ibis.ifelse(number.isnan(), ibis.null("float64"), number)


def _domain_totals(rows: Any, columns: Sequence[Column], n_domain_columns: int) -> DomainTotals:
    by = [name for name in rows.columns if name.startswith("d")]
    rows = rows.filter([rows[name].notnull() for name in by])
    sums: dict[str, Any] = {"n": rows.count(), "sw": rows.w.sum()}
    for k, column in enumerate(columns):
        y = rows[f"y{k}"]
        sums |= {f"n{k}": y.count(), f"w{k}": ibis.ifelse(y.isnull(), 0.0, rows.w).sum(), f"t{k}": (rows.w * y).sum()}
        if column.denominator is not None:
            sums[f"x{k}"] = (rows.w * rows[f"x{k}"]).sum()
    found = rows.group_by(by).agg(**sums).order_by(by).to_pyarrow()
    read = {name: floats(found[name]) for name in found.column_names if name not in by}
    labels = list(zip(*(found[name].to_pylist() for name in by), strict=True))
    each = range(len(columns))
    n_answered, weights = _stack(read, "n", each), _stack(read, "w", each)
    totals = np.where(n_answered > 0, np.nan_to_num(_stack(read, "t", each)), np.nan)
    is_total = np.array([column.kind == "total" for column in columns])
    divisors = weights.copy()
    for k, column in enumerate(columns):
        if column.denominator is not None:
            divisors[:, k] = np.nan_to_num(read[f"x{k}"])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(divisors != 0, totals / divisors, np.nan)
        centres = totals / weights
    return DomainTotals(
        domains=tuple(label if n_domain_columns else () for label in labels),
        n=read["n"].astype(np.int64),
        sum_weights=read["sw"],
        n_answered=n_answered.astype(np.int64),
        answered_weights=weights,
        values=np.where(is_total, totals, ratios),
        denominators=np.where(is_total, 1.0, divisors),
        centres=centres,
    )


def _stack(read: dict[str, Floats], prefix: str, each: range) -> Floats:
    return np.stack([read[f"{prefix}{k}"] for k in each], axis=1)


def _linearised(rows: Any, columns: Sequence[Column], totals: DomainTotals) -> Any:
    """The rows with their linearised values z, the residuals e of a simple random sample, and their domain's index.

    Both are still to be divided by the domain's denominator, which costs less once they are added up.
    """
    by = [name for name in rows.columns if name.startswith("d")]
    # A domain whose estimate does not exist has no linearised value: NULL, so that it adds nothing.
    known: dict[str, pa.Array] = {"domain": pa.array(range(len(totals.domains)), pa.int64())}
    for i, _ in enumerate(by):
        known[f"k{i}"] = pa.array([(label or ("",))[i] for label in totals.domains], pa.string())
    for k, column in enumerate(columns):
        known[f"r{k}"] = _nullable(totals.values[:, k])
        if column.kind == "total":
            known[f"m{k}"] = _nullable(totals.centres[:, k])
    joined = rows.left_join(ibis.memtable(pa.table(known)), [(name, f"k{i}") for i, name in enumerate(by)])
    z: dict[str, Any] = {}
    for k, column in enumerate(columns):
        y = joined[f"y{k}"]
        if column.kind == "total":
            z |= {f"z{k}": joined.w * y, f"e{k}": y - joined[f"m{k}"]}
        else:
            fitted = joined[f"r{k}"] if column.denominator is None else joined[f"r{k}"] * joined[f"x{k}"]
            z |= {f"z{k}": joined.w * (y - fitted), f"e{k}": y - fitted}
    return joined.mutate(**z)


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))


def _group_totals(
    rows: Any, design: SurveyDesign, columns: Sequence[Column], totals: DomainTotals, *, with_squares: bool
) -> tuple[GroupTotals, Floats]:
    """The totals of each group and, where they are wanted, Σ w e_k² of each (G, K)."""
    keys = list(key_names(design))
    by = [*keys, "inside", "domain"]
    each = range(len(columns))
    first_of_variable = {column.variable: k for k, column in reversed(list(enumerate(columns)))}
    sums: dict[str, Any] = {"n": rows.count()}
    sums |= {f"n{v}": rows[f"e{k}"].count() for v, k in sorted(first_of_variable.items())}
    sums |= {f"z{k}": rows[f"z{k}"].sum() for k in each}
    sums |= {f"q{k}": (rows.w * rows[f"e{k}"] * rows[f"e{k}"]).sum() for k in each if with_squares}
    stages = range(len(design.fpc))
    sums |= {f"lowest{s}": rows[f"f{s}"].min() for s in stages} | {f"highest{s}": rows[f"f{s}"].max() for s in stages}
    pairs = [] if design.clusters else list(combinations_with_replacement(each, 2))
    # The database's running covariance keeps digits that a plain sum of products would lose where values of a stratum
    # are alike.
    z = {k: rows[f"z{k}"].fill_null(0.0) for k in each if pairs}
    sums |= {f"p{k}_{j}": z[k].cov(z[j], how="pop") * rows.count() for k, j in pairs}
    found = rows.group_by(by).agg(**sums).order_by(by).to_pyarrow()
    for name, column in key_names(design).items():
        if found[name].null_count:
            raise DesignError(f"column {column}: found rows without a value, expected one in every row of the design")
    fpc = []
    for s, column in enumerate(design.fpc):
        lowest, highest = floats(found[f"lowest{s}"]), floats(found[f"highest{s}"])
        if np.any(lowest != highest):
            raise DesignError(f"column {column}: found several values within one stratum, expected one")
        fpc.append(lowest)
    n_answered = [found[f"n{v}"].to_numpy() for v in sorted(first_of_variable)]
    domain = found["domain"].fill_null(-1).to_numpy().astype(np.int64)
    # Rows of no domain have added nothing, so that any divisor but 0 does for them.
    divisors = np.vstack([totals.denominators, np.ones(len(columns))])[domain]
    divisors = np.where(divisors != 0, divisors, 1.0)
    groups = GroupTotals(
        keys={name: _codes(found[name]) for name in keys},
        labels=_labels([found[name].cast(pa.string()) for name in keys if name.startswith("h")], found.num_rows),
        domain=domain,
        is_inside=found["inside"].to_numpy().astype(np.bool_),
        n=found["n"].to_numpy().astype(np.int64),
        n_answered=np.stack(n_answered, axis=1).astype(np.int64),
        z=_sums(found, "z", each) / divisors,
        spread=None if design.clusters else _symmetric(found, "p", len(columns)) / _products(divisors),
        fpc=tuple(fpc),
    )
    return groups, _sums(found, "q", each) / divisors**2 if with_squares else np.zeros(0)


def _sums(found: pa.Table, prefix: str, each: range) -> Floats:
    """Sums as columns, 0 where nothing was added up."""
    return np.stack([np.nan_to_num(floats(found[f"{prefix}{k}"])) for k in each], axis=1)


def _products(divisors: Floats) -> Floats:
    """The product of each two divisors (…, K, K) of those of the columns (…, K); 1 for one that is 0."""
    safe = np.where(divisors != 0, divisors, 1.0)
    product: Floats = safe[:, :, None] * safe[:, None, :]
    return product


def _labels(strata: list[pa.ChunkedArray], size: int) -> npt.NDArray[np.object_]:
    """The names of the columns' labels, joined; there are few of them and many groups."""
    if not strata:
        return np.full(size, "", dtype=object)
    encoded = pc.binary_join_element_wise(*strata, "/").combine_chunks().dictionary_encode()
    words = np.array(encoded.dictionary.to_pylist(), dtype=object)
    labels: npt.NDArray[np.object_] = words[encoded.indices.to_numpy()]
    return labels


def _diagonals(squares: Floats, domain: Integers, n_domains: int) -> Floats:
    """Σ w e_k² of each domain on the diagonals of (D, K, K), added up over its groups."""
    size = squares.shape[1]
    found = np.zeros((n_domains, size, size))
    is_in = domain >= 0
    for k in range(size):
        found[:, k, k] = np.bincount(domain[is_in], weights=squares[is_in, k], minlength=n_domains)
    return found


def _squares(rows: Any, size: int) -> Floats:
    """Σ w e_k e_l of each domain over the rows that answered both (D, K, K)."""
    rows = rows.filter(rows.domain.notnull())
    pairs = combinations_with_replacement(range(size), 2)
    sums = {f"q{k}_{j}": (rows.w * rows[f"e{k}"] * rows[f"e{j}"]).sum() for k, j in pairs}
    found = rows.group_by("domain").agg(**sums).order_by("domain").to_pyarrow()
    return _symmetric(found, "q", size)


def _symmetric(found: pa.Table, prefix: str, size: int) -> Floats:
    filled = np.zeros((found.num_rows, size, size))
    for k, j in combinations_with_replacement(range(size), 2):
        filled[:, k, j] = filled[:, j, k] = np.nan_to_num(floats(found[f"{prefix}{k}_{j}"]))
    return filled


def _codes(column: pa.ChunkedArray) -> Integers:
    encoded = column.combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def floats(column: pa.ChunkedArray) -> Floats:
    """A numeric Arrow column as float64, NULL as NaN."""
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
