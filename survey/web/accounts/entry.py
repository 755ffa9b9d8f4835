"""Signing in, with a second step where there is one, and out."""

from functools import partial
from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from survey.office_sessions import SessionRecord, sign_out
from survey.services import Services
from survey.sign_in import WAIT_SECONDS, Entry, show_code, sign_in
from survey.web.accounts.forms import CodeForm, SignInForm
from survey.web.accounts.knocking import door_of, note_refusal, visitor_of_request
from survey.web.accounts.passkey_pages import offer_sign_in
from survey.web.accounts.session import Area, drop_token, keep_token, now
from survey.web.accounts.showing import account_page

NOTICES = {"ended": "sign_in_ended", "out": "sign_in_signed_out"}
PASSKEY_REFUSALS = {
    "refused": "passkey_refused",
    "wait": "sign_in_wait",
    "stranger": "oidc_stranger",
    "failed": "oidc_failed",
}
REFUSED_AT = {"sign_in": "sign_in_refused", "sign_in_code": "sign_in_code_refused"}
AWAITED_AT = {"code": "sign_in_code", "enrolment": "second_factor"}


def awaits(area: Area, session: SessionRecord) -> str:
    """The endpoint of the one page that a session which is not complete may look at."""
    return area.endpoint(AWAITED_AT["code" if session.officer.has_second_factor else "enrolment"])


class EntryPages:
    """The way into an area of one instance, and out of it."""

    def __init__(self, services: Services, area: Area) -> None:
        self._services = services
        self._area = area
        self._door = door_of(services, area)

    def sign_in(self) -> AnyResponse:
        if g.account is not None:
            return _see(self._area.home)
        form = SignInForm()
        if request.method != "POST":
            notice = next((key for name, key in NOTICES.items() if name in request.args), None)
            refusal = PASSKEY_REFUSALS.get(request.args.get("passkey", ""))
            return self._sign_in_page(form, HTTPStatus.OK, notice=notice, refusal=refusal)
        if not form.validate():
            refusal = "error_expired" if form.csrf_token.errors else None
            return self._sign_in_page(form, HTTPStatus.BAD_REQUEST, refusal=refusal)
        visitor = visitor_of_request(self._services)
        outcome = sign_in(self._door, form.login.data, form.password.data, visitor, now())
        return self._go_on("sign_in", form, outcome)

    def code(self) -> AnyResponse:
        """The second step, for a session that awaits it."""
        if g.account is not None:
            return _see(self._area.home)
        form = CodeForm()
        if request.method != "POST":
            return _page("sign_in_code", form, HTTPStatus.OK)
        if not form.validate():
            return _page("sign_in_code", form, HTTPStatus.BAD_REQUEST)
        visitor = visitor_of_request(self._services)
        return self._go_on("sign_in_code", form, show_code(self._door, g.session, form.code.data, visitor, now()))

    def sign_out(self) -> AnyResponse:
        sign_out(self._services.stores, g.session)
        drop_token()
        return redirect(url_for(self._area.endpoint("sign_in"), out=1), HTTPStatus.SEE_OTHER)

    def _go_on(self, page: str, form: SignInForm | CodeForm, outcome: Entry | str) -> AnyResponse:
        if isinstance(outcome, Entry):
            keep_token(outcome.token)
            awaited = AWAITED_AT.get(outcome.awaited)
            return _see(self._area.home if awaited is None else self._area.endpoint(awaited))
        note_refusal(outcome)
        shown = self._sign_in_page if page == "sign_in" else partial(_page, page)
        if outcome == "wait":
            response = shown(form, HTTPStatus.TOO_MANY_REQUESTS, refusal="sign_in_wait")
            response.headers["Retry-After"] = str(WAIT_SECONDS)
            return response
        return shown(form, HTTPStatus.FORBIDDEN, refusal=REFUSED_AT[page])

    def _sign_in_page(
        self, form: SignInForm | CodeForm, status: int, *, notice: str | None = None, refusal: str | None = None
    ) -> Response:
        options = offer_sign_in(self._services)
        return _page("sign_in", form, status, notice=notice, refusal=refusal, options=options, way=self._area.other_way)


def _see(endpoint: str) -> AnyResponse:
    return redirect(url_for(endpoint), HTTPStatus.SEE_OTHER)


def _page(
    name: str,
    form: SignInForm | CodeForm,
    status: int,
    *,
    notice: str | None = None,
    refusal: str | None = None,
    **values: object,
) -> Response:
    return account_page(name, status=int(status), form=form, notice=notice, refusal=refusal, **values)
