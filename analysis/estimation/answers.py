"""The answer to a specification, in the layout of the oracle's cases."""

from typing import Any

from analysis.errors import DesignError
from analysis.estimation.questions.registry import Asked, kind_of
from analysis.estimation.spec import Specification
from analysis.estimation.tables import Source


def answer_of(specification: Specification, folder: Source) -> dict[str, Any]:
    """The answer in the oracle's layout: kind, ci_level, results, vcov, extra.

    Arguments:
        specification: the question.
        folder: the folder below which the data lie, or the tables in memory by their names.

    A quantity that does not exist is None, and the row's `reason` says why.
    Raises SpecError and DesignError where the question, the file or the design cannot be.
    """
    kind = kind_of(specification.kind)
    try:
        answer = kind.answer(specification.question, Asked(specification, folder, kind.columns(specification.question)))
    except DesignError as complaint:
        raise DesignError(f"{specification.data}: {complaint}") from None
    return {
        "kind": answer.kind or specification.kind,
        "ci_level": 0.95,
        "results": answer.results,
        "vcov": answer.vcov,
        "extra": None if answer.extra is None else dict(answer.extra),
    }
