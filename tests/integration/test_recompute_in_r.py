"""Every figure of an edition, computed again by R's survey package from the responses alone (W7)."""

import csv
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from analysis.archive import read_archive
from analysis.release.computing import compute_edition
from analysis.release.hard_data import parse_hard_data
from analysis.release.recompute import recompute_script
from support.archives import PLAN, archive_at, contents_of, tabulated
from support.ratings import rated_archive
from support.recomputed import recompute, run_script
from support.standardised import BLOCS, standardised_archive
from support.stores import Templates
from support.two_stage import TWO_STAGE, random_rows, two_stage_archive
from survey.importing import ImportRequest, import_round
from survey.storage.stores import open_stores
from survey.vault import KeyVault, read_passphrase

KANSAS_CITY = Path(__file__).parents[2] / "survey" / "demonstration" / "kansas_city"
STANDARDISED_PLAN = 'plan: 1\nversion: "1"\naggregate: units\n'

pytestmark = pytest.mark.slow


def test_kansas_city(tmp_path: Path, store_templates: Templates) -> None:
    settings = store_templates.new_instance("sqlite", tmp_path / "var")
    stores = open_stores(settings)
    try:
        vault = KeyVault(settings.instance / "keys", read_passphrase(settings.passphrase_file))
        request = ImportRequest(
            "kc", "kansas_city/2021.1", *(KANSAS_CITY / name for name in ("answers.csv", "design.yaml", "plan.yaml"))
        )
        imported = import_round(stores, vault, settings, request, date(2026, 11, 23))
    finally:
        stores.close()
    archive = read_archive(imported.archive)
    # The archive brings the script itself.
    assert archive.contents.recompute == recompute_script(archive.contents, archive.questionnaire)
    done = recompute(archive, imported.archive, tmp_path / "r")
    assert "all figures agree" in done.output, done.output
    for table in ("importance", "subgroups"):
        assert f"rows of {table} compared, 0 differ" in done.output, done.output
    assert done.exit_code == 0


@pytest.mark.parametrize("lonely", ["fail", "adjust"])
def test_a_two_stage_round_of_households_with_margins(tmp_path: Path, lonely: str) -> None:
    archive = two_stage_archive(tmp_path / "archive", plan=f"{PLAN}lonely_psu: {lonely}\n")
    done = recompute(archive, tmp_path / "archive", tmp_path / "r")
    assert "42 figures compared, 0 rows without one" in done.output, done.output
    assert done.exit_code == 0


@pytest.mark.parametrize(
    "rules",
    [
        "nonresponse: {smallest: 14, largest: 40, classes: cell}\ntrim: {ratio: 2.5}\n",
        "nonresponse: {classes: stratum}\ntrim: {bounds: [0.3, 2.4]}\n",
    ],
)
def test_a_round_adjusted_for_non_response_and_trimmed(tmp_path: Path, rules: str) -> None:
    counted = 0

    def with_issued(line: str) -> str:
        nonlocal counted
        counted += 1
        # Asked are always more than answered, and not everywhere by the same part.
        return line.replace("}", f", issued: {60 + 7 * (counted % 5)}, returned: 10}}")

    design = (TWO_STAGE / "design.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    lines = [with_issued(line) if "population" in line else line for line in design]
    archive = two_stage_archive(tmp_path / "archive", design="".join(lines) + rules)
    edition = compute_edition(archive, published_on=date(2026, 11, 23), public_url=None)
    weighting = edition.fieldwork.weighting  # type: ignore[union-attr]
    assert min(weighting.n_trimmed or 0, weighting.n_joined or 0, weighting.margin_gap or 0) > 0
    done = recompute(archive, tmp_path / "archive", tmp_path / "r")
    assert "42 figures compared, 0 rows without one" in done.output, done.output
    assert done.exit_code == 0


def test_answers_from_an_open_link_enter_no_figure(tmp_path: Path) -> None:
    rows = random_rows({"u1": 40, "u2": 30})
    table = tabulated(rows)
    channel = table.schema.get_field_index("channel")
    names = ["open_link" if place % 3 == 0 else "web" for place in range(len(rows))]
    table = table.set_column(channel, table.schema.field(channel), pa.array(names))
    contents = contents_of(table, blocs={"u1": "east", "u2": "east"}, population={"u1": 400, "u2": 300})
    done = recompute(archive_at(tmp_path / "archive", contents), tmp_path / "archive", tmp_path / "r")
    assert "figures compared, 0 rows without one" in done.output, done.output
    assert done.exit_code == 0


def test_a_figure_that_was_changed_is_named(tmp_path: Path) -> None:
    done = recompute(two_stage_archive(tmp_path / "archive"), tmp_path / "archive", tmp_path / "r")
    assert done.exit_code == 0, done.output
    place = done.folder / "estimates.csv"
    rows = list(csv.reader(place.read_text(encoding="utf-8").splitlines()))
    column = rows[0].index("se")
    rows[5][column] = str(float(rows[5][column]) * 1.00001)
    with place.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    again = run_script(done.folder, "responses.csv", "estimates.csv")
    assert again.exit_code == 1
    assert f"{rows[5][1]}, {rows[5][2]}: found" in again.output
    assert "1 figures differ" in again.output
    alone = run_script(done.folder, "responses.csv")
    assert alone.exit_code == 0
    assert "42 figures" in alone.output
    assert (done.folder / "recomputed.csv").is_file()


def test_a_wrong_file_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    archive = two_stage_archive(tmp_path / "archive")
    (tmp_path / "recompute.R").write_bytes(recompute_script(archive.contents, archive.questionnaire))
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "ranks.csv").write_text("round,bloc,unit,rank\nr,east,u1,1\n", encoding="utf-8")
    (tmp_path / "other.csv").write_text("unit,channel,a\nelsewhere,web,1\n", encoding="utf-8")
    for name, said in {
        "missing.csv": "missing.csv: found no such file",
        "empty.csv": "empty.csv: found no table in CSV",
        "ranks.csv": "ranks.csv: found no column channel",
        "other.csv": "other.csv: found no answer to a unit of the round",
    }.items():
        refused = run_script(tmp_path, name)
        assert refused.exit_code == 1
        assert said in refused.output, refused.output


@pytest.mark.parametrize(
    ("plan", "design"),
    [
        ("aggregate: units\nprofile: share\n", "strata: [unit]\n"),
        ("aggregate: persons\n", "strata: [unit]\nfpc: true\npopulation: {u1: 40, u2: 44, u3: 100, u4: 60}\n"),
        ("aggregate: units\nprofile: of_five\n", "strata: [unit]\nclusters: [psu]\n"),
    ],
    ids=["means of units", "people with a full count", "clusters"],
)
def test_rounds_of_one_stage(tmp_path: Path, plan: str, design: str) -> None:
    rows = random_rows({"u1": 40, "u2": 30, "u3": 25})
    # Where all agree the interval is another.
    rows += [("u4", "4", "3", "2")] * 14
    contents = contents_of(
        tabulated(rows, psus=[f"p{place % 5}" for place in range(len(rows))]),
        blocs={"u1": "east", "u2": "east", "u3": "west", "u4": "west"},
        plan=f'plan: 1\nversion: "1"\n{plan}',
        design=f"design: 1\n{design}",
    )
    done = recompute(archive_at(tmp_path / "archive", contents), tmp_path / "archive", tmp_path / "r")
    assert "all figures agree" in done.output, done.output
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("profile", ["with_hard", "strict"])
def test_units_between_the_extremes_of_their_bloc(tmp_path: Path, profile: str) -> None:
    rows = random_rows(dict.fromkeys(BLOCS, 40))
    # Nobody in one unit says anything else of a.
    rows = [(unit, "3" if unit == "u1" else a, b, c) for unit, a, b, c in rows]
    plan = f"{STANDARDISED_PLAN}profile: {profile}\nstandardisation: {{earlier: {{b: [1.5, 4.5]}}}}\n"
    archive = standardised_archive(tmp_path / "archive", rows, plan=plan)
    figures = b"unit,indicator,value,source\nu1,h,10,report\nu2,h,30,\nu3,h,20,\nv1,h,5,\n"
    hard = parse_hard_data(figures, "hard.csv") if profile == "with_hard" else None
    done = recompute(archive, tmp_path / "archive", tmp_path / "r", hard, locale="C")
    assert "standard errors rest on draws" in done.output, done.output
    assert done.exit_code == 0, done.output


def test_firms_that_rate_several_departments_with_a_module(tmp_path: Path) -> None:
    archive = rated_archive(tmp_path / "archive")
    done = recompute(archive, tmp_path / "archive", tmp_path / "r")
    assert "standard errors rest on draws" in done.output, done.output
    assert "all figures agree" in done.output, done.output
    assert done.exit_code == 0
    with (done.folder / "estimates.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    # The module is among what was compared.
    assert any(row["node"].startswith("brand.") and row["estimate"] for row in rows)


def test_r_finds_a_changed_verdict_rank_or_formula(tmp_path: Path) -> None:
    archive = archive_at(
        tmp_path / "archive",
        contents_of(
            tabulated(random_rows({"u1": 60, "u2": 50, "u3": 40})),
            blocs={"u1": "east", "u2": "east", "u3": "east"},
            plan=PLAN.replace("persons", "units") + "interval: logit\n",
        ),
    )
    done = recompute(archive, tmp_path / "archive", tmp_path / "r")
    assert "all figures agree" in done.output, done.output
    assert done.exit_code == 0, done.output
    for name, old, new in (
        ("differences.csv", ",not_different,", ",higher,"),
        ("ranks.csv", "not_different,0.95", "above,0.95"),
        ("formulas.csv", ",share,4.0,", ",share,3.0,"),
    ):
        table = tmp_path / "r" / name
        text = table.read_text(encoding="utf-8")
        assert old in text
        table.write_text(text.replace(old, new, 1), encoding="utf-8")
        # A tier is the verdict at the index, so that ranks are read beside the differences.
        files = [f"--{kind}={kind}.csv" for kind in ("differences", "ranks", "formulas")]
        done = run_script(tmp_path / "r", "responses.csv", *(part for file in files for part in file.split("=")))
        assert done.exit_code == 1, done.output
        table.write_text(text, encoding="utf-8")
