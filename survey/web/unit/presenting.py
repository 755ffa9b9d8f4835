"""What the portal's pages show of an edition and of promises."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask import Response

from analysis.scorecards.content import Scorecard
from questionnaires.model import Text
from survey.editions import OpenEdition
from survey.promises import PromiseRecord
from survey.texts import percent
from survey.web.public.sections import sections_of

NOTICES = frozenset({"received", "promised", "changed", "objected"})


@dataclass(frozen=True, slots=True)
class Label:
    """A criterion as people find it on the scorecard: its number and name; no name for the service as a whole."""

    number: str
    name: Text | None


@dataclass(frozen=True, slots=True)
class PromiseLine:
    """A promise with the name of its criterion, and whether its day has passed."""

    promise: PromiseRecord
    label: Label
    is_late: bool


def promise_line(promise: PromiseRecord, label: Label, today: date) -> PromiseLine:
    """The promise as the pages show it on a day."""
    return PromiseLine(promise, label, promise.is_late(today))


def label_in(card: Scorecard, node: str) -> Label:
    """What a node is called on a scorecard; without a name where the scorecard has no such line."""
    found = next((line for line in card.lines if line.code == node), None)
    return Label("", None) if found is None else Label(found.number, found.label)


def notice_of(done: str) -> str | None:
    """The key of what has just been done."""
    return f"done_{done}" if done in NOTICES else None


def card_values(opened: OpenEdition, card: Scorecard, language: str) -> Mapping[str, object]:
    """What the page of a scorecard shows of the edition."""
    edition = opened.edition
    level = edition.plan.level
    # The page's own table of criteria stands between the two.
    first, further = sections_of(card, language)
    return {
        "card": card,
        "first_sections": first,
        "further_sections": further,
        "edition": edition,
        "title": edition.facts.title.in_language(language),
        "decimals": edition.plan.decimals,
        "level": percent(level, 0 if abs(level * 100 - round(level * 100)) < 1e-9 else 1, language),
    }


def pdf_response(content: bytes, name: str) -> Response:
    """The file under this name, for this browser alone."""
    response = Response(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response
