"""Flags and ratings counted by unit and channel, and units that stand out from the others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.estimation.anomalies import Funnel, funnel, share_funnel
from analysis.estimation.multiplicity import adjusted
from analysis.estimation.quality import DUPLICATE, FAST, FLAGS, Block, all_at_the_top
from analysis.release.quality_rows import (
    ALL_TOP,
    ANY,
    FEW_UNITS,
    MEAN_RATING,
    NOT_TESTED,
    TOO_FEW_FLAGGED,
    TOP_ANSWERS,
    UNUSUAL,
    USUAL,
    QualityRow,
)
from analysis.release.quality_view import Floats, Integers, Truths, View
from analysis.release.rows import ALL, TOO_FEW_RESPONDENTS


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """A measure of the units (U,) in one channel, and how they stand to each other; `at` are the tested units."""

    channel: str
    measure: str
    n: Integers
    counts: Integers | None
    shares: Floats
    at: Integers
    funnel: Funnel | None

    def usual(self) -> float | None:
        if self.funnel is None:
            return None
        return 100 * float(np.sin(self.funnel.centre / 2) ** 2) if self.counts is not None else self.funnel.centre


def quality_rows(view: View, flags: Mapping[str, Truths]) -> Iterator[QualityRow]:
    measured = list(_measure(view, flags))
    p_values = [one.funnel.p_values if one.funnel else np.zeros(0) for one in measured]
    all_adjusted = adjusted(np.concatenate([*p_values, np.zeros(0)]), "holm")
    family = np.split(all_adjusted, np.cumsum([len(part) for part in p_values])[:-1]) if measured else []
    alpha = 1 - view.plan.quality.rules.level
    hidden_n = _hidden({one.channel: one.n for one in measured}, view.fewest)
    hidden_counts = {
        measure: _hidden(
            {one.channel: one.counts for one in measured if one.measure == measure and one.counts is not None},
            view.fewest,
            {one.channel: one.n for one in measured},
        )
        for measure in (*FLAGS, ANY, ALL_TOP)
    }
    for u, unit in enumerate(view.units):
        for one, p_adjusted in zip(measured, family, strict=True):
            place = np.flatnonzero(one.at == u)
            tested = one.funnel is not None and len(place) > 0
            p = float(p_adjusted[place[0]]) if tested else None
            is_small = bool(hidden_n[one.channel][u])
            is_hidden = is_small or (one.counts is not None and bool(hidden_counts[one.measure][one.channel][u]))
            reason = TOO_FEW_RESPONDENTS if is_small else TOO_FEW_FLAGGED if is_hidden else "" if tested else FEW_UNITS
            shown = not is_hidden and one.n[u] > 0
            yield QualityRow(
                round=view.slug,
                unit=unit,
                channel=one.channel,
                measure=one.measure,
                n=None if is_small else int(one.n[u]),
                count=int(one.counts[u]) if shown and one.counts is not None else None,
                share=float(one.shares[u]) if shown else None,
                usual=one.usual(),
                score=float(one.funnel.scores[place[0]]) if shown and tested and one.funnel else None,
                p_adjusted=p if shown else None,
                verdict=NOT_TESTED if p is None else UNUSUAL if p < alpha else USUAL,
                suppressed=is_hidden,
                reason=reason,
            )


def _measure(view: View, flags: Mapping[str, Truths]) -> Iterator[_Measured]:
    blocks, rules = view.columns.best_last, view.plan.quality.rules
    n_rows = len(view.unit_of_row)
    counted = {**flags, ALL_TOP: all_at_the_top(blocks, rules) if blocks else np.zeros(n_rows, dtype=bool)}
    top, level = _of_ratings(blocks, n_rows)
    for channel, rows in view.cells():
        n = view.counts(rows)
        at = np.flatnonzero(n >= view.fewest)
        for measure, is_flagged in counted.items():
            counts = view.counts(rows & is_flagged)
            # A speed nobody measured, and copies, which have their own test, are not held against other units.
            is_tested = measure not in (FAST, DUPLICATE, ANY) or (measure == FAST and is_flagged.any())
            found = share_funnel(counts[at], n[at], "greater") if is_tested else None
            shares = np.divide(100.0 * counts, n, out=np.zeros(len(n)), where=n > 0)
            yield _Measured(channel, measure, n, counts, shares, at, found)
        for measure, values in ((TOP_ANSWERS, top), (MEAN_RATING, level)):
            means, variances = _means(view, values, rows)
            varied = at[np.nan_to_num(variances[at]) > 0]
            yield _Measured(
                channel, measure, n, None, np.nan_to_num(means), varied,
                funnel(means[varied], variances[varied], "greater" if measure == TOP_ANSWERS else "two-sided"),
            )  # fmt: skip


def _of_ratings(blocks: Sequence[Block], n_rows: int) -> tuple[Floats, Floats]:
    """The percent of a row's ratings that are the best ones, and their mean on 0 to 100: (n,), NaN without ratings."""
    n_rated, n_top, sums = np.zeros((3, n_rows))
    for block in blocks:
        is_rated = block.ratings >= 0
        highest = len(block.values) - 1
        n_rated += is_rated.sum(axis=1)
        n_top += (block.ratings == highest).sum(axis=1)
        sums += np.where(is_rated, block.ratings / highest, 0.0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return 100 * n_top / n_rated, 100 * sums / n_rated


def _means(view: View, values: Floats, rows: Truths) -> tuple[Floats, Floats]:
    """The plain means (U,) of the values of some rows, and their variances as of simple random samples."""
    known = np.flatnonzero(rows & ~np.isnan(values))
    unit, value, n_units = view.unit_of_row[known], values[known], len(view.units)
    n = np.bincount(unit, minlength=n_units)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(unit, value, n_units) / n
        squares = np.bincount(unit, (value - mean[unit]) ** 2, n_units)
        return mean, squares / (n - 1) / n


def _hidden(
    counts: Mapping[str, Integers], fewest: int, sizes: Mapping[str, Integers] | None = None
) -> dict[str, Truths]:
    """Which counts (U,) of each channel may not be shown: small ones, small rests of `sizes`, and the smallest others
    where the total would give these back.
    """
    small = {
        channel: ((of_units > 0) & (of_units < fewest))
        | (((sizes[channel] - of_units > 0) & (sizes[channel] - of_units < fewest)) if sizes is not None else False)
        for channel, of_units in counts.items()
    }
    parts = [channel for channel in counts if channel != ALL]
    for u in range(len(counts[ALL])) if parts else ():
        secrets = [channel for channel in parts if small[channel][u]]
        if not secrets or small[ALL][u]:
            continue
        others = sorted((int(counts[channel][u]), channel) for channel in parts if channel not in secrets)
        for count, channel in others:
            if len(secrets) > 1 and sum(int(counts[name][u]) for name in secrets) >= fewest:
                break
            if count > 0:
                small[channel][u] = True
                secrets.append(channel)
        if len(secrets) < 2 or sum(int(counts[name][u]) for name in secrets) < fewest:
            small[ALL][u] = True
    return small
