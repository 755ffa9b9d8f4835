"""Rounds played one after the other in worker processes, and what their intervals did, kept as they come."""

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks.coverage.estimators import ESTIMATORS
from benchmarks.coverage.province import Response, draw_round, make_province
from benchmarks.coverage.rounds import Intervals, Round, Truths

FIRST_SEED = 20261100
# Each province is sampled so often: building one costs as much as three rounds.
DRAWS = 25
# A worker's turn, after which its rounds are written down.
ROUNDS_A_TURN = 5


@dataclass(frozen=True, slots=True)
class Tally:
    """What the intervals of one estimator did in one round: how many there were, how many held the truth, lay wholly
    above it and wholly below it, and how many estimates had none; sums of errors, their squares and half widths.
    """

    round: int
    estimator: str
    n: int
    holds: int
    too_high: int
    too_low: int
    none: int
    errors: float
    squares: float
    half_widths: float


@lru_cache(maxsize=1)
def _truths(seed: int) -> Truths:
    return Truths(make_province(seed))


def play(number: int) -> list[Tally]:
    """The round of a number, by every estimator."""
    truths = _truths(FIRST_SEED + number // DRAWS)
    played = Round(draw_round(truths.province, number, Response()), truths)
    return [_tally(number, name, run(played)) for name, run in ESTIMATORS.items()]


def play_turn(numbers: Sequence[int]) -> list[Tally]:
    return [tally for number in numbers for tally in play(number)]


def _tally(number: int, name: str, found: Intervals) -> Tally:
    known = ~np.isnan(found.lows)
    truth, lows, highs = found.truth[known], found.lows[known], found.highs[known]
    too_high, too_low = int((lows > truth).sum()), int((highs < truth).sum())
    errors = np.nan_to_num(found.values[known] - truth)
    return Tally(
        number, name, len(truth), len(truth) - too_high - too_low, too_high, too_low, int((~known).sum()),
        float(errors.sum()), float((errors**2).sum()), float((highs - lows).sum() / 2),
    )  # fmt: skip


def count(n_rounds: int, state: Path, n_workers: int, tell: Callable[[int, int], None]) -> list[Tally]:
    """The tallies of the rounds 0 to n - 1. Those that `state` has are not played again; the others are added to it.

    A state with other estimators than today's is refused: its rounds are of other code.
    """
    done = _read(state)
    left = [number for number in range(n_rounds) if number not in done]
    turns = [left[start : start + ROUNDS_A_TURN] for start in range(0, len(left), ROUNDS_A_TURN)]
    tell(n_rounds - len(left), n_rounds)
    if turns:
        state.parent.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(n_workers) as pool, state.open("a", newline="") as stream:
            writer = csv.writer(stream)
            for finished in as_completed([pool.submit(play_turn, turn) for turn in turns]):
                for tally in finished.result():
                    writer.writerow([getattr(tally, field.name) for field in fields(Tally)])
                    done.setdefault(tally.round, []).append(tally)
                stream.flush()
                tell(sum(number in done for number in range(n_rounds)), n_rounds)
    return [tally for number in range(n_rounds) for tally in done[number]]


def _read(state: Path) -> dict[int, list[Tally]]:
    found: dict[int, list[Tally]] = {}
    if state.is_file():
        with state.open(newline="") as stream:
            for row in csv.reader(stream):
                tally = Tally(int(row[0]), row[1], *(int(cell) for cell in row[2:7]), *(float(c) for c in row[7:]))  # type: ignore[call-arg]
                found.setdefault(tally.round, []).append(tally)
    # A run that was stopped in the middle of a round plays that one again.
    whole = {number: rows for number, rows in found.items() if {row.estimator for row in rows} == set(ESTIMATORS)}
    if len(found) - len(whole) > 1:
        raise SystemExit(
            f"{state}: found rounds of other estimators, expected those of today; delete it or name another"
        )
    return whole


@dataclass(frozen=True, slots=True)
class Coverage:
    """An estimator over all rounds: the share of its intervals that hold the truth, in percent, with the standard error
    that the rounds' own shares give, and what they miss on either side.
    """

    estimator: str
    rounds: int
    intervals: int
    coverage: float
    se: float
    too_high: float
    too_low: float
    none: int
    mean_error: float
    root_mean_square_error: float
    half_width: float


def coverages(tallies: Sequence[Tally]) -> Iterator[Coverage]:
    """One row an estimator, in their order."""
    by_name: Mapping[str, list[Tally]] = {
        name: [tally for tally in tallies if tally.estimator == name] for name in ESTIMATORS
    }
    for name, rows in by_name.items():
        n = sum(row.n for row in rows)
        if n == 0:
            continue
        share = sum(row.holds for row in rows) / n
        # A ratio of sums over rounds, which are independent of each other as their units are not.
        spread = sum((row.holds - share * row.n) ** 2 for row in rows) * len(rows) / max(len(rows) - 1, 1)
        # Where every interval holds, three misses in as many would still be possible.
        se = max(math.sqrt(spread) / n, math.sqrt(0.05 * 0.95 / n) if share == 1 else 0.0)
        yield Coverage(
            name, len(rows), n, 100 * share, 100 * se, 100 * sum(row.too_high for row in rows) / n,
            100 * sum(row.too_low for row in rows) / n, sum(row.none for row in rows),
            sum(row.errors for row in rows) / n,
            math.sqrt(sum(row.squares for row in rows) / n), sum(row.half_widths for row in rows) / n,
        )  # fmt: skip
