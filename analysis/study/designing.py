"""A table with its design, and what can be done to the design before a question is asked: all but the estimators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from analysis.estimation.answers import answer_of
from analysis.estimation.calibrated_weights import diagnostics
from analysis.estimation.questions.registry import Asked
from analysis.estimation.samples import Sample, sheet_of
from analysis.estimation.spec import Specification, specification_of
from analysis.estimation.tables import Source, read_sheet
from analysis.estimation.totals import Floats
from analysis.study.descriptions import Descriptions
from analysis.study.results import Results

_REPLICATES = "replicates"
_ORIGIN = "study"

Totals = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class DesignedTable:
    """A table, how it was sampled, and what its columns mean.

    Attributes:
        source: the folder of the table, or the table itself; file: its name there.
        design: the `design` of a specification for `hailong estimate`; empty: every row counts alike.
        columns: what the columns mean; language: of labels and of words such as "All".
    """

    source: Source
    file: str
    design: Mapping[str, Any] = field(default_factory=dict)
    columns: Descriptions = field(default_factory=dict)
    language: str = "vi"

    def where(self, expression: str) -> Self:
        """The same design with fewer analysed rows: those that satisfy the expression, as `design.subset` has it.

        Of two expressions, one after the other, both have to be true. No row leaves the design.
        """
        before = self.design.get("subset")
        return self._designed(subset=expression if before is None else f"({before}) & ({expression})")

    def poststratify(self, columns: str | Sequence[str], totals: Totals) -> Self:
        """Weights that meet the known people of each category: of one column, or of the combinations of several, whose
        labels are then joined by ":".
        """
        name = columns if isinstance(columns, str) else ":".join(columns)
        return self._calibrated(method="postStratify", margins={name: totals})

    def rake(
        self, margins: Mapping[str, Totals], *, max_turns: int | None = None, epsilon: float | None = None
    ) -> Self:
        """Weights that meet the known people of each category of several columns, by raking.

        Arguments:
            margins: column → category → people; columns joined by ":" are taken together.
            max_turns: how often all margins are met in turn, 1,000 by default.
            epsilon: the change of a cell at which raking stops, 1e-10 by default.
        """
        control = {"maxit": max_turns, "epsilon": epsilon}
        given = {key: value for key, value in control.items() if value is not None}
        return self._calibrated(method="rake", margins=margins, control=given or None)

    def calibrate(
        self,
        formula: str,
        totals: Totals,
        *,
        function: str = "linear",
        bounds: tuple[float | None, float | None] | None = None,
        stage: int | None = None,
    ) -> Self:
        """Weights that meet the totals of a formula's matrix, as near to the design weights as can be.

        Arguments:
            formula: for example "~ region + age".
            totals: the population's total of each column, "(Intercept)" its people.
            function: linear (GREG), raking or logit.
            bounds: the smallest and the largest factor; logit needs both.
            stage: within whose clusters all factors are alike, 1 for the PSUs.
        """
        return self._calibrated(
            method="calibrate", formula=formula, totals=totals, calfun=function, bounds=bounds, aggregate_stage=stage
        )

    def trim(self, *, lower: float | None = None, upper: float | None = None, strict: bool = False) -> Self:
        """Weights cut off at bounds, in people; what is cut off is shared out equally among the others.

        Arguments:
            lower: the least; one of the two may be left out.
            upper: the most.
            strict: again and again until no weight lies outside.
        """
        return self._calibrated(method="trimWeights", lower=lower, upper=upper, strict=strict)

    def standardise(
        self, by: str, over: str | Sequence[str], population: Mapping[str, float], *, answered: str | Sequence[str] = ()
    ) -> Self:
        """Weights that give each domain the same mix of categories.

        Arguments:
            by: the column of the mix.
            over: the columns of the domains.
            population: category → its share or its people.
            answered: columns without whose answer a row is left out.
        """
        return self._calibrated(
            method="svystandardize",
            by=by,
            over=over,
            population=[float(share) for share in population.values()],
            order=list(population),
            excluding_missing=answered or None,
        )

    def with_replicates(
        self,
        kind: str = "",
        *,
        n_replicates: int | None = None,
        rho: float | None = None,
        seed: int | None = None,
        mse: bool = False,
        factors: Any = None,
        scale: float | None = None,
        rscales: Sequence[float] | None = None,
        combined_weights: bool = False,
    ) -> Self:
        """The same design with variances from replicate weights: made from it, or given.

        Arguments:
            kind: JK1, JKn, BRR, Fay, or the bootstraps RaoWu, subbootstrap, bootstrap and mrbbootstrap.
            n_replicates: of a bootstrap, 100 by default.
            rho: of Fay's method, 0.5 by default.
            seed: of a bootstrap, 1 by default.
            mse: squares about the estimate, not about the replicates' mean.
            factors: a file (CSV or Parquet) or a table of given factors, a column a replicate, in the order of the
                rows; then also `scale`, `rscales` and `combined_weights`. Without a kind and a scale they are those of
                a jackknife of the design.
            scale: one factor of all squares.
            rscales: one factor of each.
            combined_weights: the factors hold the design weight already.
        """
        if factors is None:
            made = {"type": kind, "make": True, "n_replicates": n_replicates, "rho": rho, "seed": seed, "mse": mse}
            return self._designed(replicates={key: value for key, value in made.items() if value is not None})
        if isinstance(factors, str | Path):
            place = Path(factors).resolve()
            sheet = read_sheet(place.parent, place.name, None)
        else:
            sheet = sheet_of(factors, _REPLICATES)
        tables = {self.file: read_sheet(self.source, self.file, None), _REPLICATES: sheet}
        if not kind and scale is None and rscales is None:
            return replace(self, source=tables)._designed(replicates=None, replicates_file=_REPLICATES)
        given = {
            "type": kind or "other", "file": _REPLICATES, "scale": scale, "rscales": rscales, "mse": mse,
            "combined_weights": combined_weights, "n_replicates": n_replicates,
        }  # fmt: skip
        return replace(self, source=tables)._designed(replicates=given)

    def weights(self) -> Floats:
        """The analysis weights (n,), calibrated where they are, in the order of the rows. Raises as a question does."""
        return self._sample().weights

    def weight_diagnostics(self) -> dict[str, Any]:
        """What calibration did: range of the factors, variation of the weights, Kish's effect of weighting."""
        return diagnostics(self._sample())

    def ask(self, type: str, /, **estimator: Any) -> Results:
        """The answer to a question in the words of `hailong estimate`; keys whose value is None are left out.

        Arguments:
            type: the kind of the question, for example "svymean".
            estimator: its keys.

        Raises SpecError and DesignError where the question, the table or the design cannot be.
        """
        document = self._document({"type": type} | estimator)
        return self._results(answer_of(specification_of(document, _ORIGIN), self.source), document)

    def _results(self, answer: Mapping[str, Any], document: Mapping[str, Any]) -> Results:
        return Results(answer, document, self.columns, self.language, self._statistic_labels(answer["results"]))

    def _asked(self, columns: Sequence[str]) -> Asked:
        return Asked(self._specification(), self.source, tuple(columns))

    def _sample(self) -> Sample:
        return self._asked(()).sample

    def _specification(self) -> Specification:
        # A question that names no column: the design is what is wanted of it.
        return specification_of(self._document({"type": "p_adjust", "p": [1]}), _ORIGIN)

    def _document(self, estimator: Mapping[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in estimator.items() if value is not None}
        document: dict[str, Any] = _plain({"data": [self.file], "design": dict(self.design), "estimator": given})
        return document

    def _designed(self, **changes: Any) -> Self:
        return replace(self, design=dict(self.design) | changes)

    def _calibrated(self, **step: Any) -> Self:
        before = self.design.get("calibration")
        found = {key: value for key, value in step.items() if value is not None}
        return self._designed(calibration=found if before is None else found | {"after": before})

    def _statistic_labels(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """What the names of estimates mean: the text of a column, behind it the label of a category."""
        found: dict[str, str] = {}
        for statistic in {row["statistic"] for row in rows}:
            if statistic in self.columns and self.columns[statistic].text:
                found[statistic] = self.columns[statistic].text
                continue
            for name, column in self.columns.items():
                level = statistic.removeprefix(name)
                if statistic.startswith(name) and level in column.labels:
                    found[statistic] = f"{column.text or name}: {column.label(level)}"
        return found


def _plain(value: Any) -> Any:
    """A value as JSON has it: lists for tuples and arrays, plain numbers for NumPy's, text for keys."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if hasattr(value, "to_dict"):
        return _plain(value.to_dict())
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in value]
    return value
