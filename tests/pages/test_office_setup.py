"""An officer sets up a round on three pages, and a green checklist opens it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from questionnaires.model import Text
from support.office import Office, add_units, open_office, path_of
from support.pages import checked_page
from support.readiness import make_ready
from survey.fieldwork import targets_of
from survey.round_records import find_round, list_rounds
from survey.round_setup import setup_of
from survey.services import today
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.sessions import reading
from survey.units import units_on

pytestmark = pytest.mark.slow

SLUG = "thu-2026"
ROUND = f"/office/rounds/{SLUG}"
SETUP = f"{ROUND}/setup"


def begun() -> dict[str, object]:
    return {
        "questionnaire": "sipas/2017.1",
        "title_vi": "Khảo sát thử",
        "title_en": "Trial survey",
        "slug": SLUG,
        "opens_on": today().isoformat(),
        "closes_on": (today() + timedelta(days=29)).isoformat(),
    }


SIZES = {"rule": "circular", "margin": "5", "share": "85", "response": "70", "deff": "1", "fixed": "100"}


def how() -> dict[str, object]:
    return {
        "title_vi": begun()["title_vi"],
        "title_en": begun()["title_en"],
        "opens_on": begun()["opens_on"],
        "closes_on": begun()["closes_on"],
        "channels": ["slip", "post"],
        "languages": ["vi", "en"],
        "issuer_vi": "Sở Nội vụ",
        "issuer_en": "Department of Home Affairs",
        "hotline": "0203 000 000",
        "key_holding": "machine",
        "profile": "share_satisfied",
        "embargo_days": "7",
        "approvals": "2",
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
    assert path_of(office.send("/office/set-up", **begun())) == f"{SETUP}/units"
    return office


def profile_of(office: Office) -> str:
    shown = checked_page(office.client.get(f"{SETUP}/how"), f"{SETUP}/how")
    return str(shown.root.xpath("//select[@name='profile']/option/@value")[0])


def answers(office: Office) -> dict[str, str]:
    """The first answer of every question that asks for one, and the notice read."""
    shown = checked_page(office.client.get(f"{SETUP}/test"), f"{SETUP}/test")
    names = dict.fromkeys(shown.root.xpath("//main//input[@type='radio']/@name"))
    chosen = {name: shown.root.xpath(f"//input[@name='{name}']/@value")[0] for name in names}
    return {"notice_read": "yes", **chosen}


def test_three_pages_and_a_test_lead_to_an_open_round(drafted: Office) -> None:
    office = drafted
    shown = checked_page(office.client.get(f"{SETUP}/units"), f"{SETUP}/units")
    assert shown.root.xpath("//tbody//input[@name='units']/@value") == ["phuong-a", "xa-b", "xa-c"]
    looked = office.send(f"{SETUP}/units", units=["xa-b", "xa-c"], look="1", **SIZES)
    # 2,000 and 3,000 people: 334 and 353 by the circulars.
    assert ("hỏi 687 người" in looked.text, setup_of(office.services.stores, find(office)).n_asked) == (True, None)
    assert path_of(office.send(f"{SETUP}/units", units=["xa-b", "xa-c"], **SIZES)) == f"{SETUP}/how"
    assert find(office).unit_codes == ("xa-b", "xa-c")
    assert path_of(office.send(f"{SETUP}/how", **how() | {"profile": profile_of(office)})) == SETUP
    record, setup = find(office), setup_of(office.services.stores, find(office))
    assert (setup.n_asked, setup.channels, setup.languages) == (687, ("slip", "post"), ("vi", "en"))
    assert b"embargo_days: 7, approvals: 2" in record.plan_source
    before = checked_page(office.client.get(SETUP), SETUP)
    assert len(before.root.xpath("//li[contains(@class, 'is-red')]")) == 1, "nobody has tried the form"
    assert not before.root.xpath(f"//form[contains(@action, '{ROUND}/open')]")
    assert path_of(office.client.get(f"{ROUND}/open")) == SETUP
    assert path_of(office.send(f"{SETUP}/test", **answers(office))) == SETUP
    ready = checked_page(office.client.get(SETUP), SETUP)
    assert ready.root.xpath(f"//form[contains(@action, '{ROUND}/open')]")
    assert path_of(office.send(f"{ROUND}/open", SETUP)) == f"{ROUND}/open/done"
    assert find(office).state == "open"
    assert path_of(office.client.get(f"{SETUP}/units")) == ROUND, "an open round is changed by nobody"


def find(office: Office, slug: str = SLUG):  # type: ignore[no-untyped-def]
    return find_round(office.services.stores, slug)


def test_the_citizens_pages_have_the_languages_that_were_chosen(drafted: Office) -> None:
    make_ready(drafted.services, SLUG)
    drafted.send(f"{SETUP}/how", **how() | {"profile": profile_of(drafted), "languages": []})
    make_ready(drafted.services, SLUG)
    assert path_of(drafted.send(f"{ROUND}/open", SETUP)) == f"{ROUND}/open/done"
    page = drafted.client.get(f"/r/{SLUG}/xa-b?lang=en")
    assert '<html lang="vi">' in page.text


def test_a_draft_gets_another_title_until_it_opens(drafted: Office) -> None:
    changed = how() | {"profile": profile_of(drafted), "title_vi": "Hài lòng 2026", "title_en": "Content 2026"}
    refused = checked_page(drafted.send(f"{SETUP}/how", **changed | {"title_en": " "}), f"{SETUP}/how")
    assert (refused.status, refused.root.xpath("//input[@id='title_vi']/@value")) == (400, ["Hài lòng 2026"])
    assert path_of(drafted.send(f"{SETUP}/how", **changed)) == SETUP
    assert find(drafted).title == Text("Hài lòng 2026", "Content 2026")
    make_ready(drafted.services, SLUG)
    assert path_of(drafted.send(f"{ROUND}/open", SETUP)) == f"{ROUND}/open/done"
    assert path_of(drafted.send(f"{SETUP}/how", "/office/account/password", **changed | {"title_vi": "Khác"})) == ROUND
    assert find(drafted).title.vi == "Hài lòng 2026"


def test_the_monitor_knows_the_sizes_that_were_planned(drafted: Office) -> None:
    stores = drafted.services.stores
    planned = SIZES | {"rule": "fixed", "fixed": "200", "response": "65"}
    for units in (["xa-b", "xa-c"], ["xa-b"]):
        drafted.send(f"{SETUP}/units", units=units, **planned)
        assert targets_of(stores, SLUG) == dict.fromkeys(units, 130), "a unit that is not asked about has no target"
    drafted.send(f"{SETUP}/units", units=["xa-b"], look="1", **planned | {"fixed": "400"})
    assert targets_of(stores, SLUG) == {"xa-b": 130}, "who only looks changes nothing"
    make_ready(drafted.services, SLUG)
    assert path_of(drafted.send(f"{ROUND}/open", SETUP)) == f"{ROUND}/open/done"
    assert "130" in checked_page(drafted.client.get(f"{ROUND}/fieldwork"), f"{ROUND}/fieldwork").text


def test_what_changes_after_the_test_has_to_be_tested_again(drafted: Office) -> None:
    make_ready(drafted.services, SLUG)
    assert path_of(drafted.send(f"{SETUP}/how", **how() | {"profile": profile_of(drafted), "hotline": "1"})) == SETUP
    assert path_of(drafted.client.get(f"{ROUND}/open")) == SETUP
    assert "Chưa ai trả lời thử" in drafted.client.get(SETUP).text


def test_a_test_that_lacks_an_answer_or_the_notice_is_not_one(drafted: Office) -> None:
    response = drafted.send(f"{SETUP}/test", **answers(drafted) | {"notice_read": ""}, notice="")
    assert response.status_code in (303, 400)
    refused = drafted.send(f"{SETUP}/test")
    shown = checked_page(refused, f"{SETUP}/test")
    assert (shown.status, "Hãy đọc rồi đánh dấu" in shown.text) == (400, True)


def test_whoever_has_no_custodians_says_that_the_machine_keeps_the_key(drafted: Office) -> None:
    assert "Chưa chọn ai giữ khóa" in drafted.client.get(SETUP).text
    assert path_of(drafted.send(SETUP)) == SETUP
    assert "Máy chủ này giữ khóa một mình" in drafted.client.get(SETUP).text


def test_the_next_round_takes_over_what_the_last_one_had(drafted: Office) -> None:
    drafted.send(f"{SETUP}/units", units=["xa-c"], **SIZES)
    drafted.send(f"{SETUP}/how", **how() | {"profile": profile_of(drafted)})
    page = checked_page(drafted.client.get(f"/office/set-up?from={SLUG}"), "/office/set-up")
    assert page.root.xpath("//select[@name='questionnaire']/option[@selected]/@value") == ["sipas/2017.1"]
    address = f"/office/set-up?from={SLUG}"
    assert path_of(drafted.send(address, **begun() | {"slug": "lan-hai"})) == "/office/rounds/lan-hai/setup/units"
    second, setup = find(drafted, "lan-hai"), setup_of(drafted.services.stores, find(drafted, "lan-hai"))
    assert (second.unit_codes, second.issuer.vi, setup.channels) == (("xa-c",), "Sở Nội vụ", ("slip", "post"))
    assert b"embargo_days: 7" in second.plan_source
    assert setup.key_holding is None, "whoever held the last key has to be asked again"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"slug": "Đợt 1"}, "Chỉ dùng chữ thường không dấu"),
        ({"title_vi": " "}, "Hãy điền mục này"),
        ({"opens_on": "2020-01-01", "closes_on": "2020-02-01"}, "đã qua"),
        ({"questionnaire": "sipas/0"}, "Hãy chọn một mục"),
    ],
)
def test_a_first_page_that_does_not_hold_creates_nothing(
    office: Office, change: dict[str, object], complaint: str
) -> None:
    shown = checked_page(office.send("/office/set-up", **begun() | change), "/office/set-up")
    assert (shown.status, complaint in shown.text) == (400, True)
    assert list_rounds(office.services.stores) == ()


@pytest.mark.parametrize("change", [{"margin": "x"}, {"margin": "99"}, {"response": "0"}, {"fixed": "-1"}])
def test_sizes_that_cannot_be_are_refused(drafted: Office, change: dict[str, str]) -> None:
    shown = checked_page(drafted.send(f"{SETUP}/units", units=["xa-b"], **SIZES | change), f"{SETUP}/units")
    assert (shown.status, "trong khoảng đã nêu" in shown.text) == (400, True)


def test_units_come_from_a_table_in_any_encoding(office: Office) -> None:
    table = (
        "code,name_vi,name_en,kind,bloc,parent_code,valid_from,valid_to,population,area_km2,source\n"
        "xa-d,Xã Đông Triều,Dong Trieu,commune,Khối địa phương,,2025-07-01,,5000,9,thử\n"
    )
    done = office.hand_in("/office/units/table", {"table": (table.encode("utf-16"), "don-vi.csv")})
    assert "Đã thêm 1, cập nhật 0" in done.text
    assert "Xã Đông Triều" in {unit.name_vi for unit in units_on(office.services.stores, None)}
    refused = office.hand_in("/office/units/table", {"table": (b"a,b\n1,2\n", "x.csv")})
    assert (refused.status_code, "x.csv" in refused.text) == (400, True)


def test_what_was_changed_is_in_the_log_and_nobody_who_answers_is(drafted: Office) -> None:
    drafted.send(f"{SETUP}/units", units=["xa-c"], **SIZES)
    with reading(drafted.services.stores.office) as session:
        actions = [event.action for event in list_events(session, newest=3)]
    assert actions == ["fieldwork.targets_set", "round.set_up", "round.changed"]
