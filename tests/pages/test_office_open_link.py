"""What an officer says and sees of answers without a code (criterion 34)."""

from collections.abc import Iterator

import pytest

from support.office import Office, add_units, open_office, path_of
from support.pages import checked_page
from survey.round_records import find_round, list_rounds
from survey.services import today
from survey.settings import Settings

pytestmark = pytest.mark.slow


def typed() -> dict[str, str | list[str]]:
    """What an officer types on this day."""
    return {
        "title_vi": "Lấy ý kiến mở",
        "title_en": "Open survey",
        "slug": "mo-2026",
        "opens_on": today().isoformat(),
        "closes_on": today().isoformat(),
        "questionnaire": "sipas/2017.1",
        "bloc": "",
        "kinds": ["commune"],
        "issuer_vi": "Sở Nội vụ",
        "issuer_en": "Department of Home Affairs",
    }


@pytest.fixture
def office(sqlite_settings: Settings) -> Iterator[Office]:
    opened = open_office(sqlite_settings)
    add_units(opened)
    opened.sign_in()
    yield opened
    opened.services.stores.close()


def test_an_officer_creates_a_round_with_an_open_link_and_reads_what_that_means(office: Office) -> None:
    offered = checked_page(office.client.get("/office/new-round"), "/office/new-round")
    assert "không bao giờ tính vào chỉ số" in offered.text
    assert offered.fields(form=-1)["open_link_cap"] == ["200"]
    assert path_of(office.send("/office/new-round", **typed(), open_link=["yes"], open_link_cap="30"))
    assert find_round(office.services.stores, "mo-2026").open_link_cap == 30
    shown = checked_page(office.client.get("/office/rounds/mo-2026"), "/office/rounds/mo-2026")
    assert "nhiều nhất 30 phiếu mỗi ngày" in shown.text


def test_without_the_tick_a_round_needs_codes_whatever_the_number_says(office: Office) -> None:
    assert path_of(office.send("/office/new-round", **typed(), open_link_cap="30"))
    assert find_round(office.services.stores, "mo-2026").open_link_cap is None


@pytest.mark.parametrize("change", [{"open_link_cap": "0"}, {"open_link_cap": "10001"}, {"open_link_cap": "nhiều"}])
def test_a_number_that_is_none_is_refused(office: Office, change: dict[str, str]) -> None:
    shown = checked_page(office.send("/office/new-round", **typed(), open_link=["yes"], **change), "/office/new-round")
    assert (shown.status, "từ 1 đến 10.000" in shown.text) == (400, True)
    assert list_rounds(office.services.stores) == ()


def test_a_form_that_rates_several_units_has_no_open_link(office: Office) -> None:
    firms = typed() | {"questionnaire": "ddci/communes-2024.1"}
    shown = checked_page(office.send("/office/new-round", **firms, open_link=["yes"]), "/office/new-round")
    assert (shown.status, "không dùng được đường liên kết mở" in shown.text) == (400, True)
