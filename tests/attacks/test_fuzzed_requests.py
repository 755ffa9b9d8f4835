"""Random requests to every route and form meet no failure (criterion 20); `make fuzz` sends a hundred thousand."""

from pathlib import Path

import pytest
from flask import Flask, request

from support.fuzzing import Fuzzer, fuzz
from support.office import open_office
from support.stores import Templates
from survey.settings import Settings

pytestmark = pytest.mark.slow


def test_no_request_meets_a_failure(store_templates: Templates, tmp_path: Path) -> None:
    tally = fuzz(store_templates, tmp_path, seed=2026, count=800)
    assert tally.complaints == []
    assert sum(tally.statuses.values()) == 800
    assert {200, 303, 400, 404, 405} <= set(tally.statuses), "requests went past the first door"


def test_a_route_that_fails_on_odd_bytes_is_found(sqlite_settings: Settings) -> None:
    app: Flask = open_office(sqlite_settings).app
    app.add_url_rule("/odd", "odd", lambda: str(int(request.form.get("count") or "0")), methods=["POST"])
    app.add_url_rule("/bare", "bare", lambda: request.get_data().decode("ascii"), methods=["POST"])
    found = Fuzzer(app, seed=1, only=("/odd", "/bare")).run(400).complaints
    assert any("POST '/odd" in complaint or "POST '/bare" in complaint for complaint in found)
