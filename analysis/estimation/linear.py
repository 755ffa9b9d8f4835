"""Estimates that are ratios and totals, of many columns in many domains, with every covariance between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

from analysis.estimation.codes import distinct
from analysis.estimation.design import SurveyDesign
from analysis.estimation.stages import Stage, degrees_of_freedom, stages_of
from analysis.estimation.totals import Collapsed, Column, Floats, Integers, collapse
from analysis.estimation.variance import Places, RowMoments, variance_of_rows, variance_of_units, variances_of_domains

# Dense or sparse, whatever scipy.sparse makes an array of.
Coefficients: TypeAlias = Any


@dataclass(frozen=True)
class LinearEstimates:
    """K estimates in each of D domains, with what their variances follow from.

    Attributes:
        collapsed: the totals; stages: the sample; design: its description; columns: what was estimated.
    """

    collapsed: Collapsed
    stages: tuple[Stage, ...]
    design: SurveyDesign
    columns: tuple[Column, ...]

    @property
    def domains(self) -> tuple[tuple[str, ...], ...]:
        """The labels of the D domains, sorted."""
        return self.collapsed.domains.domains

    @property
    def values(self) -> Floats:
        """The estimates (D, K); NaN where nobody answered."""
        return self.collapsed.domains.values

    @property
    def n(self) -> Integers:
        """Rows that answered (D, K)."""
        return self.collapsed.domains.n_answered

    @property
    def n_respondents(self) -> Integers:
        """Rows of each domain, answered or not (D,)."""
        return self.collapsed.domains.n

    @property
    def sum_weights(self) -> Floats:
        """The weights of the rows that answered (D, K)."""
        return self.collapsed.domains.answered_weights

    @cached_property
    def df(self) -> Floats:
        """Degrees of freedom of each domain (D,): its PSUs minus its strata."""
        groups, first, n_domains = self.collapsed.groups, self.stages[0], len(self.domains)
        here, places = self._places
        domain = groups.domain[here]
        n_strata = np.bincount(places.domain, minlength=n_domains)
        if first.unit is None:
            return np.asarray(np.bincount(domain, weights=groups.n[here], minlength=n_domains) - n_strata)
        holding = domain
        if len(self.stages) > 1:
            # With further stages a PSU is several groups.
            n_units = int(first.unit.max(initial=0)) + 1
            holding = distinct(domain * n_units + first.unit[here])[0] // n_units
        return (np.bincount(holding, minlength=n_domains) - n_strata).astype(np.float64)

    @cached_property
    def _places(self) -> tuple[Integers | slice, Places]:
        """The groups that lie in a domain, and the strata of each domain."""
        groups, first = self.collapsed.groups, self.stages[0]
        is_here = groups.domain >= 0
        here = slice(None) if is_here.all() else np.flatnonzero(is_here)
        return here, Places.of(groups.domain[here], first.stratum[here], len(self.domains), len(first.n_units))

    @cached_property
    def _groups_of_domain(self) -> list[Integers]:
        """The groups of each domain, so that many domains cost one sorting and not a search each."""
        domain = self.collapsed.groups.domain
        order = np.argsort(domain, kind="stable")
        return np.split(order, np.searchsorted(domain[order], np.arange(len(self.domains) + 1)))[1:-1]

    @cached_property
    def df_design(self) -> float:
        """Degrees of freedom of all rows inside the analysed subset."""
        groups = self.collapsed.groups
        return degrees_of_freedom(self.stages[0], np.flatnonzero(groups.is_inside), groups.n)

    def covariance_within(self, domain: int, columns: Sequence[int]) -> Floats:
        """The covariance of some columns of one variable within one domain (len(columns), len(columns)).

        Strata that do not hold the domain's answers are left out, as R's survey does with a subset: this matters to
        the rules for lonely PSUs only.

        Arguments:
            domain: its index.
            columns: indices of columns with the same `variable`.

        Raises DesignError under "fail" where a stratum of the domain has one PSU.
        Source: R survey, svymean, svytotal and svyratio of subset(design, domain).
        """
        groups, which = self.collapsed.groups, np.asarray(columns, dtype=np.int64)
        answered = groups.n_answered[:, self.columns[which[0]].variable]
        here = self._groups_of_domain[domain]
        chosen = here[answered[here] > 0]
        z = groups.z[np.ix_(chosen, which)]
        if groups.spread is None:
            return variance_of_units(z, chosen, self.stages, self.design)
        spread = groups.spread[np.ix_(chosen, which, which)]
        n = groups.n[chosen].astype(np.float64)
        moments = RowMoments(
            stratum=self.stages[0].stratum[chosen],
            n=n,
            n_present=answered[chosen].astype(np.float64),
            means=z / n[:, None],
            spread=lambda weights: np.einsum("g,gij->ij", weights, spread),
        )
        return variance_of_rows(moments, self.stages[0], self.design)

    def variances_within(self) -> Floats:
        """The variance (D, K) of each estimate within its domain, as `covariance_within` has it; NaN where there is no
        estimate.

        Raises DesignError under "fail" where a stratum of a domain has one PSU.
        """
        groups, n_domains, first = self.collapsed.groups, len(self.domains), self.stages[0]
        variables = [column.variable for column in self.columns]
        found: Floats | None = None
        if groups.spread is None and len(self.stages) == 1:
            here, places = self._places
            holds = (groups.n_answered > 0)[here][:, variables]
            found = variances_of_domains(groups.z[here], holds, places, first, self.design)
        if found is None:
            found = np.full(self.values.shape, np.nan)
            for d in range(n_domains):
                for variable in sorted(set(variables)):
                    columns = [k for k, other in enumerate(variables) if other == variable]
                    if not np.isnan(self.values[d, columns]).all():
                        found[d, columns] = np.diag(self.covariance_within(d, columns))
        return np.where(np.isnan(self.values), np.nan, found)

    def covariance_of(self, coefficients: Coefficients) -> Floats:
        """The joint covariance (M, M) of M linear combinations of the estimates of all domains.

        Every stratum of the analysed subset takes part, also where no domain of a combination lies in it.

        Arguments:
            coefficients: (M, D * K), the coefficient of domain d and column k at [m, d * K + k]; dense or sparse.

        Raises DesignError under "fail" where a stratum has one PSU.
        Source: R survey, svyby(covmat = TRUE) and svycontrast.
        """
        return self._combined(sparse.csr_array(coefficients), only_diagonal=False)

    def variances_of(self, coefficients: Coefficients) -> Floats:
        """The variances (M,) of M linear combinations: the diagonal of `covariance_of`, for less."""
        return self._combined(sparse.csr_array(coefficients), only_diagonal=True)

    def _combined(self, matrix: Any, *, only_diagonal: bool) -> Floats:
        n_columns, groups = len(self.columns), self.collapsed.groups
        n_wanted = matrix.shape[0]
        if matrix.shape[1] != len(self.domains) * n_columns:
            raise ValueError(f"found {matrix.shape[1]} coefficients, expected {len(self.domains) * n_columns}")
        chosen = np.flatnonzero(groups.is_inside)
        domain = groups.domain[chosen]
        values = self._placed(chosen) @ matrix.T
        if groups.spread is None:
            return variance_of_units(values, chosen, self.stages, self.design, only_diagonal=only_diagonal)
        by_domain = sparse.csc_array(matrix)
        blocks = [by_domain[:, d * n_columns : (d + 1) * n_columns] for d in range(len(self.domains))]
        spread, n = groups.spread[chosen], groups.n[chosen].astype(np.float64)

        def add_up(weights: Floats) -> Floats:
            total: Floats = np.zeros((n_wanted, n_wanted))
            for d, block in enumerate(blocks):
                is_here = domain == d
                involved = np.unique(block.indices)
                if len(involved):
                    dense_block = block.toarray()[involved]
                    inner = np.einsum("g,gij->ij", weights[is_here], spread[is_here])
                    total[np.ix_(involved, involved)] += dense_block @ inner @ dense_block.T
            return total

        moments = RowMoments(self.stages[0].stratum[chosen], n, n, values.toarray() / n[:, None], add_up)
        covariance = variance_of_rows(moments, self.stages[0], self.design)
        return np.diag(covariance) if only_diagonal else covariance

    def _placed(self, chosen: Integers) -> Any:
        """The linearised totals of the chosen groups at the place of their domain: sparse (len(chosen), D * K)."""
        n_columns = len(self.columns)
        domain = self.collapsed.groups.domain[chosen]
        rows = np.flatnonzero(domain >= 0)
        columns = domain[rows, None] * n_columns + np.arange(n_columns)
        data = self.collapsed.groups.z[chosen[rows]]
        places = (np.repeat(rows, n_columns), columns.ravel())
        return sparse.csr_array((data.ravel(), places), shape=(len(chosen), len(self.domains) * n_columns))

    def srs_variance_of(self, coefficients: Coefficients, *, replace: bool = False) -> Floats:
        """The variances (M,) the combinations had if each domain were a simple random sample of as many rows.

        Domains count as independent samples; within one the linearised variable of the combination is taken over all
        its respondents. Without replacement the population of a domain is the sum of its weights; where that is not
        above its rows (unit weights), the population is unknown and the variance is the one with replacement.

        Source: R survey, deff; Särndal, Swensson and Wretman (1992), §3.3.
        """
        matrix = sparse.csc_array(coefficients)
        n_columns, totals = len(self.columns), self.collapsed.domains
        variances: Floats = np.zeros(matrix.shape[0])
        for d in range(len(self.domains)):
            block = matrix[:, d * n_columns : (d + 1) * n_columns]
            involved = np.unique(block.indices)
            if not len(involved):
                continue
            dense_block = block.toarray()[involved]
            n, sum_weights = totals.n[d : d + 1], totals.sum_weights[d : d + 1]
            is_replaced = replace or bool(sum_weights[0] <= n[0] * (1 + 1e-9))
            squares = np.einsum("mi,ij,mj->m", dense_block, self.collapsed.squares[d], dense_block)
            variances[involved] += squares * srs_variance(np.ones(1), n, sum_weights, replace=is_replaced)
        return variances

    def srs_variances_within(self, *, replace: bool = False) -> Floats:
        """The variances (D, K) of the estimates had the answers to each been a simple random sample of as many rows.

        Arguments:
            replace: with replacement; otherwise from a population of as many as the sum of the weights.

        NaN where a single row answered. Source: R survey, deff = TRUE and deff = "replace".
        """
        squares = np.einsum("dkk->dk", self.collapsed.squares)
        return srs_variance(squares, self.n, self.sum_weights, replace=replace)


def srs_variance(square: Floats, n: Floats | Integers, sum_weights: Floats, *, replace: bool) -> Floats:
    """The variances of totals of residuals e under simple random sampling, from Σ w e², n rows and Σ w.

    Without replacement it is Σ w e² (N - n) / (n - 1) with N = Σ w; with replacement N takes the place of N - n.
    NaN where n < 2.

    Source: R survey, svyvar and deff; Särndal, Swensson and Wretman (1992), §3.3.
    """
    others = sum_weights - n
    # Weights of 1 that are not quite 1 leave nobody but rounding.
    others = np.where(np.abs(others) > 1e-12 * n, others, 0.0)
    found: Floats = square * (sum_weights if replace else others) / np.maximum(n - 1, 1)
    return np.where(n > 1, found, np.nan)


def estimate_linear(
    table: Any, design: SurveyDesign, columns: Sequence[Column], domain: Sequence[str] = (), inside: str | None = None
) -> LinearEstimates:
    """The estimates of `columns` in each combination of the `domain` columns; see `totals.collapse`."""
    collapsed = collapse(table, design, columns, domain, inside, with_cross_squares=False)
    return LinearEstimates(collapsed, stages_of(collapsed.groups, design), design, tuple(columns))
