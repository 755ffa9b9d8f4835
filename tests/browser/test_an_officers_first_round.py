"""A first-time officer opens a round in at most twelve screens, without typing an address (issue 7)."""

from pathlib import Path

import pytest

from support.first_officer import MOST_SCREENS, FirstOfficer
from support.journeys import NewPage
from support.rounds import UNITS_CSV
from support.server import running_server
from support.stores import opened
from survey.officers import create_officer
from survey.round_records import find_round
from survey.settings import Settings
from survey.units import import_units

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

LOGIN, PASSWORD, SLUG = "lan", "bốn từ chọn bừa", "sipas-2026"


def test_a_round_is_open_after_twelve_screens_at_most(
    sqlite_settings: Settings, tmp_path: Path, new_page: NewPage
) -> None:
    stores = opened(sqlite_settings)
    create_officer(stores, LOGIN, "Nguyễn Thị Lan", PASSWORD, actor="command line")
    registry = tmp_path / "units.csv"
    registry.write_text(UNITS_CSV, encoding="utf-8")
    import_units(stores, registry)
    with running_server(sqlite_settings) as server:
        officer = FirstOfficer(new_page(width=1280, height=800))
        officer.signs_in(server.address, LOGIN, PASSWORD)
        officer.sets_up(SLUG, "sipas/2017.1")
        officer.puts_right()
        officer.opens()
    assert len(officer.screens) <= MOST_SCREENS, officer.screens
    assert find_round(stores, SLUG).state == "open"
    stores.close()
