"""Samples with calibrated weights: post-stratified, raked, calibrated to totals, trimmed, standardised.

Each step changes the weights of the rows and of every replicate; the linearised variance is then that of residuals:
what the known totals already say of a value adds nothing to its variance.

Source: Deville and Särndal (1992), §3; R survey, postStratify, rake, calibrate and svyrecvar.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from analysis.errors import DesignError, SpecError
from analysis.estimation.calibration import Distance, fit_factors
from analysis.estimation.calibration_steps import (
    Calibration,
    KnownTotals,
    ModelCalibration,
    Raking,
    Standardisation,
    Step,
    Trimming,
)
from analysis.estimation.codes import dense, distinct
from analysis.estimation.model_matrices import model_matrix
from analysis.estimation.residuals import Residuals, post_stratified, raked, regressed
from analysis.estimation.samples import Sample, labels_within
from analysis.estimation.standardising import standardised
from analysis.estimation.tables import Sheet
from analysis.estimation.totals import Floats, Integers
from analysis.estimation.trimming import trimmed

# Margins whose sums differ by more than this share contradict each other; less is rounding of shares.
SUMS_DIFFER = 1e-6
# A replicate whose margins are missed by no more than this share has had turns enough.
_NEARLY = 1e-3


def calibrated(sample: Sample, calibration: Calibration, sheet: Sheet, answered: Sequence[str] = ()) -> Sample:
    """The sample with calibrated weights, in which a subset is a domain of the whole.

    Arguments:
        sample: before calibration.
        calibration: its steps.
        sheet: the table, with the columns of the steps.
        answered: columns without whose answer standardisation leaves a row out.

    Raises DesignError where totals contradict each other, a category is empty, or bounds or totals cannot be met;
    SpecError where a cell or a name does not fit.
    """
    for step in calibration.steps:
        sample = _applied(sample, step, sheet, answered)
    return sample


def _applied(sample: Sample, step: Step, sheet: Sheet, answered: Sequence[str]) -> Sample:
    match step:
        case Raking():
            return _raked(sample, step, sheet)
        case ModelCalibration():
            return _model_calibrated(sample, step, sheet)
        case Trimming():
            return trimmed(sample, step)
        case Standardisation():
            return _standardised(sample, step, sheet, answered)


def _raked(sample: Sample, step: Raking, sheet: Sheet) -> Sample:
    margins = [_categories(sheet, margin, sample) for margin in step.margins]
    _refuse_other_sums(step.margins)
    found, n_turns = _rake_in_cells(margins, step, sample.weights, "the weights", step.epsilon)
    if len(margins) == 1:
        residuals = post_stratified(margins[0][0], sample.weights, found[-1])
    else:
        residuals = raked([(codes, after) for (codes, _), after in zip(margins, found, strict=True)])

    def again(weights: Floats, name: str) -> Floats:
        # R gives each replicate as many turns as the weights themselves needed; one that is far off then gets more.
        try:
            return _rake_in_cells(margins, replace(step, most_turns=n_turns), weights, name, epsilon=None)[0][-1]
        except DesignError:
            return _rake_in_cells(margins, step, weights, name, step.epsilon)[0][-1]

    return with_weights_of(sample, found[-1], again, residuals)


def with_weights_of(
    sample: Sample, weights: Floats, again: Callable[[Floats, str], Floats], residuals: Residuals | None
) -> Sample:
    """The sample with new weights, in which each replicate was calibrated again.

    Arguments:
        sample: before.
        weights: the calibrated weights (n,).
        again: makes the calibrated weights of a replicate of its weights (n,); its second argument names it.
        residuals: the step of the variance; None: none.
    """
    replicates = sample.replicates
    if replicates is not None:
        columns = [again(column, f"replicate {r + 1}") for r, column in enumerate(replicates.weights.T)]
        replicates = replace(replicates, weights=np.stack(columns, axis=1), ranked=None)
    steps = sample.calibration if residuals is None else (*sample.calibration, residuals)
    before = sample.weights_before if sample.weights_before is not None else sample.weights
    return replace(sample, weights=weights, replicates=replicates, calibration=steps, weights_before=before)


def _with_degrees_of(sample: Sample, before: Sample) -> Sample:
    """The sample, whose replicates count the degrees of freedom that those of `before` have."""
    if sample.replicates is None or before.replicates is None:
        return sample
    ranked = before.replicates.weights if before.replicates.ranked is None else before.replicates.ranked
    return replace(sample, replicates=replace(sample.replicates, ranked=ranked))


def _categories(sheet: Sheet, margin: KnownTotals, sample: Sample) -> tuple[Integers, Floats]:
    """The category of each row of the design (n,), -1 for rows outside it, and the totals (C,) of the categories."""
    labels = [labels_within(sheet, column, sample.rows) for column in margin.columns]
    kept = {key: total for key, total in margin.totals.items() if total > 0}
    place = {key: c for c, key in enumerate(kept)}
    encoded = [column.combine_chunks().dictionary_encode() for column in labels]
    codes = [np.asarray(column.indices.to_numpy(zero_copy_only=False), dtype=np.int64) for column in encoded]
    cell = dense(codes, sheet.n_rows)
    first = np.zeros(int(cell.max(initial=0)) + 1, dtype=np.int64)
    first[cell[::-1]] = np.arange(sheet.n_rows - 1, -1, -1)
    rows = sample.rows
    held = np.bincount(cell[rows], minlength=len(first))
    of_cell = np.full(len(first), -1, dtype=np.int64)
    for c, row in enumerate(first):
        key = tuple(str(column[int(row)]) for column in labels)
        if held[c] and key not in place:
            raise DesignError(
                f"margin {margin.name}: found {held[c]} rows of the category {':'.join(key)}, which has no people, "
                f"expected the categories {', '.join(':'.join(known) for known in list(place)[:20])}"
            )
        of_cell[c] = place.get(key, -1)
    found = np.where(rows, of_cell[cell], -1)
    missing = set(range(len(kept))) - set(distinct(found[found >= 0])[0].tolist())
    if missing:
        key = list(kept)[min(missing)]
        raise DesignError(
            f"margin {margin.name}: found nobody in the category {':'.join(key)}, which has {kept[key]:g} people, "
            "expected somebody in each"
        )
    return found, np.array(list(kept.values()), dtype=np.float64)


def _refuse_other_sums(margins: Sequence[KnownTotals]) -> None:
    sums = [sum(margin.totals.values()) for margin in margins]
    for margin, total in zip(margins, sums, strict=True):
        if abs(total - sums[0]) > SUMS_DIFFER * sums[0]:
            raise DesignError(
                f"margins: found {sums[0]:g} people in {margins[0].name} and {total:g} in {margin.name}, expected the "
                "same sum"
            )


def _rake_in_cells(
    margins: Sequence[tuple[Integers, Floats]], step: Raking, weights: Floats, name: str, epsilon: float | None
) -> tuple[list[Floats], int]:
    """The weights (n,) after each margin of the last turn, and the turns that were taken: cell counts in, factors out.

    With `epsilon` turns end where no cell changes by more; without it all turns are taken.
    """
    n = len(weights)
    cell = dense([codes + 1 for codes, _ in margins], n)
    size = int(cell.max(initial=0)) + 1
    first = np.zeros(size, dtype=np.int64)
    first[cell] = np.arange(n)
    counts: Floats = np.asarray(np.bincount(cell, weights=weights, minlength=size), dtype=np.float64)
    of_cell = [(codes[first], totals) for codes, totals in margins]
    current = counts.copy()
    smallest = 0.0 if epsilon is None else epsilon * (float(weights.sum()) if epsilon < 1 else 1.0)
    after: list[Floats] = []
    n_turns, is_settled = 0, len(margins) == 1 or epsilon is None
    for _ in range(step.most_turns):
        n_turns += 1
        start, after = current, []
        for margin, (codes, totals) in zip(step.margins, of_cell, strict=True):
            here = codes >= 0
            sums = np.bincount(codes[here], weights=current[here], minlength=len(totals))
            if (sums <= 0).any():
                c = int(np.flatnonzero(sums <= 0)[0])
                label = ":".join([key for key, total in margin.totals.items() if total > 0][c])
                raise DesignError(
                    f"margin {margin.name}: found no weight in the category {label} in {name}, expected some: the "
                    "category is too small for this design and is better joined with another"
                )
            current = np.where(here, current * (totals / sums)[codes], current)
            after.append(current)
        if epsilon is not None and (is_settled or float(np.max(np.abs(current - start))) < smallest):
            is_settled = True
            break
    allowed = _NEARLY if epsilon is None else smallest * len(current) / float(weights.sum()) if len(margins) > 1 else 0
    _refuse_unmet(of_cell, current, step, name, is_settled=is_settled, allowed=allowed)
    safe = np.where(counts > 0, counts, 1.0)
    return [weights * (sums / safe)[cell] for sums in after], n_turns


def _refuse_unmet(
    of_cell: Sequence[tuple[Integers, Floats]],
    current: Floats,
    step: Raking,
    name: str,
    *,
    is_settled: bool,
    allowed: float,
) -> None:
    """Nothing, where raking settled and every margin is met but for rounding or the share of it that is allowed."""
    allowed = max(allowed, 2 * SUMS_DIFFER)
    for margin, (codes, totals) in zip(step.margins, of_cell, strict=True):
        here = codes >= 0
        sums = np.bincount(codes[here], weights=current[here], minlength=len(totals))
        worst = int(np.argmax(np.abs(sums - totals)))
        if not is_settled or abs(sums[worst] - totals[worst]) > allowed * totals[worst]:
            raise DesignError(
                f"margin {margin.name}: found totals that {name} do not meet together with the other margins after "
                f"{step.most_turns:,} turns at most ({sums[worst]:g} against {totals[worst]:g}), expected margins that "
                "agree"
            )


def _model_calibrated(sample: Sample, step: ModelCalibration, sheet: Sheet) -> Sample:
    made = model_matrix(step.formula, sheet, sample.rows)
    incomplete = np.flatnonzero(sample.rows & ~made.is_complete)
    if len(incomplete):
        raise SpecError(
            f"{sheet.name}: row {incomplete[0] + 1}: found no value in a column of {step.formula.text}, expected one "
            "in every row that is calibrated"
        )
    totals = _totals_of(made.names, step)
    matrix = np.where(sample.rows[:, None], made.matrix, 0.0)
    clusters = _aggregating(sample, step)
    matrix = _averages(matrix, clusters)
    distance = Distance(step.function, *step.bounds)

    def factors(weights: Floats, name: str) -> Floats:
        inside = np.where(sample.rows, weights, 0.0)
        try:
            return fit_factors(
                matrix,
                _averages(inside[:, None], clusters)[:, 0],
                totals,
                distance,
                made.names,
                epsilon=step.epsilon,
                most_steps=step.most_steps,
            )
        except DesignError as complaint:
            raise DesignError(f"{complaint} ({name})" if name else str(complaint)) from None

    g = factors(sample.weights, "")
    averaged = np.where(sample.rows, _averages(sample.weights[:, None], clusters)[:, 0], 0.0)
    residuals = regressed(matrix, averaged, g)
    found = with_weights_of(sample, sample.weights * g, lambda w, name: w * factors(w, name), residuals)
    # R counts anew after linear calibration, and keeps the count after others.
    is_linear = step.function == "linear" and not np.isfinite(step.bounds).any()
    return found if is_linear else _with_degrees_of(found, sample)


def _totals_of(names: Sequence[str], step: ModelCalibration) -> Floats:
    totals = _rebased(names, step)
    missing = [name for name in names if name not in totals]
    further = [name for name in totals if name not in names]
    if missing or any(totals[name] != 0 for name in further):
        raise SpecError(
            f"design.calibration.totals: found {', '.join(step.totals)}, expected {', '.join(names)}, the columns of "
            f"{step.formula.text}"
        )
    return np.array([totals[name] for name in names])


def _rebased(names: Sequence[str], step: ModelCalibration) -> dict[str, float]:
    """The totals where another category of a factor than ours is the one without a column.

    Which one that is says nothing of the weights: the total of ours is what the others leave of everybody.
    """
    totals = dict(step.totals)
    for label in step.formula.explaining:
        ours = {name for name in names if name.startswith(label) and name != label and ":" not in name}
        theirs = {name for name in totals if name.startswith(label) and name != label and ":" not in name}
        if len(ours) == len(theirs) and len(ours - theirs) == 1 and "(Intercept)" in totals:
            rest = totals["(Intercept)"] - sum(totals[name] for name in theirs)
            totals = {name: total for name, total in totals.items() if name not in theirs - ours}
            totals[(ours - theirs).pop()] = rest
    return totals


def _aggregating(sample: Sample, step: ModelCalibration) -> Integers | None:
    """The cluster of each row within which factors are alike."""
    stage = step.aggregate_stage
    if stage is None:
        return None
    if stage > len(sample.stages):
        raise SpecError(
            f"design.calibration.aggregate_stage: found {stage}, expected one of {len(sample.stages)} stages"
        )
    return sample.stages[stage - 1].unit


def _averages(values: Floats, clusters: Integers | None) -> Floats:
    """Columns (n, P) with the plain mean of its cluster in the place of each value."""
    if clusters is None:
        return values
    n = np.bincount(clusters)
    columns = [(np.bincount(clusters, weights=column) / np.maximum(n, 1))[clusters] for column in values.T]
    return np.stack(columns, axis=1)


def _standardised(sample: Sample, step: Standardisation, sheet: Sheet, answered: Sequence[str]) -> Sample:
    found = standardised(sample, step, sheet, step.answered or answered)
    sample = found.sample

    def again(weights: Floats, name: str) -> Floats:
        sums = np.bincount(found.cell, weights=np.where(sample.rows, weights, 0.0), minlength=len(found.totals))
        if ((sums <= 0) & (found.totals > 0)).any():
            raise DesignError(
                f"design.calibration: found an empty cell of {step.by} in {name}, expected somebody in each"
            )
        return weights * (found.totals / np.where(sums > 0, sums, 1.0))[found.cell]

    weights = again(sample.weights, "the weights")
    residuals = post_stratified(np.where(sample.rows, found.cell, -1), sample.weights, weights)
    return with_weights_of(sample, weights, again, residuals)


def diagnostics(sample: Sample) -> dict[str, Any]:
    """What calibration did to the weights of the analysed rows, for the answer's `extra`.

    The range of the factors (g-weights), the coefficient of variation of the weights and Kish's design effect of
    weighting, 1 + cv², before and after, and how many weights are not above 0.

    Source: Kish (1965), §11.7.
    """
    before = sample.weights if sample.weights_before is None else sample.weights_before
    inside = sample.rows
    factors = (sample.weights / before)[inside]
    found: dict[str, Any] = {
        "g_lowest": float(factors.min()),
        "g_median": float(np.median(factors)),
        "g_highest": float(factors.max()),
        "weight_lowest": float(sample.weights[inside].min()),
        "weight_highest": float(sample.weights[inside].max()),
        "weight_sum": float(sample.weights[inside].sum()),
        "weight_cv": _variation(sample.weights[inside]),
        "weight_cv_before": _variation(before[inside]),
        "kish_deff": 1 + _variation(sample.weights[inside]) ** 2,
        "kish_deff_before": 1 + _variation(before[inside]) ** 2,
        "n_not_above_0": int((sample.weights[inside] <= 0).sum()),
    }
    if found["n_not_above_0"]:
        found["caution"] = (
            f"{found['n_not_above_0']} calibrated weights are not above 0: bounds, or raking or logit calibration, "
            "keep them all above it"
        )
    return found


def _variation(weights: Floats) -> float:
    mean = float(weights.mean())
    return float(weights.std() / mean) if mean else 0.0
