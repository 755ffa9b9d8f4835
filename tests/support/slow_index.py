"""The index and its standard error by loops over respondents, straight from the formulas, for small tables."""

from collections.abc import Callable, Mapping, Sequence
from math import nan, sqrt

from support.archives import ROOT_WEIGHTS, Row

ITEMS = ("a", "b", "c")


def slow_root(
    rows: Sequence[Row],
    population: Mapping[str, int] | None,
    belongs: Callable[[Row], bool],
    *,
    has_fpc: bool = False,
    score: Callable[[str], float] = lambda code: 25.0 * (int(code) - 1),
) -> tuple[float, float]:
    """The root's value and standard error for the rows that belong, strata being the units.

    The composite is Σ c_k ȳ_k with ȳ_k the weighted mean over those who answered item k; its linearised value for a
    respondent is w Σ c_k (y_k − ȳ_k) / Ŵ_k over the items they answered, zero outside the domain.
    """
    sizes = {unit: sum(row[0] == unit for row in rows) for unit in {row[0] for row in rows}}
    weight = {unit: population[unit] / n if population else 1.0 for unit, n in sizes.items()}
    means: dict[str, float] = {}
    totals: dict[str, float] = {}
    for k, item in enumerate(ITEMS):
        answered = [row for row in rows if belongs(row) and row[k + 1] in set("12345")]
        totals[item] = sum(weight[row[0]] for row in answered)
        if not answered:
            return nan, nan
        means[item] = sum(weight[row[0]] * score(str(row[k + 1])) for row in answered) / totals[item]
    value = sum(ROOT_WEIGHTS[item] * means[item] for item in ITEMS)
    variance = 0.0
    for unit, n in sizes.items():
        linearised = []
        for row in rows:
            if row[0] != unit:
                continue
            z = 0.0
            for k, item in enumerate(ITEMS):
                if belongs(row) and row[k + 1] in set("12345"):
                    z += ROOT_WEIGHTS[item] * weight[unit] * (score(str(row[k + 1])) - means[item]) / totals[item]
            linearised.append(z)
        mean = sum(linearised) / n
        left = 1.0 - n / population[unit] if has_fpc and population else 1.0
        variance += left * n / (n - 1) * sum((z - mean) ** 2 for z in linearised)
    return value, sqrt(variance)
