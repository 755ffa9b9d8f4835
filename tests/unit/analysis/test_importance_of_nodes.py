"""`importance.csv`: what it is computed from, what it refuses, and what the audit would find (issue 6, S1)."""

import datetime as dt
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.archive import Archive
from analysis.errors import PlanError
from analysis.estimation.relative_weights import relative_weights
from analysis.release.computing import compute_edition
from analysis.release.disclosure_audit import audit
from analysis.release.edition import Edition
from analysis.release.edition_folder import read_edition, write_edition
from analysis.release.plan import parse_plan, plan_source
from analysis.release.verification import verify
from questionnaires.reading import parse_questionnaire
from support.archives import PLAN, QUESTIONNAIRE, SIGNER, archive_at, contents_of, tabulated

UNITS = ("u1", "u2", "u3")
OVERALL = QUESTIONNAIRE.replace(
    "      - code: ways\n",
    "      - {code: whole, kind: single, scale: five, dont_know: true, text: {vi: Chung, en: Overall}}\n"
    "      - code: ways\n",
)


def rounds(path: Path, *, n: int = 90, plan: str = PLAN, questionnaire: str = QUESTIONNAIRE) -> Archive:
    """Three units of two blocs; who is content with one thing tends to be content with all."""
    rng = random.Random(11)  # noqa: S311 — answers for a test, not secrets
    rows = []
    for unit in UNITS:
        for _ in range(n):
            mood = rng.randint(-1, 1)
            a, b, c = (str(min(max(rng.randint(2, 4) + mood, 1), 5)) for _ in "abc")
            rows.append((unit, a, b if rng.random() > 0.1 else None, c))
    table = tabulated(rows)
    if questionnaire is OVERALL:
        whole = [a if rng.random() < 0.7 else c for _, a, _, c in rows]
        place = table.schema.get_field_index("ways_desk")
        table = table.add_column(place, "whole", [whole])
    contents = contents_of(
        table,
        blocs={"u1": "east", "u2": "east", "u3": "west"},
        plan=plan,
        population=dict.fromkeys(UNITS, 1000),
        questionnaire_source=questionnaire,
    )
    return archive_at(path, contents)


def edition_of(archive: Archive) -> Edition:
    return compute_edition(archive, published_on=dt.date(2026, 5, 1), public_url=None)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return rounds(tmp_path_factory.mktemp("importance") / "a")


@pytest.fixture(scope="module")
def edition(archive: Archive) -> Edition:
    return edition_of(archive)


@pytest.mark.slow
def test_each_level_of_a_bloc_adds_up_to_one(edition: Edition) -> None:
    assert {row.bloc for row in edition.importance} == {"east", "west"}
    east = {row.node: row for row in edition.importance if row.bloc == "east"}
    assert list(east) == ["first", "a", "b", "second", "c"]
    for level in (("first", "second"), ("a", "b", "c")):
        assert sum(east[node].importance or 0 for node in level) == pytest.approx(1, abs=3e-4)
    for row in east.values():
        assert row.low is not None
        assert row.high is not None
        assert row.importance is not None
        assert 0 < row.low < row.importance < row.high < 1
        assert (row.outcome, row.method, row.reason) == ("index", "relative_weights", "")


@pytest.mark.slow
def test_the_shares_are_those_of_the_answers_themselves(archive: Archive, edition: Edition) -> None:
    table = archive.contents.responses.to_pydict()
    here = [place for place, unit in enumerate(table["unit"]) if unit in ("u1", "u2")]
    answers = np.array(
        [[np.nan if table[item][place] is None else float(table[item][place]) for item in "abc"] for place in here]
    )
    weights = np.where(np.isnan(answers), 0.0, [[0.5, 1 / 6, 1 / 3]])
    index = np.nansum(answers * weights, axis=1) / weights.sum(axis=1)
    expected = relative_weights(answers, index, np.ones(len(here)))
    found = {row.node: row for row in edition.importance if row.bloc == "east"}
    assert [found[node].importance for node in "abc"] == [round(float(share), 4) for share in expected.shares]
    assert found["a"].n == expected.n_pairs < len(here)


@pytest.mark.slow
def test_the_question_of_overall_satisfaction_is_the_outcome_where_the_plan_names_it(tmp_path: Path) -> None:
    named = rounds(tmp_path / "n", plan=PLAN + "importance: {outcome: whole}\n", questionnaire=OVERALL)
    rows = [row for row in edition_of(named).importance if row.bloc == "east"]
    assert {row.outcome for row in rows} == {"whole"}
    by_node = {row.node: row.importance or 0.0 for row in rows}
    # Overall satisfaction repeats the answer to a, or to c.
    assert by_node["a"] > by_node["c"] > by_node["b"]
    assert all(0 < (row.r_squared or 0) < 1 for row in rows)


@pytest.mark.slow
def test_too_few_answers_have_a_reason_and_no_share(tmp_path: Path) -> None:
    rows = edition_of(rounds(tmp_path / "f", n=40)).importance
    assert {row.reason for row in rows} == {"too_few_answers"}
    assert all(row.importance is None and row.se is None for row in rows)


@pytest.mark.parametrize("item", ["a", "days", "nothing"])
def test_a_plan_may_not_name_a_criterion_or_what_has_no_scale(item: str) -> None:
    plan = parse_plan((PLAN + f"importance: {{outcome: {item}}}\n").encode(), "plan.yaml")
    with pytest.raises(PlanError, match=f"importance.outcome: found '{item}', expected a question of small/1"):
        plan.profile_for(parse_questionnaire(OVERALL.encode(), "small.yaml"))


def test_a_plan_keeps_what_it_says_of_importance_and_subgroups() -> None:
    plan = parse_plan((PLAN + "importance: {outcome: whole}\nsubgroups: [sex, age]\n").encode(), "plan.yaml")
    assert (plan.context.outcome, plan.context.subgroups) == ("whole", ("sex", "age"))
    assert parse_plan(plan_source(plan), "plan.yaml") == plan


@pytest.mark.slow
def test_an_edition_is_written_read_and_verified_with_its_importance(
    archive: Archive, edition: Edition, tmp_path: Path
) -> None:
    write_edition(edition, tmp_path / "e", {}, SIGNER)
    assert read_edition(tmp_path / "e").importance == edition.importance
    archive_path = tmp_path / "a"
    archive_at(archive_path, archive.contents)
    assert not verify(tmp_path / "e", archive_path)
    bent = replace(edition, importance=tuple(replace(row, importance=0.5) for row in edition.importance))
    write_edition(bent, tmp_path / "bent", {}, SIGNER)
    places = [finding.place for finding in verify(tmp_path / "bent", archive_path)]
    assert "importance.csv, bloc east, node first, column importance" in places


@pytest.mark.slow
def test_the_audit_finds_a_share_of_few(edition: Edition) -> None:
    few = replace(edition, importance=(replace(edition.importance[0], n=12), *edition.importance[1:]))
    assert [finding.place for finding in audit(few).findings] == ["importance.csv, bloc east, node first"]
