"""A sampling frame's columns: what they must hold before anybody is drawn by them, and the strata that they make."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analysis.errors import DesignError
from analysis.estimation.sample_plans import FrameColumns
from analysis.row_groups import group_rows

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FrameStratum:
    """The rows of a unit's stratum; a label is "" where the plan has no such column."""

    unit: str
    stratum: str
    rows: Integers

    @property
    def name(self) -> str:
        """The stratum as complaints and a design call it."""
        return "/".join(label for label in (self.unit, self.stratum) if label) or "the frame"


def strata_of(frame: pa.Table, columns: FrameColumns) -> list[FrameStratum]:
    """The strata of a frame in the order in which they appear; the whole frame where it has neither column."""
    named = [name for name in (columns.unit, columns.stratum) if name is not None]
    if not named:
        return [FrameStratum("", "", np.arange(frame.num_rows, dtype=np.int64))]
    groups = group_rows(frame, named)
    order = np.argsort(groups.group_of_row, kind="stable").astype(np.int64)
    rows = np.split(order, np.cumsum(groups.counts)[:-1])
    found = []
    for labels, own in zip(groups.labels, rows, strict=True):
        label_of = dict(zip(named, labels, strict=True))
        found.append(FrameStratum(label_of.get(columns.unit or "", ""), label_of.get(columns.stratum or "", ""), own))
    return found


def n_labels(frame: pa.Table, column: str, rows: Integers) -> int:
    """How many names these rows have in a column."""
    return len(frame[column].take(pa.array(rows)).unique())


def one_number(frame: pa.Table, column: str, rows: Integers, place: str) -> float:
    """The number above 0 that all these rows have in a column; DesignError where they have none."""
    texts = frame[column].take(pa.array(rows)).unique().to_pylist()
    if len(texts) > 1:
        raise DesignError(
            f"column {column}: found {texts[0]!r} and {texts[1]!r} in {place}, expected one number in all its rows"
        )
    try:
        number = float(texts[0])
    except ValueError:
        raise DesignError(f"column {column}: found {texts[0]!r} in {place}, expected a number above 0") from None
    if not 0 < number < float("inf"):
        raise DesignError(f"column {column}: found {texts[0]} in {place}, expected a number above 0")
    return number


def refuse_bad_columns(frame: pa.Table, named: Iterable[str], key: str | None) -> None:
    """Raise DesignError where the frame has no row, lacks a named column or a value in it, or has a key twice."""
    wanted = list(dict.fromkeys(named))
    for name in wanted:
        if name not in frame.column_names:
            beside = ", ".join(frame.column_names)[:160]
            raise DesignError(f"frame: found no column {name!r}, expected it beside {beside}")
    if not frame.num_rows:
        raise DesignError("frame: found no row, expected at least one person")
    for name in wanted:
        empty = np.flatnonzero([text is None or not text.strip() for text in frame[name].to_pylist()])
        if len(empty):
            raise DesignError(f"frame, row {empty[0] + 2}: found an empty {name!r}, expected a value in every row")
    if key is not None:
        _refuse_repeated(frame[key].to_pylist(), key)


def _refuse_repeated(keys: Iterable[str], name: str) -> None:
    seen: dict[str, int] = {}
    for row, key in enumerate(keys, start=2):
        if key in seen:
            raise DesignError(f"frame, row {row}: found the {name} {key!r} of row {seen[key]} again, expected it once")
        seen[key] = row
