"""Whatever file a person hands over by mistake: exit 2, one line that names the file, and nothing is written."""

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
    "figures to analyse with": ["analyse", "an/archive", "--hard-data", "FILE", "--out", "out"],
    "figures to print with": ["scorecards", "an/archive", "--hard-data", "FILE", "--out", "cards"],
    "figures to publish with": ["round", "publish", "r", "--hard-data", "FILE"],
    "an archive to export": ["round", "export", "FILE", "--format", "csv", "--out", "exported"],
    "a backup": ["database", "restore", "FILE"],
}


@pytest.fixture
def files(tmp_path):
    shipped = Path(__file__).resolve().parents[2] / "survey" / "demonstration"
    return {
        "GOOD_UNITS": str(shipped / "quang_ninh" / "units.csv"),
        "GOOD_SUCCESSION": str(shipped / "quang_ninh" / "succession.csv"),
        "ANSWERS": str(shipped / "kansas_city" / "answers.csv"),
        "DESIGN": str(shipped / "kansas_city" / "design.yaml"),
        "FILE": str(tmp_path / "handed-over.csv"),
    }


@pytest.fixture
def run_hailong(tmp_path):
    """The command line on an instance of SQLite files: no file is read differently by another engine."""
    return lambda *words: run(environment_of_settings(tmp_path / "var", None), *words)


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
    run_hailong("database", "upgrade")
    before = tree(tmp_path)
    done = run_hailong(*[files.get(word, word) for word in COMMANDS[command]])
    assert_refused(done, given.name)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_symbolic_link_is_not_followed(command, files, run_hailong, tmp_path):
    given = Path(files["FILE"])
    (tmp_path / "elsewhere.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    given.symlink_to(tmp_path / "elsewhere.csv")
    run_hailong("database", "upgrade")
    before = tree(tmp_path)
    done = run_hailong(*[files.get(word, word) for word in COMMANDS[command]])
    assert_refused(done, given.name)
    assert "link" in done.errors
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_not_there_is_named(command, files, run_hailong, tmp_path):
    run_hailong("database", "upgrade")
    done = run_hailong(*[files.get(word, word) for word in COMMANDS[command]])
    assert_refused(done, Path(files["FILE"]).name)
