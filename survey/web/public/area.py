"""What the pages of published results share: the edition that an address asks for, and what every page is told."""

from collections.abc import Mapping
from http import HTTPStatus

from flask import Response, abort, request, url_for

from analysis.release.edition import Edition
from analysis.scorecards.charts import row_chart
from survey.editions import EditionShelf, OpenEdition
from survey.round_records import EditionRecord, editions_of
from survey.services import Services
from survey.web.pages import page_language, render_page
from survey.web.public import presenting
from survey.web.public.drawings import row_paths

ONE_MINUTE = 60


class ResultArea:
    """The published editions of one instance, and the pages that are drawn of them."""

    def __init__(self, services: Services, shelf: EditionShelf) -> None:
        self.services = services
        self.shelf = shelf

    def opened(self, slug: str) -> tuple[OpenEdition, tuple[EditionRecord, ...]]:
        """The edition that the address asks for, the newest where it names none, and the records of all of them."""
        records = editions_of(self.services.stores, slug)
        asked = request.args.get("edition")
        record = records[-1] if records else None
        if asked is not None:
            record = next((known for known in records if str(known.number) == asked), None)
        if record is None:
            abort(HTTPStatus.NOT_FOUND)
        return self.shelf.open(slug, record), records

    def asked(self, records: tuple[EditionRecord, ...], opened: OpenEdition) -> int | None:
        """The number that links carry: none for the newest edition, whose address stays when a newer one comes."""
        return None if opened.edition.number == records[-1].number else opened.edition.number

    def document(self, opened: OpenEdition, name: str, asked: int | None) -> str | None:
        """The address of a printed document in the page's language, or None where the edition has none."""
        english = f"{name}.en"
        if page_language() == "en" and f"{english}.pdf" in opened.hashes:
            name = english
        if f"{name}.pdf" not in opened.hashes:
            return None
        return url_for("public.pdf_file", slug=opened.edition.facts.slug, name=name, edition=asked, lang=None)

    def word(self, opened: OpenEdition, name: str, asked: int | None) -> str | None:
        """The address of a document in Word in the page's language, or None where the edition has none."""
        english = f"{name}.en"
        if page_language() == "en" and f"{english}.docx" in opened.hashes:
            name = english
        if f"{name}.docx" not in opened.hashes:
            return None
        return url_for("public.docx_file", slug=opened.edition.facts.slug, name=name, edition=asked, lang=None)

    def shared(self, opened: OpenEdition, records: tuple[EditionRecord, ...], language: str) -> dict[str, object]:
        """What every page of a round is told."""
        edition = opened.edition
        asked = self.asked(records, opened)
        return {
            "edition": edition,
            "title": edition.facts.title.in_language(language),
            "model_label": edition.display_name(language),
            "profile": edition.questionnaire.profile(edition.profile),
            "decimals": edition.plan.decimals,
            "level": presenting.level_text(edition, language),
            "asked_edition": asked,
            "is_old": asked is not None,
            "row_chart": row_chart,
            "row_paths": row_paths,
            "known_reasons": presenting.KNOWN_REASONS,
            "bounds_of": presenting.bounds_of,
            "index_name": _index_name(edition, language),
            "scale": edition.scale_of(),
            "is_several": edition.questionnaire.rates_several_units,
            "is_simulated": edition.facts.collected == "simulated",
        }

    def page(
        self, template: str, language: str, values: Mapping[str, object], *, status: int = HTTPStatus.OK
    ) -> Response:
        """A page that everybody's caches may keep for a minute."""
        is_demonstration = self.services.settings.is_demonstration
        response = render_page(template, language, status=int(status), is_demonstration=is_demonstration, **values)
        response.headers["Cache-Control"] = f"public, max-age={ONE_MINUTE}"
        return response


def file_response(content: bytes | None, content_type: str, name: str) -> Response:
    """A file for everybody: a PDF is shown, anything else saved under its name; 404 where there is none."""
    if content is None:
        abort(HTTPStatus.NOT_FOUND)
    response = Response(content, content_type=content_type)
    response.headers["Cache-Control"] = f"public, max-age={ONE_MINUTE}"
    response.headers.set("Content-Disposition", "inline" if name.endswith(".pdf") else "attachment", filename=name)
    return response


def _index_name(edition: Edition, language: str) -> str:
    root = edition.questionnaire.index
    return "" if root is None else root.short_label.in_language(language)
