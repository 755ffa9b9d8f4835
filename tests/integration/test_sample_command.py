"""`hailong sample`, as a statistician types it: from a frame to the weights of a sealed round; and what is refused."""

import csv
import datetime as dt
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from openpyxl import Workbook

from analysis.archive import read_archive
from analysis.release.design_weights import weigh_responses
from analysis.release.round_design import parse_design
from questionnaires.answers import CheckedAnswers, check_answers
from support.command_line import RunHailong, environment_of_settings, run
from support.rounds import QUESTIONNAIRE, UNITS_CSV
from support.stores import Templates, opened
from survey.intake import new_nonce, receive_ballot, round_open_on
from survey.questionnaire_library import publish_questionnaire
from survey.round_records import find_round, load_questionnaire_of
from survey.rounds import close_round
from survey.sealing import archive_path, seal_round
from survey.secrets import Secrets
from survey.services import today
from survey.units import import_units
from survey.vault import KeyVault

SLUG = "mau-2026"
COLUMNS = ("id", "name", "unit", "area", "district", "village", "households")
PLAN = """\
sample: 1
label: "Thử, hai giai đoạn"
seed: 20260701
frame: {key: id, unit: unit, stratum: area}
size: {for: stratum, rule: fixed, fixed: 36}
stages:
  - {cluster: village, method: pps, count: 3}
"""


def people(n_villages: int = 5) -> list[dict[str, str]]:
    random = np.random.default_rng(7)
    rows: list[dict[str, str]] = []
    for unit in ("phuong-a", "xa-b"):
        for area in ("trung tâm", "ngoại vi"):
            for village in range(n_villages):
                n = int(random.integers(20, 60))
                rows += [
                    {
                        "id": f"P{len(rows) + place:05d}",
                        "name": f"Nguyễn Văn {place}",
                        "unit": unit,
                        "area": area,
                        "district": f"h{village % 2}",
                        "village": f"Khu {village}",
                        "households": str(n // 3),
                    }
                    for place in range(n)
                ]
    return rows


def write_frame(path: Path, rows: list[dict[str, str]], delimiter: str = ",", mark: str = "") -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(mark)
        writer = csv.DictWriter(stream, COLUMNS, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_plan(folder: Path, text: str = PLAN) -> Path:
    (folder / "plan.yaml").write_text(text, encoding="utf-8")
    return folder / "plan.yaml"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def hailong(tmp_path: Path) -> RunHailong:
    environment = environment_of_settings(tmp_path / "var", None)
    return lambda *arguments: run(environment, *arguments)


@pytest.mark.slow
def test_who_is_drawn_weighs_one_over_the_chance_after_sealing(tmp_path: Path, store_templates: Templates) -> None:
    settings = store_templates.new_instance("sqlite", tmp_path / "var")
    environment = environment_of_settings(settings.instance, None)
    frame = write_frame(tmp_path / "frame.csv", people())

    def hailong(*arguments: object) -> str:
        done = run(environment, *arguments)
        assert done.exit_code == 0, done.errors
        return done.output

    hailong("sample", frame, "--design", write_plan(tmp_path), "--out", tmp_path / "drawn")
    selected = rows_of(tmp_path / "drawn" / "selected.csv")
    assert len(selected) == 4 * 36
    assert hailong("sample", frame, "--check", tmp_path / "drawn").endswith("the same sample\n")

    stores = opened(settings)
    (tmp_path / "units.csv").write_text(UNITS_CSV, encoding="utf-8")
    import_units(stores, tmp_path / "units.csv")
    publish_questionnaire(stores, QUESTIONNAIRE.encode(), "tiny.yaml", today())
    days = (today().isoformat(), (today() + dt.timedelta(days=9)).isoformat())
    hailong(
        *("round", "create", SLUG, "--questionnaire", "tiny/1", "--units", "code=phuong-a,xa-b", "--opens", days[0]),
        *("--closes", days[1], "--design", tmp_path / "drawn" / "design.yaml"),
    )
    hailong("round", "open", SLUG)
    hailong("round", "codes", SLUG, "--batch", tmp_path / "drawn" / "batch.csv", "--out", tmp_path / "codes.csv")
    codes = rows_of(tmp_path / "codes.csv")
    assert len(codes) == len(selected)

    secrets = Secrets(settings.secret_key)
    record = find_round(stores, SLUG)
    questionnaire = load_questionnaire_of(stores, record)
    open_round = round_open_on(record, questionnaire, today())
    answers = check_answers(questionnaire, {"q1": ["s5"]})
    assert isinstance(answers, CheckedAnswers)
    for code in codes:
        said = receive_ballot(stores, secrets, open_round, code["unit"], code["code"], new_nonce(), answers)
        assert said == "received"
    close_round(stores, SLUG)
    vault = KeyVault(settings.instance / "keys", settings.passphrase_file.read_bytes().strip(), scrypt_cost=2**14)
    seal_round(stores, secrets, vault, settings, SLUG)
    stores.close()

    contents = read_archive(archive_path(settings, SLUG)).contents
    weights = weigh_responses(contents.responses, parse_design(contents.design_source, ""), contents.coarsening).weights
    found, expected = defaultdict(list), defaultdict(list)
    for row, weight in zip(contents.responses.to_pylist(), weights.tolist(), strict=True):
        found[row["unit"], row["stratum"]].append(weight)
    for person in selected:
        assert float(person["weight"]) == pytest.approx(1 / float(person["probability"]), rel=1e-12)
        expected[person["unit"], person["stratum"]].append(float(person["weight"]))
    assert found.keys() == expected.keys()
    for place, own in expected.items():
        assert sorted(found[place]) == pytest.approx(sorted(own), rel=1e-9)


def test_any_kind_of_file_gives_the_same_people(tmp_path: Path, hailong: RunHailong) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    rows = people(2)
    plan = write_plan(tmp_path, PLAN.replace("count: 3", "count: 2"))
    files = [
        write_frame(tmp_path / "a.csv", rows),
        write_frame(tmp_path / "b.csv", rows, ";", "\ufeff"),
        tmp_path / "c.parquet",
        tmp_path / "d.xlsx",
    ]
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    columns["households"] = [int(text) for text in columns["households"]]  # type: ignore[misc]
    parquet.write_table(pa.table(columns), files[2])
    workbook = Workbook()
    workbook.active.append(COLUMNS)
    for row in zip(*columns.values(), strict=True):
        workbook.active.append(row)
    workbook.save(files[3])
    drawn = []
    for file in files:
        done = hailong("sample", file, "--design", plan, "--out", tmp_path / f"out-{file.name}")
        assert done.exit_code == 0, done.errors
        drawn.append((tmp_path / f"out-{file.name}" / "selected.csv").read_bytes())
    assert drawn[0] == drawn[1] == drawn[2] == drawn[3]


def test_a_sample_is_the_owners_alone_and_says_how_it_was_drawn(tmp_path: Path, hailong: RunHailong) -> None:
    frame = write_frame(tmp_path / "frame.csv", people())
    done = hailong("sample", frame, "--design", write_plan(tmp_path), "--out", tmp_path / "drawn", "--json")
    assert done.exit_code == 0, done.errors
    facts = json.loads(done.output)
    assert facts == json.loads((tmp_path / "drawn" / "sample.json").read_bytes())
    assert (facts["seed"], facts["asked"], facts["frame"]["rows"]) == (20260701, 144, len(people()))
    assert {group["name"] for group in facts["sizes"]} == {"phuong-a", "xa-b", "all"}
    assert {file.stat().st_mode & 0o077 for file in (tmp_path / "drawn").iterdir()} == {0}
    row = rows_of(tmp_path / "drawn" / "selected.csv")[0]
    assert list(row) == ["order", "unit", "stratum", "psu", "probability", "weight", "id", "name", "area", "district",
                         "village", "households"]  # fmt: skip
    assert row["psu"] == row["village"]


def test_a_changed_frame_list_or_seed_is_found_out(tmp_path: Path, hailong: RunHailong) -> None:
    rows = people()
    frame = write_frame(tmp_path / "frame.csv", rows)
    assert hailong("sample", frame, "--design", write_plan(tmp_path), "--out", tmp_path / "drawn").exit_code == 0
    selected = tmp_path / "drawn" / "selected.csv"
    kept = selected.read_bytes()
    selected.write_bytes(kept.replace(b"P000", b"P009", 1))
    done = hailong("sample", frame, "--check", tmp_path / "drawn")
    assert (done.exit_code, done.output.splitlines()[0].startswith("selected.csv: found another line")) == (1, True)
    selected.write_bytes(kept)
    changed = write_frame(tmp_path / "changed.csv", rows[1:])
    done = hailong("sample", changed, "--check", tmp_path / "drawn", "--json")
    assert done.exit_code == 1
    places = {finding["place"] for finding in json.loads(done.output)["findings"]}
    assert {"frame", "selected.csv"} <= places
    facts = tmp_path / "drawn" / "sample.json"
    facts.write_text(
        facts.read_text(encoding="utf-8").replace('"seed": 20260701', '"seed": 20260702'), encoding="utf-8"
    )
    assert hailong("sample", frame, "--check", tmp_path / "drawn").exit_code == 1


def test_a_fresh_seed_is_drawn_and_kept_where_nobody_names_one(tmp_path: Path, hailong: RunHailong) -> None:
    frame = write_frame(tmp_path / "frame.csv", people())
    plan = write_plan(tmp_path, PLAN.replace("seed: 20260701\n", ""))
    seeds = set()
    for number in (1, 2):
        assert hailong("sample", frame, "--design", plan, "--out", tmp_path / f"{number}").exit_code == 0
        facts = json.loads((tmp_path / f"{number}" / "sample.json").read_bytes())
        assert facts["seed_was_given"] is False
        seeds.add(facts["seed"])
        assert hailong("sample", frame, "--check", tmp_path / f"{number}").exit_code == 0
    assert len(seeds) == 2
    assert hailong("sample", frame, "--design", plan, "--seed", 5, "--out", tmp_path / "5").exit_code == 0
    assert json.loads((tmp_path / "5" / "sample.json").read_bytes())["seed"] == 5


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("fixed: 36", "fixed: 3600"), "found 3600 for 'phuong-a/trung tâm', expected at most the"),
        (("for: stratum", "for: village"), "plan.yaml:5: size.for: found “village”, expected unit, stratum or all"),
        (("stratum: area", "stratum: region"), "found no column 'region'"),
        (("key: id", "key: name"), "row 59: found the name"),
        (("seed: 20260701", "seed: -1"), "plan.yaml:3: seed: found the number -1"),
        (("count: 3", "count: 1"), "found one PSU in the sample, expected two or more"),
        (("count: 3", "count: 6"), "found 6 to draw in phuong-a/trung tâm, expected at most the 5 there"),
        (("count: 3", "count: 3, size: name"), "column name: found 'Nguyễn Văn 0' and 'Nguyễn Văn 1'"),
        (("count: 3", "count: 3, per: 4"), "found both of count and per, expected one of them"),
        (("count: 3", "number: 3"), "found the unknown key “number”"),
        (("rule: fixed, fixed: 36", "rule: honest, honest: {margin: 0}"), "size: margin: found 0"),
        (("rule: fixed, fixed: 36", "rule: honest, honest: {margn: 0.1}"), "did you mean “margin”?"),
        (("sample: 1", "sample: 2"), "found the number 2, expected a number from 1 to 1"),
        (
            ("sample: 1", "allocation: {units: {rule: equal}}\nsample: 1"),
            "it is for a size for all in a frame with units",
        ),
        (("label:", "fpc: true\nlabel:"), "found true, expected false: it is for people drawn by unit without"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_in_one_line_and_nothing_is_written(
    tmp_path: Path, hailong: RunHailong, change: tuple[str, str], complaint: str
) -> None:
    frame = write_frame(tmp_path / "frame.csv", people())
    assert change[0] in PLAN
    done = hailong("sample", frame, "--design", write_plan(tmp_path, PLAN.replace(*change)), "--out", tmp_path / "o")
    assert done.exit_code == 2
    assert complaint in done.errors
    assert done.errors.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frame.csv", "plan.yaml"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("frame.csv", b"", "found no text, expected a CSV file"),
        ("frame.csv", b"id,unit,area,village\n", "frame.csv: found no row, expected at least one person"),
        ("frame.csv", b"id,unit,area,village\n1,a,b\n", "Expected 4 columns, got 3"),
        ("frame.csv", b"id,unit,area,area\n1,a,b,c\n", "found the column 'area' twice"),
        ("frame.csv", b"id,unit,area,village\n1,a,,c\n", "row 2: found an empty 'area'"),
        ("frame.csv", b"id,unit,area,village\n1,\xff,a,c\n", "found no table"),
        ("frame.csv", b"id,unit,area,village\n" + b"1,a/b,c,d\n", "found"),
        ("frame.txt", b"id", "found the ending '.txt', expected .csv, .xlsx, .parquet"),
        ("frame.xlsx", b"id", "found no readable workbook"),
        ("frame.parquet", b"id", "found no readable Parquet"),
    ],
)
def test_a_frame_that_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, hailong: RunHailong, name: str, content: bytes, complaint: str
) -> None:
    (tmp_path / name).write_bytes(content)
    done = hailong("sample", tmp_path / name, "--design", write_plan(tmp_path), "--out", tmp_path / "out")
    assert (done.exit_code, done.errors.count("\n")) == (2, 1)
    assert complaint in done.errors
    assert not (tmp_path / "out").exists()


def test_labels_that_no_design_can_bear_are_refused(tmp_path: Path, hailong: RunHailong) -> None:
    first = people()[0]
    for column, label in (("unit", "a/b"), ("village", "=1+1"), ("village", "x" * 81)):
        rows = [{**row, column: label if row[column] == first[column] else row[column]} for row in people()]
        frame = write_frame(tmp_path / "frame.csv", rows)
        done = hailong("sample", frame, "--design", write_plan(tmp_path), "--out", tmp_path / "out", "--seed", 20260701)
        assert (done.exit_code, done.errors.count("\n")) == (2, 1), (column, label)
        assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, hailong: RunHailong) -> None:
    frame = write_frame(tmp_path / "frame.csv", people())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept.txt").write_text("kept")
    done = hailong("sample", frame, "--design", write_plan(tmp_path), "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["kept.txt"]
    assert hailong("sample", frame, "--check", tmp_path / "out").exit_code == 2
    assert hailong("sample", frame).exit_code == 2
