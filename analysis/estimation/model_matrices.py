"""A formula and a table become a matrix of numbers: one row a row of the table, one column a coefficient.

Source: R, model.frame, model.matrix and contr.treatment; Chambers and Hastie (1992), Statistical Models in S, ch. 2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.errors import SpecError
from analysis.estimation.expressions import value_of
from analysis.estimation.formulas import Formula, Term, spelled, term_label
from analysis.estimation.preparation import MOST_LEVELS
from analysis.estimation.tables import Sheet
from analysis.estimation.totals import Floats, Integers
from analysis.estimation.truths import Truth

Truths = npt.NDArray[np.bool_]
MOST_COLUMNS = 1000
MOST_CELLS = 250_000_000
# Level orders that a published codebook has and a file of words has not: EU-SILC codes sex (RB090) as 1 male, 2 female.
CODEBOOKS: Mapping[str, tuple[str, ...]] = {"rb090": ("male", "female")}
_OF_NUMBERS = {
    "log": np.log, "log2": np.log2, "log10": np.log10, "log1p": np.log1p, "exp": np.exp, "sqrt": np.sqrt, "abs": np.abs,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a model: numbers, or categories.

    Attributes:
        label: as R spells it.
        values: the numbers (n,), 0 where missing; of categories the place of each row's level, -1 where missing.
        is_category: whether they are places of levels.
        levels: the categories that occur in the rows in question, in their order; empty for numbers.
        is_missing: (n,).
    """

    label: str
    values: Floats
    is_category: bool
    levels: tuple[str, ...]
    is_missing: Truths


@dataclass(frozen=True, slots=True)
class ModelMatrix:
    """The explaining side of a model and, where it has one, its response.

    Attributes:
        matrix: (n, P), 0 in rows that are not complete.
        names: the name of each column as R spells it, "stypeH:meals".
        assigned: the term of each column (P,), 0 for the constant, 1 for the first of `terms`.
        terms: the terms' labels.
        response: the variable before the `~`, or None.
        is_complete: rows in which no variable of the formula is missing, and that are among the rows in question (n,).
    """

    matrix: Floats
    names: tuple[str, ...]
    assigned: Integers
    terms: tuple[str, ...]
    response: Variable | None
    is_complete: Truths


def model_matrix(
    formula: Formula, sheet: Sheet, rows: Truths | None = None, levels: Mapping[str, Sequence[str]] | None = None
) -> ModelMatrix:
    """The matrix of a formula over a table.

    Arguments:
        formula: what explains.
        sheet: the table, with the formula's columns.
        rows: the rows in question (n,), from which the levels of categories are taken; None: all.
        levels: label of a variable → all its levels in their order, the first of them the one compared with.

    Levels are those of the complete rows, so that no column is empty. Without `levels` they are ordered by number where
    all are numbers, else by their code points, but for the columns of CODEBOOKS. Raises SpecError where a function has
    no value, a category has one level, or no row is complete.
    """
    wanted = np.ones(sheet.n_rows, dtype=bool) if rows is None else rows
    labels = formula.explaining if formula.response is None else (formula.response, *formula.explaining)
    orders: Mapping[str, Sequence[str]] = levels or {}
    for label in orders:
        if label not in labels:
            raise SpecError(f"levels: found {label}, expected one of {', '.join(labels)}")
    raw = {
        label: _reordered(_evaluated(label, *formula.variables[label], sheet, wanted), orders.get(label))
        for label in labels
    }
    is_complete = wanted.copy()
    for variable in raw.values():
        is_complete &= ~variable.is_missing
    if not is_complete.any():
        raise SpecError(f"{sheet.name}: found no row in which {', '.join(labels) or 'the subset'} are all answered")
    found = {label: _with_levels_of(variable, is_complete) for label, variable in raw.items()}
    for label in formula.explaining:
        if found[label].is_category and len(found[label].levels) < 2:
            raise SpecError(
                f"{sheet.name}: found the one category {found[label].levels[0]} of {label}, expected two or more"
            )
    columns: list[Floats] = []
    names: list[str] = []
    assigned: list[int] = []
    if formula.has_intercept:
        columns, names, assigned = [is_complete.astype(np.float64)], ["(Intercept)"], [0]
    for number, term in enumerate(formula.terms, start=1):
        whole = _coded_whole(formula, number - 1, found)
        for name, column in _term_columns(term, whole, found, is_complete):
            names.append(name)
            columns.append(column)
            assigned.append(number)
        if len(names) > MOST_COLUMNS or len(names) * sheet.n_rows > MOST_CELLS:
            raise SpecError(
                f"{sheet.name}: found {len(names)} coefficients and more in {formula.text[:60]!r}, "
                f"expected at most {min(MOST_COLUMNS, MOST_CELLS // sheet.n_rows)} for {sheet.n_rows} rows"
            )
    matrix = np.stack(columns, axis=1) if columns else np.zeros((sheet.n_rows, 0))
    return ModelMatrix(
        matrix=matrix,
        names=tuple(names),
        assigned=np.array(assigned, dtype=np.int64),
        terms=tuple(term_label(term) for term in formula.terms),
        response=None if formula.response is None else found[formula.response],
        is_complete=is_complete,
    )


def _coded_whole(formula: Formula, place: int, found: Mapping[str, Variable]) -> set[str]:
    """The categories of a term that need a column for each level, also the first.

    A category is coded by contrasts when an earlier term contains the rest of the term, so that the contrasts' base is
    told apart already. Without a constant the first category of the first term that has one is coded whole.
    """
    term = formula.terms[place]
    categories = [label for label in term if found[label].is_category]
    whole = set()
    for label in categories:
        rest = {other for other in term if other != label}
        if rest and not any(rest <= set(earlier) for earlier in formula.terms[:place]):
            whole.add(label)
    if not formula.has_intercept:
        first = next(((i, label) for i, t in enumerate(formula.terms) for label in t if found[label].is_category), None)
        if first is not None and first[0] == place:
            whole.add(first[1])
    return whole


def _term_columns(
    term: Term, whole: set[str], found: Mapping[str, Variable], is_complete: Truths
) -> list[tuple[str, Floats]]:
    """The columns of one term, the first of its variables changing fastest."""
    columns = [("", is_complete.astype(np.float64))]
    for label in term:
        variable = found[label]
        if not variable.is_category:
            own = [(label, variable.values)]
        else:
            start = 0 if label in whole else 1
            levels = list(enumerate(variable.levels))[start:]
            own = [(f"{label}{level}", (variable.values == place).astype(np.float64)) for place, level in levels]
        columns = [(f"{a}:{b}" if a else b, left * right) for b, right in own for a, left in columns]
    return columns


def _evaluated(label: str, function: str, argument: str, sheet: Sheet, wanted: Truths) -> Variable:
    name = argument.strip("`") if function else argument
    found: Truth | Floats | Sequence[str | None]
    if name in sheet.columns:
        found = sheet.numbers(name) if sheet.is_numeric(name) else sheet.labels(name).to_pylist()
    else:
        found = value_of(argument, sheet, label)
    if not isinstance(found, np.ndarray):
        if function in _OF_NUMBERS:
            raise SpecError(f"{sheet.name}: found no numbers in {label}, expected numbers")
        return _of_truth(label, found) if isinstance(found, Truth) else _of_labels(label, found)
    if function in ("factor", "as.factor", "ordered"):
        return _of_labels(label, [None if np.isnan(value) else spelled(value) for value in found.tolist()])
    with np.errstate(all="ignore"):
        results: Floats = np.asarray(_OF_NUMBERS[function](found) if function in _OF_NUMBERS else found)
    bad = np.flatnonzero(wanted & ~np.isnan(found) & ~np.isfinite(results))
    if len(bad):
        raise SpecError(
            f"{sheet.name}: row {bad[0] + 1}: found no finite value of {label} for {found[bad[0]]:g}, expected one"
        )
    return _of_numbers(label, results)


def _of_truth(label: str, truth: Truth) -> Variable:
    codes = np.where(truth.is_true, 1.0, np.where(truth.is_false, 0.0, -1.0))
    return Variable(label, codes, True, ("FALSE", "TRUE"), codes < 0)


def _reordered(variable: Variable, order: Sequence[str] | None) -> Variable:
    known = CODEBOOKS.get(variable.label, ())
    if order is None:
        order = known if variable.is_category and set(variable.levels) <= set(known) else variable.levels
    elif not variable.is_category:
        raise SpecError(f"levels: found numbers in {variable.label}, expected factor({variable.label})")
    missing = sorted(set(variable.levels) - set(order))
    if missing:
        raise SpecError(f"levels: found the category {missing[0]} of {variable.label}, expected {', '.join(order)}")
    if list(order) == list(variable.levels) or not variable.is_category:
        return variable
    places = np.array([*(order.index(level) for level in variable.levels), -1], dtype=np.float64)
    return replace(variable, values=places[variable.values.astype(np.int64)], levels=tuple(order))


def _of_numbers(label: str, numbers: Floats) -> Variable:
    is_missing = np.isnan(numbers)
    return Variable(label, np.where(is_missing, 0.0, numbers), False, (), is_missing)


def _of_labels(label: str, labels: Sequence[str | None]) -> Variable:
    levels = _in_order({value for value in labels if value is not None})
    place = {level: number for number, level in enumerate(levels)}
    codes = np.array([-1 if value is None else place[value] for value in labels], dtype=np.float64)
    return Variable(label, codes, True, tuple(levels), codes < 0)


def _in_order(levels: set[str]) -> list[str]:
    """Numbers by number where all are numbers, else text by its code points, as R does in the C locale."""
    try:
        return sorted(levels, key=lambda level: (float(level), level))
    except ValueError:
        return sorted(levels)


def _with_levels_of(variable: Variable, rows: Truths) -> Variable:
    """The variable with the levels that occur in some rows, and nothing missing marked as a number."""
    if not variable.is_category:
        return replace(variable, values=np.where(rows, variable.values, 0.0))
    codes = variable.values.astype(np.int64)
    kept = np.unique(codes[rows])
    if len(kept) > MOST_LEVELS:
        raise SpecError(f"found {len(kept)} categories of {variable.label}, expected at most {MOST_LEVELS}")
    places = np.full(len(variable.levels) + 1, -1.0)
    places[kept] = np.arange(len(kept))
    levels = tuple(variable.levels[place] for place in kept)
    return replace(variable, values=np.where(rows, places[codes], -1.0), levels=levels)
