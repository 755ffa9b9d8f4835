"""Auditing an edition: what its readers can work out of the figures that it hides."""

from collections.abc import Sequence
from pathlib import Path

from analysis.archive import MANIFEST as ARCHIVE_MANIFEST
from analysis.archive import read_archive
from analysis.release.disclosure_audit import Audit, audit
from analysis.release.disclosure_weights import weights_in_totals
from analysis.release.edition import Edition
from analysis.release.edition_folder import MANIFEST, read_edition
from survey.errors import BadInput


def audit_edition(path: Path, earlier: Sequence[Path] = (), archive: Path | None = None) -> Audit:
    """The audit of the edition at `path`, together with editions that were published before it.

    Every range is followed to its ends. Raises BadInput where there is no edition, or the archive is not the edition's;
    EditionError or ArchiveError where one is not whole.
    """
    edition = _edition_at(path)
    weights = None
    if archive is not None:
        if not (archive / ARCHIVE_MANIFEST).is_file():
            raise BadInput(f"{archive}: found no {ARCHIVE_MANIFEST}, expected an archive")
        source = read_archive(archive)
        if source.manifest_sha256 != edition.archive_manifest_sha256:
            raise BadInput(f"{archive}: found the archive of another edition, expected that of {path}")
        weights = weights_in_totals(source)
    return audit(edition, [_edition_at(other) for other in earlier], weights, exactly=True)


def _edition_at(path: Path) -> Edition:
    if not (path / MANIFEST).is_file():
        raise BadInput(f"{path}: found no {MANIFEST}, expected the folder of an edition")
    return read_edition(path)
