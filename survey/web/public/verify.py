"""`/results/<round>/<unit>/verify`: what a printed document must say, and whether a file is the published one.

A file that somebody sends is hashed in memory and forgotten. With a script its hash is taken in the browser and the
file goes nowhere.
"""

import io
from http import HTTPStatus
from typing import IO

from flask import Blueprint, Response, abort, request, url_for
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from analysis.release.edition import Edition
from analysis.signatures import fingerprint, public_key_of
from survey.editions import OpenEdition
from survey.round_records import EditionRecord
from survey.web.pages import page_language
from survey.web.public.area import ResultArea, file_response
from survey.web.public.verify_documents import Compared, KnownDocument, compared, known_documents

# The largest scorecard has 150 kB; a league of thousands of units has a few hundred.
LARGEST_FILE = 2_000_000
FORM_ROOM = 10_000
FILE_FIELD = "file"
FORM_TYPE = "multipart/form-data"
DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class VerifyPages:
    """The views for checking documents, over one instance."""

    def __init__(self, area: ResultArea) -> None:
        self._area = area

    def unit(self, slug: str, unit: str) -> Response:
        """The page that a scorecard's QR code leads to."""
        opened, records = self._area.opened(slug)
        if all(known.code != unit for known in opened.edition.units):
            abort(HTTPStatus.NOT_FOUND)
        card = opened.composer.scorecard(unit)
        names = (f"{unit}.pdf", f"{unit}.en.pdf")
        values = {"card": card, "subject": card.member.name.in_language(page_language())}
        return self._page(opened, records, names, values, url_for("public.verify", slug=slug, unit=unit))

    def round(self, slug: str) -> Response:
        """The same for every public document of a round: leagues, the provincial summary, the method annex."""
        opened, records = self._area.opened(slug)
        values: dict[str, object] = {"card": None, "subject": opened.edition.facts.title.in_language(page_language())}
        names = tuple(name for name in opened.hashes if name.endswith(".pdf") and is_of_everybody(opened.edition, name))
        return self._page(opened, records, names, values, url_for("public.verify_round", slug=slug))

    def docx_file(self, slug: str, name: str) -> Response:
        """A league or the method annex as a document that an office can write on in."""
        opened, _ = self._area.opened(slug)
        content = opened.content(f"{name}.docx") if is_of_everybody(opened.edition, f"{name}.docx") else None
        return file_response(content, DOCX_TYPE, f"{slug}-{name}.docx")

    def _page(
        self,
        opened: OpenEdition,
        records: tuple[EditionRecord, ...],
        names: tuple[str, ...],
        values: dict[str, object],
        action: str,
    ) -> Response:
        language = page_language()
        editions = [self._area.shelf.open(opened.edition.facts.slug, record) for record in records]
        documents = known_documents(editions, names, language)
        outcome = self._compared(editions, documents) if request.method == "POST" else None
        record = next(record for record in records if record.number == opened.edition.number)
        shown = {
            **self._area.shared(opened, records, language),
            **values,
            "documents": documents,
            "outcome": outcome,
            "largest": LARGEST_FILE // 1_000_000,
            "action": action,
            "certificate": opened.edition.manifest.get("pdf_signature"),
            "manifest_sha256": record.manifest_hash,
            "key_fingerprint": _key_of(opened.edition),
        }
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if outcome and outcome.verdict == "too_large" else HTTPStatus.OK
        response = self._area.page("public/verify.html", language, shown, status=status)
        if request.method == "POST":
            response.headers["Cache-Control"] = "no-store"
        return response

    def _compared(self, editions: list[OpenEdition], documents: tuple[KnownDocument, ...]) -> Compared:
        try:
            content = _sent_file()
        except RequestEntityTooLarge:
            return Compared("too_large")
        if not content:
            return Compared("missing")
        outcome = compared(content, documents)
        if outcome.verdict != "unknown":
            return outcome
        # A scorecard of another unit is told as what it is, and not as a forgery.
        everything = [known for known in known_documents(editions) if is_of_everybody(editions[0].edition, known.name)]
        return compared(content, everything)


def add_verify_pages(blueprint: Blueprint, area: ResultArea) -> None:
    """Gives the public area its pages for checking documents, and its documents for offices."""
    views = VerifyPages(area)
    blueprint.add_url_rule("/<slug>/verify", "verify_round", views.round, methods=["GET", "POST"])
    blueprint.add_url_rule("/<slug>/<unit>/verify", "verify", views.unit, methods=["GET", "POST"])
    blueprint.add_url_rule("/<slug>/<name>.docx", "docx_file", views.docx_file, methods=["GET"])


def is_of_everybody(edition: Edition, name: str) -> bool:
    """True for the documents that everybody may have; a scorecard with comments is the unit's alone."""
    stem = name.removesuffix(".pdf").removesuffix(".docx").removesuffix(".en")
    named = {unit.code for unit in edition.units} | {f"league-{bloc}" for bloc, _ in edition.blocs}
    return stem in named or stem in ("method", "province")


def _sent_file() -> bytes:
    """The bytes of the file that the form holds, read in memory; none where it holds none."""
    if request.mimetype != FORM_TYPE:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    request.max_content_length = LARGEST_FILE + FORM_ROOM
    if (request.content_length or 0) > request.max_content_length:
        raise RequestEntityTooLarge
    parser = FormDataParser(stream_factory=_in_memory, max_form_memory_size=FORM_ROOM, max_form_parts=4, silent=False)
    try:
        _, _, files = parser.parse(request.stream, FORM_TYPE, request.content_length, request.mimetype_params)
    except HTTPException:
        raise
    except ValueError:
        abort(HTTPStatus.BAD_REQUEST)
    file = files.get(FILE_FIELD)
    return b"" if file is None else file.stream.read()


def _in_memory(*_: object, **__: object) -> IO[bytes]:
    # Large files would otherwise be written to the machine's disk for a moment.
    return io.BytesIO()


def _key_of(edition: Edition) -> str | None:
    key = public_key_of(edition.manifest)
    return None if key is None else fingerprint(key)
