"""Rank sets, and what is often published in their place. Two blocs: units that differ, and units that hardly do."""

from collections.abc import Callable, Mapping

import numpy as np

from analysis.indices.ranking import RankSet, rank_sets
from benchmarks.coverage.province import N_ALIKE, Floats
from benchmarks.coverage.rounds import LEVEL, Intervals, Round


def true_ranks(truth: Floats) -> Floats:
    return 1.0 + (truth[None, :] > truth[:, None]).sum(axis=1)


def _bloc(found: Round, name: str) -> slice:
    n_differing = found.n_units - min(N_ALIKE, found.n_units // 2)
    return slice(0, n_differing) if name == "differing" else slice(n_differing, found.n_units)


def _sets(found: Round, name: str) -> list[RankSet]:
    if name not in found.rank_sets:
        at = _bloc(found, name)
        covariance = found.indices.covariance[at, at]
        found.rank_sets[name] = rank_sets(
            found.indices.values[at], covariance, found.df[at], found.sample.df, LEVEL, 6, seed=found.drawn.number
        )
    return found.rank_sets[name]


def _ranks(found: Round, name: str, low: str, high: str) -> Intervals:
    at, sets = _bloc(found, name), _sets(found, name)
    lows, highs = (np.array([getattr(one, bound) for one in sets], dtype=np.float64) for bound in (low, high))
    return Intervals(true_ranks(found.truth[at]), true_ranks(found.indices.values[at]), lows, highs)


def _together(found: Round, name: str) -> Intervals:
    """One entry a round: whether all units' true ranks lie in the sets at once; its half width is that of the sets."""
    sets = _ranks(found, name, "rank_low", "rank_high")
    outside = float(np.maximum(sets.lows - sets.truth, sets.truth - sets.highs).max())
    width = float((sets.highs - sets.lows).mean())
    # An interval about 0 that holds it where no rank is outside, and otherwise lies above.
    start = -width / 2 if outside <= 0 else outside
    return Intervals(np.zeros(1), np.zeros(1), np.array([start]), np.array([start + width]))


def _simulated(found: Round, name: str) -> Intervals:
    """The percentiles of ranks drawn from the indices' law, which is what is often published: no confidence sets."""
    at = _bloc(found, name)
    random = np.random.default_rng(found.drawn.number)
    covariance = found.indices.covariance[at, at]
    draws = random.multivariate_normal(found.indices.values[at], covariance, 500, method="cholesky")
    ranks = 1.0 + (draws[:, None, :] > draws[:, :, None]).sum(axis=2)
    low, high = np.quantile(ranks, [0.025, 0.975], axis=0)
    return Intervals(true_ranks(found.truth[at]), true_ranks(found.indices.values[at]), np.floor(low), np.ceil(high))


def _simulated_together(found: Round, name: str) -> Intervals:
    each = _simulated(found, name)
    holds = ((each.lows <= each.truth) & (each.truth <= each.highs)).all()
    width = float((each.highs - each.lows).mean())
    start = -width / 2 if holds else 1.0
    return Intervals(np.zeros(1), np.zeros(1), np.array([start]), np.array([start + width]))


def _both(label: str, run: Callable[[Round, str], Intervals]) -> dict[str, Callable[[Round], Intervals]]:
    return {
        f"{label}, units that differ": lambda found: run(found, "differing"),
        f"{label}, units alike": lambda found: run(found, "alike"),
    }


RANKS: Mapping[str, Callable[[Round], Intervals]] = {
    **_both("rank sets, all units at once", _together),
    **_both("a unit's own rank set", lambda found, name: _ranks(found, name, "own_low", "own_high")),
    **_both("naive ranks by simulation, all at once", _simulated_together),
    **_both("naive ranks by simulation, each", _simulated),
}
