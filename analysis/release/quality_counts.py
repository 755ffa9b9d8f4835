"""Flags and ratings counted by unit and channel, and units that stand out from the others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.estimation.anomalies import Funnel, angles, funnel, share_of_angle
from analysis.estimation.multiplicity import adjusted
from analysis.estimation.quality import DUPLICATE, FAST, FLAGS, LOW_VARIABILITY, STRAIGHT_LINE, Block, all_at_the_top
from analysis.release.quality_rows import (
    ALL_TOP,
    ANY,
    FEW_UNITS,
    MEAN_SCORE,
    NOT_TESTED,
    TOO_FEW_FLAGGED,
    TOP_ANSWERS,
    UNUSUAL,
    USUAL,
    QualityRow,
)
from analysis.release.quality_view import Floats, Integers, Truths, View
from analysis.release.rows import ALL, TOO_FEW_RESPONDENTS

# What honest people do the more, the more satisfied they are.
_GO_WITH_LEVEL = (STRAIGHT_LINE, LOW_VARIABILITY, ALL_TOP)


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """A measure of the units (U,) in one channel, and how they stand to each other.

    `at` are the tested units, `usual` (U,) what would be usual for each, NaN for the others.
    """

    channel: str
    measure: str
    n: Integers
    counts: Integers | None
    shares: Floats
    at: Integers
    usual: Floats
    funnel: Funnel | None


def quality_rows(view: View, flags: Mapping[str, Truths]) -> Iterator[QualityRow]:
    """How many rows of each unit and channel are flagged, beside what the other units let expect; small counts hidden.

    Arguments:
        view: the round's rows, by unit and channel.
        flags: the rows (n,) under each flag, by its name.
    """
    measured = list(_measure(view, flags))
    p_values = [one.funnel.p_values if one.funnel else np.zeros(0) for one in measured]
    all_adjusted = adjusted(np.concatenate([*p_values, np.zeros(0)]), "BH")
    family = np.split(all_adjusted, np.cumsum([len(part) for part in p_values])[:-1]) if measured else []
    hidden_n = _hidden({one.channel: one.n for one in measured}, view.fewest)
    hidden_counts = {
        measure: _hidden(
            {one.channel: one.counts for one in measured if one.measure == measure and one.counts is not None},
            view.fewest,
            {one.channel: one.n for one in measured},
        )
        for measure in (*FLAGS, ANY, ALL_TOP)
    }
    for u in range(len(view.units)):
        for one, p_adjusted in zip(measured, family, strict=True):
            if one.n[u] > 0:
                is_small = bool(hidden_n[one.channel][u])
                is_hidden = is_small or (one.counts is not None and bool(hidden_counts[one.measure][one.channel][u]))
                yield _row(view, u, one, p_adjusted, is_small, is_hidden)


def _row(view: View, u: int, one: _Measured, family: Floats, is_small: bool, is_hidden: bool) -> QualityRow:
    place = np.flatnonzero(one.at == u)
    p = float(family[place[0]]) if one.funnel is not None and len(place) else None
    verdict = NOT_TESTED if p is None else UNUSUAL if p < 1 - view.plan.quality.rules.level else USUAL
    if one.measure == DUPLICATE and one.counts is not None:
        # A row is flagged by a test of its own, which all compared rows share: one of them is enough.
        verdict = UNUSUAL if one.counts[u] else USUAL
    is_compared = verdict != NOT_TESTED or one.measure == ANY
    reason = TOO_FEW_RESPONDENTS if is_small else TOO_FEW_FLAGGED if is_hidden else "" if is_compared else FEW_UNITS
    return QualityRow(
        round=view.slug,
        unit=view.units[u],
        channel=one.channel,
        measure=one.measure,
        n=None if is_small else int(one.n[u]),
        count=None if is_hidden or one.counts is None else int(one.counts[u]),
        share=None if is_hidden else float(one.shares[u]),
        usual=None if is_hidden or np.isnan(one.usual[u]) else float(one.usual[u]),
        score=None if is_hidden or p is None or one.funnel is None else float(one.funnel.scores[place[0]]),
        p_adjusted=None if is_hidden else p,
        verdict=verdict,
        suppressed=is_hidden,
        reason=reason,
    )


def _measure(view: View, flags: Mapping[str, Truths]) -> Iterator[_Measured]:
    """Every measure in every channel. All of a unit's rows are held against other units, a channel's rows against the
    unit's other rows and that difference against the same one in other units.
    """
    blocks, rules = view.columns.best_last, view.plan.quality.rules
    n_rows = len(view.unit_of_row)
    # Without a duration nobody knows who was fast.
    counted = {name: rows for name, rows in flags.items() if name != FAST or view.columns.seconds is not None}
    counted[ALL_TOP] = all_at_the_top(blocks, rules) if blocks else np.zeros(n_rows, dtype=bool)
    top, level = _of_ratings(blocks, n_rows)
    points = _row_means(view.scored.scores)
    for channel, rows in view.cells():
        rest = None if channel == ALL else ~rows
        for measure, is_flagged in counted.items():
            yield _count(view, channel, measure, is_flagged, rows, rest, level)
        for measure, values in ((TOP_ANSWERS, top), (MEAN_SCORE, points)):
            yield _average(view, channel, measure, values, rows, rest)


def _count(
    view: View, channel: str, measure: str, is_flagged: Truths, rows: Truths, rest: Truths | None, level: Floats
) -> _Measured:
    n, counts = view.counts(rows), view.counts(rows & is_flagged)
    shares = np.divide(100.0 * counts, n, out=np.zeros(len(n)), where=n > 0)
    usual = np.full(len(n), np.nan)
    if measure in (DUPLICATE, ANY):
        return _Measured(channel, measure, n, counts, shares, np.zeros(0, dtype=np.int64), usual, None)
    at = np.flatnonzero(n >= view.fewest)
    value, variance = angles(counts, np.maximum(n, 1))
    start: Floats = np.zeros(len(n))
    if rest is None:
        # Where people are more satisfied more of them honestly give one answer to all; what the others there say, whom
        # no straight line has touched, tells how many.
        covariate = _means(view, level, rows & ~is_flagged)[0] if measure in _GO_WITH_LEVEL else None
        if covariate is not None:
            at = at[~np.isnan(covariate[at])]
            covariate = covariate[at]
        found = funnel(value[at], variance[at], "greater", covariate)
    else:
        n_rest = view.counts(rest)
        start, more = angles(view.counts(rest & is_flagged), np.maximum(n_rest, 1))
        at = at[n_rest[at] >= view.fewest]
        found = funnel((value - start)[at], (variance + more)[at], "greater")
    if found is not None:
        usual[at] = 100 * share_of_angle(start[at] + found.expected)
    return _Measured(channel, measure, n, counts, shares, at, usual, found)


def _average(view: View, channel: str, measure: str, values: Floats, rows: Truths, rest: Truths | None) -> _Measured:
    n = view.counts(rows)
    means, variances = _means(view, values, rows)
    at = np.flatnonzero((n >= view.fewest) & (np.nan_to_num(variances) > 0))
    start: Floats = np.zeros(len(n))
    if rest is not None:
        start, more = _means(view, values, rest)
        at = at[(view.counts(rest)[at] >= view.fewest) & (np.nan_to_num(more)[at] > 0)]
        variances = variances + more
    usual = np.full(len(n), np.nan)
    found = funnel((means - start)[at], variances[at], "greater" if measure == TOP_ANSWERS else "two-sided")
    if found is not None:
        usual[at] = np.clip(start[at] + found.expected, 0.0, 100.0)
    return _Measured(channel, measure, n, None, np.nan_to_num(means), at, usual, found)


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


def _row_means(scores: Floats) -> Floats:
    """The plain mean of each row's scores (n,); NaN without one."""
    n_scored = (~np.isnan(scores)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.nansum(scores, axis=1) / n_scored
    return found


def _means(view: View, values: Floats, rows: Truths) -> tuple[Floats, Floats]:
    """The plain means (U,) of some rows' values, and their variances as of simple random samples; NaN without any.

    No unit's rows count as less varied than those of all units together: rows that are all alike are no certainty.
    """
    known = np.flatnonzero(rows & ~np.isnan(values))
    unit, value, n_units = view.unit_of_row[known], values[known], len(view.units)
    n = np.bincount(unit, minlength=n_units)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(unit, value, n_units) / n
        squares = np.bincount(unit, (value - mean[unit]) ** 2, n_units)
        pooled = squares.sum() / (n.sum() - (n > 0).sum())
        return mean, np.fmax(squares / (n - 1), pooled) / n


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
