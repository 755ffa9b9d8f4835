"""How far the fieldwork about one's own unit has come: counts in steps of ten, which tell of no single person."""

from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, abort, g

from survey.fieldwork_counts import FieldworkCounts
from survey.invitations import invited_units
from survey.round_records import RoundRecord, find_round, list_rounds
from survey.services import Services
from survey.web.pages import page_language, render_page

STEP = 10
SHOWN_STATES = ("open", "closed")


@dataclass(frozen=True, slots=True)
class OpenRoundLine:
    """A round that asks about the unit now."""

    slug: str
    title: str


class FieldworkPages:
    """The fieldwork of open rounds, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def fieldwork(self, slug: str) -> Response:
        """How many were invited and answered about the unit, each at least so many."""
        record = find_round(self._services.stores, slug)
        unit = g.person.unit_code
        if not self._is_asked_about(record, unit):
            abort(HTTPStatus.NOT_FOUND)
        issued, spent = stepped(self._services.watch.look(slug), unit)
        language = page_language()
        title = record.title.in_language(language)
        return render_page(
            "unit/fieldwork.html", language, round=record, title=title, issued=issued, spent=spent, step=STEP
        )

    def open_rounds(self, language: str) -> tuple[OpenRoundLine, ...]:
        """The rounds that ask about the unit now."""
        unit = g.person.unit_code
        rounds = (record for record in list_rounds(self._services.stores) if self._is_asked_about(record, unit))
        return tuple(OpenRoundLine(record.slug, record.title.in_language(language)) for record in rounds)

    def _is_asked_about(self, record: RoundRecord, unit: str) -> bool:
        """Whether people are invited for the unit, and nothing they said is sealed yet."""
        is_shown = record.state in SHOWN_STATES and not record.is_imported and unit in record.unit_codes
        return is_shown and unit in invited_units(self._services.stores, record)


def stepped(counts: FieldworkCounts, unit: str) -> tuple[int, int]:
    """Invitations issued for a unit and used, both rounded down to a step: whoever looks again sees no one arrive."""
    own = [cell for cell in counts.cells if cell.unit == unit]
    issued, spent = sum(cell.issued for cell in own), sum(cell.spent for cell in own)
    return issued // STEP * STEP, spent // STEP * STEP
