"""Passkeys on the pages: signing in with one, adding one, removing one."""

from http import HTTPStatus

from flask import Response, abort, g, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from survey.errors import BadInput
from survey.passkeys import (
    Site,
    add_passkey,
    authentication_options,
    list_passkeys,
    new_challenge,
    owner_of_answer,
    registration_options,
    remove_passkey,
)
from survey.services import Services, today
from survey.settings import LOOPBACK_HOSTS
from survey.sign_in import WAIT_SECONDS, admit
from survey.web.accounts.forms import PasskeyForm, RemovePasskeyForm
from survey.web.accounts.knocking import door_of, note_refusal, unproved, visitor_of_request
from survey.web.accounts.session import Area, keep_token, now
from survey.web.accounts.showing import account_page

CHALLENGE = "challenge"
# The name under which keys that are not known are counted: there is no login yet.
NOBODY = "passkey"


def site_of_request(services: Services) -> Site:
    """Where passkeys are good: the public address; on a machine that has none, or its own, whatever people typed."""
    public = services.settings.public_url
    site = Site(public or "")
    return site if public is not None and site.host not in LOOPBACK_HOSTS else Site(request.host_url.rstrip("/"))


def offer_sign_in(services: Services) -> str:
    """What a device is asked to sign on the sign-in page; the browser's cookie remembers it."""
    challenge = session[CHALLENGE] = new_challenge()
    return authentication_options(site_of_request(services), challenge)


class PasskeyPages:
    """The views of passkeys in an area of one instance."""

    def __init__(self, services: Services, area: Area) -> None:
        self._services = services
        self._area = area
        self._door = door_of(services, area)

    def sign_in(self) -> AnyResponse:
        """The session of whoever's device signed the challenge of the sign-in page."""
        services, visitor = self._services, visitor_of_request(self._services)
        if self._door.failures.is_closed(NOBODY, visitor.address):
            note_refusal("wait")
            response = self._back("wait")
            response.headers["Retry-After"] = str(WAIT_SECONDS)
            return response
        challenge, answer = session.pop(CHALLENGE, ""), request.form.get("answer", "")
        owner = owner_of_answer(
            services.stores, services.counters, site_of_request(services), str(challenge), answer, self._area.role
        )
        entry = "refused" if owner is None else admit(self._door, owner, visitor, now(), "passkey")
        if isinstance(entry, str):
            self._door.failures.remember(NOBODY, visitor.address)
            note_refusal("passkey")
            return self._back("refused")
        keep_token(entry.token)
        return redirect(url_for(self._area.home), HTTPStatus.SEE_OTHER)

    def passkeys(self) -> AnyResponse:
        """One's own passkeys, and the form of a new one; posted, it is kept."""
        services, account, form = self._services, g.account, PasskeyForm()
        site, status = site_of_request(services), HTTPStatus.OK
        self._ask(form)
        if request.method == "POST":
            status, challenge = HTTPStatus.BAD_REQUEST, str(session.pop(CHALLENGE, ""))
            if form.validate():
                refused = self._unproved(form)
                if refused is None:
                    try:
                        name, answer = form.name.data, form.answer.data
                        add_passkey(services.stores, site, account, challenge, answer, name, today())
                    except BadInput:
                        form.name.errors = ["error_passkey"]
                    else:
                        return redirect(url_for(self._area.endpoint("account"), done="passkey"), HTTPStatus.SEE_OTHER)
                status = refused or status
        challenge = session[CHALLENGE] = new_challenge()
        return account_page(
            "passkeys",
            status=int(status),
            form=form,
            keys=list_passkeys(services.stores, account),
            options=registration_options(site, account, challenge),
        )

    def remove(self, key: str) -> AnyResponse:
        """The form that asks who is signed in once more; posted, the passkey is gone."""
        form, status, keys = RemovePasskeyForm(), HTTPStatus.OK, list_passkeys(self._services.stores, g.account)
        self._ask(form)
        found = next((known for known in keys if known.mark == key), None)
        if found is None:
            abort(HTTPStatus.NOT_FOUND)
        if request.method == "POST":
            refused = self._unproved(form) if form.validate() else HTTPStatus.BAD_REQUEST
            if refused is None:
                remove_passkey(self._services.stores, g.account, key)
                return redirect(url_for(self._area.endpoint("account"), done="passkey_gone"), HTTPStatus.SEE_OTHER)
            status = refused
        return account_page("passkey_removed", status=int(status), form=form, key=found)

    def _ask(self, form: PasskeyForm | RemovePasskeyForm) -> None:
        """Ask for what this account has: one that another house speaks for has no password of ours."""
        if g.session.way == "oidc":
            del form.password
        if g.session.way == "oidc" or not g.account.has_second_factor:
            del form.code

    def _unproved(self, form: PasskeyForm | RemovePasskeyForm) -> HTTPStatus | None:
        return None if "password" not in form else unproved(self._door, visitor_of_request(self._services), form)

    def _back(self, what: str) -> Response:
        response: Response = redirect(  # type: ignore[assignment]
            url_for(self._area.endpoint("sign_in"), passkey=what), HTTPStatus.SEE_OTHER
        )
        return response
