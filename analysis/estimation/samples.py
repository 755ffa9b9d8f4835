"""A sample as columns: weights, stages, calibration and replicates, and the covariance of anything estimated from it.

This is the columnar road, beside the collapse of `totals.py`: for what is no function of totals (quantiles, models,
tests) and for calibrated weights, whose variance is that of residuals of single rows.

Source: Särndal, Swensson and Wretman (1992), §5.5 and §6.4; R survey, svyrecvar and svrVar.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.errors import DesignError, SpecError
from analysis.estimation.codes import distinct
from analysis.estimation.design import SurveyDesign
from analysis.estimation.functionals import Functional
from analysis.estimation.preparation import checked_populations, checked_weights, rows_inside
from analysis.estimation.replicate_requests import MadeReplicates
from analysis.estimation.replicates import ReplicateWeights, read_replicates, replicate_covariance, replicate_df
from analysis.estimation.residuals import Matrix, Residuals, residual_totals
from analysis.estimation.spec import Replicates, Specification
from analysis.estimation.stages import Stage, degrees_of_freedom, stages_of
from analysis.estimation.subsets import columns_in
from analysis.estimation.tables import Sheet, Source, read_sheet
from analysis.estimation.totals import Floats, GroupTotals, Integers, key_names
from analysis.estimation.variance import variance_of_units

Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimated:
    """P numbers with their covariance.

    Attributes:
        values: (P,), NaN where there is none; covariance: (P, P), NaN where it is unknown.
    """

    values: Floats
    covariance: Floats

    @property
    def se(self) -> Floats:
        """The standard errors (P,)."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


@dataclass(frozen=True)
class Sample:
    """The rows of a sample with their weights, and the subset of them that is analysed.

    Attributes:
        design: how it was drawn; stages: its stages, one group a row, in which `unit` is never None.
        weights: the analysis weights (n,), calibrated where they are; inside: whether a row is analysed (n,).
        rows: the rows of the design (n,), of which standardisation leaves some out.
        calibration: the steps that take the calibrated part out of influence values; none: not calibrated.
        replicates: the weights of the replicates (n, R), from which variances then come.
        base: the sample before it was narrowed, None where it is that sample itself.
        weights_before: the weights before calibration (n,), None where there was none.
    """

    design: SurveyDesign
    weights: Floats
    inside: Truths
    rows: Truths
    stages: tuple[Stage, ...]
    calibration: tuple[Residuals, ...] = ()
    replicates: ReplicateWeights | None = None
    base: "Sample | None" = None
    weights_before: Floats | None = None

    @property
    def n_rows(self) -> int:
        """All rows of the design, analysed or not."""
        return len(self.weights)

    @property
    def active(self) -> Floats:
        """The weights, 0 outside the analysed subset (n,)."""
        return np.where(self.inside, self.weights, 0.0)

    def within(self, rows: Truths) -> "Sample":
        """The same design with fewer analysed rows (n,); the others stay in it with weight 0."""
        return replace(self, inside=self.inside & np.asarray(rows, dtype=np.bool_), base=self.base or self)

    @cached_property
    def df(self) -> float:
        """Degrees of freedom of the analysed rows: PSUs minus strata, or the rank of the replicates less 1.

        Source: R survey, degf.
        """
        if self.replicates is not None:
            ranked = self.replicates.ranked if self.inside.all() else None
            return replicate_df((self.replicates.weights if ranked is None else ranked)[self.inside])
        chosen = np.flatnonzero(self.inside & (self.weights != 0))
        return degrees_of_freedom(self.stages[0], chosen, np.ones(self.n_rows, dtype=np.int64))

    @property
    def df_design(self) -> float:
        """Degrees of freedom of the rows of the design's subset, before any narrowing."""
        return (self.base or self).df

    def estimate(self, functional: Functional) -> Estimated:
        """The values of a functional in the analysed subset, with their covariance.

        Raises DesignError under "fail" where a stratum of the subset has one PSU.
        """
        active = self.active
        values = functional.values(active)
        if self.replicates is not None:
            return Estimated(values, replicate_covariance(self.replicate_values(functional), values, self.replicates))
        return Estimated(values, self.covariance_of_totals(functional.influence(active)))

    def covariance_of_totals(self, influence: Matrix) -> Floats:
        """The linearised covariance (P, P) of the totals of influence values (n, P), dense or sparse.

        Without calibration the strata that hold none of the subset are left out, which matters to the rules for lonely
        PSUs alone; with it every row stays.

        Raises DesignError under "fail" where a stratum has one PSU.
        """
        return self._variance(influence, only_diagonal=False)

    def variances_of_totals(self, influence: Matrix) -> Floats:
        """The diagonal (P,) of `covariance_of_totals`, for less; influence values (n, P) may be sparse."""
        return self._variance(influence, only_diagonal=True)

    def _variance(self, influence: Matrix, *, only_diagonal: bool) -> Floats:
        if not self.calibration:
            chosen = np.flatnonzero(self.inside)
            return variance_of_units(influence[chosen], chosen, self.stages, self.design, only_diagonal=only_diagonal)
        # All rows stay, and those of one unit of the last stage are added up first: they are never told apart.
        unit = self.stages[-1].unit
        if unit is None:
            raise ValueError("found rows that are their own PSUs, expected clusters")
        here = np.flatnonzero(self.rows)
        group = distinct(unit[here])[1]
        n_groups = int(group.max(initial=-1)) + 1
        first = np.zeros(n_groups, dtype=np.int64)
        first[group] = here
        of_row = np.full(self.n_rows, n_groups)
        of_row[here] = group
        totals = residual_totals(self.calibration, influence, of_row, n_groups + 1)[:-1]
        return variance_of_units(totals, first, self.stages, self.design, only_diagonal=only_diagonal)

    def replicate_values(self, functional: Functional) -> Floats:
        """The values of a functional with the weights of each replicate (P, R).

        Raises ValueError without replicates.
        """
        if self.replicates is None:
            raise ValueError("found no replicates, expected some")
        weights = np.where(self.inside[:, None], self.replicates.weights, 0.0)
        return np.stack([functional.values(column) for column in weights.T], axis=1)


def columns_of(specification: Specification) -> tuple[str, ...]:
    """The columns of the table that a specification's design, subset and calibration need."""
    in_subset = columns_in(specification.subset) if specification.subset is not None else ()
    in_calibration = specification.calibration.columns if specification.calibration is not None else ()
    return tuple(dict.fromkeys((*specification.design.columns, *in_subset, *in_calibration)))


def specified_sample(
    sheet: Sheet, specification: Specification, folder: Source, answered: Sequence[str] = ()
) -> Sample:
    """The sample of a specification, whose table is read already, with replicates and calibrated weights.

    Arguments:
        sheet: the table.
        specification: its design, subset, replicates and calibration.
        folder: the folder of the replicates' file, or the tables themselves.
        answered: columns without whose answer standardisation leaves a row out, unless it names its own.

    Raises SpecError and DesignError where the files, the design or the calibration cannot be.
    """
    sample = sample_of(sheet, specification.design, specification.subset)
    if isinstance(specification.replicates, MadeReplicates):
        from analysis.estimation.replication import made_replicates

        sample = replace(sample, replicates=made_replicates(sample, specification.replicates))
    elif specification.replicates is not None:
        factors = read_sheet(folder, specification.replicates.file, None)
        read = specified_replicates(factors, specification.replicates, sample)
        sample = replace(sample, replicates=read)
    if specification.calibration is not None:
        from analysis.estimation.calibrated_weights import calibrated

        sample = calibrated(sample, specification.calibration, sheet, answered)
    return sample


def specified_replicates(factors: Sheet, description: Replicates, sample: Sample) -> ReplicateWeights:
    """The replicate weights of a file; where no scales are described, those of a jackknife of the design.

    Raises SpecError where the file does not fit the data or, without scales, is no jackknife.
    """
    if description.kind != "jackknife":
        return read_replicates(factors, description, sample.weights)
    unscaled = replace(description, scale=1.0)
    found = read_replicates(factors, unscaled, sample.weights)
    first, ratios = sample.stages[0], found.weights / sample.weights[:, None]
    unit = np.zeros(len(sample.weights), dtype=np.int64) if first.unit is None else first.unit
    rscales = np.empty(ratios.shape[1])
    for r, ratio in enumerate(ratios.T):
        without = np.flatnonzero(ratio == 0)
        if not len(without) or (unit[without] != unit[without[0]]).any():
            raise SpecError(
                f"{factors.name}: column {list(factors.columns)[r]}: found factors that leave out no PSU, or several, "
                "expected a jackknife; design.replicates describes other kinds with their scale"
            )
        h = first.stratum[without[0]]
        rscales[r] = (first.n_units[h] - 1) / first.n_units[h] * first.left_out[h]
    return replace(found, rscales=rscales)


def sample_of(table: Any, design: SurveyDesign, subset: str | None = None) -> Sample:
    """The sample that a table and a design describe.

    Arguments:
        table: one row for each respondent, as `sheet_of` takes it.
        design: how the rows were sampled.
        subset: an expression that the analysed rows satisfy; None: all.

    Raises SpecError where a cell is not what the design needs, DesignError where the design cannot be.
    """
    sheet = sheet_of(table)
    for column in design.columns:
        if column not in sheet.columns:
            raise DesignError(f"design: found no column {column!r}, expected it among {', '.join(sheet.columns)}")
    stages = _stages(sheet, design)
    weights = _implied_weights(stages, sheet.n_rows, design)
    if design.weight is not None:
        weights = checked_weights(sheet, design.weight)
    inside = rows_inside(sheet, subset)
    return Sample(
        design=design,
        weights=weights,
        inside=np.asarray(inside.to_numpy(zero_copy_only=False), dtype=np.bool_),
        rows=np.ones(sheet.n_rows, dtype=np.bool_),
        stages=stages,
    )


def labels_within(sheet: Sheet, column: str, rows: Truths) -> pa.ChunkedArray:
    """A column as text in which only rows outside `rows` (n,) may be missing; these get empty text.

    Raises SpecError with the first row that lacks a value.
    """
    labels = sheet.labels(column)
    missing = np.flatnonzero(pc.is_null(labels).combine_chunks().to_numpy(zero_copy_only=False) & rows)
    if len(missing):
        raise sheet.refusal(column, int(missing[0]), "found no value", "one in every row of the design")
    return pc.fill_null(labels, "")


def sheet_of(table: Any, name: str = "table") -> Sheet:
    """A table in memory as a sheet.

    Arguments:
        table: a sheet, an Arrow table, a pandas data frame, or columns by their names, each an array of n values;
            missing is NULL, None or NaN.
        name: what messages call it.

    Raises SpecError where it has no rows or is no table.
    """
    if isinstance(table, Sheet):
        return table
    try:
        read = table if isinstance(table, pa.Table) else pa.table(table)
    except (pa.ArrowException, TypeError, ValueError) as complaint:
        raise SpecError(f"{name}: found no table: {' '.join(str(complaint).split())[:200]}") from None
    if not read.num_rows:
        raise SpecError(f"{name}: found no rows, expected at least one")
    columns = dict(zip(read.column_names, read.columns, strict=True))
    for column, values in columns.items():
        if pa.types.is_dictionary(values.type):
            columns[column] = values.cast(values.type.value_type)
    return Sheet(name, columns, read.num_rows)


def _stages(sheet: Sheet, design: SurveyDesign) -> tuple[Stage, ...]:
    n = sheet.n_rows
    keys = {name: _codes(sheet.whole_labels(column)) for name, column in key_names(design).items()}
    names = [np.array(sheet.labels(column).to_pylist(), dtype=object) for column in design.strata]
    labels = np.array(["/".join(row) for row in zip(*names, strict=True)] or [""] * n, dtype=object)
    rows = GroupTotals(
        keys=keys,
        labels=labels,
        domain=np.zeros(n, dtype=np.int64),
        is_inside=np.ones(n, dtype=np.bool_),
        n=np.ones(n, dtype=np.int64),
        n_answered=np.ones((n, 1), dtype=np.int64),
        z=np.zeros((n, 0)),
        spread=None,
        fpc=tuple(checked_populations(sheet, column) for column in design.fpc),
    )
    found = stages_of(rows, design)
    return tuple(stage if stage.unit is not None else replace(stage, unit=np.arange(n)) for stage in found)


def _codes(labels: pa.ChunkedArray) -> Integers:
    encoded = labels.combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def _implied_weights(stages: tuple[Stage, ...], n: int, design: SurveyDesign) -> Floats:
    """The product over the stages of N / n; 1 without populations."""
    # The way about the probabilities is R's, to the last digit.
    probabilities = np.ones(n)
    for stage in stages:
        probabilities = probabilities * (1 / stage.expansion)[stage.stratum]
    with np.errstate(divide="ignore"):
        weights = 1 / probabilities
    if not np.isfinite(weights).all():
        raise DesignError("fpc: found an infinite population, expected weights beside it")
    return weights
