"""What becomes of a citizen's sending: stored, shown again with what is wrong with it, or turned away in a flood."""

import time
from collections.abc import Callable, Sequence
from http import HTTPStatus

from flask import Response, redirect
from werkzeug.datastructures import MultiDict

from questionnaires.answers import CheckedAnswers
from survey.codes import read_code
from survey.errors import WrongState
from survey.guessing import count_fruitless, is_crowded, is_usable
from survey.intake import receive_ballot
from survey.open_link import Way, admit
from survey.proofs import WAIT_SECONDS, new_ticket, proof_id, read_ticket
from survey.services import STORE_FAILURES, Services, today
from survey.texts import Translate
from survey.web.citizen.forms import PROOF, TICKET, BallotForm, carried_fields, checked, filled_form, nonce_of
from survey.web.citizen.showing import (
    Place,
    Waiting,
    crowded_page,
    form_page,
    received_address,
    refused_page,
    shut_page,
)
from survey.web.limits import network_of_request
from survey.web.pages import catalogue_of, log_store_failure

# Answers without a code from one network on a day. A village may stand behind one address.
MOST_OF_A_NETWORK: dict[Way, int] = {"worked": 300, "waited": 30}
_DAY = 86_400
# What was stored, and what could not be stored through no fault of its sender.
FRUITFUL = (HTTPStatus.SEE_OTHER, HTTPStatus.SERVICE_UNAVAILABLE)


class Reception:
    """The sendings of one instance, with what keeps a flood of them away from its stores."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def let_in(
        self, place: Place, sent: MultiDict[str, str], answer: Callable[[], Response], chosen: Sequence[str] = ()
    ) -> Response:
        """The answer to a sending, or in a flood of sendings that come to nothing the page that says to come again.

        Whoever brings a code that can be used, or a proof in place of one, is answered however many others bring none,
        also where an answer lacks or units are only being chosen.
        """
        counters = self._services.counters
        if is_crowded(counters) and not self._has_right_now(place, sent):
            if not count_fruitless(counters):
                return _crowded(place, sent, chosen)
            is_refused = bool(sent.get("code", "").strip()) and not place.rates_several and "switch-lang" not in sent
            # The form with all its questions takes several times as long to draw as this.
            return _refused(place, sent) if is_refused else answer()
        response = answer()
        if response.status_code in FRUITFUL or count_fruitless(counters) or self._has_right_now(place, sent):
            return response
        return _crowded(place, sent, chosen)

    def receive(self, place: Place, sent: MultiDict[str, str], chosen: Sequence[str] = ()) -> Response:
        """What became of answers: the way to the page that says they are stored, or the form with what is wrong."""
        t = catalogue_of("citizen").translator(place.language)
        questionnaire = place.round.questionnaire
        result = checked(questionnaire, sent.to_dict(flat=False), chosen)
        is_without_code = place.is_open_link and not sent.get("code", "").strip()
        code_problem = "" if is_without_code else code_problem_of(sent.get("code", ""), t, place)

        def form() -> BallotForm:
            # It is made only for a page that shows it; most sendings are in order.
            return filled_form(questionnaire, sent, place.language, chosen)

        if not isinstance(result, CheckedAnswers):
            return form_page(place, form(), result, code_problem)
        if code_problem:
            return form_page(place, form(), code_problem=code_problem)
        try:
            code: str | Waiting | None = self._code_for_proof(place, sent) if is_without_code else sent["code"].strip()
            if code is None:
                return form_page(place, form(), code_problem=t("open_link_full"))
            if isinstance(code, Waiting):
                return form_page(place, form(), waiting=code)
            outcome = receive_ballot(
                self._services.stores,
                self._services.secrets,
                place.round.open_on(today()),
                place.unit_code,
                code,
                nonce_of(sent),
                result,
            )
        except WrongState:
            return shut_page(place, was_sent=True)
        except STORE_FAILURES as failure:
            log_store_failure(failure)
            return form_page(place, form(), is_unavailable=True)
        if outcome == "refused":
            # A proof that was used by another form is worth nothing any more: its sender waits for a new one.
            waiting = self._new_waiting(place) if is_without_code else None
            return form_page(place, form(), code_problem="" if waiting else refusal(t, place), waiting=waiting)
        if outcome == "received":
            self._services.days.count(place.round.record.slug, place.unit_code, today(), "received")
        return redirect(received_address(place), code=HTTPStatus.SEE_OTHER)  # type: ignore[return-value]

    def _code_for_proof(self, place: Place, sent: MultiDict[str, str]) -> str | Waiting | None:
        """The code that a proof gives the right to, how long its sender has to wait, or None when the day is full."""
        found = self._proof(place, sent)
        if isinstance(found, Waiting):
            return found
        proof, way = found
        network = network_of_request(self._services.settings.n_proxies)
        counters = self._services.counters

        def has_room() -> bool:
            limit = MOST_OF_A_NETWORK[way]
            return network is None or counters.allow(f"open link {way}", network, limit, _DAY)

        record = place.round.record
        return admit(
            self._services.stores,
            self._services.secrets,
            record.slug,
            place.unit_code,
            proof,
            way,
            cap=record.open_link_cap or 0,
            today=today(),
            has_room=has_room,
        )

    def _proof(self, place: Place, sent: MultiDict[str, str]) -> tuple[bytes, Way] | Waiting:
        secrets, slug = self._services.secrets, place.round.record.slug
        proof = proof_id(secrets, slug, place.unit_code, sent.get(PROOF, ""))
        if proof is not None:
            return proof, "worked"
        ticket = read_ticket(secrets, slug, place.unit_code, sent.get(TICKET, ""), time.time())
        if ticket is None:
            return self._new_waiting(place)
        if ticket.seconds_left:
            return Waiting(sent[TICKET], ticket.seconds_left)
        return ticket.id, "waited"

    def _new_waiting(self, place: Place) -> Waiting:
        ticket = new_ticket(self._services.secrets, place.round.record.slug, place.unit_code, time.time())
        return Waiting(ticket, WAIT_SECONDS)

    def _has_right_now(self, place: Place, sent: MultiDict[str, str]) -> bool:
        try:
            return self._has_right(place, sent)
        except STORE_FAILURES as failure:
            log_store_failure(failure)
            return False

    def _has_right(self, place: Place, sent: MultiDict[str, str]) -> bool:
        code = sent.get("code", "").strip()
        if not code and place.is_open_link:
            return not isinstance(self._proof(place, sent), Waiting)
        if not read_code(code):
            return False
        open_round = place.round.open_on(today())
        services = self._services
        return is_usable(services.stores, services.secrets, open_round, place.unit_code, code, nonce_of(sent))


def code_problem_of(code: str, t: Translate, place: Place) -> str:
    """What is wrong with a code before it is looked up; nothing where it may be one."""
    if not code.strip():
        return t("code_missing")
    # A code that nobody was ever given is told apart by its spelling alone, so saying so at once reveals nothing.
    return "" if read_code(code) else refusal(t, place)


def refusal(t: Translate, place: Place) -> str:
    """What is said of a code that cannot be used, whatever the reason is."""
    return t("code_refused_several" if place.rates_several else "code_refused")


def _refused(place: Place, sent: MultiDict[str, str]) -> Response:
    t = catalogue_of("citizen").translator(place.language)
    return refused_page(place, _all_of(place, sent), sent["code"], refusal(t, place))


def _crowded(place: Place, sent: MultiDict[str, str], chosen: Sequence[str]) -> Response:
    return crowded_page(place, _all_of(place, sent, chosen), sent.get("code", ""))


def _all_of(place: Place, sent: MultiDict[str, str], chosen: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
    """Every field that came but the code, for a page that lets it be sent again."""
    kept = [(name, sent[name]) for name in ("nonce", "lang", "form-part", "step", PROOF, TICKET) if name in sent]
    kept += [("units", unit) for unit in chosen]
    carried = carried_fields(place.round.questionnaire, sent, chosen)
    return (*kept, *carried)
