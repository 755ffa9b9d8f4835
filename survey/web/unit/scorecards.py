"""The scorecards of one's own unit: the list with the figures of every round, each card, its PDF, its receipt."""

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus

from flask import Response, abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from analysis.errors import EditionError
from analysis.scorecards.content import Member, Scorecard
from survey.editions import EditionShelf, OpenEdition
from survey.errors import NotFound
from survey.previews import previews_for
from survey.promises import PromiseRecord, list_promises
from survey.receipts import acknowledge, receipts_of
from survey.round_records import EditionRecord, editions_of, list_rounds
from survey.services import Services, today
from survey.web.pages import page_language, render_page
from survey.web.unit import presenting
from survey.web.unit.fieldwork import FieldworkPages

N_KEPT = 8


@dataclass(frozen=True, slots=True)
class CardLine:
    """A published scorecard of the unit in the list; the ranks are those that it may hold in its bloc."""

    slug: str
    title: str
    closes_on: date
    published_on: date
    member: Member
    n_ranked: int
    decimals: int
    is_received: bool
    n_promises: int


class ScorecardPages:
    """The views of the portal's scorecards, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._shelf = EditionShelf(services.settings.instance, N_KEPT)

    def index(self) -> Response:
        """The unit's previews, scorecards and promises, the newest first."""
        language, unit = page_language(), g.person.unit_code
        promises = list_promises(self._services.stores, unit_code=unit)
        lines = []
        for published in list_rounds(self._services.stores):
            if published.state != "published" or unit not in published.unit_codes:
                continue
            try:
                opened, records = self.opened(published.slug)
            except (EditionError, OSError, NotFound) as complaint:
                # One edition that was tampered with must not hide the others.
                current_app.logger.error("A scorecard of %s cannot be shown: %s", published.slug, complaint)
                continue
            lines.append(self._line(opened, records, promises, language))
        lines.sort(key=lambda line: (line.closes_on, line.slug), reverse=True)
        return render_page(
            "unit/scorecards.html",
            language,
            lines=lines,
            previews=previews_for(self._services.stores, unit),
            open_rounds=FieldworkPages(self._services).open_rounds(language),
            promises=[presenting.promise_line(promise, self.label_of(promise), today()) for promise in promises],
            notice=presenting.notice_of(request.args.get("done", "")),
        )

    def scorecard(self, slug: str) -> Response:
        """The unit's scorecard of a round, with who has read it and what is promised."""
        opened, records = self.opened(slug)
        language, unit = page_language(), g.person.unit_code
        stores, edition = self._services.stores, opened.edition
        card = card_of(opened, unit)
        receipts = [row for row in receipts_of(stores, slug, unit) if row.edition_number == edition.number]
        return render_page(
            "unit/scorecard.html",
            language,
            status=int(HTTPStatus.OK),
            **presenting.card_values(opened, card, language),
            receipts=receipts,
            is_received=any(row.account_id == g.account.id for row in receipts),
            promises=[
                presenting.promise_line(promise, presenting.label_in(card, promise.node), today())
                for promise in list_promises(stores, slug=slug, unit_code=unit)
            ],
            has_pdf=self._pdf_name(opened, unit, language) is not None,
            editions=records,
            notice=presenting.notice_of(request.args.get("done", "")),
            is_preview=False,
        )

    def pdf_file(self, slug: str) -> Response:
        """The printed scorecard of one's own unit, the one with released comments where there is one."""
        opened, _ = self.opened(slug)
        name = self._pdf_name(opened, g.person.unit_code, page_language())
        content = None if name is None else opened.content(name)
        if content is None:
            abort(HTTPStatus.NOT_FOUND)
        return presenting.pdf_response(content, f"{slug}-{g.person.unit_code}.pdf")

    def receive(self, slug: str) -> AnyResponse:
        """Keep that whoever is signed in has read the newest scorecard of the round."""
        opened, _ = self.opened(slug)
        card_of(opened, g.person.unit_code)
        acknowledge(self._services.stores, slug, opened.edition.number, g.person, today())
        return redirect(url_for("unit.scorecard", slug=slug, done="received"), HTTPStatus.SEE_OTHER)

    def opened(self, slug: str) -> tuple[OpenEdition, tuple[EditionRecord, ...]]:
        """The newest edition of a round, and all of them; a round without the unit is not there."""
        records = editions_of(self._services.stores, slug)
        if not records:
            raise NotFound(f"found no edition of {slug[:60]!r}")
        return self._shelf.open(slug, records[-1]), records

    def label_of(self, promise: PromiseRecord) -> presenting.Label:
        """What the criterion of a promise is called on the scorecard that it was made in view of."""
        try:
            opened, _ = self.opened(promise.round_slug)
            return presenting.label_in(card_of(opened, promise.unit_code), promise.node)
        except (EditionError, OSError, NotFound):
            return presenting.Label("", None)

    def _line(
        self,
        opened: OpenEdition,
        records: tuple[EditionRecord, ...],
        promises: tuple[PromiseRecord, ...],
        language: str,
    ) -> CardLine:
        edition, person = opened.edition, g.person
        card = card_of(opened, person.unit_code)
        receipts = receipts_of(self._services.stores, edition.facts.slug, person.unit_code)
        return CardLine(
            slug=edition.facts.slug,
            title=edition.facts.title.in_language(language),
            closes_on=edition.facts.closes_on,
            published_on=records[-1].published_on,
            member=card.member,
            n_ranked=card.n_ranked,
            decimals=edition.plan.decimals,
            is_received=any(row.edition_number == edition.number for row in receipts),
            n_promises=sum(promise.round_slug == edition.facts.slug for promise in promises),
        )

    def _pdf_name(self, opened: OpenEdition, unit: str, language: str) -> str | None:
        endings = [".en.pdf", ".pdf"] if language == "en" else [".pdf"]
        names = [f"{unit}{kind}{ending}" for ending in endings for kind in (".unit", "")]
        return next((name for name in names if name in opened.hashes), None)


def card_of(opened: OpenEdition, unit: str) -> Scorecard:
    """The scorecard of a unit; NotFound where the edition has no such unit."""
    if all(known.code != unit for known in opened.edition.units):
        raise NotFound(f"the round {opened.edition.facts.slug} has no unit {unit}")
    return opened.composer.scorecard(unit, with_comments=True)
