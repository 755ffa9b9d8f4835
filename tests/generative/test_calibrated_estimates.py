"""Calibrated estimates on generated samples: totals are met, two roads and two variances meet."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import DesignError
from analysis.estimation.calibrated_weights import calibrated
from analysis.estimation.calibration_steps import Calibration, read_calibration
from analysis.estimation.columnar_findings import DomainNumbers, estimates_by_domain, joint_covariance
from analysis.estimation.design import SurveyDesign
from analysis.estimation.functionals import DomainMeans, Means, Ratios, SmoothFunction, Totals
from analysis.estimation.linear import estimate_linear
from analysis.estimation.replicates import ReplicateWeights
from analysis.estimation.samples import Sample, sample_of
from analysis.estimation.tables import Sheet
from analysis.estimation.totals import Column, Floats, in_database

METHODS = ("postStratify", "rake", "linear", "raking", "logit", "bounded")


def _table(seed: int, n_psus: int = 40, *, clustered: bool = True) -> pa.Table:
    rng = np.random.default_rng(seed)
    n = 12 * n_psus
    psu = np.repeat(np.arange(n_psus), 12) if clustered else np.arange(n)
    sex, level = rng.integers(0, 2, n), rng.integers(0, 3, n)
    age = rng.integers(18, 80, n).astype(float)
    effect = rng.normal(0, 2, psu.max() + 1)[psu]
    y = 40 + 4 * sex + 3 * level + 0.2 * age + effect + rng.normal(0, 5, n)
    return pa.table(
        {
            "stratum": (psu % 4).astype(str),
            "psu": psu.astype(str),
            "w": rng.uniform(5, 15, n),
            "sex": np.array(["f", "m"])[sex],
            "level": np.array(["a", "b", "c"])[level],
            "age": age,
            "y": np.where(rng.random(n) < 0.1, np.nan, y),
            "unit": rng.integers(0, 14, n).astype(str),
        }
    )


DESIGN = SurveyDesign(strata=("stratum",), clusters=("psu",), weight="w")


def _sheet(table: pa.Table) -> Sheet:
    return Sheet("table", dict(zip(table.column_names, table.columns, strict=True)), table.num_rows)


def _known(table: pa.Table, method: str, seed: int) -> tuple[Calibration, list[tuple[Floats, float]]]:
    """A calibration to totals near those of the sample, and each calibrated column with its total."""
    rng = np.random.default_rng(seed)
    w, sex, level = table["w"].to_numpy(), np.array(table["sex"]), np.array(table["level"])
    by_sex = {label: float(w[sex == label].sum() * rng.uniform(0.9, 1.1)) for label in "fm"}
    by_level = {label: float(w[level == label].sum() * rng.uniform(0.9, 1.1)) for label in "abc"}
    size = sum(by_sex.values())
    by_level = {label: total * size / sum(by_level.values()) for label, total in by_level.items()}
    margins = {"sex": by_sex, "level": by_level}
    wanted = [((sex == label).astype(float), total) for label, total in by_sex.items()]
    if method == "postStratify":
        described = {"method": method, "margins": {"sex": by_sex}}
    elif method == "rake":
        described = {"method": method, "margins": margins, "control": {"maxit": 500, "epsilon": 1e-13}}
        wanted += [((level == label).astype(float), total) for label, total in by_level.items()]
    else:
        age = table["age"].to_numpy()
        total_age = float(w @ age / w.sum() * size * rng.uniform(0.99, 1.01))
        totals = {"(Intercept)": size, "sexm": by_sex["m"], "age": total_age}
        described = {"method": "calibrate", "formula": "~sex + age", "totals": totals}
        described |= {"calfun": "linear" if method == "bounded" else method}
        if method in ("logit", "bounded"):
            described["bounds"] = [0.5, 1.8]
        wanted.append((age, total_age))
    read = read_calibration(described, "design.calibration")
    assert read is not None
    return read, wanted


def _calibrated(table: pa.Table, method: str, seed: int, design: SurveyDesign = DESIGN) -> Sample:
    return calibrated(sample_of(table, design), _known(table, method, seed)[0], _sheet(table))


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), method=st.sampled_from(METHODS))
def test_calibrated_weights_meet_their_totals_within_their_bounds(seed: int, method: str) -> None:
    table = _table(seed)
    calibration, wanted = _known(table, method, seed)
    plain = sample_of(table, DESIGN)
    sample = calibrated(plain, calibration, _sheet(table))
    for column, total in wanted:
        assert sample.weights @ column == pytest.approx(total, rel=1e-9)
    if method in ("logit", "bounded"):
        factors = sample.weights / plain.weights
        assert 0.5 - 1e-9 <= factors.min() <= factors.max() <= 1.8 + 1e-9


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), method=st.sampled_from(METHODS))
def test_residuals_and_a_jackknife_that_calibrates_again_agree(seed: int, method: str) -> None:
    table = _table(seed, n_psus=80)
    calibration, _ = _known(table, method, seed)
    plain, sheet = sample_of(table, DESIGN), _sheet(table)
    first = plain.stages[0]
    columns, rscales = [], []
    for unit in range(80):
        h = first.stratum[first.unit == unit][0]
        n_h = first.n_units[h]
        factor = np.where(first.stratum == h, n_h / (n_h - 1), 1.0)
        columns.append(plain.weights * np.where(first.unit == unit, 0.0, factor))
        rscales.append((n_h - 1) / n_h)
    jackknife = ReplicateWeights(np.stack(columns, axis=1), 1.0, np.array(rscales), mse=True)
    y = table["y"].to_numpy()[:, None]
    by_residuals = calibrated(plain, calibration, sheet)
    again = calibrated(replace(plain, replicates=jackknife), calibration, sheet)
    for functional in (Means(y), Totals(y)):
        one, other = by_residuals.estimate(functional), again.estimate(functional)
        assert one.values == pytest.approx(other.values, rel=1e-12)
        # R weights no row in the residuals of raking, so that these are a little wider of the mark.
        assert one.se == pytest.approx(other.se, rel=0.06)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), clustered=st.booleans())
def test_the_columnar_road_meets_the_collapse(seed: int, clustered: bool) -> None:
    table = _table(seed, clustered=clustered)
    design = DESIGN if clustered else replace(DESIGN, clusters=())
    sample, y, x = sample_of(table, design), table["y"].to_numpy(), table["age"].to_numpy()
    units = sorted(set(table["unit"].to_pylist()))
    code = np.array([units.index(unit) for unit in table["unit"].to_pylist()])
    columns = (Column("y", None, "ratio", 0), Column("y", None, "total", 0), Column("y", "age", "ratio", 0))
    collapsed = estimate_linear(in_database(table), design, columns, ("unit",))
    assert [labels[0] for labels in collapsed.domains] == units
    answered = np.where(np.isnan(y), -1, code)
    filled = np.nan_to_num(y)
    for k, (numbers, is_total) in enumerate([(np.ones(len(y)), False), (np.ones(len(y)), True), (x, False)]):
        one = DomainNumbers(filled, numbers, answered, len(units), is_total=is_total)
        values, variances = estimates_by_domain(sample, one)
        assert values == pytest.approx(collapsed.values[:, k], rel=1e-9)
        assert variances == pytest.approx(collapsed.variances_within()[:, k], rel=1e-8)
    joint = sample.estimate(DomainMeans(y, code, len(units)))
    picked = np.zeros((len(units), len(units) * 3))
    picked[np.arange(len(units)), 3 * np.arange(len(units))] = 1
    assert joint.covariance == pytest.approx(collapsed.covariance_of(picked), rel=1e-8, abs=1e-14)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), method=st.sampled_from(METHODS), clustered=st.booleans())
def test_many_domains_at_once_are_each_domain_alone(seed: int, method: str, clustered: bool) -> None:
    table = _table(seed, clustered=clustered)
    sample = _calibrated(table, method, seed, DESIGN if clustered else replace(DESIGN, clusters=()))
    y, units = table["y"].to_numpy(), np.array(table["unit"]).astype(int)
    numbers = DomainNumbers(np.nan_to_num(y), np.ones(len(y)), np.where(np.isnan(y), -1, units), 14, is_total=False)
    values, variances = estimates_by_domain(sample, numbers)
    joint = joint_covariance(sample, [numbers])
    for d in range(14):
        alone = sample.within((units == d) & ~np.isnan(y)).estimate(Means(y[:, None]))
        assert values[d] == pytest.approx(alone.values[0], rel=1e-12)
        assert variances[d] == pytest.approx(alone.covariance[0, 0], rel=1e-9)
        assert joint[d, d] == pytest.approx(variances[d], rel=1e-9)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), method=st.sampled_from(METHODS))
def test_what_is_calibrated_has_no_variance(seed: int, method: str) -> None:
    table = _table(seed)
    sample = _calibrated(table, method, seed)
    _, wanted = _known(table, method, seed)
    plain = sample_of(table, DESIGN)
    for column, total in wanted:
        found = sample.estimate(Totals(column[:, None]))
        assert found.values[0] == pytest.approx(total, rel=1e-9)
        # R's ten turns leave of raked totals what ten turns leave.
        assert found.se[0] <= 1e-5 * plain.estimate(Totals(column[:, None])).se[0]


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_smooth_function_of_totals_is_the_ratio_it_spells(seed: int) -> None:
    table = _table(seed)
    y, x = np.nan_to_num(table["y"].to_numpy()), table["age"].to_numpy()
    sample = _calibrated(table, "rake", seed)
    spelled = SmoothFunction(
        np.stack([y, x], axis=1),
        lambda t: np.array([t[0] / t[1]]),
        lambda t: np.array([[1 / t[1], -t[0] / t[1] ** 2]]),
    )
    one, other = sample.estimate(spelled), sample.estimate(Ratios(y[:, None], x[:, None]))
    assert one.values == pytest.approx(other.values, rel=1e-12)
    assert one.covariance == pytest.approx(other.covariance, rel=1e-9)


def test_a_replicate_without_a_category_is_named() -> None:
    table = _table(3, n_psus=4)
    plain = sample_of(table, SurveyDesign(clusters=("psu",), weight="w"))
    weights = plain.weights[:, None] * np.array([[1.0, 1.0]])
    weights[np.array(table["sex"]) == "f", 1] = 0.0
    sample = replace(plain, replicates=ReplicateWeights(weights, 1.0, np.ones(2), mse=False))
    with pytest.raises(DesignError, match="no weight in the category f in replicate 2"):
        calibrated(sample, _known(table, "postStratify", 3)[0], _sheet(table))
