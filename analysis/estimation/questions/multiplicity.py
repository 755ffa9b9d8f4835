"""The kind p_adjust: p values of many comparisons, adjusted. It needs no table."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import SpecError
from analysis.estimation.multiplicity import METHODS, Method, adjusted
from analysis.estimation.questions.registry import Answer, Asked, Kind
from analysis.estimation.questions.rows import result_row
from analysis.estimation.spec_values import is_number, shown


@dataclass(frozen=True, slots=True)
class _Adjustment:
    p_values: tuple[float, ...]
    methods: tuple[Method, ...]


def _read(estimator: Mapping[str, Any], place: str) -> _Adjustment:
    listed = estimator.get("p")
    if not isinstance(listed, list) or not listed:
        raise SpecError(f"{place}.p: found {shown(listed)}, expected a list of p values")
    for entry in listed:
        if entry is not None and not (is_number(entry) and 0 <= entry <= 1):
            raise SpecError(f"{place}.p: found {shown(entry)}, expected numbers from 0 to 1, or null for no test")
    asked = estimator.get("methods")
    names = list(METHODS) if asked is None else asked if isinstance(asked, list) else [asked]
    methods = tuple(method for name in names for method in METHODS if method == name)
    if len(methods) != len(names) or len(set(methods)) != len(methods) or not methods:
        raise SpecError(f"{place}.methods: found {shown(asked)}, expected some of {', '.join(METHODS)}")
    return _Adjustment(tuple(math.nan if entry is None else float(entry) for entry in listed), methods)


def _answer(question: _Adjustment, asked: Asked) -> Answer:
    p_values = np.array(question.p_values)
    rows = [
        result_row(f"{method}[{place}]", value, reasons={"estimate": "no test was made"} if math.isnan(value) else None)
        for method in question.methods
        for place, value in enumerate(adjusted(p_values, method).tolist(), start=1)
    ]
    return Answer(rows)


P_ADJUST = Kind(("p", "methods"), _read, lambda question: (), _answer)
