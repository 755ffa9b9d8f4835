"""The kinds svyglm and svyolr: regression models of survey answers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from analysis.errors import SpecError
from analysis.estimation.families import Family, Link, family_of
from analysis.estimation.formulas import Formula, parse_formula, spelled
from analysis.estimation.model_matrices import model_matrix
from analysis.estimation.models import Coefficients, TermTest, estimate_model, term_tests, two_sided_p
from analysis.estimation.ordinal import OrdinalLink, estimate_ordinal
from analysis.estimation.questions.registry import Answer, Asked, Kind
from analysis.estimation.questions.rows import covariance_rows, result_row
from analysis.estimation.spec_values import choice_at, is_number, mapping_of, shown, text_at


@dataclass(frozen=True, slots=True)
class _Model:
    formula: Formula
    family: Family
    link: Link
    levels: Mapping[str, tuple[str, ...]]


def _formula(estimator: Mapping[str, Any], place: str) -> Formula:
    written = estimator.get("formula")
    # R breaks a long formula into a list of lines.
    if isinstance(written, list) and written and all(isinstance(line, str) for line in written):
        written = " ".join(written)
    text = text_at({"formula": written}, "formula", place)
    if text is None:
        raise SpecError(f"{place}.formula: found nothing, expected a formula such as y ~ a + b")
    formula = parse_formula(text, f"{place}.formula")
    if formula.response is None:
        raise SpecError(f"{place}.formula: found nothing before the ~ in {text!r}, expected what is explained")
    return formula


def _read_glm(estimator: Mapping[str, Any], place: str) -> _Model:
    formula = _formula(estimator, place)
    name = text_at(estimator, "family", place) or "gaussian"
    family, link = family_of(name, text_at(estimator, "link", place), place)
    return _Model(formula, family, link, _levels(estimator, place))


def _levels(estimator: Mapping[str, Any], place: str) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for label, levels in mapping_of(estimator.get("levels") or {}, f"{place}.levels").items():
        if not isinstance(levels, list) or len({str(level) for level in levels}) != len(levels):
            raise SpecError(f"{place}.levels.{label}: found {shown(levels)}, expected a list of categories, each once")
        found[label] = tuple(spelled(level) if is_number(level) else str(level) for level in levels)
    return found


def _answer_glm(question: _Model, asked: Asked) -> Answer:
    sample = asked.sample
    matrix = model_matrix(question.formula, asked.sheet, sample.inside, question.levels)
    found = estimate_model(sample, matrix, question.family, question.link)
    rows = [_coefficient(found, place) for place in range(len(found.names))]
    extra = {
        "term_tests": [_tested(test) for test in term_tests(found)],
        "family": question.family.name,
        "link": question.link.name,
        "n": found.n,
    }
    return Answer(rows, covariance_rows(found.covariance), extra)


def _coefficient(found: Coefficients, place: int) -> dict[str, Any]:
    value, se = float(found.values[place]), float(found.se[place])
    reasons = {}
    if found.is_collinear[place]:
        reasons["estimate"] = "the columns before it explain it"
    elif not np.isfinite(se):
        reasons["se"] = "no stratum and no replicate has a known variance"
    if found.df <= 0:
        reasons["ci"] = reasons["p_value"] = (
            f"{found.df:g} degrees of freedom are left, PSUs minus strata and coefficients"
        )
    if se == 0:
        reasons["t"] = reasons["p_value"] = "the standard error is 0"
    t = value / se if np.isfinite(se) and se > 0 else np.nan
    reasons |= {key: reasons["estimate"] for key in ("se", "t", "p_value") if "estimate" in reasons}
    return result_row(
        found.names[place],
        value,
        se,
        found.df,
        found.df_design,
        reasons=reasons,
        t=float(t),
        p_value=two_sided_p(float(t), found.df),
    )


def _tested(test: TermTest) -> dict[str, Any]:
    shown = {"term": test.term, "F": test.f, "df": test.df, "ddf": test.ddf, "p_value": test.p_value}
    return shown if test.reason is None else shown | {"reason": test.reason}


@dataclass(frozen=True, slots=True)
class _Ordinal:
    formula: Formula
    link: OrdinalLink
    levels: Mapping[str, tuple[str, ...]]


def _read_olr(estimator: Mapping[str, Any], place: str) -> _Ordinal:
    link = choice_at(estimator, "method", place, ("logistic", "probit"), "logistic")
    return _Ordinal(_formula(estimator, place), cast(OrdinalLink, link), _levels(estimator, place))


def _answer_olr(question: _Ordinal, asked: Asked) -> Answer:
    formula, asked = _with_factor(question.formula, asked)
    sample = asked.sample
    found = estimate_ordinal(sample, model_matrix(formula, asked.sheet, sample.inside, question.levels), question.link)
    rows = []
    for place, name in enumerate(found.names):
        why = {"estimate": "the columns before it explain it"} if found.is_collinear[place] else {}
        se = float(found.se[place])
        if not why and not np.isfinite(se):
            why = {"se": "no stratum and no replicate has a known variance"}
        rows.append(result_row(name, float(found.values[place]), se, found.df_design, found.df_design, reasons=why))
    extra = {
        "term_tests": [_tested(test) for test in term_tests(found)],
        "method": question.link,
        "df_residual": found.df,
        "n": found.n,
    }
    return Answer(rows, covariance_rows(found.covariance), extra)


def _with_factor(formula: Formula, asked: Asked) -> tuple[Formula, Asked]:
    """The formula with the response that the table has: where it lacks `A3f` and has `A3`, that is its factor.

    R needs a factor to answer to, and users keep one beside the numbers under such a name; a file holds the numbers.
    """
    response = str(formula.response)
    name = response.removesuffix("f")
    try:
        asked.sheet.columns.keys()
    except SpecError as complaint:
        if formula.variables[response][0] or name in ("", response) or name in formula.variables:
            raise
        variables = {name if label == response else label: use for label, use in formula.variables.items()}
        other = replace(formula, response=name, variables=variables | {name: ("", name)})
        again = replace(asked, columns=other.columns)
        try:
            again.sheet.columns.keys()
        except SpecError:
            raise complaint from None
        return other, again
    return formula, asked


GLM = Kind(("formula", "family", "link", "levels"), _read_glm, lambda question: question.formula.columns, _answer_glm)
OLR = Kind(("formula", "method", "levels"), _read_olr, lambda question: question.formula.columns, _answer_olr)
