"""The stages of a sample as small arrays: which stratum each group lies in, and how much was drawn of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.errors import DesignError
from analysis.estimation.codes import dense, distinct
from analysis.estimation.design import SurveyDesign
from analysis.estimation.totals import GroupTotals, Integers
from analysis.estimation.weighting import hold_counts

Floats = npt.NDArray[np.float64]

# A stratum of which no more than this share was left out is a census: it adds nothing to the variance and is not
# lonely either, as in R's survey.
CENSUS = 1e-7


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the sample: H strata, in each of which units were drawn.

    Attributes:
        stratum: the stratum of each group of rows (G,).
        unit: the unit (PSU at the first stage) of each group (G,); None where every row is a unit.
        n_units: units in the sample of each stratum (H,), whatever domain they hold.
        left_out: the share of each stratum that was not drawn, (N - n) / N (H,); 1 without a population.
        labels: the name of each stratum, for messages.
        number: 1 for the first stage.
        expansion: the units of the population that each unit stands for, N / n (H,); 1 without a population.
    """

    stratum: Integers
    unit: Integers | None
    n_units: Floats
    left_out: Floats
    labels: tuple[str, ...]
    number: int
    expansion: Floats


def stages_of(groups: GroupTotals, design: SurveyDesign) -> tuple[Stage, ...]:
    """The stages that enter the variance, the first one first.

    Raises DesignError where a PSU lies in two strata (unless labels start again, nest) and where a population is
    smaller than its sample or differs within a stratum.
    Source: R survey, svydesign and as.fpc.
    """
    size = len(groups.n)
    strata = [codes for name, codes in groups.keys.items() if name.startswith("h")]
    stratum = dense(strata, size)
    are_counts = bool(groups.fpc) and hold_counts(
        float(min(column.min() for column in groups.fpc)), float(max(column.max() for column in groups.fpc))
    )
    stages: list[Stage] = []
    parents: list[Integers] = []
    for number in range(1, design.n_variance_stages + 1):
        unit = None
        if number > 1:
            later = [groups.keys[f"l{number - 2}"]] if len(design.later_strata) >= number - 1 else []
            stratum = dense([*parents[-1:], *later], size)
        if design.clusters:
            codes = groups.keys[f"c{number - 1}"]
            is_nested = design.nest or number > 1
            unit = dense([stratum, codes] if is_nested else [codes], size)
            parents.append(unit)
        labels = _labels(groups, stratum, number)
        if unit is not None and not design.nest and number == 1:
            _refuse_crossing(unit, stratum, design.clusters[0], labels)
        n_units = _count(stratum, unit, groups.n)
        left_out, expansion = np.ones(len(n_units)), np.ones(len(n_units))
        if groups.fpc:
            column = design.fpc[number - 1]
            sizes = _populations(groups.fpc[number - 1], are_counts, stratum, n_units, labels, column)
            expansion = sizes / n_units
            with np.errstate(invalid="ignore"):
                left_out = np.where(np.isinf(sizes), 1.0, np.maximum(0.0, (sizes - n_units) / sizes))
        stages.append(Stage(stratum, unit, n_units, left_out, labels, number, expansion))
    return tuple(stages)


def _first_of(codes: Integers) -> Integers:
    """Where each of the codes 0, 1, 2 … stands for the first time."""
    first = np.zeros(int(codes.max(initial=-1)) + 1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return first


def degrees_of_freedom(first: Stage, chosen: Integers, n: Integers) -> float:
    """PSUs minus strata among the groups of rows with the chosen indices; none give 0.

    Source: R survey, degf.survey.design2.
    """
    strata = len(distinct(first.stratum[chosen])[0])
    return float((n[chosen].sum() if first.unit is None else len(distinct(first.unit[chosen])[0])) - strata)


def _labels(groups: GroupTotals, stratum: Integers, number: int) -> tuple[str, ...]:
    first = _first_of(stratum)
    return tuple(groups.labels[first].tolist()) if number == 1 else ("",) * len(first)


def _count(stratum: Integers, unit: Integers | None, n: Integers) -> Floats:
    if unit is None:
        return np.asarray(np.bincount(stratum, weights=n.astype(np.float64)), dtype=np.float64)
    return np.bincount(stratum[_first_of(unit)]).astype(np.float64)


def _refuse_crossing(unit: Integers, stratum: Integers, column: str, labels: tuple[str, ...]) -> None:
    if (stratum == stratum[_first_of(unit)][unit]).all():
        return
    order = np.lexsort((stratum, unit))
    is_same = np.diff(unit[order]) == 0
    crossing = np.flatnonzero(is_same & (np.diff(stratum[order]) != 0))
    if len(crossing):
        one, other = (labels[stratum[order[crossing[0] + step]]] for step in (0, 1))
        raise DesignError(
            f"column {column}: found one PSU label in strata {one} and {other}, expected each PSU in one stratum; "
            "nest: true says that labels start again in every stratum"
        )


def _populations(
    population: Floats, are_counts: bool, stratum: Integers, n_units: Floats, labels: tuple[str, ...], column: str
) -> Floats:
    _, first = np.unique(stratum, return_index=True)
    of_stratum = population[first]
    differs = np.flatnonzero(~np.isclose(population, of_stratum[stratum], rtol=1e-9, atol=0))
    if len(differs):
        label = labels[stratum[differs[0]]]
        raise DesignError(f"column {column}: found several populations in stratum {label or '(all)'}, expected one")
    with np.errstate(divide="ignore"):
        sizes = of_stratum if are_counts else n_units / of_stratum
    # Fractions such as 0.1 times their inverse need not give the whole number back.
    short = np.flatnonzero(sizes < n_units * (1 - 1e-12))
    if len(short):
        h = short[0]
        raise DesignError(
            f"column {column}: found a population of {sizes[h]:g} in stratum {labels[h] or '(all)'} with a sample of "
            f"{n_units[h]:g}, expected at least the sample"
        )
    return np.asarray(sizes, dtype=np.float64)
