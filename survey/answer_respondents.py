"""Whose the rows of a table are: each respondent's one row, or a row for each unit that they rated."""

import secrets as randomness
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analysis.release.round_design import ImportMapping
from analysis.responses import columns_of_choices
from questionnaires.model import Questionnaire
from survey.answer_files import row_number
from survey.errors import BadInput

_BALLOT_BYTES = 16

Integers = npt.NDArray[np.int64]


class Respondents:
    """The respondents of a table by the column of their number, which the design names; it never enters an archive."""

    def __init__(self, table: pa.Table, mapping: ImportMapping, path: Path) -> None:
        self.table = table
        self.column = mapping.respondent
        self.places = mapping.columns
        self.path = path

    def refuse_repeated(self) -> None:
        """Raise BadInput for the first respondent who comes twice, and for the first row that has none."""
        if self.column is None:
            return
        _, respondent_of_row, first_rows = self._encoded()
        repeats = np.flatnonzero(first_rows[respondent_of_row] != np.arange(self.table.num_rows))
        if len(repeats):
            row = int(repeats[0])
            self._refuse(
                row,
                self.column,
                f"the respondent {self._text(self.column, row)!r} again",
                f"each once (first in row {row_number(int(first_rows[respondent_of_row[row]]))})",
            )

    def first_rows(self) -> frozenset[int]:
        """The positions of the first row of each respondent."""
        return frozenset(self._encoded()[2].tolist())

    def ballots(
        self, questionnaire: Questionnaire, units: pa.Array, sources: Mapping[str, str], design_path: Path
    ) -> pa.Array:
        """A random number for each respondent, in each of their rows: a row for each unit they rated, and no more.

        Raises BadInput where the design names no column, where a respondent has a unit twice or too many, or where
        what is said once, answers or the place, differs between the rows of one respondent.
        """
        if self.column is None:
            raise BadInput(
                f"{design_path}, import.respondent: found none, expected the column that tells whose a rating is"
            )
        n_respondents, respondent_of_row, first_rows = self._encoded()
        self._refuse_repeated_units(respondent_of_row, units)
        self._refuse_too_many(respondent_of_row, questionnaire.most_units)
        given_once = [column for attribute, column in self.places.items() if attribute != "unit"]
        for item in (item for section in questionnaire.common_sections for item in section.items):
            names = [column for _, column in columns_of_choices(item)] if item.kind == "multiple" else [item.code]
            given_once += [sources[name] for name in names]
        for column in filter(None, given_once):
            self._refuse_several_answers(column, respondent_of_row, first_rows)
        numbers = pa.array([randomness.token_hex(_BALLOT_BYTES) for _ in range(n_respondents)], pa.string())
        return numbers.take(pa.array(respondent_of_row))

    def _encoded(self) -> tuple[int, Integers, Integers]:
        """How many respondents there are, whose each row is, and the first row of each."""
        encoded = self.table[self.column].combine_chunks().dictionary_encode()
        respondents = encoded.dictionary.to_pylist()
        respondent_of_row = encoded.indices.to_numpy().astype(np.int64)
        _, first_rows = np.unique(respondent_of_row, return_index=True)
        if "" in respondents:
            row = int(first_rows[respondents.index("")])
            self._refuse(row, str(self.column), "nothing", "a number")
        return len(respondents), respondent_of_row, first_rows

    def _refuse_repeated_units(self, respondent_of_row: Integers, units: pa.Array) -> None:
        encoded = units.dictionary_encode()
        pairs = respondent_of_row * max(len(encoded.dictionary), 1) + encoded.indices.to_numpy()
        _, first_rows, pair_of_row = np.unique(pairs, return_index=True, return_inverse=True)
        repeats = np.flatnonzero(first_rows[pair_of_row.reshape(-1)] != np.arange(len(pairs)))
        if len(repeats):
            row = int(repeats[0])
            first = row_number(int(first_rows[pair_of_row.reshape(-1)[row]]))
            self._refuse(
                row, str(self.column), f"a second rating of {units[row].as_py()!r}", f"one (first in row {first})"
            )

    def _refuse_too_many(self, respondent_of_row: Integers, most_units: int) -> None:
        counts = np.bincount(respondent_of_row)
        if len(counts) and counts.max() > most_units:
            row = int(np.flatnonzero(respondent_of_row == counts.argmax())[most_units])
            self._refuse(row, str(self.column), f"{counts.max()} ratings of one respondent", f"at most {most_units}")

    def _refuse_several_answers(self, column: str, respondent_of_row: Integers, first_rows: Integers) -> None:
        answers = self.table[column].combine_chunks().dictionary_encode().indices.to_numpy()
        odd = np.flatnonzero(answers != answers[first_rows[respondent_of_row]])
        if len(odd):
            row = int(odd[0])
            first = int(first_rows[respondent_of_row[row]])
            self._refuse(
                row,
                column,
                repr(self._text(column, row)[:40]),
                f"{self._text(column, first)[:40]!r} as in row {row_number(first)}: a respondent has one",
            )

    def _text(self, column: str, row: int) -> str:
        return str(self.table[column][row].as_py())

    def _refuse(self, row: int, column: str, found: str, expected: str) -> None:
        raise BadInput(f"{self.path}, row {row_number(row)}, column {column}: found {found}, expected {expected}")
