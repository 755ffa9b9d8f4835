"""What is to be estimated, read from a file: data, design and estimator in the layout of the shared oracle's cases."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import yaml

from analysis.errors import SpecError
from analysis.estimation.design import LONELY_RULES, LonelyRule, SurveyDesign

KINDS = ("svymean", "svytotal", "svyratio", "svyby_svymean", "svyby_svytotal")
_DESIGN_KEYS = (
    "ids", "strata", "fpc", "weights", "nest", "lonely_psu", "adjust_domain_lonely", "subset", "replicates",
    "calibration", "note",
)  # fmt: skip
_REPLICATE_KEYS = ("type", "file", "n_replicates", "scale", "rscales", "combined_weights", "mse", "note")
_ESTIMATOR_KEYS = {
    "svymean": ("type", "variables", "by", "na_rm", "factors"),
    "svytotal": ("type", "variables", "by", "na_rm", "factors"),
    "svyratio": ("type", "numerator", "denominator", "by", "na_rm"),
}
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
        data: the table's path, relative to the folder of the data.
        design: how it was sampled; subset: an expression that the analysed rows satisfy; replicates: None for
            linearised variances.
        statistic: "svymean", "svytotal" or "svyratio"; variables: what is estimated, numerator and denominator for a
            ratio; by: the columns of the domains; factors: variables that are categories whatever they look like.
        leaves_out_missing: rows without an answer are left out; otherwise one of them leaves no estimate.
    """

    data: str
    design: SurveyDesign
    subset: str | None
    replicates: Replicates | None
    statistic: str
    variables: tuple[str, ...]
    by: tuple[str, ...]
    factors: tuple[str, ...]
    leaves_out_missing: bool

    @property
    def kind(self) -> str:
        """The oracle's name of the question: svyby_… where there are domains, but svyratio with or without."""
        return f"svyby_{self.statistic}" if self.by and self.statistic != "svyratio" else self.statistic


def parse_specification(source: bytes, origin: str) -> Specification:
    """The specification that a JSON or YAML file holds.

    Arguments:
        source: the file's bytes, UTF-8.
        origin: its name, for messages.

    Raises SpecError naming the key, what was found and what was expected. Keys beside data, design and estimator are
    not read, so that a case of the oracle is a specification.
    """
    if len(source) > LARGEST_SPEC:
        raise SpecError(f"{origin}: found {len(source)} bytes, expected at most {LARGEST_SPEC}")
    document = _mapping(_load(source, origin), origin)
    for key in ("data", "design", "estimator"):
        if document.get(key) is None and not (key == "design" and key in document):
            raise SpecError(f"{origin}: found no key {key}, expected data, design and estimator")
    design = _mapping(document["design"] or {}, f"{origin}: design")
    estimator = _mapping(document["estimator"], f"{origin}: estimator")
    statistic = _statistic(estimator, origin)
    _known_keys(estimator, _ESTIMATOR_KEYS[statistic], f"{origin}: estimator")
    _known_keys(design, _DESIGN_KEYS, f"{origin}: design")
    if design.get("calibration") is not None:
        raise SpecError(f"{origin}: design.calibration: found a calibration, expected null: none is supported")
    replicates = _replicates(design.get("replicates"), origin)
    by = _names(estimator, "by", f"{origin}: estimator")
    if estimator.get("type", "").startswith("svyby_") and not by:
        raise SpecError(f"{origin}: estimator.by: found nothing, expected the columns of the domains")
    variables: tuple[str, ...]
    if statistic == "svyratio":
        variables = (_name(estimator, "numerator", origin), _name(estimator, "denominator", origin))
    else:
        variables = _names(estimator, "variables", f"{origin}: estimator")
    if not variables:
        raise SpecError(f"{origin}: estimator.variables: found nothing, expected one column or more")
    factors = _names(estimator, "factors", f"{origin}: estimator")
    if set(factors) - set(variables):
        raise SpecError(f"{origin}: estimator.factors: found {', '.join(factors)}, expected some of the variables")
    return Specification(
        data=_data(document["data"], replicates, origin),
        design=_design(design, origin),
        subset=_optional_text(design, "subset", f"{origin}: design"),
        replicates=replicates,
        statistic=statistic,
        variables=variables,
        by=by,
        factors=factors,
        leaves_out_missing=_flag(estimator, "na_rm", f"{origin}: estimator", default=True),
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
            return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 — a SafeLoader that also refuses repeated keys
        return json.loads(text, object_pairs_hook=_without_repetition, parse_constant=_refuse_constant)
    except (ValueError, yaml.YAMLError, RecursionError) as complaint:
        raise SpecError(f"{origin}: found text that cannot be read: {' '.join(str(complaint).split())}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"found {name}, expected a finite number")


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise SpecError(f"{place}: found {_shown(value)}, expected keys with values")
    return value


def _known_keys(mapping: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    for key in mapping:
        if key not in known:
            raise SpecError(f"{place}: found the unknown key {key}, expected one of {', '.join(known)}")


def _statistic(estimator: Mapping[str, Any], origin: str) -> str:
    kind = estimator.get("type")
    if kind not in KINDS:
        raise SpecError(f"{origin}: estimator.type: found {_shown(kind)}, supported are {', '.join(KINDS)}")
    return cast(str, kind).removeprefix("svyby_")


def _data(value: Any, replicates: Replicates | None, origin: str) -> str:
    files = [value] if isinstance(value, str) else value
    if not isinstance(files, list) or not files or not all(isinstance(file, str) and file for file in files):
        raise SpecError(f"{origin}: data: found {_shown(value)}, expected a list of files")
    others = [file for file in files[1:] if replicates is None or file != replicates.file]
    if others:
        raise SpecError(f"{origin}: data: found the further file {others[0]}, expected one table (and its replicates)")
    return str(files[0])


def _design(design: Mapping[str, Any], origin: str) -> SurveyDesign:
    place = f"{origin}: design"
    ids = tuple(name for name in _names(design, "ids", place) if name not in ("0", "1"))
    strata = _names(design, "strata", place)
    # With several stages each column is the strata of one stage; with one stage the strata are their combinations.
    has_later = len(ids) > 1 and len(strata) > 1
    rule = design.get("lonely_psu") or "fail"
    if rule not in LONELY_RULES:
        raise SpecError(f"{place}.lonely_psu: found {_shown(rule)}, expected one of {', '.join(LONELY_RULES)}")
    return SurveyDesign(
        strata=strata[:1] if has_later else strata,
        later_strata=strata[1:] if has_later else (),
        clusters=ids,
        fpc=_names(design, "fpc", place),
        weight=_optional_text(design, "weights", place),
        nest=_flag(design, "nest", place, default=False),
        lonely_psu=cast(LonelyRule, rule),
        adjust_domain_lonely=_flag(design, "adjust_domain_lonely", place, default=False),
    )


def _replicates(value: Any, origin: str) -> Replicates | None:
    if value is None:
        return None
    place = f"{origin}: design.replicates"
    mapping = _mapping(value, place)
    _known_keys(mapping, _REPLICATE_KEYS, place)
    file = _optional_text(mapping, "file", place)
    if file is None:
        raise SpecError(f"{place}.file: found nothing, expected the file of the replicate factors")
    scale, count = mapping.get("scale"), mapping.get("n_replicates")
    if scale is not None and not _is_positive(scale):
        raise SpecError(f"{place}.scale: found {_shown(scale)}, expected a number above 0")
    if count is not None and not (_is_positive(count) and isinstance(count, int)):
        raise SpecError(f"{place}.n_replicates: found {_shown(count)}, expected a whole number above 0")
    rscales = mapping.get("rscales")
    listed = [] if rscales is None else rscales if isinstance(rscales, list) else [rscales]
    if not all(_is_positive(value) or value == 0 for value in listed):
        raise SpecError(f"{place}.rscales: found {_shown(rscales)}, expected numbers of at least 0, one a replicate")
    return Replicates(
        file=file,
        kind=_optional_text(mapping, "type", place) or "other",
        n_replicates=count,
        scale=None if scale is None else float(scale),
        rscales=tuple(float(value) for value in listed),
        are_combined=_flag(mapping, "combined_weights", place, default=False),
        mse=_flag(mapping, "mse", place, default=False),
    )


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")


def _names(mapping: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    value = mapping.get(key)
    listed = [] if value is None else value if isinstance(value, list) else [value]
    # R's formula ~1 is written as the number 1 by some hands.
    names = tuple(str(name) if key == "ids" and name in (0, 1) else name for name in listed)
    if not all(isinstance(name, str) and name for name in names):
        raise SpecError(f"{place}.{key}: found {_shown(value)}, expected a list of column names")
    if len(set(names)) != len(names):
        raise SpecError(f"{place}.{key}: found a column twice in {_shown(value)}, expected each once")
    return names


def _name(mapping: Mapping[str, Any], key: str, origin: str) -> str:
    names = _names(mapping, key, f"{origin}: estimator")
    if len(names) != 1:
        raise SpecError(f"{origin}: estimator.{key}: found {_shown(mapping.get(key))}, expected one column name")
    return names[0]


def _optional_text(mapping: Mapping[str, Any], key: str, place: str) -> str | None:
    value = mapping.get(key)
    if value is not None and (not isinstance(value, str) or not value):
        raise SpecError(f"{place}.{key}: found {_shown(value)}, expected text or null")
    return value


def _flag(mapping: Mapping[str, Any], key: str, place: str, *, default: bool) -> bool:
    value = mapping.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise SpecError(f"{place}.{key}: found {_shown(value)}, expected true or false")
    return value


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
