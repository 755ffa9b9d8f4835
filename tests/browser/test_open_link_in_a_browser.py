"""A form without a code on a phone: the work is done unseen, and who does no work waits (criterion 34)."""

import json
import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlencode

import pytest
from playwright.sync_api import Page, Request, Route, expect

from support.citizens import UNIT, Asked, ask
from support.server import RunningServer, running_server
from support.stores import Templates, opened
from survey.proofs import WAIT_SECONDS, new_ticket
from survey.round_status import round_status

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NewPage = Callable[..., Page]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("open-link")
    settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    yield ask(settings, stores, folder, questionnaire="kinds/1", open_link_cap=20)
    stores.close()


@pytest.fixture(scope="module")
def server(asked: Asked) -> Iterator[RunningServer]:
    with running_server(asked.settings) as running:
        yield running


def n_spent(asked: Asked) -> int:
    return sum(cell.spent for cell in round_status(asked.stores, asked.secrets, asked.slug).cells)


def choose(page: Page, item: str, option: str) -> None:
    page.locator("label", has=page.locator(f'input[name="{item}"][value="{option}"]')).click()


def answer(page: Page) -> None:
    """From the first page to the last button."""
    page.get_by_role("button", name="Bắt đầu").click()
    choose(page, "overall", "4")
    page.get_by_role("button", name="Tiếp tục").click()
    if page.get_by_role("button", name="Tiếp tục").is_visible():
        page.get_by_role("button", name="Tiếp tục").click()


def pass_time(asked: Asked, page: Page) -> None:
    """From now on the page's ticket is one that was given out long enough ago."""
    old = new_ticket(asked.secrets, asked.slug, UNIT, time.time() - WAIT_SECONDS)

    def exchange(route: Route) -> None:
        fields = parse_qs(route.request.post_data or "", keep_blank_values=True)
        if fields.get("form-ticket", [""])[0]:
            fields["form-ticket"] = [old]
        route.continue_(post_data=urlencode(fields, doseq=True))

    page.route(f"**/r/hai-long/{UNIT}", exchange)


def test_a_phone_proves_its_work_while_its_owner_reads_and_asks_for_nothing_before(
    asked: Asked, server: RunningServer, new_page: NewPage
) -> None:
    before = n_spent(asked)
    page = new_page()
    asked_for: list[str] = []

    def remember(request: Request) -> None:
        asked_for.append(request.url.removeprefix(server.address))

    page.on("request", remember)
    page.goto(f"{server.address}/r/hai-long/{UNIT}")
    page.wait_for_load_state("networkidle")
    assert len(asked_for) <= 3
    assert not any("challenge" in path or "altcha" in path for path in asked_for)
    answer(page)
    expect(page.locator("[name=form-proof]")).not_to_have_value("")
    proof = page.locator("[name=form-proof]").input_value()
    assert set(json.loads(page.evaluate("text => atob(text)", proof))) == {"challenge", "solution"}
    page.get_by_role("button", name="Gửi phiếu").click()
    expect(page.locator("main")).to_have_attribute("data-state", "received")
    assert n_spent(asked) == before + 1


def test_who_has_a_code_does_no_work(asked: Asked, server: RunningServer, new_page: NewPage) -> None:
    (code,) = asked.codes()
    page = new_page()
    asked_for: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    page.goto(f"{server.address}/r/hai-long/{UNIT}#{code.qr}")
    answer(page)
    page.get_by_role("button", name="Gửi phiếu").click()
    expect(page.locator("main")).to_have_attribute("data-state", "received")
    assert not any("challenge" in address for address in asked_for)


def test_a_lost_network_is_asked_again_when_the_form_is_sent(
    asked: Asked, server: RunningServer, new_page: NewPage
) -> None:
    before = n_spent(asked)
    page = new_page()
    page.goto(f"{server.address}/r/hai-long/{UNIT}")
    n_lost = 0

    def lose_first(route: Route) -> None:
        nonlocal n_lost
        n_lost += 1
        route.abort() if n_lost == 1 else route.continue_()

    page.route("**/challenge", lose_first)
    answer(page)
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Gửi phiếu").click()
    expect(page.locator("main")).to_have_attribute("data-state", "received")
    assert n_spent(asked) == before + 1


def test_a_browser_that_cannot_work_has_waited_while_its_reader_answered(
    asked: Asked, server: RunningServer, new_page: NewPage
) -> None:
    before = n_spent(asked)
    page = new_page()
    page.route("**/altcha-pbkdf2.js", lambda route: route.fulfill(status=404))
    page.goto(f"{server.address}/r/hai-long/{UNIT}")
    answer(page)
    expect(page.locator("[name=form-ticket]")).not_to_have_value("")
    pass_time(asked, page)
    page.get_by_role("button", name="Gửi phiếu").click()
    expect(page.locator("main")).to_have_attribute("data-state", "received")
    assert n_spent(asked) == before + 1


def test_without_a_script_the_form_comes_back_once_and_is_received_after_the_wait(
    asked: Asked, server: RunningServer, new_page: NewPage
) -> None:
    before = n_spent(asked)
    page = new_page(script=False)
    page.goto(f"{server.address}/r/hai-long/{UNIT}")
    choose(page, "overall", "4")
    page.get_by_role("button", name="Gửi phiếu").click()
    expect(page.locator("#problems")).to_contain_text(f"{WAIT_SECONDS} giây")
    page.get_by_role("button", name="Gửi phiếu").click()
    expect(page.locator("#problems")).to_contain_text("giây")
    assert n_spent(asked) == before
    pass_time(asked, page)
    page.get_by_role("button", name="Gửi phiếu").click()
    expect(page.locator("main")).to_have_attribute("data-state", "received")
    assert n_spent(asked) == before + 1
