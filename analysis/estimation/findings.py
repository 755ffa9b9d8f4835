"""What a question finds in a table by either road: linearised variances or replicate weights.

Source: R survey 4.1 (Lumley 2004): svymean, svytotal, svyratio, degf and deff, for survey.design2 and svyrep.design.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy import sparse

from analysis.estimation.linear import LinearEstimates, srs_variance
from analysis.estimation.replicates import (
    ReplicateWeights,
    replicate_covariance,
    replicate_df,
    totals_by_replicate,
)
from analysis.estimation.totals import Column, Floats, Integers


@dataclass(frozen=True, slots=True)
class Findings:
    """K estimates in D domains by either road, linearised or replicated.

    Attributes:
        domains: their labels; values, variances: (D, K), NaN where there is none.
        srs, srs_replace: variances of simple random samples without and with replacement (D, K).
        n: rows that answered (D, K); n_respondents: rows (D,).
        df: degrees of freedom (D,); df_design: of all rows.
        are_replicated: whether the variances come from replicates.
        covariance: gives the joint covariance (D * K, D * K), domain by domain.
    """

    domains: tuple[tuple[str, ...], ...]
    values: Floats
    variances: Floats
    srs: Floats
    srs_replace: Floats
    n: Integers
    n_respondents: Integers
    df: Floats
    df_design: float
    are_replicated: bool
    covariance: Callable[[], Floats]


def linear_findings(estimates: LinearEstimates) -> Findings:
    """The findings of linearised estimates.

    Raises DesignError under "fail" where a stratum that holds a domain has one PSU.
    """
    shape = estimates.values.shape
    variances = estimates.variances_within()
    srs, srs_replace = estimates.srs_variances_within(), estimates.srs_variances_within(replace=True)
    for k, column in enumerate(estimates.columns):
        # R gives no design effect of a mean from a sample that is larger than its population.
        if column.kind == "ratio" and column.denominator is None:
            srs[estimates.sum_weights[:, k] < estimates.n[:, k], k] = np.nan

    def covariance() -> Floats:
        if shape[0] == 1 and len({column.variable for column in estimates.columns}) == 1:
            return estimates.covariance_within(0, range(shape[1]))
        return estimates.covariance_of(sparse.eye_array(shape[0] * shape[1]))

    return Findings(
        estimates.domains,
        estimates.values,
        variances,
        srs,
        srs_replace,
        estimates.n,
        estimates.n_respondents,
        estimates.df,
        estimates.df_design,
        False,
        covariance,
    )


def replicate_findings(
    table: pa.Table,
    columns: Sequence[Column],
    weights: Floats,
    replicates: ReplicateWeights,
    domain: Sequence[str],
    inside: str,
) -> Findings:
    """The findings of replicate weights; sums by domain and replicate are products of matrices, never loops over rows.

    Arguments:
        table: one row for each respondent.
        columns: what is estimated.
        weights: the design weights (n,).
        replicates: the weights of each replicate.
        domain: columns of labels.
        inside: the column that is true for the analysed rows.
    """
    is_inside = table[inside].to_numpy()
    domains, code = coded_domains(table, domain, is_inside)
    shape = (len(domains), len(columns))
    values, srs, srs_replace, variances = (np.full(shape, np.nan) for _ in range(4))
    n = np.zeros(shape, dtype=np.int64)
    thetas = np.full((*shape, replicates.weights.shape[1]), np.nan)
    for k, column in enumerate(columns):
        y = table[column.numerator].to_numpy().astype(np.float64)
        x = np.ones(len(y)) if column.denominator is None else table[column.denominator].to_numpy().astype(np.float64)
        here = np.where(np.isnan(y) | np.isnan(x), -1, code)
        is_here = here >= 0
        pair = np.nan_to_num(np.column_stack([y, x]))
        full = totals_by_replicate(pair, here, shape[0], weights[:, None])[:, :, 0]
        again = totals_by_replicate(pair, here, shape[0], replicates.weights)
        n[:, k] = np.bincount(here[is_here], minlength=shape[0])
        divisor, divisors = (1.0, 1.0) if column.kind == "total" else (full[:, 1], again[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            values[:, k] = np.where(n[:, k] > 0, full[:, 0] / divisor, np.nan)
            thetas[:, k] = again[:, 0] / divisors
            centres = full[:, 0] / full[:, 1]
        # Σ w e² of a mean or a total; R gives a ratio from replicates no design effect.
        if column.denominator is None:
            residuals = y[is_here] - centres[here[is_here]]
            square = np.bincount(here[is_here], weights[is_here] * residuals**2, minlength=shape[0]) / divisor**2
            srs[:, k] = srs_variance(square, n[:, k], full[:, 1], replace=False)
            srs_replace[:, k] = srs_variance(square, n[:, k], full[:, 1], replace=True)
    for d, chosen in _by_variable(columns, shape[0]):
        variances[d, chosen] = np.diag(replicate_covariance(thetas[d, chosen], values[d, chosen], replicates))
    return Findings(
        domains=domains,
        values=values,
        variances=np.where(np.isnan(values), np.nan, variances),
        srs=srs,
        srs_replace=srs_replace,
        n=n,
        n_respondents=np.bincount(code[code >= 0], minlength=shape[0]),
        df=np.array([replicate_df(replicates.weights[code == d]) for d in range(shape[0])]),
        df_design=replicate_df(replicates.weights[is_inside]),
        are_replicated=True,
        covariance=lambda: replicate_covariance(thetas.reshape(values.size, -1), values.ravel(), replicates),
    )


def _by_variable(columns: Sequence[Column], n_domains: int) -> list[tuple[int, list[int]]]:
    """Each domain with each group of columns that are missing together."""
    variables = sorted({column.variable for column in columns})
    groups = [[k for k, column in enumerate(columns) if column.variable == variable] for variable in variables]
    return [(d, group) for d in range(n_domains) for group in groups]


def coded_domains(
    table: pa.Table, domain: Sequence[str], is_inside: Floats
) -> tuple[tuple[tuple[str, ...], ...], Integers]:
    """The domains of the analysed rows, sorted, and the index of each row's domain (n,), -1 for none."""
    if not domain:
        return ((),), np.where(is_inside, 0, -1).astype(np.int64)
    is_in = is_inside.astype(np.bool_)
    code = np.zeros(len(is_in), dtype=np.int64)
    labels: list[list[str]] = []
    for name in domain:
        encoded = table[name].combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy().astype(np.int64)
        is_in = is_in & (codes >= 0)
        code = code * max(1, len(encoded.dictionary)) + codes
        labels.append(encoded.dictionary.to_pylist())
    combinations, of_row = np.unique(code[is_in], return_inverse=True)
    places = np.unravel_index(combinations, [max(1, len(known)) for known in labels])
    names = [
        tuple(known[int(place)] for known, place in zip(labels, row, strict=True)) for row in zip(*places, strict=True)
    ]
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    coded = np.full(len(is_in), -1, dtype=np.int64)
    coded[is_in] = rank[of_row]
    return tuple(names[i] for i in order), coded
