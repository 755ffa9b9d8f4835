"""A list of people cleaned before a sample is drawn: what is put right, what is left out, and why.

Every row either stays or is left out for one reason, the first that holds; the report adds up to the rows of the file.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from survey.contact_numbers import tax_code, telephone
from survey.errors import BadInput
from survey.frame_texts import UNICODE, Spellings, respelled, spelling_of, spellings_of
from survey.old_spellings import READERS

Role = Literal["key", "unit", "stratum", "cluster", "day", "phone", "tax_code"]
# In the order in which they are looked at; a row is left out for the first.
Reason = Literal[
    "empty", "unit_missing", "unit_unknown", "day_missing", "day_unreadable", "day_before", "day_after",
    "phone_missing", "phone_bad", "tax_code_missing", "tax_code_bad", "key_missing", "key_twice", "person_twice",
]  # fmt: skip
REASONS: tuple[Reason, ...] = get_args(Reason)
ROLES: tuple[Role, ...] = get_args(Role)
# The columns that cleaning adds: the code of the unit, and the row of the file, from 1 below the columns' names.
UNIT_COLUMN, ROW_COLUMN, REASON_COLUMN = "unit_code", "file_row", "reason"
# What a stratum or a cluster is called that the file leaves empty.
UNNAMED = "không rõ"
MOST_UNKNOWN = 200

_JOINT = "\x1f"
_WAYS = (UNICODE, *READERS)
_BLANKS = re.compile(r"\s+")
_DAY = re.compile(r"(?P<day>[0-3]?[0-9])[/.\-](?P<month>[01]?[0-9])[/.\-](?P<year>[12][0-9]{3})(?:[ T,].*)?")
_ISO_DAY = re.compile(r"(?P<year>[12][0-9]{3})[/.\-]?(?P<month>[01][0-9])[/.\-]?(?P<day>[0-3][0-9])(?:[ T].*)?")
_PREFIXES = re.compile(r"^(?:ubnd|uỷ ban nhân dân|ủy ban nhân dân)\s+")

Texts = Sequence[str]


@dataclass(frozen=True, slots=True)
class CleaningRules:
    """What the columns of a list mean, and which rows belong.

    `columns` maps what is known of a row to the column that says it. `same_person` are columns that together tell a
    person apart: of rows that are alike in all of them, and about the same unit, the first stays. Days from
    `first_day` to `last_day` belong, both included; None leaves that end open. `units` maps a label in the list to
    the code of a unit, where it is neither the code nor the name of one. `needs_phone` leaves out who has no number.
    `reads_each` lets every text be read in its own spelling where the list mixes several.
    """

    columns: Mapping[Role, str] = field(default_factory=dict, hash=False)
    same_person: tuple[str, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    units: Mapping[str, str] = field(default_factory=dict, hash=False)
    needs_phone: bool = False
    needs_tax_code: bool = False
    reads_each: bool = False


@dataclass(frozen=True, slots=True)
class CleaningReport:
    """What cleaning did. `left_out` counts rows by reason, `n_respelled`, `n_phones` and `n_tax_codes` the texts and
    numbers that were put right in rows that stay; `by_unit` the rows of each unit that stay. `unknown_units` are labels
    that are no unit of the round, with their rows, the most frequent first.
    """

    n_rows: int
    n_kept: int
    left_out: Mapping[Reason, int]
    n_respelled: int
    n_phones: int
    n_tax_codes: int
    by_unit: Mapping[str, int]
    unknown_units: Mapping[str, int]
    spellings: Spellings


@dataclass(frozen=True, slots=True)
class CleanedFrame:
    """The rows that stay, and those that are left out with their reason; both know their row in the file."""

    kept: pa.Table
    left_out: pa.Table
    report: CleaningReport


class MixedSpellingsError(BadInput):
    """A list whose texts are spelled in several ways, and nobody said that each is to be read in its own."""

    def __init__(self, spellings: Spellings) -> None:
        super().__init__("found texts in several encodings, expected one")
        self.spellings = spellings


def unit_names(units: Mapping[str, str]) -> dict[str, str]:
    """How lists may call units: code and name, folded, each with the code it means. A name of two units means none.

    Arguments:
        units: names by code.
    """
    known: dict[str, str] = {_folded(code): code for code in units}
    named = Counter(_folded(name) for name in units.values())
    known.update({_folded(name): code for code, name in units.items() if named[_folded(name)] == 1})
    return known


def clean_frame(frame: pa.Table, rules: CleaningRules, units: Mapping[str, str]) -> CleanedFrame:
    """A list cleaned by rules.

    Arguments:
        frame: every cell text, "" for an empty one; any number of rows.
        rules: what its columns mean.
        units: the units of the round, names by code; those that `rules.units` maps to are among them.

    Raises BadInput where a column that is named is not there, and MixedSpellingsError.
    """
    _refuse_missing(frame, rules)
    table, spellings, n_respelled = _unicode_texts(frame, rules)
    reasons: np.ndarray[Any, np.dtype[np.int8]] = np.full(frame.num_rows, -1, np.int8)
    marking = _Marking(reasons)
    marking.mark("empty", _is_empty(table))
    table, unknown = _with_units(table, rules, units, marking)
    _mark_days(table, rules, marking)
    table, phones = _with_numbers(table, rules, "phone", telephone, rules.needs_phone, marking)
    table, codes = _with_numbers(table, rules, "tax_code", tax_code, rules.needs_tax_code, marking)
    table = _with_names_filled(table, rules)
    _mark_twice(table, rules, marking)
    stays = reasons < 0
    report = CleaningReport(
        n_rows=frame.num_rows,
        n_kept=int(stays.sum()),
        left_out={reason: int(count) for place, reason in enumerate(REASONS) if (count := (reasons == place).sum())},
        n_respelled=int(n_respelled[stays].sum()),
        n_phones=int(phones[stays].sum()),
        n_tax_codes=int(codes[stays].sum()),
        by_unit=_counts(table, stays) if "unit" in rules.columns else {},
        unknown_units=unknown,
        spellings=spellings,
    )
    return CleanedFrame(*_parted(table, reasons), report)


class _Marking:
    """The reasons of rows, as places in REASONS; -1 where a row stays. The first reason is kept."""

    def __init__(self, reasons: "np.ndarray[Any, np.dtype[np.int8]]") -> None:
        self.reasons = reasons

    def mark(self, reason: Reason, rows: "np.ndarray[Any, np.dtype[np.bool_]]") -> None:
        self.reasons[rows & (self.reasons < 0)] = REASONS.index(reason)

    @property
    def stays(self) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        stays: np.ndarray[Any, np.dtype[np.bool_]] = self.reasons < 0
        return stays


def _refuse_missing(frame: pa.Table, rules: CleaningRules) -> None:
    for name in (*rules.columns.values(), *rules.same_person):
        if name not in frame.column_names:
            shown = ", ".join(frame.column_names[:20])
            raise BadInput(f"found no column {name[:60]!r}, expected one of {shown}")
    named = list(rules.columns.values())
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"found the column {twice[:60]!r} for two things, expected another for each")


def _unicode_texts(
    frame: pa.Table, rules: CleaningRules
) -> tuple[pa.Table, Spellings, "np.ndarray[Any, np.dtype[np.int64]]"]:
    """The frame in composed Unicode without blanks around its texts, how it was spelled, and what changed by row."""
    parts = [_parts_of(frame[name]) for name in frame.column_names]
    spellings = spellings_of(texts for texts, _ in parts)
    if spellings.is_mixed and not rules.reads_each:
        raise MixedSpellingsError(spellings)
    ways = _ways_of(parts, spellings) if spellings.is_mixed else None
    n_changed = np.zeros(frame.num_rows, np.int64)
    columns = []
    for place, (texts, rows) in enumerate(parts):
        # Texts that are spelled alike and in one way are read once.
        chosen = _WAYS.index(spellings.usual) if ways is None else ways[place]
        read, places = np.unique(rows.astype(np.int64) * len(_WAYS) + chosen, return_inverse=True)
        pairs = [(texts[one // len(_WAYS)], _WAYS[one % len(_WAYS)]) for one in read.tolist()]
        right = [_trimmed(unicodedata.normalize("NFC", respelled(text, way))) for text, way in pairs]
        if spellings.is_mixed or spellings.usual != UNICODE:
            differs = (text.strip() != new for (text, _), new in zip(pairs, right, strict=True))
            n_changed += np.fromiter(differs, np.bool_, len(pairs))[places]
        columns.append(pa.array(right, pa.string()).take(pa.array(places)))
    names = [_trimmed(unicodedata.normalize("NFC", name)) for name in frame.column_names]
    return pa.Table.from_arrays(columns, names), spellings, n_changed


def _ways_of(parts: "Sequence[tuple[Texts, np.ndarray[Any, Any]]]", spellings: Spellings) -> "np.ndarray[Any, Any]":
    """How each cell of a mixed list is spelled, as places in _WAYS: by its own look, else as the rest of its row is."""
    known = []
    for texts, rows in parts:
        own = (None if text.isascii() else spelling_of(text) for text in texts)
        known.append(np.fromiter((-1 if way is None else _WAYS.index(way) for way in own), np.int8, len(texts))[rows])
    ways = np.array(known)
    of_row = np.full(ways.shape[1], _WAYS.index(spellings.usual), np.int8)
    for column in ways[::-1]:
        of_row = np.where(column >= 0, column, of_row)
    return np.where(ways >= 0, ways, of_row)


def _parts_of(column: pa.ChunkedArray) -> tuple[Texts, "np.ndarray[Any, np.dtype[np.int32]]"]:
    """The different texts of a column, and which of them each row has."""
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False)


def _is_empty(table: pa.Table) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    empty = np.ones(table.num_rows, np.bool_)
    for name in table.column_names:
        empty &= _blank(table[name])
    return empty


def _blank(column: pa.ChunkedArray) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    found: np.ndarray[Any, np.dtype[np.bool_]] = pc.equal(column, "").to_numpy(zero_copy_only=False)
    return found


def _with_units(
    table: pa.Table, rules: CleaningRules, units: Mapping[str, str], marking: _Marking
) -> tuple[pa.Table, dict[str, int]]:
    name = rules.columns.get("unit")
    if name is None:
        return table, {}
    known = unit_names(units) | {_folded(label): code for label, code in rules.units.items() if code in units}
    texts, places = _parts_of(table[name])
    codes = [known.get(_folded(text), "") for text in texts]
    is_known = np.fromiter((bool(code) for code in codes), np.bool_, len(codes))[places] if codes else marking.stays
    blank = _blank(table[name])
    unknown = ~is_known & ~blank & marking.stays
    marking.mark("unit_missing", blank)
    marking.mark("unit_unknown", unknown)
    counts = Counter(dict(enumerate(np.bincount(places[unknown], minlength=len(texts)).tolist())))
    found = {texts[place]: count for place, count in counts.most_common(MOST_UNKNOWN) if count}
    column = pa.array(codes, pa.string()).take(pa.array(places))
    return _put(table, UNIT_COLUMN, column, instead_of=name), found


def _mark_days(table: pa.Table, rules: CleaningRules, marking: _Marking) -> None:
    name = rules.columns.get("day")
    if name is None:
        return
    texts, places = _parts_of(table[name])
    days = [read_day(text) for text in texts]
    numbers = np.fromiter((0 if day is None else day.toordinal() for day in days), np.int64, len(days))[places]
    if rules.first_day is None and rules.last_day is None:
        return
    blank = _blank(table[name])
    marking.mark("day_missing", blank)
    marking.mark("day_unreadable", numbers == 0)
    if rules.first_day is not None:
        marking.mark("day_before", numbers < rules.first_day.toordinal())
    if rules.last_day is not None:
        marking.mark("day_after", numbers > rules.last_day.toordinal())


def read_day(text: str) -> date | None:
    """The day that a text says, day before month as it is written here, or year first; None where it says none."""
    found = _ISO_DAY.fullmatch(text) or _DAY.fullmatch(text)
    if found is None:
        return None
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return None


def _with_numbers(
    table: pa.Table,
    rules: CleaningRules,
    role: Literal["phone", "tax_code"],
    read: Callable[[str], str | None],
    is_needed: bool,
    marking: _Marking,
) -> "tuple[pa.Table, np.ndarray[Any, np.dtype[np.bool_]]]":
    """The table with one way of writing these numbers, and which rows had another."""
    name = rules.columns.get(role)
    if name is None:
        return table, np.zeros(table.num_rows, np.bool_)
    texts, places = _parts_of(table[name])
    right = [read(text) if text else "" for text in texts]
    is_bad = np.fromiter((number is None for number in right), np.bool_, len(right))[places]
    differs = np.fromiter((a is not None and a != b for a, b in zip(right, texts, strict=True)), np.bool_, len(right))
    if is_needed:
        marking.mark("phone_missing" if role == "phone" else "tax_code_missing", _blank(table[name]))
        marking.mark("phone_bad" if role == "phone" else "tax_code_bad", is_bad)
    # What is no number stays as it is written where nobody needs it, for whoever wants to put it right.
    shown = [text if number is None else number for number, text in zip(right, texts, strict=True)]
    column = pa.array(shown, pa.string()).take(pa.array(places))
    return table.set_column(table.column_names.index(name), name, column), differs[places]


def _with_names_filled(table: pa.Table, rules: CleaningRules) -> pa.Table:
    for role in ("stratum", "cluster"):
        name = rules.columns.get(role)
        if name is not None:
            column = pc.if_else(pc.equal(table[name], ""), UNNAMED, table[name])
            table = table.set_column(table.column_names.index(name), name, column)
    return table


def _mark_twice(table: pa.Table, rules: CleaningRules, marking: _Marking) -> None:
    key = rules.columns.get("key")
    if key is not None:
        marking.mark("key_missing", _blank(table[key]))
        marking.mark("key_twice", _later([table[key]], marking.stays))
    if rules.same_person:
        own = [table[UNIT_COLUMN]] if "unit" in rules.columns else []
        columns = [_folded_column(table[name]) for name in rules.same_person]
        nameless = np.ones(table.num_rows, np.bool_)
        for column in columns:
            nameless &= _blank(pa.chunked_array([column]))
        # Rows that say nothing of the person are not all one person.
        marking.mark("person_twice", _later([*own, *columns], marking.stays & ~nameless))


def _later(columns: Sequence[Any], among: "np.ndarray[Any, np.dtype[np.bool_]]") -> Any:
    """Which rows among some are alike in all columns with one of them before."""
    joined = columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, _JOINT)
    rows = np.flatnonzero(among)
    chosen = (joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined).take(pa.array(rows))
    places = chosen.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    _, first = np.unique(places, return_index=True)
    is_later = np.zeros(len(among), np.bool_)
    is_later[rows] = True
    is_later[rows[first]] = False
    return is_later


def _folded_column(column: pa.ChunkedArray) -> pa.Array:
    texts, places = _parts_of(column)
    return pa.array([_folded(text) for text in texts], pa.string()).take(pa.array(places))


def _counts(table: pa.Table, stays: "np.ndarray[Any, np.dtype[np.bool_]]") -> dict[str, int]:
    found = table[UNIT_COLUMN].filter(pa.array(stays)).value_counts().to_pylist()
    return {entry["values"]: entry["counts"] for entry in sorted(found, key=lambda entry: str(entry["values"]))}


def _parted(table: pa.Table, reasons: "np.ndarray[Any, np.dtype[np.int8]]") -> tuple[pa.Table, pa.Table]:
    rows = pa.array((np.arange(table.num_rows) + 1).astype(str), pa.string())
    table = _put(table, ROW_COLUMN, rows)
    words = pa.array(["", *REASONS], pa.string()).take(pa.array(reasons.astype(np.int64) + 1))
    stays = reasons < 0
    left = _put(table, REASON_COLUMN, words).filter(pa.array(~stays))
    return table.filter(pa.array(stays)), left


def _put(table: pa.Table, name: str, column: pa.Array, instead_of: str | None = None) -> pa.Table:
    """The table with a column of ours at its end; one of the list's that is called like it is called `frame_…`."""
    if instead_of == name:
        return table.set_column(table.column_names.index(name), name, column)
    names = [f"frame_{own}" if own == name else own for own in table.column_names]
    return table.rename_columns(names).append_column(name, column)


def _trimmed(text: str) -> str:
    return _BLANKS.sub(" ", text.replace("\u00a0", " ")).strip() if text else text


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFC", _trimmed(text)).casefold()
    return _PREFIXES.sub("", folded)
