"""The published editions of an instance: found in the office store, read from their folders, checked and kept."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import EditionError
from analysis.release.edition import Edition
from analysis.release.edition_folder import MANIFEST, read_edition
from analysis.scorecards.content import Composer
from analysis.sealed_folders import sha256_hex
from survey.round_records import EditionRecord


@dataclass(frozen=True, slots=True)
class OpenEdition:
    """An edition whose signature, hashes and record were found to agree, with what composes pages from it."""

    edition: Edition
    composer: Composer
    folder: Path
    hashes: Mapping[str, str]

    def content(self, name: str) -> bytes | None:
        """The bytes of one of its files, or None when it has no such file; a file changed since is an EditionError."""
        if name not in self.hashes:
            return None
        content = (self.folder / name).read_bytes()
        if sha256_hex(content) != self.hashes[name]:
            raise EditionError(f"{self.folder / name}: found other bytes than were published")
        return content


class EditionShelf:
    """Editions kept in memory by the hash of their manifest: each is checked once and read once."""

    def __init__(self, instance: Path, n_kept: int = 16) -> None:
        self._root = instance / "editions"
        self._n_kept = n_kept
        self._kept: OrderedDict[tuple[str, int, str], OpenEdition] = OrderedDict()
        self._lock = threading.Lock()

    def folder(self, slug: str, number: int) -> Path:
        """Where an edition of a round lies."""
        return self._root / slug / str(number)

    def open(self, slug: str, record: EditionRecord) -> OpenEdition:
        """The edition of this record; raises EditionError when its folder is not what was recorded."""
        return self.open_at(self.folder(slug, record.number), slug, record.number, record.manifest_hash)

    def open_at(self, folder: Path, slug: str, number: int, manifest_hash: str) -> OpenEdition:
        """The edition in this folder; raises EditionError when it is not of this round, number and manifest."""
        key = (slug, number, manifest_hash)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            opened = open_edition(folder, slug, number, manifest_hash)
            self._kept[key] = opened
            while len(self._kept) > self._n_kept:
                self._kept.popitem(last=False)
            return opened


def open_edition(folder: Path, slug: str, number: int, manifest_hash: str) -> OpenEdition:
    """The edition in a folder; raises EditionError when it is not whole, or not of this round, number and manifest."""
    try:
        found = sha256_hex((folder / MANIFEST).read_bytes())
    except OSError as problem:
        raise EditionError(f"{folder / MANIFEST}: cannot be read ({problem.strerror})") from None
    if found != manifest_hash:
        raise EditionError(f"{folder / MANIFEST}: found sha256 {found[:12]}, expected {manifest_hash[:12]}")
    edition = read_edition(folder)
    if edition.facts.slug != slug or edition.number != number:
        raise EditionError(f"{folder}: found edition {edition.number} of {edition.facts.slug}")
    described = edition.manifest["files"]
    hashes = {str(name): str(facts["sha256"]) for name, facts in dict(described).items()}  # type: ignore[call-overload]
    hashes[MANIFEST] = manifest_hash
    return OpenEdition(edition, Composer(edition), folder, hashes)
