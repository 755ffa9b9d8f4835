"""Domains of a sample one after the other, each at the cost of its own rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from analysis.estimation.replicates import replicate_covariance, replicate_df
from analysis.estimation.samples import Sample
from analysis.estimation.stages import degrees_of_freedom
from analysis.estimation.tables import Sheet
from analysis.estimation.totals import Floats, Integers
from analysis.estimation.variance import variance_of_units

# Rows (m,) and what they answered (m, P), as numbers or truths.
Part: TypeAlias = tuple[Integers, npt.NDArray[Any]]
# So many residual totals of calibrated samples are held at a time.
_MOST_TOTALS = 20_000_000


@dataclass(frozen=True, slots=True)
class Domains:
    """D domains that share no row.

    Attributes:
        labels: of each domain, one a column that makes it; () where the domain is everybody.
        code: the index of each row's domain (n,), -1 for none.
    """

    labels: tuple[tuple[str, ...], ...]
    code: Integers

    def rows(self) -> list[Integers]:
        """The rows of each domain, in their order."""
        order = np.argsort(self.code, kind="stable").astype(np.int64)
        bounds = np.searchsorted(self.code[order], np.arange(len(self.labels) + 1))
        return [order[first:last] for first, last in pairwise(bounds)]


def everybody(sample: Sample) -> Domains:
    """The one domain of all analysed rows."""
    return Domains(((),), np.where(sample.inside, 0, -1).astype(np.int64))


def domains_of(sheet: Sheet, by: Sequence[str], sample: Sample) -> Domains:
    """The domains that the combinations of some columns make of the analysed rows, sorted by their labels.

    Arguments:
        sheet: the table, with the columns.
        by: their names; none: everybody.
        sample: the sample of the table. A row that lacks a label belongs to no domain but stays in the design.
    """
    if not by:
        return everybody(sample)
    is_in = sample.inside
    code = np.zeros(sample.n_rows, dtype=np.int64)
    levels: list[list[str]] = []
    for name in by:
        codes, known = coded(sheet, name)
        is_in = is_in & (codes >= 0)
        code = code * max(1, len(known)) + np.maximum(codes, 0)
        levels.append(known)
    found, dense = np.unique(code[is_in], return_inverse=True)
    places = np.unravel_index(found, [max(1, len(known)) for known in levels])
    names = [tuple(known[i] for known, i in zip(levels, at, strict=True)) for at in zip(*places, strict=True)]
    full = np.full(sample.n_rows, -1, dtype=np.int64)
    full[is_in] = dense
    return Domains(tuple(names), full)


def coded(sheet: Sheet, name: str) -> tuple[Integers, list[str]]:
    """The place of each row's label among those of a column (n,), -1 where missing, and the labels in order."""
    encoded = sheet.labels(name).combine_chunks().dictionary_encode()
    order = pc.array_sort_indices(encoded.dictionary).to_numpy().astype(np.int64)
    rank = np.empty(len(order) + 1, dtype=np.int64)
    rank[order], rank[-1] = np.arange(len(order)), -1
    places = pc.fill_null(encoded.indices, len(order)).to_numpy(zero_copy_only=False)
    return rank[places], encoded.dictionary.take(pa.array(order)).to_pylist()


def df_of(sample: Sample, rows: Integers) -> float:
    """Degrees of freedom of some rows: PSUs minus strata, or the rank of the replicates less 1.

    Source: R survey, degf of a subset.
    """
    if sample.replicates is not None:
        return sample.df if len(rows) == sample.n_rows else replicate_df(sample.replicates.weights[rows])
    chosen = rows[sample.weights[rows] != 0]
    return degrees_of_freedom(sample.stages[0], chosen, np.ones(sample.n_rows, dtype=np.int64))


def n_design_rows(sample: Sample, rows: Integers) -> int:
    """The rows of a domain's design as R counts them: of a calibrated sample without replicates it keeps all."""
    return int(sample.rows.sum()) if sample.calibration and sample.replicates is None else len(rows)


def means_of_parts(sample: Sample, parts: Iterable[Part]) -> list[tuple[Floats, Floats]]:
    """The weighted means (P,) of some columns in each of several parts of the sample, and their variances (P,).

    Arguments:
        sample: the sample.
        parts: of each the rows that answered (m,), and what they answered (m, P), nothing missing.

    Returns NaN where the weights of the rows add up to 0.
    Raises DesignError under "fail" where a stratum of the rows has one PSU.
    """
    if sample.calibration and sample.replicates is None:
        return _calibrated(sample, parts)
    return [_plain(sample, rows, np.asarray(y, dtype=np.float64)) for rows, y in parts]


def _plain(sample: Sample, rows: Integers, y: Floats) -> tuple[Floats, Floats]:
    weights = sample.weights[rows]
    total = float(weights.sum())
    if total == 0:
        return np.full(y.shape[1], np.nan), np.full(y.shape[1], np.nan)
    values: Floats = weights @ y / total
    if sample.replicates is None:
        influence = (weights / total)[:, None] * (y - values)
        return values, variance_of_units(influence, rows, sample.stages, sample.design, only_diagonal=True)
    again = sample.replicates.weights[rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        replicated = (y.T @ again) / again.sum(axis=0)
    return values, np.diag(replicate_covariance(replicated, values, sample.replicates)).copy()


def _calibrated(sample: Sample, parts: Iterable[Part]) -> list[tuple[Floats, Floats]]:
    """The same where calibration carries the influence of a part's rows to all others: many columns at a time."""
    unit = sample.stages[-1].unit
    n_units = sample.n_rows if unit is None else int(unit.max()) + 1
    most = max(1, _MOST_TOTALS // n_units)
    found: list[tuple[Floats, Floats]] = []
    waiting: list[tuple[Integers, Floats, Floats]] = []
    for rows, answers in parts:
        y = np.asarray(answers, dtype=np.float64)
        weights = sample.weights[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = weights / weights.sum()
        values: Floats = shares @ y if len(rows) else np.full(y.shape[1], np.nan)
        waiting.append((rows, values, shares[:, None] * (y - values)))
        if sum(len(values) for _, values, _ in waiting) >= most:
            found += _together(sample, waiting)
            waiting = []
    return found + _together(sample, waiting)


def _together(sample: Sample, parts: list[tuple[Integers, Floats, Floats]]) -> list[tuple[Floats, Floats]]:
    ends = np.cumsum([0, *(len(values) for _, values, _ in parts)])
    if not ends[-1]:
        return []
    row = np.concatenate([np.repeat(rows, len(values)) for rows, values, _ in parts])
    column = np.concatenate(
        [
            np.tile(np.arange(first, last), len(part[0]))
            for part, (first, last) in zip(parts, pairwise(ends), strict=True)
        ]
    )
    influence = np.nan_to_num(np.concatenate([influence.ravel() for _, _, influence in parts]))
    matrix = sparse.csr_array((influence, (row, column)), shape=(sample.n_rows, int(ends[-1])))
    variances = sample.variances_of_totals(matrix)
    return [
        (values, np.where(np.isnan(values), np.nan, variances[first:last]))
        for (_, values, _), (first, last) in zip(parts, pairwise(ends), strict=True)
    ]
