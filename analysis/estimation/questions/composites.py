"""Composite indices: weighted sums of item means, each over those who answered the item, by the delta method.

Source: Särndal, Swensson and Wretman (1992), §5.5; R survey, svytotal and svycontrast. Golden files: *__index__*.json
of tests/golden/oracle.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.errors import SpecError
from analysis.estimation.columnar_findings import DomainNumbers, df_by_domain, variances_in_blocks
from analysis.estimation.domain_codes import domain_codes
from analysis.estimation.functionals import Means, Totals
from analysis.estimation.linear import LinearEstimates, estimate_linear
from analysis.estimation.preparation import INSIDE, Prepared, Quantities, prepare
from analysis.estimation.questions.registry import Answer, Asked, Kind
from analysis.estimation.questions.rows import covariance_rows, result_row
from analysis.estimation.samples import Estimated, Sample
from analysis.estimation.spec_values import (
    known_keys,
    mapping_of,
    names_at,
    number_at,
    numbers_at,
    some_names_at,
    text_at,
)
from analysis.estimation.totals import Floats, Integers, in_database

_VCOV_IS = "covariance of the item means over the whole sample, in item order"


@dataclass(frozen=True, slots=True)
class CompositeQuestion:
    """Σ a · mean of (item - subtract) · multiply.

    Attributes:
        label: the name of the index; None: what the specification is called.
        items: the K columns; coefficients: a (K,), of any sum; subtract, multiply: what is done to each answer first.
        by: the columns of the domains.
    """

    label: str | None
    items: tuple[str, ...]
    coefficients: tuple[float, ...]
    subtract: float
    multiply: float
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """The index of one domain: its labels, value and variance, rows, degrees of freedom, items that nobody answered."""

    labels: tuple[str, ...]
    value: float
    variance: float
    n: int
    df: float
    unanswered: tuple[str, ...]


def _read(estimator: Mapping[str, Any], place: str) -> CompositeQuestion:
    items = some_names_at(estimator, "items", place)
    coefficients = numbers_at(estimator, "coefficients", place)
    if len(coefficients) != len(items):
        raise SpecError(f"{place}.coefficients: found {len(coefficients)} numbers, expected {len(items)}, one an item")
    transform = mapping_of(estimator.get("item_transform") or {}, f"{place}.item_transform")
    known_keys(transform, ("subtract", "multiply"), f"{place}.item_transform")
    multiply = number_at(transform, "multiply", f"{place}.item_transform")
    return CompositeQuestion(
        label=text_at(estimator, "label", place),
        items=items,
        coefficients=coefficients,
        subtract=number_at(transform, "subtract", f"{place}.item_transform") or 0.0,
        multiply=1.0 if multiply is None else multiply,
        by=names_at(estimator, "by", place),
    )


def _columns(question: CompositeQuestion) -> tuple[str, ...]:
    return (*question.items, *question.by)


def _answer(question: CompositeQuestion, asked: Asked) -> Answer:
    specification = asked.specification
    name = question.label or specification.label or "index"
    is_plain = specification.calibration is None and specification.replicates is None
    found = _plain(question, asked) if is_plain else None
    parts, means, covariance, df_design = _sampled(question, asked) if found is None else found
    rows = []
    for part in parts:
        reasons = {"se": "no stratum and no replicate has a known variance"}
        if part.unanswered:
            reasons = {"estimate": f"no row answered {', '.join(part.unanswered)}"}
        rows.append(
            result_row(
                name,
                part.value,
                float(np.sqrt(max(part.variance, 0.0))),
                part.df,
                df_design,
                domain=dict(zip(question.by, part.labels, strict=False)),
                reasons=reasons,
                n=part.n,
            )
        )
    item_means = {item: _known(value) for item, value in zip(question.items, means, strict=True)}
    return Answer(rows, covariance_rows(covariance), {"item_means": item_means, "vcov_is": _VCOV_IS})


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


Found = tuple[list[Part], Floats, Floats, float]


def _plain(question: CompositeQuestion, asked: Asked) -> Found | None:
    """The answer by the collapse road; None where a stratum's lonely PSU makes it matter which strata hold a domain."""
    wanted = Quantities("svymean", question.items, question.by, (), leaves_out_missing=True)
    prepared = prepare(wanted, asked.specification, asked.folder)
    if prepared.statistics != question.items:
        raise SpecError("estimator.items: found an item of categories, expected numbers")
    table = _transformed(prepared, question)
    whole = estimate_linear(in_database(table), prepared.design, prepared.columns, (), INSIDE)
    if prepared.design.adjust_domain_lonely or any((stage.n_units == 1).any() for stage in whole.stages):
        return None
    parts = _parts(whole, question, whole.df_design)
    if question.by:
        found = estimate_linear(in_database(table), prepared.design, prepared.columns, prepared.domain, INSIDE)
        parts += _parts(found, question, None)
    return parts, whole.values[0], whole.covariance_of(np.eye(len(question.items))), whole.df_design


def _transformed(prepared: Prepared, question: CompositeQuestion) -> pa.Table:
    table = prepared.table
    for column in prepared.columns:
        values = pc.multiply(pc.subtract(table[column.numerator], question.subtract), question.multiply)
        table = table.set_column(table.column_names.index(column.numerator), column.numerator, values)
    return table


def _parts(found: LinearEstimates, question: CompositeQuestion, df: float | None) -> list[Part]:
    coefficients, size = np.array(question.coefficients), len(question.items)
    matrix = np.zeros((len(found.domains), len(found.domains) * size))
    for d in range(len(found.domains)):
        matrix[d, d * size : (d + 1) * size] = coefficients
    variances = found.variances_of(matrix)
    parts = []
    for d, labels in enumerate(found.domains):
        unanswered = _unanswered(question, found.values[d])
        value = float("nan") if unanswered else float(np.nan_to_num(found.values[d]) @ coefficients)
        own = float(found.df[d]) if df is None else df
        parts.append(Part(labels, value, float(variances[d]), int(found.n_respondents[d]), own, unanswered))
    return parts


def _unanswered(question: CompositeQuestion, means: Floats) -> tuple[str, ...]:
    each = zip(question.items, question.coefficients, means, strict=True)
    return tuple(item for item, coefficient, mean in each if coefficient and np.isnan(mean))


def _sampled(question: CompositeQuestion, asked: Asked) -> Found:
    """The answer by the columnar road: calibrated weights, replicates, lonely PSUs."""
    sheet, sample = asked.sheet, asked.sample
    answers = np.stack([sheet.numbers(item) for item in question.items], axis=1)
    y = (answers - question.subtract) * question.multiply
    whole = _item_means(sample, y)
    parts = [_part(question, sample, whole, ())]
    if question.by:
        domains, code = domain_codes(sheet, question.by, sample.inside & sample.rows)
        if sample.calibration and sample.replicates is None:
            return (
                parts + _calibrated_parts(question, sample, y, domains, code),
                whole.values,
                whole.covariance,
                sample.df,
            )
        for d, labels in enumerate(domains):
            within = sample.within(code == d)
            parts.append(_part(question, within, _item_means(within, y), labels))
    return parts, whole.values, whole.covariance, sample.df_design


def _calibrated_parts(
    question: CompositeQuestion, sample: Sample, y: Floats, domains: list[tuple[str, ...]], code: Integers
) -> list[Part]:
    """The index of each domain where all rows stay in the design: one sparse column of influence values a domain."""
    active, size = sample.active, len(domains)
    means, influence = np.empty((size, y.shape[1])), np.zeros(len(active))
    for k, column in enumerate(y.T):
        answered = np.where(np.isnan(column), -1, code)
        numbers = DomainNumbers(np.nan_to_num(column), np.ones(len(active)), answered, size, is_total=False)
        means[:, k] = numbers.values(active)
        influence += question.coefficients[k] * numbers.influence_in_domain(active)
    everybody = DomainNumbers(influence, influence, code, size, is_total=True)
    variances = variances_in_blocks(sample, everybody.scattered(influence))
    df = df_by_domain(sample, code, size)
    n = np.bincount(code[code >= 0], minlength=size)
    parts = []
    for d, labels in enumerate(domains):
        unanswered = _unanswered(question, means[d])
        value = float("nan") if unanswered else float(np.nan_to_num(means[d]) @ np.array(question.coefficients))
        parts.append(Part(labels, value, float(variances[d]), int(n[d]), float(df[d]), unanswered))
    return parts


def _item_means(sample: Sample, y: Floats) -> Estimated:
    """The means of the items; with replicates by the delta method from the replicates of their totals, as R has it."""
    if sample.replicates is None:
        return sample.estimate(Means(y))
    size = y.shape[1]
    found = sample.estimate(Totals(np.concatenate([y, np.where(np.isnan(y), np.nan, 1.0)], axis=1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        means = found.values[:size] / found.values[size:]
        jacobian = np.concatenate([np.eye(size), -np.diag(np.nan_to_num(means))], axis=1) / found.values[size:, None]
    return Estimated(means, jacobian @ found.covariance @ jacobian.T)


def _part(question: CompositeQuestion, sample: Sample, means: Estimated, labels: tuple[str, ...]) -> Part:
    coefficients = np.array(question.coefficients)
    used = np.flatnonzero(coefficients)
    unanswered = _unanswered(question, means.values)
    value = float("nan") if unanswered else float(means.values[used] @ coefficients[used])
    covariance = means.covariance[np.ix_(used, used)]
    variance = float(coefficients[used] @ covariance @ coefficients[used])
    return Part(labels, value, variance, int(sample.inside.sum()), sample.df, unanswered)


COMPOSITE = Kind(("label", "items", "coefficients", "item_transform", "by"), _read, _columns, _answer)
