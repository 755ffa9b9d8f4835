"""Archives: what was written is read back, and nothing else is taken for an archive."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from analysis import sealed_folders
from analysis.accounting import AccountingRow
from analysis.archive import (
    Archive,
    ArchiveContents,
    Counts,
    examine_archive,
    manifest_bytes,
    read_accounting,
    read_archive,
    write_archive,
)
from analysis.errors import ArchiveError
from analysis.responses import response_schema, tabulate_responses
from analysis.signatures import canonical_json, signed
from questionnaires.modules import attach
from questionnaires.reading import parse_questionnaire
from support.archives import FORGER, QUESTIONNAIRE, SIGNER, archive_at, contents_of, tabulated

ROWS = [("u1", "1", "2", "3"), ("u1", "4", None, "5"), ("u2", "dk", "na", "1")]
BLOCS = {"u1": "east", "u2": "east"}


@pytest.fixture
def contents() -> ArchiveContents:
    return contents_of(tabulated(ROWS), blocs=BLOCS, population={"u1": 100, "u2": 50}, comments=b"sealed text")


@pytest.fixture
def archive(tmp_path: Path, contents: ArchiveContents) -> Archive:
    return archive_at(tmp_path / "archive", contents)


def test_what_was_written_is_read_back(archive: Archive, contents: ArchiveContents) -> None:
    read = archive.contents
    assert read.responses.equals(contents.responses)
    assert replace(read, responses=contents.responses, coarsening={}) == replace(contents, coarsening={})
    assert archive.comments == "present"
    assert archive.questionnaire.reference == "small/1"


def test_answers_become_typed_columns() -> None:
    questionnaire = parse_questionnaire(QUESTIONNAIRE.encode(), "small.yaml")
    table = tabulate_responses(
        questionnaire,
        [
            ({"unit": "u1"}, {"a": "3", "ways": ("web",), "days": 4.0, "note": "a text that stays away"}),
            ({"unit": "u1", "psu": "v1"}, {"ways": ("na",)}),
            ({"unit": "u2"}, {}),
        ],
    )
    assert table.schema.equals(response_schema(questionnaire))
    assert table.drop_columns(["stratum", "channel", "b", "c"]).to_pylist() == [
        {"unit": "u1", "psu": "", "a": "3", "ways_desk": False, "ways_web": True, "ways_na": False, "days": 4.0},
        {"unit": "u1", "psu": "v1", "a": None, "ways_desk": False, "ways_web": False, "ways_na": True, "days": None},
        {"unit": "u2", "psu": "", "a": None, "ways_desk": None, "ways_web": None, "ways_na": None, "days": None},
    ]


def test_the_manifest_has_no_time_finer_than_the_day(archive: Archive) -> None:
    text = json.dumps({key: value for key, value in archive.manifest.items() if key != "signature"})
    assert '"opens_on": "2026-03-01"' in text
    assert not any(f"T{hour:02}:" in text for hour in range(24))


def test_the_data_package_describes_the_files_that_lie_beside_it(tmp_path: Path, archive: Archive) -> None:
    package = json.loads((tmp_path / "archive" / "datapackage.json").read_text())
    assert package["name"] == archive.contents.facts.slug
    by_name = {resource["name"]: resource for resource in package["resources"]}
    assert set(by_name) == {"responses", "units", "questionnaire", "plan", "design"}
    fields = {field["name"]: field["type"] for field in by_name["responses"]["schema"]["fields"]}
    assert fields == {
        "unit": "string", "stratum": "string", "psu": "string", "channel": "string", "a": "string", "b": "string",
        "c": "string", "ways_desk": "boolean", "ways_web": "boolean", "ways_na": "boolean", "days": "number",
    }  # fmt: skip
    for resource in package["resources"]:
        content = (tmp_path / "archive" / resource["path"]).read_bytes()
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{sealed_folders.sha256_hex(content)}"
    units = by_name["units"]["schema"]
    header = (tmp_path / "archive" / "units.csv").read_text().splitlines()[0]
    assert ",".join(field["name"] for field in units["fields"]) == header
    assert units["primaryKey"] == "code"


def test_an_archive_without_its_comments_is_still_whole(tmp_path: Path, archive: Archive) -> None:
    (tmp_path / "archive" / "comments.enc").unlink()
    erased = read_archive(tmp_path / "archive")
    assert erased.comments == "erased"
    assert erased.contents.comments is None
    assert erased.contents.comment_count == 1


def test_other_comments_are_found(tmp_path: Path, archive: Archive) -> None:
    (tmp_path / "archive" / "comments.enc").write_bytes(b"another text")
    with pytest.raises(ArchiveError, match=r"comments\.enc: found SHA-256"):
        read_archive(tmp_path / "archive")


def test_nothing_is_written_over(tmp_path: Path, contents: ArchiveContents) -> None:
    (tmp_path / "archive").mkdir()
    with pytest.raises(ArchiveError, match="found something there already"):
        write_archive(contents, tmp_path / "archive", SIGNER)
    assert list((tmp_path / "archive").iterdir()) == []


def test_a_write_that_breaks_off_leaves_nothing(
    tmp_path: Path, contents: ArchiveContents, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync
    calls: list[int] = []

    def full_disk(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(sealed_folders.os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_archive(contents, tmp_path / "archive", SIGNER)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda c: replace(c, counts=replace(c.counts, sealed=4)), "found 3 rows, expected 4"),
        (lambda c: replace(c, counts=Counts(8, 4, 3, 3, {})), "found spent 4, spooled 3, sealed 3, rejected 0"),
        (lambda c: replace(c, units=c.units[:1]), "found 'u2', expected a unit of units.csv"),
        (lambda c: replace(c, responses=c.responses.drop_columns(["days"])), "found other columns (days: double)"),
        (
            lambda c: replace(c, responses=c.responses.append_column("time", pa.array([1, 2, 3]))),
            "found other columns (time: int64)",
        ),
    ],
)
def test_contents_that_contradict_themselves_are_not_sealed(
    tmp_path: Path, contents: ArchiveContents, change: Callable[[ArchiveContents], ArchiveContents], complaint: str
) -> None:
    with pytest.raises(ArchiveError) as refusal:
        write_archive(change(contents), tmp_path / "archive", SIGNER)
    assert complaint in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def findings_after(folder: Path, change: Callable[[Path], object]) -> list[str]:
    change(folder)
    return [str(finding) for finding in examine_archive(folder)[1]]


def test_a_file_that_nobody_sealed_is_named(tmp_path: Path, archive: Archive) -> None:
    found = findings_after(tmp_path / "archive", lambda folder: (folder / "list.csv").write_text("names"))
    assert found == ["list.csv: found a file that the manifest does not know, expected only the manifest's files"]


def test_a_symbolic_link_is_refused_even_when_it_leads_to_the_same_bytes(tmp_path: Path, archive: Archive) -> None:
    def link(folder: Path) -> None:
        (folder / "plan.yaml").rename(tmp_path / "elsewhere.yaml")
        (folder / "plan.yaml").symlink_to(tmp_path / "elsewhere.yaml")

    assert "plan.yaml: found a symbolic link" in findings_after(tmp_path / "archive", link)[0]


def test_a_link_to_an_archive_is_no_archive(tmp_path: Path, archive: Archive) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "archive")
    with pytest.raises(ArchiveError, match="found a symbolic link"):
        read_archive(tmp_path / "link")


@pytest.mark.parametrize("name", ["responses.parquet", "design.yaml", "units.csv", "datapackage.json"])
def test_a_missing_file_is_named(tmp_path: Path, archive: Archive, name: str) -> None:
    found = findings_after(tmp_path / "archive", lambda folder: (folder / name).unlink())
    assert any(finding.startswith(f"{name}: found no such file") for finding in found)


def test_an_altered_line_is_named_with_its_number(tmp_path: Path, archive: Archive) -> None:
    def alter(folder: Path) -> None:
        design = folder / "design.yaml"
        design.write_text(design.read_text().replace("u1: 100", "u1: 101"))

    found = findings_after(tmp_path / "archive", alter)
    assert found[0] == "design.yaml, line 4: found `u1: 101`, expected the line as it was sealed"


def test_whoever_also_alters_the_manifest_breaks_the_signature(tmp_path: Path, archive: Archive) -> None:
    def forge(folder: Path) -> None:
        design = folder / "design.yaml"
        design.write_text(design.read_text().replace("u1: 100", "u1: 101"))
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"].update(sealed_folders.describe_files({"design.yaml": design.read_bytes()}))
        (folder / "manifest.json").write_text(json.dumps(manifest))

    found = findings_after(tmp_path / "archive", forge)
    assert found[0].startswith("manifest.json, signature: found a signature that does not fit the document")
    # The data package's own hash still bears witness to what the design was.
    assert any(finding.startswith("design.yaml: found sha256:") for finding in found)


def test_a_signature_by_a_stranger_is_seen_where_the_key_is_known(tmp_path: Path, archive: Archive) -> None:
    path = tmp_path / "archive" / "manifest.json"
    path.write_bytes(manifest_bytes(signed(json.loads(path.read_text()), FORGER)))
    assert examine_archive(tmp_path / "archive")[1] == []
    (finding,) = examine_archive(tmp_path / "archive", trusted_key=SIGNER.public_key)[1]
    assert finding.found.startswith("signed with another key, fingerprint ")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"archive": 1}', b"[" * 100_000, b"\xff"])
def test_a_broken_manifest_is_refused(tmp_path: Path, archive: Archive, content: bytes) -> None:
    (tmp_path / "archive" / "manifest.json").write_bytes(content)
    with pytest.raises(ArchiveError, match=r"manifest\.json: found"):
        read_archive(tmp_path / "archive")


def test_no_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="found nothing, expected a folder"):
        read_archive(tmp_path / "nowhere")
    with pytest.raises(ArchiveError, match="found nothing, expected a manifest"):
        read_archive(tmp_path)


def test_canonical_json_has_one_spelling() -> None:
    assert canonical_json({"b": 1, "a": "ữ"}) == '{"a":"ữ","b":1}'.encode()
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json(float("nan"))


MODULE = QUESTIONNAIRE.replace("name: small", "name: more").replace("all_items", "more_items")
for _code in ("a", "b", "c", "ways", "days", "note"):
    MODULE = MODULE.replace(f"code: {_code},", f"code: x_{_code},").replace(f"item: {_code},", f"item: x_{_code},")
MODULE = MODULE.replace("code: ways\n", "code: x_ways\n")
ACCOUNTING = (
    AccountingRow("u1", "web", None, 5, 2, 2, 0),
    AccountingRow("u1", "all", 100, 5, 2, 2, 0),
    AccountingRow("u2", "web", None, 3, 1, 1, 0),
    AccountingRow("u2", "all", 50, 3, 1, 1, 0),
    AccountingRow("all", "all", 150, 8, 3, 3, 0),
)


@pytest.fixture
def whole(contents: ArchiveContents) -> ArchiveContents:
    """Contents with everything that an archive of the second format may have."""
    questionnaire = attach(
        parse_questionnaire(QUESTIONNAIRE.encode(), "small.yaml"), [parse_questionnaire(MODULE.encode(), "more.yaml")]
    )
    answers = [{"a": "1", "x_a": "5"}, {"b": "2"}, {"x_ways": ("web",)}]
    responses = tabulate_responses(
        questionnaire, [({"unit": unit}, given) for unit, given in zip(("u1", "u1", "u2"), answers, strict=True)]
    )
    units = tuple(replace(unit, bloc_name_en="East") for unit in contents.units)
    return replace(
        contents,
        responses=responses,
        units=units,
        module_sources=(MODULE.encode(),),
        accounting=ACCOUNTING,
        recompute=b"library(survey)\n",
    )


def test_modules_accounting_and_script_are_read_back(tmp_path: Path, whole: ArchiveContents) -> None:
    archive = archive_at(tmp_path / "archive", whole)
    assert replace(archive.contents, coarsening={}, responses=whole.responses) == replace(whole, coarsening={})
    assert [module.reference for module in archive.questionnaire.modules] == ["more/1"]
    assert archive.manifest["archive"] == 2
    package = json.loads((tmp_path / "archive" / "datapackage.json").read_bytes())
    assert {resource["path"] for resource in package["resources"]} >= {
        "module-more.yaml", "accounting.csv", "recompute.R",
    }  # fmt: skip
    assert read_accounting(tmp_path / "archive", archive.manifest_sha256) == ACCOUNTING


@pytest.mark.parametrize("name", ["module-more.yaml", "accounting.csv", "recompute.R"])
def test_a_changed_or_missing_file_of_the_second_format_is_found(
    tmp_path: Path, whole: ArchiveContents, name: str
) -> None:
    archive_at(tmp_path / "archive", whole)
    place = tmp_path / "archive" / name
    place.write_bytes(place.read_bytes() + b"\n# changed\n")
    with pytest.raises(ArchiveError, match=name):
        read_archive(tmp_path / "archive")
    place.unlink()
    _, findings = examine_archive(tmp_path / "archive")
    assert any(finding.place == name and finding.found == "no such file" for finding in findings)


def test_an_accounting_that_does_not_add_up_is_not_sealed(tmp_path: Path, whole: ArchiveContents) -> None:
    odd = (replace(ACCOUNTING[0], sealed=1), *ACCOUNTING[1:])
    with pytest.raises(ArchiveError, match="unit 'u1', channel 'web': found spent 2, sealed 1, rejected 0"):
        write_archive(replace(whole, accounting=odd), tmp_path / "archive", SIGNER)
    short = (*ACCOUNTING[:-1], replace(ACCOUNTING[-1], issued=7, spent=3))
    with pytest.raises(ArchiveError, match="the round's row"):
        write_archive(replace(whole, accounting=short), tmp_path / "archive", SIGNER)


def test_the_accounting_of_another_archive_is_refused(tmp_path: Path, whole: ArchiveContents) -> None:
    archive = archive_at(tmp_path / "archive", whole)
    with pytest.raises(ArchiveError, match="as it was sealed"):
        read_accounting(tmp_path / "archive", "0" * 64)
    (tmp_path / "archive" / "accounting.csv").write_bytes(b"unit\n")
    with pytest.raises(ArchiveError, match="found another file or none"):
        read_accounting(tmp_path / "archive", archive.manifest_sha256)


def test_an_archive_of_the_first_format_is_read_as_it_was_written(tmp_path: Path) -> None:
    former = Path(__file__).resolve().parents[2] / "golden" / "first_format" / "kansas-city-2021-09"
    archive = read_archive(former)
    contents = archive.contents
    assert archive.manifest["archive"] == 1
    assert (contents.module_sources, contents.accounting, contents.recompute) == ((), (), b"")
    assert archive.questionnaire.modules == ()
    assert {unit.bloc_name_en for unit in contents.units} == {""}
    assert contents.facts.collected == "elsewhere"
    assert read_accounting(former, archive.manifest_sha256) == ()
    # Written again it is an archive of the second format, with the same answers.
    again = archive_at(tmp_path / "again", contents)
    assert again.manifest["archive"] == 2
    assert again.contents.responses.equals(contents.responses)


def test_an_archive_of_a_later_format_is_not_guessed_at(tmp_path: Path, contents: ArchiveContents) -> None:
    archive_at(tmp_path / "archive", contents)
    place = tmp_path / "archive" / "manifest.json"
    place.write_text(place.read_text().replace('"archive": 2', '"archive": 3'))
    with pytest.raises(ArchiveError, match="found `archive: 3`, expected 1 or 2"):
        read_archive(tmp_path / "archive")


@pytest.mark.parametrize("collected", ["here", "elsewhere", "simulated"])
def test_where_answers_come_from_is_kept(tmp_path: Path, contents: ArchiveContents, collected: str) -> None:
    facts = replace(contents.facts, collected=collected)  # type: ignore[arg-type]
    assert archive_at(tmp_path / "archive", replace(contents, facts=facts)).contents.facts.collected == collected


def test_several_ratings_of_a_ballot_count_once(tmp_path: Path, contents: ArchiveContents) -> None:
    source = QUESTIONNAIRE.replace("model_name: SMALL", "model_name: SMALL\nmost_units: 2")
    source = source.replace("  - code: all_items\n", "  - code: all_items\n    per_unit: true\n")
    questionnaire = parse_questionnaire(source.encode(), "several.yaml")
    responses = tabulate_responses(
        questionnaire, [({"unit": unit, "ballot": "b1"}, {"a": "1"}) for unit in ("u1", "u2")]
    )
    several = replace(
        contents,
        questionnaire_source=source.encode(),
        design_source=b"design: 1\nclusters: [ballot]\n",
        responses=responses,
        counts=Counts(1, 1, 1, 1, {}),
    )
    assert archive_at(tmp_path / "archive", several).contents.responses.num_rows == 2
    with pytest.raises(ArchiveError, match="found 1 ballots, expected 2"):
        write_archive(replace(several, counts=Counts(2, 2, 2, 2, {})), tmp_path / "another", SIGNER)


@pytest.mark.parametrize("change", [lambda text: text + " ", lambda text: text.replace("\n ", "\n  ", 1)])
def test_a_manifest_that_says_the_same_in_other_bytes_is_seen(
    tmp_path: Path, archive: Archive, change: Callable[[str], str]
) -> None:
    path = tmp_path / "archive" / "manifest.json"
    path.write_text(change(path.read_text()))
    (finding,) = examine_archive(tmp_path / "archive")[1]
    assert finding.found == "JSON in another spelling"


def test_a_signature_in_capitals_is_seen(tmp_path: Path, archive: Archive) -> None:
    path = tmp_path / "archive" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["signature"]["value"] = manifest["signature"]["value"].upper()
    path.write_bytes(manifest_bytes(manifest))
    (finding,) = examine_archive(tmp_path / "archive")[1]
    assert finding.found == "a signature in another spelling than its signer's"
