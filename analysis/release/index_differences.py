"""How a unit's index differs between two sets of its rows, with the error of the difference.

Both indices come from one sample and share rows, PSUs or both, so that their errors do not add up. Each row's influence
on the difference is what it adds to the one index less what it adds to the other; the variance of the difference is
that of the influences' total.

Source: Deville (1999), "Variance estimation for complex statistics and estimators"; R survey, svycontrast of svyby.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse

from analysis.estimation.design import SurveyDesign
from analysis.estimation.linear import LinearEstimates, estimate_linear
from analysis.estimation.totals import Column
from analysis.row_groups import group_rows

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

_INFLUENCE = "_influence_"


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Rows with scores, and how these make an index.

    `table` has the columns of the `design`; `scores` (n, K) are points, NaN where there is none; `weights` (n,);
    `unit_of_row` (n,) counts from 0, of `n_units`; `coefficients` (K,) sum to one.
    """

    table: pa.Table
    design: SurveyDesign
    scores: Floats
    weights: Floats
    unit_of_row: Integers
    n_units: int
    coefficients: Floats

    def indices(self, rows: Truths) -> tuple[Floats, Floats]:
        """The index of each unit from some rows (n,) alone, and the influence of each row on its unit's.

        The index (U,) is NaN where an item that counts has no answer among the unit's rows. The influence (n,) is by
        unit of weight, 0 for other rows.
        """
        index: Floats = np.zeros(self.n_units)
        influence: Floats = np.zeros(len(self.weights))
        for k in np.flatnonzero(self.coefficients):
            answered = np.flatnonzero(rows & ~np.isnan(self.scores[:, k]))
            unit, weight, score = self.unit_of_row[answered], self.weights[answered], self.scores[answered, k]
            total = np.bincount(unit, weight, self.n_units)
            with np.errstate(divide="ignore", invalid="ignore"):
                mean = np.bincount(unit, weight * score, self.n_units) / total
            index += self.coefficients[k] * mean
            influence[answered] += self.coefficients[k] * (score - mean[unit]) / total[unit]
        return index, influence


@dataclass(frozen=True, slots=True)
class Differences:
    """C differences for each of U units: `first` less `second` (C, U), NaN where one of them does not exist.

    `se` (C, U) is by the design; `df` (C, U) are PSUs less strata among the unit's rows of the set that has fewer.
    `excess` is a unit's difference less the mean of the other units', with `excess_se`; `mean` and `mean_se` (C,) are
    the plain mean of the units' differences. NaN where there are fewer than two.
    """

    first: Floats
    second: Floats
    se: Floats
    df: Floats
    df_design: float
    excess: Floats
    excess_se: Floats
    mean: Floats
    mean_se: Floats

    @property
    def values(self) -> Floats:
        """The differences (C, U)."""
        return self.first - self.second


def index_differences(scored: ScoredRows, pairs: Sequence[tuple[Truths, Truths]]) -> Differences:
    """The differences of the units' indices between the rows of each pair's first and second set (n,)."""
    first, second, influences = [], [], []
    for rows, others in pairs:
        index, influence = scored.indices(rows)
        index_of_others, influence_of_others = scored.indices(others)
        first.append(index)
        second.append(index_of_others)
        known = ~np.isnan(index - index_of_others)
        influences.append(np.where(known[scored.unit_of_row], influence - influence_of_others, 0.0))
    linear = _linear(scored, influences)
    n_pairs, n_units = len(pairs), scored.n_units
    place_of = {labels[0]: place for place, labels in enumerate(linear.domains)}
    places = np.array([place_of.get(str(unit), -1) for unit in range(n_units)])
    values = np.array(first) - np.array(second)
    se, excess, excess_se = (np.full((n_pairs, n_units), np.nan) for _ in range(3))
    mean, mean_se = np.full(n_pairs, np.nan), np.full(n_pairs, np.nan)
    for c in range(n_pairs):
        units = np.flatnonzero(~np.isnan(values[c]) & (places >= 0))
        m = len(units)
        if not m:
            continue
        of_units = sparse.csr_array(
            (np.ones(m), (np.arange(m), places[units] * n_pairs + c)), shape=(m, len(linear.domains) * n_pairs)
        )
        se[c, units] = _errors(linear, of_units)
        if m > 1:
            contrast = np.eye(m) - (1 - np.eye(m)) / (m - 1)
            excess[c, units] = contrast @ values[c, units]
            excess_se[c, units] = _errors(linear, sparse.csr_array(contrast) @ of_units)
            mean[c] = values[c, units].mean()
            mean_se[c] = _errors(linear, sparse.csr_array(np.full((1, m), 1 / m)) @ of_units)[0]
    df = _degrees_of_freedom(scored, pairs)
    return Differences(
        np.array(first), np.array(second), se, df, linear.df_design, excess, excess_se, mean, mean_se
    )  # fmt: skip


def _degrees_of_freedom(scored: ScoredRows, pairs: Sequence[tuple[Truths, Truths]]) -> Floats:
    """PSUs less strata of each unit's rows, in the set of each pair that has fewer: (C, U)."""
    design, n_units = scored.design, scored.n_units
    stratum = group_rows(scored.table, design.strata).group_of_row
    psu = np.arange(len(stratum))
    if design.clusters:
        keys = (*design.strata, design.clusters[0]) if design.nest else design.clusters[:1]
        psu = group_rows(scored.table, keys).group_of_row

    def of(rows: Truths) -> Floats:
        n_psus, n_strata = (_distinct(scored.unit_of_row[rows], labels[rows], n_units) for labels in (psu, stratum))
        return n_psus - n_strata

    return np.array([np.minimum(of(rows), of(others)) for rows, others in pairs])


def _distinct(unit: Integers, labels: Integers, n_units: int) -> Floats:
    """How many different labels each unit has (U,)."""
    n_labels = int(labels.max(initial=0)) + 1
    return np.bincount(np.unique(unit * n_labels + labels) // n_labels, minlength=n_units).astype(np.float64)


def _errors(linear: LinearEstimates, coefficients: sparse.csr_array) -> Floats:
    found: Floats = np.sqrt(np.maximum(linear.variances_of(coefficients), 0.0))
    return found


def _linear(scored: ScoredRows, influences: Sequence[Floats]) -> LinearEstimates:
    """The totals of the influences by unit."""
    table = scored.table.append_column("_unit", pa.array(scored.unit_of_row))
    for c, influence in enumerate(influences):
        table = table.append_column(f"{_INFLUENCE}{c}", pa.array(influence))
    columns = [Column(f"{_INFLUENCE}{c}", None, "total", 0) for c in range(len(influences))]
    connection = ibis.duckdb.connect()
    try:
        # One thread adds up in one order, so that an archive gives the same last digit every time.
        connection.raw_sql("SET threads = 1")
        connection.con.register("rows_of_round", table)
        return estimate_linear(connection.table("rows_of_round"), scored.design, columns, ["_unit"])
    finally:
        connection.disconnect()
