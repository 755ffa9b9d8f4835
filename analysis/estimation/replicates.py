"""Variances from replicate weights: the estimate again with each replicate's weights, and the spread of these.

Source: Wolter (2007), Introduction to Variance Estimation; R survey, svrepdesign and svrVar.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from analysis.errors import SpecError
from analysis.estimation.spec import Replicates
from analysis.estimation.tables import Sheet
from analysis.estimation.totals import Floats, Integers

# R's tolerance for the rank of the replicate weights, from which their degrees of freedom follow.
_RANK_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class ReplicateWeights:
    """The analysis weights of R replicates.

    Attributes:
        weights: (n, R), factor times design weight (or what the file holds, when it is combined already).
        scale: one factor for all squares; rscales: one for each (R,).
        mse: the squares are taken about the full-sample estimate.
        ranked: the weights (n, R) whose rank gives the degrees of freedom of all rows, None: these. Calibration to
            totals makes more columns independent of one another, but no more PSUs.
    """

    weights: Floats
    scale: float
    rscales: Floats
    mse: bool
    ranked: Floats | None = None


def read_replicates(sheet: Sheet, description: Replicates, weights: Floats) -> ReplicateWeights:
    """The replicate weights of a file, in the row order of the data.

    Arguments:
        sheet: the file's columns.
        description: what the specification says of them.
        weights: the design weights (n,).

    Raises SpecError where the file's rows or columns do not fit the data or the description.
    """
    if sheet.n_rows != len(weights):
        raise SpecError(f"{sheet.name}: found {sheet.n_rows} rows, expected {len(weights)}, one for each of the data")
    count = len(sheet.columns)
    if description.n_replicates not in (None, count):
        raise SpecError(f"{sheet.name}: found {count} replicates, expected n_replicates {description.n_replicates}")
    if len(description.rscales) not in (0, 1, count):
        raise SpecError(f"{sheet.name}: found {count} replicates, expected {len(description.rscales)} as in rscales")
    factors = np.stack([sheet.numbers(name, needs_all=True) for name in sheet.columns], axis=1)
    rscales = np.ones(count) * (description.rscales or (1.0,))
    weighted = factors if description.are_combined else factors * weights[:, None]
    return ReplicateWeights(weighted, _scale(description, count), rscales, description.mse)


def _scale(description: Replicates, count: int) -> float:
    if description.scale is not None:
        return description.scale
    if description.kind == "BRR":
        return 1 / count
    if description.kind == "bootstrap" and count > 1:
        return 1 / (count - 1)
    raise SpecError(f"design.replicates.scale: found nothing, expected the scale that belongs to {description.kind}")


def totals_by_replicate(values: Floats, domain: Integers, n_domains: int, weights: Floats) -> Floats:
    """Σ weight · value of each domain and column, for each replicate (D, K, R).

    Arguments:
        values: (n, K), 0 where missing.
        domain: the index of each row's domain (n,), -1 for none.
        n_domains: D.
        weights: (n, R).
    """
    rows = np.flatnonzero(domain >= 0)
    totals = np.empty((n_domains, values.shape[1], weights.shape[1]))
    for k, column in enumerate(values.T):
        picked = sparse.csr_array((column[rows], (domain[rows], rows)), shape=(n_domains, len(domain)))
        totals[:, k, :] = picked @ weights
    return totals


def replicate_covariance(replicates: Floats, values: Floats, weights: ReplicateWeights) -> Floats:
    """The covariance (P, P) of P estimates from their replicates (P, R).

    A replicate in which any of the estimates does not exist is dropped and the scale of the others kept, as in R.
    NaN throughout when none is left.

    Arguments:
        replicates: the estimates of each replicate (P, R), NaN where there is none.
        values: the full-sample estimates (P,).
        weights: the replicates' scales.
    """
    is_whole = ~np.isnan(replicates).any(axis=0)
    kept, rscales = replicates[:, is_whole], weights.rscales[is_whole]
    if not kept.shape[1]:
        return np.full((len(values), len(values)), np.nan)
    centre = values if weights.mse else kept[:, rscales > 0].mean(axis=1)
    deviations = (kept - centre[:, None]) * np.sqrt(rscales)
    covariance: Floats = deviations @ deviations.T * weights.scale
    return covariance


def replicate_df(weights: Floats) -> float:
    """Degrees of freedom of replicate weights (n, R): their rank less 1.

    The rank is found as R's qr does with its default method: column by column from the left, a column whose rest,
    after what the accepted ones explain, is below 1e-5 of its length is set aside.

    Source: R survey, degf.svyrep.design; LINPACK's dqrdc2.
    """
    if not len(weights):
        return -1.0
    # The triangular factor has the same inner products as the weights and at most R rows.
    reduced: Floats = np.asarray(np.linalg.qr(weights, mode="r"))
    basis: Floats = np.zeros((len(reduced), 0))
    for column in reduced.T:
        rest = column - basis @ (basis.T @ column)
        # Once more, because the first subtraction leaves rounding in directions that are almost explained.
        rest = rest - basis @ (basis.T @ rest)
        length, whole = float(np.linalg.norm(rest)), float(np.linalg.norm(column))
        if whole > 0 and length >= _RANK_TOLERANCE * whole:
            basis = np.column_stack([basis, rest / length])
    return float(basis.shape[1] - 1)
