"""Every kind of question by the name that `estimator.type` has; its module is imported when it is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from analysis.errors import SpecError

if TYPE_CHECKING:
    from analysis.estimation.samples import Sample
    from analysis.estimation.spec import Specification
    from analysis.estimation.tables import Sheet, Source

_QUESTIONS = "analysis.estimation.questions"
KINDS: Mapping[str, str] = {
    "svymean": f"{_QUESTIONS}.means:MEANS",
    "svytotal": f"{_QUESTIONS}.means:MEANS",
    "svyby_svymean": f"{_QUESTIONS}.means:MEANS",
    "svyby_svytotal": f"{_QUESTIONS}.means:MEANS",
    "svyratio": f"{_QUESTIONS}.means:RATIOS",
    "svyvar": f"{_QUESTIONS}.variances:VARIANCES",
    "domain_difference": f"{_QUESTIONS}.contrasts:DIFFERENCES",
    "domain_vs_rest": f"{_QUESTIONS}.contrasts:REST",
    "composite_index": f"{_QUESTIONS}.composites:COMPOSITE",
    "postStratify": f"{_QUESTIONS}.calibrated:CALIBRATED",
    "rake": f"{_QUESTIONS}.calibrated:CALIBRATED",
    "calibrate": f"{_QUESTIONS}.calibrated:CALIBRATED",
    "trimWeights": f"{_QUESTIONS}.calibrated:CALIBRATED",
    "svystandardize": f"{_QUESTIONS}.calibrated:CALIBRATED",
    "rep_postStratify": f"{_QUESTIONS}.calibrated:CALIBRATED",
    "rep_rake": f"{_QUESTIONS}.calibrated:CALIBRATED",
    "rep_calibrate": f"{_QUESTIONS}.calibrated:CALIBRATED",
    "svyciprop": f"{_QUESTIONS}.proportions:PROPORTIONS",
    "svyquantile": f"{_QUESTIONS}.quantiles:QUANTILES",
    "svychisq": f"{_QUESTIONS}.tests:ASSOCIATION",
    "svyttest": f"{_QUESTIONS}.tests:DIFFERENCE",
    "svyranktest": f"{_QUESTIONS}.tests:RANKS",
    "svyglm": f"{_QUESTIONS}.models:GLM",
    "svyolr": f"{_QUESTIONS}.models:OLR",
    "cronbach_alpha": f"{_QUESTIONS}.reliability:ALPHA",
    "svycralpha": f"{_QUESTIONS}.reliability:DESIGN_ALPHA",
    "omega": f"{_QUESTIONS}.reliability:OMEGA",
    "fay_herriot": f"{_QUESTIONS}.small_areas:FAY_HERRIOT",
    "p_adjust": f"{_QUESTIONS}.multiplicity:P_ADJUST",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question is answered with, in the layout of the oracle's cases.

    Attributes:
        results: the rows, as `rows.result_row` makes them.
        vcov: the covariance of their estimates in the order of the rows, None where the kind has none.
        extra: what else belongs to the answer.
        kind: the oracle's name of the question where it differs from the estimator's type.
    """

    results: list[dict[str, Any]]
    vcov: list[list[float | None]] | None = None
    extra: Mapping[str, Any] | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Asked:
    """A question with its table, which is read when it is first needed.

    Attributes:
        specification: what was asked; folder: the folder below which the data lie, or the tables in memory by their
            names; columns: what the question needs of the table beside the design's columns.
    """

    specification: "Specification"
    folder: "Source"
    columns: tuple[str, ...] = field(default=())

    @cached_property
    def sheet(self) -> "Sheet":
        """The columns of the question and of the design. Raises SpecError where there is no table."""
        from analysis.estimation.samples import columns_of
        from analysis.estimation.tables import read_sheet

        if self.specification.data is None:
            raise SpecError(f"data: found no file, expected a table for {self.specification.kind}")
        wanted = (*columns_of(self.specification), *self.columns)
        # A question may count rows and name no column at all.
        return read_sheet(self.folder, self.specification.data, tuple(dict.fromkeys(wanted)) or None)

    @cached_property
    def sample(self) -> "Sample":
        """The sample that the specification's design describes. Raises SpecError and DesignError."""
        from analysis.estimation.samples import specified_sample

        return specified_sample(self.sheet, self.specification, self.folder)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of question.

    Attributes:
        keys: the keys that `estimator` may have beside `type`; any other is refused before `read`.
        read: makes a frozen question of the estimator; its second argument is the place for messages. Raises SpecError.
        columns: the columns of the table that the question needs.
        answer: answers it.
    """

    keys: tuple[str, ...]
    read: Callable[[Mapping[str, Any], str], Any]
    columns: Callable[[Any], tuple[str, ...]]
    answer: Callable[[Any, Asked], Answer]


def kind_of(name: str) -> Kind:
    """The kind of that name, one of `KINDS`."""
    module, attribute = KINDS[name].split(":")
    return cast(Kind, getattr(import_module(module), attribute))
