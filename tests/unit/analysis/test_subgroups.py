"""`subgroups.csv`: figures of people of one sex or age, and what must not be worked out from them (issue 6, S1)."""

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.archive import Archive
from analysis.errors import PlanError
from analysis.release.computing import compute_edition
from analysis.release.context_rows import SubgroupRow
from analysis.release.disclosure_audit import audit
from analysis.release.edition import Edition
from analysis.release.plan import parse_plan
from analysis.release.subgroup_disclosure import UNKNOWN, Group, Rules, Total, hidden_groups, told_groups
from questionnaires.reading import parse_questionnaire
from support.archives import PLAN, QUESTIONNAIRE, archive_at, contents_of, tabulated

ASKED = QUESTIONNAIRE.replace(
    "      - code: ways\n",
    """      - code: sex
        kind: single
        options:
          - {code: female, label: {vi: Nữ, en: Female}}
          - {code: male, label: {vi: Nam, en: Male}}
          - {code: other, label: {vi: Khác, en: Other}}
        text: {vi: Giới tính, en: Sex}
      - {code: age, kind: number, minimum: 18, maximum: 120, bands: [18, 40, 60], text: {vi: Tuổi, en: Age}}
      - code: ways
""",
)
SUBGROUPS = "subgroups: [sex, age]\n"
SEXES = ("female", "male", "other", None)


def archive_of(path: Path, units: Mapping[str, tuple[int, int, int, int]], *, plan: str = PLAN) -> Archive:
    """Units with so many women, men, others and people who did not say; who is older is more content."""
    rng = random.Random(5)  # noqa: S311 — answers for a test, not secrets
    rows, sexes, ages = [], [], []
    for unit, counts in units.items():
        for sex, n in zip(SEXES, counts, strict=True):
            for _ in range(n):
                age = rng.choice((18.0, 40.0, 60.0))
                rows.append((unit, *(rng.choices("12345", [1, 2, 2, 2 + age / 30, age / 20])[0] for _ in "abc")))
                sexes.append(sex)
                ages.append(age)
    table = tabulated(rows)
    place = table.schema.get_field_index("ways_desk")
    table = table.add_column(place, "sex", [sexes]).add_column(place + 1, "age", [ages])
    contents = contents_of(
        table,
        blocs=dict.fromkeys(units, "east"),
        plan=plan + SUBGROUPS,
        population=dict.fromkeys(units, 2000),
        questionnaire_source=ASKED,
    )
    return archive_at(path, contents)


def edition_of(archive: Archive) -> Edition:
    return compute_edition(archive, published_on=dt.date(2026, 5, 1), public_url=None)


def shown(edition: Edition, node: str = "index") -> dict[tuple[str, str, str], SubgroupRow]:
    return {
        (row.unit, row.item, row.option): row
        for row in edition.subgroups
        if row.node == node and row.estimate is not None
    }


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    units = {"u1": (50, 40, 1, 0), "u2": (45, 45, 12, 0), "u3": (60, 30, 5, 2)}
    return archive_of(tmp_path_factory.mktemp("subgroups") / "a", units)


@pytest.fixture(scope="module")
def edition(archive: Archive) -> Edition:
    return edition_of(archive)


@pytest.mark.slow
def test_a_group_has_the_plain_mean_of_its_people(archive: Archive, edition: Edition) -> None:
    table = archive.contents.responses.to_pylist()
    women = [row for row in table if row["unit"] == "u1" and row["sex"] == "female"]
    index = sum(
        0.5 * (float(row["a"]) - 1) / 4 + (float(row["b"]) - 1) / 4 / 6 + (float(row["c"]) - 1) / 4 / 3 for row in women
    ) * 100 / len(women)  # fmt: skip
    row = shown(edition)["u1", "sex", "female"]
    assert (row.estimate, row.n) == (round(index, 1), 50)
    assert row.low is not None
    assert row.high is not None
    assert row.low < index < row.high
    older, younger = (shown(edition)["bloc:east", "age", age] for age in ("60", "18"))
    assert (older.estimate or 0) > (younger.estimate or 0)


@pytest.mark.slow
def test_criteria_have_no_subgroups(edition: Edition) -> None:
    assert {row.node for row in edition.subgroups} == {"index", "first", "second"}


@pytest.mark.slow
def test_one_person_of_many_hides_behind_the_digits_and_five_need_another_group(edition: Edition) -> None:
    reasons = {(r.unit, r.option): r.reason for r in edition.subgroups if r.item == "sex" and r.node == "index"}
    # The range that 90 rounded answers leave to one person is nine points wide; five of 97 would have two.
    assert (reasons["u1", "female"], reasons["u1", "other"]) == ("", "too_few_respondents")
    assert reasons["u2", "other"] == ""
    assert reasons["u3", "other"] == "too_few_respondents"
    assert (reasons["u3", "male"], reasons["u3", "female"]) == ("complementary", "")
    for row in edition.subgroups:
        if row.suppressed:
            assert (row.estimate, row.se, row.low, row.high, row.n) == (None,) * 5
    assert not audit(edition).findings


@pytest.mark.slow
def test_a_hidden_unit_hides_its_groups(tmp_path: Path) -> None:
    edition = edition_of(archive_of(tmp_path / "h", {"u1": (50, 40, 0, 0), "u2": (60, 50, 0, 0), "u3": (4, 3, 0, 0)}))
    assert edition.row("u3").suppressed
    assert not any(row.estimate is not None for row in edition.subgroups if row.unit == "u3")
    assert not audit(edition).findings


@pytest.mark.slow
def test_the_plain_mean_of_units_is_taken_where_the_plan_takes_it(tmp_path: Path) -> None:
    plan = PLAN.replace("aggregate: persons", "aggregate: units")
    edition = edition_of(archive_of(tmp_path / "u", {"u1": (50, 40, 0, 0), "u2": (90, 70, 0, 0)}, plan=plan))
    found = shown(edition)
    mean = sum(found[unit, "sex", "male"].estimate or 0 for unit in ("u1", "u2")) / 2
    assert found["bloc:east", "sex", "male"].estimate == pytest.approx(mean, abs=0.11)


@pytest.mark.parametrize("item", ["note", "ways", "days", "nothing"])
def test_a_plan_may_name_only_what_makes_groups(item: str) -> None:
    plan = parse_plan((PLAN + f"subgroups: [{item}]\n").encode(), "plan.yaml")
    with pytest.raises(PlanError, match=f"subgroups: found '{item}'"):
        plan.profile_for(parse_questionnaire(ASKED.encode(), "small.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bend", "found"),
    [
        ({"n": 7}, "n 7"),
        ({"suppressed": True}, "estimate of a hidden figure"),
        ({"estimate": 61.2345}, "61.2345"),
        ({"n": None}, "a figure without the number of its people"),
    ],
)
def test_the_audit_finds_what_should_not_be_there(edition: Edition, bend: dict[str, object], found: str) -> None:
    rows = [
        replace(row, **bend) if (row.unit, row.option, row.node) == ("u2", "female", "index") else row  # type: ignore[arg-type]
        for row in edition.subgroups
    ]
    assert found in [finding.found for finding in audit(replace(edition, subgroups=tuple(rows))).findings]


@pytest.mark.slow
def test_the_audit_works_out_few_people_beside_shown_groups(edition: Edition) -> None:
    whole = edition.row("u3")
    men = next(r for r in edition.subgroups if (r.unit, r.option, r.node) == ("u3", "male", "index"))
    told = replace(men, estimate=round(whole.estimate or 0, 1), n=30, suppressed=False, reason="")
    rows = tuple(told if row is men else row for row in edition.subgroups)
    findings = audit(replace(edition, subgroups=rows)).findings
    assert any("7 people whose figure can be told" in finding.found for finding in findings)


RULES = Rules(10, 1, 3.0, (0.0, 100.0))


def group(unit: str, option: str, n: int, figure: float | None) -> Group:
    return Group(unit, option, n, float(n), {"index": figure}, n < 10)


def test_who_did_not_answer_are_protected_like_a_small_group() -> None:
    members = [group("u", "a", 60, 70.0), group("u", "b", 40, 50.0), group("u", UNKNOWN, 6, None)]
    whole = {"u": {"index": (60 * 70 + 40 * 50 + 6 * 40) / 106}}
    assert hidden_groups({"u": members}, whole, RULES) == {("u", "b"): "complementary"}
    one = [*members[:2], group("u", UNKNOWN, 1, None)]
    assert hidden_groups({"u": one}, {"u": {"index": (60 * 70 + 40 * 50 + 40) / 101}}, RULES) == {}


def test_a_total_that_tells_a_hidden_group_is_not_shown() -> None:
    groups = {
        "u": [group("u", "a", 60, 70.0), group("u", "b", 8, 20.0), group("u", "c", 40, 50.0)],
        "v": [group("v", "a", 60, 60.0), group("v", "b", 12, 45.0), group("v", "c", 40, 50.0)],
    }
    published = {
        unit: {"index": sum(g.n * (g.figures["index"] or 0) for g in members) / sum(g.n for g in members)}
        for unit, members in groups.items()
    }
    hidden = {("u", "b"): "too_few_respondents", ("u", "c"): "complementary"}

    def total(option: str) -> Total:
        inside = [g for members in groups.values() for g in members if g.option == option]
        n = sum(g.n for g in inside)
        value = sum(g.n * (g.figures["index"] or 0) for g in inside) / n
        return Total({"index": value}, [(g, g.n / n) for g in inside])

    assert told_groups(groups, hidden, published, [total("b")], RULES) == {("u", "b")}
    assert told_groups(groups, hidden, published, [total("a")], RULES) == set()
    assert told_groups(groups, {}, published, [total("b")], RULES) == set()
