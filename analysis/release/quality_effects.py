"""What channels and flagged rows do to the indices of units."""

from collections.abc import Iterator, Mapping

import numpy as np

from analysis.estimation.intervals import t_interval
from analysis.estimation.multiplicity import adjusted
from analysis.release.index_differences import Differences, index_differences
from analysis.release.quality_rows import (
    CHANGES,
    FEW_UNITS,
    GAP,
    NO_CHANGE,
    NO_GAP,
    NOT_TESTED,
    NOTHING_FLAGGED,
    NOTHING_LEFT,
    TOO_FEW_FLAGGED,
    GapRow,
    SensitivityRow,
)
from analysis.release.quality_view import Floats, Truths, View
from analysis.release.rows import ALL, ONE_CLUSTER, TOO_FEW_RESPONDENTS


def gap_rows(view: View, control: str) -> Iterator[GapRow]:
    """The index of each unit in each channel less that in the control channel, tested with Holm's correction.

    Arguments:
        view: the round's rows, by unit and channel.
        control: the channel that the rated units have no hand in.
    """
    others = [channel for channel in view.channels if channel != control]
    controls = view.channel_of_row == view.channels.index(control)
    sets = {channel: view.channel_of_row == view.channels.index(channel) for channel in others}
    if not others:
        return
    found = index_differences(view.scored, [(sets[channel], controls) for channel in others])
    n_control = view.counts(controls)
    n = np.array([view.counts(rows) for rows in sets.values()])
    enough = (n >= view.fewest) & (n_control >= view.fewest)
    lonely = np.array([unit in view.lonely for unit in view.units], dtype=bool)
    testable = enough & ~lonely & (found.se > 0) & (found.df > 0)
    family = _holm(_p_of(found.values, found.se, found.df), testable)
    # What is estimated of the other units is known better: the unit's own degrees of freedom stand for the difference.
    excesses = _holm(_p_of(found.excess, found.excess_se, found.df), testable)
    alpha, level = 1 - view.plan.quality.rules.level, view.plan.level
    for c, channel in enumerate(others):
        for u, unit in enumerate(view.units):
            if n[c, u] == 0 and n_control[u] == 0:
                continue
            low, high = _interval(found, c, u, level) if testable[c, u] else (None, None)
            is_shown, p, more = bool(enough[c, u]), family[c, u], excesses[c, u]
            reason = "" if testable[c, u] else ONE_CLUSTER if is_shown else TOO_FEW_RESPONDENTS
            yield GapRow(
                view.slug, unit, channel, control,
                int(n[c, u]) if n[c, u] >= view.fewest else None,
                int(n_control[u]) if n_control[u] >= view.fewest else None,
                _number(found.first[c, u], is_shown), _number(found.second[c, u], is_shown),
                _number(found.values[c, u], is_shown), _number(found.se[c, u], bool(testable[c, u])), low, high,
                float(found.df[c, u]) if is_shown else None,
                _number(p), NOT_TESTED if np.isnan(p) else GAP if p < alpha else NO_GAP,
                _number(found.excess[c, u], is_shown), _number(more),
                NOT_TESTED if np.isnan(more) else GAP if more < alpha else NO_GAP,
                not is_shown, reason,
            )  # fmt: skip
        yield _mean_gap(view, control, channel, found, c, alpha)


def _mean_gap(view: View, control: str, channel: str, found: Differences, c: int, alpha: float) -> GapRow:
    """The plain mean of the units' gaps: what the way of asking does everywhere."""
    value, se = found.mean[c], found.mean_se[c]
    p = float(_p_of(np.array([value]), np.array([se]), np.array([found.df_design]))[0])
    ends = None if np.isnan(p) else t_interval(float(value), float(se) ** 2, found.df_design, view.plan.level)
    return GapRow(
        view.slug, ALL, channel, control, None, None, None, None, _number(value), _number(se),
        ends[0] if ends else None, ends[1] if ends else None, found.df_design, _number(p),
        NOT_TESTED if np.isnan(p) else GAP if p < alpha else NO_GAP, None, None, NOT_TESTED, False,
        "" if ends else FEW_UNITS,
    )  # fmt: skip


def sensitivity_rows(view: View, flags: Mapping[str, Truths]) -> Iterator[SensitivityRow]:
    """The index of each unit with and without the rows under each flag, tested with Holm's correction.

    Arguments:
        view: the round's rows, by unit and channel.
        flags: the rows (n,) under each flag, by its name.
    """
    everybody = np.ones(len(view.unit_of_row), dtype=bool)
    found = index_differences(view.scored, [(~rows, everybody) for rows in flags.values()])
    n = view.counts(everybody)
    counts = np.array([view.counts(rows) for rows in flags.values()])
    fewest = view.fewest
    hidden = (n < fewest) | ((counts > 0) & (counts < fewest)) | ((n - counts > 0) & (n - counts < fewest))
    lonely = np.array([unit in view.lonely for unit in view.units], dtype=bool)
    testable = ~hidden & ~lonely & (counts > 0) & (found.se > 0) & (found.df > 0)
    family = _holm(_p_of(found.values, found.se, found.df), testable)
    alpha, level = 1 - view.plan.quality.rules.level, view.plan.level
    for u, unit in enumerate(view.units):
        for f, flag in enumerate(flags):
            is_shown, p = not hidden[f, u] and n[u] > 0, family[f, u]
            low, high = _interval(found, f, u, level) if testable[f, u] else (None, None)
            yield SensitivityRow(
                view.slug, unit, flag, view.formula,
                int(n[u]) if n[u] >= fewest else None, int(counts[f, u]) if is_shown else None,
                _number(found.second[f, u], bool(n[u] >= fewest)), _number(found.first[f, u], is_shown),
                _number(found.values[f, u], is_shown), _number(found.se[f, u], bool(testable[f, u])), low, high,
                _number(p), NOT_TESTED if np.isnan(p) else CHANGES if p < alpha else NO_CHANGE,
                bool(hidden[f, u]), _why(found, f, u, int(n[u]), int(counts[f, u]), bool(testable[f, u]), fewest),
            )  # fmt: skip


def _why(found: Differences, f: int, u: int, n: int, count: int, is_testable: bool, fewest: int) -> str:
    """Why a row of sensitivity has no error, or no number."""
    if n < fewest:
        return TOO_FEW_RESPONDENTS
    if count == 0:
        return NOTHING_FLAGGED
    if count < fewest or 0 < n - count < fewest:
        return TOO_FEW_FLAGGED
    if np.isnan(found.values[f, u]):
        return NOTHING_LEFT
    return "" if is_testable else ONE_CLUSTER


def _interval(found: Differences, c: int, u: int, level: float) -> tuple[float | None, float | None]:
    return t_interval(
        float(found.values[c, u]), float(found.se[c, u]) ** 2, float(found.df[c, u]), level
    ) or (None, None)  # fmt: skip


def _p_of(values: Floats, se: Floats, df: Floats) -> Floats:
    """Two-sided p values of t tests; NaN where there is no error to test with."""
    from scipy.special import stdtr

    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = 2 * stdtr(df, -np.abs(values) / np.where(se > 0, se, np.nan))
    return found


def _holm(p_values: Floats, testable: Truths) -> Floats:
    """Holm's over all tests that can be made, in the same shape; NaN for the others."""
    return adjusted(np.where(testable, p_values, np.nan).ravel(), "holm").reshape(p_values.shape)


def _number(value: float, is_shown: bool = True) -> float | None:
    return float(value) if is_shown and np.isfinite(value) else None
