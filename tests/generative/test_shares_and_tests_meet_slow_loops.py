"""Quantiles, shares, tests and expressions against loops over rows that are written from the formulas."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import chdtrc, fdtrc, stdtrit

from analysis.estimation.associations import STATISTICS, association
from analysis.estimation.design import SurveyDesign
from analysis.estimation.domains import Domains
from analysis.estimation.expressions import truths_of
from analysis.estimation.group_tests import RANK_TESTS, difference_test, rank_test
from analysis.estimation.proportions import proportions
from analysis.estimation.quadratic_forms import exact_tail
from analysis.estimation.quantiles import quantiles
from analysis.estimation.samples import Sample, sample_of
from analysis.estimation.tables import Sheet

Row = tuple[int, int, float, float | None, int]
# Three PSUs in each of two strata at least, so that every design has degrees of freedom.
BASE: list[Row] = [(h, p, 1.0 + p, float(1 + (h * p) % 4), (h + p) % 2) for h in (0, 1) for p in range(3)]
rows_of_samples = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.integers(0, 3),
        st.sampled_from([0.5, 1.0, 2.25, 7.0]),
        st.sampled_from([1.0, 2.0, 3.0, 4.0, None]),
        st.integers(0, 1),
    ),
    min_size=4,
    max_size=30,
).map(lambda rows: BASE + rows)


def _sample(rows: list[Row]) -> tuple[Sample, Any, Any]:
    table = pa.table({"h": [str(r[0]) for r in rows], "p": [str(r[1]) for r in rows], "w": [r[2] for r in rows]})
    sample = sample_of(table, SurveyDesign(strata=("h",), clusters=("p",), weight="w", nest=True))
    y = np.array([np.nan if r[3] is None else r[3] for r in rows])
    return sample, y, np.array([r[4] for r in rows], dtype=np.int64)


def _variance(rows: list[Row], values: list[float]) -> float:
    """The variance of a total of values, one a row, by its formula."""
    total = 0.0
    for h in (0, 1):
        by_psu: dict[int, float] = {}
        for row, value in zip(rows, values, strict=True):
            if row[0] == h:
                by_psu[row[1]] = by_psu.get(row[1], 0.0) + value
        mean = sum(by_psu.values()) / len(by_psu)
        total += len(by_psu) / (len(by_psu) - 1) * sum((value - mean) ** 2 for value in by_psu.values())
    return total


def _degrees(rows: list[Row]) -> int:
    return len({(row[0], row[1]) for row in rows}) - len({row[0] for row in rows})


def _t(df: int) -> float:
    return float(stdtrit(df, 0.975))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(rows=rows_of_samples)
def test_quantiles_are_those_of_a_loop(rows: list[Row]) -> None:
    sample, y, group = _sample(rows)
    labels = (("0",), ("1",))
    found = quantiles(sample, y, (0.3, 0.5), Domains(labels, group), interval="mean")
    for code, of_domain in enumerate(found):
        here = [(row[3], row[2]) for row in rows if row[3] is not None and row[4] == code]
        whole = sum(weight for _, weight in here)

        def below(x: float, here: Any = here, whole: float = whole) -> float:
            return float(sum(weight for value, weight in here if value <= x)) / whole

        for quantile in of_domain:
            values = sorted({value for value, _ in here})
            expected = next(x for x in values if below(x) >= quantile.probability - 1e-12)
            # Below the first row's share R takes the second row; all other quantiles are the smallest that reach p.
            if below(values[0]) < quantile.probability - 1e-9:
                assert quantile.value == expected
            share = below(quantile.value)
            influence = [
                row[2] * ((row[3] <= quantile.value) - share) / whole if row[3] is not None and row[4] == code else 0.0
                for row in rows
            ]
            df = _degrees([row for row in rows if row[3] is not None and row[4] == code])
            half = _t(df) * math.sqrt(_variance(rows, influence)) if df > 0 else math.nan
            if share + half > 1 + 1e-9 or math.isnan(half):
                assert quantile.high is None
            elif share + half < 1 - 1e-9:
                assert quantile.high is not None
                assert quantile.high >= quantile.value


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(rows=rows_of_samples)
def test_shares_and_their_standard_errors_are_those_of_a_loop(rows: list[Row]) -> None:
    sample, y, group = _sample(rows)
    answers = np.where(np.isnan(y), np.nan, (y >= 3).astype(np.float64))
    found = proportions(sample, answers, Domains((("0",), ("1",)), group), ("logit", "beta", "asin", "likelihood"))
    for code, proportion in enumerate(found):
        here = [row for row in rows if row[3] is not None and row[4] == code]
        whole = sum(row[2] for row in here)
        share = sum(row[2] for row in here if (row[3] or 0) >= 3) / whole
        influence = [
            row[2] * ((row[3] >= 3) - share) / whole if row[3] is not None and row[4] == code else 0.0 for row in rows
        ]
        assert proportion.value == pytest.approx(share)
        assert proportion.se == pytest.approx(math.sqrt(_variance(rows, influence)), abs=1e-9)
        assert proportion.df == _degrees([row for row in rows if row[4] == code])
        for interval in proportion.intervals.values():
            if interval is not None and proportion.df > 1:
                assert -1e-9 <= interval[0] <= share + 1e-9
                assert interval[1] <= 1 + 1e-9


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(rows=rows_of_samples, test=st.sampled_from(RANK_TESTS))
def test_rank_tests_are_those_of_a_loop(rows: list[Row], test: str) -> None:
    sample, y, group = _sample(rows)
    found = rank_test(sample, y, group, test)
    answered = [row for row in rows if row[3] is not None]
    people = sum(row[2] for row in answered)
    # Stable, as the weights of tied rows are added up in their order.
    order = sorted(range(len(answered)), key=lambda i: answered[i][3] or 0.0)
    middle, before = {}, 0.0
    for i in order:
        middle[i] = before + answered[i][2] / 2
        before += answered[i][2]
    ranks = []
    for row in answered:
        tied = [middle[i] for i, other in enumerate(answered) if other[3] == row[3]]
        ranks.append(sum(tied) / len(tied))
    if test == "median":
        scores = [float(rank > people / 2) for rank in ranks]
    elif test == "vanderWaerden":
        scores = [float(stdtrit(1e12, rank / people)) for rank in ranks]
    else:
        scores = [rank / people for rank in ranks]
    weights = [sum(row[2] for row in answered if row[4] == g) for g in (0, 1)]
    means = [sum(r[2] * s for r, s in zip(answered, scores, strict=True) if r[4] == g) / weights[g] for g in (0, 1)]
    influence = [
        row[2] * (score - means[row[4]]) / weights[row[4]] * (1 if row[4] else -1)
        for row, score in zip(answered, scores, strict=True)
    ]
    missing = [row for row in rows if row[3] is None]
    variance = _variance(answered + missing, influence + [0.0] * len(missing))
    assert found.estimate == pytest.approx(means[1] - means[0], abs=1e-5)
    if variance > 1e-12:
        assert found.t == pytest.approx((means[1] - means[0]) / math.sqrt(variance), rel=1e-4, abs=1e-6)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(rows=rows_of_samples, factor=st.sampled_from([0.001, 3.0, 1e6]), seed=st.integers(0, 99))
def test_neither_the_scale_of_weights_nor_the_order_of_rows_matters(rows: list[Row], factor: float, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(rows))
    again = [(*rows[i][:2], rows[i][2] * factor, *rows[i][3:]) for i in order]
    results = []
    for each in (rows, again):
        sample, y, group = _sample(each)
        tests = association(sample, np.nan_to_num(y, nan=-1).astype(np.int64), group, STATISTICS)
        difference = difference_test(sample, y, group)
        results.append([*(tests[name].p_value for name in STATISTICS), difference.estimate, difference.se])
    for one, other in zip(*results, strict=True):
        assert (one is None) == (other is None)
        # The matrices behind a test may be nearly singular, and a saddlepoint starts from what is left.
        assert one is None or one == pytest.approx(other, rel=1e-4, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(x=st.floats(0.1, 20), n=st.integers(1, 6), size=st.floats(0.1, 50), df=st.floats(3, 200))
def test_alike_weights_make_a_chi_square_and_an_f(x: float, n: int, size: float, df: float) -> None:
    weights = np.full(n, size)
    assert exact_tail(x * size, weights) == pytest.approx(chdtrc(n, x), abs=1e-8)
    assert exact_tail(x * size, weights, df) == pytest.approx(fdtrc(n, df, x / n), abs=1e-7)


A: list[float | None] = [1.0, 2.0, 3.0, None]
B: list[str | None] = ["u", None, "v", "u"]
SHEET = Sheet("rows", {"a": pa.chunked_array([pa.array(A, pa.float64())]), "b": pa.chunked_array([pa.array(B)])}, 4)
Truth = list[bool | None]
leaves: st.SearchStrategy[tuple[str, Truth]] = st.sampled_from(
    [
        ("a > 1", [None if a is None else a > 1 for a in A]),
        ("a * 2 - 1 <= 3", [None if a is None else a * 2 - 1 <= 3 for a in A]),
        ("b == 'u'", [None if b is None else b == "u" for b in B]),
        ("b %in% c('v', 'w')", [b in ("v", "w") for b in B]),
        ("is.na(a)", [a is None for a in A]),
    ]
)


def _extended(inner: st.SearchStrategy[tuple[str, Truth]]) -> st.SearchStrategy[tuple[str, Truth]]:
    negated = inner.map(lambda one: (f"!({one[0]})", [None if t is None else not t for t in one[1]]))
    either = st.tuples(inner, inner).map(lambda two: (f"({two[0][0]} | {two[1][0]})", _joined(two, any_of=True)))
    both = st.tuples(inner, inner).map(lambda two: (f"({two[0][0]}) & {two[1][0]}", _joined(two, any_of=False)))
    return st.one_of(negated, either, both)


def _joined(two: tuple[tuple[str, Truth], tuple[str, Truth]], *, any_of: bool) -> Truth:
    found: Truth = []
    for one, other in zip(two[0][1], two[1][1], strict=True):
        decides = any_of in (one, other)
        found.append(any_of if decides else None if None in (one, other) else not any_of)
    return found


@settings(max_examples=60, deadline=None)
@given(expression=st.recursive(leaves, _extended, max_leaves=8).filter(lambda one: "&" not in one[0] or "(" in one[0]))
def test_expressions_have_the_logic_of_three_values(expression: tuple[str, Truth]) -> None:
    text, expected = expression
    found = truths_of(f"({text})", SHEET).numbers
    assert [None if np.isnan(number) else bool(number) for number in found] == expected
