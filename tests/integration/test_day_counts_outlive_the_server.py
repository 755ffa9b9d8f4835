"""What a real server has counted of a day is written down when it is told to stop (issue 7, O5)."""

import signal
from pathlib import Path

import pytest

from support.citizens import UNIT, Asked, ask
from support.played import PlainBrowser, nonce_of
from support.server import running_server
from support.stores import Templates, opened
from survey.fieldwork_days import DayCounts, days_of
from survey.services import today

pytestmark = pytest.mark.slow

N_OPENED, N_ANSWERED = 9, 4


def lead(asked: Asked, address: str) -> None:
    """People who look at the questions, some of whom answer them."""
    codes = asked.codes(count=N_ANSWERED)
    path = f"/r/{asked.slug}/{UNIT}"
    for number in range(N_OPENED):
        # A browser of its own each, so that both workers are asked.
        browser = PlainBrowser(address)
        nonce = nonce_of(browser.get(path))
        if number < N_ANSWERED:
            browser.send(path, {"code": [codes[number].typed], "nonce": [nonce], "overall": ["4"]})
        browser.close()


def test_a_server_that_is_told_to_stop_writes_down_what_it_has_counted(
    tmp_path: Path, store_templates: Templates
) -> None:
    settings = store_templates.new_instance("sqlite", tmp_path / "var")
    stores = opened(settings)
    asked = ask(settings, stores, tmp_path, questionnaire="kinds/1")
    for times in (1, 2):
        with running_server(settings, workers=2) as server:
            lead(asked, server.address)
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(60)
        found = days_of(stores, asked.slug)
        assert found == {UNIT: {today(): DayCounts(times * N_OPENED, times * N_ANSWERED)}}
    stores.close()
