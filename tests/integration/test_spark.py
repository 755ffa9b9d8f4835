"""The same expressions on DuckDB in this process and on a Spark cluster: one answer."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow.parquet
import pytest

from analysis.estimation.design import SurveyDesign
from analysis.estimation.linear import LinearEstimates, estimate_linear
from analysis.estimation.means import estimate_means
from analysis.estimation.preparation import INSIDE, Prepared, Quantities, prepare
from analysis.estimation.scanning import Column
from analysis.estimation.spec import parse_specification
from benchmarks.synthetic import NAMES, write_sample
from support.oracle import GOLDEN, cases
from support.spark import spark_cluster

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark")]

# Every third group of the oracle's cases is asked on both; the golden tests ask all of them on one.
EVERY = 3
# Cases of the same table and sampling are one question here: all their variables at once, up to so many.
MOST_VARIABLES = 2
DESIGNS = ("ids", "strata", "weights", "fpc", "nest", "subset")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with spark_cluster(tmp_path_factory.mktemp("spark")) as connection:
        yield connection


def _groups() -> dict[str, list[dict[str, Any]]]:
    """The cases of sums, means and ratios in the plain designs of the oracle, by table and sampling."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path in cases("oracle"):
        case = json.loads(path.read_text(encoding="utf-8"))
        design = case["design"] or {}
        is_plain = not design.get("replicates") and not design.get("calibration")
        if case["kind"] in ("svymean", "svytotal", "svyratio", "svyby_svymean", "svyby_svytotal") and is_plain:
            sampling = {key: design.get(key) for key in DESIGNS}
            groups.setdefault(json.dumps([case["data"], sampling]), []).append(case)
    return groups


def _asked_together(group: list[dict[str, Any]]) -> tuple[Prepared, list[Column]]:
    """A table with means and totals of the cases' variables in the first of their domains, and a ratio where one is."""
    estimators = [case["estimator"] for case in group]
    ratios = [[e["numerator"], e["denominator"]] for e in estimators if "numerator" in e]
    names = [name for pair in ratios[:1] for name in pair] + [
        name for e in estimators for name in e.get("variables", [])
    ]
    by = next((tuple(e["by"]) for e in estimators if e.get("by")), ())
    variables = tuple(dict.fromkeys(names))[:MOST_VARIABLES]
    specification = parse_specification(json.dumps(group[0]).encode(), "case")
    prepared = prepare(Quantities("svymean", variables, by, (), True), specification, GOLDEN / "oracle")
    means = list(prepared.columns[: MOST_VARIABLES + 1])
    totals = [replace(column, kind="total") for column in means]
    ratio = [Column(means[0].numerator, means[1].numerator, "ratio", means[-1].variable + 1)] if ratios else []
    return replace(prepared, design=replace(prepared.design, lonely_psu="adjust")), [*means, *totals, *ratio]


def _assert_alike(one: LinearEstimates, other: LinearEstimates) -> None:
    """Values, degrees of freedom, variances, design effects and the covariance of everything with everything."""
    assert one.domains == other.domains
    np.testing.assert_array_equal(one.n, other.n)
    np.testing.assert_array_equal(one.df, other.df)
    np.testing.assert_allclose(one.values, other.values, rtol=1e-9)
    scale = np.abs(np.nan_to_num(one.values)).ravel() + 1e-3
    _assert_near(one.variances_within(), other.variances_within(), scale.reshape(one.values.shape) ** 2)
    _assert_near(one.srs_variances_within(), other.srs_variances_within(), scale.reshape(one.values.shape) ** 2)
    if one.values.size <= 1200:
        every = np.eye(one.values.size)
        _assert_near(one.covariance_of(every), other.covariance_of(every), np.outer(scale, scale))


def _assert_near(one: np.ndarray, other: np.ndarray, scale: np.ndarray) -> None:
    # A covariance of nothing but rounding is as good as the numbers it is of.
    is_known = np.isfinite(one)
    np.testing.assert_array_equal(is_known, np.isfinite(other))
    assert (np.abs(one - other) <= 1e-9 * np.abs(one) + 1e-15 * scale)[is_known].all()


def test_the_oracles_designs_have_one_answer_on_both(spark: Any, tmp_path: Path) -> None:
    groups = _groups()
    assert len(groups) >= 15
    for number, group in enumerate(list(groups.values())[::EVERY]):
        prepared, columns = _asked_together(group)
        path = tmp_path / f"{number}.parquet"
        pyarrow.parquet.write_table(prepared.table, path)
        here, there = (
            estimate_linear(engine.read_parquet(path), prepared.design, columns, prepared.domain, INSIDE)
            for engine in (ibis.duckdb.connect(), spark)
        )
        _assert_alike(here, there)


def test_many_rows_have_one_answer_on_both(spark: Any, tmp_path: Path) -> None:
    path = write_sample(tmp_path / "sample.parquet", 200_000)
    design = SurveyDesign(strata=("stratum",), clusters=("psu",), weight="w")
    columns = [Column(name, None, "ratio", k) for k, name in enumerate(NAMES)]
    columns += [Column(NAMES[0], None, "total", 0), Column(NAMES[0], NAMES[1], "ratio", len(NAMES))]
    here, there = (
        estimate_linear(engine.read_parquet(path), design, columns, ("agency",))
        for engine in (ibis.duckdb.connect(), spark)
    )
    _assert_alike(here, there)
    # Composites and differences of units: the plain mean of five indices, and of each unit less the next one's.
    n_units, each = len(here.domains), len(columns)
    index = np.kron(np.eye(n_units), np.where(np.arange(each) < len(NAMES), 1 / len(NAMES), 0.0))
    wanted = np.vstack([index, index[:-1] - index[1:]])
    np.testing.assert_allclose(here.variances_of(wanted), there.variances_of(wanted), rtol=1e-9)
    np.testing.assert_allclose(wanted @ here.values.ravel(), wanted @ there.values.ravel(), rtol=1e-9, atol=1e-9)


def test_design_effects_of_composites_have_one_answer_on_both(spark: Any, tmp_path: Path) -> None:
    path = write_sample(tmp_path / "sample.parquet", 5_000)
    design = SurveyDesign(strata=("stratum",), clusters=("psu",), weight="w")
    found = [
        estimate_means(engine.read_parquet(path), design, NAMES[:3], ("agency",))
        for engine in (ibis.duckdb.connect(), spark)
    ]
    index = np.kron(np.eye(len(found[0].domains)), np.full(3, 1 / 3))
    one, other = (means.estimates_of(index, range(len(index))) for means in found)
    assert len(one) == len(other) == len(index)
    for mine, theirs in zip(one, other, strict=True):
        assert mine.reason == theirs.reason
        for name in ("value", "se", "deff"):
            here, there = getattr(mine, name), getattr(theirs, name)
            assert here is None if there is None else here == pytest.approx(there, rel=1e-9)
