"""A plan carried out: what everybody's probability is, what a design is told, and what is refused."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from analysis.errors import DesignError
from analysis.estimation.sample_drawing import draw_sample
from analysis.estimation.sample_facts import group_facts, sample_warnings
from analysis.estimation.sample_plans import ClusterStage, FrameColumns, SamplePlan, Sharing, Sizes
from analysis.estimation.sample_sizes import Precision

# Districts and villages of two wards, with as many people as the number says.
VILLAGES = {
    ("w1", "d1"): (30, 50),
    ("w1", "d2"): (20, 20, 40),
    ("w1", "d3"): (60,),
    ("w2", "d1"): (25, 25),
    ("w2", "d2"): (45, 15),
}


def frame_of(villages: dict[tuple[str, str], tuple[int, ...]] | None = None) -> pa.Table:
    rows = [
        {"unit": unit, "district": district, "village": f"k{number}", "area": "urban" if number % 2 else "rural"}
        for (unit, district), people in (villages or VILLAGES).items()
        for number, n in enumerate(people)
        for _ in range(n)
    ]
    ids = [f"P{place}" for place in range(len(rows))]
    return pa.Table.from_pylist(rows).append_column("id", pa.array(ids))


FRAME = frame_of()
SIMPLE = SamplePlan(FrameColumns("id", "unit"), Sizes("unit", "fixed", fixed=24))
TWO_STAGES = replace(
    SIMPLE, stages=(ClusterStage("district", count=2), ClusterStage("village", count=1)), lonely="warn"
)


def test_each_unit_is_a_stratum_and_everybody_in_it_has_the_same_chance() -> None:
    drawn = draw_sample(FRAME, SIMPLE, 1)
    assert [(part.unit, part.population, part.asked) for part in drawn.parts] == [("w1", 220, 24), ("w2", 110, 24)]
    units = np.array(drawn.units)
    assert set(drawn.probabilities[units == "w1"]) == {24 / 220}
    assert drawn.weights[units == "w2"].sum() == pytest.approx(110)
    assert FRAME["unit"].take(pa.array(drawn.rows)).to_pylist() == list(drawn.units)
    assert [(cell.unit, cell.psu, cell.population, cell.probability, cell.count) for cell in drawn.cells] == [
        ("w1", "", 220, 1.0, 24),
        ("w2", "", 110, 1.0, 24),
    ]


def test_villages_drawn_by_their_people_with_equal_takes_give_everybody_the_same_chance() -> None:
    plan = replace(SIMPLE, stages=(ClusterStage("village", count=2, method="pps"),))
    frame = frame_of({("w1", "d"): (30, 50, 20, 40)})
    drawn = draw_sample(frame, plan, 5)
    assert set(np.round(drawn.probabilities, 12)) == {round(24 / 140, 12)}
    for cell in drawn.cells:
        assert cell.probability == pytest.approx(2 * cell.population / 140)
        assert cell.count == 12


def test_the_cells_of_a_design_weigh_each_person_by_one_over_their_probability() -> None:
    for plan in (
        SIMPLE,
        replace(SIMPLE, stages=(ClusterStage("village", method="srs", count=2, take="proportional"),)),
        replace(SIMPLE, stages=(ClusterStage("village", per=10),)),
        TWO_STAGES,
    ):
        drawn = draw_sample(FRAME, plan, 8)
        weight_of = {(c.unit, c.psu): c.population / c.probability / c.count for c in drawn.cells}
        for unit, psu, weight in zip(drawn.units, drawn.psus, drawn.weights, strict=True):
            assert weight_of[unit, psu] == pytest.approx(weight, rel=1e-12)


@pytest.mark.slow
def test_two_cluster_stages_meet_everybodys_chance_in_repeated_draws() -> None:
    plan = TWO_STAGES
    counts, weights = np.zeros(FRAME.num_rows), np.zeros(FRAME.num_rows)
    for seed in range(500):
        drawn = draw_sample(FRAME, plan, seed)
        counts[drawn.rows] += 1
        weights[drawn.rows] += drawn.weights
    # Each person's weight is one on average: the draw of the people in a village is not conditioned away.
    villages = pa.array([f"{r['unit']}{r['district']}{r['village']}" for r in FRAME.to_pylist()]).dictionary_encode()
    mean = np.bincount(villages.indices.to_numpy(), weights / 500) / np.bincount(villages.indices.to_numpy())
    assert np.all(np.abs(mean - 1) < 0.3)
    assert np.average(mean, weights=np.bincount(villages.indices.to_numpy())) == pytest.approx(1, abs=0.04)


def test_the_same_seed_draws_the_same_people_and_another_draws_others() -> None:
    first, again, other = (draw_sample(FRAME, TWO_STAGES, seed) for seed in (3, 3, 4))
    assert first.rows.tolist() == again.rows.tolist() != other.rows.tolist()


def test_a_systematic_sample_runs_along_what_it_is_sorted_by() -> None:
    plan = replace(SIMPLE, sizes=Sizes("unit", "fixed", fixed=11), people="systematic", sort=("area",))
    drawn = draw_sample(FRAME, plan, 1)
    areas = FRAME["area"].take(pa.array(drawn.rows)).to_pylist()
    n_urban = sum(area == "urban" for area in areas[:11])
    share = sum(row["area"] == "urban" for row in FRAME.to_pylist() if row["unit"] == "w1") / 220
    assert abs(n_urban - 11 * share) < 1


def test_a_size_for_all_is_shared_by_units_and_then_by_their_strata() -> None:
    plan = SamplePlan(
        FrameColumns("id", "unit", "area"),
        Sizes("all", "fixed", fixed=60),
        units=Sharing("power", 0.5),
        strata=Sharing(minimum=10),
    )
    drawn = draw_sample(FRAME, plan, 1)
    asked = {(part.unit, part.stratum): part.asked for part in drawn.parts}
    assert sum(asked.values()) == 60
    by_unit = [sum(n for (unit, _), n in asked.items() if unit == name) for name in ("w1", "w2")]
    assert by_unit[0] / by_unit[1] == pytest.approx(2**0.5, rel=0.05)
    assert min(asked.values()) >= 10


def test_a_size_measure_of_the_frame_decides_who_is_certain() -> None:
    sizes = {"k0": "500", "k1": "100", "k2": "100", "k3": "100"}
    frame = frame_of({("w1", "d"): (30, 50, 20, 40)})
    frame = frame.append_column("households", pa.array([sizes[row["village"]] for row in frame.to_pylist()]))
    stage = ClusterStage("village", count=2, size="households")
    drawn = draw_sample(frame, replace(SIMPLE, stages=(stage,)), 1)
    assert drawn.parts[0].certain == ("k0",)
    assert [cell.probability for cell in drawn.cells] == [1.0, pytest.approx(1 / 3)]
    assert any("in for sure (probability 1): k0" in warning for warning in drawn.warnings)
    with pytest.raises(DesignError, match="'k0' in w1 with a probability above 1, expected smaller clusters"):
        draw_sample(frame, replace(SIMPLE, stages=(replace(stage, certainty="refuse"),)), 1)


def test_clusters_that_are_all_asked_are_said_once() -> None:
    drawn = draw_sample(FRAME, replace(SIMPLE, stages=(ClusterStage("village", per=2),)), 1)
    assert [part.n_drawn for part in drawn.parts] == [part.n_clusters for part in drawn.parts]
    assert [warning for warning in drawn.warnings if "all clusters are asked" in warning] == list(drawn.warnings)


def test_a_cluster_with_fewer_people_than_its_take_is_asked_as_a_whole_and_said() -> None:
    frame = frame_of({("w1", "d"): (3, 4, 5)})
    plan = replace(
        SIMPLE, sizes=Sizes("unit", "fixed", fixed=12), stages=(ClusterStage("village", count=2, method="srs"),)
    )
    drawn = draw_sample(frame, plan, 1)
    assert drawn.parts[0].asked < 12
    assert any("fewer than the 12 wanted" in warning for warning in drawn.warnings)


def test_facts_tell_both_rules_and_what_the_sample_promises() -> None:
    wanted = Precision(icc=0.05, per_cluster=12, response=0.5)
    plan = replace(
        SIMPLE, sizes=Sizes("unit", "fixed", precision=wanted, fixed=24), stages=(ClusterStage("village", count=2),)
    )
    drawn = draw_sample(FRAME, plan, 1)
    facts = group_facts(drawn, plan)
    assert [fact.name for fact in facts] == ["w1", "w2", "all"]
    assert (facts[0].circular, facts[0].asked, facts[0].expected_answers) == (142, 24, 12.0)
    assert facts[0].design_effect == pytest.approx(1 + (6 - 1) * 0.05)
    variance = facts[0].design_effect * facts[0].kish * 0.25 * (1 - 12 / 220) / 12
    assert facts[0].half_width == pytest.approx(1.959964 * variance**0.5, rel=1e-6)
    said = sample_warnings(drawn, plan, facts)
    assert any(sentence.startswith("w1: 24 asked promise an interval of ± ") for sentence in said)
    assert any("cells expect fewer than 10 answers" in sentence for sentence in said)


def fixed(n: int | dict[str, int]) -> SamplePlan:
    return replace(SIMPLE, sizes=Sizes("unit", "fixed", fixed=n))


def staged(*stages: ClusterStage) -> SamplePlan:
    return replace(SIMPLE, stages=stages)


@pytest.mark.parametrize(
    ("plan", "complaint"),
    [
        (replace(SIMPLE, columns=FrameColumns("id", "ward")), "found no column 'ward', expected it beside unit"),
        (fixed(111), "found 111 for 'w2', expected at most the 110 of the frame"),
        (fixed({"w1": 9}), "found no number for 'w2'"),
        (fixed(1), "stratum w1: found one PSU in the sample"),
        (staged(ClusterStage("district", count=3)), "found 3 to draw in w2, expected at most the 2"),
        (staged(ClusterStage("district", count=1)), "stratum w1: found one PSU"),
        (staged(ClusterStage("village", size="area", count=1)), "column area: found 'rural' in w1"),
        (staged(ClusterStage("district", size="village", count=1)), "found 'k0' and 'k1' in w1, d1"),
        (replace(SIMPLE, columns=FrameColumns("village", "unit")), "row 3: found the village 'k0' of row 2 again"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_its_place(plan: SamplePlan, complaint: str) -> None:
    with pytest.raises(DesignError, match=complaint):
        draw_sample(FRAME, plan, 1)


def test_an_empty_frame_is_refused() -> None:
    with pytest.raises(DesignError, match="frame: found no row"):
        draw_sample(FRAME.slice(0, 0), SIMPLE, 1)


def test_weights_that_differ_within_a_psu_are_refused_unless_the_last_clusters_are_the_psus() -> None:
    frame = frame_of({("w1", "d1"): (30, 50, 20), ("w1", "d2"): (20, 90, 40)})
    plan = replace(fixed(40), stages=(ClusterStage("district", count=2), ClusterStage("village", "srs", count=2)))
    with pytest.raises(DesignError, match=r"found weights in the PSU 'd[12]' of w1 that differ"):
        draw_sample(frame, plan, 1)
    drawn = draw_sample(frame, replace(plan, psu="last"), 1)
    assert len(drawn.cells) == 4
    assert drawn.cells[0].psu.startswith("d1 - k")


def test_an_empty_label_or_a_size_that_is_not_above_0_is_refused_with_its_row() -> None:
    hole = FRAME.set_column(0, "unit", pa.array(["w1", " ", *FRAME["unit"].to_pylist()[2:]]))
    with pytest.raises(DesignError, match="row 3: found an empty 'unit', expected a value in every row"):
        draw_sample(hole, SIMPLE, 1)
    for text in ("0", "-4", "nan", "inf"):
        sized = FRAME.append_column("households", pa.array([text] * FRAME.num_rows))
        with pytest.raises(DesignError, match=f"column households: found {text} in w1, k0, expected a number above 0"):
            draw_sample(sized, replace(SIMPLE, stages=(ClusterStage("village", size="households", count=1),)), 1)
