"""Clients that hold whatever an attacker may have: nothing, a forged cookie, or a session that has ended."""

from collections.abc import Callable
from datetime import timedelta

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient

from support.citizens import Asked
from support.office import LOGIN, PASSWORD, Office, age_sessions
from support.portal import ADDRESS
from support.portal import PASSWORD as UNIT_PASSWORD
from survey.application import create_app
from survey.office_sessions import IDLE
from survey.officers import create_officer, disable_officer, set_password
from survey.storage.audit import list_events
from survey.storage.sessions import reading

Client = FlaskClient
Role = Callable[["Attack"], Client]


class Attack:
    """The whole instance, and a client for each role that an attacker may have."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.app = create_app(asked.settings)
        self.code = asked.codes()[0].typed

    def client(self) -> Client:
        client = self.app.test_client()
        client.environ_base["wsgi.url_scheme"] = "https"
        return client

    def signed_in(self, login: str = LOGIN, password: str = PASSWORD) -> Client:
        office = Office(self.app, self.client())
        assert office.sign_in(login, password).status_code == 303
        return office.client

    def with_cookie(self, cookie: str) -> Client:
        client = self.client()
        client.set_cookie(self.app.config["SESSION_COOKIE_NAME"], cookie, secure=True)
        return client

    def token_of(self, client: Client) -> str:
        """The token in the cookie of somebody who is signed in."""
        with client.session_transaction("/office/", base_url="https://localhost") as session:
            return str(session["token"])

    def left_behind(self) -> tuple[int, tuple[tuple[str, str], ...]]:
        """What an attack could have changed: the events of the audit log and each round's state."""
        from survey.round_records import list_rounds

        with reading(self.asked.stores.office) as session:
            n_events = len(list_events(session))
        return n_events, tuple((record.slug, record.state) for record in list_rounds(self.asked.stores))


def stranger(attack: Attack) -> Client:
    return attack.client()


def officer(attack: Attack) -> Client:
    return attack.signed_in()


def person_of_a_unit(attack: Attack) -> Client:
    browser = Office(attack.app, attack.client())
    assert browser.send("/unit/sign-in", login=ADDRESS, password=UNIT_PASSWORD).status_code == 303
    return browser.client


def with_a_forged_cookie(attack: Attack) -> Client:
    forger = Flask("forger")
    forger.secret_key = b"another instance's key, of sixty-four bytes, which does not fit."
    signer = SecureCookieSessionInterface().get_signing_serializer(forger)
    assert signer is not None
    return attack.with_cookie(signer.dumps({"token": attack.token_of(attack.signed_in())}))


def idle_too_long(attack: Attack) -> Client:
    client = attack.signed_in()
    age_sessions(Office(attack.app, client), "seen", IDLE + timedelta(seconds=1))
    return client


def of_a_password_that_was_changed(attack: Attack) -> Client:
    stores = attack.asked.stores
    create_officer(stores, "cu", "Trần Văn Cũ", "bốn từ ngày trước", actor="command line")
    client = attack.signed_in("cu", "bốn từ ngày trước")
    set_password(stores, "cu", "bốn từ bây giờ", actor="command line")
    return client


def copied_before_the_sign_out(attack: Attack) -> Client:
    stores = attack.asked.stores
    create_officer(stores, "chep", "Lê Thị Chép", "bốn từ bị chép", actor="command line")
    office = Office(attack.app, attack.signed_in("chep", "bốn từ bị chép"))
    cookie = office.client.get_cookie(attack.app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    assert office.send("/office/sign-out", "/office/").status_code == 303
    return attack.with_cookie(cookie.value)


def disabled(attack: Attack) -> Client:
    stores = attack.asked.stores
    create_officer(stores, "thoi", "Phạm Văn Thôi", "bốn từ thôi việc", actor="command line")
    client = attack.signed_in("thoi", "bốn từ thôi việc")
    disable_officer(stores, "thoi", actor="command line")
    return client


def ended_from_elsewhere(attack: Attack) -> Client:
    stores = attack.asked.stores
    create_officer(stores, "xa", "Đỗ Thị Xa", "bốn từ ở nơi xa", actor="command line")
    client = attack.signed_in("xa", "bốn từ ở nơi xa")
    here = Office(attack.app, attack.signed_in("xa", "bốn từ ở nơi xa"))
    ended = here.send("/office/account/sessions", session="*", password="bốn từ ở nơi xa")
    assert ended.status_code == 303
    return client


OUTSIDERS = (
    stranger,
    with_a_forged_cookie,
    idle_too_long,
    of_a_password_that_was_changed,
    copied_before_the_sign_out,
    disabled,
    ended_from_elsewhere,
)
