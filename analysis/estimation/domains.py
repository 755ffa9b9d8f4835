"""Domains of a sample one after the other, each at the cost of its own rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.estimation.replicates import replicate_covariance, replicate_df
from analysis.estimation.samples import Estimated, Sample
from analysis.estimation.stages import degrees_of_freedom
from analysis.estimation.tables import Sheet
from analysis.estimation.totals import Floats, Integers
from analysis.estimation.variance import variance_of_units


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
        return replicate_df(sample.replicates.weights[rows])
    chosen = rows[sample.weights[rows] != 0]
    return degrees_of_freedom(sample.stages[0], chosen, np.ones(sample.n_rows, dtype=np.int64))


def covariance_within(sample: Sample, rows: Integers, influence: Floats) -> Floats:
    """The linearised covariance (P, P) of totals of influence values (m, P) that all other rows do not have.

    Raises DesignError under "fail" where a stratum of the rows has one PSU.
    """
    if not sample.calibration:
        return variance_of_units(influence, rows, sample.stages, sample.design)
    # What calibration takes out of the influence of these rows it puts into that of the others.
    everywhere = np.zeros((sample.n_rows, influence.shape[1]))
    everywhere[rows] = influence
    return sample.covariance_of_totals(everywhere)


def means_within(sample: Sample, rows: Integers, y: Floats) -> Estimated:
    """The weighted means of P columns in one domain, with their covariance.

    Arguments:
        sample: the sample.
        rows: the rows of the domain that answered (m,).
        y: what they answered (m, P), nothing missing.

    Returns NaN where the weights of the rows add up to 0.
    Raises DesignError as `covariance_within` does.
    """
    weights = sample.weights[rows]
    total = float(weights.sum())
    if not len(rows) or total == 0:
        return Estimated(np.full(y.shape[1], np.nan), np.full((y.shape[1],) * 2, np.nan))
    values: Floats = weights @ y / total
    if sample.replicates is not None:
        again = sample.replicates.weights[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            replicated = (y.T @ again) / again.sum(axis=0)
        return Estimated(values, replicate_covariance(replicated, values, sample.replicates))
    return Estimated(values, covariance_within(sample, rows, (weights / total)[:, None] * (y - values)))
