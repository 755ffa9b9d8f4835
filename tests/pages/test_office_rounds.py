"""An officer leads a round from its draft to its seal, and what the pages say on the way."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from openpyxl import load_workbook
from werkzeug.test import TestResponse

from support.office import LOGIN, Office, add_units, open_office, path_of
from support.pages import Page, checked_page
from support.published import publish_by_hand, sipas_edition
from support.readiness import make_ready
from support.rounds import UNITS_CSV
from survey.codes import read_code
from survey.invitations import find_invitation
from survey.round_records import find_round, list_rounds
from survey.services import today
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading
from survey.units import import_units
from survey.web.public.open_data import file_titles

SLUG = "thu-2026"
ROUND = f"/office/rounds/{SLUG}"
# A round is led through its life again and again: too much for the gate of every commit.
pytestmark = pytest.mark.slow


def typed() -> dict[str, str | list[str]]:
    """What an officer types on this day."""
    return {
        "title_vi": "Khảo sát thử",
        "title_en": "Trial survey",
        "slug": SLUG,
        "opens_on": today().isoformat(),
        "closes_on": (today() + timedelta(days=30)).isoformat(),
        "questionnaire": "sipas/2017.1",
        "bloc": "khoi-dia-phuong",
        "kinds": ["commune"],
        "issuer_vi": "Sở Nội vụ",
        "issuer_en": "Department of Home Affairs",
        "decision": "Kế hoạch 12/KH-UBND",
        "hotline": "0203 000 000",
    }


@pytest.fixture
def office(sqlite_settings: Settings) -> Iterator[Office]:
    opened = open_office(sqlite_settings)
    add_units(opened)
    opened.sign_in()
    yield opened
    opened.services.stores.close()


@pytest.fixture
def drafted(office: Office) -> Office:
    assert path_of(office.send("/office/new-round", **typed())) == ROUND
    make_ready(office.services, SLUG)
    return office


def page(office: Office, address: str) -> Page:
    return checked_page(office.client.get(address), address)


def take(office: Office, step: str) -> TestResponse:
    return office.send(f"{ROUND}/{step}")


def state(office: Office) -> str:
    return find_round(office.services.stores, SLUG).state


def events(office: Office) -> list[tuple[str, str]]:
    with reading(office.services.stores.office) as session:
        return [(event.actor, event.action) for event in reversed(list_events(session))]


def test_an_empty_office_offers_to_create_a_round(office: Office) -> None:
    shown = page(office, "/office/")
    assert "Chưa có đợt khảo sát nào" in shown.text
    assert shown.root.xpath("//a[contains(@class, 'primary')]/@href") == ["/office/set-up"]


def test_a_created_round_is_a_draft_for_the_units_that_were_shown(office: Office) -> None:
    preview = office.send("/office/new-round", **typed(), preview="1")
    assert "2 đơn vị sẽ được đánh giá" in preview.text
    assert list_rounds(office.services.stores) == ()
    assert path_of(office.send("/office/new-round", **typed())) == ROUND
    record = find_round(office.services.stores, SLUG)
    assert record.state == "draft"
    assert record.unit_codes == ("xa-b", "xa-c")
    assert (record.title.vi, record.issuer.en) == ("Khảo sát thử", "Department of Home Affairs")
    assert events(office)[-1] == (LOGIN, "round.created")


def test_a_round_may_ask_a_module_along(office: Office) -> None:
    offered = page(office, "/office/new-round").root.xpath("//input[@name='modules']/@value")
    assert "brand/2026.1" in offered
    # What rates several units cannot be asked along.
    assert not any(reference.startswith("ddci/") for reference in offered)
    assert path_of(office.send("/office/new-round", **typed(), modules=["brand/2026.1"])) == ROUND
    assert find_round(office.services.stores, SLUG).module_references == ("brand/2026.1",)
    assert "brand/2026.1" in page(office, ROUND).text
    assert "sipas/2017.1 + brand/2026.1" in page(office, "/office/").text


def test_a_module_that_cannot_be_asked_along_is_refused(office: Office) -> None:
    shown = checked_page(office.send("/office/new-round", **typed(), modules=["sipas/2017.1"]), "/office/new-round")
    assert (shown.status, "modules: " in shown.text) == (400, True)
    assert list_rounds(office.services.stores) == ()


def test_a_firms_round_is_created_for_both_blocs(office: Office) -> None:
    firms = typed() | {"questionnaire": "ddci/communes-2024.1", "bloc": "", "kinds": ["ward", "commune"]}
    assert path_of(office.send("/office/new-round", **firms)) == ROUND
    assert find_round(office.services.stores, SLUG).unit_codes == ("phuong-a", "xa-b", "xa-c")


def test_looking_at_the_units_complains_of_nothing_else(office: Office) -> None:
    response = office.send("/office/new-round", opens_on=typed()["opens_on"], bloc="", preview="1")
    shown = checked_page(response, "/office/new-round")
    assert (shown.status, "3 đơn vị sẽ được đánh giá" in shown.text) == (200, True)
    assert "Hãy điền mục này" not in shown.text


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"slug": "Đợt 1"}, "Chỉ dùng chữ thường không dấu"),
        ({"slug": "-a-"}, "Chỉ dùng chữ thường không dấu"),
        ({"slug": ""}, "Hãy điền mục này"),
        ({"title_vi": "  "}, "Hãy điền mục này"),
        ({"title_en": "x" * 300}, "dài quá"),
        ({"opens_on": "tomorrow"}, "Hãy điền một ngày"),
        ({"closes_on": (today() - timedelta(days=1)).isoformat()}, "phải bằng hoặc sau ngày mở"),
        ({"opens_on": "2020-01-01", "closes_on": "2020-02-01"}, "đã qua"),
        ({"questionnaire": ""}, "Hãy chọn một mục"),
        ({"questionnaire": "../../etc/passwd"}, "Hãy chọn một mục"),
        ({"bloc": "unknown"}, "Hãy chọn một mục"),
        ({"kinds": ["castle"]}, "Hãy chọn một mục"),
    ],
)
def test_a_form_that_does_not_hold_says_so_and_creates_nothing(
    office: Office, change: dict[str, object], complaint: str
) -> None:
    shown = checked_page(office.send("/office/new-round", **(typed() | change)), "/office/new-round")
    assert shown.status == 400
    assert complaint in shown.text
    assert list_rounds(office.services.stores) == ()


def test_a_round_without_units_is_not_created(office: Office) -> None:
    before_the_units = typed() | {"opens_on": "2020-01-01"}
    shown = checked_page(office.send("/office/new-round", **before_the_units), "/office/new-round")
    assert (shown.status, "Không có đơn vị nào phù hợp" in shown.text) == (400, True)


def test_a_code_that_is_taken_is_refused(drafted: Office) -> None:
    shown = checked_page(drafted.send("/office/new-round", **typed()), "/office/new-round")
    assert (shown.status, "Đã có đợt mang mã này" in shown.text) == (400, True)


def test_a_title_that_is_markup_is_shown_as_text(office: Office) -> None:
    office.send("/office/new-round", **(typed() | {"title_vi": "<script>alert(1)</script>"}))
    assert page(office, ROUND).h1 == "<script>alert(1)</script>"


def test_each_step_is_confirmed_before_it_is_taken(drafted: Office) -> None:
    for language, warning in (("", "Không thể hoàn tác"), ("?lang=en", "cannot be undone")):
        assert warning in page(drafted, f"{ROUND}/open{language}").text
    assert state(drafted) == "draft"
    assert path_of(take(drafted, "open")) == f"{ROUND}/open/done"
    assert state(drafted) == "open"
    assert page(drafted, f"{ROUND}/open/done").h1 == "Đợt khảo sát đã mở"
    assert events(drafted)[-1] == (LOGIN, "round.opened")


def test_the_round_page_offers_the_one_next_step(drafted: Office) -> None:
    for step, reached in (("open", "open"), ("close", "closed"), ("seal", "sealed")):
        shown = page(drafted, ROUND)
        primary = shown.root.xpath("//a[contains(@class, 'primary')]/@href")
        # While people may still answer, closing is offered but not pressed upon anybody.
        assert primary == [f"{ROUND}/codes" if step == "close" else f"{ROUND}/{step}"]
        assert shown.root.xpath(f"//main//a[@href='{ROUND}/{step}']")
        assert len(shown.root.xpath("//*[@aria-current='step']")) == 1
        assert path_of(take(drafted, step)) == f"{ROUND}/{step}/done"
        assert state(drafted) == reached
    assert "Đã niêm phong 0 phiếu hợp lệ" in page(drafted, ROUND).text
    actions = [action for actor, action in events(drafted) if actor == LOGIN and action.startswith("round.")]
    assert actions[:3] == ["round.created", "round.opened", "round.closed"]
    assert actions[-1] == "round.sealed"


def test_a_round_is_led_to_its_seal_on_both_engines(settings: Settings) -> None:
    office = open_office(settings)
    add_units(office)
    office.sign_in()
    office.send("/office/new-round", **typed())
    make_ready(office.services, SLUG)
    take(office, "open")
    office.send(f"{ROUND}/codes", unit="*", count="3", channel="slip", file_type="csv")
    assert "Giấy mời đưa tận tay" in page(office, ROUND).text
    for step in ("close", "seal"):
        assert path_of(take(office, step)) == f"{ROUND}/{step}/done"
    assert state(office) == "sealed"
    office.services.stores.close()


def test_a_step_that_was_taken_already_changes_nothing(drafted: Office) -> None:
    token = drafted.token(f"{ROUND}/open")
    assert drafted.client.post(f"{ROUND}/open", data={"csrf_token": token}).status_code == 303
    n_events = len(events(drafted))
    again = checked_page(drafted.client.post(f"{ROUND}/open", data={"csrf_token": token}), ROUND)
    assert (again.status, "“Đang mở”" in again.text) == (409, True)
    assert len(events(drafted)) == n_events


def test_a_step_out_of_turn_is_refused_in_the_officers_words(drafted: Office) -> None:
    for step in ("close", "seal", "publish"):
        shown = page(drafted, f"{ROUND}/{step}")
        assert (shown.status, shown.h1) == (409, "Chưa thực hiện được")
        assert "“Bản nháp”" in shown.text
        assert path_of(drafted.client.get(f"{ROUND}/{step}/done")) == ROUND
    token = drafted.token(f"{ROUND}/open")
    assert drafted.client.post(f"{ROUND}/seal", data={"csrf_token": token}).status_code == 409
    assert state(drafted) == "draft"


def test_a_use_case_that_refuses_is_explained_with_its_own_line_below(drafted: Office) -> None:
    keys = drafted.services.settings.instance / "keys"
    take(drafted, "open")
    take(drafted, "close")
    (keys / f"{SLUG}.json").unlink()
    shown = checked_page(take(drafted, "seal"), f"{ROUND}/seal")
    assert (shown.status, shown.h1) == (409, "Chưa thực hiện được")
    assert shown.root.xpath("//*[contains(@class, 'detail')]/text()")
    assert state(drafted) == "closed"


def test_closing_before_the_last_day_is_pointed_out(drafted: Office) -> None:
    take(drafted, "open")
    assert "Theo kế hoạch, đợt nhận phiếu đến hết ngày" in page(drafted, f"{ROUND}/close").text


def test_codes_come_once_as_a_file_that_spreadsheets_read(drafted: Office) -> None:
    take(drafted, "open")
    response = drafted.send(f"{ROUND}/codes", unit="xa-b", count="12", channel="post", file_type="csv")
    assert response.status_code == 200
    assert response.data.startswith(b"\xef\xbb\xbf")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Disposition"] == f"attachment; filename={SLUG}-xa-b.csv"
    rows = list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"))))
    assert [*rows[0]] == ["unit", "code", "url", "channel"]
    assert len({row["code"] for row in rows}) == 12
    services = drafted.services
    for row in rows:
        address, _, qr = row["url"].partition("#")
        assert address == f"https://hailong.example.vn/r/{SLUG}/xa-b"
        for spelling in (row["code"], qr):
            assert read_code(spelling) is not None
            found = find_invitation(services.stores, services.secrets, SLUG, spelling)
            assert found is not None
            assert (found.origin.unit, found.origin.channel) == ("xa-b", "post")
    assert events(drafted)[-1] == (LOGIN, "invitations.issued")
    shown = page(drafted, ROUND)
    cells = [cell.text_content().strip() for cell in shown.root.xpath("//table/tbody/tr/*")]
    assert cells == ["Xã B", "Qua bưu điện", "12", "0", "0,0%"]
    for row in rows:
        assert row["code"] not in shown.text


def test_codes_for_every_unit_come_in_one_workbook_without_formulas(drafted: Office) -> None:
    response = drafted.send(f"{ROUND}/codes", unit="*", count="3", channel="slip", file_type="xlsx")
    sheet = load_workbook(io.BytesIO(response.data)).active
    assert sheet is not None
    rows = list(sheet.iter_rows())
    assert [cell.value for cell in rows[0]] == ["unit", "code", "url", "channel"]
    assert [row[0].value for row in rows[1:]] == ["xa-b"] * 3 + ["xa-c"] * 3
    assert {cell.data_type for row in rows for cell in row} == {"s"}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"unit": ""}, "Hãy chọn một mục"),
        ({"unit": "phuong-a"}, "Hãy chọn một mục"),
        ({"count": "0"}, "từ 1 đến 20.000"),
        ({"count": "20001"}, "từ 1 đến 20.000"),
        ({"count": "1,5"}, "từ 1 đến 20.000"),
        ({"count": "nhiều"}, "từ 1 đến 20.000"),
        ({"channel": "=cmd()"}, "Hãy chọn một mục"),
        ({"file_type": "exe"}, "Hãy chọn một mục"),
    ],
)
def test_a_wrong_request_for_codes_issues_none(drafted: Office, change: dict[str, str], complaint: str) -> None:
    wanted = {"unit": "xa-b", "count": "5", "channel": "slip", "file_type": "csv"} | change
    shown = checked_page(drafted.send(f"{ROUND}/codes", **wanted), f"{ROUND}/codes")
    assert shown.status == 400
    assert complaint in shown.text
    assert "Chưa phát mã mời nào" in page(drafted, ROUND).text


def test_a_closed_round_gets_no_more_codes(drafted: Office) -> None:
    take(drafted, "open")
    token = drafted.token(f"{ROUND}/codes")
    take(drafted, "close")
    wanted = {"unit": "xa-b", "count": "5", "channel": "slip", "file_type": "csv", "csrf_token": token}
    shown = checked_page(drafted.client.post(f"{ROUND}/codes", data=wanted), f"{ROUND}/codes")
    assert (shown.status, "Chỉ phát mã khi" in shown.text) == (409, True)
    assert not page(drafted, ROUND).root.xpath(f"//a[@href='{ROUND}/codes']")


def test_without_a_public_address_no_codes_are_printed(sqlite_settings: Settings) -> None:
    office = open_office(replace(sqlite_settings, public_url=None))
    office.sign_in()
    publish_by_hand(office.services.settings, office.services.stores, sipas_edition())
    office.send("/office/new-round", **(typed() | {"kinds": ["ward"]}))
    shown = checked_page(
        office.send(f"{ROUND}/codes", unit="*", count="1", channel="slip", file_type="csv"), f"{ROUND}/codes"
    )
    assert (shown.status, "HAILONG_PUBLIC_URL" in shown.text) == (409, True)
    assert "Chưa phát mã mời nào" in page(office, ROUND).text
    office.services.stores.close()


def test_a_published_round_lists_its_files(office: Office) -> None:
    edition = sipas_edition()
    folder = publish_by_hand(office.services.settings, office.services.stores, edition)
    shown = page(office, "/office/rounds/sipas-2026")
    links = [link for link in shown.root.xpath("//main//a/@href") if link.startswith("/results/") and "." in link]
    tables = [name for name in file_titles() if (folder / name).exists()]
    assert len(links) == len(edition.units) + len(edition.blocs) + len(tables) >= 3
    for link in links:
        assert office.client.get(link).status_code == 200, link
    (folder / "ranks.csv").write_bytes(b"changed")
    fresh = open_fresh(office)
    assert "Chưa thấy các tệp" in page(fresh, "/office/rounds/sipas-2026").text


def open_fresh(office: Office) -> Office:
    """The same instance as after a restart."""
    from survey.application import create_app

    again = create_app(office.services.settings)
    fresh = Office(again, again.test_client())
    fresh.client.environ_base.update(office.client.environ_base)
    fresh.sign_in()
    return fresh


def test_blocs_have_their_english_names_on_english_pages(office: Office) -> None:
    units = office.services.settings.instance / "units-of-test.csv"
    header, *rows = UNITS_CSV.splitlines()
    named = [f"{header},bloc_en", *(f"{row},Localities" for row in rows)]
    units.write_text("\n".join(named), encoding="utf-8")
    import_units(office.services.stores, units)
    for address in ("/office/units", "/office/new-round"):
        shown = page(office, f"{address}?lang=en").text
        assert "Localities" in shown
        assert "Khối địa phương" not in shown
        assert "Khối địa phương" in page(office, address).text


def test_units_are_listed_with_their_blocs(office: Office) -> None:
    shown = page(office, "/office/units")
    assert [row.text_content() for row in shown.root.xpath("//tbody/tr/th")] == ["Phường A", "Xã B", "Xã C"]
    assert "Khối địa phương" in shown.text
    lines = office.client.get("/office/units.csv").get_data().decode("utf-8-sig").splitlines()
    assert [line.split(",")[2] for line in lines[1:]] == ["phuong-a", "xa-b", "xa-c"]


@pytest.mark.parametrize(
    "address", ["/office/rounds/unknown", "/office/rounds/unknown/open", "/office/rounds/unknown/codes", "/office/x"]
)
def test_an_unknown_address_is_a_page_that_leads_back(office: Office, address: str) -> None:
    shown = page(office, address)
    assert (shown.status, shown.h1) == (404, "Không tìm thấy trang này")
    assert shown.root.xpath("//main//a/@href") == ["/office/"]
