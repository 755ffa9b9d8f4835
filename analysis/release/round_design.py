"""The design of a round: what its strata and clusters are, and how many people stand behind each stratum."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, cast, get_args

from analysis.errors import DesignError
from questionnaires.errors import QuestionnaireError
from questionnaires.marked_yaml import read_marked
from questionnaires.records import Notes, Record

FORMAT = 1
# Between the labels of a stratum that several columns make.
SEPARATOR = "/"

StratumColumn = Literal["unit", "stratum"]

_KEYS = ("design", "label", "strata", "clusters", "population", "fpc", "import")
_IMPORT_KEYS = (
    "units", "notice", "opens_on", "closes_on", "respondent", "columns", "items", "codes", "missing", "dont_know",
    "not_applicable", "ignore",
)  # fmt: skip
_COLUMN = re.compile("|".join(get_args(StratumColumn)))
_CLUSTER = re.compile("psu")
_ANYTHING = re.compile(r"(?s).{0,200}")
_NAME = re.compile(r"(?s).{1,200}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LARGEST_POPULATION = 1e10


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """How a table of answers collected elsewhere reads as responses.

    `columns` maps "unit", "stratum", "psu" and "channel" to the table's columns; `items` maps an item's code to its
    column where the two differ; `codes` maps, for an item or one of the four attributes, a found value to the code
    that is meant. `missing`, `dont_know` and `not_applicable` are found values that mean these. `ignore` names
    columns that are known and left behind. `respondent` is the column of the respondent's number, which never enters
    an archive. `units` and `notice` are files beside the design; `opens_on` and `closes_on` say when people were asked.
    """

    units: str | None
    notice: str | None
    opens_on: date | None
    closes_on: date | None
    respondent: str | None
    columns: Mapping[str, str]
    items: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]]
    missing: tuple[str, ...]
    dont_know: tuple[str, ...]
    not_applicable: tuple[str, ...]
    ignore: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoundDesign:
    """Strata and clusters as columns of the responses, and the frame's counts.

    `population` maps a stratum (its columns' values joined by "/") to the people in it; None when nobody counted them.
    Then every response counts alike within its unit, and there is no figure for the population of several units.
    `fpc` says that the sample was designed with known populations, so that a full count has no sampling error.
    """

    strata: tuple[str, ...] = ("unit",)
    clusters: tuple[str, ...] = ()
    population: Mapping[str, int] | None = field(default=None, hash=False)
    fpc: bool = False
    imported: ImportMapping | None = field(default=None, hash=False)

    def labels_of(self, stratum: str) -> dict[str, str]:
        """The labels that make up a stratum of the frame, by column."""
        if len(self.strata) == 1:
            return {self.strata[0]: stratum}
        return dict(zip(self.strata, stratum.split(SEPARATOR), strict=True))


DEFAULT_DESIGN_SOURCE = b"design: 1\nstrata: [unit]\nclusters: []\nfpc: false\n"


def parse_design(source: bytes, origin: str) -> RoundDesign:
    """The design in a YAML file.

    Raises DesignError with the file, the line, what was found and what was expected.
    """
    try:
        notes = Notes(origin)
        design = _design(Record(read_marked(source, origin), "", notes, _KEYS))
        notes.raise_if_any()
    except QuestionnaireError as complaint:
        raise DesignError(str(complaint)) from None
    return design


def _design(record: Record) -> RoundDesign:
    record.number("design", is_required=True, within=(FORMAT, FORMAT))
    if record.has("label"):
        record.sentence("label")
    strata = record.words("strata", "unit or stratum", _COLUMN, (1, 2)) if record.has("strata") else ("unit",)
    clusters = record.words("clusters", "psu", _CLUSTER, (0, 1)) if record.has("clusters") else ()
    population = _population(record, len(strata))
    fpc = record.flag("fpc")
    if fpc and population is None:
        record.complain("fpc", "found true without “population”, expected the number of people in each stratum")
    if fpc and clusters:
        record.complain("fpc", "found true beside clusters, expected false: the population counts people, not clusters")
    imported = record.record("import", _IMPORT_KEYS)
    return RoundDesign(
        strata=tuple(cast(StratumColumn, name) for name in strata),
        clusters=clusters,
        population=population,
        fpc=fpc,
        imported=None if imported is None else _import_mapping(imported),
    )


def _population(record: Record, n_strata: int) -> dict[str, int] | None:
    if not record.has("population"):
        return None
    population: dict[str, int] = {}
    for name, holder in record.named_lists("population", "the number of people in each stratum", _NAME):
        number = holder.number(name, is_required=True, within=(1, _LARGEST_POPULATION))
        if number is not None and not number.is_integer():
            holder.complain(name, f"found the number {number:g}, expected a whole number of people")
        if n_strata > 1 and name.count(SEPARATOR) != n_strata - 1:
            holder.complain(name, f"found the stratum {name!r}, expected {n_strata} labels joined by {SEPARATOR}")
        population[name] = int(number or 1)
    return population


def _import_mapping(record: Record) -> ImportMapping:
    columns = _names(record, "columns")
    for attribute in columns:
        if attribute not in {"unit", "stratum", "psu", "channel"}:
            record.complain("columns", f"found the attribute “{attribute}”, expected unit, stratum, psu or channel")
    if "unit" not in columns:
        record.complain("columns", "found no “unit”, expected the column that names each respondent's unit")
    codes = {
        name: _names(holder, name)
        for name, holder in record.named_lists("codes", "found values and the codes they mean", _NAME)
    }
    return ImportMapping(
        units=_word(record, "units"),
        notice=_word(record, "notice"),
        opens_on=_date(record, "opens_on"),
        closes_on=_date(record, "closes_on"),
        respondent=_word(record, "respondent"),
        columns=columns,
        items=_names(record, "items"),
        codes=codes,
        missing=_values(record, "missing"),
        dont_know=_values(record, "dont_know"),
        not_applicable=_values(record, "not_applicable"),
        ignore=_values(record, "ignore"),
    )


def _names(record: Record, key: str) -> dict[str, str]:
    if not record.has(key):
        return {}
    return {
        name: holder.word(name, "a name in quotes", _NAME)
        for name, holder in record.named_lists(key, "names and what they stand for", _NAME)
    }


def _values(record: Record, key: str) -> tuple[str, ...]:
    return record.words(key, "a value in quotes", _ANYTHING, (0, 5000)) if record.has(key) else ()


def _word(record: Record, key: str) -> str | None:
    return record.word(key, "a name", _NAME) if record.has(key) else None


def _date(record: Record, key: str) -> date | None:
    text = record.word(key, 'a date in quotes, as "2021-09-30"', _DATE) if record.has(key) else ""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        record.complain(key, f"found {text}, which is no day of the calendar, expected a date")
        return None
