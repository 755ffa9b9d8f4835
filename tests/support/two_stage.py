"""Archives for those who compute figures again: answers drawn at random, and the golden files' two-stage round."""

import csv
import random
from collections.abc import Mapping
from pathlib import Path

from analysis.archive import Archive
from support.archives import PLAN, Row, archive_at, contents_of
from support.designed_archives import DESIGNED, responses_of

TWO_STAGE = Path(__file__).parents[1] / "golden" / "two_stage"


def random_rows(counts: Mapping[str, int]) -> list[Row]:
    rng = random.Random(3)  # noqa: S311 — answers for a test, not secrets
    answers = ("1", "2", "3", "4", "5", "5", None)
    return [(unit, *(rng.choice(answers) for _ in "abc")) for unit, n in counts.items() for _ in range(n)]


def two_stage_archive(path: Path, *, design: str | None = None, plan: str = PLAN) -> Archive:
    """Villages drawn with unequal probabilities, one adult a household, raked to sex and age."""
    with (TWO_STAGE / "answers.csv").open(newline="", encoding="utf-8") as stream:
        people = list(csv.DictReader(stream))
    rows = []
    for person in people:
        origin = {name: person[name] for name in ("unit", "stratum", "psu")} | {"channel": "paper"}
        given: dict[str, str | float] = {name: person[name] for name in ("a", "b", "c", "sex") if person[name]}
        given |= {name: float(person[name]) for name in ("age", "adults") if person[name]}
        rows.append((origin, given))
    contents = contents_of(
        responses_of(rows),
        blocs={"u1": "east", "u2": "east", "u3": "west", "u4": "west"},
        design=design or (TWO_STAGE / "design.yaml").read_text(encoding="utf-8"),
        questionnaire_source=DESIGNED,
        plan=plan,
    )
    return archive_at(path, contents)
