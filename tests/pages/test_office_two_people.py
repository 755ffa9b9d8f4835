"""Two people in the browser: nobody approves what they asked for, and is told so (issue 7, O1)."""

from dataclasses import replace

import pytest

from support.office import Office, open_office, path_of
from support.pages import checked_page
from support.rounds import SLUG, planned_collection
from survey.officers import create_officer
from survey.settings import Settings
from survey.storage.office import Round
from survey.storage.sessions import writing

pytestmark = pytest.mark.slow

ROUND = f"/office/rounds/{SLUG}"
PAGE = f"{ROUND}/approvals"
SECOND, SECOND_PASSWORD = "binh", "bốn từ khác hẳn"


def two(settings: Settings) -> tuple[Office, Office]:
    office = open_office(replace(settings, must_have_second_person=True))
    stores = office.services.stores
    planned_collection(settings, stores, settings.instance)
    create_officer(stores, SECOND, "Trần Văn Bình", SECOND_PASSWORD, actor="command line", roles=["custodian"])
    client = office.app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    other = Office(office.app, client)
    office.sign_in()
    other.sign_in(SECOND, SECOND_PASSWORD)
    return office, other


def test_codes_are_handed_out_after_somebody_else_approved(sqlite_settings: Settings) -> None:
    office, other = two(sqlite_settings)
    wanted = {"unit": "xa-b", "count": "3", "channel": "post", "file_type": "csv"}
    asked = office.send(f"{ROUND}/codes", **wanted)
    assert (asked.status_code, path_of(asked)) == (303, PAGE)
    page = checked_page(office.client.get(f"{PAGE}?did=asked"), PAGE)
    checked_page(office.client.get(f"{PAGE}?lang=en"), PAGE)
    assert "Một người khác cần phê duyệt" in page.text
    mine = office.send(f"{PAGE}/1/approve", PAGE)
    assert mine.status_code == 409
    assert "không thể tự phê duyệt" in mine.text
    assert office.send(f"{PAGE}/1/codes", PAGE, file_type="csv").status_code == 409, "not approved yet"
    assert "1 đề nghị chờ ông/bà xem" in other.client.get("/office/").text
    assert other.send(f"{PAGE}/1/approve", PAGE).status_code == 303
    again = other.send(f"{PAGE}/1/refuse", PAGE)
    assert again.status_code == 409
    assert "đã có người quyết định" in again.text
    assert other.send(f"{PAGE}/1/codes", PAGE, file_type="csv").status_code == 403, "a custodian hands out no codes"
    codes = office.send(f"{PAGE}/1/codes", PAGE, file_type="csv")
    assert codes.mimetype == "text/csv"
    assert codes.get_data().count(b"\n") == 4
    assert office.send(f"{PAGE}/1/codes", PAGE, file_type="csv").status_code == 409, "once"


def test_sealing_waits_for_the_second_person(sqlite_settings: Settings) -> None:
    office, other = two(sqlite_settings)
    with writing(office.services.stores.office) as session:
        session.get_one(Round, SLUG).state = "closed"
    page = office.client.get(f"{ROUND}/seal")
    checked_page(page, f"{ROUND}/seal")
    assert "Đề nghị niêm phong" in page.text
    assert path_of(office.send(f"{ROUND}/seal")) == PAGE
    assert path_of(office.client.get(f"{ROUND}/seal")) == PAGE, "it has been asked for"
    assert other.send(f"{PAGE}/1/approve", PAGE).status_code == 303
    assert "Gửi đề nghị niêm phong" not in office.client.get(f"{ROUND}/seal").text, "now it can be done"
