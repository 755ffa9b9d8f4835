"""Checking a PDF of an edition wherever it lies: its signature, its bytes before it was signed, and every figure in it.

The page is printed once more from the edition's tables. Equal bytes prove that each figure, word and line on it is what
the tables say; where another version of the engine prints other bytes, the words of each page are compared.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from analysis.errors import EditionError
from analysis.release.edition import Edition
from analysis.release.edition_folder import MANIFEST, load_edition
from analysis.release.verification import Verification, examine
from analysis.sealed_folders import Finding, read_manifest, sha256_hex
from survey.errors import BadInput
from survey.pdf_signatures import LARGEST_PDF, PdfSignature, read_signatures
from survey.plain_files import read_plain_file

MOST_DIFFERENCES = 20
LONGEST_EXCERPT = 60


@dataclass(frozen=True, slots=True)
class PublishedDocument:
    """A document as an edition's manifest knows it; `unsigned_…` are None in editions of before these were told."""

    folder: Path
    name: str
    sha256: str
    language: str
    unsigned_sha256: str | None
    unsigned_bytes: int | None
    certificate_sha256: str | None

    def is_what_was_printed(self, content: bytes) -> bool:
        """True when the content begins with the document as it was printed, or is the published file itself."""
        if self.unsigned_bytes is None:
            return sha256_hex(content) == self.sha256
        return sha256_hex(content[: self.unsigned_bytes]) == self.unsigned_sha256


def examine_pdf(
    path: Path, instance: Path, edition: Path | None, trusted_key: bytes | None
) -> tuple[Verification, Path | None]:
    """The verification of a PDF against its edition, and where that edition lies (None where there is none at hand).

    It is the one named, the one in whose folder the PDF lies, or one of the instance. Raises BadInput when the file is
    no PDF, EditionError when there is no such edition.
    """
    content = read_plain_file(path, LARGEST_PDF)
    if not content.startswith(b"%PDF-"):
        raise BadInput(f"{path}: found a file that is no PDF, expected a document of an edition")
    document = _document_of(path, content, instance, edition)
    if document is None:
        try:
            findings, notes = _signature_facts(content, None)
        except BadInput as complaint:
            raise BadInput(f"{path}: {complaint}") from None
        unknown = Finding(
            path.name, "a PDF that is in no edition at hand", "one as it was published; name its edition with --edition"
        )
        return Verification("document", path, (unknown, *findings), tuple(notes)), None
    in_folder = examine(document.folder / document.name, trusted_key=trusted_key)
    findings, notes = list(in_folder.findings), list(in_folder.notes)
    is_inside = path.resolve() == (document.folder / document.name).resolve()
    if not is_inside:
        notes.append(f"compared with {document.name} of the edition in {document.folder}")
    if not document.is_what_was_printed(content):
        part = content if document.unsigned_bytes is None else content[: document.unsigned_bytes]
        findings.append(Finding(path.name, f"SHA-256 {sha256_hex(part)} of what was printed", _expected_hash(document)))
    elif not is_inside and sha256_hex(content) not in (document.sha256, document.unsigned_sha256):
        findings.append(Finding(path.name, "bytes behind the document as it was printed", "its signature alone"))
    for look in (_signature_facts, _printed_again):
        try:
            further_findings, further_notes = look(content, document)
        except BadInput as complaint:
            findings.append(_unreadable(path.name, complaint))
            break
        except EditionError as complaint:
            findings.append(Finding(MANIFEST, str(complaint), "an edition whose tables can be read"))
        else:
            findings.extend(further_findings)
            notes.extend(further_notes)
    return Verification("document", path, tuple(dict.fromkeys(findings)), tuple(notes)), document.folder


def signature_findings_of_edition(folder: Path) -> Iterator[Finding]:
    """What is wrong with the signatures of an edition's PDFs, and with their bytes before they were signed."""
    manifest = read_manifest(folder, MANIFEST, EditionError)
    for document in published_documents(folder, manifest):
        place = folder / document.name
        if not document.name.endswith(".pdf") or place.is_symlink() or not place.is_file():
            continue
        content = place.read_bytes()
        if not document.is_what_was_printed(content):
            yield Finding(document.name, "other bytes before the signature", _expected_hash(document))
        try:
            yield from _signature_facts(content, document)[0]
        except BadInput as complaint:
            yield _unreadable(document.name, complaint)


def _unreadable(name: str, complaint: BadInput) -> Finding:
    found, _, expected = str(complaint).partition(", expected ")
    return Finding(name, found, expected or "a PDF as it was published")


def published_documents(folder: Path, manifest: Mapping[str, object]) -> tuple[PublishedDocument, ...]:
    """The PDFs and other documents that a manifest names, each with what is known of it before it was signed."""
    files, documents = _mapping(manifest.get("files")), _mapping(manifest.get("documents"))
    certificate = _mapping(manifest.get("pdf_signature")).get("certificate_sha256")
    found = []
    for name, facts in files.items():
        if not name.endswith((".pdf", ".docx")):
            continue
        printed = _mapping(documents.get(name))
        size = printed.get("unsigned_bytes")
        found.append(
            PublishedDocument(
                folder=folder,
                name=name,
                sha256=str(_mapping(facts).get("sha256")),
                language=str(printed.get("language", "en" if name.endswith(".en.pdf") else "vi")),
                unsigned_sha256=None if size is None else str(printed.get("unsigned_sha256")),
                unsigned_bytes=size if isinstance(size, int) else None,
                certificate_sha256=str(certificate) if certificate and name.endswith(".pdf") else None,
            )
        )
    return tuple(found)


def _document_of(path: Path, content: bytes, instance: Path, edition: Path | None) -> PublishedDocument | None:
    if edition is not None:
        folders = [edition]
    elif (path.parent / MANIFEST).is_file():
        folders = [path.parent]
    else:
        folders = [manifest.parent for manifest in sorted((instance / "editions").glob(f"*/*/{MANIFEST}"))]
    known: list[PublishedDocument] = []
    for folder in folders:
        try:
            known.extend(published_documents(folder, read_manifest(folder, MANIFEST, EditionError)))
        except EditionError:
            if len(folders) == 1:
                raise
    for document in known:
        if document.is_what_was_printed(content):
            return document
    # One that was changed is found by its name, where there is one edition to look at.
    named = [document for document in known if document.name == path.name]
    return named[0] if len(folders) == 1 and named else None


def _expected_hash(document: PublishedDocument) -> str:
    return f"{document.unsigned_sha256 or document.sha256} as {MANIFEST} says"


def _signature_facts(content: bytes, document: PublishedDocument | None) -> tuple[list[Finding], list[str]]:
    place = "signature" if document is None else f"{document.name}, signature"
    signatures = read_signatures(content)
    wanted = None if document is None else document.certificate_sha256
    if not signatures:
        # Without a signature the bytes alone speak, which the edition's own manifest vouches for.
        missing = [Finding(place, "none", f"one by the certificate {wanted}")] if wanted else []
        return missing, [] if wanted else ["the PDF carries no signature of its own"]
    findings = [finding for signature in signatures for finding in _complaints(signature, place, wanted)]
    if wanted is not None and len(signatures) > 1:
        findings.append(Finding(place, f"{len(signatures)} signatures", "one"))
    return findings, [_told(signature) for signature in signatures]


def _complaints(signature: PdfSignature, place: str, wanted: str | None) -> Iterator[Finding]:
    if not signature.is_intact:
        yield Finding(place, "one that does not fit the document", "one over the bytes as they are")
    if not signature.covers_all:
        yield Finding(place, "bytes that were added after it", "nothing behind it")
    if not signature.was_signed_in_time:
        yield Finding(
            place,
            f"one of {signature.signed_at:%Y-%m-%d}",
            f"one between {signature.certificate.not_before:%Y-%m-%d} and {signature.certificate.not_after:%Y-%m-%d}, "
            "while its certificate is valid",
        )
    if wanted is not None and signature.certificate.sha256 != wanted:
        yield Finding(place, f"one by the certificate {signature.certificate.sha256}", f"{wanted} as {MANIFEST} says")


def _told(signature: PdfSignature) -> str:
    certificate = signature.certificate
    when = "" if signature.signed_at is None else f" on {signature.signed_at:%Y-%m-%d %H:%M %Z}"
    return (
        f"the PDF is signed by {certificate.subject}{when} (certificate of {certificate.issuer}, "
        f"SHA-256 {certificate.sha256})"
    )


def _printed_again(content: bytes, document: PublishedDocument) -> tuple[list[Finding], list[str]]:
    """What differs between the document and the same page printed from the edition's tables now."""
    from survey.edition_pages import pages_of
    from survey.printing import make_printer, rendering_versions

    manifest = read_manifest(document.folder, MANIFEST, EditionError)
    edition: Edition = load_edition(document.folder, manifest)
    languages = ("vi", "en") if document.name.endswith(".en.pdf") else (document.language,)
    page = next((page for page in pages_of(edition, languages) if page.name == document.name), None)
    if page is None:
        return [Finding(document.name, "a document that this version does not print", "one of the edition's")], []
    again = page.composed().printed_by(make_printer())
    original = content if document.unsigned_bytes is None else content[: document.unsigned_bytes]
    if again == original:
        return [], ["printed again from the tables: every figure and every byte is the same"]
    findings = list(_different_words(document.name, content, again))
    if findings:
        return findings, []
    then, now = _mapping(manifest.get("rendered_with")), rendering_versions()
    others = [f"{name} {then.get(name)} then, {now[name]} now" for name in now if then.get(name) != now[name]]
    reason = f" ({'; '.join(others)})" if others else ""
    return [], [f"printed again from the tables: every word and figure is the same, the bytes are not{reason}"]


def _different_words(name: str, found: bytes, wanted: bytes) -> Iterator[Finding]:
    pages, expected = _words_of_pages(found), _words_of_pages(wanted)
    if len(pages) != len(expected):
        yield Finding(name, f"{len(pages)} pages", f"{len(expected)} as the tables give them")
    n_told = 0
    for number, (words, others) in enumerate(zip(pages, expected, strict=False), start=1):
        for kind, start, end, other_start, other_end in SequenceMatcher(
            None, words, others, autojunk=False
        ).get_opcodes():
            if kind == "equal":
                continue
            n_told += 1
            if n_told > MOST_DIFFERENCES:
                return
            yield Finding(
                f"{name}, page {number}",
                _excerpt(words[start:end]),
                f"{_excerpt(others[other_start:other_end])} as the tables say",
            )


def _words_of_pages(pdf: bytes) -> list[list[str]]:
    import pypdf

    try:
        return [page.extract_text().split() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
    except Exception as complaint:
        raise BadInput(
            f"the text of the PDF cannot be read ({complaint!s:.200}), expected a PDF as it was published"
        ) from None


def _excerpt(words: list[str]) -> str:
    text = " ".join(words)
    shown = text if len(text) <= LONGEST_EXCERPT else text[: LONGEST_EXCERPT - 1] + "…"
    return f"“{shown}”" if words else "nothing"


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
