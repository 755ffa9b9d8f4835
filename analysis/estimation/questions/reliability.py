"""The kinds cronbach_alpha, svycralpha and omega: how well the items of a scale go together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import DesignError, SpecError
from analysis.estimation.factors import omega_of
from analysis.estimation.questions.registry import Answer, Asked, Kind
from analysis.estimation.questions.rows import result_row
from analysis.estimation.reliability import Alpha, alpha_of, weighted_alpha
from analysis.estimation.spec_values import is_number, shown, some_names_at, text_at
from analysis.estimation.totals import Floats

MOST_ITEMS = 500


@dataclass(frozen=True, slots=True)
class _Scale:
    items: tuple[str, ...]
    keys: tuple[int, ...]
    n_factors: int = 1


def _read(estimator: Mapping[str, Any], place: str, least: int = 2) -> _Scale:
    items = some_names_at(estimator, "items", place)
    if not least <= len(items) <= MOST_ITEMS:
        raise SpecError(f"{place}.items: found {len(items)} items, expected {least} to {MOST_ITEMS}")
    return _Scale(items, _keys(estimator.get("keys"), items, place))


def _keys(value: Any, items: tuple[str, ...], place: str) -> tuple[int, ...]:
    if value is None:
        return (1,) * len(items)
    if isinstance(value, list) and value and all(entry in items for entry in value):
        return tuple(-1 if item in value else 1 for item in items)
    if not isinstance(value, list) or len(value) != len(items) or not all(entry in (1, -1) for entry in value):
        raise SpecError(
            f"{place}.keys: found {shown(value)}, expected 1 or -1 for each item, or the items to turn round"
        )
    return tuple(int(entry) for entry in value)


def _read_alpha(estimator: Mapping[str, Any], place: str) -> _Scale:
    missing = text_at(estimator, "missing", place) or "pairwise"
    if not missing.startswith("pairwise"):
        raise SpecError(f"{place}.missing: found {shown(missing)}, expected pairwise")
    return _read(estimator, place)


def _read_omega(estimator: Mapping[str, Any], place: str) -> _Scale:
    scale = _read(estimator, place, least=3)
    count = estimator.get("nfactors")
    if count is None:
        count = 3
    if not is_number(count) or count != int(count) or not 1 <= count < len(scale.items):
        raise SpecError(
            f"{place}.nfactors: found {shown(count)}, expected a whole number from 1 to {len(scale.items) - 1}"
        )
    return _Scale(scale.items, scale.keys, int(count))


def _answers(question: _Scale, asked: Asked) -> Floats:
    return np.stack([asked.sheet.numbers(item) for item in question.items], axis=1)


def _unweighted(question: _Scale, asked: Asked) -> Floats:
    """Answers of the subset (n, k). Raises SpecError where the design has weights, which this kind does not know."""
    design = asked.specification.design
    if design.weight is not None or design.fpc or asked.specification.replicates is not None:
        raise SpecError(
            f"design: found weights for {asked.specification.kind}, expected null; svycralpha is the alpha of a design"
        )
    return _answers(question, asked)[asked.sample.inside]


def _answer_alpha(question: _Scale, asked: Asked) -> Answer:
    found = alpha_of(_unweighted(question, asked), question.keys, question.items)
    row = result_row("raw_alpha", found.raw, found.se, ci=(found.low, found.high), n=found.n)
    return Answer([row], None, _beside(found, question.items))


def _beside(found: Alpha, items: tuple[str, ...]) -> dict[str, Any]:
    def by_item(values: Floats) -> dict[str, float | None]:
        return {item: _finite(value) for item, value in zip(items, values.tolist(), strict=True)}

    extra: dict[str, Any] = {
        "std_alpha": found.standardised,
        "G6": found.g6,
        "average_r": found.average_r,
        "median_r": found.median_r,
        "mean": found.mean,
        "sd": found.sd,
        "alpha_if_dropped": by_item(found.if_dropped),
        "r_drop": by_item(found.r_drop),
        "r_cor": by_item(found.r_cor),
        "complete_rows": found.n_complete,
        "alpha_complete_cases": _finite(found.raw_complete),
    }
    if extra["alpha_complete_cases"] is None:
        extra["reason"] = "alpha_complete_cases: fewer than two rows answered every item, or their sum does not vary"
    return extra


def _answer_design_alpha(question: _Scale, asked: Asked) -> Answer:
    found = weighted_alpha(asked.sample, _answers(question, asked), question.keys)
    # R's svycralpha has no interval, and the layout of its row is kept; ours stands beside it.
    extra = {
        "se": found.se,
        "ci": None if found.low is None else [found.low, found.high],
        "df": found.df,
        "n": found.n,
        "method": "t interval of log(1 - alpha), "
        + ("spread of the replicates" if asked.sample.replicates is not None else "linearised"),
    }
    if found.reason is not None:
        extra["reason"] = found.reason
    reasons = {key: f"not part of this kind; extra.{key} has ours" for key in ("se", "ci", "df", "n")}
    return Answer([result_row("alpha", found.value, reasons=reasons)], None, extra)


def _answer_omega(question: _Scale, asked: Asked) -> Answer:
    answers = _unweighted(question, asked)
    complete = answers[~np.isnan(answers).any(axis=1)]
    if len(complete) <= len(question.items):
        raise DesignError(f"omega: found {len(complete)} rows that answered every item, expected more rows than items")
    spread = complete.std(axis=0)
    flat = [item for item, size in zip(question.items, spread, strict=True) if size == 0]
    if flat:
        raise DesignError(f"omega: found one answer throughout {', '.join(flat)}, expected items that vary")
    signs = np.asarray(question.keys, dtype=np.float64)
    correlation = np.corrcoef(complete, rowvar=False) * np.outer(signs, signs)
    found = omega_of(correlation, question.n_factors, question.items)
    rows = [
        result_row("omega_hierarchical", found.hierarchical),
        result_row("omega_total", found.total),
        result_row("alpha_standardised", found.alpha),
    ]
    extra = {
        "omega_asymptotic": found.asymptotic,
        "G6": found.g6,
        "n": len(complete),
        "general_loadings": dict(zip(question.items, found.general.tolist(), strict=True)),
        "reversed": [question.items[place] for place in found.reversed_items],
    }
    if question.n_factors == 1:
        extra["note"] = (
            "with one factor the general factor is that factor, and hierarchical omega says no more than total"
        )
    elif question.n_factors == 2:
        extra["note"] = "two group factors cannot tell their loadings on the general one apart: they are taken as alike"
    return Answer(rows, None, extra)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


ALPHA = Kind(("items", "keys", "missing"), _read_alpha, lambda question: question.items, _answer_alpha)
DESIGN_ALPHA = Kind(("items", "keys"), _read, lambda question: question.items, _answer_design_alpha)
OMEGA = Kind(("items", "keys", "nfactors"), _read_omega, lambda question: question.items, _answer_omega)
