"""What the cells of a round weigh: each unit in the totals that hold it, and the one respondent who weighs most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.release.framing import SCORE, FramedResponses
from analysis.release.rows import ALL, BLOC_PREFIX
from analysis.responses import BALLOT

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CellWeights:
    """The weights of cells of one owner (a unit, `bloc:CODE` or `all`) and one of K items.

    `in_totals` has, for each unit, what the totals take of its mean (K,): the weights of those who answered, or one
    where a total is the plain mean of its units; 0 where nobody answered. `largest` has, for each owner, the largest
    part (K,) of the weight of its answers that one respondent holds, 0 where nobody answered; what one ballot says of
    several units is one respondent's.
    """

    in_totals: Mapping[str, Floats]
    largest: Mapping[str, Floats]

    def of_cell(self, owner: str, item: str | None, items: Sequence[str]) -> tuple[float, float]:
        """The largest part of a cell's weight that one respondent holds, and what totals take of the cell; (0, 1) of a
        node that is no item of the survey.
        """
        if item is None:
            return 0.0, 1.0
        k = items.index(item)
        taken = float(self.in_totals[owner][k]) if owner in self.in_totals else 1.0
        return float(self.largest[owner][k]), taken


def cell_weights(
    framed: FramedResponses, items: Sequence[str], blocs: Mapping[str, Sequence[str]], *, counts_units_alike: bool
) -> CellWeights:
    """The weights of the cells of a round whose blocs hold these units.

    With `counts_units_alike` a total is the plain mean of its units, so that a respondent weighs in it what they weigh
    in their unit.
    """
    units = [unit for members in blocs.values() for unit in members]
    unit_of_row = _codes(framed, units)
    is_known = unit_of_row >= 0
    n_rows, n_units = int(is_known.sum()), len(units)
    unit_of_row = unit_of_row[is_known]
    weights = _answered(framed, items)[is_known] * framed.weights[is_known, None]
    of_units = _sums(unit_of_row, weights, n_units)
    share_of_unit = weights / np.maximum(of_units, 1e-300)[unit_of_row]
    respondent = _respondents(framed)[is_known]
    in_total = share_of_unit if counts_units_alike else weights
    bloc_of_unit = np.repeat(np.arange(len(blocs)), [len(members) for members in blocs.values()])
    largest = dict(zip(units, _largest_parts(unit_of_row, respondent, share_of_unit, n_units), strict=True))
    owners = [*(BLOC_PREFIX + bloc for bloc in blocs), ALL]
    by_bloc = _largest_parts(bloc_of_unit[unit_of_row] if n_rows else unit_of_row, respondent, in_total, len(blocs))
    overall = _largest_parts(np.zeros(n_rows, dtype=np.int64), respondent, in_total, 1)
    largest.update(zip(owners, np.vstack([by_bloc, overall]), strict=True))
    taken = (of_units > 0).astype(np.float64) if counts_units_alike else of_units
    return CellWeights(dict(zip(units, taken, strict=True)), largest)


def _largest_parts(group: Integers, respondent: Integers, weights: Floats, n_groups: int) -> Floats:
    """The largest part (groups, K) of a group's weight that one respondent holds."""
    found = np.zeros((n_groups, weights.shape[1]))
    if not len(group):
        return found
    pairs, place = np.unique(group * (respondent.max() + 1) + respondent, return_inverse=True)
    # Sorted pairs stand group by group, so that each group is one stretch.
    own, owner = _sums(place, weights, len(pairs)), pairs // (respondent.max() + 1)
    present, first = np.unique(owner, return_index=True)
    found[present] = np.maximum.reduceat(own, first, axis=0)
    return found / np.maximum(_sums(group, weights, n_groups), 1e-300)


def _sums(group: Integers, weights: Floats, n_groups: int) -> Floats:
    columns = [np.bincount(group, weights[:, k], n_groups) for k in range(weights.shape[1])]
    return np.stack(columns, axis=1) if columns else np.zeros((n_groups, 0))


def _answered(framed: FramedResponses, items: Sequence[str]) -> Floats:
    """One where a row answers an item, else zero (n, K)."""
    columns = [framed.table[SCORE + item].combine_chunks().is_valid().to_numpy(zero_copy_only=False) for item in items]
    return np.stack(columns, axis=1).astype(np.float64) if columns else np.zeros((framed.table.num_rows, 0))


def _codes(framed: FramedResponses, units: Sequence[str]) -> Integers:
    encoded = framed.table["unit"].combine_chunks().dictionary_encode()
    position = {unit: place for place, unit in enumerate(units)}
    places = np.array([position.get(unit, -1) for unit in encoded.dictionary.to_pylist()], dtype=np.int64)
    codes: Integers = places[encoded.indices.to_numpy()] if len(places) else np.zeros(0, dtype=np.int64)
    return codes


def _respondents(framed: FramedResponses) -> Integers:
    """A number for each row, the same for the ratings of one ballot."""
    if BALLOT not in framed.table.column_names:
        return np.arange(framed.table.num_rows, dtype=np.int64)
    encoded = framed.table[BALLOT].combine_chunks().dictionary_encode()
    codes: Integers = encoded.indices.to_numpy().astype(np.int64)
    return codes
