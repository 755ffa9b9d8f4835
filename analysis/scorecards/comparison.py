"""Whether a unit's score differs from its bloc's: a test for each factor and criterion, with Holm's correction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from analysis.release.rows import EstimateRow

Verdict = Literal["higher", "lower", "not_different", "not_tested"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A unit's score minus its bloc's; `verdict` is the test's outcome, or "not_tested" without a standard error."""

    difference: float | None
    verdict: Verdict


def compare_with_bloc(
    pairs: Mapping[str, tuple[EstimateRow | None, EstimateRow | None]],
    *,
    groups: Sequence[Sequence[str]],
    member_share: float,
    level: float,
) -> dict[str, Comparison]:
    """For each node the difference and the verdict, wrong in any verdict of a group with a chance of at most 1 − level.

    The unit is a part of its bloc, so the variance of the difference is se² · (1 − 2w) + se_bloc², where w is the share
    of the unit in the mean of the bloc and units are sampled independently. A w below the true share, as zero is, makes
    the variance larger and the test cautious, never bold. The t distribution has the smaller of the two degrees of
    freedom; within a group of nodes the p-values are corrected by Holm's method (Holm 1979), under any dependence.

    Arguments: pairs, node → the rows of the unit and of the bloc, None where there is none; groups, the nodes whose
    verdicts are read together; member_share, w between 0 and 1; level, such as 0.95.
    """
    comparisons: dict[str, Comparison] = {}
    for group in groups:
        p_values: dict[str, float] = {}
        for node in group:
            unit, bloc = pairs.get(node, (None, None))
            difference = _difference(unit, bloc)
            comparisons[node] = Comparison(difference, "not_tested")
            if unit is not None and bloc is not None and difference is not None:
                p_value = _p_value(difference, unit, bloc, member_share)
                if p_value is not None:
                    p_values[node] = p_value
        for node, is_different in _holm(p_values, level).items():
            difference = comparisons[node].difference or 0.0
            verdict: Verdict = "not_different"
            if is_different:
                verdict = "higher" if difference > 0 else "lower"
            comparisons[node] = Comparison(difference, verdict)
    return comparisons


def _difference(unit: EstimateRow | None, bloc: EstimateRow | None) -> float | None:
    if unit is None or bloc is None or unit.suppressed or bloc.suppressed:
        return None
    if unit.estimate is None or bloc.estimate is None:
        return None
    return unit.estimate - bloc.estimate


def _p_value(difference: float, unit: EstimateRow, bloc: EstimateRow, member_share: float) -> float | None:
    if unit.se is None or bloc.se is None:
        return None
    variance = unit.se**2 * (1 - 2 * member_share) + bloc.se**2
    if not variance > 0:
        return None
    # The distribution functions themselves: scipy.stats, which wraps them, takes seconds to import.
    from scipy.special import ndtr, stdtr

    statistic = abs(difference) / sqrt(variance)
    dfs = [row.df for row in (unit, bloc) if row.df is not None]
    return float(2 * (stdtr(min(dfs), -statistic) if dfs and min(dfs) > 0 else ndtr(-statistic)))


def _holm(p_values: Mapping[str, float], level: float) -> dict[str, bool]:
    # The step-down rule is written out, because statsmodels' multipletests collects garbage on every call, and that
    # takes a web page half a second. A test holds this to what statsmodels says.
    rejected: dict[str, bool] = {}
    is_rejecting = True
    for place, (node, p_value) in enumerate(sorted(p_values.items(), key=lambda pair: pair[1])):
        is_rejecting = is_rejecting and p_value <= (1 - level) / (len(p_values) - place)
        rejected[node] = is_rejecting
    return rejected
