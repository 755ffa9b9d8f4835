"""Every route is tried as every role with every method; each answer carries the strict headers (criteria 23 and 24).

The table in support.judged_routes names each endpoint of the application once. A route that is added and not judged
there fails the first test; whoever it is not meant for then gets no answer below 300 from it.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from support.citizens import OTHER_UNIT, UNIT
from support.headers import header_complaints
from support.judged_routes import (
    DRAFTS,
    EVERYBODY,
    MACHINES,
    OFFICERS,
    PUBLISHED,
    SHOWN_ROUNDS,
    STEPS_IN,
    UNITS,
    addresses,
)
from support.office import LOGIN, PASSWORD, Office, path_of
from support.roles import OUTSIDERS, Attack, Role, officer, person_of_a_unit, stranger
from support.site import APP_LOGIN, APP_PASSWORD, build_site
from support.stores import Templates, opened
from survey.application import create_app, services_of
from survey.settings import Settings

pytestmark = pytest.mark.slow

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "NONSENSE")


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Attack]:
    folder = tmp_path_factory.mktemp("roles")
    settings: Settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    yield Attack(build_site(settings, stores, folder))
    stores.close()


def test_every_route_is_judged(attack: Attack) -> None:
    endpoints = {rule.endpoint for rule in attack.app.url_map.iter_rules()}
    assert endpoints == EVERYBODY | MACHINES | OFFICERS | UNITS
    assert not EVERYBODY & (MACHINES | OFFICERS | UNITS)


@pytest.mark.parametrize("role", [*OUTSIDERS, person_of_a_unit])
def test_who_is_not_signed_in_there_gets_nothing_from_the_office_and_the_portal(attack: Attack, role: Role) -> None:
    client = role(attack)
    before = attack.left_behind()
    complaints = []
    for rule in attack.app.url_map.iter_rules():
        if rule.endpoint not in OFFICERS | MACHINES | (frozenset() if role is person_of_a_unit else UNITS):
            continue
        door = "/unit/sign-in" if rule.endpoint in UNITS else "/office/sign-in"
        methods = METHODS if role is stranger else ("GET", "HEAD", "POST")
        for address, method in product(addresses(rule), methods):
            data = {"code": attack.code, "count": "1", "unit": UNIT} if method == "POST" else None
            response = client.open(address, method=method, data=data)
            complaints += header_complaints(response, address)
            body = response.get_data(as_text=True)
            if response.status_code < 300 and not (rule.endpoint in MACHINES and method == "OPTIONS" and not body):
                complaints.append(f"{method} {address}: {response.status_code}")
            if response.status_code >= 500 and response.status_code != 501:
                complaints.append(f"{method} {address}: {response.status_code}")
            if 300 <= response.status_code < 400 and door not in response.headers["Location"]:
                # The router writes a path with dots in it as the browser would.
                again = client.open(response.headers["Location"], method=method)
                if again.status_code < 300 and again.request.path != door:
                    complaints.append(f"{method} {address}: leads to {response.headers['Location']}")
    assert complaints == []
    assert attack.left_behind() == before


@pytest.mark.parametrize("must", [True, False], ids=["enrolment", "code"])
def test_the_password_alone_opens_the_page_of_the_second_step_and_nothing_else(attack: Attack, must: bool) -> None:
    settings = replace(attack.asked.settings, must_have_second_factor=must)
    app = create_app(settings)
    login, password, own_page = (
        (LOGIN, PASSWORD, "/office/account/second-factor")
        if must
        else (APP_LOGIN, APP_PASSWORD, "/office/sign-in/code")
    )
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    office = Office(app, client)
    assert path_of(office.sign_in(login, password)) == own_page
    token, before, complaints = office.token(own_page), attack.left_behind(), []
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in OFFICERS - STEPS_IN:
            continue
        for address, method in product(addresses(rule), ("GET", "HEAD", "POST")):
            if address == own_page and method != "POST":
                continue
            data = {"csrf_token": token, "unit": UNIT, "count": "1"} if method == "POST" else None
            response = client.open(address, method=method, data=data)
            complaints += header_complaints(response, address)
            if response.status_code < 300 or response.status_code >= 500:
                complaints.append(f"{method} {address}: {response.status_code}")
            if response.status_code == 303 and path_of(response) != own_page:
                complaints.append(f"{method} {address}: leads to {path_of(response)}")
    services_of(app).stores.close()
    assert complaints == []
    assert attack.left_behind() == before


@pytest.mark.parametrize("area", ["office", "unit"])
@pytest.mark.parametrize("name", ["without", "empty", "made up", "of another session"])
def test_a_signed_in_browser_is_not_steered_from_another_site(attack: Attack, name: str, area: str) -> None:
    role, endpoints, form = (
        (officer, OFFICERS, "/office/new-round")
        if area == "office"
        else (person_of_a_unit, UNITS, f"/unit/rounds/{PUBLISHED}/promise")
    )
    client = role(attack)
    token = {
        "without": None,
        "empty": "",
        "made up": "ImFiYyI.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "of another session": Office(attack.app, role(attack)).token(form),
    }[name]
    before = attack.left_behind()
    complaints = []
    for rule in attack.app.url_map.iter_rules():
        if rule.endpoint not in endpoints or "POST" not in (rule.methods or ()):
            continue
        for address in addresses(rule):
            fields = {"unit": UNIT, "count": "5", "channel": "counter", "decision": "không", "name": "Lan"}
            response = client.post(address, data=fields | ({} if token is None else {"csrf_token": token}))
            complaints += header_complaints(response, address)
            if response.status_code not in (400, 404, 405):
                complaints.append(f"{address}: {response.status_code}")
    assert complaints == []
    assert attack.left_behind() == before


def test_an_officer_gets_nothing_from_the_portal(attack: Attack) -> None:
    client, complaints = attack.signed_in(), []
    for rule in attack.app.url_map.iter_rules():
        if rule.endpoint not in UNITS:
            continue
        for address, method in product(addresses(rule), ("GET", "HEAD", "POST")):
            response = client.open(address, method=method)
            if response.status_code < 300 or response.status_code >= 500:
                complaints.append(f"{method} {address}: {response.status_code}")
            elif response.status_code == 303 and path_of(response) != "/unit/sign-in":
                complaints.append(f"{method} {address}: leads to {path_of(response)}")
    assert complaints == []


@pytest.mark.parametrize("role", [officer, person_of_a_unit])
def test_who_is_signed_in_meets_no_failure_and_strict_headers(attack: Attack, role: Role) -> None:
    client = role(attack)
    # That an officer opened comments is written down once a day; nothing else that is read is.
    client.get("/office/rounds/niem-phong/comments")
    before = attack.left_behind()
    complaints = []
    for rule in attack.app.url_map.iter_rules():
        tried = [*product(addresses(rule), ("GET", "HEAD")), *product([next(addresses(rule))], METHODS[2:])]
        for address, method in tried:
            if method == "POST":
                continue
            response = client.open(address, method=method)
            complaints += header_complaints(response, address)
            if response.status_code >= 500 and response.status_code != 501:
                complaints.append(f"{method} {address}: {response.status_code}")
            if method not in ("GET", "HEAD", "OPTIONS") and response.status_code < 300:
                complaints.append(f"{method} {address}: {response.status_code}")
    assert complaints == []
    assert attack.left_behind() == before, "what only reads changes nothing: HEAD takes no step"


def test_drafts_and_what_is_not_published_are_nobodys(attack: Attack) -> None:
    client, complaints = attack.client(), []
    for rule in attack.app.url_map.iter_rules():
        if rule.endpoint not in EVERYBODY or "slug" not in rule.arguments:
            continue
        for address, method in product(addresses(rule), ("GET", "POST")):
            if method not in (rule.methods or ()):
                continue
            response = client.open(address, method=method, data={"code": attack.code} if method == "POST" else None)
            complaints += header_complaints(response, address)
            area, slug = (*address.split("/"), "")[1:3]
            is_shown = slug == PUBLISHED if area == "results" else slug in SHOWN_ROUNDS
            if slug in (*DRAFTS, PUBLISHED) and area == "r":
                # Its page says that it has not begun, or that it is over, and asks nothing.
                assert b"<form" not in response.get_data(), address
                is_shown = method == "GET"
            # Codes of one round, one unit are worth nothing in another; the round of the code is left alone here.
            if response.status_code < 300 and not (is_shown and ".." not in address):
                complaints.append(f"{method} {address}: {response.status_code}")
            if response.status_code >= 500:
                complaints.append(f"{method} {address}: {response.status_code}")
    assert complaints == []


def test_a_code_opens_its_own_round_and_unit_alone(attack: Attack) -> None:
    client = attack.client()
    n_before = len(spent(attack))
    for slug, unit in product(("nam-tieng", "mo", "hai-long", "dung", "het"), (UNIT, OTHER_UNIT)):
        if (slug, unit) == ("hai-long", UNIT):
            continue
        form = {"code": attack.code, "nonce": "n" * 32, "lang": "vi", "overall": "3"}
        assert client.post(f"/r/{slug}/{unit}", data=form).status_code in (200, 409, 410, 422), (slug, unit)
    assert len(spent(attack)) == n_before
    assert client.post(f"/r/hai-long/{UNIT}", data=form).status_code == 303, "and it is still good where it belongs"
    assert len(spent(attack)) == n_before + 1


def spent(attack: Attack) -> list[object]:
    from sqlalchemy import text

    with attack.asked.stores.intake.connect() as connection:
        return list(connection.execute(text("SELECT * FROM spent_invitation")))


def test_the_headers_of_everything_else(attack: Attack) -> None:
    client = attack.client()
    complaints = []
    for path, options in (
        ("/", {}),
        ("/khong-co", {}),
        ("/robots.txt", {}),
        ("/.git/config", {}),
        ("/static/", {}),
        ("/static/x/../../secret.key", {}),
        (f"/r/hai-long/{UNIT}", {"method": "POST", "json": {"a": 1}}),
        (f"/r/hai-long/{UNIT}", {"method": "POST", "data": b"x" * 200_000, "content_type": "text/plain"}),
        (f"/r/hai-long/{UNIT}", {"method": "POST", "data": {"x": "y" * 200_000}}),
        ("/office/sign-in", {"method": "POST", "data": {"x": "y" * 200_000}}),
        ("/results/sipas-2026/06652.csv", {"headers": {"Accept-Encoding": "gzip"}}),
    ):
        response = client.open(path, **{"method": "GET", **options})
        complaints += header_complaints(response, path)
        assert response.status_code < 500, path
    from survey.web.static_files import static_files

    for name, file in static_files().items():
        path = f"/static/{file.digest}/{name}"
        response = client.get(path)
        assert response.status_code == 200
        complaints += header_complaints(response, path)
    assert complaints == []
