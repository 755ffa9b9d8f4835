"""The editor of questionnaires as an officer uses it: it saves by itself, and nothing that was typed is lost (O2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Request, expect
from sqlalchemy import update

from support.journeys import NewPage
from support.server import running_server
from support.stores import opened
from survey.office_sessions import IDLE
from survey.officers import create_officer
from survey.questionnaire_drafts import Writer, find_draft, start_from_version
from survey.settings import Settings
from survey.storage.office import OfficerSession
from survey.storage.sessions import writing
from survey.storage.stores import Stores

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

PEOPLE = {"lan": "Nguyễn Thị Lan", "ha": "Trần Thu Hà"}
PASSWORD = "bốn từ chọn bừa"
DRAFT = "/office/questionnaires/drafts/1"
WORDS = "textarea[name='text.vi']"


@dataclass(frozen=True, slots=True)
class Workshop:
    """A running office with a draft, and where its first question is edited."""

    address: str
    stores: Stores
    part: str

    def words(self) -> str:
        """What the store has of the question, in Vietnamese."""
        return str(find_draft(self.stores, 1).tree["sections"][0]["items"][0]["text"]["vi"])


@pytest.fixture
def workshop(sqlite_settings: Settings) -> Iterator[Workshop]:
    stores = opened(sqlite_settings)
    for login, name in PEOPLE.items():
        create_officer(stores, login, name, PASSWORD, actor="command line")
    start_from_version(stores, "sipas/2017.1", Writer("lan", PEOPLE["lan"]), datetime.now(UTC))
    item = find_draft(stores, 1).tree["sections"][0]["items"][0]["id"]
    with running_server(sqlite_settings) as server:
        yield Workshop(server.address, stores, f"{server.address}{DRAFT}/parts/{item}")
    stores.close()


def signs_in(page: Page, workshop: Workshop, login: str = "lan") -> None:
    page.goto(f"{workshop.address}/office/sign-in")
    page.locator("#login").fill(login)
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập", exact=True).click()
    expect(page.locator("h1")).to_have_text("Các đợt khảo sát")


def editor(new_page: NewPage, workshop: Workshop, login: str = "lan") -> Page:
    page = new_page(width=1366, height=768)
    signs_in(page, workshop, login)
    page.goto(workshop.part)
    return page


def test_what_is_typed_is_saved_checked_and_shown_on_the_phone_without_a_button(
    workshop: Workshop, new_page: NewPage
) -> None:
    page = editor(new_page, workshop)
    page.locator(WORDS).fill("Ông/bà chờ có lâu không?")
    expect(page.locator("#state")).to_contain_text("Đã lưu lúc")
    assert workshop.words() == "Ông/bà chờ có lâu không?"
    phone = page.frame_locator("iframe[name=phone]")
    expect(phone.locator("main")).to_contain_text("Ông/bà chờ có lâu không?")
    page.locator(WORDS).fill("")
    expect(page.locator("#problems")).to_contain_text("Chưa có chữ nào ở đây.")
    page.locator(WORDS).fill("Lại có chữ")
    expect(page.locator("#problems")).to_be_hidden()
    page.reload()
    expect(page.locator(WORDS)).to_have_value("Lại có chữ")


def test_a_reload_before_anything_was_saved_loses_nothing(workshop: Workshop, new_page: NewPage) -> None:
    page = editor(new_page, workshop)
    page.on("dialog", lambda dialog: dialog.accept())

    def is_saving(request: Request) -> bool:
        return request.method == "POST" and request.headers.get("x-autosave") == "yes"

    page.route("**/parts/*", lambda route: route.abort() if is_saving(route.request) else route.continue_())
    page.locator(WORDS).fill("Gõ khi mất mạng")
    expect(page.locator("#state")).to_have_class("is-late")
    page.unroute("**/parts/*")
    page.reload()
    expect(page.locator(WORDS)).to_have_value("Gõ khi mất mạng")
    expect(page.locator("#state")).to_contain_text("Đã lưu lúc")
    assert workshop.words() == "Gõ khi mất mạng"


def test_a_session_that_ends_in_the_middle_is_taken_up_again_beside_the_words(
    workshop: Workshop, new_page: NewPage
) -> None:
    page = editor(new_page, workshop)
    with writing(workshop.stores.office) as session:
        session.execute(update(OfficerSession).values(seen=datetime.now(UTC) - IDLE - timedelta(minutes=1)))
    page.locator(WORDS).fill("Gõ khi phiên đã hết")
    again = page.locator("#state a")
    expect(again).to_be_visible()
    assert workshop.words() != "Gõ khi phiên đã hết"
    with page.context.expect_page() as other:
        again.click()
    signs_in(other.value, workshop)
    other.value.close()
    page.locator(WORDS).press_sequentially("!")
    expect(page.locator("#state")).to_contain_text("Đã lưu lúc")
    assert "Gõ khi phiên đã hết" in workshop.words()


def test_two_officers_on_one_question_decide_between_both_versions(workshop: Workshop, new_page: NewPage) -> None:
    mine, theirs = editor(new_page, workshop), editor(new_page, workshop, "ha")
    theirs.locator(WORDS).fill("Bản của Hà")
    expect(theirs.locator("#state")).to_contain_text("Đã lưu lúc")
    mine.locator(WORDS).fill("Bản của Lan")
    expect(mine.locator("#state")).to_have_class("is-late")
    assert workshop.words() == "Bản của Hà", "nothing is written over what a colleague has just saved"
    mine.get_by_role("button", name="Lưu", exact=True).click()
    expect(mine.locator(".problems")).to_contain_text(PEOPLE["ha"])
    expect(mine.locator(".theirs")).to_contain_text("Bản của Hà")
    expect(mine.locator(WORDS)).to_have_value("Bản của Lan")
    mine.get_by_role("button", name="Lưu", exact=True).click()
    expect(mine.locator("#state")).to_contain_text("Đã lưu")
    assert workshop.words() == "Bản của Lan"


def test_without_script_a_button_saves(workshop: Workshop, new_page: NewPage) -> None:
    page = new_page(script=False, width=1366, height=768)
    signs_in(page, workshop)
    page.goto(workshop.part)
    page.locator(WORDS).fill("Không cần kịch bản")
    page.get_by_role("button", name="Lưu", exact=True).click()
    expect(page.locator("#state")).to_contain_text("Đã lưu")
    assert workshop.words() == "Không cần kịch bản"
