"""Rounds answered by practice people: from the command line to the archive, and what is refused."""

import csv
import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta

import pytest

from analysis.archive import read_archive
from support.rounds import TODAY, UNITS, UNITS_CSV, open_collection
from survey.demonstration.simulating import simulate_round
from survey.errors import BadInput, WrongState
from survey.invitations import CodeRequest, issue_invitations
from survey.rounds import RoundRequest, SourceFile, close_round, create_round, find_round, open_round
from survey.sealing import seal_round
from survey.services import today as today_in_viet_nam
from survey.units import import_units

DESIGN = b"""\
design: 1
strata: [unit]
clusters: [psu]
cells:
  - {unit: phuong-a, psu: Khu 1, population: 90, probability: 0.2}
  - {unit: phuong-a, psu: Khu 2, population: 70, probability: 0.3}
  - {unit: xa-b, psu: Thon 1, population: 60, probability: 0.1}
  - {unit: xa-b, psu: Thon 2, population: 80, probability: 0.2}
"""


@pytest.fixture
def collection(settings, stores, tmp_path):
    return open_collection(settings, stores, tmp_path)


def _round(collection, slug, questionnaire="sipas/2017.1", design=DESIGN):
    request = RoundRequest(
        slug=slug,
        questionnaire=questionnaire,
        units=f"code={','.join(UNITS)}",
        opens_on=TODAY,
        closes_on=TODAY + timedelta(days=30),
        design=None if design is None else SourceFile(design, "design.yaml"),
    )
    create_round(collection.stores, request, TODAY)
    open_round(collection.stores, collection.vault, slug, TODAY)


def _simulate(collection, slug, n=100, seed=5, day=TODAY):
    return simulate_round(collection.stores, collection.secrets, slug, n, seed, day)


def _sealed(collection, slug):
    close_round(collection.stores, slug)
    done = seal_round(collection.stores, collection.secrets, collection.vault, collection.settings, slug)
    return read_archive(done.path)


def _multiset(archive):
    # The labels of PSUs are drawn anew at every sealing.
    return Counter(tuple(row.values()) for row in archive.contents.responses.drop_columns(["psu"]).to_pylist())


@pytest.mark.slow
def test_the_same_seed_gives_the_same_answers_up_to_what_is_secret(collection):
    archives = []
    for slug in ("one", "two"):
        _round(collection, slug)
        done = _simulate(collection, slug)
        assert done.n_respondents == 100
        assert find_round(collection.stores, slug).is_simulated
        archives.append((done, _sealed(collection, slug)))
    (first, one), (second, two) = archives
    assert first.truth == second.truth
    assert first.n_issued == second.n_issued
    assert _multiset(one) == _multiset(two)
    assert one.contents.facts.collected == "simulated"
    assert one.contents.counts.spent == 100


@pytest.mark.parametrize("reference", ["ddci/departments-2024.1"])
def test_firms_of_a_simulated_round_rate_several_units(collection, reference):
    _round(collection, "firms", reference, design=None)
    assert not _simulate(collection, "firms", 40).is_of_frame
    archive = _sealed(collection, "firms")
    assert archive.contents.counts.sealed == len(archive.contents.responses["ballot"].unique()) == 40
    assert archive.contents.responses.num_rows > 40


def test_a_round_that_somebody_has_answered_is_left_to_them(collection):
    (code,) = collection.codes("phuong-a", 1)
    assert collection.send("phuong-a", code.typed) == "received"
    with pytest.raises(WrongState, match="found answers, expected none"):
        _simulate(collection, collection.record.slug, 10)
    assert not collection.record.is_simulated


def test_a_round_is_not_simulated_twice(collection):
    _round(collection, "one")
    _simulate(collection, "one", 20)
    with pytest.raises(WrongState, match="found answers"):
        _simulate(collection, "one", 20)


def test_a_draft_is_not_simulated(collection):
    request = RoundRequest("draft", "sipas/2017.1", "code=xa-b", TODAY, TODAY + timedelta(days=9))
    create_round(collection.stores, request, TODAY)
    with pytest.raises(WrongState, match="is draft"):
        _simulate(collection, "draft", 20)
    assert not find_round(collection.stores, "draft").is_simulated


def test_a_round_is_not_simulated_after_its_last_day(collection):
    _round(collection, "one")
    with pytest.raises(WrongState, match="expected an open round"):
        _simulate(collection, "one", 20, day=TODAY + timedelta(days=31))


@pytest.mark.parametrize(("n", "said"), [(0, "found 0"), (301, "expected at most 300"), (2_000_000, "1000000")])
def test_numbers_that_cannot_be_are_refused_before_anything_is_written(collection, n, said):
    _round(collection, "one")
    with pytest.raises(BadInput, match=said):
        _simulate(collection, "one", n)
    assert not find_round(collection.stores, "one").is_simulated


def test_codes_that_were_issued_before_are_left_alone(collection):
    _round(collection, "one")
    issue_invitations(
        collection.stores, collection.secrets, "one", [CodeRequest("xa-b", 3, psu="Thon 1", channel="slip")]
    )
    _simulate(collection, "one", 40)
    assert _sealed(collection, "one").contents.counts.spent == 40


def _hailong(folder, *arguments):
    environment = {"HAILONG_INSTANCE": str(folder / "instance"), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "survey", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_commands_draw_a_design_answer_a_round_and_write_the_truth(tmp_path):
    (tmp_path / "units.csv").write_text(UNITS_CSV, encoding="utf-8")
    assert _hailong(tmp_path, "database", "upgrade").returncode == 0
    assert _hailong(tmp_path, "units", "import", "units.csv").returncode == 0
    today, last = today_in_viet_nam().isoformat(), (today_in_viet_nam() + timedelta(days=9)).isoformat()
    chosen = ("--units", "kind=commune", "--on", today, "--seed", "4", "--psus", "6")
    for name in ("design.yaml", "again.yaml"):
        drawn = _hailong(tmp_path, "demo", "design", *chosen, "--household", "adults", "--out", name)
        assert drawn.returncode == 0, drawn.stderr
    assert (tmp_path / "design.yaml").read_bytes() == (tmp_path / "again.yaml").read_bytes()
    created = _hailong(
        tmp_path, "round", "create", "one", "--questionnaire", "sipas/2023.1", "--units", "kind=commune",
        "--opens", today, "--closes", last, "--design", "design.yaml",
    )  # fmt: skip
    assert created.returncode == 0, created.stderr
    assert _hailong(tmp_path, "round", "open", "one").returncode == 0
    asked = ("demo", "simulate", "one", "--respondents", "60", "--seed", "4", "--truth", "truth.csv")
    done = _hailong(tmp_path, *asked, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["respondents"], said["truth_of"]) == (60, "frame")
    with (tmp_path / "truth.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["unit"] for row in rows} == {"xa-b", "xa-c"}
    assert len(rows) == said["true_values"]
    for row in rows:
        assert 0 < float(row["truth_on_slips"]) < float(row["truth"]) < 100
    # The name of the file is refused before the round is looked at.
    again = _hailong(tmp_path, *asked)
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1
    assert "expected the name of a new file" in again.stderr
    nowhere = _hailong(tmp_path, "demo", "design", *chosen, "--out", "no/such/folder.yaml")
    assert nowhere.returncode == 2
    assert "found no folder" in nowhere.stderr


def test_units_of_a_practice_design_are_those_of_the_registry(stores, tmp_path):
    (tmp_path / "units.csv").write_text(UNITS_CSV, encoding="utf-8")
    import_units(stores, tmp_path / "units.csv")
    from analysis.release.round_design import parse_design
    from survey.demonstration.practice_design import practice_design
    from survey.units import select_units

    codes = [unit.code for unit in select_units(stores, "kind=commune", TODAY)]
    design = parse_design(practice_design(codes, 1), "design.yaml")
    assert Counter(cell.unit for cell in design.cells) == {"xa-b": 10, "xa-c": 10}
