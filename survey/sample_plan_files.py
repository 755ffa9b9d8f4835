"""The YAML file of a sampling plan: read once, with every complaint by file and line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from analysis.errors import DesignError
from analysis.estimation.allocation import ALLOCATIONS
from analysis.estimation.sample_plans import ClusterStage, FrameColumns, SamplePlan, Sharing, Sizes
from analysis.estimation.sample_sizes import CIRCULAR_MARGIN, Precision
from analysis.estimation.selection import METHODS
from questionnaires.errors import QuestionnaireError
from questionnaires.marked_yaml import read_marked
from questionnaires.records import Notes, Record
from survey.errors import BadInput
from survey.invitations import DEFAULT_CHANNEL
from survey.labels import check_label

FORMAT = 1

_KEYS = (
    "sample", "label", "seed", "frame", "size", "allocation", "stages", "people", "lonely", "psu", "fpc", "household",
    "channel",
)  # fmt: skip
_SIZE_KEYS = ("for", "rule", "circular", "honest", "fixed", "fixed_each")
_HONEST_KEYS = ("margin", "level", "share", "sd", "deff", "icc", "per_cluster", "fpc", "response")
_STAGE_KEYS = ("cluster", "method", "count", "per", "at_least", "size", "take", "order", "certainty")
_COLUMN = re.compile(r"(?s).{1,200}")
_ITEM = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_MOST_STAGES = 3
_MOST_PEOPLE = 1e9
# The largest whole number that YAML and JSON both keep exactly.
_LARGEST_SEED = 2**53 - 1


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A sampling plan and what only the files of the sample need to know.

    `seed` is None where the file has none. `fpc` and `household` go into the design, `channel` into the batch.
    """

    plan: SamplePlan
    label: str
    seed: int | None
    fpc: bool
    household: str | None
    channel: str


def parse_sample_plan(source: bytes, origin: str) -> SampleFile:
    """The sampling plan in a YAML file.

    Raises BadInput with the file, the line, what was found and what was expected.
    """
    try:
        notes = Notes(origin)
        record = Record(read_marked(source, origin, "a sampling plan"), "", notes, _KEYS)
        found = _sample_file(record)
        notes.raise_if_any()
    except QuestionnaireError as complaint:
        raise BadInput(str(complaint)) from None
    except DesignError as complaint:
        raise BadInput(f"{origin}: {complaint}") from None
    return found


def _sample_file(record: Record) -> SampleFile:
    record.number("sample", is_required=True, within=(FORMAT, FORMAT))
    columns = _columns(record)
    sizes = _sizes(record, columns)
    units, strata = _allocation(record, columns, sizes)
    stages = tuple(
        _stage(holder)
        for holder in (record.records("stages", _STAGE_KEYS, (0, _MOST_STAGES)) if record.has("stages") else ())
    )
    people, sort = _people(record)
    if len({stage.column for stage in stages}) < len(stages):
        record.complain("stages", "found a cluster column twice, expected another at each stage")
    has_fpc = record.flag("fpc")
    if has_fpc and (stages or columns.unit is None):
        record.complain("fpc", "found true, expected false: it is for people drawn by unit without cluster stages")
    plan = SamplePlan(
        columns=columns,
        sizes=sizes,
        units=units,
        strata=strata,
        stages=stages,
        people=cast(Any, people),
        sort=sort,
        lonely=cast(Any, _choice(record, "lonely", ("refuse", "warn"))),
        psu=cast(Any, _choice(record, "psu", ("first", "last"))),
    )
    return SampleFile(
        plan=plan,
        label=record.sentence("label") if record.has("label") else "",
        seed=record.whole_number("seed", within=(0, _LARGEST_SEED)),
        fpc=has_fpc,
        household=record.word("household", "the code of an item", _ITEM) if record.has("household") else None,
        channel=_channel(record),
    )


def _columns(record: Record) -> FrameColumns:
    holder = record.record("frame", ("key", "unit", "stratum"))
    if holder is None:
        record.complain("frame", "found no “frame”, expected its columns (key, unit, stratum)")
        return FrameColumns()
    found = {name: _column(holder, name) for name in ("key", "unit", "stratum")}
    named = [name for name in found.values() if name is not None]
    if len(set(named)) < len(named):
        holder.complain("", "found one column for two things, expected key, unit and stratum in columns of their own")
    return FrameColumns(**found)


def _sizes(record: Record, columns: FrameColumns) -> Sizes:
    holder = record.record("size", _SIZE_KEYS)
    if holder is None:
        record.complain("size", "found no “size”, expected how many to ask (for, rule)")
        return Sizes()
    level = holder.one_of("for", ("unit", "stratum", "all"))
    rule = holder.one_of("rule", ("circular", "honest", "fixed"))
    if level in ("unit", "stratum") and getattr(columns, level) is None:
        holder.complain("for", f"found {level}, expected all: the frame has no column for it")
    circular = holder.record("circular", ("margin",))
    margin = None if circular is None else circular.number("margin", is_required=True, within=(0, 1))
    fixed: Any = holder.whole_number("fixed", within=(1, _MOST_PEOPLE))
    if holder.has("fixed_each"):
        names = holder.named_lists("fixed_each", "people by unit or stratum", _COLUMN)
        each = {name: parent.whole_number(name, is_required=True, within=(0, _MOST_PEOPLE)) for name, parent in names}
        if holder.has("fixed"):
            holder.complain("fixed_each", "found it beside “fixed”, expected one of them")
        fixed = {name: n or 0 for name, n in each.items()}
    if rule == "fixed" and fixed is None:
        holder.complain("rule", "found fixed without a number, expected “fixed” or “fixed_each”")
    if rule in ("circular", "honest") and fixed is not None:
        holder.complain("rule", f"found {rule} beside a fixed number, expected one rule")
    return Sizes(
        level=cast(Any, level or "all"),
        rule=cast(Any, rule or "honest"),
        circular_margin=CIRCULAR_MARGIN if margin is None else margin,
        precision=_precision(holder),
        fixed=fixed,
    )


def _precision(record: Record) -> Precision:
    holder = record.record("honest", _HONEST_KEYS)
    if holder is None:
        return Precision()
    numbers = {
        name: number
        for name in _HONEST_KEYS
        if name != "fpc" and (number := holder.number(name, within=(-1, 1) if name == "icc" else (0, 1e9))) is not None
    }
    if "sd" in numbers and "share" not in numbers:
        return Precision(**{**numbers, "share": None, "fpc": _fpc(holder)})  # type: ignore[arg-type]
    return Precision(**numbers, fpc=_fpc(holder))


def _fpc(holder: Record) -> bool:
    return holder.flag("fpc") if holder.has("fpc") else True


def _allocation(record: Record, columns: FrameColumns, sizes: Sizes) -> tuple[Sharing, Sharing]:
    holder = record.record("allocation", ("units", "strata"))
    if holder is None:
        return Sharing(), Sharing()
    if holder.has("units") and (sizes.level != "all" or columns.unit is None):
        holder.complain("units", "found it, expected none: it is for a size for all in a frame with units")
    if holder.has("strata") and (sizes.level == "stratum" or columns.stratum is None):
        holder.complain("strata", "found it, expected none: it is for a frame with strata and a size for unit or all")
    return _sharing(holder, "units"), _sharing(holder, "strata")


def _sharing(record: Record, key: str) -> Sharing:
    holder = record.record(key, ("rule", "power", "minimum", "sd"))
    if holder is None:
        return Sharing()
    rule = holder.one_of("rule", ALLOCATIONS)
    power = holder.number("power", within=(0, 1))
    if power is not None and rule != "power":
        holder.complain("power", f"found it beside the rule {rule}, expected it with the rule power")
    sd = _column(holder, "sd")
    if (rule == "neyman" and sd is None) or (rule in ("proportional", "equal") and sd is not None):
        found = "no “sd”" if sd is None else "“sd”"
        holder.complain("", f"found {found} with the rule {rule}, expected a column of standard deviations with neyman")
    return Sharing(
        rule=cast(Any, rule or "proportional"),
        power=0.5 if power is None else power,
        minimum=holder.whole_number("minimum", within=(0, _MOST_PEOPLE)) or 0,
        sd=sd,
    )


def _stage(holder: Record) -> ClusterStage:
    method = holder.one_of("method", METHODS)
    count = holder.whole_number("count", within=(1, 1e6))
    per = holder.whole_number("per", within=(1, 1e6))
    if holder.has("count") == holder.has("per"):
        found = "both" if holder.has("per") else "neither"
        holder.complain("", f"found {found} of count and per, expected one of them")
    if holder.has("size") and method != "pps":
        holder.complain("size", f"found it beside the method {method}, expected it with pps")
    default = "equal" if method == "pps" else "proportional"
    at_least = holder.whole_number("at_least", within=(1, 1e6))
    return ClusterStage(
        column=_column(holder, "cluster", is_required=True) or "",
        method=cast(Any, method or "pps"),
        count=count,
        per=per if count is None else None,
        at_least=2 if at_least is None else at_least,
        size=_column(holder, "size"),
        take=cast(Any, _choice(holder, "take", ("equal", "proportional"), default)),
        order=cast(Any, _choice(holder, "order", ("frame", "name", "random"))),
        certainty=cast(Any, _choice(holder, "certainty", ("take", "refuse"))),
    )


def _people(record: Record) -> tuple[str, tuple[str, ...]]:
    holder = record.record("people", ("method", "sort"))
    if holder is None:
        return "srs", ()
    method = holder.one_of("method", ("srs", "systematic"))
    sort = holder.words("sort", "a column", _COLUMN, (1, 10)) if holder.has("sort") else ()
    if sort and method == "srs":
        holder.complain("sort", "found it beside the method srs, expected it with systematic")
    return method or "srs", sort


def _choice(record: Record, key: str, allowed: Sequence[str], default: str | None = None) -> str:
    """The word of a field, or its default, which is the first where none is said."""
    standard = allowed[0] if default is None else default
    return record.one_of(key, allowed) or standard if record.has(key) else standard


def _column(record: Record, key: str, *, is_required: bool = False) -> str | None:
    if not is_required and not record.has(key):
        return None
    return record.word(key, "the name of a column", _COLUMN) or None


def _channel(record: Record) -> str:
    if not record.has("channel"):
        return DEFAULT_CHANNEL
    try:
        return check_label("channel", record.word("channel", "a channel", _COLUMN)) or DEFAULT_CHANNEL
    except BadInput as complaint:
        record.complain("channel", str(complaint))
        return DEFAULT_CHANNEL
