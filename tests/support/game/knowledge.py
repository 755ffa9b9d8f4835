"""What an adversary knows and sees: tokens and arrivals, the rows of every table, logs, files.

The adversary is the hostile issuer: every code, tag and identifier of every invitation is known, and the exact order
in which people came. What is unknown is what each of them answered. Answers are known as the sealed round shows them.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support.game.cast import Vector, vector_in

# A guess: which of the round's answers is whose, by the number of the arrival and the position of the answer.
Guess = dict[int, int]
NOT_LOOKED = -1


@dataclass(frozen=True, slots=True)
class Arrival:
    """One counted respondent: the unit, and everything that names the invitation wherever it is written."""

    unit: str
    names: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Final:
    """One row of the sealed round, at its place in the archive."""

    unit: str
    vector: Vector
    length: int = 0


@dataclass(slots=True)
class Row:
    """A row as it was found somewhere, with what the database says of it beside its values.

    `marks` may hold: xmin, ctid, rowid, toast, leaf, commit, snapshot, position (numbers or pairs that sort), dead.
    """

    source: str
    table: str
    values: tuple[object, ...]
    marks: dict[str, object] = field(default_factory=dict)
    # What was found out about the row, so that it is found out once: whom it names, what it answers.
    token: int | None = NOT_LOOKED
    answers: dict[bool, int | None] = field(default_factory=dict)

    @property
    def key(self) -> object:
        """The first value, which identifies the row in every table of ours and of the leaky recorders."""
        return self.values[0]


@dataclass(slots=True)
class Evidence:
    """One view: what is on the table in front of the adversary."""

    rows: list[Row] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)
    # Byte streams in the order they were written: write-ahead logs without their page headers, database files.
    streams: list[tuple[str, bytes]] = field(default_factory=list)
    opener: Callable[[bytes], str] | None = None
    grouped: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    n_grouped: int = 0

    def tables(self) -> dict[tuple[str, str], list[Row]]:
        """The rows by source and table."""
        if self.n_grouped != len(self.rows):
            self.grouped.clear()
            for row in self.rows:
                self.grouped.setdefault((row.source, row.table), []).append(row)
            self.n_grouped = len(self.rows)
        return self.grouped


class Knowledge:
    """What the adversary brings along to every view."""

    def __init__(self, arrivals: Sequence[Arrival], final: Sequence[Final], seed: int) -> None:
        self.arrivals = tuple(arrivals)
        self.final = tuple(final)
        self.random = random.Random(seed)  # noqa: S311 - a game that can be played again
        self._token = {name: number for number, arrival in enumerate(arrivals) for name in arrival.names}
        self._answer = {row.vector: position for position, row in enumerate(final)}
        self._opened: dict[bytes, int | None] = {}
        self._by_key: dict[bool, dict[bytes, int]] = {False: {}, True: {}}

    def token(self, value: object) -> int | None:
        """The arrival that a value names, however it is written."""
        for spelled in spellings(value):
            if spelled in self._token:
                return self._token[spelled]
        return None

    def token_of(self, row: Row) -> int | None:
        """The arrival that some value of the row names."""
        if row.token == NOT_LOOKED:
            row.token = next((found for found in map(self.token, row.values) if found is not None), None)
        return row.token

    def position(self, vector: Vector) -> int | None:
        """The place in the archive of the answer with this vector."""
        return self._answer.get(vector)

    def answer_in(self, text: str) -> int | None:
        """The answer in a text of JSON."""
        vector = vector_in(text)
        return None if vector is None else self._answer.get(vector)

    def answer_of(self, row: Row, opener: Callable[[bytes], str] | None = None) -> int | None:
        """The answer that some value of the row holds in the clear, or sealed to a key that the adversary has.

        A row that holds none, but has the key of one that was found to, stands for that one.
        """
        has_key = opener is not None
        if has_key in row.answers:
            return row.answers[has_key]
        found = self._decoded(row, opener)
        key = row.key if row.values else None
        if found is not None and isinstance(key, bytes):
            self._by_key[has_key].setdefault(key, found)
        elif found is None and isinstance(key, bytes):
            # Not kept: the row that tells may be looked at later.
            return self._by_key[has_key].get(key)
        row.answers[has_key] = found
        return found

    def _decoded(self, row: Row, opener: Callable[[bytes], str] | None) -> int | None:
        for value in row.values:
            found = None
            if isinstance(value, str):
                found = self.answer_in(value)
            elif isinstance(value, bytes) and opener is not None and len(value) > 200:
                if value not in self._opened:
                    self._opened[value] = self.answer_in(opener(value))
                found = self._opened[value]
            if found is not None:
                return found
        return None

    def by_unit(self) -> dict[str, tuple[list[int], list[int]]]:
        """Arrivals and answers of each unit, in the order of arrival and of the archive."""
        units: dict[str, tuple[list[int], list[int]]] = {}
        for number, arrival in enumerate(self.arrivals):
            units.setdefault(arrival.unit, ([], []))[0].append(number)
        for position, row in enumerate(self.final):
            if row.unit in units:
                units[row.unit][1].append(position)
        return units

    def completed(self, guess: Mapping[int, int]) -> Guess:
        """The guess, with a random answer of the unit for every arrival that it says nothing of."""
        full = dict(guess)
        used = set(full.values())
        for arrivals, answers in self.by_unit().values():
            left = [answer for answer in answers if answer not in used]
            self.random.shuffle(left)
            for arrival in arrivals:
                if arrival not in full and left:
                    full[arrival] = left.pop()
        return full


def spellings(value: object) -> Iterator[bytes]:
    """The bytes a value may stand for: itself, its text, what its text says in hexadecimal digits."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, str):
        yield value.encode()
        if len(value) % 2 == 0 and len(value) >= 16:
            try:
                yield bytes.fromhex(value)
            except ValueError:
                return


def sortable(values: Iterable[object]) -> bool:
    """Whether values can be sorted among each other, and are not all the same."""
    found = list(values)
    kinds = {type(value) for value in found}
    return len(kinds) == 1 and None not in found and len(set(found)) > 1
