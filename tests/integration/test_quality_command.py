"""`hailong quality` on the command line."""

import csv
import json
from pathlib import Path

import pytest

from support.command_line import RunHailong, environment_of_settings, run
from support.rated_archives import honest_ratings, rated_archive


@pytest.fixture
def run_hailong(tmp_path: Path) -> RunHailong:
    return lambda *words: run(environment_of_settings(tmp_path / "var", None), *words)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    ratings = honest_ratings(9, 40, 5)
    ratings[0, :30] = 4
    rated_archive(tmp_path / "archive", ratings, ["counter", "post"] * 20)
    return tmp_path / "archive"


@pytest.mark.slow
def test_three_tables_are_written_and_what_stands_out_is_told(
    run_hailong: RunHailong, archive: Path, tmp_path: Path
) -> None:
    done = run_hailong("quality", archive, "--control", "post", "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.errors
    found = json.loads(done.output)
    assert [Path(name).name for name in found["files"]] == ["quality.csv", "channel_gaps.csv", "sensitivity.csv"]
    assert {"unit": "u00", "channel": "all", "measure": "straight_line"} in found["unusual"]
    with (tmp_path / "out" / "sensitivity.csv").open(encoding="utf-8") as stream:
        rows = {(row["unit"], row["left_out"]): row for row in csv.DictReader(stream)}
    assert rows["u00", "straight_line"]["count"] == "30"
    told = run_hailong("quality", archive, "--out", tmp_path / "out")
    assert "no control channel named; nothing was left out" in told.output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--control", "phone"), "control: found 'phone'"),
        (("--out", "{archive}/manifest.json"), "found a file, expected a folder"),
        (("--speed", "3"), "No such option"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(
    run_hailong: RunHailong, archive: Path, tmp_path: Path, words: tuple[str, str], complaint: str
) -> None:
    done = run_hailong("quality", archive, "--out", tmp_path / "out", *(word.format(archive=archive) for word in words))
    assert done.exit_code == 2
    assert complaint in done.errors
    assert done.errors.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_round_that_is_not_there_is_named(run_hailong: RunHailong, tmp_path: Path) -> None:
    done = run_hailong("quality", "nowhere-2026", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "nowhere-2026" in done.errors
