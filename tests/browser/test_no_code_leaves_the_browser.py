"""What a browser tells along the way (criterion 4): no code in any URL, no Referer, nothing left in its history."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Request, expect

from support.citizens import UNIT, Asked, ask
from support.server import RunningServer, running_server
from support.stores import Templates, opened

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NewPage = Callable[..., Page]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory, store_templates: Templates) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("referers")
    settings = store_templates.new_instance("sqlite", folder / "var")
    stores = opened(settings)
    yield ask(settings, stores, folder, questionnaire="kinds/1")
    stores.close()


@pytest.fixture(scope="module")
def server(instance: Asked) -> Iterator[RunningServer]:
    with running_server(instance.settings) as running:
        yield running


def choose_best(page: Page) -> None:
    page.locator("label", has=page.locator('input[name="overall"][value="5"]')).click()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_neither_code_nor_page_is_told_to_anybody(
    script: bool, instance: Asked, server: RunningServer, new_page: NewPage
):
    code = instance.codes()[0]
    page = new_page(script=script)
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    page.on("request", note)
    address = f"{server.address}/r/{instance.slug}/{UNIT}"
    # With its script the page takes the code out of the address and the history; without it the code is typed.
    page.goto(f"{address}#{code.qr}" if script else address)
    field = page.locator('input[name="code"]')
    if script:
        expect(field).to_have_value(code.qr)
        assert page.url == address
        page.get_by_role("button", name="Bắt đầu").click()
        choose_best(page)
        for _ in range(2):
            page.get_by_role("button", name="Tiếp tục").click()
    else:
        field.fill(code.typed)
        choose_best(page)
    page.get_by_role("button", name="Gửi phiếu").last.click()
    expect(page.locator("main")).to_have_attribute("data-state", "received")
    assert len(asked) >= 3
    for request in asked:
        assert code.qr not in request.url
        assert code.typed not in request.url
        assert not request.all_headers().get("referer")
