"""A design's adjustments carried out: classes of cells for those who did not answer, and weights held in bounds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.errors import DesignError
from analysis.estimation.nonresponse import join_small_classes
from analysis.estimation.trimming import trim
from analysis.estimation.weight_diagnostics import diagnose_weights, refuse_factors
from analysis.release.design_adjustments import NonresponseRule, TrimRule
from analysis.release.design_counts import Cell, DesignCell
from analysis.release.round_design import RoundDesign

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Decimals of a published diagnostic: other machines add up in another order.
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Weighting:
    """How a round's weights came about, in figures that tell of no person.

    `asked` and `answered` are the invitations and the ballots of the design's cells, None where nobody counted them.
    `n_classes` are the classes within which it was taken to be chance who answers, `n_joined` those that join several
    cells, `largest_raise` the most that the weights of a class were raised by; None without such a rule. `factors` are
    the least and the most that calibration multiplied a weight by, None without margins. `n_trimmed` weights were held
    back, and `margin_gap` is how far trimming then left the margins, as a share of a total; None without trimming.

    `cv` is the coefficient of variation of all weights, `kish` 1 + cv², the variance that unequal weights may cost, and
    `largest_share` the part of the whole that the largest weight has; None where nobody answered.
    """

    asked: int | None
    answered: int | None
    n_classes: int | None = None
    n_joined: int | None = None
    largest_raise: float | None = None
    factors: tuple[float, float] | None = None
    n_trimmed: int | None = None
    margin_gap: float | None = None
    cv: float | None = None
    kish: float | None = None
    largest_share: float | None = None


@dataclass(frozen=True, slots=True)
class ClassedCells:
    """The weight of a response in each cell that somebody answered, and what there is to tell of the classes."""

    weights: Mapping[Cell, float]
    n_classes: int
    n_joined: int
    largest_raise: float


def weigh_by_classes(design: RoundDesign, answers: Mapping[Cell, int], rule: NonresponseRule) -> ClassedCells:
    """The weights that follow when those who answered in a class speak for everybody whom its cells stand for.

    In a cell that stands for E people and of whom m were asked, each one asked has E / m. In a class these are raised
    by ΣE / Σ(n E / m), with n who answered. So the people of cells where nobody answered, or was asked, are those of
    their class.

    Arguments:
        design: with cells that count who was asked (`issued`, which sealing adds).
        answers: n, responses or ballots, by cell.
        rule: which cells are classes.

    Raises DesignError where a cell with answers does not say how many were asked, or fewer than answered, where a class
    is too small and may not be joined, and where a factor is larger than the rule allows.
    Source: Oh and Scheuren (1983); Särndal, Swensson and Wretman (1992), §15.6.
    """
    strata: dict[str, list[DesignCell]] = {}
    for cell in design.cells:
        strata.setdefault(design.stratum_of(cell.key), []).append(cell)
    weights: dict[Cell, float] = {}
    n_classes = n_joined = 0
    raises = [1.0]
    for stratum, cells in strata.items():
        if not any(answers.get(cell.key) for cell in cells):
            continue
        for group in _classes(stratum, cells, answers, rule):
            spoke = {
                cell.key: answers[cell.key] * _base_weight(cell, answers) for cell in group if answers.get(cell.key)
            }
            raised = sum(cell.expanded for cell in group) / sum(spoke.values())
            refuse_factors(np.array([raised]), (0.0, rule.largest), f"design.yaml, nonresponse, {stratum}")
            weights.update({key: own / answers[key] * raised for key, own in spoke.items()})
            raises.append(raised)
            n_classes += 1
            n_joined += len(group) > 1
    return ClassedCells(weights, n_classes, n_joined, max(raises))


def _classes(
    stratum: str, cells: list[DesignCell], answers: Mapping[Cell, int], rule: NonresponseRule
) -> list[list[DesignCell]]:
    counts = [answers.get(cell.key, 0) for cell in cells]
    if rule.classes == "stratum" or (rule.when_small == "join" and sum(counts) < rule.smallest):
        # There is nobody else to join a small stratum with: its people are counted, and they are its own.
        return [cells]
    ordered = sorted(cells, key=lambda cell: (len(cell.psu), cell.psu))
    counts = [answers.get(cell.key, 0) for cell in ordered]
    groups = join_small_classes(
        ["/".join(label for label in cell.key if label) for cell in ordered],
        counts,
        rule.smallest,
        join=rule.when_small == "join",
        name=f"design.yaml, nonresponse, {stratum}",
    )
    return [[ordered[place] for place in group] for group in groups]


def _base_weight(cell: DesignCell, answers: Mapping[Cell, int]) -> float:
    name = "/".join(label for label in cell.key if label)
    if cell.issued is None:
        raise DesignError(
            f"design.yaml, nonresponse: found no “issued” in the cell {name}, expected how many were asked there: "
            "sealing counts them"
        )
    if cell.issued < answers[cell.key]:
        raise DesignError(
            f"design.yaml, nonresponse: found {cell.issued} asked in the cell {name}, expected at least the "
            f"{answers[cell.key]} who answered"
        )
    return cell.expanded / cell.issued


def trim_weights(weights: Floats, groups: Integers, names: list[str], rule: TrimRule) -> Floats:
    """The weights (n,) held within the rule's bounds, group by group; each group keeps its sum.

    `groups` (n,) are positions among the names. Raises DesignError where the bounds cannot be met.
    Source: Potter (1990).
    """
    found = weights.copy()
    for group, name in enumerate(names):
        inside = groups == group
        own = weights[inside]
        if rule.ratio is not None:
            low, high = -np.inf, rule.ratio * float(np.median(own))
        else:
            low, high = (bound * float(own.mean()) for bound in rule.bounds or (0.0, np.inf))
        try:
            found[inside] = trim(own, low, high, is_strict=True)
        except DesignError as complaint:
            raise DesignError(f"design.yaml, trim, {name}: {complaint}") from None
    return found


def told(weighting: Weighting, weights: Floats) -> Weighting:
    """The same with what the weights (n,) of all who answered say of themselves, rounded to be published."""
    if len(weights):
        all_weights = diagnose_weights(weights)
        weighting = replace(
            weighting, cv=all_weights.cv, kish=all_weights.kish, largest_share=all_weights.largest_share
        )
    rounded: dict[str, Any] = {
        name: round(value, _DECIMALS) for name, value in asdict(weighting).items() if isinstance(value, float)
    }
    if weighting.factors is not None:
        rounded["factors"] = tuple(round(factor, _DECIMALS) for factor in weighting.factors)
    return replace(weighting, **rounded)
