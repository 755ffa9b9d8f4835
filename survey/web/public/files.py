"""Open data and documents: the page that explains them, the files, and the indices that others published."""

from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, abort, url_for

from analysis.release.edition_folder import MANIFEST
from survey.editions import OpenEdition
from survey.published_scores import published_indices, scores_source
from survey.web.pages import catalogue_of, page_language
from survey.web.public import open_data, presenting
from survey.web.public.area import ResultArea, file_response
from survey.web.public.published import sections_of

SIGNED = MANIFEST.removesuffix(".json")


@dataclass(frozen=True, slots=True)
class TableLinks:
    """A table of open data with the addresses of its files, by format."""

    table: open_data.Table
    links: tuple[tuple[str, str], ...]
    sha256: str | None


class FilePages:
    """The views of files, over one instance."""

    def __init__(self, area: ResultArea) -> None:
        self._area = area
        self._made = open_data.MadeFiles()

    def data(self, slug: str) -> Response:
        language = page_language()
        opened, records = self._area.opened(slug)
        asked = self._area.asked(records, opened)
        values = {
            "tables": [
                TableLinks(table, _links(slug, table, asked), opened.hashes.get(f"{table.name}.csv"))
                for table in open_data.tables_of(opened)
            ],
            "package": url_for(
                "public.table_file", slug=slug, name=open_data.DATA_PACKAGE, kind="json", edition=asked, lang=None
            ),
            "manifest": url_for(
                "public.table_file", slug=slug, name=SIGNED, kind="json", edition=opened.edition.number, lang=None
            ),
            "fixed": url_for("public.csv_file", slug=slug, name="estimates", edition=opened.edition.number, lang=None),
            "newest": url_for("public.csv_file", slug=slug, name="estimates", lang=None),
        }
        return self._area.page("public/data.html", language, self._area.shared(opened, records, language) | values)

    def pdf_file(self, slug: str, name: str) -> Response:
        opened, _ = self._area.opened(slug)
        # A scorecard with comments lies beside the public one and is the unit's alone.
        content = opened.content(f"{name}.pdf") if is_public_document(opened, name) else None
        return file_response(content, "application/pdf", f"{slug}-{name}.pdf")

    def csv_file(self, slug: str, name: str) -> Response:
        opened, _ = self._area.opened(slug)
        if any(unit.code == name for unit in opened.edition.units):
            content = presenting.rows_csv(opened.edition.rows_of(name))
            return file_response(content, open_data.CONTENT_TYPES["csv"], f"{slug}-{name}.csv")
        # The tables of the edition leave byte for byte, so that anybody can compare their hashes.
        return self._table(opened, name, "csv")

    def table_file(self, slug: str, name: str, kind: str) -> Response:
        opened, _ = self._area.opened(slug)
        edition = opened.edition
        if (name, kind) == (SIGNED, "json"):
            # Byte for byte as it was signed: whoever has it and the tables needs no word of ours.
            return file_response(opened.content(MANIFEST), open_data.CONTENT_TYPES[kind], f"{slug}-{MANIFEST}")
        if any(unit.code == name for unit in edition.units):
            table = open_data.unit_table(edition, name)
            content = self._made.of(opened, table, kind, part=f"unit {name}")
            return file_response(content, open_data.CONTENT_TYPES[kind], f"{slug}-{name}.{kind}")
        if (name, kind) == (open_data.DATA_PACKAGE, "json"):
            package = open_data.data_package(opened, open_data.tables_of(opened))
            return file_response(package, open_data.CONTENT_TYPES[kind], f"{slug}-{name}.json")
        return self._table(opened, name, kind)

    def published(self) -> Response:
        language = page_language()
        found = published_indices(self._area.services.settings.instance)
        if found is None:
            abort(HTTPStatus.NOT_FOUND)
        values = {"sections": sections_of(found), "known_indices": catalogue_of("public").sentences}
        return self._area.page("public/published.html", language, values)

    def published_file(self) -> Response:
        source = scores_source(self._area.services.settings.instance)
        return file_response(source, open_data.CONTENT_TYPES["csv"], "published.csv")

    def _table(self, opened: OpenEdition, name: str, kind: str) -> Response:
        table = next((table for table in open_data.tables_of(opened) if table.name == name), None)
        if table is None or kind not in table.formats:
            abort(HTTPStatus.NOT_FOUND)
        slug = opened.edition.facts.slug
        content = self._made.of(opened, table, kind)
        return file_response(content, open_data.CONTENT_TYPES[kind], f"{slug}-{name}.{kind}")


def is_public_document(opened: OpenEdition, name: str) -> bool:
    """True for the documents that everybody may have, by name without the ending: scorecards, leagues, method and
    provincial summary, in both languages.
    """
    edition = opened.edition
    names = {unit.code for unit in edition.units} | {f"league-{code}" for code, _ in edition.blocs}
    names |= {presenting.METHOD_ANNEX, presenting.PROVINCE}
    return name in names or (name.endswith(".en") and name.removesuffix(".en") in names)


def _links(slug: str, table: open_data.Table, asked: int | None) -> tuple[tuple[str, str], ...]:
    def address(kind: str) -> str:
        if kind == "csv":
            return url_for("public.csv_file", slug=slug, name=table.name, edition=asked, lang=None)
        return url_for("public.table_file", slug=slug, name=table.name, kind=kind, edition=asked, lang=None)

    return tuple((kind, address(kind)) for kind in table.formats)
