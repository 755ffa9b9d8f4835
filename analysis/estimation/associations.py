"""Whether two characteristics go together: tests of independence in a table of weighted shares.

Source: Rao and Scott (1984), "On chi-squared tests for multiway contingency tables with cell proportions estimated from
survey data"; Thomas and Rao (1987) for the adjusted Wald statistic; R survey 4.1, svychisq. Golden files:
tests/golden/oracle, tests/golden/proportions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from analysis.errors import SpecError
from analysis.estimation.quadratic_forms import exact_tail, saddlepoint_tail
from analysis.estimation.replicates import replicate_covariance
from analysis.estimation.samples import Estimated, Sample
from analysis.estimation.totals import Floats, Integers

STATISTICS = ("F", "Chisq", "Wald", "adjWald", "lincom", "saddlepoint")
MOST_CELLS = 1_000


@dataclass(frozen=True, slots=True)
class Association:
    """One test of independence.

    Attributes:
        statistic: its value; None where it does not exist.
        parameter: its degrees of freedom by name: ndf and ddf of F statistics, df of χ²; empty where it has none.
        p_value: how often independence would give as much or more; None where it cannot be said.
        reason: why something is missing, None where nothing is.
    """

    statistic: float | None
    parameter: Mapping[str, float]
    p_value: float | None
    reason: str | None = None


def association(
    sample: Sample, rows: Integers, columns: Integers, statistics: Sequence[str] = ("F",)
) -> dict[str, Association]:
    """Tests of independence of two characteristics.

    Arguments:
        sample: the sample.
        rows: the category of each row by one characteristic (n,), -1 where missing.
        columns: the same by the other. A row without one of the two is left out but stays in the design.
        statistics: some of STATISTICS. F: Pearson's χ² over its generalised design effects, against F (Rao and Scott's
            correction of second order). Chisq: the same χ² against χ² with their mean (first order). lincom,
            saddlepoint: against its own law, found exactly or by a saddlepoint. Wald, adjWald: the Wald statistic of
            the totals less those of independence, adjWald with its correction for few PSUs.

    Returns statistic → test. χ² counts all analysed rows, also those without an answer, as R does; F does not depend on
    their number.

    Raises SpecError where a characteristic has fewer than two categories, the table more than 1,000 cells, or a
    statistic is not known; DesignError under "fail" where a stratum has one PSU.
    """
    if unknown := [name for name in statistics if name not in STATISTICS]:
        raise SpecError(f"statistics: found {unknown[0]!r}, expected some of {', '.join(STATISTICS)}")
    table = _Table.of(sample, rows, columns)
    return {name: table.wald(name) if name in ("Wald", "adjWald") else table.pearson(name) for name in statistics}


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of R rows and C columns, with the cells of its rows side by side.

    Attributes:
        answered: the sample of those who have both categories; cells: 1 in the cell of each row (n, R * C), sparse.
        n: all analysed rows; df: degrees of freedom of the design; are_replicated: variances come from replicates.
    """

    answered: Sample
    cells: sparse.csr_array
    shape: tuple[int, int]
    n: int
    df: float
    are_replicated: bool

    @classmethod
    def of(cls, sample: Sample, rows: Integers, columns: Integers) -> "_Table":
        """The table of the categories that somebody with both has."""
        is_answered = sample.inside & (rows >= 0) & (columns >= 0) & (sample.weights != 0)
        codes = []
        for code, name in ((rows, "first"), (columns, "second")):
            levels, dense = np.unique(code[is_answered], return_inverse=True)
            if len(levels) < 2:
                raise SpecError(
                    f"the {name} variable: found {len(levels)} categories with answers, expected two or more"
                )
            codes.append((len(levels), dense))
        (n_rows, row), (n_columns, column) = codes
        if n_rows * n_columns > MOST_CELLS:
            raise SpecError(f"found a table of {n_rows} by {n_columns} cells, expected at most {MOST_CELLS} cells")
        places = (np.flatnonzero(is_answered), row * n_columns + column)
        cells = sparse.csr_array((np.ones(len(row)), places), shape=(sample.n_rows, n_rows * n_columns))
        # A calibrated sample keeps all its rows, and R counts them.
        everything = _all_rows(sample) if sample.calibration else sample
        return cls(
            answered=sample.within(is_answered),
            cells=cells,
            shape=(n_rows, n_columns),
            n=int(everything.inside.sum()),
            df=everything.df,
            are_replicated=sample.replicates is not None,
        )

    def pearson(self, name: str) -> Association:
        """Pearson's χ², corrected by the eigenvalues of the generalised design effects."""
        from scipy.special import chdtrc, fdtrc

        found = self._shares()
        shares = found.values.reshape(self.shape)
        independent = np.outer(shares.sum(axis=1), shares.sum(axis=0))
        chi2 = float(self.n * ((shares - independent) ** 2 / independent).sum())
        effects = self._design_effects(found)
        if effects is None:
            return Association(chi2 if name != "F" else None, {}, None, "the variance of the cells does not exist")
        trace = float(np.trace(effects))
        ndf = trace**2 / float(np.trace(effects @ effects))
        ddf = ndf * self.df
        if name == "F":
            return _judged(chi2 / trace, {"ndf": ndf, "ddf": ddf}, float(fdtrc(ndf, ddf, chi2 / trace)))
        if name == "Chisq":
            size = len(effects)
            return _judged(chi2, {"df": size}, float(chdtrc(size, chi2 / (trace / size))))
        weights: Floats = np.asarray(np.linalg.eigvals(effects).real, dtype=np.float64)
        tail = exact_tail if name == "lincom" else saddlepoint_tail
        # R knows the scale of replicate designs without error here.
        return _judged(chi2, {}, tail(chi2, weights, math.inf if self.are_replicated else ddf))

    def _totals(self) -> Estimated:
        """The totals of the cells with their covariance."""
        sample, weights = self.answered, self.answered.active
        values = np.asarray(weights @ self.cells, dtype=np.float64)
        if sample.replicates is None:
            influence = (self.cells * weights[:, None]).tocsr()
            return Estimated(values, sample.covariance_of_totals(influence))
        again = np.asarray(self.cells.T @ sample.replicates.weights, dtype=np.float64)
        return Estimated(values, replicate_covariance(again, values, sample.replicates))

    def _shares(self) -> Estimated:
        """The shares of the cells with their covariance, which without replicates is linear in that of the totals."""
        found, sample = self._totals(), self.answered
        whole = float(found.values.sum())
        shares = found.values / whole
        if sample.replicates is None:
            slopes: Floats = (np.eye(len(shares)) - shares[:, None]) / whole
            return Estimated(shares, slopes @ found.covariance @ slopes.T)
        again = np.asarray(self.cells.T @ sample.replicates.weights, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            replicated = again / again.sum(axis=0)
        return Estimated(shares, replicate_covariance(replicated, shares, sample.replicates))

    def _design_effects(self, found: Estimated) -> Floats | None:
        contrasts = np.kron(_contrasts(self.shape[0]), _contrasts(self.shape[1]))
        with np.errstate(divide="ignore"):
            inverse = np.where(found.values > 0, 1 / found.values, 0.0)[:, None] * contrasts.astype(np.float64)
        try:
            effects: Floats = np.linalg.solve(contrasts.T @ inverse / self.n, inverse.T @ found.covariance @ inverse)
        except np.linalg.LinAlgError:
            return None
        return effects if np.isfinite(effects).all() and np.trace(effects) > 0 else None

    def wald(self, name: str) -> Association:
        """The Wald statistic of the cells' totals less those of independence."""
        from scipy.special import fdtrc

        found = self._totals()
        totals = found.values.reshape(self.shape)
        by_row, by_column, whole = totals.sum(axis=1), totals.sum(axis=0), totals.sum()
        surplus = (totals - np.outer(by_row, by_column) / whole)[1:, 1:].ravel()
        same_row = np.kron(np.eye(self.shape[0]), np.ones((self.shape[1],) * 2))
        same_column = np.kron(np.ones((self.shape[0],) * 2), np.eye(self.shape[1]))
        slopes: Floats = (
            np.eye(totals.size)
            - same_row * np.tile(by_column, self.shape[0])[:, None] / whole
            - same_column * np.repeat(by_row, self.shape[1])[:, None] / whole
            + np.outer(by_row, by_column).reshape(-1, 1) / whole**2
        )
        inner = np.arange(totals.size).reshape(self.shape)[1:, 1:].ravel()
        variance = (slopes @ found.covariance @ slopes.T)[np.ix_(inner, inner)]
        # What rounding alone keeps from being singular would be solved, to a statistic of nothing.
        if not np.linalg.cond(variance) < 1 / np.finfo(np.float64).eps:
            return Association(None, {}, None, "the variance of the cells has no inverse")
        wald = float(surplus @ np.linalg.solve(variance, surplus))
        ndf = len(inner)
        ddf = self.df if name == "Wald" else self.df - ndf + 1
        statistic = wald / ndf if name == "Wald" else wald * ddf / (ndf * self.df)
        if not (math.isfinite(wald) and wald >= 0 and ddf > 0):
            reason = f"{self.df:g} degrees of freedom are left for {ndf} cells"
            return Association(None, {"ndf": ndf, "ddf": ddf}, None, reason)
        return _judged(statistic, {"ndf": ndf, "ddf": ddf}, float(fdtrc(ndf, ddf, statistic)))


def _judged(statistic: float, parameter: Mapping[str, float], p_value: float) -> Association:
    if math.isfinite(p_value):
        return Association(statistic, parameter, p_value)
    return Association(statistic, parameter, None, "no degrees of freedom are left, PSUs minus strata")


def _all_rows(sample: Sample) -> Sample:
    return replace(sample, inside=sample.rows, base=None)


def _contrasts(size: int) -> Floats:
    """The differences of each but the first category from the mean of all (size, size - 1)."""
    return np.eye(size)[:, 1:] - 1 / size
