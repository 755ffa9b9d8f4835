"""Verification: one changed digit, weight or flag is found, and its place is named."""

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.release.computing import compute_edition
from analysis.release.edition_folder import write_edition
from analysis.release.row_files import rows_from_csv, rows_to_csv, rows_to_json, rows_to_parquet
from analysis.release.rows import EstimateRow
from analysis.release.verification import examine, verify
from analysis.sealed_folders import describe_files, manifest_bytes
from analysis.signatures import signed
from support.archives import FORGER, QUESTIONNAIRE, SIGNER, archive_at, contents_of, tabulated

pytestmark = pytest.mark.slow

Change = Callable[[Path], object]

WEIGHT_LINE = 1 + QUESTIONNAIRE[: QUESTIONNAIRE.index("{item: a, weight: 3")].count("\n")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sound archive and its sound edition."""
    folder = tmp_path_factory.mktemp("sealed")
    answers = [("1", "2", "3"), ("5", "4", "4"), ("3", "3", "5")]
    rows = [(unit, *answers[j % 3]) for unit, n in (("u1", 40), ("u2", 36), ("u3", 8), ("u4", 12)) for j in range(n)]
    contents = contents_of(
        tabulated(rows),
        blocs=dict.fromkeys(("u1", "u2", "u3", "u4"), "east"),
        population={"u1": 400, "u2": 300, "u3": 200, "u4": 200},
    )
    archive = archive_at(folder / "archive", contents)
    edition = compute_edition(archive, published_on=dt.date(2026, 4, 1), public_url="https://hailong.example.vn")
    write_edition(edition, folder / "edition", {"u1.pdf": b"%PDF-1.7 page"}, SIGNER)
    return folder


@pytest.fixture
def folder(sealed: Path, tmp_path: Path) -> Path:
    shutil.copytree(sealed, tmp_path / "sealed")
    return tmp_path / "sealed"


def replaced(name: str, before: str, after: str) -> Change:
    def change(edition: Path) -> None:
        source = (edition / name).read_text()
        assert before in source
        (edition / name).write_text(source.replace(before, after, 1))

    return change


def with_row_changed(column: str, change: Callable[[object], object], *, node: str = "a") -> Change:
    """The estimate of one node of the first unit changed in all three forms, as a careful forger would."""

    def alter(edition: Path) -> None:
        rows = rows_from_csv((edition / "estimates.csv").read_bytes(), EstimateRow, "estimates.csv")
        for place, row in enumerate(rows):
            if (row.unit, row.node) == ("u1", node):
                values = {name: getattr(row, name) for name in EstimateRow.__slots__}
                rows[place] = EstimateRow(**{**values, column: change(values[column])})
        (edition / "estimates.csv").write_bytes(rows_to_csv(rows, EstimateRow))
        (edition / "estimates.json").write_bytes(rows_to_json(rows, EstimateRow))
        (edition / "estimates.parquet").write_bytes(rows_to_parquet(rows, EstimateRow))

    return alter


def manifest_updated(folder: Path, name: str) -> dict[str, object]:
    """The manifest with the hashes of the files as they are now, and its old signature."""
    manifest = json.loads((folder / name).read_text())
    manifest["files"] = describe_files({file: (folder / file).read_bytes() for file in manifest["files"]})
    (folder / name).write_bytes(manifest_bytes(manifest))
    return manifest


def signed_again(folder: Path, name: str) -> None:
    (folder / name).write_bytes(manifest_bytes(signed(manifest_updated(folder, name), FORGER)))


def places(path: Path, archive: Path | None = None) -> list[str]:
    return [finding.place for finding in verify(path, archive)]


def test_what_nobody_touched_is_sound(folder: Path) -> None:
    assert verify(folder / "archive") == []
    assert verify(folder / "edition") == []
    assert verify(folder / "edition", folder / "archive") == []
    assert verify(folder / "edition" / "u1.pdf") == []
    assert "every figure was computed again from the archive" in examine(folder / "edition", folder / "archive").notes


DIGIT = replaced("estimates.csv", ",t,39.0,", ",t,38.0,")
CASES = [
    ("a digit in the CSV", DIGIT, "estimates.csv", "unit u1, node index, column df"),
    (
        "the last digit of a number in the JSON",
        replaced("estimates.json", '"estimate": 57.39583333333333,', '"estimate": 57.39583333333334,'),
        "estimates.json",
        "unit u1, node index, column estimate",
    ),
    (
        "a weight",
        replaced("estimates.csv", "false,,false,0.75", "false,,false,0.74"),
        "estimates.csv",
        "unit u1, node a, column weight",
    ),
    (
        "a suppression flag",
        replaced("estimates.csv", "true,too_few_respondents", "false,too_few_respondents"),
        "estimates.csv",
        "unit u3, node index, column suppressed",
    ),
    ("a rank", replaced("ranks.csv", ",1,1,", ",2,1,"), "ranks.csv", "line "),
    ("a share", replaced("distributions.csv", ",5,0.3", ",5,0.4"), "distributions.csv", "line"),
    (
        "a criterion's weight",
        replaced("questionnaire.yaml", "weight: 3", "weight: 4"),
        "questionnaire.yaml",
        f"line {WEIGHT_LINE}",
    ),
]


@pytest.mark.parametrize(("change", "file", "place"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_change_in_an_edition_is_named(folder: Path, change: Change, file: str, place: str) -> None:
    change(folder / "edition")
    found = places(folder / "edition")
    assert file in found
    assert any(finding.startswith(f"{file}, ") and place in finding for finding in found)


@pytest.mark.parametrize(
    ("change", "file", "place"), [case[1:] for case in CASES[:4]], ids=[case[0] for case in CASES[:4]]
)
def test_updating_the_hash_does_not_help(folder: Path, change: Change, file: str, place: str) -> None:
    change(folder / "edition")
    manifest_updated(folder / "edition", "edition.json")
    found = places(folder / "edition")
    assert "edition.json, signature" in found
    assert any(place in finding for finding in found)
    # Neither does signing with another key, for the three forms still differ.
    signed_again(folder / "edition", "edition.json")
    assert any(finding.startswith(f"{file}, ") and place in finding for finding in places(folder / "edition"))


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("estimate", lambda value: value + 1e-6),
        ("se", lambda value: value / 2),
        ("weight", lambda value: value + 0.01),
        ("n", lambda value: value + 1),
        ("label", lambda value: value + "!"),
    ],
)
def test_an_edition_that_was_forged_whole_and_signed_again_differs_from_its_archive(
    folder: Path, column: str, change: Callable[[object], object]
) -> None:
    with_row_changed(column, change)(folder / "edition")
    signed_again(folder / "edition", "edition.json")
    assert verify(folder / "edition") == []
    verification = examine(folder / "edition", folder / "archive")
    assert {finding.place for finding in verification.findings} == {
        f"estimates.{form}, unit u1, node a, column {column}" for form in ("csv", "json", "parquet")
    }
    assert all(finding.expected.endswith(" as computed from the archive") for finding in verification.findings)
    assert "the edition was signed with another key than its archive" in verification.notes


def test_a_figure_that_says_it_is_hidden_needs_no_archive_to_be_seen(folder: Path) -> None:
    with_row_changed("suppressed", lambda value: not value)(folder / "edition")
    signed_again(folder / "edition", "edition.json")
    found = {finding.place: finding.found for finding in verify(folder / "edition")}
    assert found["estimates.csv, unit u1, node a"] == "estimate of a hidden figure"


def test_who_knows_the_key_needs_no_archive_to_see_a_forgery(folder: Path) -> None:
    with_row_changed("estimate", lambda value: 99.0)(folder / "edition")
    signed_again(folder / "edition", "edition.json")
    (finding,) = verify(folder / "edition", trusted_key=SIGNER.public_key)
    assert finding.place == "edition.json, signature"


def test_a_changed_weight_in_the_archive_shows_in_the_figures(folder: Path) -> None:
    # Totals over hidden units are published as they are printed, so that ten people more would not show.
    replaced("design.yaml", "u1: 400", "u1: 900")(folder / "archive")
    assert "design.yaml, line 4" in places(folder / "archive")
    signed_again(folder / "archive", "manifest.json")
    assert places(folder / "archive") == ["design.yaml"]
    found = places(folder / "edition", folder / "archive")
    assert "edition.json, archive" in found
    assert "estimates.csv, unit all, node index, column estimate" in found


def test_a_changed_criterion_weight_in_the_archive_is_named(folder: Path) -> None:
    replaced("questionnaire.yaml", "{item: a, weight: 3", "{item: a, weight: 2")(folder / "archive")
    found = verify(folder / "archive")
    assert any(f.place == f"questionnaire.yaml, line {WEIGHT_LINE}" and "weight: 2" in f.found for f in found)


def test_a_missing_row_and_a_row_too_many_are_named(folder: Path) -> None:
    path = folder / "edition" / "ranks.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[1].replace("u1", "u9").replace("u2", "u9"))
    signed_again(folder / "edition", "edition.json")
    found = {finding.place: finding.found for finding in verify(folder / "edition", folder / "archive")}
    assert found["ranks.csv, bloc east, unit u9"] == "a row"
    assert found["ranks.csv, bloc east, unit u1"] == "no row"


def test_a_changed_scorecard_is_named(folder: Path) -> None:
    scorecard = folder / "edition" / "u1.pdf"
    scorecard.write_bytes(b"%PDF-1.7 pagf")
    assert places(scorecard) == ["u1.pdf"]
    assert "u1.pdf" in places(folder / "edition")


def test_a_scorecard_beside_a_changed_table_is_no_longer_vouched_for(folder: Path) -> None:
    DIGIT(folder / "edition")
    assert "estimates.csv" in places(folder / "edition" / "u1.pdf")


def test_a_scorecard_that_was_laid_into_the_folder_is_named(folder: Path) -> None:
    (folder / "edition" / "u9.pdf").write_bytes(b"%PDF")
    (finding,) = verify(folder / "edition" / "u9.pdf")
    assert (finding.place, finding.found) == ("u9.pdf", "a file that the manifest does not know")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("estimates.csv", b"a,b\n1,2\n"),
        ("estimates.json", b"{"),
        ("estimates.parquet", b"PAR1"),
        ("questionnaire.yaml", b"questionnaire: 1\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(folder: Path, name: str, content: bytes) -> None:
    (folder / "edition" / name).write_bytes(content)
    assert name in {place.split(",")[0] for place in places(folder / "edition", folder / "archive")}


def test_a_file_that_is_gone_is_named(folder: Path) -> None:
    (folder / "edition" / "estimates.json").unlink()
    assert places(folder / "edition") == ["estimates.json"]


def test_a_link_in_an_edition_is_refused(folder: Path) -> None:
    (folder / "edition" / "u1.pdf").rename(folder / "u1.pdf")
    (folder / "edition" / "u1.pdf").symlink_to(folder / "u1.pdf")
    assert [f.found for f in verify(folder / "edition")] == ["a symbolic link"]


def test_what_is_nothing_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.pdf").write_bytes(b"%PDF")
    for path in (tmp_path, tmp_path / "page.pdf", tmp_path / "nothing"):
        with pytest.raises(AnalysisError, match="expected"):
            verify(path)
