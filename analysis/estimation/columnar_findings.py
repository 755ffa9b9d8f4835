"""Totals, means and ratios in domains by the columnar road: for calibrated weights, linearised or replicated.

Source: Särndal, Swensson and Wretman (1992), §6.4 and §10.6; R survey, svymean, svytotal, svyratio and svyby.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from scipy import sparse

from analysis.errors import DesignError
from analysis.estimation.codes import distinct
from analysis.estimation.findings import Findings, coded_domains
from analysis.estimation.linear import srs_variance
from analysis.estimation.replicates import replicate_covariance
from analysis.estimation.residuals import Matrix
from analysis.estimation.samples import Sample
from analysis.estimation.totals import Column, Floats, Integers

# Influence values of so many cells are held at a time.
_MOST_CELLS = 20_000_000
# The joint covariance of more cells than this is not worth its memory.
_MOST_JOINT_CELLS = 40_000_000


def columnar_findings(table: pa.Table, columns: Sequence[Column], sample: Sample, domain: Sequence[str]) -> Findings:
    """The findings of a sample whose weights are calibrated.

    Arguments:
        table: one row for each respondent, in the order of the sample's rows.
        columns: what is estimated, K of them.
        sample: the sample; its analysed rows are those of the subset.
        domain: columns of labels.

    Raises DesignError under "fail" where a stratum has one PSU.
    """
    is_inside = sample.inside & sample.rows
    domains, code = coded_domains(table, domain, is_inside.astype(np.float64))
    shape = (len(domains), len(columns))
    values, variances, srs, srs_replace = (np.full(shape, np.nan) for _ in range(4))
    n = np.zeros(shape, dtype=np.int64)
    parts = []
    for k, column in enumerate(columns):
        y = table[column.numerator].to_numpy().astype(np.float64)
        x = np.ones(len(y)) if column.denominator is None else table[column.denominator].to_numpy().astype(np.float64)
        here = np.where(np.isnan(y) | np.isnan(x), -1, code)
        numbers = DomainNumbers(np.nan_to_num(y), np.nan_to_num(x), here, shape[0], is_total=column.kind == "total")
        parts.append(numbers)
        n[:, k] = np.bincount(here[here >= 0], minlength=shape[0])
        values[:, k], variances[:, k] = estimates_by_domain(sample, numbers)
        values[:, k] = np.where(n[:, k] > 0, values[:, k], np.nan)
        srs[:, k], srs_replace[:, k] = _srs(sample, numbers, n[:, k], is_mean=column.denominator is None)
    variances = np.where(np.isnan(values), np.nan, variances)
    return Findings(
        domains=domains,
        values=values,
        variances=variances,
        srs=srs,
        srs_replace=srs_replace,
        n=n,
        n_respondents=np.bincount(code[code >= 0], minlength=shape[0]),
        df=df_by_domain(sample, code, shape[0]) if domain else np.array([sample.df_design]),
        df_design=sample.df_design,
        are_replicated=sample.replicates is not None,
        covariance=lambda: _joint(sample, parts, values),
    )


class DomainNumbers:
    """One column of totals, means or ratios in D domains, as a functional.

    Attributes:
        y, x: numerator and denominator (n,), 0 where missing.
        code: the domain of each row that answered (n,), -1 for the others; n_domains: D.
        is_total: whether nothing is divided.
    """

    def __init__(self, y: Floats, x: Floats, code: Integers, n_domains: int, *, is_total: bool) -> None:
        self.y, self.x, self.code, self.n_domains, self.is_total = y, x, code, n_domains, is_total
        self.rows = np.flatnonzero(code >= 0)

    def values(self, weights: Floats) -> Floats:
        """The numbers (D,), NaN where the denominator is 0."""
        totals = self.sums(weights * self.y)
        if self.is_total:
            return totals
        divisors = self.sums(weights * self.x)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(divisors != 0, totals / divisors, np.nan)

    def influence(self, weights: Floats) -> Floats:
        """Weight times linearised value in the column of the row's domain (n, D)."""
        return np.asarray(self.scattered(self.influence_in_domain(weights)).toarray(), dtype=np.float64)

    def influence_in_domain(self, weights: Floats) -> Floats:
        """Weight times linearised value of each row in its own domain (n,), 0 for rows in none."""
        code, found = self.code[self.rows], np.zeros(len(weights))
        w, y = weights[self.rows], self.y[self.rows]
        if self.is_total:
            found[self.rows] = w * y
            return found
        values, divisors = self.values(weights), self.sums(weights * self.x)
        with np.errstate(divide="ignore", invalid="ignore"):
            found[self.rows] = np.nan_to_num(w * (y - values[code] * self.x[self.rows]) / divisors[code])
        return found

    def scattered(self, values: Floats) -> Matrix:
        """Values of rows (n,) in the column of their domain, sparse (n, D)."""
        places = (self.rows, self.code[self.rows])
        return sparse.csr_array((values[self.rows], places), shape=(len(values), self.n_domains))

    def sums(self, products: Floats) -> Floats:
        """Σ of products (n,) in each domain (D,)."""
        return np.asarray(
            np.bincount(self.code[self.rows], weights=products[self.rows], minlength=self.n_domains), dtype=np.float64
        )


def estimates_by_domain(sample: Sample, numbers: DomainNumbers) -> tuple[Floats, Floats]:
    """The values and variances (D,) of one column in each domain.

    Raises DesignError under "fail" where a stratum has one PSU.
    """
    active, size = sample.active, numbers.n_domains
    values = numbers.values(active)
    if sample.replicates is not None:
        thetas, replicates = sample.replicate_values(numbers), sample.replicates
        each = range(size)
        found = [replicate_covariance(thetas[d : d + 1], values[d : d + 1], replicates)[0, 0] for d in each]
        return values, np.array(found)
    influence = numbers.influence_in_domain(active)
    if not sample.calibration:
        variances = np.full(size, np.nan)
        for d in range(size):
            within = sample.within(numbers.code == d)
            if within.inside.any():
                one = np.where(within.inside, influence, 0.0)[:, None]
                variances[d] = within.variances_of_totals(one)[0]
        return values, variances
    return values, variances_in_blocks(sample, numbers.scattered(influence))


def df_by_domain(sample: Sample, code: Integers, n_domains: int) -> Floats:
    """The degrees of freedom (D,) of domains that are given by the code of each row (n,), -1 for none.

    Raises ValueError where rows are their own PSUs.
    """
    if sample.replicates is not None:
        return np.array([sample.within(code == d).df for d in range(n_domains)])
    first, rows = sample.stages[0], np.flatnonzero((code >= 0) & sample.inside & (sample.weights != 0))
    if first.unit is None:
        raise ValueError("found rows that are their own PSUs, expected clusters")
    counts = []
    for held in (first.unit, first.stratum):
        size = int(held.max(initial=0)) + 1
        pairs = distinct(code[rows] * size + held[rows])[0]
        counts.append(np.bincount(pairs // size, minlength=n_domains))
    return (counts[0] - counts[1]).astype(np.float64)


def variances_in_blocks(sample: Sample, influence: Matrix) -> Floats:
    """The variances (P,) of the totals of sparse influence values (n, P), so many columns at a time as memory holds."""
    columns = sparse.csc_array(influence)
    step = max(1, _MOST_CELLS // sample.n_rows)
    parts = [
        sample.variances_of_totals(sparse.csr_array(columns[:, start : start + step]))
        for start in range(0, columns.shape[1], step)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def _srs(sample: Sample, numbers: DomainNumbers, n: Integers, *, is_mean: bool) -> tuple[Floats, Floats]:
    """The variances of simple random samples of as many rows, without and with replacement (D,)."""
    active = sample.active
    people = numbers.sums(active)
    with np.errstate(divide="ignore", invalid="ignore"):
        # A mean is a ratio to the number who answered, and a total is centred at the mean.
        x = np.ones(len(active)) if numbers.is_total else numbers.x
        ratios = numbers.sums(active * numbers.y) / numbers.sums(active * x)
        residuals = np.where(numbers.code >= 0, numbers.y - ratios[np.maximum(numbers.code, 0)] * x, 0.0)
        divisor = 1.0 if numbers.is_total else numbers.sums(active * x) ** 2
        square = numbers.sums(active * residuals**2) / divisor
    without = srs_variance(square, n, people, replace=False)
    if is_mean and not numbers.is_total and sample.replicates is None:
        # R gives no design effect of a mean from a sample that is larger than its population.
        without = np.where(people < n, np.nan, without)
    return without, srs_variance(square, n, people, replace=True)


def _joint(sample: Sample, parts: Sequence[DomainNumbers], values: Floats) -> Floats:
    """The joint covariance (D * K, D * K), domain by domain."""
    if sample.replicates is not None:
        thetas = np.stack([sample.replicate_values(numbers) for numbers in parts], axis=1)
        return replicate_covariance(thetas.reshape(values.size, -1), values.ravel(), sample.replicates)
    return joint_covariance(sample, parts)


def joint_covariance(sample: Sample, parts: Sequence[DomainNumbers]) -> Floats:
    """The joint linearised covariance (D * K, D * K) of K columns in D domains, domain by domain.

    Raises DesignError where it does not fit into memory, and under "fail" where a stratum has one PSU.
    """
    n_domains, n_columns = parts[0].n_domains, len(parts)
    if n_domains * n_columns * (int(sample.stages[-1].n_units.sum()) + 1) > _MOST_JOINT_CELLS:
        raise DesignError("found more covariances than fit into memory, expected fewer domains at a time")
    active = sample.active
    influence = sparse.hstack([numbers.scattered(numbers.influence_in_domain(active)) for numbers in parts], "csr")
    # The columns come item by item, the estimates domain by domain.
    order = np.arange(n_domains * n_columns).reshape(n_columns, n_domains).T.ravel()
    dense = influence if sample.calibration else np.asarray(influence.toarray(), dtype=np.float64)
    return sample.covariance_of_totals(dense)[np.ix_(order, order)]
