"""The office's own people and the audit log in the browser (issue 7, O1)."""

import re

import pytest

from support.audit_rows import disarm_audit_log
from support.office import LOGIN, PASSWORD, Office, open_office
from support.pages import checked_page
from survey.office_people import list_office_people
from survey.officers import create_officer
from survey.permissions import OFFICE_ROLES, PERMISSIONS
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.office import AuditEvent
from survey.storage.sessions import reading, writing

NEW_PASSWORD = "sáu từ rất khó đoán"


@pytest.fixture
def office(sqlite_settings: Settings) -> Office:
    return open_office(sqlite_settings)


def code_in(page: str) -> str:
    found = re.search(r'<code class="key">([^<]+)</code>', page)
    assert found is not None
    return found.group(1)


def stranger(office: Office) -> Office:
    client = office.app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    return Office(office.app, client)


def test_an_administrator_invites_a_clerk_who_chooses_a_password_and_sees_a_clerks_pages(office: Office) -> None:
    office.sign_in()
    checked_page(office.client.get("/office/staff"), "/office/staff")
    wrong = office.send("/office/staff", name="", login="Hà Nội", roles=[])
    assert wrong.status_code == 400
    assert "Hãy chọn ít nhất một vai trò." in wrong.text
    page = office.send("/office/staff", name="Lê Văn Tú", login="tu", roles=["clerk", "custodian"])
    code = code_in(page.text)
    taken = office.send("/office/staff", name="Lê Văn Tú", login="tu", roles=["clerk"])
    assert "Đã có tài khoản với tên đăng nhập này." in taken.text
    new = stranger(office)
    chosen = {"new_password": NEW_PASSWORD, "again": NEW_PASSWORD}
    assert new.send("/office/invited", invitation="0" * 25, **chosen).status_code == 403
    checked_page(new.client.get("/office/invited"), "/office/invited")
    assert new.send("/office/invited", invitation=code.lower(), **chosen).status_code == 303
    assert new.client.get("/office/").status_code == 200
    refused = new.client.get("/office/staff")
    assert refused.status_code == 403
    assert "ngoài quyền" in refused.text
    assert stranger(office).send("/office/invited", invitation=code, **chosen).status_code == 403, "a code is good once"
    (tu,) = (one for one in list_office_people(office.services.stores) if one.account.login == "tu")
    assert tu.account.roles == ("custodian", "clerk")
    assert tu.invited_until is None


def test_roles_count_from_the_next_page_and_the_last_administrator_stays(office: Office) -> None:
    office.sign_in()
    stores = office.services.stores
    binh = create_officer(stores, "binh", "Trần Bình", "bốn từ khác hẳn", actor="command line", roles=["officer"])
    other = stranger(office)
    other.sign_in("binh", "bốn từ khác hẳn")
    assert other.client.get("/office/audit").status_code == 403
    page = f"/office/staff/{binh.id}"
    assert office.send(f"{page}/roles", page, roles=["auditor"]).status_code == 303
    assert other.client.get("/office/audit").status_code == 200
    assert other.client.get(page).status_code == 200
    assert "<button" not in other.client.get(page).text.partition("<main")[2], "an auditor is shown no button"
    (lan,) = (one.account for one in list_office_people(stores) if one.account.login == LOGIN)
    own = f"/office/staff/{lan.id}"
    for refused in (office.send(f"{own}/roles", own, roles=["officer"]), office.send(f"{own}/shut_out", page)):
        assert refused.status_code == 409
    assert office.send(f"{page}/reset", page).status_code == 303
    assert other.client.get("/office/").status_code == 303, "every session has ended"
    other.sign_in("binh", "bốn từ khác hẳn")
    assert office.send(f"{page}/shut_out", page).status_code == 303
    assert other.client.get("/office/").status_code == 303
    assert office.send(f"{page}/invite", page).status_code == 409
    assert office.send(f"{page}/let_in", page).status_code == 303
    again = code_in(office.send(f"{page}/invite", page).text)
    fields = {"invitation": again, "new_password": NEW_PASSWORD, "again": NEW_PASSWORD}
    assert stranger(office).send("/office/invited", **fields).status_code == 303
    with reading(stores.office) as session:
        actions = [event.action for event in list_events(session, newest=9)]
    assert actions[1] == "officer.accepted"
    assert "officer.roles_set" in actions


def test_the_audit_log_is_filtered_paged_taken_away_and_its_chain_is_checked(office: Office) -> None:
    office.sign_in()
    stores = office.services.stores
    for number in range(55):
        create_officer_event(office, number)
    page = office.client.get("/office/audit")
    checked_page(page, "/office/audit")
    assert "Trang 1/2" in page.text
    assert "Chuỗi băm nguyên vẹn" in page.text
    assert "Trang 2/2" in office.client.get("/office/audit?page=999").text
    found = office.client.get("/office/audit?actor=LAN&action=signed")
    assert "officer.signed_in" in found.text
    assert "test.event" not in found.text.partition("<table")[2]
    assert "test.event" not in office.client.get("/office/audit?subject=%25").text.partition("<table")[2]
    table = office.client.get("/office/audit.csv?action=test.event")
    assert table.get_data().count(b"test.event") == 55
    assert office.client.get("/office/audit.xlsx").status_code == 200
    disarm_audit_log(stores)
    with writing(stores.office) as session:
        session.get_one(AuditEvent, 3).subject = "khác"
    assert "không khớp ở 1 chỗ" in office.client.get("/office/audit").text


def create_officer_event(office: Office, number: int) -> None:
    from survey.storage.audit import record_event

    with writing(office.services.stores.office) as session:
        record_event(session, "command line", "test.event", f"dòng {number}")


def test_every_right_and_role_has_its_words(office: Office) -> None:
    office.sign_in()
    for language in ("vi", "en"):
        page = office.client.get(f"/office/staff?lang={language}")
        assert page.status_code == 200
    n_rights = sum(not right.startswith(("portal.", "account.")) for right in PERMISSIONS)
    assert page.text.count('<th scope="row">') >= n_rights
    assert len(OFFICE_ROLES) == 6
    assert LOGIN in page.text
    assert PASSWORD not in page.text
