"""`/results`: the list of published rounds, a round, a bloc, a unit, the method."""

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus

from flask import Blueprint, Response, abort, current_app, request, url_for

from analysis.errors import EditionError
from analysis.release.edition import Edition
from analysis.release.rows import ALL, ROOT
from analysis.scorecards.annex import compose_annex
from analysis.scorecards.content import Scorecard
from survey.editions import EditionShelf, OpenEdition
from survey.errors import BadInput, NotFound
from survey.published_scores import published_indices
from survey.round_records import editions_of, list_rounds
from survey.services import Services
from survey.web.languages import keep_language
from survey.web.pages import page_language
from survey.web.public import blocs, presenting
from survey.web.public.area import ResultArea
from survey.web.public.drawings import web_strip
from survey.web.public.files import FilePages
from survey.web.public.sections import sections_of
from survey.web.public.verify import add_verify_pages


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

    def __init__(self, area: ResultArea) -> None:
        self._area = area

    def index(self) -> Response:
        language = page_language()
        stores = self._area.services.stores
        lines = []
        for published in list_rounds(stores):
            records = editions_of(stores, published.slug) if published.state == "published" else ()
            if not records:
                continue
            try:
                edition = self._area.shelf.open(published.slug, records[-1]).edition
            except (EditionError, OSError) as complaint:
                # One edition that was tampered with must not hide the others.
                current_app.logger.error("An edition of %s cannot be shown: %s", published.slug, complaint)
                continue
            lines.append(_line(edition, language))
        lines.sort(key=lambda line: (line.closes_on, line.slug), reverse=True)
        return self._area.page("public/index.html", language, {"rounds": lines, "has_published": self._has_published()})

    def round(self, slug: str) -> Response:
        language = page_language()
        opened, records = self._area.opened(slug)
        edition, asked = opened.edition, self._area.asked(records, opened)
        tables = [
            blocs.bloc_table(edition, league, blocs.Choice(), language, is_whole=True)
            for league in presenting.leagues_of(opened.composer)
        ]
        values = {
            "tables": tables,
            "plain_choice": blocs.Choice(),
            "is_whole": len(edition.units) <= blocs.MOST_WHOLE,
            "league_pdfs": {table.code: self._area.document(opened, f"league-{table.code}", asked) for table in tables},
            "league_words": {table.code: self._area.word(opened, f"league-{table.code}", asked) for table in tables},
            "method_word": self._area.word(opened, presenting.METHOD_ANNEX, asked),
            "province_pdf": self._area.document(opened, presenting.PROVINCE, asked),
            "modules": opened.composer.modules_of(ALL),
            "editions": records,
            "facts": presenting.facts_of(edition, language),
        }
        return self._area.page("public/round.html", language, self._area.shared(opened, records, language) | values)

    def bloc(self, slug: str, code: str) -> Response:
        language = page_language()
        opened, records = self._area.opened(slug)
        edition, asked = opened.edition, self._area.asked(records, opened)
        if code not in dict(edition.blocs):
            abort(HTTPStatus.NOT_FOUND)
        options = blocs.node_options(edition)
        choice = _choice(options)
        values = {
            "table": blocs.bloc_table(edition, opened.composer.league(code), choice, language),
            "choice": choice,
            "options": options,
            "sorts": blocs.SORTS,
            "pdf": self._area.document(opened, f"league-{code}", asked),
        }
        return self._area.page("public/bloc.html", language, self._area.shared(opened, records, language) | values)

    def unit(self, slug: str, unit: str) -> Response:
        language = page_language()
        opened, records = self._area.opened(slug)
        asked = self._area.asked(records, opened)
        card = _card(opened, unit)
        values = {
            "card": card,
            "strip": web_strip(card.members, card.bloc_index, card.scale, card.member)
            if card.member.figure.is_shown
            else None,
            "sections": sections_of(card, language),
            "highlights": presenting.highlights(card),
            "tables": presenting.unit_tables(card),
            "pdf": self._area.document(opened, unit, asked),
            "facts": presenting.facts_of(opened.edition, language),
            "files": [
                (kind, url_for("public.table_file", slug=slug, name=unit, kind=kind, edition=asked, lang=None))
                for kind in ("xlsx", "parquet", "json")
            ],
        }
        return self._area.page("public/unit.html", language, self._area.shared(opened, records, language) | values)

    def method(self, slug: str) -> Response:
        language = page_language()
        opened, records = self._area.opened(slug)
        values = {
            "annex": compose_annex(opened.edition),
            "pdf": self._area.document(opened, presenting.METHOD_ANNEX, self._area.asked(records, opened)),
        }
        return self._area.page("public/method.html", language, self._area.shared(opened, records, language) | values)

    def problem(self, status: int) -> Response:
        response = self._area.page("public/problem.html", page_language(), {"code": int(status)}, status=status)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _has_published(self) -> bool:
        try:
            return published_indices(self._area.services.settings.instance) is not None
        except BadInput as complaint:
            current_app.logger.error("The published indices cannot be shown: %s", complaint)
            return False


def make_blueprint(services: Services) -> Blueprint:
    """The public area of one instance."""
    blueprint = Blueprint("public", __name__, url_prefix="/results")
    area = ResultArea(services, EditionShelf(services.settings.instance))
    views, files = ResultPages(area), FilePages(area)
    keep_language(blueprint)
    rules = (
        ("", "index", views.index),
        ("/", "index", views.index),
        ("/published", "published", files.published),
        ("/published.csv", "published_file", files.published_file),
        ("/<slug>", "round", views.round),
        ("/<slug>/method", "method", views.method),
        ("/<slug>/data", "data", files.data),
        ("/<slug>/bloc/<code>", "bloc", views.bloc),
        ("/<slug>/<unit>", "unit", views.unit),
        ("/<slug>/<name>.pdf", "pdf_file", files.pdf_file),
        ("/<slug>/<name>.csv", "csv_file", files.csv_file),
        ("/<slug>/<name>.<any(xlsx, parquet, json):kind>", "table_file", files.table_file),
    )
    for rule, endpoint, view in rules:
        blueprint.add_url_rule(rule, endpoint, view, methods=["GET"])

    add_verify_pages(blueprint, area)
    blueprint.register_error_handler(HTTPStatus.NOT_FOUND, lambda _: views.problem(HTTPStatus.NOT_FOUND))
    blueprint.register_error_handler(NotFound, lambda _: views.problem(HTTPStatus.NOT_FOUND))

    @blueprint.errorhandler(EditionError)
    def unreadable(complaint: EditionError) -> Response:
        current_app.logger.error("An edition cannot be shown: %s", complaint)
        return views.problem(HTTPStatus.SERVICE_UNAVAILABLE)

    @blueprint.errorhandler(BadInput)
    def misprinted(complaint: BadInput) -> Response:
        current_app.logger.error("The published indices cannot be shown: %s", complaint)
        return views.problem(HTTPStatus.SERVICE_UNAVAILABLE)

    return blueprint


def _choice(options: tuple[blocs.NodeOption, ...]) -> blocs.Choice:
    """What the address asks for; anything that cannot be asked for counts as not asked."""
    node, sort, page = (request.args.get(name, "") for name in ("node", "sort", "page"))
    return blocs.Choice(
        node=node if any(option.code == node for option in options) else ROOT,
        words=request.args.get("q", "")[: blocs.LONGEST_QUERY],
        sort=sort if sort in blocs.SORTS else blocs.SORTS[0],
        page=int(page) if page.isascii() and page.isdecimal() and len(page) < 7 else 1,
    )


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
