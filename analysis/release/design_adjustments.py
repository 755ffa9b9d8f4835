"""What a design does to its weights beyond the cells' counts: for those who did not answer, and against extremes."""

from dataclasses import dataclass
from typing import Literal, cast, get_args

from analysis.estimation.nonresponse import LARGEST_FACTOR
from questionnaires.records import Record

Classes = Literal["cell", "stratum"]
WhenSmall = Literal["join", "refuse"]

ADJUSTMENT_KEYS = ("nonresponse", "calibration", "trim")
_MOST_ANSWERS = 10_000
_LARGEST = 1_000


@dataclass(frozen=True, slots=True)
class NonresponseRule:
    """Within what it is taken to be chance who answers.

    `classes`: "cell", each cell by itself, those with fewer than `smallest` answers joined with their neighbours in the
    stratum or refused (`when_small`); or "stratum". `largest` is the largest factor that those who answered may be
    raised by.
    """

    classes: Classes = "cell"
    smallest: int = 20
    when_small: WhenSmall = "join"
    largest: float = LARGEST_FACTOR


@dataclass(frozen=True, slots=True)
class TrimRule:
    """Between what the weights of a unit (of a stratum, where strata cross units) are held, after calibration.

    `ratio` is the most above the median weight; `bounds` are the least and the most above the mean. One of them is
    None. What is cut off is given to the others in equal parts.
    """

    ratio: float | None = None
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Adjustments:
    """The three together. `factors` are the least and the most that calibration may multiply a weight by; None where a
    design does not say it.
    """

    nonresponse: NonresponseRule | None = None
    factors: tuple[float, float] | None = None
    trim: TrimRule | None = None


NO_ADJUSTMENTS = Adjustments()


def read_adjustments(record: Record) -> Adjustments:
    """What stands under a design's keys "nonresponse", "calibration" and "trim"; complaints go to the record."""
    found = Adjustments(_nonresponse(record), _factors(record), _trim(record))
    if found.nonresponse is not None and not record.has("cells"):
        record.complain(
            "nonresponse", "found it without “cells”, expected cells: they count who was asked and answered"
        )
    if found.factors is not None and not record.has("margins"):
        record.complain("calibration", "found it without “margins”, expected totals to calibrate to")
    if found.trim is not None and not record.has("cells") and not record.has("population"):
        record.complain("trim", "found it without “population” or “cells”, expected the people of each stratum")
    return found


def _nonresponse(record: Record) -> NonresponseRule | None:
    holder = record.record("nonresponse", ("classes", "smallest", "when_small", "largest"))
    if holder is None:
        return None
    default = NonresponseRule()
    classes = holder.one_of("classes", get_args(Classes))
    smallest = holder.whole_number("smallest", within=(1, _MOST_ANSWERS))
    when_small = holder.one_of("when_small", get_args(WhenSmall)) if holder.has("when_small") else ""
    largest = holder.number("largest", within=(1, _LARGEST))
    return NonresponseRule(
        classes=cast(Classes, classes or default.classes),
        smallest=default.smallest if smallest is None else smallest,
        when_small=cast(WhenSmall, when_small or default.when_small),
        largest=default.largest if largest is None else largest,
    )


def _factors(record: Record) -> tuple[float, float] | None:
    holder = record.record("calibration", ("factors",))
    return None if holder is None else _around_one(holder, "factors")


def _trim(record: Record) -> TrimRule | None:
    holder = record.record("trim", ("ratio", "bounds"))
    if holder is None:
        return None
    if holder.has("ratio") == holder.has("bounds"):
        found = "both" if holder.has("ratio") else "neither"
        holder.complain("", f"found {found} of ratio and bounds, expected one of them")
    ratio = holder.number("ratio", within=(1, _LARGEST))
    if ratio == 1:
        holder.complain("ratio", "found the number 1, expected one above 1")
    return TrimRule(ratio, _around_one(holder, "bounds") if holder.has("bounds") else None)


def _around_one(holder: Record, key: str) -> tuple[float, float]:
    numbers = holder.numbers(key, (2, 2), within=(0, _LARGEST))
    if len(numbers) == 2 and not numbers[0] < 1 < numbers[1]:
        holder.complain(key, f"found {numbers[0]:g} and {numbers[1]:g}, expected one below 1 and one above")
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0.0, float(_LARGEST))


def adjustment_lines(found: Adjustments) -> list[str]:
    """The lines of a design.yaml that say the same."""
    lines = []
    if found.nonresponse is not None:
        rule = found.nonresponse
        lines.append(
            f"nonresponse: {{classes: {rule.classes}, smallest: {rule.smallest}, when_small: {rule.when_small}, "
            f"largest: {_number(rule.largest)}}}"
        )
    if found.factors is not None:
        lines.append(f"calibration: {{factors: [{_number(found.factors[0])}, {_number(found.factors[1])}]}}")
    if found.trim is not None and found.trim.ratio is not None:
        lines.append(f"trim: {{ratio: {_number(found.trim.ratio)}}}")
    elif found.trim is not None and found.trim.bounds is not None:
        lines.append(f"trim: {{bounds: [{_number(found.trim.bounds[0])}, {_number(found.trim.bounds[1])}]}}")
    return lines


def _number(number: float) -> str:
    # As YAML reads a number: without an exponent, with at most fifteen decimals.
    return f"{number:.15f}".rstrip("0").rstrip(".")
