"""Means of many items in many domains from one pass over a table, and everything that is linear in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from analysis.estimation.design import SurveyDesign
from analysis.estimation.estimates import Estimate
from analysis.estimation.intervals import standard_error, t_interval
from analysis.estimation.linear import Coefficients, LinearEstimates
from analysis.estimation.stages import stages_of
from analysis.estimation.totals import Column, Floats, collapse


@dataclass(frozen=True)
class MeanSet(LinearEstimates):
    """The means of K items in D domains, with their joint covariance.

    A missing answer is a domain of its item: no respondent is left out of one item because of another.

    Attributes:
        variables: the K items, in the order of the columns.
    """

    variables: tuple[str, ...]

    @property
    def means(self) -> Floats:
        """The weighted means (D, K), in the unit of the item; NaN where nobody answered."""
        return self.values

    def estimates_of(
        self,
        coefficients: Coefficients,
        domain: Sequence[int | None],
        level: float = 0.95,
        constant: Sequence[float] | float = 0.0,
    ) -> tuple[Estimate, ...]:
        """One estimate for each linear combination of the means, with its t interval.

        Arguments:
            coefficients: (M, D * K), [m, d * K + k] for item k of domain d; an item with coefficient 0 may be missing.
            domain: for each combination the domain whose degrees of freedom and respondents count; None: the design's.
            level: confidence, above 0 and below 1.
            constant: added to the values, one for all or one each (M,).

        Returns M estimates. Where an item that is needed has no answers: no value, reason "no_answers"; where no
        degree of freedom is left: value and se without an interval, reason "one_cluster".
        Raises DesignError under "fail" where a stratum has one PSU.
        """
        matrix = sparse.csr_array(coefficients)
        flat = self.means.ravel()
        is_missing = np.isnan(flat)
        values = matrix @ np.where(is_missing, 0.0, flat) + constant
        lacks = (abs(matrix) @ is_missing.astype(np.float64)) > 0
        variances, srs = self.variances_of(matrix), self.srs_variance_of(matrix)
        found = []
        for m, d in enumerate(domain):
            df = self.df_design if d is None else float(self.df[d])
            n = int(self.n_respondents.sum() if d is None else self.n_respondents[d])
            if lacks[m]:
                found.append(Estimate(None, None, None, None, level, "t", df, n, None, None, "no_answers"))
                continue
            found.append(_estimate(float(values[m]), float(variances[m]), float(srs[m]), df, n, level))
        return tuple(found)


def _estimate(value: float, variance: float, srs_variance: float, df: float, n: int, level: float) -> Estimate:
    interval = t_interval(value, variance, df, level)
    low, high = interval if interval is not None else (None, None)
    deff = variance / srs_variance if srs_variance > 0 and variance > 0 and np.isfinite(variance) else None
    return Estimate(
        value=value,
        se=standard_error(variance),
        low=low,
        high=high,
        level=level,
        method="t",
        df=df,
        n=n,
        n_effective=None if deff is None else n / deff,
        deff=deff,
        reason=None if interval is not None else "one_cluster",
    )


def estimate_means(
    table: Any,
    design: SurveyDesign,
    variables: Sequence[str],
    domain: Sequence[str] = (),
    *,
    with_cross_squares: bool = True,
) -> MeanSet:
    """The weighted means of `variables` in each combination of the `domain` columns.

    Arguments:
        table: an Ibis table with one row for each respondent: the columns of the design, the domain columns, and the
            variables as numbers with NULL (or NaN) where not answered.
        design: how the rows were sampled; it holds for the whole table, whatever the domain.
        variables: K columns.
        domain: columns, read as text; a row with NULL there belongs to no domain but stays in the design. Empty: one
            domain, ().
        with_cross_squares: whether design effects of combinations are wanted; without them it is much faster.

    Returns the set with domains sorted by their labels. The cost is two scans, whatever is later asked of it.
    Raises DesignError where the design does not fit the table.
    Source: Särndal, Swensson and Wretman (1992), §5.5 to §5.8; R survey, svymean and svyby.
    """
    columns = tuple(Column(name, None, "ratio", k) for k, name in enumerate(variables))
    collapsed = collapse(table, design, columns, domain, with_cross_squares=with_cross_squares)
    return MeanSet(collapsed, stages_of(collapsed.groups, design), design, columns, tuple(variables))
