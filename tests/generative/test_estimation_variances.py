"""Two roads to one variance: the arrays against loops written straight from the formulas, on generated samples."""

import math
from dataclasses import dataclass, replace

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.estimation.design import SurveyDesign
from analysis.estimation.linear import LinearEstimates, estimate_linear
from analysis.estimation.means import estimate_means
from analysis.estimation.totals import Column

pytestmark = pytest.mark.slow

MEAN, TOTAL, RATIO = Column("y", None, "ratio", 0), Column("y", None, "total", 0), Column("y", "x", "ratio", 0)


@dataclass(frozen=True)
class Row:
    stratum: int
    psu: int
    size: int
    unit: str | None
    w: float
    y: float | None
    x: float


@st.composite
def samples(draw: st.DrawFn, most_psus: int = 4, missing: bool = True) -> tuple[Row, ...]:
    """Rows of two or three strata with two PSUs or more each, in domains that cross them."""
    rows: list[Row] = []
    number = st.floats(-50, 50).map(lambda value: round(value, 2))
    for stratum in range(draw(st.integers(2, 3))):
        n_psus = draw(st.integers(2, most_psus))
        size = n_psus + draw(st.integers(0, 6))
        for psu in range(n_psus):
            for _ in range(draw(st.integers(1, 3))):
                unit = draw(st.sampled_from(["a", "b", None]))
                y = draw(st.none() | number) if missing else draw(number)
                w = draw(st.floats(0.5, 9).map(lambda value: round(value, 2)))
                rows.append(Row(stratum, 10 * stratum + psu, size, unit, w, y, draw(st.floats(1, 5))))
    return tuple(rows)


def _estimates(rows: tuple[Row, ...], design: SurveyDesign, column: Column, by: tuple[str, ...]) -> LinearEstimates:
    names = ("stratum", "psu", "size", "unit", "w", "y", "x")
    types = (pa.int64(), pa.int64(), pa.int64(), pa.string(), pa.float64(), pa.float64(), pa.float64())
    arrays = {n: pa.array([getattr(row, n) for row in rows], t) for n, t in zip(names, types, strict=True)}
    return estimate_linear(ibis.memtable(pa.table(arrays)), design, [column], by)


def _linearised(rows: tuple[Row, ...], column: Column, unit: str) -> tuple[float, list[float]]:
    """The estimate of a domain, and each row's contribution to its linearised total."""
    chosen = [row.unit == unit and row.y is not None for row in rows]
    y = [row.y if row.y is not None else 0.0 for row in rows]
    x = [row.x if column.denominator else 1.0 for row in rows]
    total = sum(row.w * y[i] for i, row in enumerate(rows) if chosen[i])
    if column.kind == "total":
        return total, [row.w * y[i] if chosen[i] else 0.0 for i, row in enumerate(rows)]
    below = sum(row.w * x[i] for i, row in enumerate(rows) if chosen[i])
    ratio = total / below
    z = [row.w * (y[i] - ratio * x[i]) / below if chosen[i] else 0.0 for i, row in enumerate(rows)]
    return ratio, z


def _covariance_by_loops(rows: tuple[Row, ...], z1: list[float], z2: list[float], clustered: bool, fpc: bool) -> float:
    """Σ over strata of (1 - f) n / (n - 1) Σ (t - t̄)(u - ū), a loop for every sign of the formula."""
    covariance = 0.0
    for stratum in sorted({row.stratum for row in rows}):
        inside = [i for i, row in enumerate(rows) if row.stratum == stratum]
        psus = sorted({rows[i].psu for i in inside}) if clustered else inside
        t, u = [], []
        for psu in psus:
            members = [i for i in inside if rows[i].psu == psu] if clustered else [psu]
            t.append(math.fsum(z1[i] for i in members))
            u.append(math.fsum(z2[i] for i in members))
        n = len(psus)
        left_out = 1 - n / rows[inside[0]].size if fpc else 1.0
        t_mean, u_mean = math.fsum(t) / n, math.fsum(u) / n
        products = math.fsum((a - t_mean) * (b - u_mean) for a, b in zip(t, u, strict=True))
        covariance += left_out * n / (n - 1) * products
    return covariance


@settings(max_examples=12, deadline=None)
@given(samples(), st.sampled_from([MEAN, TOTAL, RATIO]), st.booleans(), st.booleans())
def test_arrays_agree_with_loops_from_the_formula(
    rows: tuple[Row, ...], column: Column, clustered: bool, fpc: bool
) -> None:
    if not clustered:
        sizes = {stratum: sum(row.stratum == stratum for row in rows) + 5 for stratum in (0, 1, 2)}
        rows = tuple(replace(row, size=sizes[row.stratum]) for row in rows)
    design = SurveyDesign(
        strata=("stratum",), clusters=("psu",) if clustered else (), fpc=("size",) if fpc else (), weight="w"
    )
    found = _estimates(rows, design, column, ("unit",))
    known = [d for d in range(len(found.domains)) if not math.isnan(found.values[d, 0])]
    joint = found.covariance_of(np.eye(len(found.domains)))
    by_loops = {d: _linearised(rows, column, found.domains[d][0]) for d in known}
    for d in known:
        value, z = by_loops[d]
        expected = _covariance_by_loops(rows, z, z, clustered, fpc)
        assert found.values[d, 0] == pytest.approx(value, rel=1e-12, abs=1e-12)
        floor = 1e-13 * max(1.0, value * value)
        assert found.covariance_within(d, [0])[0, 0] == pytest.approx(expected, rel=1e-9, abs=floor)
        for other in known:
            cross = _covariance_by_loops(rows, z, by_loops[other][1], clustered, fpc)
            assert joint[d, other] == pytest.approx(cross, rel=1e-9, abs=1e-12 * max(1.0, value * value))


def _jackknife(rows: tuple[Row, ...], column: Column) -> float:
    """The delete-one-PSU jackknife of a stratified sample, one replicate after the other."""
    psus = sorted({(row.stratum, row.psu) for row in rows})
    whole = tuple(replace(row, unit="all") for row in rows)
    estimate, _ = _linearised(whole, column, "all")
    variance = 0.0
    for stratum, psu in psus:
        n = sum(other == stratum for other, _ in psus)
        kept = tuple(
            replace(row, w=row.w * n / (n - 1) if row.stratum == stratum else row.w) for row in whole if row.psu != psu
        )
        variance += (n - 1) / n * (_linearised(kept, column, "all")[0] - estimate) ** 2
    return variance


CLUSTERED = SurveyDesign(strata=("stratum",), clusters=("psu",), weight="w")


@settings(max_examples=8, deadline=None)
@given(samples(missing=False))
def test_of_a_total_the_jackknife_is_the_linearised_variance(rows: tuple[Row, ...]) -> None:
    found = _estimates(rows, CLUSTERED, TOTAL, ())
    # About the strata's own means the jackknife of a total is exact; about the whole estimate too, because the
    # replicates of each stratum have the estimate as their mean.
    floor = 1e-10 * max(1.0, float(found.values[0, 0]) ** 2)
    assert found.covariance_within(0, [0])[0, 0] == pytest.approx(_jackknife(rows, TOTAL), rel=1e-9, abs=floor)


@pytest.mark.parametrize("column", [MEAN, RATIO], ids=["mean", "ratio"])
def test_of_a_mean_the_jackknife_comes_near_in_a_large_sample(column: Column) -> None:
    draw = np.random.default_rng(3)
    rows = tuple(
        Row(psu % 2, psu, 0, "a", float(draw.uniform(1, 2)), float(draw.normal(psu % 7, 2)), float(draw.uniform(1, 5)))
        for psu in range(80)
        for _ in range(4)
    )
    found = _estimates(rows, CLUSTERED, column, ())
    assert found.covariance_within(0, [0])[0, 0] == pytest.approx(_jackknife(rows, column), rel=0.05)


@settings(max_examples=5, deadline=None)
@given(samples(), st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_the_rows_does_not_matter(rows: tuple[Row, ...], random: object, clustered: bool) -> None:
    design = CLUSTERED if clustered else SurveyDesign(strata=("stratum",), weight="w")
    shuffled = list(rows)
    random.shuffle(shuffled)
    for column in (MEAN, TOTAL, RATIO):
        one, other = (_estimates(some, design, column, ("unit",)) for some in (rows, tuple(shuffled)))
        assert one.domains == other.domains
        size = np.eye(len(one.domains))
        np.testing.assert_allclose(one.values, other.values, rtol=1e-12, atol=1e-11)
        np.testing.assert_allclose(one.covariance_of(size), other.covariance_of(size), rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(one.df, other.df)


@settings(max_examples=5, deadline=None)
@given(samples(), st.floats(0.01, 1000), st.booleans())
def test_means_do_not_depend_on_the_scale_of_the_weights(rows: tuple[Row, ...], factor: float, clustered: bool) -> None:
    design = CLUSTERED if clustered else SurveyDesign(strata=("stratum",), weight="w")
    scaled = tuple(replace(row, w=row.w * factor) for row in rows)
    for column in (MEAN, RATIO):
        one, other = (_estimates(some, design, column, ("unit",)) for some in (rows, scaled))
        size = np.eye(len(one.domains))
        np.testing.assert_allclose(one.values, other.values, rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(one.covariance_of(size), other.covariance_of(size), rtol=1e-9, atol=1e-11)


@settings(max_examples=4, deadline=None)
@given(samples())
def test_a_mean_set_is_the_linear_estimate_of_its_items(rows: tuple[Row, ...]) -> None:
    table = pa.table(
        {name: [getattr(row, name) for row in rows] for name in ("stratum", "psu", "w", "x")}
        | {"y": pa.array([row.y for row in rows], pa.float64())}
    )
    found = estimate_means(ibis.memtable(table), CLUSTERED, ("y", "x"))
    for k, column in enumerate((MEAN, Column("x", None, "ratio", 0))):
        alone = estimate_linear(ibis.memtable(table), CLUSTERED, [column])
        np.testing.assert_allclose(found.values[0, k], alone.values[0, 0], rtol=1e-12)
        joint, own = found.covariance_of(np.eye(2))[k, k], alone.covariance_of(np.eye(1))[0, 0]
        np.testing.assert_allclose(joint, own, rtol=1e-9, atol=1e-15)
