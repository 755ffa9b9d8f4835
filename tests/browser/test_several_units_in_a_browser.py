"""A firm rates three of nine units on a phone, with and without its script, in both languages (W3)."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from analysis.archive import read_archive
from support.citizens import Asked
from support.firms import COMMUNES, SLUG, add_firm_round, ask_firms, firm_codes, rate_elsewhere
from support.server import RunningServer, running_server
from support.stores import Templates, opened
from survey.rounds import close_round
from survey.sealing import archive_path, seal_round

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NewPage = Callable[..., Page]
CHOSEN = ("06673", "so-xay-dung", "so-y-te")
TALLEST_SMALL_TARGET = 44
WORDS = {
    "vi": {
        "continue": "Tiếp tục",
        "next": "Tiếp tục",
        "send": "Gửi phiếu",
        "back": "Quay lại",
        "change": "Đổi cơ quan",
        "other": "English",
        "received": "Đã nhận phiếu",
    },
    "en": {
        "continue": "Continue",
        "next": "Next",
        "send": "Send",
        "back": "Back",
        "change": "Change the agencies",
        "other": "Tiếng Việt",
        "received": "Received",
    },
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("firms")
    settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    yield ask_firms(settings, stores, folder)
    stores.close()


@pytest.fixture(scope="module")
def server(asked: Asked) -> Iterator[RunningServer]:
    with running_server(asked.settings) as running:
        yield running


def tick(page: Page, name: str, value: str) -> None:
    page.locator("label", has=page.locator(f'input[name="{name}"][value="{value}"]')).click()


def press(page: Page, words: dict[str, str], button: str) -> None:
    page.locator("main").get_by_role("button", name=words[button], exact=True).click()


def to_the_questions(
    page: Page, address: str, code: str, language: str = "vi", units: tuple[str, ...] = CHOSEN
) -> None:
    page.goto(f"{address}{'?lang=en' if language == 'en' else ''}#{code}")
    if page.locator("#code").input_value() == "":
        page.fill("#code", code)
    for unit in units:
        tick(page, "units", unit)
    press(page, WORDS[language], "continue")
    expect(page.locator("[name=change-units]")).to_be_visible()


@pytest.fixture
def form(asked: Asked, server: RunningServer, new_page: NewPage) -> Page:
    """The first part of the questions about three units."""
    page = new_page()
    to_the_questions(page, f"{server.address}/r/{SLUG}", firm_codes(asked)[0].qr)
    return page


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_firms_ratings_travel_from_the_invitation_into_the_archive(
    asked: Asked, server: RunningServer, new_page: NewPage, language: str, script: bool
) -> None:
    slug = f"{language}-{'script' if script else 'plain'}"
    add_firm_round(asked, slug)
    for other in firm_codes(asked, 11, slug):
        rate_elsewhere(asked, other)
    (code,) = firm_codes(asked, slug=slug)
    words = WORDS[language]
    page = new_page(script=script)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(f"{request.method} {request.url}"))
    to_the_questions(page, f"{server.address}/r/{slug}", code.qr, language)
    if script:
        assert "#" not in page.url
    n_before = len(requests)
    tick(page, "has_land", "yes")
    # The units stand in the order of the list, which the language decides.
    chosen = [str(unit.get_attribute("value")) for unit in page.locator("input[name=units]").all()]
    assert sorted(chosen) == sorted(CHOSEN)
    for place, unit in enumerate(chosen, start=1):
        if script:
            press(page, words, "next")
            expect(page.locator("section:not([hidden]) h2")).to_be_focused()
            expect(page.locator("section:not([hidden]) h2 small")).to_contain_text(f"{place}")
        tick(page, f"{unit}.clear", str(place))
        page.fill(f'[name="{unit}.visits"]', str(10 * place))
        if script:
            press(page, words, "next")
        tick(page, f"{unit}.land_fast", "4")
    if script:
        press(page, words, "next")
        assert len(requests) == n_before, "nothing is requested until the form is sent"
    page.fill("[name=say]", "Cảm ơn")
    press(page, words, "send")
    expect(page.locator("main")).to_have_attribute("data-state", "received")
    expect(page.locator("h1")).to_have_text(words["received"])
    assert page.url == f"{server.address}/r/{slug}/received{'?lang=en' if language == 'en' else ''}"
    # The first request is typed by the test itself; its fragment never leaves the browser.
    assert not any(secret in line for line in requests[1:] for secret in (code.qr, code.typed, *CHOSEN))
    assert {line.partition("?")[2] for line in requests} <= {"", "lang=en", f"lang=en#{code.qr}"}

    close_round(asked.stores, slug)
    seal_round(asked.stores, asked.secrets, asked.vault, asked.settings, slug)
    rows = read_archive(archive_path(asked.settings, slug)).contents.responses.to_pylist()
    assert len(rows) == 11 + len(CHOSEN)
    ours = {row["unit"]: row for row in rows if row["has_land"] == "yes"}
    assert {unit: (row["clear"], row["visits"], row["land_fast"]) for unit, row in ours.items()} == {
        unit: (str(place), 10.0 * place, "4") for place, unit in enumerate(chosen, start=1)
    }
    assert len({row["ballot"] for row in ours.values()}) == 1


def test_no_more_units_can_be_ticked_than_may_be_rated(server: RunningServer, new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"{server.address}/r/{SLUG}")
    for unit in CHOSEN:
        tick(page, "units", unit)
    expect(page.locator("#chosen")).to_have_text(
        "Đã chọn 3/3 cơ quan. Muốn chọn cơ quan khác, hãy bỏ chọn một cơ quan."
    )
    expect(page.locator('input[value="06652"]')).to_be_disabled()
    tick(page, "units", CHOSEN[0])
    expect(page.locator("#chosen")).to_have_text("Đã chọn 2/3 cơ quan.")
    expect(page.locator('input[value="06652"]')).to_be_enabled()


def test_without_a_script_too_many_units_are_said_and_stay_ticked(
    asked: Asked, server: RunningServer, new_page: NewPage
) -> None:
    page = new_page(script=False)
    page.goto(f"{server.address}/r/{SLUG}")
    expect(page.locator("#search")).to_be_hidden()
    page.fill("#code", firm_codes(asked)[0].typed)
    for unit in COMMUNES:
        tick(page, "units", unit)
    press(page, WORDS["vi"], "continue")
    expect(page.locator("#problems")).to_contain_text("Ông/bà đã chọn 5 cơ quan.")
    expect(page.locator("input[name=units]:checked")).to_have_count(5)


def test_a_missing_code_and_missing_units_are_said_before_anything_is_sent(
    server: RunningServer, new_page: NewPage
) -> None:
    page = new_page()
    page.goto(f"{server.address}/r/{SLUG}")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    press(page, WORDS["vi"], "continue")
    expect(page.locator("#problems")).to_be_focused()
    page.get_by_role("link", name="Hãy chọn ít nhất một cơ quan.").click()
    expect(page.locator("#q-units")).to_be_focused()
    expect(page.locator("#q-units-e")).to_be_visible()
    tick(page, "units", "06673")
    expect(page.locator("#q-units-e")).to_have_count(0)
    assert requests == []


def test_units_are_found_by_former_place_and_procedure_and_those_ticked_stay_in_sight(
    server: RunningServer, new_page: NewPage
) -> None:
    page = new_page()
    page.goto(f"{server.address}/r/{SLUG}")
    tick(page, "units", "so-y-te")
    search = page.get_by_label("Tìm theo tên")
    search.fill("hung thang")
    expect(page.locator("#units label:visible")).to_have_count(2)
    expect(page.locator("label", has_text="Phường Bãi Cháy")).to_contain_text("Phường Hùng Thắng")
    search.fill("giấy phép XÂY")
    expect(page.locator("label", has_text="Sở Xây dựng")).to_contain_text("Cấp giấy phép xây dựng")
    expect(page.locator("label", has_text="Sở Y tế")).to_be_visible()
    expect(page.get_by_role("group", name="Khối phường xã")).to_be_hidden()
    search.fill("hộ kinh doanh")
    expect(page.get_by_role("group", name="Khối phường xã").locator("label:visible")).to_have_count(5)
    search.press("Enter")
    expect(page.locator("#problems")).to_have_count(0)
    search.fill("không có")
    expect(page.locator("#none")).to_have_text("Không tìm thấy cơ quan nào có tên này.")
    search.fill("")
    expect(page.locator("#units label:visible")).to_have_count(9)


@pytest.mark.parametrize("way", ["button", "key"])
def test_the_units_are_changed_and_everything_typed_stays(form: Page, way: str) -> None:
    tick(form, "has_land", "yes")
    press(form, WORDS["vi"], "next")
    tick(form, "06673.clear", "1")
    tick(form, "06673.unclear", "fees")
    # From the second part back to the first, and from there to the units, by the page's buttons or the phone's key.
    if way == "key":
        form.go_back()
        form.go_back()
    else:
        press(form, WORDS["vi"], "back")
        press(form, WORDS["vi"], "change")
    expect(form.locator("#chosen")).to_contain_text("Đã chọn 3/3")
    assert len(form.locator("#code").input_value()) == 22
    tick(form, "units", "so-y-te")
    tick(form, "units", "06652")
    press(form, WORDS["vi"], "continue")
    expect(form.locator("input[name=has_land][value=yes]")).to_be_checked()
    press(form, WORDS["vi"], "next")
    expect(form.get_by_role("heading", name="Cơ quan 1/3: Phường Bãi Cháy")).to_be_visible()
    expect(form.locator('input[name="06673.clear"][value="1"]')).to_be_checked()
    expect(form.locator('input[name="06673.unclear"][value=fees]')).to_be_checked()
    press(form, WORDS["vi"], "next")
    press(form, WORDS["vi"], "next")
    expect(form.get_by_role("heading", name="Cơ quan 2/3: Phường Hà Tu")).to_be_visible()


def test_what_applies_to_one_unit_shows_for_this_unit_alone(form: Page) -> None:
    tick(form, "has_land", "no")
    expect(form.get_by_text("Phần 1/5")).to_be_visible()
    press(form, WORDS["vi"], "next")
    tick(form, "06673.clear", "2")
    expect(form.locator("fieldset", has=form.locator('[name="06673.unclear"]'))).to_be_visible()
    press(form, WORDS["vi"], "next")
    expect(form.get_by_role("heading", name="Sở Xây dựng")).to_be_visible()
    expect(form.locator("fieldset", has=form.locator('[name="so-xay-dung.unclear"]'))).to_be_hidden()


def test_the_other_language_keeps_the_part_and_the_answers(form: Page) -> None:
    tick(form, "has_land", "yes")
    press(form, WORDS["vi"], "next")
    tick(form, "06673.clear", "5")
    form.get_by_role("button", name=WORDS["vi"]["other"]).click()
    expect(form.get_by_role("heading", name="Agency 1 of 3: Bai Chay Ward")).to_be_visible()
    expect(form.locator('input[name="06673.clear"][value="5"]')).to_be_checked()
    expect(form.get_by_text("Part 2 of 8")).to_be_visible()


def test_a_refused_code_shows_the_form_in_one_piece_with_the_field_to_correct_it(
    asked: Asked, server: RunningServer, new_page: NewPage
) -> None:
    page = new_page()
    (code,) = firm_codes(asked)
    rate_elsewhere(asked, code)
    to_the_questions(page, f"{server.address}/r/{SLUG}", code.typed, units=("06673",))
    tick(page, "has_land", "no")
    press(page, WORDS["vi"], "next")
    tick(page, "06673.clear", "4")
    press(page, WORDS["vi"], "next")
    press(page, WORDS["vi"], "send")
    expect(page.locator("#problems")).to_be_focused()
    page.locator("#problems").get_by_role("link").click()
    expect(page.locator("#code")).to_be_focused()
    expect(page.locator('input[name="06673.clear"][value="4"]')).to_be_checked()
    page.fill("#code", firm_codes(asked)[0].typed)
    press(page, WORDS["vi"], "send")
    expect(page.locator("main")).to_have_attribute("data-state", "received")


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
@pytest.mark.parametrize("width", [320, 360, 1280])
def test_neither_page_is_wider_than_the_screen_and_every_target_is_large_enough(
    asked: Asked, server: RunningServer, new_page: NewPage, width: int, script: bool
) -> None:
    def measure(page: Page) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        targets = page.locator(".choices label:visible, main button:visible, input:not([type=hidden]):visible >> nth=0")
        for box in (target.bounding_box() for target in targets.all()):
            assert box is not None
            assert box["height"] >= TALLEST_SMALL_TARGET or box["width"] < TALLEST_SMALL_TARGET

    for language in ("vi", "en"):
        # A tab of its own: a draft of the other language's answers would be filled in again.
        page = new_page(script=script, width=width)
        page.goto(f"{server.address}/r/{SLUG}?lang={language}")
        measure(page)
        code = firm_codes(asked)[0]
        to_the_questions(page, f"{server.address}/r/{SLUG}", code.typed, language)
        measure(page)
