"""The index by the other formulas of the questionnaire's scale, beside the one that is published: `formulas.csv`.

A share of satisfied answers, a mean over its maximum and a rescaled mean of the same answers may lie twenty points
apart, and each is called a satisfaction index somewhere. A row is hidden exactly where the index itself is, and rests
on the same answers, so that it tells of nobody whom the index does not tell of.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.estimation.estimates import Estimate
from analysis.indices.trees import IndexTree
from analysis.release.node_estimates import NodeEstimates
from analysis.release.plan import Plan
from analysis.release.rows import HARD, NO_MAXIMUM, NO_THRESHOLD, EstimateRow, FormulaRow
from questionnaires.model import Formula, Profile, Questionnaire, Text

FORMULAS: tuple[Formula, ...] = ("share", "mean_of_maximum", "rescaled")
# The profile's name never leaves this module.
_NAME = "other"

# The estimates of the root, of units and of totals, under a profile.
Estimator = Callable[[Profile], Sequence[NodeEstimates]]


@dataclass(frozen=True, slots=True)
class Published:
    """An index as it is published: its tree and profile, the estimates behind it, and its rows by owner and node."""

    round: str
    questionnaire: Questionnaire
    tree: IndexTree
    profile: Profile
    plan: Plan
    estimates: Sequence[NodeEstimates]
    rows: Mapping[tuple[str, str], EstimateRow]


def formula_rows(published: Published, estimate: Estimator) -> list[FormulaRow]:
    """A row for each owner of an index and each formula that is not the edition's own.

    `estimate` gives the root of the same owners under another profile. Where all items have one scale, the mean over
    its maximum and the rescaled mean are one figure on two scales, and only one of them is estimated.
    """
    scales = _scales(published)
    found: dict[Formula, Sequence[NodeEstimates]] = {}
    if published.profile.formula in ("mean_of_maximum", "rescaled"):
        found[published.profile.formula] = published.estimates
    rows: list[FormulaRow] = []
    for formula in FORMULAS:
        if formula == published.profile.formula:
            continue
        threshold = _threshold(published.questionnaire, scales) if formula == "share" else None
        reason = _reason(published.tree, formula, threshold, scales)
        if not reason and formula not in found:
            found[formula] = _estimated(formula, threshold, found, scales, estimate)
        parts: Sequence[NodeEstimates | None] = [None] * len(published.estimates) if reason else found[formula]
        for own, other in zip(published.estimates, parts, strict=True):
            rows.extend(_rows(published, formula, threshold, own.owners, other, reason))
    order = {owner: place for place, owner in enumerate(dict.fromkeys(row.unit for row in rows))}
    return sorted(rows, key=lambda row: order[row.unit])


def _scales(published: Published) -> list[tuple[float, ...]]:
    """The distinct scales of the items of the tree: their values, lowest first."""
    items = [published.questionnaire.item(code) for code in published.tree.items]
    values = [sorted({option.value for option in item.options if option.value is not None}) for item in items]
    return list(dict.fromkeys(tuple(scale) for scale in values))


def _threshold(questionnaire: Questionnaire, scales: Sequence[Sequence[float]]) -> float | None:
    """From where on an answer is a satisfied one: as a profile of the questionnaire says, or the second highest of one
    common scale; None where neither suits all items.
    """
    stated = [profile.threshold for profile in questionnaire.profiles if profile.threshold is not None]
    if stated:
        return stated[0] if all(scale[0] < stated[0] <= scale[-1] for scale in scales) else None
    return scales[0][-2] if len(scales) == 1 and len(scales[0]) > 2 else None


def _reason(tree: IndexTree, formula: Formula, threshold: float | None, scales: Sequence[Sequence[float]]) -> str:
    if tree.hard:
        return HARD
    if formula == "mean_of_maximum" and any(scale[0] < 0 or scale[-1] <= 0 for scale in scales):
        return NO_MAXIMUM
    return NO_THRESHOLD if formula == "share" and threshold is None else ""


def _estimated(
    formula: Formula,
    threshold: float | None,
    found: Mapping[Formula, Sequence[NodeEstimates]],
    scales: Sequence[tuple[float, ...]],
    estimate: Estimator,
) -> Sequence[NodeEstimates]:
    twin: Formula = "rescaled" if formula == "mean_of_maximum" else "mean_of_maximum"
    if formula == "share" or twin not in found or len(scales) > 1:
        return estimate(Profile(_NAME, Text("", ""), formula, threshold, confirmed=False, source=None))
    low, high = scales[0][0], scales[0][-1]
    # 100 x / max = 100 min / max + (max - min) / max times the rescaled mean, and the other way round.
    slope, start = (high - low) / high, 100.0 * low / high
    if formula == "rescaled":
        slope, start = 1.0 / slope, -start / slope
    return [_on_scale(part, slope, start) for part in found[twin]]


def _on_scale(part: NodeEstimates, slope: float, start: float) -> NodeEstimates:
    def moved(value: float | None) -> float | None:
        return None if value is None else start + slope * value

    def of(root: Estimate) -> Estimate:
        error = None if root.se is None else slope * root.se
        return replace(root, value=moved(root.value), se=error, low=moved(root.low), high=moved(root.high))

    return replace(part, estimates=tuple((of(nodes[0]),) for nodes in part.estimates))


def _rows(
    published: Published,
    formula: Formula,
    threshold: float | None,
    owners: Sequence[str],
    estimates: NodeEstimates | None,
    reason: str,
) -> list[FormulaRow]:
    root, level = published.tree.codes[0], published.plan.level
    return [
        _row(published.rows[owner, root], FormulaRow(
            round=published.round,
            unit=owner,
            formula=formula,
            threshold=threshold,
            estimate=None,
            se=None,
            low=None,
            high=None,
            level=level,
            method="",
            df=None,
            suppressed=False,
            reason=reason,
            caution=False,
        ), None if estimates is None else estimates.estimates[o][0])
        for o, owner in enumerate(owners)
    ]  # fmt: skip


def _row(index: EstimateRow, empty: FormulaRow, found: Estimate | None) -> FormulaRow:
    """The row of a formula beside the published index; `empty` says what it is about and why it may have no number."""
    if index.estimate is None:
        return replace(empty, suppressed=index.suppressed, reason=index.reason)
    if found is None or found.value is None:
        return replace(empty, reason=empty.reason or (found.reason or "" if found else ""))
    value, low, high = (None if end is None else _within(end) for end in (found.value, found.low, found.high))
    return replace(
        empty,
        estimate=value,
        se=found.se,
        low=low,
        high=high,
        method=found.method,
        df=found.df,
        caution=index.caution,
    )


def _within(points: float) -> float:
    """The points on their scale: an interval may reach beyond it."""
    return min(max(points, 0.0), 100.0)
