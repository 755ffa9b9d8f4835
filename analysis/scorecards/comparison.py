"""Whether a unit's score differs from the others' of its bloc: what the edition says, in the words of a scorecard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np

from analysis.estimation.multiplicity import adjusted
from analysis.release.rows import DifferenceRow, EstimateRow

Verdict = Literal["higher", "lower", "not_different", "not_tested"]

_VERDICTS: Mapping[str, Verdict] = {"higher": "higher", "lower": "lower", "not_different": "not_different"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A unit's score minus its bloc's; `verdict` is the test's outcome, or "not_tested" without a standard error."""

    difference: float | None
    verdict: Verdict


def verdict_of(row: DifferenceRow | None) -> Verdict:
    """What the edition's test of a unit against the others of its bloc came to."""
    return "not_tested" if row is None else _VERDICTS.get(row.verdict, "not_tested")


def difference_of(unit: EstimateRow | None, bloc: EstimateRow | None) -> float | None:
    """A unit's score minus its bloc's, where both are shown."""
    if unit is None or bloc is None or unit.suppressed or bloc.suppressed:
        return None
    if unit.estimate is None or bloc.estimate is None:
        return None
    return unit.estimate - bloc.estimate


def former_comparisons(
    pairs: Mapping[str, tuple[EstimateRow | None, EstimateRow | None]],
    *,
    groups: Sequence[Sequence[str]],
    level: float,
) -> dict[str, Comparison]:
    """The comparisons of an edition whose format has no tests of its own: from published errors, so that they err to
    the cautious side.

    The variance of unit minus bloc is taken as that of two independent figures; that the unit is a part of its bloc
    would make it smaller. The t distribution has the smaller of the two degrees of freedom; within a group of nodes
    the p-values are adjusted by Holm's method.

    Arguments:
        pairs: node → the rows of the unit and of the bloc, None where there is none.
        groups: the nodes whose verdicts are read together.
        level: confidence, such as 0.95.
    """
    comparisons: dict[str, Comparison] = {}
    for group in groups:
        known = [node for node in group if node in pairs]
        differences = [difference_of(*pairs[node]) for node in known]
        p_values = [_p_value(d, *pairs[node]) for d, node in zip(differences, known, strict=True)]
        for node, difference, p in zip(known, differences, adjusted(np.array(p_values), "holm"), strict=True):
            verdict: Verdict = "not_tested"
            if difference is not None and not np.isnan(p):
                is_different = p <= 1 - level
                verdict = "not_different" if not is_different else "higher" if difference > 0 else "lower"
            comparisons[node] = Comparison(difference, verdict)
    return comparisons


def _p_value(difference: float | None, unit: EstimateRow | None, bloc: EstimateRow | None) -> float:
    if difference is None or unit is None or bloc is None or unit.se is None or bloc.se is None:
        return float("nan")
    variance = unit.se**2 + bloc.se**2
    if not variance > 0:
        return float("nan")
    # The distribution functions themselves: scipy.stats, which wraps them, takes seconds to import.
    from scipy.special import ndtr, stdtr

    statistic = abs(difference) / sqrt(variance)
    dfs = [row.df for row in (unit, bloc) if row.df is not None]
    return float(2 * (stdtr(min(dfs), -statistic) if dfs and min(dfs) > 0 else ndtr(-statistic)))
