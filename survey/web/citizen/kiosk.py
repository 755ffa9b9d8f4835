"""A kiosk: the same questions on a tablet at a counter, which forgets everything after each citizen.

Its pages keep no cookie and no storage, lead to no page outside the kiosk, and return to the first one by themselves:
with the script when nobody has touched the tablet for a while, and without it after a time that nobody needs.
"""

from http import HTTPStatus

from flask import Blueprint, Response, abort, request, url_for

from survey.fieldwork_days import DayBook
from survey.services import today
from survey.web.citizen.choosing import choice_page
from survey.web.citizen.forms import blank_form
from survey.web.citizen.sending import Sendings, place_of
from survey.web.citizen.shelf import Shelf
from survey.web.citizen.showing import (
    THANKS_SECONDS,
    WHOLE_ROUND,
    Place,
    blank_page,
    frame_of,
    in_language,
    received_page,
    shut_page,
)
from survey.web.pages import page_language, render_page

# Without the script nobody knows whether somebody is there; this is longer than any questionnaire takes.
REFRESH_SECONDS, REFRESH_ERROR_SECONDS = 20 * 60, 30
START, FORM, SEND, RECEIVED = "kiosk", "kiosk_form", "kiosk_send", "kiosk_received"


class KioskPages:
    """The kiosk of a unit, or of a round whose respondents choose the units."""

    def __init__(self, shelf: Shelf, days: DayBook, sendings: Sendings) -> None:
        self._shelf = shelf
        self._days = days
        self._sendings = sendings

    def start(self, slug: str, unit_code: str) -> Response:
        """The page that a citizen finds, and that every other one returns to."""
        place = self._place(slug, unit_code)
        address = url_for(f"citizen.{FORM}", slug=slug, unit_code=unit_code)
        return render_page(
            "citizen/kiosk.html",
            place.language,
            **frame_of(place),
            is_open=place.round.season_on(today()) == "open",
            begin=in_language(address, place.language),
        )

    def form(self, slug: str, unit_code: str) -> Response:
        """The questions, or the units to choose from."""
        place = self._place(slug, unit_code)
        if place.round.season_on(today()) != "open":
            return shut_page(place)
        count_opened(self._days, slug, place.unit_code)
        if place.rates_several:
            return choice_page(place, blank_form(place.round.questionnaire, place.language))
        return blank_page(place)

    def send(self, slug: str, unit_code: str) -> Response:
        """What becomes of a citizen's sending."""
        if unit_code == WHOLE_ROUND:
            return self._sendings.about_several(slug, is_kiosk=True)
        return self._sendings.about_one(slug, unit_code, is_kiosk=True)

    def received(self, slug: str, unit_code: str) -> Response:
        """The thanks."""
        return received_page(self._place(slug, unit_code))

    def _place(self, slug: str, unit_code: str) -> Place:
        found = self._shelf.glance(slug)
        language = page_language(found.questionnaire.languages)
        if found.questionnaire.rates_several_units != (unit_code == WHOLE_ROUND):
            abort(HTTPStatus.NOT_FOUND)
        if unit_code == WHOLE_ROUND:
            return Place(found, (), language, is_kiosk=True)
        return place_of(found, unit_code, language, is_kiosk=True)


def add_kiosk_pages(blueprint: Blueprint, shelf: Shelf, days: DayBook, sendings: Sendings) -> None:
    """The kiosk's addresses, under those of the citizen's pages."""
    pages = KioskPages(shelf, days, sendings)
    base = "/r/<slug>/<unit_code>/kiosk"
    blueprint.add_url_rule(base, START, pages.start, methods=["GET"])
    blueprint.add_url_rule(f"{base}/form", FORM, pages.form, methods=["GET"])
    blueprint.add_url_rule(f"{base}/form", SEND, pages.send, methods=["POST"])
    blueprint.add_url_rule(f"{base}/form/received", RECEIVED, pages.received, methods=["GET"])

    @blueprint.after_request
    def return_by_itself(response: Response) -> Response:
        seconds = _seconds_of(response)
        if seconds and request.view_args:
            response.headers["Refresh"] = f"{seconds}; url={url_for(f'citizen.{START}', **request.view_args)}"
        return response


def count_opened(days: DayBook, slug: str, unit_code: str = "") -> None:
    """One more that looked at the questions: a count of the unit's day, neither the moment nor who it was."""
    if request.method == "GET":
        days.count(slug, unit_code, today(), "opened")


def _seconds_of(response: Response) -> int:
    """After how many seconds a page of the kiosk gives way to its first one; 0 for what stays."""
    endpoint = (request.endpoint or "").removeprefix("citizen.")
    if endpoint not in (START, FORM, SEND, RECEIVED) or response.status_code == HTTPStatus.SEE_OTHER:
        return 0
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status_code == HTTPStatus.NOT_FOUND:
        # What was typed stays on the page of a sending that could not be stored.
        return REFRESH_SECONDS if endpoint == SEND else REFRESH_ERROR_SECONDS
    return {START: 0, RECEIVED: THANKS_SECONDS}.get(endpoint, REFRESH_SECONDS)
