"""The design of a round: what its strata and clusters are, and how many people stand behind each stratum."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, cast, get_args

from analysis.errors import DesignError
from analysis.release.design_adjustments import ADJUSTMENT_KEYS, NO_ADJUSTMENTS, Adjustments, read_adjustments
from analysis.release.design_counts import (
    SEPARATOR,
    Cell,
    DesignCell,
    DesignMargin,
    read_cells,
    read_household,
    read_margins,
    read_people,
)
from questionnaires.errors import QuestionnaireError
from questionnaires.marked_yaml import read_marked
from questionnaires.model import Questionnaire
from questionnaires.records import Notes, Record

FORMAT = 1
# The cluster of a round whose ballots rate several units each.
BALLOT = "ballot"

StratumColumn = Literal["unit", "stratum"]

_KEYS = (
    "design", "label", "strata", "clusters", "population", "household", "cells", "margins", "fpc", "import",
    "same_psus_as",
    *ADJUSTMENT_KEYS,
)  # fmt: skip
_IMPORT_KEYS = (
    "units", "notice", "opens_on", "closes_on", "respondent", "columns", "items", "codes", "missing", "dont_know",
    "not_applicable", "ignore",
)  # fmt: skip
_COLUMN = re.compile("|".join(get_args(StratumColumn)))
_CLUSTER = re.compile(f"psu|{BALLOT}")
_ANYTHING = re.compile(r"(?s).{0,200}")
_NAME = re.compile(r"(?s).{1,200}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


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

    `population` maps a stratum (its columns' values joined by "/") to the people in it, `cells` counts them finer: by
    stratum and PSU. Where neither does, every response counts alike within its unit, and there is no figure for the
    population of several units. `household` is the item that says for how many people a respondent speaks. `margins`
    are totals that the weights are calibrated to. `fpc` says that the sample was designed with known populations, so
    that a full count has no sampling error. `adjustments` change the weights for those who did not answer, and hold
    extremes. `same_psus_as` names an earlier round whose PSUs were visited again; "" for none.
    """

    strata: tuple[str, ...] = ("unit",)
    clusters: tuple[str, ...] = ()
    population: Mapping[str, int] | None = field(default=None, hash=False)
    fpc: bool = False
    imported: ImportMapping | None = field(default=None, hash=False)
    cells: tuple[DesignCell, ...] = ()
    household: str | None = None
    margins: tuple[DesignMargin, ...] = ()
    label: str = ""
    adjustments: Adjustments = NO_ADJUSTMENTS
    same_psus_as: str = ""
    _cell_at: Mapping[Cell, DesignCell] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A frozen value fills its own fields in this way; a batch of invitations looks up thousands of cells.
        object.__setattr__(self, "_cell_at", {cell.key: cell for cell in self.cells})

    @property
    def has_counts(self) -> bool:
        """True when somebody counted the people of every stratum."""
        return self.population is not None or bool(self.cells)

    @property
    def rates_several_units(self) -> bool:
        """True when a ballot, which rates several units, is the cluster of its ratings."""
        return BALLOT in self.clusters

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of unit, stratum and PSU that tell cells apart, in this order."""
        return tuple(name for name in ("unit", "stratum", "psu") if name in (*self.strata, *self.clusters))

    @property
    def crosses_units(self) -> bool:
        """True when strata and PSUs hold responses about several units: then a PSU's label means the same in all."""
        return "unit" not in self.strata

    @property
    def counted_units(self) -> frozenset[str] | None:
        """The units whose people the design counts; None where strata cross units."""
        if self.crosses_units:
            return None
        return frozenset(self.labels_of(name)["unit"] for name in self.stratum_people)

    @property
    def stratum_people(self) -> dict[str, float]:
        """The people of each stratum that the design counts; from cells, those that the drawn PSUs stand for."""
        if not self.cells:
            return {name: float(people) for name, people in (self.population or {}).items()}
        people: dict[str, float] = {}
        for cell in self.cells:
            people[self.stratum_of(cell.key)] = people.get(self.stratum_of(cell.key), 0.0) + cell.expanded
        return people

    def labels_of(self, stratum: str) -> dict[str, str]:
        """The labels that make up a stratum of the frame, by column."""
        if len(self.strata) == 1:
            return {self.strata[0]: stratum}
        return dict(zip(self.strata, stratum.split(SEPARATOR), strict=True))

    def stratum_of(self, cell: Cell) -> str:
        """The stratum that a cell is in, as `labels_of` takes it apart."""
        labels = dict(zip(("unit", "stratum", "psu"), cell, strict=True))
        return SEPARATOR.join(labels[name] for name in self.strata)

    def cell_of(self, unit: str, stratum: str, psu: str) -> Cell:
        """The place of a response among the cells: what the design does not look at is left out."""
        labels = {"unit": unit, "stratum": stratum, "psu": psu}
        unit, stratum, psu = (labels[name] if name in self.columns else "" for name in labels)
        return unit, stratum, psu

    def knows_cell(self, unit: str, stratum: str, psu: str) -> bool:
        """False when the design lists cells and this is none of them; an invitation to it would have no weight.

        Labels in columns that the design does not use are as good as any, but for strata that PSUs would be split by.
        """
        if not self.cells:
            return True
        if stratum and "psu" in self.clusters and "stratum" not in self.strata:
            return False
        return self.cell_of(unit, stratum, psu) in self._cell_at

    def population_of(self, unit: str, stratum: str, psu: str) -> int | None:
        """The people of a cell, the most who can be asked there; None when the design lists no such cell."""
        cell = self._cell_at.get(self.cell_of(unit, stratum, psu))
        return None if cell is None else cell.population

    def eligible_of_unit(self, unit: str) -> int | None:
        """The people who could be asked about a unit, or with "" about any; None when they were not counted so.

        Where PSUs were drawn these are the people of the drawn PSUs.
        """
        if not self.has_counts or (unit and self.crosses_units):
            return None
        if self.cells:
            return sum(cell.population for cell in self.cells if unit in ("", cell.unit))
        counted = (self.population or {}).items()
        return sum(people for name, people in counted if not unit or self.labels_of(name)["unit"] == unit)


DEFAULT_DESIGN_SOURCE = b"design: 1\nstrata: [unit]\nclusters: []\nfpc: false\n"
SEVERAL_UNITS_DESIGN_SOURCE = b"design: 1\nstrata: [stratum]\nclusters: [ballot]\nfpc: false\n"


def default_design_source(*, rates_several_units: bool) -> bytes:
    """The design of a round that brings none: units are strata, or ballots are clusters where each rates several."""
    return SEVERAL_UNITS_DESIGN_SOURCE if rates_several_units else DEFAULT_DESIGN_SOURCE


def parse_design(source: bytes, origin: str, questionnaire: Questionnaire | None = None) -> RoundDesign:
    """The design in a YAML file, and whether it suits the questionnaire where one is given.

    Raises DesignError with the file, the line, what was found and what was expected.
    """
    try:
        notes = Notes(origin)
        design = _design(Record(read_marked(source, origin, "a design"), "", notes, _KEYS), questionnaire)
        notes.raise_if_any()
    except QuestionnaireError as complaint:
        raise DesignError(str(complaint)) from None
    return design


def _design(record: Record, questionnaire: Questionnaire | None) -> RoundDesign:
    record.number("design", is_required=True, within=(FORMAT, FORMAT))
    label = record.sentence("label") if record.has("label") else ""
    clusters = record.words("clusters", f"psu or {BALLOT}", _CLUSTER, (0, 1)) if record.has("clusters") else ()
    default = ("stratum",) if BALLOT in clusters else ("unit",)
    strata = record.words("strata", "unit or stratum", _COLUMN, (1, 2)) if record.has("strata") else default
    population = _population(record, len(strata))
    imported = record.record("import", _IMPORT_KEYS)
    design = RoundDesign(
        strata=tuple(cast(StratumColumn, name) for name in strata),
        clusters=clusters,
        population=population,
        fpc=record.flag("fpc"),
        imported=None if imported is None else _import_mapping(imported),
        household=read_household(record, questionnaire),
        label=label,
        adjustments=read_adjustments(record),
        same_psus_as=record.word("same_psus_as", "the name of an earlier round", _NAME, is_required=False),
    )
    if record.has("cells"):
        design = replace(design, cells=read_cells(record, design.columns, questionnaire))
    if record.has("margins"):
        design = replace(design, margins=read_margins(record, design.counted_units, questionnaire))
    _complain_of_contradictions(record, design)
    if questionnaire is not None:
        _complain_of_misfits(record, design, questionnaire)
    return design


def _complain_of_contradictions(record: Record, design: RoundDesign) -> None:
    if design.rates_several_units and "unit" in design.strata:
        record.complain("strata", f"found unit beside the cluster {BALLOT}, expected stratum: ballots rate many units")
    if design.cells and design.population is not None:
        record.complain("population", "found it beside “cells”, expected one of them: cells count the people")
    if record.has("margins") and not record.has("cells") and design.population is None:
        record.complain("margins", "found them without “population” or “cells”, expected the people of each stratum")
    if design.fpc and not record.has("cells") and design.population is None:
        record.complain("fpc", "found true without “population”, expected the number of people in each stratum")
    if design.fpc and design.clusters:
        record.complain("fpc", "found true beside clusters, expected false: the population counts people, not clusters")


def _complain_of_misfits(record: Record, design: RoundDesign, questionnaire: Questionnaire) -> None:
    name = questionnaire.reference
    if questionnaire.rates_several_units:
        if not design.crosses_units and not design.rates_several_units:
            record.complain("strata", f"found unit, expected stratum: with {name} an invitation is to no one unit")
        if not design.clusters:
            record.complain("clusters", f"found none, expected {BALLOT}: with {name} a ballot rates several units")
    elif design.rates_several_units:
        record.complain("clusters", f"found {BALLOT}, expected psu or none: with {name} a ballot rates one unit")
    elif design.cells and design.crosses_units:
        record.complain("strata", f"found no unit beside cells, expected it: with {name} an invitation is to a unit")


def _population(record: Record, n_strata: int) -> dict[str, int] | None:
    if not record.has("population"):
        return None
    population: dict[str, int] = {}
    for name, holder in record.named_lists("population", "the number of people in each stratum", _NAME):
        people = read_people(holder, name)
        if n_strata > 1 and name.count(SEPARATOR) != n_strata - 1:
            holder.complain(name, f"found the stratum {name!r}, expected {n_strata} labels joined by {SEPARATOR}")
            continue
        population[name] = people
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
