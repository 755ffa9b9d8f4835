"""Custody as an operator types it: custodians, trial, open, seal, shares-destroyed (C2)."""

import json
import stat
from pathlib import Path

import pytest

from support.command_line import RunHailong, environment_of_settings, run
from support.custodians import NAMES, PASSPHRASES, entrust
from support.rounds import SLUG, Collection, planned_collection
from survey.rounds import close_round
from survey.settings import Settings
from survey.storage.stores import Stores

pytestmark = pytest.mark.slow


@pytest.fixture
def collection(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Collection:
    return planned_collection(sqlite_settings, sqlite_stores, tmp_path)


@pytest.fixture
def hailong(sqlite_settings: Settings) -> RunHailong:
    return lambda *arguments: run(environment_of_settings(sqlite_settings.instance, None), "round", *arguments)


def passphrase_files(folder: Path) -> list[Path]:
    paths = [folder / f"passphrase-{number}" for number in (1, 2, 3)]
    for path, text in zip(paths, PASSPHRASES, strict=True):
        path.write_text(text + "\n", encoding="utf-8")
    return paths


def named(folder: Path, *, need: int = 2) -> list[object]:
    people = [part for name in NAMES for part in ("--custodian", name)]
    secrets = [part for path in passphrase_files(folder) for part in ("--passphrase-file", path)]
    return ["custodians", SLUG, "--need", need, *people, *secrets, "--out", folder / "shares"]


def shared(folder: Path, *numbers: int, passphrases: tuple[int, ...] | None = None) -> list[object]:
    files = [part for number in numbers for part in ("--share", folder / "shares" / f"{SLUG}-share-{number}.json")]
    secrets = passphrases or numbers
    return files + [part for n in secrets for part in ("--share-passphrase-file", folder / f"passphrase-{n}")]


def test_a_round_is_led_through_custody_on_the_command_line(
    collection: Collection, hailong: RunHailong, tmp_path: Path
) -> None:
    made = hailong(*named(tmp_path))
    assert (made.exit_code, made.errors) == (0, "")
    assert f"round {SLUG}: 2 of 3 custodians open its ballots, key {collection.record.key_fingerprint}" in made.output
    for path in (tmp_path / "shares").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    twice = hailong(*named(tmp_path))
    assert (twice.exit_code, "found a share of an earlier key in it" in twice.errors) == (2, True)
    early = hailong("open", SLUG)
    assert (early.exit_code, early.errors.count("\n")) == (2, 1)
    assert f"hailong round trial {SLUG} --share FILE" in early.errors
    tried = hailong("trial", SLUG, *shared(tmp_path, 1, 3))
    assert (tried.exit_code, f"not tried yet: share 2, {NAMES[1]}" in tried.output) == (0, True)
    opened = hailong("open", SLUG)
    assert (opened.exit_code, opened.errors) == (0, "")
    close_round(collection.stores, SLUG)
    few = hailong("seal", SLUG, *shared(tmp_path, 2))
    assert (few.exit_code, "found 1 shares, expected at least 2" in few.errors) == (2, True)
    sealed = hailong("seal", SLUG, *shared(tmp_path, 2, 3))
    assert sealed.exit_code == 0, sealed.errors
    assert "destroying the ballot key" not in sealed.errors
    said = hailong("shares-destroyed", SLUG, "--custodian", NAMES[0], "--by", "Nguyễn Thị Lan")
    assert (said.exit_code, "1 more shares are to be destroyed by" in said.output) == (0, True)
    said = hailong("shares-destroyed", SLUG, "--custodian", NAMES[1], "--by", "Nguyễn Thị Lan")
    assert "the rest cannot give the key" in said.output
    environment = environment_of_settings(collection.settings.instance, None)
    checked = run(environment, "verify", collection.settings.instance / "archives" / f"{SLUG}.custody.json")
    assert checked.exit_code == 0, checked
    assert "record of a round's shares" in checked.output
    status = json.loads(hailong("custody", SLUG, "--json").output)
    assert (status["need"], status["n_to_destroy"], len(status["custodians"])) == (2, 0, 3)
    assert json.loads(hailong("status", SLUG, "--json").output)["custody"] == {"need": 2, "shares": 3}


def test_mistakes_with_shares_are_one_line_each(collection: Collection, hailong: RunHailong, tmp_path: Path) -> None:
    passphrase_files(tmp_path)
    (tmp_path / "shares").mkdir()
    for share in entrust(collection):
        (tmp_path / "shares" / share.name).write_bytes(share.content)
    broken = tmp_path / "shares" / f"{SLUG}-share-3.json"
    broken.write_bytes(broken.read_bytes().replace(b'"number": 3', b'"number": 2'))
    for arguments, message in (
        (shared(tmp_path, 1, 1), f"found the share of “{NAMES[0]}” (number 1) twice"),
        (shared(tmp_path, 1, 2, passphrases=(1, 1)), f"the passphrase does not open the share of “{NAMES[1]}”"),
        (shared(tmp_path, 1, 3), "found a share that is damaged"),
        (shared(tmp_path, 1, 2, passphrases=(1,)), "found 1 passphrase files for 2 shares"),
        (["--share", tmp_path / "passphrase-1"], "found another kind of file, expected a share"),
        (["--share", tmp_path / "none.json"], "none.json: found no readable file"),
    ):
        told = hailong("trial", SLUG, *arguments)
        assert (told.exit_code, told.output) == (2, ""), told
        assert message in told.errors
        assert told.errors.count("\n") == 1
    assert collection.record.custody is not None
    assert not collection.record.custody.is_tried
    short = tmp_path / "passphrase-1"
    short.write_text("ngắn", encoding="utf-8")
    refused = hailong(
        "custodians",
        SLUG,
        "--need",
        2,
        *["--custodian", "A", "--custodian", "B"],
        "--out",
        tmp_path / "o",
        "--passphrase-file",
        short,
        "--passphrase-file",
        short,
    )
    assert (refused.exit_code, "expected at least 12" in refused.errors) == (2, True)
    assert not (tmp_path / "o").exists()
