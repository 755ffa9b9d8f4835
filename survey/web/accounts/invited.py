"""Accepting an invitation, to the office or to the portal: its code and a password of one's own, and one is in."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from survey.passwords import WeakPassword
from survey.services import Services
from survey.sign_in import WAIT_SECONDS, sign_in
from survey.web.accounts.forms import InvitedForm
from survey.web.accounts.knocking import door_of, note_refusal, visitor_of_request
from survey.web.accounts.session import Area, keep_token, now
from survey.web.accounts.showing import account_page

# The name under which wrong codes are counted: there is no login yet.
NOBODY = "invitation"


# Takes a code, the chosen password and the present; gives the login of whoever was invited, None where nobody was.
Accept = Callable[[str, str, datetime], str | None]


class InvitedPages:
    """The way in of whoever comes for the first time, or has lost the password."""

    def __init__(self, services: Services, area: Area, accept: Accept) -> None:
        self._services = services
        self._area = area
        self._accept = accept
        self._door = door_of(services, area)

    def invited(self) -> AnyResponse:
        """The form for the code and a new password; posted, the session begins as after a sign-in."""
        form = InvitedForm()
        if request.method != "POST":
            return _page(form)
        if not form.validate():
            return _page(form, HTTPStatus.BAD_REQUEST, refusal="error_expired" if form.csrf_token.errors else None)
        visitor = visitor_of_request(self._services)
        if self._door.failures.is_closed(NOBODY, visitor.address):
            note_refusal("wait")
            response = _page(form, HTTPStatus.TOO_MANY_REQUESTS, refusal="sign_in_wait")
            response.headers["Retry-After"] = str(WAIT_SECONDS)
            return response
        code, password = form.invitation.data, form.new_password.data
        try:
            login = self._accept(code, password, now())
        except WeakPassword as weak:
            form.new_password.errors = [f"error_password_{weak.reason}"]
            return _page(form, HTTPStatus.BAD_REQUEST, limits=weak.values)
        entry = None if login is None else sign_in(self._door, login, password, visitor, now())
        if entry is None or isinstance(entry, str):
            self._door.failures.remember(NOBODY, visitor.address)
            note_refusal("invitation")
            form.invitation.errors = ["error_invitation_wrong"]
            return _page(form, HTTPStatus.FORBIDDEN)
        keep_token(entry.token)
        target = self._area.endpoint("second_factor") if entry.awaited == "enrolment" else self._area.home
        return redirect(url_for(target), HTTPStatus.SEE_OTHER)


def _page(form: InvitedForm, status: int = HTTPStatus.OK, *, refusal: str | None = None, **values: object) -> Response:
    return account_page("invited", status=int(status), form=form, refusal=refusal, **values)
