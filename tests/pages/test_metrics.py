"""What the machines that watch are told, and what nobody can tell from it (criterion 4, T4)."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from support.citizens import UNIT, ask
from support.stores import Templates, opened
from survey.application import create_app
from survey.errors import BadInput
from survey.settings import Settings
from survey.web.metrics import CONTENT_TYPE, DELAY_SECONDS, STEP, Meters

TOKEN = bytes(range(33, 80))
NOW = 1_795_000_000.0


def numbers(text: str, name: str) -> dict[str, float]:
    found = re.findall(rf"^{name}(\{{[^}}]*\}})? ([0-9.]+)$", text, re.MULTILINE)
    return {labels: float(value) for labels, value in found}


def test_without_a_token_in_the_settings_there_is_no_such_page(tmp_path: Path, store_templates: Templates) -> None:
    app = create_app(store_templates.new_instance("sqlite", tmp_path / "var"))
    assert app.test_client().get("/metrics").status_code == 404


def test_the_token_opens_it_and_nothing_else_does(tmp_path: Path, store_templates: Templates) -> None:
    settings = replace(store_templates.new_instance("sqlite", tmp_path / "var"), metrics_token=TOKEN)
    client = create_app(settings).test_client()
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": ""}, {"X-Forwarded-For": "127.0.0.1"}):
        refused = client.get("/metrics", headers=headers)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "hailong" not in refused.text
    shown = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN.decode()}"})
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, CONTENT_TYPE)
    assert shown.headers["Cache-Control"] == "no-store"


@pytest.mark.slow
def test_no_round_unit_or_person_is_named_and_a_single_citizen_shows_nowhere(
    tmp_path: Path, store_templates: Templates
) -> None:
    settings = replace(store_templates.new_instance("sqlite", tmp_path / "var"), metrics_token=TOKEN)
    stores = opened(settings)
    asked = ask(settings, stores, tmp_path)
    client = create_app(settings).test_client()
    for _ in range(STEP - 1):
        assert client.get(f"/r/{asked.slug}/{UNIT}").status_code == 200
    text = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN.decode()}"}).text
    assert all(value == 0 for labels, value in numbers(text, "hailong_requests_total").items() if "citizen" in labels)
    for name in (asked.slug, UNIT, "127.0.0.1", "/r/"):
        assert name not in text
    stores.close()


def test_citizens_are_told_in_tens_and_late_and_the_office_at_once() -> None:
    meters = Meters()
    meters.told(NOW)
    for _ in range(2 * STEP + 3):
        meters.count("citizen", 200, 0.004)
        meters.count("office", 200, 0.004)
    assert meters.told(NOW + DELAY_SECONDS - 1)[0] == 0
    later = meters.told(NOW + DELAY_SECONDS)
    assert later[0] == 2 * STEP
    assert 2 * STEP + 3 in later
    meters.count("citizen", 200, 0.004)
    assert meters.told(NOW + DELAY_SECONDS + 1)[0] == 2 * STEP


def test_a_failure_is_told_without_delay() -> None:
    meters = Meters()
    meters.count("citizen", 503, 0.2)
    assert meters.failures() == 1


def test_a_weak_token_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret\n")
    file.chmod(0o600)
    with pytest.raises(BadInput, match="expected at least 32"):
        Settings.from_environment({"HAILONG_INSTANCE": str(tmp_path / "var"), "HAILONG_METRICS_TOKEN_FILE": str(file)})
