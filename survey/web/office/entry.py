"""Signing in and out."""

from http import HTTPStatus

from flask import Response, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from survey.officers import WAIT_SECONDS, FailedLogins, check_login, record_sign_out
from survey.services import Services
from survey.web.limits import address_of_request
from survey.web.office.forms import SignInForm
from survey.web.office.session import begin_session, end_session
from survey.web.pages import page_language, render_page


class EntryPages:
    """The sign-in page and the way out, over one instance and its memory of failed sign-ins."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._failures = FailedLogins(services.counters)

    def sign_in(self) -> AnyResponse:
        if g.officer is not None:
            return redirect(url_for("office.rounds"), HTTPStatus.SEE_OTHER)
        form = SignInForm()
        if request.method != "POST":
            notice = (
                "sign_in_ended" if "ended" in request.args else "sign_in_signed_out" if "out" in request.args else None
            )
            return _page(form, HTTPStatus.OK, notice=notice)
        if not form.validate():
            return _page(form, HTTPStatus.BAD_REQUEST, refusal="error_expired" if form.csrf_token.errors else None)
        address = address_of_request(self._services.settings.n_proxies)
        outcome = check_login(self._services.stores, self._failures, form.login.data, form.password.data, address)
        if isinstance(outcome, str):
            # Who and from where is in no log: counting is enough to be told of it.
            current_app.logger.warning("A sign-in was refused: %s", outcome)
        if outcome == "wait":
            response = _page(form, HTTPStatus.TOO_MANY_REQUESTS, refusal="sign_in_wait")
            response.headers["Retry-After"] = str(WAIT_SECONDS)
            return response
        if outcome == "refused":
            return _page(form, HTTPStatus.FORBIDDEN, refusal="sign_in_refused")
        begin_session(outcome)
        return redirect(url_for("office.rounds"), HTTPStatus.SEE_OTHER)

    def sign_out(self) -> AnyResponse:
        record_sign_out(self._services.stores, g.officer)
        end_session()
        return redirect(url_for("office.sign_in", out=1), HTTPStatus.SEE_OTHER)


def _page(form: SignInForm, status: int, *, notice: str | None = None, refusal: str | None = None) -> Response:
    return render_page(
        "office/sign_in.html", page_language(), status=int(status), form=form, notice=notice, refusal=refusal
    )
