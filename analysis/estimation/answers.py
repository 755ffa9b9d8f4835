"""The answer to a specification: means, totals and ratios, with intervals, design effects and covariances.

Source: R survey 4.1 (Lumley 2004): svymean, svytotal, svyratio, svyby, degf, deff and confint.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from analysis.errors import DesignError
from analysis.estimation.findings import Findings, linear_findings, replicate_findings
from analysis.estimation.intervals import standard_error, t_interval
from analysis.estimation.linear import estimate_linear
from analysis.estimation.preparation import INSIDE, ROW, Prepared, prepare, sorted_labels
from analysis.estimation.replicates import read_replicates
from analysis.estimation.spec import Specification
from analysis.estimation.tables import read_sheet
from analysis.estimation.totals import in_database
from analysis.estimation.weighting import WEIGHT, with_weights

# The covariance of more rows than this is larger than anyone reads; fewer domains at a time show it.
MOST_ROWS_WITH_COVARIANCE = 2000


def answer_of(specification: Specification, folder: Path) -> dict[str, Any]:
    """The answer in the oracle's layout: kind, ci_level, results, vcov, extra.

    Arguments:
        specification: the question.
        folder: the folder below which the data lie.

    A quantity that does not exist is None, and the row's `reason` says why.
    Raises SpecError and DesignError where the question, the file or the design cannot be.
    """
    prepared = prepare(specification, folder)
    try:
        return _answer(specification, folder, prepared)
    except DesignError as complaint:
        raise DesignError(f"{specification.data}: {complaint}") from None


def _answer(specification: Specification, folder: Path, prepared: Prepared) -> dict[str, Any]:
    is_ratio = specification.statistic == "svyratio"
    find = _finder(specification, folder, prepared)
    whole = find(()) if is_ratio or not specification.by else None
    parts = find(prepared.domain) if specification.by else None
    rows: list[dict[str, Any]] = []
    if whole is not None:
        rows += [_row(specification, whole, prepared, 0, k) for k in range(len(prepared.columns))]
    found = whole
    order: list[int] = [0]
    if parts is not None:
        found, order = parts, _in_order(parts.domains, by_text=is_ratio)
        rows += [_row(specification, parts, prepared, d, k) for d in order for k in range(len(prepared.columns))]
    vcov = None if is_ratio or found is None else _vcov(found, order)
    return {"kind": specification.kind, "ci_level": 0.95, "results": rows, "vcov": vcov, "extra": None}


def _finder(specification: Specification, folder: Path, prepared: Prepared) -> Callable[[tuple[str, ...]], Findings]:
    table = in_database(prepared.table)
    if specification.replicates is None:
        return lambda domain: linear_findings(estimate_linear(table, prepared.design, prepared.columns, domain, INSIDE))
    # The replicates come in the row order of the data, and a query keeps no order that it is not asked for.
    weights = with_weights(table, prepared.design).order_by(ROW)[WEIGHT].to_pyarrow().to_numpy()
    sheet = read_sheet(folder, specification.replicates.file, None)
    replicates = read_replicates(sheet, specification.replicates, weights)
    return lambda domain: replicate_findings(prepared.table, prepared.columns, weights, replicates, domain, INSIDE)


def _in_order(domains: tuple[tuple[str, ...], ...], *, by_text: bool) -> list[int]:
    """The domains with the first of their columns changing fastest, as R's interaction orders them."""
    if by_text:
        return sorted(range(len(domains)), key=lambda d: domains[d])
    ranks = [
        {label: place for place, label in enumerate(sorted_labels(sorted(set(labels))))}
        for labels in zip(*domains, strict=True)
    ]
    places = [[rank[label] for rank, label in zip(ranks, labels, strict=True)][::-1] for labels in domains]
    return sorted(range(len(domains)), key=places.__getitem__)


def _row(specification: Specification, found: Findings, prepared: Prepared, d: int, k: int) -> dict[str, Any]:
    reasons: dict[str, str] = {}
    is_domain = bool(found.domains[d])
    # Degrees of freedom count the PSUs of all rows of the subset or domain, also of those that did not answer.
    df = float(found.df[d]) if is_domain else found.df_design
    value, variance = _checked(specification, found, d, k, reasons)
    se = standard_error(variance)
    ci, ci_normal = t_interval(value, variance, df), t_interval(value, variance, math.inf)
    if se is None:
        reasons["se"] = reasons.get("estimate", "no stratum and no replicate has a known variance")
        reasons["ci_normal"] = reasons["se"]
    if ci is None:
        reasons["ci"] = reasons.get("se", f"{df:g} degrees of freedom are left, PSUs minus strata")
    deff, deff_replace = _design_effects(specification, found, d, k, variance, reasons)
    n = _count(specification, found, d, k, reasons)
    return {
        "domain": dict(zip(specification.by, found.domains[d], strict=True)) if is_domain else {},
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
        "reason": "; ".join(f"{key}: {why}" for key, why in reasons.items()) or None,
    }


def _checked(
    specification: Specification, found: Findings, d: int, k: int, reasons: dict[str, str]
) -> tuple[float, float]:
    n_missing = int(found.n_respondents[d] - found.n[d, k])
    if n_missing and not specification.leaves_out_missing:
        reasons["estimate"] = f"{n_missing} rows have no answer and na_rm is false"
    elif not math.isfinite(found.values[d, k]):
        reasons["estimate"] = "the denominator is 0" if found.n[d, k] else "no row answered"
    if reasons:
        return math.nan, math.nan
    return float(found.values[d, k]), float(found.variances[d, k])


def _design_effects(
    specification: Specification, found: Findings, d: int, k: int, variance: float, reasons: dict[str, str]
) -> tuple[float | None, float | None]:
    """Both design effects, where R gives them: of a ratio for the whole linearised sample, with replacement for no
    domain and no ratio.
    """
    is_ratio, is_domain = specification.statistic == "svyratio", bool(found.domains[d])
    absent = "not part of this kind"
    deff = deff_replace = None
    if is_ratio and (is_domain or specification.replicates is not None):
        reasons["deff"] = absent
    else:
        deff = _quotient(variance, float(found.srs[d, k]))
        if deff is None:
            reasons["deff"] = "a simple random sample has no variance here, or none that is known"
    if is_ratio or is_domain:
        reasons["deff_replace"] = absent
    else:
        deff_replace = _quotient(variance, float(found.srs_replace[d, k]))
        if deff_replace is None:
            reasons["deff_replace"] = "a simple random sample has no variance here, or none that is known"
    return deff, deff_replace


def _count(specification: Specification, found: Findings, d: int, k: int, reasons: dict[str, str]) -> int | None:
    """The rows that answered; of a ratio the rows of the domain, as the oracle counts them."""
    if specification.statistic != "svyratio":
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
    covariance = np.where(np.outer(is_known, is_known), covariance, np.nan)
    return [[value if math.isfinite(value) else None for value in row] for row in covariance.tolist()]


def _quotient(numerator: float, denominator: float) -> float | None:
    if not denominator or not math.isfinite(denominator) or not math.isfinite(numerator):
        return None
    return numerator / denominator


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number
