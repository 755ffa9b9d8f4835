"""A file and a specification become a table of known types, with one column of numbers for each wanted estimate."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.errors import SpecError
from analysis.estimation.design import SurveyDesign
from analysis.estimation.spec import Specification
from analysis.estimation.subsets import columns_in, rows_satisfying
from analysis.estimation.tables import Sheet, Source, read_sheet
from analysis.estimation.totals import Column, in_database

INSIDE = "__inside"
ROW = "__row"
MOST_LEVELS = 200
_TRUTHS = ("FALSE", "TRUE")


@dataclass(frozen=True, slots=True)
class Quantities:
    """What is to be estimated by the collapse road.

    Attributes:
        statistic: "svymean", "svytotal" or "svyratio"; variables: what is estimated, numerator and denominator for a
            ratio; by: the columns of the domains; factors: variables that are categories whatever they look like.
        leaves_out_missing: rows without an answer are left out; otherwise one of them leaves no estimate.
    """

    statistic: str
    variables: tuple[str, ...]
    by: tuple[str, ...]
    factors: tuple[str, ...]
    leaves_out_missing: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A table that is ready to be estimated from.

    Attributes:
        design: the design with the names its columns have in the table.
        table: design columns (keys as text), domains as `__by0`, …, estimates' numbers as `__y0`, … and `__x0`, …,
            `__inside`, true for the rows of the subset, and `__row`, their order in the file: an Arrow table. Of a file
            that the database reads by itself an Ibis table, with the file's own names.
        columns: what is estimated; statistics: the name of each of them.
        domain: the names of the domain columns.
        inside: the name of the subset's column; None where there is no subset.
    """

    design: SurveyDesign
    table: Any
    columns: tuple[Column, ...]
    statistics: tuple[str, ...]
    domain: tuple[str, ...]
    inside: str | None = INSIDE

    def rows(self) -> Any:
        """The table as an Ibis table of a database in this process."""
        return in_database(self.table) if isinstance(self.table, pa.Table) else self.table


def prepare(question: Quantities, specification: Specification, folder: Source) -> Prepared:
    """The table of a specification, with what its question needs.

    Raises SpecError where the file or one of its cells is not what the specification needs.
    """
    design = specification.design
    in_subset = columns_in(specification.subset) if specification.subset is not None else ()
    needed = (*design.columns, *question.variables, *question.by, *in_subset)
    if specification.data is None:
        raise SpecError("data: found no file, expected a table")
    labels = {*design.strata, *design.later_strata, *design.clusters, *question.by, *question.factors, *in_subset}
    numeric = frozenset(name for name in needed if name not in labels)
    sheet = read_sheet(folder, specification.data, tuple(dict.fromkeys(needed)), numeric)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    for name in (*design.strata, *design.later_strata, *design.clusters):
        columns[name] = sheet.keys(name)
    for name in design.fpc:
        columns.setdefault(name, pa.array(checked_populations(sheet, name)))
    if design.weight is not None:
        columns.setdefault(design.weight, pa.array(checked_weights(sheet, design.weight)))
    for i, name in enumerate(question.by):
        columns[f"__by{i}"] = sheet.labels(name)
    columns[INSIDE] = rows_inside(sheet, specification.subset)
    columns[ROW] = pa.array(np.arange(sheet.n_rows))
    if question.statistic == "svyratio":
        estimated, statistics = _ratio(sheet, question, columns)
    else:
        estimated, statistics = _variables(sheet, question, columns)
    domain = tuple(f"__by{i}" for i in range(len(question.by)))
    renamed, names = _named_apart(design)
    table = pa.table({names.get(name, name): values for name, values in columns.items()})
    inside = None if specification.subset is None else INSIDE
    # What reading took is given back before the database takes its part.
    del sheet, columns
    pa.default_memory_pool().release_unused()
    return Prepared(renamed, table, estimated, statistics, domain, inside)


def _named_apart(design: SurveyDesign) -> tuple[SurveyDesign, dict[str, str]]:
    """The design with names that the database tells apart, and the new name of each column.

    To the database `nh` and `Nh` are one name; and names that begin with `__` are ours.
    """
    seen: set[str] = set()
    names: dict[str, str] = {}
    for name in design.columns:
        is_free = name.lower() not in seen and not name.startswith("__")
        seen.add(name.lower())
        names[name] = name if is_free else f"{name} ({len(names) + 1})"
    renamed = replace(
        design,
        strata=tuple(names[name] for name in design.strata),
        later_strata=tuple(names[name] for name in design.later_strata),
        clusters=tuple(names[name] for name in design.clusters),
        fpc=tuple(names[name] for name in design.fpc),
        weight=None if design.weight is None else names[design.weight],
    )
    return renamed, names


def checked_weights(sheet: Sheet, name: str) -> npt.NDArray[np.float64]:
    """A column of weights (n_rows,), each above 0. Raises SpecError with the first row that has another."""
    numbers = sheet.numbers(name, needs_all=True)
    bad = np.flatnonzero(numbers <= 0)
    if len(bad):
        raise sheet.refusal(name, int(bad[0]), f"found the weight {numbers[bad[0]]:g}", "a weight above 0")
    return numbers


def checked_populations(sheet: Sheet, name: str) -> npt.NDArray[np.float64]:
    """A column of counts or fractions (n_rows,), each at least 0. Raises SpecError with the first row that has not."""
    numbers = sheet.numbers(name, needs_all=True, may_be_infinite=True)
    bad = np.flatnonzero(numbers < 0)
    if len(bad):
        raise sheet.refusal(name, int(bad[0]), f"found {numbers[bad[0]]:g}", "a population count or sampling fraction")
    return numbers


def rows_inside(sheet: Sheet, subset: str | None) -> pa.Array | pa.ChunkedArray:
    """Which rows satisfy the subset's expression, all where there is none. Raises SpecError where no row does."""
    if subset is None:
        return pa.array(np.ones(sheet.n_rows, dtype=np.bool_))
    chosen = rows_satisfying(subset, sheet)
    if not pc.any(chosen).as_py():
        raise SpecError(f"{sheet.name}: design.subset: found no row where {subset}, expected at least one")
    return chosen


def _number_column(sheet: Sheet, name: str) -> pa.Array:
    numbers = sheet.numbers(name)
    return pa.array(numbers, mask=np.isnan(numbers))


def _ratio(
    sheet: Sheet, question: Quantities, columns: dict[str, pa.Array | pa.ChunkedArray]
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    numerator, denominator = question.variables
    columns["__y0"], columns["__x0"] = _number_column(sheet, numerator), _number_column(sheet, denominator)
    return (Column("__y0", "__x0", "ratio", 0),), (f"{numerator}/{denominator}",)


def _variables(
    sheet: Sheet, question: Quantities, columns: dict[str, pa.Array | pa.ChunkedArray]
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    kind = "ratio" if question.statistic == "svymean" else "total"
    estimated: list[Column] = []
    statistics: list[str] = []
    for variable, name in enumerate(question.variables):
        if name not in question.factors and not _is_category(sheet, name):
            found = {name: _number_column(sheet, name)}
        else:
            labels = sheet.labels(name)
            found = {
                f"{name}{level}": pc.equal(labels, level).cast(pa.float64()) for level in _levels(sheet, name, columns)
            }
        for statistic, values in found.items():
            column = f"__y{len(estimated)}"
            columns[column] = values
            estimated.append(Column(column, None, "ratio" if kind == "ratio" else "total", variable))
            statistics.append(statistic)
    return tuple(estimated), tuple(statistics)


def _is_category(sheet: Sheet, name: str) -> bool:
    """Whether a variable holds categories; a column that mixes numbers and text is refused as a mistake."""
    if sheet.is_numeric(name):
        return False
    labels = sheet.labels(name)
    is_number = pc.fill_null(pc.match_substring_regex(labels, r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"), False)
    if pc.any(is_number).as_py():
        sheet.numbers(name)
    return True


def _levels(sheet: Sheet, name: str, columns: dict[str, pa.Array | pa.ChunkedArray]) -> list[str]:
    labels = pc.drop_null(pc.unique(pc.filter(sheet.labels(name), columns[INSIDE])))
    levels = sorted_labels(labels.to_pylist())
    if levels and set(levels) < set(_TRUTHS):
        # A truth has two values, also where only one of them was given.
        levels = list(_TRUTHS)
    if len(levels) > MOST_LEVELS:
        raise SpecError(f"{sheet.name}: column {name}: found {len(levels)} categories, expected at most {MOST_LEVELS}")
    return levels


def sorted_labels(labels: list[str]) -> list[str]:
    """Labels in the order of their numbers where all are numbers, else of their letters."""
    try:
        return sorted(labels, key=float)
    except ValueError:
        return sorted(labels)
