"""Every route is tried as every role with every method; each answer carries the strict headers (criteria 23 and 24).

The table below names each endpoint of the application once. A route that is added and not judged here fails the first
test; whoever it is not meant for then gets no answer below 300 from it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from support.citizens import OTHER_UNIT, UNIT, Asked
from support.headers import header_complaints
from support.office import LOGIN, PASSWORD, Office, age_sessions, path_of
from support.site import APP_LOGIN, APP_PASSWORD, build_site
from support.stores import Templates, opened
from survey.application import create_app, services_of
from survey.office_sessions import IDLE
from survey.officers import create_officer, disable_officer, set_password
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading

pytestmark = pytest.mark.slow

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "NONSENSE")
CODE_PATHS = ("citizen.choose", "citizen.show", "citizen.received", "citizen.challenge", "citizen.rate", "citizen.send")
# Who may get an answer below 300: everybody, whoever has the metrics' token, or a signed-in officer.
EVERYBODY = frozenset(
    {
        *CODE_PATHS,
        "health.healthz",
        "health.readyz",
        "office.sign_in",
        "public.csv_file",
        "public.index",
        "public.method",
        "public.pdf_file",
        "public.round",
        "public.unit",
        "start",
        "static.file",
    }
)
MACHINES = frozenset({"metrics.metrics"})
OFFICERS = frozenset(
    {
        "office.account",
        "office.accounting",
        "office.accounting_file",
        "office.batch",
        "office.codes",
        "office.confirm",
        "office.custody",
        "office.destroyed",
        "office.done",
        "office.figures_form",
        "office.new_round",
        "office.nowhere",
        "office.password",
        "office.reconcile",
        "office.recovery_codes",
        "office.round",
        "office.rounds",
        "office.second_factor",
        "office.sessions",
        "office.sign_in_code",
        "office.sign_out",
        "office.slips",
        "office.stands",
        "office.trial",
        "office.units",
    }
)
# Rounds that citizens know: open, not yet open, halted, over. The drafts are nobody's but the office's.
SHOWN_ROUNDS = {"hai-long", "nam-tieng", "noi-o", "mo", "sau", "dung", "het", "niem-phong", "ddci", "doanh-nghiep"}
DRAFTS = ("nhap", "chia-khoa")
PUBLISHED = "sipas-2026"
ROUNDS = ("hai-long", "niem-phong", *DRAFTS, PUBLISHED, "khong-co", "..%2f..%2fsecret.key")
VALUES = {
    "slug": ROUNDS,
    "unit_code": (UNIT, OTHER_UNIT, "..%2f..", "%00"),
    "unit": ("06652", "khong-co"),
    "name": ("06652", "estimates", "league-06652", "..%2f..%2f..%2fsecret", "manifest", "edition"),
    "step": ("open", "close", "seal", "publish"),
    "file_type": ("csv", "xlsx"),
    "digest": ("0000000000",),
    "anything": ("nowhere", "../secret.key", "rounds/hai-long/xoa"),
}
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


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Attack]:
    folder = tmp_path_factory.mktemp("roles")
    settings: Settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    yield Attack(build_site(settings, stores, folder))
    stores.close()


def addresses(rule: Rule) -> Iterator[str]:
    names = sorted(rule.arguments)
    for values in product(*(VALUES[name] for name in names)):
        address = rule.rule
        for name, value in zip(names, values, strict=True):
            start = address.index("<")
            end = address.index(f"{name}>") + len(name) + 1
            # Converters come before the name: `<any(csv, xlsx):file_type>`.
            if not address[start:end].endswith(f"{name}>") or ">" in address[start : end - 1]:
                start = address.rindex("<", 0, end)
            address = address[:start] + value + address[end:]
        yield address


def test_every_route_is_judged(attack: Attack) -> None:
    endpoints = {rule.endpoint for rule in attack.app.url_map.iter_rules()}
    assert endpoints == EVERYBODY | MACHINES | OFFICERS
    assert not EVERYBODY & (MACHINES | OFFICERS)


@pytest.mark.parametrize("role", OUTSIDERS)
def test_who_is_no_officer_gets_nothing_from_the_office(attack: Attack, role: Role) -> None:
    client = role(attack)
    before = attack.left_behind()
    complaints = []
    for rule in attack.app.url_map.iter_rules():
        if rule.endpoint not in OFFICERS | MACHINES:
            continue
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
            if 300 <= response.status_code < 400 and "/office/sign-in" not in response.headers["Location"]:
                # The router writes a path with dots in it as the browser would.
                again = client.open(response.headers["Location"], method=method)
                if again.status_code < 300 and again.request.path != "/office/sign-in":
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
        if rule.endpoint not in OFFICERS or rule.endpoint == "office.sign_out":
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


@pytest.mark.parametrize("name", ["without", "empty", "made up", "of another session"])
def test_a_signed_in_browser_is_not_steered_from_another_site(attack: Attack, name: str) -> None:
    client = attack.signed_in()
    token = {
        "without": None,
        "empty": "",
        "made up": "ImFiYyI.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "of another session": Office(attack.app, attack.signed_in()).token("/office/new-round"),
    }[name]
    before = attack.left_behind()
    complaints = []
    for rule in attack.app.url_map.iter_rules():
        if rule.endpoint not in OFFICERS or "POST" not in (rule.methods or ()):
            continue
        for address in addresses(rule):
            fields = {"unit": UNIT, "count": "5", "channel": "counter", "decision": "không", "name": "Lan"}
            response = client.post(address, data=fields | ({} if token is None else {"csrf_token": token}))
            complaints += header_complaints(response, address)
            if response.status_code not in (400, 404, 405):
                complaints.append(f"{address}: {response.status_code}")
    assert complaints == []
    assert attack.left_behind() == before


def test_who_is_an_officer_meets_no_failure_and_strict_headers(attack: Attack) -> None:
    client = attack.signed_in()
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
    from survey.web.pages import static_files

    for name, file in static_files().items():
        path = f"/static/{file.digest}/{name}"
        response = client.get(path)
        assert response.status_code == 200
        complaints += header_complaints(response, path)
    assert complaints == []
