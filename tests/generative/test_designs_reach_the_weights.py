"""Random frames and answers through coarsening, redrawing and the sealed design: people are neither lost nor found."""

import random
from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.coarsening import STEPS, Coarsened, coarsen, coarsen_ballots, redraw_psus
from analysis.estimation.calibration import Margin, rake
from analysis.release.design_weights import weigh_responses
from analysis.release.round_design import DesignCell, RoundDesign, parse_design
from analysis.release.sealed_design import NOBODY, sealed_design_source

pytestmark = pytest.mark.slow

ORIGINS = ("unit", "stratum", "psu", "channel")
frames = st.dictionaries(
    st.tuples(st.sampled_from("AB"), st.sampled_from(["north", "south"]), st.sampled_from(["Khu 1", "Khu 2", "Khu 3"])),
    st.tuples(st.integers(100, 3000), st.sampled_from([1.0, 0.5, 0.13, 0.000123]), st.integers(0, 25)),
    min_size=1,
)
channels = st.sampled_from(["web", "paper"])
seeds = st.integers(0, 2**32)


def designed(frame: dict[tuple[str, str, str], tuple[int, float, int]]) -> RoundDesign:
    cells = tuple(DesignCell(*place, people, chance) for place, (people, chance, _) in frame.items())
    return RoundDesign(("unit", "stratum"), ("psu",), cells=cells, household="adults")


def answered(frame: dict[tuple[str, str, str], tuple[int, float, int]], seed: int) -> pa.Table:
    draw = random.Random(seed)  # noqa: S311 - labels for a test, not secrets
    rows = [
        (*place, draw.choice(["web", "web", "paper"]), draw.choice([None, 1.0, 2.0, 5.0]))
        for place, (_, _, n) in frame.items()
        for _ in range(n)
    ]
    draw.shuffle(rows)
    columns = {name: pa.array([row[k] for row in rows], pa.string()) for k, name in enumerate(ORIGINS)}
    return pa.table({**columns, "adults": pa.array([row[4] for row in rows], pa.float64()), "row": range(len(rows))})


def shuffled(seed: int):
    draw = random.Random(seed)  # noqa: S311 - labels for a test, not secrets
    return lambda labels: draw.sample(labels, len(labels))


def sealed(frame: dict[tuple[str, str, str], tuple[int, float, int]], seed: int, k: int) -> tuple[Coarsened, bytes]:
    coarsened = redraw_psus(coarsen(answered(frame, seed), k=k), shuffled(seed))
    counts = {place: n for place, (_, _, n) in frame.items()}
    return coarsened, sealed_design_source(designed(frame), b"", coarsened, counts, counts)


def places_of(table: pa.Table, *names: str) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(table[name].to_pylist() for name in names), strict=True))


@settings(deadline=None, max_examples=50)
@given(frames, seeds)
def test_the_weights_of_a_stratum_are_its_people_times_its_mean_household(
    frame: dict[tuple[str, str, str], tuple[int, float, int]], seed: int
) -> None:
    design, responses = designed(frame), answered(frame, seed)
    plain = weigh_responses(responses, RoundDesign(design.strata, design.clusters, cells=design.cells), {})
    weighted = weigh_responses(responses, design, {})
    people: dict[str, float] = defaultdict(float)
    for place, (population, chance, _) in frame.items():
        people[f"{place[0]}/{place[1]}"] += population / chance
    for s, label in enumerate(weighted.labels):
        rows = weighted.stratum_of_row == s
        households = weighted.weights[rows] / plain.weights[rows]
        mean_household = np.average(households, weights=plain.weights[rows])
        assert plain.weights[rows].sum() == pytest.approx(people[label])
        assert weighted.weights[rows].sum() == pytest.approx(people[label] * mean_household)
        assert np.all(weighted.weights[rows] >= plain.weights[rows] * 0.999)


@settings(deadline=None, max_examples=50)
@given(frames, seeds, st.integers(1, 15))
def test_sealing_conserves_rows_and_people_and_leaves_no_small_cell(
    frame: dict[tuple[str, str, str], tuple[int, float, int]], seed: int, k: int
) -> None:
    coarsened, source = sealed(frame, seed, k)
    assert all(n >= k for n in places_of(coarsened.table, *ORIGINS).values())
    assert coarsened.table.num_rows + coarsened.dropped == sum(n for _, _, n in frame.values())
    after = parse_design(source, "design.yaml")
    assert sum(cell.population for cell in after.cells) == sum(people for people, _, _ in frame.values())
    assert sum(after.stratum_people.values()) == pytest.approx(sum(people / p for people, p, _ in frame.values()))
    assert sum(cell.returned or 0 for cell in after.cells) == coarsened.table.num_rows + coarsened.dropped
    kept = places_of(coarsened.table, "unit", "stratum", "psu")
    assert kept.keys() <= {cell.key for cell in after.cells}
    assert {cell.key: cell.returned for cell in after.cells if cell.psu != NOBODY} == kept


@settings(deadline=None, max_examples=50)
@given(frames, seeds, st.integers(1, 15))
def test_under_the_sealed_design_the_weights_of_a_stratum_are_still_its_people(
    frame: dict[tuple[str, str, str], tuple[int, float, int]], seed: int, k: int
) -> None:
    coarsened, source = sealed(frame, seed, k)
    after = parse_design(source, "design.yaml")
    weighted = weigh_responses(coarsened.table, RoundDesign(after.strata, after.clusters, cells=after.cells), {})
    for s, label in enumerate(weighted.labels):
        total = weighted.weights[weighted.stratum_of_row == s].sum()
        assert total == pytest.approx(after.stratum_people[label])
    reached = sum(people for people, is_covered in weighted.covered.values() if is_covered)
    assert weighted.weights.sum() == pytest.approx(reached, abs=len(weighted.labels))


@settings(deadline=None, max_examples=50)
@given(frames, seeds, st.integers(1, 15), st.booleans())
def test_redrawing_hides_every_old_label(
    frame: dict[tuple[str, str, str], tuple[int, float, int]], seed: int, k: int, crosses_units: bool
) -> None:
    coarsened, source = sealed(frame, seed, k)
    again = redraw_psus(coarsen(answered(frame, seed), k=k), shuffled(seed), crosses_units=crosses_units)
    for result in (coarsened, again):
        assert "Khu" not in str(result.table["psu"].to_pylist())
        assert "Khu" not in str(result.record)
    assert b"Khu" not in source
    # One new label for one old place, and no new place for two PSUs of a stratum that were not merged.
    before = coarsen(answered(frame, seed), k=k)
    assert len(set(again.cells.values())) == len(set(before.cells.values()))
    old, new = before.table.select(ORIGINS[:3]).to_pylist(), again.table.select(ORIGINS[:3]).to_pylist()
    pairs = {(tuple(a.values()), tuple(b.values())) for a, b in zip(old, new, strict=True)}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from(["s", "t", "r"]), st.sampled_from(["1", "2"]), channels, st.integers(1, 5)),
        max_size=60,
    ),
    st.integers(1, 15),
    st.permutations(STEPS),
    st.integers(0, 3),
)
def test_no_cell_has_fewer_than_k_ballots(
    ballots: list[tuple[str, str, str, int]], k: int, order: list[str], n_steps: int
) -> None:
    rows = [(f"d{rating}", *place, str(number)) for number, (*place, n) in enumerate(ballots) for rating in range(n)]
    table = pa.table(
        {name: pa.array([row[j] for row in rows], pa.string()) for j, name in enumerate((*ORIGINS, "ballot"))}
    )
    coarsened = coarsen_ballots(table, k, order[:n_steps])
    kept = places_of(coarsened.table, *ORIGINS[1:], "ballot")
    cells = Counter(place[:3] for place in kept)
    assert all(n >= k for n in cells.values())
    assert len(kept) == len({place[3] for place in kept}) == len(ballots) - coarsened.dropped
    assert all(n == ballots[int(place[3])][3] for place, n in kept.items())
    if n_steps == len(STEPS):
        assert coarsened.dropped in (0, len(ballots))


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 4), st.integers(1, 4), seeds)
def test_raking_meets_margins_that_can_be_met(n_sexes: int, n_ages: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    sexes, ages = np.repeat(np.arange(n_sexes), n_ages), np.tile(np.arange(n_ages), n_sexes)
    counts, people = draw.uniform(0.5, 50, n_sexes * n_ages), draw.uniform(5, 5000, n_sexes * n_ages)
    margins = [
        Margin("sex", sexes, np.bincount(sexes, people).astype(np.float64)),
        Margin("age", ages, np.bincount(ages, people).astype(np.float64)),
    ]
    raked = counts * rake(counts, margins)
    for margin in margins:
        assert np.bincount(margin.categories, raked) == pytest.approx(margin.totals)
