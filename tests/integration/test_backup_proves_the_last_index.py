"""A restored instance recomputes the last index that was published, and says so when it is another one."""

import hashlib
from datetime import date
from pathlib import Path

import pytest

from analysis.archive import read_archive
from analysis.release.computing import compute_edition
from analysis.release.edition_folder import write_edition
from support.stores import settings_in
from survey.backup import restore_backup, write_backup
from survey.importing import ImportRequest, import_round
from survey.proving import prove_instance
from survey.rounds import mark_published
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.vault import KeyVault

KANSAS_CITY = Path(__file__).parents[2] / "survey" / "demonstration" / "kansas_city"
SLUG = "kansas"
TODAY = date(2026, 11, 23)


@pytest.fixture
def backup(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Path:
    """A backup of an instance with one published round."""
    passphrase = sqlite_settings.passphrase_file.read_bytes().strip()
    vault = KeyVault(sqlite_settings.instance / "keys", passphrase, scrypt_cost=2**14)
    request = ImportRequest(
        slug=SLUG,
        questionnaire="kansas_city/2021.1",
        answers=KANSAS_CITY / "answers.csv",
        design=KANSAS_CITY / "design.yaml",
        plan=KANSAS_CITY / "plan.yaml",
    )
    import_round(sqlite_stores, vault, sqlite_settings, request, TODAY)
    archive = read_archive(sqlite_settings.instance / "archives" / SLUG)
    edition = compute_edition(archive, published_on=TODAY, public_url=None)
    folder = sqlite_settings.instance / "editions" / SLUG / "1"
    write_edition(edition, folder, {}, vault.signer())
    manifest_hash = hashlib.sha256((folder / "edition.json").read_bytes()).hexdigest()
    mark_published(sqlite_stores, SLUG, number=1, manifest_hash=manifest_hash, published_on=TODAY)
    file = tmp_path / "backup.hailong"
    write_backup(sqlite_settings, sqlite_stores, file)
    return file


@pytest.mark.slow
def test_the_last_index_is_recomputed_and_a_changed_figure_is_found(backup: Path, tmp_path: Path) -> None:
    target = settings_in(tmp_path / "other")
    restore_backup(target, backup)
    findings = {finding.subject: finding for finding in prove_instance(target)}
    assert [finding for finding in findings.values() if not finding.is_fine] == []
    last = findings[f"last index, edition 1 of {SLUG}"]
    assert last.found == "recomputed from the archive, every figure the same"
    table = target.instance / "editions" / SLUG / "1" / "estimates.csv"
    table.write_bytes(table.read_bytes().replace(b"5", b"6", 1))
    failed = [finding for finding in prove_instance(target) if not finding.is_fine]
    assert [finding.subject for finding in failed] == [f"last index, edition 1 of {SLUG}"]
    assert "estimates.csv" in failed[0].found
