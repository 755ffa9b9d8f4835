"""A made-up sample of two stages with unequal probabilities, and one of ballots, against R's survey package.

`two_stage/make_two_stage.R` makes the people, their weights (person by person, in a loop) and every number.
"""

import csv
import json
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from analysis.release.computing import compute_edition
from analysis.release.framing import FramedResponses
from support.archives import archive_at, contents_of
from support.designed_archives import DESIGNED, SEVERAL, framed_under, means_of, responses_of

GOLDEN = Path(__file__).parent / "two_stage"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
DESIGN = (GOLDEN / "design.yaml").read_text(encoding="utf-8")
UNITS = ("u1", "u2", "u3", "u4")
DEPARTMENTS = tuple(f"d{number}" for number in range(1, 7))
ITEMS = ("a", "b", "c")
INDEX = np.array([1 / 2, 1 / 6, 1 / 3])
TOLERANCE = 1e-9

with (GOLDEN / "answers.csv").open(newline="", encoding="utf-8") as stream:
    PEOPLE = list(csv.DictReader(stream))
with (GOLDEN / "ballots.csv").open(newline="", encoding="utf-8") as stream:
    RATINGS = list(csv.DictReader(stream))


def responses_of_people() -> pa.Table:
    rows = []
    for person in PEOPLE:
        origin = {name: person[name] for name in ("unit", "stratum", "psu")}
        answers = {name: person[name] for name in (*ITEMS, "sex") if person[name]}
        numbers = {name: float(person[name]) for name in ("age", "adults") if person[name]}
        rows.append(({**origin, "channel": "paper"}, {**answers, **numbers}))
    return responses_of(rows)


RESPONSES = responses_of_people()
WEIGHTED = framed_under(DESIGN[: DESIGN.index("margins:")].encode(), RESPONSES, UNITS)
RAKED = framed_under(DESIGN.encode(), RESPONSES, UNITS)


def test_the_weights_are_those_of_the_loop() -> None:
    assert pytest.approx([float(person["weight"]) for person in PEOPLE], rel=1e-12) == WEIGHTED.weights.tolist()


def test_the_raked_weights_are_those_of_r() -> None:
    assert pytest.approx([float(person["raked"]) for person in PEOPLE], rel=1e-8) == RAKED.weights.tolist()


@pytest.mark.parametrize(("framed", "kind"), [(WEIGHTED, "weights"), (RAKED, "raked")], ids=["weights", "raked"])
def test_item_means_and_indices_and_their_standard_errors_are_those_of_r(framed: FramedResponses, kind: str) -> None:
    by_unit, whole = means_of(framed, ITEMS, ["unit"]), means_of(framed, ITEMS, [])
    tolerance = TOLERANCE if kind == "weights" else 1e-6
    for expected in EXPECTED[kind]:
        is_whole = expected["unit"] == "all"
        means, d = (whole, 0) if is_whole else (by_unit, by_unit.domains.index((expected["unit"],)))
        assert means.n_respondents[d] == expected["n"]
        assert means.df[d] == expected["df"]
        rows = np.zeros((4, len(means.domains) * len(ITEMS)))
        rows[:3, d * 3 : d * 3 + 3] = np.eye(3)
        rows[3, d * 3 : d * 3 + 3] = INDEX
        found = means.estimates_of(rows, [d] * 4)
        wanted = [*(expected["items"][item] for item in ITEMS), expected["index"]]
        assert [estimate.value for estimate in found] == pytest.approx([w["estimate"] for w in wanted], abs=tolerance)
        assert [estimate.se for estimate in found] == pytest.approx([w["se"] for w in wanted], abs=tolerance)


def test_the_indices_of_an_edition_are_those_of_r(tmp_path: Path) -> None:
    contents = contents_of(RESPONSES, blocs=dict.fromkeys(UNITS, "east"), design=DESIGN, questionnaire_source=DESIGNED)
    archive = archive_at(tmp_path / "archive", contents)
    edition = compute_edition(archive, published_on=date(2026, 7, 1), public_url=None)
    for expected in EXPECTED["raked"]:
        row = edition.row(expected["unit"])
        assert (row.estimate, row.se) == pytest.approx(
            (expected["index"]["estimate"], expected["index"]["se"]), abs=1e-6
        )
        assert (row.n, row.df) == (expected["n"], expected["df"])


def test_ratings_of_one_ballot_count_as_one_answer_as_r_has_it() -> None:
    rows = [
        (
            {"unit": rating["unit"], "stratum": rating["stratum"], "ballot": rating["ballot"], "channel": "web"},
            {"a": rating["q"]} if rating["q"] else {},
        )
        for rating in RATINGS
    ]
    firms = "".join(f"  - {{stratum: {name}, population: {n}}}\n" for name, n in EXPECTED["firms"].items())
    design = f"design: 1\nclusters: [ballot]\ncells:\n{firms}".encode()
    framed = framed_under(design, responses_of(rows, SEVERAL), DEPARTMENTS, source=SEVERAL)
    assert framed.weights.tolist() == pytest.approx([float(rating["weight"]) for rating in RATINGS], rel=1e-12)
    by_unit, whole = means_of(framed, ["a"], ["unit"]), means_of(framed, ["a"], [])
    for expected in EXPECTED["ballots"]:
        is_whole = expected["unit"] == "all"
        means, d = (whole, 0) if is_whole else (by_unit, by_unit.domains.index((expected["unit"],)))
        found = means.estimates_of(np.eye(len(means.domains))[[d]], [d])[0]
        assert (found.value, found.se, found.df) == pytest.approx(
            (expected["estimate"], expected["se"], expected["df"]), abs=TOLERANCE
        )
