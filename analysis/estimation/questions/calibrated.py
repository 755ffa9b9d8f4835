"""Calibrated weights as a question: the weights themselves, what they did, and estimates that show their variance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import SpecError
from analysis.estimation.calibrated_weights import diagnostics
from analysis.estimation.columnar_findings import DomainNumbers, df_by_domain, estimates_by_domain
from analysis.estimation.domain_codes import domain_codes
from analysis.estimation.questions.registry import Answer, Asked, Kind
from analysis.estimation.questions.rows import result_row
from analysis.estimation.samples import Sample, specified_sample
from analysis.estimation.spec_values import flag_at, names_at, some_names_at
from analysis.estimation.totals import Floats


@dataclass(frozen=True, slots=True)
class CalibratedQuestion:
    """Means and totals of some variables with calibrated weights, and the means of the first in domains.

    Attributes:
        method: the calibration that the design must have; variables: what is estimated; by: the columns of the domains.
        needs_replicates: whether the design must have replicates.
    """

    method: str
    variables: tuple[str, ...]
    by: tuple[str, ...]
    needs_replicates: bool


def _read(estimator: Mapping[str, Any], place: str) -> CalibratedQuestion:
    kind = str(estimator["type"])
    if not flag_at(estimator, "na_rm", place, default=True):
        raise SpecError(f"{place}.na_rm: found false, expected true: rows without an answer are a domain here")
    return CalibratedQuestion(
        method=kind.removeprefix("rep_"),
        variables=some_names_at(estimator, "variables", place),
        by=names_at(estimator, "by", place),
        needs_replicates=kind.startswith("rep_"),
    )


def _columns(question: CalibratedQuestion) -> tuple[str, ...]:
    return (*question.variables, *question.by)


def _answer(question: CalibratedQuestion, asked: Asked) -> Answer:
    specification = asked.specification
    found = None if specification.calibration is None else specification.calibration.method
    if found != question.method:
        expected = f"{question.method}, which {specification.kind} asks about"
        raise SpecError(f"design.calibration.method: found {found or 'nothing'}, expected {expected}")
    if question.needs_replicates and specification.replicates is None:
        raise SpecError(f"design.replicates: found nothing, expected replicate weights for {specification.kind}")
    sheet = asked.sheet
    answered = question.variables if question.method == "svystandardize" else ()
    sample = specified_sample(sheet, specification, asked.folder, answered)
    rows = []
    for variable in question.variables:
        y = sheet.numbers(variable)
        rows += _whole_rows(sample, variable, y)
    if question.by:
        rows += _domain_rows(sample, question, sheet.numbers(question.variables[0]), asked)
    weights = np.where(sample.rows, sample.weights, 0.0)
    extra: dict[str, Any] = {"diagnostics": diagnostics(sample)}
    # Standardised weights serve the comparison of domains alone, and are nobody's weights.
    if question.method != "svystandardize":
        extra = {"calibrated_weights": weights.tolist()} | extra
    return Answer(rows, None, extra)


def _whole_rows(sample: Sample, variable: str, y: Floats) -> list[dict[str, Any]]:
    code = np.where(sample.inside & sample.rows & ~np.isnan(y), 0, -1).astype(np.int64)
    rows = []
    for name, is_total in (("mean", False), ("total", True)):
        numbers = DomainNumbers(np.nan_to_num(y), np.ones(len(y)), code, 1, is_total=is_total)
        values, variances = estimates_by_domain(sample, numbers)
        rows.append(
            _row(f"{name}:{variable}", values[0], variances[0], sample.df_design, {}, is_there=(code == 0).any())
        )
    return rows


def _domain_rows(sample: Sample, question: CalibratedQuestion, y: Floats, asked: Asked) -> list[dict[str, Any]]:
    domains, code = domain_codes(asked.sheet, question.by, sample.inside & sample.rows)
    answered = np.where(np.isnan(y), -1, code)
    numbers = DomainNumbers(np.nan_to_num(y), np.ones(len(y)), answered, len(domains), is_total=False)
    values, variances = estimates_by_domain(sample, numbers)
    df = df_by_domain(sample, code, len(domains))
    n = np.bincount(answered[answered >= 0], minlength=len(domains))
    return [
        _row(
            f"mean:{question.variables[0]}",
            values[d],
            variances[d],
            float(df[d]),
            dict(zip(question.by, labels, strict=True)),
            is_there=bool(n[d]),
        )
        for d, labels in enumerate(domains)
    ]


def _row(
    statistic: str, value: float, variance: float, df: float, domain: Mapping[str, str], *, is_there: bool
) -> dict[str, Any]:
    if not is_there:
        return result_row(statistic, None, None, df, domain=domain, reasons={"estimate": "no row answered"})
    reasons = {"se": "no stratum and no replicate has a known variance"}
    return result_row(statistic, value, float(np.sqrt(max(variance, 0.0))), df, domain=domain, reasons=reasons)


CALIBRATED = Kind(("variables", "by", "na_rm"), _read, _columns, _answer)
