"""The variance of a variable in the population, with its standard error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.estimation.domain_codes import domain_codes
from analysis.estimation.questions.registry import Answer, Asked, Kind
from analysis.estimation.questions.rows import result_row
from analysis.estimation.samples import Sample
from analysis.estimation.spec_values import flag_at, names_at, some_names_at
from analysis.estimation.totals import Floats


@dataclass(frozen=True, slots=True)
class VarianceQuestion:
    """The variances of some variables, in domains where there are any.

    Attributes:
        variables: what varies; by: the columns of the domains; leaves_out_missing: rows without an answer are left out.
    """

    variables: tuple[str, ...]
    by: tuple[str, ...]
    leaves_out_missing: bool


@dataclass(frozen=True)
class PopulationVariance:
    """Σ w (y - mean)² / Σ w times n / (n - 1), as a functional.

    Attributes:
        y: (n,), no value missing where the weight is not 0.
        factor: n / (n - 1).
    """

    y: Floats
    factor: float

    def values(self, weights: Floats) -> Floats:
        """The variance (1,), NaN without weights."""
        return self._parts(weights)[0]

    def influence(self, weights: Floats) -> Floats:
        """Weight times linearised value (n, 1): the mean's own error adds nothing, because squares are least there."""
        value, squares, total = self._parts(weights)
        found: Floats = (weights * (squares - value[0]) / total)[:, None]
        return found

    def _parts(self, weights: Floats) -> tuple[Floats, Floats, float]:
        y, total = np.nan_to_num(self.y), float(weights.sum())
        if not total:
            return np.array([np.nan]), np.zeros(len(y)), 1.0
        squares = (y - weights @ y / total) ** 2 * self.factor
        return np.array([weights @ squares / total]), squares, total


def _read(estimator: Mapping[str, Any], place: str) -> VarianceQuestion:
    return VarianceQuestion(
        variables=some_names_at(estimator, "variables", place),
        by=names_at(estimator, "by", place),
        leaves_out_missing=flag_at(estimator, "na_rm", place, default=True),
    )


def _columns(question: VarianceQuestion) -> tuple[str, ...]:
    return (*question.variables, *question.by)


def _answer(question: VarianceQuestion, asked: Asked) -> Answer:
    sheet, sample = asked.sheet, asked.sample
    parts: list[tuple[dict[str, str], Sample]] = [({}, sample)]
    if question.by:
        domains, code = domain_codes(sheet, question.by, sample.inside & sample.rows)
        parts = [
            (dict(zip(question.by, labels, strict=True)), sample.within(code == d)) for d, labels in enumerate(domains)
        ]
    rows = []
    for variable in question.variables:
        y = sheet.numbers(variable)
        rows += [_row(question, variable, y, part, domain) for domain, part in parts]
    return Answer(rows)


def _row(
    question: VarianceQuestion, variable: str, y: Floats, sample: Sample, domain: Mapping[str, str]
) -> dict[str, Any]:
    answered = sample.within(~np.isnan(y))
    n_all, n = int(sample.inside.sum()), int(answered.inside.sum())
    reasons = {}
    if n < n_all and not question.leaves_out_missing:
        reasons["estimate"] = f"{n_all - n} rows have no answer and na_rm is false"
    elif n < 2:
        reasons["estimate"] = f"{n} rows answered, and a variance needs two"
    if reasons:
        return result_row(variable, None, None, sample.df, domain=domain, reasons=reasons)
    # R counts the rows before it leaves out the missing ones where the variance is linearised, but not with replicates.
    counted = n if sample.replicates is not None else n_all
    found = answered.estimate(PopulationVariance(y, counted / (counted - 1)))
    reasons["se"] = "no stratum and no replicate has a known variance"
    return result_row(variable, found.values[0], found.se[0], sample.df, domain=domain, reasons=reasons)


# Source: R survey, svyvar. Golden files: *__var__*.json of tests/golden/oracle.
VARIANCES = Kind(("variables", "by", "na_rm"), _read, _columns, _answer)
