"""Publishing: an archive becomes an edition with its printed documents, and a round is marked as published."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from analysis.archive import Archive, read_archive
from analysis.errors import EditionError
from analysis.release.computing import compute_edition
from analysis.release.disclosure import RULES
from analysis.release.disclosure_audit import refuse_exposures
from analysis.release.disclosure_weights import weights_in_totals
from analysis.release.edition import HARD_CSV, MANIFEST, Edition, read_edition, write_edition
from analysis.release.hard_data import HardData, parse_hard_data
from analysis.scorecards.annex import compose_annex
from analysis.scorecards.content import Composer, League, Scorecard
from analysis.scorecards.render import Printer
from analysis.sealed_folders import sha256_hex
from analysis.signatures import PrivateKeySigner, Signer
from survey.errors import BadInput, HailongError, WrongState
from survey.notices import one_line
from survey.print_pool import Page, Printed, default_workers, print_pages
from survey.printing import make_printer, rendering_versions
from survey.round_records import RoundRecord, editions_of, find_round
from survey.rounds import COMMAND_LINE, mark_published, refuse_step
from survey.sealing import archive_path
from survey.services import today as today_in_viet_nam
from survey.settings import Settings
from survey.storage.stores import Stores
from survey.texts import LANGUAGES
from survey.vault import KeyVault

# The name of the document that tells how an edition came about.
METHOD_ANNEX = "method"

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
) -> PrintedEdition:
    """The edition of an archive in the new folder `out`, with a scorecard for each unit, a league for each bloc and a
    method annex.

    A document that cannot be printed is left out and named among the failures; the others are there all the same. With
    `only_units` the scorecards of these units are printed and nothing else. The folder appears whole or not at all.
    Raises BadInput when `out` is not empty or a unit is not in the archive, AnalysisError when there is no edition, and
    DisclosureError when it would tell, with the `earlier` ones of the round, what it hides.
    """
    _refuse_occupied(out)
    edition = compute_edition(
        archive,
        number=number,
        published_on=published_on,
        public_url=public_url,
        reason=reason,
        hard_data=hard_data,
        disclosure_rules=disclosure_rules,
    )
    # What an edition of former rules gave away cannot be taken back by a correction that hides something else.
    if disclosure_rules == RULES:
        refuse_exposures(edition, earlier, weights_in_totals(archive))
    pages = pages_of(edition, languages, only_units)
    printed: list[Printed] = []
    for document in print_pages(pages, make_printer, workers=_workers(workers, len(pages))):
        printed.append(document)
        if progress is not None:
            progress(len(printed), len(pages), document)
    documents = {document.name: document.pdf for document in printed if document.pdf is not None}
    if out.is_dir():
        out.rmdir()
    write_edition(edition, out, dict(sorted(documents.items())), signer, rendering_versions())
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
) -> PrintedEdition:
    """The edition of an archive from anywhere, signed with a key that is made for it and forgotten.

    The pages carry the day `published_on`, or today, and no public address.
    """
    _refuse_occupied(out)
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
    )


def print_round(
    stores: Stores,
    vault: KeyVault,
    settings: Settings,
    slug: str,
    out: Path,
    published_on: dt.date | None,
    *,
    hard_data: HardData | None = None,
    languages: Sequence[str] = ("vi",),
    only_units: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress | None = None,
) -> PrintedEdition:
    """The edition of a sealed round in any folder, recorded nowhere; of a published round its last edition again.

    Without hard data those of the last edition are taken.
    """
    _refuse_occupied(out)
    record = find_round(stores, slug)
    if record.state not in ("sealed", "published"):
        raise WrongState(f"the round {slug} is {record.state}; to print it, it has to be sealed or published")
    last = editions_of(stores, slug)[-1:]
    return make_edition(
        _archive_of(settings, record),
        out,
        vault.signer(),
        published_on=published_on or (last[0].published_on if last else today_in_viet_nam()),
        public_url=settings.public_url,
        number=last[0].number if last else 1,
        reason=last[0].reason if last else None,
        hard_data=hard_data or (_hard_data_of(settings, slug, last[0].number) if last else None),
        disclosure_rules=_rules_of(_earlier_editions(settings, slug, last[0].number + 1 if last else 1)),
        languages=languages,
        only_units=only_units,
        workers=workers,
        progress=progress,
    )


def publish_round(
    stores: Stores,
    vault: KeyVault,
    settings: Settings,
    slug: str,
    today: dt.date,
    *,
    reason: str | None = None,
    hard_data: HardData | None = None,
    languages: Sequence[str] = ("vi",),
    workers: int | None = None,
    progress: Progress | None = None,
    actor: str = COMMAND_LINE,
) -> PrintedEdition:
    """The next edition of a sealed round, printed into the instance, recorded, and with it the round published.

    The first edition has number 1; every later one is a correction and needs a reason. An edition that was written but
    not recorded, because the work was cut off in between, is checked and recorded as it is.
    Raises NotFound, WrongState, BadInput for the reason, AnalysisError or HailongError when the archive is not the one
    that was sealed.
    """
    record = find_round(stores, slug)
    refuse_step(record, "publish")
    number = len(editions_of(stores, slug)) + 1
    reason = _checked_reason(reason, number, slug)
    archive = _archive_of(settings, record)
    out = _edition_folder(settings, slug, number)
    if out.exists():
        made = _found_edition(out, archive, number, reason, hard_data, languages)
    else:
        earlier = _earlier_editions(settings, slug, number)
        made = make_edition(
            archive,
            out,
            vault.signer(),
            published_on=today,
            public_url=settings.public_url,
            number=number,
            reason=reason,
            hard_data=hard_data,
            earlier=earlier,
            disclosure_rules=_rules_of(earlier),
            languages=languages,
            workers=workers,
            progress=progress,
        )
    mark_published(
        stores,
        slug,
        number=number,
        manifest_hash=made.manifest_sha256,
        published_on=made.edition.published_on,
        reason=reason,
        actor=actor,
    )
    return made


def pages_of(edition: Edition, languages: Sequence[str], only_units: Sequence[str] = ()) -> tuple[Page, ...]:
    """The documents of an edition: `<unit>.pdf`, `league-<bloc>.pdf` and `method.pdf`; English beside Vietnamese is
    `<name>.en.pdf`.

    Their HTML is composed when it is asked for. Raises BadInput when a unit or a language is unknown.
    """
    known = {unit.code for unit in edition.units}
    for code in only_units:
        if code not in known:
            raise BadInput(
                f"found the unit {code[:60]!r}, expected one of the {len(known)} units of {edition.facts.slug}"
            )
    if not languages or not set(languages) <= set(LANGUAGES):
        raise BadInput(f"found the languages {', '.join(languages) or 'none'}, expected {' or '.join(LANGUAGES)}")
    composer, printer = Composer(edition), make_printer()
    pages: list[Page] = []
    for language in languages:
        ending = ".en.pdf" if language == "en" and len(languages) > 1 else ".pdf"
        pages.extend(
            Page(code + ending, partial(_html, printer, composer.scorecard, code, language))
            for code in only_units or [unit.code for unit in edition.units]
        )
        pages.extend(
            Page(f"league-{bloc}{ending}", partial(_html, printer, composer.league, bloc, language))
            for bloc, _ in (() if only_units else edition.blocs)
        )
        if not only_units:
            pages.append(Page(METHOD_ANNEX + ending, partial(_annex_html, printer, edition, language)))
    return tuple(pages)


def _html(printer: Printer, compose: Callable[[str], Scorecard | League], code: str, language: str) -> str:
    return printer.html(compose(code), language)


def _annex_html(printer: Printer, edition: Edition, language: str) -> str:
    return printer.html(compose_annex(edition), language)


def _archive_of(settings: Settings, record: RoundRecord) -> Archive:
    archive = read_archive(archive_path(settings, record.slug))
    if archive.manifest_sha256 != record.archive_hash:
        raise HailongError(
            f"the round {record.slug}: found an archive with manifest {archive.manifest_sha256[:12]}, "
            f"expected {(record.archive_hash or 'none')[:12]} as it was sealed"
        )
    return archive


def _edition_folder(settings: Settings, slug: str, number: int) -> Path:
    return settings.instance / "editions" / slug / str(number)


def _hard_data_of(settings: Settings, slug: str, number: int) -> HardData | None:
    """The hard data of an edition of this instance, if it rests on any."""
    folder = _edition_folder(settings, slug, number)
    source = read_edition(folder).hard_source
    return None if source is None else parse_hard_data(source, str(folder / HARD_CSV))


def _earlier_editions(settings: Settings, slug: str, number: int) -> tuple[Edition, ...]:
    """The editions of a round before this number, the first one first."""
    return tuple(read_edition(_edition_folder(settings, slug, earlier)) for earlier in range(1, number))


def _rules_of(earlier: Sequence[Edition]) -> int:
    """The rules that hide the same as was hidden before: two editions with different holes fill each other's."""
    return earlier[-1].disclosure_rules if earlier else RULES


def _refuse_occupied(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise BadInput(f"{out}: found something that is no folder, expected a new or an empty folder")
    if out.is_dir() and any(out.iterdir()):
        raise BadInput(f"{out}: found a folder that is not empty, expected a new or an empty folder")


def _workers(asked: int | None, n_pages: int) -> int:
    if asked is not None and asked < 1:
        raise BadInput(f"found {asked} workers, expected at least 1")
    return max(1, min(asked or default_workers(), n_pages))


def _checked_reason(reason: str | None, number: int, slug: str) -> str | None:
    words = one_line("the reason", reason or "")
    if number > 1 and not words:
        raise BadInput(f"the round {slug} is published already; a correction, edition {number}, needs a reason")
    if number == 1 and words:
        raise BadInput(f"the round {slug} has no edition yet; found a reason, expected one for corrections only")
    return words or None


def _found_edition(
    out: Path,
    archive: Archive,
    number: int,
    reason: str | None,
    hard_data: HardData | None,
    languages: Sequence[str],
) -> PrintedEdition:
    edition = read_edition(out)
    found = (edition.archive_manifest_sha256, edition.number, edition.reason, edition.hard_source)
    if found != (archive.manifest_sha256, number, reason, None if hard_data is None else hard_data.source):
        raise EditionError(
            f"{out}: found an edition of another archive, number, reason or hard data, expected none; move it away"
        )
    missing = [page.name for page in pages_of(edition, languages) if not (out / page.name).is_file()]
    failures = tuple(Printed(name, None, "it was not printed when the edition was made") for name in sorted(missing))
    return PrintedEdition(edition, out, _manifest_sha256(out), failures)


def _manifest_sha256(folder: Path) -> str:
    return sha256_hex((folder / MANIFEST).read_bytes())
