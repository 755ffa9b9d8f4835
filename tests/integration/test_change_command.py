"""`hailong change`: two archives in, a table out, and what it refuses."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from support.archives import archive_at, contents_of, tabulated
from support.command_line import Run, run

pytestmark = pytest.mark.slow

ANSWERS = [("5", "4", "3"), ("4", "4", "5"), ("2", "3", "4"), ("3", "5", "1")]


def change(*arguments: object) -> Run:
    return run({}, "change", *arguments)


SUCCESSION = "predecessor_code,successor_code,effective_date,relation,source\n"


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("rounds")
    for year, units in ((2025, ("o1", "o2", "keep")), (2026, ("new", "keep"))):
        rows = [(unit, *ANSWERS[(j * (2 if unit == "keep" else 1) + year) % 4]) for unit in units for j in range(40)]
        contents = contents_of(
            tabulated(rows), blocs=dict.fromkeys(units, "east"), population=dict.fromkeys(units, 500)
        )
        days = {"opens_on": dt.date(year, 9, 1), "closes_on": dt.date(year, 9, 30)}
        facts = replace(contents.facts, slug=f"r{year}", **days)
        archive_at(folder / str(year), replace(contents, facts=facts))
    return folder / "2025", folder / "2026"


def test_a_table_of_changes_is_printed_and_written(archives: tuple[Path, Path], tmp_path: Path) -> None:
    table = tmp_path / "succession.csv"
    table.write_text(
        SUCCESSION + "o1,new,2026-07-01,merge,law\no2,new,2026-07-01,merge,law\n",
        encoding="utf-8",
    )
    paths = [str(path) for path in archives]
    done = change(*paths, "--succession", str(table), "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.errors
    assert "new: " in done.output
    assert (tmp_path / "out" / "changes.csv").read_text(encoding="utf-8").startswith("earlier,later,unit,predecessors,")
    rows = json.loads(change(*paths, "--succession", str(table), "--json").output)["rows"]
    index = {row["unit"]: row for row in rows if row["node"] == "index"}
    assert index["new"]["predecessors"] == "o1+o2"
    assert index["new"]["se"] > 0
    pooled = json.loads(change(*paths, "--succession", str(table), "--pool", "--json").output)["rows"]
    assert {row["unit"] for row in pooled} == {"new", "keep"}


def test_without_a_succession_a_new_unit_has_no_past(archives: tuple[Path, Path]) -> None:
    done = change(*map(str, archives))
    assert done.exit_code == 0, done.errors
    assert "new: none (no_predecessor)" in done.output


@pytest.mark.parametrize(
    ("mix", "said"),
    [
        ("channel,share\nweb,0.5\n", "add up to 0.5"),
        ("channel,share\nweb,half\n", "line 2"),
        ("way,part\nweb,1\n", "expected channel,share"),
        ("channel,share\npost,1\n", "no share of the channel 'web'"),
    ],
)
def test_a_bad_mix_ends_with_exit_2(archives: tuple[Path, Path], tmp_path: Path, mix: str, said: str) -> None:
    table = tmp_path / "mix.csv"
    table.write_text(mix, encoding="utf-8")
    done = change(*map(str, archives), "--mode-mix", str(table), "--out", str(tmp_path / "out"))
    assert (done.exit_code, said in done.errors) == (2, True), done.errors
    assert len(done.errors.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_other_bad_input_ends_with_exit_2(archives: tuple[Path, Path], tmp_path: Path) -> None:
    earlier, later = map(str, archives)
    (tmp_path / "s.csv").write_text(SUCCESSION + "o1,new,2026-07-01,swallow,law\n", encoding="utf-8")
    for arguments in (
        (later, earlier),
        (earlier, str(tmp_path / "none.d")),
        (earlier, later, "--succession", str(tmp_path / "s.csv")),
        (earlier, later, "--mode-mix", str(tmp_path / "missing.csv")),
    ):
        done = change(*arguments)
        assert done.exit_code == 2, (arguments, done.output, done.errors)
        assert len(done.errors.strip().splitlines()) == 1
