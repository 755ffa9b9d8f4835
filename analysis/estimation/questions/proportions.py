"""The kind svyciprop: the share of rows for which an expression is true, by several methods, in several domains."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from analysis.errors import SpecError
from analysis.estimation.domains import domains_of, everybody
from analysis.estimation.expressions import columns_in, truths_of
from analysis.estimation.intervals import t_quantile
from analysis.estimation.proportions import BLIND_METHODS, METHODS, Proportion, proportions
from analysis.estimation.questions.registry import Answer, Asked, Kind
from analysis.estimation.questions.rows import result_row
from analysis.estimation.spec_values import flag_at, names_at, text_at

_PLACE = "estimator.expression"


@dataclass(frozen=True, slots=True)
class ShareQuestion:
    """Whose share is asked for.

    Attributes:
        expression: true for those who are counted; label: the name of the share in the answer,
            None for what the specification calls itself.
        methods: of the intervals, one row each; by: the columns of the domains, beside the whole.
        leaves_out_missing: rows without a truth are left out; otherwise one of them leaves no share.
    """

    expression: str
    label: str | None
    methods: tuple[str, ...]
    by: tuple[str, ...]
    leaves_out_missing: bool


def _read(estimator: Mapping[str, Any], place: str) -> ShareQuestion:
    expression = text_at(estimator, "expression", place)
    if expression is None:
        raise SpecError(f"{place}.expression: found nothing, expected one such as \"sch.wide == 'Yes'\"")
    columns_in(expression, f"{place}.expression")
    return ShareQuestion(
        expression=expression,
        label=text_at(estimator, "label", place),
        methods=_methods(estimator.get("methods"), place),
        by=names_at(estimator, "by", place),
        leaves_out_missing=flag_at(estimator, "na_rm", place, default=True),
    )


def _methods(value: Any, place: str) -> tuple[str, ...]:
    listed = ["beta"] if value is None else value if isinstance(value, list) else [value]
    for method in listed:
        if method not in METHODS:
            raise SpecError(f"{place}.methods: found {json.dumps(method)}, expected some of {', '.join(METHODS)}")
    if not listed or len(set(listed)) != len(listed):
        raise SpecError(f"{place}.methods: found {json.dumps(value)}, expected each method once, and at least one")
    return tuple(listed)


def _columns(question: ShareQuestion) -> tuple[str, ...]:
    return (*columns_in(question.expression, _PLACE), *question.by)


def _answer(question: ShareQuestion, asked: Asked) -> Answer:
    sample, sheet = asked.sample, asked.sheet
    answers = truths_of(question.expression, sheet, _PLACE).numbers
    named = replace(question, label=question.label or asked.specification.label or question.expression)
    rows: list[dict[str, Any]] = []
    for by in ((), question.by)[: 1 + bool(question.by)]:
        domains = domains_of(sheet, by, sample) if by else everybody(sample)
        found = proportions(sample, answers, domains, question.methods)
        for labels, share in zip(domains.labels, found, strict=True):
            domain = dict(zip(by, labels, strict=True))
            rows += [_row(named, domain, share, method, sample.df_design) for method in question.methods]
    return Answer(rows)


def _row(
    question: ShareQuestion, domain: Mapping[str, str], share: Proportion, method: str, df_design: float
) -> dict[str, Any]:
    value, se, interval = share.value, share.se, share.intervals[method]
    reasons: dict[str, str] = {}
    if not question.leaves_out_missing and share.n_missing:
        value = se = interval = None
        reasons["estimate"] = f"{share.n_missing} rows have no answer and na_rm is false"
    elif value is None:
        reasons["estimate"] = "no row answered"
    elif se is None:
        reasons["se"] = "no stratum and no replicate has a known variance"
    elif interval is None:
        reasons["ci"] = (
            f"{share.df:g} degrees of freedom are left, PSUs minus strata"
            if share.df <= 0
            else "weights below 0 leave this method nothing to stand on"
        )
    note = _note(share, method)
    if value is not None and se is not None and interval is not None and not share.is_unanimous:
        interval, note = _as_in_r(value, se, share.df, method, interval)
    return result_row(
        question.label or question.expression,
        value,
        se,
        share.df,
        df_design,
        domain=domain,
        ci=(None, None) if interval is None else interval,
        reasons=reasons,
        method=method,
        note=note,
    )


def _as_in_r(
    value: float, se: float, df: float, method: str, interval: tuple[float, float]
) -> tuple[tuple[float, float], str | None]:
    """The interval as R has it, whose answers are those of this command, and a note where it cannot be meant."""
    if method == "beta" and se == 0:
        # qbeta is one half where both parameters are infinite.
        return (0.5, 0.5), "the variance is 0: the share is known, and this interval is R's convention alone"
    if method == "asin" and (interval[0] <= 0 or interval[1] >= 1):
        # The sine of an angle below 0 or above a right one turns back into the scale.
        centre, half = math.asin(math.sqrt(value)), t_quantile(0.975, df) * se / (2 * math.sqrt(value * (1 - value)))
        turned = (math.sin(centre - half) ** 2, math.sin(centre + half) ** 2)
        return turned, f"the scale ends: the bounds are {interval[0]:.6g} and {interval[1]:.6g}, R turns back into it"
    return interval, None


def _note(share: Proportion, method: str) -> str | None:
    if not share.is_unanimous or share.intervals[method] is None:
        return None
    if method in BLIND_METHODS and share.se == 0 and share.intervals[method] == (share.value, share.value):
        return "all answers are alike: this method sees no uncertainty, beta does"
    return f"all answers are alike: the interval is that of {share.independent:.6g} independent answers"


PROPORTIONS = Kind(("expression", "label", "methods", "by", "na_rm"), _read, _columns, _answer)
