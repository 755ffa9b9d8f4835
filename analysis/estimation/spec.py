"""What is to be estimated, read from a file: data, design and estimator in the layout of the shared oracle's cases."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from analysis.errors import SpecError
from analysis.estimation.calibration_steps import Calibration, calibrations_beside, read_calibration
from analysis.estimation.design import LONELY_RULES, LonelyRule, SurveyDesign
from analysis.estimation.questions.registry import KINDS, kind_of
from analysis.estimation.replicate_requests import MadeReplicates, read_made_replicates
from analysis.estimation.spec_values import (
    choice_at,
    flag_at,
    is_positive,
    known_keys,
    mapping_of,
    names_at,
    shown,
    text_at,
)

_DESIGN_KEYS = (
    "ids", "strata", "fpc", "weights", "nest", "lonely_psu", "adjust_domain_lonely", "subset", "replicates",
    "calibration", "replicates_file", "note",
)  # fmt: skip
_REPLICATE_KEYS = ("type", "file", "make", "n_replicates", "scale", "rscales", "combined_weights", "mse", "note")
LARGEST_SPEC = 10_000_000


@dataclass(frozen=True, slots=True)
class Replicates:
    """Replicate factors in a file of their own, one column a replicate, in the row order of the data.

    Attributes:
        file: its path; scale, rscales: the factors of the squares; rscales has one value a replicate, or one, or none.
        are_combined: the factors already contain the design weight.
        mse: squares are taken about the full-sample estimate and not about the replicates' mean.
    """

    file: str
    kind: str
    n_replicates: int | None
    scale: float | None
    rscales: tuple[float, ...]
    are_combined: bool
    mse: bool


@dataclass(frozen=True, slots=True)
class Specification:
    """A question to a table.

    Attributes:
        kind: the estimator's type, one of `KINDS`; question: what that kind has read from the estimator.
        data: the table's path, relative to the folder of the data; None where the question needs no table.
        design: how it was sampled; subset: an expression that the analysed rows satisfy; replicates: None for
            linearised variances; calibration: None for design weights.
        label: what the document calls itself, after the last `__` of its `case`.
    """

    kind: str
    question: Any
    data: str | None
    design: SurveyDesign
    subset: str | None
    replicates: Replicates | MadeReplicates | None
    calibration: Calibration | None
    label: str | None = None


def parse_specification(source: bytes, origin: str, beside: Sequence[Path] = ()) -> Specification:
    """The specification that a JSON or YAML file holds.

    Arguments:
        source: the file's bytes, UTF-8.
        origin: its name, for messages.
        beside: folders of further specifications, in which a calibration is looked up that is named in words.

    Raises SpecError naming the key, what was found and what was expected. Keys beside data, design and estimator are
    not read, so that a case of the oracle is a specification.
    """
    if len(source) > LARGEST_SPEC:
        raise SpecError(f"{origin}: found {len(source)} bytes, expected at most {LARGEST_SPEC}")
    return specification_of(mapping_of(_load(source, origin), origin), origin, beside)


def specification_of(document: Mapping[str, Any], origin: str, beside: Sequence[Path] = ()) -> Specification:
    """The specification that a document says; arguments and SpecError as for `parse_specification`."""
    for key in ("data", "design", "estimator"):
        if document.get(key) is None and not (key == "design" and key in document):
            raise SpecError(f"{origin}: found no key {key}, expected data, design and estimator")
    design = mapping_of(document["design"] or {}, f"{origin}: design")
    estimator = mapping_of(document["estimator"], f"{origin}: estimator")
    name = _kind_name(estimator, origin)
    kind = kind_of(name)
    known_keys(estimator, ("type", *kind.keys), f"{origin}: estimator")
    question = kind.read(estimator, f"{origin}: estimator")
    known_keys(design, _DESIGN_KEYS, f"{origin}: design")
    calibration = read_calibration(
        design.get("calibration"),
        f"{origin}: design.calibration",
        lambda: calibrations_beside(beside, document["data"]),
    )
    replicates = _replicates(design.get("replicates"), origin)
    file = text_at(design, "replicates_file", f"{origin}: design")
    if file is not None:
        if replicates is not None:
            raise SpecError(f"{origin}: design: found replicates and replicates_file, expected one of them")
        # Factors without scales are those of a jackknife of this design, whose squares about the estimate are safe.
        replicates = Replicates(file, "jackknife", None, None, (), are_combined=False, mse=True)
    case = document.get("case")
    return Specification(
        kind=name,
        question=question,
        data=_data(document["data"], replicates, origin),
        design=_design(design, origin),
        subset=text_at(design, "subset", f"{origin}: design"),
        replicates=replicates,
        calibration=calibration,
        label=case.rsplit("__", 1)[-1] if isinstance(case, str) and case else None,
    )


class _StrictLoader(yaml.SafeLoader):
    """YAML without repeated keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        pairs = [[self.construct_object(part, deep=True) for part in pair] for pair in node.value]
        return _without_repetition([(key, value) for key, value in pairs])


def _without_repetition(pairs: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"found the key {key} twice, expected it once")
        found[key] = value
    return found


def _load(source: bytes, origin: str) -> Any:
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as complaint:
        raise SpecError(f"{origin}: found a byte that is not UTF-8 at offset {complaint.start}") from None
    try:
        if origin.lower().endswith((".yaml", ".yml")):
            return _StrictLoader(text).get_single_data()
        return json.loads(text, object_pairs_hook=_without_repetition, parse_constant=_refuse_constant)
    except (ValueError, yaml.YAMLError, RecursionError) as complaint:
        raise SpecError(f"{origin}: found text that cannot be read: {' '.join(str(complaint).split())}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"found {name}, expected a finite number")


def _kind_name(estimator: Mapping[str, Any], origin: str) -> str:
    kind = estimator.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        raise SpecError(f"{origin}: estimator.type: found {shown(kind)}, supported are {', '.join(KINDS)}")
    return kind


def _data(value: Any, replicates: Replicates | MadeReplicates | None, origin: str) -> str | None:
    files = [value] if isinstance(value, str) else value
    if not isinstance(files, list) or not all(isinstance(file, str) and file for file in files):
        raise SpecError(f"{origin}: data: found {shown(value)}, expected a list of files")
    others = [file for file in files[1:] if replicates is None or file != replicates.file]
    if others:
        raise SpecError(f"{origin}: data: found the further file {others[0]}, expected one table (and its replicates)")
    return str(files[0]) if files else None


def _design(design: Mapping[str, Any], origin: str) -> SurveyDesign:
    place = f"{origin}: design"
    ids = tuple(name for name in names_at(design, "ids", place) if name not in ("0", "1"))
    strata = names_at(design, "strata", place)
    # With several stages each column is the strata of one stage; with one stage the strata are their combinations.
    has_later = len(ids) > 1 and len(strata) > 1
    rule = choice_at(design, "lonely_psu", place, LONELY_RULES, "fail")
    return SurveyDesign(
        strata=strata[:1] if has_later else strata,
        later_strata=strata[1:] if has_later else (),
        clusters=ids,
        fpc=names_at(design, "fpc", place),
        weight=text_at(design, "weights", place),
        nest=flag_at(design, "nest", place, default=False),
        lonely_psu=cast(LonelyRule, rule),
        adjust_domain_lonely=flag_at(design, "adjust_domain_lonely", place, default=False),
    )


def _replicates(value: Any, origin: str) -> Replicates | MadeReplicates | None:
    if value is None:
        return None
    place = f"{origin}: design.replicates"
    mapping = mapping_of(value, place)
    if flag_at(mapping, "make", place, default=False):
        return read_made_replicates(mapping, place)
    known_keys(mapping, _REPLICATE_KEYS, place)
    file = text_at(mapping, "file", place)
    if file is None:
        raise SpecError(f"{place}.file: found nothing, expected the file of the replicate factors")
    scale, count = mapping.get("scale"), mapping.get("n_replicates")
    if scale is not None and not is_positive(scale):
        raise SpecError(f"{place}.scale: found {shown(scale)}, expected a number above 0")
    if count is not None and not (is_positive(count) and isinstance(count, int)):
        raise SpecError(f"{place}.n_replicates: found {shown(count)}, expected a whole number above 0")
    rscales = mapping.get("rscales")
    listed = [] if rscales is None else rscales if isinstance(rscales, list) else [rscales]
    if not all(is_positive(value) or value == 0 for value in listed):
        raise SpecError(f"{place}.rscales: found {shown(rscales)}, expected numbers of at least 0, one a replicate")
    return Replicates(
        file=file,
        kind=text_at(mapping, "type", place) or "other",
        n_replicates=count,
        scale=None if scale is None else float(scale),
        rscales=tuple(float(value) for value in listed),
        are_combined=flag_at(mapping, "combined_weights", place, default=False),
        mse=flag_at(mapping, "mse", place, default=False),
    )
