"""Checking what was sealed and published, with the archive of an edition found where this instance keeps it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from analysis.archive import MANIFEST as ARCHIVE_MANIFEST
from analysis.indices.published_tables import check_score_table
from analysis.release.edition_folder import MANIFEST as EDITION_MANIFEST
from analysis.release.verification import Verification, examine
from analysis.sealed_folders import sha256_hex
from analysis.signatures import public_key_of
from survey.custody_record import SUFFIX, examine_record
from survey.errors import BadInput, HailongError, NotFound
from survey.plain_files import read_plain_file
from survey.vault import SIGNING_NAME, KeyVault
from survey.verifying_documents import examine_pdf, signature_findings_of_edition

LARGEST_TABLE = 50_000_000
VERIFIABLE = "an archive, an edition, a scorecard or a table of scores"


def verify_path(
    path: Path,
    instance: Path,
    archive: Path | None = None,
    key: str | None = None,
    edition: Path | None = None,
    earlier: Sequence[Path] = (),
) -> Verification:
    """What is wrong with the archive, the edition, the document of an edition or the table of scores at `path`.

    The archive of an edition is `archive`, or the one in the instance whose manifest the edition names; nothing in the
    instance is changed, and there need be none. `key` is the public key that must have signed, in 64 hex digits. A PDF
    is one of `edition`, of the edition in whose folder it lies, or of an edition of the instance. The `earlier`
    editions that an edition names are looked for in the instance, too.

    Raises NotFound, BadInput, ArchiveError or EditionError when there is nothing at `path` that can be verified.
    """
    trusted_key = _key(key)
    if not path.exists() and not path.is_symlink():
        raise NotFound(f"found nothing at {path}, expected {VERIFIABLE}")
    if path.is_file() and path.suffix == ".csv" and not (path.parent / EDITION_MANIFEST).is_file():
        checked = check_score_table(read_plain_file(path, LARGEST_TABLE), path.name)
        notes = tuple(f"suspicious: {suspicion}" for suspicion in checked.suspicions)
        return Verification("table", path, checked.findings, notes)
    if path.name.endswith(SUFFIX) and path.is_file():
        return _with_office(examine_record(path, trusted_key), path, instance)
    if path.suffix.lower() == ".pdf" and path.is_file() and not path.is_symlink():
        return _with_office(*examine_pdf(path, instance, edition, trusted_key), instance)
    if path.is_dir() and not any((path / manifest).exists() for manifest in (ARCHIVE_MANIFEST, EDITION_MANIFEST)):
        raise BadInput(f"{path}: found neither {ARCHIVE_MANIFEST} nor {EDITION_MANIFEST}, expected {VERIFIABLE}")
    if path.is_file() and not (path.parent / EDITION_MANIFEST).exists():
        raise BadInput(f"{path}: found a file that belongs to no edition, expected {VERIFIABLE}")
    if archive is not None and not (archive / ARCHIVE_MANIFEST).is_file():
        raise BadInput(f"{archive}: found no {ARCHIVE_MANIFEST}, expected an archive")
    if archive is None and (path / EDITION_MANIFEST).is_file():
        archive = _archive_of(path, instance)
    for folder in earlier:
        if not (folder / EDITION_MANIFEST).is_file():
            raise BadInput(f"{folder}: found no {EDITION_MANIFEST}, expected an edition")
    verification = examine(path, archive, trusted_key, (*earlier, *_earlier_of(path, instance)))
    if verification.kind == "edition":
        verification = replace(verification, findings=(*verification.findings, *signature_findings_of_edition(path)))
    return _with_office(verification, path if path.is_dir() else path.parent, instance)


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


def _earlier_of(edition: Path, instance: Path) -> list[Path]:
    """The editions of this instance that an edition names as those of earlier rounds."""
    try:
        named = json.loads((edition / EDITION_MANIFEST).read_bytes()).get("earlier", [])
        wanted = {str(one["manifest_sha256"]) for one in named}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
    manifests = sorted((instance / "editions").glob(f"*/*/{EDITION_MANIFEST}")) if wanted else []
    return [manifest.parent for manifest in manifests if sha256_hex(manifest.read_bytes()) in wanted]


def _with_office(verification: Verification, place: Path | None, instance: Path) -> Verification:
    """The verification with a note on whether this instance's own key signed what lies at `place`, where it has one."""
    if place is None:
        return verification
    manifest = place / (ARCHIVE_MANIFEST if verification.kind == "archive" else EDITION_MANIFEST)
    if verification.kind == "custody":
        manifest = place
    try:
        own = KeyVault(instance / "keys", None).public_key(SIGNING_NAME)
        signer = public_key_of(json.loads(manifest.read_bytes()))
    except (HailongError, OSError, ValueError, RecursionError):
        return verification
    note = "that is the key of this instance" if signer == own else "that is not the key of this instance"
    return replace(verification, notes=(*verification.notes, note))
