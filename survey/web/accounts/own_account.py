"""One's own way in: the password, the second factor, recovery codes, and where one is signed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from survey.account import (
    change_password,
    chosen_password,
    count_recovery_codes,
    renew_recovery_codes,
    set_second_factor,
)
from survey.errors import WrongState
from survey.office_sessions import SessionRecord, end_other_sessions, list_sessions
from survey.passkeys import list_passkeys
from survey.passwords import WeakPassword
from survey.second_factor import address_of_key, new_key, offer_key, read_offer, spell_key, step_of
from survey.services import Services
from survey.slips import draw_qr
from survey.viet_nam import VIET_NAM
from survey.web.accounts.forms import PasswordForm, ProofForm, SecondFactorForm, SessionsForm
from survey.web.accounts.knocking import door_of, unproved, visitor_of_request
from survey.web.accounts.session import Area, keep_token, now
from survey.web.accounts.showing import account_page

AnyProofForm = TypeVar("AnyProofForm", bound=ProofForm)
NOTICES = frozenset({"password", "sessions", "passkey", "passkey_gone"})


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session as its officer reads it, with the times of Viet Nam."""

    name: str
    browser: str
    began: datetime
    seen: datetime
    is_this: bool


class AccountPages:
    """The pages of whoever is signed in, about themselves."""

    def __init__(self, services: Services, area: Area) -> None:
        self._services = services
        self._area = area
        self._door = door_of(services, area)

    def account(self) -> AnyResponse:
        """What there is to change, and the notice of what has just been changed."""
        officer, done = g.account, request.args.get("done", "")
        return account_page(
            "account",
            n_codes=count_recovery_codes(self._services.stores, officer) if officer.has_second_factor else None,
            n_sessions=len(list_sessions(self._services.stores, officer, now())),
            n_keys=len(list_passkeys(self._services.stores, officer)),
            has_password=g.session.way != "oidc",
            notice=f"account_done_{done}" if done in NOTICES else None,
        )

    def password(self) -> AnyResponse:
        """The form for a new password; posted, the password is changed and every other session has ended."""
        form = _asking(PasswordForm())
        if request.method != "POST":
            return _form_page("password", form)
        if not form.validate():
            return _form_page("password", form, HTTPStatus.BAD_REQUEST)
        stores, secrets = self._services.stores, self._services.secrets
        breached = self._services.settings.breached_passwords
        try:
            # Before the code is used up: who has to choose another password should not have to wait for the next one.
            chosen = chosen_password(stores, g.account, form.new_password.data, breached=breached)
        except WeakPassword as weak:
            form.new_password.errors = [f"error_password_{weak.reason}"]
            return _form_page("password", form, HTTPStatus.BAD_REQUEST, limits=weak.values)
        status = self._unproved(form)
        if status is not None:
            return _form_page("password", form, status)
        keep_token(change_password(stores, secrets, g.session, chosen, now()))
        return redirect(url_for(self._area.endpoint("account"), done="password"), HTTPStatus.SEE_OTHER)

    def second_factor(self) -> AnyResponse:
        """The key of a new app; posted with the app's digits, it is the officer's, and recovery codes are the answer.

        Whoever has to have one comes here right after the password and is not asked for it again.
        """
        form = SecondFactorForm() if g.account is None else _asking(SecondFactorForm())
        if g.account is None:
            del form.password, form.code
        officer, secrets = g.session.officer, self._services.secrets
        if request.method != "POST":
            return self._offer(form, new_key())
        key = read_offer(secrets, officer.id, form.offer.data or "")
        if key is None:
            return self._offer(form, new_key(), HTTPStatus.BAD_REQUEST, refusal=("error_expired", ""))
        if not form.validate():
            return self._offer(form, key, HTTPStatus.BAD_REQUEST)
        step = step_of(key, form.new_code.data, now())
        if step is None:
            form.new_code.errors = ["error_code_new"]
            return self._offer(form, key, HTTPStatus.BAD_REQUEST)
        status = self._unproved(form) if g.account is not None else None
        if status is not None:
            return self._offer(form, key, status)
        try:
            token, codes = set_second_factor(self._services.stores, secrets, g.session, key, step, now())
        except WrongState:
            return redirect(url_for(self._area.endpoint("sign_in_code")), HTTPStatus.SEE_OTHER)
        keep_token(token)
        g.account = officer
        return _codes_page(codes, "second_factor_done")

    def recovery_codes(self) -> AnyResponse:
        """The form for new recovery codes; posted, they are the answer, once."""
        if not g.account.has_second_factor:
            return redirect(url_for(self._area.endpoint("account")), HTTPStatus.SEE_OTHER)
        form = ProofForm()
        if request.method != "POST":
            return _form_page("recovery_codes", form)
        status = HTTPStatus.BAD_REQUEST if not form.validate() else self._unproved(form)
        if status is not None:
            return _form_page("recovery_codes", form, status)
        codes = renew_recovery_codes(self._services.stores, self._services.secrets, g.account)
        return _codes_page(codes, "recovery_codes_done")

    def sessions(self) -> AnyResponse:
        """Where the officer is signed in; posted, one of the other sessions has ended, or all of them."""
        stores = self._services.stores
        lines = [_line_of(record) for record in list_sessions(stores, g.account, now())]
        form = SessionsForm()
        form.offer([line.name for line in lines if not line.is_this])
        if request.method != "POST":
            return _form_page("sessions", form, lines=lines)
        status = HTTPStatus.BAD_REQUEST if not form.validate() else self._unproved(form)
        if status is not None:
            return _form_page("sessions", form, status, lines=lines)
        chosen = form.session.data
        end_other_sessions(stores, g.session, None if chosen == "*" else (chosen,))
        return redirect(url_for(self._area.endpoint("account"), done="sessions"), HTTPStatus.SEE_OTHER)

    def _unproved(self, form: ProofForm | SessionsForm) -> HTTPStatus | None:
        return unproved(self._door, visitor_of_request(self._services), form)

    def _offer(
        self,
        form: SecondFactorForm,
        key: bytes,
        status: HTTPStatus = HTTPStatus.OK,
        refusal: tuple[str, str] | None = None,
    ) -> Response:
        officer = g.session.officer
        host = urlsplit(self._services.settings.public_url or "").hostname or request.host.partition(":")[0]
        return _form_page(
            "second_factor",
            form,
            status,
            refusal=refusal,
            is_halfway=g.account is None,
            is_replaced=officer.has_second_factor,
            login=officer.login,
            offer=offer_key(self._services.secrets, officer.id, key),
            spelled=spell_key(key),
            qr=draw_qr(address_of_key(key, officer.login, f"Hailong {host}")),
        )


def _asking(form: AnyProofForm) -> AnyProofForm:
    """The form, which asks for a code only of those who have a second factor."""
    if not g.account.has_second_factor:
        del form.code
    return form


def _line_of(record: SessionRecord) -> SessionLine:
    began, seen = record.began.astimezone(VIET_NAM), record.seen.astimezone(VIET_NAM)
    return SessionLine(record.name, record.browser, began, seen, record.name == g.session.name)


def _form_page(name: str, form: object, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Response:
    return account_page(name, status=int(status), form=form, **values)


def _codes_page(codes: Sequence[str], notice: str) -> Response:
    return account_page("recovery_codes_shown", codes=codes, notice=notice)
