"""What a design counts: the people of the frame's cells, and known totals to calibrate to."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from questionnaires.model import Item, Questionnaire
from questionnaires.records import Record

# Between the labels of a stratum that several columns make.
SEPARATOR = "/"
LARGEST_POPULATION = 1e10

# Where a response comes from: unit, stratum and PSU. An empty string is a column that the design does not use.
Cell = tuple[str, str, str]

_COUNTS = ("population", "probability", "issued", "returned")
# The labels of a stratum are joined by the separator, so none of them may hold it.
_LABEL = re.compile(rf"(?s)[^{SEPARATOR}]{{1,200}}")
_PSU = re.compile(r"(?s).{0,200}")
_ITEM = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_NAME = re.compile(r"(?s).{1,200}")
_MOST_CELLS = 20_000
_MOST_MARGINS = 1_000
# What a file can say with fifteen decimals, and rarer than any village is drawn.
_LOWEST_PROBABILITY = 1e-6


@dataclass(frozen=True, slots=True)
class DesignCell:
    """A cell of the sample: people whom the frame counts together and of whom some are asked.

    `unit`, `stratum` and `psu` are "" where the design does not use the column. `population` counts who could be asked
    (households where the design has a `household` item); `probability` is that with which the PSU was drawn. `issued`
    and `returned` are the invitations and the ballots, which sealing adds; None before.
    """

    unit: str
    stratum: str
    psu: str
    population: int
    probability: float = 1.0
    issued: int | None = None
    returned: int | None = None

    @property
    def key(self) -> Cell:
        """Where it is."""
        return self.unit, self.stratum, self.psu

    @property
    def expanded(self) -> float:
        """The people that it stands for: its own, and those of the PSUs that could have been drawn in its place."""
        return self.population / self.probability


@dataclass(frozen=True, slots=True)
class DesignMargin:
    """Known totals of an item's answers, in a unit or (`unit` "") in the whole round.

    `totals` are people by option code, or by a band's lowest number as text ("35") where the item is a number.
    """

    item: str
    unit: str
    totals: Mapping[str, int] = field(hash=False)


def read_cells(record: Record, columns: Sequence[str], questionnaire: Questionnaire | None) -> tuple[DesignCell, ...]:
    """The cells under a design's key "cells", told apart by some of unit, stratum and PSU.

    Where the design is for a questionnaire, and so is none that sealing wrote, it may not count what came back.
    """
    cells: dict[Cell, DesignCell] = {}
    for holder in record.records("cells", (*columns, *_COUNTS), (1, _MOST_CELLS)):
        labels = {name: holder.word(name, "a label in quotes", _PSU if name == "psu" else _LABEL) for name in columns}
        cell = DesignCell(
            unit=labels.get("unit", ""),
            stratum=labels.get("stratum", ""),
            psu=labels.get("psu", ""),
            population=read_people(holder, "population"),
            probability=_probability(holder, has_psus="psu" in columns),
            issued=read_people(holder, "issued", fewest=0) if holder.has("issued") else None,
            returned=read_people(holder, "returned", fewest=0) if holder.has("returned") else None,
        )
        for key in ("issued", "returned"):
            if holder.has(key) and questionnaire is not None:
                holder.complain(key, "found it in a design that is not sealed, expected none: sealing counts")
        if cell.key in cells:
            holder.complain("", f"found the cell {SEPARATOR.join(labels.values())} twice, expected it once")
        cells[cell.key] = cell
    return tuple(cells.values())


def read_margins(
    record: Record, units: frozenset[str] | None, questionnaire: Questionnaire | None
) -> tuple[DesignMargin, ...]:
    """The totals under a design's key "margins", which add up alike in each unit and in the whole round.

    `units` are those whose people the design counts, None where strata cross units.
    """
    margins: dict[tuple[str, str], DesignMargin] = {}
    sums: dict[str, int] = {}
    for holder in record.records("margins", ("item", "unit", "totals"), (1, _MOST_MARGINS)):
        item = holder.word("item", "the code of an item", _ITEM)
        unit = holder.word("unit", "the code of a unit in quotes", _LABEL) if holder.has("unit") else ""
        if unit and units is None:
            holder.complain("unit", "found it beside strata without unit, expected totals of the whole round")
        elif unit and units is not None and unit not in units:
            holder.complain("unit", f"found “{unit}”, whose people the design does not count, expected one it counts")
        named = holder.named_lists("totals", "people by answer", _NAME)
        totals = {name: read_people(parent, name) for name, parent in named}
        if not totals:
            holder.complain("totals", "found none, expected people by answer")
        if (item, unit) in margins:
            holder.complain("item", f"found a second margin of {item} there, expected one")
        n_people = sum(totals.values())
        if sums.setdefault(unit, n_people) != n_people:
            holder.complain("totals", f"found {n_people} people in all, expected {sums[unit]} as in the margin before")
        if questionnaire is not None:
            _complain_of_categories(holder, item, totals, questionnaire)
        margins[item, unit] = DesignMargin(item, unit, totals)
    return tuple(margins.values())


def read_household(record: Record, questionnaire: Questionnaire | None) -> str | None:
    """The item under a design's key "household": a number of at least 1 that is asked once a ballot."""
    if not record.has("household"):
        return None
    code = record.word("household", "the code of an item", _ITEM)
    item = None if questionnaire is None else _common_item(record, "household", code, questionnaire)
    if item is not None and item.kind != "number":
        record.complain("household", f"found {code}, which is no number, expected an item that counts people")
    elif item is not None and (item.minimum is None or item.minimum < 1):
        record.complain("household", f"found {code}, which may be below 1, expected an item with a minimum of 1")
    return code or None


def read_people(record: Record, key: str, fewest: int = 1) -> int:
    """A whole number of people; `fewest` where it is refused."""
    number = record.number(key, is_required=True, within=(fewest, LARGEST_POPULATION))
    if number is not None and not number.is_integer():
        record.complain(key, f"found the number {number:g}, expected a whole number of people")
    return fewest if number is None else int(number)


def band_label(low: float) -> str:
    """A band's lowest number as the totals of a margin name it: 35, and 0.5 where it is no whole number."""
    return f"{low:g}"


def _probability(holder: Record, *, has_psus: bool) -> float:
    probability = holder.number("probability", within=(0, 1))
    if probability is None:
        return 1.0
    if not has_psus:
        holder.complain("probability", "found it without the cluster psu, expected clusters that were drawn")
    elif probability < _LOWEST_PROBABILITY:
        holder.complain("probability", f"found the number {probability:g}, expected at least {_LOWEST_PROBABILITY:f}")
    return max(probability, _LOWEST_PROBABILITY)


def _complain_of_categories(holder: Record, code: str, totals: Mapping[str, int], questionnaire: Questionnaire) -> None:
    item = _common_item(holder, "item", code, questionnaire)
    if item is None:
        return
    known = [option.code for option in item.options] if item.kind == "single" else [band_label(b) for b in item.bands]
    if item.kind not in ("single", "number") or not known:
        holder.complain("item", f"found {code}, expected an item with one choice, or a number that is kept in bands")
        return
    for name in totals:
        if name not in known:
            holder.complain("totals", f"found “{name}”, expected the answers to {code}: {', '.join(known)}")
    lacking = [name for name in known if name not in totals]
    if lacking:
        holder.complain("totals", f"found no people for {', '.join(lacking)}, expected all answers to {code}")


def _common_item(record: Record, key: str, code: str, questionnaire: Questionnaire) -> Item | None:
    """The item, where the questionnaire asks it once a ballot; else a complaint."""
    if not code:
        return None
    common = {item.code: item for section in questionnaire.common_sections for item in section.items}
    if code not in common:
        which = (
            "item" if code not in {item.code for item in questionnaire.items} else "item that is asked once a ballot"
        )
        record.complain(key, f"found “{code}”, expected an {which} of {questionnaire.reference}")
    return common.get(code)
