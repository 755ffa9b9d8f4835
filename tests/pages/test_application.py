"""What all pages share: compression, languages of error pages, and a log that quotes nobody."""

import gzip
import logging

import pytest
from jinja2 import DictLoader

from support.citizens import UNIT
from support.pages import PageClient
from survey.application import create_app, services_of
from survey.settings import Settings
from survey.web.static_files import static_files


@pytest.fixture
def client(sqlite_settings: Settings) -> PageClient:
    return PageClient(create_app(sqlite_settings))


def test_the_bare_address_leads_to_the_results(client: PageClient) -> None:
    answer = client.raw.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/results")


@pytest.mark.parametrize("name", ["page.html", "sections.html.jinja", "drawing.svg.jinja", "page"])
def test_every_template_escapes_whatever_its_name_ends_in(sqlite_settings: Settings, name: str) -> None:
    app = create_app(sqlite_settings)
    app.jinja_env.loader = DictLoader({name: "<p>{{ word }}</p>"})
    assert app.jinja_env.get_template(name).render(word="<script>") == "<p>&lt;script&gt;</p>"
    services_of(app).stores.close()


def test_static_files_are_sent_as_the_browser_takes_them_and_only_under_their_digest(client: PageClient) -> None:
    for name, file in static_files().items():
        address = f"/static/{file.digest}/{name}"
        plain = client.raw.get(address)
        packed = client.raw.get(address, headers={"Accept-Encoding": "gzip"})
        assert plain.get_data() == gzip.decompress(packed.get_data()) == file.content
        assert packed.headers["Vary"] == "Accept-Encoding"
        assert client.raw.get(f"/static/0000000000/{name}").status_code == 404
    assert client.get("/static/0000000000/none.css").status == 404


def test_readiness_names_the_store_that_is_silent(client: PageClient, sqlite_settings: Settings) -> None:
    assert client.raw.get("/readyz").get_data(as_text=True) == "ok\n"
    services_of(client.raw.application).stores.close()
    path = sqlite_settings.instance / "frame.db"
    path.unlink()
    path.mkdir()
    answer = client.raw.get("/readyz")
    assert (answer.status_code, answer.get_data(as_text=True)) == (503, "no answer from: frame\n")
    assert client.raw.get("/healthz").status_code == 200


def test_a_failure_of_ours_is_logged_by_its_kind_and_place_and_by_nothing_else(
    client: PageClient, caplog: pytest.LogCaptureFixture
) -> None:
    app = client.raw.application

    def fail(slug: str, unit_code: str) -> str:
        raise RuntimeError(f"quoted: {slug} {unit_code}")

    app.view_functions["citizen.send"] = fail
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with caplog.at_level(logging.DEBUG):
        page = client.post(f"/r/mot-dot/{UNIT}", {"code": "bí mật"})
    assert (page.status, page.h1) == (500, "Trang này gặp lỗi")
    assert "RuntimeError in citizen.send" in caplog.text
    for secret in ("mot-dot", UNIT, "bí mật", "POST"):
        assert secret not in caplog.text


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused_with_a_page(client: PageClient, method: str) -> None:
    answer = getattr(client.raw, method)(f"/r/mot-dot/{UNIT}")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
