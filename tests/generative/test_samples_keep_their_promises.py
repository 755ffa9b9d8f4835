"""Any frame and any plan: nobody twice, nobody without a chance, and cells that weigh each person by one over it."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.estimation.sample_drawing import draw_sample
from analysis.estimation.sample_plans import ClusterStage, FrameColumns, SamplePlan, Sharing, Sizes
from analysis.estimation.sample_sizes import Precision

pytestmark = pytest.mark.slow

PEOPLE = st.dictionaries(
    st.tuples(st.sampled_from("uvw"), st.sampled_from("ab"), st.sampled_from("xyz"), st.sampled_from("123")),
    st.integers(1, 12),
    min_size=1,
    max_size=20,
)
STAGES = st.builds(
    ClusterStage,
    column=st.just("village"),
    method=st.sampled_from(["pps", "srs", "systematic"]),
    count=st.none(),
    per=st.integers(1, 8),
    at_least=st.integers(1, 3),
    take=st.sampled_from(["equal", "proportional"]),
    order=st.sampled_from(["frame", "name", "random"]),
)
PLANS = st.builds(
    SamplePlan,
    columns=st.sampled_from([FrameColumns("id", "unit", "area"), FrameColumns("id", "unit"), FrameColumns("id")]),
    sizes=st.builds(
        Sizes,
        level=st.just("all"),
        rule=st.sampled_from(["honest", "circular"]),
        circular_margin=st.floats(0.05, 0.9),
        precision=st.builds(Precision, margin=st.floats(0.05, 0.9), response=st.floats(0.2, 1)),
    ),
    units=st.builds(Sharing, rule=st.sampled_from(["proportional", "equal", "power"])),
    strata=st.builds(Sharing, rule=st.sampled_from(["proportional", "equal", "power"])),
    stages=st.one_of(st.just(()), st.tuples(STAGES)),
    people=st.sampled_from(["srs", "systematic"]),
    lonely=st.just("warn"),
    psu=st.just("last"),
)


def frame_of(people: dict[tuple[str, str, str, str], int]) -> pa.Table:
    rows = [
        {"unit": unit, "area": area, "district": district, "village": f"{district}{village}"}
        for (unit, area, district, village), n in people.items()
        for _ in range(n)
    ]
    return pa.Table.from_pylist(rows).append_column("id", pa.array([f"P{place}" for place in range(len(rows))]))


@settings(max_examples=120, deadline=None)
@given(people=PEOPLE, plan=PLANS, seed=st.integers(0, 2**53 - 1))
def test_cells_and_probabilities_tell_one_story(
    people: dict[tuple[str, str, str, str], int], plan: SamplePlan, seed: int
) -> None:
    frame = frame_of(people)
    drawn = draw_sample(frame, plan, seed)
    assert len(set(drawn.rows.tolist())) == len(drawn.rows)
    assert np.all((drawn.probabilities > 0) & (drawn.probabilities <= 1 + 1e-12))
    counts = Counter(zip(drawn.units, drawn.strata, drawn.psus, strict=True))
    assert counts == {(cell.unit, cell.stratum, cell.psu): cell.count for cell in drawn.cells}
    weight_of = {(c.unit, c.stratum, c.psu): c.population / c.probability / c.count for c in drawn.cells}
    for key, weight in zip(zip(drawn.units, drawn.strata, drawn.psus, strict=True), drawn.weights, strict=True):
        assert weight_of[key] == pytest.approx(weight, rel=1e-9)
    rows = frame.take(pa.array(drawn.rows)).to_pylist()
    if plan.stages:
        assert [row["village"] for row in rows] == list(drawn.psus)
    if plan.columns.unit is not None:
        assert [row["unit"] for row in rows] == list(drawn.units)
    assert sum(part.asked for part in drawn.parts) == len(drawn.rows)
    if not plan.stages:
        # Without clusters each stratum's weights add up to its people.
        for part in drawn.parts:
            own = np.array([unit == part.unit and stratum == part.stratum
                            for unit, stratum in zip(drawn.units, drawn.strata, strict=True)])  # fmt: skip
            assert not part.asked or drawn.weights[own].sum() == pytest.approx(part.population)
