"""Rows of an answer in the layout of the oracle's cases: a quantity that does not exist is None, with a reason."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis.estimation.intervals import t_interval
from analysis.estimation.totals import Floats

# The covariance of more rows than this is larger than anyone reads; fewer domains at a time show it.
MOST_ROWS_WITH_COVARIANCE = 2000
NOT_PART = "not part of this kind"


# A standard error below this share of the estimate is rounding.
_NOTHING = 1e-12


def note_on_certainty(value: float | None, se: float | None, df: float | None) -> dict[str, str]:
    """A `note` where a standard error of 0 is no certainty but rows that all lie in one PSU of each stratum."""
    if value is None or se is None or df is None or df > 0 or se > _NOTHING * abs(value):
        return {}
    return {"note": "its rows lie in one PSU of each stratum, and the standard error of 0 is not certainty"}


def result_row(
    statistic: str,
    value: float | None,
    se: float | None = None,
    df: float | None = None,
    df_design: float | None = None,
    *,
    domain: Mapping[str, str] | None = None,
    ci: Sequence[float | None] | None = None,
    reasons: Mapping[str, str] | None = None,
    n: int | None = None,
    deff: float | None = None,
    deff_replace: float | None = None,
    **further: Any,
) -> dict[str, Any]:
    """One row: domain, statistic, estimate, se, ci, ci_normal, df, df_design, deff, deff_replace, n, the further
    columns (method, t, p_value, p_value_t, parameter, note) and the reason.

    Arguments:
        statistic: the name of the number.
        value: the number; None and what is not finite mean that there is none, here and in what follows.
        se: its standard error.
        df: degrees of freedom of the row, with which the t interval is made.
        df_design: degrees of freedom of the design.
        domain: column → label; none for the whole sample.
        ci: the interval of methods that have their own; without it the t interval with `df` is made.
        reasons: field → why there is none; a field that is missing and not named gets "not part of this kind", or the
            reason of the estimate.
        n: rows that answered.
        deff: design effect against a simple random sample without replacement.
        deff_replace: the same with replacement.
        further: further columns; numbers among them that are not finite become None.
    """
    why = dict(reasons or {})
    value, se, df, df_design = (_finite(number) for number in (value, se, df, df_design))
    own = None if ci is None else [_finite(bound) for bound in ci]
    interval: Sequence[float | None] | None = own
    if own is None and value is not None and se is not None and df is not None:
        interval = t_interval(value, se**2, df)
        if interval is None:
            why.setdefault("ci", f"{df:g} degrees of freedom are left, PSUs minus strata")
    normal = None if value is None or se is None else t_interval(value, se**2, math.inf)
    row: dict[str, Any] = {
        "domain": dict(domain or {}),
        "statistic": statistic,
        "estimate": value,
        "se": se,
        "ci": None if interval is None else list(interval),
        "ci_normal": None if normal is None else list(normal),
        "df": _whole(df),
        "df_design": _whole(df_design),
        "deff": _finite(deff),
        "deff_replace": _finite(deff_replace),
        "n": n,
    }
    row |= {key: _finite(entry) if isinstance(entry, float) else entry for key, entry in further.items()}
    row |= {} if "note" in row else note_on_certainty(value, se, df)
    if value is None:
        why.setdefault("estimate", "it cannot be computed from these rows")
    if se is None:
        why.setdefault("se", why.get("estimate", NOT_PART))
    for key in ("ci", "ci_normal"):
        if _lacks(row[key]):
            why.setdefault(key, why.get("se", NOT_PART))
    for key, entry in row.items():
        if key != "note" and _lacks(entry):
            why.setdefault(key, NOT_PART)
    row["reason"] = "; ".join(f"{key}: {text}" for key, text in why.items() if _lacks(row.get(key))) or None
    return row


def covariance_rows(covariance: Floats) -> list[list[float | None]] | None:
    """A covariance as lists with None for what is not finite; None where it is larger than anyone reads."""
    if len(covariance) > MOST_ROWS_WITH_COVARIANCE:
        return None
    return [[value if math.isfinite(value) else None for value in row.tolist()] for row in np.asarray(covariance)]


def _lacks(entry: Any) -> bool:
    return entry is None or (isinstance(entry, list) and any(bound is None for bound in entry))


def _finite(number: float | None) -> float | None:
    return None if number is None or not math.isfinite(number) else float(number)


def _whole(number: float | None) -> float | int | None:
    return int(number) if number is not None and float(number).is_integer() else number
