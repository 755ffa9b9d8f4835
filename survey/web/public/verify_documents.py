"""What the page for checking a document knows of it: its hashes in each edition of a round, and which one a file is."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from survey.editions import OpenEdition
from survey.verifying_documents import PublishedDocument, published_documents

Verdict = Literal["same", "unsigned", "added", "unknown", "no_pdf", "too_large", "missing"]


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A document of one edition of the round; `is_newest` says that no later edition replaced that one."""

    document: PublishedDocument
    number: int
    published_on: date
    is_newest: bool

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.document.name


@dataclass(frozen=True, slots=True)
class Compared:
    """What a file that somebody sent turned out to be: which document, if any, and how exactly."""

    verdict: Verdict
    known: KnownDocument | None = None
    sha256: str = ""


def known_documents(
    editions: Sequence[OpenEdition], names: Iterable[str] | None = None, language: str = "vi"
) -> tuple[KnownDocument, ...]:
    """The PDFs of these editions, those of `names` alone where names are given: the newest edition first, and of each
    the documents in the reader's language.
    """
    wanted = None if names is None else set(names)
    newest = max(opened.edition.number for opened in editions)
    return tuple(
        KnownDocument(document, opened.edition.number, opened.edition.published_on, opened.edition.number == newest)
        for opened in sorted(editions, key=lambda opened: -opened.edition.number)
        for document in sorted(
            published_documents(opened.folder, opened.edition.manifest),
            key=lambda document: document.language != language,
        )
        if document.name.endswith(".pdf") and (wanted is None or document.name in wanted)
    )


def compared(content: bytes, documents: Iterable[KnownDocument]) -> Compared:
    """Which of the documents a file is: the same bytes, the same before it was signed, or those with others behind."""
    sha256 = hashlib.sha256(content).hexdigest()
    if not content.startswith(b"%PDF-"):
        return Compared("no_pdf", sha256=sha256)
    listed = list(documents)
    for known in listed:
        if sha256 == known.document.sha256:
            return Compared("same", known, sha256)
    prefixes: dict[int, str] = {}
    for known in listed:
        size = known.document.unsigned_bytes
        if size is None or size > len(content):
            continue
        if size not in prefixes:
            prefixes[size] = hashlib.sha256(content[:size]).hexdigest()
        if prefixes[size] == known.document.unsigned_sha256:
            return Compared("unsigned" if size == len(content) else "added", known, sha256)
    return Compared("unknown", sha256=sha256)
