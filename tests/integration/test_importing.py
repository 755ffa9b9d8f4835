"""Answers collected elsewhere: a good table becomes a sealed archive, a bad one is named and leaves nothing."""

import json
import unicodedata
from collections import Counter
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from analysis.archive import read_archive
from analysis.release.verification import verify
from support.command_line import RunHailong, environment_of_settings, run
from support.keys import lay_keys
from support.questionnaire_files import FOLDER
from survey.envelopes import open_comments
from survey.rounds import editions_of, find_round
from survey.settings import Settings
from survey.storage.office import Round, RoundUnit
from survey.storage.sessions import writing
from survey.storage.stores import Stores
from survey.units import units_on
from survey.vault import KeyVault, read_passphrase

pytestmark = pytest.mark.slow

QUESTIONNAIRE = "sipas/2017.1"
ITEMS = [
    "seats", "equipment_complete", "equipment_modern", "equipment_easy", "posted_complete", "posted_correct", "papers",
    "fees", "time_limit", "polite", "listens", "explains", "guides", "clear", "follows_rules", "result_right",
    "result_complete", "result_accurate", "feedback_channels", "feedback_easy", "feedback_handled", "feedback_notified",
]  # fmt: skip
HEADER = ["id", "ward", "way", "remark", *ITEMS]
DESIGN = """\
design: 1
strata: [unit]
fpc: true
population: {w1: 900, w2: 700}
import:
  units: units.csv
  opens_on: "2026-03-01"
  closes_on: "2026-03-20"
  respondent: id
  columns: {unit: ward, channel: way}
  items: {comment: remark}
  codes:
    unit: {"1": w1, "2": w2}
    fees: {good: "5"}
  missing: ["."]
  not_applicable: ["8"]
  ignore: [visited, gave_feedback, sex, age_band]
"""
UNITS = """\
code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source
w1,Phường Một,First Ward,ward,Khối địa phương,,,,900,,test
w2,Phường Hai,Second Ward,ward,Khối địa phương,,,,700,,test
"""
SECRET_REMARK = "Cán bộ một cửa rất tận tình"


def row(number: int) -> list[str]:
    ward = "1" if number % 2 else "2"
    remark = SECRET_REMARK if number == 5 else ""
    return [
        f"r{number}",
        ward,
        "web" if number % 3 else "paper",
        remark,
        *(str(1 + (number + k) % 5) for k in range(len(ITEMS))),
    ]


def table(n_rows: int = 60) -> list[list[str]]:
    return [HEADER, *(row(number) for number in range(n_rows))]


def csv_of(lines: list[list[str]]) -> bytes:
    return ("\n".join(",".join(line) for line in lines) + "\n").encode()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "answers.csv").write_bytes(csv_of(table()))
    (folder / "design.yaml").write_text(DESIGN)
    (folder / "units.csv").write_text(UNITS)
    return folder


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The instance of the test, with its keys and those of the round."""
    lay_keys(settings, "wards-2026")
    return settings


def arguments(files: Path, answers: str = "answers.csv") -> list[object]:
    return [
        "round", "import", "wards-2026", "--questionnaire", QUESTIONNAIRE, "--answers", files / answers,
        "--design", files / "design.yaml",
    ]  # fmt: skip


def test_an_imported_round_is_sealed_and_its_archive_is_whole(
    run_hailong: RunHailong, files: Path, settings: Settings, stores: Stores
) -> None:
    done = run_hailong(*arguments(files), "--json")
    assert done.exit_code == 0, done.errors
    said = json.loads(done.output)
    assert (said["sealed"], said["withheld"]) == (60, 0)
    record = find_round(stores, "wards-2026")
    assert (record.state, record.is_imported, record.n_sealed) == ("sealed", True, 60)
    assert (record.opens_on, record.closes_on) == (date(2026, 3, 1), date(2026, 3, 20))
    assert record.unit_codes == ("w1", "w2")
    path = settings.instance / "archives" / "wards-2026"
    assert verify(path) == []
    archive = read_archive(path)
    assert record.archive_hash == archive.manifest_sha256 == said["manifest_sha256"]
    assert archive.contents.facts.collected == "elsewhere"
    assert [unit.code for unit in units_on(stores, date(2026, 3, 1))] == ["w1", "w2"]
    assert editions_of(stores, "wards-2026") == ()


def test_values_mean_what_the_design_says(run_hailong: RunHailong, files: Path, settings: Settings) -> None:
    lines = table()
    fees = HEADER.index("fees")
    for number, value in ((1, "good"), (2, "."), (3, "8"), (4, ""), (5, " 4 ")):
        lines[number][fees] = value
    for line in lines[6:]:
        line[fees] = "1"
    (files / "answers.csv").write_bytes(csv_of(lines))
    assert run_hailong(*arguments(files)).exit_code == 0
    responses = read_archive(settings.instance / "archives" / "wards-2026").contents.responses
    counts = {entry["values"]: entry["counts"] for entry in responses["fees"].value_counts().to_pylist()}
    assert counts["5"] == 1
    assert counts["4"] == 1
    assert counts["na"] == 1
    assert counts[None] == 2
    assert counts["1"] == 55
    assert responses["sex"].null_count == 60


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_letters_and_marks_that_a_table_holds_apart_are_read_together(
    run_hailong: RunHailong, files: Path, settings: Settings, kind: str
) -> None:
    design = DESIGN.replace("unit: ward,", "unit: phường,").replace('"1": w1', "Một: w1")
    (files / "design.yaml").write_text(design, encoding="utf-8")
    lines = table()
    lines[0] = ["phường" if name == "ward" else name for name in HEADER]
    for line in lines[1:]:
        line[1] = {"1": "Một"}.get(line[1], line[1])
    answers = files / f"answers.{kind}"
    composed = csv_of(lines).decode()
    answers.write_text(unicodedata.normalize("NFD", composed), encoding="utf-8")
    if kind == "parquet":
        pq.write_table(pa_csv.read_csv(answers), answers)
    done = run_hailong(*arguments(files, answers.name))
    assert done.exit_code == 0, done.errors
    responses = read_archive(settings.instance / "archives" / "wards-2026").contents.responses
    assert Counter(responses["unit"].to_pylist()) == {"w1": 30, "w2": 30}


def test_a_number_with_bands_is_kept_as_the_lowest_of_its_band(
    run_hailong: RunHailong, files: Path, settings: Settings
) -> None:
    published = run_hailong("questionnaire", "publish", FOLDER / "behaviours" / "bands.yaml")
    assert published.exit_code == 0, published.errors
    rows = [["id", "ward", "speed", "age", "hours"], *([str(n), "12"[n % 2], "3", str(20 + n), "0"] for n in range(40))]
    (files / "ages.csv").write_bytes(csv_of(rows))
    design = DESIGN.replace(", channel: way", "").replace("  items: {comment: remark}\n", "")
    design = design.replace('    fees: {good: "5"}\n', "").partition("  not_applicable:")[0]
    (files / "design.yaml").write_text(design)
    done = run_hailong(*(word if word != QUESTIONNAIRE else "bands/1.0" for word in arguments(files, "ages.csv")))
    assert done.exit_code == 0, done.errors
    responses = read_archive(settings.instance / "archives" / "wards-2026").contents.responses
    counts = {entry["values"]: entry["counts"] for entry in responses["age"].value_counts().to_pylist()}
    assert counts == {18: 15, 35: 20, 55: 5}
    assert set(responses["hours"].to_pylist()) == {-1.5}


def test_no_order_no_number_and_no_text_is_left_in_the_responses(
    run_hailong: RunHailong, files: Path, settings: Settings
) -> None:
    assert run_hailong(*arguments(files)).exit_code == 0
    path = settings.instance / "archives" / "wards-2026"
    archive = read_archive(path)
    responses = archive.contents.responses
    assert "id" not in responses.column_names
    before = [[line[HEADER.index(item)] for item in ITEMS] for line in table()[1:]]
    after = [list(answers) for answers in zip(*(responses[item].to_pylist() for item in ITEMS), strict=True)]
    assert after != before
    assert sorted(after) == sorted(before)
    for file in path.iterdir():
        assert SECRET_REMARK.encode() not in file.read_bytes()
    vault = KeyVault(settings.instance / "keys", read_passphrase(settings.passphrase_file))
    assert archive.contents.comments is not None
    opened = open_comments(vault.unwrap("wards-2026.comments"), "wards-2026", archive.contents.comments)
    assert [json.loads(line) for line in opened.splitlines()] == [
        {"unit": "w2" if 5 % 2 == 0 else "w1", "item": "comment", "text": SECRET_REMARK}
    ]


def test_parquet_gives_the_same_responses_as_csv(
    run_hailong: RunHailong, files: Path, settings: Settings, tmp_path: Path
) -> None:
    lines = table()
    columns = {}
    for place, name in enumerate(HEADER):
        cells = [line[place] for line in lines[1:]]
        if name == "seats":
            columns[name] = pa.array([float(cell) for cell in cells[:-1]] + [None], pa.float64())
        elif name == "ward":
            columns[name] = pa.array([int(cell) for cell in cells], pa.int8())
        else:
            columns[name] = pa.array([cell or None for cell in cells], pa.string())
    pq.write_table(pa.table(columns), files / "answers.parquet")
    assert run_hailong(*arguments(files, "answers.parquet")).exit_code == 0
    responses = read_archive(settings.instance / "archives" / "wards-2026").contents.responses
    assert responses["seats"].null_count == 1
    assert set(responses["seats"].unique().to_pylist()) == {"1", "2", "3", "4", "5", None}
    assert sorted(responses["polite"].to_pylist()) == sorted(line[HEADER.index("polite")] for line in lines[1:])


def test_analyse_and_verify_follow(files: Path, sqlite_settings: Settings, tmp_path: Path) -> None:
    # Neither opens a store: what they read is the archive.
    lay_keys(sqlite_settings, "wards-2026")
    run_hailong = partial(run, environment_of_settings(sqlite_settings.instance, None))
    assert run_hailong(*arguments(files)).exit_code == 0
    done = run_hailong("analyse", "wards-2026", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.errors
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "differences.csv", "estimates.csv", "estimates.json", "estimates.parquet", "estimates.xlsx", "formulas.csv",
        "ranks.csv",
    }  # fmt: skip
    header, first = (tmp_path / "out" / "estimates.csv").read_text().splitlines()[:2]
    assert header.startswith("round,unit,node,label,estimate,se,low,high,level,method,df,n,n_effective,deff,suppressed")
    assert first.startswith("wards-2026,w1,index,")
    assert "wards-2026,all,index" in (tmp_path / "out" / "estimates.csv").read_text()
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    archive = sqlite_settings.instance / "archives" / "wards-2026"
    assert run_hailong("analyse", archive, "--out", tmp_path / "out", "--json").exit_code == 0
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    sound = run_hailong("verify", archive)
    assert (sound.exit_code, sound.errors) == (0, "")
    assert sound.output.endswith(": sound\n")
    (archive / "units.csv").write_text((archive / "units.csv").read_text().replace("900", "901"))
    unsound = run_hailong("verify", archive, "--json")
    assert unsound.exit_code == 1
    assert json.loads(unsound.output)["findings"][0] == {
        "place": "units.csv, line 2",
        "found": "`w1,Phường Một,First Ward,ward,khoi-dia-phuong,Khối địa phương,901,`",
        "expected": "the line as it was sealed",
    }


def test_without_a_plan_a_population_makes_figures_of_persons(
    run_hailong: RunHailong, files: Path, settings: Settings
) -> None:
    assert run_hailong(*arguments(files)).exit_code == 0
    plan = read_archive(settings.instance / "archives" / "wards-2026").contents.plan_source
    assert b"aggregate: persons" in plan


def test_units_of_the_registry_serve_where_the_design_names_no_file(
    run_hailong: RunHailong, files: Path, settings: Settings, tmp_path: Path
) -> None:
    more = "w3,Phường Ba,Third Ward,ward,Khối địa phương,,,,500,,test\n"
    (files / "units.csv").write_text(UNITS + more)
    (files / "succession.csv").write_text("predecessor_code,successor_code,effective_date,relation,source\n")
    done = run_hailong("units", "import", files / "units.csv", files / "succession.csv")
    assert done.exit_code == 0, done.errors
    (files / "design.yaml").write_text(DESIGN.replace("  units: units.csv\n", ""))
    assert run_hailong(*arguments(files)).exit_code == 0
    archive = read_archive(settings.instance / "archives" / "wards-2026")
    assert [unit.code for unit in archive.contents.units] == ["w1", "w2"]


def test_small_cells_are_joined_or_withheld_by_the_plan(
    run_hailong: RunHailong, files: Path, settings: Settings
) -> None:
    lines = table(61)
    lines[1:] = [line for line in lines[1:] if line[1] == "1"] + [row(number) for number in range(0, 60, 2)][:8]
    (files / "answers.csv").write_bytes(csv_of(lines))
    (files / "plan.yaml").write_text('plan: 1\nversion: "1"\ncoarsening: {k: 12}\n')
    (files / "design.yaml").write_text(DESIGN.replace("population: {w1: 900, w2: 700}", "population: {w1: 900}"))
    done = run_hailong(*arguments(files), "--plan", files / "plan.yaml")
    assert done.exit_code == 0, done.errors
    assert "8 withheld" in done.output
    archive = read_archive(settings.instance / "archives" / "wards-2026")
    assert set(archive.contents.responses["unit"].to_pylist()) == {"w1"}
    assert archive.contents.counts.rejected == {"cell_too_small": 8}


def test_a_second_import_under_the_same_name_is_refused(
    run_hailong: RunHailong, files: Path, settings: Settings
) -> None:
    assert run_hailong(*arguments(files)).exit_code == 0
    manifest = (settings.instance / "archives" / "wards-2026" / "manifest.json").read_bytes()
    again = run_hailong(*arguments(files))
    assert (again.exit_code, again.errors.count("\n")) == (2, 1)
    assert "the round wards-2026 exists already" in again.errors
    assert (settings.instance / "archives" / "wards-2026" / "manifest.json").read_bytes() == manifest


def test_an_import_that_was_cut_off_is_taken_up_again(
    run_hailong: RunHailong, files: Path, settings: Settings, stores: Stores
) -> None:
    assert run_hailong(*arguments(files)).exit_code == 0
    manifest = (settings.instance / "archives" / "wards-2026" / "manifest.json").read_bytes()
    # As it was before the last step: the archive and the round are there, the round is still a draft.
    with writing(stores.office) as session:
        row = session.get_one(Round, "wards-2026")
        row.state, row.archive_hash = "draft", None
    done = run_hailong(*arguments(files))
    assert done.exit_code == 0, done.errors
    assert find_round(stores, "wards-2026").state == "sealed"
    assert (settings.instance / "archives" / "wards-2026" / "manifest.json").read_bytes() == manifest


def test_an_archive_without_its_round_is_made_again(
    run_hailong: RunHailong, files: Path, settings: Settings, stores: Stores
) -> None:
    assert run_hailong(*arguments(files)).exit_code == 0
    before = read_archive(settings.instance / "archives" / "wards-2026")
    with writing(stores.office) as session:
        for unit in session.scalars(select(RoundUnit)):
            session.delete(unit)
        session.flush()
        session.delete(session.get_one(Round, "wards-2026"))
    assert run_hailong(*arguments(files)).exit_code == 0
    after = read_archive(settings.instance / "archives" / "wards-2026")
    assert find_round(stores, "wards-2026").archive_hash == after.manifest_sha256
    assert after.contents.counts == before.contents.counts
