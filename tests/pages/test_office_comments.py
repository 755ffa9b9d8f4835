"""An officer reads comments, covers what names a person, and releases or withholds them (issue 6, S8)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.office import LOGIN, Office, open_office, path_of
from support.pages import Page, checked_page
from support.rounds import SLUG, open_collection
from survey.rounds import close_round
from survey.sealing import seal_round
from survey.settings import Settings
from survey.storage.audit import list_events
from survey.storage.releases import CommentReview
from survey.storage.sessions import reading
from survey.storage.stores import Stores

pytestmark = pytest.mark.slow

ROUND = f"/office/rounds/{SLUG}"
COMMENTS = f"{ROUND}/comments"
REVIEW = f"{COMMENTS}/review"
TEXTS = (
    "Chị Lan ở quầy 3 niềm nở, gọi 0912 345 678",
    "<script>alert(1)</script> \u202eđảo =1+1 👍",
    "한국어",
)


@pytest.fixture
def office(sqlite_settings: Settings, sqlite_stores: Stores, tmp_path: Path) -> Iterator[Office]:
    """An office with a sealed round of twelve people who wrote, four times each text."""
    collection = open_collection(sqlite_settings, sqlite_stores, tmp_path)
    for number, code in enumerate(collection.codes("phuong-a", 12)):
        assert collection.send("phuong-a", code.qr, say=TEXTS[number % 3]) == "received"
    close_round(sqlite_stores, SLUG)
    seal_round(sqlite_stores, collection.secrets, collection.vault, sqlite_settings, SLUG)
    opened = open_office(sqlite_settings)
    opened.sign_in()
    yield opened
    opened.services.stores.close()


def page(office: Office, address: str) -> Page:
    return checked_page(office.client.get(address), address)


def texts_of(shown: Page) -> dict[str, str]:
    """The texts that the page would release, by the comment's place."""
    return {field.get("name").removeprefix("text-"): field.text for field in shown.root.xpath("//textarea")}


def save(office: Office, address: str = REVIEW, **changes: str) -> tuple[int, Page | str]:
    fields = page(office, address).fields(2) | {name: [value] for name, value in changes.items()}
    response = office.client.post(address, data=fields)
    if response.status_code == 303:
        return 303, path_of(response)
    return response.status_code, checked_page(response, address)


def reviews(office: Office) -> dict[int, tuple[str, str, str]]:
    with reading(office.services.stores.office) as session:
        return {row.place: (row.state, row.theme, row.text) for row in session.query(CommentReview)}


def test_comments_are_shown_covered_with_what_the_rules_suggest(office: Office) -> None:
    assert COMMENTS in {link.partition("?")[0] for link in page(office, ROUND).root.xpath("//a/@href")}
    shown = page(office, COMMENTS)
    assert "Còn 12 ý kiến chưa xem, trong tổng số 12" in shown.text
    assert "12 comments of 12 wait" in page(office, f"{COMMENTS}?lang=en").text
    shown = page(office, REVIEW)
    found = set(texts_of(shown).values())
    assert found == {
        "Chị [tên] ở quầy 3 niềm nở, gọi [số điện thoại]",
        "<script>alert(1)</script> đảo =1+1 [biểu tượng]",
        "[chữ khác]",
    }
    assert not shown.root.xpath("//blockquote/script|//textarea/script")
    assert shown.root.xpath("//option[@value='staff'][@selected]")


def test_what_is_decided_is_kept_and_what_is_left_for_later_waits(office: Office) -> None:
    places = list(texts_of(page(office, REVIEW)))
    status, leads = save(office, **{f"state-{places[0]}": "released", f"state-{places[1]}": "withheld"})
    assert (status, leads) == (303, REVIEW)
    kept = reviews(office)
    assert {state for state, _, _ in kept.values()} == {"released", "withheld"}
    assert kept[int(places[1])][2] == ""
    assert len(texts_of(page(office, REVIEW))) == 10
    released = page(office, f"{REVIEW}?state=released")
    assert list(texts_of(released)) == [places[0]]
    assert list(texts_of(page(office, f"{REVIEW}?state=withheld&unit=phuong-a"))) == [places[1]]
    assert texts_of(page(office, f"{REVIEW}?unit=xa-b&offset=999999&state=x")) == {}
    # A decision can be changed.
    assert save(office, f"{REVIEW}?state=released", **{f"state-{places[0]}": "withheld"})[0] == 303
    assert reviews(office)[int(places[0])][0] == "withheld"
    with reading(office.services.stores.office) as session:
        events = [event for event in list_events(session) if event.action.startswith("comment")]
    assert next(event.action for event in reversed(events)) == "comments.opened"
    assert {event.actor for event in events} == {LOGIN}
    assert not any("Lan" in event.subject or "script" in event.subject for event in events)


def test_who_is_about_to_publish_is_told_how_many_comments_wait(office: Office) -> None:
    publish = f"{ROUND}/publish"
    assert "Còn 12 ý kiến chưa duyệt" in page(office, publish).text
    place = next(iter(texts_of(page(office, REVIEW))))
    save(office, **{f"state-{place}": "withheld"})
    assert "Còn 11 ý kiến chưa duyệt" in page(office, publish).text
    assert COMMENTS in page(office, f"{publish}?lang=en").root.xpath("//main//a/@href")[1]


def test_words_that_the_citizen_did_not_write_are_not_saved(office: Office) -> None:
    shown = page(office, REVIEW)
    first, second = list(texts_of(shown))[:2]
    changes = {
        f"state-{first}": "released",
        f"text-{first}": "Tôi rất hài lòng",
        f"state-{second}": "released",
        f"theme-{second}": "other",
    }
    status, again = save(office, **changes)
    assert status == 400
    assert isinstance(again, Page)
    assert "Nội dung chuyển đi phải đúng nguyên văn" in again.text
    assert texts_of(again) == {first: "Tôi rất hài lòng"}
    assert list(reviews(office)) == [int(second)], "what was decided of the others is kept"


def test_made_up_places_and_themes_change_nothing(office: Office) -> None:
    first = next(iter(texts_of(page(office, REVIEW))))
    assert save(office, **{f"state-{first}": "released", f"theme-{first}": "strange"})[0] == 400
    token = office.token(REVIEW)
    for place in ("999", "-1", "x", "9" * 20):
        sent = {"csrf_token": token, "place": place, f"state-{place}": "released", f"text-{place}": "x"}
        assert office.client.post(REVIEW, data=sent).status_code == 303
    assert reviews(office) == {}


def test_where_nobody_wrote_there_is_no_page(office: Office) -> None:
    (office.services.settings.instance / "archives" / SLUG / "comments.enc").unlink()
    assert path_of(office.client.get(COMMENTS)) == ROUND
    assert path_of(office.client.get(REVIEW)) == ROUND
    assert COMMENTS not in page(office, ROUND).root.xpath("//a/@href")
