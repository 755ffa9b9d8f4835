"""`/results`: the list of published rounds, a round, its method, a unit, and their files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus

from flask import Blueprint, Response, abort, current_app, request, url_for

from analysis.errors import EditionError
from analysis.release.edition import Edition
from analysis.release.rows import ALL
from analysis.scorecards.annex import compose_annex
from analysis.scorecards.charts import row_chart
from analysis.scorecards.content import Scorecard
from survey.editions import EditionShelf, OpenEdition
from survey.errors import NotFound
from survey.round_records import EditionRecord, editions_of, list_rounds
from survey.services import Services
from survey.web.languages import keep_language
from survey.web.pages import page_language, render_page
from survey.web.public import presenting

ONE_MINUTE = 60


@dataclass(frozen=True, slots=True)
class RoundLine:
    """A published round in the list."""

    slug: str
    title: str
    issuer: str
    opens_on: date
    closes_on: date
    n_units: int
    n_answers: int
    published_on: date
    is_simulated: bool


class ResultPages:
    """The views of the public area, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._shelf = EditionShelf(services.settings.instance)

    def index(self) -> Response:
        language = page_language()
        lines = []
        for published in list_rounds(self._services.stores):
            records = editions_of(self._services.stores, published.slug) if published.state == "published" else ()
            if not records:
                continue
            try:
                edition = self._shelf.open(published.slug, records[-1]).edition
            except (EditionError, OSError) as complaint:
                # One edition that was tampered with must not hide the others.
                current_app.logger.error("An edition of %s cannot be shown: %s", published.slug, complaint)
                continue
            lines.append(_line(edition, language))
        lines.sort(key=lambda line: (line.closes_on, line.slug), reverse=True)
        return self._page("public/index.html", language, {"rounds": lines})

    def round(self, slug: str) -> Response:
        language = page_language()
        opened, records = self._opened(slug)
        edition, asked = opened.edition, self._asked(records, opened)
        leagues = [
            presenting.league_table(league, self._document(opened, f"league-{league.bloc_code}", asked))
            for league in presenting.leagues_of(opened.composer)
        ]
        tables = [
            (key, url_for("public.csv_file", slug=slug, name=name.removesuffix(".csv"), edition=asked, lang=None))
            for key, name in presenting.TABLES.items()
            if name in opened.hashes
        ]
        values = {
            "leagues": leagues,
            "tables": tables,
            "modules": opened.composer.modules_of(ALL),
            "editions": records,
            "facts": presenting.facts_of(edition, language),
        }
        return self._page("public/round.html", language, self._shared(opened, records, language) | values)

    def unit(self, slug: str, unit: str) -> Response:
        language = page_language()
        opened, records = self._opened(slug)
        card = _card(opened, unit)
        values = {
            "card": card,
            "highlights": presenting.highlights(card),
            "tables": presenting.unit_tables(card),
            "pdf": self._document(opened, unit, self._asked(records, opened)),
            "facts": presenting.facts_of(opened.edition, language),
        }
        return self._page("public/unit.html", language, self._shared(opened, records, language) | values)

    def method(self, slug: str) -> Response:
        language = page_language()
        opened, records = self._opened(slug)
        values = {
            "annex": compose_annex(opened.edition),
            "pdf": self._document(opened, presenting.METHOD_ANNEX, self._asked(records, opened)),
        }
        return self._page("public/method.html", language, self._shared(opened, records, language) | values)

    def pdf_file(self, slug: str, name: str) -> Response:
        opened, _ = self._opened(slug)
        return _file(opened.content(f"{name}.pdf"), "application/pdf", f"{slug}-{name}.pdf")

    def csv_file(self, slug: str, name: str) -> Response:
        opened, _ = self._opened(slug)
        if any(unit.code == name for unit in opened.edition.units):
            content: bytes | None = presenting.rows_csv(opened.edition.rows_of(name))
        else:
            # The tables of the edition leave byte for byte, so that anybody can compare their hashes.
            content = opened.content(f"{name}.csv") if f"{name}.csv" in presenting.TABLES.values() else None
        return _file(content, "text/csv; charset=utf-8", f"{slug}-{name}.csv")

    def problem(self, status: int) -> Response:
        response = self._page("public/problem.html", page_language(), {"code": int(status)}, status=status)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _opened(self, slug: str) -> tuple[OpenEdition, tuple[EditionRecord, ...]]:
        records = editions_of(self._services.stores, slug)
        asked = request.args.get("edition")
        record = records[-1] if records else None
        if asked is not None:
            record = next((known for known in records if str(known.number) == asked), None)
        if record is None:
            abort(HTTPStatus.NOT_FOUND)
        return self._shelf.open(slug, record), records

    def _asked(self, records: tuple[EditionRecord, ...], opened: OpenEdition) -> int | None:
        """The number that links carry: none for the newest edition, whose address stays when a newer one comes."""
        return None if opened.edition.number == records[-1].number else opened.edition.number

    def _document(self, opened: OpenEdition, name: str, asked: int | None) -> str | None:
        english = f"{name}.en"
        if page_language() == "en" and f"{english}.pdf" in opened.hashes:
            name = english
        if f"{name}.pdf" not in opened.hashes:
            return None
        return url_for("public.pdf_file", slug=opened.edition.facts.slug, name=name, edition=asked, lang=None)

    def _shared(self, opened: OpenEdition, records: tuple[EditionRecord, ...], language: str) -> dict[str, object]:
        edition = opened.edition
        asked = self._asked(records, opened)
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
            "known_reasons": presenting.KNOWN_REASONS,
            "bounds_of": presenting.bounds_of,
            "index_name": _index_name(edition, language),
            "scale": edition.scale_of(),
            "is_several": edition.questionnaire.rates_several_units,
            "is_simulated": edition.facts.collected == "simulated",
        }

    def _page(
        self, template: str, language: str, values: Mapping[str, object], *, status: int = HTTPStatus.OK
    ) -> Response:
        is_demonstration = self._services.settings.is_demonstration
        response = render_page(template, language, status=int(status), is_demonstration=is_demonstration, **values)
        response.headers["Cache-Control"] = f"public, max-age={ONE_MINUTE}"
        return response


def make_blueprint(services: Services) -> Blueprint:
    """The public area of one instance."""
    blueprint = Blueprint("public", __name__, url_prefix="/results")
    views = ResultPages(services)
    keep_language(blueprint)
    blueprint.add_url_rule("", "index", views.index, methods=["GET"])
    blueprint.add_url_rule("/", "index", views.index, methods=["GET"])
    blueprint.add_url_rule("/<slug>", "round", views.round, methods=["GET"])
    blueprint.add_url_rule("/<slug>/method", "method", views.method, methods=["GET"])
    blueprint.add_url_rule("/<slug>/<unit>", "unit", views.unit, methods=["GET"])
    blueprint.add_url_rule("/<slug>/<name>.pdf", "pdf_file", views.pdf_file, methods=["GET"])
    blueprint.add_url_rule("/<slug>/<name>.csv", "csv_file", views.csv_file, methods=["GET"])

    blueprint.register_error_handler(HTTPStatus.NOT_FOUND, lambda _: views.problem(HTTPStatus.NOT_FOUND))
    blueprint.register_error_handler(NotFound, lambda _: views.problem(HTTPStatus.NOT_FOUND))

    @blueprint.errorhandler(EditionError)
    def unreadable(complaint: EditionError) -> Response:
        current_app.logger.error("An edition cannot be shown: %s", complaint)
        return views.problem(HTTPStatus.SERVICE_UNAVAILABLE)

    return blueprint


def _index_name(edition: Edition, language: str) -> str:
    root = edition.questionnaire.index
    return "" if root is None else root.short_label.in_language(language)


def _line(edition: Edition, language: str) -> RoundLine:
    facts = edition.facts
    return RoundLine(
        slug=facts.slug,
        title=facts.title.in_language(language),
        issuer=facts.issuer.in_language(language),
        opens_on=facts.opens_on,
        closes_on=facts.closes_on,
        n_units=len(edition.units),
        n_answers=edition.counts.sealed,
        published_on=edition.published_on,
        is_simulated=facts.collected == "simulated",
    )


def _card(opened: OpenEdition, unit: str) -> Scorecard:
    if all(known.code != unit for known in opened.edition.units):
        abort(HTTPStatus.NOT_FOUND)
    return opened.composer.scorecard(unit)


def _file(content: bytes | None, content_type: str, name: str) -> Response:
    if content is None:
        abort(HTTPStatus.NOT_FOUND)
    response = Response(content, content_type=content_type)
    response.headers["Cache-Control"] = f"public, max-age={ONE_MINUTE}"
    response.headers.set("Content-Disposition", "inline" if name.endswith(".pdf") else "attachment", filename=name)
    return response
