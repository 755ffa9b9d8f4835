"""Invitations of office staff go through a real mail server, and are handed over where there is none (issue 7, O1)."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from support.office import Office, open_office
from support.post_office import PostOffice, post_office
from survey.errors import BadInput
from survey.mail_settings import mail_settings
from survey.office_letters import send_office_invitation
from survey.office_people import invite_officer
from survey.settings import Settings

pytestmark = pytest.mark.slow

NEW_PASSWORD = "sáu từ rất khó đoán"
ADDRESS = "tu@tinh.gov.vn"


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with post_office() as running:
        yield running


def signed_in(settings: Settings) -> Office:
    office = open_office(settings)
    office.sign_in()
    return office


def invited(office: Office, **changed: str) -> str:
    sent = {"login": "tu", "name": "Lê Văn Tú", "email": ADDRESS, "roles": "clerk"} | changed
    answer = office.send("/office/staff", **sent)
    assert answer.status_code == 200
    return answer.text


def test_an_invitation_is_sent_to_its_address_and_lets_its_owner_in(
    sqlite_settings: Settings, post: PostOffice
) -> None:
    environment = {"HAILONG_SMTP_URL": f"smtp://127.0.0.1:{post.port}", "HAILONG_MAIL_FROM": "khao-sat@tinh.gov.vn"}
    office = signed_in(replace(sqlite_settings, mail=mail_settings(environment)))
    page = invited(office)
    assert f"Đã gửi thư mời đến {ADDRESS}." in page
    ((to, letter),) = post.letters
    assert to == [ADDRESS]
    assert "Lời mời vào hệ thống khảo sát / Invitation to the survey office" in letter["Subject"]
    text = post.text(0)
    assert "Kính gửi Lê Văn Tú" in text
    assert "Your login: tu" in text
    link = re.search(r"(\S*/office/invited)#(\S+)", text)
    assert link is not None
    assert link.group(2) in page, "and the page shows the code as before"
    client = office.app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    new = Office(office.app, client)
    fields = {"invitation": link.group(2), "new_password": NEW_PASSWORD, "again": NEW_PASSWORD}
    assert new.send("/office/invited", **fields).status_code == 303
    assert new.client.get("/office/").status_code == 200
    post.refused = {"khong@tinh.gov.vn"}
    page = invited(office, login="khong", email="khong@tinh.gov.vn")
    assert "Máy chủ thư không nhận thư gửi đến khong@tinh.gov.vn." in page
    assert '<code class="key">' in page
    page = invited(office, login="ai", email="")
    assert "thư mời" not in page.partition("<main")[2]
    assert len(post.letters) == 1
    office.services.stores.close()


def test_without_a_mail_server_the_code_is_handed_over(sqlite_settings: Settings) -> None:
    office = signed_in(sqlite_settings)
    page = invited(office)
    assert "Hãy chuyển địa chỉ và mã này cho đúng người đó." in page
    assert "Máy chủ thư" not in page
    assert "/office/invited" in page
    services = office.services
    for address, complaint in ((ADDRESS, "another officer's"), ("", "no e-mail address")):
        with pytest.raises(BadInput, match=complaint):
            send_office_invitation(
                services.settings,
                invite_officer(
                    services.stores,
                    services.secrets,
                    "moi",
                    "Mới",
                    ["clerk"],
                    actor="lan",
                    now=datetime.now(UTC),
                    address=address,
                ),
            )
    office.services.stores.close()
