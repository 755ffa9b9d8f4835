"""The kind svyquantile: quantiles of columns, for the whole sample or in domains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.errors import SpecError
from analysis.estimation.domains import domains_of
from analysis.estimation.quantile_rules import RULES
from analysis.estimation.quantiles import INTERVAL_TYPES, Quantile, quantiles
from analysis.estimation.questions.registry import Answer, Asked, Kind
from analysis.estimation.questions.rows import result_row
from analysis.estimation.spec_values import choice_at, flag_at, names_at, numbers_at, some_names_at


@dataclass(frozen=True, slots=True)
class QuantileQuestion:
    """Which quantiles are asked for.

    Attributes:
        variables: the columns; by: the columns of the domains; probabilities: the shares below the quantiles.
        rule, interval: one of RULES and of INTERVAL_TYPES.
        leaves_out_missing: rows without a value are left out; otherwise one of them leaves no quantile.
    """

    variables: tuple[str, ...]
    by: tuple[str, ...]
    probabilities: tuple[float, ...]
    rule: str
    interval: str
    leaves_out_missing: bool


def _read(estimator: Mapping[str, Any], place: str) -> QuantileQuestion:
    probabilities = numbers_at(estimator, "quantiles", place)
    if not probabilities or not all(0 <= p <= 1 for p in probabilities):
        raise SpecError(f"{place}.quantiles: found {list(probabilities)}, expected shares from 0 to 1")
    return QuantileQuestion(
        variables=some_names_at(estimator, "variables", place),
        by=names_at(estimator, "by", place),
        probabilities=probabilities,
        rule=choice_at(estimator, "qrule", place, tuple(RULES), "math"),
        interval=choice_at(estimator, "interval_type", place, INTERVAL_TYPES, "mean"),
        leaves_out_missing=flag_at(estimator, "na_rm", place, default=True),
    )


def _columns(question: QuantileQuestion) -> tuple[str, ...]:
    return (*question.variables, *question.by)


def _answer(question: QuantileQuestion, asked: Asked) -> Answer:
    sample, sheet = asked.sample, asked.sheet
    domains = domains_of(sheet, question.by, sample)
    rows: list[dict[str, Any]] = []
    # With replicates the oracle calls the question by another name, and gives no degrees of freedom of the design.
    df_design = None if sample.replicates is not None else sample.df_design
    for variable in question.variables:
        x = sheet.numbers(variable)
        found = quantiles(sample, x, question.probabilities, domains, question.rule, question.interval)
        for labels, of_domain in zip(domains.labels, found, strict=True):
            domain = dict(zip(question.by, labels, strict=True))
            rows += [_row(question, variable, domain, quantile, df_design) for quantile in of_domain]
    return Answer(rows, kind="svyquantile" if sample.replicates is None else "svyquantile_rep")


def _row(
    question: QuantileQuestion, variable: str, domain: Mapping[str, str], found: Quantile, df_design: float | None
) -> dict[str, Any]:
    value, se, ends = found.value, found.se, (found.low, found.high)
    reasons: dict[str, str] = {}
    if value is None:
        reasons["estimate"] = "no row answered"
    elif found.n_missing and not question.leaves_out_missing:
        value, se, ends = None, None, (None, None)
        reasons["estimate"] = f"{found.n_missing} rows have no answer and na_rm is false"
    elif found.df <= 0:
        reasons["ci"] = f"{found.df:g} degrees of freedom are left, PSUs minus strata"
    elif None in ends:
        reasons["ci"] = "the interval of the share of people below it leaves 0 to 1, or does not exist"
    if se is None:
        reasons.setdefault("se", reasons.get("ci", reasons.get("estimate", "the interval is open")))
    return result_row(
        f"{variable}@{found.probability:.15g}",
        value,
        se,
        found.df_domain,
        df_design,
        domain=domain,
        ci=ends,
        reasons=reasons,
    )


QUANTILES = Kind(("variables", "quantiles", "qrule", "interval_type", "by", "na_rm"), _read, _columns, _answer)
