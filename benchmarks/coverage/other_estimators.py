"""Totals, quantiles, shares, calibration whose variance knows of it, and replicates."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from analysis.estimation.calibrated_weights import calibrated
from analysis.estimation.calibration_steps import Calibration, KnownTotals, Raking
from analysis.estimation.domains import Domains
from analysis.estimation.functionals import Totals
from analysis.estimation.proportions import Proportion, proportions
from analysis.estimation.quantiles import Quantile, quantiles
from analysis.estimation.replication import replicate_weights
from analysis.estimation.samples import Sample, sample_of
from analysis.estimation.tables import Sheet
from benchmarks.coverage.province import DESIGN, Floats, Integers
from benchmarks.coverage.rounds import Intervals, Round, t_intervals

_METHODS = ("mean", "logit", "beta", "asin", "likelihood")


def _sample_calibrated(found: Round) -> Sample:
    """Weights repaired by PSU and raked to age and to sex within units, with the variance that follows from both."""
    drawn, province = found.drawn, found.drawn.province
    unit = np.array(province.units)
    ages, sexes = (np.char.add(np.char.add(unit[drawn.unit], "/"), codes[drawn.answered].astype(str))
                   for codes in (province.age, province.sex))  # fmt: skip
    table = drawn.table(drawn.cell_weights, age=pa.array(ages), sex=pa.array(sexes))
    margins = tuple(_known(found, name, codes) for name, codes in (("age", province.age), ("sex", province.sex)))
    raking = Calibration("rake", (Raking(margins, 200, 1e-8),))
    sheet = Sheet("table", dict(zip(table.column_names, table.columns, strict=True)), table.num_rows)
    return calibrated(sample_of(table, DESIGN), raking, sheet)


def _known(found: Round, name: str, codes: Integers) -> KnownTotals:
    province, n = found.drawn.province, int(codes.max()) + 1
    counts = np.bincount(n * province.unit + codes, minlength=n * found.n_units)
    return KnownTotals(
        (name,), {(f"{unit}/{c}",): float(counts[n * u + c]) for u, unit in enumerate(province.units) for c in range(n)}
    )


def _raked(found: Round) -> Intervals:
    got = found.calibrated(_sample_calibrated).estimate(found.unit_indices)
    return t_intervals(got.values, got.se, found.df, found.truth)


def _total(found: Round, sample: Sample) -> Intervals:
    """How many people of each unit were at the office."""
    visited = found.drawn.province.visited[found.drawn.answered].astype(np.float64)
    columns = np.where(found.drawn.unit[:, None] == np.arange(found.n_units), visited[:, None], 0.0)
    got = sample.estimate(Totals(columns))
    return t_intervals(got.values, got.se, found.df, found.truths.visitors)


def _units(found: Round) -> Domains:
    return Domains(tuple((unit,) for unit in found.units), found.drawn.unit)


def _median(found: Round) -> Intervals:
    """The minutes that half of a unit's people waited less than."""
    minutes = found.drawn.province.minutes[found.drawn.answered]
    got = [of_unit[0] for of_unit in quantiles(found.sample, minutes, [0.5], _units(found))]
    return _of_quantiles(got, found.truths.median_minutes)


def _long(found: Round) -> Intervals:
    """The minutes that nine of ten people of the province waited less than."""
    got = quantiles(found.sample, found.drawn.province.minutes[found.drawn.answered], [0.9])[0]
    return _of_quantiles(list(got), np.array([found.truths.long_minutes]))


def _of_quantiles(got: list[Quantile], truth: Floats) -> Intervals:
    columns = ([getattr(one, name) for one in got] for name in ("value", "low", "high"))
    return Intervals(truth, *(np.array(column, dtype=np.float64) for column in columns))


def _shares(found: Round) -> tuple[Proportion, ...]:
    """Who is satisfied with the last item, in each half of a unit: some 94 of a hundred, of about 90 people."""
    answers = found.drawn.satisfied[:, -1] / 100
    labels = tuple((str(half),) for half in range(2 * found.n_units))
    return proportions(found.sample, answers, Domains(labels, found.drawn.stratum), _METHODS)


def _share(method: str) -> Callable[[Round], Intervals]:
    def run(found: Round) -> Intervals:
        got = found.shares(_shares)
        ends = np.array([one.intervals[method] or (np.nan, np.nan) for one in got], dtype=np.float64)
        values = np.array([one.value for one in got], dtype=np.float64)
        return Intervals(100 * found.truths.feedback, 100 * values, 100 * ends[:, 0], 100 * ends[:, 1])

    return run


def _replicated(kind: str) -> Callable[[Round], Intervals]:
    def run(found: Round) -> Intervals:
        made = replicate_weights(found.sample, kind, n_replicates=100, seed=found.drawn.number)  # type: ignore[arg-type]
        got = replace(found.sample, replicates=made).estimate(found.unit_indices)
        return t_intervals(got.values, got.se, found.df, found.truth)

    return run


OTHERS: Mapping[str, Callable[[Round], Intervals]] = {
    "unit index, raked to age and sex, residuals": _raked,
    "unit index, jackknife (JKn)": _replicated("JKn"),
    "unit index, bootstrap (Rao-Wu, 100)": _replicated("RaoWu"),
    "total of a unit, calibration not in its variance": lambda found: _total(found, found.sample),
    "total of a unit, raked, residuals": lambda found: _total(found, found.calibrated(_sample_calibrated)),
    "median of a unit": _median,
    "ninth decile of the province": _long,
    **{f"share near 94 % in half a unit, {method}": _share(method) for method in _METHODS},
}
