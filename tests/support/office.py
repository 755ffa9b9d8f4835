"""An office with one officer, and a browser without a screen that can sign in and send its forms."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from survey.application import create_app, services_of
from survey.officers import create_officer
from survey.services import Services
from survey.settings import Settings
from survey.storage.office import OfficerSession
from survey.storage.sessions import writing

LOGIN, PASSWORD = "lan", "bốn từ chọn bừa"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Office:
    """The application of a test's instance and a client that keeps cookies."""

    app: Flask
    client: FlaskClient

    @property
    def services(self) -> Services:
        return services_of(self.app)

    def sign_in(self, login: str = LOGIN, password: str = PASSWORD) -> TestResponse:
        return self.send("/office/sign-in", login=login, password=password)

    def send(self, address: str, _from: str | None = None, **fields: object) -> TestResponse:
        """Fetch a page and send its form with these fields and the page's own token."""
        return self.client.post(address, data={"csrf_token": self.token(_from or address), **fields})

    def token(self, address: str) -> str:
        return token_in(self.client.get(address).text)


def token_in(page: str) -> str:
    """The token against forged posts in a page's form."""
    found = _TOKEN.search(page)
    assert found is not None, "the page has no form"
    return found.group(1)


def open_office(settings: Settings) -> Office:
    """The office of an instance, nobody signed in yet."""
    app = create_app(settings)
    create_officer(services_of(app).stores, LOGIN, "Nguyễn Thị Lan", PASSWORD, actor="command line")
    scheme = "https" if (settings.public_url or "").startswith("https") else "http"
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = scheme
    return Office(app, client)


def path_of(response: TestResponse) -> str:
    """Where a redirect leads, which is never another host."""
    location = response.headers["Location"]
    parts = urlsplit(location)
    assert not parts.netloc, f"{location} leads to another host"
    return parts.path


def age_sessions(office: Office, column: str, age: timedelta) -> None:
    """Let every session have begun, or been used last, so long ago."""
    with writing(office.services.stores.office) as session:
        session.execute(update(OfficerSession).values({column: datetime.now(UTC) - age}))
