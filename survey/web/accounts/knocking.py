"""What the pages about signing in share: who knocks, at which door, and asking people once more who they are."""

from http import HTTPStatus

from flask import current_app, g, request

from survey.services import Services
from survey.sign_in import Door, FailedLogins, Visitor, prove
from survey.web.accounts.browsers import browser_words
from survey.web.accounts.forms import ProofForm, SessionsForm
from survey.web.accounts.session import Area, now
from survey.web.limits import address_of_request


def door_of(services: Services, area: Area) -> Door:
    """The door of an area of this instance; every process of the server counts at the same one."""
    failures = FailedLogins(services.counters)
    return Door(services.stores, services.secrets, failures, services.settings.must_have_second_factor, area.role)


def visitor_of_request(services: Services) -> Visitor:
    """Who sent this request, as far as anybody wants to know."""
    return Visitor(address_of_request(services.settings.n_proxies), browser_words(request.user_agent.string))


def unproved(door: Door, visitor: Visitor, form: ProofForm | SessionsForm) -> HTTPStatus | None:
    """None when the form proves who is signed in; else what to answer, and the form says what is wrong."""
    code = form.code.data if "code" in form else None
    proof = prove(door, g.account, form.password.data, visitor, now(), code=code)
    if proof == "proved":
        return None
    note_refusal(proof)
    if proof == "wrong code":
        form.code.errors = ["error_code_wrong"]
    else:
        form.password.errors = ["sign_in_wait" if proof == "wait" else "error_password_wrong"]
    return HTTPStatus.TOO_MANY_REQUESTS if proof == "wait" else HTTPStatus.FORBIDDEN


def note_refusal(what: str) -> None:
    """A line for whoever watches the server. Who and from where is in no log: counting is enough to be told of it."""
    current_app.logger.warning("A sign-in was refused: %s", what)
