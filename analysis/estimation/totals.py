"""A table of any size becomes totals by stratum, PSU and domain, from one grouped query of an Ibis table.

Every column of estimates is a ratio of two totals (a mean is the ratio to the number that answered) or a plain total.
The sums of each group of rows give the totals of the domains, and with them the groups' totals of the linearised
values, z = w (y - r x) / X for a ratio and z = w y for a total. Only two things are asked of the rows again: their
products where every row is its own PSU, and residuals where the sums have too few digits left, as of answers that are
all alike or lie far from 0.

Source: Särndal, Swensson and Wretman (1992), §5.5 (linearisation) and §5.8 (domains).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analysis.estimation.codes import sorting_of
from analysis.estimation.design import SurveyDesign
from analysis.estimation.scanning import (
    Column,
    Scanned,
    add_up,
    first_of_variable,
    floats,
    group_keys,
    key_names,
    order_of,
    scan,
    sums_of,
)

__all__ = [
    "Collapsed",
    "Column",
    "DomainTotals",
    "Floats",
    "GroupTotals",
    "Integers",
    "collapse",
    "floats",
    "in_database",
    "key_names",
    "on_one_thread",
]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Σ w e² found from Σ w y² and so on loses as many digits as it is smaller than they are; five of sixteen may go.
_LEAST_SHARE = 1e-5
# A residual loses half as many, so that sums of residuals hold out longer; below the second share nothing but rounding
# is left of answers that are all alike.
_LEAST_SHARE_OF_RESIDUALS, _ALIKE = 1e-10, 1e-26


@dataclass(frozen=True, slots=True)
class DomainTotals:
    """The totals of D domains and K columns.

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
    """The totals of G groups of rows: each of one stratum, one PSU (where clustered), one domain.

    Attributes:
        keys: the values of each key column of the design, codes in the order of the values (G,).
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
    connection = on_one_thread(ibis.duckdb.connect())
    connection.con.register("answers", table)
    return connection.table("answers")


def on_one_thread(connection: Any) -> Any:
    """A connection of Ibis to DuckDB that adds up on one thread, and says nothing on standard output meanwhile."""
    connection.raw_sql("SET threads = 1")
    # In a notebook without widgets there is none, and there the database refuses even to switch it off.
    if connection.raw_sql("SELECT current_setting('enable_progress_bar')").fetchall()[0][0]:
        connection.raw_sql("SET enable_progress_bar = false")
    return connection


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

    One query, and others over the rows of those domains alone whose sums have lost too many digits; with
    `with_cross_squares` and where every row is its own PSU, a second over all rows.
    Raises DesignError where a key or weight of the design is missing or impossible.
    """
    rows, scanned = scan(table, design, columns, domain, inside)
    totals = _domain_totals(scanned, columns)
    if with_cross_squares:
        squares = _cross_squares(_centred(rows, columns, totals), len(columns), len(totals.domains))
        least, _ = _squares(scanned, columns, totals)
        own = np.einsum("dkk->dk", squares)
    else:
        least, own = _squares(scanned, columns, totals)
        own = _with_doubtful_anew(rows, columns, totals, least, own)
        squares = own[:, :, None] * np.eye(len(columns))
    z, spread = _linearised(scanned, columns, totals), None
    is_poor = (own < _LEAST_SHARE_OF_RESIDUALS * least) & (own > _ALIKE * least) & ~_are_totals(columns)
    if not design.clusters or is_poor.any():
        z, spread = _residual_sums(rows, columns, totals, scanned, with_products=not design.clusters)
    # A group adds nothing to an estimate that does not exist, and one in no domain nothing at all.
    shares = np.where(np.isfinite(totals.values) & (totals.denominators != 0), 1 / _nonzero(totals.denominators), 0.0)
    shares = np.vstack([shares, np.zeros(len(columns))])
    for k, share in enumerate(shares.T):
        z[:, k] *= share[scanned.domain]
    groups = GroupTotals(
        keys=scanned.keys,
        labels=scanned.labels,
        domain=scanned.domain,
        is_inside=scanned.is_inside,
        n=scanned.n,
        n_answered=scanned.n_answered,
        z=z,
        spread=None if spread is None else spread * _products(shares[scanned.domain]),
        fpc=scanned.fpc,
    )
    return Collapsed(totals, groups, squares / _products(_nonzero(totals.denominators)))


def _are_totals(columns: Sequence[Column]) -> npt.NDArray[np.bool_]:
    return np.array([column.kind == "total" for column in columns])


def _domain_totals(scanned: Scanned, columns: Sequence[Column]) -> DomainTotals:
    place = {variable: v for v, variable in enumerate(first_of_variable(columns))}
    variables = [place[column.variable] for column in columns]
    n_answered = np.stack([_by_domain(scanned, n) for n in scanned.n_answered.T], axis=1)[:, variables]
    weights = np.stack([_by_domain(scanned, w) for w in scanned.answered_weights], axis=1)[:, variables]
    y = _moment(scanned, "y")
    totals = np.where(n_answered > 0, y, np.nan)
    divisors = weights.copy()
    for k, column in enumerate(columns):
        if column.denominator is not None:
            divisors[:, k] = _by_domain(scanned, scanned.moments[k]["x"])
    is_total = _are_totals(columns)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(divisors != 0, totals / divisors, np.nan)
        centres = totals / weights
    return DomainTotals(
        domains=scanned.domains,
        n=_by_domain(scanned, scanned.n).astype(np.int64),
        sum_weights=_by_domain(scanned, scanned.sum_weights),
        n_answered=n_answered.astype(np.int64),
        answered_weights=weights,
        values=np.where(is_total, totals, ratios),
        denominators=np.where(is_total, 1.0, divisors),
        centres=centres,
    )


def _by_domain(scanned: Scanned, sums: npt.NDArray[Any]) -> Floats:
    """Sums of groups (G,) added up over each domain (D,)."""
    size = len(scanned.domains)
    found = np.bincount(scanned.domain + 1, weights=sums, minlength=size + 1)
    return np.asarray(found[1:], dtype=np.float64)


def _moment(scanned: Scanned, name: str) -> Floats:
    """A moment of each column, added up over each domain (D, K)."""
    return np.stack([_by_domain(scanned, moments[name]) for moments in scanned.moments], axis=1)


def _squares(scanned: Scanned, columns: Sequence[Column], totals: DomainTotals) -> tuple[Floats, Floats]:
    """What Σ w e² of each domain and column is the rest of, and Σ w e² itself from the sums (D, K)."""
    whole, rest = _moment(scanned, "yy"), np.zeros(totals.values.shape)
    y = _moment(scanned, "y")
    for k, column in enumerate(columns):
        if column.denominator is None or column.kind == "total":
            rest[:, k] = whole[:, k] - np.nan_to_num(totals.centres[:, k]) * y[:, k]
        else:
            r = np.nan_to_num(totals.values[:, k])
            xy, xx = (_by_domain(scanned, scanned.moments[k][name]) for name in ("xy", "xx"))
            rest[:, k] = whole[:, k] - 2 * r * xy + r * r * xx
            whole[:, k] = whole[:, k] + r * r * xx
    return whole, np.maximum(rest, 0.0)


def _with_doubtful_anew(
    rows: Any, columns: Sequence[Column], totals: DomainTotals, whole: Floats, squares: Floats
) -> Floats:
    """Σ w e² (D, K), from the residuals themselves in the domains where too little is left of the sums."""
    doubtful = np.flatnonzero((squares < _LEAST_SHARE * whole).any(axis=1))
    if not len(doubtful):
        return squares
    residuals = _centred(rows, columns, totals)
    residuals = residuals.filter(residuals.domain.isin([int(d) for d in doubtful]))
    sums = {f"q{k}": (residuals.w * residuals[f"e{k}"] * residuals[f"e{k}"]).sum() for k in range(len(columns))}
    found = add_up(residuals, ["domain"], sums)
    anew = squares.copy()
    anew[found["domain"].to_numpy()] = np.stack([sums_of(found, name) for name in sums], axis=1)
    return anew


def _linearised(scanned: Scanned, columns: Sequence[Column], totals: DomainTotals) -> Floats:
    """The totals of the linearised values (G, K), still to be divided by the domain's denominator."""
    values = np.vstack([np.nan_to_num(totals.values), np.zeros(len(columns))])
    place = {variable: v for v, variable in enumerate(first_of_variable(columns))}
    found = np.empty((len(scanned.n), len(columns)), order="F")
    for k, column in enumerate(columns):
        if column.kind == "total":
            found[:, k] = scanned.moments[k]["y"]
            continue
        below = scanned.moments[k]["x"] if column.denominator else scanned.answered_weights[place[column.variable]]
        found[:, k] = scanned.moments[k]["y"] - values[:, k][scanned.domain] * below
    return found


def _centred(rows: Any, columns: Sequence[Column], totals: DomainTotals) -> Any:
    """The rows with the residual e of each column (NULL where unanswered), the rest z of a linearised value that is
    still to be divided, and the index of their domain.
    """
    by = [name for name in group_keys(rows.columns) if name.startswith("d")]
    is_inside = rows.inside if "inside" in rows.columns else ibis.literal(True)
    labels = {name: rows[name].cast("string") for name in by} or {"d0": ibis.ifelse(is_inside, "", ibis.null("string"))}
    known = {f"k{i}": pa.array([(d or ("",))[i] for d in totals.domains], pa.string()) for i in range(len(labels))}
    known["domain"] = pa.array(range(len(totals.domains)), pa.int64())
    about = np.where(_are_totals(columns), totals.centres, totals.values)
    # No domain without an estimate has residuals that anyone reads, so that a number does for what is not there.
    known |= {f"r{k}": pa.array(np.where(np.isfinite(column), column, 0.0)) for k, column in enumerate(about.T)}
    rows = rows.mutate(**{f"label{i}": label for i, label in enumerate(labels.values())})
    joined = rows.left_join(ibis.memtable(pa.table(known)), [(f"label{i}", f"k{i}") for i in range(len(labels))])
    residuals: dict[str, Any] = {}
    for k, column in enumerate(columns):
        fitted = joined[f"r{k}"]
        if column.kind == "ratio" and column.denominator is not None:
            fitted = fitted * joined[f"x{k}"]
        residuals[f"e{k}"] = joined[f"y{k}"] - fitted
    found = joined.mutate(**residuals)
    kinds = enumerate(column.kind for column in columns)
    return found.mutate(**{f"z{k}": found.w * found[f"y{k}" if kind == "total" else f"e{k}"] for k, kind in kinds})


def _residual_sums(
    rows: Any, columns: Sequence[Column], totals: DomainTotals, scanned: Scanned, *, with_products: bool
) -> tuple[Floats, Floats | None]:
    """The totals of the linearised values (G, K) from each row's residual, and their products about the group's means
    (G, K, K) where they are wanted; both still to be divided, the groups in the order of the scan.
    """
    each, residuals = range(len(columns)), _centred(rows, columns, totals)
    sums: dict[str, Any] = {f"z{k}": residuals[f"z{k}"].sum() for k in each}
    if with_products:
        # The database's running covariance keeps digits that a plain sum of products would lose where values of a
        # stratum are alike.
        z = [residuals[f"z{k}"].fill_null(0.0) for k in each]
        pairs = combinations_with_replacement(each, 2)
        sums |= {f"p{k}_{j}": z[k].cov(z[j], how="pop") * residuals.count() for k, j in pairs}
    keys = group_keys(rows.columns)
    found = add_up(residuals, keys, sums)
    back = np.empty(len(scanned.n), dtype=np.int64)
    back[sorting_of(list(scanned.codes), len(back))] = order_of(found)
    z_sums = np.stack([sums_of(found, f"z{k}") for k in each], axis=1)[back]
    return z_sums, _symmetric(found, "p", len(columns))[back] if with_products else None


def _cross_squares(residuals: Any, size: int, n_domains: int) -> Floats:
    """Σ w e_k e_l of each domain over the rows that answered both (D, K, K)."""
    residuals = residuals.filter(residuals.domain.notnull())
    pairs = combinations_with_replacement(range(size), 2)
    sums = {f"q{k}_{j}": (residuals.w * residuals[f"e{k}"] * residuals[f"e{j}"]).sum() for k, j in pairs}
    found = add_up(residuals, ["domain"], sums)
    squares = np.zeros((n_domains, size, size))
    squares[found["domain"].to_numpy()] = _symmetric(found, "q", size)
    return squares


def _symmetric(found: pa.Table, prefix: str, size: int) -> Floats:
    filled = np.zeros((found.num_rows, size, size))
    for k, j in combinations_with_replacement(range(size), 2):
        filled[:, k, j] = filled[:, j, k] = sums_of(found, f"{prefix}{k}_{j}")
    return filled


def _nonzero(divisors: Floats) -> Floats:
    return np.where(divisors != 0, divisors, 1.0)


def _products(factors: Floats) -> Floats:
    """The product of each two factors (…, K, K) of those of the columns (…, K)."""
    product: Floats = factors[:, :, None] * factors[:, None, :]
    return product
