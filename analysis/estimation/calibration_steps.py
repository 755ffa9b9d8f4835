"""How weights are to be calibrated, as a specification says it: the keys of `design.calibration`, read and checked."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from analysis.errors import SpecError
from analysis.estimation.formulas import Formula, parse_formula
from analysis.estimation.spec_values import (
    choice_at,
    flag_at,
    is_number,
    known_keys,
    mapping_of,
    name_at,
    names_at,
    number_at,
    shown,
    text_at,
)

METHODS = ("postStratify", "rake", "calibrate", "trimWeights", "svystandardize")
FUNCTIONS = ("linear", "raking", "logit")
# A calibration of a calibration of … is no plan that a person makes.
_MOST_STEPS = 10
# Neighbours are looked at for the totals of a calibration that is named in words; no folder of them is larger.
_MOST_FILES = 5_000
_LARGEST_NEIGHBOUR = 10_000_000
_ALWAYS = ("method", "after", "note")


@dataclass(frozen=True, slots=True)
class KnownTotals:
    """How many people each category of one margin has.

    Attributes:
        columns: the columns whose combinations are the categories; totals: labels → people, at least 0.
    """

    columns: tuple[str, ...]
    totals: Mapping[tuple[str, ...], float]

    @property
    def name(self) -> str:
        """The columns, joined as R's formulas join them."""
        return ":".join(self.columns)


@dataclass(frozen=True, slots=True)
class Raking:
    """Post-stratification (one margin) or raking (several).

    Attributes:
        margins: what is known; most_turns: how often all margins are met in turn.
        epsilon: the largest change of a cell in a turn at which raking stops, in people, or below 1 as a share of all.
    """

    margins: tuple[KnownTotals, ...]
    most_turns: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class ModelCalibration:
    """Weights that meet the totals of a model matrix.

    Attributes:
        formula: the columns of the matrix; totals: column → its total in the population.
        function: how weights may move: "linear" (GREG), "raking" or "logit".
        bounds: the smallest and largest factor of a weight.
        aggregate_stage: the stage within whose clusters all factors are alike; None: none.
        epsilon: the largest distance from a total, as a share of it and 1; most_steps: of Newton's method.
    """

    formula: Formula
    totals: Mapping[str, float]
    function: Literal["linear", "raking", "logit"]
    bounds: tuple[float, float]
    aggregate_stage: int | None
    epsilon: float
    most_steps: int


@dataclass(frozen=True, slots=True)
class Trimming:
    """Weights cut off at bounds, what is cut off shared out equally among the others.

    Attributes:
        lower, upper: the bounds, in people; is_strict: repeated until no weight lies outside.
    """

    lower: float
    upper: float
    is_strict: bool


@dataclass(frozen=True, slots=True)
class Standardisation:
    """The same mix of categories in each domain.

    Attributes:
        by: the column of the mix; over: the columns of the domains; shares: of the categories, in the order of
            `labels` or, without labels, of the sorted categories that are found.
        answered: columns without whose answer a row is left out of the design.
    """

    by: str
    over: tuple[str, ...]
    shares: tuple[float, ...]
    labels: tuple[str, ...]
    answered: tuple[str, ...]


Step: TypeAlias = Raking | ModelCalibration | Trimming | Standardisation


@dataclass(frozen=True, slots=True)
class Calibration:
    """The steps from design weights to calibrated weights, the first one first, and R's name of the last."""

    method: str
    steps: tuple[Step, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that the steps need."""
        return tuple(dict.fromkeys(column for step in self.steps for column in _columns_of(step)))


def read_calibration(value: Any, place: str, known: Callable[[], Iterable[Any]] = tuple) -> Calibration | None:
    """The calibration that `design.calibration` describes; None where it is null.

    Arguments:
        value: what stands there.
        place: where, for messages.
        known: gives other calibrations of the same table, in which the totals are looked up of one that `after` names
            in words ("calibrate linear ~a+b").

    Raises SpecError naming the key, what was found and what was expected.
    """
    return None if value is None else _read(value, place, known, _MOST_STEPS)


def _read(value: Any, place: str, known: Callable[[], Iterable[Any]], depth: int) -> Calibration:
    mapping = mapping_of(value, place)
    method = text_at(mapping, "method", place)
    if method not in METHODS:
        raise SpecError(f"{place}.method: found {shown(method)}, expected one of {', '.join(METHODS)}")
    if depth == 0:
        raise SpecError(f"{place}: found more than {_MOST_STEPS} calibrations one after the other, expected fewer")
    after = mapping.get("after")
    if isinstance(after, str):
        after = _named_in_words(after, mapping, f"{place}.after", known)
    steps = () if after is None else _read(after, f"{place}.after", known, depth - 1).steps
    return Calibration(method, (*steps, _READERS[method](mapping, place)))


def _read_post_stratification(mapping: Mapping[str, Any], place: str) -> Raking:
    known_keys(mapping, (*_ALWAYS, "margins"), place)
    margins = _margins(mapping, place)
    if len(margins) != 1:
        raise SpecError(f"{place}.margins: found {len(margins)} margins, expected one (rake takes several)")
    return Raking(margins, 1, math.inf)


def _read_raking(mapping: Mapping[str, Any], place: str) -> Raking:
    known_keys(mapping, (*_ALWAYS, "margins", "control"), place)
    control = mapping_of(mapping.get("control") or {}, f"{place}.control")
    known_keys(control, ("maxit", "epsilon", "verbose"), f"{place}.control")
    flag_at(control, "verbose", f"{place}.control", default=False)
    most_turns, epsilon = _limits(control, f"{place}.control", 1_000, 1e-10)
    return Raking(_margins(mapping, place), most_turns, epsilon)


def _limits(mapping: Mapping[str, Any], place: str, most: int, epsilon: float) -> tuple[int, float]:
    wanted, asked = number_at(mapping, "maxit", place), number_at(mapping, "epsilon", place)
    if wanted is not None and not (wanted >= 1 and wanted.is_integer()):
        raise SpecError(f"{place}.maxit: found {wanted:g}, expected a whole number above 0")
    if asked is not None and asked <= 0:
        raise SpecError(f"{place}.epsilon: found {asked:g}, expected a number above 0")
    return most if wanted is None else int(wanted), epsilon if asked is None else asked


def _margins(mapping: Mapping[str, Any], place: str) -> tuple[KnownTotals, ...]:
    margins = mapping_of(mapping.get("margins") or {}, f"{place}.margins")
    if not margins:
        raise SpecError(f"{place}.margins: found nothing, expected the known totals of one column or more")
    found = []
    for name, totals in margins.items():
        columns = tuple(part.strip() for part in name.split(":"))
        if not all(columns) or len(set(columns)) != len(columns):
            raise SpecError(
                f"{place}.margins: found the margin {shown(name)}, expected a column or several joined by :"
            )
        found.append(KnownTotals(columns, dict(_totals(totals, len(columns), f"{place}.margins.{name}"))))
    return tuple(found)


def _totals(value: Any, depth: int, place: str) -> Iterable[tuple[tuple[str, ...], float]]:
    """The totals of the categories; of several columns nested, the first column outermost, or with labels joined."""
    mapping = mapping_of(value, place)
    if not mapping:
        raise SpecError(f"{place}: found nothing, expected the total of each category")
    for label, total in mapping.items():
        if depth > 1 and isinstance(total, Mapping):
            for rest, number in _totals(total, depth - 1, f"{place}.{label}"):
                yield (label, *rest), number
            continue
        labels = tuple(label.split(":")) if depth > 1 else (label,)
        if len(labels) != depth:
            raise SpecError(f"{place}: found the category {shown(label)}, expected labels of {depth} columns")
        if not is_number(total) or total < 0:
            raise SpecError(f"{place}.{label}: found {shown(total)}, expected a number of people of at least 0")
        yield labels, float(total)


def _read_model(mapping: Mapping[str, Any], place: str) -> ModelCalibration:
    keys = ("formula", "totals", "calfun", "bounds", "aggregate_stage", "epsilon", "maxit")
    known_keys(mapping, (*_ALWAYS, *keys), place)
    text = text_at(mapping, "formula", place)
    if text is None:
        raise SpecError(f"{place}.formula: found nothing, expected a formula such as ~region + age")
    formula = parse_formula(text, f"{place}.formula")
    if formula.response is not None:
        raise SpecError(f"{place}.formula: found {shown(text)}, expected nothing before the ~")
    totals = mapping_of(mapping.get("totals") or {}, f"{place}.totals")
    for name, total in totals.items():
        if not is_number(total):
            raise SpecError(f"{place}.totals.{name}: found {shown(total)}, expected a number")
    if not totals:
        raise SpecError(f"{place}.totals: found nothing, expected the total of each column of the formula's matrix")
    stage = number_at(mapping, "aggregate_stage", place)
    if stage is not None and not (stage >= 1 and stage.is_integer()):
        raise SpecError(f"{place}.aggregate_stage: found {stage:g}, expected a stage, 1 for the PSUs")
    function = choice_at(mapping, "calfun", place, FUNCTIONS, "linear")
    most_steps, epsilon = _limits(mapping, place, 500, 1e-10)
    return ModelCalibration(
        formula=formula,
        totals={name: float(total) for name, total in totals.items()},
        function=cast(Literal["linear", "raking", "logit"], function),
        bounds=_bounds(mapping, place, function),
        aggregate_stage=None if stage is None else int(stage),
        epsilon=epsilon,
        most_steps=most_steps,
    )


def _bounds(mapping: Mapping[str, Any], place: str, function: str) -> tuple[float, float]:
    value = mapping.get("bounds")
    parts = [None, None] if value is None else value
    if not isinstance(parts, list) or len(parts) != 2 or not all(part is None or is_number(part) for part in parts):
        raise SpecError(f"{place}.bounds: found {shown(value)}, expected the smallest and the largest factor")
    lower, upper = -math.inf if parts[0] is None else parts[0], math.inf if parts[1] is None else parts[1]
    if not lower < 1 < upper:
        raise SpecError(f"{place}.bounds: found {shown(value)}, expected a number below 1 and one above 1")
    if function == "logit" and math.isinf(upper - lower):
        raise SpecError(f"{place}.bounds: found {shown(value)}, expected two numbers, which logit calibration needs")
    return float(lower), float(upper)


def _read_trimming(mapping: Mapping[str, Any], place: str) -> Trimming:
    known_keys(mapping, (*_ALWAYS, "totals", "lower", "upper", "strict"), place)
    lower, upper = number_at(mapping, "lower", place), number_at(mapping, "upper", place)
    if lower is None and upper is None:
        raise SpecError(f"{place}: found neither lower nor upper, expected one of them or both")
    lower, upper = -math.inf if lower is None else lower, math.inf if upper is None else upper
    if upper <= 0 or lower >= upper:
        raise SpecError(f"{place}: found lower {lower:g} and upper {upper:g}, expected lower below upper, above 0")
    return Trimming(lower, upper, flag_at(mapping, "strict", place, default=False))


def _read_standardisation(mapping: Mapping[str, Any], place: str) -> Standardisation:
    by = name_at(mapping, "by", place)
    known_keys(mapping, (*_ALWAYS, "by", "over", "population", "excluding_missing", "order", f"{by}_order"), place)
    population = mapping.get("population")
    named = isinstance(population, Mapping)
    shares = list(population.values()) if isinstance(population, Mapping) else population
    if not isinstance(shares, list) or not shares or not all(is_number(share) and share >= 0 for share in shares):
        raise SpecError(f"{place}.population: found {shown(population)}, expected a number for each category of {by}")
    if sum(shares) <= 0:
        raise SpecError(f"{place}.population: found {shown(population)}, expected a sum above 0")
    order = mapping.get("order", mapping.get(f"{by}_order")) or []
    if not isinstance(order, list) or not all(isinstance(label, str) for label in order):
        raise SpecError(f"{place}.order: found {shown(order)}, expected the labels of {by}")
    labels = tuple(str(label) for label in population) if isinstance(population, Mapping) else tuple(order)
    if labels and not named and len(labels) != len(shares):
        raise SpecError(
            f"{place}.population: found {len(shares)} numbers, expected {len(labels)}, one for each category"
        )
    return Standardisation(
        by=by,
        over=names_at(mapping, "over", place),
        shares=tuple(float(share) for share in shares),
        labels=labels,
        answered=names_at(mapping, "excluding_missing", place),
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any], str], Step]] = {
    "postStratify": _read_post_stratification,
    "rake": _read_raking,
    "calibrate": _read_model,
    "trimWeights": _read_trimming,
    "svystandardize": _read_standardisation,
}


def _columns_of(step: Step) -> tuple[str, ...]:
    match step:
        case Raking(margins=margins):
            return tuple(column for margin in margins for column in margin.columns)
        case ModelCalibration(formula=formula):
            return formula.columns
        case Standardisation():
            return (step.by, *step.over, *step.answered)
        case Trimming():
            return ()


def _named_in_words(
    words: str, mapping: Mapping[str, Any], place: str, known: Callable[[], Iterable[Any]]
) -> Mapping[str, Any]:
    """The calibration that words such as "calibrate linear ~a+b" mean, with the totals beside or those of another."""
    parts = words.split(maxsplit=2)
    if len(parts) != 3 or parts[0] != "calibrate" or parts[1] not in FUNCTIONS or not parts[2].startswith("~"):
        raise SpecError(
            f"{place}: found {shown(words)}, expected a calibration, or words such as calibrate linear ~a+b"
        )
    named = {"method": "calibrate", "calfun": parts[1], "formula": parts[2]}
    if mapping.get("totals") is not None:
        return named | {"totals": mapping["totals"]}
    candidates = (other for other in known() if isinstance(other, Mapping))
    alike = [other for other in candidates if _signature(other) == _signature(named) and other.get("totals")]
    if len({json.dumps(other["totals"], sort_keys=True) for other in alike}) != 1:
        raise SpecError(
            f"{place}: found {shown(words)} without its totals, expected `totals` beside it, a whole calibration, or "
            "one specification with it, of the same data, beside this one or in the folder of the data"
        )
    return named | {"totals": alike[0]["totals"]}


def _signature(calibration: Mapping[str, Any]) -> tuple[Any, ...]:
    formula = calibration.get("formula")
    spelled = "".join(formula.split()) if isinstance(formula, str) else None
    return calibration.get("method"), calibration.get("calfun") or "linear", spelled, calibration.get("aggregate_stage")


def calibrations_beside(folders: Sequence[Path], data: Any) -> Iterable[Any]:
    """The calibrations of the specifications in some folders that ask the same data.

    Arguments:
        folders: each is searched with the folders in it; files that are not JSON, or too large, have none.
        data: what the specification in hand has under `data`.
    """
    found = dict.fromkeys(path for folder in folders for depth in ("*.json", "*/*.json") for path in folder.glob(depth))
    for path in sorted(found)[:_MOST_FILES]:
        try:
            if path.stat().st_size > _LARGEST_NEIGHBOUR:
                continue
            document = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(document, Mapping) and _table(document.get("data")) == _table(data):
            design = document.get("design")
            if isinstance(design, Mapping) and design.get("calibration") is not None:
                yield design["calibration"]


def _table(data: Any) -> Any:
    return data[0] if isinstance(data, list) and data else data
