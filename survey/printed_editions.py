"""Printed editions: an archive becomes an edition in a new folder, with its documents, signed; recorded nowhere."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from analysis.archive import Archive, read_archive
from analysis.errors import EditionError
from analysis.release.computing import compute_edition
from analysis.release.context import Context
from analysis.release.disclosure import RULES
from analysis.release.disclosure_audit import refuse_exposures
from analysis.release.disclosure_weights import weights_in_totals
from analysis.release.edition import Edition
from analysis.release.edition_folder import MANIFEST, read_edition, write_edition
from analysis.release.hard_data import HardData
from analysis.release.lineage import Registry
from analysis.scorecards.content import Composer
from analysis.sealed_folders import sha256_hex
from analysis.signatures import PrivateKeySigner, Signer
from survey.changing import read_registry
from survey.edition_pages import pages_of
from survey.errors import BadInput
from survey.office_documents import office_documents
from survey.print_pool import Printed, default_workers
from survey.print_spool import clear_spool, print_resumably, spool_of
from survey.printing import make_printer, rendering_versions
from survey.services import today as today_in_viet_nam
from survey.signing import DocumentSigning, PdfSigner

# Told how many documents are done, of how many, and which one it was with its failure.
Progress = Callable[[int, int, Printed], None]


@dataclass(frozen=True, slots=True)
class PrintedEdition:
    """An edition in its folder. `failures` names each document that could not be printed, with the reason."""

    edition: Edition
    folder: Path
    manifest_sha256: str
    failures: tuple[Printed, ...]

    @property
    def n_documents(self) -> int:
        """How many PDFs lie in the folder."""
        return len(list(self.folder.glob("*.pdf")))


def make_edition(
    archive: Archive,
    out: Path,
    signer: Signer,
    *,
    published_on: dt.date,
    public_url: str | None,
    number: int = 1,
    reason: str | None = None,
    hard_data: HardData | None = None,
    earlier: Sequence[Edition] = (),
    disclosure_rules: int = RULES,
    languages: Sequence[str] = ("vi",),
    only_units: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress | None = None,
    pdf_signer: PdfSigner | None = None,
    context: Context | None = None,
) -> PrintedEdition:
    """The edition of an archive in the new folder `out`, with a scorecard for each unit, a league for each bloc and a
    method annex.

    A document that cannot be printed is left out and named among the failures; the others are there all the same. With
    `only_units` the scorecards of these units are printed and nothing else. The folder appears whole or not at all.
    `context` is what the edition takes from elsewhere. Printing that was cut off goes on where it was.

    Raises BadInput when `out` is not empty or a unit is not in the archive, AnalysisError when there is no edition, and
    DisclosureError when it would tell, with the `earlier` ones of the round, what it hides.
    """
    refuse_occupied(out)
    edition = compute_edition(
        archive,
        number=number,
        published_on=published_on,
        public_url=public_url,
        reason=reason,
        hard_data=hard_data,
        disclosure_rules=disclosure_rules,
        context=context,
    )
    # What an edition of former rules gave away cannot be taken back by a correction that hides something else.
    if disclosure_rules == RULES:
        refuse_exposures(edition, earlier, weights_in_totals(archive))
    pages = pages_of(edition, languages, only_units)
    signing = DocumentSigning(pdf_signer, languages, f"{edition.facts.slug}, {edition.number}")
    spool, versions = spool_of(out), rendering_versions()
    printing = print_resumably(
        pages, make_printer, workers=_workers(workers, len(pages)), spool=spool, versions=versions
    )
    printed: list[Printed] = []
    for document in printing:
        printed.append(signing.signed(document))
        if progress is not None:
            progress(len(printed), len(pages), document)
    documents = {document.name: document.pdf for document in printed if document.pdf is not None}
    for name, content in () if only_units else office_documents(Composer(edition), languages):
        signing.note(name, content)
        documents[name] = content
    if out.is_dir():
        out.rmdir()
    write_edition(edition, out, dict(sorted(documents.items())), signer, versions, signing.as_json())
    clear_spool(spool)
    failures = sorted((document for document in printed if document.pdf is None), key=lambda document: document.name)
    return PrintedEdition(edition, out, _manifest_sha256(out), tuple(failures))


def print_archive(
    path: Path,
    out: Path,
    published_on: dt.date | None,
    *,
    hard_data: HardData | None = None,
    languages: Sequence[str] = ("vi",),
    only_units: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress | None = None,
    earlier_rounds: Sequence[Path] = (),
) -> PrintedEdition:
    """The edition of an archive from anywhere, signed with a key that is made for it and forgotten.

    The pages carry the day `published_on`, or today, and no public address. `earlier_rounds` are the folders of
    editions of earlier rounds; the registry that comes with this copy knows which of their units went into which.
    """
    refuse_occupied(out)
    registry = read_registry() if earlier_rounds else Registry()
    context = Context(tuple(read_edition(path) for path in earlier_rounds), registry)
    return make_edition(
        read_archive(path),
        out,
        PrivateKeySigner(Ed25519PrivateKey.generate()),
        published_on=published_on or today_in_viet_nam(),
        public_url=None,
        hard_data=hard_data,
        languages=languages,
        only_units=only_units,
        workers=workers,
        progress=progress,
        context=context,
    )


def found_edition(
    out: Path,
    archive: Archive,
    number: int,
    reason: str | None,
    hard_data: HardData | None,
    languages: Sequence[str],
) -> PrintedEdition:
    """The edition that lies in `out` already, because the work was cut off before it was recorded.

    Raises EditionError when it is damaged, or not the edition that would be made.
    """
    edition = read_edition(out)
    found = (edition.archive_manifest_sha256, edition.number, edition.reason, edition.hard_source)
    if found != (archive.manifest_sha256, number, reason, None if hard_data is None else hard_data.source):
        raise EditionError(
            f"{out}: found an edition of another archive, number, reason or hard data, expected none; move it away"
        )
    missing = [page.name for page in pages_of(edition, languages) if not (out / page.name).is_file()]
    failures = tuple(Printed(name, None, "it was not printed when the edition was made") for name in sorted(missing))
    return PrintedEdition(edition, out, _manifest_sha256(out), failures)


def refuse_occupied(out: Path) -> None:
    """Raise BadInput unless a new folder can be made at `out`; an empty one gives way to it."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise BadInput(f"{out}: found something that is no folder, expected a new or an empty folder")
    if out.is_dir() and any(out.iterdir()):
        raise BadInput(f"{out}: found a folder that is not empty, expected a new or an empty folder")


def _workers(asked: int | None, n_pages: int) -> int:
    if asked is not None and asked < 1:
        raise BadInput(f"found {asked} workers, expected at least 1")
    return max(1, min(asked or default_workers(), n_pages))


def _manifest_sha256(folder: Path) -> str:
    return sha256_hex((folder / MANIFEST).read_bytes())
