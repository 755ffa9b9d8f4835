"""Exports for SPSS (SAV) and Stata (DTA): numbers with value labels, names cut to what the programs take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.exporting.codebook import Category, Variable
from analysis.exporting.labelling import Microdata
from questionnaires.model import DONT_KNOW, NOT_APPLICABLE

Missing = npt.NDArray[np.bool_]

# What Stata calls the answers that are none.
_LETTERS = {NOT_APPLICABLE: "a", DONT_KNOW: "b"}
_UNIT_NAME = "unit_name"


@dataclass(frozen=True, slots=True)
class _Program:
    """What a program takes: characters of a name, bytes of a variable's and of a value's label, and its own words."""

    longest_name: int
    longest_text: int
    longest_label: int
    words: frozenset[str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SPSS = _Program(64, 250, 120, _words("all and by eq ge gt le lt ne not or to with"))
_STATA = _Program(
    32,
    # Stata counts characters here, of which a Vietnamese one may take three bytes.
    80,
    250,
    _words(
        "aggregate array boolean break byte case catch class colvector complex const continue default delegate delete "
        "do double else eltypedef end enum explicit export external float for friend function global goto if in inline "
        "int local long mata matrix namespace new numeric null operator orgtypedef pointer polymorphic pragma private "
        "protected quad real return rowvector scalar short signed static strl string struct super switch template this "
        "throw transmorphic try typedef typename union unsigned using vector version virtual void volatile while "
        "with"
    ),
)


def write_sav(microdata: Microdata, path: Path, language: str) -> None:
    """An SPSS file: codes as numbers with labels; "na" and "dk" are user-missing values; texts stay texts."""
    import pyreadstat

    names = short_names([variable.name for variable in microdata.variables], _SPSS.longest_name, _SPSS.words)
    choices = {names[one.name]: one for one in microdata.variables if one.kind == "choice"}
    pyreadstat.write_sav(
        _frame(microdata, names, language, has_letters=False),
        str(path),
        file_label=_cut_bytes(microdata.title(language), 60),
        column_labels=_texts(microdata.variables, names, language, _SPSS),
        variable_value_labels=_labels(microdata.variables, names, language, _SPSS, has_letters=False),
        missing_ranges={
            name: [one.number for one in variable.categories if one.is_missing]
            for name, variable in choices.items()
            if any(one.is_missing for one in variable.categories)
        },
        variable_measure={
            names[variable.name]: _measure(variable) for variable in microdata.variables if variable.kind != "label"
        },
        compress=True,
    )


def write_dta(microdata: Microdata, path: Path, language: str) -> None:
    """A Stata file (format 118): codes as numbers with labels; "na" is .a and "dk" is .b; texts stay texts."""
    import pyreadstat

    names = short_names([variable.name for variable in microdata.variables], _STATA.longest_name, _STATA.words)
    letters = {
        names[variable.name]: [_LETTERS[one.code] for one in variable.categories if one.is_missing]
        for variable in microdata.variables
        if any(one.is_missing for one in variable.categories)
    }
    pyreadstat.write_dta(
        _frame(microdata, names, language, has_letters=True),
        str(path),
        file_label=microdata.title(language)[:80],
        column_labels=_texts(microdata.variables, names, language, _STATA),
        variable_value_labels=_labels(microdata.variables, names, language, _STATA, has_letters=True),
        missing_user_values=letters or None,
        version=15,
    )


def short_names(names: Sequence[str], longest: int, words: frozenset[str] = frozenset()) -> dict[str, str]:
    """A name for each column, at most so many characters long, no word of the program's own, and no two alike.

    Programs that do not tell capital letters from small ones find no two alike either. Names that fit are kept.
    """
    found: dict[str, str] = {}
    fitting = [name for name in names if len(name) <= longest and name.lower() not in words]
    taken = {_UNIT_NAME}
    for name in (*fitting, *(name for name in names if name not in fitting)):
        short = name if name.lower() not in words else f"{name}_"
        short = short[:longest]
        number = 2
        while short.lower() in taken:
            short = f"{name[: longest - len(str(number)) - 1]}_{number}"
            number += 1
        taken.add(short.lower())
        found[name] = short
    return {name: found[name] for name in names}


def _frame(microdata: Microdata, names: Mapping[str, str], language: str, *, has_letters: bool) -> Any:
    """The responses as the writer takes them; small numbers stay small, so that a million rows fit."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for variable in microdata.variables:
        column = microdata.table[variable.name].combine_chunks()
        if variable.kind in ("choice", "yes_no"):
            columns[names[variable.name]] = _numbers(column, variable, pd, has_letters=has_letters)
        elif variable.kind == "label":
            columns[names[variable.name]] = _strings(column, pd)
        else:
            columns[names[variable.name]] = pc.fill_null(column, np.nan).to_numpy(zero_copy_only=False)
        if variable.name == "unit":
            encoded = column.dictionary_encode()
            labels = [variable.labels[code].in_language(language) for code in encoded.dictionary.to_pylist()]
            columns[_UNIT_NAME] = _strings(pa.array(labels, pa.string()).take(encoded.indices), pd)
    return pd.DataFrame(columns, copy=False)


def _strings(column: pa.Array, pd: Any) -> Any:
    encoded = column.dictionary_encode()
    texts = np.array([*encoded.dictionary.to_pylist(), ""], dtype=object)
    # The same text is one object, however many rows have it.
    return pd.Series(texts[encoded.indices.to_numpy(zero_copy_only=False)], dtype=object)


def _numbers(column: pa.Array, variable: Variable, pd: Any, *, has_letters: bool) -> Any:
    if variable.kind == "yes_no":
        is_missing = pc.is_null(column).to_numpy(zero_copy_only=False)
        values = pc.fill_null(column, False).to_numpy(zero_copy_only=False).astype(np.int8)
        return pd.arrays.IntegerArray(values, is_missing)
    numbers = {one.code: int(one.number) for one in variable.categories}
    letters = {one.code: _LETTERS[one.code] for one in variable.categories if one.is_missing and has_letters}
    encoded = column.dictionary_encode()
    codes = encoded.dictionary.to_pylist()
    places = pc.fill_null(encoded.indices, len(codes)).to_numpy(zero_copy_only=False)
    if letters:
        known: list[object] = [letters.get(code, float(numbers[code])) for code in codes]
        return pd.Series(np.array([*known, None], dtype=object)[places], dtype=object)
    size = np.int8 if max(numbers.values(), default=0) <= 100 else np.int16
    values = np.array([*(numbers[code] for code in codes), 0], dtype=size)[places]
    return pd.arrays.IntegerArray(values, places == len(codes))


def _labels(
    variables: Sequence[Variable], names: Mapping[str, str], language: str, program: _Program, *, has_letters: bool
) -> dict[str, Any]:
    def key(one: Category) -> float | str:
        return _LETTERS[one.code] if one.is_missing and has_letters else _plain(one.number)

    return {
        names[variable.name]: {
            key(one): _cut_bytes(one.label.in_language(language), program.longest_label) for one in variable.categories
        }
        for variable in variables
        if variable.kind != "label"
        and variable.categories
        # Stata has labels for whole numbers only.
        and not (has_letters and any(one.number % 1 for one in variable.categories))
    }


def _texts(variables: Sequence[Variable], names: Mapping[str, str], language: str, program: _Program) -> dict[str, Any]:
    texts = {names[variable.name]: variable.text.in_language(language) for variable in variables}
    texts[_UNIT_NAME] = "Tên đơn vị" if language == "vi" else "Name of the unit"
    if program is _STATA:
        return {name: _cut(text, program.longest_text) for name, text in texts.items()}
    return {name: _cut_bytes(text, program.longest_text) for name, text in texts.items()}


def _measure(variable: Variable) -> str:
    if variable.kind == "choice":
        return "ordinal" if any(one.value is not None for one in variable.categories) else "nominal"
    return "nominal" if variable.kind == "yes_no" else "scale"


def _plain(number: float) -> float:
    return int(number) if float(number).is_integer() else number


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _cut_bytes(text: str, longest: int) -> str:
    encoded = text.encode()
    if len(encoded) <= longest:
        return text
    return encoded[: longest - 3].decode(errors="ignore").rstrip() + "…"
