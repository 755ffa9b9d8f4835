"""Differences of an index between two sets of rows, held against the joint covariance of item means."""

import ibis
import numpy as np
import pyarrow as pa
import pytest

from analysis.estimation.design import SurveyDesign
from analysis.estimation.means import estimate_means
from analysis.release.index_differences import ScoredRows, index_differences

COEFFICIENTS = np.array([0.5, 0.3, 0.2])
DESIGN = SurveyDesign(strata=("stratum",), clusters=("psu",), weight="w", nest=True)


def rows_of(seed: int, n: int = 600, n_units: int = 3) -> ScoredRows:
    random = np.random.default_rng(seed)
    unit = random.integers(0, n_units, n)
    psu = random.integers(0, 6, n)
    scores = 50 + 10 * random.normal(0, 1, (n, 3)) + 5 * random.normal(0, 1, 6)[psu][:, None]
    scores[random.random((n, 3)) < 0.1] = np.nan
    weights = random.uniform(1, 4, n)
    # The units share strata and PSUs, as those of ballots do.
    table = pa.table(
        {"stratum": [f"h{p % 2}" for p in psu], "psu": [f"p{p}" for p in psu], "w": weights, "unit": unit.astype(str)}
    )
    return ScoredRows(table, DESIGN, scores, weights, unit, n_units, COEFFICIENTS)


@pytest.mark.slow
def test_errors_are_those_of_the_joint_covariance_of_item_means() -> None:
    rows = rows_of(1)
    kept = np.random.default_rng(2).random(600) < 0.7
    everybody = np.ones(600, dtype=bool)
    found = index_differences(rows, [(kept, everybody)])
    table = rows.table
    for k in range(3):
        table = table.append_column(f"all{k}", pa.array(rows.scores[:, k]))
        table = table.append_column(f"kept{k}", pa.array(np.where(kept, rows.scores[:, k], np.nan)))
    means = estimate_means(ibis.memtable(table), DESIGN, ["kept0", "kept1", "kept2", "all0", "all1", "all2"], ["unit"])
    contrast = np.kron(np.eye(3), np.concatenate([COEFFICIENTS, -COEFFICIENTS]))
    assert found.values[0] == pytest.approx(contrast @ means.means.ravel())
    covariance = means.covariance_of(contrast)
    assert found.se[0] == pytest.approx(np.sqrt(np.diag(covariance)))
    others = np.array([[1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1]])
    assert found.excess[0] == pytest.approx(others @ found.values[0])
    assert found.excess_se[0] == pytest.approx(np.sqrt(np.diag(others @ covariance @ others.T)))
    assert found.mean_se[0] == pytest.approx(np.sqrt(covariance.sum()) / 3)
    assert found.df[0].tolist() == [4.0, 4.0, 4.0]


@pytest.mark.slow
def test_degrees_of_freedom_are_those_of_the_set_with_fewer_clusters() -> None:
    rows = rows_of(3)
    few = np.isin(np.array(rows.table["psu"]), ["p0", "p1", "p3"])
    found = index_differences(rows, [(few, ~few), (few & (rows.unit_of_row > 0), ~few)])
    assert found.df.tolist() == [[1.0] * 3, [0.0, 1.0, 1.0]]
    assert np.isnan(found.values[1, 0])
    assert np.isnan(found.se[1, 0])


@pytest.mark.slow
def test_a_set_that_is_everybody_differs_by_nothing() -> None:
    rows = rows_of(4)
    everybody = np.ones(600, dtype=bool)
    found = index_differences(rows, [(everybody, everybody)])
    assert found.values.tolist() == [[0.0] * 3]
    assert found.se == pytest.approx(np.zeros((1, 3)))
