"""What a design does to weights for those who did not answer and against extremes, on cells counted by hand."""

import numpy as np
import pytest

from analysis.errors import DesignError
from analysis.release.design_adjustments import NonresponseRule, TrimRule
from analysis.release.fieldwork import fieldwork_from_json, fieldwork_of, fieldwork_to_json
from analysis.release.plan import Plan
from analysis.release.round_design import parse_design
from analysis.release.weight_adjustments import Weighting, told, trim_weights, weigh_by_classes
from support.archives import contents_of
from support.designed_archives import DESIGNED, SEVERAL, framed_under, responses_of

CELLS = """\
design: 1
strata: [unit]
clusters: [psu]
cells:
  - {unit: "u1", psu: p1, population: 100, probability: 0.5, issued: 10, returned: 4}
  - {unit: "u1", psu: p2, population: 300, issued: 30, returned: 12}
  - {unit: "u1", psu: p3, population: 250, probability: 0.5, issued: 20, returned: 16}
  - {unit: "u1", psu: p10, population: 50, issued: 5, returned: 0}
  - {unit: "u2", psu: p1, population: 60, issued: 12, returned: 6}
"""
ANSWERS = {("u1", "", "p1"): 4, ("u1", "", "p2"): 12, ("u1", "", "p3"): 16, ("u2", "", "p1"): 6}


def rows_of(**more: object):
    return [
        ({"unit": unit, "psu": psu, "channel": "web"}, {"a": "3", "b": "3", "c": "3", **more})
        for (unit, _, psu), n in ANSWERS.items()
        for _ in range(n)
    ]


def weights_under(lines: str, design: str = CELLS) -> dict[str, float]:
    framed = framed_under((design + lines).encode(), responses_of(rows_of()), ["u1", "u2"])
    keys = ["/".join((row["unit"], row["psu"])) for row in framed.table.select(["unit", "psu"]).to_pylist()]
    return dict(zip(keys, framed.weights.tolist(), strict=True))


def test_without_a_rule_each_cell_speaks_for_itself_and_its_stratum_for_the_silent_cells() -> None:
    share = (200 + 300 + 500 + 50) / (200 + 300 + 500)
    assert weights_under("") == pytest.approx(
        {"u1/p1": 50 * share, "u1/p2": 25 * share, "u1/p3": 31.25 * share, "u2/p1": 10.0}
    )


def test_in_a_stratum_as_one_class_all_who_were_asked_are_raised_alike() -> None:
    # Each one asked has 20, 10, 25 and 10 people; in the stratum 1,050 stand behind 4 × 20 + 12 × 10 + 16 × 25 of them.
    raised = 1050 / (4 * 20 + 12 * 10 + 16 * 25)
    assert weights_under("nonresponse: {classes: stratum}\n") == pytest.approx(
        {"u1/p1": 20 * raised, "u1/p2": 10 * raised, "u1/p3": 25 * raised, "u2/p1": 10.0}
    )


def test_small_cells_join_their_neighbours_in_the_order_of_their_labels_and_the_last_joins_back() -> None:
    found = weights_under("nonresponse: {classes: cell, smallest: 5}\n")
    first = (200 + 300) / (4 * 20 + 12 * 10)
    last = (500 + 50) / (16 * 25)
    assert found == pytest.approx({"u1/p1": 20 * first, "u1/p2": 10 * first, "u1/p3": 25 * last, "u2/p1": 10.0})


def test_every_class_keeps_the_people_that_its_cells_stand_for() -> None:
    for lines in ("nonresponse: {classes: stratum}\n", "nonresponse: {classes: cell, smallest: 7}\n"):
        framed = framed_under((CELLS + lines).encode(), responses_of(rows_of()), ["u1", "u2"])
        sums = dict.fromkeys(("u1", "u2"), 0.0)
        for unit, weight in zip(framed.table["unit"].to_pylist(), framed.weights.tolist(), strict=True):
            sums[unit] += weight
        assert sums == pytest.approx({"u1": 1050.0, "u2": 60.0})


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (
            "nonresponse: {classes: cell, smallest: 5, when_small: refuse}\n",
            "u1: found 4 answers in 'u1/p1'",
        ),
        ("nonresponse: {classes: stratum, largest: 1.2}\n", "nonresponse, u1: found factors from 1.75 to 1.75"),
    ],
)
def test_what_would_be_a_bad_result_is_refused_in_words(lines: str, complaint: str) -> None:
    with pytest.raises(DesignError, match=complaint):
        weights_under(lines)


def test_a_cell_that_does_not_say_how_many_were_asked_has_no_class() -> None:
    rule = NonresponseRule("stratum")
    silent = parse_design(CELLS.replace(", issued: 10, returned: 4", "").encode(), "design.yaml")
    with pytest.raises(DesignError, match="found no “issued” in the cell u1/p1"):
        weigh_by_classes(silent, ANSWERS, rule)
    crowded = parse_design(CELLS.replace("issued: 10", "issued: 3").encode(), "design.yaml")
    with pytest.raises(DesignError, match="found 3 asked in the cell u1/p1, expected at least the 4 who answered"):
        weigh_by_classes(crowded, ANSWERS, rule)


def test_trimmed_weights_keep_the_sum_of_each_unit_and_their_bounds() -> None:
    weights = np.array([1.0] * 9 + [12.0, 5, 5, 5, 30, 5])
    groups = np.array([0] * 10 + [1] * 5)
    found = trim_weights(weights, groups, ["u1", "u2"], TrimRule(ratio=3.0))
    assert found.tolist() == pytest.approx([2.0] * 9 + [3.0, 8.75, 8.75, 8.75, 15, 8.75])
    bounded = trim_weights(weights, groups, ["u1", "u2"], TrimRule(bounds=(0.4, 2.0)))
    for group, mean in ((0, 2.1), (1, 10.0)):
        own = bounded[groups == group]
        assert own.sum() == pytest.approx(weights[groups == group].sum())
        assert own.min() >= 0.4 * mean - 1e-12
        assert own.max() <= 2 * mean + 1e-12


def test_bounds_that_no_weights_meet_are_refused_with_the_unit() -> None:
    weights, groups = np.array([1.0, 1, 1, 1, 20]), np.zeros(5, dtype=np.int64)
    with pytest.raises(DesignError, match=r"design\.yaml, trim, u1: trimming: found no weights between -inf and 3"):
        trim_weights(weights, groups, ["u1"], TrimRule(ratio=3.0))


def test_calibration_beyond_its_limits_is_refused() -> None:
    margin = 'margins:\n  - {item: sex, unit: "u2", totals: {female: 55, male: 5}}\n'
    rows = rows_of()
    for place, (_, given) in enumerate(rows):
        given["sex"] = "male" if place % 2 else "female"  # type: ignore[index]
    for factors, is_refused in (("[0.5, 1.5]", True), ("[0.1, 2]", False)):
        design = f"{CELLS}{margin}calibration: {{factors: {factors}}}\n".encode()
        if is_refused:
            with pytest.raises(DesignError, match=r"calibration: found factors from 0.167 to 1.83, expected them from"):
                framed_under(design, responses_of(rows), ["u1", "u2"])
        else:
            weighting = framed_under(design, responses_of(rows), ["u1", "u2"]).weighting
            assert weighting.factors == pytest.approx((1 / 6, 11 / 6), abs=1e-6)


def test_ballots_of_several_units_have_one_weight_after_trimming() -> None:
    design = """\
design: 1
strata: [stratum]
clusters: [ballot]
cells:
  - {stratum: large, population: 900}
  - {stratum: small, population: 20}
household: adults
trim: {ratio: 1.5}
"""
    rows = []
    for ballot in range(12):
        for unit in ("u1", "u2")[: 1 + ballot % 2]:
            origin = {
                "unit": unit,
                "stratum": "large" if ballot % 3 else "small",
                "channel": "web",
                "ballot": f"b{ballot}",
            }
            rows.append((origin, {"a": "3", "b": "3", "c": "3", "adults": float(1 + ballot % 5)}))
    framed = framed_under(design.encode(), responses_of(rows, SEVERAL), ["u1", "u2"], source=SEVERAL)
    by_ballot: dict[str, set[float]] = {}
    for ballot, weight in zip(framed.table["ballot"].to_pylist(), framed.weights.tolist(), strict=True):
        by_ballot.setdefault(ballot, set()).add(weight)
    assert all(len(found) == 1 for found in by_ballot.values())
    assert framed.weighting.n_trimmed


def test_what_is_told_of_the_weights_comes_back_from_json_as_it_was() -> None:
    contents = contents_of(
        responses_of(rows_of()), blocs={"u1": "east", "u2": "east"}, design=CELLS, questionnaire_source=DESIGNED
    )
    design = parse_design(CELLS.encode(), "design.yaml")
    for weighting in (None, Weighting(77, 38, factors=(0.5, 2.0), n_trimmed=1, cv=0.25)):
        fieldwork = fieldwork_of(contents, design, Plan(), weighting=weighting)
        assert fieldwork_from_json(fieldwork_to_json(fieldwork)) == fieldwork
    framed = framed_under(
        f"{CELLS}nonresponse: {{classes: cell, smallest: 5}}\ntrim: {{ratio: 4}}\n".encode(),
        responses_of(rows_of()),
        ["u1", "u2"],
    )
    weighting = framed.weighting
    assert (weighting.asked, weighting.answered, weighting.n_classes, weighting.n_joined) == (77, 38, 3, 2)
    assert weighting.largest_raise == pytest.approx(2.5)
    assert weighting.n_trimmed == 0
    assert weighting.kish == pytest.approx(38 * np.sum(framed.weights**2) / framed.weights.sum() ** 2, abs=1e-6)


def test_nobody_leaves_nothing_to_tell() -> None:
    assert told(Weighting(None, None), np.zeros(0)) == Weighting(None, None)
