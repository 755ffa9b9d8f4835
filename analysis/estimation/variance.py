"""Variances of totals of linearised values, from the totals of clusters or from moments of rows.

A stratum of n units with totals t contributes (1 - f) n / (n - 1) · Σ (t - t̄)². Units without the domain count as 0:
they are in n and in t̄, and (n - m) t̄² is their part of the sum where m units hold the domain.

Source: Särndal, Swensson and Wretman (1992), §3.7 and §4.3; R survey, svyrecvar, multistage and onestrat.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.errors import DesignError
from analysis.estimation.codes import distinct
from analysis.estimation.design import SurveyDesign
from analysis.estimation.stages import CENSUS, Stage
from analysis.estimation.totals import Floats, Integers

# Up to so many columns are added up one by one, which is quicker than a product with a sparse matrix.
_FEW_COLUMNS = 64
# So many numbers are dense at a time.
_MOST_CELLS = 500_000


@dataclass(frozen=True, slots=True)
class Rule:
    """How each of the strata that hold a domain enters the variance.

    Attributes:
        scale: the factor of its sum of squares (H,); 0 where it adds nothing, NaN where its variance is unknown.
        is_centred: whether the squares are taken about the stratum's mean and not about 0 (H,).
    """

    scale: Floats
    is_centred: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RowMoments:
    """Groups of rows that are their own PSUs, each of one stratum.

    Attributes:
        stratum: of each group (G,).
        n: its rows (G,); n_present: those that count as holding the domain, for lonely strata (G,).
        means: of the linearised values (G, P), 0 for a row that did not answer.
        spread: a function that takes weights (G,) and gives Σ weight · Σ (z - z̄)(z - z̄)' of each group (P, P).
    """

    stratum: Integers
    n: Floats
    n_present: Floats
    means: Floats
    spread: Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Places:
    """The strata of each domain, together P places, and the place of each group (G,)."""

    domain: Integers
    stratum: Integers
    of_group: Integers
    n_domains: int

    @classmethod
    def of(cls, domain: Integers, stratum: Integers, n_domains: int, n_strata: int) -> "Places":
        """The places of groups whose domains and strata are given (G,)."""
        pairs, of_group = distinct(domain * n_strata + stratum)
        return cls(pairs // n_strata, pairs % n_strata, of_group, n_domains)


def rule_of(stage: Stage, present: Integers, n_present: Floats, design: SurveyDesign) -> Rule:
    """The rule of each stratum that holds the domain.

    Arguments:
        stage: the stage of the strata.
        present: the strata that hold the domain (H,).
        n_present: how many units of each do (H,).
        design: it says what a lonely unit adds.

    Raises DesignError, naming the stratum, where it has one unit and the design says "fail".
    """
    n, left_out = stage.n_units[present], stage.left_out[present]
    is_census = left_out < CENSUS
    is_lonely = (n == 1) & ~is_census
    if design.lonely_psu == "fail" and is_lonely.any():
        label = stage.labels[present[np.flatnonzero(is_lonely)[0]]]
        raise DesignError(
            f"stratum {label or '(unnamed)'}: found one PSU at stage {stage.number}, expected two or more; "
            "lonely_psu names another rule (remove, adjust, average, certainty)"
        )
    scale = np.where(n > 1, left_out * n / np.maximum(n - 1, 1), left_out)
    if design.adjust_domain_lonely:
        is_lonely |= (n > 1) & (n_present == 1) & ~is_census
    if design.lonely_psu == "average":
        scale = np.where(is_lonely, np.nan, scale)
    is_centred = ~is_lonely if design.lonely_psu == "adjust" else np.ones(len(n), dtype=np.bool_)
    return Rule(np.where(is_census, 0.0, scale), is_centred)


def variance_of_units(
    values: Any, chosen: Integers, stages: tuple[Stage, ...], design: SurveyDesign, *, only_diagonal: bool = False
) -> Floats:
    """The covariance (P, P) of the totals of P columns where PSUs are clusters, or its diagonal (P,).

    Arguments:
        values: totals of linearised values of the chosen groups (len(chosen), P), dense or sparse.
        chosen: the groups that hold the domain; strata without any are left out.
        stages: the stages that enter the variance.
        design: it says what a lonely PSU adds.
        only_diagonal: whether the variances are enough.

    Raises DesignError as `rule_of` does.
    """
    factor = np.ones(len(chosen))
    parent = np.zeros(len(chosen), dtype=np.int64)
    total: Floats = np.zeros(values.shape[1] if only_diagonal else (values.shape[1],) * 2)
    for stage in stages:
        if stage.unit is None:
            raise ValueError("found rows that are their own PSUs, expected clusters")
        units, first, of_group = np.unique(stage.unit[chosen], return_index=True, return_inverse=True)
        sums = _joined(values, of_group, len(units))
        present, first_of, of_unit = np.unique(stage.stratum[chosen][first], return_index=True, return_inverse=True)
        n_present: Floats = np.bincount(of_unit).astype(np.float64)
        rule = rule_of(stage, present, n_present, design)
        weights = _weights(rule, parent[first][first_of]) * factor[first][first_of]
        means = _add_up(sums, of_unit, len(present)) / stage.n_units[present][:, None]
        means = np.where(rule.is_centred[:, None], means, 0.0)
        for rows in _pieces(len(units), means.shape[1]):
            piece = sums[rows].toarray() if sparse.issparse(sums) else sums[rows]
            total += _squares(piece - means[of_unit[rows]], weights[of_unit[rows]], only_diagonal)
        total += _squares(means, weights * (stage.n_units[present] - n_present), only_diagonal)
        factor, parent = factor * (1 - stage.left_out[stage.stratum[chosen]]), stage.unit[chosen]
    return total


def variances_of_domains(
    z: Floats, holds: npt.NDArray[np.bool_], places: Places, stage: Stage, design: SurveyDesign
) -> Floats | None:
    """The variances (D, P) of the totals of P columns in each domain on its own, where PSUs of one stage are clusters.

    Arguments:
        z: totals of linearised values of the groups that lie in a domain, each of one PSU (G, P); 0 where nobody
            answered.
        holds: whether somebody answered there (G, P).
        places: the domain and the stratum of each group.
        stage: the stage of the PSUs.
        design: it says what a lonely PSU adds.

    Returns the diagonals of `variance_of_units`, domain by domain, but None where a lonely PSU is an error: that
    function names its stratum.
    """
    n_places, of_group = len(places.domain), places.of_group
    n_units = stage.n_units[places.stratum]
    n_groups = np.bincount(of_group, minlength=n_places)
    variances: Floats = np.zeros((places.n_domains, z.shape[1]))
    for p, values in enumerate(z.T):
        n_present = np.bincount(of_group, weights=holds[:, p], minlength=n_places)
        here = n_present > 0
        try:
            rule = rule_of(stage, places.stratum[here], n_present[here].astype(np.float64), design)
        except DesignError:
            return None
        weights, is_centred = np.zeros(n_places), np.ones(n_places, dtype=np.bool_)
        weights[here], is_centred[here] = _weights(rule, places.domain[here]), rule.is_centred
        means = np.where(is_centred, np.bincount(of_group, weights=values, minlength=n_places) / n_units, 0.0)
        # A group in which nobody answered adds the square of the mean, as the units without the domain do.
        squares = np.bincount(of_group, weights=(values - means[of_group]) ** 2, minlength=n_places)
        squares += (n_units - n_groups) * means**2
        variances[:, p] = np.bincount(places.domain, weights=squares * weights, minlength=places.n_domains)
    return variances


def variance_of_rows(rows: RowMoments, stage: Stage, design: SurveyDesign) -> Floats:
    """The covariance (P, P) of the totals of P columns where every row is its own PSU.

    Raises DesignError as `rule_of` does.
    """
    present, of_group = np.unique(rows.stratum, return_inverse=True)
    n_present: Floats = np.asarray(np.bincount(of_group, weights=rows.n_present), dtype=np.float64)
    n_rows = np.bincount(of_group, weights=rows.n)
    rule = rule_of(stage, present, n_present, design)
    weights = _weights(rule, np.zeros(len(present), dtype=np.int64))
    n_units = stage.n_units[present]
    means = _add_up(rows.means * rows.n[:, None], of_group, len(present)) / n_units[:, None]
    means = np.where(rule.is_centred[:, None], means, 0.0)
    centred = rows.means - means[of_group]
    total = rows.spread(weights[of_group]) + (centred * (weights[of_group] * rows.n)[:, None]).T @ centred
    return total + (means * (weights * (n_units - n_rows))[:, None]).T @ means


def _squares(values: Floats, weights: Floats, only_diagonal: bool) -> Floats:
    """Σ weight · values values' over the rows, or its diagonal."""
    if only_diagonal:
        return np.asarray(np.einsum("i,ip,ip->p", weights, values, values), dtype=np.float64)
    found: Floats = (values * weights[:, None]).T @ values
    return found


def _pieces(n_rows: int, n_columns: int) -> list[slice]:
    """A matrix's rows in pieces that are small where it is dense."""
    step = max(1, _MOST_CELLS // max(1, n_columns))
    return [slice(start, start + step) for start in range(0, n_rows, step)]


def _joined(values: Any, code: Integers, size: int) -> Any:
    """Sums of rows by their code (size, P), sparse where the values are: many columns of few units stay small."""
    if isinstance(values, np.ndarray) and values.shape[1] <= _FEW_COLUMNS:
        by_column = [np.bincount(code, weights=column, minlength=size) for column in values.T]
        return np.stack(by_column, axis=1) if by_column else np.zeros((size, 0))
    picked = sparse.csr_array((np.ones(len(code)), (code, np.arange(len(code)))), shape=(size, len(code)))
    return sparse.csr_array(picked @ values) if sparse.issparse(values) else np.asarray(picked @ values)


def _add_up(values: Any, code: Integers, size: int) -> Floats:
    """Sums of rows by their code (size, P), dense."""
    sums = _joined(values, code, size)
    return np.asarray(sums.toarray() if sparse.issparse(sums) else sums, dtype=np.float64)


def _weights(rule: Rule, parent: Integers) -> Floats:
    """The factor of each stratum's squares: strata of unknown variance count as the mean of the known ones beside them.

    NaN where no stratum of the same parent has a known variance.
    """
    is_known = ~np.isnan(rule.scale)
    codes = np.unique(parent, return_inverse=True)[1]
    n_known = np.bincount(codes, weights=is_known)
    share = np.bincount(codes) / np.where(n_known > 0, n_known, np.nan)
    return np.where(is_known, np.nan_to_num(rule.scale), 0.0) * share[codes]
