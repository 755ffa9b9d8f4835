"""Signing in with the word of another house: on the way there, and back."""

import hmac
from dataclasses import asdict
from http import HTTPStatus

from flask import abort, current_app, redirect, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response as AnyResponse

from survey.oidc import OidcAttempt, OidcFailure, OidcHouse, account_of
from survey.services import Services
from survey.sign_in import admit
from survey.web.accounts.knocking import door_of, note_refusal, visitor_of_request
from survey.web.accounts.passkey_pages import site_of_request
from survey.web.accounts.session import Area, keep_token, now
from survey.web.accounts.showing import account_page

LONGEST_ATTEMPT_SECONDS = 600
COOKIE = "hailong_oidc"


class OidcPages:
    """The views of an area for the way over another house, where the settings name one."""

    def __init__(self, services: Services, area: Area) -> None:
        self._services = services
        self._area = area
        self._door = door_of(services, area)
        self._house = None if services.settings.oidc is None else OidcHouse(services.settings.oidc)
        self._signer = URLSafeTimedSerializer(services.secrets.flask_key, salt=f"hailong oidc {area.name}")

    def begin(self) -> AnyResponse:
        """Send the browser to the house, with a signed note of what it has to bring back."""
        house = self._house
        if house is None:
            abort(HTTPStatus.NOT_FOUND)
        try:
            address, attempt = house.begin(self._back_here())
        except OidcFailure as failure:
            return self._failed(failure)
        response = redirect(address, HTTPStatus.SEE_OTHER)
        name, path, is_secure = self._cookie()
        # The way back is another site's link, along which a Strict cookie does not come.
        response.set_cookie(
            name,
            self._signer.dumps(asdict(attempt)),
            max_age=LONGEST_ATTEMPT_SECONDS,
            path=path,
            secure=is_secure,
            httponly=True,
            samesite="Lax",
        )
        return response

    def back(self) -> AnyResponse:
        """The session of whom the house names, if they were invited. Its page leads on by itself.

        It is a page and no redirect because the cookie of the session is Strict: it is not sent along a chain of
        redirects that began at another site.
        """
        if self._house is None:
            abort(HTTPStatus.NOT_FOUND)
        name, path, is_secure = self._cookie()
        attempt = self._attempt(request.cookies.get(name, ""))
        state, code = request.args.get("state", ""), request.args.get("code", "")
        issuer = request.args.get("iss", self._house.settings.issuer)
        if attempt is None or not hmac.compare_digest(state.encode(), attempt.state.encode()) or not code:
            return self._failed(None)
        if issuer != self._house.settings.issuer:
            return self._failed(None)
        try:
            identity = self._house.finish(attempt, code, self._back_here())
        except OidcFailure as failure:
            return self._failed(failure)
        account = account_of(self._services.stores, identity, self._area.role, now())
        visitor = visitor_of_request(self._services)
        entry = "refused" if account is None else admit(self._door, account, visitor, now(), "oidc")
        if isinstance(entry, str):
            note_refusal("another house's word")
            response = self._to_sign_in("stranger")
        else:
            keep_token(entry.token)
            response = account_page("entered", person=None, account=None, officer=None)
        response.delete_cookie(name, path=path, secure=is_secure, httponly=True, samesite="Lax")
        return response

    def _back_here(self) -> str:
        return f"{site_of_request(self._services).origin}{url_for(self._area.endpoint('oidc_back'), lang=None)}"

    def _cookie(self) -> tuple[str, str, bool]:
        is_secure = (self._services.settings.public_url or "").startswith("https")
        return ("__Host-" + COOKIE, "/", True) if is_secure else (COOKIE, f"/{self._area.name}", False)

    def _attempt(self, text: str) -> OidcAttempt | None:
        try:
            return OidcAttempt(**self._signer.loads(text, max_age=LONGEST_ATTEMPT_SECONDS))
        except (BadData, TypeError):
            return None

    def _failed(self, failure: OidcFailure | None) -> AnyResponse:
        current_app.logger.warning("A sign-in over another house failed: %s", failure or "not begun here, or too old")
        return self._to_sign_in("failed")

    def _to_sign_in(self, refusal: str) -> AnyResponse:
        return redirect(url_for(self._area.endpoint("sign_in"), passkey=refusal), HTTPStatus.SEE_OTHER)
