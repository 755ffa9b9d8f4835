"""The word of another house at the office's door: whoever an administrator invited, and nobody else (issue 7, O1)."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from werkzeug.test import TestResponse

from support.authority import written
from support.identity_provider import SECRET, Person, Provider, comes_back, environment_of, identity_provider, pressed
from support.office import Office, path_of
from support.portal import ADDRESS, UNIT, Portal, open_portal
from support.stores import Templates
from survey.application import create_app, services_of
from survey.office_people import OfficePersonRecord, list_office_people
from survey.oidc_settings import oidc_settings
from survey.secrets import Secrets
from survey.storage.audit import list_events
from survey.storage.sessions import reading
from survey.unit_people import invite_person

pytestmark = pytest.mark.slow

BACK, REFUSED = "/office/oidc/back", "/office/sign-in"


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
    oidc = oidc_settings(environment_of(provider, written(folder / "secret", SECRET.encode())))
    app = create_app(replace(settings, oidc=oidc, must_have_second_factor=True))
    provider.client.redirect_uri = f"{settings.public_url}{BACK}"
    yield Portal(app, opened.officer)
    services_of(app).stores.close()
    opened.stores.close()


def invite(portal: Portal, login: str, address: str, roles: tuple[str, ...] = ("officer",)) -> None:
    """By the administrator of another server of the same instance, who needs no app of their own there."""
    sent = {"login": login, "name": f"Cán bộ {login}", "email": address, "roles": list(roles)}
    assert portal.officer.send("/office/staff", **sent).status_code == 200


def person(portal: Portal, login: str) -> OfficePersonRecord:
    (found,) = (one for one in list_office_people(portal.stores) if one.account.login == login)
    return found


def begun(portal: Portal) -> tuple[Office, str]:
    browser = portal.stranger()
    assert "Tài khoản cán bộ tỉnh" in browser.client.get("/office/sign-in").text
    return browser, browser.client.get("/office/oidc").headers["Location"]


def enter(portal: Portal, name: str) -> tuple[Office, TestResponse]:
    browser, location = begun(portal)
    return browser, comes_back(browser, pressed(location, name))


def test_an_officer_who_was_invited_comes_in_with_their_roles_and_is_known_by_the_subject(
    portal: Portal, provider: Provider
) -> None:
    invite(portal, "dung", "dung@tinh.gov.vn", ("statistician",))
    provider.people = {"dung": Person("o-1", "Dung@tinh.gov.vn")}
    browser, answer = enter(portal, "dung")
    assert answer.status_code == 200, "a page that leads on, not a redirect: the session's cookie is Strict"
    assert 'content="0; url=/office/"' in answer.text
    assert browser.client.get("/office/").status_code == 200, "no second factor of ours is asked for"
    assert browser.client.get("/office/staff").status_code == 403, "roles are the office's to give"
    assert "/office/account/password" not in browser.client.get("/office/account").text
    dung = person(portal, "dung")
    assert (dung.oidc_issuer, dung.invited_until, dung.has_password) == (provider.address, None, False)
    with reading(portal.stores.office) as session:
        actions = [event.action for event in list_events(session, newest=2)]
    assert actions == ["officer.signed_in", "officer.bound"]
    # The address may change its owner; the subject does not.
    provider.people = {"dung": Person("o-1", "khac@tinh.gov.vn"), "kẻ khác": Person("o-2", "dung@tinh.gov.vn")}
    assert enter(portal, "dung")[1].status_code == 200
    assert path_of(enter(portal, "kẻ khác")[1]) == REFUSED
    page = f"/office/staff/{dung.account.id}"
    assert "Tài khoản của cơ quan" in portal.officer.client.get(page).text
    assert portal.officer.send(f"{page}/reset", page).status_code == 303
    assert path_of(browser.client.get("/office/")) == REFUSED, "the session is over"
    assert path_of(enter(portal, "dung")[1]) == REFUSED, "and the issuer's word is forgotten"
    assert portal.officer.send(f"{page}/invite", page, email="khac@tinh.gov.vn").status_code == 200
    assert enter(portal, "dung")[1].status_code == 200
    assert portal.officer.send(f"{page}/shut_out", page).status_code == 303
    assert path_of(enter(portal, "dung")[1]) == REFUSED


@pytest.mark.parametrize(
    "somebody",
    [
        Person("o-9", "chua-moi@tinh.gov.vn"),
        Person("o-8", "cho@tinh.gov.vn", is_verified=False),
        Person("o-7", "lan"),
        Person("o-6", ADDRESS),
        Person("o-5", "don-vi@tinh.gov.vn"),
        Person("o-4", ""),
    ],
    ids=["not invited", "address not verified", "a login", "of a unit", "invited to the portal", "no address"],
)
def test_nobody_else_comes_in_and_no_account_is_made(portal: Portal, provider: Provider, somebody: Person) -> None:
    before = {one.account.login for one in list_office_people(portal.stores)} | {"cho"}
    if "cho" not in {one.account.login for one in list_office_people(portal.stores)}:
        invite(portal, "cho", "cho@tinh.gov.vn")
    secrets = Secrets(services_of(portal.app).settings.secret_key)
    invite_person(portal.stores, secrets, UNIT, "don-vi@tinh.gov.vn", "Vũ Đông", actor="lan", now=datetime.now(UTC))
    provider.people = {"ai": somebody}
    browser, answer = enter(portal, "ai")
    assert path_of(answer) == REFUSED
    assert "chưa được cơ quan khảo sát mời" in browser.client.get(answer.headers["Location"]).text
    assert path_of(browser.client.get("/office/")) == REFUSED
    assert {one.account.login for one in list_office_people(portal.stores)} == before


def test_what_was_begun_at_the_portal_does_not_end_in_the_office(portal: Portal, provider: Provider) -> None:
    invite(portal, "hai-cua", "hai-cua@tinh.gov.vn")
    provider.people = {"ai": Person("o-3", "hai-cua@tinh.gov.vn")}
    back = pressed(begun(portal)[1], "ai")
    browser = portal.stranger()
    state = re.search("state=([^&]+)", browser.client.get("/unit/oidc").headers["Location"])
    assert state is not None
    answer = comes_back(browser, back, lambda sent: sent | {"state": state.group(1)})
    assert path_of(answer) == REFUSED


def test_one_address_is_one_officers_and_has_to_look_like_one(portal: Portal) -> None:
    invite(portal, "mot", "mot@tinh.gov.vn")
    for address, complaint in (("mot@tinh.gov.vn", "đã là của một cán bộ khác"), ("một", "địa chỉ thư điện tử")):
        sent = {"login": "hai", "name": "Hai", "email": address, "roles": ["clerk"]}
        answer = portal.officer.send("/office/staff", **sent)
        assert (answer.status_code, complaint in answer.text) == (400, True)
    page = f"/office/staff/{person(portal, 'cho' if 'cho' in logins(portal) else 'lan').account.id}"
    for address in ("mot@tinh.gov.vn", "một"):
        assert portal.officer.send(f"{page}/invite", page, email=address).status_code in (400, 409)


def logins(portal: Portal) -> set[str]:
    return {one.account.login for one in list_office_people(portal.stores)}
