"""Differences of means between domains, and of each domain from all the others.

Plain designs take the collapse road, whose cost is that of one scan; calibrated and replicated ones the columnar road.

Source: R survey, svyby(covmat = TRUE) and svycontrast; Särndal, Swensson and Wretman (1992), §5.8. Golden files:
*__diff__*.json and *__versus_rest__*.json of tests/golden/oracle.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse
from scipy.special import stdtr

from analysis.errors import DesignError, SpecError
from analysis.estimation.columnar_findings import DomainNumbers, joint_covariance
from analysis.estimation.domain_codes import domain_codes
from analysis.estimation.functionals import DomainMeans
from analysis.estimation.linear import LinearEstimates, estimate_linear
from analysis.estimation.preparation import INSIDE, Quantities, prepare
from analysis.estimation.questions.means import in_order
from analysis.estimation.questions.registry import Answer, Asked, Kind
from analysis.estimation.questions.rows import MOST_ROWS_WITH_COVARIANCE, covariance_rows, result_row
from analysis.estimation.spec_values import name_at, shown, some_names_at
from analysis.estimation.totals import Column, Floats, in_database

# Of so many domains and fewer each is compared with the rest on its own.
_FEW_DOMAINS = 10
_UNKNOWN = "no stratum and no replicate has a known variance"


@dataclass(frozen=True, slots=True)
class ContrastQuestion:
    """Differences between the means of one variable.

    Attributes:
        variable: whose means; by: the columns of the domains.
        pairs: the labels of the domains, first minus second; several columns' labels are joined by a full stop.
    """

    variable: str
    by: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]


def _read_differences(estimator: Mapping[str, Any], place: str) -> ContrastQuestion:
    pairs = estimator.get("pairs")
    expected = "pairs of labels, first minus second"
    if not isinstance(pairs, list) or not pairs:
        raise SpecError(f"{place}.pairs: found {shown(pairs)}, expected {expected}")
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(part, str | int) for part in pair):
            raise SpecError(f"{place}.pairs: found {shown(pair)}, expected {expected}")
        if pair[0] == pair[1]:
            raise SpecError(f"{place}.pairs: found {shown(pair)}, expected two different domains")
    read = tuple((str(first), str(second)) for first, second in pairs)
    return ContrastQuestion(name_at(estimator, "variables", place), some_names_at(estimator, "by", place), read)


def _read_rest(estimator: Mapping[str, Any], place: str) -> ContrastQuestion:
    return ContrastQuestion(name_at(estimator, "variables", place), some_names_at(estimator, "by", place), ())


def _columns(question: ContrastQuestion) -> tuple[str, ...]:
    return (question.variable, *question.by)


def _is_plain(asked: Asked) -> bool:
    return asked.specification.calibration is None and asked.specification.replicates is None


def _answer_differences(question: ContrastQuestion, asked: Asked) -> Answer:
    names, values, covariance, df = _plain_means(question, asked) if _is_plain(asked) else _sampled(question, asked)
    place = {name: d for d, name in enumerate(names)}
    rows = []
    for first, second in question.pairs:
        for name in (first, second):
            if name not in place:
                known = ", ".join(names[:20])
                raise SpecError(f"estimator.pairs: found {shown(name)}, expected domains with answers among {known}")
        i, j = place[first], place[second]
        variance = covariance[i, i] + covariance[j, j] - covariance[i, j] - covariance[j, i]
        rows.append(_contrast_row(f"{first} - {second}", values[i] - values[j], float(variance), df, {}, tested=True))
    vcov = covariance_rows(covariance)
    return Answer(rows, vcov, {"order": list(names), "estimates": [float(value) for value in values]})


def _contrast_row(
    statistic: str, value: float, variance: float, df: float, domain: Mapping[str, str], *, tested: bool
) -> dict[str, Any]:
    se = math.sqrt(max(variance, 0.0)) if math.isfinite(variance) else math.nan
    further: dict[str, Any] = {}
    reasons = {"se": _UNKNOWN}
    if tested:
        is_known = math.isfinite(se) and se > 0
        t = value / se if is_known else None
        p = float(2 * stdtr(df, -abs(t))) if t is not None and df > 0 else None
        further = {"t": t, "p_value_t": p}
        why = "no degrees of freedom are left" if is_known else "there is no standard error above 0"
        reasons |= {"t": why, "p_value_t": why}
    return result_row(statistic, value, se, df, df, domain=domain, reasons=reasons, **further)


def _plain(question: ContrastQuestion, asked: Asked) -> tuple[LinearEstimates, list[int], float]:
    """Means and numbers of people by the collapse road, the order of the domains, and the degrees of freedom of all."""
    wanted = Quantities("svymean", (question.variable,), question.by, (), leaves_out_missing=True)
    prepared = prepare(wanted, asked.specification, asked.folder)
    if len(prepared.columns) != 1 or prepared.statistics != (question.variable,):
        raise SpecError(f"estimator.variables: found the categories of {question.variable}, expected numbers")
    table, y = prepared.table, prepared.table["__y0"]
    is_answered = pc.and_(table[INSIDE], pc.and_(pc.is_valid(y), pc.invert(pc.fill_null(pc.is_nan(y), False))))
    if not pc.any(is_answered).as_py():
        raise DesignError(f"column {question.variable}: found no answers, expected some")
    people = pc.if_else(is_answered, 1.0, pa.scalar(None, pa.float64()))
    answered = table.set_column(table.column_names.index(INSIDE), INSIDE, is_answered).append_column("__people", people)
    columns = (prepared.columns[0], Column("__people", None, "total", 1))
    found = estimate_linear(in_database(answered), prepared.design, columns, prepared.domain, INSIDE)
    df = found.df_design
    if pc.any(pc.and_(table[INSIDE], pc.invert(is_answered))).as_py():
        # R leaves rows without an answer out of the design before it compares; degrees of freedom count all rows.
        whole = estimate_linear(in_database(table), prepared.design, prepared.columns, (), INSIDE)
        df = whole.df_design
    return found, in_order(found.domains, by_text=False), df


def _plain_means(question: ContrastQuestion, asked: Asked) -> tuple[tuple[str, ...], Floats, Floats, float]:
    found, order, df = _plain(question, asked)
    _refuse_too_many(len(order))
    places = (np.arange(len(order)), 2 * np.array(order))
    picked = sparse.csr_array((np.ones(len(order)), places), shape=(len(order), 2 * len(order)))
    names = tuple(".".join(found.domains[d]) for d in order)
    return names, found.values[order, 0], found.covariance_of(picked), df


def _sampled(question: ContrastQuestion, asked: Asked) -> tuple[tuple[str, ...], Floats, Floats, float]:
    sheet, sample = asked.sheet, asked.sample
    y = sheet.numbers(question.variable)
    answered = sample.within(~np.isnan(y))
    domains, code = domain_codes(sheet, question.by, answered.inside & answered.rows)
    _refuse_too_many(len(domains))
    found = answered.estimate(DomainMeans(y, code, len(domains)))
    return tuple(".".join(labels) for labels in domains), found.values, found.covariance, sample.df_design


def _refuse_too_many(n_domains: int) -> None:
    if n_domains > MOST_ROWS_WITH_COVARIANCE:
        raise SpecError(
            f"estimator.by: found {n_domains} domains, expected at most {MOST_ROWS_WITH_COVARIANCE} to compare jointly"
        )


def _answer_rest(question: ContrastQuestion, asked: Asked) -> Answer:
    compare = _plain_rest if _is_plain(asked) else _sampled_rest
    labels, values, variances, df = compare(question, asked)
    rows = [
        _contrast_row(
            f"{question.variable}: in - rest",
            float(value),
            float(variance),
            df,
            dict(zip(question.by, domain, strict=True)),
            tested=False,
        )
        for domain, value, variance in zip(labels, values, variances, strict=True)
    ]
    return Answer(rows)


Compared = tuple[Sequence[tuple[str, ...]], Floats, Floats, float]


def _plain_rest(question: ContrastQuestion, asked: Asked) -> Compared:
    """The mean of the others is Σ T m / Σ T over them, of means m and numbers of people T, with its derivatives."""
    found, order, _ = _plain(question, asked)
    means = found.values[:, 0]
    _refuse_single(len(order))
    rest, derivatives = _rest(means, found.values[:, 1])
    variances = found.variances_of(derivatives.transpose(0, 2, 1).reshape(len(order), 2 * len(order)))
    return [found.domains[d] for d in order], (means - rest)[order], variances[order], found.df_design


def _rest(means: Floats, people: Floats) -> tuple[Floats, Floats]:
    """The means of the others (D,), and the derivatives of the differences from them by means and people (D, 2, D)."""
    rest_people = people.sum() - people
    rest = ((people @ means) - people * means) / rest_people
    by_mean = -people[None, :] / rest_people[:, None]
    by_people = -(means[None, :] - rest[:, None]) / rest_people[:, None]
    np.fill_diagonal(by_mean, 1.0)
    np.fill_diagonal(by_people, 0.0)
    return rest, np.stack([by_mean, by_people], axis=1)


def _sampled_rest(question: ContrastQuestion, asked: Asked) -> Compared:
    sheet, sample = asked.sheet, asked.sample
    y = sheet.numbers(question.variable)
    answered = sample.within(~np.isnan(y))
    domains, code = domain_codes(sheet, question.by, answered.inside & answered.rows)
    _refuse_single(len(domains))
    values, variances = np.empty(len(domains)), np.empty(len(domains))
    if answered.calibration and answered.replicates is None and len(domains) > _FEW_DOMAINS:
        numbers = [
            DomainNumbers(column, np.ones(len(y)), code, len(domains), is_total=is_total)
            for column, is_total in ((np.nan_to_num(y), False), (np.ones(len(y)), True))
        ]
        means, people = (one.values(answered.active) for one in numbers)
        rest, derivatives = _rest(means, people)
        joint = joint_covariance(answered, numbers)
        flat = derivatives.transpose(0, 2, 1).reshape(len(domains), -1)
        return domains, means - rest, np.einsum("mi,ij,mj->m", flat, joint, flat, optimize=True), answered.df
    for d in range(len(domains)):
        sides = np.where(code < 0, -1, (code != d).astype(np.int64))
        found = answered.estimate(DomainMeans(y, sides, 2))
        values[d] = found.values[0] - found.values[1]
        variances[d] = found.covariance[0, 0] + found.covariance[1, 1] - 2 * found.covariance[0, 1]
    # R leaves rows without an answer out of the design before it compares.
    return domains, values, variances, answered.df


def _refuse_single(n_domains: int) -> None:
    if n_domains < 2:
        raise SpecError(f"estimator.by: found {n_domains} domains with answers, expected two or more")


DIFFERENCES = Kind(("variables", "by", "pairs"), _read_differences, _columns, _answer_differences)
REST = Kind(("variables", "by"), _read_rest, _columns, _answer_rest)
