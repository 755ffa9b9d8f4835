"""`hailong round export`: every format by name or by path, and nothing written where it cannot be done (W7)."""

import json
from functools import partial
from pathlib import Path

import pytest

from support.command_line import RunHailong, environment_of_settings, run
from support.small_archives import write_small_archive
from survey.exporting import FORMATS as WRITERS
from survey.settings import Settings

FILES = {
    "csv": ["codebook.csv", "responses.csv", "responses_labelled.csv"],
    "xlsx": ["responses.xlsx"],
    "parquet": ["codebook.csv", "responses.parquet"],
    "sav": ["codebook.csv", "responses.sav"],
    "dta": ["codebook.csv", "responses.dta"],
    "ddi": ["codebook.xml", "responses.csv"],
}


@pytest.fixture
def hailong(sqlite_settings: Settings) -> RunHailong:
    return partial(run, environment_of_settings(sqlite_settings.instance, None))


@pytest.fixture
def archive(sqlite_settings: Settings) -> Path:
    path = sqlite_settings.instance / "archives" / "thu-2026"
    write_small_archive(path)
    return path


def test_the_command_knows_every_format() -> None:
    from survey.cli.round_export import FORMATS

    assert set(FORMATS) == set(WRITERS) == set(FILES)


@pytest.mark.parametrize("kind", FILES)
def test_a_round_is_exported_by_name(hailong: RunHailong, archive: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "files"
    done = hailong("round", "export", archive.name, "--format", kind, "--out", out, "--json")
    assert (done.exit_code, done.errors) == (0, "")
    assert sorted(path.name for path in out.iterdir()) == FILES[kind]
    assert sorted(json.loads(done.output)["files"]) == [str(out / name) for name in FILES[kind]]
    # These are microdata.
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}


def test_an_archive_is_exported_by_path_and_files_are_replaced(
    hailong: RunHailong, archive: Path, tmp_path: Path
) -> None:
    (tmp_path / "responses.csv").write_text("old", encoding="utf-8")
    done = hailong("round", "export", archive, "--format", "csv", "--out", tmp_path, "--language", "en")
    assert (done.exit_code, done.errors) == (0, "")
    assert done.output.splitlines() == [
        str(tmp_path / name) for name in ("responses.csv", "responses_labelled.csv", "codebook.csv")
    ]
    assert "Hà Tu Ward" in (tmp_path / "responses_labelled.csv").read_text(encoding="utf-8-sig")
    assert (tmp_path / "responses.csv").read_bytes().count(b"\n") == 1 + 60 + 45 + 18 + 4


@pytest.mark.parametrize("command", [("round", "export", "--format", "csv"), ("analyse",)], ids=["export", "analyse"])
def test_nothing_is_replaced_beside_files_of_somebody_else(
    hailong: RunHailong, archive: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for name in ("estimates.csv", "responses.csv", "thesis.docx"):
        (own / name).write_text("mine", encoding="utf-8")
    done = hailong(*command, archive, "--out", own)
    assert (done.exit_code, done.output) == (2, "")
    assert "found 'thesis.docx', which no analysis and no export writes" in done.errors
    assert {path.read_text(encoding="utf-8") for path in own.iterdir()} == {"mine"}


@pytest.mark.parametrize(
    ("target", "complaint"),
    [("nothing-here", "found no archive of a round 'nothing-here'"), ("a/folder", "found nothing, expected a folder")],
)
def test_what_is_no_archive_is_refused(hailong: RunHailong, tmp_path: Path, target: str, complaint: str) -> None:
    done = hailong("round", "export", target, "--format", "csv", "--out", tmp_path / "out")
    assert (done.exit_code, done.output) == (2, "")
    assert complaint in done.errors
    assert not (tmp_path / "out").exists()


def test_an_archive_that_was_changed_is_refused(hailong: RunHailong, archive: Path, tmp_path: Path) -> None:
    (archive / "units.csv").write_bytes((archive / "units.csv").read_bytes().replace(b"Cao Xanh", b"Cao Canh"))
    done = hailong("round", "export", archive, "--format", "csv", "--out", tmp_path / "out")
    assert (done.exit_code, done.output) == (2, "")
    assert "units.csv" in done.errors
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_folders_place_is_left_alone(hailong: RunHailong, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    done = hailong("round", "export", archive, "--format", "csv", "--out", tmp_path / "out")
    assert (done.exit_code, done.output) == (2, "")
    assert done.errors == f"hailong: {tmp_path / 'out'}: found a file, expected a folder or nothing\n"
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"
