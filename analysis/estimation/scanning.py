"""The one scan of a table: its rows added up by stratum, PSU and domain, as Ibis expressions that any engine runs.

For each group of rows: how many there are, their weights, and for each column Σ w y and Σ w y² of those who answered.
What every linearised estimate needs follows from these sums, so that a table is read once whatever is asked of it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.errors import DesignError
from analysis.estimation.codes import distinct, sorting_of
from analysis.estimation.design import SurveyDesign
from analysis.estimation.weighting import refuse_bad_weights, weight_of

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of estimates: what is added up, and what it is divided by.

    Attributes:
        numerator: the table's column y; NULL and NaN are missing.
        denominator: the table's column x of a ratio; None: 1 for each row that answered.
        kind: "ratio" (a mean is one too) or "total".
        variable: columns with the same number are missing in the same rows, as the levels of a factor are.
    """

    numerator: str
    denominator: str | None
    kind: Literal["ratio", "total"]
    variable: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """The sums of G groups of rows, each of one stratum, one PSU (where clustered) and one domain.

    Attributes:
        keys: the values of each key column of the design as codes 0, 1, 2 … in their order (G,).
        labels: the stratum's name of each group.
        domains: the labels of the domains, sorted; domain: the index of each group's (G,), -1 in none.
        is_inside: whether the rows belong to the analysed subset (G,).
        n: rows (G,); sum_weights: their weights (G,).
        n_answered: the rows that answered each variable (G, V); answered_weights: theirs, for each variable (G,).
        moments: for each column Σ w y and Σ w y², and for a ratio Σ w x, Σ w x y and Σ w x² (G,), by `MOMENTS`.
        fpc: the population column of each stage (G,).
        codes: of every column by which the groups were made (G,).
    """

    keys: dict[str, Integers]
    labels: Words
    domains: tuple[tuple[str, ...], ...]
    domain: Integers
    is_inside: npt.NDArray[np.bool_]
    n: Integers
    sum_weights: Floats
    n_answered: Integers
    answered_weights: tuple[Floats, ...]
    moments: tuple[dict[str, Floats], ...]
    fpc: tuple[Floats, ...]
    codes: tuple[Integers, ...]


MOMENTS = ("y", "yy", "x", "xy", "xx")


def canonical(
    table: Any,
    design: SurveyDesign,
    columns: Sequence[Column],
    domain: Sequence[str],
    inside: str | None,
    *,
    may_hold_nan: bool = True,
) -> Any:
    """The table under short names of our own, so that no name of the file can collide with a name of the query.

    h0 …, c0 …, l0 … are the keys of the design, f0 … its populations, w the weight, d0 … the domain (NULL outside the
    subset), `inside` the subset where there is one, y0 … and x0 … the columns, missing together.

    NaN is turned into NULL unless there is none (`may_hold_nan`): that costs half as much as the scan itself.
    """
    weight = weight_of(table, design)
    chosen: dict[str, Any] = {name: table[column] for name, column in key_names(design).items()}
    chosen |= {f"f{s}": table[column].cast("float64") for s, column in enumerate(design.fpc)}
    chosen["w"] = weight
    labels = [_label(table[column]) for column in domain]
    if inside is not None:
        is_inside = table[inside].fill_null(False)
        chosen["inside"] = is_inside
        labels = [ibis.ifelse(is_inside, label, ibis.null(label.type())) for label in labels]
    chosen |= {f"d{i}": label for i, label in enumerate(labels)}
    for k, column in enumerate(columns):
        y = _number(table[column.numerator], may_hold_nan=may_hold_nan)
        if column.denominator is not None:
            x = _number(table[column.denominator], may_hold_nan=may_hold_nan)
            chosen[f"x{k}"] = ibis.ifelse(y.isnull(), ibis.null("float64"), x)
            y = ibis.ifelse(x.isnull(), ibis.null("float64"), y)
        chosen[f"y{k}"] = y
    return table.select(**chosen)


def key_names(design: SurveyDesign) -> dict[str, str]:
    """The short name of each key of the design, and the column it stands for."""
    names = {f"h{i}": column for i, column in enumerate(design.strata)}
    names |= {f"c{s}": column for s, column in enumerate(design.clusters[: design.n_variance_stages])}
    return names | {f"l{s}": c for s, c in enumerate(design.later_strata[: design.n_variance_stages - 1])}


def scan(
    table: Any, design: SurveyDesign, columns: Sequence[Column], domain: Sequence[str], inside: str | None
) -> tuple[Any, Scanned]:
    """The canonical rows of a table, of which more may be asked, and the sums of their groups from one grouped query.

    NaN spoils the sums it enters; it is rare, so that only then the query is made again with NaN as missing.
    Raises DesignError where a key or weight of the design is missing or impossible.
    """
    rows = canonical(table, design, columns, domain, inside, may_hold_nan=False)
    found = _summed(rows, columns, len(design.fpc))
    n_rows = int(floats(found["n"]).sum())
    if not n_rows or not _are_finite(found, "sw"):
        refuse_bad_weights(table, design)
    if not all(_are_finite(found, name) for name in found.column_names if name[0] in "xy"):
        rows = canonical(table, design, columns, domain, inside)
        found = _summed(rows, columns, len(design.fpc))
    for name, column in key_names(design).items():
        if found[name].null_count:
            raise DesignError(f"column {column}: found rows without a value, expected one in every row of the design")
    return rows, _read(found, design, columns, len(domain))


def group_keys(names: Sequence[str]) -> list[str]:
    """Those of the short names by which rows are grouped."""
    return [name for name in names if name == "inside" or (name[0] in "hcld" and name[1:].isdigit())]


def _summed(rows: Any, columns: Sequence[Column], n_populations: int) -> pa.Table:
    """The grouped query."""
    # A weight that is missing or not above 0 spoils the sum, so that nothing has to be counted to find it.
    sums: dict[str, Any] = {"n": rows.count(), "sw": ibis.ifelse(rows.w > 0, rows.w, math.nan).sum()}
    for variable, k in first_of_variable(columns).items():
        y = rows[f"y{k}"]
        sums |= {f"n{variable}": y.count(), f"w{variable}": rows.w.sum(where=y.notnull())}
    for k, column in enumerate(columns):
        y = rows[f"y{k}"]
        sums |= {f"y{k}": (rows.w * y).sum(), f"yy{k}": (rows.w * y * y).sum()}
        if column.denominator is not None:
            x = rows[f"x{k}"]
            products = {f"x{k}": rows.w * x, f"xy{k}": rows.w * x * y, f"xx{k}": rows.w * x * x}
            sums |= {name: product.sum() for name, product in products.items()}
    for s in range(n_populations):
        sums |= {f"lowest{s}": rows[f"f{s}"].min(), f"highest{s}": rows[f"f{s}"].max()}
    return add_up(rows, group_keys(rows.columns), sums)


def add_up(rows: Any, by: Sequence[str], sums: Mapping[str, Any]) -> pa.Table:
    """Sums of rows by some columns, or of all of them without columns."""
    return (rows.group_by(list(by)).agg(**sums) if by else rows.agg(**sums)).to_pyarrow()


def first_of_variable(columns: Sequence[Column]) -> dict[int, int]:
    """The first column of each variable, by the variable's number, sorted."""
    firsts = {column.variable: k for k, column in reversed(list(enumerate(columns)))}
    return dict(sorted(firsts.items()))


def _read(found: pa.Table, design: SurveyDesign, columns: Sequence[Column], n_domain_columns: int) -> Scanned:
    codes, words = _codes(found)
    domains, of_group = _domains(codes, words, _is_inside(found), n_domain_columns)
    variables, asked = list(first_of_variable(columns)), set(found.column_names)
    fpc = []
    for s, column in enumerate(design.fpc):
        lowest, highest = floats(found[f"lowest{s}"]), floats(found[f"highest{s}"])
        if np.any(lowest != highest):
            raise DesignError(f"column {column}: found several values within one stratum, expected one")
        fpc.append(lowest)
    return Scanned(
        keys={name: codes[name] for name in key_names(design)},
        labels=_labels([words[f"h{i}"][codes[f"h{i}"]] for i in range(len(design.strata))], found.num_rows),
        domains=domains,
        domain=of_group,
        is_inside=_is_inside(found),
        n=integers(found["n"]),
        sum_weights=floats(found["sw"]),
        n_answered=np.stack([integers(found[f"n{v}"]) for v in variables]).T,
        answered_weights=tuple(sums_of(found, f"w{v}") for v in variables),
        moments=tuple(
            {moment: sums_of(found, f"{moment}{k}") for moment in MOMENTS if f"{moment}{k}" in asked}
            for k in range(len(columns))
        ),
        fpc=tuple(fpc),
        codes=tuple(codes.values()),
    )


def order_of(found: pa.Table) -> Integers:
    """The order of groups sorted by their keys, by which two queries of the same groups meet (G,)."""
    return sorting_of(list(_codes(found)[0].values()), found.num_rows)


def _codes(found: pa.Table) -> tuple[dict[str, Integers], dict[str, Words]]:
    """The codes of each key column (G,), and the labels of the codes."""
    keys = group_keys(found.column_names)
    coded = {name: _coded(found[name], by_text=name.startswith("d")) for name in keys}
    return {name: codes for name, (codes, _) in coded.items()}, {name: words for name, (_, words) in coded.items()}


def _domains(
    codes: dict[str, Integers], words: dict[str, Words], is_in: npt.NDArray[np.bool_], n_domain_columns: int
) -> tuple[tuple[tuple[str, ...], ...], Integers]:
    """The labels of the domains, sorted, and each group's domain, -1 in none (G,)."""
    parts = [f"d{i}" for i in range(n_domain_columns)]
    joint = np.zeros(len(is_in), dtype=np.int64)
    for name in parts:
        is_in = is_in & (codes[name] >= 0)
        joint = joint * max(1, len(words[name])) + codes[name]
    present, places = distinct(joint[is_in])
    of_group = np.full(len(is_in), -1, dtype=np.int64)
    of_group[is_in] = places
    labels = []
    for name in reversed(parts):
        present, place = np.divmod(present, max(1, len(words[name])))
        labels.append(words[name][place].tolist())
    return tuple(zip(*reversed(labels), strict=True)) if labels else ((),) * len(present), of_group


def _coded(column: pa.ChunkedArray, *, by_text: bool) -> tuple[Integers, Words]:
    """A column's values as codes in their order, or in that of their labels (-1 where NULL), and the labels."""
    values = column.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    encoded = values.dictionary_encode()
    texts = encoded.dictionary.cast(pa.string())
    order = pc.sort_indices(texts if by_text else encoded.dictionary).to_numpy()
    rank = np.append(np.empty(len(order), dtype=np.int64), -1)
    rank[order] = np.arange(len(order))
    codes = rank[pc.fill_null(encoded.indices, len(order)).to_numpy()]
    return codes, np.array(texts.take(pa.array(order)).to_pylist(), dtype=object)


def _is_inside(found: pa.Table) -> npt.NDArray[np.bool_]:
    if "inside" not in found.column_names:
        return np.ones(found.num_rows, dtype=np.bool_)
    return np.asarray(found["inside"].to_numpy(), dtype=np.bool_)


def _labels(strata: list[Words], size: int) -> Words:
    """The names of the stratum of each group, of the columns' labels joined."""
    if not strata:
        return np.full(size, "", dtype=object)
    labels = strata[0]
    for column in strata[1:]:
        labels = labels + "/" + column
    return labels


def _label(column: Any) -> Any:
    # Numbers and text are told apart by their values as by their labels, and whole numbers quicker than text.
    return column if column.type().is_integer() or column.type().is_string() else column.cast("string")


def _number(value: Any, *, may_hold_nan: bool) -> Any:
    number = value.cast("float64")
    return ibis.ifelse(number.isnan(), ibis.null("float64"), number) if may_hold_nan else number


def _are_finite(found: pa.Table, name: str) -> bool:
    # What is not finite stays in every sum that it enters.
    return math.isfinite(pc.sum(found[name]).as_py() or 0.0)


def sums_of(found: pa.Table, name: str) -> Floats:
    """A column of sums, 0 where nothing was added up."""
    column = found[name]
    return floats(pc.fill_null(column, 0.0) if column.null_count else column)


def floats(column: pa.ChunkedArray) -> Floats:
    """A numeric Arrow column as float64, NULL as NaN."""
    return np.asarray(_whole(column, pa.float64()), dtype=np.float64)


def integers(column: pa.ChunkedArray) -> Integers:
    """An Arrow column of counts."""
    return np.asarray(_whole(column, pa.int64()), dtype=np.int64)


def _whole(column: pa.ChunkedArray, kind: pa.DataType) -> npt.NDArray[Any]:
    """A column in one piece, without a copy where it is one and of its kind."""
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    found: npt.NDArray[Any] = (array if array.type == kind else array.cast(kind)).to_numpy(zero_copy_only=False)
    return found
