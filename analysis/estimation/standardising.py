"""Direct standardisation: the same mix of categories in every domain, so that domains can be compared.

Source: Kitagawa (1955); R survey, svystandardize. Golden file: std_direct_nhanes.json of tests/golden/oracle.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow.compute as pc

from analysis.errors import SpecError
from analysis.estimation.calibration_steps import Standardisation
from analysis.estimation.codes import dense
from analysis.estimation.preparation import sorted_labels
from analysis.estimation.samples import Sample, Truths, labels_within
from analysis.estimation.tables import Sheet
from analysis.estimation.totals import Floats, Integers


@dataclass(frozen=True, slots=True)
class StandardCells:
    """The cells of category and domain that a mix is to be given to.

    Attributes:
        sample: the sample without the rows that lack an answer; cell: of each row (n,); totals: the people that each
            cell is to stand for (C,).
    """

    sample: Sample
    cell: Integers
    totals: Floats


def standardised(sample: Sample, step: Standardisation, sheet: Sheet, answered: Sequence[str]) -> StandardCells:
    """The cells of a standardisation: in each domain the people it has now, in the shares of the step.

    Arguments:
        sample: before.
        step: the categories, their shares and the domains.
        sheet: the table.
        answered: columns without whose answer a row is left out of the design.

    A category that a domain lacks gives its share to nobody, as in R. Raises SpecError where the shares do not fit the
    categories that are found.
    """
    is_in = sample.rows.copy()
    for column in answered:
        is_in &= pc.is_valid(sheet.labels(column)).combine_chunks().to_numpy(zero_copy_only=False)
    if not is_in.any():
        raise SpecError(f"{sheet.name}: found no row in which {', '.join(answered)} are answered")
    sample = replace(sample, rows=is_in, inside=sample.inside & is_in)
    by = labels_within(sheet, step.by, is_in).combine_chunks().dictionary_encode()
    codes = by.indices.to_numpy(zero_copy_only=False)
    held_labels = np.bincount(codes[is_in], minlength=len(by.dictionary)) > 0
    found = [label for label, is_held in zip(by.dictionary.to_pylist(), held_labels, strict=True) if is_held]
    order = list(step.labels) or sorted_labels(found)
    if sorted(order) != sorted(found) or len(order) != len(step.shares):
        raise SpecError(
            f"design.calibration.population: found {len(step.shares)} shares of {', '.join(order)}, expected one for "
            f"each of {', '.join(sorted_labels(found))}"
        )
    place = {label: c for c, label in enumerate(order)}
    category = np.array([place.get(label, 0) for label in by.dictionary.to_pylist()], dtype=np.int64)[codes]
    over = dense([_codes(sheet, column, is_in) for column in step.over], sheet.n_rows)
    n_over = int(over.max(initial=0)) + 1
    weights = np.where(is_in, sample.weights, 0.0)
    people = np.bincount(over, weights=weights, minlength=n_over)
    shares = np.array(step.shares) / sum(step.shares)
    totals: Floats = np.outer(shares, people).ravel()
    cell = category * n_over + over
    held = np.bincount(cell[is_in], minlength=len(totals))
    if ((held > 0) & (totals <= 0)).any():
        c = int(np.flatnonzero((held > 0) & (totals <= 0))[0]) // n_over
        raise SpecError(f"design.calibration.population: found the share 0 of {order[c]}, which rows have")
    return StandardCells(sample, cell, np.where(held > 0, totals, 0.0))


def _codes(sheet: Sheet, column: str, rows: Truths) -> Integers:
    encoded = labels_within(sheet, column, rows).combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
