"""The domains of a table as codes: which combination of labels each row belongs to."""

from collections.abc import Sequence

import numpy as np

from analysis.estimation.codes import distinct
from analysis.estimation.preparation import sorted_labels
from analysis.estimation.samples import Truths
from analysis.estimation.tables import Sheet
from analysis.estimation.totals import Integers


def domain_codes(sheet: Sheet, by: Sequence[str], rows: Truths) -> tuple[list[tuple[str, ...]], Integers]:
    """The combinations of labels that the rows have, the first column changing fastest, and the code of each row.

    Arguments:
        sheet: the table.
        by: the columns of the domains.
        rows: the rows in question (n,); the others, and rows that lack a label, get -1.

    Returns D combinations and codes (n,). Numbers are in the order of their size, text in that of its letters, as R's
    interaction orders them.
    """
    code = np.zeros(sheet.n_rows, dtype=np.int64)
    is_in = rows.copy()
    size, orders = 1, []
    for column in by:
        encoded = sheet.labels(column).combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        labels = encoded.dictionary.to_pylist()
        order = sorted_labels(labels)
        place = {label: c for c, label in enumerate(order)}
        rank = np.array([place[label] for label in labels] + [0], dtype=np.int64)
        is_in &= codes >= 0
        code = code + size * rank[codes]
        size *= max(len(order), 1)
        orders.append(order)
    held, of_row = distinct(code[is_in])
    names = []
    for combination in held.tolist():
        rest, parts = combination, []
        for order in orders:
            rest, c = divmod(rest, max(len(order), 1))
            parts.append(order[c])
        names.append(tuple(parts))
    found = np.full(sheet.n_rows, -1, dtype=np.int64)
    found[is_in] = of_row
    return names, found
