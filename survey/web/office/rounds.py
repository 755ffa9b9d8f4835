"""The list of rounds, the page of a round, and the list of units."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, current_app, g, request, url_for

from analysis.errors import AnalysisError, EditionError
from survey.approvals import rounds_that_wait
from survey.comments import has_comments
from survey.editions import EditionShelf, OpenEdition
from survey.errors import HailongError, StoreUnavailable
from survey.invitations import ISSUING_STATES
from survey.jobs import is_at_work, job_of
from survey.previews import current_preview
from survey.procedures import procedures_of
from survey.publishing import release_plan_of
from survey.round_records import RoundRecord, editions_of, find_round, list_rounds, units_of_round
from survey.round_sources import sources_of_round
from survey.round_status import round_status
from survey.services import Services, today
from survey.settings import Settings
from survey.units import units_on
from survey.web.office import presenting
from survey.web.office.design_words import SourcesInWords, sources_in_words
from survey.web.pages import catalogue_of, page_language, render_page
from survey.web.public.files import is_public_document
from survey.web.public.open_data import file_titles
from survey.web.public.presenting import METHOD_ANNEX, PROVINCE


@dataclass(frozen=True, slots=True)
class FileLine:
    """A published file: its kind, what it is called, where it is."""

    kind: str
    label: str
    address: str


@dataclass(frozen=True, slots=True)
class EditionLine:
    """An edition with its files; no files when they are not what was recorded."""

    number: int
    reason: str | None
    published_on: date
    files: tuple[FileLine, ...]


class RoundPages:
    """What an officer sees of the rounds of one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._shelf = EditionShelf(services.settings.instance)

    def rounds(self) -> Response:
        language = page_language()
        lines: list[dict[str, Any]] = [
            {
                "slug": record.slug,
                "title": record.title.in_language(language),
                "state": record.state,
                "opens_on": record.opens_on,
                "closes_on": record.closes_on,
                "questionnaire": " + ".join((record.questionnaire_reference, *record.module_references)),
                "is_simulated": record.is_simulated,
                "is_halted": record.is_halted,
                "n_units": len(record.unit_codes),
            }
            for record in list_rounds(self._services.stores)
        ]
        return render_page("office/rounds.html", language, rounds=lines, area="rounds", waiting=self._waiting(lines))

    def _waiting(self, lines: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
        """The rounds in which somebody asked for the approval of whoever looks, by title, with how often."""
        if not g.account.may("approvals.give"):
            return []
        counts = rounds_that_wait(self._services.stores, g.account)
        return [(line["slug"], line["title"], counts[line["slug"]]) for line in lines if line["slug"] in counts]

    def round(self, slug: str) -> Response:
        language = page_language()
        status = round_status(self._services.stores, self._services.secrets, slug)
        record = status.round
        units = units_of_round(self._services.stores, record)
        names = {unit.code: presenting.unit_name(unit, language) for unit in units}
        counts, total = presenting.count_rows(status, names, language)
        public_url = self._services.settings.public_url or request.host_url.rstrip("/")
        return render_page(
            "office/round.html",
            language,
            area="rounds",
            round=round_line(record, language),
            was_created="created" in request.args,
            progress=presenting.progress_of(record),
            next_step=presenting.next_step_of(record),
            step_words="preview"
            if _needs_preview(record, self._services.settings)
            else presenting.next_step_of(record),
            is_early=record.state == "open" and today() <= record.closes_on,
            is_printing=is_at_work(job_of(self._services.stores, slug)),
            has_preview=current_preview(self._services.stores, slug) is not None,
            may_correct=record.state == "published" and not record.is_halted,
            has_comments=has_comments(self._services.settings, record),
            may_issue=may_issue(record),
            needs_trial=record.state == "draft" and record.custody is not None and not record.custody.is_tried,
            counts=counts,
            total=total,
            sealed=status.sealed,
            rejected=status.rejected,
            unit_names=sorted(names.values()),
            facts=presenting.facts_of(record, f"{public_url}/r/{slug}", language),
            editions=self._editions(record, names, language),
            approvals=rounds_that_wait(self._services.stores, g.account).get(slug, 0),
            needs_approval=self._services.settings.must_have_second_person,
            sources=self._sources(record, language),
        )

    def units(self) -> Response:
        language = page_language()
        on = today()
        units = units_on(self._services.stores, on)
        procedures = procedures_of(self._services.stores, units)
        lines = [
            {
                "code": unit.code,
                "name": presenting.unit_name(unit, language),
                "kind": presenting.kind_label(unit.kind, language),
                "bloc": unit.bloc_in(language),
                "bloc_code": unit.bloc_code,
                "since": unit.valid_from,
                "procedures": [name.in_language(language) for name in procedures.get(unit.code, ())],
            }
            for unit in sorted(units, key=lambda unit: (unit.bloc_name, unit.name_vi))
        ]
        return render_page("office/units.html", language, units=lines, today=on, area="units")

    def _sources(self, record: RoundRecord, language: str) -> SourcesInWords | None:
        """What the design and the plan say; None when they cannot be read any more."""
        try:
            outline = sources_of_round(self._services.stores, record)
        except StoreUnavailable:
            raise
        except (HailongError, AnalysisError) as complaint:
            current_app.logger.error("The design of %s cannot be shown: %s", record.slug, complaint)
            return None
        names = {unit.code: presenting.unit_name(unit, language) for unit in units_on(self._services.stores, None)}
        return sources_in_words(outline, names, language)

    def _editions(self, record: RoundRecord, names: dict[str, str], language: str) -> list[EditionLine]:
        lines = []
        for known in reversed(editions_of(self._services.stores, record.slug)):
            try:
                opened = self._shelf.open(record.slug, known)
                files = _files(opened, names, language)
            except (EditionError, OSError) as complaint:
                current_app.logger.error("An edition of %s cannot be shown: %s", record.slug, complaint)
                files = ()
            lines.append(EditionLine(known.number, known.reason, known.published_on, files))
        return lines


def _needs_preview(record: RoundRecord, settings: Settings) -> bool:
    """Whether the next step of a round is a preview; a plan that cannot be read says so on the page of the step."""
    if presenting.next_step_of(record) != "publish":
        return False
    try:
        return release_plan_of(record, settings).needs_preview
    except AnalysisError:
        return False


def round_line(record: RoundRecord, language: str) -> dict[str, object]:
    """What every page about a round says of it."""
    return {
        "slug": record.slug,
        "title": record.title.in_language(language),
        "state": record.state,
        "opens_on": record.opens_on,
        "closes_on": record.closes_on,
        "is_imported": record.is_imported,
        "is_simulated": record.is_simulated,
        "is_halted": record.is_halted,
        "n_units": len(record.unit_codes),
        "custody": custody_line(record),
    }


def custody_line(record: RoundRecord) -> dict[str, object] | None:
    """How many hold the round's key and how many open it; None where the machine holds it."""
    if record.custody is None:
        return None
    shares = len(record.custody.custodians)
    return {"need": record.custody.need, "shares": shares, "is_tried": record.custody.is_tried}


def may_issue(record: RoundRecord) -> bool:
    """Whether codes can be issued for this round now."""
    return record.state in ISSUING_STATES and not record.is_imported


def find_line(services: Services, slug: str, language: str) -> tuple[RoundRecord, dict[str, object]]:
    """The round and what its pages say of it; NotFound when there is none."""
    record = find_round(services.stores, slug)
    return record, round_line(record, language)


def _files(opened: OpenEdition, names: dict[str, str], language: str) -> tuple[FileLine, ...]:
    slug, number = opened.edition.facts.slug, opened.edition.number
    tables = file_titles()

    def address_of(stem: str) -> str:
        return url_for("public.pdf_file", slug=slug, name=stem, edition=number, lang=None)

    lines = list(document_lines(opened, names, language, address_of))
    for name in sorted(opened.hashes):
        if name in tables:
            stem = name.rpartition(".")[0]
            label = f"{tables[name].in_language(language)} (CSV)"
            address = url_for("public.csv_file", slug=slug, name=stem, edition=number, lang=None)
            lines.append(FileLine("table", label, address))
    return tuple(sorted(lines, key=_order_of))


def document_lines(
    opened: OpenEdition, names: Mapping[str, str], language: str, address_of: Callable[[str], str]
) -> tuple[FileLine, ...]:
    """The printed documents of an edition that are for everybody, each where `address_of` its name says it is."""
    text = catalogue_of("office").text
    is_english = language == "en"
    blocs = {unit.bloc_code: (is_english and unit.bloc_name_en) or unit.bloc_name for unit in opened.edition.units}
    lines = []
    for name in opened.hashes:
        stem, _, suffix = name.rpartition(".")
        if suffix != "pdf" or not is_public_document(opened, stem):
            continue
        subject = stem.removesuffix(".en")
        kind, about = _document(subject, blocs, names)
        label = text(f"files_{kind}", language, name=about)
        if subject != stem:
            label = text("files_in_english", language, name=label)
        lines.append(FileLine(kind, label, address_of(stem)))
    return tuple(sorted(lines, key=_order_of))


def _order_of(line: FileLine) -> tuple[int, str]:
    return ("province", "league", "method", "table", "scorecard").index(line.kind), line.label


def _document(subject: str, blocs: Mapping[str, str], names: Mapping[str, str]) -> tuple[str, str]:
    """The kind of a printed document, and the name of what it is about."""
    bloc = subject.removeprefix("league-")
    if subject != bloc and bloc in blocs:
        return "league", blocs[bloc]
    if subject == METHOD_ANNEX:
        return "method", ""
    if subject == PROVINCE:
        return "province", ""
    return "scorecard", names.get(subject, subject)
