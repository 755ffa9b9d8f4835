"""The kind fay_herriot: direct estimates of areas, drawn toward what covariates say of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from analysis.estimation.questions.registry import Answer, Asked, Kind
from analysis.estimation.questions.rows import NOT_PART, result_row
from analysis.estimation.small_areas import AREA_METHODS, AreaMethod, AreaModel, fay_herriot
from analysis.estimation.spec_values import choice_at, name_at, names_at, text_at
from analysis.estimation.tables import Sheet


@dataclass(frozen=True, slots=True)
class _Areas:
    direct: str
    sampling: str
    covariates: tuple[str, ...]
    area: str | None
    method: AreaMethod

    @property
    def columns(self) -> tuple[str, ...]:
        area = () if self.area is None else (self.area,)
        return (self.direct, self.sampling, *self.covariates, *area)


def _read(estimator: Mapping[str, Any], place: str) -> _Areas:
    method = choice_at(estimator, "method", place, AREA_METHODS, "REML")
    return _Areas(
        direct=name_at(estimator, "direct", place),
        sampling=name_at(estimator, "sampling_variance", place),
        covariates=names_at(estimator, "covariates", place),
        area=text_at(estimator, "area", place),
        method=cast(AreaMethod, method),
    )


def _answer(question: _Areas, asked: Asked) -> Answer:
    sheet, inside = asked.sheet, asked.sample.inside
    direct, sampling = sheet.numbers(question.direct), sheet.numbers(question.sampling)
    bad = np.flatnonzero(inside & (sampling <= 0))
    if len(bad):
        found = f"found the sampling variance {sampling[bad[0]]:g}"
        raise sheet.refusal(question.sampling, int(bad[0]), found, "a number above 0, smoothed where n is small")
    columns = [sheet.numbers(name, needs_all=True) for name in question.covariates]
    matrix = np.stack([np.ones(sheet.n_rows), *columns], axis=1)[inside]
    model = fay_herriot(direct[inside], sampling[inside], matrix, question.method)
    areas = [area for area, is_inside in zip(_names(sheet, question.area), inside, strict=True) if is_inside]
    return Answer(_rows(question, model, areas), None, _beside(model, areas))


def _names(sheet: Sheet, area: str | None) -> list[str]:
    if area is None:
        return [str(place) for place in range(1, sheet.n_rows + 1)]
    names = [str(label) for label in sheet.whole_labels(area).to_pylist()]
    twice = next((place for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise sheet.refusal(area, twice, f"found {names[twice]} a second time", "each area in one row")
    return names


def _rows(question: _Areas, model: AreaModel, areas: list[str]) -> list[dict[str, Any]]:
    # The layout is that of metafor: normal intervals alone.
    why = {"ci": NOT_PART}
    rows = [result_row("sigma2_v", model.variance)]
    names = ("intrcpt", *question.covariates)
    for place, name in enumerate(names):
        se = math.sqrt(model.covariance[place, place])
        rows.append(result_row(f"beta:{name}", float(model.beta[place]), se, reasons=why))
    for place, name in enumerate(areas):
        domain = {question.area or "area": name}
        rows.append(result_row("EBLUP", float(model.values[place]), float(model.se[place]), domain=domain, reasons=why))
    return rows


def _beside(model: AreaModel, areas: list[str]) -> dict[str, Any]:
    extra: dict[str, Any] = {
        "mse": dict(zip(areas, model.mse.tolist(), strict=True)),
        "mse_is": "Prasad and Rao: g1 + g2 + 2 g3, less the bias of ML and PM; the rows' se is the root of g1 + g2",
        "share_of_direct": dict(zip(areas, model.share.tolist(), strict=True)),
    }
    if model.variance == 0:
        extra["note"] = "the areas differ no more than their sampling variances say: every EBLUP is what covariates say"
    return extra


FAY_HERRIOT = Kind(
    ("method", "direct", "sampling_variance", "covariates", "area"),
    _read,
    lambda question: question.columns,
    _answer,
)
