"""A verifier of 300 lines that knows nothing of the program computes all published figures again (criterion 13)."""

import csv
import json
import random
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from analysis.archive import Archive, read_archive
from analysis.release.computing import compute_edition
from analysis.release.edition_folder import write_edition
from analysis.release.hard_data import HardData, parse_hard_data
from support.archives import PLAN, archive_at, contents_of, tabulated
from support.command_line import run
from support.ratings import rated_archive
from support.small_archives import SIGNER, write_small_archive
from support.standardised import BLOCS, standardised_archive
from support.two_stage import TWO_STAGE, random_rows, two_stage_archive

TOOL = Path(__file__).parents[2] / "tools" / "verify_round.py"
HARD = b"unit,indicator,value,source\nu1,h,10,report\nu2,h,30,\nu3,h,20,\nv1,h,5,\n"

pytestmark = pytest.mark.slow


def verify(archive: Path, edition: Path, *more: str) -> tuple[int, str]:
    """How the verifier ended, run from elsewhere, and what it said."""
    command = [sys.executable, "-P", str(TOOL), str(archive), str(edition), *more]
    done = subprocess.run(command, capture_output=True, text=True, cwd=archive.parent, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def published(archive: Archive, path: Path, hard_data: HardData | None = None) -> Path:
    edition = compute_edition(archive, published_on=date(2026, 11, 23), public_url=None, hard_data=hard_data)
    write_edition(edition, path, {}, SIGNER)
    return path


def test_it_is_short_and_knows_nothing_of_the_program() -> None:
    source = TOOL.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 300
    imported = {
        line.split()[1].partition(".")[0]
        for line in map(str.strip, source.splitlines())
        if line.startswith(("import ", "from "))
    }
    assert imported - set(sys.stdlib_module_names) == {"yaml", "pyarrow"}


def a_small_round(path: Path) -> Archive:
    return write_small_archive(path)


def a_round_of_people(path: Path) -> Archive:
    rows = random_rows({"u1": 40, "u2": 30, "u3": 25, "u5": 7, "u6": 12}) + [("u4", "1", "3", "5")] * 14
    blocs = {"u1": "east", "u2": "east", "u3": "west", "u4": "west", "u5": "west", "u6": "east"}
    people = {"u1": 400, "u2": 440, "u3": 1000, "u4": 60, "u5": 300, "u6": 90}
    return archive_at(path, contents_of(tabulated(rows), blocs=blocs, population=people))


def a_round_with_few_answers(path: Path) -> Archive:
    rng = random.Random(8)  # noqa: S311 — answers for a test, not secrets
    rows = [
        (u, *(x if rng.random() < 0.4 else None for x in answers))
        for u, *answers in random_rows({f"u{n}": 16 + n for n in range(9)})
    ]
    blocs = {f"u{n}": "east" if n < 5 else "west" for n in range(9)}
    return archive_at(path, contents_of(tabulated(rows), blocs=blocs, population=dict.fromkeys(blocs, 900)))


def clusters_that_count_alike(path: Path) -> Archive:
    rows = random_rows({"u1": 40, "u2": 30, "u3": 25, "u4": 8})
    psus = ["one" if unit == "u2" else f"p{place % 5}" for place, (unit, *_) in enumerate(rows)]
    blocs = {"u1": "east", "u2": "east", "u3": "west", "u4": "west"}
    plan = PLAN.replace("persons", "units") + "profile: of_five\n"
    design = "design: 1\nstrata: [unit]\nclusters: [psu]\n"
    return archive_at(path, contents_of(tabulated(rows, psus=psus), blocs=blocs, plan=plan, design=design))


def an_open_link(path: Path) -> Archive:
    rows = random_rows({"u1": 40, "u2": 30})
    table = tabulated(rows)
    channel = table.schema.get_field_index("channel")
    names = ["open_link" if place % 3 == 0 else "web" for place in range(len(rows))]
    table = table.set_column(channel, table.schema.field(channel), pa.array(names))
    return archive_at(path, contents_of(table, blocs={"u1": "east", "u2": "east"}, population={"u1": 400, "u2": 300}))


def standardised(profile: str) -> Callable[[Path], Archive]:
    def build(path: Path) -> Archive:
        rows = [(u, "3" if u == "u1" else a, b, c) for u, a, b, c in random_rows({**dict.fromkeys(BLOCS, 40), "u3": 8})]
        earlier = "standardisation: {earlier: {b: [1.5, 4.5]}}"
        plan = f'plan: 1\nversion: "1"\naggregate: units\nprofile: {profile}\n{earlier}\n'
        return standardised_archive(path, rows, plan=plan)

    return build


ROUNDS = {
    "sheets of four wards": a_small_round,
    "people, small units": a_round_of_people,
    "few answers": a_round_with_few_answers,
    "clusters, units alike": clusters_that_count_alike,
    "households, two stages, margins": two_stage_archive,
    "an open link beside": an_open_link,
    "ratings and a module": rated_archive,
    "extremes": standardised("strict"),
    "extremes and hard data": standardised("with_hard"),
}


@pytest.mark.parametrize("name", ROUNDS)
def test_it_finds_every_published_figure_again(tmp_path: Path, name: str) -> None:
    archive = ROUNDS[name](tmp_path / "archive")
    hard = parse_hard_data(HARD, "hard.csv") if "hard" in name else None
    edition = published(archive, tmp_path / "edition", hard)
    assert verify(tmp_path / "archive", edition) == (0, "all agrees")


def a_random_round(path: Path, seed: int) -> Archive:
    rng = random.Random(seed)  # noqa: S311 — answers for a test, not secrets
    counts = {f"u{n}": rng.choice((4, 9, 11, 12, 15, 29, 31, 60)) for n in range(rng.randint(2, 9))}
    silent = rng.choice((0.0, 0.2, 0.5))
    rows = [
        (unit, *(None if rng.random() < silent else answer for answer in answers))
        for unit, *answers in random_rows(counts)
    ]
    for unit in rng.sample(list(counts), 1):
        rows = [(u, rng.choice(("1", "5")) if u == unit else a, b, c) for u, a, b, c in rows]
    blocs = {unit: rng.choice(("east", "west")) for unit in counts}
    unanimity = rng.choice(("lowest", "both"))
    rules = f"profile: {rng.choice(('rescaled', 'share', 'of_five'))}\ndisclosure: {{unanimity: {unanimity}}}\n"
    plan = (PLAN if rng.random() < 0.7 else PLAN.replace("persons", "units")) + rules
    return archive_at(path, contents_of(tabulated(rows), blocs=blocs, plan=plan, population=dict.fromkeys(counts, 900)))


def test_it_agrees_with_rounds_drawn_at_random(tmp_path: Path) -> None:
    verifier = runpy.run_path(str(TOOL))
    found: list[str] = []
    n_complementary = 0
    for seed in range(6):
        edition = published(a_random_round(tmp_path / f"a{seed}", seed), tmp_path / f"e{seed}")
        n_complementary += (edition / "estimates.csv").read_text(encoding="utf-8").count(",complementary,")
        verifier["verify"](
            tmp_path / f"a{seed}", edition, say=lambda finding, seed=seed: found.append(f"{seed}: {finding}")
        )
    assert found == []
    assert n_complementary > 2


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An archive and its edition, to be copied and not changed."""
    folder = tmp_path_factory.mktemp("people")
    return folder / "archive", published(a_round_of_people(folder / "archive"), folder / "edition")


def change_rows(edition: Path, change: Callable[[dict[str, str]], bool]) -> None:
    """Change the first row of the edition's figures that fits."""
    table = edition / "estimates.csv"
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert any(change(row) for row in rows)
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for row in rows if row["unit"] != "gone")


def moved(row: dict[str, str]) -> bool:
    if row["unit"] == "u1" and row["estimate"]:
        row["estimate"] = repr(float(row["estimate"]) + 1e-6)
        return True
    return False


def counted_once_more(row: dict[str, str]) -> bool:
    if row["unit"] == "u2" and row["n"]:
        row["n"] = str(int(row["n"]) + 1)
        return True
    return False


def shown_after_all(row: dict[str, str]) -> bool:
    if row["reason"] == "complementary":
        row |= {"suppressed": "false", "reason": "", "estimate": "50.0"}
        return True
    return False


def shown_though_few_answered(row: dict[str, str]) -> bool:
    if row["reason"].startswith("too_few"):
        row |= {"suppressed": "false", "reason": "", "estimate": "50.0"}
        return True
    return False


def hidden_for_no_reason(row: dict[str, str]) -> bool:
    if row["unit"] == "all" and row["estimate"]:
        row |= {"suppressed": "true", "reason": "too_few_answers", "estimate": ""}
        return True
    return False


def left_out(row: dict[str, str]) -> bool:
    if row["unit"] == "u1" and row["estimate"]:
        row["unit"] = "gone"
        return True
    return False


def renamed(row: dict[str, str]) -> bool:
    row["unit"] = "u99"
    return True


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (moved, "estimate is"),
        (counted_once_more, "n is"),
        (shown_after_all, "shown"),
        (shown_though_few_answered, "shown, expected hidden"),
        (hidden_for_no_reason, "hidden for too_few_answers, expected shown"),
        (left_out, "estimate is None, computed"),
        (renamed, "u99 index: a row that the archive does not know"),
    ],
)
def test_a_changed_row_is_named(
    people: tuple[Path, Path], tmp_path: Path, change: Callable[[dict[str, str]], bool], said: str
) -> None:
    archive, edition = people[0], shutil.copytree(people[1], tmp_path / "edition")
    change_rows(edition, change)
    found: list[str] = []
    runpy.run_path(str(TOOL))["verify"](archive, edition, say=found.append)
    output = "\n".join(found)
    assert "estimates.csv: added or changed" in output
    assert said in output, output


def test_changed_answers_counts_and_archives_are_named(tmp_path: Path) -> None:
    archive = a_round_of_people(tmp_path / "archive").contents
    edition = published(read_archive(tmp_path / "archive"), tmp_path / "edition")
    manifest = tmp_path / "archive" / "manifest.json"
    sealed = manifest.read_text(encoding="utf-8")
    one_more = json.loads(sealed)
    one_more["counts"]["sealed"] += 1
    manifest.write_text(json.dumps(one_more), encoding="utf-8")
    code, output = verify(tmp_path / "archive", edition)
    assert (code, "ballots in the archive, and counted" in output, "names another archive" in output) == (1, True, True)
    manifest.write_text(sealed, encoding="utf-8")
    table = archive.responses
    column = table.schema.get_field_index("c")
    answers = table["c"].to_pylist()
    answers[0] = "1" if answers[0] != "1" else "5"
    bent = table.set_column(column, table.schema.field(column), pa.array(answers, table.schema.field(column).type))
    parquet.write_table(bent, tmp_path / "archive" / "responses.parquet")
    code, output = verify(tmp_path / "archive", edition)
    assert code == 1
    assert "responses.parquet: added or changed" in output
    assert "estimate is" in output


def test_it_reads_the_exported_responses_too(tmp_path: Path) -> None:
    edition = published(two_stage_archive(tmp_path / "archive"), tmp_path / "edition")
    done = run({}, "round", "export", tmp_path / "archive", "--format", "csv", "--out", tmp_path / "csv")
    assert done.exit_code == 0, done.errors
    assert verify(tmp_path / "archive", edition, str(tmp_path / "csv" / "responses.csv")) == (0, "all agrees")


def test_what_it_does_not_know_it_says(tmp_path: Path) -> None:
    design = (TWO_STAGE / "design.yaml").read_text(encoding="utf-8") + "trim: {ratio: 2.5}\n"
    edition = published(two_stage_archive(tmp_path / "archive", design=design), tmp_path / "edition")
    code, output = verify(tmp_path / "archive", edition)
    assert (code, "does what this file does not know" in output) == (2, True)
    code, output = verify(tmp_path / "nothing", edition)
    assert (code, output.startswith("cannot verify: FileNotFoundError")) == (2, True)
