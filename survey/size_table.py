"""How many people to ask in each unit: the sample-size calculator of a round's set-up."""

from collections.abc import Sequence
from dataclasses import dataclass

from survey.round_setup import SizeQuestion
from survey.units import UnitRecord


@dataclass(frozen=True, slots=True)
class UnitSize:
    """A unit's people (None where nobody counted them), the number to ask by each rule, the one that is planned, and
    half the width of the interval that it promises, in the unit of a share.
    """

    unit: UnitRecord
    people: int | None
    circular: int
    honest: int
    asked: int
    half_width: float | None


def answers_wanted(asked: int, response: float) -> int:
    """How many answers come of so many people who are asked, of whom a share answers; one at least."""
    return max(1, round(asked * response))


def size_table(units: Sequence[UnitRecord], question: SizeQuestion) -> tuple[UnitSize, ...]:
    """The sizes of units, in their order. Where a unit's people are not counted, there are as good as endlessly many.

    Raises DesignError for a question outside of what `Precision` allows.
    """
    from analysis.estimation.sample_sizes import Precision, circular_size, half_width, honest_size

    wanted = Precision(
        margin=question.margin, share=question.share, response=question.response, deff=question.deff
    )  # fmt: skip
    sizes = []
    for unit in units:
        people = unit.population if unit.population and unit.population > 0 else None
        circular = circular_size(people or 10**9, question.margin)
        honest = honest_size(people or 10**9, wanted).asked
        planned = {"circular": circular, "honest": honest, "fixed": question.fixed}[question.rule]
        asked = min(planned, people or planned)
        promised = half_width(asked * question.response, people, wanted)
        sizes.append(UnitSize(unit, people, circular, honest, asked, promised))
    return tuple(sizes)
