"""`hailong disclosure` and the publication that it would stop."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.release.disclosure_audit import DisclosureError, refuse_exposures
from analysis.release.disclosure_weights import weights_in_totals
from analysis.release.edition_folder import read_edition, write_edition
from analysis.release.rows import EstimateRow
from support.archives import FORGER, archive_at, contents_of, tabulated
from support.command_line import run
from survey.printed_editions import print_archive


def rounds_rows() -> list[tuple[str, str, str, str]]:
    sizes = {"u1": 7, "u2": 31, "u3": 43, "u4": 50}
    return [(unit, str(3 + i % 3), str(3 + i % 2), str(2 + i % 4)) for unit, n in sizes.items() for i in range(n)]


@pytest.mark.slow
def test_an_edition_is_audited_alone_with_its_archive_and_beside_another(tmp_path: Path) -> None:
    people = {"u1": 900, "u2": 3000, "u3": 5000, "u4": 8000}
    contents = contents_of(tabulated(rounds_rows()), blocs=dict.fromkeys(people, "b1"), population=people)
    archive = archive_at(tmp_path / "archive", contents)
    made = print_archive(tmp_path / "archive", tmp_path / "edition", dt.date(2026, 5, 1), only_units=["u4"])
    done = run({}, "disclosure", str(made.folder), "--archive", str(tmp_path / "archive"), "--json")
    assert done.exit_code == 0, done.errors
    told = json.loads(done.output)
    assert told["sound"]
    hidden = {(row["unit"], row["node"]): row for row in told["hidden"]}
    assert hidden["u1", "a"]["reason"] == "too_few_respondents"
    assert all(row["high"] - row["low"] >= row["needed"] >= 3 for row in told["hidden"])
    # A former edition may have hidden the totals and shown the unit that is hidden now: the two together tell u1.
    edition = read_edition(made.folder)
    unit, node = next(cell for cell in hidden if cell[0] != "u1")

    def as_before(row: EstimateRow) -> EstimateRow:
        if (row.unit, row.node) == (unit, node):
            return replace(row, estimate=55.0, suppressed=False, reason="")
        is_total = row.unit in ("all", "bloc:b1")
        return replace(row, estimate=None, suppressed=True, reason="complementary") if is_total else row

    forged = replace(edition, estimates=tuple(as_before(row) for row in edition.estimates))
    write_edition(forged, tmp_path / "former", {}, FORGER)
    done = run({}, "disclosure", str(made.folder), "--earlier", str(tmp_path / "former"))
    assert f"{unit}\t{node}\tcomplementary\t55.00\t55.00" in done.output
    with pytest.raises(DisclosureError, match="nothing was published"):
        refuse_exposures(edition, [forged], weights_in_totals(archive))


def test_what_is_no_edition_is_told_in_one_line(tmp_path: Path) -> None:
    done = run({}, "disclosure", str(tmp_path))
    assert done.exit_code == 2
    assert "expected the folder of an edition" in done.errors
    assert len(done.errors.strip().splitlines()) == 1
