"""The kinds svychisq, svyttest and svyranktest: whether characteristics go together and whether groups differ."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import SpecError
from analysis.estimation.associations import STATISTICS, association
from analysis.estimation.domains import coded
from analysis.estimation.expressions import columns_in, numbers_of, truths_of
from analysis.estimation.group_tests import RANK_TESTS, RankTest, TTest, difference_test, mean_test, rank_test
from analysis.estimation.preparation import sorted_labels
from analysis.estimation.questions.registry import Answer, Asked, Kind
from analysis.estimation.questions.rows import result_row
from analysis.estimation.spec_values import names_at, shown, text_at
from analysis.estimation.tables import Sheet
from analysis.estimation.totals import Integers

_PLACE = "estimator.formula"
_FACTOR = re.compile(r"\s*(?:as\.)?factor\(\s*(`[^`]+`|[\w.]+)\s*\)\s*$")
_NAME = re.compile(r"\s*(`[^`]+`|[^\W\d][\w.]*|\.[\w.]*)\s*$")


@dataclass(frozen=True, slots=True)
class AssociationQuestion:
    """Two columns of categories and the statistics of their test."""

    variables: tuple[str, str]
    statistics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupQuestion:
    """What is compared between which groups.

    Attributes:
        response: an expression with a number for each row; column: the groups are its labels, None for an expression.
        condition: the groups are where it is false and where it is true; None for a column, or where the response is
            compared with 0.
        tests: the rank tests; empty for a t test.
    """

    response: str
    column: str | None
    condition: str | None
    tests: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it needs."""
        group = () if self.column is None else (self.column,)
        condition = () if self.condition is None else columns_in(self.condition, _PLACE)
        return (*columns_in(self.response, _PLACE), *group, *condition)


def _some_of(estimator: Mapping[str, Any], key: str, place: str, known: Sequence[str], count: int) -> tuple[str, ...]:
    value = estimator.get(key)
    listed = list(known[:count]) if value is None else value if isinstance(value, list) else [value]
    for one in listed:
        if one not in known:
            raise SpecError(f"{place}.{key}: found {json.dumps(one)}, expected some of {', '.join(known)}")
    if not listed or len(set(listed)) != len(listed):
        raise SpecError(f"{place}.{key}: found {shown(value)}, expected each one once, and at least one")
    return tuple(listed)


def _read_association(estimator: Mapping[str, Any], place: str) -> AssociationQuestion:
    names = names_at(estimator, "variables", place)
    if len(names) != 2:
        raise SpecError(f"{place}.variables: found {shown(estimator.get('variables'))}, expected two columns")
    return AssociationQuestion((names[0], names[1]), _some_of(estimator, "statistics", place, STATISTICS, 4))


def _read_t_test(estimator: Mapping[str, Any], place: str) -> GroupQuestion:
    return _read_groups(estimator, place, ())


def _read_rank_test(estimator: Mapping[str, Any], place: str) -> GroupQuestion:
    question = _read_groups(estimator, place, _some_of(estimator, "tests", place, RANK_TESTS, 3))
    if question.column is None and question.condition is None:
        raise SpecError(f"{place}.formula: found no groups in {shown(estimator.get('formula'))}, expected y ~ group")
    return question


def _read_groups(estimator: Mapping[str, Any], place: str, tests: tuple[str, ...]) -> GroupQuestion:
    formula = text_at(estimator, "formula", place)
    sides = (formula or "").split("~")
    if len(sides) != 2 or not all(side.strip() for side in sides):
        raise SpecError(f"{place}.formula: found {shown(formula)}, expected one such as y ~ group")
    response, group = sides[0].strip(), sides[1].strip()
    columns_in(response, f"{place}.formula")
    if group in ("0", "1"):
        return GroupQuestion(response, None, None, tests)
    if named := _FACTOR.match(group) or _NAME.match(group):
        return GroupQuestion(response, named[1].strip("`"), None, tests)
    columns_in(group, f"{place}.formula")
    return GroupQuestion(response, None, group, tests)


def _answer_association(question: AssociationQuestion, asked: Asked) -> Answer:
    rows, columns = (coded(asked.sheet, name)[0] for name in question.variables)
    try:
        found = association(asked.sample, rows, columns, question.statistics)
    except SpecError as complaint:
        raise SpecError(f"estimator.variables: {', '.join(question.variables)}: {complaint}") from None
    return Answer(
        [
            result_row(
                f"svychisq_{name}",
                test.statistic,
                df_design=asked.sample.df_design,
                reasons=_reasons(test.reason, "estimate", "p_value"),
                method=name,
                parameter=dict(test.parameter) or None,
                p_value=test.p_value,
            )
            for name, test in found.items()
        ]
    )


def _answer_t_test(question: GroupQuestion, asked: Asked) -> Answer:
    y = numbers_of(question.response, asked.sheet, _PLACE)
    try:
        if question.column is None and question.condition is None:
            test = mean_test(asked.sample, y)
        else:
            test = difference_test(asked.sample, y, _two_groups(question, asked, y))
    except SpecError as complaint:
        raise SpecError(f"{_PLACE}: {complaint}") from None
    return Answer([_t_row(test)])


def _t_row(test: TTest) -> dict[str, Any]:
    ci = (test.low, test.high)
    reasons = _reasons(test.reason, "t", "p_value", "ci")
    return result_row(
        "difference", test.estimate, None, test.df, ci=ci, reasons=reasons, t=test.t, p_value=test.p_value
    )


def _answer_rank_test(question: GroupQuestion, asked: Asked) -> Answer:
    y = numbers_of(question.response, asked.sheet, _PLACE)
    group = _groups(question, asked.sheet)
    try:
        found = {name: rank_test(asked.sample, y, group, name) for name in question.tests}
    except SpecError as complaint:
        raise SpecError(f"{_PLACE}: {complaint}") from None
    return Answer([_rank_row(name, test) for name, test in found.items()])


def _rank_row(name: str, test: RankTest) -> dict[str, Any]:
    reasons = _reasons(test.reason, "t", "p_value")
    if test.ndf == 1:
        return result_row(name, test.estimate, None, test.df, reasons=reasons, t=test.t, p_value=test.p_value)
    reasons["estimate"] = "more than two groups have no one difference"
    parameter = {"chi2": test.chi2, "ndf": test.ndf, "ddf": test.df}
    return result_row(name, None, None, test.df, reasons=reasons, t=None, p_value=test.p_value, parameter=parameter)


def _groups(question: GroupQuestion, sheet: Sheet) -> Integers:
    """The group of each row (n,), in the order of the labels, -1 where missing."""
    if question.column is None:
        truth = truths_of(question.condition or "", sheet, _PLACE)
        return np.where(truth.is_true, 1, np.where(truth.is_false, 0, -1))
    code, labels = coded(sheet, question.column)
    places = {label: place for place, label in enumerate(sorted_labels(labels))}
    ranks = np.array([*(places[label] for label in labels), -1], dtype=np.int64)
    return ranks[code]


def _two_groups(question: GroupQuestion, asked: Asked, y: Any) -> Integers:
    """The groups that occur among the answered rows as 0 and 1; SpecError where they are not two."""
    group = _groups(question, asked.sheet)
    levels = np.unique(group[asked.sample.inside & ~np.isnan(y) & (group >= 0)])
    if len(levels) != 2:
        raise SpecError(f"found {len(levels)} groups with answers, expected two")
    return np.where(group == levels[0], 0, np.where(group == levels[1], 1, -1))


def _reasons(reason: str | None, *fields: str) -> dict[str, str]:
    return {} if reason is None else dict.fromkeys(fields, reason)


ASSOCIATION = Kind(
    ("variables", "statistics"), _read_association, lambda question: question.variables, _answer_association
)
DIFFERENCE = Kind(("formula",), _read_t_test, lambda question: question.columns, _answer_t_test)
RANKS = Kind(("formula", "tests"), _read_rank_test, lambda question: question.columns, _answer_rank_test)
