"""A question to a Parquet file that the database reads where it lies, so that no column is copied into this process."""

from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from analysis.estimation.preparation import Prepared, Quantities
from analysis.estimation.scanning import Column
from analysis.estimation.spec import Specification
from analysis.estimation.tables import Source, parquet_schema
from analysis.estimation.totals import on_one_thread

Names = tuple[str, ...]

# Signs by which the database would look for several files.
_PATTERNS = frozenset("*?[]{}")


def prepared_in_place(question: Quantities, specification: Specification, folder: Source) -> Prepared | None:
    """What `prepare` gives, with an Ibis table of the file itself; None where the file has to be read as a sheet.

    So it has where it is in memory already, where a column is missing or of a type that needs a closer look (text that
    may be numbers, categories), where a value is missing or impossible, which the sheet names by its row, and where a
    subset, replicates or calibration ask for columns.
    """
    design, file = specification.design, specification.data
    is_plain = specification.subset is None and specification.replicates is None and specification.calibration is None
    if not isinstance(folder, Path) or file is None or not file.lower().endswith(".parquet"):
        return None
    if not is_plain or question.factors:
        return None
    schema = parquet_schema(folder, file)
    weights = () if design.weight is None else (design.weight,)
    keys = (*design.strata, *design.later_strata, *design.clusters)
    numbers = (*weights, *design.fpc, *question.variables)
    if not _are_all(schema, (*keys, *question.by), _is_key) or not _are_all(schema, numbers, _is_number):
        return None
    path = str(folder / file)
    # To the database names that differ in their capitals are one.
    if _PATTERNS & set(path) or len({name.lower() for name in schema.names}) < len(schema.names):
        return None
    table = on_one_thread(ibis.duckdb.connect()).read_parquet(path)
    if _has_faults(table, keys, weights, design.fpc, question.variables):
        return None
    if question.statistic == "svyratio":
        numerator, denominator = question.variables
        columns: tuple[Column, ...] = (Column(numerator, denominator, "ratio", 0),)
        statistics: tuple[str, ...] = ("/".join(question.variables),)
    else:
        kind = "ratio" if question.statistic == "svymean" else "total"
        columns = tuple(
            Column(name, None, "ratio" if kind == "ratio" else "total", k) for k, name in enumerate(question.variables)
        )
        statistics = question.variables
    return Prepared(design, table, columns, statistics, question.by, None)


def _are_all(schema: pa.Schema, names: tuple[str, ...], fits: Any) -> bool:
    return all(name in schema.names and fits(schema.field(name).type) for name in names)


def _is_key(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _has_faults(
    table: Any,
    keys: tuple[str, ...],
    weights: tuple[str, ...],
    populations: tuple[str, ...],
    variables: tuple[str, ...],
) -> bool:
    """Whether there is no row, or one that the design or the question cannot use."""
    faults = [table[name].isnull() for name in (*keys, *weights, *populations)]
    for name in (*weights, *populations, *variables):
        value = table[name].cast("float64")
        if name in weights:
            faults.append(value.isnan() | value.isinf() | (value <= 0))
        elif name in populations:
            faults.append(value.isnan() | (value < 0))
        else:
            faults.append(value.isinf().fill_null(False))
    is_faulty = reduce(or_, faults)
    found = table.agg(n=table.count(), n_faulty=is_faulty.sum()).to_pyarrow().to_pylist()[0]
    return not found["n"] or bool(found["n_faulty"])
