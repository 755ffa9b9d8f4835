"""What is to be said of a drawn sample: sizes by each rule side by side, and the precision that it promises."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.estimation.sample_drawing import DrawnSample, SampledStratum
from analysis.estimation.sample_plans import SamplePlan
from analysis.estimation.sample_sizes import Precision, circular_size, half_width, honest_size
from analysis.estimation.weight_diagnostics import diagnose_weights

# Cells of fewer answers are joined when a round is sealed.
SMALLEST_SEALED_CELL = 10


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A unit of the sample, a stratum where there are no units, or all ("all").

    `circular` and `honest` are the numbers to ask by these two rules, `honest_answers` the answers that the second
    counts on; `asked` are drawn. `expected_answers` are those times the planned response, `design_effect` what clusters
    of the drawn size do, `kish` what the sample's own unequal weights do on top; `half_width` is half the interval that
    follows from all this, None where nobody is asked.
    """

    name: str
    population: int
    circular: int
    honest: int
    honest_answers: float
    honest_is_reached: bool
    asked: int
    expected_answers: float
    design_effect: float
    kish: float
    half_width: float | None


def group_facts(sample: DrawnSample, plan: SamplePlan) -> tuple[GroupFacts, ...]:
    """The facts of each unit (each stratum, in a frame without units), and those of all together at last."""
    by_unit = plan.columns.unit is not None
    labels = sample.units if by_unit else sample.strata
    owners = [part.unit if by_unit else part.stratum for part in sample.parts]
    names = [name for name in dict.fromkeys(owners) if name]
    own = np.asarray(labels, dtype=str)
    found = [
        _facts(
            name, [part for part, owner in zip(sample.parts, owners, strict=True) if owner == name], sample, own, plan
        )
        for name in names
    ]
    return (*found, _facts("all", sample.parts, sample, None, plan))


def _facts(
    name: str,
    parts: Sequence[SampledStratum],
    sample: DrawnSample,
    labels: "np.ndarray[tuple[int], np.dtype[np.str_]] | None",
    plan: SamplePlan,
) -> GroupFacts:
    wanted = plan.sizes.precision
    population = sum(part.population for part in parts)
    asked = sum(part.asked for part in parts)
    expected = asked * wanted.response
    size = honest_size(population, wanted)
    drawn = _as_drawn(wanted, parts)
    weights = sample.weights if labels is None else sample.weights[labels == name]
    kish = diagnose_weights(weights).kish if len(weights) else 1.0
    precision = replace(drawn, deff=drawn.deff * kish)
    return GroupFacts(
        name=name,
        population=population,
        circular=circular_size(population, plan.sizes.circular_margin),
        honest=size.asked,
        honest_answers=size.answers,
        honest_is_reached=size.is_reached,
        asked=asked,
        expected_answers=expected,
        design_effect=drawn.design_effect,
        kish=kish,
        half_width=half_width(expected, population, precision),
    )


def _as_drawn(wanted: Precision, parts: Sequence[SampledStratum]) -> Precision:
    """The precision with the answers a cluster that the sample has, where neighbours are known to be alike."""
    n_clusters = sum(part.n_drawn for part in parts)
    if wanted.icc is None or not n_clusters:
        return wanted
    answers = sum(part.asked for part in parts) * wanted.response
    return replace(wanted, per_cluster=max(answers / n_clusters, 1.0))


def sample_warnings(sample: DrawnSample, plan: SamplePlan, facts: Iterable[GroupFacts]) -> list[str]:
    """What somebody should know before the sample goes into the field, a sentence each."""
    wanted = plan.sizes.precision
    found = list(sample.warnings)
    for group in facts:
        if group.name == "all" and plan.sizes.level != "all":
            continue
        if plan.sizes.rule == "honest" and not group.honest_is_reached:
            found.append(
                f"{group.name}: asking all {group.population} gives a margin above {wanted.margin:g} at a response of "
                f"{wanted.response:g}"
            )
        elif plan.sizes.rule != "honest" and group.asked < group.honest:
            width = "no interval" if group.half_width is None else f"an interval of ± {group.half_width:.3g}"
            found.append(
                f"{group.name}: {group.asked} asked promise {width}; for ± {wanted.margin:g} ask {group.honest}"
            )
    n_small = sum(cell.count * wanted.response < SMALLEST_SEALED_CELL for cell in sample.cells)
    if n_small:
        found.append(
            f"{n_small} of {len(sample.cells)} cells expect fewer than {SMALLEST_SEALED_CELL} answers: sealing joins "
            "them, and then they share one weight"
        )
    return found
