"""Every page of the office and the portal is asked for and sent to as each of the seven roles (issue 7, O1).

What the table of `survey.permissions` says is what happens: whoever has the right is let through to the page, everybody
else is told that it is beyond their rights, and nothing has changed.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from support.citizens import UNIT
from support.judged_routes import EVERYBODY, MACHINES, OFFICERS, UNITS
from support.office import Office
from support.roles import Attack, person_of_a_unit
from support.site import build_site
from support.stores import Templates, opened
from survey.application import services_of
from survey.officers import create_officer
from survey.permissions import EVERY_TASK, OFFICE_ROLES, PERMISSIONS, may
from survey.web.permissions import BY_VALUE, NEEDS, needed_right

pytestmark = pytest.mark.slow

PASSWORD = "bốn từ của vai này"
# What ends the session of whoever sends it, or answers nobody who is signed in.
PASSED_OVER = frozenset({"office.sign_out", "unit.sign_out", "office.sign_in_passkey", "unit.sign_in_passkey"})
VALUES = {
    "slug": ("niem-phong", "xem-truoc", "nhap"),
    "step": ("open", "close", "seal", "publish"),
    "action": ("objection", "answer", "approve", "withdraw", "publish"),
    "file_type": ("csv",),
    "form_type": ("yaml",),
    "number": ("1",),
    "decision": ("approve",),
    "what": ("roles",),
    "name": ("06652",),
    "unit": (UNIT,),
    "key": ("0" * 16,),
    "kind": ("xlsx",),
    "part": ("units",),
    "version": ("1",),
    "anything": ("nowhere",),
}


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Attack]:
    yield from _made(tmp_path_factory.mktemp("rights"), store_templates)


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Attack]:
    """Another instance, in which what is sent may be done; nobody publishes alone there, not even at once."""
    yield from _made(tmp_path_factory.mktemp("done"), store_templates, must_have_second_person=True)


def _made(folder: Path, store_templates: Templates, *, must_have_second_person: bool = False) -> Iterator[Attack]:
    settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    asked = build_site(settings, stores, folder)
    settings = replace(settings, must_have_second_person=must_have_second_person)
    attack = Attack(replace(asked, settings=settings))
    for role in OFFICE_ROLES:
        create_officer(stores, f"vai-{role}", f"Vai {role}", PASSWORD, actor="command line", roles=[role])
    yield attack
    services_of(attack.app).stores.close()
    stores.close()


def guarded(attack: Attack) -> Iterator[tuple[str, str, dict[str, str], str]]:
    """Each page behind a sign-in with each way to fill its address, and each of GET and POST that it knows."""
    adapter = attack.app.url_map.bind("localhost")
    for rule in attack.app.url_map.iter_rules():
        if rule.endpoint not in NEEDS or rule.endpoint in PASSED_OVER:
            continue
        names = sorted(rule.arguments)
        for chosen in product(*(VALUES.get(name, ("1",)) for name in names)):
            values = dict(zip(names, chosen, strict=True))
            for method in ("GET", "POST"):
                if method in (rule.methods or ()):
                    yield rule.endpoint, adapter.build(rule.endpoint, values, method), values, method


@pytest.mark.parametrize("role", [*OFFICE_ROLES, "unit"])
def test_who_has_no_right_is_told_so_and_who_has_it_is_let_through(attack: Attack, role: str) -> None:
    area = "unit" if role == "unit" else "office"
    client = person_of_a_unit(attack) if role == "unit" else attack.signed_in(f"vai-{role}", PASSWORD)
    # A page with a form that every role sees gives the token of its session.
    token = Office(attack.app, client).token(f"/{area}/account/password")
    complaints, n_refused = [], 0
    client.get("/office/rounds/niem-phong/comments")
    for endpoint, address, values, method in guarded(attack):
        if not endpoint.startswith(f"{area}."):
            continue
        right = needed_right(endpoint, method, values)
        is_allowed = right is not None and may([role], right)
        if method == "POST" and is_allowed:
            # What they may do is tried elsewhere: here it would change the round that the next one looks at.
            continue
        before = attack.left_behind()
        data = {"csrf_token": token} if method == "POST" else None
        status = client.open(address, method=method, data=data).status_code
        if (status == 403) is is_allowed:
            complaints.append(f"{role}: {method} {address}: {status}, right {right}")
        if not is_allowed:
            n_refused += 1
            if attack.left_behind() != before:
                complaints.append(f"{role}: {method} {address} changed something")
    assert complaints == []
    assert n_refused > 0 or role == "unit"


@pytest.mark.parametrize("role", [*OFFICE_ROLES, "unit"])
def test_what_somebody_with_the_right_sends_is_not_refused(playground: Attack, role: str) -> None:
    area = "unit" if role == "unit" else "office"
    client = person_of_a_unit(playground) if role == "unit" else playground.signed_in(f"vai-{role}", PASSWORD)
    token = Office(playground.app, client).token(f"/{area}/account/password")
    complaints = []
    for endpoint, address, values, method in guarded(playground):
        right = needed_right(endpoint, method, values)
        # One's own account asks for the password once more, and answers 403 to a wrong one.
        is_other = method != "POST" or not endpoint.startswith(f"{area}.") or right == "account.own"
        if is_other or right is None or not may([role], right):
            continue
        status = client.post(address, data={"csrf_token": token}).status_code
        if status == 403 or status >= 500:
            complaints.append(f"{role}: {address}: {status}, right {right}")
    assert complaints == []


def test_every_page_behind_a_sign_in_has_its_row_and_every_row_its_page(attack: Attack) -> None:
    doors = {f"{area}.{page}" for area in ("office", "unit") for page in ("sign_in", "invited", "oidc", "oidc_back")}
    rules = list(attack.app.url_map.iter_rules())
    behind = {rule.endpoint for rule in rules if rule.endpoint.startswith(("office.", "unit."))} - doors
    assert behind == set(NEEDS)
    assert behind == OFFICERS | UNITS, "and the same pages are judged by hand"
    assert doors <= EVERYBODY
    assert {rule.endpoint for rule in rules} - behind == EVERYBODY | MACHINES


def test_a_page_that_takes_something_names_the_right_to_send_it_and_no_other_does(attack: Attack) -> None:
    posted: dict[str, set[str]] = {}
    for rule in attack.app.url_map.iter_rules():
        if rule.endpoint in NEEDS and "POST" in (rule.methods or ()):
            posted.setdefault(rule.endpoint, set()).update(re.findall("[a-z_]+", rule.rule.partition("any(")[2]))
    for endpoint, needs in NEEDS.items():
        if needs.read == "account.own":
            continue
        steps = {value for of, value in BY_VALUE if of == endpoint}
        takes_something = needs.change is not None or bool(steps)
        assert takes_something is (endpoint in posted), endpoint
        if needs.change is None and steps:
            assert steps == posted[endpoint] & {value for _, value in BY_VALUE}, endpoint
            assert steps == posted[endpoint] - {"step", "action", "done"}, endpoint


def test_an_auditor_is_in_every_line_that_reads_and_in_none_that_changes_anything() -> None:
    of_auditors = {right for right, roles in PERMISSIONS.items() if "auditor" in roles}
    assert of_auditors == {
        *(right for right in PERMISSIONS if right.endswith(".read") and not right.startswith("portal.")),
        "account.own",
    }
    for endpoint, needs in NEEDS.items():
        if endpoint.startswith("office.") and needs.change not in (None, "account.own"):
            assert "auditor" not in PERMISSIONS[needs.change], endpoint
    assert not any("auditor" in PERMISSIONS[right] for right in BY_VALUE.values())


def test_every_right_is_somebodys_and_an_office_of_one_can_do_everything() -> None:
    assert all(PERMISSIONS.values())
    for right, roles in PERMISSIONS.items():
        assert roles == ("unit",) or may(EVERY_TASK, right), right
