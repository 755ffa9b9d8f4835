"""Are units that bend their answers found, and honest ones left in peace? Rounds with planted answers.

Run: python benchmarks/quality_power.py [ROUNDS]        default: 20 honest rounds, and 20 of each kind of bending

Practice people answer `sipas/2017.1` in 54 units, 200 people each, on slips, on tablets at the counter and to the
control channel. In a bent round the first three units do what the kind says. A unit is found where any of its rows of
quality.csv says unusual, or of channel_gaps.csv gap beyond others; the family of each table is tested at 95 % whole.
"""

import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.archive import Archive
from analysis.release.plan import Plan
from analysis.release.quality import examine_quality
from analysis.release.quality_rows import GAP, UNUSUAL
from benchmarks.practice_coverage import Manners, play, practice_units
from questionnaires.library import load_bundled

REFERENCE, N_UNITS, RESPONDENTS, N_BENT = "sipas/2017.1", 54, 200, 3
FIRST_SEED = 20261200
CONTROL, COUNTER = "interviewer", "tablet"
MANNERS = Manners(
    response_of_person=0.0,
    channel_shifts={"slip": 0.0, COUNTER: 0.05, CONTROL: 0.0},
    channel_shares={"slip": 0.3, COUNTER: 0.4, CONTROL: 0.3},
)
UNITS = practice_units(N_UNITS)
ITEMS = [item.code for item in load_bundled(REFERENCE).items if item.scale == "satisfaction"]

Rows = np.ndarray
# What is done to some rows of one unit: ratings (n, K) from 1 to 5, 0 for none; the rows; random numbers.
Bending = Callable[[Rows, Rows, np.random.Generator], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of bending: `share` of the rows of a unit, or of its rows through one channel."""

    name: str
    bending: Bending | None = None
    share: float = 0.0
    channel: str = ""


def one_answer(ratings: Rows, rows: Rows, random: np.random.Generator) -> None:
    """All items alike: somebody ticks a column."""
    level = random.choice([3, 4, 5], size=len(rows), p=[0.2, 0.4, 0.4])
    ratings[rows] = np.where(ratings[rows] > 0, level[:, None], 0)


def copies(ratings: Rows, rows: Rows, random: np.random.Generator) -> None:
    """One filled-in form over and over: the first of the rows with three different answers, or else with two."""
    n_different = [len(set(ratings[row]) - {0}) for row in rows]
    ratings[rows] = ratings[rows[int(np.argmax(np.minimum(n_different, 3)))]]


def nearly_all_best(ratings: Rows, rows: Rows, random: np.random.Generator) -> None:
    """Best answers with a few second-best ones strewn in, by hand."""
    invented = np.where(random.random((len(rows), ratings.shape[1])) < 0.9, 5, 4)
    ratings[rows] = np.where(ratings[rows] > 0, invented, 0)


def coached(ratings: Rows, rows: Rows, random: np.random.Generator) -> None:
    """People at the counter who are watched: what would be 3 or less becomes 4."""
    ratings[rows] = np.where((ratings[rows] > 0) & (ratings[rows] < 4), 4, ratings[rows])


KINDS = (
    Kind("honest"),
    *(Kind(f"straight lines, {share:.0%} of the answers", one_answer, share) for share in (0.1, 0.2, 0.3)),
    *(Kind(f"copied form, {share:.1%} of the answers", copies, share) for share in (0.015, 0.025, 0.05)),
    *(
        Kind(f"stuffed through the counter, {share:.0%} of its answers", nearly_all_best, share, COUNTER)
        for share in (0.2, 0.4, 0.7)
    ),
    *(Kind(f"coached at the counter, {share:.0%} of its answers", coached, share, COUNTER) for share in (0.5, 1.0)),
)


def bend(table: pa.Table, kind: Kind, seed: int) -> pa.Table:
    """The answers with those of the first units bent."""
    if kind.bending is None:
        return table
    random = np.random.default_rng([seed, 5])
    ratings = np.column_stack([pc.fill_null(pc.cast(_rated(table[item]), pa.int64()), 0).to_numpy() for item in ITEMS])
    untouched = ratings.copy()
    for unit in UNITS[:N_BENT]:
        is_chosen = pc.equal(table["unit"], unit).to_numpy()
        if kind.channel:
            is_chosen &= pc.equal(table["channel"], kind.channel).to_numpy()
        rows = random.permutation(np.flatnonzero(is_chosen))
        kind.bending(ratings, rows[: max(2, round(kind.share * len(rows)))], random)
    for k, item in enumerate(ITEMS):
        changed = pa.array(ratings[:, k] != untouched[:, k])
        new = pc.if_else(pa.array(ratings[:, k] > 0), pa.array(ratings[:, k].astype(str)), None)
        place = table.schema.get_field_index(item)
        column = pc.if_else(changed, new, table[item].combine_chunks())
        table = table.set_column(place, table.schema.field(place), column)
    return table


def _rated(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.is_in(column, pa.array(["1", "2", "3", "4", "5"])), column, None)


def found_in(kind: Kind, number: int) -> tuple[set[str], set[str]]:
    """The units with an unusual count or mean, and those with a gap beyond the others', in the round of a number."""
    profile = load_bundled(REFERENCE).default_profile
    plan = Plan(profile=profile, coarsening_k=1)
    played = play(
        FIRST_SEED + number, 0, UNITS, MANNERS, RESPONDENTS, plan, partial(bend, kind=kind, seed=FIRST_SEED + number)
    )
    quality = examine_quality(Archive(played.contents, played.questionnaire, {}, "", "none"), CONTROL)
    return (
        {row.unit for row in quality.rows if row.verdict == UNUSUAL},
        {row.unit for row in quality.gaps if row.excess_verdict == GAP},
    )


def tally(kind: Kind, n_rounds: int, pool: ProcessPoolExecutor | None = None) -> Mapping[str, float]:
    """Percentages: bent units found by flags, by gaps, by either; honest units called; rounds that call one."""
    run = map if pool is None else pool.map
    rounds = list(run(partial(found_in, kind), range(n_rounds)))
    bent = set(UNITS[:N_BENT]) if kind.bending else set()
    honest = set(UNITS) - bent
    either = [flagged | gaps for flagged, gaps in rounds]

    def share(found: list[set[str]], among: set[str]) -> float:
        return 100 * float(np.mean([len(units & among) / len(among) for units in found])) if among else float("nan")

    return {
        "flags": share([flagged for flagged, _ in rounds], bent),
        "gaps": share([gaps for _, gaps in rounds], bent),
        "either": share(either, bent),
        "false": share(either, honest),
        "rounds": 100 * float(np.mean([bool(units & honest) for units in either])),
    }


def main() -> None:
    """Print the table."""
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    started = time.perf_counter()
    print(f"{n_rounds} rounds of each kind, seeds {FIRST_SEED} to {FIRST_SEED + n_rounds - 1}; {N_UNITS} units of "
          f"{RESPONDENTS} answers, {N_BENT} of them bent; {REFERENCE}\n")  # fmt: skip
    print("| what the bent units do | found by flags | by the gap beyond others | by either | honest units called | "
          "rounds that call an honest unit |")  # fmt: skip
    print("|---|---:|---:|---:|---:|---:|")
    with ProcessPoolExecutor(2) as pool:
        for kind in KINDS:
            found = tally(kind, n_rounds, pool)
            cells = [f"{value:.1f} %" if np.isfinite(value) else "" for value in found.values()]
            print(f"| {kind.name} | {' | '.join(cells)} |", flush=True)
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
