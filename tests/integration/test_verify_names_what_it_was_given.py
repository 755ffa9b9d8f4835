"""`hailong verify` of something that is no archive, no edition and no document of one: one line that names it."""

from pathlib import Path

import pytest

from support.command_line import environment_of_settings, run
from support.published import publish_by_hand, sipas_edition
from survey.settings import Settings
from survey.storage.stores import Stores


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("letter.txt", b"hello", "found a file that belongs to no edition"),
        ("empty.pdf", b"", "found a file that is no PDF"),
        ("half.pdf", b"%PDF-1.7\n" + b"x" * 1000, "the PDF cannot be read"),
        ("folder", None, "found neither manifest.json nor edition.json"),
        ("gone.pdf", None, "found nothing at"),
    ],
)
def test_what_cannot_be_verified_is_named(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    target = tmp_path / name
    if content is not None:
        target.write_bytes(content)
    elif name == "folder":
        target.mkdir()
    done = run({"HAILONG_INSTANCE": str(tmp_path / "var")}, "verify", target)
    assert (done.exit_code, done.output) == (2, "")
    (line,) = done.errors.splitlines()
    assert said in line
    assert str(target) in line
    assert not (tmp_path / "var").exists()


def test_a_damaged_document_of_an_edition_is_a_finding(sqlite_settings: Settings, sqlite_stores: Stores) -> None:
    folder = publish_by_hand(sqlite_settings, sqlite_stores, sipas_edition((60, 25)))
    document = next(folder.glob("*.pdf"))
    document.write_bytes(document.read_bytes() + b" altered")
    done = run(environment_of_settings(sqlite_settings.instance, None), "verify", document)
    assert done.exit_code == 1
    assert f"{document.name}: found SHA-256" in done.output
    assert f"{document.name}: found the PDF cannot be read" in done.output
    assert done.output.count("expected a PDF as it was published") == 1
