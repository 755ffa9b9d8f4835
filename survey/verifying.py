"""Checking what was sealed and published, with the archive of an edition found where this instance keeps it."""

import json
from dataclasses import replace
from pathlib import Path

from analysis.archive import MANIFEST as ARCHIVE_MANIFEST
from analysis.indices.published_tables import check_score_table
from analysis.release.edition import MANIFEST as EDITION_MANIFEST
from analysis.release.verification import Verification, examine
from analysis.sealed_folders import sha256_hex
from analysis.signatures import public_key_of
from survey.custody_record import SUFFIX, examine_record
from survey.errors import BadInput, HailongError, NotFound
from survey.plain_files import read_plain_file
from survey.vault import SIGNING_NAME, KeyVault

LARGEST_TABLE = 50_000_000


def verify_path(path: Path, instance: Path, archive: Path | None = None, key: str | None = None) -> Verification:
    """What is wrong with the archive, the edition, the document of an edition or the table of scores at `path`.

    The archive of an edition is `archive`, or the one in the instance whose manifest the edition names; nothing in the
    instance is changed, and there need be none. `key` is the public key that must have signed, in 64 hex digits.

    Raises NotFound, BadInput, ArchiveError or EditionError when there is nothing at `path` that can be verified.
    """
    trusted_key = _key(key)
    if not path.exists() and not path.is_symlink():
        raise NotFound(f"found nothing at {path}, expected an archive, an edition, a scorecard or a table of scores")
    if path.is_file() and path.suffix == ".csv" and not (path.parent / EDITION_MANIFEST).is_file():
        checked = check_score_table(read_plain_file(path, LARGEST_TABLE), path.name)
        notes = tuple(f"suspicious: {suspicion}" for suspicion in checked.suspicions)
        return Verification("table", path, checked.findings, notes)
    if path.name.endswith(SUFFIX) and path.is_file():
        return _with_office(examine_record(path, trusted_key), instance)
    if archive is not None and not (archive / ARCHIVE_MANIFEST).is_file():
        raise BadInput(f"{archive}: found no {ARCHIVE_MANIFEST}, expected an archive")
    if archive is None and (path / EDITION_MANIFEST).is_file():
        archive = _archive_of(path, instance)
    return _with_office(examine(path, archive, trusted_key), instance)


def _key(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise BadInput(f"key: found {text[:80]!r}, expected the 64 hex digits of an Ed25519 public key")
    return key


def _archive_of(edition: Path, instance: Path) -> Path | None:
    try:
        wanted = json.loads((edition / EDITION_MANIFEST).read_bytes())["archive"]["manifest_sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    for manifest in sorted((instance / "archives").glob(f"*/{ARCHIVE_MANIFEST}")):
        if sha256_hex(manifest.read_bytes()) == wanted:
            return manifest.parent
    return None


def _with_office(verification: Verification, instance: Path) -> Verification:
    """The verification with a note on whether this instance's own key signed, where it has one."""
    folder = verification.path if verification.path.is_dir() else verification.path.parent
    manifest = folder / (ARCHIVE_MANIFEST if verification.kind == "archive" else EDITION_MANIFEST)
    if verification.kind == "custody":
        manifest = verification.path
    try:
        own = KeyVault(instance / "keys", None).public_key(SIGNING_NAME)
        signer = public_key_of(json.loads(manifest.read_bytes()))
    except (HailongError, OSError, ValueError, RecursionError):
        return verification
    note = "that is the key of this instance" if signer == own else "that is not the key of this instance"
    return replace(verification, notes=(*verification.notes, note))
