"""An office with one officer, and a browser without a screen that can sign in and send its forms."""

import io
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from support.beginnings import begin_with
from support.rounds import UNITS_CSV
from survey.application import create_app, services_of
from survey.officers import create_officer
from survey.services import Services
from survey.settings import Settings
from survey.storage.office import OfficerSession
from survey.storage.sessions import writing
from survey.units import import_units

LOGIN, PASSWORD = "lan", "bốn từ chọn bừa"
LONGEST_WORK = 120.0
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

    def hand_in(self, address: str, files: Mapping[str, tuple[bytes, str]], **fields: str) -> TestResponse:
        """Fetch a page and send its form with files, each as its content and its name."""
        sent = {name: (io.BytesIO(content), called) for name, (content, called) in files.items()}
        data = {"csrf_token": self.token(address), **fields, **sent}
        return self.client.post(address, data=data, content_type="multipart/form-data")

    def send(self, address: str, _from: str | None = None, **fields: object) -> TestResponse:
        """Fetch a page and send its form with these fields and the page's own token."""
        return self.client.post(address, data={"csrf_token": self.token(_from or address), **fields})

    def finished(self, slug: str, lang: str = "vi") -> TestResponse:
        """The answer of the page that waits for an edition, once the work in the background is over."""
        deadline = time.monotonic() + LONGEST_WORK
        while True:
            response = self.client.get(f"/office/rounds/{slug}/printing?lang={lang}")
            if "Refresh" not in response.headers:
                return response
            assert time.monotonic() < deadline, "the edition is not made"
            time.sleep(0.05)

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
    stores = services_of(app).stores
    begin_with(
        "an officer",
        settings,
        lambda: create_officer(stores, LOGIN, "Nguyễn Thị Lan", PASSWORD, actor="command line"),
    )
    scheme = "https" if (settings.public_url or "").startswith("https") else "http"
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = scheme
    return Office(app, client)


def add_units(office: Office) -> None:
    """The three units of `support.rounds` in the office's registry."""
    stores, instance = office.services.stores, office.services.settings.instance

    def fill() -> None:
        registry = instance / "units-of-test.csv"
        registry.write_text(UNITS_CSV, encoding="utf-8")
        import_units(stores, registry)

    begin_with("three units", office.services.settings, fill)


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
