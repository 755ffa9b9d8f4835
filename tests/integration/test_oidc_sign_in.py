"""The word of another house at the portal's door, a real issuer on this machine (S7).

Whom it names comes in, and nobody by its name.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey

from support.authority import written
from support.identity_provider import SECRET, Person, Provider, comes_back, environment_of, identity_provider, pressed
from support.office import Office, path_of
from support.portal import ADDRESS, SLUG, UNIT, Portal, open_portal
from support.stores import Templates
from survey.application import create_app, services_of
from survey.errors import BadInput
from survey.oidc_settings import oidc_settings
from survey.secrets import Secrets
from survey.unit_people import invite_person, list_people, shut_out

pytestmark = pytest.mark.slow

BACK = "/unit/oidc/back"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with identity_provider() as running:
        yield running


@pytest.fixture(scope="module")
def portal(
    tmp_path_factory: pytest.TempPathFactory, store_templates: Templates, provider: Provider
) -> Iterator[Portal]:
    folder = tmp_path_factory.mktemp("oidc")
    settings = store_templates.new_instance("sqlite", folder / "var")
    opened = open_portal(settings)
    environment = environment_of(provider, written(folder / "secret", SECRET.encode()))
    app = create_app(replace(settings, oidc=oidc_settings(environment), must_have_second_factor=True))
    provider.client.redirect_uri = f"{settings.public_url}{BACK}"
    yield Portal(app, opened.officer)
    services_of(app).stores.close()
    opened.stores.close()


@pytest.fixture(autouse=True)
def honest(provider: Provider) -> Iterator[None]:
    provider.people = {}
    yield
    provider.changes, provider.published = {}, None


def invite(portal: Portal, address: str, name: str = "Đặng Văn Mới") -> None:
    services = services_of(portal.app)
    secrets = Secrets(services.settings.secret_key)
    invite_person(services.stores, secrets, UNIT, address, name, actor="lan", now=datetime.now(UTC))


def begun(portal: Portal) -> tuple[Office, str]:
    """A browser on its way to the issuer, and where it goes."""
    browser = portal.stranger()
    assert "Tài khoản cán bộ tỉnh" in browser.client.get("/unit/sign-in").text
    response = browser.client.get("/unit/oidc")
    assert response.status_code == 303
    return browser, response.headers["Location"]


def enter(portal: Portal, name: str):  # type: ignore[no-untyped-def]
    browser, location = begun(portal)
    return browser, comes_back(browser, pressed(location, name))


def test_whoever_was_invited_comes_in_and_is_known_by_the_subject_from_then_on(
    portal: Portal, provider: Provider
) -> None:
    invite(portal, "moi@tinh.gov.vn")
    provider.people = {"mới": Person("s-1", "moi@tinh.gov.vn")}
    browser, answer = enter(portal, "mới")
    assert answer.status_code == 200, "a page that leads on, not a redirect: the session's cookie is Strict"
    assert browser.client.get(f"/unit/rounds/{SLUG}").status_code == 200, "no second factor of ours is asked for"
    account = browser.client.get("/unit/account").text
    assert "/unit/account/password" not in account
    (person,) = (found for found in list_people(portal.stores) if found.account.login == "moi@tinh.gov.vn")
    assert (person.oidc_issuer, person.invited_until, person.has_password) == (provider.address, None, False)
    # The address may change its owner; the subject does not.
    provider.people = {"mới": Person("s-1", "khac@tinh.gov.vn"), "kẻ khác": Person("s-2", "moi@tinh.gov.vn")}
    assert enter(portal, "mới")[1].status_code == 200
    assert path_of(enter(portal, "kẻ khác")[1]) == "/unit/sign-in"
    shut_out(portal.stores, "moi@tinh.gov.vn", actor="lan")
    assert path_of(enter(portal, "mới")[1]) == "/unit/sign-in"
    assert path_of(browser.client.get("/unit/")) == "/unit/sign-in", "the session is over, too"


@pytest.mark.parametrize(
    "person",
    [
        Person("s-9", "chua-moi@tinh.gov.vn"),
        Person("s-8", "cho@tinh.gov.vn", is_verified=False),
        Person("s-7", ADDRESS),
        Person("s-6", "lan"),
    ],
    ids=["not invited", "address not verified", "has a password already", "an officer's login"],
)
def test_nobody_else_comes_in(portal: Portal, provider: Provider, person: Person) -> None:
    invite(portal, "cho@tinh.gov.vn")
    provider.people = {"ai": person}
    browser, answer = enter(portal, "ai")
    assert path_of(answer) == "/unit/sign-in"
    assert "chưa được cơ quan khảo sát mời" in browser.client.get(answer.headers["Location"]).text
    assert path_of(browser.client.get("/unit/")) == "/unit/sign-in"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://khac.example"},
        {"aud": "another client"},
        {"aud": ["hailong", "another client"], "azp": "another client"},
        {"exp": int(time.time()) - 3600},
        {"nonce": "another sign-in's"},
        {"sub": ""},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_id_token_that_is_not_for_us_now_is_not_believed(
    portal: Portal, provider: Provider, changes: dict[str, object]
) -> None:
    invite(portal, "tin@tinh.gov.vn")
    provider.people, provider.changes = {"ai": Person("s-5", "tin@tinh.gov.vn")}, changes
    _, answer = enter(portal, "ai")
    assert path_of(answer) == "/unit/sign-in"


def test_a_key_that_the_issuer_does_not_publish_signs_nothing(portal: Portal, provider: Provider) -> None:
    invite(portal, "khoa@tinh.gov.vn")
    provider.people, provider.published = (
        {"ai": Person("s-4", "khoa@tinh.gov.vn")},
        RSAKey.generate_key(2048, {"kid": "one"}),
    )
    assert path_of(enter(portal, "ai")[1]) == "/unit/sign-in"


def test_only_the_browser_that_began_comes_back_and_once(portal: Portal, provider: Provider) -> None:
    invite(portal, "lan-dau@tinh.gov.vn")
    provider.people = {"ai": Person("s-3", "lan-dau@tinh.gov.vn")}
    browser, location = begun(portal)
    back = pressed(location, "ai")
    for other in (
        comes_back(portal.stranger(), back),
        comes_back(begun(portal)[0], back),
        comes_back(browser, back, lambda sent: sent | {"state": "x"}),
        comes_back(browser, back, lambda sent: sent | {"iss": "https://khac.example"}),
        comes_back(browser, back, lambda sent: {"state": sent["state"], "error": "access_denied"}),
        comes_back(browser, back, lambda sent: sent | {"code": "made-up"}),
    ):
        assert path_of(other) == "/unit/sign-in"
    assert comes_back(browser, back).status_code == 200
    again = portal.stranger()
    assert path_of(comes_back(again, back)) == "/unit/sign-in"


def test_an_issuer_that_is_down_or_calls_itself_otherwise_stops_nobody_else(portal: Portal, provider: Provider) -> None:
    settings = services_of(portal.app).settings
    assert settings.oidc is not None
    for issuer in ("http://localhost:1", f"{provider.address}/"):
        app = create_app(replace(settings, oidc=replace(settings.oidc, issuer=issuer)))
        browser = Portal(app, portal.officer).stranger()
        answer = browser.client.get("/unit/oidc")
        assert path_of(answer) == "/unit/sign-in"
        assert "Chưa đăng nhập được" in browser.client.get(answer.headers["Location"]).text
        services_of(app).stores.close()


def test_without_an_issuer_there_is_no_such_way(portal: Portal) -> None:
    browser = portal.officer.app.test_client()
    assert [browser.get(address).status_code for address in ("/unit/oidc", BACK)] == [404, 404]
    assert not re.search("/unit/oidc", browser.get("/unit/sign-in").text)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"HAILONG_OIDC_ISSUER": "http://sso.example.vn"}, "https"),
        ({"HAILONG_OIDC_ISSUER": "https://sso.example.vn/?a=1"}, "https"),
        ({"HAILONG_OIDC_CLIENT_ID": ""}, "HAILONG_OIDC_CLIENT_ID"),
        ({"HAILONG_OIDC_CLIENT_SECRET_FILE": ""}, "HAILONG_OIDC_CLIENT_SECRET_FILE"),
        ({"HAILONG_OIDC_CLIENT_SECRET_FILE": "/khong-co"}, "khong-co"),
        ({"HAILONG_OIDC_NAME": "x" * 61}, "HAILONG_OIDC_NAME"),
    ],
)
def test_unsafe_settings_stop_the_start(tmp_path: Path, changed: dict[str, str], complaint: str) -> None:
    environment = {
        "HAILONG_OIDC_ISSUER": "https://sso.example.vn",
        "HAILONG_OIDC_CLIENT_ID": "hailong",
        "HAILONG_OIDC_CLIENT_SECRET_FILE": str(written(tmp_path / "secret", b"s" * 32)),
    }
    assert oidc_settings(environment) is not None
    with pytest.raises(BadInput, match=complaint):
        oidc_settings(environment | changed)
