"""Signing in, with a second step where there is one, and out."""

from http import HTTPStatus

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from survey.office_sessions import SessionRecord, sign_out
from survey.services import Services
from survey.sign_in import WAIT_SECONDS, Entry, show_code, sign_in
from survey.web.office.account_forms import CodeForm
from survey.web.office.forms import SignInForm
from survey.web.office.knocking import door_of, note_refusal, visitor_of_request
from survey.web.office.session import drop_token, keep_token, now
from survey.web.pages import page_language, render_page

SIGN_IN = "office.sign_in"
SIGN_IN_CODE = "office.sign_in_code"
SECOND_FACTOR = "office.second_factor"
SIGN_OUT = "office.sign_out"
REFUSED_AT = {"sign_in": "sign_in_refused", "sign_in_code": "sign_in_code_refused"}
AWAITED_AT = {"nothing": "office.rounds", "code": SIGN_IN_CODE, "enrolment": SECOND_FACTOR}


def awaits(session: SessionRecord) -> str:
    """The one page that a session which is not complete may look at."""
    return AWAITED_AT["code" if session.officer.has_second_factor else "enrolment"]


class EntryPages:
    """The way into the office of one instance, and out of it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._door = door_of(services)

    def sign_in(self) -> AnyResponse:
        if g.officer is not None:
            return _see(AWAITED_AT["nothing"])
        form = SignInForm()
        if request.method != "POST":
            notice = (
                "sign_in_ended" if "ended" in request.args else "sign_in_signed_out" if "out" in request.args else None
            )
            return _page("sign_in", form, HTTPStatus.OK, notice=notice)
        if not form.validate():
            refusal = "error_expired" if form.csrf_token.errors else None
            return _page("sign_in", form, HTTPStatus.BAD_REQUEST, refusal=refusal)
        visitor = visitor_of_request(self._services)
        outcome = sign_in(self._door, form.login.data, form.password.data, visitor, now())
        return self._go_on("sign_in", form, outcome)

    def code(self) -> AnyResponse:
        """The second step, for a session that awaits it."""
        if g.officer is not None:
            return _see(AWAITED_AT["nothing"])
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
        return redirect(url_for(SIGN_IN, out=1), HTTPStatus.SEE_OTHER)

    def _go_on(self, page: str, form: SignInForm | CodeForm, outcome: Entry | str) -> AnyResponse:
        if isinstance(outcome, Entry):
            keep_token(outcome.token)
            return _see(AWAITED_AT[outcome.awaited])
        note_refusal(outcome)
        if outcome == "wait":
            response = _page(page, form, HTTPStatus.TOO_MANY_REQUESTS, refusal="sign_in_wait")
            response.headers["Retry-After"] = str(WAIT_SECONDS)
            return response
        return _page(page, form, HTTPStatus.FORBIDDEN, refusal=REFUSED_AT[page])


def _see(endpoint: str) -> AnyResponse:
    return redirect(url_for(endpoint), HTTPStatus.SEE_OTHER)


def _page(
    name: str, form: SignInForm | CodeForm, status: int, *, notice: str | None = None, refusal: str | None = None
) -> Response:
    return render_page(
        f"office/{name}.html", page_language(), status=int(status), form=form, notice=notice, refusal=refusal
    )
