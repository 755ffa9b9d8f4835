"""The page that gives out a kiosk's address, to be opened once on the tablet at a counter."""

from http import HTTPStatus

from flask import Response, abort, request, url_for

from survey.errors import WrongState
from survey.invitations import invited_units
from survey.round_records import units_of_round
from survey.services import Services, today
from survey.slips import draw_qr, printed_address
from survey.web.citizen.showing import IDLE_SECONDS, WHOLE_ROUND
from survey.web.office.presenting import unit_name
from survey.web.office.rounds import find_line
from survey.web.pages import page_language, render_page_of


class KioskPages:
    """The page about a round's kiosks, over one instance."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def address(self, slug: str) -> Response:
        """The address for a unit, or for the round where respondents choose the units."""
        language = page_language()
        record, line = find_line(self._services, slug, language)
        is_for_all = "" in invited_units(self._services.stores, record)
        units = sorted(units_of_round(self._services.stores, record), key=lambda unit: unit.name_vi)
        names = {} if is_for_all else {unit.code: unit_name(unit, language) for unit in units}
        chosen = WHOLE_ROUND if is_for_all else request.args.get("unit", "")
        if chosen and not is_for_all and chosen not in names:
            abort(HTTPStatus.NOT_FOUND)
        if not chosen and len(names) == 1:
            chosen = next(iter(names))
        path = url_for("citizen.kiosk", slug=slug, unit_code=chosen) if chosen else ""
        address = self._address(path) if chosen else ""
        return render_page_of(
            "office",
            "tablets/kiosk.html",
            language,
            area="rounds",
            round=line,
            is_open=record.accepts_answers_on(today()),
            is_open_link=record.open_link_cap is not None and not is_for_all,
            names=names,
            chosen=chosen,
            name=names.get(chosen, ""),
            address=address,
            path=path,
            qr=draw_qr(address) if address else None,
            lacks_address=bool(chosen) and not address,
            idle=IDLE_SECONDS,
        )

    def _address(self, path: str) -> str:
        """What the tablet opens; empty where the address that people type is not set."""
        try:
            return printed_address(self._services.settings, request.host_url.rstrip("/")) + path
        except WrongState:
            return ""
