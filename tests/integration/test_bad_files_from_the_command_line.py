"""Whatever file a person hands over by mistake: exit 2, one line that names the file, and nothing is written."""

from functools import partial
from pathlib import Path

import pytest

from support.command_line import environment_of_settings, run

BAD_FILES = {
    "nothing in it": b"",
    "no text": b"\xff\xfe\x00\x01" * 50,
    "Latin letters of another encoding": "tên,đơn vị\nPhường Hồng Gai,1\n".encode("cp1258", errors="replace"),
    "something else": b"%PDF-1.7\n1 0 obj\n",
    "far too much": b"a,b\n" + b"1,2\n" * 7_000_000,
}

COMMANDS = {
    "a questionnaire to check": ["questionnaire", "check", "FILE"],
    "a questionnaire to publish": ["questionnaire", "publish", "FILE"],
    "a registry of units": ["units", "import", "FILE", "GOOD_SUCCESSION"],
    "successions": ["units", "import", "GOOD_UNITS", "FILE"],
    "procedures": ["units", "import", "GOOD_UNITS", "GOOD_SUCCESSION", "--procedures", "FILE"],
    "a specification": ["estimate", "FILE"],
    "a design": [
        "round",
        "import",
        "r",
        "--questionnaire",
        "kansas_city/2021.1",
        "--answers",
        "ANSWERS",
        "--design",
        "FILE",
    ],
    "a design of a round to come": [
        *["round", "create", "r", "--questionnaire", "sipas/2017.1", "--units", "code=06673"],
        *["--opens", "2099-01-01", "--closes", "2099-02-01", "--design", "FILE"],
    ],
    "a plan of a round to come": [
        *["round", "create", "r", "--questionnaire", "sipas/2017.1", "--units", "code=06673"],
        *["--opens", "2099-01-01", "--closes", "2099-02-01", "--plan", "FILE"],
    ],
    "answers": [
        "round",
        "import",
        "r",
        "--questionnaire",
        "kansas_city/2021.1",
        "--answers",
        "FILE",
        "--design",
        "DESIGN",
    ],
    "a plan": [
        *[
            "round",
            "import",
            "r",
            "--questionnaire",
            "kansas_city/2021.1",
            "--answers",
            "ANSWERS",
            "--design",
            "DESIGN",
        ],
        *["--plan", "FILE"],
    ],
    "an archive to verify": ["verify", "FILE"],
    "an archive to print": ["scorecards", "FILE", "--out", "cards"],
    "an archive to analyse": ["analyse", "FILE", "--out", "out"],
    "an archive to examine": ["quality", "FILE", "--out", "out"],
    "an edition to audit": ["disclosure", "FILE"],
    "a frame": ["sample", "FILE", "--design", "SAMPLE", "--out", "drawn"],
    "a sampling plan": ["sample", "FRAME", "--design", "FILE", "--out", "drawn"],
    "a sample to check": ["sample", "FRAME", "--check", "FILE"],
    "the earlier of two rounds": ["change", "FILE", "an/archive", "--out", "out"],
    "successions to compare by": ["change", "an/archive", "another/archive", "--succession", "FILE", "--out", "out"],
    "a mix of channels": ["change", "an/archive", "another/archive", "--mode-mix", "FILE", "--out", "out"],
    "figures to analyse with": ["analyse", "an/archive", "--hard-data", "FILE", "--out", "out"],
    "figures to print with": ["scorecards", "an/archive", "--hard-data", "FILE", "--out", "cards"],
    "figures to publish with": ["round", "publish", "r", "--hard-data", "FILE"],
    "an archive to export": ["round", "export", "FILE", "--format", "csv", "--out", "exported"],
    "a backup": ["database", "restore", "FILE"],
}


SAMPLE = """\
sample: 1
frame: {key: id, unit: unit}
size: {for: unit, rule: fixed, fixed: 1}
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "frame.csv").write_text("id,unit\np1,06673\np2,06673\n", encoding="utf-8")
    (tmp_path / "sample.yaml").write_text(SAMPLE, encoding="utf-8")
    shipped = Path(__file__).resolve().parents[2] / "survey" / "demonstration"
    return {
        "GOOD_UNITS": str(shipped / "quang_ninh" / "units.csv"),
        "GOOD_SUCCESSION": str(shipped / "quang_ninh" / "succession.csv"),
        "ANSWERS": str(shipped / "kansas_city" / "answers.csv"),
        "DESIGN": str(shipped / "kansas_city" / "design.yaml"),
        "FILE": str(tmp_path / "handed-over.csv"),
        "FRAME": str(tmp_path / "frame.csv"),
        "SAMPLE": str(tmp_path / "sample.yaml"),
    }


@pytest.fixture
def run_hailong(sqlite_settings):
    """The command line on an instance of SQLite files: no file is read differently by another engine."""
    return partial(run, environment_of_settings(sqlite_settings.instance, None))


def tree(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def assert_refused(done, name: str) -> None:
    assert done.exit_code == 2, f"{done.exit_code}: {done.errors}"
    (line,) = done.errors.splitlines()
    assert line.startswith("hailong: ")
    assert name in line
    assert len(line) < 600
    assert "Traceback" not in line


@pytest.mark.parametrize(
    "content", [pytest.param(name, marks=pytest.mark.slow) if name == "far too much" else name for name in BAD_FILES]
)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_file_is_named_and_nothing_is_written(command, content, files, run_hailong, tmp_path):
    given = Path(files["FILE"])
    given.write_bytes(BAD_FILES[content])
    before = tree(tmp_path)
    done = run_hailong(*[files.get(word, word) for word in COMMANDS[command]])
    assert_refused(done, given.name)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_symbolic_link_is_not_followed(command, files, run_hailong, tmp_path):
    given = Path(files["FILE"])
    (tmp_path / "elsewhere.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    given.symlink_to(tmp_path / "elsewhere.csv")
    before = tree(tmp_path)
    done = run_hailong(*[files.get(word, word) for word in COMMANDS[command]])
    assert_refused(done, given.name)
    assert "link" in done.errors
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_not_there_is_named(command, files, run_hailong, tmp_path):
    done = run_hailong(*[files.get(word, word) for word in COMMANDS[command]])
    assert_refused(done, Path(files["FILE"]).name)


ROUND_TO_COME = [
    *["round", "create", "r", "--questionnaire", "sipas/2017.1", "--units", "code=06673"],
    *["--opens", "2099-01-01", "--closes", "2099-02-01"],
]
CELLS = """\
design: 1
strata: [unit]
clusters: [psu]
cells:
  - {unit: "06673", psu: "Khu 1", population: 812}
  - {unit: "06673", psu: "Khu 2", population: 640}
"""
SECTIONS_OF_PLANS = {
    "interval: wald": "expected t or logit",
    "ranking: {draws: 10}": "from 200 to 10,000",
    "ranking: {draw: 300}": "did you mean “draws”?",
    "ranking: [300]": "expected fields (draws or seed)",
    "quality: {control: [post]}": "expected the name of a channel",
    "quality: {straight_line_items: 0}": "from 3 to 200",
    "quality: {low_variability: 0.9}": "from 0 to 0.5",
    "quality: {duration_unit: hours}": "expected seconds or minutes",
    "quality: {duration: spent}": "expected an item of sipas/2017.1 that is a number",
    "quality: {speed: 3}": "unknown key “speed”",
    "disclosure: {dominance: 0.9}": "from 0.01 to 0.5",
    "disclosure: {protection: 0}": "from 3 to 50",
    "disclosure: {unanimity: highest}": "expected lowest or both",
    "disclosure: {alik: 0.9}": "did you mean “alike”?",
}
SECTIONS_OF_DESIGNS = {
    "nonresponse: {smallest: 20}": "expected cell or stratum",
    "nonresponse: {classes: people}": "expected cell or stratum",
    "nonresponse: {classes: cell, when_small: drop}": "expected join or refuse",
    "nonresponse: {classes: cell, largest: 0.5}": "from 1 to 1,000",
    "nonresponse: {class: cell}": "did you mean “classes”?",
    "calibration: {factors: [0.3, 3]}": "found it without “margins”",
    "trim: {ratio: 4, bounds: [0.2, 4]}": "found both of ratio and bounds",
    "trim: {bounds: [2, 4]}": "one below 1 and one above",
    "trim: {bounds: [0.5]}": "expected a list of 2",
    "trim: {ratio: many}": "found “many”",
    "same_psus_as: 5": "expected the name of an earlier round",
}


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    """An instance that knows the units, and keeps no round of any of these tests."""
    folder = tmp_path_factory.mktemp("instance") / "var"
    shipped = Path(__file__).resolve().parents[2] / "survey" / "demonstration" / "quang_ninh"
    environment = environment_of_settings(folder, None)
    run(environment, "database", "upgrade")
    run(environment, "units", "import", shipped / "units.csv", shipped / "succession.csv")
    return environment


@pytest.mark.parametrize("section", SECTIONS_OF_PLANS)
def test_a_section_of_a_plan_that_makes_no_sense_is_named(section, instance, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text(f'plan: 1\nversion: "1"\n{section}\n', encoding="utf-8")
    done = run(instance, *ROUND_TO_COME, "--plan", plan)
    assert_refused(done, "plan.yaml")
    assert SECTIONS_OF_PLANS[section] in done.errors


@pytest.mark.parametrize("section", SECTIONS_OF_DESIGNS)
def test_a_section_of_a_design_that_makes_no_sense_is_named(section, instance, tmp_path):
    design = tmp_path / "design.yaml"
    design.write_text(f"{CELLS}{section}\n", encoding="utf-8")
    done = run(instance, *ROUND_TO_COME, "--design", design)
    assert_refused(done, "design.yaml")
    assert SECTIONS_OF_DESIGNS[section] in done.errors
