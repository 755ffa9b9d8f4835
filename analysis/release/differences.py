"""Each unit against the mean of the other units of its bloc, at every node: `differences.csv`.

What is shown of a difference follows from figures that are shown: the others are those of the bloc that have a
published figure at the node.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.estimation.intervals import t_quantile
from analysis.estimation.multiplicity import adjusted
from analysis.indices.contrasts import against_the_others
from analysis.release.compared_units import ComparedUnits
from analysis.release.rows import ALONE, HARD, NO_SPREAD, ChangeRow, DifferenceRow

HIGHER, LOWER, NOT_DIFFERENT, NOT_TESTED = "higher", "lower", "not_different", "not_tested"

# Of a unit at a node: the difference, its standard error, its degrees of freedom, its p-value.
_Test = tuple[float, float, float, float]


def difference_rows(compared: ComparedUnits) -> list[DifferenceRow]:
    """A row for each unit and node, bloc by bloc, parents before their children.

    The variance has the covariance between units; the degrees of freedom are Satterthwaite's. The p-values of a family
    are adjusted by Holm's method and its intervals widened by Bonferroni's, so that an interval without the zero goes
    with a verdict, and a verdict now and then with an interval that holds it.
    """
    rows: list[DifferenceRow] = []
    for bloc, units in compared.blocs.items():
        tests: dict[tuple[str, int], _Test] = {}
        for node in range(len(compared.tree.nodes)):
            tests.update(_tests(compared, units, node))
        p_values, sizes = _adjusted(compared, tests)
        rows.extend(
            _row(compared, bloc, (unit, node), tests.get((unit, node)), p_values, sizes)
            for unit in units
            for node in range(len(compared.tree.nodes))
        )
    return rows


def _tests(compared: ComparedUnits, units: Sequence[str], node: int) -> dict[tuple[str, int], _Test]:
    shown = compared.shown(units, node)
    if len(shown) < 2:
        return {}
    values, covariance, df, df_design = compared.joint(shown, node)
    found = against_the_others(values, covariance, df, df_design, compared.weights_of(shown))
    columns = (found.differences, found.errors, found.df, found.p_values)
    return {
        (unit, node): (float(difference), float(error), float(freedom), float(p))
        for unit, difference, error, freedom, p in zip(shown, *columns, strict=True)
    }


def _adjusted(
    compared: ComparedUnits, tests: Mapping[tuple[str, int], _Test]
) -> tuple[dict[tuple[str, int], float], dict[tuple[str, int], int]]:
    """Holm's p-value and the size of the family of each test that is made."""
    families: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for unit, node in tests:
        if compared.is_tested(unit, node) and tests[unit, node][1] > 0:
            kind = compared.tree.nodes[node].kind
            families.setdefault(("" if node == 0 else unit, kind), []).append((unit, node))
    p_values: dict[tuple[str, int], float] = {}
    sizes: dict[tuple[str, int], int] = {}
    for members in families.values():
        found = adjusted(np.array([tests[member][3] for member in members]), "holm")
        p_values.update(zip(members, found.tolist(), strict=True))
        sizes.update(dict.fromkeys(members, len(members)))
    return p_values, sizes


def _row(
    compared: ComparedUnits,
    bloc: str,
    cell: tuple[str, int],
    test: _Test | None,
    p_values: Mapping[tuple[str, int], float],
    sizes: Mapping[tuple[str, int], int],
) -> DifferenceRow:
    (unit, node), level = cell, compared.plan.level
    code = compared.tree.codes[node]
    figure = compared.rows[unit, code]
    place = (compared.round, bloc, unit, code)
    if test is None:
        reason = ALONE if figure.estimate is not None else figure.reason
        return DifferenceRow(*place, None, None, None, None, level, None, None, None, NOT_TESTED, reason)
    difference, error, df, p = test
    if cell not in p_values:
        reason = HARD if figure.method == HARD else NO_SPREAD
        return DifferenceRow(*place, difference, None, None, None, level, None, None, None, NOT_TESTED, reason)
    half = t_quantile(1 - (1 - level) / sizes[cell] / 2, df) * error
    return DifferenceRow(
        *place,
        difference=difference,
        se=error,
        low=difference - half,
        high=difference + half,
        level=level,
        df=df,
        p=p,
        p_adjusted=p_values[cell],
        verdict=verdict_of(difference, p_values[cell], level),
        reason="",
    )


def verdict_of(difference: float, adjusted_p: float, level: float) -> str:
    """What a test says of a difference at a confidence."""
    if adjusted_p > 1 - level:
        return NOT_DIFFERENT
    return HIGHER if difference > 0 else LOWER


def untested_change(
    rounds: tuple[str, str], unit: str, predecessors: str, node: str, *, level: float, method: str, reason: str = ""
) -> ChangeRow:
    """The row of a change between an earlier and a later round of which no number is known, or not yet."""
    earlier, later = rounds
    return ChangeRow(
        earlier=earlier,
        later=later,
        unit=unit,
        predecessors=predecessors,
        node=node,
        earlier_estimate=None,
        later_estimate=None,
        change=None,
        se=None,
        low=None,
        high=None,
        level=level,
        df=None,
        p=None,
        p_adjusted=None,
        verdict=NOT_TESTED,
        method=method,
        reason=reason,
        fixed_mode_change=None,
        fixed_mode_se=None,
        fixed_mode_low=None,
        fixed_mode_high=None,
        fixed_mode_reason="",
    )
