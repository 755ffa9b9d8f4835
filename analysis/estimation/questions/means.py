"""Means, totals and ratios by the collapse road, with intervals, design effects and covariances.

Source: R survey 4.1 (Lumley 2004): svymean, svytotal, svyratio, svyby, degf, deff and confint.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from analysis.errors import DesignError, SpecError
from analysis.estimation.columnar_findings import columnar_findings
from analysis.estimation.findings import Findings, linear_findings, replicate_findings
from analysis.estimation.intervals import standard_error, t_interval
from analysis.estimation.linear import estimate_linear
from analysis.estimation.parquet_tables import prepared_in_place
from analysis.estimation.preparation import INSIDE, Prepared, Quantities, prepare, sorted_labels
from analysis.estimation.questions.registry import Answer, Asked, Kind
from analysis.estimation.questions.rows import MOST_ROWS_WITH_COVARIANCE, NOT_PART, covariance_rows, note_on_certainty
from analysis.estimation.spec_values import flag_at, name_at, names_at, some_names_at

# Standard errors of simple random samples below this share of the estimate are rounding.
_ROUNDING = 1e-14


def _read_variables(estimator: Mapping[str, Any], place: str) -> Quantities:
    kind = str(estimator["type"])
    by = names_at(estimator, "by", place)
    if kind.startswith("svyby_") and not by:
        raise SpecError(f"{place}.by: found nothing, expected the columns of the domains")
    variables, factors = some_names_at(estimator, "variables", place), names_at(estimator, "factors", place)
    if set(factors) - set(variables):
        raise SpecError(f"{place}.factors: found {', '.join(factors)}, expected some of the variables")
    leaves_out_missing = flag_at(estimator, "na_rm", place, default=True)
    return Quantities(kind.removeprefix("svyby_"), variables, by, factors, leaves_out_missing)


def _read_ratio(estimator: Mapping[str, Any], place: str) -> Quantities:
    variables = (name_at(estimator, "numerator", place), name_at(estimator, "denominator", place))
    leaves_out_missing = flag_at(estimator, "na_rm", place, default=True)
    return Quantities("svyratio", variables, names_at(estimator, "by", place), (), leaves_out_missing)


def _columns(question: Quantities) -> tuple[str, ...]:
    return (*question.variables, *question.by)


def _answer(question: Quantities, asked: Asked) -> Answer:
    prepared = prepared_in_place(question, asked.specification, asked.folder)
    if prepared is None:
        prepared = prepare(question, asked.specification, asked.folder)
    is_ratio = question.statistic == "svyratio"
    find = _finder(asked, prepared)
    whole = find(()) if is_ratio or not question.by else None
    parts = find(prepared.domain) if question.by else None
    rows: list[dict[str, Any]] = []
    if whole is not None:
        rows += [_row(question, whole, prepared, 0, k) for k in range(len(prepared.columns))]
    found = whole
    order: list[int] = [0]
    if parts is not None:
        found, order = parts, in_order(parts.domains, by_text=is_ratio)
        rows += [_row(question, parts, prepared, d, k) for d in order for k in range(len(prepared.columns))]
    vcov = None if is_ratio or found is None else _vcov(found, order)
    # The oracle calls the question svyby_… where there are domains, but svyratio with or without.
    kind = f"svyby_{question.statistic}" if question.by and not is_ratio else question.statistic
    return Answer(rows, vcov, None, kind)


def _finder(asked: Asked, prepared: Prepared) -> Callable[[tuple[str, ...]], Findings]:
    specification = asked.specification
    if specification.calibration is not None:
        sample = asked.sample
        return lambda domain: columnar_findings(prepared.table, prepared.columns, sample, domain)
    if specification.replicates is not None:
        weights, replicates = asked.sample.weights, asked.sample.replicates
        if replicates is not None:
            return lambda domain: replicate_findings(
                prepared.table, prepared.columns, weights, replicates, domain, INSIDE
            )
    table, inside = prepared.rows(), prepared.inside
    return lambda domain: linear_findings(estimate_linear(table, prepared.design, prepared.columns, domain, inside))


def in_order(domains: tuple[tuple[str, ...], ...], *, by_text: bool) -> list[int]:
    """The domains with the first of their columns changing fastest, as R's interaction orders them."""
    if by_text:
        return sorted(range(len(domains)), key=lambda d: domains[d])
    ranks = [
        {label: place for place, label in enumerate(sorted_labels(sorted(set(labels))))}
        for labels in zip(*domains, strict=True)
    ]
    places = [[rank[label] for rank, label in zip(ranks, labels, strict=True)][::-1] for labels in domains]
    return sorted(range(len(domains)), key=places.__getitem__)


def _row(question: Quantities, found: Findings, prepared: Prepared, d: int, k: int) -> dict[str, Any]:
    reasons: dict[str, str] = {}
    is_domain = bool(found.domains[d])
    # Degrees of freedom count the PSUs of all rows of the subset or domain, also of those that did not answer.
    df = float(found.df[d]) if is_domain else found.df_design
    value, variance = _checked(question, found, d, k, reasons)
    se = standard_error(variance)
    ci, ci_normal = t_interval(value, variance, df), t_interval(value, variance, math.inf)
    if se is None:
        reasons["se"] = reasons.get("estimate", "no stratum and no replicate has a known variance")
        reasons["ci_normal"] = reasons["se"]
    if ci is None:
        reasons["ci"] = reasons.get("se", f"{df:g} degrees of freedom are left, PSUs minus strata")
    deff, deff_replace = _design_effects(question, found, d, k, variance, reasons)
    n = _count(question, found, d, k, reasons)
    return {
        "domain": dict(zip(question.by, found.domains[d], strict=True)) if is_domain else {},
        "statistic": prepared.statistics[k],
        "estimate": None if math.isnan(value) else value,
        "se": se,
        "ci": None if ci is None else list(ci),
        "ci_normal": None if ci_normal is None else list(ci_normal),
        "df": _whole(df),
        "df_design": _whole(found.df_design),
        "deff": deff,
        "deff_replace": deff_replace,
        "n": n,
        **note_on_certainty(value, se, df),
        "reason": "; ".join(f"{key}: {why}" for key, why in reasons.items()) or None,
    }


def _checked(question: Quantities, found: Findings, d: int, k: int, reasons: dict[str, str]) -> tuple[float, float]:
    n_missing = int(found.n_respondents[d] - found.n[d, k])
    if n_missing and not question.leaves_out_missing:
        reasons["estimate"] = f"{n_missing} rows have no answer and na_rm is false"
    elif not math.isfinite(found.values[d, k]):
        reasons["estimate"] = "the denominator is 0" if found.n[d, k] else "no row answered"
    if reasons:
        return math.nan, math.nan
    return float(found.values[d, k]), float(found.variances[d, k])


def _design_effects(
    question: Quantities, found: Findings, d: int, k: int, variance: float, reasons: dict[str, str]
) -> tuple[float | None, float | None]:
    """Both design effects, where R gives them: of a ratio for the whole linearised sample, with replacement for no
    domain and no ratio.
    """
    is_ratio, is_domain = question.statistic == "svyratio", bool(found.domains[d])
    # The spread of answers that are all alike is rounding: a quotient of two such says nothing.
    least = (_ROUNDING * float(found.values[d, k])) ** 2
    srs, srs_replace = (float(value[d, k]) for value in (found.srs, found.srs_replace))
    absent = NOT_PART
    deff = deff_replace = None
    if is_ratio and (is_domain or found.are_replicated):
        reasons["deff"] = absent
    else:
        deff = _quotient(variance, srs) if not abs(srs) <= least else None
        if deff is None:
            reasons["deff"] = "a simple random sample has no variance here, or none that is known"
    if is_ratio or is_domain:
        reasons["deff_replace"] = absent
    else:
        deff_replace = _quotient(variance, srs_replace) if not abs(srs_replace) <= least else None
        if deff_replace is None:
            reasons["deff_replace"] = "a simple random sample has no variance here, or none that is known"
    return deff, deff_replace


def _count(question: Quantities, found: Findings, d: int, k: int, reasons: dict[str, str]) -> int | None:
    """The rows that answered; of a ratio the rows of the domain, as the oracle counts them."""
    if question.statistic != "svyratio":
        return int(found.n[d, k])
    if found.domains[d]:
        return int(found.n_respondents[d])
    reasons["n"] = "not part of this kind for the whole sample"
    return None


def _vcov(found: Findings, order: list[int]) -> list[list[float | None]] | None:
    n_columns = found.values.shape[1]
    if found.values.size > MOST_ROWS_WITH_COVARIANCE:
        return None
    try:
        covariance = found.covariance()
    except DesignError:
        # Jointly every stratum takes part, also a lonely one that holds no domain, and "fail" has no value for it.
        return None
    places = [d * n_columns + k for d in order for k in range(n_columns)]
    covariance = covariance[np.ix_(places, places)]
    is_known = np.isfinite(found.values.ravel()[places])
    return covariance_rows(np.where(np.outer(is_known, is_known), covariance, np.nan))


def _quotient(numerator: float, denominator: float) -> float | None:
    if not denominator or not math.isfinite(denominator) or not math.isfinite(numerator):
        return None
    return numerator / denominator


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number


_KEYS = ("variables", "by", "na_rm", "factors")
MEANS = Kind(_KEYS, _read_variables, _columns, _answer)
RATIOS = Kind(("numerator", "denominator", "by", "na_rm"), _read_ratio, _columns, _answer)
