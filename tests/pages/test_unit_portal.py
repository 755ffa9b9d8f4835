"""What the people of a unit see and do in the portal, and what the office sees of it (issue 6, S7)."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from support.authenticator import App, half_minute, offer_of
from support.office import path_of, token_in
from support.pages import checked_page
from support.portal import (
    ADDRESS,
    DUE,
    HIDDEN,
    OTHER,
    OTHER_ADDRESS,
    OTHER_PASSWORD,
    PASSWORD,
    PROMISE,
    SLUG,
    UNIT,
    Portal,
    open_portal,
)
from support.stores import Templates
from survey.application import create_app, services_of
from survey.promises import list_promises, promises_of
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading
from survey.unit_people import list_people

pytestmark = pytest.mark.slow

CARD = f"/unit/rounds/{SLUG}"
INVITED = re.compile(r"<code class=\"key\">([0-9A-Z-]{29})</code>")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Portal]:
    settings: Settings = store_templates.new_instance("sqlite", tmp_path_factory.mktemp("portal") / "var")
    opened = open_portal(settings)
    yield opened
    opened.stores.close()


def actions(portal: Portal) -> list[str]:
    with reading(portal.stores.office) as session:
        return [event.action for event in list_events(session)]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_page_keeps_the_house_rules(portal: Portal, language: str) -> None:
    person = portal.person()
    for address in ("/unit/", CARD, f"{CARD}/promise", "/unit/account", "/unit/account/passkeys", "/unit/khong-co"):
        checked_page(person.client.get(f"{address}?lang={language}"), address)
    for address in ("/unit/sign-in", "/unit/invited"):
        checked_page(portal.stranger().client.get(f"{address}?lang={language}"), address)
    for address in ("/office/people", f"/office/rounds/{SLUG}/responses"):
        checked_page(portal.officer.client.get(f"{address}?lang={language}"), address)


def test_a_person_sees_their_own_unit_and_no_address_names_another(portal: Portal) -> None:
    chi, an = portal.person(), portal.person(OTHER_ADDRESS, OTHER_PASSWORD)
    mine, theirs = chi.client.get(CARD).text, an.client.get(CARD).text
    names = {person.unit_code: person.unit_name.vi for person in list_people(portal.stores)}
    assert names[UNIT] in mine
    assert names[OTHER] not in mine
    assert names[OTHER] in theirs
    assert chi.client.get(f"{CARD}/scorecard.pdf").data == b"%PDF-1.7 " + UNIT.encode()
    assert an.client.get(f"{CARD}/scorecard.pdf").data == b"%PDF-1.7 " + OTHER.encode()
    for address, expected in ((CARD, names[UNIT].encode()), (f"{CARD}/scorecard.pdf", UNIT.encode())):
        asked = chi.client.get(f"{address}?unit={OTHER}").data
        assert expected in asked
        assert names[OTHER].encode() not in asked
    for address in (f"{CARD}/{OTHER}", "/unit/rounds/khong-co", "/unit/previews/sipas-2026", "/unit/promises/999"):
        assert chi.client.get(address).status_code == 404


def test_a_promise_and_a_receipt_reach_the_office_and_the_next_edition(portal: Portal) -> None:
    chi, an = portal.person(), portal.person(OTHER_ADDRESS, OTHER_PASSWORD)
    assert chi.send(f"{CARD}/receipt", CARD).status_code == 303
    assert chi.send(f"{CARD}/receipt", CARD).status_code == 303, "said twice it is kept once"
    node = re.findall(r'<option value="([^"]+)"', chi.client.get(f"{CARD}/promise").text)[0]
    kept = chi.send(f"{CARD}/promise", node=node, text=f"  {PROMISE} ", due=DUE.isoformat())
    assert path_of(kept) == CARD
    (promise,) = list_promises(portal.stores)
    assert (promise.unit_code, promise.node, promise.text, promise.due) == (UNIT, node, PROMISE, DUE)
    # Nobody else's.
    address = f"/unit/promises/{promise.id}"
    assert an.client.get(address).status_code == 404
    token = an.token(f"{CARD}/promise")
    assert an.client.post(address, data={"csrf_token": token, "state": "done"}).status_code == 404
    assert PROMISE not in an.client.get("/unit/").text
    # Its own people say what became of it; words and day stay.
    changed = chi.send(address, state="under_way", outcome="Đã mở từ tháng Một.", text="khác", due="2030-01-01")
    assert path_of(changed) == "/unit/"
    (promise,) = list_promises(portal.stores, slug=SLUG)
    assert (promise.state, promise.outcome, promise.text, promise.due) == (
        "under_way",
        "Đã mở từ tháng Một.",
        PROMISE,
        DUE,
    )
    seen = portal.officer.client.get(f"/office/rounds/{SLUG}/responses").text
    assert PROMISE in seen
    assert seen.count("Lê Thị Chi") == 1
    assert "1 trên 9 đơn vị" in seen
    table = portal.officer.client.get(f"/office/rounds/{SLUG}/responses.csv").text
    assert f'"{PROMISE}",{DUE.isoformat()},đang làm,Đã mở từ tháng Một.' in table
    assert table.count("\r\n") == 10, "a line for each unit, below the heading"
    assert promises_of(portal.stores, SLUG) == (), "it is the next round's scorecard that shows it"
    assert {"unit.received", "unit.promised", "unit.promise_changed"} <= set(actions(portal))


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"text": "", "due": "2027-03-31"}, "Hãy ghi việc đơn vị sẽ làm."),
        ({"text": "x" * 601, "due": "2027-03-31"}, "Nhiều nhất 600 ký tự."),
        ({"text": "a\u202eb", "due": "2027-03-31"}, "ký tự không in được"),
        ({"text": "Làm", "due": "2020-01-01"}, "từ hôm nay trở đi"),
        ({"text": "Làm", "due": "mai"}, "Hãy điền một ngày|từ hôm nay trở đi"),
        ({"text": "Làm", "due": "2027-03-31", "node": "khong-co"}, "Hãy chọn một mục"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_asked_for_again(
    portal: Portal, fields: dict[str, str], complaint: str
) -> None:
    before = list_promises(portal.stores)
    answer = portal.person().send(f"{CARD}/promise", **({"node": ""} | fields))
    assert answer.status_code == 400
    assert re.search(complaint, answer.text)
    checked_page(answer, CARD)
    assert list_promises(portal.stores) == before


def test_an_invitation_is_good_once_and_for_whoever_has_its_code(portal: Portal) -> None:
    page = portal.officer.send("/office/people", unit=HIDDEN, name="Phạm Văn Dũng", email="Dung@Ha-Khanh.gov.vn")
    checked_page(page, "/office/people")
    code = INVITED.findall(page.text)[0]
    assert "/unit/invited" in page.text
    app = create_app(replace(services_of(portal.app).settings, must_have_second_factor=True))
    new = Portal(app, portal.officer).stranger()
    weak = new.send("/unit/invited", invitation=code, new_password="dung2026", again="dung2026")
    assert weak.status_code == 400
    wrong = new.send("/unit/invited", invitation="0" * 25, new_password=PASSWORD, again=PASSWORD)
    assert wrong.status_code == 403
    checked_page(wrong, "/unit/invited")
    chosen = {"new_password": "sáu từ chọn bừa đây", "again": "sáu từ chọn bừa đây"}
    entered = new.send("/unit/invited", invitation=code.lower(), **chosen)
    assert path_of(entered) == "/unit/account/second-factor"
    again = portal.stranger().send("/unit/invited", invitation=code, new_password=PASSWORD, again=PASSWORD)
    assert again.status_code == 403, "it was used"
    assert new.client.get("/unit/").status_code == 303, "nothing is shown before the second factor"
    shown = new.client.get("/unit/account/second-factor").text
    digits = App.typed_from(shown).shows(half_minute())
    done = new.send("/unit/account/second-factor", offer=offer_of(shown), new_code=digits)
    checked_page(done, "/unit/account/second-factor")
    assert new.client.get(CARD).status_code == 200
    assert "Chưa đủ số phiếu" in new.client.get(CARD).text
    services_of(app).stores.close()


@pytest.mark.parametrize("address", ["không phải", "a@b", "a b@c.vn", f"{'a' * 70}@x.gov.vn"])
def test_an_address_that_nobody_writes_to_is_refused(portal: Portal, address: str) -> None:
    answer = portal.officer.send("/office/people", unit=UNIT, name="Ai đó", email=address)
    assert answer.status_code == 400
    checked_page(answer, "/office/people")


def test_an_address_belongs_to_one_unit(portal: Portal) -> None:
    answer = portal.officer.send("/office/people", unit=OTHER, name="Lê Thị Chi", email=ADDRESS)
    assert answer.status_code == 400
    assert "đơn vị khác" in answer.text


def test_nobody_is_at_home_in_both_areas(portal: Portal) -> None:
    officer = portal.stranger().send("/unit/sign-in", login="lan", password="bốn từ chọn bừa")
    assert officer.status_code == 403
    person = portal.stranger().send("/office/sign-in", login=ADDRESS, password=PASSWORD)
    assert person.status_code == 403
    chi = portal.person()
    assert path_of(chi.client.get("/office/people")) == "/office/sign-in"
    assert path_of(portal.officer.client.get("/unit/")) == "/unit/sign-in"
    # A token of one area is worth nothing as the other's.
    with chi.client.session_transaction("/unit/", base_url="https://localhost") as session:
        token = session["token"]
    thief = portal.stranger()
    with thief.client.session_transaction("/office/", base_url="https://localhost") as session:
        session["token"] = token
    assert path_of(thief.client.get("/office/people")) == "/office/sign-in"


def test_who_is_shut_out_is_out_at_once(portal: Portal) -> None:
    an = portal.person(OTHER_ADDRESS, OTHER_PASSWORD)
    (number,) = (p.account.id for p in list_people(portal.stores) if p.account.login == OTHER_ADDRESS)
    assert portal.officer.send(f"/office/people/{number}", "/office/people", what="shut_out").status_code == 303
    assert path_of(an.client.get("/unit/")) == "/unit/sign-in"
    refused = portal.stranger().send("/unit/sign-in", login=OTHER_ADDRESS, password=OTHER_PASSWORD)
    assert refused.status_code == 403
    assert portal.officer.send(f"/office/people/{number}", "/office/people", what="let_in").status_code == 303
    assert portal.person(OTHER_ADDRESS, OTHER_PASSWORD).client.get("/unit/").status_code == 200


def test_no_post_is_taken_without_the_token_of_its_session(portal: Portal) -> None:
    chi, other = portal.person(), portal.person()
    strange = token_in(other.client.get(CARD).text)
    for address in (f"{CARD}/receipt", f"{CARD}/promise", "/unit/sign-out", "/unit/account/passkeys"):
        for token in ("", strange):
            assert chi.client.post(address, data={"csrf_token": token}).status_code == 400
