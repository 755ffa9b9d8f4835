"""Who dominates a cell, what everybody answered, counts that add up: hidden, and found by the auditor where shown."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.accounting import AccountingRow
from analysis.archive import Archive
from analysis.errors import PlanError
from analysis.release.computing import compute_edition
from analysis.release.disclosure_audit import audit
from analysis.release.disclosure_groups import Part, Protection, hidden_beside
from analysis.release.disclosure_linear import Statement, feasible_ranges
from analysis.release.disclosure_weights import weights_in_totals
from analysis.release.edition import Edition
from analysis.release.plan import parse_plan, plan_source
from analysis.release.public_accounting import public_accounting, unsure_counts
from support.archives import PLAN, Row, archive_at, contents_of, tabulated

PROTECTION = Protection(10, 0.03, 0.0, 100.0, 0.5)
BLOCS = {"u1": "b1", "u2": "b1", "u3": "b1", "u4": "b1"}


def answers(unit: str, n: int, low: int = 0) -> list[Row]:
    """Rows of a unit of which `low` gave the lowest answer to a and the others are spread."""
    return [(unit, "1" if i < low else str(3 + i % 3), str(3 + i % 2), str(2 + i % 4)) for i in range(n)]


def archive_of(
    path: Path, rows: Sequence[Row], *, plan: str = PLAN, design: str | None = None, strata: Sequence[str] | None = None
) -> Archive:
    population = {unit: 1000 * (place + 1) for place, unit in enumerate(BLOCS)}
    table = tabulated(rows, strata=strata)
    return archive_at(
        path / "archive", contents_of(table, blocs=BLOCS, plan=plan, design=design, population=population)
    )


def edition_of(archive: Archive) -> Edition:
    return compute_edition(archive, published_on=dt.date(2026, 5, 1), public_url=None)


def test_the_range_of_a_hidden_figure_is_what_the_others_can_make_up_for() -> None:
    a, b = Part("a", 98.0, 1.0, 7), Part("b", 99.0, 3.0, 40)
    # b can rise by one point, which a balances with three; a can rise by two, and b by one.
    assert PROTECTION.widths([a, b]).tolist() == pytest.approx([2 + 3, 1 + 2 / 3])
    total = (98.0 + 3 * 99.0) / 4
    found = feasible_ranges({"a": (0.0, 100.0), "b": (0.0, 100.0)}, [Statement({"a": 0.25, "b": 0.75}, total, total)])
    assert [high - low for low, high in found.values()] == pytest.approx([5.0, 5 / 3], abs=1e-6)


def test_the_cheapest_units_that_give_room_are_hidden() -> None:
    secret = [Part("a", 99.0, 1.0, 7), Part("b", 99.5, 1.0, 8)]
    others = [Part("c", 99.9, 1.0, 20), Part("d", 80.0, 1.0, 30), Part("e", 60.0, 1.0, 400)]
    # The smallest unit gives no room, so that the next one is hidden and the smallest stays.
    chosen = hidden_beside(secret, others, PROTECTION)
    assert [part.unit for part in chosen or []] == ["d"]
    assert hidden_beside(secret, others[:1], PROTECTION) is None
    assert hidden_beside([Part("x", 50.0, 1.0, 7), Part("y", 50.0, 1.0, 7)], others, PROTECTION) == []


def test_a_cell_is_hidden_in_which_one_respondent_holds_more_than_half(tmp_path: Path) -> None:
    # One respondent of the stratum "far" stands for most people of u1.
    rows = [*answers("u1", 30), *answers("u2", 30), *answers("u3", 40), *answers("u4", 50)]
    strata = ["far" if place == 0 else "near" for place in range(len(rows))]
    design = "design: 1\nstrata: [unit, stratum]\npopulation:\n  u1/far: 1500\n"
    design += "".join(f"  {unit}/near: 1000\n" for unit in BLOCS)
    archive = archive_of(tmp_path, rows, plan=PLAN + "lonely_psu: certainty\n", design=design, strata=strata)
    edition = edition_of(archive)
    assert edition.row("u1", "a").reason == "dominance"
    assert edition.row("u1").reason == "dominance"
    assert edition.row("u1").estimate is None
    # In its bloc the same respondent holds less than half, and another unit is hidden beside the one.
    assert sum(edition.row(unit, "a").suppressed for unit in BLOCS) >= 2
    assert audit(edition, (), weights_in_totals(archive)).findings == ()


@pytest.mark.slow
def test_what_every_one_of_a_few_answered_is_hidden_at_the_lowest_end_alone(tmp_path: Path) -> None:
    rows = [*answers("u1", 12, low=12), *answers("u2", 30), *answers("u3", 40), *answers("u4", 50)]
    edition = edition_of(archive_of(tmp_path, rows))
    assert edition.row("u1", "a").reason == "answers_alike"
    assert {row.share for row in edition.distribution_of("u1", "a")} == {None}
    shown = [(unit, "5", "4", "3") for unit in ("u1",) for _ in range(12)]
    happy = [*((u, "5", b, str(2 + i % 4)) for i, (u, _, b, _) in enumerate(shown)), *rows[12:]]
    edition = edition_of(archive_of(tmp_path / "second", happy))
    assert edition.row("u1", "a").estimate == pytest.approx(100.0)
    # Which answer it was is not told all the same, nor by the spread of a total with it.
    assert {row.share for row in edition.distribution_of("u1", "a")} == {None}
    assert {row.share for row in edition.distribution_of("all", "a")} == {None}
    assert None not in {row.share for row in edition.distribution_of("u2", "a")}
    both = edition_of(archive_of(tmp_path / "third", happy, plan=PLAN + "disclosure: {unanimity: both}\n"))
    assert both.row("u1", "a").reason == "answers_alike"
    assert audit(edition).findings == ()
    assert audit(both).findings == ()


def test_totals_over_hidden_units_have_the_digits_of_pages(tmp_path: Path) -> None:
    edition = edition_of(
        archive_of(tmp_path, [*answers("u1", 7), *answers("u2", 31), *answers("u3", 43), *answers("u4", 50)])
    )
    total = edition.row("bloc:b1", "a")
    assert total.estimate is not None
    assert total.estimate == round(total.estimate, 1)
    assert (total.deff, total.n_effective) == (None, None)
    shown = replace(total, estimate=total.estimate + 0.01234)
    forged = replace(edition, estimates=tuple(shown if row == total else row for row in edition.estimates))
    assert "over hidden figures" in str(audit(forged).findings[0])


@pytest.mark.slow
def test_the_auditor_names_each_thing_that_should_not_have_left(tmp_path: Path) -> None:
    edition = edition_of(
        archive_of(tmp_path, [*answers("u1", 7), *answers("u2", 31), *answers("u3", 43), *answers("u4", 50)])
    )
    assert audit(edition).findings == ()

    def found(**changes: object) -> str:
        return " ".join(str(finding) for finding in audit(replace(edition, **changes)).findings)

    def changed(unit: str, node: str, **values: object) -> tuple[object, ...]:
        return tuple(replace(r, **values) if (r.unit, r.node) == (unit, node) else r for r in edition.estimates)

    shown = dict.fromkeys(("suppressed",), False) | {"reason": "", "estimate": 50.0}
    assert "a figure without the number of its answers" in found(estimates=changed("u1", "a", **shown))
    assert "n 7" in found(estimates=changed("u1", "a", **shown, n=7))
    assert "se of a hidden figure" in found(estimates=changed("u1", "a", se=3.0))
    assert "a figure over the hidden a" in found(estimates=changed("u1", "first", **shown, n=30))
    spread = tuple(replace(r, share=0.2) if (r.unit, r.item) == ("u1", "a") else r for r in edition.distributions)
    assert "the criterion has no figure" in found(distributions=spread)
    spread = tuple(replace(r, share=0.2) if (r.unit, r.item) == ("all", "a") else r for r in edition.distributions)
    assert "shares over the hidden ones of u1" in found(distributions=spread)
    rank = replace(edition.ranks[0], unit="u1")
    assert "a rank" in found(ranks=(rank,))
    difference = replace(edition.differences[0], unit="u1", node="index", difference=1.0)
    assert "a difference" in found(differences=(difference,))
    formula = replace(edition.formulas[0], unit="u1", estimate=1.0)
    assert "an index" in found(formulas=(formula,))
    assert edition.fieldwork is not None
    assert "at least 10" in found(fieldwork=replace(edition.fieldwork, channels=(("web", 4),)))


def test_counts_are_hidden_until_the_rounds_own_row_leaves_three_people_open() -> None:
    def row(unit: str, spent: int, issued: int = 100) -> AccountingRow:
        return AccountingRow(unit, "all", None, issued, spent, spent, 0)

    units = [row("u1", 9, 10), row("u2", 11, 11), row("u3", 40), row("u4", 90)]
    rows = [*units, row("all", sum(unit.spent for unit in units), 220)]
    # u1 and u2 answered to the last, so that neither leaves the other any room.
    first = {one.unit: one.spent for one in public_accounting(rows, 10, 3.0, rules=1)}
    assert [unit for unit, spent in first.items() if spent is None] == ["u1", "u2"]
    assert min(high - low for low, high in unsure_counts(public_accounting(rows, 10, 3.0, rules=1)).values()) < 3
    public = public_accounting(rows, 10, 3.0)
    assert [one.unit for one in public if one.spent is None] == ["u1", "u2", "u3"]
    assert min(high - low for low, high in unsure_counts(public).values()) >= 3


def test_a_plan_may_hide_more_and_never_less() -> None:
    plan = parse_plan((PLAN + "disclosure: {protection: 10, dominance: 0.3, unanimity: both}\n").encode(), "plan.yaml")
    assert (plan.disclosure.protection, plan.disclosure.dominance, plan.disclosure.unanimity) == (10.0, 0.3, "both")
    assert parse_plan(plan_source(plan), "again.yaml").disclosure == plan.disclosure
    for looser in ("protection: 1", "dominance: 0.8", "alike: 0.99", "unanimity: none", "dominace: 0.3"):
        with pytest.raises(PlanError):
            parse_plan((PLAN + f"disclosure: {{{looser}}}\n").encode(), "plan.yaml")
